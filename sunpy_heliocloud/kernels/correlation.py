r"""
Cross-correlation of time series in every pixel, as a function of lag.

Arrays have the shape ``(t, ny, nx)``, evenly spaced in time; NaN is missing. The convention is that of
`sunkit_image.time_lag`: both series are centred and divided by their standard deviations, their products are
summed and divided by the number of times. A positive lag means that the first series leads.

Where samples are missing, the correlation at a lag is estimated from the pairs of samples that are there:

.. math:: C(\tau) = \frac{N - |\tau|}{N} \left[ c \, \frac{s_a s_b}{s'_a s'_b} + m_a m_b \right]

with the covariance :math:`c` and the standard deviations :math:`s'_a, s'_b` of the pairs, and the means
:math:`m_a, m_b` and standard deviations :math:`s_a, s_b` of all samples that are there of those that would be
in a pair if nothing were missing. So which samples happen to be missing does not modulate the correlation, which
would move its maximum; the factor in front keeps large lags, of few pairs, as low as they are without gaps.
Where nothing is missing this is the usual sum. On request the correlation at each lag is Pearson's instead, of the
pairs that there are at that lag: :math:`c / (s'_a s'_b)`, which is 1 for a shifted copy whatever the shift.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import fft

from sunpy_heliocloud.kernels.series import Series, prepare

__all__ = [
    "TOLERANCE",
    "Correlator",
    "blocks_of_series",
    "checked_steps",
    "common_type",
    "cross_correlation",
    "find_maxima",
    "lags",
    "lags_and_correlations",
]

# Memory of the arrays that two series of one block of pixels take, beside the input and the result. They fit the
# cache of a processor, which is faster than larger blocks.
_BLOCK_BYTES = 2 * 2**20
# Maxima that differ by less are equal: several times the rounding errors of the transforms.
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-12}
# Added to variances, of series of variance 1, before they are divided by each other.
_SMALL_VARIANCE = 0.01
# Of an overlap, of series of variance 1: what varies less has no correlation of its own.
_LEAST_VARIANCE = 1e-6


class Correlator(NamedTuple):
    """
    How series are compared.

    Parameters
    ----------
    cadence
        Time between samples in seconds.
    lag_bounds
        Smallest and largest lag in seconds; all lags by default.
    min_overlap
        Part that has to be there: of the samples common to both series, else the pixel is NaN; and of the
        pairs that a lag can have at most, else the pixel is NaN at that lag.
    detrend
        ``"linear"`` to remove a straight line from each series, or the width in samples, odd, of the running mean
        to remove.
    per_overlap
        Centre and scale the pairs at each lag by themselves, so that the correlation does not fall towards large
        lags. What few pairs correlate by chance counts as much as what many do; so ``min_overlap`` is then the part
        of all samples, not of those that a lag can have, that has to be in pairs. Computed in float64.
    """

    cadence: float
    lag_bounds: tuple[float, float] | None = None
    min_overlap: float = 0.5
    detrend: str | int | None = None
    per_overlap: bool = False

    def steps(self, n: int) -> np.ndarray:
        """The lags of series of ``n`` samples, in samples."""
        return _steps(n, self.cadence, self.lag_bounds)

    def correlate(self, a: Series, b: Series, n: int, steps: np.ndarray) -> np.ndarray:
        """The correlations of some pixels at the lags, shape ``(pixels, n_lags)``."""
        if self.per_overlap:
            return _of_overlaps(a, b, n, steps, self.min_overlap)
        correlation = _lagged_sums(a.conjugate, b.spectrum, a.length, steps)
        correlation *= correlation.dtype.type(1 / n)
        # A pixel's result does not depend on the others of its block.
        gappy = ~(a.complete & b.complete)
        if gappy.any():
            correlation[gappy] = _with_gaps(a.rows(gappy), b.rows(gappy), n, steps, self.min_overlap)
        return correlation


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


def cross_correlation(a: np.ndarray, b: np.ndarray, how: Correlator) -> np.ndarray:
    """
    Cross-correlation of two series in every pixel.

    Parameters
    ----------
    a, b : `numpy.ndarray`
        Series of the same shape ``(t, ny, nx)``. The computation is in float32 if both are, else in float64.
    how
        See `Correlator`.

    Returns
    -------
    `numpy.ndarray`
        Correlation at each of the `lags`, shape ``(n_lags, ny, nx)``. NaN where a series is constant or too much
        of it is missing.

    Raises
    ------
    ValueError
        If the shapes differ, ``min_overlap`` is not from 0 to 1, or for the reasons of `lags`.
    """
    steps = checked_steps((a, b), how)
    correlation = np.empty((len(steps), a[0].size), common_type((a, b)))
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        correlation[:, block] = how.correlate(first, second, len(a), steps).T
    return correlation.reshape(len(steps), *a.shape[1:])


def lags_and_correlations(
    series: Sequence[np.ndarray], pairs: Sequence[tuple[int, int]], how: Correlator
) -> np.ndarray:
    """
    The lag at which the cross-correlation of each pixel is largest, and the correlation there, of pairs of series.

    Each series is transformed once, whatever the number of its pairs.

    Of several maxima that are equal, to 2e-6 in float32 and 1e-12 in float64, the one at the smallest lag
    counts; if it occurs at a lag and at its opposite, the lag is NaN.

    Parameters
    ----------
    series
        Arrays of the same shape ``(t, ny, nx)``. The computation is in float32 if all are, else in float64.
    pairs
        Which of them are compared.
    how
        See `Correlator`.

    Returns
    -------
    `numpy.ndarray`
        For each pair in turn the lag in seconds; the lag from a parabola through the maximum and its two
        neighbours, if they are within the bounds; and the largest correlation, at a sample. Shape
        ``(3 * len(pairs), ny, nx)``. NaN where a series is constant or too much of it is missing.

    Raises
    ------
    ValueError
        If the shapes differ, ``min_overlap`` is not from 0 to 1, or for the reasons of `lags`.
    """
    steps = checked_steps(series, how)
    n, *image = series[0].shape
    dtype = common_type(series)
    maxima = np.empty((len(pairs), 3, series[0][0].size), dtype)
    for block, rows in blocks_of_series(series, steps, how):
        for k, (i, j) in enumerate(pairs):
            correlation = how.correlate(rows[i], rows[j], n, steps)
            find_maxima(correlation, steps, float(how.cadence), TOLERANCE[dtype], maxima[k, :, block])
    return maxima.reshape(3 * len(pairs), *image)


def common_type(series: Sequence[np.ndarray]) -> np.dtype:
    """float32 if that is enough for all series, else float64."""
    return np.result_type(*series, np.float32)


def checked_steps(series: Sequence[np.ndarray], how: Correlator) -> np.ndarray:
    """The lags in samples, once it is sure that the series can be compared."""
    if not 0 <= how.min_overlap <= 1:
        raise ValueError(f"min_overlap is {how.min_overlap}, but must be a part of the samples, from 0 to 1")
    shapes = [one.shape for one in series]
    if len(set(shapes)) > 1:
        raise ValueError(f"the series have shapes {' and '.join(map(str, shapes))}, but must have the same")
    return how.steps(len(series[0]))


def blocks_of_series(
    series: Sequence[np.ndarray], steps: np.ndarray, how: Correlator
) -> Iterator[tuple[slice, list[Series]]]:
    """Blocks of pixels: which, and their series ready to be correlated."""
    n = len(series[0])
    # Overlaps may vary little, and are divided by that.
    dtype = np.dtype(np.float64) if how.per_overlap else common_type(series)
    # Long enough that the lags asked for do not meet the other end.
    length = fft.next_fast_len(n + int(np.abs(steps).max()), real=True)
    flat = [one.reshape(n, -1) for one in series]
    pixels = max(1, _BLOCK_BYTES // (8 * length * dtype.itemsize))
    for start in range(0, flat[0].shape[1], pixels):
        block = slice(start, start + pixels)
        yield (
            block,
            [prepare(one[:, block].astype(dtype, copy=False), length, how.detrend) for one in flat],
        )


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


def _lagged_sums(a_conjugate: np.ndarray, b: np.ndarray, length: int, steps: np.ndarray) -> np.ndarray:
    """
    Sums over t of a(t) b(t + step) for each of the steps, which follow each other, from the spectra.

    A row of a spectrum may stand for all pixels.
    """
    sums = fft.irfft(a_conjugate * b, length, axis=1, overwrite_x=True)
    first, last = steps[0], steps[-1]
    if first < 0 <= last:
        return np.concatenate([sums[:, first:], sums[:, : last + 1]], axis=1)
    return sums[:, first % length : last % length + 1]


class _Pairs(NamedTuple):
    """The pairs of samples that are there, of some pixels at each lag."""

    number: np.ndarray
    covariance: np.ndarray
    variances: tuple[np.ndarray, np.ndarray]
    enough: np.ndarray  # samples common to both series, of a pixel

    @classmethod
    def of(cls, a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> "_Pairs":
        (a_here, a_square, a_there), (b_here, b_square, b_there) = (_spectra(one, n) for one in (a, b))

        def sums(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            return _lagged_sums(np.conjugate(first), second, a.length, steps)

        number = np.rint(sums(a_here, b_here))
        share = 1 / np.maximum(number, 1)
        a_mean, b_mean = sums(a.spectrum, b_here) * share, sums(a_here, b.spectrum) * share
        covariance = sums(a.spectrum, b.spectrum) * share - a_mean * b_mean
        variances = (
            np.maximum(sums(a_square, b_here) * share - a_mean**2, 0),
            np.maximum(sums(a_here, b_square) * share - b_mean**2, 0),
        )
        enough = (a_there & b_there).sum(axis=1, keepdims=True) >= min_overlap * n
        return cls(number, covariance, variances, enough)


def _with_gaps(a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
    """The correlations of series with missing samples; NaN for too few pairs."""
    possible = (n - np.abs(steps)).astype(a.samples.dtype)
    pairs = _Pairs.of(a, b, n, steps, min_overlap)
    enough = (pairs.number >= min_overlap * possible) & (pairs.number > 0) & pairs.enough
    a_window, b_window = _moments(a, n, steps), _moments(b, n, -steps)
    correlation = pairs.covariance
    for variance, window in zip(pairs.variances, (a_window, b_window), strict=True):
        correlation *= np.sqrt((window[1] + _SMALL_VARIANCE) / (variance + _SMALL_VARIANCE))
    correlation += a_window[0] * b_window[0]
    correlation *= possible / n
    return np.where(enough, correlation, np.nan)


def _of_overlaps(a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
    """The correlation coefficients of the pairs at each lag; NaN for too few pairs, and for constant ones."""
    pairs = _Pairs.of(a, b, n, steps, min_overlap)
    a_variance, b_variance = pairs.variances
    # Any two pairs are on a line.
    enough = (pairs.number >= max(min_overlap * n, 3)) & pairs.enough
    enough = enough & (np.minimum(a_variance, b_variance) > _LEAST_VARIANCE)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = pairs.covariance / np.sqrt(a_variance * b_variance)
    return np.where(enough, np.clip(correlation, -1, 1), np.nan)


def _spectra(series: Series, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra of what is there and of the squares, and what is there; one row for all pixels where that is enough."""
    there = _common_rows(series.present)
    here = fft.rfft(there.astype(series.samples.dtype), series.length, axis=1)
    return here, fft.rfft(series.samples**2, series.length, axis=1), there


