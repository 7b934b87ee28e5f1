import tracemalloc
import warnings

import numpy as np
import pytest
import sunkit_image.time_lag
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

import astropy.units as u

from sunpy_heliocloud.kernels import correlation as module
from sunpy_heliocloud.kernels.correlation import Correlator, lags, lags_and_correlations

CADENCE = 12.0


# The definition of sunkit-image, where a test does not ask for another.
TAPERED = {"per_overlap": False, "keep_edges": True}


def cross_correlation(a, b, cadence, **options):
    return module.cross_correlation(a, b, Correlator(cadence, **TAPERED | options))


def lag_and_correlation(a, b, cadence, *, refine=False, **options):
    found = lags_and_correlations((a, b), [(0, 1)], Correlator(cadence, **TAPERED | options))
    return found[[1 if refine else 0, 2]]


def noisy_series(n, shape=(6, 7), delay=4, seed=0, dtype=np.float64):
    """Two random walks, of which the second is the first, ``delay`` samples later, with noise."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=(n + 40, *shape)), axis=0) + 100
    noise = rng.normal(size=(n, *shape))
    return walk[20 : 20 + n].astype(dtype), (walk[20 - delay : 20 - delay + n] + noise).astype(dtype)


def correlated_in_a_loop(a, b, steps, min_overlap=0.5):
    """The definition for one pixel with missing samples, in plain numpy."""
    n = len(a)
    here_a, here_b = np.isfinite(a), np.isfinite(b)
    if (here_a & here_b).sum() < np.floor(min_overlap * n) or np.nanstd(a) == 0 or np.nanstd(b) == 0:
        return np.full(len(steps), np.nan)
    a, b = (a - np.nanmean(a)) / np.nanstd(a), (b - np.nanmean(b)) / np.nanstd(b)
    values = []
    for step in steps:
        first, second = a[max(0, -step) : n - max(0, step)], b[max(0, step) : n - max(0, -step)]
        both = np.isfinite(first) & np.isfinite(second)
        if both.sum() == 0 or both.sum() < min_overlap * (n - abs(step)):
            values.append(np.nan)
            continue
        covariance = np.mean(first[both] * second[both]) - first[both].mean() * second[both].mean()
        known = [one[np.isfinite(one)] for one in (first, second)]
        for one, all_known in zip((first, second), known, strict=True):
            covariance *= np.sqrt((all_known.var() + 0.01) / (one[both].var() + 0.01))
        values.append((covariance + known[0].mean() * known[1].mean()) * (n - abs(step)) / n)
    return np.array(values)


@pytest.mark.parametrize("n", [2, 3, 50, 51, 180])
@pytest.mark.parametrize("bounds", [None, (-120.0, 120.0), (0.0, 60.0), (-1e9, -12.0), (12.0, 24.0)])
def test_without_gaps_it_is_that_of_sunkit_image(n, bounds):
    if n == 2 and bounds is not None:
        bounds = (-12.0, 12.0)
    if n == 3 and bounds == (12.0, 24.0):
        bounds = (12.0, 12.0)
    a, b = noisy_series(n)
    time = np.arange(n) * CADENCE * u.s
    all_lags = sunkit_image.time_lag.get_lags(time)
    inside = slice(None) if bounds is None else (all_lags.value >= bounds[0]) & (all_lags.value <= bounds[1])
    np.testing.assert_allclose(lags(n, CADENCE, bounds), all_lags.value[inside])
    np.testing.assert_allclose(
        cross_correlation(a, b, CADENCE, lag_bounds=bounds),
        sunkit_image.time_lag.cross_correlation(a, b, all_lags)[inside],
        rtol=0,
        atol=1e-12,
    )
    if n == 2:
        return  # All lags tie.
    lag, correlation = lag_and_correlation(a, b, CADENCE, lag_bounds=bounds)
    of_sunkit = {} if bounds is None else {"lag_bounds": bounds * u.s}
    np.testing.assert_allclose(
        correlation, sunkit_image.time_lag.max_cross_correlation(a, b, time, **of_sunkit), rtol=0, atol=1e-12
    )
    if n > 3:
        np.testing.assert_array_equal(lag, sunkit_image.time_lag.time_lag(a, b, time, **of_sunkit).value)


def test_two_gaussians():
    time = np.linspace(0, 1, 500)
    a, b = (np.exp(-(((time - centre) / 0.02) ** 2) / 2).reshape(-1, 1, 1) for centre in (0.4, 0.6))
    cadence = time[1]
    lag, correlation = lag_and_correlation(a, b, cadence)
    assert lag.item() == pytest.approx(0.2, abs=cadence / 2)
    assert lag_and_correlation(a, b, cadence, refine=True)[0].item() == pytest.approx(0.2, abs=cadence / 20)
    assert lag_and_correlation(b, a, cadence)[0].item() == -lag.item()
    assert correlation.item() > 0.9


def test_float32_is_that_of_float64():
    a, b = noisy_series(180, (40, 40), dtype=np.float32)
    single, double = (
        lag_and_correlation(a, b, CADENCE),
        lag_and_correlation(a.astype(float), b.astype(float), CADENCE),
    )
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single[1], double[1], rtol=0, atol=1e-6)
    assert (single[0] == double[0]).mean() > 0.998


@pytest.mark.parametrize("dtype", [np.int16, ">f4", np.float16])
def test_other_types(dtype):
    a, b = (np.round(series).astype(dtype) for series in noisy_series(60))
    expected = lag_and_correlation(a.astype(float), b.astype(float), CADENCE)
    values = lag_and_correlation(a, b, CADENCE)
    np.testing.assert_allclose(values[1], expected[1], rtol=0, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]), planes_only=st.booleans())
def test_with_gaps_it_is_the_definition(data, dtype, planes_only):
    n = data.draw(st.integers(4, 40))
    min_overlap = data.draw(st.sampled_from([0.0, 0.3, 0.5, 0.9]))
    a, b = noisy_series(n, (2, 3), seed=data.draw(st.integers(0, 1000)), dtype=dtype)
    mask_shape = (n, 1, 1) if planes_only else a.shape
    for series in (a, b):
        missing = data.draw(
            stn.arrays(bool, mask_shape, elements=st.sampled_from([False, False, False, True]))
        )
        series[np.broadcast_to(missing, a.shape)] = np.nan
    steps = np.arange(1 - n, n)
    values = cross_correlation(a, b, CADENCE, min_overlap=min_overlap)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nanmean of nothing
        for row, column in np.ndindex(2, 3):
            one_a, one_b = a[:, row, column].astype(float), b[:, row, column].astype(float)
            expected = correlated_in_a_loop(one_a, one_b, steps, min_overlap)
            atol = 1e-4 if dtype == np.float32 else 1e-11
            np.testing.assert_allclose(values[:, row, column], expected, rtol=0, atol=atol)


def overlaps_correlated_in_a_loop(a, b, steps, min_overlap):
    """Pearson's coefficient of each overlap of one pixel, in plain numpy."""
    n, values = len(a), []
    enough = np.isfinite(a + b).sum() >= np.floor(min_overlap * n) and np.nanstd(a) > 0 and np.nanstd(b) > 0
    for step in steps:
        first, second = a[max(0, -step) : n - max(0, step)], b[max(0, step) : n - max(0, -step)]
        both = np.isfinite(first) & np.isfinite(second)
        possible = n - abs(step)
        few = possible < min_overlap * n or both.sum() < max(np.floor(min_overlap * possible), 3)
        values.append(np.nan if few or not enough else np.corrcoef(first[both], second[both])[0, 1])
    return np.array(values)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(6, 40), missing=st.booleans(), dtype=st.sampled_from("fd"))
