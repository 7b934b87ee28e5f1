import dataclasses

import numpy as np
import pytest

import astropy.units as u
from astropy.time import Time

import sunpy.map

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.metadata import observation
from sunpy_heliocloud.metadata.problems import problems
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun()


def aia_header(minutes=0.0, channel=171, **changes):
    """A header as HelioCloud has them; `None` takes a keyword away."""
    data, header = SUN.frame(channel, SUN.time + minutes * u.min, (2 + minutes / 100) * u.s, shape=(20, 30))
    header = {key: header[key] for key in header if key not in ("", "COMMENT", "HISTORY")}
    header |= {"NAXIS": 2, "NAXIS1": 30, "NAXIS2": 20}
    header |= {key.replace("__", "-"): value for key, value in changes.items()}
    return {key: value for key, value in header.items() if value is not None}


def map_of(header):
    return sunpy.map.Map(np.zeros((header["NAXIS2"], header["NAXIS1"])), header)


TIMES = {
    "T_OBS first": (
        {"T_OBS": "2020-01-01T00:00:09.5Z", "DATE-AVG": "2020-01-01T00:00:05"},
        "2020-01-01T00:00:09.500",
    ),
    "DATE-AVG": ({"DATE-AVG": "2020-01-01T00:00:05", "DATE-OBS": "2020-01-01"}, "2020-01-01T00:00:05.000"),
    "start and half": ({"DATE-OBS": "2020-01-01T00:00:00", "EXPTIME": 3.0}, "2020-01-01T00:00:01.500"),
    "DATE_OBS": ({"DATE_OBS": "2020-01-01T00:00:00", "EXPTIME": 3.0}, "2020-01-01T00:00:01.500"),
    "DATE-BEG": ({"DATE-BEG": "2020-01-01T00:00:00", "XPOSURE": 3, "EXPTIME": 7}, "2020-01-01T00:00:01.500"),
    "no exposure": ({"DATE-OBS": "2020-01-01T00:00:00"}, "2020-01-01T00:00:00.000"),
    "exposure of nan": ({"DATE-OBS": "2020-01-01T00:00:00", "EXPTIME": "nan"}, "2020-01-01T00:00:00.000"),
    "TAI by name": ({"T_OBS": "2020.01.01_00:00:37_TAI"}, "2020-01-01T00:00:00.000"),
    "TAI by TIMESYS": ({"T_OBS": "2020-01-01T00:00:37", "TIMESYS": "TAI"}, "2020-01-01T00:00:00.000"),
    "blank TIMESYS": ({"T_OBS": "2020-01-01T00:00:37", "TIMESYS": None}, "2020-01-01T00:00:37.000"),
    "TIMESYS with a remark": (
        {"DATE-OBS": "2020-01-01T00:00:37", "TIMESYS": "UTC (TBR)"},
        "2020-01-01T00:00:37.000",
    ),
    "DATE_OBS of old": (
        {"DATE-OBS": "01-JAN-20?", "DATE_OBS": "2020-01-01T00:00:37"},
        "2020-01-01T00:00:37.000",
    ),
    "T_OBS of none": ({"T_OBS": 5.0, "DATE_OBS": "2020-01-01T00:00:37"}, "2020-01-01T00:00:37.000"),
    "blank T_OBS": ({"T_OBS": None, "DATE-OBS": "2020-01-01T00:00:37"}, "2020-01-01T00:00:37.000"),
}


@pytest.mark.parametrize("name", TIMES)
def test_midpoints(name):
    header, expected = TIMES[name]
    times = observation.midpoints([header])
    assert times.scale == "utc"
    assert times.isot.tolist() == [expected]


def test_midpoints_of_all_kinds_together():
    headers, expected = zip(*TIMES.values(), strict=True)
    assert observation.midpoints(headers).isot.tolist() == list(expected)


def test_no_time():
    with pytest.raises(
        ValueError, match="none of T_OBS, DATE-AVG.*is a time between the years 1600 and 2200 in the header"
    ):
        observation.midpoints([{"EXPTIME": 1.0}])


