"""Where the rows of an image lie in its FITS file, and how their bytes become pixels."""

import io
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from astropy.io import fits

from sunpy_heliocloud.headers import HeaderUnit, HeadTooShort, header_units

__all__ = ["ImageLayout", "PlainLayout", "Scaling", "TiledLayout", "WholeFileLayout", "find_image"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """From the numbers that a file stores to physical values: BSCALE, BZERO and BLANK."""

    bscale: float = 1.0
    bzero: float = 0.0
    blank: int | None = None

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> "Scaling":
        """
        Read the three keywords.

        FITS gives BLANK a meaning for integers only, but there are float images whose missing pixels have its value.
        """
        bscale, bzero, blank = header.get("BSCALE", 1), header.get("BZERO", 0), header.get("BLANK")
        if isinstance(bscale, str) or isinstance(bzero, str) or isinstance(blank, str):
            raise TypeError(f"BSCALE={bscale}, BZERO={bzero}, BLANK={blank} are no numbers")
        return cls(float(bscale), float(bzero), blank)

    @property
    def is_identity(self) -> bool:
        """Whether stored and physical values are the same."""
        return self == Scaling()

    def dtype(self, stored: np.dtype) -> np.dtype:
        """The type of the physical values, chosen as astropy does: float32 can hold what 16 bits can."""
        if self.is_identity or stored.kind == "f":
            return stored.newbyteorder("=")
        return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)

    def apply(self, stored: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Physical values as ``dtype``; blank ones are NaN."""
        is_scaled = self.bscale != 1 or self.bzero != 0
        # The offset of unsigned integers, 2³¹, would swallow the last digits of a float32.
        values = stored.astype(np.result_type(dtype, self.dtype(stored.dtype)) if is_scaled else dtype)
        if self.bscale != 1:
            values *= values.dtype.type(self.bscale)
        if self.bzero != 0:
            values += values.dtype.type(self.bzero)
        if self.blank is not None:
            values[stored == self.blank] = np.nan
        return values.astype(dtype, copy=False)


class ImageLayout(Protocol):
    """What a reader must know of an image's file."""

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling

    @property
    def head_stop(self) -> int | None:
        """So many first bytes of the file say all that `find_image` needs; `None` for all it was given."""

    def byte_range(self, start: int, stop: int) -> tuple[int, int | None]:
        """The bytes of the file that hold rows ``start`` to ``stop``."""

    def decode(self, buffer: bytes, start: int, stop: int) -> np.ndarray:
        """Rows ``start`` to ``stop`` as stored, from the bytes that `byte_range` named."""


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """An image that is not compressed: row after row, big-endian."""

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling
    data_start: int

    @property
    def head_stop(self) -> int:
        return self.data_start

    def byte_range(self, start: int, stop: int) -> tuple[int, int]:
        row = self.shape[1] * self.dtype.itemsize
        return self.data_start + start * row, self.data_start + stop * row

    def decode(self, buffer: bytes, start: int, stop: int) -> np.ndarray:
        return np.frombuffer(buffer, self.dtype).reshape(stop - start, self.shape[1])


@dataclass(frozen=True, eq=False, slots=True)
class TiledLayout:
    """
    A tile-compressed image: rows of tiles, each described by a row of a binary table, in a heap behind the table.

    Rows are read by handing astropy a small FITS file that holds the needed tiles only, so that every compression
    it knows is decoded by it.

    Parameters
    ----------
    shape, dtype, scaling
        Of the image.
    cards
        The cards of the table's header that say how to decode, without those that count rows.
    rows_per_tile, tiles_per_row
        The shape of the grid of tiles.
    heap_start
        The byte of the file at which the heap begins.
    table
        The tile table as it stands in the file, ``(tiles, bytes)``; or, where tiles are stored in order without
        gaps and nothing else is in the table, their lengths in bytes, ``(tiles,)``, which is four times smaller.
    descriptor_dtype, descriptor_columns
        The type of a length and an offset in the table; the bytes of a table row at which such pairs begin, and how
        many bytes each of the elements has that the length counts.
    first_offset
        Where in the heap the first tile begins, when ``table`` holds lengths.
    dither_seed
        ZDITHER0 of a quantised image.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling
    cards: tuple[str, ...]
    rows_per_tile: int
    tiles_per_row: int
    heap_start: int
    table: np.ndarray
    descriptor_dtype: np.dtype
    descriptor_columns: tuple[tuple[int, int], ...]
    first_offset: int = 0
    dither_seed: int | None = None

    @property
    def head_stop(self) -> int:
        return self.heap_start

    def byte_range(self, start: int, stop: int) -> tuple[int, int]:
        first, last = self._heap_range(*self._tiles(start, stop))
        return self.heap_start + first, self.heap_start + last

    def decode(self, buffer: bytes, start: int, stop: int) -> np.ndarray:
        tiles = self._tiles(start, stop)
        first_row = tiles[0] // self.tiles_per_row * self.rows_per_tile
        last_row = min(tiles[1] // self.tiles_per_row * self.rows_per_tile, self.shape[0])
        small_file = self._small_file(buffer, tiles, last_row - first_row)
        with fits.open(io.BytesIO(small_file), do_not_scale_image_data=True) as hdus:
            return hdus[1].data[start - first_row : stop - first_row]

    def _tiles(self, start: int, stop: int) -> tuple[int, int]:
        """The tiles that hold these rows, in whole rows of tiles."""
        first, last = start // self.rows_per_tile, -(-stop // self.rows_per_tile)
        return first * self.tiles_per_row, last * self.tiles_per_row

    def _heap_range(self, first: int, last: int) -> tuple[int, int]:
        if self.table.ndim == 1:
            start = self.first_offset + int(self.table[:first].sum(dtype=np.int64))
            return start, start + int(self.table[first:last].sum(dtype=np.int64))
        descriptors = self._descriptors(self.table[first:last])
        lengths, offsets = descriptors[..., 0] * self._element_bytes, descriptors[..., 1]
        used = lengths > 0
        if not used.any():
            return 0, 0
        return int(offsets[used].min()), int((offsets + lengths)[used].max())

    def _descriptors(self, table: np.ndarray) -> np.ndarray:
        """``(tiles, columns, 2)``: length and offset in the heap of each variable-length column."""
        size = 2 * self.descriptor_dtype.itemsize
        columns = [
            np.ascontiguousarray(table[:, at : at + size]).view(self.descriptor_dtype)
            for at, _ in self.descriptor_columns
        ]
        return np.stack(columns, axis=1).astype(np.int64)

    @property
    def _element_bytes(self) -> np.ndarray:
        return np.array([size for _, size in self.descriptor_columns])

    def _small_file(self, heap: bytes, tiles: tuple[int, int], rows: int) -> bytes:
        """A FITS file of the tiles ``tiles[0]`` to ``tiles[1]``, whose bytes are ``heap``."""
        table = self._small_table(*tiles)
        cards = [_card("XTENSION", "'BINTABLE'"), _card("BITPIX", 8), _card("NAXIS", 2)]
        cards += [_card("NAXIS1", table.shape[1]), _card("NAXIS2", table.shape[0])]
        cards += [_card("PCOUNT", len(heap)), _card("GCOUNT", 1), *self.cards, _card("ZNAXIS2", rows)]
        if (
            self.dither_seed is not None
        ):  # subtractive dithering draws its numbers by the tile's place in the image
            cards.append(_card("ZDITHER0", (self.dither_seed + tiles[0] - 1) % 10000 + 1))
        return b"".join(
            [
                _padded(
                    "".join([_card("SIMPLE", "T"), _card("BITPIX", 8), _card("NAXIS", 0), _END]).encode(),
                    b" ",
                ),
                _padded("".join([*cards, _END]).encode(), b" "),
                _padded(table.tobytes() + heap, b"\0"),
            ]
        )

    def _small_table(self, first: int, last: int) -> np.ndarray:
        """The table's rows for some of the tiles, with offsets that count from the first of them."""
        start = self._heap_range(first, last)[0]
        if self.table.ndim == 1:
            lengths = self.table[first:last].astype(np.int64)
            descriptors = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1)
            return descriptors.astype(self.descriptor_dtype).view(np.uint8)
        table = self.table[first:last].copy()
        descriptors = self._descriptors(table)
        descriptors[..., 1] -= np.where(descriptors[..., 0] > 0, start, descriptors[..., 1])
        size = 2 * self.descriptor_dtype.itemsize
        for i, (at, _) in enumerate(self.descriptor_columns):
            column = np.ascontiguousarray(descriptors[:, i].astype(self.descriptor_dtype))
            table[:, at : at + size] = column.view(np.uint8)
        return table


