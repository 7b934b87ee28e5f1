"""
How far a lag and its correlation can be trusted: surrogates and resampling.

Random numbers are the same for all pixels, and depend on the seed and the number of the trial only, so that the
result for a pixel depends neither on how an image is cut into blocks nor on who computes them.
"""

import numpy as np
from numba import njit
from scipy import fft

from sunpy_heliocloud.kernels.correlation import (
    TOLERANCE,
    Correlator,
    blocks_of_series,
    checked_steps,
    common_type,
)
from sunpy_heliocloud.kernels.detrending import Detrend, fill_gaps, remove_trend
from sunpy_heliocloud.kernels.maxima import N_MAXIMA, find_maxima
from sunpy_heliocloud.kernels.series import Series, prepare, standardise

__all__ = ["chance_of_correlation", "uncertainty_of_lag"]

_NOT_ASKED = np.empty(0, np.int64)
_NORMAL = 15.865525393145702, 84.1344746068543  # percentiles at one standard deviation


def chance_of_correlation(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, surrogates: str, trials: int, seed: int
) -> np.ndarray:
    """
    The probability that unrelated series correlate as well as these do, at whatever lag.

    Surrogates of the first series, which share its spectrum or its memory but nothing with the second, are
    correlated with the second.

    Parameters
    ----------
    a, b
        Series of the same shape ``(t, ny, nx)``.
    how
        See `Correlator`. Surrogates are made of the series as they are, and detrended as these are.
    surrogates
        ``"phase"``: the amplitudes of the series' spectrum with random phases (Theiler et al. 1992, Ebisuzaki
        1997). The spectrum is that of the series and its mirror image, of whose surrogate the first half is taken:
        a series whose ends do not meet has a jump when it is repeated, which random phases turn into noise, so that
        surrogates of smooth series correlate too little (Schreiber & Schmitz 2000). Missing samples are
        interpolated for the spectrum, and missing again in the surrogate.
        ``"red_noise"``: an autoregressive process of first order with the series' autocorrelation from sample to
        sample (Allen & Smith 1996).
    trials
        Number of surrogates.
    seed
        Of the random numbers.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(1, ny, nx)``: (1 + the number of surrogates that do as well) / (1 + ``trials``), so that it is
        never 0. NaN where there is no correlation.

    References
    ----------
    * Theiler, J. et al. 1992, Physica D 58, 77, https://doi.org/10.1016/0167-2789(92)90102-S
    * Ebisuzaki, W. 1997, J. Climate 10, 2147, https://doi.org/10.1175/1520-0442(1997)010<2147:AMTETS>2.0.CO;2
    * Schreiber, T. & Schmitz, A. 2000, Physica D 142, 346, https://doi.org/10.1016/S0167-2789(00)00043-9
    * Allen, M. R. & Smith, L. A. 1996, J. Climate 9, 3373,
      https://doi.org/10.1175/1520-0442(1996)009<3373:MCSSDI>2.0.CO;2
    """
    make = {"phase": _random_phases, "red_noise": _red_noise}[surrogates]
    steps = checked_steps((a, b), how)
    n, image = how.samples(len(a)), a.shape[1:]
    dtype = common_type((a, b))
    chance = np.empty((1, a[0].size), dtype)
    whole = a.reshape(len(a), -1)
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        observed = _largest(how.correlate(first, second, n, steps).values)
        as_good = np.ones_like(observed)
        # A running mean is the same filter everywhere: what it leaves is as stationary as the series.
        is_filter = not isinstance(how.detrend, str)
        raw = first if is_filter else prepare(whole[:, block].astype(dtype), first.length)
        for trial in range(trials):
            samples = make(raw, raw.present.shape[1], np.random.default_rng([seed, trial]))
            surrogate = _masked(samples, raw.present, None if is_filter else how.detrend)
            as_good += _largest(how.correlate(surrogate, second, n, steps).values) >= observed
        chance[0, block] = np.where(np.isnan(observed), np.nan, as_good / (1 + trials))
    return chance.reshape(1, *image)


