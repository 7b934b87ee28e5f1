"""The tables of all files of cached headers, read once in a process: which file holds which header."""

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from sunpy_heliocloud.io.cache_file import CacheFile, DamagedEntry, Entry, Record

__all__ = ["Batches"]

# Digits of the time at the beginning of a file name.
DIGITS = 20


class Batches:
    """The files of a folder, each of which holds the entries of a batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._tables: dict[str, list[Record]] = {}
        self._places: dict[str, tuple[str, Record]] = {}

    def find(self, folder: Path, digests: Iterable[str]) -> list[Entry]:
        """
        Entries.

        Parameters
        ----------
        folder
            Where the files are.
        digests
            Of the keys.

        Returns
        -------
        list of Entry
            The entries that exist and are not damaged.
        """
        with self._lock:
            self._look_through(folder)
            places = [self._places[name] for name in digests if name in self._places]
        wanted: dict[str, list[Record]] = {}
        for name, record in places:
            wanted.setdefault(name, []).append(record)
        found = []
        for name, records in wanted.items():
            # Another process may have removed or damaged the file since its table was read.
            with suppress(FileNotFoundError, NotADirectoryError, DamagedEntry):
                file = CacheFile(folder / name)
                for record in records:
                    with suppress(DamagedEntry):
                        found.append(Entry(record, file.read(record), file.checked, file.stamp, file))
        return found

    def new_name(self) -> str:
        """A file name that sorts after all known names, even if the clock was set back."""
        with self._lock:
            digits = max(self._tables, default="")[:DIGITS]
        last = int(digits) if digits.isdecimal() else 0
        return f"{max(time.time_ns(), last + 1):0{DIGITS}}-{uuid4().hex[:8]}.cache"

    def _look_through(self, folder: Path) -> None:
        """
        Read the tables of new files. If two entries have the same key, the one in the file with the later
        name is used.
        """
        try:
            names = {name for name in os.listdir(folder) if name.endswith(".cache")}
        except OSError:
            names = set()
        if folder != self._folder or self._tables.keys() - names:
            self._folder, self._tables, self._places = folder, {}, {}
        for name in sorted(names - self._tables.keys()):
            self._tables[name] = _table(folder / name)
            self._places |= {record.digest: (name, record) for record in self._tables[name]}


def _table(path: Path) -> list[Record]:
    try:
        return CacheFile(path).records
    except FileNotFoundError:
        return []
    except (NotADirectoryError, DamagedEntry):
        with suppress(OSError):
            path.unlink()
        return []
