"""
Light curves of a loop, and their correlation
=============================================

What a lag is measured from: the light curves of one place in two channels, and their correlation over lag with its
maximum, the uncertainty of that, and the level that chance reaches.
"""

import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# Both channels around the active region, as in :ref:`sphx_glr_generated_gallery_first_lag_map.py`.

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
cubes = [
    seq.to_cube().derotate_to(region).resample_time(4 * u.min)
    for seq in sequences
]

# %%
# A pixel, and its light curve in both channels. Only the rows around it are read of each frame.

place = SkyCoord(-40 * u.arcsec, 320 * u.arcsec, frame=region.coordinate_frame)
x, y = (int(round(pixel.value)) for pixel in region.world_to_pixel(place))
spots = [cube[:, y : y + 1, x : x + 1].compute() for cube in cubes]

# %%
# Where it is, and how it shines.

figure = plt.figure(figsize=(12, 4.2))
image = cubes[1][60].plot(
    axes=figure.add_subplot(121, projection=region), colorbar=False
)
image.plot_coord(place, "o", mfc="none", mec="cyan", ms=9)
axes = figure.add_subplot(122)
for spot, name in zip(spots, ("193 Å", "171 Å"), strict=True):
    (spot / np.nanmean(spot.data))[:, 0, 0].plot(axes=axes, label=name)
axes.set(title="", ylabel="relative brightness")
axes.legend()

# %%
# How well the two light curves match at every lag.

correlation = spots[0].cross_correlation(spots[1], lag_bounds=[-2, 2] * u.hour)
figure, axes = plt.subplots(figsize=(7, 4.2))
correlation[:, 0, 0].plot(axes=axes)
axes.set_ylim(-1, 1.4)
plt.show()
