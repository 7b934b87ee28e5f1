"""Files of a time range by the yearly indexes, in all their forms, from one bucket and from several."""

import io
import json
import zipfile

import pytest

import astropy.units as u
from astropy.time import Time

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import entry, fill, rows_of, search
from sunpy_heliocloud.net import CatalogError, datasets
from sunpy_heliocloud.storage import filesystem

DAY = a.Time("2020-02-01", "2020-02-02")
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def server(shared_server):
    return shared_server


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


def test_zipped_index(server):
    fill(server, {"x": {}}, indextype="csv-zip")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("x_2020.csv", rows_of("x", "2020-02-01", 2))
    server.write("registries/x_2020.csv.zip", content.getvalue())
    assert len(search(DAY, a.heliocloud.Dataset("x"))) == 2


def test_index_of_another_type(server):
    fill(server, {"x": {}}, indextype="json")
    with pytest.raises(CatalogError, match="'json': expected csv, csv-zip, parquet"):
        search(DAY, a.heliocloud.Dataset("x"))
