"""
A first map of time lags
========================

From a search to a map that shows where 193 Å brightens before 171 Å, in twenty lines.
"""

import matplotlib.pyplot as plt

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence

# %%
# Eight hours of two channels. A search finds addresses, and opening reads headers; frames of bad quality are left out.

channels = a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA)
found = Fido.search(
    a.Time("2018-05-29T14:00", "2018-05-29T22:00"),
    channels,
    a.heliocloud.Dataset("AIA"),
)
seq_193, seq_171 = (LazyMapSequence(table).select(quality=0) for table in found)
seq_171

# %%
# The region, and where it lies on the disk.

full_disk = seq_171.nearest("2018-05-29T18:00")
corner = SkyCoord(
    -375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame
)
size = {"width": 500 * u.arcsec, "height": 500 * u.arcsec}
region = full_disk.submap(corner, **size)
axes = plt.subplot(projection=full_disk)
full_disk.plot(axes=axes, clip_interval=(1, 99.9) * u.percent)
full_disk.draw_limb(axes=axes)
full_disk.draw_quadrangle(corner, axes=axes, **size)

# %%
# Both channels are held still while the Sun turns, and brought to the same times. Nothing has been read of the pixels.

cube_193, cube_171 = (
    seq.to_cube().derotate_to(region).resample_time(4 * u.min)
    for seq in (seq_193, seq_171)
)
lag = cube_193.time_lag(
    cube_171, lag_bounds=[-2, 2] * u.hour, min_correlation=0.4
)
lag

# %%
# Plotting reads and computes. Red is where 193 Å leads, as in plasma that cools.

plt.figure()
lag.plot()
plt.show()

# sphinx_gallery_thumbnail_number = 2
