"""The Fido client against a real S3 server: what a user types, and what a user sees."""

import asyncio
import io
import json
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import numpy as np
import parfive
import pytest

import astropy.units as u
from astropy.time import Time

from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.net import CatalogError, HelioCloudClient, HelioCloudResponse, catalog, client, datasets
from sunpy_heliocloud.net.catalog import Entry, Rows
from sunpy_heliocloud.net.client import _https_url, _table
from sunpy_heliocloud.simulation import LocalServer
from sunpy_heliocloud.storage import filesystem

DAY = a.Time("2020-02-01", "2020-02-02")
COLUMNS = ["Start time", "End time", "Instrument", "Wavelength", "Dataset", "Size", "Provider", "URL"]
CHANNELS = ("0094", "0171", "0193", "1600")
OBSERVABLES = ("B", "Ic", "Ic_noLimbDark", "M", "V")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(catalog, "PAUSES", (0.01, 0.02, 0.03))
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture(scope="module")
def one_server():
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(one_server, monkeypatch):
    """An empty HelioCloud. The tests share its server, since starting one takes longer than a test."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", one_server.endpoint_url)
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", one_server.registry_url)
    yield one_server
    one_server._faults.clear()
    files, path = filesystem(one_server.url, one_server.storage_options)
    files.invalidate_cache()
    if keys := files.find(path):
        files.rm(keys)


def entry(id, index, **more):
    return {"id": id, "index": index, "title": f"Images {id}", "start": "2010", "stop": "2019-12-31", **more}


def fill(server, indexes, **more):
    """Write a bucket: texts of indexes by id and year, such as ``{"aia_0171": {2020: "..."}}``."""
    entries = [entry(id, f"{server.url}registries/", **more) for id in indexes]
    server.write("catalog.json", json.dumps({"catalog": entries, "status": {"code": 1200}}).encode())
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": server.url}]}).encode())
    for id, years in indexes.items():
        for year, text in years.items():
            server.write(f"registries/{id}_{year}.csv", text.encode())


def rows_of(id, start, n, minutes=4):
    """Rows of an index, an image every few minutes, the last one first."""
    starts = np.datetime64(start, "ms") + np.arange(n)[::-1] * np.timedelta64(minutes, "m")
    return "".join(f"{t}Z,{t + np.timedelta64(2, 's')}Z,s3://b/{id}/{t}.fits,13000000\n" for t in starts)


@pytest.fixture(scope="module")
def one_archive():
    ids = [
        *(f"aia_{c}" for c in CHANNELS),
        *(f"hmi_{o}" for o in OBSERVABLES),
        "euvml_stereoa_304",
        "euvml_soho_304",
    ]
    with LocalServer() as server:
        header = "# start, stop, datakey, filesize\n"
        fill(
            server,
            {id: {2020: header + rows_of(id, "2020-02-01T00:00", 30)} for id in [*ids, "MMS1_FGM_SRVY_L2"]},
        )
        yield server


@pytest.fixture
def archive(one_archive, monkeypatch):
    """A bucket with 30 images in each of many data sets, from 2020-02-01 on; for tests that only read it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", one_archive.endpoint_url)
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", one_archive.registry_url)
    one_archive.reset()
    return one_archive


def search(*query):
    return HelioCloudClient().search(*query)


def fetch(*results, **options):
    """Download, and close the event loop, which parfive leaves to the garbage collector and its complaints."""
    loop = asyncio.new_event_loop()
    with closing(loop), patch("asyncio.new_event_loop", return_value=loop):
        return Fido.fetch(*results, progress=False, **options)


def names(table):
    return [url.rpartition("/")[2] for url in table["URL"]]


# Attrs ---------------------------------------------------------------------------------------------------------------


