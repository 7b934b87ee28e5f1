import numpy as np
import pytest

from sunpy_heliocloud.kernels import correlation
from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.kernels.significance import chance_of_correlation
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
