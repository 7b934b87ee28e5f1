import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reproject import reproject_adaptive, reproject_interp
from solar_grids import window_may_flip

import astropy.units as u
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper

from sunpy_heliocloud.kernels import library
from sunpy_heliocloud.kernels.adaptive import resample_adaptive
from sunpy_heliocloud.kernels.adaptive_window import window_needed
from sunpy_heliocloud.kernels.interpolation import resample_interpolation, window_needed_interpolation


class TableWCS(BaseLowLevelWCS):
    """Output pixels whose "world" coordinates are input pixels, looked up in a table with a rim."""

    pixel_n_dim = world_n_dim = 2
    world_axis_physical_types = ("custom:x", "custom:y")
    world_axis_units = ("pix", "pix")
    axis_correlation_matrix = np.ones((2, 2), dtype=bool)

    def __init__(self, coordinates):
        self.coordinates = coordinates

    def pixel_to_world_values(self, x, y):
        return tuple(self.coordinates[:, np.asarray(y, int) + 1, np.asarray(x, int) + 1])

    def world_to_pixel_values(self, x, y):
        raise NotImplementedError

    @property
    def world_axis_object_components(self):
        return [("x", 0, "value"), ("y", 0, "value")]

    @property
    def world_axis_object_classes(self):
        return {"x": (u.Quantity, (), {"unit": "pix"}), "y": (u.Quantity, (), {"unit": "pix"})}


class PixelWCS(TableWCS):
    """Input pixels that are their own "world" coordinates."""

    def __init__(self):
        pass

    def world_to_pixel_values(self, x, y):
        return x, y


def reprojected(function, image, coordinates, **options):
    shape = coordinates.shape[1] - 2, coordinates.shape[2] - 2
    target = HighLevelWCSWrapper(TableWCS(coordinates))
    return function(
        (image, HighLevelWCSWrapper(PixelWCS())),
        target,
        shape_out=shape,
        roundtrip_coords=False,
        return_footprint=False,
        **options,
    )


def affine_coordinates(shape, matrix, centre, bend=0.0):
    """Coordinates that an affine transformation about the centre, bent a little, gives."""
    ny, nx = shape
    y, x = np.mgrid[-1 : ny + 1, -1 : nx + 1] - np.array([(ny - 1) / 2, (nx - 1) / 2]).reshape(2, 1, 1)
    (a, b), (c, d) = matrix
    return np.stack([
        centre[0] + a * x + b * y + bend * x * y,
        centre[1] + c * x + d * y + bend * (x**2 - y**2),
    ])  # fmt: skip


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def image_of(shape, dtype, seed=0):
    return np.random.default_rng(seed).uniform(-100, 1000, shape).astype(dtype)


def assert_equal_to_reproject(image, coordinates, rtol, **options):
    ours = resample_adaptive(image, coordinates, dtype=image.dtype, **options)
    theirs = reprojected(reproject_adaptive, image, coordinates, **options)
    assert ours.dtype == image.dtype
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=rtol * 1000)
    return ours


TOLERANCES = [(np.float32, 1e-6), (np.float64, 1e-12)]
scales = st.floats(0.2, 6.0)


@pytest.mark.parametrize(("dtype", "rtol"), TOLERANCES)
@settings(max_examples=60, deadline=None)
@given(
    first_angle=st.floats(-np.pi, np.pi),
    second_angle=st.floats(-np.pi, np.pi),
    scale_x=scales,
    scale_y=scales,
    flip=st.booleans(),
    bend=st.floats(-0.02, 0.02),
    centre=st.tuples(st.floats(0, 50), st.floats(0, 60)),
    missing=st.booleans(),
)
def test_adaptive_is_that_of_reproject(
    dtype, rtol, first_angle, second_angle, scale_x, scale_y, flip, bend, centre, missing
):
    matrix = (
        rotation(first_angle) @ np.diag([scale_x, -scale_y if flip else scale_y]) @ rotation(second_angle)
    )
    coordinates = affine_coordinates((12, 15), matrix, centre, bend)
    image = image_of((61, 53), dtype)
    if missing:
        image[20:23, 30] = np.nan
        coordinates[:, 4, 5] = np.nan
    assert_equal_to_reproject(image, coordinates, rtol)


