r"""
Cross-correlation of time series in every pixel, as a function of lag.

Arrays have the shape ``(t, ny, nx)``, evenly spaced in time; NaN is missing. A positive lag means that the first series
leads.

The correlation at a lag is by default normalised on the overlap: it is Pearson's coefficient :math:`c / (s'_a s'_b)` of
the pairs of samples that there are at that lag, with their covariance and standard deviations, which is 1 for a shifted
copy whatever the shift.

On request it is that of `sunkit_image.time_lag`: both series are centred and divided by their standard deviations,
their products are summed and divided by the number of times. This is multiplied by :math:`1 - |\tau| / T`, which moves
maxima towards zero (Welsh 1999, PASP 111, 1347). Where samples are missing, it is estimated from the pairs of samples
that are there:

.. math:: C(\tau) = \frac{N - |\tau|}{N} \left[ c \, \frac{s_a s_b}{s'_a s'_b} + m_a m_b \right]

with the means :math:`m_a, m_b` and standard deviations :math:`s_a, s_b` of all samples that are there of those that
would be in a pair if nothing were missing. So which samples happen to be missing does not modulate the correlation,
which would move its maximum. Where nothing is missing this is the usual sum.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.detrending import Detrend, remaining
from sunpy_heliocloud.kernels.maxima import N_MAXIMA, find_maxima
from sunpy_heliocloud.kernels.one_pass import lags_in_one_pass
from sunpy_heliocloud.kernels.overlap import Correlation, overlap_normalized, tapered
from sunpy_heliocloud.kernels.series import Series, prepare

__all__ = [
    "TOLERANCE",
    "Correlator",
    "blocks_of_series",
    "checked_steps",
    "common_type",
    "cross_correlation",
    "lags",
    "lags_and_correlations",
]

# Memory of the arrays that two series of one block of pixels take, beside the input and the result. They fit the
# cache of a processor, which is faster than larger blocks.
_BLOCK_BYTES = 2 * 2**20
# Of complete series.
_PIXELS = 4096
# Maxima that differ by less are equal: several times the rounding errors of the transforms.
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-12}


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
        See `~sunpy_heliocloud.kernels.detrending.Detrend`.
    per_overlap
        Centre and scale the pairs at each lag by themselves, so that the correlation does not fall towards large
        lags. What few pairs correlate by chance counts as much as what many do; so ``min_overlap`` is then also the
        part of all samples that has to overlap at a lag.
    keep_edges
        Whether a maximum at an edge of the lags is a lag, see `~sunpy_heliocloud.kernels.maxima.find_maxima`.
    """

    cadence: float
    lag_bounds: tuple[float, float] | None = None
    min_overlap: float = 0.5
    detrend: Detrend = None
    per_overlap: bool = True
    keep_edges: bool = False

    def samples(self, n: int) -> int:
        """How many of ``n`` samples are compared: those that have a trend to take off."""
        return remaining(n, self.detrend)

    def steps(self, n: int) -> np.ndarray:
        """The lags of series of ``n`` samples, in samples."""
        return _steps(n, self.cadence, self.lag_bounds)

    def taking_part(self, n: int) -> np.ndarray:
        """Those of the `steps` at which enough of ``n`` samples overlap."""
        steps = self.steps(n)
        return steps[n - np.abs(steps) >= max(self.min_overlap * n, 3)] if self.per_overlap else steps

    def correlate(
        self, a: Series, b: Series, n: int, steps: np.ndarray, *, beside_tapered: bool = False
    ) -> Correlation:
        """The correlations of some pixels at the lags; on request also where the tapered one is largest."""
        if self.per_overlap:
            return overlap_normalized(a, b, n, steps, self.min_overlap, beside_tapered=beside_tapered)
        return tapered(a, b, n, steps, self.min_overlap)


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
        correlation[:, block] = how.correlate(first, second, how.samples(len(a)), steps).values.T
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
        For each pair in turn what `~sunpy_heliocloud.kernels.maxima.find_maxima` finds: the lag in seconds; the lag
        from a parabola through the maximum and its two neighbours; the largest correlation, at a sample; marks; and
        the first and the last lag that took part. Shape ``(N_MAXIMA * len(pairs), ny, nx)``. NaN where a series is
        constant or too much of it is missing.

    Raises
    ------
    ValueError
        If the shapes differ, ``min_overlap`` is not from 0 to 1, or for the reasons of `lags`.
    """
    steps = checked_steps(series, how)
    n, image = how.samples(len(series[0])), series[0].shape[1:]
    dtype = common_type(series)
    fewest = len(how.taking_part(n))
    maxima = np.empty((len(pairs), N_MAXIMA, series[0][0].size), dtype)
    rest = _without_gaps(series, pairs, steps, how, maxima)
    for block, rows in blocks_of_series(series, steps, how, rest):
        for k, (i, j) in enumerate(pairs):
            found = how.correlate(rows[i], rows[j], n, steps, beside_tapered=True)
            options = steps, float(how.cadence), TOLERANCE[dtype], how.keep_edges, fewest
            maxima[k][:, block] = find_maxima(found.values, found.tapered, *options)
    return maxima.reshape(N_MAXIMA * len(pairs), *image)


def _without_gaps(
    series: Sequence[np.ndarray],
    pairs: Sequence[tuple[int, int]],
    steps: np.ndarray,
    how: Correlator,
    maxima: np.ndarray,
) -> np.ndarray:
    """Fill the maxima of complete series, without a trend to take off; the pixels that are left."""
    n, dtype = len(series[0]), maxima.dtype
    enough = how.taking_part(n)
    if how.detrend is not None or not len(enough):
        return np.arange(maxima.shape[2])
    options = {"per_overlap": how.per_overlap, "keep_edges": how.keep_edges}
    left = [np.empty(0, int)]
    # Other types of numbers are converted a block at a time.
    for start in range(0, maxima.shape[2], _PIXELS):
        block = slice(start, start + _PIXELS)
        planes = [one.reshape(n, -1)[:, block].astype(dtype, copy=False) for one in series]
        maxima[..., block], complete = lags_in_one_pass(
            planes, pairs, steps, enough, cadence=float(how.cadence), tolerance=TOLERANCE[dtype], **options
        )
        left.append(start + np.flatnonzero(~complete))
    return np.concatenate(left)


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
    return how.steps(how.samples(len(series[0])))


def blocks_of_series(
    series: Sequence[np.ndarray], steps: np.ndarray, how: Correlator, pixels: np.ndarray | None = None
) -> Iterator[tuple[slice | np.ndarray, list[Series]]]:
    """Blocks of all pixels, or of some: which, and their series ready to be correlated."""
    n = len(series[0])
    dtype = common_type(series)
    # Long enough that the requested lags do not wrap around.
    length = fft.next_fast_len(n + int(np.abs(steps).max()), real=True)
    flat = [one.reshape(n, -1) for one in series]
    size = max(1, _BLOCK_BYTES // (8 * length * dtype.itemsize))
    for start in range(0, flat[0].shape[1] if pixels is None else len(pixels), size):
        block: slice | np.ndarray = slice(start, start + size)
        if pixels is not None:
            block = _as_slice(pixels[block])
        yield (
            block,
            [prepare(one[:, block].astype(dtype, copy=False), length, how.detrend) for one in flat],
        )


def _as_slice(index: np.ndarray) -> slice | np.ndarray:
    """Increasing indices as a slice, if they follow each other, which needs no copy."""
    return slice(index[0], index[-1] + 1) if index[-1] - index[0] < len(index) else index


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
