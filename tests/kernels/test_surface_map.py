"""The map in closed form: sunpy's, on every pixel."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_grids import OTHER_GRIDS, carrington_wcs, evaluated_everywhere, solar_wcs

import astropy.units as u

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.rotation import surface_turns
from sunpy_heliocloud.kernels.surface_map import SurfaceMap, camera

FRAME = {"shape": (5000, 5000), "scale": 0.5}
BOUND = 1e-6  # pixel


def surface_map(target, source, rotation_model="howard"):
    target, source = PlaneWCS.from_wcs(target, (400, 400)), PlaneWCS.from_wcs(source, (5000, 5000))
    (turn,) = surface_turns(target, [source], rotation_model)
    return SurfaceMap(target.camera(), source.camera(), (400, 400), target.solar_radius, turn)


def assert_is_that_of_sunpy(target, source, rotation_model="howard", step=1):
    """
    On every pixel, or on those of every third row and column.

    The map is interpolated between nodes whose distance is no multiple of 3: no kind of pixel is left out.
    """
    expected = evaluated_everywhere(target, source, (400, 400), rotation_model, step=step)
    pixels = surface_map(target, source, rotation_model).rows(0, 400)
    assert pixels.shape == (2, 402, 402)
    pixels = pixels[:, ::step, ::step]
    np.testing.assert_array_equal(np.isnan(pixels), np.isnan(expected))
    assert (np.abs(pixels - expected) <= BOUND + rounding_of_sunpy(target, source)[::step, ::step]).all(
        where=np.isfinite(pixels)
    )
    return pixels


def rounding_of_sunpy(target, source):
    """
    What the square of twice the distance, rounded, makes of the points at the limb, in pixels of the source.

    It exceeds a millionth of a pixel where the limb is nearer than a tenth of a pixel.
    """
    distance, radius = target.wcs.aux.dsun_obs, target.wcs.aux.rsun_ref
    y, x = np.mgrid[-1:401, -1:401]
    lon, lat = np.radians(target.pixel_to_world_values(x, y))
    along = distance * np.cos(lat) * np.cos(lon)
    depth = np.sqrt(np.maximum(along**2 - distance**2 + radius**2, 1))
    pixel = source.wcs.aux.dsun_obs * np.radians(source.wcs.cdelt[0])
    return np.spacing(4 * distance**2) / (2 * depth) / pixel


@pytest.mark.parametrize("days", [-6, -3, -0.25, 0.1, 0.25, 6])
@pytest.mark.parametrize(
    "centre",
    [(0, 0), (-300, 400), (850, -250), (-700, 300), (0, 950), (0, -900)],
    ids=["centre", "inner", "west limb", "towards the east limb", "north pole", "south pole"],
)
def test_at_other_times(centre, days):
    assert_is_that_of_sunpy(solar_wcs(centre=centre), solar_wcs(days, **FRAME), step=3)


@pytest.mark.parametrize("days", [-6, 0.25, 6])
def test_of_the_full_disk(days):
    pixels = assert_is_that_of_sunpy(solar_wcs(scale=6), solar_wcs(days, **FRAME))
    assert 0.3 < np.isnan(pixels).mean() < 0.7


@pytest.mark.parametrize("rotation_model", ["snodgrass", "allen", "rigid"])
def test_with_other_rotation_models(rotation_model):
    assert_is_that_of_sunpy(solar_wcs(centre=(300, 500)), solar_wcs(1, **FRAME), rotation_model)


@pytest.mark.parametrize("target", OTHER_GRIDS.values(), ids=OTHER_GRIDS.keys())
def test_of_other_grids_and_observers(target):
    assert_is_that_of_sunpy(solar_wcs(**target), solar_wcs(**FRAME), step=3)
    assert_is_that_of_sunpy(solar_wcs(), solar_wcs(**({"days": 0.5} | target)), step=3)


angles = st.floats(-180, 180)
grids = st.fixed_dictionaries(
    {
        "days": st.integers(-14, 14),
        "centre": st.tuples(st.floats(-1200, 1200), st.floats(-1200, 1200)),
        "scale": st.floats(0.1, 10),
        "angle": angles,
        "observer": st.tuples(angles, st.floats(-30, 30), st.floats(0.28, 1.1)),
        "rsun": st.floats(6.9e8, 7.1e8),
    }
)


@pytest.mark.filterwarnings(
    "ignore:The conversion of these 2D helioprojective coordinates"
)  # of the sky alone
@settings(max_examples=40, deadline=None)
@given(target=grids, source=grids, lonpole=angles)
def test_of_any_grid(target, source, lonpole):
    """Only a few points, for sunpy's sake."""
    source["days"] += 0.1  # at the same time sunpy shows the sky
    target, source = solar_wcs(**target), solar_wcs(**source)
    target.wcs.lonpole = lonpole
    target.wcs.set()
    shape = (9, 8)
    expected = evaluated_everywhere(target, source, shape)
    planes = PlaneWCS.from_wcs(target, shape), PlaneWCS.from_wcs(source, (400, 400))
    (turn,) = surface_turns(planes[0], planes[1:], "howard")
    pixels = SurfaceMap(planes[0].camera(), planes[1].camera(), shape, planes[0].solar_radius, turn).rows(
        0, 9
    )
    np.testing.assert_array_equal(np.isnan(pixels), np.isnan(expected))
    np.testing.assert_allclose(pixels, expected, rtol=1e-8, atol=1e-5)


