"""
The format of a file of the cache: entries, of which every byte is covered by a checksum.

A file has three parts: the time of the last request to the server, a table of entries (JSON), and the bytes
of the entries. The first part has its own checksum and that of the table. The table has a checksum of each
block of the bytes, so that a few rows of a large index can be verified alone. Nothing is unpickled, evaluated
or mapped into memory (a memory map of a file that another process truncates ends the interpreter).
"""

import hashlib
import json
import os
import struct
import threading
import time
import weakref
import zlib
from collections.abc import Buffer, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import uuid4

import numpy as np

__all__ = ["BLOCK", "CacheFile", "DamagedEntry", "Entry", "Record", "digest", "write"]

BLOCK = 2**14
# The format; the time of the last request and the stamp of the caller, with a checksum; the table's length
# and checksum.
_START = struct.Struct("<8sd16sIII")
_MAGIC = b"HELIOC01"


class DamagedEntry(Exception):
    """A file of the cache cannot be read, or does not match its checksums."""


def digest(text: str) -> str:
    """The digest of a key, of a URL for example: the cache contains no URLs, which may be signed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Sliceable(Protocol):
    """Bytes of which parts can be read: `bytes`, for example."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __getitem__(self, where: slice, /) -> bytes: ...
    def find(self, part: bytes, begin: int = 0, /) -> int: ...


class Record(NamedTuple):
    """
    The row of an entry in the table.

    Attributes
    ----------
    digest
        Digest of its key.
    etag
        ETag of the version on the server.
    size
        A number that the caller stores with it.
    length
        Its number of bytes.
    checksums
        CRC-32 of each block of the bytes.
    begin
        Offset of the bytes in the file.
    """

    digest: str
    etag: str
    size: int | None
    length: int
    checksums: bytes
    begin: int = 0


@dataclass(frozen=True, eq=False)
class Entry:
    """
    The response of a server, in the cache or before it is stored.

    Attributes
    ----------
    record
        Its digest, ETag, length and checksums.
    data
        The bytes, or an object that reads them on use (`sunpy_heliocloud.io.cache_content.Content`).
    checked
        Time at which this was last the present version on the server, in seconds since 1970.
    stamp
        Digest of the information that the caller had then; with another stamp the entry is not fresh.
    file
        The file that it was read from; None if it is new.
    """

    record: Record
    data: Sliceable
    checked: float
    stamp: bytes
    file: "CacheFile | None" = None

    @classmethod
    def new(cls, key: str, data: bytes, *, etag: str, size: int | None = None, stamp: str = "") -> "Entry":
        """A new entry, from the response of a server."""
        record = Record(digest(key), etag, size, len(data), _checksums(data))
        return cls(record, data, time.time(), _stamp(stamp))

    @property
    def checksum(self) -> str:
        """A token that changes with the content."""
        return f"{self.record.etag} {self.record.length} {zlib.crc32(self.record.checksums):08x}"

    def is_fresh(self, seconds: float, stamp: str = "") -> bool:
        """Whether the last request to the server is recent enough, and had the same stamp."""
        # A time in the future, after the clock was set back, is not fresh.
        return self.stamp == _stamp(stamp) and 0 <= time.time() - self.checked < seconds


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write a file whole or not at all, and readable by its owner only."""
    table = json.dumps([[*entry.record[:4], entry.record.checksums.hex()] for entry in entries]).encode()
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")
    try:
        with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(_start(zlib.crc32(table), len(table), entries[0]))
            file.write(table)
            for entry in entries:
                file.write(entry.data)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink()


class CacheFile:
    """
    A file that was opened for reading, with a verified table.

    The open file stays readable when another process removes or replaces it.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    path
        The file.
    records : list of Record
        Its entries.
    checked, stamp
        See `Entry`; a time long ago if only this part is damaged.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such file.
    DamagedEntry
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = open(path, "rb", buffering=0)
            # Closed with the last object that reads from it, without a ResourceWarning.
            weakref.finalize(self, self._file.close)
            start = self._file.read(_START.size)
            magic, checked, stamp, seen, length, self._checksum = _START.unpack(start)
            if magic != _MAGIC or length > os.fstat(self._file.fileno()).st_size:
                raise ValueError("it does not begin like a cache file")
            table = self._file.read(length)
            if zlib.crc32(table) != self._checksum:
                raise ValueError("its table does not match its checksum")
            self.records = _records(table, _START.size + length)
        except (FileNotFoundError, NotADirectoryError):
            raise
        except (OSError, ValueError, struct.error, RecursionError) as e:
            raise DamagedEntry(f"{path}: {e}") from e
        is_right = seen == _seen(checked, stamp, self._checksum)
        self.checked: float = checked if is_right else -np.inf
        self.stamp: bytes = stamp if is_right else b""

    def read(self, record: Record, first: int = 0, stop: int | None = None) -> bytes:
        """Verified blocks of an entry; by default all of them."""
        begin, end = first * BLOCK, record.length if stop is None else min(stop * BLOCK, record.length)
        try:
            with self._lock:
                self._file.seek(record.begin + begin)
                data = self._file.read(end - begin)
        except OSError as e:
            raise DamagedEntry(f"{self.path}: {e}") from e
        if (
            len(data) != end - begin
            or _checksums(data) != record.checksums[4 * first :][: 4 * -(-len(data) // BLOCK)]
        ):
            raise DamagedEntry(f"{self.path}: its content does not match its checksums")
        return data

    def confirm(self, stamp: str) -> None:
        """
        Record that this is still the present version on the server, as of now.

        This part is written in place and has its own checksum. A process that reads it half written requests
        the file once more.
        """
        checked, known = time.time(), _stamp(stamp)
        with open(self.path, "r+b", buffering=0) as file:
            start = file.read(_START.size)
            # Unless another process has replaced the file by another version.
            if len(start) == _START.size and _START.unpack(start)[-1] == self._checksum:
                file.seek(0)
                seen = _seen(checked, known, self._checksum)
                file.write(struct.pack("<8sd16sI", _MAGIC, checked, known, seen))


def _records(table: bytes, begin: int) -> list[Record]:
    records = []
    rows = json.loads(table)
    if not isinstance(rows, list):
        raise ValueError("its table is not a list")
    for row in rows:
        match row:
            case [str(name), str(etag), int() | None as size, int(length), str(checksums)] if length >= 0:
                record = Record(name, etag, size, length, bytes.fromhex(checksums), begin)
            case _:
                raise ValueError("its table has other columns")
        if len(record.checksums) != 4 * -(-length // BLOCK):
            raise ValueError("its table has other columns")
        records.append(record)
        begin += length
    return records


def _start(checksum: int, length: int, entry: Entry) -> bytes:
    seen = _seen(entry.checked, entry.stamp, checksum)
    return _START.pack(_MAGIC, entry.checked, entry.stamp, seen, length, checksum)


def _seen(checked: float, stamp: bytes, table: int) -> int:
    return zlib.crc32(struct.pack("<d16sI", checked, stamp, table))


def _stamp(text: str) -> bytes:
    return bytes.fromhex(digest(text))[:16]


def _checksums(data: Buffer) -> bytes:
    view = memoryview(data)
    return b"".join(zlib.crc32(view[i : i + BLOCK]).to_bytes(4, "little") for i in range(0, len(view), BLOCK))
