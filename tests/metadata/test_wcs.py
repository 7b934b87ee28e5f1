"""The coordinates of many frames at once are those of sunpy's Map of each."""

import dataclasses

import numpy as np
import pytest
from headers import aia_header, map_of

from astropy.time import Time

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.metadata import wcs


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
    planes = wcs.plane_wcs(headers)
    for plane, header in zip(planes, headers, strict=True):
        expected = map_of(header)
        assert same(plane, PlaneWCS.from_wcs(expected.wcs, (20, 30)))
        assert plane.shape == (20, 30)
        assert plane.date == Time(expected.reference_date.utc.isot)


def test_frames_of_different_pointing_keep_theirs():
    headers = [aia_header(), aia_header(1, CRPIX1=3.0), aia_header(2), aia_header(3, NAXIS1=31)]
    planes = wcs.plane_wcs(headers)
    for plane, header in zip(planes, headers, strict=True):
        assert same(plane, PlaneWCS.from_wcs(map_of(header).wcs, (header["NAXIS2"], header["NAXIS1"])))


def test_maps_are_made_for_the_first_of_a_series_only(monkeypatch):
    made = []
    monkeypatch.setattr(wcs, "empty_map", lambda header: made.append(header) or map_of(header))
    wcs.plane_wcs([aia_header(minutes) for minutes in range(5)])
    assert len(made) == 1


@pytest.mark.parametrize("matrix", [{}, {"PC1_1": 0.9, "PC1_2": 0.1}, {"CDELT2": 3.0}])
def test_frames_of_different_rolls_keep_theirs_with_one_map(monkeypatch, matrix):
    """As of AIA's level 1. Where there is a matrix, sunpy ignores the roll."""
    rolls = (0.019814, 0.0197, 0.019814, -170, 0)
    headers = [aia_header(minutes, CROTA2=roll, **matrix) for minutes, roll in enumerate(rolls)]
    expected = [PlaneWCS.from_wcs(map_of(header).wcs, (20, 30)) for header in headers]
    made = []
    monkeypatch.setattr(wcs, "empty_map", lambda header: made.append(header) or map_of(header))
    planes = wcs.plane_wcs(headers)
    assert all(map(same, planes, expected))
    assert len({plane.pc for plane in planes}) == (1 if "PC1_1" in matrix else 4)
    assert len(made) == 1
    without = [aia_header(5, CROTA2=None, **matrix), aia_header(6, CROTA2=None, **matrix), *headers]
    assert all(map(same, wcs.plane_wcs(without)[2:], expected))
