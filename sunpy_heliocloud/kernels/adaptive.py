"""
Anti-aliased resampling of an image at pixel coordinates, see `sunpy_heliocloud.kernels.coordinates`.

An image may be a window of the whole image; the result is that of the whole image if the window holds what
`sunpy_heliocloud.kernels.adaptive_window.window_needed` tells.
"""

import math

import numpy as np
from numba import njit

from sunpy_heliocloud.kernels.coordinates import checked_coordinates

__all__ = ["resample_adaptive"]

# Weights are products along rows while no exponent in the window exceeds the one and the window is no wider
# than the other; beyond, rounding errors would add up (or the first weight underflow) and each weight takes
# an exp.
_MAX_EXPONENT = 100.0
_MAX_REACH = 40.0

# Output pixels whose weights are prepared together. A compile-time constant: only so can LLVM see that the
# columns of the work array do not overlap, without which it does not vectorise the preparation (3 times
# slower).
_BLOCK = 128
_LEFT, _RIGHT, _BOTTOM, _TOP, _WEIGHT, _STEP_X, _STEP_XX, _STEP_Y, _STEP_YY, _STEP_XY, _PRODUCTS = (
    column * _BLOCK for column in range(11)
)


def resample_adaptive(
    image: np.ndarray,
    coordinates: np.ndarray,
    *,
    origin: tuple[int, int] = (0, 0),
    dtype: np.typing.DTypeLike = np.float32,
    out: np.ndarray | None = None,
    kernel_width: float = 1.3,
    sample_region_width: float = 4.0,
) -> np.ndarray:
    """
    Anti-aliased resampling with a Gaussian whose shape follows the transformation.

    The method is that of DeForest (2004) [1]_ with the choices of `reproject.reproject_adaptive`: a Gaussian
    that is nowhere narrower than ``kernel_width`` input pixels, a Jacobian from the neighbouring pixels, no
    conservation of flux. An output pixel is NaN where its coordinates or a neighbour's are, where its window
    leaves the image, and where a pixel in its window is NaN. Given the same coordinates the result is that of
    reproject.

    Parameters
    ----------
    image : `numpy.ndarray`
        The input image, or a window of it, of any real type, shape ``(rows, columns)``.
    coordinates : `numpy.ndarray`
        Input pixels ``(x, y)`` of the output pixels, with the rim, shape ``(2, ny + 2, nx + 2)``.
    origin
        Row and column in the whole image of the pixel ``image[0, 0]``.
    dtype
        Type of the result: float32 or float64. Sums are in float64.
    out : `numpy.ndarray`
        Array for the result, of shape ``(ny, nx)``; by default a new array.
    kernel_width
        Width of the Gaussian in pixels (twice its standard deviation).
    sample_region_width
        Width of the window, in output pixels.

    Returns
    -------
    `numpy.ndarray`
        The resampled image, shape ``(ny, nx)``.

    References
    ----------
    .. [1] C. E. DeForest, "On Re-sampling of Solar Images", Solar Physics 219, 3 (2004),
       https://doi.org/10.1023/B:SOLA.0000021743.24248.b0
    """
    coordinates = checked_coordinates(coordinates)
    image = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))
    if out is None:
        out = np.empty((coordinates.shape[1] - 2, coordinates.shape[2] - 2), dtype)
    row, column = origin
    _resample(image, int(row), int(column), coordinates, 2 / kernel_width**2, float(sample_region_width), out)
    return out


