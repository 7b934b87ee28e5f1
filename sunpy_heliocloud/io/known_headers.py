"""The first bytes of files, in the cache: opening the same frames again transfers almost no bytes."""

import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.cache import cache
from sunpy_heliocloud.io.cache_file import Entry
from sunpy_heliocloud.io.ranges import Piece, Version

__all__ = ["find_headers", "keep_headers"]


def find_headers(urls: Sequence[str], accesses: Sequence[Access]) -> dict[str, Piece]:
    """
    The first bytes in the cache, with the version of their file.

    Parameters
    ----------
    urls
        URLs of remote files; local files are not cached.
    accesses
        Credentials and endpoint of each.

    Returns
    -------
    dict
        By URL.
    """
    urls_by_key = {
        _key(url, access): url for url, access in zip(urls, accesses, strict=True) if _is_remote(url)
    }
    found = {}
    for key, entry in cache.find_headers(urls_by_key).items():
        with suppress(zlib.error):
            version = Version(entry.record.etag, entry.record.size)
            found[urls_by_key[key]] = Piece(zlib.decompress(entry.data), version)
    return found


def keep_headers(heads: Mapping[str, Piece], accesses: Mapping[str, Access]) -> None:
    """
    Store first bytes of files.

    Parameters
    ----------
    heads
        By URL; those without an ETag are left out.
    accesses
        Credentials and endpoint, by URL.
    """
    if not cache.enabled:
        return
    cache.keep_headers(
        [
            Entry.new(
                _key(url, accesses[url]),
                # They are parsed again on use: nothing in the cache is ever executed.
                zlib.compress(piece.data, 1),
                etag=piece.version.etag,
                size=piece.version.size,
            )
            for url, piece in heads.items()
            if _is_remote(url) and piece.version.etag
        ]
    )


def _key(url: str, access: Access) -> str:
    """The key of a URL in the cache, which includes the endpoint: without it an S3 URL is ambiguous."""
    return f"{access.endpoint or ''} {url}"


def _is_remote(url: str) -> bool:
    return "://" in url and not url.startswith("file:")
