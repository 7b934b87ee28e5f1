"""Exposure times are those of sunpy's Map."""

import numpy as np
import pytest
from headers import aia_header, map_of, real_header

import astropy.units as u

import sunpy.map

from sunpy_heliocloud.metadata.exposure import exposure_times

CASES = [
    ({"EXPTIME": 2}, 2),
    ({"XPOSURE": 1.5, "EXPTIME": 2}, 1.5),
    ({}, np.nan),
    ({"EXPTIME": "nan"}, np.nan),
    ({"XPOSURE": 0.0}, 0),
    ({"XPOSURE": 0.0, "EXPTIME": 3}, 3),
    ({"XPOSURE": None, "EXPTIME": 3}, 3),
    ({"EXPTIME": True}, np.nan),
    ({"EXPTIME": -1.0}, np.nan),
    ({"XPOSURE": True, "EXPTIME": 2.5}, 2.5),
    ({"EXPTIME": 250.0, "TIMEUNIT": "ms"}, 0.25),
    ({"EXPTIME": 2.0, "TIMEUNIT": "min"}, 120),
    ({"XPOSURE": 2.0, "TIMEUNIT": "s "}, 2),
    ({"XPOSURE": 2.0, "TIMEUNIT": " "}, 2),
    ({"EXPTIME": " 2.5"}, 2.5),
    ({"EXPTIME": "2.5 s"}, np.nan),
    ({"EXPTIME": "inf"}, np.nan),
    ({"XPOSURE": "unknown", "EXPTIME": 2}, 2),
    ({"EXPTIME": 2.0, "TIMEUNIT": "sec"}, 2),
    ({"EXPTIME": 2.0, "TIMEUNIT": "Minutes"}, np.nan),
    ({"EXPTIME": 250.0, "TIMEUNIT": "msec"}, np.nan),
    ({"XPOSURE": 2.0, "TIMEUNIT": "fortnights"}, np.nan),
    ({"XPOSURE": 2.0, "TIMEUNIT": "cm"}, np.nan),
]


@pytest.mark.parametrize(("header", "seconds"), CASES)
def test_exposure_times(header, seconds):
    np.testing.assert_array_equal(exposure_times([header]), [seconds])


def test_all_together():
    headers, seconds = zip(*CASES, strict=True)
    np.testing.assert_array_equal(exposure_times(headers), seconds)
    assert exposure_times([]).shape == (0,)


@pytest.mark.parametrize(
    "header",
    [
        aia_header(),
        aia_header(EXPTIME=250.0, TIMEUNIT="ms"),
        aia_header(XPOSURE=0.0),
        real_header("lasco_c3"),
        real_header("solo_L1_eui-fsi304-image_20201021T145510206_V03"),
        real_header("SUT_T24_0847_000444_Lev1.0_2024-06-28T18.21.33.178_0971NB03"),
        real_header("20181209_180305_kcor_l2"),
    ],
)
def test_as_sunpy_has_it(header):
    np.testing.assert_allclose(exposure_times([header])[0], map_of(header).exposure_time.to_value(u.s))


def test_a_class_with_exposures_of_its_own():
    class OwnMap(sunpy.map.GenericMap):
        @property
        def exposure_time(self):
            return self.meta["dwell"] * u.min

        @classmethod
        def is_datasource_for(cls, data, header, **kwargs):
            return header.get("instrume") == "mine"

    try:
        found = exposure_times([aia_header(), aia_header(INSTRUME="mine", DWELL=2)])
    finally:
        del sunpy.map.GenericMap._registry[OwnMap]
    assert found[1] == 120
