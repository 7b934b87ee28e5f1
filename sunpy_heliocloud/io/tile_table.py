"""
The table of a tile-compressed image: offsets and lengths of tiles in the heap, and the scaling of floats.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.keywords import integer, number
from sunpy_heliocloud.text import inert

__all__ = ["DATA_COLUMNS", "TableFormat", "TileTable"]

# Columns that may hold the bytes of a tile; the first column that is not empty is used.
DATA_COLUMNS = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_SCALARS = ("ZSCALE", "ZZERO", "ZBLANK")
_TFORM = re.compile(r"(\d{0,9})(?:([LXBIJKAEDCM])|([PQ])([BIJKED])(?:\(\d*\))?)$")
_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16}
_TYPES = {"B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


class _Column(NamedTuple):
    """A column of the table: its first byte, its type, and for a descriptor the type of the elements in the heap."""

    start: int
    dtype: np.dtype
    element: np.dtype | None

    def of(self, table: np.ndarray) -> np.ndarray:
        size = self.dtype.itemsize * (2 if self.element is not None else 1)
        return np.ascontiguousarray(table[:, self.start : self.start + size]).view(self.dtype)

    def places(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of bytes and offset in the heap of each descriptor of the column."""
        counts, starts = self.of(table).astype(np.int64).T
        size = 1 if self.element is None else self.element.itemsize
        # A count that is out of range is also out of range in bytes.
        return counts if size == 1 else np.where(np.abs(counts) < 2**48, counts * size, counts), starts


@dataclass(frozen=True)
class TableFormat:
    """
    The header keywords of the table of tiles, checked.

    Parameters
    ----------
    row_bytes, tiles
        Bytes of a row of the table, and the number of rows: one for each tile.
    heap_start, heap_size
        The first byte of the heap, counted from the start of the table, and its size.
    columns
        The columns that describe tiles, by name.
    """

    row_bytes: int
    tiles: int
    heap_start: int
    heap_size: int
    columns: Mapping[str, _Column]

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> "TableFormat":
        """
        Read the keywords of the table.

        Raises
        ------
        ValueError
            For a wrong keyword; the message has the keyword, the value and the expectation.
        ~sunpy_heliocloud.bounds.LimitError
            When there are more tiles than ``limits.tiles``.
        """
        row_bytes, tiles = integer(header, "NAXIS1"), integer(header, "NAXIS2")
        limits.check("tiles", tiles, "The image")
        size = row_bytes * tiles
        end = size + integer(header, "PCOUNT", default=0)
        heap_start = integer(header, "THEAP", least=size, most=end, default=size)
        return cls(row_bytes, tiles, heap_start, end - heap_start, _columns(header, row_bytes))


