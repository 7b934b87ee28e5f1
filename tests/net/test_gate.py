"""The gate in the search: which rows of catalogues, indexes and listings become files of a table."""

import json
import urllib.request

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import entry, fill, search
from sunpy_heliocloud import limits
from sunpy_heliocloud.bounds import LimitError
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.io.location import LocationError, S3Location, remote_location
from sunpy_heliocloud.net import CatalogError, gate

DAY = a.Time("2020-02-01", "2020-02-02")
DATASET = a.heliocloud.Dataset("x")
pytestmark = pytest.mark.usefixtures("short_pauses")

REFUSED = {
    "reference://::http://host/x.json": "scheme|chain",
    "file:///etc/passwd": "file of this machine",
    "/etc/passwd": "file of this machine",
    "../x.fits": "is no address",
    "local:///etc/passwd": "scheme",
    "simplecache::s3://b/k": "chain",
    "filecache::file:///etc/passwd": "chain",
    "blockcache::https://host/x": "chain",
    "s3://b/zip://x::https://host/a.zip": "chain",
    "ftp://host/x": "scheme",
    "memory://x": "scheme",
    "data://x": "scheme",
    "s3://b/../c": "segment",
    "s3://b/a/./c": "segment",
    "s3://b": "names a bucket",
    "s3://b/": "names a bucket",
    "s3:///k": "bucket",
    "https://user:secret@host.org/x": "user info",
    "https://host.org/%2e%2e/x": "segment",
    "http://host.org/x": "not encrypted",
    "https://127.0.0.1/x": "address of this machine",
    "https://localhost/x": "address of this machine",
    "https://10.0.0.1/x": "address of this machine",
    "https://169.254.169.254/latest/meta-data": "address of this machine",
    "https://[::1]/x": "address of this machine",
    "https://2130706433/x": "address of this machine",
    "s3://b/\x1b[2J": "control characters",
    "s3://b/\x9b": "control characters",
}
LEGITIMATE = [
    "a b",
    "a+b",
    "a%20b",
    "a%b",
    "a#b",
    "a?b",
    "a?versionId=1",
    "ü/ñ",
    "太陽",
    "it's",
    "a, b",
    'a"b',
    "a&b=c",
    "~a;b@c$d!e*(f)[g]{h}|i^j`k",
]


def rows(*urls):
    """Rows of an index, a minute apart."""
    return "".join(
        f'2020-02-01T00:{i:02}:00Z,2020-02-01T00:{i:02}:01Z,"{url}",1\n' for i, url in enumerate(urls)
    )


@pytest.mark.parametrize("url", REFUSED)
def test_a_refused_row_is_not_in_the_table(server, url):
    fill(server, {"x": {2020: rows("s3://b/1", url, "s3://b/2")}})
    with pytest.warns(SunpyUserWarning, match=f"^1 file is left out, .*({REFUSED[url]})") as warned:
        table = search(DAY, DATASET)
    assert list(table["URL"]) == ["s3://b/1", "s3://b/2"]
    assert len(warned) == 1
    assert str(warned[0].message).isprintable()
    assert "secret" not in str(warned[0].message)


def test_one_warning_counts_them_and_names_the_first_escaped(server):
    fill(server, {"x": {2020: rows(*REFUSED)}, "x2": {2020: rows("file:///\x1b[2J<b>", "s3://b/1")}})
    with pytest.warns(SunpyUserWarning, match=rf"^{len(REFUSED)} files .*The first: 'reference://") as warned:
        table = search(DAY, DATASET)
    assert len(table) == 0
    assert table.colnames[-1] == "URL"
    assert len(warned) == 1
    with pytest.warns(SunpyUserWarning, match=r"\\\\x1b\[2J\\\\x3cb>"):
        assert len(search(DAY, a.heliocloud.Dataset("x2") | a.heliocloud.Dataset("X2"))) == 1


def test_fido_shows_a_table_without_the_refused_rows(server):
    fill(server, {"x": {2020: rows("file:///etc/passwd", "s3://b/1")}})
    with pytest.warns(SunpyUserWarning, match="1 file is left out"):
        response = Fido.search(DAY, DATASET)
    assert list(response[0]["URL"]) == ["s3://b/1"]


def test_a_sample_is_one_of_the_rows_that_are_left(server):
    fill(server, {"x": {2020: rows("file:///x", "s3://b/1", "s3://b/2")}})
    with pytest.warns(SunpyUserWarning, match="1 file is left out"):
        table = search(DAY, DATASET, a.Sample(1 * u.day))
    assert list(table["URL"]) == ["s3://b/1"]


def test_rows_out_of_the_range_are_not_judged(server):
    fill(server, {"x": {2020: rows("s3://b/1", "file:///x")}})
    assert len(search(a.Time("2020-02-01", "2020-02-01T00:00:30"), DATASET)) == 1


def test_a_datakey_may_name_any_bucket(server):
    urls = ["s3://another-bucket/k", "s3://My.Bucket_1/k", "https://host.org/k?a=b"]
    fill(server, {"x": {2020: rows(*urls)}})
    assert list(search(DAY, DATASET)["URL"]) == urls


