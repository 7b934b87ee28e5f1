"""The cache on disk: what is asked again, what is not, and what happens to damage, limits and company."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import astropy.units as u

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import fill, rows_of, search
from sunpy_heliocloud.net import CatalogError, cache
from sunpy_heliocloud.net.disk_cache import Cache

DAY = a.Time("2020-02-01", "2020-02-02")
X = a.heliocloud.Dataset("x")
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def server(shared_server):
    fill(shared_server, {"x": {2020: rows_of("x", "2020-02-01T00:00", 300)}})
    shared_server.reset()
    return shared_server


@pytest.fixture
def own(tmp_path):
    """A cache in a folder of its own."""
    own = Cache()
    own.folder = tmp_path / "cache"
    return own


def asked(server):
    """What the server was asked, and answered, since the last time."""
    log = [(request.key.removeprefix("registries/"), request.status) for request in server.log]
    server.reset()
    return log


def test_a_past_year_is_not_asked_about_again(server):
    first = search(DAY, X)
    assert [status for _, status in asked(server)] == [200, 200, 200]
    again = search(DAY, X)
    assert asked(server) == [("HelioDataRegistry.json", 304), ("catalog.json", 304)]
    assert list(first["URL"]) == list(again["URL"])
    np.testing.assert_array_equal(first["Start time"].jd, again["Start time"].jd)
    assert len(search(a.Time("2020-02-01T05:00", "2020-02-01T06:00"), X)) == 16


def test_a_past_year_is_asked_about_after_a_day(server, monkeypatch):
    search(DAY, X)
    asked(server)
    now = time.time()
    monkeypatch.setattr("sunpy_heliocloud.net.disk_cache.time.time", lambda: now + 86401)
    search(DAY, X)
    assert asked(server)[-1] == ("x_2020.csv", 304)
    search(DAY, X)
    assert asked(server)[-1] == ("catalog.json", 304)


def test_a_past_year_is_asked_about_when_the_catalogue_has_changed(server):
    search(DAY, X)
    fill(server, {"x": {2020: rows_of("x", "2020-02-01T00:00", 2)}}, modification="2026")
    server.reset()
    assert len(search(DAY, X)) == 2
    assert asked(server)[-1] == ("x_2020.csv", 200)


def test_the_present_year_is_asked_about_every_time(server):
    year = datetime.now(UTC).year
    fill(server, {"x": {year: rows_of("x", f"{year}-01-01T00:00", 3)}})
    span = a.Time(f"{year}-01-01", f"{year}-01-01T00:05")
    search(span, X)
    asked(server)
    search(span, X)
    assert (f"x_{year}.csv", 304) in asked(server)
    server.write(f"registries/x_{year}.csv", rows_of("x", f"{year}-01-01T00:00", 1).encode())
    assert len(search(span, X)) == 1


@pytest.mark.parametrize("pattern", ["*.data", "*.npy", "*.json"])
@pytest.mark.parametrize("damage", ["cut", "noise", "gone"])
def test_damage_is_read_again(server, pattern, damage):
    before = search(DAY, X)
    for path in cache.folder.glob(pattern):
        size = path.stat().st_size
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"\xff" * (size if damage == "noise" else size // 2))
    for _ in range(2):
        assert list(search(DAY, X)["URL"]) == list(before["URL"])


def test_a_bad_index_is_not_believed_for_a_day(server):
    server.write("registries/x_2020.csv", b"Bad gateway\n")
    for _ in range(2):
        with pytest.raises(CatalogError, match="row 1 has too few fields"):
            search(DAY, X)
    server.write("registries/x_2020.csv", rows_of("x", "2020-02-01T00:00", 4).encode())
    assert len(search(DAY, X)) == 4


def test_other_servers_have_other_indexes(server, monkeypatch):
    search(DAY, X)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(CatalogError, match="network"):
        search(DAY, X)


def test_clear_and_size(server, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "folder", tmp_path)
    search(DAY, X)
    assert cache.size() > 10 * u.kbyte
    (cache.folder / "somebody_elses.txt").write_text("")
    cache.clear()
    assert [path.name for path in cache.folder.iterdir()] == ["somebody_elses.txt"]


def test_without_a_cache(server, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "folder", tmp_path)
    monkeypatch.setattr(cache, "enabled", False)
    for _ in range(2):
        search(DAY, X)
        assert [status for _, status in asked(server)] == [200, 200, 200]
    assert list(cache.folder.iterdir()) == []


def test_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("SUNPY_HELIOCLOUD_CACHE", "off")
    assert not Cache().enabled
    monkeypatch.setenv("SUNPY_HELIOCLOUD_CACHE", str(tmp_path))
    assert Cache().folder == tmp_path
    monkeypatch.delenv("SUNPY_HELIOCLOUD_CACHE")
    assert Cache().folder.name == "sunpy_heliocloud"


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "_folder", tmp_path / "file" / "cache")
    with pytest.warns(SunpyUserWarning, match="SUNPY_HELIOCLOUD_CACHE"):
        assert len(search(DAY, X)) == 300


def test_size_limit(own):
    own.size_limit = 40 * u.kbyte
    for k in range(10):
        own.keep(f"https://server/{k}", bytes(10_000), etag="1")
    assert own.size() <= 40 * u.kbyte
    assert own.find("https://server/9")
    assert not own.find("https://server/0")


def test_what_was_used_least_recently_goes_first(own):
    own.size_limit = 1 * u.Mbyte
    for k in range(3):
        own.keep(f"https://server/{k}", bytes(10_000), etag="1")
    for path in own.folder.iterdir():
        os.utime(path, (0, 0))
    assert own.find("https://server/0")
    own.size_limit = 25 * u.kbyte
    own.keep("https://server/3", bytes(10_000), etag="1")
    assert [k for k in range(4) if own.find(f"https://server/{k}")] == [0, 3]


def test_what_has_no_version_is_not_kept(own):
    assert own.keep("https://server/", b"data", etag="") is None
    assert own.find("https://server/") is None


def test_a_record_never_leads_out_of_the_folder(own, tmp_path):
    own.keep("https://server/", b"data", etag="1")
    (tmp_path / "secret").write_bytes(b"data")
    (record,) = own.folder.glob("*.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"content": "../secret"}))
    assert own.find("https://server/") is None


def test_two_processes(tmp_path):
    """Each writes its own version again and again; nobody ever reads a mixture."""
    code = """
import sys
from sunpy_heliocloud.net.disk_cache import Cache
cache, letter = Cache(), sys.argv[1].encode()
for k in range(60):
    cache.keep("https://server/", letter * 50_000, etag="1")
    if found := cache.find("https://server/"):
        assert found[1] in (b"a" * 50_000, b"b" * 50_000)
"""
    environment = {"SUNPY_HELIOCLOUD_CACHE": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    root = Path(__file__).parents[2]
    runs = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, letter], cwd=root, env=environment)
        for letter in "ab"
    ]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert not list(tmp_path.glob("*.part"))


def test_what_another_process_is_writing_is_left_alone(own):
    """Only what it will never finish goes."""
    record = own.keep("https://server/", b"data", etag="1")
    unfinished, abandoned = (own.folder / f"{record.content}.{k * 8}.part" for k in "ab")
    for path in (unfinished, abandoned):
        path.write_bytes(b"half")
    os.utime(abandoned, (0, 0))
    own.forget("https://server/")
    own.clear()
    assert list(own.folder.iterdir()) == [unfinished]
