import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import fftconvolve

from sunpy_heliocloud.kernels import correlation
from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.kernels.significance import chance_of_correlation
from sunpy_heliocloud.kernels.surrogates import RandomSigns
from sunpy_heliocloud.kernels.uncertainty import uncertainty_of_lag

HOW = Correlator(1.0, (-30.0, 30.0), per_overlap=False, keep_edges=True)


def red_noise(seed, n=120, shape=(15, 20), memory=0.8):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n + 50, *shape))
    for t in range(1, n + 50):
        noise[t] = memory * noise[t - 1] + noise[t]
    return noise[50:]


@pytest.mark.parametrize("surrogates", ["phase", "red_noise"])
def test_unrelated_series_are_rarely_significant_and_related_ones_are(surrogates):
    a, b = red_noise(1), red_noise(2)
    chance = chance_of_correlation(a, b, HOW, surrogates=surrogates, trials=60, seed=0)[0]
    assert 0.01 < np.mean(chance <= 0.05) < 0.12
    assert 0.4 < chance.mean() < 0.6
    b[6:] += 2 * a[:-6]
    chance = chance_of_correlation(a, b, HOW, surrogates=surrogates, trials=60, seed=0)[0]
    assert np.mean(chance <= 0.05) > 0.95
    assert chance.min() >= 1 / 61


def smooth(kind, seed, n=180, shape=(20, 30)):
    rng = np.random.default_rng(seed)
    if kind == "walk":
        return np.cumsum(rng.normal(size=(n, *shape)), axis=0)
    if kind == "sines":
        period, phase = rng.uniform(30, 170, (14, 1, *shape)), rng.uniform(0, 2 * np.pi, (14, 1, *shape))
        return np.sin(2 * np.pi * np.arange(n)[:, None, None] / period + phase).sum(axis=0)
    frequency = np.fft.rfftfreq(4 * n)[1:]
    real, imaginary = rng.normal(size=(2, 2 * n, *shape))
    spectrum = np.zeros((2 * n + 1, *shape), complex)
    spectrum[1:] = (real + 1j * imaginary) * frequency[:, None, None] ** -1.5
    return np.fft.irfft(spectrum, axis=0)[:n]


@pytest.mark.parametrize("detrend", [None, "linear"])
@pytest.mark.parametrize("kind", ["walk", "sines", "power law"])
def test_unrelated_smooth_series_are_not_significant_more_often_than_they_should_be(kind, detrend):
    a, b = smooth(kind, 1), smooth(kind, 2)
    how = HOW._replace(detrend=detrend)
    chance = chance_of_correlation(a, b, how, surrogates="phase", trials=59, seed=0)[0]
    print(f"{kind}, detrend={detrend}: {np.mean(chance <= 0.05):.3f} at 0.05 or below")
    assert 0.02 < np.mean(chance <= 0.05) < 0.09


@pytest.mark.parametrize("surrogates", ["phase", "red_noise"])
def test_gaps_and_constants(surrogates):
    a, b = red_noise(1, shape=(4, 5)), red_noise(2, shape=(4, 5))
    b[6:] += 2 * a[:-6]
    a[3:9] = np.nan
    b[40:44, 1] = np.nan
    a[:, 2, 2] = 7
    a[:, 3, 3] = np.nan
    a[:70, 0, 0] = np.nan
    chance = chance_of_correlation(a, b, HOW, surrogates=surrogates, trials=40, seed=0)[0]
    uncertainty = uncertainty_of_lag(a, b, HOW, trials=20, seed=0)[0]
    expected = np.zeros((4, 5), bool)
    expected[[2, 3, 0], [2, 3, 0]] = True
    np.testing.assert_array_equal(np.isnan(chance), expected)
    np.testing.assert_array_equal(np.isnan(uncertainty), expected)
    assert np.nanmedian(chance) < 0.05


def test_blocks_do_not_show_and_the_seed_does(monkeypatch):
    a, b = red_noise(1, shape=(5, 7)), red_noise(2, shape=(5, 7))

    def both(seed):
        return (
            chance_of_correlation(a, b, HOW, surrogates="phase", trials=20, seed=seed),
            uncertainty_of_lag(a, b, HOW, trials=20, seed=seed),
        )

    whole, other = both(0), both(1)
    monkeypatch.setattr(correlation, "_BLOCK_BYTES", 8 * 8 * 150 * 3)
    for blocks, expected, different in zip(both(0), whole, other, strict=True):
        # To rounding: transforms of one row and of several round differently.
        np.testing.assert_allclose(blocks, expected, rtol=1e-12)
        assert (expected != different).any()


def test_uncertainty_is_that_of_repetitions():
    smooth = np.sin(np.arange(260) / 7.0) + np.sin(np.arange(260) / 11.3 + 1)
    rng = np.random.default_rng(0)
    a = smooth[20:220, None, None] + rng.normal(0, 0.4, (200, 20, 20))
    b = smooth[14:214, None, None] + rng.normal(0, 0.4, (200, 20, 20))
    refined = correlation.lags_and_correlations((a, b), [(0, 1)], HOW)[1]
    uncertainty = uncertainty_of_lag(a, b, HOW, trials=60, seed=0)[0]
    assert abs(np.median(refined) - 6) < 0.1
    print(f"spread {refined.std():.3f}, uncertainty {np.median(uncertainty):.3f}")
    assert 0.6 < np.median(uncertainty) / refined.std() < 1.7


# ---- surrogates of the same spectrum: chance is as often small as it says, whichever series comes first


