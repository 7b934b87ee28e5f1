"""A small bucket of AIA images, a cube of them, and what was asked of it."""

import io

import numpy as np

import astropy.units as u
from astropy.io import fits
from astropy.time import Time

import sunpy.map

from sunpy_heliocloud import LazyMapSequence

__all__ = ["REGION", "fill", "frame_requests", "ref_map", "sequence_of"]

START = Time("2018-05-29T18:00:00")
REGION = [4, 5] * u.pix, [15, 17] * u.pix
SIDE = 24


def fill(server, n=40, channel=171):
    """Write ``n`` images, one every four minutes; gives their URLs."""
    rng = np.random.default_rng(channel)
    return [server.write(f"{channel}/{i:04d}.fits", image(i, channel, rng)) for i in range(n)]


def image(i, channel, rng):
    """A file in the manner of HelioCloud, a little different from all others."""
    time = START + i * 4 * u.min
    hdu = fits.CompImageHDU(rng.integers(100, 1000, (SIDE, SIDE), np.int32), compression_type="RICE_1")
    hdu.header.update(
        {
            "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_3", "WAVELNTH": channel, "WAVEUNIT": "angstrom",
            "EXPTIME": 2 + i / 1000, "DATE-OBS": time.isot, "T_OBS": (time + 1.1 * u.s).isot, "QUALITY": 0,
            "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
            "CDELT1": 20.0, "CDELT2": 20.0, "CRPIX1": 12.5 + i / 7, "CRPIX2": 12.5, "CRVAL1": 0.0, "CRVAL2": 0.0,
            "RSUN_REF": 696000000.0, "DSUN_OBS": 1.5e11 + i, "HGLN_OBS": 0.0, "HGLT_OBS": 0.5, "CROTA2": 0.1,
        }
    )  # fmt: skip
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(content)
    return content.getvalue()


def sequence_of(urls, **kwargs):
    """The images as a sequence."""
    return LazyMapSequence(urls, **kwargs)


def ref_map(sequence):
    """A part of the image in the middle."""
    corner, other = REGION
    return sunpy.map.Map(*_plain(sequence[len(sequence) // 2])).submap(corner, top_right=other)


def _plain(one):
    return np.zeros(one.data.shape), one.meta


def frame_requests(server):
    """How many frames were asked for their pixels since the last reset."""
    return sum(request.method == "GET" and request.key.endswith(".fits") for request in server.log)
