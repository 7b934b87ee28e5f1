"""
How probable a correlation is by chance: surrogates.

Random numbers are the same for all pixels, and depend on the seed and the number of the trial only, so that
the result for a pixel depends neither on the blocks of an image nor on the worker.
"""

from collections.abc import Iterator

import numpy as np
from scipy import fft

from sunpy_heliocloud.kernels.correlation import (
    Correlator,
    blocks_of_series,
    checked_steps,
    common_type,
)
from sunpy_heliocloud.kernels.detrending import Detrend, fill_gaps, remove_trend
from sunpy_heliocloud.kernels.series import Series, prepare, standardise

__all__ = ["chance_among_pixels", "chance_of_correlation", "level_of_correlation"]


def chance_of_correlation(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, surrogates: str, trials: int, seed: int
) -> np.ndarray:
    """
    The probability that unrelated series correlate as well as these do, at whatever lag.

    Surrogates of the first series, which share its spectrum or its memory but nothing with the second, are
    correlated with the second; and surrogates of the second with the first, in turn. The spectrum of one short series
    is known badly, so that half of the surrogates of either are more often right than all of one.

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
    steps = checked_steps((a, b), how)
    chance = np.empty((1, a[0].size), common_type((a, b)))
    for block, pair in blocks_of_series((a, b), steps, how):
        observed = _largest(how.correlate(pair[0], pair[1], how.samples(len(a)), steps).values)
        as_good = np.ones_like(observed)
        for largest in _of_surrogates((a, b), block, pair, how, steps, surrogates, trials, seed):
            as_good += largest >= observed
        chance[0, block] = np.where(np.isnan(observed), np.nan, as_good / (1 + trials))
    return chance.reshape(1, *a.shape[1:])


def level_of_correlation(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, probability: float, trials: int, seed: int
) -> np.ndarray:
    """
    The correlation that unrelated series exceed, at whatever lag, with a probability.

    Parameters
    ----------
    a, b, how, trials, seed
        As for `chance_of_correlation`, with random phases.
    probability
        Of a larger correlation, from 0 to 1.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(ny, nx)``: where the largest correlation exceeds it, `chance_of_correlation` gives no more than the
        probability. NaN where there is no correlation, and for a probability that so many trials do not resolve.
    """
    steps = checked_steps((a, b), how)
    level = np.full(a[0].size, np.nan, common_type((a, b)))
    rank = int(np.floor(probability * (1 + trials) + 1e-9))
    if rank < 1:
        return level.reshape(a.shape[1:])
    for block, pair in blocks_of_series((a, b), steps, how):
        largest = np.array(list(_of_surrogates((a, b), block, pair, how, steps, "phase", trials, seed)))
        level[block] = np.sort(largest, axis=0)[max(trials - rank, 0)]
    return level.reshape(a.shape[1:])


def _of_surrogates(
    series: tuple[np.ndarray, np.ndarray],
    block: slice | np.ndarray,
    pair: list[Series],
    how: Correlator,
    steps: np.ndarray,
    surrogates: str,
    trials: int,
    seed: int,
) -> Iterator[np.ndarray]:
    """The largest correlation of each pixel of a block, in one trial after the other."""
    make = _RandomPhases if surrogates == "phase" else _RedNoise
    # A running mean or line is nearly the same filter everywhere: what it leaves is as stationary as the series.
    is_filter = not isinstance(how.detrend, str)
    raw = pair
    if not is_filter:
        planes = [one.reshape(len(one), -1)[:, block].astype(common_type(series)) for one in series]
        raw = [prepare(one, pair[0].length) for one in planes]
    made_of = [make(one) for one in raw]
    for trial in range(trials):
        which, both = trial % 2, list(pair)
        samples = made_of[which].surrogates(np.random.default_rng([seed, trial]))
        both[which] = _masked(samples, raw[which].present, None if is_filter else how.detrend)
        yield _largest(how.correlate(both[0], both[1], how.samples(len(series[0])), steps).values)


def chance_among_pixels(
    a: np.ndarray,
    b: np.ndarray,
    how: Correlator,
    *,
    references: np.ndarray,
    places: np.ndarray,
    origin: tuple[int, int],
    distance: float,
) -> np.ndarray:
    """
    The probability that series of distant pixels correlate as well as those of the same pixel, at whatever lag.

    Parameters
    ----------
    a, b
        Series of the same shape ``(t, ny, nx)``, a part of an image.
    how
        See `Correlator`.
    references
        Series of some pixels, of the kind of ``a``, shape ``(t, n)``.
    places
        Row and column of each of them in the image, shape ``(n, 2)``.
    origin
        Row and column of the part's first pixel.
    distance
        In pixels, from which on a reference counts.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(1, ny, nx)``: (1 + the number of references that do as well) / (1 + the number of references that
        count). NaN where there is no correlation, or no reference.
    """
    steps = checked_steps((a, b), how)
    n, image = how.samples(len(a)), a.shape[1:]
    dtype = common_type((a, b))
    rows, columns = (index.ravel() for index in np.indices(image))
    chance = np.empty((1, a[0].size), dtype)
    for block, (first, second) in blocks_of_series((a, b), steps, how):
        observed = _largest(how.correlate(first, second, n, steps).values)
        as_good, count = np.zeros(len(observed)), np.zeros(len(observed))
        for k, (row, column) in enumerate(places):
            away = np.hypot(rows[block] + origin[0] - row, columns[block] + origin[1] - column)
            reference = prepare(references[:, k : k + 1].astype(dtype), first.length, how.detrend)
            largest = _largest(how.correlate(reference.repeated(len(observed)), second, n, steps).values)
            counts = (away >= distance) & np.isfinite(largest)
            as_good += counts & (largest >= observed)
            count += counts
        chance[0, block] = np.where(np.isnan(observed) | (count == 0), np.nan, (1 + as_good) / (1 + count))
    return chance.reshape(1, *image)


def _largest(correlation: np.ndarray) -> np.ndarray:
    """Of each pixel, over the lags that have one."""
    return np.fmax.reduce(correlation, axis=1)


def _masked(samples: np.ndarray, present: np.ndarray, detrend: Detrend = None) -> Series:
    samples[:, : present.shape[1]][~present] = 0
    present = remove_trend(samples, present, detrend)
    standardise(samples, present, np.zeros(len(samples)))
    return Series(samples, present, present.all(axis=1))


class _RandomPhases:
    """Surrogates with the spectra of series and their mirror images, whose ends meet: the first half."""

    def __init__(self, series: Series) -> None:
        self.shape, self.n = series.samples.shape, series.present.shape[1]
        filled = series.samples[:, : self.n].copy()
        fill_gaps(filled, series.present)
        self.spectrum = fft.rfft(np.concatenate([filled, filled[:, ::-1]], axis=1), axis=1)

    def surrogates(self, rng: np.random.Generator) -> np.ndarray:
        turns = np.exp(2j * np.pi * rng.random(self.n + 1))
        turns[0], turns[-1] = 1, rng.choice([-1, 1])
        series = fft.irfft(self.spectrum * turns.astype(self.spectrum.dtype), 2 * self.n, axis=1)
        samples = np.zeros(self.shape, series.dtype)
        samples[:, : self.n] = series[:, : self.n]
        return samples


class _RedNoise:
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