def gaussian(seed, width, n, curves=(20, 30), noise=0.0):
    """Smooth series: white noise, filtered by a Gaussian of so many samples."""
    rng = np.random.default_rng(seed)
    kernel = np.exp(-0.5 * (np.arange(-4 * width, 4 * width + 1) / width) ** 2)
    white = rng.normal(size=(*curves, n + len(kernel) - 1))
    series = fftconvolve(white, kernel[None, None], mode="valid", axes=2)
    return np.moveaxis(series / series.std() + noise * rng.normal(size=series.shape), -1, 0)


def power_law(seed, exponent, n, curves=(20, 30)):
    """Pieces of longer series with a power law for their spectrum."""
    frequency = np.fft.rfftfreq(4 * n)[1:]
    real, imaginary = np.random.default_rng(seed).normal(size=(2, *curves, 2 * n)) * frequency ** (
        -exponent / 2
    )
    spectrum = np.pad(real + 1j * imaginary, ((0, 0), (0, 0), (1, 0)))
    return np.moveaxis(np.fft.irfft(spectrum, 4 * n)[..., :n], -1, 0)


TWO_HOURS = Correlator(240.0, (-7200.0, 7200.0))
UNRELATED = {
    "white": (lambda seed: power_law(seed, 0, 60), None),
    "f^-1": (lambda seed: power_law(seed, 1, 90), None),
    "f^-1.5 with a running mean": (lambda seed: power_law(seed, 1.5, 120), 31),
    "f^-2": (lambda seed: power_law(seed, 2, 120), None),
    "f^-2.5 of 45 planes": (lambda seed: power_law(seed, 2.5, 45), None),
    "f^-3 without a line": (lambda seed: power_law(seed, 3, 120), "linear"),
    "20 minutes, 45 planes": (lambda seed: gaussian(seed, 5, 45), None),
    "20 minutes, local lines": (lambda seed: gaussian(seed, 5, 120), ("line", 31)),
    "60 minutes, 90 planes": (lambda seed: gaussian(seed, 15, 90), None),
    "60 minutes, a running mean": (lambda seed: gaussian(seed, 15, 120), 31),
    "60 minutes, local lines": (lambda seed: gaussian(seed, 15, 120), ("line", 31)),
    "60 minutes with noise, 45 planes": (lambda seed: gaussian(seed, 15, 45, noise=0.1), None),
}


@pytest.mark.parametrize("kind", UNRELATED)
def test_unrelated_series_are_as_often_significant_as_the_probability_says(kind):
    make, detrend = UNRELATED[kind]
    a, b = make(1).astype("f4"), make(2).astype("f4")
    how = TWO_HOURS._replace(detrend=detrend)
    chance = chance_of_correlation(a, b, how, surrogates="phase", trials=99, seed=0)
    print(f"{kind}: {np.mean(chance <= 0.05):.3f} and {np.mean(chance <= 0.01):.3f}")
    # Of 600 pairs, whose surrogates share their random numbers: 5 % are known to 1.2 %.
    assert 0.02 < np.mean(chance <= 0.05) < 0.09
    assert np.mean(chance <= 0.01) < 0.03


@pytest.mark.parametrize("detrend", [None, 31], ids=["none", "running mean"])
def test_unrelated_series_of_different_kinds_are_as_often_significant_as_the_probability_says(detrend):
    a, b = power_law(1, 0, 120).astype("f4"), gaussian(2, 15, 120).astype("f4")
    how = TWO_HOURS._replace(detrend=detrend)
    for pair in (a, b), (b, a):
        chance = chance_of_correlation(*pair, how, surrogates="phase", trials=99, seed=0)
        assert 0.02 < np.mean(chance <= 0.05) < 0.09


@pytest.mark.parametrize("surrogates", ["phase", "red_noise"])
@pytest.mark.parametrize("gaps", [0, 7], ids=["complete", "with gaps"])
def test_the_probability_does_not_depend_on_which_series_comes_first(surrogates, gaps):
    a, b = power_law(1, 2, 90, (6, 7)), gaussian(2, 6, 90, (6, 7))
    a[10 : 10 + gaps] = np.nan
    options = {"surrogates": surrogates, "trials": 40, "seed": 3}
    chance = chance_of_correlation(a, b, TWO_HOURS, **options)
    turned = chance_of_correlation(b, a, TWO_HOURS, **options)
    np.testing.assert_allclose(turned, chance, rtol=1e-12)


def test_surrogates_have_the_spectrum_of_the_series():
    rows = power_law(1, 1, 64, (2, 5)).reshape(64, -1).T
    surrogate = RandomSigns(rows, 64, 2).rows(np.random.default_rng(0))
    np.testing.assert_allclose(*(np.abs(dct(one, norm="ortho")) for one in (surrogate, rows)), atol=1e-12)
    assert not np.allclose(np.abs(surrogate), np.abs(rows))


def test_surrogates_of_smooth_series_have_the_spectrum_of_their_differences():
    rows = gaussian(1, 30, 64, (2, 5)).reshape(64, -1).T
    signs = RandomSigns(rows, 8, 1)
    assert signs.is_sum.all()
    surrogate = signs.rows(np.random.default_rng(0))
    expected, found = (np.abs(dct(np.diff(one), norm="ortho")) for one in (rows, surrogate))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    # The ends of a sum of cosines would be flat.
    assert np.abs(np.diff(surrogate)[:, 0]).mean() > 0.3 * np.abs(np.diff(surrogate)).mean()


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_series_of_few_samples_have_a_probability(n):
    a, b = (np.random.default_rng(seed).normal(size=(n, 3, 4)) for seed in (1, 2))
    how = Correlator(1.0, None, per_overlap=False)
    chance = chance_of_correlation(a, b, how, surrogates="phase", trials=9, seed=0)
    assert ((chance >= 0.1) & (chance <= 1)).all()
