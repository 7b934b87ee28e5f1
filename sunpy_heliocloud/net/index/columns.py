"""
Columns of a parquet index in the format of the cache, which is read without pyarrow, and only the rows in
use.

After a line that says what it is: the length of a description, that as JSON, and the columns, one after another. Rows are
in time order, so that those of a query lie together.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sunpy_heliocloud.io.cache_file import Sliceable
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.rows import Rows, text_column
from sunpy_heliocloud.text import inert

__all__ = ["ColumnTable", "Text", "pack"]

_MAGIC = b"sunpy_heliocloud columns 1\n"
_TIME, _NUMBER, _OFFSET = np.dtype("<M8[us]"), np.dtype("<f8"), np.dtype("<i8")


class Text:
    """
    A column of text.

    Parameters
    ----------
    offsets
        Where each text begins, and where the last ends.
    letters
        All texts in UTF-8.
    """

    def __init__(self, offsets: np.ndarray, letters: bytes):
        self.offsets, self.letters = offsets, letters


def pack(
    start: np.ndarray,
    stop: np.ndarray,
    url: Text,
    size: np.ndarray,
    more: Mapping[str, np.ndarray | Text],
    left_out: Sequence[str] = (),
) -> bytes:
    """
    Columns as bytes.

    Parameters
    ----------
    start, stop, url, size
        The required columns, in time order.
    more
        The others by name.
    left_out
        Names of unusable columns.
    """
    columns: list[tuple[np.dtype | None, Text | np.ndarray]] = [
        (_TIME, start),
        (_TIME, stop),
        (None, url),
        (_NUMBER, size),
        *((None, c) for c in more.values()),
    ]
    blocks, kinds = [], []
    for kind, column in columns:
        if isinstance(column, Text):
            kinds.append("text")
            blocks += [column.offsets.astype(_OFFSET).tobytes(), bytes(column.letters)]
        else:
            kinds.append("number")
            blocks.append(column.astype(kind or _NUMBER).tobytes())
    description = {
        "kinds": kinds,
        "lengths": [len(b) for b in blocks],
        "names": list(more),
        "left_out": list(left_out),
    }
    head = json.dumps(description).encode()
    return b"".join([_MAGIC, len(head).to_bytes(8, "little"), head, *blocks])


class ColumnTable:
    """
    Reader of the result of `pack`.

    Parameters
    ----------
    data
        The bytes.
    url
        Where the index is from, for messages.

    Attributes
    ----------
    start, stop : `numpy.ndarray`
        Of all rows.
    left_out : list of str
        Names of unusable columns.
    """

    def __init__(self, data: Sliceable, url: str):
        self._data, self._url = data, url
        try:
            head = len(_MAGIC) + 8
            if data[: len(_MAGIC)] != _MAGIC:
                raise ValueError("it is of another version")
            begin = head + int.from_bytes(data[len(_MAGIC) : head], "little")
            description = json.loads(data[head:begin])
            ends = begin + np.cumsum([0, *description["lengths"]])
            if ends[-1] != len(data):
                raise ValueError("its length is not what it says")
            self._bounds = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
            self._kinds: list[str] = description["kinds"]
            self._names: list[str] = description["names"]
            self.left_out: list[str] = description["left_out"]
            self.start, self.stop = self._block(0, _TIME), self._block(1, _TIME)
        except (ValueError, KeyError, TypeError) as e:
            raise CatalogError(f"The copy of {inert(url)} in the cache cannot be used: {inert(e)}") from e

    def rows(self, where: np.ndarray) -> Rows:
        """
        Some rows.

        Parameters
        ----------
        where
            A mask or indices.
        """
        where = np.flatnonzero(where) if where.dtype == bool else where
        columns: list[Any] = []
        block = 2
        for kind in self._kinds[2:]:
            if kind == "text":
                columns.append(self._texts(block, where))
                block += 2
            else:
                columns.append(self._block(block, _NUMBER)[where])
                block += 1
        url, size, *more = columns
        named = {
            name: text_column(column) if isinstance(column, list) else column
            for name, column in zip(self._names, more, strict=True)
        }
        return Rows(self.start[where], self.stop[where], url, size, named)

    def _block(self, i: int, dtype: np.dtype) -> np.ndarray:
        begin, end = self._bounds[i]
        return np.frombuffer(self._data[begin:end], dtype)

    def _texts(self, i: int, where: np.ndarray) -> list[str]:
        """Texts of some rows; what lies between them is read as well, since they lie together."""
        if not len(where):
            return []
        offsets = self._block(i, _OFFSET)
        begin, _ = self._bounds[i + 1]
        first = int(offsets[where.min()])
        letters = self._data[begin + first : begin + int(offsets[where.max() + 1])]
        bounds = zip((offsets[where] - first).tolist(), (offsets[where + 1] - first).tolist(), strict=True)
        return [letters[a:b].decode() for a, b in bounds]