@dataclass(frozen=True, slots=True)
class WholeFileLayout:
    """An image that only its whole file can give."""

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling
    hdu: int

    @property
    def head_stop(self) -> None:
        return None

    def byte_range(self, start: int, stop: int) -> tuple[int, None]:
        return 0, None

    def decode(self, buffer: bytes, start: int, stop: int) -> np.ndarray:
        with fits.open(io.BytesIO(buffer), do_not_scale_image_data=True) as hdus:
            return hdus[self.hdu].data[start:stop]


def find_image(head: bytes) -> tuple[HeaderUnit, ImageLayout]:
    """
    The first two-dimensional image of a file, plain or compressed, in whichever HDU it is.

    Parameters
    ----------
    head
        The file's first bytes.

    Returns
    -------
    HeaderUnit
        The HDU of the image (for a compressed one, of the table that holds it).
    ImageLayout
        How to read its rows.

    Raises
    ------
    HeadTooShort
        When headers, or the tile table, go on behind ``head``.
    ValueError
        When the bytes are not those of a FITS file with a two-dimensional image.
    """
    try:
        for number, unit in enumerate(header_units(head)):
            header = unit.header
            extension = str(header.get("XTENSION", "IMAGE")).strip()
            if extension == "BINTABLE" and header.get("ZIMAGE") is True and header.get("ZNAXIS") == 2:
                return unit, _tiled_layout(head, unit, number)
            if header["NAXIS"] == 2 and extension == "IMAGE":
                return unit, _plain_layout(unit)
            if len(head) == unit.data_stop:
                break
    except KeyError as error:
        raise ValueError(f"a FITS header without the obligatory {error}") from error
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"a FITS header with a damaged card: {error}") from error
    raise ValueError("no HDU with a two-dimensional image")


