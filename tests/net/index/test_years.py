"""Files of a time range by the yearly indexes, in all their forms, from one bucket and from several."""

import io
import json
import zipfile

import numpy as np
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import astropy.units as u
from astropy.time import Time

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import entry, fill, indexes, rows_of, search
from sunpy_heliocloud.io.filesystem import filesystem
from sunpy_heliocloud.net import CatalogError, cache, datasets

DAY = a.Time("2020-02-01", "2020-02-02")
COLUMNS = ("start", "stop", "datakey", "filesize", "wave")
pytestmark = pytest.mark.usefixtures("short_pauses")


def names(table):
    return [url.rpartition("/")[2] for url in table["URL"]]


def test_range_over_new_year(server):
    years = {2019: rows_of("x", "2019-12-31T23:50", 2), 2020: rows_of("x", "2020-01-01T00:02", 2)}
    fill(server, {"x": years})
    table = search(a.Time("2019-12-31T23:53", "2020-01-01T00:03"), a.heliocloud.Dataset("x"))
    assert table["Start time"].isot.tolist() == ["2019-12-31T23:54:00.000", "2020-01-01T00:02:00.000"]


def test_file_that_begins_before_new_year(server):
    old = "2019-12-31T12:00Z,2020-01-01T12:00Z,s3://b/old,1\n"
    new = "2020-01-01T12:00Z,2020-01-02T12:00Z,s3://b/new,1\n"
    fill(server, {"x": {2019: old, 2020: new}})
    assert names(search(a.Time("2020-01-01T06:00", "2020-01-01T13:00"), a.heliocloud.Dataset("x"))) == [
        "old",
        "new",
    ]
    server.reset()
    search(a.Time("2020-06-01", "2020-06-02"), a.heliocloud.Dataset("x"))
    assert "registries/x_2019.csv" not in [request.key for request in server.log]


def test_month_long_file_that_begins_before_new_year(server):
    old = "2019-12-20,2020-01-20,s3://b/old,1\n"
    fill(server, {"x": {2019: old, 2020: "2020-01-20,2020-02-20,s3://b/new,1\n"}, "y": {2019: old}})
    time = a.Time("2020-01-15", "2020-01-16")
    assert names(search(time, a.heliocloud.Dataset("x"))) == ["old"]
    assert names(search(a.Time("2020-01-01", "2020-01-02"), a.heliocloud.Dataset("y"))) == ["old"]


@pytest.mark.parametrize("new", [None, "", "2020-02-20,2020-03-20,s3://b/new,1\n"])
def test_month_long_file_whose_new_year_does_not_say_how_long_files_are(server, new):
    years = {2019: "2019-12-20,2020-01-20,s3://b/old,1\n"} | ({} if new is None else {2020: new})
    fill(server, {"x": years})
    assert names(search(a.Time("2020-01-15", "2020-01-16"), a.heliocloud.Dataset("x"))) == ["old"]


def test_multiyear_data_that_begin_before_the_catalogue_says(server):
    years = {2011: "2011-01-01,2013-12-31,s3://b/long,1\n", 2012: "2012-01-01,2012-02-01,s3://b/b,1\n"}
    fill(server, {"x": years}, multiyear=True, start="2013-01-01")
    for day in ("2013-01-10", "2012-06-01"):
        assert names(search(a.Time(day, day), a.heliocloud.Dataset("x"))) == ["long"]
    years[2008] = "2008-01-01,2020-12-31,s3://b/longer,1\n"
    fill(server, {"x": years}, multiyear=True, start="2015-01-01")
    assert names(search(a.Time("2017-01-10", "2017-01-11"), a.heliocloud.Dataset("x"))) == ["longer"]


def test_multiyear(server):
    fill(server, {"x": {2011: "2011-01-01,2013-12-31,s3://b/long,1\n", 2013: "2013-01-01,2013-02-01,s3://b/b,1\n"}},
         multiyear=True)  # fmt: skip
    assert names(search(a.Time("2013-01-10", "2013-01-11"), a.heliocloud.Dataset("x"))) == ["long", "b"]
    assert names(search(a.Time("2012-06-01", "2012-06-02"), a.heliocloud.Dataset("x"))) == ["long"]


