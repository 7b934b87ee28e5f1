"""What `TimeLagCube.resample_time` is given, its default of max_gap, and its warning of missing planes."""

import warnings
from datetime import datetime, timedelta

import numpy as np
import pytest

import astropy.units as u
from astropy.time import Time, TimeDelta

import sunpy.map
from sunpy.time import TimeRange
from sunpy.util.exceptions import SunpyUserWarning

from helpers import no_compute
from sunpy_heliocloud import TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
START = Time("2018-05-29T12:00:01")
REF_MAP = sunpy.map.Map(*SUN.frame(171, SUN.time, shape=(40, 40)))


def cube_at(seconds):
    """A cube of ones at times after the start."""
    seconds = np.asarray(seconds, float)
    data = np.ones((seconds.size, *REF_MAP.data.shape), np.float32)
    return TimeLagCube.from_array(data, REF_MAP, START + seconds * u.s)


EVEN = cube_at(np.arange(20) * 240)


def missing(cube):
    return np.isnan(cube[:, 5, 5].compute().data)


# ---- max_gap


def test_max_gap_is_by_default_twice_the_longer_of_the_median_and_the_asked_cadence():
    burst = cube_at(np.r_[np.arange(60) * 12, 720 + np.arange(31) * 240])
    assert not missing(burst.resample_time(4 * u.min)).any()
    one_lost = cube_at(np.delete(np.arange(20) * 240, 7))
    two_lost = cube_at(np.delete(np.arange(20) * 240, [7, 8]))
    for cadence in (1 * u.min, 4 * u.min):
        assert not missing(one_lost.resample_time(cadence)).any()
        assert missing(two_lost.resample_time(cadence)).sum() == (12 if cadence == 1 * u.min else 3)


@pytest.mark.parametrize("method", ["linear", "mean", "nearest", "cubic"])
def test_one_missing_frame_is_bridged_with_jitter_too(method):
    rng = np.random.default_rng(0)
    frames = np.delete(np.arange(40) * 12 + rng.uniform(-0.3, 0.3, 40), [7, 20])
    assert not missing(cube_at(frames).resample_time(12 * u.s, method=method))[1:-1].any()
    late = np.arange(40) * 240 + rng.uniform(0, 10, 40)
    beside_a_burst = cube_at(np.r_[np.arange(-600, 0, 12), late])
    assert not missing(beside_a_burst.resample_time(4 * u.min, method=method))[1:-1].any()


# ---- the warning


def test_a_warning_says_that_more_than_half_of_the_planes_are_nan_since_gaps_are_longer_than_max_gap():
    with no_compute(), pytest.warns(SunpyUserWarning) as caught:
        resampled = EVEN.resample_time(1 * u.min, max_gap=100 * u.s)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("76 of 76 resampled planes are NaN: 76 are in gaps longer than max_gap, 100 s")
    assert "the longest is 240 s, and max_gap=240 * u.s bridges it" in message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert missing(resampled).all()
        assert not missing(EVEN.resample_time(1 * u.min, max_gap=240 * u.s)).any()


def test_a_warning_says_that_more_than_half_of_the_planes_are_nan_since_they_lie_outside_of_the_frames():
    with pytest.warns(
        SunpyUserWarning, match="31 of 46 .*: 31 are before the first or after the last frame.*between them"
    ):
        EVEN.resample_time(4 * u.min, start="2018-05-29T10:00", stop="2018-05-29T13:00")
    with pytest.warns(SunpyUserWarning, match="3 of 5 .*: 2 are before the first.*; 1 are in gaps"):
        cube_at([0, 60, 120, 480, 540]).resample_time(times=START + [-30, 30, 300, 510, 570] * u.s)


def test_half_of_the_planes_may_be_missing_without_a_warning():
    resampled = EVEN.resample_time(4 * u.min, start="2018-05-29T12:00", stop="2018-05-29T14:28")
    assert missing(resampled).mean() == 0.5


@pytest.mark.parametrize("item", [np.s_[:], np.s_[:, 5, 5], np.s_[:, 5]], ids=["cube", "light curve", "slit"])
def test_the_warning_comes_once_for_whatever_is_resampled(item):
    with pytest.warns(SunpyUserWarning, match="resampled planes are NaN") as caught:
        EVEN[item].resample_time(1 * u.min, max_gap=1 * u.s)
    assert len(caught) == 1


# ---- what is taken


@pytest.mark.parametrize(
    "cadence",
    [
        120 * u.s,
        timedelta(minutes=2),
        TimeDelta(120, format="sec"),
        TimeDelta(2 * u.min),
        np.timedelta64(2, "m"),
        np.timedelta64(120_000_000_000, "ns"),
    ],
    ids=["seconds", "timedelta", "TimeDelta of seconds", "TimeDelta", "timedelta64", "nanoseconds"],
)
def test_cadence_and_max_gap_are_any_span_of_time(cadence):
    expected = EVEN.resample_time(2 * u.min, max_gap=2 * u.min + 2 * u.min)
    assert (
        EVEN.resample_time(cadence, max_gap=2 * cadence).times.isot.tolist() == expected.times.isot.tolist()
    )
    assert EVEN.resample_time(cadence, max_gap=2 * cadence).meta["resampled"] == expected.meta["resampled"]


