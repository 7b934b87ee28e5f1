"""
A simulated Sun with known time lags, a HelioCloud bucket with its images, and a server for the bucket on this
machine.

The true derotation and time lags are known, so that a method can be checked from the search to the lag map,
without a network::

    sun = SimulatedSun()
    with LocalServer() as server:
        write_bucket(server.url, sun, n_frames=60, shape=(1250, 1250), storage_options=server.storage_options)
        ...  # search, sequence, cube and time lag as with the real HelioCloud
        truth = sun.true_lag(193, 171, ref_map)
"""

from .bucket import SimulatedBucket, write_bucket
from .frames import CHANNEL_OFFSETS
from .server import LocalServer, LoggedRequest
from .sun import CHANNEL_DELAYS, NOMINAL_EXPOSURE, SimulatedSun

__all__ = [
    "CHANNEL_DELAYS",
    "CHANNEL_OFFSETS",
    "NOMINAL_EXPOSURE",
    "LocalServer",
    "LoggedRequest",
    "SimulatedBucket",
    "SimulatedSun",
    "write_bucket",
]
