"""Interpolation and averages along the time axis, with gaps."""

import math
from ctypes import c_double, c_int, c_int64

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function, short_name
from sunpy_heliocloud.kernels.time_neighbours import SAME_TIME, Steps, neighbours

__all__ = ["METHODS", "average_steps", "interpolate_time"]

METHODS = ("linear", "mean", "nearest", "cubic")

_VALUES, _TIMES, _NUMBERS = Array(np.float32, np.float64), Array(np.float64), Array(np.int64)
_PLANES = _VALUES, _TIMES, c_int64, c_int64, c_double
_linear = Function(
    "interpolate_linear_{}", *_PLANES, _TIMES, _NUMBERS, _NUMBERS, _TIMES, c_int64, c_int, _VALUES
)
_cubic = Function("interpolate_cubic_{}", *_PLANES, _TIMES, _NUMBERS, _NUMBERS, c_int64, _VALUES)
_average = Function(
    "average_steps_{}", *_PLANES, _TIMES, _TIMES, Array(np.bool_), c_int64, _TIMES, _NUMBERS, _VALUES
)


def interpolate_time(
    planes: np.ndarray, times: np.ndarray, new_times: np.ndarray, *, max_gap: float, method: str = "linear"
) -> np.ndarray:
    """
    Interpolate every pixel to new times, without bridging gaps and without extrapolating.

    A value is interpolated between the last finite sample of the pixel before the new time and the first one
    after it. It is NaN where one of them does not exist, or where they are farther apart than ``max_gap``. A
    finite sample at the new time itself (to a microsecond) is returned as it is, beside a gap, too.

    Parameters
    ----------
    planes : `numpy.ndarray`
        Samples, shape ``(t, ...)``; what is not finite is missing.
    times : `numpy.ndarray`
        Times of the samples in seconds, increasing, shape ``(t,)``.
    new_times : `numpy.ndarray`
        Times to interpolate to, in seconds, in any order.
    max_gap
        Longest time in seconds between two samples that is interpolated across.
    method
        ``"linear"``, ``"mean"`` (see `average_steps`; of a single new time linear), ``"nearest"`` (the earlier sample
        if both are as near), or ``"cubic"``: a piecewise cubic without overshoot (Fritsch & Butland 1984), from the two
        samples on either side that no long gap divides.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(len(new_times), ...)``, of the type of ``planes`` if that is float32 or float64; float64 for
        other types.

    Raises
    ------
    ValueError
        If the times do not increase, are not one for each plane or not finite, or for an unknown method.

    References
    ----------
    * Fritsch, F. N. & Butland, J. 1984, SIAM J. Sci. Stat. Comput. 5, 300, https://doi.org/10.1137/0905021
    """
    times, new_times = np.ascontiguousarray(times, float), np.asarray(new_times, float)
    _check(planes, times, new_times, method)
    if method == "mean" and len(new_times) > 1:
        return average_steps(planes, times, Steps.of(times, new_times), max_gap=max_gap)
    flat = _flat(planes)
    interpolated = np.empty((len(new_times), flat.shape[1]), flat.dtype)
    before, after, weight = neighbours(times, new_times, max_gap)
    known = flat, times, *flat.shape, max_gap + SAME_TIME, np.ascontiguousarray(new_times), before, after
    if method == "cubic":
        _cubic(*known, len(new_times), interpolated, dtype=short_name(flat))
    else:
        nearest = method == "nearest"
        weight = np.round(weight) if nearest else weight
        _linear(*known, weight, len(new_times), nearest, interpolated, dtype=short_name(flat))
    return interpolated.reshape(len(new_times), *planes.shape[1:])


def average_steps(planes: np.ndarray, times: np.ndarray, steps: Steps, *, max_gap: float) -> np.ndarray:
    """
    The mean over each step of what `interpolate_time` gives with ``"linear"``.

    It is NaN where a gap longer than ``max_gap`` lies within the step, and where the step is not covered by the samples.

    Parameters
    ----------
    planes, times, max_gap
        As for `interpolate_time`.
    steps
        All steps of some new times, or a part of them.

    Returns
    -------
    `numpy.ndarray`
        As of `interpolate_time`.
    """
    times = np.ascontiguousarray(times, float)
    flat = _flat(planes)
    averages = np.empty((len(steps.starts), flat.shape[1]), flat.dtype)
    _average(
        *(flat, times, *flat.shape, max_gap + SAME_TIME),
        *(*map(np.ascontiguousarray, steps), len(averages)),
        *(np.empty(len(times)), np.empty(len(times), np.int64), averages),
        dtype=short_name(flat),
    )
    return averages.reshape(len(averages), *planes.shape[1:])


def _flat(planes: np.ndarray) -> np.ndarray:
    """A row for each plane, float32 or else float64."""
    dtype = np.float32 if planes.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.ascontiguousarray(planes, dtype).reshape(len(planes), math.prod(planes.shape[1:]))


def _check(planes: np.ndarray, times: np.ndarray, new_times: np.ndarray, method: str) -> None:
    if times.shape != planes.shape[:1]:
        raise ValueError(
            f"there are {planes.shape[0]} planes, but times have shape {times.shape}: give one for each"
        )
    if not (np.isfinite(times).all() and np.isfinite(new_times).all()):
        raise ValueError("times and new times must be finite")
    if not (np.diff(times) > 0).all():
        late = int(np.argmin(np.diff(times) > 0))
        raise ValueError(
            f"times must increase, but times[{late + 1}] = {times[late + 1]} follows "
            f"times[{late}] = {times[late]}: sort the planes by time and drop duplicates"
        )
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
