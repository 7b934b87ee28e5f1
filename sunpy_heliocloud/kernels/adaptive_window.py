"""The part of an image that anti-aliased resampling reads, see `sunpy_heliocloud.kernels.adaptive`."""

from ctypes import c_double, c_int64

import numpy as np

from sunpy_heliocloud.kernels.coordinates import checked_coordinates
from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["window_needed"]

_needed = Function("window_needed", Array(np.float64), *(c_int64,) * 2, *(c_double,) * 3, Array(np.int64))


def window_needed(
    coordinates: np.ndarray, image_shape: tuple[int, int], *, sample_region_width: float = 4.0
) -> tuple[tuple[int, int], tuple[int, int]]:
    """
    The part of the image that `resample_adaptive` reads, or a little more.

    Parameters
    ----------
    coordinates : `numpy.ndarray`
        As for `resample_adaptive`.
    image_shape
        Shape ``(rows, columns)`` of the whole image.
    sample_region_width
        As for `resample_adaptive`.

    Returns
    -------
    tuple
        First row and the row after the last, first column and the column after the last; ``(0, 0)`` twice if nothing
        of the image is needed.
    """
    coordinates = checked_coordinates(coordinates)
    window = np.empty(4, np.int64)
    _needed(coordinates, *coordinates.shape[1:], *image_shape, sample_region_width, window)
    first_row, last_row, first_column, last_column = window.tolist()
    return (first_row, last_row), (first_column, last_column)