@pytest.mark.parametrize(("dtype", "rtol"), TOLERANCES)
@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(2),
        np.diag([-1, 1]),
        np.diag([1, -1]),
        np.diag([3, -3]),
        np.array([[0, 2], [2, 0]]),
        np.array([[0, -1.5], [1.5, 0]]),
        np.zeros((2, 2)),
        np.eye(2) * 1.1,
        np.diag([1.25, 0.75]),
        np.diag([40.0, 0.3]),
        rotation(0.7) @ np.diag([40.0, 1.2]) @ rotation(0.2),
        rotation(0.7) @ np.diag([25.0, 30.0]),
    ],
    ids=[
        "identity",
        "mirrored",
        "flipped",
        "anti",
        "transposed",
        "turned",
        "point",
        "edges on pixels but for rounding",
        "edges on pixels",
        "flat",
        "sheared",
        "shrunk",
    ],
)
def test_adaptive_in_special_positions(matrix, dtype, rtol):
    """Coordinates on integers, singular values that are equal or of either sign, very large windows."""
    coordinates = affine_coordinates((7, 9), matrix, (300.0, 310.0))
    values = assert_equal_to_reproject(image_of((620, 600), dtype), coordinates, rtol)
    assert np.isfinite(values).any()


@pytest.mark.parametrize(("dtype", "rtol"), TOLERANCES)
def test_adaptive_with_other_widths(dtype, rtol):
    coordinates = affine_coordinates((20, 20), rotation(0.3) * 1.4, (30.0, 30.0))
    image = image_of((60, 60), dtype)
    assert_equal_to_reproject(image, coordinates, rtol, kernel_width=1.0, sample_region_width=3.0)


def test_adaptive_over_more_than_a_block_of_pixels():
    coordinates = affine_coordinates((5, 700), rotation(0.02) * 0.98, (400.0, 40.0))
    assert np.isfinite(assert_equal_to_reproject(image_of((80, 800), np.float64), coordinates, 1e-12)).all()


@pytest.mark.parametrize("scale", [0.997, 1.003, 1.03, 2.2], ids=str)
@pytest.mark.parametrize("variant", library.variants())
def test_each_variant_is_right_to_2e_7_beside_bright_spikes(monkeypatch, variant, scale):
    """Scales at which exponentials are nearly the same, at which they are not, and with wider windows."""
    monkeypatch.setattr(library, "_chosen", lambda: library.variants()[variant])
    rng = np.random.default_rng(0)
    image = rng.poisson(100, (300, 300)).astype(np.float64)
    image[rng.random(image.shape) < 0.01] = 16383
    coordinates = affine_coordinates((120, 110), rotation(0.02) * scale, (150.3, 149.6), bend=1e-6)
    theirs = reprojected(reproject_adaptive, image, coordinates)
    np.testing.assert_allclose(resample_adaptive(image, coordinates), theirs, rtol=2e-7)
    np.testing.assert_allclose(resample_adaptive(image, coordinates, dtype=np.float64), theirs, rtol=1e-12)


def test_only_where_a_window_may_flip_a_tiny_shift_is_seen():
    """A millionth of a pixel: elsewhere the result moves as little as the image is steep."""
    coordinates = affine_coordinates((300, 300), rotation(0.01) * 1.02, (250.0, 250.0))
    image = image_of((500, 500), np.float64)
    before, after = (resample_adaptive(image, coordinates + shift, dtype=np.float64) for shift in (0, 1e-6))
    change = np.abs(after - before) / image.max()
    flips = window_may_flip(coordinates)
    assert 0 < flips.mean() < 0.01
    assert change[~flips].max() < 5e-6
    assert change[flips].max() > 1e-5


def test_missing_pixels_spread_as_far_as_the_kernel_reaches():
    image = image_of((30, 30), np.float32)
    image[15, 14] = np.nan
    image[3, 3] = np.inf
    values = resample_adaptive(image, affine_coordinates((20, 20), np.eye(2) * 0.9, (15.1, 15.2)))
    np.testing.assert_array_equal(
        np.isfinite(values),
        np.isfinite(
            reprojected(
                reproject_adaptive, image, affine_coordinates((20, 20), np.eye(2) * 0.9, (15.1, 15.2))
            )
        ),
    )
    assert 16 <= np.isnan(values).sum() <= 30


@pytest.mark.parametrize("dtype", [np.int16, np.int32, ">f4", ">i2", np.uint8])
def test_adaptive_takes_any_real_type(dtype):
    image = image_of((40, 40), np.float64).clip(0, 255).astype(dtype)
    image.flags.writeable = False
    coordinates = affine_coordinates((20, 20), rotation(0.1), (20.0, 20.0))
    np.testing.assert_array_equal(
        resample_adaptive(image, coordinates), resample_adaptive(image.astype(np.float64), coordinates)
    )


bands = {
    "angle": st.floats(-np.pi, np.pi),
    "scale_x": scales,
    "scale_y": scales,
    "centre": st.tuples(st.floats(-10, 210), st.floats(-10, 210)),
}


