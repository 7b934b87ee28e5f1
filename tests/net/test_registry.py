"""The registry alone falls back to the last copy seen, then to a shipped one."""

import contextlib
import dataclasses
import json
import socket
import time

import pytest

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import fill, rows_of, search
from sunpy_heliocloud import limits
from sunpy_heliocloud.io.cache import cache
from sunpy_heliocloud.net import CatalogError, datasets, http, registry

DAY = a.Time("2020-02-01", "2020-02-02")
X = a.heliocloud.Dataset("x")
pytestmark = pytest.mark.usefixtures("short_pauses")
GARBAGE = [b"", b"<html>", b"[" * 10**5, b'{"registry": [' + b"[" * 500 + b"]" * 500 + b"]}", b'{"registry": []}', b'{"registry": [{"endpoint": "file:///etc/"}]}',
           b'{"registry": {"endpoint": "s3://b/"}}', b'{"registry": [{"endpoint": 7}, {"endpoint": ["s3://b/"]}]}']  # fmt: skip


@pytest.fixture
def server(server, monkeypatch):
    monkeypatch.setattr(registry, "_given_up", {})
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 2)}})
    return server


@pytest.fixture
def own_registry(server, monkeypatch):
    """HelioCloud's own registry, on this machine: its address is the usual one, and not set by the caller."""
    monkeypatch.setattr(registry, "REGISTRY_URL", server.registry_url)
    monkeypatch.delenv("ROOT_CATALOG_REGISTRY_URL")
    return server


def test_the_registry_falls_back_to_the_last_copy_seen_with_a_warning_that_says_how_old_it_is(
    server, monkeypatch
):
    assert len(search(DAY, X)) == 2
    server.fail("HelioDataRegistry.json", status=403, times=None)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 86400)
    for _ in range(2):
        with pytest.warns(
            SunpyUserWarning, match=r"replaced by a copy that was read 3 days ago. http://.*403"
        ) as warned:
            assert len(search(DAY, X)) == 2
        assert len(warned) == 1


@pytest.mark.parametrize("content", GARBAGE)
def test_a_registry_that_is_garbage_or_lists_nothing_usable_falls_back_and_is_not_kept(server, content):
    assert len(search(DAY, X)) == 2
    server.write("HelioDataRegistry.json", content)
    for _ in range(2):
        registry._given_up.clear()
        with pytest.warns(
            SunpyUserWarning, match="copy that was read .* seconds ago. .*HelioDataRegistry.json"
        ):
            assert len(search(DAY, X)) == 2


def test_a_registry_that_hangs_falls_back_and_is_not_waited_for_again(server, monkeypatch):
    assert len(search(DAY, X)) == 2
    copy = cache.find(server.registry_url)
    monkeypatch.setattr(limits, "patience", 0.2)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/registry.json"
        monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", url)
        cache.keep(copy.new(url, bytes(copy.data), etag="1"))
        for _ in range(2):
            with pytest.warns(SunpyUserWarning, match=rf"copy that was read \d seconds ago. {url}"):
                assert len(search(DAY, X)) == 2
        silent.settimeout(0)
        asked = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
    # One search, and what it repeats.
    assert 1 <= asked <= 5


def test_without_a_copy_the_registry_that_was_shipped_counts(own_registry):
    own_registry.fail("HelioDataRegistry.json", status=403, times=None)
    with pytest.warns(
        SunpyUserWarning, match=r"came with this version .* was made \d+ days ago. http://.*403"
    ):
        assert len(search(DAY, X)) == 2
    with pytest.warns(SunpyUserWarning, match="came with this version"):
        assert list(datasets()["id"]) == ["x"]


def test_a_damaged_copy_counts_for_none(own_registry):
    assert len(search(DAY, X)) == 2
    for path in (cache.folder / "documents").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    own_registry.fail("HelioDataRegistry.json", status=403, times=None)
    with pytest.warns(SunpyUserWarning, match="came with this version"):
        assert len(search(DAY, X)) == 2


def test_a_registry_of_the_callers_own_is_not_replaced_by_the_one_of_the_package(server):
    server.fail("HelioDataRegistry.json", status=403, times=None)
    with pytest.raises(CatalogError, match="403.*ROOT_CATALOG_REGISTRY_URL"):
        search(DAY, X)


def test_a_registry_that_can_be_read_again_is(server):
    assert len(search(DAY, X)) == 2
    server.fail("HelioDataRegistry.json", status=403)
    with pytest.warns(SunpyUserWarning, match="copy"):
        search(DAY, X)
    registry._given_up.clear()
    assert len(search(DAY, X)) == 2


@pytest.mark.parametrize("key", ["catalog.json", "registries/x_2020.csv"])
def test_a_catalogue_or_index_that_cannot_be_reached_is_an_error_cached_or_not_never_no_data(server, key):
    for _ in range(2):
        server.fail(key, status=403, times=None)
        with pytest.raises(CatalogError, match=f"{key}.*403"):
            search(a.Time("2020-02-01", "2027-02-02"), X)
        server.heal()
        search(DAY, X)
        # The catalogue has changed, so that the index of a past year is asked about.
        server.write(
            "catalog.json",
            json.dumps({"catalog": [{"id": "x", "index": f"{server.url}registries/"}]}).encode(),
        )


def test_the_shipped_registry_is_one():
    document = registry._shipped()
    assert registry._buckets(document) == (["s3://gov-nasa-hdrl-data1/"], [])
    assert dataclasses.replace(document.entry, checked=0).checked < document.entry.checked < time.time()


def test_a_registry_of_the_callers_own_may_be_a_file_with_its_path_or_a_url(server, monkeypatch, tmp_path):
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"registry": [{"endpoint": server.url}]}))
    for url in (str(path), path.as_uri()):
        monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", url)
        assert list(datasets()["id"]) == ["x"]
        assert http.exists(url, trusted=[str(path)])
        assert http.size_of(url, trusted=[str(path)]) == path.stat().st_size


def test_user_info_in_the_address_of_a_registry_is_not_shown(monkeypatch):
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "https://user:secret@host.org/registry.json")
    with pytest.raises(CatalogError, match="user info") as error:
        search(DAY, X)
    assert "secret" not in str(error.value)
