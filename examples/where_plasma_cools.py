"""
Where the plasma cools
======================

The lag of 171 Å behind 193 Å in every pixel of an active region, and how many of its pixels cool: the figure for which
this package was made, with the histogram that belongs to it.
"""

import dask
import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# Both channels around an active region, on common pixels and common times.

channels = a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T22:00"),
    channels,
    a.heliocloud.Dataset("AIA"),
)
sequences = [LazyMapSequence(table).select(quality=0) for table in found]
full_disk = sequences[1].nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cube_193, cube_171 = (
    seq.to_cube().derotate_to(region).resample_time(4 * u.min)
    for seq in sequences
)

# %%
# Lags where the light curves correlate by more than 0.5, finer than the cadence, and the image of 171 Å in the middle of
# the time. All are computed in one pass over the frames.

options = {
    "lag_bounds": [-2, 2] * u.hour,
    "min_correlation": 0.5,
    "refine": "parabolic",
}
lag = cube_193.time_lag(cube_171, **options)
lag, image = dask.compute(lag, cube_171[60])

# %%
# As in `Barnes et al. (2021) <https://doi.org/10.3847/1538-4357/ac1514>`__, zero is a lag of less than a step.

values = lag.data[np.isfinite(lag.data)]
shares = {
    "positive": np.mean(values > 120),
    "zero": np.mean(np.abs(values) <= 120),
    "negative": np.mean(values < -120),
}
for name, share in shares.items():
    print(f"{name:9}{share:6.1%} of {values.size} pixels")

# %%
# The map with contours of the image, and the histogram.

figure = plt.figure(figsize=(11, 4.4))
axes = lag.plot(
    axes=figure.add_subplot(121, projection=lag),
    vmin=-1 * u.hour,
    vmax=1 * u.hour,
)
axes.contour(image.data, levels=[100, 200, 400], colors="black", linewidths=0.6)
axes = lag.plot_histogram(
    figure.add_subplot(122), bin_width=4 * u.min, fill=True, color="0.75"
)
axes.axvline(0, color="black", lw=0.8)
median = np.median(values[values > 120])
axes.axvline(
    median,
    color="C3",
    ls="--",
    label=f"median of the positive lags: {median:.0f} s",
)
axes.set(
    xlim=(-4800, 4800),
    ylim=(0, 500),
    xlabel="time lag [s], positive: 193 Å leads",
)
axes.legend(loc="upper left")
figure.subplots_adjust(wspace=0.5)
plt.show()
