"""Headers that say too little are named, with the keyword."""

import pytest

from sunpy_heliocloud.metadata.problems import problems

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
        ({"PC2_1": ""}, "PC2_1='' is no number"),
        ({"CDELT1": float("inf")}, "CDELT1=inf is no number"),
        ({"HAEX_OBS": "nan"}, "HAEX_OBS='nan' is no number"),
        ({"T_OBS": "MISSING"}, "T_OBS='MISSING' is no time"),
        ({"T_OBS": 5.0}, "T_OBS=5.0 is no time"),
        ({"T_OBS": None, "DATE-OBS": "yesterday"}, "DATE-OBS='yesterday' is no time"),
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
        ({"TIMESYS": True}, "TIMESYS='True' is no time scale"),
        ({"TIMESYS": 7}, "TIMESYS='7' is no time scale"),
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


# Each of them takes astropy over a minute.
@pytest.mark.parametrize(
    "unit",
    [
        "10**99999999 s",
        "10.**99999999 s",
        "10^99999999 s",
        "10 ** (99999999) s",
        "10+99999999 s",
        "sqrt(10**00099999999) s",
    ],
)
@pytest.mark.parametrize("keyword", ["BUNIT", "CUNIT1", "CUNIT2", "TIMEUNIT", "WAVEUNIT"])
def test_units_that_would_be_computed_for_ever_are_refused(keyword, unit):
    good, bad = problems([AIA, AIA | {keyword: unit}])
    assert good is None
    assert bad == f"{keyword}={unit!r} is no unit"
    (bad,) = problems([AIA | {keyword: "m." * 300_000 + "m"}])
    assert bad.endswith("is no unit")
    assert len(bad) < 200


@pytest.mark.parametrize(
    "unit", ["DN", "DN / s", "10**-3 DN", "1e-3 DN", "1000 DN", "erg/(cm**2 s sr)", "10+3 DN", "W m-2 sr-1"]
)
def test_units_with_powers_are_left_to_sunpy(unit):
    assert "is no unit" not in str(problems([AIA | {"BUNIT": unit}])[0])


# Where sunpy's classes fail: as they are chosen, and as a Map is made.
ODD = [
    {"ORIGIN": 5}, {"OBSRVTRY": 1.5}, {"INSTRUME": 7}, {"TELESCOP": 3}, {"DETECTOR": True}, {"WAVELNTH": "x"},
    {"WAVEUNIT": 5}, {"CTYPE1": 5}, {"CUNIT1": 7}, {"CTYPE1": "HPLN-CAR"},
]  # fmt: skip


@pytest.mark.parametrize("change", ODD, ids=str)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_sunpy_fails_on_is_the_problem_of_that_header_alone(change, place):
    headers = [AIA, AIA, AIA]
    headers[place] = AIA | change
    found = problems(headers)
    assert found[place].startswith("sunpy makes no Map of it: ")
    assert found.count(None) == 2


def test_two_headers_that_sunpy_fails_on_have_problems_of_their_own():
    found = problems([AIA | {"WAVEUNIT": 5}, AIA | {"OBSRVTRY": 1.5}, AIA, AIA | {"CTYPE1": 5}])
    assert [problem is None for problem in found] == [False, False, True, False]
