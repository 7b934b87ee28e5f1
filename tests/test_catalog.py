"""Registry, catalogues and indexes of CloudCatalog, oddities included."""

import io
import json
import random
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.net import CatalogError, catalog
from sunpy_heliocloud.net.catalog import (
    Entry,
    bucket_urls,
    catalog_entries,
    match,
    parse_index,
    read,
    similar,
)
from sunpy_heliocloud.simulation import LocalServer
from sunpy_heliocloud.storage import filesystem

URL = "s3://bucket/registries/aia_0171_2020.csv"
ALWAYS = np.datetime64("1800", "us"), np.datetime64("2200", "us")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(catalog, "PAUSES", (0.01, 0.02, 0.03))


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


def times(*texts):
    return np.array(texts, "datetime64[us]")


def parse(text, start=ALWAYS[0], stop=ALWAYS[1]):
    data = text if isinstance(text, bytes) else text.encode()
    rows, _ = parse_index(data, URL, np.datetime64(start, "us"), np.datetime64(stop, "us"))
    return rows


@st.composite
def indexes(draw):
    """An index in any dialect, and its rows in time order."""
    n = draw(st.integers(0, 12))
    seconds = draw(st.lists(st.integers(0, 366 * 86400), min_size=n, max_size=n, unique=True))
    starts = np.sort(np.datetime64("2020-01-01", "us") + np.array(seconds, int).astype("timedelta64[s]"))
    durations = draw(st.lists(st.integers(0, 10**9), min_size=n, max_size=n))
    stops = starts + np.array(durations, int).astype("timedelta64[us]")
    sizes = draw(st.lists(st.integers(0, 10**12), min_size=n, max_size=n))
    urls = [f"s3://bucket/a b/ü/{i}.fits" for i in range(n)]

    has_stop = draw(st.booleans())
    quote = draw(st.sampled_from(["", "'", '"']))
    comma = draw(st.sampled_from([",", ", ", " ,"]))
    newline = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    zone = draw(st.sampled_from(["Z", ""]))
    extra = draw(st.sampled_from([[], ["195", "20.4"], [""], ["a,b"]]))
    names = ["start", *(["stop"] if has_stop else []), "datakey", "filesize", *"xyz"[: len(extra)]]
    header = draw(
        st.sampled_from([[], [comma.join(names)], ["# " + comma.join(names)], ["#" + ",".join(names)]])
    )

    lines = [
        comma.join(
            f"{quote}{word}{quote}"
            for word in (f"{start}{zone}", *([f"{stop}{zone}"] if has_stop else []), url, size, *extra)
        )
        for start, stop, url, size in zip(starts, stops, urls, sizes, strict=True)
    ]
    random.Random(draw(st.integers())).shuffle(lines)
    text = draw(st.sampled_from(["", "\ufeff"])) + newline.join(header + lines)
    text += newline if draw(st.booleans()) else ""
    return text.encode(), has_stop, starts, stops, urls, sizes


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
def test_rows_that_meet_the_range(index, one, other):
    data, has_stop, starts, stops, urls, _ = index
    start, stop = np.datetime64("2020-01-01", "us") + np.sort([one, other]).astype("timedelta64[D]")
    rows, everything = parse(data, start, stop), parse(data)
    met = (everything.start <= stop) & (everything.stop >= start)
    assert rows.url == [url for url, is_met in zip(urls, met, strict=True) if is_met]


def test_both_ends_belong_to_an_interval():
    index = "2020-01-01T00:00:00Z,2020-01-01T01:00:00Z,s3://b/1,1\n2020-01-01T03:00:00Z,2020-01-01T04:00:00Z,s3://b/2,1\n"
    assert parse(index, "2020-01-01T01:00", "2020-01-01T03:00").url == ["s3://b/1", "s3://b/2"]
    assert parse(index, "2020-01-01T01:00:00.000001", "2020-01-01T02:59:59.999999").url == []


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


def test_unknown_sizes_and_stops():
    rows = parse("2020-01-01,,s3://b/1,\n2020-01-02,,s3://b/2,-1\n2020-01-04,2020-01-09,s3://b/3,7\n")
    np.testing.assert_array_equal(rows.size, [np.nan, np.nan, 7])
    np.testing.assert_array_equal(rows.stop, times("2020-01-02", "2020-01-04", "2020-01-09"))


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


