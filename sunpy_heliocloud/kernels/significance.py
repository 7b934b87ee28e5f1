"""
How probable a correlation is by chance: surrogates.

Random numbers are the same for all pixels, and depend on the seed and the number of the trial only, so that
the result for a pixel depends neither on the blocks of an image nor on the worker.
"""

from collections.abc import Iterator

import numpy as np

from sunpy_heliocloud.kernels.correlation import (
    Correlator,
    blocks_of_series,
    checked_steps,
    common_type,
)
from sunpy_heliocloud.kernels.detrending import Detrend, remove_trend
from sunpy_heliocloud.kernels.series import Series, prepare, standardise
from sunpy_heliocloud.kernels.surrogates import RedNoise, SameSpectrum

__all__ = ["chance_among_pixels", "chance_of_correlation", "level_of_correlation"]


def chance_of_correlation(
    a: np.ndarray, b: np.ndarray, how: Correlator, *, surrogates: str, trials: int, seed: int
) -> np.ndarray:
    """
    The probability that unrelated series correlate as well as these do, at whatever lag.

    Surrogates of one of the series, which share its spectrum or its memory but nothing with the other, are correlated
    with the other. It is that of the two with more independent samples (Bartlett 1946), whichever comes first: its
    spectrum is known better. The choice depends on what surrogates share, so that it does not bias the probability;
    the mean of the probabilities of either would be small too rarely.

    Parameters
    ----------
    a, b
        Series of the same shape ``(t, ny, nx)``.
    how
        See `Correlator`. Surrogates are detrended once: those of what running means leave are not detrended any more,
        others are made of the series as they are, and detrended as these are.
    surrogates
        ``"phase"``: realisations that are constrained to the spectrum of the series (Theiler & Prichard 1996), which is
        taken from the cosine transform: signs are random, amplitudes stay. A Fourier transform would repeat the
        series, whose ends do not meet: random phases turn the jump into noise, so that surrogates of red series
        correlate too little (Schreiber & Schmitz 2000). Cosines are the principal components of white noise and of a
        random walk, and nearly so of what is between (Ahmed, Natarajan & Rao 1974). Of smoother series that change as
        slowly as they are long, the differences are taken, or the differences of these, and summed again. Missing
        samples are interpolated for the spectrum, and missing again in the surrogate.
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
    * Theiler, J. & Prichard, D. 1996, Physica D 94, 221, https://doi.org/10.1016/0167-2789(96)00050-4
    * Ahmed, N., Natarajan, T. & Rao, K. R. 1974, IEEE Trans. Comput. C-23, 90, https://doi.org/10.1109/T-C.1974.223784
    * Bartlett, M. S. 1946, J. R. Stat. Soc. Suppl. 8, 27, https://doi.org/10.2307/2983611
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
        As for `chance_of_correlation`, with surrogates of the same spectrum.
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
    dtype, n = common_type(series), how.samples(len(series[0]))
    of_first = _concentration(pair[0]) <= _concentration(pair[1])
    # A running mean is the same filter everywhere: what it leaves is as stationary as the series.
    detrend = None if isinstance(how.detrend, int) else how.detrend
    parts = []
    for which, pixels in enumerate((of_first, ~of_first)):
        if pixels.any():
            raw = pair[which].rows(pixels)
            if detrend is not None:
                planes = series[which].reshape(len(series[which]), -1)[:, block][:, pixels]
                raw = prepare(planes.astype(dtype, copy=False), raw.length)
            make = RedNoise(raw) if surrogates == "red_noise" else SameSpectrum(raw, detrend)
            parts.append((which, pixels, raw.present, make, pair[1 - which].rows(pixels)))
    for trial in range(trials):
        largest = np.empty(len(of_first), dtype)
        for which, pixels, present, make, other in parts:
            samples = make.surrogates(np.random.default_rng([seed, trial]))
            both = (_masked(samples, present, detrend), other)
            largest[pixels] = _largest(how.correlate(both[which], both[1 - which], n, steps).values)
        yield largest


def _concentration(series: Series) -> np.ndarray:
    """Of the power on few frequencies: one over it is proportional to the number of independent samples."""
    power = np.abs(series.spectrum) ** 2
    with np.errstate(invalid="ignore"):
        return (power**2).sum(axis=1) / power.sum(axis=1) ** 2


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
