"""
How much the pages of a parquet file hold, before pyarrow unpacks any.

The footer of a file may say less than its pages unpack to, and pyarrow makes room for as much as the header of a page says.
A header is a struct of Thrift's compact protocol.
"""

from typing import TYPE_CHECKING

from sunpy_heliocloud.bounds import limits

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

__all__ = ["check_pages"]

# A page holds a megabyte, or 20,000 rows.
MOST_PAGES = 100_000
_DEEPEST = 8
# Fields of a page's header: how long the page is unpacked and packed, and structs whose first field counts its values.
_UNPACKED, _PACKED, _COUNTING = 2, 3, (5, 7, 8)


def check_pages(data: bytes, metadata: "FileMetaData", what: str) -> None:
    """
    Refuse a file whose pages hold more than the bounds allow.

    Parameters
    ----------
    data
        The file.
    metadata
        What its footer says.
    what
        Its name, for messages.

    Raises
    ------
    LimitError
        If they hold more than ``limits.index_bytes`` together, or one more values than ``limits.index_rows``.
    ValueError
        If their headers cannot be read.
    """
    pages = size = 0
    for i in range(metadata.num_row_groups):
        for j in range(metadata.num_columns):
            chunk = metadata.row_group(i).column(j)
            starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
            position = min(start for start in starts if start is not None and start > 0)
            end = position + chunk.total_compressed_size
            if not 0 < position <= end <= len(data):
                raise ValueError(f"column {j + 1} is at bytes {position} to {end} of {len(data)}")
            while position < end:
                header = _Header(data, position)
                unpacked, packed, values = header.sizes()
                if unpacked < 0 or packed < 0 or pages == MOST_PAGES:
                    raise ValueError(
                        f"page {pages + 1} has {packed} bytes: expected at most {MOST_PAGES:,} pages"
                    )
                pages, size, position = pages + 1, size + unpacked, header.position + packed
                limits.check("index_bytes", size, what)
                limits.check("index_rows", values, what)


class _Header:
    """Goes through a struct of Thrift's compact protocol."""

    def __init__(self, data: bytes, position: int):
        self._data, self.position = data, position

    def sizes(self) -> tuple[int, int, int]:
        """Length of the page unpacked and packed, and how many values it says that it has."""
        found = self._struct()
        values = max((found.get((field, 1), 0) for field in _COUNTING), default=0)
        return found.get((_UNPACKED,), -1), found.get((_PACKED,), -1), values

    def _struct(self, path: tuple[int, ...] = ()) -> dict[tuple[int, ...], int]:
        """The integers of a struct, by the numbers of their fields, also of the structs in it."""
        if len(path) > _DEEPEST:
            raise ValueError("a page has structs within structs")
        found: dict[tuple[int, ...], int] = {}
        field = 0
        while byte := self._byte():
            kind = byte & 15
            field = field + (byte >> 4) if byte >> 4 else self._integer()
            here = (*path, field)
            match kind:
                case 1 | 2:  # true, false
                    pass
                case 3:
                    self._byte()
                case 4 | 5 | 6:
                    found[here] = self._integer()
                case 7:  # a double
                    self.position += 8
                case 8:  # bytes: minima and maxima, for example
                    length = self._natural()
                    self.position += length
                case 12:
                    found |= self._struct(here)
                case _:
                    raise ValueError(f"the header of a page has a field of the kind {kind}")
        return found

    def _byte(self) -> int:
        if self.position >= len(self._data):
            raise ValueError("the header of a page is cut short")
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
        raise ValueError("the header of a page has a number of over ten bytes")

    def _integer(self) -> int:
        """The sign is in the lowest bit."""
        value = self._natural()
        return (value >> 1) ^ -(value & 1)
