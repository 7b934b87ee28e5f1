"""
Interpolation of an image at pixel coordinates, see `sunpy_heliocloud.kernels.coordinates`.

An image may be a window of the whole image, as for `sunpy_heliocloud.kernels.adaptive`.
"""

import math
from ctypes import c_int, c_int64

import numpy as np

from sunpy_heliocloud.kernels.coordinates import checked_coordinates
from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["resample_interpolation", "window_needed_interpolation"]

# A spline's prefilter decays by 0.268 a pixel: after 28 pixels the effect of a window's edge is below float64, and after
# this number even the last bits of two windows agree.
_SPLINE_MARGIN = 40

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_interpolate = Function(
    "interpolate_image",
    Array(_SINGLE, _DOUBLE),
    c_int,
    *(c_int64,) * 4,
    Array(_DOUBLE),
    *(c_int64,) * 2,
    c_int,
    Array(_SINGLE, _DOUBLE),
    c_int,
)
_bounds = Function("interpolation_bounds", Array(_DOUBLE), *(c_int64,) * 4, Array(_DOUBLE))


def resample_interpolation(
    image: np.ndarray,
    coordinates: np.ndarray,
    *,
    order: int = 1,
    origin: tuple[int, int] = (0, 0),
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """
    Interpolation of the image at the coordinates, as `reproject.reproject_interp` does it.

    In the outer half of the image's outermost pixels the value is that of the pixels' centres; NaN beyond.
    NaN in the image spreads to the pixels whose 1, 2 x 2 or 4 x 4 neighbours contain it.

    Parameters
    ----------
    image : `numpy.ndarray`
        The input image, or a window of it, of any real type, shape ``(rows, columns)``.
    coordinates : `numpy.ndarray`
        Input pixels ``(x, y)`` of the output pixels, with the rim, which is not used.
    order
        0 (nearest pixel), 1 (linear) or 3 (cubic spline).
    origin
        Row and column in the whole image of the pixel ``image[0, 0]``.
    dtype
        Type of the result.

    Returns
    -------
    `numpy.ndarray`
        The interpolated image, shape ``(ny, nx)``.

    Raises
    ------
    ValueError
        If there is no such order.
    """
    if order not in (0, 1, 3):
        raise ValueError(f"order is {order!r}, but must be 0 (nearest), 1 (linear) or 3 (cubic)")
    coordinates = checked_coordinates(coordinates)
    if order == 3:
        return _by_spline(image, coordinates[:, 1:-1, 1:-1], origin, dtype)
    # Single precision holds what 16 bits can.
    image = np.ascontiguousarray(image, _SINGLE if np.can_cast(image.dtype, _SINGLE) else _DOUBLE)
    ny, nx = coordinates.shape[1] - 2, coordinates.shape[2] - 2
    values = np.empty((ny, nx), _SINGLE if np.dtype(dtype) == _SINGLE else _DOUBLE)
    _interpolate(
        *(image, image.dtype == _SINGLE, *image.shape, *map(int, origin)),
        *(coordinates, ny, nx, order == 0, values, values.dtype == _SINGLE),
    )
    return values.astype(dtype, copy=False)


def window_needed_interpolation(
    coordinates: np.ndarray, image_shape: tuple[int, int], *, order: int = 1
) -> tuple[tuple[int, int], tuple[int, int]]:
    """
    The part of the image that `resample_interpolation` needs.

    Parameters
    ----------
    coordinates : `numpy.ndarray`
        As for `resample_interpolation`.
    image_shape
        Shape ``(rows, columns)`` of the whole image.
    order
        As for `resample_interpolation`. The cubic spline depends on all pixels, with decreasing weights;
        those beyond 40 pixels are negligible in float64.

    Returns
    -------
    tuple
        First row and the row after the last, first column and the column after the last; ``(0, 0)`` twice if nothing
        of the image is needed.
    """
    coordinates, bounds = checked_coordinates(coordinates), np.empty(4)
    _bounds(coordinates, coordinates.shape[1] - 2, coordinates.shape[2] - 2, *image_shape, bounds)
    if bounds[0] > bounds[1]:
        return (0, 0), (0, 0)
    margin = _SPLINE_MARGIN if order == 3 else 0
    of_rows, of_columns = (
        # At the last pixel the one before counts as its neighbour, with no weight: missing, it makes the value missing.
        (max(min(math.floor(low), size - 2) - margin, 0), min(math.floor(high) + 2 + margin, size))
        for low, high, size in zip(bounds[::2], bounds[1::2], image_shape, strict=True)
    )
    return of_rows, of_columns


def _by_spline(
    image: np.ndarray, coordinates: np.ndarray, origin: tuple[int, int], dtype: np.typing.DTypeLike
) -> np.ndarray:
    from scipy import ndimage  # workers do not need it otherwise

    x, y = coordinates
    image = np.asarray(image, np.result_type(image.dtype.newbyteorder("="), np.float32))
    rows, columns = image.shape
    at = np.stack([_to_pixel_centres(y - origin[0], rows), _to_pixel_centres(x - origin[1], columns)])
    if np.isfinite(image).all():
        return _spline(image, at, dtype)
    # The prefilter would carry a NaN along whole rows and columns.
    missing = ~np.isfinite(image)
    if missing.all():
        return np.full(x.shape, np.nan, dtype)
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    interpolated = _spline(image[tuple(nearest)], at, dtype)
    interpolated[_touches(missing, at)] = np.nan
    return interpolated


def _to_pixel_centres(position: np.ndarray, size: int) -> np.ndarray:
    """Positions on an axis, moved inwards from the outer half of its outermost pixels; NaN off the axis."""
    on_axis = (position >= -0.5) & (position < size - 0.5)
    return np.where(on_axis, np.clip(position, 0, size - 1), np.nan)


def _spline(image: np.ndarray, at: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
    from scipy import ndimage

    off_image = np.isnan(at).any(axis=0)
    values = ndimage.map_coordinates(image, np.where(off_image, 0, at), output=dtype, order=3)
    values[off_image] = np.nan
    return values


def _touches(missing: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether one of the 4 x 4 pixels around a position is missing."""
    from scipy import ndimage

    around = ndimage.maximum_filter(missing, size=4, origin=-1, mode="constant", cval=False)
    row, column = np.floor(np.nan_to_num(at)).astype(int)
    return around[row, column]
