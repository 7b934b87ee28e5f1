"""Interpolation and averages along the time axis, with gaps."""

import math

import numpy as np
from numba import njit

from sunpy_heliocloud.kernels.time_neighbours import SAME_TIME, Steps, neighbours

__all__ = ["METHODS", "average_steps", "interpolate_time"]

METHODS = ("linear", "mean", "nearest", "cubic")

# Pixels that are interpolated together, so that the planes' parts stay in the cache.
_BLOCK = 4096


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
    times, new_times = np.asarray(times, float), np.asarray(new_times, float)
    _check(planes, times, new_times, method)
    if method == "mean" and len(new_times) > 1:
        return average_steps(planes, times, Steps.of(times, new_times), max_gap=max_gap)
    dtype = _type(planes)
    flat = np.ascontiguousarray(planes, dtype).reshape(len(times), math.prod(planes.shape[1:]))
    interpolated = np.empty((len(new_times), flat.shape[1]), dtype)
    before, after, weight = neighbours(times, new_times, max_gap)
    if method == "cubic":
        _interpolate_cubic(flat, times, new_times, before, after, max_gap + SAME_TIME, interpolated)
        return interpolated.reshape(len(new_times), *planes.shape[1:])
    nearest = method == "nearest"
    if nearest:
        weight = np.round(weight)
    _interpolate(flat, times, new_times, before, after, weight, max_gap + SAME_TIME, nearest, interpolated)
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
    times = np.asarray(times, float)
    dtype = _type(planes)
    flat = np.ascontiguousarray(planes, dtype).reshape(len(times), math.prod(planes.shape[1:]))
    averages = np.empty((len(steps.starts), flat.shape[1]), dtype)
    _average(flat, times, *steps, max_gap + SAME_TIME, averages)
    return averages.reshape(len(averages), *planes.shape[1:])


def _type(planes: np.ndarray) -> np.dtype:
    """Of the result: float64, unless planes are of another type of 32 bits or more with fractions."""
    is_wide = planes.dtype.kind == "f" and planes.dtype.itemsize > 2
    return planes.dtype.newbyteorder("=") if is_wide else np.dtype(np.float64)


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


@njit(nogil=True, cache=True, error_model="numpy")
def _interpolate(planes, times, new_times, before, after, weight, max_gap, nearest, interpolated):
    pixels = planes.shape[1]
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for k in range(len(new_times)):
            if before[k] < 0:
                interpolated[k, start:stop] = np.nan
                continue
            # LLVM vectorises over pixels for slices that begin at 0.
            first, second = planes[before[k], start:stop], planes[after[k], start:stop]
            out = interpolated[k, start:stop]
            w = planes.dtype.type(weight[k])
            rest = planes.dtype.type(1) - w
            for i in range(stop - start):
                # A NaN sample with weight 0 also gives NaN, since 0 * NaN is NaN.
                out[i] = first[i] * rest + second[i] * w
            if _are_finite(out):
                continue
            for i in range(stop - start):
                if not np.isfinite(out[i]):
                    out[i] = _across_missing(
                        planes, start + i, times, new_times[k], before[k], after[k], max_gap, nearest
                    )


@njit(nogil=True, cache=True, error_model="numpy")
def _average(planes, times, starts, stops, uncovered, max_gap, averages):
    n, pixels = planes.shape
    everything = np.arange(n)
    weights = np.empty(n)
    for k in range(len(starts)):
        out = averages[k]
        first, last = _weigh(times, everything, starts[k], stops[k], max_gap, weights)
        if uncovered[k] or last < first:
            out[:] = np.nan
            continue
        out[:] = 0
        for start in range(0, pixels, _BLOCK):
            part = out[start : start + _BLOCK]
            for plane in range(first, last + 1):
                row, weight = planes[plane, start : start + _BLOCK], planes.dtype.type(weights[plane])
                for i in range(len(part)):
                    part[i] += row[i] * weight
        for pixel in range(pixels):
            if not np.isfinite(out[pixel]):
                out[pixel] = _average_of_present(planes[:, pixel], times, starts[k], stops[k], max_gap)


