"""Crops of cubes, planes, light curves and diagrams by places and times."""

import numpy as np
import pandas as pd
import pytest
from ndcube import NDCube

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map
from sunpy.coordinates import Helioprojective, propagate_with_solar_surface
from sunpy.time import TimeRange

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.coordinates.crops import crop_index
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240 * u.s
MAPS = [sunpy.map.Map(*SUN.frame(171, time, shape=(20, 24))) for time in TIMES]
REF = MAPS[0]
OWN = LazyMapSequence(MAPS).to_cube()
SHARED = OWN.derotate_to(REF)
CUBES = {"frames": OWN, "derotated": SHARED}
both = pytest.mark.parametrize("cube", CUBES.values(), ids=CUBES)
LOW, HIGH = (REF.pixel_to_world(x * u.pix, y * u.pix) for x, y in ((5, 4), (12, 9)))
SUBMAP = REF.submap([5, 4] * u.pix, top_right=[12, 9] * u.pix)
T1, T3 = TIMES[1], TIMES[3]
NO_OBSERVER = [SkyCoord(place.Tx, place.Ty, frame="helioprojective") for place in (LOW, HIGH)]

BY_TIME = {
    "None and Time": ((None, T1), (None, T3)),
    "lists": ([None, T1], [None, T3]),
    "times": (T1, T3),
    "the later one first": (T3, T1),
    "TimeRange": (TimeRange(T1, T3),),
    "None and TimeRange": ((None, TimeRange(T1, T3)),),
    "ISO strings": (T1.isot, T3.isot),
    "None and strings": ((None, T1.isot), (None, T3.isot)),
    "datetime": (T1.datetime, T3.datetime),
    "datetime64": (T1.datetime64, T3.datetime64),
    "pandas": (pd.Timestamp(T1.isot), pd.Timestamp(T3.isot)),
    "TAI": (T1.tai, T3.tai),
    "array of times": (TIMES[1:4],),
}
BY_PLACE = {
    "SkyCoord and None": ((LOW, None), (HIGH, None)),
    "places": (LOW, HIGH),
    "lists of one": ([LOW], [HIGH]),
    "corners of a Map": (SUBMAP.bottom_left_coord, SUBMAP.top_right_coord),
    "a Map": (SUBMAP,),
    "other corners": (SUBMAP.top_right_coord, SUBMAP.bottom_left_coord),
    "frames": (LOW.frame, HIGH.frame),
    "one SkyCoord of two": (SkyCoord([LOW, HIGH]),),
    "without observer": tuple(NO_OBSERVER),
}


@both
@pytest.mark.parametrize("points", BY_TIME.values(), ids=BY_TIME)
def test_crops_by_time_alone(cube, points):
    with no_compute():
        parts = [cube.crop(*points), cube[:, 6].crop(*points), cube[:, 6, 7].crop(*points)]
    assert [part.shape for part in parts] == [(3, 20, 24), (3, 24), (3,)]
    for part in parts:
        assert type(part) is TimeLagCube
        assert (part.times == cube.times[1:4]).all()


@both
@pytest.mark.parametrize("points", BY_PLACE.values(), ids=BY_PLACE)
def test_crops_by_place_alone(cube, points):
    with no_compute():
        parts = [cube.crop(*points), cube[2].crop(*points), cube[:, 6].crop(*points)]
    assert [part.shape for part in parts] == [(6, 6, 8), (6, 8), (6, 8)]
    assert (parts[0].times == cube.times).all()
    corner = parts[1].wcs.pixel_to_world(0, 0)
    expected = cube[2].wcs.pixel_to_world(5, 4)
    assert corner.separation(expected) < 1e-3 * u.arcsec


@both
def test_crops_by_place_and_time_with_none_anywhere(cube):
    for points in (
        ((LOW, T1), (HIGH, T3)),
        ((LOW, T1), (HIGH, None), (None, T3)),
        ((LOW, TimeRange(T1, T3)), (HIGH, None)),
        ((SUBMAP, TimeRange(T1, T3)),),
        ((LOW, None), (HIGH, None), (None, T1), (None, T3)),
    ):
        assert cube.crop(*points).shape == (3, 6, 8)
    assert cube.crop((None, None), (None, None)).shape == cube.shape
    assert cube.crop((None, T1)).shape == (20, 24)
    assert cube.crop((None, T1), keepdims=True).shape == (1, 20, 24)
    assert cube.crop(LOW).shape == (6,)


