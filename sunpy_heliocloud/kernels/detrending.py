"""Trends that are taken off light curves: straight lines, running means, local lines."""

from ctypes import c_int64
from typing import Literal

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function, short_name

__all__ = ["Detrend", "fill_gaps", "remaining", "remove_trend"]

# ``"linear"``; the odd width in samples of a running mean; or ``("line", width)`` for local lines.
Detrend = Literal["linear"] | int | tuple[Literal["line"], int] | None

_ROWS, _THERE, _TOTALS = Array(np.float32, np.float64), Array(np.bool_), Array(np.float64)
_fill_gaps = Function("fill_gaps_{}", _ROWS, _THERE, *(c_int64,) * 2)
_running_mean = Function(
    "remove_running_mean_{}", _ROWS, _THERE, *(c_int64,) * 4, _TOTALS, Array(np.int64), _THERE
)
_local_line = Function("remove_local_line_{}", _ROWS, _THERE, *(c_int64,) * 4, _TOTALS, _TOTALS)


def remaining(n: int, detrend: Detrend) -> int:
    """How many of ``n`` samples have a trend: a running mean has none where its window is not whole."""
    return n - 2 * (detrend // 2) if isinstance(detrend, int) else n


def remove_trend(samples: np.ndarray, present: np.ndarray, detrend: Detrend) -> np.ndarray:
    """
    Take the trend off each row, in place.

    A running mean is taken off only where its window is whole: a window of one side makes a hook at the end of every
    series, which all channels have in common. Rows become shorter by a half-width at either end. Across missing
    samples the series is interpolated for the mean; a sample counts as missing where less than half of its window, on
    either side, is there. Of a local line windows are cut at the ends.

    Parameters
    ----------
    samples
        Shape ``(pixels, length)``, 0 where missing.
    present
        Shape ``(pixels, n)``.
    detrend
        See `Detrend`.

    Returns
    -------
    `numpy.ndarray`
        Where there are samples now, shape ``(pixels, remaining(n, detrend))``.
    """
    if detrend is None:
        return present
    pixels, n = present.shape
    rows = samples, np.ascontiguousarray(present), pixels, samples.shape[1], n
    if isinstance(detrend, int):
        kept = np.empty((pixels, remaining(n, detrend)), np.bool_)
        room = np.empty(n + 1), np.empty(n + 1, np.int64)
        _running_mean(*rows, detrend // 2, *room, kept, dtype=short_name(samples))
        return kept
    reach = n if detrend == "linear" else detrend[1] // 2
    _local_line(*rows, reach, np.empty(5 * (n + 1)), np.empty(n), dtype=short_name(samples))
    return present


def fill_gaps(rows: np.ndarray, present: np.ndarray) -> None:
    """Interpolate what is missing, in place; beyond the ends, the nearest sample."""
    _fill_gaps(rows, np.ascontiguousarray(present), *present.shape, dtype=short_name(rows))
