"""Trends that are taken off light curves: straight lines, running means, local lines."""

from typing import Literal

import numpy as np
from numba import njit

__all__ = ["Detrend", "fill_gaps", "remaining", "remove_trend"]

# ``"linear"``; the odd width in samples of a running mean; or ``("line", width)`` for local lines.
Detrend = Literal["linear"] | int | tuple[Literal["line"], int] | None


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
    if detrend == "linear":
        _remove_local_line(samples, present, present.shape[1])
        return present
    if isinstance(detrend, tuple):
        _remove_local_line(samples, present, detrend[1] // 2)
        return present
    kept = np.empty((len(present), remaining(present.shape[1], detrend)), np.bool_)
    _remove_running_mean(samples, present, detrend // 2, kept)
    return kept


@njit(nogil=True, cache=True, error_model="numpy")
def fill_gaps(rows, present):
    """Interpolate what is missing, in place; beyond the ends, the nearest sample."""
    pixels, n = present.shape
    for pixel in range(pixels):
        row, there = rows[pixel], present[pixel]
        before = -1
        for t in range(n):
            if not there[t]:
                continue
            first = row[before] if before >= 0 else row[t]
            for missing in range(before + 1, t):
                row[missing] = first + (row[t] - first) * (missing - before) / (t - before)
            before = t
        for missing in range(before + 1, n):
            row[missing] = row[before] if before >= 0 else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _remove_running_mean(samples, present, reach, kept):
    n = present.shape[1]
    totals, counts = np.zeros(n + 1), np.zeros(n + 1, np.int64)
    for pixel in range(len(present)):
        there = present[pixel]
        for t in range(n):
            counts[t + 1] = counts[t] + there[t]
        if counts[n] < n:
            fill_gaps(samples[pixel : pixel + 1], present[pixel : pixel + 1])
        row = samples[pixel]
        for t in range(n):
            totals[t + 1] = totals[t] + np.float64(row[t])
        for t in range(reach, n - reach):
            start, stop = t - reach, t + reach + 1
            before, after = counts[t] - counts[start], counts[stop] - counts[t + 1]
            # A window that begins before the first sample is not whole, nor is one that ends after the last.
            whole = counts[start + 1] > 0 and counts[stop - 1] < counts[n]
            kept[pixel, start] = there[t] and whole and 2 * min(before, after) >= reach
            mean = (totals[stop] - totals[start]) / (2 * reach + 1)
            row[start] = np.float64(row[t]) - mean if kept[pixel, start] else 0.0
        row[n - 2 * reach : n] = 0


@njit(nogil=True, cache=True, error_model="numpy")
def _remove_local_line(samples, present, reach):
    pixels, n = present.shape
    # Running sums of one, time, time squared, the samples, and time by samples.
    sums = np.zeros((5, n + 1))
    trend = np.empty(n)
    middle = (n - 1) / 2
    for pixel in range(pixels):
        row, there = samples[pixel], present[pixel]
        total, number = 0.0, 0
        for t in range(n):
            if there[t]:
                total += np.float64(row[t])
                number += 1
        mean = total / max(number, 1)
        for t in range(n):
            # Small numbers, so that little is lost by rounding.
            time, value = t - middle, np.float64(row[t]) - mean
            weight = 1.0 if there[t] else 0.0
            sums[0, t + 1] = sums[0, t] + weight
            sums[1, t + 1] = sums[1, t] + weight * time
            sums[2, t + 1] = sums[2, t] + weight * time * time
            sums[3, t + 1] = sums[3, t] + weight * value
            sums[4, t + 1] = sums[4, t] + weight * time * value
        for t in range(n):
            start, stop = max(0, t - reach), min(n, t + reach + 1)
            count = max(sums[0, stop] - sums[0, start], 1.0)
            time = (sums[1, stop] - sums[1, start]) / count
            value = (sums[3, stop] - sums[3, start]) / count
            square = (sums[2, stop] - sums[2, start]) / count - time * time
            together = (sums[4, stop] - sums[4, start]) / count - time * value
            slope = together / square if square > 1e-9 else 0.0
            trend[t] = mean + value + slope * (t - middle - time)
        for t in range(n):
            if there[t]:
                row[t] = np.float64(row[t]) - trend[t]
