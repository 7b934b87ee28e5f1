"""The map that sunpy makes and polynomials interpolate."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from solar_grids import (
    OTHER_GRIDS,
    REFERENCE_TIME,
    carrington_wcs,
    evaluated_everywhere,
    height_above_horizon,
    solar_wcs,
)

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.coordinates import HeliographicStonyhurst, PlanarScreen, SphericalScreen

from sunpy_heliocloud.derotation import sunpy_map as module
from sunpy_heliocloud.derotation.sunpy_map import GeneralMap, pixel_map


def assert_is_that_of_sunpy(target, source, shape=(400, 400), *, step=1, **options):
    """On every pixel, or on those of every third row and column."""
    expected = evaluated_everywhere(target, source, shape, step=step, **options)
    pixels = pixel_map(target, source, shape, **options)
    assert pixels.dtype == np.float64
    compared = pixels[:, ::step, ::step]
    np.testing.assert_array_equal(np.isnan(compared), np.isnan(expected))
    np.testing.assert_allclose(compared, expected, rtol=0, atol=1e-6)
    return pixels


SOURCE = solar_wcs(shape=(5000, 5000))


@pytest.mark.parametrize("days", [-3, -0.25, 0.25, 3])
@pytest.mark.parametrize("centre", [(0, 0), (-300, 400), (850, -250)], ids=["centre", "inner", "limb"])
def test_at_other_times(centre, days):
    pixels = assert_is_that_of_sunpy(solar_wcs(centre=centre), solar_wcs(days, shape=(5000, 5000)), step=3)
    assert np.isnan(pixels).any() == (centre == (850, -250))


@pytest.mark.parametrize("days", [-6, -0.25, 0.1])
def test_of_the_full_disk(days):
    shape = (210, 230)
    pixels = assert_is_that_of_sunpy(
        solar_wcs(shape=shape, scale=11), solar_wcs(days, shape=(5000, 5000)), shape
    )
    assert 0.3 < np.isnan(pixels).mean() < 0.7


@pytest.mark.parametrize("centre", [(0, 950), (0, -900)])
def test_at_the_poles(centre):
    assert_is_that_of_sunpy(
        solar_wcs(centre=centre, shape=(120, 300)), solar_wcs(1, shape=(5000, 5000)), (120, 300)
    )


@pytest.mark.parametrize("rotation_model", ["snodgrass", "allen", "rigid"])
def test_with_other_rotation_models(rotation_model):
    assert_is_that_of_sunpy(solar_wcs(0.5), SOURCE, rotation_model=rotation_model)


@pytest.mark.parametrize("target", OTHER_GRIDS.values(), ids=OTHER_GRIDS.keys())
def test_of_other_grids_and_observers(target):
    assert_is_that_of_sunpy(solar_wcs(**target), SOURCE, step=3)


@pytest.mark.parametrize("days", [0, -2])
def test_of_a_carrington_map(days):
    shape = (100, 180)
    assert_is_that_of_sunpy(carrington_wcs(shape), solar_wcs(days, shape=(5000, 5000)), shape)


@pytest.mark.parametrize("almost", [{}, {"observer": (0, -1, 1 + 1e-7)}, {"rsun": 696e6}], ids=str)
def test_of_the_same_frame_is_that_of_sunpy_on_the_disk_only(almost):
    """Without a change of observer and time sunpy does not leave the image plane, not even off the disk."""
    target = solar_wcs(centre=(900, 300), **almost)
    expected = evaluated_everywhere(target, SOURCE, (400, 400))
    assert np.isfinite(expected).all()
    pixels = pixel_map(target, SOURCE, (400, 400))
    off_disk = np.isnan(pixel_map(target, solar_wcs(0.001), (400, 400)))
    np.testing.assert_array_equal(np.isnan(pixels), off_disk)
    np.testing.assert_allclose(pixels[~off_disk], expected[~off_disk], atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 2), (17, 16)])
def test_of_any_shape(shape):
    assert pixel_map(solar_wcs(), SOURCE, shape).shape == (2, shape[0] + 2, shape[1] + 2)
    assert_is_that_of_sunpy(solar_wcs(0.2, shape=shape), SOURCE, shape)


def test_row_by_row():
    target, source = solar_wcs(shape=(40, 50)), solar_wcs(0.2)
    rows = GeneralMap(target, source, (40, 50)).rows(10, 13)
    np.testing.assert_array_equal(rows, pixel_map(target, source, (40, 50))[:, 10:15])


def test_off_the_disk_everything_is_undefined():
    assert np.isnan(pixel_map(solar_wcs(0.2, centre=(1500, 1500)), SOURCE, (400, 400))).all()


def test_of_a_sun_that_is_smaller_than_the_gaps_between_nodes():
    shape = (700, 700)
    pixels = assert_is_that_of_sunpy(
        solar_wcs(0.2, centre=(9000, -8000), scale=100, shape=shape), SOURCE, shape
    )
    assert 100 < np.isfinite(pixels[0]).sum() < 400


def screens():
    observer = SkyCoord(HeliographicStonyhurst(0 * u.deg, -1 * u.deg, 1 * u.au, obstime=REFERENCE_TIME))
    return {
        f"{screen.__name__}, only_off_disk={only_off_disk}": screen(observer, only_off_disk=only_off_disk)
        for screen in (SphericalScreen, PlanarScreen)
        for only_off_disk in (False, True)
    }


@pytest.mark.parametrize("screen", screens().values(), ids=screens().keys())
def test_with_a_screen(screen):
    """Nothing on a screen is hidden; with ``only_off_disk`` the surface is, beyond the limb."""
    shape = (200, 200)
    target, source = solar_wcs(centre=(850, -250), scale=1.2, shape=shape), solar_wcs(0.1, shape=(5000, 5000))
    pixels = assert_is_that_of_sunpy(target, source, shape, screen=screen)
    hidden = screen.only_off_disk & (height_above_horizon(target, source, shape) < 0)
    np.testing.assert_array_equal(np.isnan(pixels[0]), hidden)
    assert hidden.any() == screen.only_off_disk


def test_threads_do_not_disturb_each_other():
    screen = next(iter(screens().values()))
    target = solar_wcs(centre=(850, -250), scale=4.0, shape=(60, 60))
    calls = [
        {"source_wcs": solar_wcs(days), "rotation_model": model, "screen": screen if screened else None}
        for days in (-1, 0.5)
        for model in ("howard", "rigid")
        for screened in (True, False)
    ]
    expected = [pixel_map(target, shape_out=(60, 60), **call) for call in calls]
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda call: pixel_map(target, shape_out=(60, 60), **call), calls * 2)
        for result, single in zip(results, expected * 2, strict=True):
            np.testing.assert_array_equal(result, single)


def test_sunpy_is_called_once_on_the_disk(monkeypatch):
    points = []
    evaluate = module._Transformation._of_points

    def counting(self, x, y):
        points.append(x.size)
        return evaluate(self, x, y)

    monkeypatch.setattr(module._Transformation, "_of_points", counting)
    pixel_map(solar_wcs(0.25, shape=(1002, 1002)), SOURCE, (1002, 1002))
    assert len(points) == 1
    assert points[0] < 1000
