"""Downloads: whole files or none."""

import hashlib
import inspect
import json
import os
import re
import resource
import shutil
from pathlib import Path

import numpy as np
import parfive
import pytest

from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import entry, fill, search
from helpers import event_loops_closed
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.net import HelioCloudClient, download, transfer
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.response import response
from sunpy_heliocloud.net.rows import Rows

DAY = a.Time("2020-02-01", "2020-02-02")
pytestmark = pytest.mark.usefixtures("short_pauses")


def fetch(*results, **options):
    with event_loops_closed():
        return Fido.fetch(*results, progress=False, **options)


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


@pytest.mark.parametrize("mine", [b"my own file", bytes(300_000), b"\x02" * 200_000])
def test_a_whole_file_of_another_kind_is_never_overwritten_unless_asked(files, tmp_path, mine):
    table, contents = files
    name = "1 +ü.fits"
    theirs = tmp_path / name
    theirs.write_bytes(mine)
    table["checksum"] = hashlib.sha256(contents[name]).hexdigest()
    table["checksum_algorithm"] = "sha256"
    for _ in range(2):
        (path,) = fetch(table[1], path=tmp_path)
        assert Path(path).read_bytes() == contents[name]
        assert theirs.read_bytes() == mine
        assert len(contents_of(tmp_path)) == 2
    # Another version of the file where its own name is taken, too.
    Path(path).write_bytes(b"an older version")
    results = fetch(table[1], path=tmp_path)
    assert "older version of it: fetch with overwrite=True" in str(results.errors[0].exception)
    assert len(fetch(table[1], path=tmp_path, overwrite="unique")) == 1
    assert theirs.read_bytes() == mine
    assert list(fetch(table[1], path=tmp_path, overwrite=True)) == [str(theirs)]
    assert theirs.read_bytes() == contents[name]


def test_a_link_in_the_folder_is_not_written_through(files, tmp_path):
    table, contents = files
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.write_bytes(b"mine")
    (folder / "0 +ü.fits").symlink_to(elsewhere)
    (folder / "1 +ü.fits").symlink_to(tmp_path / "missing")
    for overwrite in (False, True):
        results = fetch(table, path=folder, overwrite=overwrite)
        assert sorted(Path(path).read_bytes() for path in results) == sorted(contents.values())
        assert elsewhere.read_bytes() == b"mine"
        assert not (tmp_path / "missing").exists()


def test_a_link_that_leads_out_of_the_folder_is_refused(files, tmp_path):
    table, _ = files
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "x").symlink_to(elsewhere)
    results = fetch(table, path=str(folder / "{dataset}" / "{file}"))
    assert len(results.errors) == 3
    assert "a link leads out of the folder that path names" in str(results.errors[0].exception)
    assert not list(elsewhere.iterdir())
    # What the caller names may be a link.
    assert len(fetch(table, path=folder / "x")) == 3


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


def test_folder_that_cannot_be_made(files, tmp_path):
    table, contents = files
    (tmp_path / "afile").write_text("here before")
    results = fetch(table, path=str(tmp_path / "afile" / "{dataset}" / "{file}"))
    assert list(results) == []
    assert len(results.errors) == 3
    assert "was not downloaded: [Errno 20] Not a directory" in str(results.errors[0].exception)
    assert contents_of(tmp_path) == {"afile": b"here before"}
    # Only the files that belong there are concerned.
    (tmp_path / "2020-02-01T00:01:00.000").write_text("here before")
    results = fetch(table, path=str(tmp_path / "{start_time}" / "{file}"))
    assert len(results) == 2
    assert "1%20%2B%C3%BC.fits was not downloaded" in str(results.errors[0].exception)


