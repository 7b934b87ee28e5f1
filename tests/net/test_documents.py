"""What a search asks again and what it does not, and what it does with a damaged cache."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

import astropy.units as u

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import fill, rows_of, search
from sunpy_heliocloud import cache
from sunpy_heliocloud.io.cache_file import Entry
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.documents import last_copy

DAY = a.Time("2020-02-01", "2020-02-02")
X = a.heliocloud.Dataset("x")
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def server(server):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01T00:00", 300)}})
    server.reset()
    return server


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
    assert len(search(a.Time("2020-02-01T05:00", "2020-02-01T06:00"), X)) == 15


def test_a_past_year_is_asked_about_after_a_day(server, monkeypatch):
    search(DAY, X)
    asked(server)
    now = time.time()
    monkeypatch.setattr("sunpy_heliocloud.io.cache_file.time.time", lambda: now + 86401)
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


@pytest.mark.parametrize("damage", ["cut", "noise", "gone", "garbage", "flipped"])
def test_damage_is_read_again_and_written_anew_without_a_word(server, damage):
    before = search(DAY, X)
    for path in (cache.folder / "documents").iterdir():
        data = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "flipped":
            path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        else:
            path.write_bytes({"cut": data[: len(data) // 2], "noise": data[::-1], "garbage": b"?"}[damage])
    asked(server)
    assert list(search(DAY, X)["URL"]) == list(before["URL"])
    assert [status for _, status in asked(server)] == [200, 200, 200]
    assert list(search(DAY, X)["URL"]) == list(before["URL"])
    assert [status for _, status in asked(server)] == [304, 304]


@pytest.mark.parametrize(
    "key", ["registries/HelioDataRegistry.json", "catalog.json", "registries/x_2020.csv"]
)
def test_what_was_kept_and_cannot_be_understood_is_read_again(server, key):
    """Bytes that match their checksums, as another version of the package may have kept them."""
    before = search(DAY, X)
    url = https_url(f"{server.url}{key.removeprefix('registries/') if 'Registry' in key else key}")
    known = cache.find(url)
    cache.keep(replace(known, record=Entry.new(url, b"?", etag=known.record.etag).record, data=b"?"))
    asked(server)
    assert list(search(DAY, X)["URL"]) == list(before["URL"])
    assert [status for name, status in asked(server) if key.endswith(name)][-1:] == [200]


def test_damage_that_cannot_be_read_again_names_the_folder_and_clear(server):
    search(DAY, X)
    for path in (cache.folder / "documents").iterdir():
        path.write_bytes(b"?")
    server.fail("*", times=None)
    with pytest.raises(
        CatalogError, match=rf"{re.escape(str(cache.folder))}.*sunpy_heliocloud\.cache\.clear\(\)"
    ):
        search(DAY, X)


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
    assert [path.name for path in cache.folder.rglob("*") if path.is_file()] == ["somebody_elses.txt"]


def test_without_a_cache(server, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "folder", tmp_path)
    monkeypatch.setattr(cache, "enabled", False)
    for _ in range(2):
        search(DAY, X)
        assert [status for _, status in asked(server)] == [200, 200, 200]
    assert list(cache.folder.iterdir()) == []


def test_the_last_good_copy_of_a_registry_survives_a_bad_one(server):
    search(DAY, X)
    url = f"{server.url}HelioDataRegistry.json"
    good = bytes(last_copy(url).data)
    server.write("HelioDataRegistry.json", b"<html>")
    with pytest.warns(SunpyUserWarning, match="replaced by a copy"):
        search(DAY, X)
    assert bytes(last_copy(url).data) == good
    assert last_copy(f"{url}.other") is None
