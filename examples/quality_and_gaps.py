"""
Frames that are missing or bad
==============================

No archive is complete. Which frames are missing, which are damaged, and what becomes of them on the way to a lag.
"""

import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# The display of a sequence lists its gaps and the frames whose ``QUALITY`` is not zero.

day = a.Time("2018-05-29T14:00", "2018-05-29T22:00")
sequence = LazyMapSequence(Fido.search(day, a.heliocloud.Dataset("aia_0171")))
sequence

# %%
# A frame of bad quality, and the good one before it.

bad = int(np.flatnonzero(sequence.table["QUALITY"])[0])
figure = plt.figure(figsize=(10, 4.4))
for column, index in enumerate((bad - 1, bad)):
    axes = figure.add_subplot(1, 2, column + 1, projection=sequence[index])
    sequence[index].plot(axes=axes, clip_interval=(1, 99.9) * u.percent)
    axes.set_title(
        f"{sequence.times[index].strftime('%H:%M')}, QUALITY {sequence.table['QUALITY'][index]}"
    )
figure.subplots_adjust(wspace=0.4)

# %%
# ``select`` leaves it out. Resampling interpolates over single missing frames, and leaves longer gaps NaN: ``max_gap`` is
# by default twice the cadence.

good = sequence.select(quality=0)
full_disk = good.nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
cube = good.to_cube().derotate_to(region)
x, y = (int(pixel.value) for pixel in region.world_to_pixel(region.center))
observed = cube[:, y : y + 1, x : x + 1].compute()
resampled, bridged = (
    observed.resample_time(4 * u.min, max_gap=gap) for gap in (None, 1 * u.hour)
)
print(
    f"{np.isnan(resampled.data).sum().compute()} of {resampled.shape[0]} planes are NaN by default"
)

# %%
# The light curve of the pixel in the middle.

figure, axes = plt.subplots(figsize=(9, 4))
bridged[:, 0, 0].plot(
    axes=axes, color="C1", marker="", label="max_gap=1 * u.hour"
)
resampled[:, 0, 0].plot(
    axes=axes, color="C0", marker=".", label="resampled to 4 minutes"
)
observed[:, 0, 0].plot(
    axes=axes, color="black", marker="+", ls="", ms=5, label="frames"
)
axes.set_ylim(top=680)
axes.legend(loc="upper center", ncols=3)
plt.show()

# sphinx_gallery_thumbnail_number = 2
