"""The maximum of a correlation over lags: where it is, also between two lags, and what speaks against it."""

from ctypes import c_double, c_int, c_int64

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function, short_name

__all__ = [
    "EDGE",
    "FIRST",
    "LAST",
    "MARKS",
    "NONE",
    "N_MAXIMA",
    "PULLED",
    "SHORT",
    "find_maxima",
    "marks_in_steps",
]

# What `find_maxima` gives for each pixel: lag, refined lag, correlation, marks, first and last lag that took part.
N_MAXIMA = 6
MARKS, FIRST, LAST = 3, 4, 5
# Marks, which are added.
EDGE = 1  # the correlation is largest at an edge of the lags
PULLED = 2  # the maximum of the tapered correlation is more than a step away
SHORT = 4  # of the lags some have too few pairs
# In place of a lag where none took part.
NONE = -(2**15)

_VALUES = Array(np.float32, np.float64)
_find_maxima = Function(
    "find_maxima_{}",
    *(_VALUES, c_int64, c_int64, Array(np.int64), c_int, c_int64),
    *(c_double, c_double, c_int, c_int64, _VALUES),
)


def find_maxima(
    correlations: np.ndarray,
    tapered: np.ndarray,
    steps: np.ndarray,
    cadence: float,
    tolerance: float,
    keep_edges: bool,
    fewest: int,
) -> np.ndarray:
    """
    Find the maximum of each pixel's correlation.

    Of maxima that are equal to the tolerance, the one at the smallest lag counts; if it occurs at a lag and at its
    opposite, the lag is NaN. A maximum without a lag on both sides of it, at most three steps away, is at an edge, for
    the correlation may go on rising there: the lag is NaN, unless ``keep_edges``.

    Parameters
    ----------
    correlations
        Shape ``(pixels, lags)``; NaN where there are too few pairs.
    tapered
        Step at which the tapered correlation of each pixel is largest; empty if that is not known.
    steps
        The lags in samples, increasing by one.
    cadence
        Seconds of a step.
    tolerance
        Within which maxima are equal.
    keep_edges
        Whether a maximum at an edge is a lag.
    fewest
        Number of lags that could take part.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(N_MAXIMA, pixels)``; the last two in seconds.
    """
    correlations = np.ascontiguousarray(correlations)
    maxima = np.empty((N_MAXIMA, len(correlations)), correlations.dtype)
    _find_maxima(
        *(correlations, *correlations.shape, tapered, len(tapered) > 0, int(steps[0])),
        *(cadence, tolerance, keep_edges, fewest, maxima),
        dtype=short_name(maxima),
    )
    return maxima


def marks_in_steps(marks: np.ndarray, *, cadence: float) -> np.ndarray:
    """
    Marks, first and last lag as small integers: a quarter of the bytes of what else there is of each pixel.

    Parameters
    ----------
    marks
        A third of the planes of each, as of `find_maxima`.
    cadence
        Seconds of a step.

    Returns
    -------
    `numpy.ndarray`
        int16, lags in steps; `NONE` where no lag took part. Steps beyond what int16 holds are the largest that it does.
    """
    first = len(marks) // 3
    small = np.empty(marks.shape, np.int16)
    small[:first] = np.nan_to_num(marks[:first])
    steps = np.clip(np.rint(marks[first:] / cadence), NONE + 1, -NONE - 1)
    small[first:] = np.nan_to_num(steps, nan=NONE)
    return small
