"""Preparation of time series for correlation."""

from ctypes import c_double, c_int, c_int64, c_void_p
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.detrending import Detrend, remove_trend
from sunpy_heliocloud.kernels.library import Array, Function, short_name

__all__ = ["LEAST_VARIANCE", "Ends", "Series", "prepare", "standardise"]

# Rounding error of detrending a straight line, relative to the largest value.
_ROUNDING = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-14}
# Of a part of a series of variance 1: what varies less has no correlation of its own.
LEAST_VARIANCE = 1e-6
_SIDE = 16  # pixels that C treats together

_ROWS, _THERE, _TOTALS = Array(np.float32, np.float64), Array(np.bool_), Array(np.float64)
_gather = Function("gather_series_{}", c_void_p, *(c_int64,) * 4, c_int, _ROWS, _ROWS, _THERE, _THERE)
_standardise = Function("standardise_series_{}", _ROWS, _THERE, *(c_int64,) * 3, _TOTALS)
_shorten = Function("shorten_series_{}", _ROWS, *(c_int64,) * 4, c_double, _TOTALS, *(_ROWS,) * 3)


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
            size = *self.samples.shape, self.present.shape[1], most + 1
            room = np.empty(5 * (most + 1))
            _shorten(self.samples, *size, LEAST_VARIANCE, room, *self._ends, dtype=short_name(self.samples))
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
    if planes.strides[1] != planes.itemsize or planes.strides[0] < 0:
        planes = np.ascontiguousarray(planes)
    samples = np.empty((pixels, length), planes.dtype)
    present, complete = np.empty((pixels, n), np.bool_), np.empty(pixels, np.bool_)
    known = planes.ctypes.data, planes.strides[0] // planes.itemsize, n, pixels, length, detrend is None
    group = np.empty(n * _SIDE, planes.dtype)
    _gather(*known, group, samples, present, complete, dtype=short_name(samples))
    if detrend is not None:
        smallest = _ROUNDING[planes.dtype] * np.abs(samples).max(axis=1).astype(np.float64)
        present = remove_trend(samples, present, detrend)
        complete = present.all(axis=1)
        standardise(samples, present, smallest)
    return Series(samples, present, complete)


def standardise(samples: np.ndarray, present: np.ndarray, smallest: np.ndarray) -> None:
    """
    Centre each row and divide it by its standard deviation, in place; NaN if that is not above the smallest.

    Parameters
    ----------
    samples
        Shape ``(pixels, length)``, 0 where missing.
    present
        Shape ``(pixels, n)``.
    smallest
        Shape ``(pixels,)``, float64.
    """
    pixels, n = present.shape
    rows = samples, np.ascontiguousarray(present), pixels, samples.shape[1], n
    _standardise(*rows, smallest, dtype=short_name(samples))
