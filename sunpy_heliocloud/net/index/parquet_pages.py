"""
How much the pages of a parquet file hold, before pyarrow unpacks any.

The footer of a file may say less than its pages unpack to, and pyarrow makes room for as much as the header of a page says.
Footer and headers are structs of Thrift's compact protocol. They are read here, since pyarrow's own objects for them end
the interpreter at some damaged footers.
"""

from collections.abc import Iterator
from typing import Any

from sunpy_heliocloud.bounds import limits

__all__ = ["check_pages"]

# A page holds a megabyte, or 20,000 rows.
MOST_PAGES = 100_000
_DEEPEST = 20
_MARK = b"PAR1"
# Numbers of fields. Of the footer: its row groups; of these: rows and columns; of a column: what says where its pages are.
_ROW_GROUPS, _ROWS, _COLUMNS, _META = 4, 3, 1, 3
_PACKED_SIZE, _DATA_PAGE, _DICTIONARY_PAGE = 7, 9, 11
# Of the header of a page: how long it is unpacked and packed, and structs whose first field counts its values.
_UNPACKED, _PACKED, _COUNTING = 2, 3, (5, 7, 8)


def check_pages(data: bytes, what: str) -> None:
    """
    Refuse a file whose pages hold more than the bounds allow.

    Parameters
    ----------
    data
        The file.
    what
        Its name, for messages.

    Raises
    ------
    LimitError
        If they hold more than ``limits.index_bytes`` together, or the file or one of them more than ``limits.index_rows``.
    ValueError
        If the footer or their headers cannot be read.
    """
    length = int.from_bytes(data[-8:-4], "little")
    if len(data) < 12 or data[-4:] != _MARK or length > len(data) - 12:
        raise ValueError("it has no footer of a parquet file")
    groups = _list(_Reader(data, len(data) - 8 - length).struct(), _ROW_GROUPS)
    limits.check("index_rows", sum(_integer(group, _ROWS) for group in groups), what)
    pages = size = 0
    for column in (_struct(column, _META) for group in groups for column in _list(group, _COLUMNS)):
        for unpacked, values in _pages(data, column):
            pages, size = pages + 1, size + unpacked
            if pages > MOST_PAGES:
                raise ValueError(f"it has over {MOST_PAGES:,} pages")
            limits.check("index_bytes", size, what)
            limits.check("index_rows", values, what)


def _pages(data: bytes, column: dict[int, Any]) -> Iterator[tuple[int, int]]:
    """Of each page of a column its length unpacked, and how many values it says that it has."""
    starts = [_integer(column, field) for field in (_DATA_PAGE, _DICTIONARY_PAGE) if field in column]
    position = min((start for start in starts if start > 0), default=-1)
    end = position + _integer(column, _PACKED_SIZE)
    if not 0 < position <= end <= len(data):
        raise ValueError(f"a column is at bytes {position} to {end} of {len(data)}")
    while position < end:
        reader = _Reader(data, position)
        header = reader.struct()
        unpacked, packed = _integer(header, _UNPACKED), _integer(header, _PACKED)
        if unpacked < 0 or packed < 0:
            raise ValueError(f"a page has {packed} bytes")
        position = reader.position + packed
        yield unpacked, max(_integer(_struct(header, field), 1) for field in _COUNTING)


def _integer(struct: dict[int, Any], field: int) -> int:
    value = struct.get(field, 0)
    return value if isinstance(value, int) else 0


def _struct(struct: dict[int, Any], field: int) -> dict[int, Any]:
    value = struct.get(field)
    return value if isinstance(value, dict) else {}


def _list(struct: dict[int, Any], field: int) -> list[dict[int, Any]]:
    value = struct.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


class _Reader:
    """Reads structs of Thrift's compact protocol."""

    def __init__(self, data: bytes, position: int):
        self._data, self.position = data, position

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Integers, structs and lists of these, by the numbers of their fields; other values are skipped."""
        if depth > _DEEPEST:
            raise ValueError("it has structs within structs")
        fields: dict[int, Any] = {}
        number = 0
        while byte := self._byte():
            number = number + (byte >> 4) if byte >> 4 else self._integer()
            fields[number] = self._value(byte & 15, depth)
        return fields

    def _value(self, kind: int, depth: int, *, in_list: bool = False) -> Any:
        match kind:
            case 1 | 2:  # true, false: in a list they have a byte each
                return self._byte() if in_list else None
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:  # a double
                self.position += 8
                return None
            case 8:  # bytes
                length = self._natural()
                self.position += length
                return None
            case 9 | 10:  # a list, a set
                byte = self._byte()
                length = byte >> 4 if byte >> 4 < 15 else self._natural()
                if length > len(self._data):
                    raise ValueError(f"it has a list of {length} items")
                return [self._value(byte & 15, depth + 1, in_list=True) for _ in range(length)]
            case 12:
                return self.struct(depth + 1)
        raise ValueError(f"it has a field of the kind {kind}")

    def _byte(self) -> int:
        if self.position >= len(self._data):
            raise ValueError("it is cut short")
        self.position += 1
        return self._data[self.position - 1]

    def _natural(self) -> int:
        """A number of 7 bits a byte."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("it has a number of over ten bytes")

    def _integer(self) -> int:
        """The sign is in the lowest bit."""
        value = self._natural()
        return (value >> 1) ^ -(value & 1)
