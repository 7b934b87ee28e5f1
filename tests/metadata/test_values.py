"""numpy's scalars, 0-d arrays and Quantities in headers count as their values; what is no value is an error."""

import datetime

import dask.array as da
import numpy as np
import pytest
from headers import aia_header

import astropy.units as u
from astropy.io import fits
from astropy.time import Time

import sunpy.map

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.metadata.values import header_of_values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.5, 2.5),
        (np.float32(2.5), 2.5),
        (np.float64(2.5), 2.5),
        (np.int16(7), 7),
        (np.uint64(2**63), 2**63),
        (np.longdouble(2.5), 2.5),
        (np.array(2.5, np.float16), 2.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.5), 2.5),
        (np.array("text"), "text"),
        (np.ma.masked, None),
        (fits.card.Undefined(), None),
        (None, None),
        (u.Unit("DN / s"), "DN / s"),
    ],
)
def test_values(value, expected):
    found = header_of_values({"keyword": value}, "a.fits")["KEYWORD"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"EXPTIME": 2500 * u.ms}, 2.5),
        ({"EXPTIME": 2.5 * u.s, "TIMEUNIT": "ms"}, 2500),
        ({"XPOSURE": np.float32(1.5) * u.min}, 90),
        ({"CDELT1": 0.01 * u.deg, "CUNIT1": "arcsec"}, 36),
        ({"CRVAL2": 36 * u.arcsec, "CUNIT2": "deg"}, 0.01),
        ({"CDELT2": 1 * u.arcmin}, 60),
        ({"CDELT1": 0.01 * u.arcmin / u.pix, "CUNIT1": "arcsec"}, 0.6),
        ({"WAVELNTH": 17.1 * u.nm, "WAVEUNIT": "angstrom"}, 171),
        ({"DSUN_OBS": 1 * u.km}, 1000),
        ({"HGLN_OBS": 60 * u.arcmin}, 1),
        ({"CROTA2": np.pi * u.rad}, 180),
        ({"CRPIX1": 3 * u.pix}, 3),
        ({"OWN": 3 * u.kg}, 3),
    ],
)
def test_quantities_count_in_the_unit_of_their_keyword(header, expected):
    found = next(iter(header_of_values(header, "a.fits").values()))
    assert type(found) is float
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2], (1,), {"a": 1}, {1}, np.arange(2), [1, 2] * u.s, Time("2020-01-01"), datetime.datetime(2020, 1, 1),
        np.datetime64("2020-01-01"), da.ones(()), 1j, b"bytes", object(), len,
    ],
)  # fmt: skip
def test_what_cannot_be_a_value_is_an_error_with_keyword_and_file(value):
    with pytest.raises(TypeError, match=r"KEYWORD=.* of s3://bucket/a.fits cannot be a value"):
        header_of_values({"keyword": value}, "s3://bucket/a.fits")


def test_a_quantity_of_another_kind_is_an_error_with_keyword_and_file():
    with pytest.raises(u.UnitConversionError, match="EXPTIME=3.0 m of a.fits must be in s"):
        header_of_values({"EXPTIME": 3 * u.m}, "a.fits")


def test_comments_and_cards_of_astropy():
    header = fits.Header([("EXPTIME", 2.0)])
    header["HISTORY"] = "one"
    header["HISTORY"] = "two"
    assert header_of_values(header, "a.fits") == {"EXPTIME": 2.0, "HISTORY": "one\ntwo"}
    assert header_of_values({"KEYCOMMENTS": {"a": "b"}}, "a.fits") == {"KEYCOMMENTS": {"a": "b"}}


def commented():
    """A header of astropy with commentary and blank cards."""
    header = fits.Header({key: value for key, value in aia_header().items() if not key.startswith("NAXIS")})
    for line in ("one", "two"):
        header.add_comment(line)
        header.add_history(line)
        header.append(("", line), end=True)
    header.append(fits.Card("NOTHING", fits.card.Undefined()))
    return header


@pytest.mark.parametrize("kind", [lambda header: header, dict], ids=["Header", "dict of a Header"])
def test_maps_of_headers_with_commentary_and_blank_cards_are_a_source(kind):
    m = sunpy.map.Map(np.ones((20, 30)), kind(commented()))
    seq = LazyMapSequence([m])
    assert seq[0].meta["comment"] == seq[0].meta["history"] == "one\ntwo"
    assert "" not in seq[0].meta
    assert seq.to_cube().shape == (1, 20, 30)


@pytest.mark.parametrize(
    "change",
    [lambda header: commented(), lambda header: dict(commented()), lambda header: sunpy.map.Map(np.ones((20, 30)), commented()).meta],
    ids=["Header", "dict of a Header", "meta of a Map"],
)  # fmt: skip
def test_update_headers_takes_commentary_and_blank_cards(change):
    seq = LazyMapSequence(sunpy.map.Map(np.ones((20, 30)), aia_header())).update_headers(change)
    assert seq[0].meta["comment"] == seq[0].meta["history"] == "one\ntwo"
    assert seq.times[0].isot[:10] == "2018-05-29"


@pytest.mark.parametrize(
    "value", [np.ma.masked, np.ma.masked_array(1.0, mask=True)], ids=["masked", "0-d array"]
)
def test_a_masked_value_is_a_blank_one(value):
    assert header_of_values({"X": value}, "a.fits") == {"X": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"CRPIX1": np.nan}, "CRPIX1=nan is no number"),
        ({"CDELT2": 0.0}, "CDELT2=0, but a pixel has a size"),
        ({"CTYPE1": "HPLN-XXX"}, "sunpy makes no Map of it"),
        ({"EXPTIME": np.inf}, "EXPTIME=inf is no exposure time"),
    ],
    ids=str,
)
def test_update_headers_names_what_spoils_a_header_and_its_file(tmp_path, change, message):
    path = tmp_path / "a.fits"
    sunpy.map.Map(np.ones((20, 30), "f4"), aia_header(BLANK=None)).save(path)
    with pytest.raises(ValueError, match=f"{path} that cannot be used: {message}"):
        LazyMapSequence(path).update_headers(lambda header: header | change)


def test_update_headers_leaves_problems_that_were_there(tmp_path):
    m = sunpy.map.Map(np.ones((20, 30)), aia_header())
    m.meta["exptime"] = np.inf  # sunpy does not mind
    assert (
        LazyMapSequence([m]).update_headers(lambda header: header | {"LVL_NUM": 1.0})[0].meta["lvl_num"] == 1
    )
