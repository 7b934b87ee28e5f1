"""
Before and after derotation
===========================

The Sun turns an active region by about ten seconds of arc an hour across the detector. On the left the pixels of the
detector stay, on the right the plasma does.
"""

import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# A frame every half hour for eight hours.

day = a.Time("2018-05-29T14:00", "2018-05-29T22:00")
found = Fido.search(day, a.heliocloud.Dataset("aia_0171"), a.Sample(30 * u.min))
sequence = LazyMapSequence(found).select(quality=0)
full_disk = sequence.nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)

# %%
# The same pixels of every frame, and the same plasma. Only the rows of the region are read of each file.

frames = sequence.to_cube()
x, y = (
    int(round(edge.value))
    for edge in full_disk.world_to_pixel(region.bottom_left_coord)
)
before = frames[
    :, y : y + region.data.shape[0], x : x + region.data.shape[1]
].compute()
after = frames.derotate_to(region).compute()

# %%
# A film of both. ``after.save_movie("region.mp4")`` writes one of a single cube, and ``after.animate()`` shows it with a
# slider in a notebook.

figure = plt.figure(figsize=(8, 3.8))
limits = {"vmin": 20, "vmax": 400, "colorbar": False}
panels = [
    (
        cube,
        cube[0].plot(
            axes=figure.add_subplot(1, 2, i + 1, projection=region), **limits
        ),
    )
    for i, cube in enumerate((before, after))
]
title = figure.suptitle("")
figure.subplots_adjust(wspace=0.35, top=0.85)


def draw(plane):
    for (cube, axes), name in zip(
        panels, ("pixels of the detector", "derotated"), strict=True
    ):
        axes.images[0].set_data(cube.data[plane])
        axes.set_title(name)
    title.set_text(before[plane].plot_title)


film = FuncAnimation(figure, draw, len(before.times), interval=150)
plt.show()