def test_search(archive):
    response = Fido.search(
        a.Time("2020-02-01T00:10", "2020-02-01T00:20"), a.Wavelength(171 * u.AA), a.heliocloud.Dataset("AIA")
    )
    assert len(response) == 1
    table = response[0]
    assert isinstance(table, HelioCloudResponse)
    assert table.colnames == COLUMNS
    assert table["Start time"].isot.tolist() == [f"2020-02-01T00:{m}:00.000" for m in (12, 16, 20)]
    assert table["End time"].isot[0] == "2020-02-01T00:12:02.000"
    assert table["URL"][0] == "s3://b/aia_0171/2020-02-01T00:12:00.000.fits"
    assert set(table["Dataset"]) == {"aia_0171"}
    assert set(table["Instrument"]) == {"AIA"}
    assert set(table["Provider"]) == {"HelioCloud"}
    assert u.allclose(table["Wavelength"], 171 * u.AA)
    assert u.allclose(table["Size"], 13e6 * u.byte)
    assert table.meta["datasets"]["aia_0171"]["title"] == "Images aia_0171"
    assert [request.key for request in archive.log] == [
        "HelioDataRegistry.json",
        "catalog.json",
        "registries/aia_0171_2020.csv",
    ]


@pytest.mark.parametrize(
    ("attrs", "ids"),
    [
        ([a.heliocloud.Dataset("aia_0171")], ["aia_0171"]),
        ([a.heliocloud.Dataset("AIA_0171")], ["aia_0171"]),
        ([a.heliocloud.Dataset("AIA")], [f"aia_{c}" for c in CHANNELS]),
        ([a.heliocloud.Dataset.aia, a.Wavelength(17.1 * u.nm)], ["aia_0171"]),
        ([a.heliocloud.Dataset("aia"), a.Wavelength(0.0725 * u.keV)], ["aia_0171"]),
        ([a.heliocloud.Dataset("aia"), a.Wavelength(17.1 * u.nm, 19.3 * u.nm)], ["aia_0171", "aia_0193"]),
        ([a.heliocloud.Dataset("aia"), a.Wavelength(171.2 * u.AA, 193 * u.AA)], ["aia_0193"]),
        ([a.heliocloud.Dataset("HMI")], [f"hmi_{o}" for o in OBSERVABLES]),
        ([a.heliocloud.Dataset("HMI"), a.Physobs("los_magnetic_field")], ["hmi_M"]),
        ([a.heliocloud.Dataset("HMI"), a.Physobs.intensity], ["hmi_Ic", "hmi_Ic_noLimbDark"]),
        ([a.heliocloud.Dataset("euvml_*_304")], ["euvml_stereoa_304", "euvml_soho_304"]),
        ([a.heliocloud.Dataset("euvml"), a.Source("SOHO")], ["euvml_soho_304"]),
        ([a.heliocloud.Dataset("*"), a.Instrument("EUVI")], ["euvml_stereoa_304"]),
        ([a.heliocloud.Dataset("*"), a.Instrument("fgm")], ["MMS1_FGM_SRVY_L2"]),
        ([a.heliocloud.Dataset("aia_0094"), a.Provider("heliocloud")], ["aia_0094"]),
    ],
)
def test_attrs_choose_data_sets(archive, attrs, ids):
    table = search(DAY, *attrs)
    assert len(table) == 30 * len(ids)
    assert sorted(set(table["Dataset"])) == sorted(ids)


def test_alternatives_through_fido_are_tables_of_their_own(archive):
    wavelengths = a.Wavelength(171 * u.AA) | a.Wavelength(193 * u.AA)
    response = Fido.search(DAY, a.heliocloud.Dataset("AIA"), wavelengths)
    assert [table["Dataset"][0] for table in response] == ["aia_0171", "aia_0193"]
    table = search(DAY & a.heliocloud.Dataset("AIA") & wavelengths)
    assert len(table) == 60
    assert np.all(np.diff(table["Start time"].jd) >= 0)


def test_overlapping_alternatives_give_each_file_once(archive):
    assert len(search(DAY, a.heliocloud.Dataset("aia_0171") | a.heliocloud.Dataset("aia_0*"))) == 90


def test_sample_takes_the_nearest_file(archive):
    table = search(
        a.Time("2020-02-01T00:01", "2020-02-01T02:00"), a.heliocloud.Dataset("aia_0*"), a.Sample(10 * u.min)
    )
    minutes = {id: np.round((table["Start time"][table["Dataset"] == id] - Time("2020-02-01")).to_value(u.min))
               for id in set(table["Dataset"])}  # fmt: skip
    assert len(minutes) == 3
    for found in minutes.values():
        # The grid is 1, 11, 21, ...; of two files that are as near the earlier one counts.
        assert found.tolist() == [4, 12, 20, 32, 40, 52, 60, 72, 80, 92, 100, 112]


