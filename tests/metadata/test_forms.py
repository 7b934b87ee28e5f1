"""Times of many headers whose Map class has rules of its own: the same as those of the class, asked for a few."""

import numpy as np
import pytest
from headers import map_of

import astropy.units as u
from astropy.time import Time

from sunpy.map.sources import EITMap, LASCOMap, MDIMap

from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.forms import times_by_form
from sunpy_heliocloud.metadata.stamps import parse_stamps
from sunpy_heliocloud.metadata.times import Midpoints

GRID = {
    **{"NAXIS": 2, "NAXIS1": 32, "NAXIS2": 32, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"},
    **{"CUNIT1": "arcsec", "CUNIT2": "arcsec", "CDELT1": 60.0, "CDELT2": 60.0},
    **{"CRPIX1": 16.5, "CRPIX2": 16.5, "CRVAL1": 0.0, "CRVAL2": 0.0},
}
LASCO = {"INSTRUME": "LASCO", "DETECTOR": "C2", "TELESCOP": "SOHO"}
EIT = {"INSTRUME": "EIT", "TELESCOP": "SOHO", "WAVELNTH": 195, "WAVEUNIT": "angstrom"}
MDI = {"INSTRUME": "MDI", "TELESCOP": "SOHO", "CONTENT": "MAGNETOGRAM", "CAMERA": 1}
STARTS = Time("2016-12-31T23:40:00") + np.arange(30) * 111.25 * u.s


def texts(form):
    """The times in a form of `strftime`, milliseconds as ``%f`` of three digits."""
    return [start.strftime(form) for start in STARTS]


def split_keywords(form, date="DATE-OBS", clock="TIME-OBS"):
    return [dict(zip((date, clock), text.split("|"), strict=True)) for text in texts(form)]


def one_keyword(form, keyword="DATE-OBS"):
    return [{keyword: text} for text in texts(form)]


FORMS = {
    "LASCO, date and time of day": (LASCO, LASCOMap, split_keywords("%Y/%m/%d|%H:%M:%S.%f")),
    "LASCO, with hyphens": (LASCO, LASCOMap, split_keywords("%Y-%m-%d|%H:%M:%S.%f")),
    "LASCO, underscores": (
        LASCO,
        LASCOMap,
        split_keywords("%Y-%m-%d|%H:%M:%S.%f", "DATE_OBS", "TIME_OBS"),
    ),
    "LASCO, date with a time of day beside another": (
        LASCO,
        LASCOMap,
        [one | {"TIME-OBS": "11:22:33"} for one in one_keyword("%Y-%m-%dT%H:%M:%S.%f")],
    ),
    "EIT, DATE_OBS before an old DATE-OBS": (
        EIT,
        EITMap,
        [
            one | old
            for one, old in zip(
                one_keyword("%Y-%m-%dT%H:%M:%S.%fZ", "DATE_OBS"), one_keyword("%d-%b-%y"), strict=True
            )
        ],
    ),
    "EIT, DATE-OBS": (EIT, EITMap, one_keyword("%Y/%m/%d %H:%M:%S.%f")),
    "MDI": (MDI, MDIMap, one_keyword("%Y.%m.%d_%H:%M:%S_TAI", "DATE_OBS")),
    "MDI, of Helioviewer": (MDI, MDIMap, one_keyword("%Y-%m-%dT%H:%M:%S.%f")),
}
FORMS["LASCO, in two forms"] = (
    LASCO,
    LASCOMap,
    [pair[i % 2] for i, pair in enumerate(zip(FORMS["LASCO, with hyphens"][2], one_keyword("%Y-%m-%dT%H:%M:%S.%f"), strict=True))],
)  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_times_of_many_headers_of_a_class_are_its_own(name):
    common, cls, dates = FORMS[name]
    headers = [GRID | common | date | {"EXPTIME": 25.0 + i / 100} for i, date in enumerate(dates)]
    assert type(map_of(headers[0])) is cls
    found = Midpoints(HeaderColumns.from_headers(headers))
    assert found.reasons == [None] * len(headers)
    expected = [
        map_of(header).date.utc + header["EXPTIME"] / 2 * u.s
        for header in (headers[0], headers[17], headers[29])
    ]
    np.testing.assert_allclose((found.times[[0, 17, 29]] - Time(expected)).to_value(u.s), 0, atol=1e-6)
    starts = found.times - (12.5 + np.arange(30) / 200) * u.s
    if "MDI" not in name:
        np.testing.assert_allclose((starts - STARTS).to_value(u.s), 0, atol=1e-6)


def test_one_header_of_many_that_is_no_time_is_named_and_the_others_have_theirs():
    dates = FORMS["LASCO, date and time of day"][2]
    headers = [GRID | LASCO | date for date in dates]
    headers[7] = headers[7] | {"DATE-OBS": "2016/13/31"}
    headers[8] = headers[8] | {"DATE-OBS": "bad"}
    found = Midpoints(HeaderColumns.from_headers(headers))
    assert [i for i, reason in enumerate(found.reasons) if reason] == [7, 8]
    others = np.delete(np.arange(30), (7, 8))
    moved = (Time(*found.days[:, others], format="jd", scale="utc") - STARTS[others]).to_value(u.s)
    np.testing.assert_allclose(moved, 0, atol=1e-6)


def test_a_class_is_asked_for_few_headers_of_a_form():
    stamps = (Time("2020-01-01") + np.arange(1000) * u.min).isot.tolist()
    asked = []

    def ask(i):
        asked.append(i)
        return Time(stamps[i])

    days, rest = times_by_form({"DATE-OBS": stamps}, np.full(1000, 0.5), ask, parse_stamps)
    assert len(asked) == 3
    assert not rest
    np.testing.assert_allclose((Time(*days, format="jd") - Time(stamps)).to_value(u.s), 0, atol=1e-6)


def test_headers_are_asked_for_one_by_one_where_two_rules_hold_for_some():
    first = (Time("2020-01-01") + np.arange(30) * u.min).isot.tolist()
    second = list(first)
    second[5] = "2021-01-01T00:00:00.000"
    _, rest = times_by_form(
        {"DATE-OBS": first, "DATE-BEG": second}, np.zeros(30), lambda i: Time(first[i]), parse_stamps
    )
    assert rest == list(range(30))


def test_headers_are_asked_for_one_by_one_where_no_rule_holds():
    stamps = (Time("2020-01-01") + np.arange(30) * u.min).isot.tolist()
    _, rest = times_by_form(
        {"DATE-OBS": stamps}, np.zeros(30), lambda i: Time(stamps[i]) + i * u.s, parse_stamps
    )
    assert rest == list(range(30))
