"""Lags in one pass over the planes: the same as from correlations at every lag."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpy_heliocloud.kernels import library
from sunpy_heliocloud.kernels.correlation import (
    TOLERANCE,
    Correlator,
    cross_correlation,
    lags,
    lags_and_correlations,
)
from sunpy_heliocloud.kernels.library import variants
from sunpy_heliocloud.kernels.maxima import MARKS, PULLED, find_maxima

NOT_ASKED = np.empty(0, np.int64)
SHAPE = 5, 7


def walks(n, count, dtype, seed=0):
    """Random walks that follow each other by three samples, with noise; a constant one among them."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(size=(n + 3 * count, *SHAPE)).cumsum(axis=0)
    series = [walk[3 * k : 3 * k + n] + rng.normal(size=(n, *SHAPE)) for k in range(count)]
    series[0][:, 1, 2] = 7
    return [one.astype(dtype) for one in series]


def from_every_lag(a, b, how):
    """The maxima of the correlations at each lag, and the correlations."""
    values = cross_correlation(a, b, how)
    rows = np.ascontiguousarray(values.reshape(len(values), -1).T)
    steps = how.steps(len(a))
    fewest = len(how.taking_part(len(a)))
    found = find_maxima(rows, NOT_ASKED, steps, how.cadence, TOLERANCE[a.dtype], how.keep_edges, fewest)
    return found.reshape(-1, *SHAPE), values


BOUNDS = [None, (-5.0, 5.0), (0.0, 9.0), (-20.0, -2.0), (3.0, 3.0)]


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(4, 130),
    bounds=st.sampled_from(BOUNDS),
    per_overlap=st.booleans(),
    keep_edges=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 999),
)
def test_one_pass_finds_what_the_correlations_at_every_lag_show(
    n, bounds, per_overlap, keep_edges, dtype, seed
):
    if bounds == (-20.0, -2.0) and n < 8:
        bounds = None
    how = Correlator(1.0, bounds, 0.3, per_overlap=per_overlap, keep_edges=keep_edges)
    series = walks(n, 3, dtype, seed)
    series[1][n // 2, 3] = np.nan
    pairs = [(0, 1), (2, 0), (1, 2)]
    found = lags_and_correlations(series, pairs, how).reshape(3, -1, *SHAPE)
    grid = lags(n, 1.0, bounds)
    # The rounding of sums over pairs of which few differ.
    tolerance = 1e-4 if dtype == np.float32 else 1e-9
    for (i, j), maxima in zip(pairs, found, strict=True):
        expected, values = from_every_lag(series[i], series[j], how)
        np.testing.assert_allclose(maxima[2], expected[2], rtol=0, atol=tolerance)
        np.testing.assert_array_equal(maxima[4:], expected[4:])
        for row, column in np.argwhere(np.isfinite(maxima[0])):
            # Another of two equal maxima may be the largest by rounding.
            at = values[np.argmin(np.abs(grid - maxima[0, row, column])), row, column]
            assert at >= np.nanmax(values[:, row, column]) - tolerance


@pytest.mark.parametrize("per_overlap", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lags_refined_lags_and_marks_are_the_same(per_overlap, dtype):
    how = Correlator(2.0, (-60.0, 60.0), per_overlap=per_overlap)
    a, b = walks(120, 2, dtype)
    found = lags_and_correlations([a, b], [(0, 1)], how)
    expected, _ = from_every_lag(a, b, how)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=0.02 if dtype == np.float32 else 1e-9)
    np.testing.assert_array_equal(found[MARKS] % PULLED, expected[MARKS])
    if per_overlap:
        tapered, _ = from_every_lag(a, b, how._replace(per_overlap=False, keep_edges=True))
        # A step is 2 s.
        pulled = np.isfinite(found[0]) & (np.abs(tapered[0] - found[0]) > 2)
        np.testing.assert_array_equal(found[MARKS] >= PULLED, pulled)
        assert pulled.any()


@pytest.mark.parametrize("n", [*range(2, 20), 45, 64, 75, 81, 125])
def test_series_of_every_length_are_transformed(n):
    """Of lengths that need each of the radices; against the definition in numpy."""
    a, b = np.random.default_rng(n).normal(size=(2, n, 1, 1))
    how = Correlator(1.0, per_overlap=False, keep_edges=True)
    found = lags_and_correlations([a, b], [(0, 1)], how)[:, 0, 0]
    x, y = ((one - one.mean()).ravel() / one.std() for one in (a, b))
    values = np.correlate(y, x, "full") / n
    assert found[2] == pytest.approx(values.max(), abs=1e-13)
    if n > 2:
        assert found[0] == np.argmax(values) - (n - 1)


@pytest.mark.parametrize("variant", variants())
@pytest.mark.parametrize("per_overlap", [True, False])
def test_each_variant_finds_the_same_lags(monkeypatch, variant, per_overlap):
    series = walks(100, 2, np.float32)
    how = Correlator(1.0, (-30.0, 30.0), per_overlap=per_overlap)
    expected = lags_and_correlations(series, [(0, 1)], how)
    monkeypatch.setattr(library, "_chosen", lambda: variants()[variant])
    found = lags_and_correlations(series, [(0, 1)], how)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[2], expected[2], atol=1e-6)


@pytest.mark.parametrize("per_overlap", [True, False])
def test_a_pixels_lag_does_not_depend_on_the_pixels_nor_on_the_series_beside_it(per_overlap):
    series = walks(70, 3, np.float32)
    series[2][3, 4, 4:] = np.inf
    how = Correlator(1.0, per_overlap=per_overlap)
    whole = lags_and_correlations(series, [(0, 1), (1, 2)], how)
    for rows, columns in (
        (slice(1, 3), slice(2, 5)),
        (slice(4, 5), slice(None, None, 2)),
        (slice(0, 1), [6]),
    ):
        part = [one[:, rows, columns] for one in series]
        np.testing.assert_array_equal(
            lags_and_correlations(part, [(0, 1), (1, 2)], how), whole[:, rows, columns]
        )
    np.testing.assert_array_equal(lags_and_correlations(series[:2], [(0, 1)], how)[:, :4], whole[:6, :4])
    backwards = [one.transpose(0, 2, 1)[:, ::-1] for one in series]
    np.testing.assert_array_equal(
        lags_and_correlations(backwards, [(0, 1), (1, 2)], how), whole.transpose(0, 2, 1)[:, ::-1]
    )


def test_where_overlaps_hardly_vary_the_coefficient_is_that_of_doubles():
    """A flare at the end: of lags without it hardly any variance is left."""
    a, b = np.random.default_rng(0).normal(size=(2, 90, 1, 40)).astype(np.float32)
    a[80:] += 1000
    b[80:] += 1000
    how = Correlator(1.0, (10.0, 45.0), keep_edges=True)
    single, double = (
        lags_and_correlations([one.astype(dtype) for one in (a, b)], [(0, 1)], how)
        for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single[2], double[2], atol=1e-4)