def test_folder_that_cannot_be_written_to(files, tmp_path, monkeypatch):
    table, _ = files

    def refuse(path, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    results = fetch(table, path=tmp_path)
    assert len(results.errors) == 3
    assert "was not downloaded: [Errno 13] Permission denied" in str(results.errors[0].exception)


def test_disk_that_becomes_full(server, files, tmp_path):
    table, contents = files
    rows = f"2020-02-01T01Z,2020-02-01T01Z,{server.write('x/big.fits', bytes(2_000_000))},\n"
    fill(server, {"big": {2020: rows}})
    big = search(DAY, a.heliocloud.Dataset("big"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        results = fetch(big, table, path=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (error,) = results.errors
    assert "big.fits was not downloaded: [Errno 27] File too large" in str(error.exception)
    assert contents_of(tmp_path) == contents


def test_disk_that_is_too_small(files, tmp_path, monkeypatch):
    table, contents = files
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 500_000))
    with pytest.raises(OSError, match=r"files need 0.0006 Gbyte, and the disk of .* has 0.0005 Gbyte left"):
        fetch(table, path=tmp_path)
    assert contents_of(tmp_path) == {}
    assert len(fetch(table[:2], path=tmp_path)) == 2
    # What is there already needs no space.
    assert len(fetch(table, path=tmp_path)) == 3


def test_long_names(server, tmp_path):
    name = f"{'a' * 245}.fits"
    fill(server, {"x": {2020: f"2020-02-01,2020-02-01,{server.write(name, b'1')},1\n"}})
    assert list(fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path)) == [str(tmp_path / name)]


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


def same_names(server, sizes=(1, 2)):
    """A table of files that have one name, and their contents by folder."""
    rows, contents = "", {}
    for i, size in enumerate(sizes):
        contents[str(i)] = bytes([i + 1]) * size
        rows += f"2020-02-01T0{i}:00Z,,{server.write(f'{i}/a.fits', contents[str(i)])},{size}\n"
    fill(server, {"x": {2020: rows}})
    return search(DAY, a.heliocloud.Dataset("x")), contents


@pytest.mark.parametrize("sizes", [(1, 2), (2, 2)])
def test_two_files_of_one_name_are_kept_apart_and_found_again(server, tmp_path, sizes):
    table, contents = same_names(server, sizes)
    results = fetch(table, path=tmp_path)
    assert [Path(path).read_bytes() for path in results] == list(contents.values())
    assert all(Path(path).name.startswith("a-") and Path(path).suffix == ".fits" for path in results)
    server.reset()
    assert list(fetch(table, path=tmp_path)) == list(results)
    for i in range(2):
        assert list(fetch(table[i], path=tmp_path)) == [results[i]]
    assert not [request for request in server.log if request.key.endswith("a.fits")]


def test_names_that_differ_in_case_only_are_kept_apart(server, tmp_path):
    rows = "".join(
        f"2020-02-01T0{i}:00Z,,{server.write(f'{i}/{name}', name.encode())},6\n"
        for i, name in enumerate(["a.fits", "A.fits"])
    )
    fill(server, {"x": {2020: rows}})
    results = fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path)
    assert [Path(path).read_bytes() for path in results] == [b"a.fits", b"A.fits"]
    assert len({path.casefold() for path in results}) == 2


def test_a_template_that_gives_two_files_one_name_is_an_error(server, tmp_path):
    table, _ = same_names(server)
    with pytest.raises(ValueError, match=r"0/a.fits and .*1/a.fits would both be saved as .*all.fits"):
        HelioCloudClient().fetch(
            table, path=tmp_path / "all.fits", downloader=parfive.Downloader(progress=False)
        )


