"""Preparation of time series for correlation."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import fft

from sunpy_heliocloud.kernels.detrending import Detrend, remove_trend

__all__ = ["LEAST_VARIANCE", "Ends", "Series", "prepare", "standardise"]

# Rounding error of detrending a straight line, relative to the largest value.
_ROUNDING = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-14}
# Of a part of a series of variance 1: what varies less has no correlation of its own.
LEAST_VARIANCE = 1e-6


class Ends(NamedTuple):
    """
    Means of parts of series, and one over their standard deviations, NaN where they vary too little.

    Shape ``(pixels, 2, most + 1)``: without 0, 1, ... samples at the end, then at the start; and the largest scale of
    each series.
    """

    means: np.ndarray
    scales: np.ndarray
    steepest: np.ndarray


class Series:
    """
    Series of some pixels, one a row.

    Parameters
    ----------
    samples
        Centred and divided by their standard deviation, 0 where missing and beyond the end, shape ``(pixels,
        length)``. NaN for a series that is constant, or missing altogether.
    present
        Where there are samples, shape ``(pixels, n)``.
    complete
        Which series have no missing sample.
    """

    def __init__(self, samples: np.ndarray, present: np.ndarray, complete: np.ndarray) -> None:
        self.samples, self.present, self.complete = samples, present, complete
        self._ends: Ends | None = None

    @property
    def length(self) -> int:
        """With the zeros beyond the end."""
        return self.samples.shape[1]

    @cached_property
    def spectrum(self) -> np.ndarray:
        """Of the samples, shape ``(pixels, length // 2 + 1)``."""
        return fft.rfft(self.samples, axis=1)

    @cached_property
    def conjugate(self) -> np.ndarray:
        """Of the spectrum, which all pairs need in which the series comes first."""
        return np.conjugate(self.spectrum)

    def ends(self, most: int) -> "Ends":
        """Means and scales of the series without up to so many samples at its end, or at its start."""
        if self._ends is None or self._ends.means.shape[2] <= most:
            shape = len(self.present), 2, most + 1
            dtype = self.samples.dtype
            self._ends = Ends(np.empty(shape, dtype), np.empty(shape, dtype), np.empty(shape[0], dtype))
            _shorten(self.samples, self.present.shape[1], *self._ends)
        return self._ends

    def in_double_precision(self) -> "Series":
        """The same in float64."""
        return Series(self.samples.astype(np.float64, copy=False), self.present, self.complete)

    def repeated(self, times: int) -> "Series":
        """The only series, as often as that."""
        repeated = Series(
            *(np.repeat(one, times, axis=0) for one in (self.samples, self.present, self.complete))
        )
        repeated.spectrum = np.repeat(self.spectrum, times, axis=0)
        return repeated

    def rows(self, index: np.ndarray) -> "Series":
        """The series of some of the pixels."""
        if index.all():
            return self
        rows = Series(self.samples[index], self.present[index], self.complete[index])
        rows.spectrum = self.spectrum[index]
        return rows


def prepare(planes: np.ndarray, length: int, detrend: Detrend = None) -> Series:
    """
    Centre, scale and pad the series of each pixel.

    Parameters
    ----------
    planes
        Shape ``(n, pixels)``, float32 or float64; what is not finite is missing.
    length
        To pad to with zeros.
    detrend
        See `~sunpy_heliocloud.kernels.detrending.remove_trend`.

    Returns
    -------
    Series
    """
    n, pixels = planes.shape
    samples = np.zeros((pixels, length), planes.dtype)
    present = np.empty((pixels, n), np.bool_)
    complete = np.empty(pixels, np.bool_)
    _gather(planes, samples, present, complete)
    smallest = np.zeros(pixels)
    if detrend is not None:
        smallest = _ROUNDING[planes.dtype] * np.abs(samples).max(axis=1).astype(np.float64)
        present = remove_trend(samples, present, detrend)
        complete = present.all(axis=1)
    standardise(samples, present, smallest)
    return Series(samples, present, complete)


@njit(nogil=True, cache=True, error_model="numpy")
def _gather(planes, samples, present, complete):
    n, pixels = planes.shape
    complete[:] = True
    for t in range(n):
        for pixel in range(pixels):
            value = planes[t, pixel]
            there = np.isfinite(value)
            present[pixel, t] = there
            complete[pixel] &= there
            samples[pixel, t] = value if there else 0


@njit(nogil=True, cache=True, error_model="numpy")
def _shorten(samples, n, means, scales, steepest):
    pixels, _, count = means.shape
    # Of the type of the arrays, since numba divides an integer by a float32 in float64.
    one, least, nan = means.dtype.type(1), means.dtype.type(LEAST_VARIANCE), means.dtype.type(np.nan)
    totals, squares = np.empty((2, count)), np.empty((2, count))
    share = 1 / (n - np.arange(count))
    for pixel in range(pixels):
        row = samples[pixel]
        total, square = _sums(row[:n])
        # Sums of both ends at once: each waits for its last addition only.
        start = start_square = end = end_square = 0.0
        for less in range(count):
            totals[0, less], squares[0, less] = total - end, square - end_square
            totals[1, less], squares[1, less] = total - start, square - start_square
            first, last = np.float64(row[less]), np.float64(row[n - 1 - less])
            start, start_square = start + first, start_square + first * first
            end, end_square = end + last, end_square + last * last
        lowest = one
        for side in range(2):
            mean, scale = means[pixel, side], scales[pixel, side]
            sums, sums_of_squares = totals[side], squares[side]
            for less in range(count):
                average = sums[less] * share[less]
                mean[less] = average
                scale[less] = sums_of_squares[less] * share[less] - average * average
            lowest = min(lowest, _smallest(scale))
            for less in range(count):
                inverse = one / np.sqrt(max(scale[less], least))
                scale[less] = inverse if scale[less] > least else nan
        steepest[pixel] = one / np.sqrt(max(lowest, least))


# Variances are there, or all are missing. So LLVM compares several at once.
@njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _smallest(values):
    smallest = values[0]
    for i in range(len(values)):
        smallest = values[i] if values[i] < smallest else smallest
    return smallest


# Any order of summands will do, so that LLVM can do several sums at once.
@njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc"})
def _sums(values):
    total = square = 0.0
    for i in range(len(values)):
        value = np.float64(values[i])
        total += value
        square += value * value
    return total, square


@njit(nogil=True, cache=True, error_model="numpy")
def standardise(samples, present, smallest):
    """
    Centre each row and divide it by its standard deviation, in place; NaN if that is not above the smallest.

    Parameters
    ----------
    samples
        Shape ``(pixels, length)``, 0 where missing.
    present
        Shape ``(pixels, n)``.
    smallest
        Shape ``(pixels,)``.
    """
    pixels, n = present.shape
    for pixel in range(pixels):
        row, there = samples[pixel], present[pixel]
        count = 0
        total = 0.0
        lowest, highest = np.inf, -np.inf
        for t in range(n):
            if there[t]:
                value = np.float64(row[t])
                count += 1
                total += value
                lowest = min(lowest, value)
                highest = max(highest, value)
        mean = total / count
        squares = 0.0
        for t in range(n):
            if there[t]:
                squares += (np.float64(row[t]) - mean) ** 2
        deviation = np.sqrt(squares / count)
        # Compared with a limit, since the variance of a constant may not round to 0.
        if not (highest > lowest and deviation > smallest[pixel]):
            row[:n] = np.nan
            continue
        scale = 1 / deviation
        for t in range(n):
            if there[t]:
                row[t] = (np.float64(row[t]) - mean) * scale
