"""Documents of the catalogue, from the cache where it has the present version, else from their server."""

from collections.abc import Buffer, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.net.disk_cache import cache
from sunpy_heliocloud.net.http import CatalogError, read

__all__ = ["Document", "parsed"]


@dataclass(frozen=True, eq=False)
class Document:
    """
    A registry, catalogue or index.

    Attributes
    ----------
    url
        Where it is from.
    data
        Its bytes.
    path
        The file of the cache that holds it, if one does.
    is_old
        Whether the bytes were read by an earlier search.
    """

    url: str
    data: Buffer
    path: Path | None = None
    is_old: bool = False


def parsed[T](
    url: str,
    parse: Callable[[Document], T],
    *,
    unpack: Callable[[bytes, str], bytes] | None = None,
    fresh_for: float = 0,
    stamp: str = "",
    remedy: str = "",
    trusted: Collection[str] = (),
    most: int | None = None,
) -> T:
    """
    What a document says. What the cache has and nobody can parse is read again.

    Parameters
    ----------
    url
        Where it is.
    parse
        Makes something of it, or raises `CatalogError`.
    unpack
        Makes the text that is kept of what the server sends.
    fresh_for
        Seconds for which the server need not be asked whether its version is still the present one.
    stamp
        What the caller knows; another stamp ends that time.
    remedy
        What a user can do about a failure.
    trusted, most
        See `sunpy_heliocloud.net.http.read`.

    Returns
    -------
    object
        What ``parse`` returns.

    Raises
    ------
    FileNotFoundError
        If there is no such document.
    CatalogError
        If it cannot be read or parsed.
    """
    how = {"unpack": unpack, "fresh_for": fresh_for, "stamp": stamp}
    asking = {"remedy": remedy, "trusted": trusted, "most": most}
    document = _read(url, asking, **how)
    try:
        return parse(document)
    except CatalogError:
        if not document.is_old:
            raise
    cache.forget(_key(url))
    return parse(_read(url, asking, **how))


def _read(url: str, asking: dict[str, Any], *, unpack, fresh_for: float, stamp: str) -> Document:
    known = cache.find(_key(url))
    if known and known[0].is_fresh(fresh_for, stamp):
        return Document(url, known[1], cache.path(known[0]), is_old=True)
    answer = read(url, etag=known[0].etag if known else "", **asking)
    if answer.data is None:
        cache.confirm(known[0], stamp=stamp)
        return Document(url, known[1], cache.path(known[0]), is_old=True)
    data = unpack(answer.data, url) if unpack else answer.data
    record = cache.keep(_key(url), data, etag=answer.etag, stamp=stamp)
    return Document(url, data, cache.path(record) if record else None)


def _key(url: str) -> str:
    """The same s3:// URL is another document on another server."""
    return https_url(url)
