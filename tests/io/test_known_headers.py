"""Opening the same frames again: what is asked, what moves, and what is never kept."""

import os

import numpy as np
import pytest
from strategies import fits_bytes

import astropy.units as u
from astropy.io import fits

from helpers import read_rows
from sunpy_heliocloud import cache
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.known_headers import find_headers, keep_headers
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


def found(*urls, access=ACCESS):
    return find_headers(urls, [access] * len(urls))


def keep(pieces, access=ACCESS):
    keep_headers(pieces, dict.fromkeys(pieces, access))


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
    assert found(str(tmp_path / "a.fits")) == {}
    with type(server)() as other:
        other.write("a.fits", rice(WAVELNTH=304))
        assert opened(url)[0][1]["WAVELNTH"] == 304


def test_errors_are_not_kept(server):
    url = server.write("a.fits", b"<html>")
    assert isinstance(opened(url)[0], ReadError)
    assert found(url) == {}


def test_what_has_no_etag_is_not_kept():
    keep({"s3://b/a": PIECE, "s3://b/none": Piece(b"", Version(None, 0))})
    assert found("s3://b/a", "s3://b/none") == {"s3://b/a": PIECE}


def test_the_same_url_on_another_server_is_another_file():
    keep({"s3://b/a": PIECE})
    assert found("s3://b/a", access=Access(endpoint="https://other")) == {}


def test_a_newer_header_replaces_the_older_one():
    newer = Piece(b"newer", Version('"2"', 5))
    keep({"s3://b/a": PIECE, "s3://b/b": PIECE})
    keep({"s3://b/a": newer})
    assert found("s3://b/a", "s3://b/b") == {"s3://b/a": newer, "s3://b/b": PIECE}


@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage", "gone"])
def test_a_damaged_header_is_read_again_and_kept_anew(server, damage):
    url = server.write("a.fits", rice())
    ((_, header),) = opened(url)
    (path,) = (cache.folder / "headers").iterdir()
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
        path.write_bytes({"cut": data[:-9], "flipped": flipped, "garbage": b"?"}[damage])
    for status in (206, 304):
        server.reset()
        assert opened(url)[0][1] == header
        assert [request.status for request in server.log] == [status]


def test_it_is_bounded_and_forgets_what_was_not_used(monkeypatch):
    monkeypatch.setattr(cache, "size_limit", 300 * u.kbyte)
    rng = np.random.default_rng(0)
    for i in range(40):
        keep({f"s3://b/{i}": Piece(rng.bytes(20_000), Version(str(i), 1))})
        # What is used now was used after all that has been kept.
        for path in (cache.folder / "headers").iterdir():
            os.utime(path, (1, 1))
        found("s3://b/0")
    assert cache.size() <= cache.size_limit
    known = found(*(f"s3://b/{i}" for i in range(40)))
    assert {"s3://b/0", "s3://b/39"} <= known.keys()
    assert len(known) < 20
