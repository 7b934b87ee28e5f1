import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from sunpy_heliocloud.kernels.time_axis import interpolate_time


def interpolated_alone(samples, times, new_times, max_gap, method):
    """One pixel, in plain Python."""
    finite = np.isfinite(samples)
    samples, times = samples[finite], times[finite]
    values = np.full(len(new_times), np.nan)
    for k, time in enumerate(new_times):
        if (times == time).any():
            values[k] = samples[times == time][0]
            continue
        after = np.searchsorted(times, time)
        if after in (0, len(times)) or times[after] - times[after - 1] > max_gap:
            continue
        if method == "linear":
            values[k] = np.interp(time, times, samples)
        elif method == "cubic":
            # What no long gap divides.
            run = np.cumsum(np.diff(times, prepend=times[0]) > max_gap)
            run = run == run[after]
            values[k] = PchipInterpolator(times[run], samples[run])(time)
        else:
            nearer = after if times[after] - time < time - times[after - 1] else after - 1
            values[k] = samples[nearer]
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_complete_pixels_are_those_of_numpy(dtype):
    rng = np.random.default_rng(1)
    times = 1.5e9 + np.arange(40) * 12.0 + rng.uniform(-3, 3, 40)
    new_times = np.arange(times[0] + 1, times[-1], 7.0)
    planes = rng.uniform(0, 1000, (40, 70, 90)).astype(dtype)
    values = interpolate_time(planes, times, new_times, max_gap=24)
    assert values.dtype == dtype
    assert values.shape == (len(new_times), 70, 90)
    for row, column in [(0, 0), (69, 89), (45, 60)]:
        expected = np.interp(new_times, times, planes[:, row, column])
        np.testing.assert_allclose(
            values[:, row, column], expected, rtol=3e-7 if dtype == np.float32 else 1e-12
        )


@settings(max_examples=300, deadline=None)
@given(data=st.data(), method=st.sampled_from(["linear", "nearest", "cubic"]))
def test_each_pixel_is_interpolated_between_its_own_samples(data, method):
    # Multiples of 1/8 s: their differences are exact, so that a tie is a tie.
    ticks = data.draw(st.lists(st.integers(0, 80), min_size=1, max_size=12, unique=True))
    times = np.sort(ticks) / 8
    new_times = np.array(data.draw(st.lists(st.integers(-8, 90), max_size=12)), float) / 8
    max_gap = data.draw(st.sampled_from([1.0, 2.0, 3.5, 100.0, np.inf]))
    samples = st.integers(-800, 800).map(lambda value: value / 8) | st.sampled_from([np.nan, np.nan, np.inf])
    planes = np.array(data.draw(st.lists(samples, min_size=3 * len(times), max_size=3 * len(times))))
    planes = planes.reshape(len(times), 3)
    values = interpolate_time(planes, times, new_times, max_gap=max_gap, method=method)
    assert values.shape == (len(new_times), 3)
    for pixel in range(3):
        expected = interpolated_alone(planes[:, pixel], times, new_times, max_gap, method)
        np.testing.assert_allclose(values[:, pixel], expected, rtol=1e-12, atol=1e-10)


def test_cubic_is_closer_than_linear_and_does_not_overshoot():
    times = np.arange(60) * 240.0
    curve = np.sin(times / 900)[:, None]
    new_times = np.arange(240.0, times[-2], 60)
    linear, cubic = (
        interpolate_time(curve, times, new_times, max_gap=500, method=method)
        for method in ("linear", "cubic")
    )
    expected = np.sin(new_times / 900)[:, None]
    assert np.abs(cubic - expected).mean() < 0.3 * np.abs(linear - expected).mean()
    step = interpolate_time(1.0 * (times > 5000)[:, None], times, new_times, max_gap=500, method="cubic")
    assert (step.min(), step.max()) == (0, 1)


def test_a_sample_beside_a_gap_is_kept_and_the_gap_stays_open():
    times = np.array([0.0, 10, 20, 100, 110])
    values = interpolate_time(times[:, None] * 2, times, np.array([15.0, 20, 21, 99, 100, 105]), max_gap=20)
    np.testing.assert_array_equal(values[:, 0], [30, 40, np.nan, np.nan, 200, 210])


