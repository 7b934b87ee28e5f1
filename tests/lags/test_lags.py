"""Time lags of cubes: known answers, gaps, options, refusals."""

import dask
import dask.array as da
import numpy as np
import pytest
import sunkit_image.time_lag
from hypothesis import given, settings
from hypothesis import strategies as st
from ndcube import NDCube

import astropy.units as u
from astropy.time import Time

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import CorrelationCube, LagCube, LagMap, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (10, 12)
N, CADENCE = 160, 240 * u.s
TIMES = SUN.time + np.arange(N) * CADENCE
BOUNDS = [-1, 1] * u.hour
# The definition of sunkit-image.
TAPERED = {"overlap_normalized": False, "at_bounds": "keep"}


def small_map(channel):
    return sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE))


HOT_MAP, COOL_MAP = small_map(193), small_map(171)


def brightness(seconds, seed=0, periods=(1500, 5000)):
    """A light curve that differs from pixel to pixel, at any time."""
    rng = np.random.default_rng(seed)
    period = rng.uniform(*periods, (14, 1, *SHAPE))
    phase = rng.uniform(0, 2 * np.pi, period.shape)
    return 100 + 10 * np.sin(2 * np.pi * np.asarray(seconds)[:, None, None] / period + phase).sum(axis=0)


def cubes(lag=720.0, seconds=None, chunks=None):
    """Two channels, of which the second follows the first by so many seconds."""
    seconds = np.arange(N) * CADENCE.to_value(u.s) if seconds is None else seconds
    times = SUN.time + seconds * u.s
    data = [brightness(seconds), brightness(seconds - lag)]
    if chunks:
        data = [da.from_array(one, chunks=chunks) for one in data]
    return [TimeLagCube.from_array(one, m, times) for one, m in zip(data, (HOT_MAP, COOL_MAP), strict=True)]


def lag_of(a, b, **options):
    return a.time_lag(b, **{"lag_bounds": BOUNDS} | options).compute().data


# ---- known answers


def test_positive_means_that_the_first_leads():
    hot, cool = cubes()
    np.testing.assert_array_equal(lag_of(hot, cool), 720)
    np.testing.assert_array_equal(lag_of(cool, hot), -720)


@pytest.mark.parametrize("length", [159, 160])
@pytest.mark.parametrize("bounds", [None, BOUNDS, [0, 1] * u.hour, [-90, 0] * u.min])
def test_without_gaps_it_is_that_of_sunkit_image(length, bounds):
    hot, cool = (cube[:length] for cube in cubes())
    lag, correlation = dask.compute(
        hot.time_lag(cool, lag_bounds=bounds, dtype=np.float64, **TAPERED),
        hot.max_cross_correlation(cool, lag_bounds=bounds, dtype=np.float64, **TAPERED),
    )
    time = np.arange(length) * CADENCE
    a, b = hot.data.astype(float), cool.data.astype(float)
    options = {} if bounds is None else {"lag_bounds": bounds.to(u.s)}
    np.testing.assert_array_equal(lag.data, sunkit_image.time_lag.time_lag(a, b, time, **options).value)
    expected = sunkit_image.time_lag.max_cross_correlation(a, b, time, **options)
    np.testing.assert_allclose(correlation.data, expected, rtol=0, atol=1e-12)


def test_computing_lags_of_cubes_in_memory_makes_no_description_of_the_cubes(monkeypatch):
    """It has a hash of all their values, which takes longer than the lags."""

    def refuse(array):
        raise AssertionError("described")

    monkeypatch.setattr("sunpy_heliocloud.lags.comparison.origin_of", refuse)
    hot, cool = cubes()
    lag = hot.time_lag(cool, lag_bounds=BOUNDS)
    np.testing.assert_array_equal(lag[2:4].compute().data, lag.compute().data[2:4])
    hot.max_cross_correlation(cool).compute()
    time_lag_pairs([hot, cool])


