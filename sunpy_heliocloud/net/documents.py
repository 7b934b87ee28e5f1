"""
Registries, catalogues and indexes: from the cache if it has the present version, else from their server.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from sunpy_heliocloud.io.cache import cache
from sunpy_heliocloud.io.cache_file import DamagedEntry, Entry, Sliceable
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.net.http import Answer, CatalogError, read
from sunpy_heliocloud.text import inert

__all__ = ["Document", "last_copy", "parsed"]


@dataclass(frozen=True, eq=False)
class Document:
    """
    A registry, catalogue or index.

    Attributes
    ----------
    url
        Its URL.
    entry
        Its bytes and version. Arrays computed from them can be stored with it
        (`sunpy_heliocloud.io.cache.Cache.array`).
    """

    url: str
    entry: Entry

    @property
    def data(self) -> Sliceable:
        """Its bytes."""
        return self.entry.data


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
    Read and parse a document.

    A cached document that is damaged or cannot be parsed is read again. A new document that cannot be parsed
    is not cached.

    Parameters
    ----------
    url
        Its URL.
    parse
        Function of the document, which raises `CatalogError` if it cannot be parsed.
    unpack
        Function that converts the server's bytes into the bytes for the cache.
    fresh_for
        Seconds for which a cached document is used without a request to the server.
    stamp
        Digest of the information that the caller has; with another stamp the server is asked.
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
        If the document does not exist.
    CatalogError
        If it cannot be read or parsed.
    """
    ask = partial(read, url, remedy=remedy, trusted=trusted, most=most)
    key = https_url(url)  # The same s3:// URL names different documents on different servers.
    known: Entry | None = None
    flaw: Exception | None = None
    answer: Answer | None = None
    try:
        known = cache.find(key)
    except DamagedEntry as e:
        flaw = e
    if known is not None:
        is_fresh = known.is_fresh(fresh_for, stamp)
        answer = Answer(None) if is_fresh else ask(etag=known.record.etag)
        if answer.data is None:
            try:
                result = parse(Document(url, known))
            except (CatalogError, DamagedEntry) as e:
                flaw, answer = e, None
                cache.forget(key)
            else:
                if not is_fresh:
                    cache.confirm(known, stamp=stamp)
                return result
    if answer is None:
        answer = _read_all(ask, flaw)
    data = unpack(answer.body, url) if unpack else answer.body
    entry = Entry.new(key, data, etag=answer.etag or "", stamp=stamp)
    result = parse(Document(url, entry))
    cache.keep(entry)
    return result


def last_copy(url: str) -> Document | None:
    """
    The last version of a document that could be parsed, however old.

    Parameters
    ----------
    url
        Its URL.

    Returns
    -------
    Document or None
        None if the cache has none, or it is damaged.
    """
    entry = cache.last(https_url(url))
    return None if entry is None else Document(url, entry)


def _read_all(ask: Callable[[], Answer], flaw: Exception | None) -> Answer:
    try:
        return ask()
    except CatalogError as e:
        if flaw is None:
            raise
        raise CatalogError(
            f"{e} Its copy in the cache, {cache.folder}, cannot be used ({inert(flaw)}): "
            "sunpy_heliocloud.cache.clear() removes it."
        ) from e