def test_near_takes_one_file(archive):
    time = a.Time("2020-02-01", "2020-02-02", near="2020-02-01T01:01")
    assert search(time, a.heliocloud.Dataset("aia_0171"))["Start time"].isot.tolist() == [
        "2020-02-01T01:00:00.000"
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ([a.heliocloud.Dataset("AIA")], r"no time range: add a\.Time"),
        ([DAY, a.heliocloud.Bucket("s3://b/")], r"no data set: add a\.heliocloud\.Dataset"),
        ([DAY, a.heliocloud.Dataset("AIA"), a.Level(1)], r"cannot search by sunpy\.net\.attrs\.Level"),
        (
            [DAY, a.heliocloud.Dataset("AIA"), a.jsoc.Notify("a@b.c")],
            r"cannot search by sunpy\.net\.jsoc\.attrs\.Notify",
        ),
        (
            [DAY, a.heliocloud.Dataset("AIA"), a.Provider("JSOC")],
            r"a\.Provider\('JSOC'\) matches none .* HelioCloud",
        ),
        (
            [DAY, a.heliocloud.Dataset("aia_171")],
            "no data set 'aia_171' in HelioCloud. Did you mean one of 'aia_0171'",
        ),
        (
            [DAY, a.heliocloud.Dataset("AIA"), a.Wavelength(172 * u.AA)],
            "172 Å.* have: 94 Å, 171 Å, 193 Å, 1600 Å",
        ),
        (
            [DAY, a.heliocloud.Dataset("HMI"), a.Physobs("color")],
            "'color'.* have: LOS_magnetic_field, LOS_velocity",
        ),
        ([DAY, a.heliocloud.Dataset("AIA"), a.Sample(0 * u.s)], "expected a positive time"),
    ],
)
def test_what_cannot_be_honoured_is_an_error(archive, query, message):
    with pytest.raises(ValueError, match=message):
        search(*query)
    response = Fido.search(*query)
    assert len(response) == 1
    assert len(response[0]) == 0
    assert type(response[0].errors) is ValueError
    assert str(response[0].errors) in str(response)


def test_empty_query():
    with pytest.raises(ValueError, match="names no data set"):
        search()


def test_values_of_attrs():
    with pytest.raises(ValueError, match="such as 's3://my-bucket/'"):
        a.heliocloud.Bucket("my-bucket")
    for name in ("", "  ", 171):
        with pytest.raises(ValueError, match="expected a name such as 'AIA'"):
            a.heliocloud.Dataset(name)


@pytest.mark.parametrize(
    ("query", "is_ours"),
    [
        ([DAY, a.heliocloud.Dataset("AIA")], True),
        ([DAY, a.heliocloud.Bucket("s3://b/")], True),
        ([a.heliocloud.Dataset("AIA"), a.Level(1)], True),
        ([DAY, a.Provider("HelioCloud")], False),
        ([DAY, a.Instrument("AIA"), a.Wavelength(171 * u.AA)], False),
    ],
)
def test_the_client_takes_what_holds_its_attrs(query, is_ours):
    assert HelioCloudClient._can_handle_query(*query) == is_ours


def test_tab_completion():
    assert {"aia", "hmi", "aia_0094", "aia_1700", "hmi_ic_nolimbdark", "latlonvmu"} <= set(
        dir(a.heliocloud.Dataset)
    )
    assert a.heliocloud.Dataset.hmi_ic_nolimbdark.value == "hmi_Ic_noLimbDark"
    assert a.Provider.heliocloud.value == "HelioCloud"
    assert "aia_0171: SDO/AIA images at 171 Å" in " ".join(repr(a.heliocloud.Dataset.aia_0171).split())


