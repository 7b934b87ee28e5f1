"""Headers as instruments have them, for tests."""

import functools
from pathlib import Path

import numpy as np

import astropy.units as u
from astropy.io import fits

import sunpy.map
from sunpy.data.test import get_test_filepath

from sunpy_heliocloud.simulation import SimulatedSun

__all__ = ["aia_header", "map_of", "real_header"]

SUN = SimulatedSun()


def aia_header(minutes=0.0, channel=171, **changes):
    """A header as HelioCloud has them; `None` takes a keyword away."""
    header = _simulated_header(minutes, channel) | {"NAXIS": 2, "NAXIS1": 30, "NAXIS2": 20}
    header |= {key.replace("__", "-"): value for key, value in changes.items()}
    return {key: value for key, value in header.items() if value is not None}


@functools.cache
def _simulated_header(minutes, channel):
    _, header = SUN.frame(channel, SUN.time + minutes * u.min, (2 + minutes / 100) * u.s, shape=(20, 30))
    return {key: header[key] for key in header if key not in ("", "COMMENT", "HISTORY")}


def map_of(header):
    return sunpy.map.Map(np.zeros((header["NAXIS2"], header["NAXIS1"])), header)


def real_header(name, **changes):
    """The header of a real file, from sunpy's test data; `None` takes a keyword away, ``__`` stands for ``-``."""
    text = Path(get_test_filepath(f"{name}.header")).read_text()
    cards = fits.Header.fromstring(text, sep="\n")
    header = {
        keyword.upper(): value
        for keyword, value in cards.items()
        if keyword not in ("", "COMMENT", "HISTORY") and not isinstance(value, fits.card.Undefined)
    }
    header |= {key.replace("__", "-"): value for key, value in changes.items()}
    header |= {"NAXIS": 2, "NAXIS1": header.get("NAXIS1", 32), "NAXIS2": header.get("NAXIS2", 32)}
    return {keyword: value for keyword, value in header.items() if value is not None}
