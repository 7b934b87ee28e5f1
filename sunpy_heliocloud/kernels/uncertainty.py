"""
How uncertain a lag is: repetitions of what was observed, with other noise.

Random numbers are the same for all pixels, and depend on the seed and the number of the trial only, so that the result
for a pixel depends neither on how an image is cut into blocks nor on who computes them.
"""

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.correlation import (
    TOLERANCE,
    Correlator,
    blocks_of_series,
    checked_steps,
    common_type,
)
from sunpy_heliocloud.kernels.detrending import fill_gaps
from sunpy_heliocloud.kernels.maxima import N_MAXIMA, find_maxima
from sunpy_heliocloud.kernels.series import Series, standardise

__all__ = ["uncertainty_of_lag"]

_NORMAL = 15.865525393145702, 84.1344746068543  # percentiles at one standard deviation
# Frequencies on either side over which the power of signal and noise is averaged.
_REACH = 4
# Signal is what has more power than this multiple of the noise; less leaves noise that both repetitions share, which
# makes lags look too certain. Chosen by coverage (benchmarks/truth.py), and so is what short series add, in samples.
_CLEAR = 6.0
_SMALL = 26
# Of the trials, and in standard deviations: more trials farther away than that are another maximum.
_FEW, _FAR = 0.1, 3.0
_NOT_ASKED = np.empty(0, np.int64)


def uncertainty_of_lag(
    a: np.ndarray,
    b: np.ndarray,
    how: Correlator,
    *,
    trials: int,
    seed: int,
    frame_cadence: float | None = None,
) -> np.ndarray:
    """
    The standard deviation of the lag, from repetitions with the same signal and other noise.

    Where both series, shifted by their lag, agree is taken for signal, and half the power of their difference for the
    noise of each (parametric bootstrap: Efron & Tibshirani 1993, chapter 6; Peterson et al. 1998 randomise the fluxes
    by known errors in the same way). Each trial adds noise of that spectrum, with random phases, and finds the refined
    lag. The noise has the memory that the series have: interpolated samples do not count as independent.

    Parameters
    ----------
    a, b
        Series of the same shape ``(t, ny, nx)``.
    how
        See `Correlator`.
    trials
        Number of repetitions.
    seed
        Of the random numbers.
    frame_cadence
        Seconds between independent samples; by default the cadence.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(2, ny, nx)``: seconds, half the interval that holds the central 68 % of the lags, NaN where there is no
        lag; and 1 where more than a tenth of the trials find another maximum, else 0.

    References
    ----------
    * Efron, B. & Tibshirani, R. J. 1993, An Introduction to the Bootstrap, Chapman & Hall
    * Peterson, B. M. et al. 1998, PASP 110, 660, https://doi.org/10.1086/316177
    """
    steps = checked_steps((a, b), how)
    n, image = how.samples(len(a)), a.shape[1:]
    dtype = common_type((a, b))
    result = np.full((2, a[0].size), np.nan, dtype)
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        found = _maxima(first, second, n, steps, how)
        part = result[:, block]
        lags = np.rint(np.nan_to_num(found[0]) / how.cadence).astype(int)
        there = np.isfinite(found[0])
        for lag in np.unique(lags[there]):
            rows = there & (lags == lag)
            both = first.rows(rows), second.rows(rows)
            repeated = _repeated(*both, n, int(lag), steps, how, trials, seed)
            independent = (n - abs(lag)) * how.cadence / (frame_cadence or how.cadence)
            sigma, elsewhere = _spread(repeated, found[1, rows], how.cadence)
            part[:, rows] = sigma * (1 + (_SMALL / independent) ** 2), elsewhere
    return result.reshape(2, *image)


def _maxima(a: Series, b: Series, n: int, steps: np.ndarray, how: Correlator) -> np.ndarray:
    correlation = how.correlate(a, b, n, steps).values
    maxima = np.empty((N_MAXIMA, len(correlation)), correlation.dtype)
    tolerance = TOLERANCE[correlation.dtype]
    find_maxima(correlation, _NOT_ASKED, steps, float(how.cadence), tolerance, how.keep_edges, 0, maxima)
    return maxima


