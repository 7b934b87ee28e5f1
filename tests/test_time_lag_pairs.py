"""Fifteen pairs of six channels."""

import copy
import pickle
from itertools import combinations

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ndcube import NDCollection

import astropy.units as u

import sunpy.map

import sunpy_heliocloud
from helpers import no_compute
from region_frames import map_of_region, paint_region
from sunpy_heliocloud import LagMapCollection, LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import CHANNEL_OFFSETS, SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (10, 12)
N = 60
TIMES = SUN.time + np.arange(N) * 4 * u.min
HOT_FIRST = (94, 335, 211, 193, 171, 131)
BOUNDS = {"lag_bounds": [-1, 1] * u.hour}


@pytest.fixture
def read():
    return []


@pytest.fixture
def cubes(read):
    """Six channels, each a sample later than the last; planes that note when they are computed."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(N + 20, *SHAPE)), axis=0).astype(np.float32)

    def cube(channel, delay):
        def plane(block_id):
            read.append((channel, block_id[0]))
            return walk[None, 10 - delay + block_id[0]]

        chunks = ((1,) * N, (SHAPE[0],), (SHAPE[1],))
        data = da.map_blocks(
            plane, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32), name=f"{channel}-"
        )
        return TimeLagCube.from_array(data, sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)), TIMES)

    shuffled = (171, 94, 131, 335, 193, 211)
    return NDCollection(
        [(str(channel), cube(channel, HOT_FIRST.index(channel))) for channel in shuffled], aligned_axes="all"
    )


def test_all_pairs_hot_first_in_one_pass(cubes, read):
    with no_compute():
        lags, correlations = time_lag_pairs(cubes, **BOUNDS)
    assert isinstance(lags, LagMapCollection)
    assert isinstance(lags, NDCollection)
    expected = [f"{a}-{b}" for a, b in combinations(HOT_FIRST, 2)]
    assert list(lags) == list(correlations) == expected
    lags, correlations = dask.compute(lags, correlations)
    assert sorted(read) == sorted((channel, k) for channel in HOT_FIRST for k in range(N))
    for key, lag in lags.items():
        a, b = (HOT_FIRST.index(int(channel)) for channel in key.split("-"))
        assert np.median(lag.data) == 240 * (b - a)
        assert lag.meta["channels"] == (HOT_FIRST[a] * u.AA, HOT_FIRST[b] * u.AA)
        assert correlations[key].meta["quantity"] == "maximum cross-correlation"


def test_pairs_are_what_each_pair_gives(cubes):
    options = BOUNDS | {"refine": "parabolic", "min_correlation": 0.3}
    several = {key: cube[:, :4, :5] for key, cube in cubes.items()}
    lags, correlations = dask.compute(*time_lag_pairs(several, **options))
    for key in ("94-131", "211-171"):
        a, b = key.split("-")
        lag = several[a].time_lag(several[b], **options)
        np.testing.assert_array_equal(lags[key].data, lag.compute().data)
        correlation = several[a].max_cross_correlation(several[b], **BOUNDS)
        np.testing.assert_array_equal(correlations[key].data, correlation.compute().data)


def test_order_can_be_chosen(cubes):
    lags, _ = time_lag_pairs(list(cubes.values()), order=[171, 19.3 * u.nm, "131"], **BOUNDS)
    assert list(lags) == ["171-193", "171-131", "193-131"]
    lags, _ = time_lag_pairs([cubes["131"], cubes["94"]])
    assert list(lags) == ["94-131"]


def test_computing_and_slicing_keep_the_class(cubes):
    lags, _ = time_lag_pairs(cubes, **BOUNDS)
    for one in (lags.compute(), lags.persist(), lags[2:5, 3:], lags["94-335", "94-211"]):
        assert type(one) is LagMapCollection
    assert lags[2:5, 3:]["94-335"].shape == (3, 9)
    assert isinstance(lags.compute()["94-335"].data, np.ndarray)
    assert dask.is_dask_collection(lags.persist())
    assert not dask.is_dask_collection(lags.compute())
    assert "15 maps, lazy: 94-335, " in str(lags)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("pairs", [1, 15])
def test_a_collection_can_be_copied_and_pickled(pairs, copied):
    data = np.random.default_rng(1).normal(size=(6, N, 2, 3)).astype(np.float32)
    channels = HOT_FIRST[: 2 if pairs == 1 else 6]
    lags, _ = time_lag_pairs(
        [
            TimeLagCube.from_array(
                planes,
                sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)).submap(
                    [0, 0] * u.pix, top_right=[2, 1] * u.pix
                ),
                TIMES,
            )
            for channel, planes in zip(channels, data[: len(channels)], strict=True)
        ],
        **BOUNDS,
        at_bounds="keep",
    )
    lags.meta = {"note": 3}
    for one in (lags, lags.compute()):
        same = copied(one)
        assert type(same) is LagMapCollection
        assert list(same) == list(one)
        assert len(same) == pairs
        assert same.aligned_axes == one.aligned_axes
        assert same.meta == {"note": 3}
        np.testing.assert_array_equal(same["94-335"].compute().data, one["94-335"].compute().data)


def test_plots_of_all_pairs(cubes):
    lags, correlations = dask.compute(*time_lag_pairs(cubes, **BOUNDS))
    figure = lags.plot(vmax=1200)
    assert len(figure.axes) == 15 + 1
    assert {axes.images[0].get_clim() for axes in figure.axes[:15]} == {(-1200, 1200)}
    figure.canvas.draw()
    for one in (lags, correlations):
        figure = one.plot_histograms()
        assert len(figure.axes) == 15
    plt.close("all")


def test_plots_without_a_limit_reach_to_the_largest_lag_of_all_pairs(cubes):
    lags, _ = dask.compute(*time_lag_pairs([cubes[channel] for channel in ("94", "193", "131")]))
    largest = max(float(np.nanmax(np.abs(lag.data))) for lag in lags.values())
    for options, limit in (({}, largest), ({"data_unit": u.min}, largest / 60)):
        figure = lags.plot(**options)
        [limits] = {axes.images[0].get_clim() for axes in figure.axes[:3]}
        assert limits == pytest.approx((-limit, limit))


@pytest.mark.parametrize(
    ("choose", "options", "message"),
    [
        (lambda cubes: [cubes["94"]], {}, "takes two channels, but there is 94"),
        (lambda cubes: [cubes["94"], cubes["94"]], {}, "these are 94, 94"),
        (lambda cubes: cubes, {"order": [94, 304]}, "has to name some of"),
        (lambda cubes: cubes, {"order": [94, 94]}, "each once"),
        (lambda cubes: [cubes["94"], cubes["171"][:, 1:]], {}, "different grids"),
    ],
)
def test_what_makes_no_pairs(cubes, choose, options, message):
    with pytest.raises(ValueError, match=message):
        time_lag_pairs(choose(cubes), **options)


def test_a_cube_without_wavelength_is_refused(cubes):
    nameless = cubes["94"]._new_instance(meta={"observatory": None})
    with pytest.raises(ValueError, match="told apart by wavelength"):
        time_lag_pairs([nameless, cubes["171"]])


def test_only_several_cubes_make_pairs(cubes):
    with pytest.raises(TypeError, match="a list of cubes"):
        time_lag_pairs(cubes["94"])
    with pytest.raises(TypeError, match="TimeLagCube objects, not ndarray, int"):
        time_lag_pairs([np.ones((3, 4, 5)), 1])
    with pytest.raises(TypeError, match="no option window here"):
        time_lag_pairs(cubes, window=1 * u.hour)


def test_it_is_a_public_name():
    assert sunpy_heliocloud.time_lag_pairs is time_lag_pairs
    assert set(sunpy_heliocloud.__all__) <= set(dir(sunpy_heliocloud))


# ---- known answers: the simulated Sun, twelve hours of six channels at 240 s and 2 arcsec a pixel

NOISY_SUN = SimulatedSun()
FRAMES = 180


@pytest.fixture(scope="module")
def region():
    """The map that frames are derotated to."""
    return map_of_region(NOISY_SUN)


@pytest.fixture(scope="module")
def derotated(region):
    """Six channels, each at times of its own, derotated, in memory."""
    cubes = []
    for channel in HOT_FIRST:
        rng = np.random.default_rng(channel)
        seconds = (np.arange(FRAMES) - FRAMES / 2) * 240 + CHANNEL_OFFSETS[channel]
        frames = [
            paint_region(NOISY_SUN, channel, time, (2 + rng.uniform(-6e-4, 6e-4)) * u.s, region)
            for time in NOISY_SUN.time + seconds * u.s
        ]
        cubes.append(LazyMapSequence(frames).to_cube().derotate_to(region).compute())
    return cubes


def without(cube, region, planes):
    """The cube, where some planes were never taken."""
    kept = np.setdiff1d(np.arange(FRAMES), planes)
    return TimeLagCube.from_array(
        cube.data[kept], region, cube.times[kept], meta={"wavelength": cube.wavelength}
    )


def errors_of_pairs(cubes, region, *, every=1):
    """
    The bias of each pair's refined lags, and what 95 % of their errors stay below, where channels correlate.

    Of every so many pixels in either direction: where frames are missing, each pair takes seven times as long.
    """
    cubes = [cube.resample_time(4 * u.min)[:, ::every, ::every] for cube in cubes]
    lags, correlations = dask.compute(*time_lag_pairs(cubes, lag_bounds=[-2, 2] * u.hour, refine="parabolic"))
    found = {}
    for key, lag in lags.items():
        true_lag = NOISY_SUN.true_lag(*map(int, key.split("-")), region, within=6 * u.deg)[::every, ::every]
        judged = np.isfinite(true_lag) & (correlations[key].data > 0.5)
        assert judged.sum() > 0.8 * np.isfinite(true_lag).sum()
        error = (lag.data - true_lag)[judged]
        found[key] = np.median(error), np.percentile(np.abs(error), 95)
        print(
            f"{key}: median {found[key][0]:.1f} s, 95 % within {found[key][1]:.0f} s, {judged.sum()} pixels"
        )
    assert len(found) == 15
    return np.abs(np.array(list(found.values()))).max(axis=0)


def test_all_fifteen_pairs_have_their_own_true_lags(derotated, region):
    bias, spread = errors_of_pairs(derotated, region)
    assert bias < 3
    assert spread < 52


def test_fifteen_pairs_with_a_tenth_of_the_frames_missing(derotated, region):
    rng = np.random.default_rng(0)
    thinned = [without(cube, region, rng.choice(FRAMES, FRAMES // 10, replace=False)) for cube in derotated]
    bias, spread = errors_of_pairs(thinned, region, every=2)
    assert bias < 3
    assert spread < 60


def test_fifteen_pairs_with_a_gap_of_forty_minutes(derotated, region):
    with_gap = [without(cube, region, np.arange(85, 95)) for cube in derotated]
    bias, spread = errors_of_pairs(with_gap, region, every=2)
    assert bias < 3
    assert spread < 60


def test_fifteen_pairs_with_one_frame_of_nan(derotated, region):
    spoiled = [cube._new_instance(data=cube.data.copy()) for cube in derotated]
    spoiled[3].data[50] = np.nan
    bias, spread = errors_of_pairs(spoiled, region)
    assert bias < 3
    assert spread < 52
