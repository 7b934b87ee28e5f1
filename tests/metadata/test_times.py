"""The time of a frame is the midpoint of its exposure, by sunpy's Map class and the rule of the API."""

import numpy as np
import pytest
from headers import aia_header, map_of, real_header

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.times import Midpoints, midpoints

PLAIN = real_header(
    "HinodeSOT", TIMESYS=None, DATE_OBS=None, DATE_END=None, EXPTIME=None, **{"TIME-OBS": None}
)

GENERIC = {
    "DATE-AVG before all but T_OBS": (
        {"DATE-AVG": "2020-01-01T00:00:05", "DATE-OBS": "2020-01-01"},
        "2020-01-01T00:00:05.000",
    ),
    "T_OBS counts for those whose Map reads it": (
        {"T_OBS": "2020-01-01T00:00:09", "DATE-OBS": "2020-01-01T00:00:05"},
        "2020-01-01T00:00:05.000",
    ),
    "start and half": ({"DATE-OBS": "2020-01-01T00:00:00", "EXPTIME": 3.0}, "2020-01-01T00:00:01.500"),
    "DATE_OBS": ({"DATE_OBS": "2020-01-01T00:00:00", "EXPTIME": 3.0}, "2020-01-01T00:00:01.500"),
    "DATE-BEG": ({"DATE-BEG": "2020-01-01T00:00:00", "XPOSURE": 3, "EXPTIME": 7}, "2020-01-01T00:00:01.500"),
    "DATE-BEG and DATE-END": (
        {"DATE-BEG": "2020-01-01T00:00:00", "DATE-END": "2020-01-01T00:00:09", "EXPTIME": 1.0},
        "2020-01-01T00:00:04.500",
    ),
    "an end on the next day": (
        {"DATE-BEG": "2020-01-01T23:59:00", "DATE-END": "2020-01-02T00:03:00"},
        "2020-01-02T00:01:00.000",
    ),
    "an end after a leap second": (
        {"DATE-BEG": "2016-12-31T23:59:50", "DATE-END": "2017-01-01T00:00:10"},
        "2016-12-31T23:59:60.500",
    ),
    "DATE-END alone, with DATE-OBS": (
        {"DATE-OBS": "2020-01-01T00:00:00", "DATE-END": "2020-01-01T00:00:09", "EXPTIME": 3.0},
        "2020-01-01T00:00:01.500",
    ),
    "DATE-END alone": ({"DATE-END": "2020-01-01T00:00:09", "EXPTIME": 3.0}, "2020-01-01T00:00:07.500"),
    "no exposure": ({"DATE-OBS": "2020-01-01T00:00:00"}, "2020-01-01T00:00:00.000"),
    "exposure of nan": ({"DATE-OBS": "2020-01-01T00:00:00", "EXPTIME": "nan"}, "2020-01-01T00:00:00.000"),
    "exposure in milliseconds": (
        {"DATE-OBS": "2020-01-01T00:00:00", "EXPTIME": 3000.0, "TIMEUNIT": "ms"},
        "2020-01-01T00:00:01.500",
    ),
    "TAI by name": ({"DATE-OBS": "2020.01.01_00:00:37_TAI"}, "2020-01-01T00:00:00.000"),
    "TAI by TIMESYS": ({"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": "TAI"}, "2020-01-01T00:00:00.000"),
    "TT": ({"DATE-OBS": "2020-01-01T00:01:09.184", "TIMESYS": "TT"}, "2020-01-01T00:00:00.000"),
    "GPS": ({"DATE-OBS": "2020-01-01T00:00:18", "TIMESYS": "GPS"}, "2020-01-01T00:00:00.000"),
    "UTC in lower case": ({"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": "utc"}, "2020-01-01T00:00:37.000"),
    "GMT is UTC": ({"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": "GMT"}, "2020-01-01T00:00:37.000"),
    "blank TIMESYS": ({"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": None}, "2020-01-01T00:00:37.000"),
    "empty TIMESYS": ({"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": " "}, "2020-01-01T00:00:37.000"),
    "TIMESYS with a remark": (
        {"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": "UTC (TBR)"},
        "2020-01-01T00:00:37.000",
    ),
    "DATE-OBS that is no time": (
        {"DATE-OBS": "01-JAN-20?", "DATE_OBS": "2020-01-01T00:00:37"},
        "2020-01-01T00:00:37.000",
    ),
    "empty DATE-OBS": ({"DATE-OBS": " ", "DATE_OBS": "2020-01-01T00:00:37"}, "2020-01-01T00:00:37.000"),
    "a leap second": ({"DATE-OBS": "2016-12-31T23:59:60.25", "EXPTIME": 0.5}, "2016-12-31T23:59:60.500"),
    "up to a leap second": ({"DATE-OBS": "2016-12-31T23:59:59.5", "EXPTIME": 2.0}, "2016-12-31T23:59:60.500"),
}


@pytest.mark.parametrize("name", GENERIC)
def test_times_by_the_rules_of_generic_map(name):
    header, expected = GENERIC[name]
    times = midpoints([PLAIN | header])
    assert times.scale == "utc"
    assert times.isot.tolist() == [expected]


@pytest.mark.parametrize("pack", [list, HeaderColumns.from_headers])
def test_times_of_all_kinds_together(pack):
    headers, expected = zip(*GENERIC.values(), strict=True)
    headers = [PLAIN | header for header in headers]
    assert midpoints(pack(headers)).isot.tolist() == list(expected)


