"""Made-up light curves of several kinds, shape ``(curves, time)``, for benchmarks of lags and what is said of them."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d

__all__ = ["CADENCE", "SIX_HOURS", "TWO_HOURS", "bursts", "planes", "power_law", "red", "smooth", "white"]

CADENCE = 240.0
TWO_HOURS, SIX_HOURS = (-7200.0, 7200.0), (-21600.0, 21600.0)


def smooth(rng: np.random.Generator, curves: int, n: int, width: float = 5) -> np.ndarray:
    """Gaussian power spectrum; 5 samples of 4 minutes are 20 minutes."""
    longer = int(4 * width)
    series = gaussian_filter1d(rng.normal(size=(curves, n + 2 * longer)), width, axis=1)[
        :, longer : longer + n
    ]
    return series / series.std()


def power_law(exponent: float) -> Callable:
    """A piece of four times longer series."""

    def make(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
        frequency = np.fft.rfftfreq(4 * n)[1:]
        real, imaginary = rng.normal(size=(2, curves, len(frequency))) * frequency ** (-exponent / 2)
        series = np.fft.irfft(np.pad(real + 1j * imaginary, ((0, 0), (1, 0))), 4 * n, axis=1)[:, :n]
        return series / series.std(axis=1, keepdims=True)

    return make


def red(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    """Noise that remembers 0.8 from sample to sample."""
    series = rng.normal(size=(curves, n + 50))
    for t in range(1, n + 50):
        series[:, t] += 0.8 * series[:, t - 1]
    return series[:, 50:] / series[:, 50:].std()


def white(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    return rng.normal(size=(curves, n))


def bursts(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    """Steep rises that decay within 40 minutes."""
    kernel = np.exp(-np.arange(100) / 10)
    sizes = (rng.random((curves, n + 100)) < 0.015) * rng.pareto(2, (curves, n + 100))
    return np.array([np.convolve(one, kernel)[100 : 100 + n] for one in sizes]) + 0.02 * rng.normal(
        size=(curves, n)
    )


def planes(series: np.ndarray) -> np.ndarray:
    """As an image of one row that changes."""
    return series.T.reshape(len(series.T), 1, -1).astype(np.float32)
