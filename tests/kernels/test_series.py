import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sunpy_heliocloud.kernels.correlation import Correlator, lags_and_correlations
from sunpy_heliocloud.kernels.series import prepare


def prepared(series, detrend=None):
    """One series, prepared, without the padding."""
    return prepare(np.asarray(series, float)[:, None], len(series) + 5, detrend).samples[0]


@given(
    n=st.integers(4, 30),
    seed=st.integers(0, 999),
    missing=st.booleans(),
    detrend=st.sampled_from([None, "linear", ("line", 7), 3, 7]),
)
def test_series_are_what_numpy_makes_of_them(n, seed, missing, detrend):
    assume(not isinstance(detrend, int) or n >= 3 * detrend)
    rng = np.random.default_rng(seed)
    series = rng.normal(100, 10, n) + np.arange(n)
    if missing:
        series[rng.permutation(n)[: n // 4]] = np.nan
    here, time = np.isfinite(series), np.arange(n)
    expected = series.copy()
    if detrend == "linear":
        expected -= np.polyval(np.polyfit(time[here], series[here], 1), time)
    elif isinstance(detrend, tuple):
        for t in time[here]:
            near = here & (abs(time - t) <= detrend[1] // 2)
            line = np.polyfit(time[near], series[near], 1) if near.sum() > 1 else [series[t]]
            expected[t] -= np.polyval(line, t)
    elif detrend is not None:
        reach = detrend // 2
        filled = np.interp(time, time[here], series[here])
        for t in time:
            window = series[t - reach : t + reach + 1] if reach <= t < n - reach else []
            sides = [np.isfinite(side).sum() for side in (window[:reach], window[reach + 1 :])]
            ends = here[: t - reach + 1].any() and here[t + reach :].any()
            if not here[t] or 2 * min(sides) < reach or not ends:
                expected[t] = np.nan
            else:
                expected[t] -= filled[t - reach : t + reach + 1].mean()
        expected, here = expected[reach : n - reach], np.isfinite(expected)
    expected = np.nan_to_num((expected - np.nanmean(expected)) / np.nanstd(expected))
    np.testing.assert_allclose(
        prepared(series, detrend)[: len(expected) + 5], [*expected, 0, 0, 0, 0, 0], atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_straight_line_without_itself_is_constant(dtype):
    line = (1000 + 0.3 * np.arange(50)).astype(dtype)[:, None]
    assert np.isfinite(prepare(line, 50).samples).all()
    assert np.isnan(prepare(line, 50, "linear").samples).all()


def test_a_slope_common_to_both_is_no_time_lag():
    rng = np.random.default_rng(0)
    walk = np.convolve(rng.normal(size=300), np.ones(8), "valid")
    a, b = (walk[s : s + 200, None, None] + np.arange(200)[:, None, None] * 0.3 for s in (20, 10))
    bounds = (-50, 50)
    tapered, plain, linear, running = (
        lags_and_correlations(
            (a, b), [(0, 1)], Correlator(1.0, bounds, detrend=detrend, per_overlap=overlap)
        )[0].item()
        for detrend, overlap in ((None, False), (None, True), ("linear", False), (61, False))
    )
    assert abs(tapered) < 5
    assert plain == linear == running == 10