def test_import_is_light():
    code = "import sys, sunpy_heliocloud.net; print(*({'s3fs', 'dask', 'ndcube', 'sunpy.map'} & set(sys.modules)))"
    root = Path(__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


# Results -------------------------------------------------------------------------------------------------------------


def test_slices_keep_what_the_table_is(archive):
    table = search(DAY, a.heliocloud.Dataset("aia_0171"))
    for part in (table, table[3:7], table[table["Start time"] > Time("2020-02-01T01:00")], table[[1, 2]]):
        assert isinstance(part, HelioCloudResponse)
        assert part.hide_keys == ["URL"]
        assert part.total_size() == len(part) * 13 * u.Mbyte
        for _ in range(2):  # Displaying a table must not change it.
            assert "s3://" not in repr(part) + part._repr_html_()
        assert "URL" in part.colnames
    assert table[0]["URL"].startswith("s3://b/aia_0171/")
    assert "s3://" in str(table.show("URL"))
    assert "s3://" not in str(table)
    assert "s3://" in str(table[:2].unhide_columns())
    assert "390.0 Mbyte" in str(Fido.search(DAY, a.heliocloud.Dataset("aia_0171")))


@pytest.mark.parametrize(
    ("sizes", "total"),
    [
        ([7], 7 * u.byte),
        ([999, np.nan], 999 * u.byte),
        ([600, 600], 1.2 * u.kbyte),
        ([np.nan], 0 * u.byte),
        ([], 0 * u.byte),
        ([3e12, 3e12], 6 * u.Tbyte),
    ],
)
def test_total_size(sizes, total):
    table = HelioCloudResponse({"Size": (sizes * u.byte).to(u.Mbyte)})
    assert u.isclose(table.total_size(), total)
    assert table.total_size().unit == total.unit


def test_total_size_without_sizes():
    assert np.isnan(HelioCloudResponse({"URL": ["s3://b/1"]}).total_size())


@pytest.mark.parametrize(
    "time", [("2020-03-01", "2020-03-02"), ("2027-01-01", "2027-01-02"), ("1990-01-01", "1991-01-01")]
)
def test_no_match_is_an_empty_table(archive, time):
    response = Fido.search(a.Time(*time), a.heliocloud.Dataset("aia_0171"))
    table = response[0]
    assert len(table) == 0
    assert table.colnames == COLUMNS
    assert table.errors == []
    assert table["Size"].unit == u.Mbyte
    assert table["Wavelength"].unit == u.AA
    assert isinstance(table["Start time"], Time)
    assert "0 Results" in str(response)


def test_time_order_and_duplicates(server):
    rows = rows_of("x", "2020-02-01T00:00", 5)
    fill(server, {"x": {2020: rows + rows}, "y": {2020: rows}})
    table = search(DAY, a.heliocloud.Dataset("*"))
    assert table["Start time"].isot.tolist() == [f"2020-02-01T00:{m:02}:00.000" for m in (0, 4, 8, 12, 16)]


def test_unknown_wavelength_and_instrument(archive):
    table = search(DAY, a.heliocloud.Dataset("MMS1"))
    assert np.all(np.isnan(table["Wavelength"]))
    assert set(table["Instrument"]) == {""}


# Years ---------------------------------------------------------------------------------------------------------------


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


# Buckets -------------------------------------------------------------------------------------------------------------


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
    fill(server, {"x": {}}, indextype="parquet")
    with pytest.raises(CatalogError, match="'parquet': expected csv or csv-zip"):
        search(DAY, a.heliocloud.Dataset("x"))


def test_datasets(archive):
    table = datasets()
    assert table.colnames == ["id", "title", "start", "stop", "indextype", "filetype", "contact", "bucket"]
    assert len(table) == 12
    assert list(datasets("HMI_ic*")["id"]) == ["hmi_Ic", "hmi_Ic_noLimbDark"]
    assert list(datasets("images mms")["id"]) == ["MMS1_FGM_SRVY_L2"]
    assert table["stop"][0] == "2019-12-31"
    assert datasets("nothing like it").colnames == table.colnames
    assert len(datasets("nothing like it")) == 0


# Failures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["HelioDataRegistry.json", "catalog.json", "registries/x_2020.csv"])
@pytest.mark.parametrize("status", [403, 500])
def test_an_outage_never_looks_like_no_data(server, key, status):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 2)}})
    server.fail(key, status=status, times=None)
    with pytest.raises(CatalogError, match=key):
        search(DAY, a.heliocloud.Dataset("x"))
    response = Fido.search(DAY, a.heliocloud.Dataset("x"))
    assert isinstance(response[0].errors, CatalogError)
    assert key in str(response)