def _columns(header: Mapping[str, Any], row_bytes: int) -> dict[str, _Column]:
    columns: dict[str, _Column] = {}
    at = 0
    for i in range(1, integer(header, "TFIELDS", least=1, most=999) + 1):
        name, form = header.get(f"TTYPE{i}", ""), header.get(f"TFORM{i}")
        found = _TFORM.match(form.strip()) if isinstance(form, str) else None
        if found is None or not isinstance(name, str):
            raise ValueError(
                f"TTYPE{i}={inert(name, 60)} with TFORM{i}={inert(form, 60)} is no column of a binary table"
            )
        repeat, plain, pointer, element = found.groups()
        count = int(repeat or 1)
        if name in (*DATA_COLUMNS, *_SCALARS):
            code = element if name in DATA_COLUMNS else plain
            allowed = {
                "COMPRESSED_DATA": "B",
                "GZIP_COMPRESSED_DATA": "B",
                "ZBLANK": "BIJ",
                "ZSCALE": "ED",
                "ZZERO": "ED",
            }
            if name in columns or count != 1 or code is None or code not in allowed.get(name, "BIJKED"):
                raise ValueError(
                    f"TFORM{i}={inert(form, 60)} is no format of {name}, or the column is there twice"
                )
            dtype = np.dtype(_TYPES[code] if plain else ">i4" if pointer == "P" else ">i8")
            columns[name] = _Column(at, dtype, None if plain else np.dtype(_TYPES[element]))
        if pointer:
            at += count * (8 if pointer == "P" else 16)
        else:
            at += -(-count // 8) if plain == "X" else count * _BYTES[plain]
    if at != row_bytes:
        raise ValueError(f"NAXIS1={row_bytes}, but the columns of the table have {at} bytes (TFORMn)")
    if not columns.keys() & set(DATA_COLUMNS):
        raise ValueError(f"the table of tiles has none of the columns {', '.join(DATA_COLUMNS)} (TTYPEn)")
    return columns


@dataclass(frozen=True, eq=False, slots=True)
class TileTable:
    """
    Offset and length of each tile in the heap, and the scaling of its floats.

    Parameters
    ----------
    lengths
        Bytes of each tile.
    offsets
        Offset of each tile in the heap. For tiles in order and without gaps, only the offset of the first,
        which needs an eighth of the memory.
    columns
        For each tile the index in ``DATA_COLUMNS`` of its column; `None` if the first column holds all.
    scales, zeros
        For floats that are stored as integers, ZSCALE and ZZERO of each tile, or one value for all; `None`
        for other pixels.
    blanks
        The integer of missing pixels, for each tile or for all; `None` if there is none.
    """

    lengths: np.ndarray
    offsets: np.ndarray
    columns: np.ndarray | None = None
    scales: np.ndarray | None = None
    zeros: np.ndarray | None = None
    blanks: np.ndarray | None = None

    @classmethod
    def from_bytes(
        cls, table: bytes, form: TableFormat, header: Mapping[str, Any], most_bytes: int
    ) -> "TileTable":
        """
        Read the table.

        Parameters
        ----------
        table
            Its bytes.
        form
            Its header keywords.
        header
            The header, for ZSCALE, ZZERO and ZBLANK of all tiles.
        most_bytes
            Upper limit of the bytes of a tile.

        Raises
        ------
        ValueError
            When a tile is not in the heap or has too many bytes, or a scale is not finite.
        """
        rows = np.frombuffer(table, np.uint8).reshape(form.tiles, form.row_bytes)
        lengths, offsets, columns = _places(rows, form)
        used = lengths > 0
        bad = (
            (lengths < 0)
            | (lengths > most_bytes)
            | (used & ((offsets < 0) | (offsets > form.heap_size - lengths)))
        )
        if bad.any():
            tile = int(np.argmax(bad))
            raise ValueError(
                f"tile {tile} has {lengths[tile]} bytes from byte {offsets[tile]} of a heap of {form.heap_size} bytes "
                f"(PCOUNT), and {most_bytes} at most can be right"
            )
        scales, zeros, blanks = (_scalars(name, rows, form, header) for name in _SCALARS)
        if (scales is None) is not (zeros is None):
            raise ValueError(
                "only one of ZSCALE and ZZERO is there; floats need both, as columns or keywords"
            )
        if scales is not None and zeros is not None:
            scaled = used & (columns == 0)
            if not (np.isfinite(scales) & np.isfinite(zeros) & (scales != 0) | ~scaled).all():
                raise ValueError("a tile's ZSCALE or ZZERO is no number, or its ZSCALE is 0")
        in_order = bool((offsets[1:] == offsets[:-1] + lengths[:-1]).all()) and bool(used[:1].all())
        return cls(
            lengths.astype(np.uint16 if lengths.max(initial=0) < 2**16 else np.int64),
            offsets[:1].copy() if in_order else offsets,
            None if not columns.any() else columns,
            scales,
            zeros,
            blanks,
        )

    def places(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """First byte, and the byte after the last, of some tiles in the heap."""
        lengths = self.lengths[first:last].astype(np.int64)
        if len(self.offsets) == len(self.lengths):
            starts = self.offsets[first:last]
            return starts, starts + lengths
        stops = self.offsets[0] + self.lengths[:first].sum(dtype=np.int64) + np.cumsum(lengths)
        return stops - lengths, stops


def _places(rows: np.ndarray, form: TableFormat) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of bytes, offset in the heap and index in ``DATA_COLUMNS`` of each tile."""
    last, *others = (i for i in reversed(range(len(DATA_COLUMNS))) if DATA_COLUMNS[i] in form.columns)
    lengths, offsets = form.columns[DATA_COLUMNS[last]].places(rows)
    columns = np.full(form.tiles, last, np.uint8)
    for i in others:
        sizes, starts = form.columns[DATA_COLUMNS[i]].places(rows)
        here = sizes != 0
        lengths, offsets = np.where(here, sizes, lengths), np.where(here, starts, offsets)
        columns[here] = i
    return lengths, offsets, columns


def _scalars(name: str, rows: np.ndarray, form: TableFormat, header: Mapping[str, Any]) -> np.ndarray | None:
    """One value for each tile, or one for all, as float64 or int64; `None` if the file has no value."""
    dtype = np.int64 if name == "ZBLANK" else np.float64
    if name in form.columns:
        return form.columns[name].of(rows)[:, 0].astype(dtype)
    if name not in header:
        return None
    return np.array(
        [integer(header, name, least=-(2**31), most=2**31 - 1) if dtype is np.int64 else number(header, name)]
    )
