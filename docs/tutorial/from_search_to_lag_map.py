"""
***********************************
From a search to a map of time lags
***********************************

The corona is a million degrees hot, and why is an open question (`Klimchuk 2006 <https://doi.org/10.1007/s11207-006-0055-z>`__).
One answer is that its plasma is heated now and then, by many small releases of energy, and cools in between
(`Parker 1988 <https://doi.org/10.1086/166485>`__).
The channels of the Atmospheric Imaging Assembly (AIA, `Lemen et al. 2012 <https://doi.org/10.1007/s11207-011-9776-8>`__) are
sensitive to different temperatures: 193 Å to about 1.6 MK, 171 Å to about 0.6 MK.
Plasma that cools therefore brightens in 193 Å first, and in 171 Å later.
The delay, the *time lag*, is a measure of how fast it cools
(`Viall & Klimchuk 2012 <https://doi.org/10.1088/0004-637X/753/1/35>`__), and maps of it tell how often it is heated
(`Barnes et al. 2019 <https://doi.org/10.3847/1538-4357/ab290c>`__).

This page makes such a map. Everything on it has been run, on eight hours of a simulated Sun whose time lags are known.
The same lines read the real archive where there is a network, and :ref:`a simulated one <simulated-archive>` where there is none.
"""

# %%
# Search
# ======
#
# NASA's HelioCloud keeps one image of each channel every four minutes. ``import sunpy_heliocloud`` teaches sunpy's ``Fido``
# to find them.

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud

channels = a.Wavelength(193 * u.angstrom) | a.Wavelength(171 * u.angstrom)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T22:00"),
    channels,
    a.heliocloud.Dataset("AIA"),
)
found[0][:4]

# %%
# There is a table for each channel with a line for each file, in the order of time, of which these are the first. Nothing has been downloaded.
#
# Open
# ====
#
# A sequence opens the files. Of each it reads the header, of many at a time, and no pixels.

from sunpy_heliocloud import LazyMapSequence

seq_193, seq_171 = (LazyMapSequence(table) for table in found)
seq_171

# %%
# Five frames are missing, and two are marked as bad (``QUALITY``). These are left out:

seq_193, seq_171 = seq_193.select(quality=0), seq_171.select(quality=0)

# %%
# The times are those of the middle of each exposure, which are neither those in the names of the files nor ``DATE-OBS``:

print(seq_193.times[:2].isot)
print(seq_171.times[:2].isot)

# %%
# An item of a sequence is a sunpy Map, whose pixels are read when they are needed. ``nearest`` finds it by time. Here is the
# frame of the middle, and in it the active region that this page is about.

import matplotlib.pyplot as plt

from astropy.coordinates import SkyCoord

full_disk = seq_171.nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
size = {"width": 500 * u.arcsec, "height": 500 * u.arcsec}
axes = plt.subplot(projection=full_disk)
full_disk.plot(axes=axes, clip_interval=(1, 99.9) * u.percent)
full_disk.draw_quadrangle(corner, axes=axes, **size)

# %%
# Hold the region still
# =====================
#
# The Sun turns the region by about ten seconds of arc an hour, so that a pixel of the detector shows other plasma after a
# few minutes. Derotation resamples each frame to the pixels of one map, here the region in the middle of the time. Each of its
# pixels then shows the same part of the surface in all frames, as it turns with the differential rotation of
# `Howard et al. (1990) <https://doi.org/10.1007/BF00156795>`__. How the pixels are resampled follows
# `DeForest (2004) <https://doi.org/10.1023/B:SOLA.0000021743.24248.b0>`__.

region = full_disk.submap(corner, **size)
cube_193 = seq_193.to_cube().derotate_to(region)
cube_171 = seq_171.to_cube().derotate_to(region)
cube_171

# %%
# ``to_cube`` makes an `ndcube.NDCube` with axes of time, latitude and longitude, in which counts are divided by the exposure
# time. It is lazy, too: what it will read is in the last line of the display, a part of each file. A plane of it costs one
# frame.

plt.figure()
cube_171[56].plot(clip_interval=(1, 99.9) * u.percent)