def test_per_overlap_it_is_the_coefficient_of_the_pairs(seed, n, missing, dtype):
    a, b = noisy_series(n, (2, 3), seed=seed, dtype=dtype)
    if missing:
        a[np.random.default_rng(seed).uniform(size=a.shape) < 0.2] = np.nan
    min_overlap = (0.0, 0.3, 0.5)[seed % 3]
    values = cross_correlation(a, b, CADENCE, per_overlap=True, min_overlap=min_overlap)
    assert np.nanmax(np.abs(values), initial=0) <= 1
    for row, column in np.ndindex(2, 3):
        one_a, one_b = a[:, row, column].astype(float), b[:, row, column].astype(float)
        expected = overlaps_correlated_in_a_loop(one_a, one_b, np.arange(1 - n, n), min_overlap)
        # Of three pairs that hardly differ, float32 leaves four digits.
        np.testing.assert_allclose(
            values[:, row, column], expected, rtol=0, atol=1e-4 if dtype == "f" else 1e-9
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_per_overlap_a_shifted_copy_correlates_fully_and_nothing_does_more(dtype):
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(260, 12, 15)), axis=0).astype(dtype)
    a = walk[40:220]
    lag, correlation = lag_and_correlation(a, a, CADENCE, per_overlap=True)
    np.testing.assert_array_equal(lag, 0)
    np.testing.assert_allclose(correlation, 1, atol=1e-6)
    for shift in (-30, 7):
        lag, correlation = lag_and_correlation(a, walk[40 - shift : 220 - shift], CADENCE, per_overlap=True)
        np.testing.assert_array_equal(lag, shift * CADENCE)
        np.testing.assert_allclose(correlation, 1, atol=1e-6)
    values = cross_correlation(a, walk[:180], CADENCE, per_overlap=True)
    assert np.nanmax(np.abs(values)) <= 1
    np.testing.assert_array_equal(np.isnan(values[:, 0, 0]), np.abs(np.arange(-179, 180)) > 90)