def test_private_addresses_and_http_are_the_callers_own_endpoint_only(server, monkeypatch, tmp_path):
    own, other = f"{server.endpoint_url}/b/1", "http://127.0.0.1:9/b/2"
    fill(server, {"x": {2020: rows(own, other)}})
    with pytest.warns(SunpyUserWarning, match="1 file is left out.*127.0.0.1:9"):
        assert list(search(DAY, DATASET)["URL"]) == [own]
    # A bucket that the query names is the caller's own as well.
    bucket = f"{server.endpoint_url}/{server.bucket}/"
    server.write("catalog.json", json.dumps({"catalog": [entry("x", f"{bucket}registries/")]}).encode())
    for name in ("AWS_ENDPOINT_URL_S3", "ROOT_CATALOG_REGISTRY_URL"):
        monkeypatch.delenv(name)
    with pytest.warns(SunpyUserWarning, match="1 file is left out.*127.0.0.1:9"):
        assert list(search(DAY, DATASET, a.heliocloud.Bucket(bucket))["URL"]) == [own]
    # A folder of the caller's is no server.
    (tmp_path / "catalog.json").write_text(json.dumps({"catalog": [entry("x", str(tmp_path))]}))
    (tmp_path / "x_2020.csv").write_text(rows(own, str(tmp_path / "1.fits"), "/etc/passwd", "s3://b/1"))
    with pytest.warns(SunpyUserWarning, match="2 files are left out"):
        table = search(DAY, DATASET, a.heliocloud.Bucket(tmp_path))
    assert list(table["URL"]) == [str(tmp_path / "1.fits"), "s3://b/1"]


def test_a_catalogue_of_a_folder_names_indexes_of_that_folder_only(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "x_2020.csv").write_text(rows("s3://b/1"))
    (inside / "link").symlink_to(outside)
    bucket = a.heliocloud.Bucket(inside)
    for index in (outside, f"{inside}/../outside", inside / "link"):
        (inside / "catalog.json").write_text(json.dumps({"catalog": [entry("x", str(index))]}))
        with pytest.raises(
            CatalogError, match="index of x in .*catalog.json is at .* names a file of this machine"
        ):
            search(DAY, DATASET, bucket)
    (inside / "catalog.json").write_text(json.dumps({"catalog": [entry("../outside/x", str(inside))]}))
    with pytest.raises(CatalogError, match="names a file of this machine"):
        search(DAY, a.heliocloud.Dataset("../outside/x"), bucket)


@pytest.mark.parametrize(
    "index",
    ["https://127.0.0.1:9/", "http://host.org/", "s3://b/../c/", "simplecache::s3://b/", 7, {"s3://b/": 1}],
)
def test_an_index_at_a_refused_address_is_an_error_that_names_catalogue_and_data_set(server, index):
    fill(server, {"x": {}})
    server.write("catalog.json", json.dumps({"catalog": [entry("x", index)]}).encode())
    with pytest.raises(CatalogError, match=r"index of x in s3://.*/catalog.json is at .*: expected"):
        search(DAY, DATASET)


@pytest.mark.parametrize("key", LEGITIMATE)
def test_legitimate_keys_make_the_round_trip(server, key, tmp_path):
    url = f"{server.url}images/{key}.fits"
    # Not by s3fs, to which ?versionId= is no part of a key.
    put = urllib.request.Request(
        https_url(url), key.encode(), {"x-amz-acl": "public-read", "Content-Type": "image/fits"}, method="PUT"
    )
    urllib.request.urlopen(put).close()
    text = rows(url.replace('"', '""')) if '"' not in url else rows(url).replace(f'"{url}"', f"'{url}'")
    fill(server, {"x": {2020: text}})
    table = search(DAY, DATASET)
    assert list(table["URL"]) == [url]
    with urllib.request.urlopen(https_url(table["URL"][0])) as answer:
        assert answer.read() == key.encode()
    urllib.request.urlopen(urllib.request.Request(https_url(url), method="DELETE")).close()


# The fast way ---------------------------------------------------------------------------------------------------------


@given(st.from_regex(gate._USUAL.__self__, fullmatch=True))
def test_what_the_fast_way_admits_the_gate_admits_unchanged(url):
    location = remote_location(url)
    assert isinstance(location, S3Location)
    assert location.key
    assert str(location) == url


@given(
    st.text("s3:/ab.-_%\x00\x7f\x9b\u2028\\?#@~é", max_size=40)
    | st.builds("s3://{}/{}".format, st.text("aB.-_", max_size=4), st.text("a./:\n%é", max_size=12))
)
def test_the_gate_of_rows_is_the_gate(url):
    found = gate.RowGate()
    rows = gate.Rows(*np.zeros((2, 1), "M8[us]"), [url], np.zeros(1), {})
    admitted = found.admit(rows, frozenset()).url
    try:
        location = remote_location(url)
    except LocationError:
        assert admitted == []
        assert list(found.refused) == [url]
    else:
        assert admitted == ([url] if getattr(location, "key", "x") else [])


def test_a_search_that_finds_more_files_than_the_bound_says_which(server, monkeypatch):
    monkeypatch.setattr(limits, "files", 2)
    fill(server, {"x": {2020: rows("s3://b/1", "s3://b/2")}, "y": {2020: rows("s3://b/3")}})
    assert len(search(DAY, DATASET)) == 2
    with pytest.raises(LimitError, match=r"3 files, and at most 2 .*sunpy_heliocloud.limits.files = 3"):
        search(DAY, DATASET | a.heliocloud.Dataset("y"))
