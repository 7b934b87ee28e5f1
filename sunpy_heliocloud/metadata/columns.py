"""Headers of many frames by columns: what all share is kept once, numbers and texts are kept as arrays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Self, overload

import numpy as np

__all__ = ["HeaderColumns", "column", "keyword_rows", "picked"]

_ARRAYS: dict[type, np.typing.DTypeLike] = {
    float: np.dtype(float),
    int: np.dtype(np.int64),
    bool: np.dtype(bool),
    str: np.dtypes.StringDType(),
}


class _No(Enum):
    """What stands in a column for a keyword that a header does not have; a blank value is `None`."""

    KEYWORD = 0


class HeaderColumns(Sequence):
    """
    An immutable sequence of headers, in a hundredth of the memory of as many dictionaries.

    An integer index gives a new dictionary, with the values and their types that went in; any other index of numpy's
    gives the headers it picks, at no cost for those it does not.

    Parameters
    ----------
    length
        Number of headers.
    shared
        Values that all headers have.
    columns
        By keyword, the values of those that differ, one a header.
    """

    def __init__(
        self,
        length: int,
        shared: Mapping[str, Any] | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self._length = length
        self._shared = dict(shared or {})
        self._columns = dict(columns or {})

    @classmethod
    def from_headers(cls, headers: Iterable[Mapping[str, Any]]) -> Self:
        """Pack some headers."""
        headers = list(headers)
        shared, columns = {}, {}
        for keyword in dict.fromkeys(keyword for header in headers for keyword in header):
            values = [header.get(keyword, _No.KEYWORD) for header in headers]
            if _all_same(values):
                shared[keyword] = values[0]
            else:
                columns[keyword] = _array(values)
        return cls(len(headers), shared, columns)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """One sequence of several."""
        parts = [part for part in parts if len(part)]
        shared, columns = {}, {}
        for keyword in dict.fromkeys(keyword for part in parts for keyword in part.keywords):
            values = [part._shared.get(keyword, _No.KEYWORD) for part in parts]
            in_all = not any(keyword in part._columns for part in parts)
            if in_all and _all_same(values):
                shared[keyword] = values[0]
            else:
                columns[keyword] = _joined([part._values(keyword) for part in parts])
        return cls(sum(map(len, parts)), shared, columns)

    @property
    def keywords(self) -> list[str]:
        """Those that some of the headers have."""
        return [*self._shared, *self._columns]

    def is_shared(self, keyword: str) -> bool:
        """Whether all headers have the same value, or none has the keyword."""
        return keyword not in self._columns

    def column(self, keyword: str) -> list[Any]:
        """The value of each header; `None` where a header has no such keyword."""
        return [None if value is _No.KEYWORD else value for value in self._values(keyword).tolist()]

    def _values(self, keyword: str) -> np.ndarray:
        if keyword in self._columns:
            return self._columns[keyword]
        return _array([self._shared.get(keyword, _No.KEYWORD)] * self._length)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, item: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, item: slice | np.ndarray) -> Self: ...

    def __getitem__(self, item: Any) -> dict[str, Any] | Self:
        if isinstance(item, (int, np.integer)):
            if not -self._length <= item < self._length:
                raise IndexError(f"there is no header {item} of {self._length}")
            varying = {keyword: values[item] for keyword, values in self._columns.items()}
            return self._shared | {
                keyword: value.item() if isinstance(value, np.generic) else value
                for keyword, value in varying.items()
                if value is not _No.KEYWORD
            }
        columns = {keyword: values[item] for keyword, values in self._columns.items()}
        return type(self)(len(np.arange(self._length)[item]), self._shared, columns)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(self._length))


def column(headers: Sequence[Mapping[str, Any]], keyword: str) -> list[Any]:
    """The values of a keyword; `None` where a header has none. ``headers`` may be dictionaries as well."""
    if isinstance(headers, HeaderColumns):
        return headers.column(keyword)
    return [header.get(keyword) for header in headers]


def picked(headers: Sequence[Mapping[str, Any]], indices: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Some of the headers, which may be dictionaries as well."""
    if isinstance(headers, HeaderColumns):
        return headers[np.array(indices, dtype=int)]
    return [headers[i] for i in indices]


def keyword_rows(headers: Sequence[Mapping[str, Any]], keywords: Sequence[str]) -> list[tuple]:
    """The values of some keywords, a tuple a header."""
    return list(zip(*(column(headers, keyword) for keyword in keywords), strict=True))


def _all_same(values: Sequence[Any]) -> bool:
    first = values[0]
    return all(value is first or (type(value) is type(first) and value == first) for value in values)


def _array(values: Sequence[Any]) -> np.ndarray:
    """Values of one kind as an array of that kind; a mixture as one of objects."""
    kinds = {type(value) for value in values}
    dtype = _ARRAYS.get(kinds.pop(), object) if len(kinds) == 1 else object
    try:
        return np.array(values, dtype)
    except OverflowError:  # integers of over 64 bits
        return np.array(values, object)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    if len({array.dtype for array in arrays}) > 1:
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)