@pytest.mark.parametrize("key", ["HelioDataRegistry.json", "catalog.json", "registries/x_2020.csv"])
def test_failures_that_pass_are_not_noticed(server, key):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 200)}})
    server.fail(key, status=500, times=2)
    server.truncate(key)
    assert len(search(DAY, a.heliocloud.Dataset("x"))) == 200


def test_bad_row_is_seen_through_fido(server):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 2) + "yesterday,2020-02-01,s3://b/1,1\n"}})
    response = Fido.search(DAY, a.heliocloud.Dataset("x"))
    assert "x_2020.csv, row 3 has no time in field 1: 'yesterday,2020-02-01,s3://b/1,1'" in str(response)


def test_no_server_at_all(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "http://127.0.0.1:1/registry.json")
    with pytest.raises(
        CatalogError, match=r"127\.0\.0\.1:1/registry.json.*network.*ROOT_CATALOG_REGISTRY_URL"
    ):
        search(DAY, a.heliocloud.Dataset("AIA"))
    with pytest.raises(CatalogError, match=r"s3://b/catalog.json.*AWS_ENDPOINT_URL_S3"):
        search(DAY, a.heliocloud.Dataset("AIA"), a.heliocloud.Bucket("s3://b/"))


# Download ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(server):
    """A table of three files of 200 kB, and their contents by name."""
    contents = {f"{i} +ü.fits": bytes([i]) * 200_000 for i in range(3)}
    rows = ""
    for i, (name, content) in enumerate(contents.items()):
        url = server.write(f"x/{i}/{name}", content)
        rows += f"2020-02-01T00:0{i}Z,2020-02-01T00:0{i}Z,{url},{len(content)}\n"
    fill(server, {"x": {2020: rows}})
    table = search(DAY, a.heliocloud.Dataset("x"))
    server.reset()
    return table, contents


def contents_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def reads(server):
    return [request for request in server.log if request.key.startswith("x/")]


def test_fetch(files, tmp_path):
    table, contents = files
    results = fetch(table, path=tmp_path)
    assert results.errors == []
    assert sorted(results) == sorted(str(tmp_path / name) for name in contents)
    assert contents_of(tmp_path) == contents


def test_fetch_of_a_row_into_a_template(files, tmp_path):
    table, _ = files
    path = str(tmp_path / "{dataset}/{start_time}/{file}")
    assert list(fetch(table[1], path=path)) == [str(tmp_path / "x/2020-02-01T00:01:00.000/1 +ü.fits")]


def test_whole_files_are_not_fetched_again(files, server, tmp_path):
    table, contents = files
    fetch(table, path=tmp_path)
    server.reset()
    results = fetch(table, path=tmp_path)
    assert len(results) == 3
    assert reads(server) == []
    fetch(table, path=tmp_path, overwrite=True)
    assert reads(server) != []
    assert contents_of(tmp_path) == contents


def test_partial_file_is_fetched_again(files, tmp_path):
    table, contents = files
    (tmp_path / "1 +ü.fits").write_bytes(b"\x01" * 100)
    results = fetch(table, path=tmp_path)
    assert len(results) == 3
    assert contents_of(tmp_path) == contents


def test_unique_names(files, tmp_path):
    table, contents = files
    for _ in range(2):
        results = fetch(table[:1], path=tmp_path, overwrite="unique")
    assert list(results) == [str(tmp_path / "0 +ü.1.fits")]
    assert contents_of(tmp_path) == dict.fromkeys(["0 +ü.fits", "0 +ü.1.fits"], contents["0 +ü.fits"])


def test_wrong_size_leaves_nothing(files, server, tmp_path):
    table, _ = files
    server.write("x/1/1 +ü.fits", b"shorter")
    (tmp_path / "1 +ü.fits").write_bytes(b"from before")
    results = fetch(table[1], path=tmp_path)
    assert list(results) == []
    assert "it has 7 bytes, and the catalogue says 200000" in str(results.errors[0].exception)
    assert contents_of(tmp_path) == {"1 +ü.fits": b"from before"}


def test_downloads_are_repeated(files, server, tmp_path):
    table, contents = files
    server.fail("x/0/*", status=503, times=2, methods=("GET", "HEAD"))
    server.truncate("x/1/*", times=2)
    results = fetch(table, path=tmp_path, max_splits=1)
    assert results.errors == []
    assert contents_of(tmp_path) == contents


