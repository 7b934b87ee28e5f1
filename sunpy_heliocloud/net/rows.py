"""Rows of an index: times, URLs and sizes of files."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from sunpy_heliocloud.text import LONGEST, inert

__all__ = ["Rows", "are_within", "text_column"]

# All texts of a numpy array need as much memory as the longest: with one text of 8 kB, a year of rows would
# need 4 GB.
_MOST_CHARACTERS = 2**26


class Rows(NamedTuple):
    """
    Rows of an index.

    Attributes
    ----------
    start, stop
        Start and end times of the files, UTC (``datetime64[us]``); NaT for files without a time.
    url
        URLs, exactly as in the index.
    size
        Bytes; NaN if the index has no size.
    more
        The optional columns by name: numbers (NaN where there is none) or text.
    """

    start: np.ndarray
    stop: np.ndarray
    url: list[str]
    size: np.ndarray
    more: dict[str, np.ndarray]

    @staticmethod
    def empty() -> "Rows":
        """No rows."""
        nothing = np.array([], "datetime64[us]")
        return Rows(nothing, nothing, [], np.array([], float), {})

    def take(self, where: np.ndarray) -> "Rows":
        """The rows with these indices, in their order."""
        if np.array_equal(where, np.arange(len(self.url))):
            return self
        return Rows(
            self.start[where],
            self.stop[where],
            [self.url[i] for i in where.tolist()],
            self.size[where],
            {name: column[where] for name, column in self.more.items()},
        )

    def shown(self) -> "Rows":
        """The rows with optional columns made harmless for tables: names and texts."""
        more: dict[str, np.ndarray] = {}
        for k, (name, column) in enumerate(self.more.items(), start=1):
            name = inert(name, 100)
            more[f"{name} ({k})" if name in more else name] = _harmless(column)
        return self._replace(more=more)

    @staticmethod
    def concatenate(parts: Iterable["Rows"]) -> "Rows":
        """The rows of several parts, concatenated."""
        parts = list(parts)
        start, stop, _, size, more = zip(*parts, strict=True)
        names = dict.fromkeys(name for columns in more for name in columns)
        return Rows(
            np.concatenate(start),
            np.concatenate(stop),
            [url for part in parts for url in part.url],
            np.concatenate(size),
            {name: _joined(name, parts) for name in names},
        )


def are_within(begins: np.ndarray, ends: np.ndarray, start: np.datetime64, last: np.datetime64) -> np.ndarray:
    """
    Which files belong to a time range: their intervals overlap, where neither has its end.

    Parameters
    ----------
    begins, ends
        Of the files. A file without a duration belongs to the range in which it begins.
    start, last
        The first and the last moment of the range.
    """
    return (begins <= last) & np.where(ends > begins, ends > start, begins >= start)


def _joined(name: str, parts: list[Rows]) -> np.ndarray:
    """
    An optional column of several parts, some of which may lack it; numeric if it is numeric in all parts that
    have it.
    """
    columns = [part.more.get(name) for part in parts]
    if all(column is None or column.dtype.kind == "f" for column in columns):
        return np.concatenate(
            [
                np.full(len(part.url), np.nan) if column is None else column
                for part, column in zip(parts, columns, strict=True)
            ]
        )
    return text_column(
        [
            word
            for part, column in zip(parts, columns, strict=True)
            for word in ([""] * len(part.url) if column is None else map(str, column.tolist()))
        ]
    )


def _harmless(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return column
    words = column.tolist()
    together = "".join(words)
    if (
        together.isascii()
        and together.isprintable()
        and "<" not in together
        and max(map(len, words), default=0) <= LONGEST
    ):
        return column
    return text_column([inert(word) for word in words])


def text_column(words: Sequence[str]) -> np.ndarray:
    """
    Texts as an array.

    Parameters
    ----------
    words
        The texts.

    Returns
    -------
    `numpy.ndarray`
        An array of numpy texts, or of Python texts if numpy texts would need too much memory.
    """
    longest = max(map(len, words), default=0)
    return np.array(words, str if longest * len(words) <= _MOST_CHARACTERS else object)
