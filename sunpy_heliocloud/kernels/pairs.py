r"""
Correlations from the pairs of samples that are there.

Where samples are missing, the correlation at a lag is estimated from the pairs of samples that are there:

.. math:: C(\tau) = \frac{N - |\tau|}{N} \left[ c \, \frac{s_a s_b}{s'_a s'_b} + m_a m_b \right]

with the covariance :math:`c` and the standard deviations :math:`s'_a, s'_b` of the pairs, and the means
:math:`m_a, m_b` and standard deviations :math:`s_a, s_b` of all samples that are there of those that would be
in a pair if nothing were missing. So which samples happen to be missing does not modulate the correlation, which
would move its maximum; the factor in front keeps large lags, of few pairs, as low as they are without gaps.
Where nothing is missing this is the usual sum.

On request the correlation at each lag is Pearson's instead, of the pairs that there are at that lag:
:math:`c / (s'_a s'_b)`, which is 1 for a shifted copy whatever the shift.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.series import Series

__all__ = ["lagged_sums", "of_overlaps", "with_gaps"]

# Added to variances, of series of variance 1, before they are divided by each other.
_SMALL_VARIANCE = 0.01
# Of an overlap, of series of variance 1: what varies less has no correlation of its own.
_LEAST_VARIANCE = 1e-6


def lagged_sums(a_conjugate: np.ndarray, b: np.ndarray, length: int, steps: np.ndarray) -> np.ndarray:
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
            return lagged_sums(np.conjugate(first), second, a.length, steps)

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


def with_gaps(a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
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


def of_overlaps(a: Series, b: Series, n: int, steps: np.ndarray, min_overlap: float) -> np.ndarray:
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
