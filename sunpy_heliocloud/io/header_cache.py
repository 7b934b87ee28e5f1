"""The first bytes of files, kept on disk, so that opening the same frames again moves next to nothing."""

import contextlib
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import astropy.units as u

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.ranges import Piece, Version

__all__ = ["HeaderCache", "header_cache"]

_WAIT = 30  # s, for another process that writes
_AT_ONCE = 500  # rows in one statement
_TABLE = (
    "CREATE TABLE IF NOT EXISTS heads (key TEXT PRIMARY KEY, etag TEXT, size INTEGER, head BLOB, used REAL)"
)


class HeaderCache:
    """
    First bytes of remote files by URL, in a small database that several processes can share.

    ``sunpy_heliocloud.io.header_cache.header_cache`` is the one that `LazyMapSequence` uses, on the client only. A server
    is still asked once for each frame, but only whether it has changed since, by its ETag; files without one are not
    kept. What was used least recently goes first when the cache grows too large. Heads are kept as they were read,
    compressed, and parsed again: nothing in the cache is ever run.

    Attributes
    ----------
    enabled : bool
        Whether anything is kept or used.
    size_limit : `~astropy.units.Quantity`
        How large all heads together may grow; a head of a 5000² image takes about 13 kB.
    folder : `pathlib.Path`
        Where it is: the folder ``headers`` in the one that the environment variable ``SUNPY_HELIOCLOUD_CACHE`` names,
        or in the user's folder for caches. If the variable is ``off``, nothing is kept.

    Examples
    --------
    >>> from sunpy_heliocloud.io.header_cache import header_cache
    >>> header_cache.clear()  # doctest: +SKIP
    >>> header_cache.enabled = False  # doctest: +SKIP
    """

    def __init__(self) -> None:
        setting = os.environ.get("SUNPY_HELIOCLOUD_CACHE", "")
        self.enabled = setting.casefold() != "off"
        self.size_limit: u.Quantity = 1 * u.Gbyte
        self._folder = Path(setting).expanduser() / "headers" if setting and self.enabled else None

    @property
    def folder(self) -> Path:
        """Where the cache is."""
        if self._folder is None:
            from platformdirs import user_cache_path

            self._folder = user_cache_path("sunpy_heliocloud", appauthor=False) / "headers"
        return self._folder

    @folder.setter
    def folder(self, path: str | os.PathLike) -> None:
        self._folder = Path(path)

    def clear(self) -> None:
        """Forget everything."""
        with self._database() as database:
            if database is not None:
                database.execute("DELETE FROM heads")

    def size(self) -> u.Quantity:
        """
        How large the cache is now.

        Returns
        -------
        `~astropy.units.Quantity`
            What is in use of its file.
        """
        with self._database() as database:
            return (0 if database is None else _used_bytes(database)) * u.byte

    def find(self, urls: Sequence[str], accesses: Sequence[Access]) -> dict[str, Piece]:
        """
        The heads that are known, with the version of the file that they are of.

        Parameters
        ----------
        urls
            Of remote files; local ones are not kept.
        accesses
            Who asks for each.

        Returns
        -------
        dict
            By URL. A damaged entry is as good as none.
        """
        found: dict[str, Piece] = {}
        keys = {_key(url, access): url for url, access in zip(urls, accesses, strict=True) if _is_remote(url)}
        with self._database() as database:
            for some in _batches(list(keys)) if database is not None else ():
                marks = ",".join("?" * len(some))
                rows = database.execute(
                    f"SELECT key, etag, size, head FROM heads WHERE key IN ({marks})", some
                )
                for key, etag, size, head in rows.fetchall():
                    with contextlib.suppress(zlib.error):
                        found[keys[key]] = Piece(zlib.decompress(head), Version(etag, size))
                database.execute(f"UPDATE heads SET used = ? WHERE key IN ({marks})", [time.time(), *some])
        return found

    def keep(self, heads: Mapping[str, Piece], accesses: Mapping[str, Access]) -> None:
        """
        Remember heads.

        Parameters
        ----------
        heads
            By URL; those without an ETag are left out.
        accesses
            Who asks, by URL.
        """
        if not self.enabled:
            return
        rows = [
            (_key(url, accesses[url]), piece.version.etag, piece.version.size, zlib.compress(piece.data, 1))
            for url, piece in heads.items()
            if _is_remote(url) and piece.version.etag is not None
        ]
        with self._database() as database:
            if database is None or not rows:
                return
            database.executemany(
                "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)", [(*row, time.time()) for row in rows]
            )
            self._make_room(database)

    def _make_room(self, database: sqlite3.Connection) -> None:
        """Forget what was used least recently, and some more, so that this is not needed every time."""
        limit = self.size_limit.to_value(u.byte)
        surplus = _used_bytes(database) - limit
        if surplus <= 0:
            return
        surplus += 0.1 * limit
        for key, size in database.execute("SELECT key, length(head) FROM heads ORDER BY used").fetchall():
            if surplus <= 0:
                return
            database.execute("DELETE FROM heads WHERE key = ?", (key,))
            surplus -= size

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection | None]:
        """The database for one transaction; `None` where there is none, which must not keep frames from opening."""
        database = self._connected()
        if database is None:
            yield None
            return
        try:
            with database:
                yield database
        except sqlite3.Error as error:
            self._do_without(error)
        finally:
            database.close()

    def _connected(self) -> sqlite3.Connection | None:
        if not self.enabled:
            return None
        database = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(self.folder / "heads.sqlite", timeout=_WAIT)
            database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            if database is not None:
                database.close()
            self._do_without(error)
            return None
        return database

    def _do_without(self, error: Exception) -> None:
        self.enabled = False
        warn_user(
            f"The cache of headers in {self.folder} cannot be used: {error}. Frames open without it; remove the "
            "folder if it is damaged."
        )


header_cache = HeaderCache()


def _used_bytes(database: sqlite3.Connection) -> int:
    pages, free, size = (
        database.execute(f"PRAGMA {what}").fetchone()[0]
        for what in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _key(url: str, access: Access) -> str:
    """A URL of S3 says nothing without the server's address."""
    return f"{access.endpoint or ''} {url}"


def _is_remote(url: str) -> bool:
    return "://" in url and not url.startswith("file:")


def _batches(values: list[str]) -> Iterator[list[str]]:
    return (values[i : i + _AT_ONCE] for i in range(0, len(values), _AT_ONCE))