def test_rounding_of_query_times(server):
    fill(server, {"x": {2020: "2020-02-01T00:00:00.000Z,2020-02-01T00:00:00.000Z,s3://b/1,1\n"}})
    time = Time("2020-02-01T06:00:00.1") - 6 * u.h - 0.1 * u.s
    assert len(search(a.Time(time, time + 1 * u.min), a.heliocloud.Dataset("x"))) == 1


@pytest.fixture
def second_bucket(server):
    """The URL of a second bucket, which holds the data set ``second``."""
    files, _ = filesystem(server.url, server.storage_options)
    files.mkdir("second", acl="public-read")
    content = {"catalog": [entry("second", "s3://second/"), entry("both", "s3://second/")]}
    files.pipe_file("second/catalog.json", json.dumps(content).encode())
    for id in ("second", "both"):
        files.pipe_file(f"second/{id}_2020.csv", rows_of("second", "2020-02-01T00:00", 3).encode())
    fill(
        server,
        {
            "first": {2020: rows_of("first", "2020-02-01", 2)},
            "both": {2020: rows_of("first", "2020-02-01", 2)},
        },
    )
    registry = {"registry": [{"endpoint": server.url}, {"endpoint": "s3://second"}]}
    server.write("HelioDataRegistry.json", json.dumps(registry).encode())
    yield "s3://second/"
    files.rm("second", recursive=True)


def test_all_buckets_are_searched(second_bucket):
    assert len(search(DAY, a.heliocloud.Dataset("first"))) == 2
    assert len(search(DAY, a.heliocloud.Dataset("second"))) == 3
    assert len(search(DAY, a.heliocloud.Dataset("both"))) == 5
    assert list(datasets()["id"]) == ["first", "both", "second", "both"]


def test_named_bucket_needs_no_registry(second_bucket, monkeypatch):
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "http://127.0.0.1:1/registry.json")
    for url in (second_bucket, "s3://second"):
        assert len(search(DAY, a.heliocloud.Dataset("both"), a.heliocloud.Bucket(url))) == 3
    with pytest.raises(ValueError, match="There is no data set 'first'"):
        search(DAY, a.heliocloud.Dataset("first"), a.heliocloud.Bucket(second_bucket))
    assert list(datasets(bucket=second_bucket)["id"]) == ["second", "both"]


def test_dead_bucket(second_bucket, server):
    registry = {"registry": [{"endpoint": "s3://there-is-none/"}, {"endpoint": second_bucket}]}
    server.write("HelioDataRegistry.json", json.dumps(registry).encode())
    with pytest.warns(SunpyUserWarning, match="left out: s3://there-is-none/catalog.json"):
        assert len(search(DAY, a.heliocloud.Dataset("second"))) == 3
    with pytest.raises(
        CatalogError, match="no data set 'first'.* not all buckets .*s3://there-is-none/catalog.json"
    ):
        search(DAY, a.heliocloud.Dataset("first"))
    with pytest.warns(SunpyUserWarning, match="left out: s3://there-is-none/catalog.json"):
        assert list(datasets()["id"]) == ["second", "both"]


def test_all_buckets_are_dead(server):
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": "s3://gone/"}]}).encode())
    with pytest.raises(CatalogError, match="s3://gone/catalog.json"):
        search(DAY, a.heliocloud.Dataset("AIA"))
    with pytest.raises(CatalogError, match="s3://gone/catalog.json"):
        datasets()


def test_bucket_and_index_over_https(server):
    url = f"{server.endpoint_url}/{server.bucket}/"
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 2)}})
    server.write("catalog.json", json.dumps({"catalog": [entry("x", f"{url}registries/")]}).encode())
    assert len(search(DAY, a.heliocloud.Dataset("x"), a.heliocloud.Bucket(url))) == 2
    assert (
        len(search(a.Time("2021-02-01", "2021-02-02"), a.heliocloud.Dataset("x"), a.heliocloud.Bucket(url)))
        == 0
    )


