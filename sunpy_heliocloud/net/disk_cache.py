"""What has been read of registries, catalogues and indexes, kept on disk between searches."""

import hashlib
import json
import mmap
import os
import time
from collections.abc import Buffer, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

import astropy.units as u

from sunpy.util.exceptions import warn_user

__all__ = ["Cache", "Record", "cache"]

# Below this a file is read at once; above, only the pages that are looked at.
MAPPED_FROM = 2**20
# Seconds after which a file that nobody has finished is what a process that was killed has left.
ABANDONED = 3600


@dataclass(frozen=True)
class Record:
    """
    One URL in the cache.

    Attributes
    ----------
    url
        The URL.
    etag
        What its server calls the version.
    checked
        When the server last said that this is the present version, seconds since 1970.
    stamp
        What the caller knew then; what was learnt with another stamp is no longer fresh.
    content
        Name of the file that holds the bytes.
    size
        How many bytes it has to have.
    """

    url: str
    etag: str
    checked: float
    stamp: str
    content: str
    size: int

    def is_fresh(self, seconds: float, stamp: str) -> bool:
        """Whether the server was asked so recently, by somebody who knew the same."""
        # A clock that was set back makes nothing fresh.
        return stamp == self.stamp and 0 <= time.time() - self.checked < seconds


class Cache:
    """
    Indexes on disk, so that the next search need not read them again.

    ``sunpy_heliocloud.net.cache`` is the one that searches use. Every file is written under another name and renamed, so
    that several processes can share the folder. What was used least recently goes first when the folder grows too
    large.

    Attributes
    ----------
    enabled : bool
        Whether anything is kept or used.
    size_limit : `~astropy.units.Quantity`
        How large the folder may grow.
    folder : `pathlib.Path`
        Where it is: the environment variable ``SUNPY_HELIOCLOUD_CACHE``, or the user's folder for caches. If the
        variable is ``off``, nothing is kept.

    Examples
    --------
    >>> from sunpy_heliocloud.net import cache
    >>> cache.clear()  # doctest: +SKIP
    >>> cache.enabled = False  # doctest: +SKIP
    """

    def __init__(self) -> None:
        setting = os.environ.get("SUNPY_HELIOCLOUD_CACHE", "")
        self.enabled = setting.casefold() != "off"
        self.size_limit: u.Quantity = 2 * u.Gbyte
        self._folder = Path(setting).expanduser() if setting and self.enabled else None

    @property
    def folder(self) -> Path:
        """Where the cache is."""
        if self._folder is None:
            from platformdirs import user_cache_path

            self._folder = user_cache_path("sunpy_heliocloud", appauthor=False)
        return self._folder

    @folder.setter
    def folder(self, path: str | os.PathLike) -> None:
        self._folder = Path(path)

    def size(self) -> u.Quantity:
        """
        How large the cache is now.

        Returns
        -------
        `~astropy.units.Quantity`
            The size of all its files.
        """
        return (sum(size for _, size in self._files()) * u.byte).to(u.Mbyte)

    def clear(self) -> None:
        """Forget everything."""
        for path, _ in self._files():
            _remove(path)

    def find(self, url: str) -> tuple[Record, Buffer] | None:
        """
        What is known of a URL.

        Parameters
        ----------
        url
            The URL.

        Returns
        -------
        tuple or None
            The record and the bytes; None if nothing is known, or what is there is damaged.
        """
        if not self.enabled:
            return None
        try:
            record = Record(**json.loads(self._record_path(url).read_bytes()))
            data = _open(self.path(record))
        except (OSError, ValueError, TypeError):
            return None
        if record.url != url or len(data) != record.size:
            return None
        with suppress(OSError):  # It was used now: others go first when the folder grows too large.
            os.utime(self._record_path(url))
        return record, data

    def path(self, record: Record) -> Path:
        """The file with the bytes of a record."""
        # Only ever a name in the folder, whatever a damaged record says.
        return self.folder / Path(record.content).name

    def keep(self, url: str, data: bytes, *, etag: str, stamp: str = "") -> Record | None:
        """
        Keep what a server has answered.

        Parameters
        ----------
        url
            The URL.
        data
            The bytes.
        etag
            What the server calls this version; without it, nothing is kept.
        stamp
            See `Record`.

        Returns
        -------
        Record or None
            What is kept; None if nothing is.
        """
        if not (self.enabled and etag):
            return None
        content = f"{self._record_path(url).stem}-{uuid4().hex[:8]}.data"
        record = Record(url, etag, time.time(), stamp, content, len(data))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.forget(url)
            _write(self.path(record), data)
            _write(self._record_path(url), json.dumps(asdict(record)).encode())
            self._shrink()
        except OSError as e:
            warn_user(
                f"The index cannot be kept in {self.folder} ({e}): every search will read it again. "
                "Set SUNPY_HELIOCLOUD_CACHE to a folder that can be written to, or to 'off'."
            )
            return None
        return record

    def confirm(self, record: Record, *, stamp: str = "") -> None:
        """Note that the server has said that a record is the present version."""
        confirmed = Record(**{**asdict(record), "checked": time.time(), "stamp": stamp})
        with suppress(OSError):  # Then the server is asked again next time.
            _write(self._record_path(record.url), json.dumps(asdict(confirmed)).encode())

    def forget(self, url: str) -> None:
        """Remove a URL."""
        stem = self._record_path(url).stem
        for path in self.folder.glob(f"{stem}*"):
            if _is_whole(path):
                _remove(path)

    def write_array(self, path: Path, array: np.ndarray) -> None:
        """Keep an array beside the content of a record, if that is possible."""
        with suppress(OSError):  # Then it is made again next time.
            _write(path, array)
            self._shrink()

    def _record_path(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"

    def _files(self) -> Iterator[tuple[Path, int]]:
        """Files of the cache with their sizes; not what others keep in the folder or are writing just now."""
        for pattern in ("*.json", "*.data", "*.npy", "*.part"):
            for path in self.folder.glob(f"{'[0-9a-f]' * 32}{pattern}"):
                with suppress(OSError):
                    state = path.stat()
                    if _is_whole(path) or time.time() - state.st_mtime > ABANDONED:
                        yield path, state.st_size

    def _shrink(self) -> None:
        """Remove what was used least recently until the rest is small enough."""
        total = sum(size for _, size in self._files())
        limit = self.size_limit.to_value(u.byte)
        if total <= limit:
            return
        used: dict[str, float] = {}
        files: dict[str, list[tuple[Path, int]]] = {}
        for path, size in self._files():
            stem = path.name[:32]
            with suppress(OSError):
                used[stem] = max(used.get(stem, 0), path.stat().st_mtime)
                files.setdefault(stem, []).append((path, size))
        for stem in sorted(used, key=used.__getitem__):
            if total <= limit:
                return
            for path, size in files[stem]:
                _remove(path)
                total -= size


def _write(path: Path, data: bytes | np.ndarray) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as file:
            if isinstance(data, np.ndarray):
                np.save(file, data, allow_pickle=False)
            else:
                file.write(data)
        os.replace(partial, path)
    finally:
        _remove(partial)


def _is_whole(path: Path) -> bool:
    return path.suffix != ".part"


def _open(path: Path) -> Buffer:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < MAPPED_FROM:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _remove(path: Path) -> None:
    # Another process may have removed it, or may be reading it where open files stay.
    with suppress(OSError):
        path.unlink()


cache = Cache()