def test_a_cube_of_frames_is_cropped_to_what_every_plane_has_of_the_places():
    """Where observers and pointings differ, the crop holds that of each plane, and no more."""
    shifted = []
    for i, m in enumerate(MAPS):
        meta = dict(m.meta) | {"crpix1": m.meta["crpix1"] + i, "crpix2": m.meta["crpix2"] - i / 2}
        shifted.append(sunpy.map.Map(m.data, meta))
    cube = LazyMapSequence(shifted).to_cube()
    rows, columns = [], []
    for plane in range(6):
        item = cube[plane]._get_crop_item(LOW, HIGH)
        rows.append((item[0].start, item[0].stop))
        columns.append((item[1].start, item[1].stop))
    (top, bottom), (left, right) = ((np.min(one), np.max(one)) for one in (rows, columns))
    assert cube.crop(LOW, HIGH).shape == (6, bottom - top, right - left)
    assert right - left > 8


def test_angles_between_sampled_frames_are_interpolated(monkeypatch):
    cube = LazyMapSequence(MAPS).to_cube()
    exact = cube.crop(LOW, HIGH).shape
    monkeypatch.setattr("sunpy_heliocloud.coordinates.crops._MOST_FRAMES", 2)
    assert cube.crop(LOW, HIGH).shape == exact


@both
def test_corners_off_the_disk_of_another_map_are_places_too(cube):
    """Of a full disk all four corners are off it; sunpy alone gives NaN and a warning."""
    last = MAPS[-1]
    assert cube.crop(last.bottom_left_coord, last.top_right_coord).shape == (6, 20, 24)
    assert cube[0].crop(last.bottom_left_coord, last.top_right_coord).shape == (20, 24)


def test_places_of_another_observer_are_seen_from_this_one():
    """A corner on the disk as seen by STEREO is where the point on the Sun is for SDO."""
    point = SkyCoord(10 * u.deg, 20 * u.deg, frame="heliographic_stonyhurst", obstime=TIMES[0])
    observer = SkyCoord(80 * u.deg, 0 * u.deg, 1 * u.au, frame="heliographic_stonyhurst", obstime=TIMES[0])
    seen = point.transform_to(Helioprojective(observer=observer, obstime=TIMES[0]))
    for cube in (OWN, SHARED):
        assert cube.crop(seen, LOW).shape == cube.crop(point, LOW).shape


def test_places_of_several_frames_and_kinds_are_cropped_together():
    """Points of one frame are transformed together."""
    cube = SHARED.wcs.low_level_wcs, SHARED.shape
    expected = crop_index(*cube, (LOW, HIGH), False)
    middle = SkyCoord([LOW, HIGH]).reshape(2, 1)
    on_the_sun = REF.pixel_to_world(8 * u.pix, 7 * u.pix).heliographic_stonyhurst
    for points in ((HIGH, LOW), (middle, LOW), (LOW, on_the_sun, HIGH), (NO_OBSERVER[0], HIGH)):
        assert crop_index(*cube, points, False) == expected


def test_an_active_rotation_of_sunpy_moves_no_places():
    later = LOW.transform_to(LOW.frame)
    far = TimeLagCube.from_array(np.ones((2, 20, 24)), REF, [TIMES[0] - 2 * u.day, TIMES[0]])
    assert far.crop(later, HIGH).shape == (2, 6, 8)
    days_later = sunpy.map.Map(*SUN.frame(171, TIMES[0] + 2 * u.day, shape=(200, 240)))
    here = sunpy.map.Map(*SUN.frame(171, TIMES[0], shape=(200, 240)))
    low, high = here.pixel_to_world([110, 130] * u.pix, [90, 110] * u.pix)
    cube = LazyMapSequence([here, days_later]).to_cube()
    still = cube.crop(low, high).shape
    with propagate_with_solar_surface():
        inside = cube.crop(low, high).shape
    assert inside == still


@both
def test_crops_of_frames_read_their_rows_only(cube):
    assert OWN.crop((LOW, T1), (HIGH, T3)).estimate().frames == 3


@both
@pytest.mark.parametrize(
    "points",
    [
        ((T1, LOW), (T3, HIGH)),
        ((T1, None), (T3, None)),
        ((None, LOW), (None, HIGH)),
        ((LOW, HIGH),),
        ((T1, T3),),
        ((LOW, T1, None), (HIGH, T3, None)),
    ],
    ids=["time first", "time and None", "None and place", "two places", "two times", "three"],
)
def test_a_wrong_order_gives_an_error_that_shows_the_right_one(cube, points):
    for one in (cube, cube[:, 3]):
        with pytest.raises(
            TypeError, match=r"point 0 is \(.*crop\(\(bottom_left, start\), \(top_right, stop\)\)"
        ):
            one.crop(*points)