# Data sets -----------------------------------------------------------------------------------------------------------


def entries(*ids):
    return [Entry(id, "s3://b/", "s3://b/") for id in ids]


ENTRIES = entries(
    "aia_0094", "aia_0171", "aia_cutout_1600", "hmi_B", "hmi_Ic", "hmi_Ic_noLimbDark", "hmi_M", "hmi_V", "LatLonVMu",
    "euvml_stereoa_304", "euvml_stereob_195", "euvml_soho_304", "MMS1_FGM_SRVY_L2",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("aia_0171", ["aia_0171"]),
        ("AIA_0171", ["aia_0171"]),
        ("AIA", ["aia_0094", "aia_0171", "aia_cutout_1600"]),
        ("hmi", ["hmi_B", "hmi_Ic", "hmi_Ic_noLimbDark", "hmi_M", "hmi_V"]),
        ("hmi_ic", ["hmi_Ic"]),
        ("EUVML_*_304", ["euvml_stereoa_304", "euvml_soho_304"]),
        ("EUVI", ["euvml_stereoa_304", "euvml_stereob_195"]),
        ("euvml", ["euvml_stereoa_304", "euvml_stereob_195", "euvml_soho_304"]),
        ("mms1", ["MMS1_FGM_SRVY_L2"]),
        ("aia_017", []),
    ],
)
def test_match(name, ids):
    assert [entry.id for entry in match(ENTRIES, name)] == ids


def test_similar():
    assert similar(ENTRIES, "aia_171")[0] == "aia_0171"
    assert similar(ENTRIES, "hni")[0] == "HMI"


@pytest.mark.parametrize(
    ("id", "description"),
    [
        ("aia_0094", ("AIA", "SDO", 94.0, "intensity")),
        ("hmi_B", ("HMI", "SDO", 6173.0, "vector_magnetic_field")),
        ("hmi_Ic_noLimbDark", ("HMI", "SDO", 6173.0, "intensity")),
        ("hmi_V", ("HMI", "SDO", 6173.0, "LOS_velocity")),
        ("euvml_stereoa_171", ("EUVI", "STEREO_A", 171.0, "intensity")),
        ("euvml_soho_304", ("EIT", "SOHO", 304.0, "intensity")),
    ],
)
def test_description_of_solar_images(id, description):
    (entry,) = entries(id)
    assert (entry.instrument, entry.source, entry.wavelength, entry.physobs) == description


def test_nothing_is_known_of_other_data():
    (entry,) = entries("MMS1_FGM_SRVY_L2")
    assert (entry.instrument, entry.source, entry.physobs) == ("", "", "")
    assert np.isnan(entry.wavelength)


@pytest.mark.parametrize(
    ("start", "year"),
    [("1996-01-01T00:00.00Z", 1996), ("2023-05-04:00:00:00Z", 2023), ("static", 1957), (None, 1957)],
)
def test_first_year_of_malformed_starts(start, year):
    assert Entry("x", "s3://b/", "s3://b/", metadata={"start": start}).first_year == year


# Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "registry",
    [
        {
            "version": "0.4",
            "modification": "2024",
            "registry": [{"endpoint": "s3://a/"}, {"endpoint": "s3://b"}],
        },
        {
            "CloudMe": "0.2",
            "modificationDate": "2022",
            "registry": [{"endpoint": "s3://a"}, {"endpoint": "s3://b/"}],
        },
        {
            "registry": [
                {"endpoint": "s3://a/"},
                {"name": "lost"},
                None,
                {"endpoint": "s3://b/"},
                {"endpoint": "s3://a"},
            ]
        },
    ],
)
def test_registries_of_all_versions(server, registry):
    server.write("HelioDataRegistry.json", json.dumps(registry).encode())
    assert bucket_urls() == ["s3://a/", "s3://b/"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"registry": []}', b'{"registry": {}}'])
def test_unusable_registry(server, content):
    server.write("HelioDataRegistry.json", content)
    with pytest.raises(CatalogError, match="ROOT_CATALOG_REGISTRY_URL.*a.heliocloud.Bucket") as error:
        bucket_urls()
    assert server.registry_url in str(error.value)


def test_no_registry(server):
    with pytest.raises(CatalogError, match=r"does not exist.*ROOT_CATALOG_REGISTRY_URL.*a.heliocloud.Bucket"):
        bucket_urls()


