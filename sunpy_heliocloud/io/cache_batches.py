"""Where in the files of the cache each header is: the tables of all files, read once in a process."""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sunpy_heliocloud.io.cache_file import CacheFile, DamagedEntry, Entry, Record

__all__ = ["Batches"]


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
            Those that are there and not damaged.
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

    def _look_through(self, folder: Path) -> None:
        """Read the tables of new files; of two entries with one key the newer one counts, which is in the later file."""
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
