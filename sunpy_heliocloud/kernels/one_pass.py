"""Lags and correlations of complete series, in one pass over their planes."""

from collections.abc import Sequence
from ctypes import c_double, c_int, c_int64
from functools import cache

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.library import Array, Function, short_name
from sunpy_heliocloud.kernels.maxima import N_MAXIMA
from sunpy_heliocloud.kernels.series import LEAST_VARIANCE

__all__ = ["lags_in_one_pass"]

# Products in float32 that are divided by less than a thirtieth, of 1, show the rounding of their sums.
_STEEPEST = {np.dtype(np.float32): 1 / 30.0**2, np.dtype(np.float64): 0.0}
_SIDE = 16  # pixels that C treats together
# Groups of so many pixels that are gathered at once, and what they may take, which a processor's cache has room for.
_MOST_AT_ONCE, _GATHERED_BYTES = 4, 2**19

_ROWS, _WHOLE = Array(np.float32, np.float64), Array(np.int64)
_lags_in_one_pass = Function(
    "lags_in_one_pass_{}",
    *(_WHOLE, _WHOLE, *(c_int64,) * 3, _WHOLE, c_int64),
    *(c_int64, _WHOLE, c_int64, _ROWS, c_int, _WHOLE, c_double, c_double, c_int, c_double, c_double),
    *(c_int64, _ROWS, _ROWS, Array(np.bool_)),
)


def lags_in_one_pass(
    series: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, int]],
    steps: np.ndarray,
    enough: np.ndarray,
    *,
    per_overlap: bool,
    cadence: float,
    tolerance: float,
    keep_edges: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """
    The largest correlation of each pixel, and its lag.

    Parameters
    ----------
    series
        Arrays of the same type, float32 or float64, and shape ``(n, pixels)``.
    pairs
        Which of them are compared.
    steps, enough
        The lags in samples, which follow each other; and those that have enough pairs, at least one.
    per_overlap, cadence, keep_edges
        See `~sunpy_heliocloud.kernels.correlation.Correlator`.
    tolerance
        Within which maxima are equal.

    Returns
    -------
    tuple
        What `~sunpy_heliocloud.kernels.maxima.find_maxima` finds, shape ``(pairs, N_MAXIMA, pixels)``; and which pixels
        are complete in all series. Of others the first is not defined.
    """
    n, pixels = series[0].shape
    planes = [one if one.strides[1] == one.itemsize else np.ascontiguousarray(one) for one in series]
    addresses = np.array([one.ctypes.data for one in planes])
    strides = np.array([one.strides[0] // one.itemsize for one in planes])
    # Long enough that the requested lags do not wrap around.
    half = fft.next_fast_len(max(n + int(np.abs(steps).max()) + 1, 4) // 2, real=True)
    roots, radices = _fourier(half, planes[0].dtype)
    maxima = np.empty((len(pairs), N_MAXIMA, pixels), planes[0].dtype)
    complete = np.empty(pixels, np.bool_)
    rows = 2 * half + 2
    at_once = min(max(_GATHERED_BYTES // (len(series) * rows * _SIDE * maxima.itemsize), 1), _MOST_AT_ONCE)
    # Below it one of two variances may be too small; the other is at most that of the longest overlap.
    fewest = n - int(np.abs(enough).max())
    steepest = max(_STEEPEST[maxima.dtype], LEAST_VARIANCE * n / fewest)
    room = np.empty((((at_once + 1) * len(series) + 4) * rows + 1) * _SIDE, maxima.dtype)
    _lags_in_one_pass(
        *(addresses, strides, len(planes), n, pixels, np.array(pairs).reshape(-1), len(pairs)),
        *(2 * half, radices, len(radices), roots, per_overlap),
        np.array([steps[0], steps[-1], enough[0], enough[-1]]),
        *(cadence, tolerance, keep_edges, LEAST_VARIANCE, steepest, at_once, room, maxima, complete),
        dtype=short_name(maxima),
    )
    return maxima, complete


@cache
def _fourier(half: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary parts of the roots of 1, of twice that order; and the radices of a transform."""
    roots = np.exp(-1j * np.pi * np.arange(2 * half) / half)
    radices = []
    for radix in (4, 2, 3, 5):
        while half % radix == 0:
            half //= radix
            radices.append(radix)
    return roots.view(np.float64).astype(dtype), np.array(radices)
