"""
Fifteen time lags of six channels
=================================

How an active region cools, from all pairs of AIA's six coronal channels, in one pass over their frames
(`Viall & Klimchuk 2012 <https://doi.org/10.1088/0004-637X/753/1/35>`__).
"""

import dask
import matplotlib.pyplot as plt

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence, aligned_cubes, time_lag_pairs

# %%
# Eight hours of the six channels that see the corona, opened by their headers.

coronal = a.AttrOr(
    [a.Wavelength(channel * u.AA) for channel in (94, 335, 211, 193, 171, 131)]
)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T22:00"),
    coronal,
    a.heliocloud.Dataset("AIA"),
)
sequence = LazyMapSequence(found).select(quality=0)

# %%
# The active region, held still, in every channel at the same times.

full_disk = sequence.select(wavelnth=171).nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cubes = aligned_cubes(sequence, region, cadence=4 * u.min)

# %%
# All pairs, hot channel first, so that positive lags are cooling. Each frame is read once for all of them.

bounds = [-2, 2] * u.hour
lags, correlations = time_lag_pairs(
    cubes, lag_bounds=bounds, min_correlation=0.4, refine="parabolic"
)
lags, correlations = dask.compute(lags, correlations)
lags.plot(vmin=-6000, vmax=6000)

# %%
# How often each lag occurs, in bins of a minute.

lags.plot_histograms()

# %%
# How well the channels match.

correlations.plot()
plt.show()