def test_refined_lags():
    hot, cool = cubes(lag=550.0)
    assert np.median(lag_of(hot, cool)) == 480
    error = lag_of(hot, cool, refine="parabolic") - 550
    assert abs(np.median(error)) < 6
    assert np.abs(error).max() < 40


def test_ignoring_when_channels_were_taken_biases_the_lag_by_a_sample():
    # 12 s cadence, of which each channel has its own moment; the files' labels say the same for both.
    label = np.arange(1500) * 12.0
    offset = 6.8
    hot = brightness(label, periods=(100, 900))
    cool = brightness(label + offset, periods=(100, 900))
    labelled = [
        TimeLagCube.from_array(data, m, SUN.time + label * u.s)
        for data, m in ((hot, HOT_MAP), (cool, COOL_MAP))
    ]
    assert np.median(lag_of(*labelled)) == -12
    true = [
        TimeLagCube.from_array(data, m, SUN.time + (label + late) * u.s).resample_time(12 * u.s)
        for data, m, late in ((hot, HOT_MAP, 0), (cool, COOL_MAP, offset))
    ]
    np.testing.assert_array_equal(lag_of(*true), 0)


# ---- gaps


@pytest.mark.parametrize("bridged", [False, True])
def test_a_tenth_of_the_frames_missing(bridged):
    rng = np.random.default_rng(3)
    thinned = [cube[:] for cube in cubes(lag=550.0)]
    for k, cube in enumerate(thinned):
        kept = np.sort(rng.permutation(N)[: N - N // 10])
        thinned[k] = TimeLagCube.from_array(cube.data[kept], (HOT_MAP, COOL_MAP)[k], TIMES[kept])
    max_gap = None if bridged else CADENCE
    hot, cool = (
        cube.resample_time(times=TIMES, max_gap=max_gap, method="cubic").compute() for cube in thinned
    )
    assert bridged or np.isnan(hot.data).any()
    error = lag_of(hot, cool, refine="parabolic") - 550
    assert abs(np.median(error)) < 10
    assert np.percentile(np.abs(error), 95) < 60


def test_a_gap_of_forty_minutes():
    hot, cool = cubes(lag=550.0)
    hot.data[50:60] = np.nan
    error = lag_of(hot, cool, refine="parabolic") - 550
    assert abs(np.median(error)) < 10
    assert np.abs(error).max() < 60


def test_a_missing_frame_spoils_no_pixel_and_a_constant_pixel_has_no_lag():
    hot, cool = cubes()
    hot.data[20] = np.nan
    cool.data[:, 3, 4] = 100
    hot.data[:, 5, 6] = np.nan
    lag = lag_of(hot, cool)
    without = np.zeros(SHAPE, bool)
    without[[3, 5], [4, 6]] = True
    np.testing.assert_array_equal(np.isnan(lag), without)
    np.testing.assert_array_equal(lag[~without], 720)


# ---- masks


@pytest.mark.parametrize("lazy", [False, True])
def test_what_a_mask_excludes_is_missing(lazy):
    hot, cool = cubes(lag=550.0)
    mask = np.zeros(hot.shape, bool)
    mask[60:70] = mask[:, 3, 4] = True
    spoiled, excluded = (cube._new_instance(data=cube.data.copy()) for cube in (hot, hot))
    spoiled.data[mask] = 1e6
    excluded.data[mask] = np.nan
    spoiled.mask = mask
    if lazy:
        spoiled = spoiled._new_instance(
            data=da.from_array(spoiled.data, chunks=(40, -1, -1)), mask=da.from_array(mask)
        )
    with no_compute():
        lag = spoiled.time_lag(cool, lag_bounds=BOUNDS, refine="parabolic")
        resampled = spoiled.resample_time(2 * u.min)
    expected = excluded.time_lag(cool, lag_bounds=BOUNDS, refine="parabolic").compute()
    assert np.isnan(expected.data).sum() == 1
    np.testing.assert_array_equal(lag.compute().data, expected.data)
    assert resampled.mask is None
    np.testing.assert_array_equal(resampled.compute().data, excluded.resample_time(2 * u.min).compute().data)


# ---- times


@pytest.mark.parametrize("day", ["2012-06-30", "2015-06-30", "2016-12-31"])
@pytest.mark.parametrize("start", ["16:00:00.7", "22:00:00"])
def test_resampled_times_are_even_across_a_leap_second(day, start):
    times = Time(f"{day}T{start}") + np.arange(N) * 237 * u.s
    hot = TimeLagCube.from_array(brightness(np.arange(N) * 237.0), HOT_MAP, times).resample_time(4 * u.min)
    np.testing.assert_allclose(np.diff((hot.times - hot.times[0]).to_value(u.s)), 240, atol=1e-6)
    seconds = [float(time.isot[17:]) for time in hot.times]
    before = hot.times < Time(f"{day}T23:59:59.5")
    assert set(np.array(seconds)[before]) == {0.0}
    assert set(np.array(seconds)[~before]) == {60.0, 59.0}  # the leap second itself is one of them
    np.testing.assert_array_equal(lag_of(hot, hot), 0)


@pytest.mark.parametrize("item", [(slice(None), 2, 3), (slice(None), slice(None), 3)])
def test_light_curves_and_diagrams_are_resampled(item):
    hot, _ = cubes(seconds=np.arange(N) * 240.0 + np.random.default_rng(0).uniform(-20, 20, N))
    part = hot[item].resample_time(4 * u.min)
    whole = hot.resample_time(4 * u.min)[item]
    assert type(part) is TimeLagCube
    assert part.shape == whole.shape
    assert (part.times == whole.times).all()
    np.testing.assert_array_equal(part.compute().data, whole.compute().data)
    assert part.wcs.low_level_wcs.world_axis_names == whole.wcs.low_level_wcs.world_axis_names
    np.testing.assert_array_equal(part.time_lag(part, lag_bounds=BOUNDS).compute().data, 0)


# ---- options


def test_min_correlation_blanks_and_zero_lag_stays():
    hot, cool = cubes(lag=0)
    cool.data[:, :5] = brightness(np.arange(N) * 240.0, seed=1)[:, :5]
    lag, correlation = dask.compute(
        hot.time_lag(cool, lag_bounds=BOUNDS, min_correlation=0.9),
        hot.max_cross_correlation(cool, lag_bounds=BOUNDS),
    )
    np.testing.assert_array_equal(np.isnan(lag.data), correlation.data < 0.9)
    np.testing.assert_array_equal(lag.data[5:], 0)
    assert np.isnan(lag.data[:5]).all()


@pytest.mark.parametrize("detrend", ["linear", 3 * u.hour])
def test_detrending(detrend):
    hot, cool = cubes()
    slope = np.linspace(0, 300, N, dtype=np.float32)[:, None, None]
    sloping = [cube._new_instance(data=cube.data + slope) for cube in (hot, cool)]
    assert np.mean(lag_of(*sloping, **TAPERED) == 720) < 0.5
    assert np.mean(lag_of(*sloping) == 720) > 0.97
    assert np.mean(lag_of(*sloping, detrend=detrend) == 720) > 0.97


def test_overlap_normalisation_lifts_large_lags():
    hot, cool = cubes(lag=3 * 3600.0)
    bounds = [-4, 4] * u.hour
    plain, lifted = (
        hot.max_cross_correlation(cool, lag_bounds=bounds, overlap_normalized=option).compute().data
        for option in (False, True)
    )
    assert lag_of(hot, cool, lag_bounds=bounds, overlap_normalized=True)[0, 0] == 3 * 3600
    assert (lifted > plain).all()
    assert np.median(lifted) > 0.99
    assert lifted.max() <= 1
    np.testing.assert_array_equal(lag_of(hot, hot, lag_bounds=bounds, overlap_normalized=True), 0)
    with pytest.raises(ValueError, match="no lag within the bounds has more than 70; choose smaller lags"):
        hot.time_lag(cool, lag_bounds=[6, 8] * u.hour, overlap_normalized=True)


def test_correlation_over_lag():
    hot, cool = cubes(chunks=(30, -1, -1))
    with no_compute():
        over_lag = hot.cross_correlation(cool, lag_bounds=BOUNDS)
        one = over_lag[:, 2, 3]
    assert type(over_lag) is CorrelationCube
    assert over_lag.shape == (31, *SHAPE)
    np.testing.assert_array_equal(over_lag.lags.to_value(u.s), np.arange(-15, 16) * 240)
    np.testing.assert_array_equal(one.lags, over_lag.lags)
    assert over_lag[18].lags == 720 * u.s
    assert over_lag[18, 3:5].shape == (2, SHAPE[1])
    assert one.lags[np.argmax(one.compute().data)] == 720 * u.s
    np.testing.assert_array_equal(over_lag[::2].lags, over_lag.lags[::2])
    np.testing.assert_array_equal(over_lag[3::4, 2, 3].lags, over_lag.lags[3::4])
    np.testing.assert_array_equal(over_lag[::2, 2].compute().data, over_lag.compute().data[::2, 2])
    np.testing.assert_allclose(over_lag[1:].rebin((3, 2, 2)).lags.to_value(u.s), np.arange(-13, 15, 3) * 240)
    assert over_lag[::2].plot() is not None
    with pytest.raises(IndexError, match="slice with steps first"):
        one[::2]
    with pytest.raises(IndexError, match="positive steps"):
        over_lag[::-1]
    part = over_lag[::3, 1::2, ::3]
    there, here = (cube.wcs.pixel_to_world(x, y, 0) for cube, x, y in ((over_lag, 6, 3), (part, 2, 1)))
    assert here[0].Tx.arcsec == pytest.approx(there[0].Tx.arcsec)
    assert here[0].Ty.arcsec == pytest.approx(there[0].Ty.arcsec)
    expected = HOT_MAP.wcs.pixel_to_world(3, 2)
    assert over_lag[18].wcs.pixel_to_world(3, 2).Tx.arcsec == pytest.approx(expected.Tx.arcsec)


def test_windows_give_a_cube_over_time():
    hot, cool = cubes()
    later = TimeLagCube.from_array(
        np.concatenate([cool.data[:80], brightness((np.arange(80, N) * 240.0) + 480)]), COOL_MAP, TIMES
    )
    with no_compute():
        consecutive = hot.time_lag(later, lag_bounds=BOUNDS, window=80 * 4 * u.min)
        sliding = hot.time_lag(later, lag_bounds=BOUNDS, window=[320, 160] * u.min)
    assert type(consecutive) is LagCube
    assert (consecutive.shape, sliding.shape) == ((2, *SHAPE), (3, *SHAPE))
    assert (consecutive.unit, consecutive.meta["quantity"]) == (u.s, "time lag")
    np.testing.assert_allclose((consecutive.times - TIMES[0]).to_value(u.s), [39.5 * 240, 119.5 * 240])
    lag = consecutive.compute().data
    assert np.median(lag[0]) == 720
    assert np.median(lag[1]) == -480
    assert (consecutive.meta["planes"], sliding.meta["planes"]) == (80, 80)
    for cube, first in ((consecutive, (0, 80)), (sliding, (0, 40, 80))):
        assert (cube.meta["start"].isot, cube.meta["stop"].isot) == (TIMES[0].isot, TIMES[-1].isot)
        for k, start in enumerate(first):
            assert type(cube[k]) is LagMap
            span = (cube[k].meta["start"] - TIMES[start], cube[k].meta["stop"] - TIMES[start + 79])
            np.testing.assert_allclose([one.to_value(u.s) for one in span], 0, atol=1e-6)
    assert abs(sliding[1:].meta["start"] - TIMES[40]) < 1 * u.ms
    correlation = hot.max_cross_correlation(later, lag_bounds=BOUNDS, window=80 * 4 * u.min)
    alone = hot[80:].max_cross_correlation(later[80:], lag_bounds=BOUNDS)
    np.testing.assert_array_equal(correlation.compute().data[1], alone.compute().data)


def test_a_window_is_plotted_written_and_binned_as_a_map(tmp_path):
    hot, cool = cubes()
    lags = hot.time_lag(cool, lag_bounds=BOUNDS, window=[320, 160] * u.min)
    axes = lags[1].plot()
    assert (axes.images[0].get_cmap().name, axes.images[0].get_clim()) == ("RdYlBu_r", (-3600, 3600))
    lags[1].write(tmp_path / "window.fits")
    again = LagMap.read(tmp_path / "window.fits")
    np.testing.assert_array_equal(again.data, lags[1].compute().data)
    assert (again.meta["planes"], again.meta["start"].isot) == (80, lags[1].meta["start"].isot)
    assert "time lag 193-171" in lags[1].to_map().name
    slider = lags.plot()
    assert (slider.im.get_cmap().name, slider.im.get_clim()) == ("RdYlBu_r", (-3600, 3600))
    binned = lags.rebin((1, 5, 6))
    assert (type(binned), binned.shape, type(binned[0])) == (LagCube, (3, 2, 2), LagMap)
    assert (binned.times == lags.times).all()
    assert lags[::2, 2:4].times.size == 2
    assert lags[:, 3, 4].compute().data.shape == (3,)
    assert "in 3 windows of 80 planes of 240.0 s" in str(lags)


def test_many_windows_make_few_tasks_of_bounded_memory():
    times = SUN.time + np.arange(3600) * 12 * u.s
    data = da.zeros((3600, 300, 300), chunks=(-1, 48, 48), dtype=np.float32)
    small = sunpy.map.Map(*SUN.frame(193, SUN.time, shape=(300, 300)))
    hot = TimeLagCube.from_array(data, small, times)
    with no_compute():
        lags = hot.time_lag(hot, lag_bounds=[-30, 30] * u.min, window=[7200, 12] * u.s)
    assert lags.shape == (3001, 300, 300)
    assert len(lags.data.dask) < 3000
    side = max(lags.data.chunks[1])
    assert 3 * 3001 * side**2 * 4 <= 1.25 * 32 * 2**20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_are_of_the_type_that_they_say(dtype):
    hot, cool = cubes(chunks=(30, -1, -1))
    options = {"lag_bounds": BOUNDS, "dtype": dtype}
    results = (
        hot.time_lag(cool, **options),
        hot.cross_correlation(cool, **options),
        hot.false_alarm_probability(cool, trials=2, **options),
    )
    for result in results:
        assert result.data.dtype == result.compute().data.dtype == dtype


def test_light_curves_and_averages_of_regions():
    hot, cool = cubes()
    one = hot[:, 2, 3].time_lag(cool[:, 2, 3], lag_bounds=BOUNDS).compute()
    assert (type(one), one.shape) == (LagMap, (1, 1))
    assert one.data.item() == 720
    row = hot[:, 2].time_lag(cool[:, 2], lag_bounds=BOUNDS)
    np.testing.assert_array_equal(row.compute().data, np.full((1, SHAPE[1]), 720))
    averages = [cube.rebin((1, 5, 6)) for cube in (hot, cool)]
    np.testing.assert_array_equal(lag_of(*averages), np.full((2, 2), 720))


def test_resampling_to_the_times_of_another_cube():
    hot, cool = cubes(lag=0)
    uneven = cubes(lag=0, seconds=np.arange(N) * 240.0 + np.random.default_rng(0).uniform(-20, 20, N))[1]
    with pytest.raises(ValueError, match="resample_time"):
        hot.time_lag(uneven)
    for times in (hot, hot.times):
        resampled = uneven.resample_time(times=times)
        assert (resampled.times == hot.times).all()
        np.testing.assert_array_equal(lag_of(hot, resampled), 0)


def test_significance_and_uncertainty():
    hot, cool = cubes(chunks=(30, -1, -1))
    unrelated = TimeLagCube.from_array(brightness(np.arange(N) * 240.0, seed=5), COOL_MAP, TIMES)
    options = {"lag_bounds": BOUNDS, "trials": 39}
    with no_compute():
        maps = [
            hot.false_alarm_probability(cool, **options),
            hot.false_alarm_probability(unrelated, **options),
            hot.lag_uncertainty(cool, **options),
        ]
    related, chance, uncertainty = dask.compute(*maps)
    assert np.median(related.data) < 0.05
    assert np.median(chance.data) > 0.05
    assert uncertainty.unit == u.s
    assert np.median(uncertainty.data) < 240
    assert related.meta["trials"] == 39
    for scheduler in ("sync", "threads", "processes"):
        again = dask.compute(*maps, scheduler=scheduler, num_workers=1 if scheduler == "processes" else None)
        np.testing.assert_array_equal(again[0].data, related.data)
        np.testing.assert_array_equal(again[2].data, uncertainty.data)


# ---- laziness, chunks, one pass


@settings(max_examples=15, deadline=None)
@given(
    chunks=st.tuples(st.integers(5, N), st.integers(3, SHAPE[0]), st.integers(3, SHAPE[1])),
    gaps=st.booleans(),
    detrend=st.sampled_from([None, "linear"]),
)
def test_any_chunks_give_what_numpy_gives(chunks, gaps, detrend):
    arrays = cubes()
    if gaps:
        arrays[0].data[np.random.default_rng(0).random(arrays[0].shape) < 0.1] = np.nan
    expected = lag_of(*arrays, refine="parabolic", detrend=detrend)
    lazy = [cube._new_instance(data=da.from_array(cube.data, chunks=chunks)) for cube in arrays]
    lag = lazy[0].time_lag(lazy[1], lag_bounds=BOUNDS, refine="parabolic", detrend=detrend)
    np.testing.assert_array_equal(lag.compute(scheduler="sync").data, expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), factor=st.floats(0.01, 100), offset=st.floats(-100, 100), gaps=st.booleans())
def test_exchange_factors_and_offsets(seed, factor, offset, gaps):
    rng = np.random.default_rng(seed)
    a, b = (
        TimeLagCube.from_array(np.cumsum(rng.normal(size=(N, *SHAPE)), axis=0), m, TIMES)
        for m in (HOT_MAP, COOL_MAP)
    )
    if gaps:
        a.data[rng.random(a.shape) < 0.1] = np.nan
    options = {"dtype": np.float64, "at_bounds": "keep"}
    lag = lag_of(a, b, **options)
    np.testing.assert_array_equal(lag_of(b, a, **options), -lag)
    changed = a._new_instance(data=a.data.astype(float) * factor + offset)
    np.testing.assert_array_equal(lag_of(changed, b, **options), lag)


def test_all_results_of_a_pair_come_from_one_pass():
    hot, cool = cubes(chunks=(30, -1, -1))
    results = (
        hot.time_lag(cool, lag_bounds=BOUNDS),
        hot.time_lag(cool, lag_bounds=BOUNDS, refine="parabolic", min_correlation=0.5),
        hot.max_cross_correlation(cool, lag_bounds=BOUNDS),
    )
    layers = {name for one in results for name in one.data.dask.layers if name.startswith("pencils-")}
    assert len(layers) == 1


# ---- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"refine": "cubic"}, "parabolic"),
        ({"detrend": "quadratic"}, "running mean"),
        ({"detrend": 5 * u.min}, "fewer than 3 planes"),
        ({"window": 5 * u.min}, "from 3 to"),
        ({"window": [2, 0] * u.hour}, "from 3 to"),
        ({"window": 100 * u.hour}, "from 3 to"),
        ({"lag_bounds": [10, 20] * u.s}, "no lag lies within"),
        ({"lag_bounds": [np.nan, 1] * u.hour}, "two times, such as"),
        ({"lag_bounds": [1, 2] * u.hour, "window": 40 * u.min}, "no lag lies within"),
        ({"window": [1, 2, 3] * u.hour}, "a single time or two times"),
        ({"window": np.nan * u.hour}, "a single time or two times"),
        ({"window": [2, np.inf] * u.hour}, "from 3 to"),
        ({"detrend": [1, 2] * u.hour}, "a single time"),
        ({"detrend": np.nan * u.hour}, "a single time"),
        ({"detrend": np.inf * u.hour}, "has no end"),
        ({"detrend": -2 * u.hour}, "fewer than 3 planes"),
        ({"min_correlation": 50}, "min_correlation is 50, but is a correlation, from -1 to 1"),
        ({"min_correlation": np.nan}, "from -1 to 1"),
        ({"min_correlation": "high"}, "from -1 to 1"),
        ({"min_overlap": "x"}, "a share, from 0 to 1"),
        ({"dtype": int}, "numpy.float32 or numpy.float64"),
        ({"dtype": np.float16}, "numpy.float32 or numpy.float64"),
        ({"dtype": None}, "numpy.float32 or numpy.float64"),
        ({"dtype": "x"}, "numpy.float32 or numpy.float64"),
    ],
)
def test_options_that_make_no_sense(options, message):
    hot, cool = cubes()
    with pytest.raises(ValueError, match=message):
        hot.time_lag(cool, **options)