def test_local_bucket(tmp_path):
    (tmp_path / "x_2020.csv").write_text(rows_of("x", "2020-02-01", 2))
    (tmp_path / "catalog.json").write_text(json.dumps({"catalog": [entry("x", str(tmp_path))]}))
    assert len(search(DAY, a.heliocloud.Dataset("x"), a.heliocloud.Bucket(tmp_path))) == 2


@pytest.fixture
def folder(tmp_path):
    """A folder with an index, which only a user may name."""
    (tmp_path / "x_2020.csv").write_text(rows_of("x", "2020-02-01", 2))
    (tmp_path / "catalog.json").write_text(json.dumps({"catalog": [entry("x", str(tmp_path))]}))
    return str(tmp_path)


def test_no_catalogue_chooses_files_of_this_machine(server, folder):
    for index in (folder, f"file://{folder}", "registries", "s3://", "s3:///", "https:///x"):
        fill(server, {"x": {}})
        server.write("catalog.json", json.dumps({"catalog": [entry("x", index)]}).encode())
        with pytest.raises(CatalogError, match=r"index of x in s3://.*catalog.json is at '.*expected s3://"):
            search(DAY, a.heliocloud.Dataset("x"))


def test_index_of_a_local_bucket_is_not_where_python_happens_to_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    (tmp_path / "catalog.json").write_text(json.dumps({"catalog": [entry("x", tmp_path.name)]}))
    with pytest.raises(CatalogError, match="index of x in .*catalog.json is at"):
        search(DAY, a.heliocloud.Dataset("x"), a.heliocloud.Bucket(folder))


@pytest.mark.parametrize("endpoint", ["folder", "file://folder", "s3://", "", "/", "gov-nasa-hdrl-data1"])
def test_no_registry_chooses_files_of_this_machine(server, folder, endpoint):
    endpoint = endpoint.replace("folder", folder)
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": endpoint}]}).encode())
    problem = f"HelioDataRegistry.json has an 'endpoint' that is no bucket: '{endpoint}' .*expected s3://"
    with pytest.raises(CatalogError, match=problem):
        search(DAY, a.heliocloud.Dataset("x"))
    with pytest.raises(CatalogError, match=problem):
        datasets()


def test_a_bucket_that_names_nothing():
    with pytest.raises(ValueError, match="The bucket is not valid: 's3://' has no name of a bucket"):
        datasets(bucket="s3://")


def zipped(server, *names):
    """A data set whose index is an archive of these, all but folders and shadows with two rows."""
    fill(server, {"x": {}}, indextype="csv-zip")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            has_rows = name.endswith(".csv") and "._" not in name
            file.writestr(name, rows_of("x", "2020-02-01", 2) if has_rows else "")
    server.write("registries/x_2020.csv.zip", content.getvalue())


@pytest.mark.parametrize(
    "others", [(), ("registries/",), ("__MACOSX/._x_2020.csv",), ("._x_2020.csv", "readme")]
)
@pytest.mark.parametrize("name", ["x_2020.csv", "registries/x_2020.csv"])
def test_zipped_index(server, others, name):
    zipped(server, *others, name)
    assert len(search(DAY, a.heliocloud.Dataset("x"))) == 2


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("registries/",), r"found 0 \(none\)"),
        (("x_2019.csv", "x_2020.csv"), r"found 2 \(x_2019.csv, x_2020.csv\)"),
    ],
)
def test_archive_without_one_index(server, names, problem):
    zipped(server, *names)
    with pytest.raises(
        CatalogError, match=f"x_2020.csv.zip is not a zip archive.* expected one .csv file, {problem}"
    ):
        search(DAY, a.heliocloud.Dataset("x"))


def test_index_of_another_type(server):
    fill(server, {"x": {}}, indextype="json")
    with pytest.raises(CatalogError, match="'json': expected csv, csv-zip, parquet"):
        search(DAY, a.heliocloud.Dataset("x"))