def uncertainty_of_lag(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, trials: int, seed: int
) -> np.ndarray:
    """
    The standard deviation of the lag, from random subsets of the samples.

    Each trial draws as many times as there are, with repetition, and leaves out those not drawn, about a third
    (random subset selection, Peterson et al. 1998). Lags are refined by a parabola.

    Parameters
    ----------
    a, b
        Series of the same shape ``(t, ny, nx)``.
    how
        See `Correlator`; ``min_overlap`` refers to the whole series, of the subsets nothing is asked.
    trials
        Number of subsets.
    seed
        Of the random numbers.

    Returns
    -------
    `numpy.ndarray`
        Seconds, shape ``(1, ny, nx)``: half the interval that holds the central 68 % of the lags. NaN where there
        is no lag.

    References
    ----------
    * Peterson, B. M. et al. 1998, PASP 110, 660, https://doi.org/10.1086/316177
    """
    steps = checked_steps((a, b), how)
    n, image = how.samples(len(a)), a.shape[1:]
    dtype = common_type((a, b))
    subsets = [_subset(n, np.random.default_rng([seed, trial])) for trial in range(trials)]
    undemanding = how._replace(min_overlap=0.0)
    uncertainty = np.empty((1, a[0].size), dtype)
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        whole = how.correlate(first, second, n, steps).values
        found = np.empty((N_MAXIMA, len(whole)), dtype)
        _find(whole, steps, how, found)
        missing = np.isnan(found[0])
        lags = np.empty((trials, N_MAXIMA, missing.size), dtype)
        for trial, kept in enumerate(subsets):
            parts = [_part(series, kept) for series in (first, second)]
            correlation = undemanding.correlate(*parts, n, steps).values
            correlation[np.isnan(whole)] = np.nan
            _find(correlation, steps, how, lags[trial])
        low, high = _percentiles(lags[:, 1])
        uncertainty[0, block] = np.where(missing, np.nan, (high - low) / 2)
    return uncertainty.reshape(1, *image)


def _percentiles(lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At one standard deviation below and above, of the trials that gave a lag."""
    ordered = np.sort(lags, axis=0)  # NaN last
    count = np.isfinite(ordered).sum(axis=0)
    low, high = (np.rint(p / 100 * np.maximum(count - 1, 0)).astype(int) for p in _NORMAL)
    return tuple(np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high))


def _find(correlation: np.ndarray, steps: np.ndarray, how: Correlator, maxima: np.ndarray) -> None:
    tolerance = TOLERANCE[correlation.dtype]
    find_maxima(correlation, _NOT_ASKED, steps, float(how.cadence), tolerance, how.keep_edges, 0, maxima)


def _largest(correlation: np.ndarray) -> np.ndarray:
    """Of each pixel, over the lags that have one."""
    return np.fmax.reduce(correlation, axis=1)


def _subset(n: int, rng: np.random.Generator) -> np.ndarray:
    kept = np.zeros(n, bool)
    kept[rng.integers(0, n, n)] = True
    return kept


def _part(series: Series, kept: np.ndarray) -> Series:
    """The series with some samples left out."""
    return _masked(series.samples.copy(), series.present & kept)


def _masked(samples: np.ndarray, present: np.ndarray, detrend: Detrend = None) -> Series:
    samples[:, : present.shape[1]][~present] = 0
    present = remove_trend(samples, present, detrend)
    standardise(samples, present, np.zeros(len(samples)))
    return Series(samples, present, present.all(axis=1))


def _random_phases(series: Series, n: int, rng: np.random.Generator) -> np.ndarray:
    """The first half of a surrogate of the series and its mirror image, whose ends meet."""
    filled = series.samples[:, :n].copy()
    fill_gaps(filled, series.present)
    spectrum = fft.rfft(np.concatenate([filled, filled[:, ::-1]], axis=1), axis=1)
    turns = np.exp(2j * np.pi * rng.random(n + 1))
    turns[0], turns[-1] = 1, rng.choice([-1, 1])
    samples = np.zeros_like(series.samples)
    samples[:, :n] = fft.irfft(spectrum * turns.astype(spectrum.dtype), 2 * n, axis=1)[:, :n]
    return samples


def _red_noise(series: Series, n: int, rng: np.random.Generator) -> np.ndarray:
    memory = (series.samples[:, 1:n] * series.samples[:, : n - 1]).sum(axis=1)
    pairs = (series.present[:, 1:] & series.present[:, :-1]).sum(axis=1)
    samples = np.zeros_like(series.samples)
    _autoregress(np.clip(memory / np.maximum(pairs, 1), 0, 0.999), rng.normal(size=n), samples)
    samples[np.isnan(series.samples[:, 0])] = np.nan
    return samples


@njit(nogil=True, cache=True, error_model="numpy")
def _autoregress(memory, noise, samples):
    for pixel in range(len(memory)):
        phi = memory[pixel]
        push = np.sqrt(1 - phi**2)
        value = noise[0]
        for t in range(len(noise)):
            if t > 0:
                value = phi * value + push * noise[t]
            samples[pixel, t] = value