def _plain_layout(unit: HeaderUnit) -> PlainLayout:
    header = unit.header
    return PlainLayout(
        _shared((header["NAXIS2"], header["NAXIS1"])),
        _stored_dtype(header["BITPIX"]),
        _shared(Scaling.from_header(header)),
        unit.data_start,
    )


def _tiled_layout(head: bytes, unit: HeaderUnit, number: int) -> TiledLayout | WholeFileLayout:
    header = unit.header
    shape = _shared((int(header["ZNAXIS2"]), int(header["ZNAXIS1"])))
    dtype = _shared(_stored_dtype(header["ZBITPIX"]).newbyteorder("="))
    scaling = _shared(Scaling.from_header(header))
    columns = _descriptor_columns(header)
    if columns is None:
        return WholeFileLayout(shape, dtype, scaling, number)
    row_bytes, tiles = header["NAXIS1"], header["NAXIS2"]
    table_stop = unit.data_start + row_bytes * tiles
    if len(head) < table_stop:
        raise HeadTooShort(table_stop)
    table = np.frombuffer(head, np.uint8, row_bytes * tiles, unit.data_start).reshape(tiles, row_bytes)
    layout = TiledLayout(
        shape,
        dtype,
        scaling,
        cards=_decoding_cards(unit.text, quantised=dtype.kind == "f"),
        rows_per_tile=header.get("ZTILE2", 1),
        tiles_per_row=-(-shape[1] // header.get("ZTILE1", shape[1])),
        heap_start=unit.data_start + header.get("THEAP", row_bytes * tiles),
        table=table,
        descriptor_dtype=columns[0],
        descriptor_columns=columns[1],
        dither_seed=header.get("ZDITHER0"),
    )
    layout.byte_range(0, shape[0])  # damaged cards show here, not in the middle of a computation
    return _compact(layout)


def _compact(layout: TiledLayout) -> TiledLayout:
    """The same layout with row lengths instead of the table, where these say it all; else with a table of its own."""
    if layout.table.shape[1] == 2 * layout.descriptor_dtype.itemsize:
        lengths, offsets = layout._descriptors(layout.table)[:, 0].T
        if layout.descriptor_columns == ((0, 1),) and (offsets[1:] == offsets[:-1] + lengths[:-1]).all():
            small = lengths.astype(np.uint16 if lengths.max() < 2**16 else np.uint32)
            return replace(layout, table=small, first_offset=int(offsets[0]))
    return replace(layout, table=layout.table.copy())


@lru_cache
def _stored_dtype(bitpix: int) -> np.dtype:
    return np.dtype({8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}[bitpix])


@lru_cache(maxsize=256)
def _shared[T: Hashable](value: T) -> T:
    """The value that was there first, of those that are equal: what all frames have is kept in memory once."""
    return value


_DESCRIPTOR = re.compile(r"^[01]?([PQ])([BIJKED])")
_FORMAT = re.compile(r"^(\d*)([LXBIJKAEDCM])")
_FORMAT_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16}


