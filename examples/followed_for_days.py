"""
An active region followed for days
==================================

From the eastern to the western limb an active region takes two weeks. Derotated, it stays where it is while the disk
turns below the telescope.

The images are made by the simulated Sun, without an archive.
"""

import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

# %%
# An image every four hours for eight days.

sun = SimulatedSun(longitude=0 * u.deg)
times = sun.time + np.arange(-96, 97, 4) * u.hour
sequence = LazyMapSequence(
    [sunpy.map.Map(*sun.frame(171, time, shape=(600, 600))) for time in times]
)

# %%
# The region at the time when it crosses the central meridian, and the days before and after on the same pixels.

middle = sequence.nearest(sun.time)
corner = SkyCoord(-250 * u.arcsec, 0 * u.arcsec, frame=middle.coordinate_frame)
region = middle.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cube = sequence.derotate_to(region).compute()

# %%
# Above, what the telescope saw with the outline of the region that is followed; below, the region.

figure = plt.figure(figsize=(15, 6.4))
for column, day in enumerate((-4, -2, 0, 2, 4)):
    whole, plane = sequence.nearest(sun.time + day * u.day), cube[24 + 6 * day]
    axes = figure.add_subplot(2, 5, column + 1, projection=whole)
    whole.plot(axes=axes, vmin=0, vmax=2000, annotate=False)
    axes.set_title(whole.date.strftime("%B %d"))
    axes.plot_coord(
        sun.region_center(whole.date), "o", mfc="none", mec="cyan", ms=22
    )
    below = figure.add_subplot(2, 5, column + 6, projection=plane)
    plane.plot(axes=below, vmin=25, vmax=600, colorbar=False)
    below.set_title("")
    for one in (axes, below):
        for axis in one.coords:
            axis.set_ticklabel_visible(False)
            axis.set_ticks_visible(False)
            axis.set_axislabel(" ")
figure.subplots_adjust(wspace=0.08, hspace=0.08)

# %%
# Its mean brightness. Near the limb the detector has fewer pixels for it, and derotation enlarges them.

light_curve = cube.rebin((1, *cube.shape[1:]), operation=np.nanmean)[:, 0, 0]
figure, axes = plt.subplots(figsize=(9, 3.5))
light_curve.plot(axes=axes)
axes.set_title("Mean brightness of the region")
plt.show()
