"""
The cache of registries, catalogues, indexes and headers on disk.

The cache consists of plain files. Each is written under a temporary name and then renamed, so that no locks
are needed. A process that hangs or was killed does not block others, also on network file systems, and damage
is limited to one file. The headers of a batch are in one file, since network file systems need milliseconds
for each file. A SQLite database was as fast on a local disk (10,000 headers: 1.2 s, mostly decompression).
But it waits for locks, and one damaged page makes all of it unreadable.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

import astropy.units as u

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.cache_batches import Batches
from sunpy_heliocloud.io.cache_content import Content
from sunpy_heliocloud.io.cache_file import CacheFile, DamagedEntry, Entry, digest, write
from sunpy_heliocloud.version import version

__all__ = ["Cache", "cache"]

# Bytes up to which an entry is read and verified as a whole; larger entries are verified block by
# block, on use.
AT_ONCE = 2**20
# Seconds after which an unfinished file is a remnant of a process that was killed.
ABANDONED = 3600


class Cache:
    """
    Indexes, catalogues and headers on disk, so that the next search or sequence need not read them again.

    ``sunpy_heliocloud.cache`` is the cache in use. A request with the ETag checks whether a file has changed;
    files without an ETag are not kept. Several processes can use the same folder. If the folder is too large,
    the least recently used files are removed first. Every entry has checksums; an entry that does not match
    them is read from its server again. Only the user can read the files.

    Attributes
    ----------
    enabled : bool
        Whether the cache is used.
    size_limit : `~astropy.units.Quantity`
        Largest size of the folder, by default 3 GB. An index of a year takes up to 25 MB, the header of a
        5000² image 13 kB.
    folder : `pathlib.Path`
        The folder: that in the environment variable ``SUNPY_HELIOCLOUD_CACHE``, or the user's cache folder.
        If the variable is ``off``, nothing is kept.

    Examples
    --------
    >>> from sunpy_heliocloud import cache
    >>> cache.clear()  # doctest: +SKIP
    >>> cache.enabled = False  # doctest: +SKIP
    """

    def __init__(self) -> None:
        setting = os.environ.get("SUNPY_HELIOCLOUD_CACHE", "")
        self.enabled = setting.casefold() != "off"
        self.size_limit = 3 * u.Gbyte
        self._folder = Path(setting).expanduser() if setting and self.enabled else None
        self._batches = Batches()
        self._has_warned = False

    @property
    def folder(self) -> Path:
        """
        The folder of the cache.

        Examples
        --------
        >>> sunpy_heliocloud.cache.folder.is_absolute()
        True
        """
        if self._folder is None:
            from platformdirs import user_cache_path

            self._folder = user_cache_path("sunpy_heliocloud", appauthor=False)
        return self._folder

    @folder.setter
    def folder(self, path: str | os.PathLike) -> None:
        self._folder = Path(path)
        self._room = 0.0

    @property
    def size_limit(self) -> u.Quantity:
        """
        Largest size of the folder.

        Examples
        --------
        >>> sunpy_heliocloud.cache.size_limit = 5 * u.Gbyte
        >>> sunpy_heliocloud.cache.size_limit
        <Quantity 5. Gbyte>
        """
        return self._size_limit

    @size_limit.setter
    def size_limit(self, limit: u.Quantity) -> None:
        self._limit = limit.to_value(u.byte)
        self._size_limit = limit
        # Bytes that may be written before the size of the folder is measured again: none yet.
        self._room = 0.0

    def size(self) -> u.Quantity:
        """
        The present size of the cache.

        Returns
        -------
        `~astropy.units.Quantity`
            The size of all its files.

        Examples
        --------
        >>> bool(sunpy_heliocloud.cache.size() < sunpy_heliocloud.cache.size_limit)
        True
        """
        return (sum(size for _, size, _ in self._files()) * u.byte).to(u.Mbyte)

    def clear(self) -> None:
        """
        Remove all entries.

        Examples
        --------
        >>> sunpy_heliocloud.cache.clear()
        """
        for _, _, path in self._files():
            _remove(path)

    def find(self, key: str) -> Entry | None:
        """
        The entry of a registry, catalogue or index.

        Parameters
        ----------
        key
            Its URL.

        Returns
        -------
        Entry or None
            None if there is no entry.

        Raises
        ------
        DamagedEntry
            If the entry cannot be used; read the file from the server again. An entry of more than a megabyte
            may raise this later, when its bytes are read.
        """
        if not self.enabled:
            return None
        path = self._path(key)
        try:
            file = CacheFile(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if [record.digest for record in file.records] != [digest(key)]:
            raise DamagedEntry(f"{path}: it is the entry of another URL")
        (record,) = file.records
        data = file.read(record) if record.length < AT_ONCE else Content(file, record)
        _note_use(path)
        return Entry(record, data, file.checked, file.stamp, file)

    def last(self, key: str) -> Entry | None:
        """
        The last good copy of a registry or catalogue, however old it is.

        Parameters
        ----------
        key
            Its URL.

        Returns
        -------
        Entry or None
            None if there is none, or it is damaged.
        """
        try:
            known = self.find(key)
            return known and replace(known, data=bytes(known.data))
        except DamagedEntry:
            return None

    def keep(self, entry: Entry) -> None:
        """
        Store a registry, catalogue or index; an old entry is replaced.

        Parameters
        ----------
        entry
            The response of its server. Without an ETag it is not stored.
        """
        self._write(self.folder / "documents" / f"{entry.record.digest}.cache", [entry])

    def confirm(self, entry: Entry, *, stamp: str = "") -> None:
        """
        Record that an entry is still the present version on its server.

        Parameters
        ----------
        entry
            From `find`.
        stamp
            Digest of the information that the caller has now.
        """
        if entry.file is None:
            return  # It was never kept.
        try:
            entry.file.confirm(stamp)
        except FileNotFoundError:
            pass  # Another process has removed it.
        except OSError as e:
            self._warn(entry.file.path, e)

    def forget(self, key: str) -> None:
        """
        Remove the entry of a registry, catalogue or index.

        Parameters
        ----------
        key
            Its URL.
        """
        _remove(self._path(key))

    def array(self, name: str, entry: Entry, dtype: np.dtype, make: Callable[[], np.ndarray]) -> np.ndarray:
        """
        An array that is computed from an entry, and is stored until the entry changes.

        Parameters
        ----------
        name
            Name of the array, unique within the entry.
        entry
            The entry that it is computed from.
        dtype
            Its data type, of fixed size.
        make
            Function that computes the array if it is not stored.

        Returns
        -------
        `numpy.ndarray`
            One-dimensional.
        """
        key = f"{entry.record.digest} {name}"
        source = f"{entry.checksum} {dtype.descr} {version}"
        with suppress(DamagedEntry):
            known = self.find(key)
            if known is not None and known.record.etag == source:
                return np.frombuffer(bytes(known.data), dtype)
        array = make()
        if entry.record.etag:
            self.keep(Entry.new(key, array.tobytes(), etag=source))
        return array

    def find_headers(self, keys: Iterable[str]) -> dict[str, Entry]:
        """
        The entries of many headers.

        Parameters
        ----------
        keys
            Keys of the headers.

        Returns
        -------
        dict
            Entries by key, without missing and damaged ones.
        """
        if not self.enabled:
            return {}
        wanted = {digest(key): key for key in keys}
        found = self._batches.find(self.folder / "headers", wanted)
        for path in {entry.file.path for entry in found if entry.file is not None}:
            _note_use(path)
        return {wanted[entry.record.digest]: entry for entry in found}

    def keep_headers(self, entries: Sequence[Entry]) -> None:
        """
        Store headers.

        Parameters
        ----------
        entries
            The responses of their servers. Those without an ETag are not stored.
        """
        self._write(self.folder / "headers" / self._batches.new_name(), entries)

    def _path(self, key: str) -> Path:
        return self.folder / "documents" / f"{digest(key)}.cache"

    def _write(self, path: Path, entries: Sequence[Entry]) -> None:
        entries = [entry for entry in entries if entry.record.etag]
        size = sum(entry.record.length for entry in entries)
        if not (self.enabled and entries and size <= self._limit):
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write(path, entries)
        except OSError as e:
            self._warn(path, e)
        else:
            self._make_room(size, path)

    def _make_room(self, size: int, newest: Path) -> None:
        """
        Remove the least recently used files if the folder is too large, and some more, so that this is rare.
        """
        self._room -= size
        if self._room > 0:
            return
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total > self._limit:
            for _, size, path in files:
                if total <= 0.9 * self._limit:
                    break
                if path != newest:
                    _remove(path)
                    total -= size
        # Other processes write to the folder, too.
        self._room = min(self._limit - total, 0.05 * self._limit)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Times of use and sizes of the files of the cache, without files that are being written."""
        for folder in ("documents", "headers"):
            for suffix in ("cache", "part"):
                for path in (self.folder / folder).glob(f"*.{suffix}"):
                    with suppress(OSError):
                        state = path.stat()
                        if suffix == "cache" or time.time() - state.st_mtime > ABANDONED:
                            yield state.st_mtime, state.st_size, path

    def _warn(self, path: Path, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            warn_user(
                f"The cache cannot be written: {path}: {error.strerror or error}. Other files are read from the servers "
                "each time. Free some space, or set sunpy_heliocloud.cache.folder or the environment variable "
                "SUNPY_HELIOCLOUD_CACHE to a folder that can be written to, or the variable to 'off'."
            )


def _note_use(path: Path) -> None:
    # In a read-only folder nothing can be removed either.
    with suppress(OSError):
        os.utime(path)


def _remove(path: Path) -> None:
    # Another process may have removed it, or may have it open on a system that does not remove open files.
    with suppress(OSError):
        path.unlink()


cache = Cache()