# Facts of real files: what each instrument's class reads.
REAL = {
    "T_OBS of AIA": (aia_header(T_OBS="2018-05-29T12:00:09.57Z", DATE__AVG=None), "2018-05-29T12:00:09.570"),
    "T_OBS of HMI in TAI": (real_header("hmi_sharp_magnetogram"), "2024-06-27T23:59:31.212"),
    "T_OBS of an HMI leap second": (
        real_header("hmi_sharp_magnetogram", T_OBS="2017.01.01_00:00:36.500_TAI"),
        "2016-12-31T23:59:60.500",
    ),
    "T_OBS of SUIT": (
        real_header("SUT_T24_0847_000444_Lev1.0_2024-06-28T18.21.33.178_0971NB03"),
        "2024-06-28T18:21:33.178",
    ),
    "LASCO in two keywords": (real_header("lasco_c3"), "2002-05-21T00:18:16.066"),
    "LASCO in one": (real_header("lasco_c2_25299383_s"), "2009-02-28T00:05:45.943"),
    "EIT, whose DATE-OBS is of another form": (real_header("seit_00171_fd_19961211_1900"), "1996-12-11T19:00:14.692"),
    "EIT level 1": (real_header("EIT_header/SOHO_EIT_171_20070601T120013_L1"), "2007-06-01T11:59:05.180"),
    "SUVI by its end": (
        real_header("dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned"),
        "2019-04-03T09:34:08.344",
    ),
    "COR1 by DATE-AVG": (real_header("cor1_20090615_000500_s4c1A"), "2009-06-15T00:05:00.855"),
    "XRT, UTC (TBR)": (real_header("HinodeXRT"), "2006-11-11T00:00:19.206"),
    "SXT, whose DATE-OBS is blank": (real_header("YohkohSXT"), "1991-11-05T11:10:24.518"),
    "GONG in GPS time": (real_header("gong_magnetogram"), "2025-01-09T01:34:58.008"),
    "GONG's synoptic chart": (real_header("gong_synoptic"), "2023-09-30T06:44:00.000"),
    "HXI, with a year of two digits": (
        real_header("hxi_imgcube_01e02t_20230501_130758_HXI_CLEAN_0"),
        "2023-05-01T13:07:59.713",
    ),
    "MDI": (real_header("mdi.fd_M_96m_lev182.20101015_191200_TAI.data"), "2010-10-15T19:12:26.000"),
    "PUNCH": (real_header("punch"), "2025-03-12T03:26:00.000"),
    "PHI": (
        real_header("solo_L2_phi-hrt-blos_20241004T003104_V202506050052_0450040601"),
        "2024-10-04T00:31:45.499",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_times_of_real_headers(name):
    header, expected = REAL[name]
    assert midpoints([header]).isot.tolist() == [expected]


def test_many_headers_of_real_instruments_at_once():
    headers, expected = zip(*REAL.values(), strict=True)
    assert midpoints(HeaderColumns.from_headers(headers)).isot.tolist() == list(expected)


def test_fractions_of_a_millisecond_are_kept():
    [time] = midpoints([aia_header(T_OBS="2018-05-29T12:00:09.5678123Z")])
    assert abs((time - Time("2018-05-29T12:00:09.5678123")).to_value(u.s)) < 1e-8


@pytest.mark.parametrize("timesys", ["TAI", "GPS", "TT", "UTC (TBR)", "", None])
def test_coordinates_have_the_time_of_the_same_time_system(timesys):
    header = PLAIN | {"DATE-OBS": "2020-01-01T00:02:00", "TIMESYS": timesys}
    from sunpy_heliocloud.metadata.maps import empty_map

    assert abs((empty_map(header).reference_date - midpoints([header])[0]).to_value(u.s)) < 1e-6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "none of T_OBS, DATE-AVG.*is a time between.*in the header"),
        ({"DATE-OBS": "yesterday"}, "DATE-OBS='yesterday' is no time"),
        ({"DATE-AVG": "2020-02-30T00:00:00"}, "DATE-AVG='2020-02-30T00:00:00' is no time"),
        ({"DATE-BEG": "2020-02-01", "DATE-END": "later"}, "DATE-END='later' is no time"),
        ({"DATE-OBS": 5.0}, "DATE-OBS=5.0 is no time"),
        ({"DATE-OBS": "2020-01-01", "TIMESYS": "lunar"}, "TIMESYS='lunar' is no time scale"),
        ({"DATE-OBS": "9999-01-01"}, "is no time between the years 1600 and 2200"),
    ],
)
def test_a_header_without_a_time_is_named(changes, reason):
    headers = [PLAIN | changes, PLAIN | {"DATE-OBS": "2020-01-01T00:00:00"}]
    assert Midpoints(headers).reasons[1] is None
    with pytest.raises(ValueError, match=reason):
        midpoints(headers)


def test_no_time_of_a_class_with_rules_of_its_own():
    header = real_header("lasco_c3", **{"DATE-OBS": None, "TIME-OBS": None})
    with pytest.raises(ValueError, match="LASCOMap finds none"):
        midpoints([header])


def test_a_time_of_day_that_the_class_does_not_read_is_told():
    dated = PLAIN | {"DATE-OBS": "2020/01/01", "TIME-OBS": "11:12:13"}
    assert Midpoints([dated, PLAIN | {"DATE-OBS": "2020/01/01"}]).without_time_of_day == [0]
    assert Midpoints([real_header("lasco_c3")]).without_time_of_day == []


def test_nothing():
    assert midpoints([]).size == 0


@pytest.mark.parametrize("seconds", [59, 60])
def test_the_time_is_that_of_the_map(seconds):
    """No offset of ours: start and half the exposure of sunpy's own date."""
    header = PLAIN | {"DATE-OBS": f"2016-12-31T23:59:{seconds}.25", "EXPTIME": 0.5}
    m = map_of(header)
    np.testing.assert_allclose(
        (midpoints([header])[0] - m.date - m.exposure_time / 2).to_value(u.s), 0, atol=1e-9
    )