# Contraction to fused multiply-adds is allowed in here, and only here: elsewhere it could move the edge of a
# window.
@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def _exp(exponent):
    """exp for arguments within +-700, without a branch, so that LLVM can vectorise it; good to 2e-14."""
    # Adding 1.5 * 2**52 rounds to an integer and leaves it in the lowest bits.
    shifted = exponent * 1.4426950408889634 + 6755399441055744.0
    power = shifted - 6755399441055744.0
    r = (exponent - power * 6.93147180369123816490e-01) - power * 1.90821492927058770002e-10
    series = 1 / 39916800
    series = series * r + 1 / 3628800
    series = series * r + 1 / 362880
    series = series * r + 1 / 40320
    series = series * r + 1 / 5040
    series = series * r + 1 / 720
    series = series * r + 1 / 120
    series = series * r + 1 / 24
    series = series * r + 1 / 6
    series = series * r + 1 / 2
    series = series * r + 1.0
    series = series * r + 1.0
    return series * np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)


@njit(nogil=True, cache=True, error_model="numpy")
def _half_jacobian(coordinates, j, i):
    """The Jacobian of output pixel (j, i) as E, F, G, H: half the sums and differences of its elements."""
    x = coordinates[0, j + 1, i + 1]
    y = coordinates[1, j + 1, i + 1]
    # The order of operations matters: the last bit decides whether a row lies in the window.
    x_x = ((x - coordinates[0, j + 1, i]) + (coordinates[0, j + 1, i + 2] - x)) / 2
    x_y = ((x - coordinates[0, j, i + 1]) + (coordinates[0, j + 2, i + 1] - x)) / 2
    y_x = ((y - coordinates[1, j + 1, i]) + (coordinates[1, j + 1, i + 2] - y)) / 2
    y_y = ((y - coordinates[1, j, i + 1]) + (coordinates[1, j + 2, i + 1] - y)) / 2
    return (x_x + y_y) / 2, (x_x - y_y) / 2, (y_x + x_y) / 2, (y_x - x_y) / 2


@njit(nogil=True, cache=True, error_model="numpy")
def _prepare(coordinates, j, start, count, sharpness, region, work):
    """
    Window and weights of the output pixels ``start`` to ``start + count`` of row ``j``.

    A weight is ``exp(-p dx**2 - 2 q dx dy - r dy**2)`` with the matrix ((p, q), (q, r)) from the Jacobian's
    singular values (raised to 1 where they are below, the signed second one included) and its left rotation.
    The exponent is quadratic, so that from the window's corner all weights follow by multiplication.
    """
    for m in range(count):
        i = start + m
        x = coordinates[0, j + 1, i + 1]
        y = coordinates[1, j + 1, i + 1]
        e, f, g, h = _half_jacobian(coordinates, j, i)
        rotation = math.sqrt(e * e + h * h)
        reflection = math.sqrt(f * f + g * g)
        major = rotation + reflection
        minor = rotation - reflection
        # Not max(), since NaN has to be kept.
        major = 1.0 if major < 1.0 else major
        minor = 1.0 if minor < 1.0 else minor
        reach = region / (2 * (1.0 / major))
        left = np.ceil(x - reach)
        bottom = np.ceil(y - reach)
        product = rotation * reflection
        product = product if product > 0 else 1.0
        along = sharpness / (major * major)
        across = sharpness / (minor * minor)
        mean = 0.5 * (along + across)
        difference = 0.5 * (along - across) / product
        p = mean + difference * (e * f - g * h)
        q = difference * (g * e + f * h)
        r = mean - difference * (e * f - g * h)
        dx = left - x
        dy = bottom - y
        work[_LEFT + m] = left
        work[_RIGHT + m] = np.floor(x + reach)
        work[_BOTTOM + m] = bottom
        work[_TOP + m] = np.floor(y + reach)
        work[_WEIGHT + m] = _exp(-(p * dx * dx + 2 * q * dx * dy + r * dy * dy))
        work[_STEP_X + m] = _exp(-(p * (2 * dx + 1) + 2 * q * dy))
        work[_STEP_XX + m] = _exp(-2 * p)
        work[_STEP_Y + m] = _exp(-(r * (2 * dy + 1) + 2 * q * dx))
        work[_STEP_YY + m] = _exp(-2 * r)
        work[_STEP_XY + m] = _exp(-2 * q)
        # Without reflection and rotation both the directions are undefined here, but not in reproject's
        # atan2.
        bound = 2 * reach * reach * across
        safe = (
            (bound < _MAX_EXPONENT) & (reach < _MAX_REACH) & ((rotation * reflection > 0) | (along == across))
        )
        work[_PRODUCTS + m] = 1.0 if safe else 0.0


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _average_by_products(image, bottom, left, rows, columns, work, m):
    row_weight, step_y, step_yy = work[_WEIGHT + m], work[_STEP_Y + m], work[_STEP_YY + m]
    row_step_x, step_xx, step_xy = work[_STEP_X + m], work[_STEP_XX + m], work[_STEP_XY + m]
    weighted = 0.0
    total = 0.0
    for row in range(rows):
        weight, step_x = row_weight, row_step_x
        for column in range(columns):
            weighted += weight * image[bottom + row, left + column]
            total += weight
            weight *= step_x
            step_x *= step_xx
        row_weight *= step_y
        step_y *= step_yy
        row_step_x *= step_xy
    return weighted / total