# Forms of an index ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", ["text", "timestamp"])
@pytest.mark.parametrize("order", [COLUMNS, ("filesize", "wave", "datakey", "stop", "start")])
def test_parquet(server, times, order):
    fill(server, {"x": {}}, indextype="parquet")
    starts = np.array(["2020-02-01T04:00", "2020-02-01T00:00"], "M8[us]")
    columns = {
        "start": starts if times == "timestamp" else np.char.add(starts.astype(str), "Z"),
        "stop": [None, "2020-02-01T00:00:02Z"],
        "datakey": ["s3://b/a, b.fits", "s3://b/c.fits"],
        "filesize": [None, 13],
        "wave": [171.5, 193],
    }
    content = io.BytesIO()
    parquet.write_table(pyarrow.table({name: columns[name] for name in order}), content)
    server.write("registries/x_2020.parquet", content.getvalue())
    for _ in range(2):
        table = search(DAY, a.heliocloud.Dataset("x"))
        assert table["Start time"].isot.tolist() == ["2020-02-01T00:00:00.000", "2020-02-01T04:00:00.000"]
        assert names(table) == ["c.fits", "a, b.fits"]
        np.testing.assert_array_equal(table["Size"].to_value(u.byte), [13, np.nan])
        assert table["wave"].tolist() == [193, 171.5]


def write_parquet(server, **columns):
    """A data set whose index is a parquet file of these columns, besides one start and its datakey."""
    fill(server, {"x": {}}, indextype="parquet")
    columns = {"start": np.array(["2020-02-01T06:00"], "M8[us]"), "datakey": ["s3://b/1"]} | columns
    content = io.BytesIO()
    parquet.write_table(pyarrow.table({k: v for k, v in columns.items() if v is not None}), content)
    server.write("registries/x_2020.parquet", content.getvalue())


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["a\nb\r\n<b>"], r"a\nb\r\n\x3cb>"),
        (['say "hi", it\'s 100%'], 'say "hi", it\'s 100%'),
        ([" #1 %2C "], " #1 %2C "),
        (pyarrow.array(["one"]).dictionary_encode(), "one"),
        (pyarrow.array([b"one"]), "one"),
        ([7], 7),
        ([True], "true"),
    ],
)
@pytest.mark.parametrize("url", ["s3://b/1", 's3://b/"q", it\'s 100% %20 ü'])
def test_values_in_parquet(server, values, read, url):
    write_parquet(server, **{"note, or so": values}, datakey=[url], filesize=[13.0])
    for _ in range(2):
        table = search(DAY, a.heliocloud.Dataset("x"))
        assert table["note, or so"][0] == read
        assert list(table["URL"]) == [url]
        assert u.allclose(table["Size"], 13 * u.byte)


def test_lists_and_structures_in_parquet_are_left_out(server):
    write_parquet(server, a=[[1, 2]], b=[{"c": "d"}], e=[1])
    for _ in range(2):
        with pytest.warns(SunpyUserWarning, match="x_2020.parquet has columns of lists .* left out: a, b"):
            assert search(DAY, a.heliocloud.Dataset("x")).colnames[8:] == ["e"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "-08:00", None])
def test_time_zones_in_parquet(server, unit, zone):
    starts = pyarrow.array(np.array(["2020-02-01T06:00:00"], f"M8[{unit}]"))
    if zone:
        starts = starts.cast(pyarrow.timestamp(unit, "UTC")).cast(pyarrow.timestamp(unit, zone))
    write_parquet(server, start=starts, stop=starts)
    table = search(DAY, a.heliocloud.Dataset("x"))
    assert table["Start time"].isot.tolist() == ["2020-02-01T06:00:00.000"]
    assert table["End time"].isot.tolist() == ["2020-02-01T06:00:00.000"]


