"""
The speed of a disturbance from a time-distance diagram
=======================================================

A front travels outwards from an active region. Along a path that it follows, brightness over time shows it as an inclined
stripe, whose slope is its speed in the plane of the sky.

The images are those of the simulated Sun, with a front of 120 km/s added to them.
"""

import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

# %%
# Forty minutes of images, one every minute. The front starts beside the region and moves to the lower right.

SPEED = 120 * u.km / u.s
START = (40, 60)  # arcseconds
DIRECTION = np.radians(-20)
sun = SimulatedSun()
times = sun.time + np.arange(-20, 20) * u.min


def frame(time):
    """An image of the simulated Sun with the front."""
    counts, header = sun.frame(171, time, shape=(400, 400))
    image = sunpy.map.Map(counts.astype(np.float32), header)
    places = sunpy.map.all_coordinates_from_map(image)
    x, y = (
        places.Tx.to_value(u.arcsec) - START[0],
        places.Ty.to_value(u.arcsec) - START[1],
    )
    along = x * np.cos(DIRECTION) + y * np.sin(DIRECTION)
    across = y * np.cos(DIRECTION) - x * np.sin(DIRECTION)
    moved = ((time - times[0]) * SPEED / image.dsun).to_value(
        u.arcsec, u.dimensionless_angles()
    )
    front = 60 * np.exp(
        -0.5 * ((along - moved) / 12) ** 2 - 0.5 * (across / 60) ** 2
    )
    return sunpy.map.Map(image.data + front.astype(np.float32), image.meta)


maps = [frame(time) for time in times]

# %%
# The cube is derotated to a part of the map in the middle, so that the path stays on the same plasma.

middle = maps[20]
corner = SkyCoord(
    -300 * u.arcsec, -300 * u.arcsec, frame=middle.coordinate_frame
)
region = middle.submap(corner, width=900 * u.arcsec, height=700 * u.arcsec)
cube = LazyMapSequence(maps).to_cube().derotate_to(region)

# %%
# A path along the direction of the front, and the diagram along it, averaged over 60 arcseconds across. It is lazy until
# ``compute``.

reach = np.array([0, 380])
path = SkyCoord(
    (START[0] + reach * np.cos(DIRECTION)) * u.arcsec,
    (START[1] + reach * np.sin(DIRECTION)) * u.arcsec,
    frame=region.coordinate_frame,
)
diagram = cube.time_distance(path, width=60 * u.arcsec).compute()

# %%
# The crest of each time, while the front is on the path, gives the speed.

excess = diagram.data - np.nanmedian(diagram.data, axis=0)
crest = diagram.length[np.nanargmax(excess, axis=1)].to_value(u.km)
seconds = (diagram.times - diagram.times[0]).to_value(u.s)
on_path = slice(3, 34)
slope, start = np.polyfit(seconds[on_path], crest[on_path], 1)
print(f"{slope:.0f} km/s, where the front has {SPEED:.0f}")

# %%
# The region with the path, and the diagram with the fit.

figure = plt.figure(figsize=(12, 4.2))
axes = cube[20].plot(
    axes=figure.add_subplot(121, projection=cube[20]),
    clip_interval=(1, 99.5) * u.percent,
)
axes.plot_coord(path, color="white")
axes = diagram.plot(axes=figure.add_subplot(122), unit=u.Mm)
axes.plot(
    diagram.times.datetime64[on_path],
    (start + slope * seconds[on_path]) / 1000,
    "k--",
)
figure.subplots_adjust(left=0.08, right=0.97, bottom=0.14, wspace=0.2)
plt.show()
