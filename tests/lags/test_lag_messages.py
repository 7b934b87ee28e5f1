"""What lags, correlations and their plots say: displays, refusals, and warnings at the line of the caller."""

import dask
import numpy as np
import pytest

import astropy.units as u

import sunpy.map
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
REGION = sunpy.map.Map(*SUN.frame(171, SUN.time, shape=(16, 16)))
HOUR = [-1, 1] * u.hour


def cube(seed, wavelength=171):
    planes = np.random.default_rng(seed).normal(100, 1, (60, 16, 16))
    times = SUN.time + np.arange(60) * 240 * u.s
    return TimeLagCube.from_array(planes, REGION, times, meta={"wavelength": wavelength * u.AA})


@pytest.fixture
def pair():
    return cube(0, 193), cube(1)


@pytest.mark.parametrize(
    ("item", "lags"),
    [
        (slice(None), "31 lags, -3600 s to 3600 s"),
        ((slice(None), 3, 4), "31 lags, -3600 s to 3600 s"),
        (slice(5, 10), "5 lags, -2400 s to -1440 s"),
        (20, "a lag of 1200 s"),
        (slice(20, 21), "a lag of 1200 s"),
    ],
)
def test_a_cube_of_correlations_says_what_it_holds(pair, item, lags):
    over_lag = pair[0].cross_correlation(pair[1], lag_bounds=HOUR)[item]
    for state, shown in (("lazy", repr(over_lag)), ("in memory", str(over_lag.compute()))):
        assert f"CorrelationCube of shape {over_lag.shape}, float32, {state}" in shown
        assert f"cross-correlation of 193-171 SDO, at {lags}" in shown
        assert "from 60 planes of 240.0 s, 2018-05-29T18:00:00.000 to 2018-05-29T21:56:00.000" in shown
        assert "normalised on the overlap" in shown


@pytest.mark.parametrize(
    ("bounds", "remedy"),
    [
        ([2, -2] * u.hour, r"\[-2, 2\] \* u.h$"),
        ((90 * u.min, 600 * u.s), r"\[10, 90\] \* u.min$"),
        ([0, -7200] * u.s, r"\[-7200, 0\] \* u.s$"),
    ],
)
def test_swapped_lag_bounds_name_the_right_order(pair, bounds, remedy):
    for method in ("time_lag", "cross_correlation", "lag_uncertainty"):
        with pytest.raises(ValueError, match=f"the smallest lag comes first: {remedy}"):
            getattr(pair[0], method)(pair[1], lag_bounds=bounds)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"vmin": np.nan}, "vmin is nan, but has to be a finite number, such as 7200.0 s"),
        ({"vmax": np.inf * u.s}, "vmax is <Quantity inf s>, but has to be a finite number"),
        ({"vmax": "high"}, "vmax is 'high', but has to be a finite number"),
        ({"vmin": [1, 2]}, r"vmin is \[1, 2\], but has to be a finite number"),
        ({"vmin": 600, "vmax": -600}, "vmin is 600 and vmax -600, but vmin has to be lower"),
        ({"vmin": 1 * u.hour, "vmax": 10 * u.min}, "vmin is 3600 and vmax 600, but vmin has to be lower"),
        ({"vmin": 0, "vmax": 0}, "vmin is 0 and vmax 0, but vmin has to be lower"),
    ],
)
def test_limits_of_plots_are_finite_and_in_order(pair, limits, message):
    lag = pair[0].time_lag(pair[1], at_bounds="keep").compute()
    with pytest.raises(ValueError, match=message):
        lag.plot(**limits)


def test_a_lower_limit_above_the_default_of_the_other_side_is_refused(pair):
    with pytest.raises(ValueError, match="vmin is 2 and vmax 1, but vmin has to be lower"):
        pair[0].max_cross_correlation(pair[1]).plot(vmin=2)


def test_a_colour_bar_is_there_or_not(pair):
    with pytest.raises(TypeError, match="colorbar is 'right', but has to be True or False"):
        pair[0].time_lag(pair[1], at_bounds="keep").plot(colorbar="right")


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
@pytest.mark.parametrize(
    "compute",
    [
        pytest.param(lambda lag, scheduler: lag.compute(scheduler=scheduler), id="method"),
        pytest.param(lambda lag, scheduler: dask.compute(lag, scheduler=scheduler), id="function"),
    ],
)
def test_warnings_of_edges_have_the_line_of_who_computes(pair, compute, scheduler):
    lags, _ = time_lag_pairs(list(pair), lag_bounds=[-0.3, 0.3] * u.hour)
    for lazy in (pair[0].time_lag(pair[1], lag_bounds=[-0.3, 0.3] * u.hour), lags):
        with pytest.warns(SunpyUserWarning, match="largest at an edge") as warned:
            compute(lazy, scheduler)
        assert [one.filename for one in warned] == [__file__]


def test_warnings_of_windows_have_the_line_of_the_caller(pair):
    with pytest.warns(SunpyUserWarning, match="are in no window") as warned:
        pair[0].time_lag(pair[1], window=25 * 240 * u.s, lag_bounds=HOUR)
    assert [one.filename for one in warned] == [__file__]


def test_warnings_of_resampled_planes_have_the_line_of_the_caller(pair):
    with pytest.warns(SunpyUserWarning, match="resampled planes are NaN") as warned:
        pair[0].resample_time(4 * u.min, start=SUN.time - 10 * u.hour, stop=SUN.time + 1 * u.hour)
    assert [one.filename for one in warned] == [__file__]


@pytest.mark.parametrize("method", ["to_cube", "derotate_to"])
def test_warnings_of_frames_have_the_line_of_the_caller(method):
    frames = [
        SUN.frame(
            171, SUN.time + i * 240 * u.s, (0.5 if i == 2 else 2) * u.s, shape=(16, 16), quality=int(i == 1)
        )
        for i in range(4)
    ]
    frames[3][1]["BUNIT"] = frames[0][1]["BUNIT"] = frames[1][1]["BUNIT"] = frames[2][1]["BUNIT"] = "no unit"
    sequence = LazyMapSequence(frames)
    with pytest.warns(SunpyUserWarning) as warned:
        getattr(sequence, method)(*[REGION] * (method == "derotate_to"))
    told = [str(one.message) for one in warned]
    assert any("cannot be read" in one for one in told)
    assert any("QUALITY other than 0" in one for one in told)
    assert any("under half the median" in one for one in told)
    assert {one.filename for one in warned} == {__file__}