AIA = {
    "INSTRUME": "AIA_3",
    "TELESCOP": "SDO/AIA",
    "WAVELNTH": 171,
    "WAVEUNIT": "angstrom",
    "T_OBS": "2020-01-01T00:00:01",
    "DATE-OBS": "2020-01-01T00:00:00",
    "NAXIS1": 8,
    "NAXIS2": 8,
    "CTYPE1": "HPLN-TAN",
    "CTYPE2": "HPLT-TAN",
    "CUNIT1": "arcsec",
    "CUNIT2": "arcsec",
    "CDELT1": 0.6,
    "CDELT2": 0.6,
    "CRPIX1": 4.5,
    "CRPIX2": 4.5,
    "CRVAL1": 0,
    "CRVAL2": 0,
    "RSUN_REF": 696e6,
    "HAEX_OBS": -2.4e10,
    "HAEY_OBS": 1.45e11,
    "HAEZ_OBS": -7e6,
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"CROTA2": "nan"}, "CROTA2='nan' is no number"),
        ({"CDELT1": float("inf")}, "CDELT1=inf is no number"),
        ({"HAEX_OBS": "nan"}, "HAEX_OBS='nan' is no number"),
        ({"T_OBS": "MISSING"}, "T_OBS='MISSING' is no time"),
        ({"T_OBS": 5.0}, "T_OBS=5.0 is no time"),
        ({"T_OBS": None, "DATE-OBS": "yesterday"}, "no observation time"),
        ({"WAVEUNIT": "bogus"}, "sunpy makes no Map of it: ValueError: 'bogus'"),
        ({"WAVELNTH": "nan"}, "sunpy makes no Map of it"),
        ({"CTYPE1": "SOLARX"}, "sunpy makes no Map of it"),
        # Truth values are no numbers: T was taken for 1.
        ({"EXPTIME": True}, "EXPTIME=True is no exposure time in seconds"),
        ({"XPOSURE": False}, "XPOSURE=False is no exposure time"),
        ({"EXPTIME": float("inf")}, "EXPTIME=inf is no exposure time"),
        ({"CRPIX1": True}, "CRPIX1=True is no number"),
        ({"CDELT2": False}, "CDELT2=False is no number"),
        ({"CROTA2": 10**400}, "CROTA2=1000"),
        # Without these sunpy takes defaults.
        *(
            ({key: None}, f"{key} is missing")
            for key in ("CDELT1", "CDELT2", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2")
        ),
        ({"CDELT1": 0}, "CDELT1=0, but a pixel has a size"),
        ({"CDELT1": None, "CD1_1": 0.6, "CD1_2": 0, "CD2_1": 0, "CD2_2": 0.6}, "CDELT1 is missing"),
        ({"CDELT1": None, "CDELT2": None, "CD1_1": 0.6, "CD2_2": 0.6}, "CDELT1 is missing"),
        ({"PC1_1": 0, "PC2_2": 0}, "PCi_j=(0, 0; 0, 0) is no rotation"),
        ({"PC1_1": 1, "PC1_2": 2, "PC2_1": 2, "PC2_2": 4}, "PCi_j=(1, 2; 2, 4) is no rotation"),
        ({"CDELT1": None, "CDELT2": None, "CD1_1": 0.6, "CD1_2": 0, "CD2_1": 0, "CD2_2": 0.6}, None),
        ({"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8}, None),
        # Times that no observation has.
        ({"TIMESYS": "XXX"}, "TIMESYS='XXX' is no time scale; known are TAI, TCB"),
        ({"TIMESYS": True}, "TIMESYS=True is no time scale"),
        ({"TIMESYS": 7}, "TIMESYS=7 is no time scale"),
        ({"TIMESYS": " "}, None),
        ({"TIMESYS": "TAI"}, None),
        (
            {"T_OBS": "99999-01-01T00:00:00"},
            "T_OBS='99999-01-01T00:00:00' is no time between the years 1600 and 2200",
        ),
        ({"T_OBS": "9999-01-01T00:00:00"}, "T_OBS='9999-01-01T00:00:00' is no time between"),
        ({"T_OBS": "0001-01-01T00:00:00"}, "T_OBS='0001-01-01T00:00:00' is no time between"),
        ({"DATE-OBS": "+12345-01-01T00:00:00"}, "DATE-OBS='+12345-01-01T00:00:00' is no time between"),
        (
            {"T_OBS": "9999-01-01T00:00:00", "TIMESYS": "TAI"},
            "T_OBS='9999-01-01T00:00:00' is no time between",
        ),
        ({"T_OBS": "2018-02-30T00:00:00"}, "T_OBS='2018-02-30T00:00:00' is no time"),
        ({"T_OBS": "9" * 200}, "T_OBS='9999"),
        ({"OSCNMEAN": "nan", "TIMESYS": "UTC (TBR)", "EXPTIME": "nan", "RSUN_LF": "nan"}, None),
    ],
)
def test_problems(change, problem):
    """Each of the header that has it, and of no other."""
    before, found, after = problems([AIA, AIA | change, AIA])
    assert before is after is None
    assert (found is None) == (problem is None)
    assert found is None or found.startswith(problem)


def test_what_a_problem_quotes_is_harmless():
    (found,) = problems([AIA | {"T_OBS": "<script>\x1b[2J" + "x" * 1000}])
    assert found.isprintable()
    assert "<" not in found
    assert len(found) < 200


def test_nothing():
    assert problems([]) == []
    assert observation.midpoints([]).size == 0
    assert observation.channels([]) == []
    assert observation.plane_wcs([]) == []


def test_exposure_times():
    headers = [
        {"EXPTIME": 2},
        {"XPOSURE": 1.5, "EXPTIME": 2},
        {},
        {"EXPTIME": "nan"},
        {"XPOSURE": 0.0},
        {"XPOSURE": None, "EXPTIME": 3},
    ]
    np.testing.assert_array_equal(observation.exposure_times(headers), [2, 1.5, np.nan, np.nan, 0, 3])


@pytest.mark.parametrize(
    ("bunit", "unit", "is_counts"),
    [
        (None, u.DN, True),
        ("DN", u.DN, True),
        ("DN/s", u.DN / u.s, False),
        ("ct", u.ct, True),
        ("photon", u.ph, True),
    ],
)
def test_unit(bunit, unit, is_counts):
    (channel,) = observation.channels([aia_header(BUNIT=bunit)])
    assert (channel.unit, channel.is_counts) == (unit, is_counts)


def test_unknown_unit_and_wavelength():
    header = aia_header(TELESCOP="none", INSTRUME="nothing", WAVELNTH=None, WAVEUNIT=None)
    (channel,) = observation.channels([header])
    assert channel.unit is None
    assert channel.wavelength is None
    assert not channel.is_counts
    assert str(channel).startswith("none nothing")


def test_channels():
    headers = [aia_header(), aia_header(channel=193), aia_header(1)]
    first, second, third = observation.channels(headers)
    assert first == third != second
    assert first.wavelength == 171 * u.AA
    assert (first.observatory, str(second)) == ("SDO", "SDO AIA 2 193 Angstrom")


def same(plane: PlaneWCS, expected: PlaneWCS) -> bool:
    """Equal, observers to a millimetre."""
    places, expected_places = dict(plane.aux), dict(expected.aux)
    assert places.keys() == expected_places.keys()
    for key, value in expected_places.items():
        np.testing.assert_allclose(places[key], value, rtol=1e-14, atol=1e-13)
    return dataclasses.replace(plane, aux=()) == dataclasses.replace(expected, aux=())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"CROTA2": 12.5, "CRPIX1": 3.25},
        {"HAEX_OBS": None},
        {"DATE__END": "2018-05-29T20:00:00"},
        {"TIMESYS": "TAI"},
        {"T_OBS": None},
        {"RSUN_REF": 6.957e8},
        {"LONPOLE": 179.0},
    ],
)
@pytest.mark.filterwarnings("ignore:Missing metadata for observer")
def test_coordinates_are_those_of_the_map(changes):
    headers = [aia_header(minutes, **changes) for minutes in (0, 60, 3000)]
    planes = observation.plane_wcs(headers)
    for plane, header in zip(planes, headers, strict=True):
        expected = map_of(header)
        assert same(plane, PlaneWCS.from_wcs(expected.wcs, (20, 30)))
        assert plane.shape == (20, 30)
        assert plane.date == Time(expected.reference_date.utc.isot)


def test_frames_of_different_pointing_keep_theirs():
    headers = [aia_header(), aia_header(1, CRPIX1=3.0), aia_header(2), aia_header(3, NAXIS1=31)]
    planes = observation.plane_wcs(headers)
    for plane, header in zip(planes, headers, strict=True):
        assert same(plane, PlaneWCS.from_wcs(map_of(header).wcs, (header["NAXIS2"], header["NAXIS1"])))


def test_maps_are_made_for_the_first_of_a_series_only(monkeypatch):
    made = []
    monkeypatch.setattr(observation, "empty_map", lambda header: made.append(header) or map_of(header))
    observation.plane_wcs([aia_header(minutes) for minutes in range(5)])
    assert len(made) == 1
