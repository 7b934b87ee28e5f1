"""Values as messages of errors show them."""

import numpy as np
import pytest

import astropy.units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.time import Time

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.display.images import percentiles


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5 * u.s, "5. s"),
        ([5, 1] * u.percent, "[5., 1.] %"),
        ([[1, 2], [3, 4]] * u.AA, "[[1., 2.], [3., 4.]] Angstrom"),
        (3 * u.dimensionless_unscaled, "3."),
        (Angle(5 * u.deg), "5. deg"),
        (u.Magnitude(3), "3. mag"),
        ([1 * u.s, 2 * u.m], "[1. s, 2. m]"),
        ({"a": (1 * u.s,)}, "{'a': (1. s,)}"),
        (slice(1 * u.s, None), "slice(1. s, None, None)"),
        (np.arange(6) * u.m, "Quantity of shape (6,)"),
        (Time("2018-05-29"), "Time object: scale='utc' format='iso' value=2018-05-29 00:00:00.000"),
        (SkyCoord(0 * u.deg, 1 * u.deg), "SkyCoord (ICRS): (ra, dec) in deg (0., 1.)"),
        ("<Quantity 5 s>", r"'\x3cQuantity 5 s>'"),
        ("<b>", r"'\x3cb>'"),
        (["a  b"], "['a  b']"),
    ],
    ids=str,
)
def test_quantities_are_shown_as_a_user_writes_them(value, text):
    assert shown(value) == text


def test_the_error_of_an_interval_of_percentiles_shows_it():
    with pytest.raises(ValueError, match=r"clip_interval is \[5\., 1\.\] %"):
        percentiles([5, 1] * u.percent)
