from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from strategies import fits_bytes

import astropy.units as u
from astropy.io import fits

from sunpy.util.exceptions import SunpyUserWarning

from helpers import read_rows
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.header_cache import HeaderCache, header_cache
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import Piece, ReadError, Version

COUNTS = np.random.default_rng(0).poisson(200, (400, 500)).astype("i4")
ACCESS = Access.of()
PIECE = Piece(b"SIMPLE" * 1000, Version('"etag"', 6000))


def rice(data=COUNTS, **cards):
    image = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=(1, data.shape[1]))
    image.header.update(cards)
    return fits_bytes(fits.PrimaryHDU(), image)


def opened(*urls):
    (results,) = open_frames(urls)
    return results


@pytest.fixture
def cache(tmp_path):
    cache = HeaderCache()
    cache.folder = tmp_path / "headers"
    return cache


@pytest.mark.parametrize("file", [rice(), fits_bytes(fits.PrimaryHDU(COUNTS)), rice(BLANK=-1)])
def test_opening_again_moves_no_bytes_and_gives_the_same(server, file):
    url = server.write("a.fits", file)
    ((frame, header),) = opened(url)
    server.reset()
    ((again, same_header),) = opened(url)
    assert (server.requests, server.bytes_sent) == (1, 0)
    assert server.log[0].status == 304
    assert header == same_header
    assert again.version == frame.version
    for rows in read_rows([frame, again], [(100, 200)] * 2, np.dtype("f4")):
        np.testing.assert_array_equal(rows, COUNTS[100:200])


def test_a_file_that_changed_is_read_anew(server):
    url = server.write("a.fits", rice())
    opened(url)
    server.write("a.fits", rice(COUNTS[::-1].copy(), WAVELNTH=171))
    server.reset()
    ((frame, header),) = opened(url)
    assert server.bytes_sent > 0
    assert header["WAVELNTH"] == 171
    np.testing.assert_array_equal(next(read_rows([frame], [(0, 9)], np.dtype("i4"))), COUNTS[::-1][:9])


def test_other_servers_and_local_files_have_nothing_to_do_with_it(server, tmp_path):
    url = server.write("a.fits", rice())
    (tmp_path / "a.fits").write_bytes(rice())
    opened(url, str(tmp_path / "a.fits"))
    assert header_cache.find([str(tmp_path / "a.fits")], [Access.of()]) == {}
    with type(server)() as other:
        other.write("a.fits", rice(WAVELNTH=304))
        assert opened(url)[0][1]["WAVELNTH"] == 304


def test_errors_are_not_kept(server):
    url = server.write("a.fits", b"<html>")
    assert isinstance(opened(url)[0], ReadError)
    assert header_cache.find([url], [Access.of()]) == {}


def test_it_can_be_cleared_and_switched_off(cache):
    cache.keep(
        (new := {"s3://b/a": PIECE, "s3://b/none": Piece(b"", Version(None, 0))}), dict.fromkeys(new, ACCESS)
    )
    assert cache.find(["s3://b/a", "s3://b/none"], [ACCESS] * len(["s3://b/a", "s3://b/none"])) == {
        "s3://b/a": PIECE
    }
    assert cache.size() > 0 * u.byte
    cache.enabled = False
    assert cache.find(["s3://b/a"], [ACCESS] * len(["s3://b/a"])) == {}
    cache.enabled = True
    cache.clear()
    assert cache.find(["s3://b/a"], [ACCESS] * len(["s3://b/a"])) == {}


def test_it_is_bounded_and_forgets_what_was_not_used(cache):
    cache.size_limit = 300 * u.kbyte
    rng = np.random.default_rng(0)
    for i in range(40):
        cache.keep(
            (new := {f"s3://b/{i}": Piece(rng.bytes(20_000), Version(str(i), 1))}), dict.fromkeys(new, ACCESS)
        )
        cache.find(["s3://b/0"], [ACCESS] * len(["s3://b/0"]))
    assert cache.size() <= cache.size_limit * 1.1
    known = cache.find([f"s3://b/{i}" for i in range(40)], [ACCESS] * len([f"s3://b/{i}" for i in range(40)]))
    assert {"s3://b/0", "s3://b/39"} <= known.keys()
    assert len(known) < 20


def test_it_is_shared(cache):
    """Each use has a connection of its own, so that threads stand for processes."""

    def use(name):
        for i in range(30):
            url = f"s3://b/{name}-{i}"
            piece = Piece(url.encode() * 99, Version(url, 1))
            cache.keep((new := {url: piece, "s3://b/shared": PIECE}), dict.fromkeys(new, ACCESS))
            assert cache.find([url, "s3://b/shared"], [ACCESS] * len([url, "s3://b/shared"])) == {
                url: piece,
                "s3://b/shared": PIECE,
            }

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, "abcd"))
    assert cache.enabled
    assert (
        len(
            cache.find(
                [f"s3://b/{name}-{i}" for name in "abcd" for i in range(30)],
                [ACCESS] * len([f"s3://b/{name}-{i}" for name in "abcd" for i in range(30)]),
            )
        )
        == 120
    )


def test_a_damaged_cache_is_not_used(cache):
    cache.folder.mkdir()
    (cache.folder / "heads.sqlite").write_bytes(b"no database" * 1000)
    with pytest.warns(SunpyUserWarning, match="cannot be used: file is not a database.*remove the folder"):
        assert cache.find(["s3://b/a"], [ACCESS] * len(["s3://b/a"])) == {}
    cache.keep({"s3://b/a": PIECE}, {"s3://b/a": ACCESS})
    assert not cache.enabled


def test_a_damaged_entry_is_none(cache):
    import sqlite3

    cache.keep({"s3://b/a": PIECE}, {"s3://b/a": ACCESS})
    with sqlite3.connect(cache.folder / "heads.sqlite") as database:
        database.execute("UPDATE heads SET head = x'00'")
    database.close()
    assert cache.find(["s3://b/a"], [ACCESS] * len(["s3://b/a"])) == {}