@both
@pytest.mark.parametrize("points", [(1, 2), ("x", "y"), (5 * u.arcsec, 6 * u.arcsec), ({}, {})], ids=str)
def test_what_is_neither_a_place_nor_a_time(cube, points):
    with pytest.raises(TypeError, match="neither a place nor a time; points are given as crop"):
        cube.crop(*points)


@both
def test_points_beside_the_cube_are_refused_with_what_it_has(cube):
    with pytest.raises(ValueError, match="the cube is of 2018-05-29T18:00.*and not of 2019-01-01"):
        cube.crop("2019-01-01", "2019-01-02")
    far = SkyCoord([5000, 6000] * u.arcsec, [0, 0] * u.arcsec, frame=REF.coordinate_frame)
    with pytest.raises(
        ValueError, match="outside the images, at x = 60 to 69 and y = 9 to 1?[90] of 24 x 20 pixels"
    ):
        cube.crop(far)
    with pytest.raises(
        ValueError, match=r"no axis of time; crop it by place alone: crop\(bottom_left, top_right\)"
    ):
        cube[2].crop((LOW, T1), (HIGH, T3))
    with pytest.raises(ValueError, match=r"of one place; crop it by time alone: crop\(start, stop\)"):
        cube[:, 3, 4].crop(LOW, HIGH)
    with pytest.raises(ValueError, match="one pixel, which is no cube; keepdims=True"):
        cube.crop((LOW, T1))
    assert cube.crop((LOW, T1), keepdims=True).shape == (1, 1, 1)


@both
def test_crops_by_values(cube):
    angles = [[REF.wcs.world_to_pixel(place), (place.Tx, place.Ty)][1] for place in (LOW, HIGH)]
    low, high = angles
    with no_compute():
        assert cube.crop_by_values([None, None, 240 * u.s], [None, None, 12 * u.min]).shape == (3, 20, 24)
        assert cube.crop_by_values([*low, None], [*high, None]).shape == (6, 6, 8)
        assert cube.crop_by_values([*low, 240 * u.s], [*high, 720 * u.s]).shape == (3, 6, 8)
        assert cube[2].crop_by_values(low, high).shape == (6, 8)
        assert cube[:, 6].crop_by_values([*low, None], [*high, None]).shape == (6, 8)
        units = ("arcsec", "arcsec", "min")
        numbers = [[one.to_value(u.arcsec) for one in place] for place in (low, high)]
        part = cube.crop_by_values([*numbers[0], 4], [*numbers[1], 12], units=units)
    assert part.shape == (3, 6, 8)
    with pytest.raises(ValueError, match="one of longitude and latitude"):
        cube.crop_by_values([low[0], None, None], [high[0], None, None])
    with pytest.raises(TypeError, match=r"has no unit; give quantities, such as 240 \* u.s"):
        cube.crop_by_values([None, None, 4], [None, None, 12])
    with pytest.raises(TypeError, match="crop takes places and times"):
        cube.crop_by_values([None, None, T1], [None, None, T3])
    with pytest.raises(ValueError, match="have 3 values"):
        cube.crop_by_values([*low], [*high])
    with pytest.raises(u.UnitsError):
        cube.crop_by_values([None, None, 4 * u.m], [None, None, 12 * u.m])


@pytest.mark.parametrize("keepdims", [False, True])
def test_after_derotation_a_crop_is_that_of_a_plain_ndcube(keepdims):
    """For points on and between pixels and edges, within and beyond the cube."""
    plain = NDCube(np.ones(SHARED.shape), wcs=SHARED.wcs)
    random = np.random.default_rng(1)
    for _ in range(30):
        x, y, plane = (random.choice(np.arange(-2.9, n + 3, 0.25), 2) for n in (24, 20, 6))
        points = list(zip(SHARED[0].wcs.pixel_to_world(x, y), TIMES[0] + plane * 240 * u.s, strict=True))
        if min(np.ptp(one) for one in (x, y, plane)) < 0.25:
            continue
        try:
            expected = plain._get_crop_item(*points, keepdims=keepdims)
        except ValueError:
            with pytest.raises(ValueError, match="outside|is of|one pixel"):
                SHARED.crop(*points, keepdims=keepdims)
            continue
        got = SHARED._get_crop_item(*points, keepdims=keepdims)
        assert SHARED[got].shape == SHARED[expected].shape
        assert np.array_equal(
            np.arange(SHARED.data.size).reshape(SHARED.shape)[got],
            np.arange(SHARED.data.size).reshape(SHARED.shape)[expected],
        )


def test_a_given_wcs_is_cropped_as_ndcube_does():
    cube = SHARED.compute()
    cube.extra_coords.add("exposure", 0, np.arange(6) * u.s)
    assert cube.crop([1 * u.s], [3 * u.s], wcs=cube.extra_coords).shape == (3, 20, 24)