def test_wrong_trials_and_surrogates():
    hot, cool = cubes()
    with pytest.raises(ValueError, match="phase, red_noise"):
        hot.false_alarm_probability(cool, surrogates="shuffle")
    with pytest.raises(ValueError, match="1 at least"):
        hot.lag_uncertainty(cool, trials=0)
    with pytest.raises(ValueError, match="seed is -1"):
        hot.lag_uncertainty(cool, seed=-1)
    for wrong in ({"seed": None}, {"trials": 2.9}, {"trials": "many"}):
        with pytest.raises(TypeError, match="whole numbers"):
            hot.false_alarm_probability(cool, **wrong)


def test_options_of_another_method_are_named():
    hot, cool = cubes()
    with pytest.raises(TypeError, match="no option refine here, but lag_bounds, min_overlap"):
        hot.max_cross_correlation(cool, refine="parabolic")
    with pytest.raises(TypeError, match="True or False"):
        hot.time_lag(cool, overlap_normalized="no")


def test_lag_bounds_may_be_a_pair_of_times_and_infinite():
    hot, cool = cubes()
    expected = lag_of(hot, cool)
    for bounds in ((-1 * u.hour, 1 * u.hour), [-3600 * u.s, 60 * u.min]):
        np.testing.assert_array_equal(lag_of(hot, cool, lag_bounds=bounds), expected)
    one_sided = hot.time_lag(cool, lag_bounds=[-np.inf, 0] * u.s)
    np.testing.assert_array_equal(one_sided.meta["lag_bounds"], [-(N - 1) * 240, 0] * u.s)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cadence": [1, 2] * u.min}, "cadence must be a single time"),
        ({"cadence": np.nan * u.min}, "cadence must be a single time"),
        ({"cadence": np.inf * u.min}, "positive and finite"),
        ({"cadence": -4 * u.min}, "positive and finite"),
        ({"times": TIMES[:0]}, r"the shape \(0,\)"),
        ({"times": TIMES[3]}, r"the shape \(\)"),
        ({"cadence": 4 * u.min, "start": TIMES[9], "stop": TIMES[3]}, "after they stop"),
        ({"cadence": 4 * u.min, "max_gap": np.nan * u.s}, "max_gap must be a single time"),
        ({"cadence": 4 * u.min, "max_gap": -5 * u.min}, "cannot be negative"),
        ({"cadence": 4 * u.min, "max_gap": [1, 2] * u.min}, "max_gap must be a single time"),
    ],
)
def test_resampling_that_makes_no_sense(options, message):
    hot, _ = cubes()
    with pytest.raises(ValueError, match=message):
        hot.resample_time(**options)