def _descriptor_columns(
    header: Mapping[str, Any],
) -> tuple[np.dtype, tuple[tuple[int, int], ...]] | None:
    """Type and places of the array descriptors in a row of the tile table; `None` for a table not understood."""
    kinds, places, at = set(), [], 0
    for i in range(1, header["TFIELDS"] + 1):
        form = header[f"TFORM{i}"].strip()
        if descriptor := _DESCRIPTOR.match(form):
            kinds.add(descriptor[1])
            places.append((at, _FORMAT_BYTES[descriptor[2]]))
            at += 8 if descriptor[1] == "P" else 16
        elif (plain := _FORMAT.match(form)) and plain[2] in _FORMAT_BYTES:
            at += int(plain[1] or 1) * _FORMAT_BYTES[plain[2]]
        else:
            return None
    if len(kinds) != 1 or at != header["NAXIS1"]:
        return None
    return _shared(np.dtype(">i4" if kinds == {"P"} else ">i8")), _shared(tuple(places))


_DECODING = re.compile(
    r"^(TFIELDS|TTYPE\d+|TFORM\d+|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS1?|ZTILE\d|ZNAME\d+|ZVAL\d+) *="
)
_DEQUANTISING = re.compile(r"^(ZQUANTIZ|ZSCALE|ZZERO|ZBLANK) *=")


def _decoding_cards(text: str, *, quantised: bool) -> tuple[str, ...]:
    cards = [text[i : i + 80] for i in range(0, len(text), 80)]
    return _shared(tuple(card for card in cards if _says_how_to_decode(card, quantised)))


@lru_cache(maxsize=4096)
def _says_how_to_decode(card: str, quantised: bool) -> bool:
    return bool(_DECODING.match(card) or (quantised and _DEQUANTISING.match(card)))


_END = "END".ljust(80)


def _card(keyword: str, value: int | str) -> str:
    return f"{keyword:<8}= {value:>20}".ljust(80)


def _padded(block: bytes, fill: bytes) -> bytes:
    return block + fill * (-len(block) % 2880)