@settings(max_examples=60, deadline=None)
@given(**bands)
def test_adaptive_from_the_needed_window_is_that_from_the_whole_image(angle, scale_x, scale_y, centre):
    coordinates = affine_coordinates(
        (12, 15), rotation(angle) @ np.diag([scale_x, scale_y]), centre, bend=0.003
    )
    image = image_of((200, 200), np.float32)
    rows, columns = window_needed(coordinates, image.shape)
    for start, stop in (rows, columns):
        assert 0 <= start <= stop <= 200
        assert stop - start < 8 * 20 * max(scale_x, scale_y)
    whole = resample_adaptive(image, coordinates)
    window = image[slice(*rows), slice(*columns)]
    np.testing.assert_array_equal(resample_adaptive(window, coordinates, origin=(rows[0], columns[0])), whole)
    if rows == (0, 0):
        assert np.isnan(whole).all()


NOTHING = ((0, 0), (0, 0))


def test_nothing_is_needed_for_what_is_not_there():
    coordinates = affine_coordinates((4, 4), np.eye(2), (500.0, 5.0))
    assert window_needed(coordinates, (20, 20)) == NOTHING
    assert window_needed_interpolation(coordinates, (20, 20)) == NOTHING
    assert window_needed(np.full((2, 6, 6), np.nan), (20, 20)) == NOTHING
    assert window_needed_interpolation(np.full((2, 6, 6), np.nan), (20, 20)) == NOTHING
    assert np.isnan(resample_adaptive(np.empty((0, 20)), coordinates)).all()
    assert np.isnan(resample_interpolation(np.empty((0, 20)), coordinates)).all()


@pytest.mark.parametrize("order", [0, 1, 3])
@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-np.pi, np.pi),
    scale=scales,
    centre=st.tuples(st.floats(-5, 55), st.floats(-5, 65)),
)
@example(angle=0.0, scale=1.0, centre=(0.0, 55.0))  # rows at 60.5, the upper edge of the image
@example(angle=0.0, scale=1.0, centre=(0.0, 5.0))  # rows at -0.5, its lower edge
@example(angle=0.0, scale=1.0, centre=(45.5, 20.0))  # columns at 52.5
@example(angle=0.0, scale=1.0, centre=(6.5, 20.0))  # columns at -0.5
def test_interpolation_is_that_of_reproject(order, angle, scale, centre):
    coordinates = affine_coordinates((12, 15), rotation(angle) * scale, centre)
    image = image_of((61, 53), np.float64)
    ours = resample_interpolation(image, coordinates, order=order, dtype=np.float64)
    theirs = reprojected(reproject_interp, image, coordinates, order=order)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 3])
@settings(max_examples=30, deadline=None)
@given(**bands)
def test_interpolation_from_the_needed_window_is_that_from_the_whole_image(
    order, angle, scale_x, scale_y, centre
):
    coordinates = affine_coordinates((12, 15), rotation(angle) @ np.diag([scale_x, scale_y]), centre)
    coordinates[:, 5, 5] = np.nan
    image = image_of((200, 200), np.float64)
    rows, columns = window_needed_interpolation(coordinates, image.shape, order=order)
    whole = resample_interpolation(image, coordinates, order=order, dtype=np.float64)
    window, origin = image[slice(*rows), slice(*columns)], (rows[0], columns[0])
    part = resample_interpolation(window, coordinates, order=order, origin=origin, dtype=np.float64)
    np.testing.assert_allclose(part, whole, rtol=0, atol=1e-9 if order == 3 else 0)


def test_cubic_interpolation_keeps_missing_pixels_in_their_place():
    image = image_of((60, 60), np.float64)
    coordinates = affine_coordinates((40, 40), rotation(0.2), (30.3, 30.4))
    full = resample_interpolation(image, coordinates, order=3, dtype=np.float64)
    image[30, 31] = np.nan
    values = resample_interpolation(image, coordinates, order=3, dtype=np.float64)
    x, y = coordinates[:, 1:-1, 1:-1]
    near = (np.abs(x - 31) < 2) & (np.abs(y - 30) < 2)
    np.testing.assert_array_equal(np.isnan(values), near)
    far = (np.abs(x - 31) > 20) | (np.abs(y - 30) > 20)
    np.testing.assert_allclose(values[far], full[far], rtol=0, atol=1e-6)
    assert np.isnan(resample_interpolation(image * np.nan, coordinates, order=3)).all()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"shape \(2, 3\), expected"):
        resample_adaptive(np.zeros((4, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="order is 2"):
        resample_interpolation(np.zeros((4, 4)), np.zeros((2, 3, 3)), order=2)