def test_per_overlap_what_varies_nowhere_in_the_overlap_does_not_count():
    a = np.zeros((60, 1, 1))
    a[50:55, 0, 0] = 1, 3, 2, 5, 1
    values = cross_correlation(a, a, CADENCE, per_overlap=True, min_overlap=0.1)[:, 0, 0]
    assert np.isnan(values[: 60 - 11]).all()
    assert lag_and_correlation(a, a, CADENCE, per_overlap=True, min_overlap=0.1)[0].item() == 0


def assert_same_lags(lag, expected, a, b, tolerance):
    """The same lags, but where the correlation is as large at both, to the tolerance."""
    values = cross_correlation(a, b, CADENCE)
    steps = lags(len(a), CADENCE)
    for row, column in np.argwhere((lag != expected) & ~(np.isnan(lag) & np.isnan(expected))):
        one = values[:, row, column]
        both = [one[np.argmin(np.abs(steps - found[row, column]))] for found in (lag, expected)]
        assert min(both) >= np.nanmax(one) - tolerance


PRECISIONS = st.sampled_from([np.float32, np.float64])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 60), missing=st.booleans(), dtype=PRECISIONS)
def test_exchanging_the_series_negates_the_lag(seed, n, missing, dtype):
    a, b = noisy_series(n, (3, 3), delay=3, seed=seed, dtype=dtype)
    if missing:
        a[np.random.default_rng(seed).uniform(size=a.shape) < 0.1] = np.nan
    forward, backward = lag_and_correlation(a, b, CADENCE), lag_and_correlation(b, a, CADENCE)
    tolerance = 1e-5 if dtype == np.float32 else 1e-11
    assert_same_lags(forward[0], -backward[0], a, b, tolerance)
    np.testing.assert_allclose(forward[1], backward[1], rtol=0, atol=tolerance)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    offset=st.floats(-1e3, 1e3),
    factor=st.floats(1e-3, 1e3),
    dtype=PRECISIONS,
)
def test_offsets_and_factors_do_not_matter(seed, offset, factor, dtype):
    a, b = noisy_series(50, (3, 3), seed=seed, dtype=dtype)
    a[7, 1] = np.nan
    changed = (a * dtype(factor) + dtype(offset * factor)).astype(dtype)
    expected, values = lag_and_correlation(a, b, CADENCE), lag_and_correlation(changed, b, CADENCE)
    # What adding the offset rounds away.
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    assert_same_lags(values[0], expected[0], a, b, tolerance)
    np.testing.assert_allclose(values[1], expected[1], rtol=0, atol=tolerance)
    if dtype == np.float64:
        refined = [lag_and_correlation(one, b, CADENCE, refine=True)[0] for one in (a, changed)]
        np.testing.assert_allclose(*refined, rtol=0, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.integers(-8, 8))