# %%
# Bring the channels to the same times
# ====================================
#
# The channels are exposed one after the other, and frames are missing. Light curves are compared at common, evenly spaced
# times, which are whole multiples of the cadence. Single missing frames are interpolated; longer gaps stay missing, and
# nothing is extrapolated.

cube_193 = cube_193.resample_time(4 * u.min)
cube_171 = cube_171.resample_time(4 * u.min)

# %%
# The light curves of one pixel, at a place in the outskirts of the region, divided by their means:

import numpy as np

place = SkyCoord(
    -40 * u.arcsec, 320 * u.arcsec, frame=region.coordinate_frame
)
x, y = (int(round(pixel.value)) for pixel in region.world_to_pixel(place))
figure, axes = plt.subplots(figsize=(9, 3.5))
for cube, name in ((cube_193, "193 Å"), (cube_171, "171 Å")):
    spot = cube[:, y : y + 1, x : x + 1].compute()
    (spot / np.nanmean(spot.data))[:, 0, 0].plot(axes=axes, label=name)
axes.set(ylabel="relative brightness", title="")
axes.legend()

# %%
# 171 Å repeats what 193 Å did some time before.
#
# Find the time lag
# =================
#
# How well two light curves match when one is shifted is their cross-correlation. The shift of its maximum is the time lag.
# By definition it is positive where the first channel leads, as in cooling plasma.

correlation = cube_193.cross_correlation(
    cube_171, lag_bounds=[-2, 2] * u.hour
)
figure, axes = plt.subplots(figsize=(9, 3.5))
correlation[:, y, x].plot(axes=axes)
axes.set_ylim(-1, 1.4)

# %%
# The maximum is marked with the uncertainty of its lag. The dashed line is what unrelated light curves with the same spectra
# reach by chance: in 5 % of cases their best correlation, at whatever lag, lies above it.
#
# Now in every pixel. ``min_correlation`` leaves out pixels whose light curves do not match.

options = {
    "lag_bounds": [-2, 2] * u.hour,
    "min_correlation": 0.4,
    "refine": "parabolic",
}
lag = cube_193.time_lag(cube_171, **options)
best = cube_193.max_cross_correlation(
    cube_171, lag_bounds=options["lag_bounds"]
)
lag

# %%
# Still nothing has been read for it. ``dask.compute`` reads and computes, for both maps at once. A warning counts pixels whose
# correlation still rises at the ends of the range of lags; they have no lag.

import dask

lag, best = dask.compute(lag, best)

# %%
# And this is the map.

figure = plt.figure(figsize=(12, 4.6))
lag.plot(
    axes=figure.add_subplot(121, projection=lag),
    vmin=-1 * u.hour,
    vmax=1 * u.hour,
)
best.plot(axes=figure.add_subplot(122, projection=best))
figure.subplots_adjust(wspace=0.45)

# %%
# In the red part 171 Å follows 193 Å by up to an hour, as in plasma that cools from 1.6 to 0.6 MK. In the blue part it leads,
# which cooling cannot do; the simulated Sun has it so that the sign can be seen. Around the region the light curves are
# noise that has nothing in common, so that there is no lag.
#
# Is it right?
# ============
#
# Of the simulated Sun the lag is known in every pixel.

from sunpy_heliocloud.simulation import SimulatedSun

error = lag.data - SimulatedSun().true_lag(193, 171, region)
print(
    f"{np.isfinite(error).sum()} pixels, median error {np.nanmedian(error):.1f} s,"
)
print(
    f"95 % are within {np.nanpercentile(np.abs(error), 95):.0f} s, although frames are 240 s apart."
)

# %%
# Save it
# =======
#
# With its coordinates, and with how it was made:

lag.write("lag_193_171.fits", overwrite=True)
print(sunpy_heliocloud.LagMap.read("lag_193_171.fits"))

# %%
# Where to go from here
# =====================
#
# - :doc:`/topics/trust`: what else can make a lag, and how to tell.
# - :doc:`/generated/gallery/index`: fifteen pairs of channels, the whole disk, films, other instruments.
# - :doc:`/how_to/index`: clusters, missing data, saving, plots for a paper.
# - :doc:`/topics/conventions`: definitions of all numbers.
plt.show()

# sphinx_gallery_thumbnail_number = 5
