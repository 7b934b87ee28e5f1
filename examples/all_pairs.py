"""
Fifteen time lags of six channels
=================================

How a simulated active region cools, from all pairs of AIA's six coronal channels, in one pass over their frames.
"""

import dask
import matplotlib.pyplot as plt

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence, aligned_cubes, time_lag_pairs
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

server, sun = LocalServer().__enter__(), SimulatedSun()
write_bucket(
    server.url,
    sun,
    channels=(94, 131, 171, 193, 211, 335),
    n_frames=120,
    shape=(500, 500),
    storage_options=server.storage_options,
)
# %%
# Eight hours of all channels, opened by their headers.
found = Fido.search(a.Time("2018-05-29T14:00", "2018-05-29T21:59"), a.heliocloud.Dataset("AIA"))
sequence = LazyMapSequence(found)
# %%
# The active region, held still, in every channel at the same times.
full_disk = sequence.select(wavelnth=171).nearest("2018-05-29T18:00")
corner = SkyCoord(-375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cubes = aligned_cubes(sequence, region, cadence=4 * u.min)
# %%
# All pairs, hot first: positive is cooling. Nothing has been read of the pixels so far; now each frame is read once.
lags, correlations = time_lag_pairs(
    cubes, lag_bounds=[-2, 2] * u.hour, min_correlation=0.4, refine="parabolic"
)
lags, correlations = dask.compute(lags, correlations)
lags.plot(vmin=-6000, vmax=6000)
plt.show()
# %%
# How often each lag occurs, in bins of a minute.
lags.plot_histograms()
plt.show()
# %%
# How well the channels match.
correlations.plot()
plt.show()
# %%
# Whether the match of the first pair could be chance: the part of 99 surrogates without any relation that match as well.
hot, cool = (cube.rebin((1, 2, 2)) for cube in (cubes["193"], cubes["171"]))
chance = hot.false_alarm_probability(cool, trials=99, lag_bounds=[-2, 2] * u.hour)
chance.plot()
plt.show()
server.__exit__(None, None, None)
