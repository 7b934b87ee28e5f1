"""
Where an active region cools
============================

Eight hours from the search to the time lag, of a simulated Sun; say ``live`` for the real one in HelioCloud.
"""

import sys
import time

import dask
import matplotlib.pyplot as plt
from dask.diagnostics import ProgressBar

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

if simulated := "live" not in sys.argv:
    server, sun = LocalServer().__enter__(), SimulatedSun()
    size = {"n_frames": 120, "shape": (1250, 1250)}
    files = write_bucket(
        server.url, sun, **size, storage_options=server.storage_options
    )
began = time.time()
# %%
# Search. What is found are URLs; nothing is downloaded. Opening them reads headers only.
channels = a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T21:59"),
    channels,
    a.heliocloud.Dataset("AIA"),
)
frames = [LazyMapSequence(table) for table in found]
print(*frames, sep="\n")
# %%
# Hold a region still while the Sun turns, bring both channels to the same times, compare. Still nothing is read.
full_disk = frames[1].nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cubes = [
    sequence.to_cube().derotate_to(region).resample_time(4 * u.min)
    for sequence in frames
]
bounds = [-2, 2] * u.hour
lag = cubes[0].time_lag(
    cubes[1], lag_bounds=bounds, min_correlation=0.4, refine="parabolic"
)
correlation = cubes[0].max_cross_correlation(cubes[1], lag_bounds=bounds)
# %%
# Now everything is read and computed, in one pass.
with ProgressBar(dt=1):
    lag, correlation, image = dask.compute(lag, correlation, cubes[1][60])
print(f"Found in {time.time() - began:.0f} s; time_lag_map.png shows it.")
figure = plt.figure(figsize=(16, 4.5), layout="constrained")
hour = {"vmin": -1 * u.hour, "vmax": 1 * u.hour}
for i, (shown, limits) in enumerate(
    [(image, {}), (lag, hour), (correlation, {})]
):
    shown.plot(
        axes=figure.add_subplot(1, 3, i + 1, projection=shown.wcs), **limits
    )
figure.savefig("time_lag_map.png", dpi=150)
# %%
# Of a simulated Sun the answer is known.
if simulated:
    true_lag = sun.true_lag(193, 171, region)
    for x in range(85, 170, 20):
        print(
            f"pixel {x}, 120: lag {lag.data[120, x]:6.0f} s, true {true_lag[120, x]:6.0f} s"
        )
    print(
        f"{server.bytes_sent / 1e6:.0f} MB were read of files of {files.size.to_value(u.Mbyte):.0f} MB."
    )
    server.__exit__(None, None, None)
