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
from sunpy_heliocloud.kernels.maxima import find_maxima
from sunpy_heliocloud.kernels.series import Series, standardise

__all__ = ["uncertainty_of_lag"]

# Shares of a normal distribution within so many standard deviations.
_WITHIN = {1.0: 0.6827, 1.645: 0.9}
# Frequencies on either side over which the power of signal and noise is averaged.
_REACH = 4
# Chosen by coverage, of other light curves than those of the published table (benchmarks/truth.py): signal is what has
# more power than this multiple of the noise; and of series with so few independent pairs of samples the noise is doubled.
_CLEAR = 4.0
_FEW_SAMPLES, _STEEPNESS, _MOST = 8.5, 8, 3.0
# Of the trials, and in standard deviations: more trials farther away than that are another maximum.
_MANY, _FAR = 0.35, 3.0
_NOT_ASKED = np.empty(0, np.int64)


def uncertainty_of_lag(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, trials: int, seed: int
) -> np.ndarray:
    """
    The standard deviation of the lag, from repetitions with the same signal and other noise.

    Where both series, shifted by their lag, agree is taken for signal, and half the power of their difference for the
    noise of each (parametric bootstrap: Efron & Tibshirani 1993, chapter 6; Peterson et al. 1998 randomise the fluxes
    by known errors in the same way). Each trial adds noise of that spectrum, with random phases, and finds the refined
    lag. The noise has the memory that the series have: interpolated samples do not count as independent. Short series
    show too little of red noise, and the best of all lags hides some of it: their noise is enlarged.

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

    Returns
    -------
    `numpy.ndarray`
        Shape ``(2, ny, nx)``: seconds, within which 68 % of the trials' errors are, and within 1.645 times which 90 %,
        NaN where there is no lag; and 1 where more than a third of the trials find another maximum, else 0.

    References
    ----------
    * Efron, B. & Tibshirani, R. J. 1993, An Introduction to the Bootstrap, Chapman & Hall
    * Bartlett, M. S. 1946, Suppl. J. R. Stat. Soc. 8, 27, on the number of independent samples
    * Peterson, B. M. et al. 1998, PASP 110, 660, https://doi.org/10.1086/316177
    """
    steps = checked_steps((a, b), how)
    n, image = how.samples(len(a)), a.shape[1:]
    dtype = common_type((a, b))
    result = np.full((2, a[0].size), np.nan, dtype)
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        found = _maxima(first, second, n, steps, how)[:2] / how.cadence
        there = np.isfinite(found[0])
        if there.any():
            both = first.rows(there), second.rows(there)
            errors = _errors(*both, n, found[:, there], steps, how._replace(keep_edges=True), trials, seed)
            result[:, block][:, there] = _spread(errors, how.cadence)
    return result.reshape(2, *image)


def _maxima(a: Series, b: Series, n: int, steps: np.ndarray, how: Correlator) -> np.ndarray:
    correlation = how.correlate(a, b, n, steps).values
    tolerance = TOLERANCE[correlation.dtype]
    return find_maxima(correlation, _NOT_ASKED, steps, float(how.cadence), tolerance, how.keep_edges, 0)


def _errors(
    a: Series,
    b: Series,
    n: int,
    found: np.ndarray,
    steps: np.ndarray,
    how: Correlator,
    trials: int,
    seed: int,
) -> np.ndarray:
    """By how much the refined lags of the trials are off those of the signal, in seconds: ``(trials, pixels)``."""
    lags, beside = np.rint(found[0]).astype(int), found[1] - found[0]
    clean = np.empty((2, len(lags), n), a.samples.dtype)
    noise = np.empty((len(lags), n + 1), a.samples.dtype)
    for lag in np.unique(lags):
        rows = lags == lag
        first, second = ((one.samples[rows, :n], one.present[rows]) for one in (a, b))
        clean[:, rows], noise[rows] = _signal_and_noise(first, second, int(lag), beside[rows])
    errors = np.empty((trials, len(lags)), a.samples.dtype)
    for trial in range(trials):
        rng = np.random.default_rng([seed, trial])
        pair = []
        for series, curve in zip((a, b), clean, strict=True):
            samples = np.zeros_like(series.samples)
            turns = np.exp(2j * np.pi * rng.random(n + 1)).astype(noise.dtype.char.upper())
            samples[:, :n] = curve + fft.irfft(noise * turns, 2 * n, axis=1)[:, :n]
            samples[:, :n][~series.present] = 0
            standardise(samples, series.present, np.zeros(len(samples)))
            pair.append(Series(samples, series.present, series.complete))
        errors[trial] = _maxima(pair[0], pair[1], n, steps, how)[1] - lags * how.cadence
    return errors