@njit(nogil=True, cache=True, error_model="numpy")
def _average_by_exp(
    image, first_row, first_column, bottom, left, rows, columns, coordinates, j, i, sharpness
):
    x = coordinates[0, j + 1, i + 1] - first_column
    y = coordinates[1, j + 1, i + 1] - first_row
    e, f, g, h = _half_jacobian(coordinates, j, i)
    rotation = math.sqrt(e * e + h * h)
    reflection = math.sqrt(f * f + g * g)
    angle = (math.atan2(g, f) + math.atan2(h, e)) / 2
    major = max(1.0, rotation + reflection)
    minor = max(1.0, rotation - reflection)
    along_x, along_y = math.cos(angle) / major, math.sin(angle) / major
    across_x, across_y = -math.sin(angle) / minor, math.cos(angle) / minor
    weighted = 0.0
    total = 0.0
    for row in range(bottom, bottom + rows):
        for column in range(left, left + columns):
            along = along_x * (column - x) + along_y * (row - y)
            across = across_x * (column - x) + across_y * (row - y)
            weight = math.exp(-sharpness * (along * along + across * across))
            # A NaN pixel whose weight underflows must not enter the sum.
            if weight > 0:
                weighted += weight * image[row, column]
                total += weight
    return weighted / total


@njit(nogil=True, cache=True, error_model="numpy")
def _resample(image, first_row, first_column, coordinates, sharpness, region, resampled):
    ny, nx = resampled.shape
    last_row = first_row + image.shape[0] - 1
    last_column = first_column + image.shape[1] - 1
    work = np.empty(11 * _BLOCK)
    for j in range(ny):
        for start in range(0, nx, _BLOCK):
            count = min(_BLOCK, nx - start)
            _prepare(coordinates, j, start, count, sharpness, region, work)
            for m in range(count):
                left, right = work[_LEFT + m], work[_RIGHT + m]
                bottom, top = work[_BOTTOM + m], work[_TOP + m]
                # The comparison is written so that NaN is outside.
                if not (
                    left >= first_column and right <= last_column and bottom >= first_row and top <= last_row
                ):
                    resampled[j, start + m] = np.nan
                    continue
                row, column = int(bottom) - first_row, int(left) - first_column
                rows, columns = int(top - bottom) + 1, int(right - left) + 1
                if work[_PRODUCTS + m] == 0.0:
                    average = _average_by_exp(
                        image,
                        first_row,
                        first_column,
                        row,
                        column,
                        rows,
                        columns,
                        coordinates,
                        j,
                        start + m,
                        sharpness,
                    )
                elif rows == 4 and columns == 4:
                    # The common case at unit scale: of a constant size, it is unrolled.
                    average = _average_by_products(image, row, column, 4, 4, work, m)
                else:
                    average = _average_by_products(image, row, column, rows, columns, work, m)
                resampled[j, start + m] = average