def test_many_times_at_once_are_those_one_by_one():
    target = PlaneWCS.from_wcs(solar_wcs(), (4, 4))
    sources = [PlaneWCS.from_wcs(solar_wcs(days), (4, 4)) for days in (-6, -0.1, 0, 0.1, 6)]
    sources.insert(2, PlaneWCS.from_wcs(carrington_wcs((4, 4)), (4, 4)))
    turns = surface_turns(target, sources, "howard")
    assert turns.pop(2) is None
    del sources[2]
    for turn, source in zip(turns, sources, strict=True):
        np.testing.assert_allclose(turn, surface_turns(target, [source], "howard")[0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(turns[2], 0, atol=1e-15)
    # Eastern longitude shrinks as the Earth follows the Sun's rotation, which is faster at the equator.
    equator, higher = turns[-1][0], sum(np.multiply(turns[-1], (1, 0.25, 0.0625)))
    assert 6 * 13 < np.degrees(equator) < 6 * 13.6
    assert higher < equator


def in_long_double(surface):
    """The same geometry in arrays of 80 bits, where the processor has them."""
    directions, observer, radius, turn, pixels, source = (
        np.asarray(argument, np.longdouble) for argument in surface._arguments
    )
    y, x = np.mgrid[-1:401, -1:401].astype(np.longdouble)
    ray = np.tensordot(directions, [x, y, np.ones_like(x)], axes=1)
    missed = np.cross(observer, ray, axisb=0, axisc=0)
    square = (ray**2).sum(axis=0)
    with np.errstate(invalid="ignore"):
        depth = np.sqrt(square * radius**2 - (missed**2).sum(axis=0))
    x, y, z = (
        observer[:, np.newaxis, np.newaxis] - ray * (np.tensordot(observer, ray, axes=1) + depth) / square
    )
    angle = np.polynomial.polynomial.polyval((z / radius) ** 2, turn)
    turned = [np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z]
    seen = np.tensordot(pixels, np.array(turned) - source[:, np.newaxis, np.newaxis], axes=1)
    return seen[:2] / seen[2]


def test_rounding():
    """At the limb it is far less than sunpy's, which subtracts squares of an astronomical unit."""
    target, source = solar_wcs(centre=(850, -250)), solar_wcs(-6, **FRAME)
    surface = surface_map(target, source)
    exact, ours = in_long_double(surface), surface.rows(0, 400)
    np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-9)
    assert 5e-6 < np.nanmax(np.abs(evaluated_everywhere(target, source, (400, 400)) - exact)) < 2e-5


def test_strips_make_the_whole():
    surface = surface_map(solar_wcs(centre=(850, -250)), solar_wcs(0.25, **FRAME))
    whole = surface.rows(0, 400).copy()
    for start, stop in ((0, 7), (7, 39), (39, 400), (399, 400)):
        np.testing.assert_array_equal(surface.rows(start, stop), whole[:, start : stop + 2])


def test_threads_do_not_disturb_each_other():
    target = solar_wcs(centre=(850, -250))
    sources = [solar_wcs(days, **FRAME) for days in (-1, -0.2, 0.5, 3)]

    def rows(source):
        return surface_map(target, source).rows(0, 400).copy()

    with ThreadPoolExecutor(4) as pool:
        for result, source in zip(pool.map(rows, sources * 2), sources * 2, strict=True):
            np.testing.assert_array_equal(result, rows(source))


def test_who_looks_away_sees_nothing():
    source = solar_wcs(0.1, observer=(0, -1, 1.0))
    source.wcs.crval = 170, 0
    source.wcs.cunit = "deg", "deg"
    source.wcs.cdelt = 0.001, 0.001
    source.wcs.set()
    assert np.isnan(surface_map(solar_wcs(), source).rows(0, 400)).all()


def others():
    tan_but = {}
    tan_but["Carrington"] = carrington_wcs((9, 9))
    tan_but["another projection"] = solar_wcs()
    tan_but["another projection"].wcs.ctype = "HPLN-ARC", "HPLT-ARC"
    tan_but["an unknown observer"] = solar_wcs()
    tan_but["an unknown observer"].wcs.aux.hgln_obs = None
    tan_but["projection parameters"] = solar_wcs()
    tan_but["projection parameters"].wcs.set_pv([(1, 1, 0.1)])
    return tan_but


@pytest.mark.parametrize("wcs", others().values(), ids=others().keys())
def test_other_coordinates_are_left_to_sunpy(wcs):
    plane, usual = PlaneWCS.from_wcs(wcs, (9, 9)), PlaneWCS.from_wcs(solar_wcs(), (9, 9))
    assert plane.camera() is None
    assert surface_turns(plane, [usual], "howard") == [None]
    assert surface_turns(usual, [plane], "howard") == [None]


def test_the_surface_may_lie_higher():
    """A loop of 30 Mm near the disk centre drifts in six hours against the photosphere."""
    target, source = (PlaneWCS.from_wcs(wcs, (400, 400)) for wcs in (solar_wcs(), solar_wcs(0.25)))
    maps = []
    for height in (0, 3e7):
        high = target.at_height(height)
        (turn,) = surface_turns(high, [source.at_height(height)], "howard")
        surface = SurfaceMap(high.camera(), source.camera(), (400, 400), high.solar_radius, turn)
        maps.append(surface.rows(200, 201)[0, 1, 201])
    assert 3 < (maps[1] - maps[0]) * 0.6 / 0.5 < 7
    assert u.Quantity(target.solar_radius, u.m) == 695.7 * u.Mm


def seen_from(longitude, latitude=0.1):
    return camera(
        crpix=(400.5, 400.5),
        scales=np.diag([1, 1]) * np.radians(2.6 / 3600),
        crval=(0, 0),
        lonpole=np.pi,
        observer=(longitude, latitude, 1.5e11),
    )


@pytest.mark.parametrize(
    "turn", [(0, 0, 0), (0.06, -0.01, -0.01), (-1.3, 0.3, 0.2)], ids=["none", "hours", "days"]
)
@pytest.mark.parametrize("longitude", [0, 0.01, 1.2, 1.8, 2.6, np.pi])
def test_pixels_between_nodes_are_those_by_themselves(turn, longitude):
    """Also at the limb and at the horizon of another observer, whose visible part may be a crescent."""
    surface = SurfaceMap(seen_from(0), seen_from(longitude), (800, 800), 6.957e8, turn)
    by_themselves = surface.grid((-1, 1, 802), (-1, 1, 802))
    np.testing.assert_allclose(surface.rows(0, 800), by_themselves, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 1), (4, 7), (2, 9), (3, 530)])
def test_images_of_any_width_have_the_same_pixels(shape):
    surfaces = [
        SurfaceMap(seen_from(0), seen_from(0.1), (5, width), 6.957e8, (0.1, 0, 0))
        for width in (shape[1], 800)
    ]
    part, whole = (surface.rows(0, shape[0]).copy() for surface in surfaces)
    np.testing.assert_array_equal(part, whole[:, :, : shape[1] + 2])