def _signal_and_noise(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], lag: int, beside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    What two series have in common, and the spectrum of what they have not.

    Parameters
    ----------
    a, b
        The samples, 0 where missing, and where they are there, shape ``(pixels, n)``.
    lag
        Of the pixels, in samples.
    beside
        By how much the refined lag of each pixel is larger.

    Returns
    -------
    tuple
        The signal at the times of either series, shape ``(2, pixels, n)``; and amplitudes of the noise of a series of
        twice the length.
    """
    pixels, n = a[0].shape
    length = n + abs(lag)
    here, there = (slice(max(0, k), max(0, k) + n) for k in (lag, -lag))
    total, number = np.zeros((2, pixels, length), a[0].dtype)
    for part, (samples, present) in ((here, a), (there, b)):
        total[:, part] += samples
        number[:, part] += present
    mean = total / np.maximum(number, 1)
    fill_gaps(mean, number > 0)
    overlap = slice(abs(lag), n)
    shared = number[:, overlap] == 2
    first, second = np.zeros((2, *number.shape), a[0].dtype)
    first[:, here], second[:, there] = a[0], b[0]
    # What a lag between two samples leaves of the signal in the difference.
    shift = beside[:, None] * np.gradient(mean, axis=1)
    difference = np.where(shared, (first - second - shift)[:, overlap], 0)
    part = shared.mean(axis=1, keepdims=True, dtype=a[0].dtype)
    difference = np.where(shared, difference - difference.mean(axis=1, keepdims=True) / part, 0)
    of_difference = _spectrum(difference)
    # Half its power is the noise of each.
    noise = _smoothed(_squares(of_difference)) / (4 * part * difference.shape[1])
    spectrum = _spectrum(mean)
    power = _smoothed(_squares(spectrum)) / (2 * length)
    # Half the noise is left in the mean of two, all of it where there is one.
    every = _at(noise, length + 1)
    left = every * ((number == 2) / 2 + (number == 1)).mean(axis=1, keepdims=True, dtype=noise.dtype)
    shortage = _shortage(np.maximum(power - left, 0), every, shared.sum(axis=1) / length)
    noise, left = noise * shortage, left * shortage
    kept = np.sqrt(np.clip(1 - left / np.maximum(power, 1e-12), 0, 1))
    kept[power < _CLEAR * left] = 0
    signal = fft.irfft(spectrum * kept, 2 * length, axis=1)[:, :length]
    # Signs of a pixel's own, so that the trials of all pixels, which share their random phases, are not alike.
    nearest = np.rint(np.linspace(0, difference.shape[1], n + 1)).astype(int)
    signs = np.where(of_difference.real[:, nearest] < 0, -1, 1).astype(noise.dtype)
    return np.stack([signal[:, here], signal[:, there]]), signs * np.sqrt(_at(noise, n + 1) * 2 * n)


def _shortage(signal: np.ndarray, noise: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """
    By how much more noise there is than series with few independent pairs of samples show.

    From the power spectra of all samples, and the share of those that are in a pair.
    """
    signal, noise = signal[:, 1:], noise[:, 1:]
    total, both = signal.sum(axis=1), (signal * noise).sum(axis=1)
    least = np.finfo(signal.dtype).tiny
    # Of the product of signal and noise, and of the signal.
    of_product = total * noise.sum(axis=1) / np.maximum(both, least)
    of_signal = total**2 / np.maximum((signal**2).sum(axis=1), least)
    correlation = total / np.maximum((signal + noise).sum(axis=1), least)
    independent = np.maximum(np.sqrt(of_product * of_signal) * correlation * shared, 1)
    return 1 + np.minimum((_FEW_SAMPLES / independent) ** _STEEPNESS, _MOST)[:, None]


def _spectrum(series: np.ndarray) -> np.ndarray:
    """Of a series and its mirror image, whose ends meet."""
    return fft.rfft(np.concatenate([series, series[:, ::-1]], axis=1), axis=1)


def _squares(spectrum: np.ndarray) -> np.ndarray:
    return spectrum.real**2 + spectrum.imag**2


def _at(power: np.ndarray, count: int) -> np.ndarray:
    """A spectrum interpolated to so many frequencies."""
    at = np.linspace(0, power.shape[1] - 1, count)
    low = at.astype(int)
    weight = (at - low).astype(power.dtype)
    return power[:, low] * (1 - weight) + power[:, np.minimum(low + 1, power.shape[1] - 1)] * weight


def _smoothed(power: np.ndarray) -> np.ndarray:
    """Means over neighbouring frequencies."""
    padded = np.pad(power, ((0, 0), (_REACH, _REACH)), mode="reflect")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    width = 2 * _REACH + 1
    return ((total[:, width:] - total[:, :-width]) / width).astype(power.dtype)


def _spread(errors: np.ndarray, cadence: float) -> np.ndarray:
    """Within which the errors of each pixel are as those of a normal distribution, and whether many are far away."""
    ordered = np.sort(np.abs(errors), axis=0)  # NaN last
    last = len(ordered) - 1

    def within(share: float) -> np.ndarray:
        place = min(max(share * (last + 2) - 1, 0), last)
        low = int(place)
        return ordered[low] + (place - low) * (ordered[min(low + 1, last)] - ordered[low])

    sigma = np.fmax(*(within(share) / deviations for deviations, share in _WITHIN.items()))
    core = within(0.5) / 0.6745
    elsewhere = (ordered > _FAR * core + 2 * cadence).mean(axis=0) > _MANY
    return np.stack([sigma, elsewhere])
