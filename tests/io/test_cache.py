"""The cache on disk: damage, limits, company, and folders that cannot be used."""

import os
import re
import resource
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u

from sunpy.util.exceptions import SunpyUserWarning

import sunpy_heliocloud
from sunpy_heliocloud.io.cache import Cache
from sunpy_heliocloud.io.cache_content import Content, slices
from sunpy_heliocloud.io.cache_file import BLOCK, DamagedEntry, Entry, digest

URL = "https://server/catalog.json"
LARGE = np.random.default_rng(0).bytes(2_000_000)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache(tmp_path):
    return cache_in(tmp_path / "cache")


def cache_in(folder):
    cache = Cache()
    cache.folder = folder
    return cache


def keep(cache, url=URL, data=b"data", **more):
    cache.keep(Entry.new(url, data, etag='"1"', **more))


def read(cache, url=URL):
    """What a caller gets to see: right bytes, or None, in which case it asks the server."""
    try:
        known = cache.find(url)
        return known and bytes(known.data)
    except DamagedEntry:
        return None


def files(cache):
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def fill(cache):
    """Documents, a large one among them, and a batch of headers."""
    contents = {f"https://server/{k}": bytes([k]) * (10 + k) for k in range(3)} | {
        "https://server/large": LARGE
    }
    for url, data in contents.items():
        keep(cache, url, data, stamp="s")
    headers = {f"s3://b/{k}": bytes([k]) * (BLOCK * k // 2) for k in range(4)}
    cache.keep_headers([Entry.new(key, data, etag='"1"', size=9) for key, data in headers.items()])
    return contents, headers


def check(cache, contents, headers):
    """Nothing is wrong and nothing is raised; what is missing can be kept again."""
    for url, data in contents.items():
        if read(cache, url) != data:
            assert read(cache, url) is None
            keep(cache, url, data)
            assert read(cache, url) == data
    for _ in range(2):
        found = cache.find_headers(headers)
        assert {key: entry.data for key, entry in found.items()}.items() <= headers.items()
        cache.keep_headers(
            [Entry.new(key, data, etag='"1"') for key, data in headers.items() if key not in found]
        )
    assert cache.find_headers(headers).keys() == headers.keys()


# ---- one cache


def test_there_is_one_cache_and_it_is_exported_at_the_top():
    from sunpy_heliocloud.io.cache import cache
    from sunpy_heliocloud.net import cache as same

    assert sunpy_heliocloud.cache is cache is same


def test_one_folder_one_limit_and_one_clear_hold_for_documents_and_headers(cache):
    fill(cache)
    assert cache.size() > 2 * u.Mbyte
    assert cache.size() == sum(path.stat().st_size for path in files(cache)) * u.byte
    cache.clear()
    assert files(cache) == []
    assert cache.size() == 0 * u.byte


def test_the_environment_variable_names_the_folder_or_switches_it_off(monkeypatch, tmp_path):
    monkeypatch.setenv("SUNPY_HELIOCLOUD_CACHE", "off")
    assert not Cache().enabled
    monkeypatch.setenv("SUNPY_HELIOCLOUD_CACHE", str(tmp_path))
    assert Cache().folder == tmp_path
    monkeypatch.delenv("SUNPY_HELIOCLOUD_CACHE")
    assert Cache().folder.name == "sunpy_heliocloud"


def test_switched_off_it_keeps_and_finds_nothing(cache):
    contents, headers = fill(cache)
    before = files(cache)
    cache.enabled = False
    fill(cache)
    assert files(cache) == before
    assert [read(cache, url) for url in contents] == [None] * len(contents)
    assert cache.find_headers(headers) == {}


def test_what_has_no_etag_is_not_kept(cache):
    cache.keep(Entry.new(URL, b"data", etag=""))
    cache.keep_headers([Entry.new(URL, b"data", etag="")])
    assert files(cache) == []


def test_what_was_kept_comes_back(cache):
    contents, headers = fill(cache)
    for other in (cache, cache_in(cache.folder)):
        assert {url: read(other, url) for url in contents} == contents
        assert {key: entry.data for key, entry in other.find_headers(headers).items()} == headers
    known = cache.find("https://server/0")
    assert (known.record.etag, known.record.size) == ('"1"', None)
    assert cache.find_headers(headers)["s3://b/1"].record.size == 9


def test_the_newer_of_two_headers_counts_even_if_the_clock_was_set_back(cache, monkeypatch):
    for second, data in ((9, b"a"), (5, b"b"), (7, b"c")):
        monkeypatch.setattr(
            "sunpy_heliocloud.io.cache_batches.time.time_ns", lambda second=second: second * 10**9
        )
        cache.find_headers(["s3://b/0"])
        cache.keep_headers([Entry.new("s3://b/0", data, etag='"1"')])
        for any_process in (cache, cache_in(cache.folder)):
            assert any_process.find_headers(["s3://b/0"])["s3://b/0"].data == data


def test_the_last_copy_can_be_had_however_old_it_is(cache, monkeypatch):
    keep(cache)
    monkeypatch.setattr("sunpy_heliocloud.io.cache_file.time.time", lambda: 1e10)
    assert not cache.find(URL).is_fresh(1e9)
    assert cache.last(URL).data == b"data"
    assert cache.last("https://server/other") is None
    files(cache)[0].write_bytes(b"?")
    assert cache.last(URL) is None


def test_what_was_confirmed_is_fresh_for_those_who_know_the_same(cache, monkeypatch):
    now = 1e9
    monkeypatch.setattr("sunpy_heliocloud.io.cache_file.time.time", lambda: now)
    keep(cache, stamp="a")
    now += 100
    assert [cache.find(URL).is_fresh(*how) for how in ((101, "a"), (99, "a"), (101, "b"))] == [
        True,
        False,
        False,
    ]
    cache.confirm(cache.find(URL), stamp="b")
    assert [cache.find(URL).is_fresh(*how) for how in ((1, "a"), (1, "b"))] == [False, True]
    now -= 50
    assert not cache.find(URL).is_fresh(1e9, "b")  # The clock was set back.
    assert read(cache) == b"data"


def test_a_confirmation_does_not_meet_what_another_process_has_put_there(cache):
    keep(cache, stamp="a")
    old = cache.find(URL)
    keep(cache, data=b"newer", stamp="b")
    cache.confirm(old, stamp="a")
    assert not cache.find(URL).is_fresh(60, "a")
    cache.forget(URL)
    cache.confirm(old, stamp="a")
    assert files(cache) == []


# ---- checksums


@given(st.data())
def test_flip_any_byte_cut_anywhere_swap_files_and_nothing_is_ever_wrong(data):
    with tempfile.TemporaryDirectory() as folder:
        cache = cache_in(folder)
        contents, headers = fill(cache)
        if data.draw(st.booleans(), "its tables were read before"):
            cache.find_headers(headers)
        for _ in range(data.draw(st.integers(1, 3))):
            path, other = data.draw(st.permutations(files(cache)))[:2]
            size = path.stat().st_size
            # Most bytes are those of the large entry; the rest of the format is in the first ones.
            at = data.draw(st.integers(0, max(size - 1, 0)) | st.integers(0, min(200, max(size - 1, 0))))
            match data.draw(st.sampled_from(["flip", "cut", "swap", "copy", "garbage", "append"])):
                case "flip" if size:
                    with path.open("r+b") as file:
                        file.seek(at)
                        byte = file.read(1)[0]
                        file.seek(at)
                        file.write(bytes([byte ^ data.draw(st.integers(1, 255))]))
                case "cut":
                    os.truncate(path, at)
                case "swap":
                    path.rename(path.with_suffix(".other"))
                    other.rename(path)
                    path.with_suffix(".other").rename(other)
                case "copy":
                    shutil.copy(other, path)
                case "garbage":
                    path.write_bytes(data.draw(st.binary(max_size=100)))
                case "append":
                    path.write_bytes(path.read_bytes() + b"more")
        check(cache, contents, headers)
        check(cache_in(folder), contents, headers)


@pytest.mark.parametrize(
    "table",
    [
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        "9" * 10_000,
        '[["DIGEST", 1, null, 4, "00000000"]]',
        '[["DIGEST", "e", "9", 4, "00000000"]]',
        '[["DIGEST", "e", null, "4", "00000000"]]',
        '[["DIGEST", "e", null, -4, ""]]',
        '[["DIGEST", "e", null, 4.0, "00000000"]]',
        '[["DIGEST", "e", null, 4, "xyz"]]',
        '[["DIGEST", "e", null, 4, null]]',
        '[["DIGEST", "e", null, 4]]',
        '[["DIGEST", "e", null, 99999999999, "00000000"]]',
    ],
)
@pytest.mark.parametrize("kind", ["documents", "headers"])
def test_a_wrongly_typed_entry_whose_checksums_are_right_is_fetched_again(cache, table, kind):
    contents, headers = {URL: b"data"}, {"s3://b/0": b"data"}
    keep(cache)
    cache.keep_headers([Entry.new("s3://b/0", b"data", etag='"1"')])
    (path,) = (cache.folder / kind).iterdir()
    key = URL if kind == "documents" else "s3://b/0"
    table = table.replace("DIGEST", digest(key)).encode()
    path.write_bytes(
        struct.pack("<8sd16sIII", b"HELIOC01", 0, b"", 0, len(table), zlib.crc32(table)) + table + b"data"
    )
    check(cache, contents, headers)


def test_no_flipped_byte_makes_an_entry_fresh(cache):
    keep(cache, stamp="a")
    known = cache.find(URL)
    (path,) = files(cache)
    data = path.read_bytes()
    for at, byte in enumerate(data):
        for other in (0, 255, byte ^ 1, byte ^ 128):
            path.write_bytes(data[:at] + bytes([other]) + data[at + 1 :])
            with suppress(DamagedEntry):
                damaged = cache.find(URL)
                assert damaged.data == b"data"
                assert (damaged.checked, damaged.stamp) in ((known.checked, known.stamp), (-np.inf, b""))


def test_a_flipped_bit_in_a_large_entry_is_seen_when_its_block_is_looked_at(cache):
    keep(cache, data=LARGE)
    (path,) = files(cache)
    with path.open("r+b") as file:
        file.seek(-10, os.SEEK_END)
        file.write(bytes([LARGE[-10] ^ 4]))
    content = cache.find(URL).data
    assert isinstance(content, Content)
    assert content[:BLOCK] == LARGE[:BLOCK]
    for look in (
        bytes,
        lambda content: content[-20:],
        lambda content: slices(content, *np.array([[1], [1_999_999]])),
    ):
        with pytest.raises(DamagedEntry, match="checksums"):
            look(content)


@given(st.lists(st.tuples(st.integers(0, len(LARGE)), st.integers(0, 3 * BLOCK)), max_size=20))
def test_slices_of_a_large_entry_are_those_of_its_bytes(large, bounds):
    begin = np.array([begin for begin, _ in bounds], int)
    end = np.minimum(begin + np.array([length for _, length in bounds], int), len(LARGE))
    expected = [LARGE[i:j] for i, j in zip(begin, end, strict=True)]
    assert slices(large, begin, end) == expected
    assert [large[i:j] for i, j in zip(begin, end, strict=True)] == expected
    assert slices(LARGE, begin, end) == expected


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    cache = cache_in(tmp_path_factory.mktemp("cache"))
    keep(cache, data=LARGE)
    return cache.find(URL).data


def test_a_large_entry_is_as_good_as_its_bytes(large):
    assert len(large) == len(LARGE)
    assert bytes(large) == LARGE
    assert memoryview(large) == LARGE
    for begin in (0, 5, BLOCK - 1, len(LARGE) - 1):
        for part in (LARGE[100_000:100_010], LARGE[7 * BLOCK - 3 : 7 * BLOCK + 3], b"not in it"):
            assert large.find(part, begin) == LARGE.find(part, begin)


def test_an_array_is_made_once_and_again_when_its_source_changes(cache):
    made = []

    def make():
        made.append(1)
        return np.arange(5.0)

    def array(data, kind="f8"):
        return cache.array("times", Entry.new(URL, data, etag='"1"'), np.dtype(kind), make)

    for data, times in ((b"a", 1), (b"a", 1), (b"b", 2), (b"b", 2), (b"a", 3)):
        np.testing.assert_array_equal(array(data), np.arange(5.0))
        assert len(made) == times
    array(b"a", "i8")
    assert len(made) == 4
    files(cache)[0].write_bytes(b"?")
    np.testing.assert_array_equal(array(b"a"), np.arange(5.0))
    np.testing.assert_array_equal(array(b"a"), np.arange(5.0))
    assert len(made) == 5


# ---- limits


def test_the_size_limit_is_kept(cache):
    cache.size_limit = 40 * u.kbyte
    for k in range(10):
        keep(cache, f"https://server/{k}", bytes(10_000))
        cache.keep_headers([Entry.new(f"s3://b/{k}", bytes(5_000), etag='"1"')])
        assert cache.size() <= 40 * u.kbyte
    assert read(cache, "https://server/9")
    assert not read(cache, "https://server/0")


def test_what_was_used_least_recently_leaves_first(cache):
    for k in range(4):
        keep(cache, f"https://server/{k}", bytes(10_000))
        cache.keep_headers([Entry.new(f"s3://b/{k}", bytes(10_000), etag='"1"')])
    for path in files(cache):
        os.utime(path, (1, 1))
    assert read(cache, "https://server/0")
    assert cache.find_headers(["s3://b/2"])
    cache.size_limit = 50 * u.kbyte
    keep(cache, "https://server/4", bytes(10_000))
    assert {0, 4} <= {k for k in range(5) if read(cache, f"https://server/{k}")}
    assert "s3://b/2" in cache.find_headers(f"s3://b/{k}" for k in range(4))


def test_what_is_larger_than_the_limit_is_not_kept_and_drives_nothing_out(cache):
    keep(cache)
    cache.size_limit = 1 * u.kbyte
    keep(cache, "https://server/large", LARGE)
    assert read(cache) == b"data"
    assert len(files(cache)) == 1


def test_what_is_being_read_is_not_pulled_away(cache):
    """Cleared, evicted or replaced: whoever has begun to read goes on with the same bytes."""
    keep(cache, data=LARGE)
    content = cache.find(URL).data
    keep(cache, data=bytes(len(LARGE)))
    replaced = cache.find(URL).data
    cache.clear()
    assert bytes(content) == LARGE
    assert bytes(replaced) == bytes(len(LARGE))


def test_what_another_process_is_writing_is_left_alone_and_what_it_never_finished_goes(cache):
    keep(cache)
    unfinished, abandoned = (cache.folder / "documents" / f"{k}.cache.{k}.part" for k in "ab")
    for path in (unfinished, abandoned):
        path.write_bytes(b"half")
    os.utime(abandoned, (0, 0))
    cache.clear()
    assert files(cache) == [unfinished]


# ---- folders that cannot be used


def works_with_one_warning(cache, match):
    """Everything goes on without what cannot be kept."""

    def use():
        for _ in range(2):
            contents, headers = fill(cache)
            for url, data in contents.items():
                assert read(cache, url) in (data, None)
            cache.find_headers(headers)
            cache.forget("https://server/0")
            cache.clear()
            cache.size()

    warns_once(use, match)


def warns_once(use, match):
    with pytest.warns(SunpyUserWarning, match=match) as record:
        use()
    assert len(record) == 1
    assert "SUNPY_HELIOCLOUD_CACHE" in str(record[0].message)


@pytest.mark.parametrize("where", ["file", "file/below", "documents"])
def test_a_folder_that_is_a_file_costs_one_warning_that_names_it(tmp_path, where):
    (tmp_path / "file").write_text("")
    (tmp_path / "documents").write_text("")
    (tmp_path / "headers").write_text("")
    cache = cache_in(tmp_path if where == "documents" else tmp_path / where)
    works_with_one_warning(cache, match=str(cache.folder))


def test_a_folder_in_the_place_of_a_file_costs_one_warning_that_names_it(cache):
    keep(cache)
    (path,) = files(cache)
    path.unlink()
    path.mkdir()
    warns_once(lambda: [keep(cache) for _ in range(2)], str(path))
    assert read(cache) is None


@pytest.fixture
def nobody():
    """Root may write everywhere; the test does not go on as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def read_only(request):
    folder = Path(tempfile.mkdtemp())
    contents = fill(cache_in(folder))
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        path.chmod(0o500 if path.is_dir() else 0o400)
    request.getfixturevalue("nobody")
    yield folder, contents
    for path in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        path.chmod(0o700)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_read_and_costs_one_warning_that_names_the_file(read_only):
    folder, (contents, headers) = read_only
    cache = cache_in(folder)
    assert {url: read(cache, url) for url in contents} == contents
    assert cache.find_headers(headers).keys() == headers.keys()
    cache.clear()
    cached = cache.find("https://server/0")
    warns_once(
        lambda: (cache.confirm(cached, stamp="s"), fill(cache)), rf"{folder}.*\.cache: Permission denied"
    )
    assert {url: read(cache, url) for url in contents} == contents


def test_a_folder_that_cannot_be_looked_into_costs_one_warning(read_only):
    folder, (contents, headers) = read_only
    for path in folder.iterdir():
        path.chmod(0)
    cache = cache_in(folder)
    assert [read(cache, url) for url in contents] == [None] * len(contents)
    assert cache.find_headers(headers) == {}
    works_with_one_warning(cache, match=str(folder))


@contextmanager
def full_disk():
    """No file may grow beyond 1 kB: nor may the one that pytest prints into, so that nothing is reported inside."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_files_and_costs_one_warning(cache):
    keep(cache)

    def use():
        with full_disk():
            for k in range(3):
                keep(cache, f"https://server/{k}", LARGE)
                cache.keep_headers([Entry.new(f"s3://b/{k}", LARGE, etag='"1"')])

    warns_once(use, "File too large.*Free some space")
    assert len(files(cache)) == 1
    assert read(cache) == b"data"


def test_a_missing_folder_is_made_and_one_that_is_removed_is_made_again(cache):
    contents, headers = fill(cache)
    shutil.rmtree(cache.folder)
    assert [read(cache, url) for url in contents] == [None] * len(contents)
    assert cache.find_headers(headers) == {}
    check(cache, contents, headers)


# ---- who else may look


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
def test_files_are_0600_and_folders_0700_whatever_the_umask_is(cache):
    before = os.umask(0)
    try:
        fill(cache)
    finally:
        os.umask(before)
    cache.confirm(cache.find("https://server/0"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (cache.folder, *cache.folder.rglob("*"))}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


def test_a_signed_url_is_neither_in_the_names_nor_in_the_files(cache):
    url = "https://server/a.fits?X-Amz-Signature=5ec4e7&X-Amz-Credential=AKIAWHO"
    keep(cache, url, b"data", stamp="5ec4e7")
    cache.keep_headers([Entry.new(url, b"data", etag='"1"')])
    assert read(cache, url) == b"data"
    for path in files(cache):
        assert not any(word in str(path) for word in ("5ec4e7", "AKIA", "server"))
        assert not any(word in path.read_bytes() for word in (b"5ec4e7", b"AKIA", b"server"))


# ---- other processes

COMPANY = """
import sys
from sunpy_heliocloud.io.cache import Cache
from sunpy_heliocloud.io.cache_file import DamagedEntry, Entry
cache, letter = Cache(), sys.argv[1].encode()
whole = {bytes([letter]) * n for letter in b"ab" for n in (9, 2_000_000)}
headers = [f"s3://b/{k}" for k in range(20)]
for k in range(40):
    n = (9, 2_000_000)[k % 2]
    cache.keep(Entry.new("https://server/", letter * n, etag="1"))
    cache.keep_headers([Entry.new(key, letter * 9, etag="1") for key in headers[k % 3 :: 2]])
    known = cache.find("https://server/")
    if known:
        assert bytes(known.data) in whole
        cache.confirm(known, stamp="x")
    assert all(entry.data in whole for entry in cache.find_headers(headers).values())
    if k % 10 == 9:
        cache.clear()
assert sys.argv[2:] or not cache._has_warned
"""


def started(folder, code, *arguments, **more):
    environment = {"SUNPY_HELIOCLOUD_CACHE": str(folder), "PATH": "", "HOME": str(folder)}
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, **more)


def test_two_processes_that_read_and_write_the_same_keys_never_see_a_mixture(tmp_path):
    runs = [started(tmp_path, COMPANY, letter) for letter in "ab"]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert not list(tmp_path.rglob("*.part"))


HANGS = """
import fcntl, pathlib, signal, os, sys
files = [path.open("r+b") for path in pathlib.Path(os.environ["SUNPY_HELIOCLOUD_CACHE"]).rglob("*.cache")]
for file in files:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX)
print(len(files), flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_the_locks_of_a_process_that_hangs_stop_nobody(cache):
    contents, headers = fill(cache)
    with started(cache.folder, HANGS, stdout=subprocess.PIPE) as run:
        assert int(run.stdout.readline()) == len(files(cache))
        check(cache, contents, headers)
        fill(cache)
        cache.confirm(cache.find("https://server/0"), stamp="new")
        assert cache.find("https://server/0").is_fresh(60, "new")
        run.kill()


def test_what_a_process_that_was_killed_has_left_is_not_believed(cache):
    """It leaves a part of a file under another name."""
    keep(cache, data=b"old")
    code = """
import os, signal
from sunpy_heliocloud.io import cache_file
from sunpy_heliocloud.io.cache import cache
cache_file.os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
cache.keep(cache_file.Entry.new("https://server/catalog.json", b"new", etag="2"))
"""
    assert started(cache.folder, code).wait(60) != 0
    assert len(files(cache)) == 2
    assert read(cache) == b"old"
    keep(cache, data=b"newer")
    assert read(cache) == b"newer"


def test_damage_is_repaired_while_another_process_has_the_file_open(cache):
    contents, headers = fill(cache)
    other = cache_in(cache.folder)
    content = other.find("https://server/large").data
    other.find_headers(headers)
    for path in files(cache):
        path.write_bytes(b"?")
    check(cache, contents, headers)
    with pytest.raises(DamagedEntry):
        content[:10]
    check(other, contents, headers)


def test_nothing_is_unpickled_evaluated_or_mapped():
    for path in (ROOT / "sunpy_heliocloud" / "io").glob("cache*.py"):
        words = set(re.findall(r"\w+", re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)))
        assert words.isdisjoint({"pickle", "eval", "exec", "mmap", "load", "yaml", "marshal"})