def test_meta_says_what_was_done_before(tmp_path):
    hot, cool = (cube.resample_time(4 * u.min) for cube in cubes())
    hot.meta["derotated"] = "derotated to 2018-05-29T18:00:00.000 (howard, adaptive, 0 Mm)"
    cool.meta |= {
        "observatory": "STEREO_A",
        "light_travel": "times are those at the reference map's observer",
    }
    lag = hot.time_lag(cool, lag_bounds=BOUNDS)
    assert lag.meta["derotated"] == hot.meta["derotated"]
    assert lag.meta["resampled"] == "linear, no gaps over 504 s bridged"
    assert lag.meta["light_travel"] == cool.meta["light_travel"]
    assert lag.meta["observatories"] == ("SDO", "STEREO_A")
    assert lag.title == "193 SDO - 171 STEREO_A"
    assert hot.time_lag(hot).title == "193-193 SDO"
    lag.write(tmp_path / "lag.fits")
    again = LagMap.read(tmp_path / "lag.fits")
    for name in ("derotated", "resampled", "light_travel", "observatories"):
        assert again.meta[name] == lag.meta[name]
    assert lag.to_map().observatory == "SDO and STEREO A"


def test_cubes_that_do_not_match():
    hot, cool = cubes()
    with pytest.raises(ValueError, match="different grids"):
        hot.time_lag(cool[:, 1:])
    with pytest.raises(ValueError, match="120 s off each other; bring them to common times"):
        hot.time_lag(TimeLagCube.from_array(cool.data, COOL_MAP, TIMES + 120 * u.s))
    with pytest.raises(ValueError, match="cadences differ, 240 s and 480 s"):
        hot.time_lag(cool[::2])
    with pytest.raises(ValueError, match="0 times in common"):
        hot.time_lag(TimeLagCube.from_array(cool.data, COOL_MAP, TIMES + 240 * 200 * u.s))
    with pytest.raises(ValueError, match="axis of time"):
        hot[3].time_lag(cool[3])
    uneven = TimeLagCube.from_array(cool.data, COOL_MAP, Time(TIMES[0]) + np.arange(N) ** 1.1 * u.s)
    with pytest.raises(ValueError, match="uneven, up to"):
        hot.time_lag(uneven)


