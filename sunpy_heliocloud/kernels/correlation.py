"""
Cross-correlation of two time series in every pixel, as a function of lag.

Arrays have the shape ``(t, ny, nx)``, evenly spaced in time; NaN is missing. The convention is that of
`sunkit_image.time_lag`: both series are centred and divided by their standard deviations, their products are
summed and divided by the number of times. A positive lag means that the first series leads.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import fft

__all__ = ["cross_correlation", "lag_and_correlation", "lags"]

# Memory of the arrays of one block of pixels, beside the input and the result. They fit the cache of a
# processor, which is faster than larger blocks.
_BLOCK_BYTES = 2 * 2**20
# Maxima that differ by less are equal: several times the rounding errors of the transforms.
_TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-12}


def lags(n: int, cadence: float, lag_bounds: tuple[float, float] | None = None) -> np.ndarray:
    """
    The lags of two series of ``n`` samples.

    Parameters
    ----------
    n
        Number of samples.
    cadence
        Time between samples in seconds.
    lag_bounds
        Smallest and largest lag in seconds, both included; all lags by default.

    Returns
    -------
    `numpy.ndarray`
        Whole multiples of the cadence in seconds, increasing.

    Raises
    ------
    ValueError
        If there are less than two samples, or no lag lies within the bounds.
    """
    return _steps(n, cadence, lag_bounds) * float(cadence)


def cross_correlation(
    a: np.ndarray,
    b: np.ndarray,
    cadence: float,
    *,
    lag_bounds: tuple[float, float] | None = None,
    min_overlap: float = 0.5,
) -> np.ndarray:
    """
    Cross-correlation of two series in every pixel.

    Where samples are missing, means and standard deviations are those of the samples that are there, and the
    sum of products is divided by the number of pairs that it has and multiplied by the number that it would
    have if nothing were missing. Without missing samples this is the usual sum.

    Parameters
    ----------
    a, b : `numpy.ndarray`
        Series of the same shape ``(t, ny, nx)``. The computation is in float32 if both are, else in float64.
    cadence
        Time between samples in seconds.
    lag_bounds
        Smallest and largest lag in seconds; all lags by default.
    min_overlap
        Part that has to be there: of the samples common to both series, else the pixel is NaN; and of the
        pairs that a lag can have at most, else the pixel is NaN at that lag.

    Returns
    -------
    `numpy.ndarray`
        Correlation at each of the `lags`, shape ``(n_lags, ny, nx)``. NaN also where a series is constant.

    Raises
    ------
    ValueError
        If the shapes differ, ``min_overlap`` is not from 0 to 1, or for the reasons of `lags`.
    """
    steps = _checked_steps(a, b, cadence, lag_bounds, min_overlap)
    correlation = np.empty((len(steps), a[0].size), np.result_type(a, b, np.float32))
    for block, values in _correlated_blocks(a, b, steps, min_overlap):
        correlation[:, block] = values.T
    return correlation.reshape(len(steps), *a.shape[1:])


def lag_and_correlation(
    a: np.ndarray,
    b: np.ndarray,
    cadence: float,
    *,
    lag_bounds: tuple[float, float] | None = None,
    min_overlap: float = 0.5,
    refine: bool = False,
) -> np.ndarray:
    """
    The lag at which the cross-correlation of each pixel is largest, and the correlation there.

    Of several maxima that are equal, to 2e-6 in float32 and 1e-12 in float64, the one at the smallest lag
    counts; if it occurs at a lag and at its opposite, the lag is NaN.

    Parameters
    ----------
    a, b : `numpy.ndarray`
        Series of the same shape ``(t, ny, nx)``. The computation is in float32 if both are, else in float64.
    cadence
        Time between samples in seconds.
    lag_bounds
        Smallest and largest lag in seconds; all lags by default.
    min_overlap
        As for `cross_correlation`.
    refine
        Take the lag from a parabola through the maximum and its two neighbours, if they are within the
        bounds. The correlation remains that at the sample.

    Returns
    -------
    `numpy.ndarray`
        Lag in seconds and largest correlation, shape ``(2, ny, nx)``. Both are NaN where a series is constant
        or too much of it is missing.

    Raises
    ------
    ValueError
        If the shapes differ, ``min_overlap`` is not from 0 to 1, or for the reasons of `lags`.
    """
    steps = _checked_steps(a, b, cadence, lag_bounds, min_overlap)
    dtype = np.result_type(a, b, np.float32)
    maxima = np.empty((2, a[0].size), dtype)
    for block, values in _correlated_blocks(a, b, steps, min_overlap):
        _find_maxima(values, steps, float(cadence), _TOLERANCE[dtype], refine, maxima[:, block])
    return maxima.reshape(2, *a.shape[1:])


def _steps(n: int, cadence: float, lag_bounds: tuple[float, float] | None) -> np.ndarray:
    """Lags in numbers of samples."""
    if n < 2:
        raise ValueError(f"a correlation needs at least 2 samples in time, got {n}")
    steps = np.arange(1 - n, n)
    if lag_bounds is None:
        return steps
    lowest, highest = lag_bounds
    # Bounds that are multiples of the cadence are included, rounding notwithstanding.
    inside = steps[(steps >= lowest / cadence - 1e-6) & (steps <= highest / cadence + 1e-6)]
    if len(inside) == 0:
        raise ValueError(
            f"no lag lies within lag_bounds {lowest} s to {highest} s: the lags are the multiples of "
            f"{cadence} s from {-(n - 1) * cadence} s to {(n - 1) * cadence} s"
        )
    return inside


def _checked_steps(
    a: np.ndarray, b: np.ndarray, cadence: float, lag_bounds: tuple[float, float] | None, min_overlap: float
) -> np.ndarray:
    if not 0 <= min_overlap <= 1:
        raise ValueError(f"min_overlap is {min_overlap}, but must be a part of the samples, from 0 to 1")
    if a.shape != b.shape:
        raise ValueError(f"the series have shapes {a.shape} and {b.shape}, but must have the same")
    return _steps(len(a), cadence, lag_bounds)


class _Block(NamedTuple):
    """
    Series of some pixels, one a row, ready for the transform.

    ``samples`` are centred, divided by their standard deviation, and 0 where missing; ``present`` is 1 where
    they are not missing; both are padded with zeros. Of a constant series the samples are NaN.
    """

    samples: np.ndarray
    present: np.ndarray
    complete: bool


def _correlated_blocks(
    a: np.ndarray, b: np.ndarray, steps: np.ndarray, min_overlap: float
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of pixels with their correlations at the lags, shape ``(pixels, n_lags)``."""
    n = len(a)
    dtype = np.result_type(a, b, np.float32)
    # Long enough that the lags asked for do not meet the other end.
    length = fft.next_fast_len(n + int(np.abs(steps).max()), real=True)
    a, b = a.reshape(n, -1), b.reshape(n, -1)
    pixels = max(1, _BLOCK_BYTES // (8 * length * dtype.itemsize))
    for start in range(0, a.shape[1], pixels):
        block = slice(start, start + pixels)
        first, second = (
            _standardised(series[:, block].astype(dtype, copy=False), length) for series in (a, b)
        )
        yield block, _correlate(first, second, n, steps, min_overlap)


def _standardised(series: np.ndarray, length: int) -> _Block:
    samples = np.zeros((series.shape[1], length), series.dtype)
    present = np.zeros_like(samples)
    complete = _standardise(series, samples, present)
    return _Block(samples, present, complete)


def _correlate(a: _Block, b: _Block, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
    correlation = _lagged_sums(a.samples, b.samples, steps)
    if not (a.complete and b.complete):
        # This is 1 where nothing is missing: a pixel's result does not depend on the others of its block.
        correlation *= _gain_for_missing(a.present, b.present, n, steps, min_overlap)
    return correlation / n


def _gain_for_missing(
    a_present: np.ndarray, b_present: np.ndarray, n: int, steps: np.ndarray, min_overlap: float
) -> np.ndarray:
    """Possible by actual number of pairs at each lag, NaN for too few; a row a pixel, or one for all."""
    if (a_present == a_present[0]).all() and (b_present == b_present[0]).all():
        # Whole planes are missing.
        a_present, b_present = a_present[:1], b_present[:1]
    pairs = np.rint(_lagged_sums(a_present, b_present, steps))
    possible = (n - np.abs(steps)).astype(pairs.dtype)
    common = (a_present * b_present).sum(axis=1, keepdims=True)
    enough = (pairs >= min_overlap * possible) & (pairs > 0) & (common >= min_overlap * n)
    return np.where(enough, possible / np.maximum(pairs, 1), np.nan)


def _lagged_sums(a: np.ndarray, b: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sums over t of a(t) b(t + step) for each of the steps, which follow each other."""
    length = a.shape[1]
    spectrum = fft.rfft(a, axis=1)
    np.conjugate(spectrum, out=spectrum)
    spectrum *= fft.rfft(b, axis=1)
    sums = fft.irfft(spectrum, length, axis=1, overwrite_x=True)
    first, last = steps[0], steps[-1]
    if first < 0 <= last:
        return np.concatenate([sums[:, first:], sums[:, : last + 1]], axis=1)
    return sums[:, first % length : last % length + 1]


@njit(nogil=True, cache=True, error_model="numpy")
def _standardise(series, samples, present):
    """Fill ``samples`` and ``present`` of a block; whether nothing is missing."""
    n, pixels = series.shape
    complete = True
    for pixel in range(pixels):
        count = 0
        total = 0.0
        lowest, highest = np.inf, -np.inf
        for t in range(n):
            value = np.float64(series[t, pixel])
            if np.isfinite(value):
                present[pixel, t] = 1
                samples[pixel, t] = series[t, pixel]
                count += 1
                total += value
                lowest = min(lowest, value)
                highest = max(highest, value)
        complete &= count == n
        mean = total / count
        squares = 0.0
        for t in range(n):
            if present[pixel, t]:
                squares += (np.float64(samples[pixel, t]) - mean) ** 2
        # Compared, for the variance of a constant need not round to 0.
        scale = 1 / np.sqrt(squares / count) if highest > lowest else np.nan
        for t in range(n):
            if present[pixel, t]:
                samples[pixel, t] = (np.float64(samples[pixel, t]) - mean) * scale
            elif np.isnan(scale):
                samples[pixel, t] = np.nan
    return complete


@njit(nogil=True, cache=True, error_model="numpy")
def _find_maxima(correlations, steps, cadence, tolerance, refine, maxima):
    count = len(steps)
    for pixel in range(len(correlations)):
        correlation = correlations[pixel]
        largest = -np.inf
        for k in range(count):
            if correlation[k] > largest:
                largest = correlation[k]
        if largest == -np.inf:
            maxima[:, pixel] = np.nan
            continue
        best = -1
        tie = False
        for k in range(count):
            if correlation[k] >= largest - tolerance and _is_local_maximum(correlation, k):
                if best < 0 or abs(steps[k]) < abs(steps[best]):
                    best = k
                    tie = False
                elif steps[k] == -steps[best]:
                    tie = True
        lag = np.float64(steps[best])
        if refine and 0 < best < count - 1:
            before, here, after = correlation[best - 1], correlation[best], correlation[best + 1]
            bend = np.float64(before) - 2 * np.float64(here) + np.float64(after)
            if bend < 0:
                lag += 0.5 * (np.float64(before) - np.float64(after)) / bend
        maxima[0, pixel] = np.nan if tie else lag * cadence
        maxima[1, pixel] = largest


@njit(nogil=True, cache=True, error_model="numpy")
def _is_local_maximum(correlation, k):
    # Written so that a missing neighbour is no larger.
    return not (k > 0 and correlation[k - 1] > correlation[k]) and not (
        k < len(correlation) - 1 and correlation[k + 1] > correlation[k]
    )