def test_failed_download(files, server, tmp_path):
    table, contents = files
    server.fail("x/1/*", status=403, times=2, methods=("GET", "HEAD"))
    results = fetch(table, path=tmp_path)
    assert len(results) == 2
    (error,) = results.errors
    assert "1%20%2B%C3%BC.fits was not downloaded: the server answered 403" in str(error.exception)
    assert error.url.startswith(server.endpoint_url)
    assert set(contents_of(tmp_path)) == set(contents) - {"1 +ü.fits"}

    # sunpy's way to try again.
    assert str(tmp_path / "1 +ü.fits") in fetch(results)
    assert contents_of(tmp_path) == contents


def test_files_of_the_same_name(server, tmp_path):
    rows = "2020-02-01T01:00Z,,s3://b/1/a.fits,1\n2020-02-01T02:00Z,,s3://b/2/a.fits,1\n"
    fill(server, {"x": {2020: rows}})
    with pytest.raises(ValueError, match=r"s3://b/1/a.fits and s3://b/2/a.fits would both be saved as"):
        fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path)


@pytest.mark.parametrize(
    "url", ["s3://b/..", "s3://b/folder/", "s3://b", "s3://b/a\\..\\b", "gs://b/a.fits", "/etc/passwd"]
)
def test_names_that_lead_elsewhere(url, tmp_path):
    rows = Rows(*np.array([["2020"], ["2021"]], "datetime64[us]"), [url], np.array([1.0]))
    table = _table([(Entry("x", "s3://b/", "s3://b/"), rows)])
    with pytest.raises(ValueError, match="The catalogue has a file at"):
        HelioCloudClient().fetch(
            table, path=tmp_path / "{file}", downloader=parfive.Downloader(progress=False)
        )


def test_template_stays_in_its_folder(server, tmp_path):
    url = server.write("a.fits", b"content")
    content = {"catalog": [entry("..", f"{server.url}registries/")]}
    fill(server, {"..": {2020: f"2020-02-01T01:00Z,,{url},7\n"}})
    server.write("catalog.json", json.dumps(content).encode())
    table = search(DAY, a.heliocloud.Dataset(".."))
    results = fetch(table, path=str(tmp_path / "{dataset}/{file}"))
    assert list(results) == [str(tmp_path / "_/a.fits")]


@pytest.mark.parametrize(
    ("url", "https"),
    [
        ("s3://gov-nasa-hdrl-data1/sdo/a.fits", "https://gov-nasa-hdrl-data1.s3.amazonaws.com/sdo/a.fits"),
        ("s3://b/a b+#?.fits", "https://b.s3.amazonaws.com/a%20b%2B%23%3F.fits"),
        ("s3://my.bucket/a.fits", "https://s3.amazonaws.com/my.bucket/a.fits"),
        ("https://example.org/a.fits", "https://example.org/a.fits"),
    ],
)
def test_https_url(url, https, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert _https_url(url) == https


def test_fetch_only_fills_the_queue(files, tmp_path):
    table, _ = files
    downloader = parfive.Downloader(progress=False)
    table.client.fetch(table, path=tmp_path / "{file}", downloader=downloader)
    assert downloader.queued_downloads == 3
    assert contents_of(tmp_path) == {}


# Real data -----------------------------------------------------------------------------------------------------------


def test_real_images(real_data, tmp_path):
    response = Fido.search(
        a.Time("2012-06-06T00:00", "2012-06-07T00:00"), a.Wavelength(1600 * u.AA), a.heliocloud.Dataset("AIA")
    )
    assert len(response[0]) == 596
    assert np.all(np.diff(response[0]["Start time"].jd) > 0)
    (path,) = fetch(response[0][0], path=tmp_path)
    assert Path(path).stat().st_size == 112320


@pytest.mark.remote_data
def test_live_archive():
    table = datasets()
    assert "aia_0171" in table["id"]
    files = search(
        a.Time("2018-05-29T12:00", "2018-05-29T13:00"), a.Wavelength(171 * u.AA), a.heliocloud.Dataset("AIA")
    )
    assert len(files) > 0
    assert files["URL"][0].startswith("s3://")
    assert np.all(np.diff(files["Start time"].jd) > 0)