BAD_URLS = [
    "s3://b/folder/",
    "s3://b",
    "s3://b/..",
    "gs://b/a.fits",
    "/etc/passwd",
    "file:///",
    "file:///etc/passwd",
    "",
    "https://127.0.0.1/a.fits",
    "https://example.org/",
    "https://example.org/%2e%2e/a.fits",
    "simplecache::s3://b/a.fits",
    "s3://b/a\x00.fits",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_row_is_one_error_and_the_rest_is_fetched(files, tmp_path, url):
    table, contents = files
    times = np.array(["2020", "2021"], "datetime64[us]")
    good = https_url(table["URL"][0])
    rows = Rows(times, times, [url, good], np.array([1.0, np.nan]), {})
    results = fetch(response_of(rows), path=tmp_path)
    assert contents_of(tmp_path) == {"0%20%2B%C3%BC.fits": contents["0 +ü.fits"]}
    (error,) = results.errors
    assert error.url == url
    assert "was not downloaded" in str(error.exception)
    assert str(error.exception).isprintable()


def test_a_private_server_that_the_query_names_is_asked(server, tmp_path, monkeypatch):
    bucket = f"{server.endpoint_url}/{server.url.removeprefix('s3://')}"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.delenv("ROOT_CATALOG_REGISTRY_URL")
    server.write("a.fits", b"content")
    server.write("catalog.json", json.dumps({"catalog": [entry("x", f"{bucket}registries/")]}).encode())
    server.write("registries/x_2020.csv", f"2020-02-01T01:00Z,,{bucket}a.fits,7\n".encode())
    table = Fido.search(DAY, a.heliocloud.Dataset("x"), a.heliocloud.Bucket(bucket))[0]
    assert fetch(table, path=tmp_path).errors == []
    assert contents_of(tmp_path) == {"a.fits": b"content"}
    # The same table without what the caller has named.
    table.meta["bucket"] = None
    assert "is not encrypted" in str(fetch(table, path=tmp_path).errors[0].exception)


def test_a_file_of_a_folder_that_the_caller_names_is_not_copied(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(b"1")
    times = np.array(["2020"], "datetime64[us]")
    table = response_of(Rows(times, times, [str(path)], np.array([1.0]), {}))
    table.meta["bucket"] = str(tmp_path)
    results = fetch(table, path=tmp_path / "copies")
    assert "is a file of this machine" in str(results.errors[0].exception)


def response_of(rows):
    table = response([(Entry("x", "s3://b/", "s3://b/"), rows)])
    table.client = HelioCloudClient()
    return table


def test_names_that_files_cannot_have_everywhere(server, tmp_path):
    rows = ""
    for hour, name in enumerate(["2020-02-01T00:00:00.fits", 'a*b?"c".fits', "a\\..\\b"]):
        url = server.write(f"d/{name}", b"content")
        rows += f"2020-02-01T0{hour}Z,2020-02-01T0{hour}Z,{url},7\n"
    fill(server, {"x": {2020: rows}})
    assert fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path).errors == []
    assert contents_of(tmp_path).keys() == {"2020-02-01T00_00_00.fits", "a_b__c_.fits", "a_.._b"}


def test_template_stays_in_its_folder(server, tmp_path):
    url = server.write("a.fits", b"content")
    content = {"catalog": [entry("..", f"{server.url}registries/")]}
    fill(server, {"..": {2020: f"2020-02-01T01:00Z,,{url},7\n"}})
    server.write("catalog.json", json.dumps(content).encode())
    table = search(DAY, a.heliocloud.Dataset(".."))
    results = fetch(table, path=str(tmp_path / "{dataset}/{file}"))
    assert list(results) == [str(tmp_path / "_/a.fits")]


@pytest.mark.parametrize("template", ["{nokey}/{file}", "{start_time:%Y}/{file}", "{}/{file}", "{/{file}"])
def test_template_that_cannot_be_filled_in(files, tmp_path, template):
    keys = ", ".join(
        f"{{{name}}}" for name in ("dataset", "end_time", "file", "instrument", "provider", "size")
    )
    with pytest.raises(ValueError, match=f"path .*file}}' cannot be filled in .*: expected .*are {keys}"):
        fetch(files[0], path=str(tmp_path / template))


def test_columns_of_the_index_do_not_shadow_those_of_the_table(server, tmp_path):
    header = "# start, stop, datakey, filesize, wavelength, dataset, note\n"
    url = server.write("a.fits", b"1")
    fill(server, {"aia_0171": {2020: f"{header}2020-02-01,2020-02-01,{url},1,195,../spoof,n\n"}})
    table = search(DAY, a.heliocloud.Dataset("aia_0171"))
    paths = fetch(table, path=str(tmp_path / "{dataset}/{wavelength}/{note}/{file}"))
    assert list(paths) == [str(tmp_path / "aia_0171/171.0 Angstrom/n/a.fits")]


@pytest.mark.parametrize(
    ("url", "https"),
    [
        ("s3://gov-nasa-hdrl-data1/sdo/a.fits", "https://gov-nasa-hdrl-data1.s3.amazonaws.com/sdo/a.fits"),
        ("s3://b/a b+#?.fits", "https://b.s3.amazonaws.com/a%20b%2B%23%3F.fits"),
        ("s3://my.bucket/a.fits", "https://s3.amazonaws.com/my.bucket/a.fits"),
        ("https://example.org/a.fits", "https://example.org/a.fits"),
    ],
)
def testhttps_url(url, https, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert https_url(url) == https


def test_names_that_clash_between_tables(server, tmp_path):
    """Two tables of one call of Fido.fetch."""
    for id in ("x", "y"):
        server.write(f"{id}/a.fits", id.encode())
    rows = {id: {2020: f"2020-02-01,,{server.url}{id}/a.fits,1\n"} for id in ("x", "y")}
    fill(server, rows)
    response = Fido.search(DAY, a.heliocloud.Dataset("x") | a.heliocloud.Dataset("y"))
    assert len(response) == 2
    for _ in range(2):
        first, second = sorted(fetch(response, path=tmp_path), key=len)
        assert (Path(first).read_bytes(), Path(second).read_bytes()) == (b"x", b"y")
    assert len(contents_of(tmp_path)) == 2
    fetch(response, path=str(tmp_path / "{dataset}/{file}"))
    assert (tmp_path / "x/a.fits").read_bytes() == b"x"
    assert (tmp_path / "y/a.fits").read_bytes() == b"y"


def test_a_failed_alternative_does_not_stop_the_others(files, tmp_path):
    _, contents = files
    response = Fido.search(DAY, a.heliocloud.Dataset("x") | a.heliocloud.Dataset("nope"))
    with pytest.warns(SunpyUserWarning, match="search failed.* no data set 'nope'"):
        results = fetch(response, path=tmp_path)
    assert results.errors == []
    assert contents_of(tmp_path) == contents
    nothing = a.Time("2020-05-01", "2020-05-02")
    assert list(fetch(Fido.search(nothing, a.heliocloud.Dataset("x")), path=tmp_path)) == []


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        ("sha256", "sha256"),
        ("SHA-256", "sha256"),
        ("sha_256", "sha256"),
        ("MD5", "md5"),
        ("SHA", "sha1"),
        ("SHA3-256", "sha3_256"),
        ("sha3_512", "sha3_512"),
        ("blake2b", "blake2b"),
    ],
)
def test_checksums(server, tmp_path, algorithm, name):
    digest = hashlib.new(name, b"content").hexdigest().upper()
    rows = "# start, stop, datakey, filesize, checksum, checksum_algorithm\n"
    for hour in (1, 2):
        rows += f"2020-02-01T0{hour}Z,,{server.url}{hour}.fits,7,{digest},{algorithm}\n"
    fill(server, {"x": {2020: rows}})
    server.write("1.fits", b"content")
    server.write("2.fits", b"damaged")
    (tmp_path / "1.fits").write_bytes(b"con\0\0\0\0")  # what a program left that writes parts as they come
    results = fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path)
    assert list(results) == [str(tmp_path / "1.fits")]
    assert f"its {name} differs from that in the catalogue" in str(results.errors[0].exception)
    assert contents_of(tmp_path) == {"1.fits": b"content"}


