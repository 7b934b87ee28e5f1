"""Where the rows of an image lie in its FITS file, and how their bytes become pixels."""

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from sunpy_heliocloud.kernels.rice import decode_rice

__all__ = ["GzippedLayout", "ImageLayout", "PlainLayout", "Scaling", "TiledLayout", "WholeFileLayout"]


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
    """What a reader must know of an image's file; `sunpy_heliocloud.io.fits_image.find_image` makes it."""

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling

    @property
    def head_stop(self) -> int | None:
        """So many first bytes of the file say all that `find_image` needs; `None` for all it was given."""

    def byte_range(self, start: int, stop: int) -> tuple[int, int | None]:
        """The bytes of the file that hold rows ``start`` to ``stop``."""

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        """These rows and columns as stored, from the bytes that `byte_range` named for the rows."""


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

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        image = np.frombuffer(buffer, self.dtype).reshape(rows[1] - rows[0], self.shape[1])
        return image[:, slice(*columns)]


@dataclass(frozen=True, eq=False, slots=True)
class TiledLayout:
    """
    A tile-compressed image: rows of tiles, each described by a row of a binary table, in a heap behind the table.

    Rows of RICE-compressed integers, each a tile, are decoded by `decode_rice`. All else is decoded by astropy, which
    is handed a small FITS file that holds the needed tiles only; also what is not as `decode_rice` expects it.

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
    rice_block
        Pixels of a block of RICE-compressed integers; 0 for other pixels and compressions.
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
    rice_block: int = 0

    @property
    def head_stop(self) -> int:
        return self.heap_start

    def byte_range(self, start: int, stop: int) -> tuple[int, int]:
        first, last = self._heap_range(*self._tiles(start, stop))
        return self.heap_start + first, self.heap_start + last

    def compacted(self) -> Self:
        """The same layout with tiles' lengths instead of the table, where these say it all; else with its own table."""
        if self.table.shape[1] == 2 * self.descriptor_dtype.itemsize:
            lengths, offsets = self._descriptors(self.table)[:, 0].T
            if self.descriptor_columns == ((0, 1),) and (offsets[1:] == offsets[:-1] + lengths[:-1]).all():
                small = lengths.astype(np.uint16 if lengths.max() < 2**16 else np.uint32)
                return replace(self, table=small, first_offset=int(offsets[0]))
        return replace(self, table=self.table.copy())

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        image = self._decode_rice(buffer, rows, columns) if self._is_rice_by_row else None
        return self._decode_by_astropy(buffer, rows)[:, slice(*columns)] if image is None else image

    @property
    def _is_rice_by_row(self) -> bool:
        return self.rice_block > 0 and self.rows_per_tile == self.tiles_per_row == self.table.ndim == 1

    def _decode_rice(
        self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]
    ) -> np.ndarray | None:
        return decode_rice(
            np.frombuffer(buffer, np.uint8),
            self.table[slice(*rows)],
            self.shape[1],
            columns,
            block=self.rice_block,
            dtype=self.dtype,
        )

    def _decode_by_astropy(self, buffer: bytes, rows: tuple[int, int]) -> np.ndarray:
        from astropy.io import fits  # imported by those who need it: it costs a worker a third of a second

        tiles = self._tiles(*rows)
        first_row = tiles[0] // self.tiles_per_row * self.rows_per_tile
        last_row = min(tiles[1] // self.tiles_per_row * self.rows_per_tile, self.shape[0])
        small_file = self._small_file(buffer, tiles, last_row - first_row)
        with fits.open(io.BytesIO(small_file), do_not_scale_image_data=True) as hdus:
            return hdus[1].data[rows[0] - first_row : rows[1] - first_row]

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

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        from astropy.io import fits

        with fits.open(io.BytesIO(buffer), do_not_scale_image_data=True) as hdus:
            return hdus[self.hdu].data[slice(*rows), slice(*columns)]


@dataclass(frozen=True, slots=True)
class GzippedLayout:
    """
    An image in a file that is compressed as a whole (``.fits.gz``), which takes all of it.

    Parameters
    ----------
    inner
        How the image lies in the file that was compressed.
    """

    inner: PlainLayout | TiledLayout | WholeFileLayout

    @property
    def shape(self) -> tuple[int, int]:
        return self.inner.shape

    @property
    def dtype(self) -> np.dtype:
        return self.inner.dtype

    @property
    def scaling(self) -> Scaling:
        return self.inner.scaling

    @property
    def head_stop(self) -> None:
        return None

    def byte_range(self, start: int, stop: int) -> tuple[int, None]:
        return 0, None

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        file = gzip.decompress(buffer)
        return self.inner.decode(file[slice(*self.inner.byte_range(*rows))], rows, columns)


_END = "END".ljust(80)


def _card(keyword: str, value: int | str) -> str:
    return f"{keyword:<8}= {value:>20}".ljust(80)


def _padded(block: bytes, fill: bytes) -> bytes:
    return block + fill * (-len(block) % 2880)
