"""The Fido client against a real S3 server: what a user types, and what a user sees."""

import json

import numpy as np
import pytest

import astropy.units as u
from astropy.time import Time

from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.net.attr import Attr
from sunpy.util.exceptions import SunpyUserWarning

from buckets import fill, rows_of, search
from helpers import read_from
from sunpy_heliocloud.net import (
    CatalogError,
    HelioCloudClient,
    HelioCloudResponse,
    cache,
    datasets,
    refresh_datasets,
)
from sunpy_heliocloud.simulation import LocalServer

DAY = a.Time("2020-02-01", "2020-02-02")
COLUMNS = ["Start time", "End time", "Instrument", "Wavelength", "Dataset", "Size", "Provider", "URL"]
CHANNELS = ("0094", "0171", "0193", "1600")
OBSERVABLES = ("B", "Ic", "Ic_noLimbDark", "M", "V")
pytestmark = pytest.mark.usefixtures("short_pauses")


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
    read_from(one_archive, monkeypatch)
    return one_archive


def test_search(archive):
    response = Fido.search(
        a.Time("2020-02-01T00:10", "2020-02-01T00:24"), a.Wavelength(171 * u.AA), a.heliocloud.Dataset("AIA")
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
        ([DAY, a.heliocloud.Dataset("AIA"), a.Level(1)], r"does not support sunpy\.net\.attrs\.Level"),
        (
            [DAY, a.heliocloud.Dataset("AIA"), a.jsoc.Notify("a@b.c")],
            r"does not support sunpy\.net\.jsoc\.attrs\.Notify",
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
        ([DAY, a.heliocloud.Dataset("AIA"), a.Sample(np.inf * u.s)], "inf s: expected .* from a microsecond"),
        ([DAY, a.heliocloud.Dataset("AIA"), a.Sample(1 * u.ns)], "1e-09 s: expected .* from a microsecond"),
        (
            [DAY, a.heliocloud.Dataset("MMS1"), a.Wavelength(171 * u.AA)],
            r"MMS1_FGM_SRVY_L2\. What they have: none that is known\.",
        ),
        ([DAY, a.heliocloud.Dataset("MMS")], "Did you mean one of 'MMS1_FGM_SRVY_L2'"),
        ([DAY, a.heliocloud.Dataset("SOHO")], "Did you mean one of 'euvml_soho_304'"),
        ([DAY, a.heliocloud.Dataset("sdo")], "Did you mean one of 'aia_0094', 'aia_0171'"),
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
    for url in ("", "s3://", "s3:///folder", "file:///tmp", "~/folder", "ftp://host/", "s3://b/../c"):
        with pytest.raises(
            ValueError, match=f"The bucket .*'{url}'.*: expected .* the absolute path of a folder"
        ):
            a.heliocloud.Bucket(url)
    for name in ("", "  ", 171):
        with pytest.raises(ValueError, match="expected a name such as 'AIA'"):
            a.heliocloud.Dataset(name)


@pytest.mark.parametrize(
    ("query", "is_ours"),
    [
        ([DAY, a.heliocloud.Dataset("AIA")], True),
        ([DAY, a.heliocloud.Bucket("s3://b/")], True),
        ([a.heliocloud.Dataset("AIA"), a.Level(1)], True),
        ([DAY, a.Instrument("AIA"), a.heliocloud.Lookup.listing], True),
        ([DAY, a.Provider("HelioCloud")], False),
        ([DAY, a.Instrument("AIA"), a.Wavelength(171 * u.AA)], False),
    ],
)
def test_the_client_takes_what_holds_its_attrs(query, is_ours):
    assert HelioCloudClient._can_handle_query(*query) == is_ours


@pytest.fixture
def shipped():
    """What tab completion offers is what came with the package, before the test and after it."""

    def register():
        (cache.folder / "known_datasets.json").unlink(missing_ok=True)
        Attr._attr_registry.pop(a.heliocloud.Dataset, None)
        values = HelioCloudClient.register_values()[a.heliocloud.Dataset]
        Attr.update_values({HelioCloudClient: {a.heliocloud.Dataset: values}})

    register()
    yield
    register()


def test_tab_completion(shipped):
    assert {"aia", "hmi", "aia_0094", "aia_1700", "hmi_ic_nolimbdark", "latlonvmu"} <= set(
        dir(a.heliocloud.Dataset)
    )
    assert a.heliocloud.Dataset.hmi_ic_nolimbdark.value == "hmi_Ic_noLimbDark"
    assert a.Provider.heliocloud.value == "HelioCloud"
    values = HelioCloudClient.register_values()
    assert {"AIA", "HMI", "EUVI", "EIT"} == dict(values[a.Instrument]).keys()
    assert {"SDO", "SOHO", "STEREO_A", "STEREO_B"} == dict(values[a.Source]).keys()
    assert a.Source.stereo_a.value == "STEREO_A"
    assert "aia_0171: SDO/AIA images at 171 Å" in " ".join(repr(a.heliocloud.Dataset.aia_0171).split())


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


def test_long_tables_are_displayed_in_part(server):
    fill(server, {"x": {2020: rows_of("x", "2020-01-01", 5000)}})
    year, x = a.Time("2020-01-01", "2020-12-31"), a.heliocloud.Dataset("x")
    response = Fido.search(year, x)
    table = response[0]
    for text in (str(table), repr(table), str(table.show()), table._repr_html_(), str(response)):
        assert len(text.splitlines()) < 50
        assert "..." in text or "&vellip;" in text
        assert "2020-01-01T00:00:00.000" in text
    assert len(table.show("URL").pformat()) == 5002


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


def test_manifest(archive, tmp_path, monkeypatch):
    table = search(a.Time("2020-02-01T00:00", "2020-02-01T00:05"), a.heliocloud.Dataset("aia_0171"))
    path = table.write_manifest(tmp_path / "files.csv")
    assert path.read_text().splitlines() == [
        "start,stop,datakey,filesize",
        "2020-02-01T00:00:00.000Z,2020-02-01T00:00:02.000Z,s3://b/aia_0171/2020-02-01T00:00:00.000.fits,13000000",
        "2020-02-01T00:04:00.000Z,2020-02-01T00:04:02.000Z,s3://b/aia_0171/2020-02-01T00:04:00.000.fits,13000000",
    ]
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    urls = table[:1].write_manifest(str(tmp_path / "urls.txt")).read_text()
    assert urls == "https://b.s3.amazonaws.com/aia_0171/2020-02-01T00%3A00%3A00.000.fits\n"
    assert table[:0].write_manifest(tmp_path / "none.csv").read_text() == "start,stop,datakey,filesize\n"


def test_a_manifest_is_an_index(server, tmp_path):
    rows = "# start, stop, datakey, filesize, kind\n2020-02-01T01Z,2020-02-01T02Z,'s3://b/a, b',,'x, y'\n"
    fill(server, {"x": {2020: rows}})
    table = search(DAY, a.heliocloud.Dataset("x"))
    server.write("registries/x_2020.csv", table.write_manifest(tmp_path / "x.csv").read_bytes())
    cache.clear()
    again = search(DAY, a.heliocloud.Dataset("x"))
    assert again.colnames == table.colnames
    assert list(again["URL"]) == ["s3://b/a, b"]
    assert list(again["kind"]) == ["x, y"]
    assert np.isnan(again["Size"][0])


def test_refresh_of_the_known_data_sets(archive, shipped, tmp_path):
    for _ in range(2):
        assert refresh_datasets() == 12
    assert "mms1_fgm_srvy_l2" in dir(a.heliocloud.Dataset)
    assert "latlonvmu" not in dir(a.heliocloud.Dataset)
    assert Attr._attr_registry[a.heliocloud.Dataset].name.count("hmi_v") == 1
    assert HelioCloudClient.register_values()[a.heliocloud.Dataset][-1] == ("hmi_V", "Images hmi_V")
    assert refresh_datasets(str(tmp_path / "shipped.json")) == 12
    assert "Images hmi_V" in (tmp_path / "shipped.json").read_text()
    (cache.folder / "known_datasets.json").write_text("[1]")
    assert "LatLonVMu" in dict(HelioCloudClient.register_values()[a.heliocloud.Dataset])


def test_refresh_keeps_what_is_known_of_a_dead_bucket(server, shipped):
    fill(server, {"new": {}})
    registry = {"registry": [{"endpoint": server.url}, {"endpoint": "s3://gone/"}]}
    server.write("HelioDataRegistry.json", json.dumps(registry).encode())
    with pytest.warns(SunpyUserWarning, match="cannot be read: s3://gone/catalog.json"):
        refresh_datasets()
    assert {"new", "latlonvmu"} <= set(dir(a.heliocloud.Dataset))
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": "s3://gone/"}]}).encode())
    with pytest.raises(CatalogError, match="s3://gone/catalog.json"):
        refresh_datasets()


def test_time_order_and_duplicates(server):
    rows = rows_of("x", "2020-02-01T00:00", 5)
    fill(server, {"x": {2020: rows + rows}, "y": {2020: rows}})
    table = search(DAY, a.heliocloud.Dataset("*"))
    assert table["Start time"].isot.tolist() == [f"2020-02-01T00:{m:02}:00.000" for m in (0, 4, 8, 12, 16)]


def test_unknown_wavelength_and_instrument(archive):
    table = search(DAY, a.heliocloud.Dataset("MMS1"))
    assert np.all(np.isnan(table["Wavelength"]))
    assert set(table["Instrument"]) == {""}


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


def test_a_message_in_place_of_an_index_is_an_error(server):
    fill(server, {"x": {2020: "Service unavailable, please try later\n"}})
    response = Fido.search(DAY, a.heliocloud.Dataset("x"))
    assert "x_2020.csv, row 1 has too few fields: 'Service unavailable, please try later'" in str(response)


def test_no_server_at_all(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "http://127.0.0.1:1/registry.json")
    with pytest.raises(
        CatalogError, match=r"127\.0\.0\.1:1/registry.json.*network.*ROOT_CATALOG_REGISTRY_URL"
    ):
        search(DAY, a.heliocloud.Dataset("AIA"))
    with pytest.raises(CatalogError, match=r"s3://b/catalog.json.*AWS_ENDPOINT_URL_S3"):
        search(DAY, a.heliocloud.Dataset("AIA"), a.heliocloud.Bucket("s3://b/"))


def test_datasets(archive):
    table = datasets()
    assert table.colnames == ["id", "title", "start", "stop", "indextype", "filetype", "contact", "bucket"]
    assert len(table) == 12
    assert list(datasets("HMI_ic*")["id"]) == ["hmi_Ic", "hmi_Ic_noLimbDark"]
    assert list(datasets("images mms")["id"]) == ["MMS1_FGM_SRVY_L2"]
    assert table["stop"][0] == "2019-12-31"
    assert datasets("nothing like it").colnames == table.colnames
    assert len(datasets("nothing like it")) == 0


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