def test_a_missing_plane_is_left_out():
    planes = np.arange(5.0)[:, None, None] * np.ones((2, 3))
    planes[2] = np.nan
    times = np.arange(5) * 10.0
    np.testing.assert_allclose(interpolate_time(planes, times, times, max_gap=20)[:, 1, 2], [0, 1, 2, 3, 4])
    shorter = interpolate_time(planes, times, times, max_gap=15)[:, 1, 2]
    np.testing.assert_array_equal(shorter, [0, 1, np.nan, 3, 4])


@pytest.mark.parametrize("method", ["linear", "nearest", "cubic"])
def test_one_sample_is_known_at_its_time_only(method):
    values = interpolate_time(
        np.array([7.0]), np.array([5.0]), np.array([4.0, 5, 6]), max_gap=np.inf, method=method
    )
    np.testing.assert_array_equal(values, [np.nan, 7, np.nan])


def test_without_samples_nothing_is_known():
    assert np.isnan(interpolate_time(np.empty((0, 4)), np.empty(0), np.arange(3.0), max_gap=10)).all()
    assert interpolate_time(np.ones((3, 4)), np.arange(3.0), np.empty(0), max_gap=10).shape == (0, 4)


def test_rounding_of_absolute_times_makes_no_gap():
    times = 1527595200.0 + np.arange(4) * 0.1
    planes = np.array([1, 2, np.nan, 4], np.float32)
    np.testing.assert_array_equal(
        interpolate_time(planes, times, times + 2e-7, max_gap=0.1), [1, 2, np.nan, 4]
    )
    halfway = interpolate_time(planes[:2], times[:2], times[:1] + 0.05, max_gap=0.1)
    np.testing.assert_allclose(halfway, 1.5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.int16, ">f4", np.uint8])
def test_other_types_become_floats(dtype):
    values = interpolate_time(np.array([[1], [2]], dtype), np.array([0.0, 1]), np.array([0.5]), max_gap=1)
    assert values.dtype == (np.float32 if dtype == ">f4" else np.float64)
    np.testing.assert_array_equal(values, [[1.5]])


def test_wrong_arguments_are_named():
    planes = np.ones((3, 2))
    new_times = np.zeros(1)
    with pytest.raises(ValueError, match=r"times\[2\] = 1.0 follows times\[1\] = 2.0"):
        interpolate_time(planes, np.array([0.0, 2, 1]), new_times, max_gap=1)
    with pytest.raises(ValueError, match="drop duplicates"):
        interpolate_time(planes, np.array([0.0, 1, 1]), new_times, max_gap=1)
    with pytest.raises(ValueError, match="3 planes"):
        interpolate_time(planes, np.array([0.0, 2]), new_times, max_gap=1)
    with pytest.raises(ValueError, match="finite"):
        interpolate_time(planes, np.array([0.0, 1, np.nan]), new_times, max_gap=1)
    with pytest.raises(ValueError, match="choose one of linear, mean, nearest, cubic"):
        interpolate_time(planes, np.arange(3.0), new_times, max_gap=1, method="spline")


@given(seed=st.integers(0, 999), missing=st.sampled_from([0.0, 0.2, 0.6]), dtype=st.sampled_from("fd"))
def test_means_are_those_of_the_linear_interpolant(seed, missing, dtype):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 100, 60))
    planes = rng.normal(size=(60, 5)).astype(dtype)
    planes[rng.random(planes.shape) < missing] = np.nan
    new_times, max_gap = np.arange(5.0, 100, 10), 9.0
    averages = interpolate_time(planes, times, new_times, max_gap=max_gap, method="mean")
    assert averages.dtype == planes.dtype
    slack = np.median(np.diff(times))
    for pixel in range(5):
        there = np.isfinite(planes[:, pixel])
        own, values = times[there], planes[there, pixel].astype(float)
        for k, time in enumerate(new_times):
            start, stop = max(time - 5, times[0]), min(time + 5, times[-1])
            if not own[0] <= start < stop <= own[-1]:
                assert np.isnan(averages[k, pixel])
                continue
            edges = np.unique(np.r_[start, own[(own > start) & (own < stop)], stop])
            bridged = np.searchsorted(own, (edges[1:] + edges[:-1]) / 2)
            if stop - start < 10 - slack * 1.001 or (own[bridged] - own[bridged - 1] > max_gap).any():
                assert np.isnan(averages[k, pixel])
            elif stop - start > 10 - slack * 0.999:
                expected = np.trapezoid(np.interp(edges, own, values), edges) / (stop - start)
                assert averages[k, pixel] == pytest.approx(expected, abs=1e-5 if dtype == "f" else 1e-12)