def test_parquet_with_other_names(server):
    """Then the order counts, as in CSV."""
    write_parquet(
        server, start=None, datakey=None, begins=["2020-02-01"], ends=["2020-02-01"], key=["s3://b/1"], n=[7]
    )
    table = search(DAY, a.heliocloud.Dataset("x"))
    assert list(table["URL"]) == ["s3://b/1"]
    assert u.allclose(table["Size"], 7 * u.byte)


def test_parquet_without_some_columns(server):
    write_parquet(server, wave=[171])
    table = search(DAY, a.heliocloud.Dataset("x"))
    assert np.isnan(table["Size"][0])
    assert table["wave"].tolist() == [171]
    cache.clear()
    write_parquet(server, datakey=None, filesize=[1])
    with pytest.raises(CatalogError, match=r"x_2020.parquet has no column datakey: .* found start, filesize"):
        search(DAY, a.heliocloud.Dataset("x"))
    cache.clear()
    write_parquet(server, datakey=[b"\xff"])
    with pytest.raises(
        CatalogError, match=r"x_2020.parquet is not a parquet file with an index \(Invalid UTF8"
    ):
        search(DAY, a.heliocloud.Dataset("x"))


def test_damaged_parquet(server):
    fill(server, {"x": {}}, indextype="parquet")
    server.write("registries/x_2020.parquet", b"PAR1 and no more")
    with pytest.raises(CatalogError, match="x_2020.parquet is not a parquet file"):
        search(DAY, a.heliocloud.Dataset("x"))


@pytest.mark.parametrize("content", [b"no archive", b"PK\x05\x06" + bytes(18)])
def test_damaged_archive(server, content):
    fill(server, {"x": {}}, indextype="csv-zip")
    server.write("registries/x_2020.csv.zip", content)
    with pytest.raises(CatalogError, match="x_2020.csv.zip is not a zip archive"):
        search(DAY, a.heliocloud.Dataset("x"))


def test_static_index(server):
    """Files without a time are found at any time, as before version 1.1 of the specification."""
    fill(server, {"model": {}}, start="static", stop="static")
    server.write(
        "registries/model_static.csv",
        b"# start, stop, datakey, filesize, kind\nstatic,static,s3://b/1,5,hot\nstatic,static,s3://b/2,7,cold\n",
    )
    for _ in range(2):
        table = search(DAY, a.heliocloud.Dataset("model"))
        assert names(table) == ["1", "2"]
        assert np.all(table["Start time"].mask)
        assert list(table["kind"]) == ["hot", "cold"]
        assert table.total_size() == 12 * u.byte
        assert "hot" in str(table)
    with pytest.raises(ValueError, match=r"model have no times: remove a\.Sample"):
        search(DAY, a.heliocloud.Dataset("model"), a.Sample(1 * u.h))


def test_static_data_set_with_yearly_indexes(server):
    fill(server, {"model": {2020: rows_of("model", "2020-02-01", 2)}}, start="static", stop="static")
    assert len(search(DAY, a.heliocloud.Dataset("model"))) == 2


def test_optional_columns(server):
    rows = (
        "# start, stop, datakey, filesize, wavelength, note, URL, CHECKSUM\n"
        "'2020-02-01T00:00Z','2020-02-01T00:01Z','s3://b/1','5','195','a, b','left','0123'\n"
        "'2020-02-01T01:00Z','2020-02-01T01:01Z','s3://b/2','5',195.5, it's, right, 0456, 2\n"
        "'2020-02-01T02:00Z','2020-02-01T02:01Z','s3://b/3','5'\n"
    )
    fill(server, {"x": {2020: rows}, "y": {2020: rows_of("y", "2020-02-01T03:00", 1)}})
    for _ in range(2):
        table = search(DAY, a.heliocloud.Dataset("*"))
        np.testing.assert_array_equal(table["wavelength"], [195, 195.5, np.nan, np.nan])
        assert list(table["note"]) == ["a, b", "it's", "", ""]
        assert list(table["URL (index)"]) == ["left", "right", "", ""]
        assert list(table["CHECKSUM"]) == ["0123", "0456", "", ""]
        assert "0123" not in str(table)
    assert "note" not in search(a.Time("2020-02-01T03:00", "2020-02-02"), a.heliocloud.Dataset("y")).colnames