def _common_rows(there: np.ndarray) -> np.ndarray:
    """One row, where all pixels lack the same planes."""
    return there[:1] if (there == there[0]).all() else there


def _moments(series: Series, n: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the samples that could be in a pair, at each step."""
    there = _common_rows(series.present)
    start, stop = np.maximum(0, -steps), n - np.maximum(0, steps)

    def over_windows(values: np.ndarray) -> np.ndarray:
        upto = np.zeros((len(values), n + 1))
        np.cumsum(values[:, :n], axis=1, out=upto[:, 1:])
        return upto[:, stop] - upto[:, start]

    count = np.maximum(over_windows(there), 1)
    mean = over_windows(series.samples) / count
    variance = np.maximum(over_windows(series.samples**2) / count - mean**2, 0)
    return mean.astype(series.samples.dtype), variance.astype(series.samples.dtype)


@njit(nogil=True, cache=True, error_model="numpy")
def find_maxima(correlations, steps, cadence, tolerance, maxima):
    """Fill ``maxima`` with the lag, the lag finer than the cadence, and the correlation of each pixel's maximum."""
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
        lag = refined = np.float64(steps[best])
        if 0 < best < count - 1:
            before, here, after = correlation[best - 1], correlation[best], correlation[best + 1]
            bend = np.float64(before) - 2 * np.float64(here) + np.float64(after)
            if bend < 0:
                refined += 0.5 * (np.float64(before) - np.float64(after)) / bend
        maxima[0, pixel] = np.nan if tie else lag * cadence
        maxima[1, pixel] = np.nan if tie else refined * cadence
        maxima[2, pixel] = largest


@njit(nogil=True, cache=True, error_model="numpy")
def _is_local_maximum(correlation, k):
    # Written so that a missing neighbour is no larger.
    return not (k > 0 and correlation[k - 1] > correlation[k]) and not (
        k < len(correlation) - 1 and correlation[k + 1] > correlation[k]
    )