@njit(nogil=True, cache=True, error_model="numpy")
def _average_of_present(row, times, start, stop, max_gap):
    # Nothing beyond the longest gap counts.
    there = np.flatnonzero(np.isfinite(row) & (times >= start - max_gap) & (times <= stop + max_gap))
    weights = np.empty(len(row))
    first, last = _weigh(times, there, start, stop, max_gap, weights)
    if last < first:
        return row.dtype.type(np.nan)
    average = 0.0
    for k in range(first, last + 1):
        average += weights[there[k]] * row[there[k]]
    return row.dtype.type(average)


@njit(nogil=True, cache=True, error_model="numpy")
def _weigh(times, there, start, stop, max_gap, weights):
    """Fill the weights of the samples that are there in the mean over a step; which of them are the first and the last."""
    first, last = 0, -1
    covered = 0.0
    for k in range(max(0, np.searchsorted(times[there], start) - 1), len(there) - 1):
        i, j = there[k], there[k + 1]
        if times[i] >= stop:
            break
        low, high = max(times[i], start), min(times[j], stop)
        if high <= low:
            continue
        gap = times[j] - times[i]
        if gap > max_gap:
            return 0, -1
        if last < 0:
            first = k
            weights[i] = 0.0
        weights[j] = (high - low) * ((low + high) / 2 - times[i]) / gap
        weights[i] += (high - low) * (times[j] - (low + high) / 2) / gap
        last = k + 1
        covered += high - low
    if last < 0 or stop - start - covered > SAME_TIME:
        return 0, -1
    for k in range(first, last + 1):
        weights[there[k]] /= covered
    return first, last


# The order of summands is free, so that LLVM can vectorise the sums.
@njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc"})
def _are_finite(values):
    nothing = values.dtype.type(0)
    for i in range(len(values)):
        nothing += values[i] - values[i]
    return nothing == 0


@njit(nogil=True, cache=True, error_model="numpy")
def _across_missing(planes, pixel, times, time, before, after, max_gap, nearest):
    """Interpolate between the finite samples of the pixel that are next to the time."""
    # The search ends at the longest gap, so that pixels that are always missing do not cost a long search
    # each time.
    while before >= 0 and time - times[before] <= max_gap and not np.isfinite(planes[before, pixel]):
        before -= 1
    while after < len(times) and times[after] - time <= max_gap and not np.isfinite(planes[after, pixel]):
        after += 1
    if before < 0 or after == len(times) or times[after] - times[before] > max_gap:
        return planes.dtype.type(np.nan)
    weight = (time - times[before]) / (times[after] - times[before])
    if nearest:
        weight = 1.0 if weight > 0.5 else 0.0
    return planes.dtype.type(planes[before, pixel] * (1 - weight) + planes[after, pixel] * weight)


@njit(nogil=True, cache=True, error_model="numpy")
def _interpolate_cubic(planes, times, new_times, before, after, max_gap, interpolated):
    n, pixels = planes.shape
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for k in range(len(new_times)):
            i, j = before[k], after[k]
            if i < 0:
                interpolated[k, start:stop] = np.nan
                continue
            time = new_times[k]
            has_earlier = i > 0 and times[i] - times[i - 1] <= max_gap
            has_later = j < n - 1 and times[j + 1] - times[j] <= max_gap
            # A neighbour that does not exist has weight 0, but must be finite.
            h, g = (i - 1, j + 1) if i != j else (i, j)
            h, g = (h if has_earlier else i), (g if has_later else j)
            earlier, first, second, later, out = planes[h], planes[i], planes[j], planes[g], interpolated[k]
            for pixel in range(start, stop):
                sum_of_all = earlier[pixel] + first[pixel] + second[pixel] + later[pixel]
                if not np.isfinite(sum_of_all):
                    out[pixel] = _cubic_across_missing(planes, pixel, times, time, i, j, max_gap)
                elif i == j:
                    out[pixel] = first[pixel]
                else:
                    slope = (second[pixel] - first[pixel]) / (times[j] - times[i])
                    step = times[j] - times[i]
                    left = right = slope
                    if has_earlier:
                        left = (first[pixel] - earlier[pixel]) / (times[i] - times[h])
                    if has_later:
                        right = (later[pixel] - second[pixel]) / (times[g] - times[j])
                    out[pixel] = _cubic(
                        first[pixel],
                        slope,
                        step,
                        time - times[i],
                        has_earlier,
                        left,
                        times[i] - times[h],
                        has_later,
                        right,
                        times[g] - times[j],
                    )


