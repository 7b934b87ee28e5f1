"""
Correlations over lag: tapered, or normalised on the overlap; of complete series, and of series with gaps.

Both come from the sums of products at each lag. What else the overlap needs, its means and variances, are running sums
where nothing is missing, and sums of products with the mask where something is.
"""

from ctypes import c_double, c_int64
from typing import NamedTuple

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.library import Array, Function, short_name
from sunpy_heliocloud.kernels.series import LEAST_VARIANCE, Series

__all__ = ["Correlation", "overlap_normalized", "tapered"]

# Added to variances, of series of variance 1, before they are divided by each other.
_SMALL_VARIANCE = 0.01
# Products of series in float32 that are divided by less than a thirtieth, of 1, show the rounding of their sums.
_STEEP = 30.0

_ROWS = Array(np.float32, np.float64)
_normalize = Function(
    "normalize_overlap_{}",
    *(_ROWS, *(c_int64,) * 6, _ROWS),
    *((*(_ROWS,) * 4, c_int64) * 2),
    *(c_double, _ROWS, Array(np.int64, optional=True)),
)


class Correlation(NamedTuple):
    """
    Correlations of some pixels.

    Parameters
    ----------
    values
        Shape ``(pixels, lags)``; NaN for too few pairs.
    tapered
        The step at which the tapered correlation is largest, shape ``(pixels,)``; empty if it was not requested.
    """

    values: np.ndarray
    tapered: np.ndarray


_NOT_ASKED = np.empty(0, np.int64)


def tapered(a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> Correlation:
    """
    The sums of products divided by the number of samples, as in `sunkit_image.time_lag`.

    Parameters
    ----------
    a, b
        Series of some pixels.
    n
        Number of samples.
    steps
        The lags in samples, which follow each other.
    min_overlap
        See `~sunpy_heliocloud.kernels.correlation.Correlator`.

    Returns
    -------
    Correlation
    """
    correlation = _lagged_sums(a.conjugate, b.spectrum, a.length, steps)
    correlation *= correlation.dtype.type(1 / n)
    # A pixel's result does not depend on the others of its block.
    gappy = ~(a.complete & b.complete)
    if gappy.any():
        some_a, some_b = a.rows(gappy), b.rows(gappy)
        pairs = _Pairs.of(some_a, some_b, n, steps, min_overlap)
        correlation[gappy] = _tapered_with_gaps(pairs, some_a, some_b, n, steps, min_overlap)
    return Correlation(correlation, _NOT_ASKED)


def overlap_normalized(
    a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float, *, beside_tapered: bool = False
) -> Correlation:
    """
    Pearson's coefficient of the pairs at each lag.

    Parameters
    ----------
    a, b, n, steps, min_overlap
        As for `tapered`.
    beside_tapered
        Find the maximum of the tapered correlation as well.

    Returns
    -------
    Correlation
    """
    values = _lagged_sums(a.conjugate, b.spectrum, a.length, steps)
    steps_of_tapered = np.zeros(len(values) if beside_tapered else 0, np.int64)
    # A pixel's result does not depend on the others of its block.
    gappy = ~(a.complete & b.complete)
    most = int(min(np.abs(steps).max(), n - max(np.ceil(min_overlap * n), 3)))
    if most < 0:
        values[:] = np.nan
    else:
        share = (1 / (n - np.arange(most + 1))).astype(values.dtype)
        rows = [(one.samples, *ends, ends.means.shape[2]) for one in (a, b) if (ends := one.ends(most))]
        _normalize(
            *(values, *values.shape, int(steps[0]), most, n, a.length, share, *rows[0], *rows[1]),
            *(_STEEP, np.empty_like(values[0]), steps_of_tapered if beside_tapered else None),
            dtype=short_name(values),
        )
    if gappy.any():
        some_a, some_b = (one.rows(gappy).in_double_precision() for one in (a, b))
        pairs = _Pairs.of(some_a, some_b, n, steps, min_overlap)
        values[gappy] = _of_pairs(pairs, n, steps, min_overlap)
        if beside_tapered:
            beside = _tapered_with_gaps(pairs, some_a, some_b, n, steps, min_overlap)
            highest = np.argmax(np.where(np.isnan(beside), -np.inf, beside), axis=1)
            steps_of_tapered[gappy] = steps[highest]
    return Correlation(values, steps_of_tapered)


def _lagged_sums(a_conjugate: np.ndarray, b: np.ndarray, length: int, steps: np.ndarray) -> np.ndarray:
    """
    Sums over t of a(t) b(t + step) for each of the steps, which follow each other, from the spectra.

    A row of a spectrum may stand for all pixels.
    """
    sums = fft.irfft(a_conjugate * b, length, axis=1, overwrite_x=True)
    first, last = steps[0], steps[-1]
    if first < 0 <= last:
        return np.concatenate([sums[:, first:], sums[:, : last + 1]], axis=1)
    return np.ascontiguousarray(sums[:, first % length : last % length + 1])


class _Pairs(NamedTuple):
    """The pairs of samples that are there, of some pixels at each lag."""

    number: np.ndarray
    covariance: np.ndarray
    variances: tuple[np.ndarray, np.ndarray]
    enough: np.ndarray  # samples common to both series, of a pixel

    @classmethod
    def of(cls, a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> "_Pairs":
        (a_here, a_square, a_there), (b_here, b_square, b_there) = (_spectra(one) for one in (a, b))

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
        # Every second sample of an odd number is half of them.
        enough = (a_there & b_there).sum(axis=1, keepdims=True) >= np.floor(min_overlap * n)
        return cls(number, covariance, variances, enough)


def _tapered_with_gaps(
    pairs: _Pairs, a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float
) -> np.ndarray:
    """The tapered correlations of series with missing samples; NaN for too few pairs."""
    possible = (n - np.abs(steps)).astype(a.samples.dtype)
    enough = (pairs.number >= min_overlap * possible) & (pairs.number > 0) & pairs.enough
    a_window, b_window = _moments(a, n, steps), _moments(b, n, -steps)
    correlation = pairs.covariance.copy()
    for variance, window in zip(pairs.variances, (a_window, b_window), strict=True):
        correlation *= np.sqrt((window[1] + _SMALL_VARIANCE) / (variance + _SMALL_VARIANCE))
    correlation += a_window[0] * b_window[0]
    correlation *= possible / n
    return np.where(enough, correlation, np.nan)


def _of_pairs(pairs: _Pairs, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
    """The correlation coefficients of the pairs at each lag; NaN for too few pairs, and for constant ones."""
    a_variance, b_variance = pairs.variances
    possible = n - np.abs(steps)
    # Any two pairs are on a line.
    enough = pairs.enough & (pairs.number >= np.maximum(np.floor(min_overlap * possible), 3))
    enough = enough & (possible >= min_overlap * n)
    enough = enough & (np.minimum(a_variance, b_variance) > LEAST_VARIANCE)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = pairs.covariance / np.sqrt(a_variance * b_variance)
    return np.where(enough, np.clip(correlation, -1, 1), np.nan)


def _spectra(series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
