"""
Surrogates: series that are like others, but have nothing in common with any.

How many of them correlate with another series, and how well, is in `sunpy_heliocloud.kernels.significance`.
"""

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.detrending import Detrend, fill_gaps
from sunpy_heliocloud.kernels.series import Series

__all__ = ["RandomSigns", "RedNoise", "SameSpectrum"]

_MOST_DIFFERENCES = 2


class SameSpectrum:
    """
    Surrogates with the spectra of series.

    Parameters
    ----------
    series
        Of some pixels.
    detrend
        What will be taken off the surrogates.
    """

    def __init__(self, series: Series, detrend: Detrend) -> None:
        self.shape, self.n = series.samples.shape, series.present.shape[1]
        filled = series.samples[:, : self.n].copy()
        fill_gaps(filled, series.present)
        # Local lines take off what is slower than their windows.
        width = detrend[1] if isinstance(detrend, tuple) else self.n
        self.signs = RandomSigns(filled, min(width, self.n), _MOST_DIFFERENCES)

    def surrogates(self, rng: np.random.Generator) -> np.ndarray:
        samples = np.zeros(self.shape, self.signs.coefficients.dtype)
        samples[:, : self.n] = self.signs.rows(rng)
        return samples


class RandomSigns:
    """
    Rows whose cosine transform has the amplitudes of other rows, or whose differences' have.

    The ends of a cosine are flat, those of a smooth series are not. So what is smoother than a random walk, and mostly
    slow, is rather the sum of its differences.

    Parameters
    ----------
    rows
        Shape ``(rows, n)``.
    width
        In samples: periods that are not shorter are slow.
    differences
        How often they may be taken.
    """

    def __init__(self, rows: np.ndarray, width: int, differences: int) -> None:
        spectrum, steps = fft.dct(rows, axis=1, norm="ortho"), np.diff(rows, axis=1)
        self.shape, self.is_sum, self.steps = rows.shape, np.zeros(len(rows), np.bool_), None
        if differences > 0:
            power, changes = spectrum[:, 1:] ** 2, steps - steps.mean(axis=1, keepdims=True)
            slow = power[:, : round(2 * rows.shape[1] / width)].sum(axis=1)
            self.is_sum = (changes[:, 1:] * changes[:, :-1]).sum(axis=1) > 0
            self.is_sum &= slow > power.sum(axis=1) / 2
        self.coefficients = spectrum[~self.is_sum]
        if self.is_sum.any():
            self.means = rows[self.is_sum].mean(axis=1, keepdims=True)
            self.steps = RandomSigns(steps[self.is_sum], width, differences - 1)

    def rows(self, rng: np.random.Generator) -> np.ndarray:
        signs = rng.choice([-1, 1], self.shape[1] + 1).astype(self.coefficients.dtype)
        rows = np.zeros(self.shape, signs.dtype)
        rows[~self.is_sum] = fft.idct(self.coefficients * signs[:-1], axis=1, norm="ortho")
        if self.steps is not None:
            sums = rows[self.is_sum]
            np.cumsum(self.steps.rows(rng), axis=1, out=sums[:, 1:])
            rows[self.is_sum] = sums - sums.mean(axis=1, keepdims=True) + signs[-1] * self.means
        return rows


class RedNoise:
    """Surrogates with the correlation of series from sample to sample."""

    def __init__(self, series: Series) -> None:
        samples, present = series.samples, series.present
        self.n = n = present.shape[1]
        self.missing = np.where(np.isnan(samples[:, :1]), samples.dtype.type(np.nan), np.zeros_like(samples))
        pairs = (present[:, 1:] & present[:, :-1]).sum(axis=1)
        memory = (samples[:, 1:n] * samples[:, : n - 1]).sum(axis=1) / np.maximum(pairs, 1)
        self.phi = np.clip(memory, 0, 0.999).astype(np.float64)

    def surrogates(self, rng: np.random.Generator) -> np.ndarray:
        samples, noise = self.missing.copy(), np.asarray(rng.normal(size=self.n))
        push: np.ndarray = np.sqrt(1 - self.phi**2)
        value = np.full(len(self.phi), noise[0])
        for t in range(self.n):
            if t > 0:
                value = self.phi * value + push * noise[t]
            samples[:, t] += value
        return samples