def _repeated(
    a: Series, b: Series, n: int, lag: int, steps: np.ndarray, how: Correlator, trials: int, seed: int
) -> np.ndarray:
    """Refined lags of the trials, of pixels that have the same lag in samples: ``(trials, pixels)``."""
    signal, noise = _signal_and_noise(_filled(a, n), _filled(b, n), lag)
    starts = max(0, -lag), max(0, lag)
    clean = [signal[:, start : start + n] for start in starts[::-1]]
    lags = np.empty((trials, len(signal)), a.samples.dtype)
    for trial in range(trials):
        rng = np.random.default_rng([seed, trial])
        pair = []
        for series, curve in zip((a, b), clean, strict=True):
            samples = np.zeros_like(series.samples)
            turns = np.exp(2j * np.pi * rng.random(noise.shape[1])).astype(noise.dtype.char.upper())
            samples[:, :n] = curve + fft.irfft(noise * turns, axis=1)[:, :n]
            samples[:, :n][~series.present] = 0
            standardise(samples, series.present, np.zeros(len(samples)))
            pair.append(Series(samples, series.present, series.complete))
        first, second = pair
        lags[trial] = _maxima(first, second, n, steps, how)[1]
    return lags


def _filled(series: Series, n: int) -> np.ndarray:
    filled = series.samples[:, :n].copy()
    fill_gaps(filled, series.present)
    return filled


def _signal_and_noise(a: np.ndarray, b: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """
    What two series have in common, over the times of both, and the spectrum of what they have not.

    Returns
    -------
    tuple
        The signal, shape ``(pixels, n + abs(lag))``, which begins with the series that begins first; and amplitudes
        of noise, of twice that length.
    """
    n = a.shape[1]
    length = n + abs(lag)
    here, there = (slice(max(0, k), max(0, k) + n) for k in (lag, -lag))
    total, number = np.zeros((len(a), length), a.dtype), np.zeros(length, a.dtype)
    for part, values in ((here, a), (there, b)):
        total[:, part] += values
        number[part] += 1
    difference = _difference(a, b, lag) / np.sqrt(2)
    # Mirror images, whose ends meet.
    of_noise = _power(np.concatenate([difference, difference[:, ::-1]], axis=1))
    mean = total / number
    spectrum = fft.rfft(np.concatenate([mean, mean[:, ::-1]], axis=1), axis=1)
    power = _smoothed(np.abs(spectrum) ** 2) / (2 * length)
    at = np.linspace(0, of_noise.shape[1] - 1, power.shape[1])
    low = at.astype(int)
    weight = (at - low).astype(a.dtype)
    high = np.minimum(low + 1, of_noise.shape[1] - 1)
    of_noise = of_noise[:, low] * (1 - weight) + of_noise[:, high] * weight
    # Half the noise is left in the mean of two.
    kept = np.sqrt(np.clip(1 - of_noise / 2 / np.maximum(power, 1e-12), 0, 1))
    kept[power < _CLEAR * of_noise / 2] = 0
    signal = fft.irfft(spectrum * kept, 2 * length, axis=1)[:, :length]
    return signal, np.sqrt(of_noise * 2 * length)


def _difference(a: np.ndarray, b: np.ndarray, lag: int) -> np.ndarray:
    """The difference of the series over their overlap."""
    n = a.shape[1]
    i, j = max(0, -lag), max(0, lag)
    number = n - abs(lag)
    x, y = a[:, i : i + number], b[:, j : j + number]
    return (x - x.mean(axis=1, keepdims=True)) - (y - y.mean(axis=1, keepdims=True))


def _power(series: np.ndarray) -> np.ndarray:
    return _smoothed(np.abs(fft.rfft(series, axis=1)) ** 2) / series.shape[1]


def _smoothed(power: np.ndarray) -> np.ndarray:
    """Means over neighbouring frequencies."""
    padded = np.pad(power, ((0, 0), (_REACH, _REACH)), mode="reflect")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    width = 2 * _REACH + 1
    return ((total[:, width:] - total[:, :-width]) / width).astype(power.dtype)


def _spread(lags: np.ndarray, observed: np.ndarray, cadence: float) -> tuple[np.ndarray, np.ndarray]:
    """Half the central 68 % of the trials, and whether many of them are elsewhere."""
    ordered = np.sort(lags, axis=0)  # NaN last
    count = np.isfinite(ordered).sum(axis=0)
    low, high = (np.rint(p / 100 * np.maximum(count - 1, 0)).astype(int) for p in _NORMAL)
    low, high = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high))
    quarter, three = (
        np.take_along_axis(ordered, (count * p // 100)[None].clip(0, len(ordered) - 1), axis=0)[0]
        for p in (25, 75)
    )
    core = (three - quarter) / 1.349
    far = (np.abs(lags - observed) > _FAR * core + 2 * cadence).sum(axis=0) + np.isnan(lags).sum(axis=0)
    return (high - low) / 2, far > _FEW * len(lags)