@pytest.mark.parametrize("suffix", ["info", "json"])
@pytest.mark.parametrize("first", [[], ["start", "stop", "datakey", "filesize"]])
def test_names_of_columns_beside_the_index(server, suffix, first):
    row = "2020-02-01T00:00Z,2020-02-01T00:01Z,s3://b/1,5,195,cold\n"
    fill(server, {"x": {2020: row}, "y": {2020: f"# start, stop, datakey, filesize, wave, kind\n{row}"}})
    parameters = [{"name": name} for name in [*first, "wavelength", "state"]]
    for id in "xy":
        server.write(f"registries/{id}.{suffix}", json.dumps({"parameters": parameters}).encode())
    server.reset()
    assert search(DAY, a.heliocloud.Dataset("y")).colnames[8:] == ["wave", "kind"]
    assert f"registries/y.{suffix}" not in [request.key for request in server.log]
    for _ in range(2):
        table = search(DAY, a.heliocloud.Dataset("x"))
        assert table.colnames[8:] == ["wavelength", "state"]
        assert table["wavelength"].tolist() == [195]


def test_columns_that_nobody_names(server):
    fill(server, {"x": {2020: "2020-02-01T00:00Z,2020-02-01T00:01Z,s3://b/1,5,195,,cold,\n"}})
    assert search(DAY, a.heliocloud.Dataset("x")).colnames[8:] == ["column_5", "column_7"]
    server.write("registries/x.json", b'{"description": "no parameters"}')
    with pytest.warns(SunpyUserWarning, match="optional columns of x are not known: .*x.json describes no"):
        assert search(DAY, a.heliocloud.Dataset("x")).colnames[8:] == ["column_5", "column_7"]


@pytest.mark.parametrize("scheme", ["s3", "http"])
def test_an_index_that_has_moved_is_an_error(server, scheme):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 2)}}, start="2019-01-01")
    root = server.url if scheme == "s3" else f"{server.endpoint_url}/{server.bucket}/"
    for folder, is_there in (("registries", True), ("elsewhere", False)):
        content = {"catalog": [entry("x", f"{root}{folder}/", start="2019-01-01")]}
        server.write("catalog.json", json.dumps(content).encode())
        for time in (("2027-01-01", "2027-02-01"), ("2019-03-01", "2019-03-02")):
            if is_there:
                assert len(search(a.Time(*time), a.heliocloud.Dataset("x"))) == 0
            else:
                with pytest.raises(CatalogError, match="no index .*elsewhere/x_YYYY.csv of any year"):
                    search(a.Time(*time), a.heliocloud.Dataset("x"))


def test_dates_of_the_catalogue_may_lie(server):
    years = {2015: rows_of("x", "2015-02-01", 2), 2023: rows_of("x", "2023-02-01", 3)}
    fill(server, {"x": years}, start="2020-01-01T00:00.00Z", stop="2021-12-31")
    for year, n in ((2015, 2), (2023, 3), (2014, 0)):
        assert len(search(a.Time(f"{year}-02-01", f"{year}-02-02"), a.heliocloud.Dataset("x"))) == n


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=indexes(), packed=st.booleans())
def test_any_dialect_through_a_server(server, index, packed):
    """What a client sees of any index, when it is read and when the cache has it."""
    data, _, starts, _, urls, sizes = index
    cache.clear()
    fill(server, {"x": {}}, indextype="csv-zip" if packed else "csv")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x_2020.csv", data)
    key = "registries/x_2020.csv"
    server.write(f"{key}.zip" if packed else key, content.getvalue() if packed else data)
    for _ in range(2):
        table = search(a.Time("2020-01-01", "2021-01-02"), a.heliocloud.Dataset("x"))
        assert list(table["URL"]) == urls
        np.testing.assert_array_equal(table["Start time"].datetime64.astype("M8[us]"), starts)
        np.testing.assert_allclose(table["Size"].to_value(u.byte), sizes)
