"""
Another instrument, another observer
====================================

STEREO/EUVI looks at the Sun from elsewhere. Derotated to a map of AIA, its images lie on AIA's pixels, at the time of that
map, and channels of both can be compared.

The images of EUVI are made here from those of the simulated Sun, and saved as files; headers and coordinates are those of
the instrument.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

import sunpy.map
from sunpy.coordinates import (
    HeliographicStonyhurst,
    Helioprojective,
    propagate_with_solar_surface,
)

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

# %%
# Files of EUVI on STEREO-A, 20° ahead of the Earth and at 0.96 au: four images, one an hour.

sun = SimulatedSun(longitude=20 * u.deg)
folder = Path(tempfile.mkdtemp())
for hour in range(-2, 2):
    time = sun.time + hour * u.hour
    aia = sunpy.map.Map(*sun.frame(171, time, shape=(600, 600)))
    stereo = SkyCoord(
        20 * u.deg,
        0 * u.deg,
        0.96 * u.au,
        frame=HeliographicStonyhurst(obstime=time),
    )
    header = sunpy.map.make_fitswcs_header(
        (512, 512),
        SkyCoord(
            0 * u.arcsec,
            0 * u.arcsec,
            frame=Helioprojective(
                observer=stereo, obstime=time, rsun=aia.rsun_meters
            ),
        ),
        scale=[5, 5] * u.arcsec / u.pix,
        instrument="SECCHI",
        telescope="STEREO",
        observatory="STEREO_A",
        detector="EUVI",
        wavelength=171 * u.angstrom,
        exposure=2 * u.s,
        unit=u.DN,
    )
    with propagate_with_solar_surface():
        seen = aia.reproject_to(header)
    counts = np.where(np.isfinite(seen.data), seen.data, 0).astype(np.float32)
    fits.PrimaryHDU(counts, fits.Header(dict(header))).writeto(
        folder / f"euvi_{hour + 2}.fits"
    )

# %%
# A sequence opens them as it opens those of AIA.

sequence = LazyMapSequence(folder)
sequence

# %%
# On the pixels of a map of AIA, at its time. What STEREO-A cannot see is missing. The time in the title is the one at which
# the light reaches AIA, half a minute after STEREO-A, which is nearer to the Sun.

aia = sunpy.map.Map(*sun.frame(193, sun.time, shape=(600, 600)))
on_aia = sequence.to_cube().derotate_to(aia)[2].compute()
figure = plt.figure(figsize=(11, 4.6))
original = sequence[2]
original.plot(
    axes=figure.add_subplot(121, projection=original),
    clip_interval=(1, 99.7) * u.percent,
)
on_aia.plot(
    axes=figure.add_subplot(122, projection=on_aia),
    limb=True,
    grid=True,
    colorbar=False,
    vmin=20,
    vmax=300,
)
figure.subplots_adjust(wspace=0.35)
plt.show()
