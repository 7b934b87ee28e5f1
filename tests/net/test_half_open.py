"""Time ranges of a search: their start belongs to them, their end does not."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u
from astropy.time import Time, TimeDelta

from sunpy.net import attrs as a
from sunpy.time import TimeRange

from buckets import fill, parquet_of, rows_of, search, zipped
from sunpy_heliocloud.net.rows import are_within

TWELVE_HOURS = ("2018-05-29T12:00", "2018-05-30T00:00")
X = a.heliocloud.Dataset("x")
STARTS = np.datetime64("2018-05-29T00:00", "ms") + np.arange(540) * np.timedelta64(4, "m")


def index(duration):
    """An image every four minutes of a day and a half; a duration in milliseconds."""
    return "".join(f"{t}Z,{t + np.timedelta64(duration, 'ms')}Z,s3://b/{t}.fits,1\n" for t in STARTS)


@pytest.fixture
def two_indexes(server):
    fill(server, {"x": {2018: index(0)}, "two_seconds": {2018: index(2000)}})
    return server


def found(*query):
    return search(X, *query)["Start time"].isot.tolist()


@pytest.mark.parametrize("duration", [0, 2000, 240_000])
@pytest.mark.parametrize("kind", ["csv", "csv-zip", "parquet"])
def test_twelve_hours_of_a_file_every_four_minutes_are_180_files_of_any_index(server, kind, duration):
    fill(server, {"x": {}}, indextype=kind)
    stops = STARTS + np.timedelta64(duration, "ms")
    content = {
        "csv": lambda: index(duration).encode(),
        "csv-zip": lambda: zipped(("x_2018.csv", index(duration).encode())),
        "parquet": lambda: parquet_of(
            {
                "start": STARTS,
                "stop": stops,
                "datakey": [f"s3://b/{t}.fits" for t in STARTS],
                "filesize": np.ones(540),
            }
        ),
    }[kind]()
    server.write(f"registries/x_2018{'.csv.zip' if kind == 'csv-zip' else f'.{kind}'}", content)
    for _ in range(2):  # from the server, and from the cache
        times = found(a.Time(*TWELVE_HOURS))
        assert len(times) == 180
        assert (times[0], times[-1]) == ("2018-05-29T12:00:00.000", "2018-05-29T23:56:00.000")


def test_an_index_without_stops_has_files_that_end_where_the_next_one_begins(server):
    fill(server, {"x": {2018: "".join(f"{t}Z,s3://b/{t}.fits,1\n" for t in STARTS)}})
    assert len(found(a.Time(*TWELVE_HOURS))) == 180
    assert found(a.Time("2018-05-29T12:02", "2018-05-29T12:02")) == ["2018-05-29T12:00:00.000"]


def test_a_search_that_ends_at_midnight_has_no_file_that_begins_and_ends_there(two_indexes):
    assert found(a.Time("2018-05-29T23:57", "2018-05-30T00:00")) == []
    assert found(a.Time("2018-05-29T23:57", "2018-05-30T00:00:00.000001")) == ["2018-05-30T00:00:00.000"]


def test_a_file_that_ends_where_the_range_starts_is_not_found(two_indexes):
    two = a.heliocloud.Dataset("two_seconds")
    assert len(search(two, a.Time("2018-05-29T12:00:02", "2018-05-29T12:04"))) == 0
    assert len(search(two, a.Time("2018-05-29T12:00:01.999", "2018-05-29T12:04"))) == 1
    assert len(search(two, a.Time("2018-05-29T12:00:02", "2018-05-29T12:04:00.001"))) == 1


@pytest.mark.parametrize(
    ("moment", "without", "of_two_seconds"),
    [("12:04:00", 1, 1), ("12:04:01", 0, 1), ("12:04:01.999999", 0, 1), ("12:04:02", 0, 0)],
)
def test_a_moment_finds_the_file_that_contains_it(two_indexes, moment, without, of_two_seconds):
    moment = a.Time(f"2018-05-29T{moment}", f"2018-05-29T{moment}")
    assert len(search(X, moment)) == without
    assert len(search(a.heliocloud.Dataset("two_seconds"), moment)) == of_two_seconds


START, END = Time(TWELVE_HOURS[0]), Time(TWELVE_HOURS[1])


@pytest.mark.parametrize(
    "span",
    [
        pytest.param((START.tai, END.tai), id="TAI"),
        pytest.param((START.tt, END.tt), id="TT"),
        pytest.param((START.tdb, END.tcb), id="TDB and TCB"),
        pytest.param((START.tai, TWELVE_HOURS[1]), id="TAI and a string"),
        pytest.param((START.datetime, END.datetime), id="datetime"),
        pytest.param(
            (
                START.to_datetime(datetime.UTC),
                END.to_datetime(datetime.timezone(datetime.timedelta(hours=-8))),
            ),
            id="time zones",
        ),
        pytest.param(tuple(np.array(TWELVE_HOURS, "M8[ns]")), id="datetime64"),
        pytest.param((TimeRange(*TWELVE_HOURS),), id="TimeRange"),
        pytest.param((TimeRange(START.tai, END.tai),), id="TimeRange in TAI"),
        pytest.param((TimeRange(START, 12 * u.hour),), id="TimeRange of a duration"),
        pytest.param((START, START + TimeDelta(43200, format="sec")), id="sum"),
        pytest.param((Time(START.gps, format="gps"), Time(END.unix, format="unix")), id="numbers"),
        pytest.param(("2018/05/29 12:00", "30-May-2018"), id="other strings"),
    ],
)
def test_times_of_any_scale_and_kind_mean_the_same_range(two_indexes, span):
    times = found(a.Time(*span))
    assert (len(times), times[0], times[-1]) == (180, "2018-05-29T12:00:00.000", "2018-05-29T23:56:00.000")


def test_local_times_are_refused():
    local = a.Time(Time(TWELVE_HOURS[0], scale="local"), Time(TWELVE_HOURS[1], scale="local"))
    with pytest.raises(ValueError, match=r"2018-05-29T12:00:00.000 .* has the scale 'local'.*: expected UTC"):
        search(X, local)


def test_the_points_of_a_sample_lie_before_the_end(two_indexes):
    times = found(a.Time(*TWELVE_HOURS), a.Sample(12 * u.min))
    assert (len(times), times[0], times[-1]) == (60, "2018-05-29T12:00:00.000", "2018-05-29T23:48:00.000")
    times = found(a.Time(*TWELVE_HOURS), a.Sample(5 * u.hour))
    assert times == [f"2018-05-29T{hour}:00:00.000" for hour in (12, 17, 22)]
    assert len(found(a.Time(*TWELVE_HOURS), a.Sample(12 * u.hour))) == 1
    assert len(found(a.Time(TWELVE_HOURS[0], TWELVE_HOURS[0]), a.Sample(1 * u.hour))) == 1


@pytest.mark.parametrize(
    ("span", "n", "years"),
    [
        (("2019-12-31", "2020-01-01"), 2, {2018, 2019}),
        (("2019-12-31", "2020-01-01T00:00:00.000001"), 3, {2018, 2019, 2020}),
        (("2020-01-01", "2021-01-01"), 4, {2019, 2020}),
        (("2018-12-31T12:00", "2021-01-01T12:00"), 10, {2018, 2019, 2020, 2021}),
    ],
)
def test_years_are_half_open_too_and_the_next_index_is_not_read(server, span, n, years):
    """An image every twelve hours of the last and of the first day of each year."""
    fill(
        server,
        {
            "x": {
                year: rows_of("x", f"{year}-01-01T00:00", 2, 720)
                + rows_of("x", f"{year}-12-31T00:00", 2, 720)
                for year in (2018, 2019, 2020, 2021)
            }
        },
    )
    server.reset()
    times = found(a.Time(*span))
    assert len(times) == len(set(times)) == n
    asked = {int(r.key[-8:-4]) for r in server.log if r.key.startswith("registries/")}
    assert asked - {min(years) - 1} <= years


def test_a_day_of_the_listing_is_half_open_and_the_next_folder_is_not_listed(server):
    fill(server, {"aia_0171": {}})
    for day, hour in (("20200201", "00"), ("20200201", "12"), ("20200202", "00")):
        name = f"sdo_aia_h2_{day}T{hour}0000_0171_v1.fits"
        server.write(f"sdo/aia/{day}/0171/{name}", b"image")
    aia, listing = a.heliocloud.Dataset("aia_0171"), a.heliocloud.Lookup.listing
    server.reset()
    assert len(search(a.Time("2020-02-01", "2020-02-02"), aia, listing)) == 2
    assert [request.key for request in server.log].count("") == 1
    moment = a.Time("2020-02-01T12:00", "2020-02-01T12:00")
    assert search(moment, aia, listing)["Start time"].isot.tolist() == ["2020-02-01T12:00:00.000"]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_the_definition_of_a_range(begin, duration, start, length):
    """The end belongs neither to a range nor to a file, except where either has no length."""
    moments = np.arange(-1, 40)
    of_file = (moments >= begin) & (moments < begin + max(duration, 1))
    of_range = (moments >= start) & (moments < start + max(length, 1))
    micro = np.timedelta64(1, "us")
    zero = np.datetime64("2020-01-01", "us")
    last = zero + (start + max(length - 1, 0)) * micro
    is_within = are_within(
        np.array([zero + begin * micro]),
        np.array([zero + (begin + duration) * micro]),
        zero + start * micro,
        last,
    )
    assert is_within.tolist() == [(of_file & of_range).any()]
