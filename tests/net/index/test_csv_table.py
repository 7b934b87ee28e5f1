"""CSV indexes in all dialects, oddities included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buckets import indexes
from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.index.csv_table import read_rows, timetable
from sunpy_heliocloud.net.rows import are_within

URL = "s3://bucket/registries/aia_0171_2020.csv"
ALWAYS = np.datetime64("1800", "us"), np.datetime64("2200", "us")


def times(*texts):
    return np.array(texts, "datetime64[us]")


def parse(text, start=ALWAYS[0], stop=ALWAYS[1]):
    data = text if isinstance(text, bytes) else text.encode()
    table = timetable(data, URL)
    start, stop = np.datetime64(start, "us"), np.datetime64(stop, "us")
    return read_rows(data, URL, table[are_within(table["start"], table["stop"], start, stop)])


@given(indexes())
def test_any_dialect(index):
    data, has_stop, starts, stops, urls, sizes = index
    rows = parse(data)
    np.testing.assert_array_equal(rows.start, starts)
    np.testing.assert_array_equal(rows.size, sizes)
    assert rows.url == urls
    if has_stop:
        np.testing.assert_array_equal(rows.stop, stops)
    else:
        np.testing.assert_array_equal(rows.stop[:-1], starts[1:])


@given(indexes(), st.integers(0, 366), st.integers(0, 366))
def test_rows_of_a_range(index, one, other):
    data, has_stop, starts, stops, urls, _ = index
    start, stop = np.datetime64("2020-01-01", "us") + np.sort([one, other]).astype("timedelta64[D]")
    rows, everything = parse(data, start, stop), parse(data)
    met = are_within(everything.start, everything.stop, start, stop)
    assert rows.url == [url for url, is_met in zip(urls, met, strict=True) if is_met]


def test_example_of_the_specification():
    rows = parse(
        "# start, stop, datakey, filesize, wavelength, carr_lon, carr_lat\n"
        "'2010-05-08T12:05:30.000Z','2010-05-08T12:06:14.000Z','s3://b/20100508_120530_n4euA.fts','246000','195','20.4'\n"
        "'2010-05-08T12:06:15.000Z','2010-05-08T12:10:29.00Z','s3://b/20100508_120615_n4euA.fts','246000',195,45.0, 2\n"
    )
    np.testing.assert_array_equal(rows.stop, times("2010-05-08T12:06:14", "2010-05-08T12:10:29"))
    assert rows.url == ["s3://b/20100508_120530_n4euA.fts", "s3://b/20100508_120615_n4euA.fts"]
    np.testing.assert_array_equal(rows.size, [246000, 246000])


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2017-01-15T23:00Z", "2017-01-15T23:00"),
        ("2017-01-15T23Z", "2017-01-15T23:00"),
        ("2017-01-15", "2017-01-15"),
        ("2017-02Z", "2017-02-01"),
        ("2017", "2017-01-01"),
        ("2017-01-15T23:00:01.5Z", "2017-01-15T23:00:01.5"),
        ("2017-01-15T23:00:01.123456789Z", "2017-01-15T23:00:01.123456"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.5"),
    ],
)
def test_precision_of_times(text, time):
    rows = parse(f"2016-01-01T00:00:00Z,2016-01-02,s3://b/0,1\n{text},{text},s3://b/1,1\n")
    np.testing.assert_array_equal(rows.start[1:], times(time))
    np.testing.assert_array_equal(rows.stop[1:], times(time))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("2020-05-04:00:00:00Z,2020-05-04,s3://b/1,1", "no time in field 1"),
        ("2020-02-30,2020-05-04,s3://b/1,1", "no time in field 1"),
        ("20200204,2020-05-04,s3://b/1,1", "no time in field 1"),
        ("now,2020-05-04,s3://b/1,1", "no time in field 1"),
        (",2020-05-04,s3://b/1,1", "no time in field 1"),
        (f"{'1' * 100},2020-05-04,s3://b/1,1", "no time in field 1"),
        ("2020-05-04,tomorrow,s3://b/1,1", "no time in field 2"),
        ("2020-05-04,2020-05-04,s3://b/1", "too few fields"),
        ("2020-05-04", "too few fields"),
        ("2020-05-04,2020-05-04,,1", "names no file in field 3"),
        ("2020-05-04,2020-05-04,s3://b/1,big", "no file size in field 4"),
    ],
)
def test_bad_row(row, problem):
    good = "2020-01-01T00:00:00Z,2020-01-01T00:00:00Z,s3://b/1,1\n"
    with pytest.raises(CatalogError) as error:
        parse("# start, stop, datakey, filesize\n" + good + row + "\n" + good)
    assert f"{URL}, row 3" in str(error.value)
    assert problem in str(error.value)
    assert row[:300] in str(error.value)


def test_url_that_is_no_text():
    with pytest.raises(CatalogError, match="row 1 names no file in field 2"):
        parse(b"2020-01-01,s3://b/\xff,1\n")


@pytest.mark.parametrize(
    "text", ["<html>sorry</html>", "Access denied", "Access denied\nAccess denied", "{}"]
)
def test_what_is_no_index_is_an_error(text):
    with pytest.raises(CatalogError, match="row 1 has too few fields"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "Service unavailable, please try later\n",
        "Sorry, the service, which you asked for, is away\n",
        "start, stop\n",
        "Jan 1 2020,2020-02-01T01:00Z,s3://b/0,1\n2020-02-01,2020-02-02,s3://b/1,1\n",
        "start,2020-02-01T01:00Z,s3://b/0,1\n",
        "time,today,s3://b/0,1\n",
    ],
)
def test_text_before_the_first_row_is_no_header(text):
    with pytest.raises(CatalogError, match=r"row 1 has .*expected start,"):
        parse(text)


@pytest.mark.parametrize(
    "header",
    [
        "start,stop,datakey,filesize",
        "'startDate', 'stopDate', 'key', 'size'",
        '"start_date","stop_date","datakey","filesize"',
        "Time,End,datakey,filesize",
        "created,,datakey,filesize",
        "DATE-OBS,DATE-END,URL,SIZE",
    ],
)
def test_headers_without_a_mark(header):
    assert parse(f"{header}\n2020-02-01,2020-02-02,s3://b/1,1\n").url == ["s3://b/1"]


def test_unknown_sizes_and_stops():
    rows = parse("2020-01-01,,s3://b/1,\n2020-01-02,,s3://b/2,-1\n2020-01-04,2020-01-09,s3://b/3,7\n")
    np.testing.assert_array_equal(rows.size, [np.nan, np.nan, 7])
    np.testing.assert_array_equal(rows.stop, times("2020-01-02", "2020-01-04", "2020-01-09"))


@pytest.mark.parametrize("name", ["stop", "stopDate", "STOP"])
def test_stop_among_the_optional_columns(name):
    """As in versions up to 0.4 of the specification."""
    rows = parse(
        f"# start, datakey, filesize, wave, {name}, kind\n"
        "2020-01-03,s3://b/3,1\n"
        "2020-01-01,s3://b/1,1,195,'2020-01-01T06:00Z',cold\n"
        "2020-01-02,s3://b/2,1,195,2020-01-02T06:00Z,\n",
    )
    np.testing.assert_array_equal(rows.stop[:2], times("2020-01-01T06:00", "2020-01-02T06:00"))
    assert rows.more.keys() == {"wave", "kind"}
    assert rows.url == ["s3://b/1", "s3://b/2", "s3://b/3"]


def test_last_row_without_stop_is_as_long_as_the_others():
    rows = parse(
        "2020-01-01,s3://b/1,1\n2020-01-03,s3://b/3,1\n2020-01-02,s3://b/2,1\n", "2020-01-03T12:00", "2021"
    )
    assert rows.url == ["s3://b/3"]
    np.testing.assert_array_equal(rows.stop, times("2020-01-04"))


def test_empty_index():
    rows = parse("")
    assert rows.url == []
    assert rows.start.dtype == rows.stop.dtype == "datetime64[us]"
    assert parse("# start, stop, datakey, filesize\n").url == []