def test_limits_are_a_time_range_too():
    limits = TimeRange("2018-05-29T12:10", "2018-05-29T12:20")
    expected = EVEN.resample_time(2 * u.min, start=limits.start, stop=limits.end)
    assert (EVEN.resample_time(2 * u.min, start=limits).times == expected.times).all()


def test_spans_and_times_of_pandas_are_taken():
    pd = pytest.importorskip("pandas")
    expected = EVEN.resample_time(2 * u.min, start="2018-05-29T12:10").times.isot.tolist()
    start = pd.Timestamp("2018-05-29T12:10")
    got = EVEN.resample_time(pd.Timedelta("2min"), start=start, max_gap=pd.Timedelta("1h"))
    assert got.times.isot.tolist() == expected
    index = pd.date_range("2018-05-29T12:10", periods=5, freq="2min")
    for times in (index, pd.Series(index)):
        assert EVEN.resample_time(times=times).times.isot.tolist() == expected[:5]


@pytest.mark.parametrize(
    "start",
    [
        "2018-05-29T12:10",
        "2018-05-29 12:10:00",
        datetime(2018, 5, 29, 12, 10),
        np.datetime64("2018-05-29T12:10"),
        Time("2018-05-29T12:10"),
        Time("2018-05-29T12:10").tai,
    ],
    ids=["ISO", "with a blank", "datetime", "datetime64", "Time", "TAI"],
)
def test_start_and_stop_are_any_time(start):
    resampled = EVEN.resample_time(4 * u.min, start=start, stop="2018-05-29T12:20")
    assert resampled.times.isot.tolist() == [f"2018-05-29T12:{m}:00.000" for m in (12, 16, 20)]


@pytest.mark.parametrize(
    "times",
    [
        ["2018-05-29T12:12", "2018-05-29T12:16"],
        [datetime(2018, 5, 29, 12, 12), datetime(2018, 5, 29, 12, 16)],
        np.array(["2018-05-29T12:12", "2018-05-29T12:16"], "M8[s]"),
        Time(["2018-05-29T12:12", "2018-05-29T12:16"]).tt,
    ],
    ids=["ISO", "datetime", "datetime64", "TT"],
)
def test_new_times_are_any_list_of_times(times):
    resampled = EVEN.resample_time(times=times)
    assert resampled.times.isot.tolist() == ["2018-05-29T12:12:00.000", "2018-05-29T12:16:00.000"]


# ---- what is refused


def test_a_grid_of_more_than_a_million_planes_is_refused_with_its_size():
    with pytest.raises(
        ValueError, match=r"4,560,000,000 planes 1.0 us apart.*longer cadence, such as 4 \* u.min"
    ):
        EVEN.resample_time(1 * u.us)
    with pytest.raises(ValueError, match="planes 1.0 s apart, from 1970.* closer to each other"):
        EVEN.resample_time(1 * u.s, start="1970-01-01")
    with pytest.raises(ValueError, match="1,000,001 planes"):
        EVEN.resample_time(times=Time(np.arange(1_000_001) * 1e-3, format="unix"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cadence": 1 * u.m}, r"cadence must be a time with its unit, such as 4 \* u.min, not .*1. m"),
        ({"cadence": 240}, r"cadence must be a time with its unit, such as 4 \* u.min, not 240"),
        ({"cadence": "4 min"}, "cadence must be a time with its unit"),
        ({"cadence": np.timedelta64(1, "M")}, "cadence must be a time with its unit"),
        ({"cadence": [1, 2] * u.min}, "cadence must be a single time"),
        ({"cadence": np.timedelta64("NaT", "s")}, "cadence must be a single time"),
        ({"cadence": 0 * u.min}, r"positive and finite, such as 4 \* u.min, not 0.0 min"),
        ({"cadence": 4 * u.min, "max_gap": 1 * u.m}, "max_gap must be a time with its unit"),
        ({"cadence": 4 * u.min, "max_gap": -1 * u.min}, "cannot be negative"),
        ({"cadence": 4 * u.min, "start": 5}, "start must be a time, such as '2018-05-29T18:00:00', not 5"),
        ({"cadence": 4 * u.min, "stop": "noon"}, "stop must be a time.*not 'noon'"),
        ({"cadence": 4 * u.min, "start": EVEN.times}, "start must be a single time.*not 20 of them"),
        ({"times": 5}, "times must be those of another cube or a list of times"),
        ({"times": [5, 6] * u.m}, "times must be those of another cube or a list of times"),
        ({"times": "2018-05-29T12:12"}, r"list of one or more times, but have the shape \(\)"),
    ],
    ids=str,
)
def test_wrong_times_are_refused_with_value_expectation_and_remedy(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        EVEN.resample_time(**arguments)