@pytest.mark.parametrize("algorithm", ["crc1", "shake_128"])
def test_unknown_checksum(server, tmp_path, algorithm):
    rows = "# start, stop, datakey, filesize, checksum, checksum_algorithm\n"
    fill(server, {"x": {2020: f"{rows}2020-02-01T01Z,,{server.url}1.fits,7,abc,{algorithm}\n"}})
    server.write("1.fits", b"content")
    with pytest.warns(
        SunpyUserWarning, match=f"1.fits is not verified: its algorithm '{algorithm}' is not known"
    ):
        assert len(fetch(search(DAY, a.heliocloud.Dataset("x")), path=tmp_path)) == 1


def test_what_a_killed_process_left_is_removed(files, tmp_path):
    table, contents = files
    old, new = (tmp_path / f".{k}.fits.{k * 32}.part" for k in "ab")
    others = tmp_path / ".other.part"
    for path in (old, new, others):
        path.write_bytes(b"half")
        if path != new:
            os.utime(path, (0, 0))
    fetch(table, path=tmp_path)
    assert set(contents_of(tmp_path)) == {*contents, new.name, others.name}


def test_progress_bars_carry_the_names_of_files(files, tmp_path, capsys):
    table, contents = files
    with event_loops_closed():
        Fido.fetch(table, path=tmp_path, max_conn=1)
    bars = capsys.readouterr().err
    assert "HelioCloud: 100%" in bars
    assert "3/3" in bars
    assert "0 +ü.fits:" in bars
    assert contents_of(tmp_path) == contents


def test_no_downloader_is_patched(files, tmp_path, capsys):
    """Whoever brings a downloader can use it again, for other files too."""
    table, contents = files
    called = []
    config = parfive.SessionConfig(done_callbacks=[lambda *what: called.append(what)])
    downloader = parfive.Downloader(progress=True, config=config)
    before = {**vars(downloader)}
    for _ in range(2):
        HelioCloudClient().fetch(table, path=str(tmp_path / "{file}"), downloader=downloader)
        assert vars(downloader) == before
        assert downloader.queued_downloads == 0
    assert called == [
        (str(tmp_path / name), https_url(url), None) for name, url in zip(contents, table["URL"], strict=True)
    ]
    assert downloader.config.progress
    downloader.enqueue_file(https_url(table["URL"][0]), path=tmp_path / "again")
    assert len(fetch(table, path=tmp_path, downloader=downloader)) == 4
    downloader.enqueue_file(https_url(table["URL"][1]), path=tmp_path / "again")
    with event_loops_closed():
        assert len(downloader.download()) == 1


def test_no_private_name_of_parfive_is_used():
    for module in (download, transfer):
        source = inspect.getsource(module)
        assert not re.search(r"(downloader|parfive|like|results|config)\w*(\.\w+)*\._", source)
        assert not re.search(r"class \w+\(.*Downloader", source)
