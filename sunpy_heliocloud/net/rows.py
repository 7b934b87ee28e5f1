"""Rows of an index: what is known of files before they are opened."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

__all__ = ["Rows"]


class Rows(NamedTuple):
    """
    Rows of an index.

    Attributes
    ----------
    start, stop
        When the files begin and end, UTC (``datetime64[us]``); NaT for files without a time.
    url
        Where they are, exactly as the index says.
    size
        Bytes, NaN where the index does not say.
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

    @staticmethod
    def concatenate(parts: Iterable["Rows"]) -> "Rows":
        """All rows of several parts."""
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


def _joined(name: str, parts: list[Rows]) -> np.ndarray:
    """An optional column, of parts that need not all have it, as numbers if all that have it have numbers."""
    columns = [part.more.get(name) for part in parts]
    has_text = any(column is not None and column.dtype.kind == "U" for column in columns)
    return np.concatenate(
        [
            np.full(len(part.url), "" if has_text else np.nan) if column is None
            else column.astype(str) if has_text
            else column
            for part, column in zip(parts, columns, strict=True)
        ]
    )  # fmt: skip