def test_a_shifted_copy_is_found(seed, shift):
    rng = np.random.default_rng(seed)
    walk = rng.normal(size=(80, 3, 3))
    a, b = walk[10:70], walk[10 - shift : 70 - shift]
    lag, correlation = lag_and_correlation(a, b, CADENCE, lag_bounds=(-10 * CADENCE, 10 * CADENCE))
    np.testing.assert_array_equal(lag, shift * CADENCE)
    assert (correlation > 0.5).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, np.nan])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_or_missing_pixels_have_no_lag(value, dtype):
    a, b = noisy_series(50, dtype=dtype)
    a[:, 2, 3] = value
    b[:, 4, 5] = value
    b[3, 4, 5] = np.nan
    values = lag_and_correlation(a, b, CADENCE)
    expected = np.zeros(a.shape[1:], bool)
    expected[[2, 4], [3, 5]] = True
    np.testing.assert_array_equal(np.isnan(values), [expected, expected])


def test_too_little_data_is_no_lag():
    a, b = noisy_series(50, (2, 2))
    a[:26, 0, 0] = np.nan
    a[:25, 0, 1] = np.nan
    b[10:20, 1, 1] = np.nan
    lag, correlation = lag_and_correlation(a, b, CADENCE)
    np.testing.assert_array_equal(np.isnan(lag), [[True, False], [False, False]])
    np.testing.assert_array_equal(np.isnan(correlation), np.isnan(lag))
    assert np.isfinite(lag_and_correlation(a, b, CADENCE, min_overlap=0.4)).all()


def test_missing_planes_do_not_move_the_lag():
    a, b = noisy_series(180, (20, 20), delay=5)
    complete = lag_and_correlation(a, b, CADENCE)[0]
    a[np.random.default_rng(2).permutation(180)[:18]] = np.nan
    b[60:66] = np.nan
    lag = lag_and_correlation(a, b, CADENCE)[0]
    assert np.median(lag) == np.median(complete) == 5 * CADENCE
    assert np.mean(np.abs(lag - complete) <= CADENCE) > 0.8


def test_of_equal_maxima_the_smallest_lag_counts():
    impulse, echoes = np.zeros((2, 21, 1, 2))
    impulse[10] = 1
    echoes[[4, 12], :, 0] = 1  # at lags -6 and 2
    echoes[[7, 13], :, 1] = 1  # at lags -3 and 3
    lag, correlation = lag_and_correlation(impulse, echoes, CADENCE)
    np.testing.assert_array_equal(lag, [[2 * CADENCE, np.nan]])
    assert np.isfinite(correlation).all()
    one_sided = lag_and_correlation(impulse, echoes, CADENCE, lag_bounds=(0, 100))[0]
    np.testing.assert_array_equal(one_sided, [[2 * CADENCE, 3 * CADENCE]])


def test_zero_is_a_lag():
    a, _ = noisy_series(50)
    np.testing.assert_array_equal(lag_and_correlation(a, a, CADENCE)[0], 0)
    np.testing.assert_allclose(lag_and_correlation(a, a, CADENCE)[1], 1, rtol=1e-12)