def test_cubes_are_compared_over_their_common_times():
    hot, cool = cubes()
    lag = hot[10:].time_lag(cool[:-5], lag_bounds=BOUNDS)
    assert lag.meta["planes"] == N - 15
    np.testing.assert_array_equal(lag.compute().data, 720)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lag_bounds": [-1, 1]}, "lag_bounds must be a time with its unit"),
        ({"lag_bounds": [-1, 1] * u.m}, "lag_bounds must be a time with its unit"),
        ({"lag_bounds": 1 * u.hour}, "lag_bounds must be two times"),
        ({"min_overlap": 3}, "a share, from 0 to 1"),
        ({"window": 4}, "window must be a time with its unit"),
        ({"detrend": 2 * u.m}, "detrend must be a time with its unit"),
    ],
)
def test_arguments_of_another_kind_are_named(options, message):
    hot, cool = cubes()
    with pytest.raises((ValueError, u.UnitTypeError), match=message):
        hot.time_lag(cool, **options)


def test_only_cubes_and_times_are_compared():
    hot, _ = cubes()
    with pytest.raises(TypeError, match="of a TimeLagCube, not of AIAMap"):
        hot.time_lag(HOT_MAP)
    with pytest.raises(TypeError, match="of a TimeLagCube, not of NDCube"):
        hot.time_lag(NDCube(hot.data, wcs=hot.wcs))
    with pytest.raises(TypeError, match="of a TimeLagCube, not of LagCube"):
        hot.time_lag(hot.time_lag(hot, window=80 * 4 * u.min))
    with pytest.raises(ValueError, match="times must be a list of one or more times"):
        hot.resample_time(times="2018-05-29")