def test_malformed_optional_fields_lose_no_data_set(server):
    catalogue = {
        "catalog": [
            {
                "id": "one",
                "index": "s3://b/x",
                "start": "1996-01-01T00:00.00Z",
                "modification": 7,
                "indextype": None,
            },
            {"id": "two", "index": "s3://b/y/", "multiyear": "True", "indextype": "CSV-ZIP", "title": ["?"]},
            {"id": "three"},
            {"title": "without an id"},
            "nonsense",
        ],
        "status": "1200/OK",
    }
    server.write("catalog.json", json.dumps(catalogue).encode())
    found, errors = catalog_entries([server.url])
    assert errors == []
    assert [(e.id, e.index, e.indextype, e.multiyear) for e in found] == [
        ("one", "s3://b/x/", "csv", False),
        ("two", "s3://b/y/", "csv-zip", True),
        ("three", server.url, "csv", False),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"catalog": [', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"message": "hello"}', "lists no data sets"),
        (
            b'{"catalog": [], "status": {"code": 1400, "message": "moving house"}}',
            "closed for now: moving house",
        ),
        (b'{"catalog": [], "status": "1400/temporarily unavailable"}', "closed for now"),
    ],
)
def test_unusable_catalogue(server, content, problem):
    server.write("catalog.json", content)
    found, errors = catalog_entries([server.url])
    assert found == []
    assert problem in str(errors[0])
    assert f"{server.url}catalog.json" in str(errors[0])


def addresses(server, key):
    return [f"{server.url}{key}", f"{server.endpoint_url}/{server.bucket}/{key}"]


@pytest.mark.parametrize("scheme", [0, 1], ids=["s3", "http"])
class TestRead:
    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_failures_that_pass(self, server, scheme, status):
        server.write("file", b"content")
        server.fail("file", status=status, times=3)
        assert read(addresses(server, "file")[scheme]) == b"content"

    def test_broken_connection(self, server, scheme):
        server.write("file", b"content" * 1000)
        server.truncate("file", times=2)
        assert read(addresses(server, "file")[scheme]) == b"content" * 1000

    @pytest.mark.parametrize(("status", "advice"), [(403, "may not be public"), (500, "try again later")])
    def test_failures_that_stay(self, server, scheme, status, advice):
        url = addresses(server, "file")[scheme]
        server.write("file", b"content")
        server.fail("file", status=status, times=None)
        with pytest.raises(CatalogError, match=advice) as error:
            read(url)
        assert url in str(error.value)
        assert str(status) in str(error.value)
        assert error.value.__cause__ is not None

    def test_missing(self, server, scheme):
        with pytest.raises(FileNotFoundError):
            read(addresses(server, "file")[scheme])

    def test_no_server(self, scheme, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        url = ["s3://bucket/file", "http://127.0.0.1:1/bucket/file"][scheme]
        with pytest.raises(CatalogError, match="Check the network connection") as error:
            read(url)
        assert url in str(error.value)
        assert ("AWS_ENDPOINT_URL_S3 (now http://127.0.0.1:1)" in str(error.value)) == (scheme == 0)


def test_missing_bucket_is_no_missing_file(server):
    with pytest.raises(CatalogError, match="bucket does not exist"):
        read("s3://there-is-no-such-bucket/file")


def test_local_file(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert read(str(tmp_path / "file")) == b"content"
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / "nothing"))


@pytest.mark.parametrize("content", [b"no archive", b"PK\x05\x06" + bytes(18)])
def test_damaged_archive(server, content):
    server.write("x_2020.csv.zip", content)
    with pytest.raises(CatalogError, match=r"x_2020.csv.zip is not a zip archive"):
        catalog.index_rows(
            [Entry("x", server.url, server.url, indextype="csv-zip")], *times("2020-05-01", "2020-05-02")
        )


def test_archive(server):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("x_2020.csv", "2020-05-01,2020-05-01,s3://b/1,1\n")
    server.write("x_2020.csv.zip", archive.getvalue())
    entry = Entry("x", server.url, server.url, indextype="csv-zip")
    (rows,) = catalog.index_rows([entry], *times("2020-05-01", "2020-05-02"))
    assert rows.url == ["s3://b/1"]
