"""The part of an image that anti-aliased resampling reads, see `sunpy_heliocloud.kernels.adaptive`."""

import math

import numpy as np
from numba import njit

from sunpy_heliocloud.kernels.coordinates import checked_coordinates

__all__ = ["window_needed"]


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
    rows, columns = image_shape
    first_row, last_row, first_column, last_column = _needed(
        checked_coordinates(coordinates), int(rows), int(columns), float(sample_region_width)
    )
    return (first_row, last_row), (first_column, last_column)


@njit(nogil=True, cache=True, error_model="numpy")
def _needed(coordinates, rows, columns, sample_region_width):
    _, height, width = coordinates.shape
    half = sample_region_width / 2
    # Extremes of each output column first, so that LLVM can vectorise over columns.
    extremes = np.full((4, width), np.inf)
    left, right, bottom, top = extremes
    for j in range(1, height - 1):
        x, y = coordinates[0, j], coordinates[1, j]
        x_below, x_above = coordinates[0, j - 1], coordinates[0, j + 1]
        y_below, y_above = coordinates[1, j - 1], coordinates[1, j + 1]
        for i in range(1, width - 1):
            x_x, x_y = x[i + 1] - x[i - 1], x_above[i] - x_below[i]
            y_x, y_y = y[i + 1] - y[i - 1], y_above[i] - y_below[i]
            # The Jacobian's Frobenius norm is an upper bound of its singular values.
            norm = 0.5 * math.sqrt(x_x * x_x + x_y * x_y + y_x * y_x + y_y * y_y)
            reach = half * norm if norm > 1 else half
            # If even the smallest window leaves the image, the output is NaN without any input. NaN compares
            # as outside.
            inside = (
                (norm >= 0)
                & (x[i] > half - 1)
                & (x[i] < columns - half)
                & (y[i] > half - 1)
                & (y[i] < rows - half)
            )
            reach = reach if inside else np.nan
            # Not min(), which would return NaN.
            left[i] = x[i] - reach if x[i] - reach < left[i] else left[i]
            right[i] = -x[i] - reach if -x[i] - reach < right[i] else right[i]
            bottom[i] = y[i] - reach if y[i] - reach < bottom[i] else bottom[i]
            top[i] = -y[i] - reach if -y[i] - reach < top[i] else top[i]
    lowest_x, highest_x, lowest_y, highest_y = left.min(), -right.min(), bottom.min(), -top.min()
    if lowest_x > highest_x:
        return 0, 0, 0, 0
    return (
        int(max(lowest_y, 0.0)),
        int(min(highest_y, rows - 1.0)) + 1,
        int(max(lowest_x, 0.0)),
        int(min(highest_x, columns - 1.0)) + 1,
    )
