"""
Time lags of the whole disk
===========================

No region has to be chosen: the map of reference may be the whole disk. What was behind the limb for some of the frames
is missing there, and reads no pixels.
"""

import dask
import matplotlib.pyplot as plt

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# Eight hours of two channels on pixels of ten arcseconds, at the time of the frame in the middle. Derotation averages
# over these pixels, so that nothing is lost but detail.

channels = a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T22:00"),
    channels,
    a.heliocloud.Dataset("AIA"),
)
sequences = [LazyMapSequence(table).select(quality=0) for table in found]
full_disk = sequences[1].nearest("2018-05-29T18:00")
coarse = full_disk.resample([250, 250] * u.pix)
cubes = [
    seq.to_cube().derotate_to(coarse).resample_time(4 * u.min)
    for seq in sequences
]

# %%
# What this will read, before it does.

cubes[0].estimate()

# %%
# Lags, and how well the channels match.

options = {"lag_bounds": [-2, 2] * u.hour, "min_correlation": 0.5}
lag = cubes[0].time_lag(cubes[1], **options)
correlation = cubes[0].max_cross_correlation(
    cubes[1], lag_bounds=options["lag_bounds"]
)
lag, correlation = dask.compute(lag, correlation)

# %%
# Nothing but the active region varies on this Sun, so that only there the channels match by more than chance.

figure = plt.figure(figsize=(12, 4.6))
for column, shown in enumerate((correlation, lag)):
    axes = figure.add_subplot(1, 2, column + 1, projection=shown)
    shown.plot(
        axes=axes, limb=True, grid={"grid_spacing": 15 * u.deg, "alpha": 0.3}
    )
figure.subplots_adjust(wspace=0.4)
plt.show()