@pytest.mark.parametrize("true_lag", [-31.0, -6.5, 3.0, 40.0])
def test_refined_lags_are_finer_than_the_cadence(true_lag):
    time = np.arange(300) * CADENCE
    a, b = (np.exp(-(((time - 1800 - lag) / 80) ** 2)).reshape(-1, 1, 1) for lag in (0, true_lag))
    plain, refined = (lag_and_correlation(a, b, CADENCE, refine=refine) for refine in (False, True))
    assert abs(plain[0].item() - true_lag) <= CADENCE / 2
    assert abs(refined[0].item() - true_lag) < CADENCE / 50
    assert refined[1].item() == plain[1].item()
    bounds = plain[0].item(), 1000
    edge = lag_and_correlation(a, b, CADENCE, lag_bounds=bounds, refine=True)
    assert edge[0].item() == plain[0].item()
    assert np.isnan(lag_and_correlation(a, b, CADENCE, lag_bounds=bounds, refine=True, keep_edges=False)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True])
def test_blocks_of_pixels_do_not_show(monkeypatch, missing, dtype):
    a, b = noisy_series(50, (9, 11), dtype=dtype)
    if missing:
        a[4, 3:] = np.nan
    whole = lag_and_correlation(a, b, CADENCE), cross_correlation(a, b, CADENCE)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 8 * 8 * 100 * 7)
    np.testing.assert_array_equal(lag_and_correlation(a, b, CADENCE), whole[0])
    np.testing.assert_array_equal(cross_correlation(a, b, CADENCE), whole[1])


@pytest.mark.parametrize("missing", [False, True])
def test_memory_is_bounded(missing):
    a, b = noisy_series(180, (80, 90), dtype=np.float32)
    if missing:
        a[np.random.default_rng(0).uniform(size=a.shape) < 0.05] = np.nan
    lag_and_correlation(a[:, :2], b[:, :2], CADENCE)
    tracemalloc.start()
    lag_and_correlation(a, b, CADENCE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (9 if missing else 4) * 2**20 < 2 * a.nbytes


def test_lags_are_multiples_of_the_cadence_within_the_bounds():
    np.testing.assert_array_equal(lags(3, 240), [-480, -240, 0, 240, 480])
    np.testing.assert_allclose(lags(100, 0.1, (-0.3, 0.3)), np.arange(-3, 4) * 0.1)
    np.testing.assert_array_equal(lags(100, 12, (13, 37)), [24, 36])


def test_wrong_arguments_are_named():
    a, b = noisy_series(5)
    with pytest.raises(ValueError, match=r"no lag lies within lag_bounds 1 s to 2 s.*-48.0 s to 48.0 s"):
        lag_and_correlation(a, b, CADENCE, lag_bounds=(1, 2))
    with pytest.raises(ValueError, match="no lag lies"):
        lag_and_correlation(a, b, CADENCE, lag_bounds=(12, -12))
    with pytest.raises(ValueError, match=r"shapes \(5, 6, 7\) and \(4, 6, 7\)"):
        cross_correlation(a, b[:4], CADENCE)
    with pytest.raises(ValueError, match="at least 2 samples"):
        cross_correlation(a[:1], b[:1], CADENCE)
    with pytest.raises(ValueError, match="min_overlap is 50"):
        cross_correlation(a, b, CADENCE, min_overlap=50)


@pytest.mark.parametrize("bounds", [(-190, -150), (150, 190), (-199, 199)], ids=["before", "after", "all"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lags_of_too_few_pairs_are_nan_also_where_all_are(bounds, dtype):
    """With bounds beyond the least overlap there is no lag at all."""
    n, how = 200, Correlator(1.0, lag_bounds=bounds)
    a, b = np.random.default_rng(0).normal(size=(2, n, 3, 5)).astype(dtype)
    correlation = module.cross_correlation(a, b, how)
    enough = n - np.abs(lags(n, 1.0, bounds)) >= n / 2
    assert np.isnan(correlation[~enough]).all()
    assert np.isfinite(correlation[enough]).all()
    found = lags_and_correlations((a, b), [(0, 1)], how)
    assert np.isnan(found[:3]).all() == (not enough.any())