@njit(nogil=True, cache=True, error_model="numpy")
def _cubic_across_missing(planes, pixel, times, time, before, after, max_gap):
    n = len(times)
    if before == after and np.isfinite(planes[before, pixel]):
        return planes[before, pixel]
    i, j = before, after
    if i == j:  # the sample of that very time is missing
        i, j = i - 1, j + 1
    while i >= 0 and time - times[i] <= max_gap and not np.isfinite(planes[i, pixel]):
        i -= 1
    while j < n and times[j] - time <= max_gap and not np.isfinite(planes[j, pixel]):
        j += 1
    if i < 0 or j >= n or times[j] - times[i] > max_gap:
        return planes.dtype.type(np.nan)
    h, g = i - 1, j + 1
    while h >= 0 and times[i] - times[h] <= max_gap and not np.isfinite(planes[h, pixel]):
        h -= 1
    while g < n and times[g] - times[j] <= max_gap and not np.isfinite(planes[g, pixel]):
        g += 1
    has_earlier = h >= 0 and times[i] - times[h] <= max_gap
    has_later = g < n and times[g] - times[j] <= max_gap
    first, second = planes[i, pixel], planes[j, pixel]
    step = times[j] - times[i]
    slope = (second - first) / step
    left, right, left_step, right_step = slope, slope, step, step
    if has_earlier:
        left_step = times[i] - times[h]
        left = (first - planes[h, pixel]) / left_step
    if has_later:
        right_step = times[g] - times[j]
        right = (planes[g, pixel] - second) / right_step
    return planes.dtype.type(
        _cubic(
            first, slope, step, time - times[i], has_earlier, left, left_step, has_later, right, right_step
        )
    )


@njit(nogil=True, cache=True, error_model="numpy")
def _cubic(first, slope, step, elapsed, has_earlier, left, left_step, has_later, right, right_step):
    """Hermite's cubic from the first sample on, with slopes that prevent overshoot."""
    if has_earlier:
        start = _inner_slope(left, slope, left_step, step)
    elif has_later:
        start = _end_slope(slope, right, step, right_step)
    else:
        start = slope
    if has_later:
        end = _inner_slope(slope, right, step, right_step)
    elif has_earlier:
        end = _end_slope(slope, left, step, left_step)
    else:
        end = slope
    quadratic = (3 * slope - 2 * start - end) / step
    cubic = (start + end - 2 * slope) / step**2
    return first + elapsed * (start + elapsed * (quadratic + elapsed * cubic))


@njit(nogil=True, cache=True, error_model="numpy")
def _inner_slope(left, right, left_step, right_step):
    if left * right <= 0:
        return 0.0
    weight, other = 2 * right_step + left_step, right_step + 2 * left_step
    return (weight + other) / (weight / left + other / right)


@njit(nogil=True, cache=True, error_model="numpy")
def _end_slope(slope, neighbour, step, neighbour_step):
    end = ((2 * step + neighbour_step) * slope - step * neighbour) / (step + neighbour_step)
    if end * slope <= 0:
        return 0.0
    if slope * neighbour <= 0 and abs(end) > 3 * abs(slope):
        return 3 * slope
    return end
