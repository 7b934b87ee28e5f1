"""Byte ranges of the rows of an image in its FITS file, and their decoding into pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.bounds import LimitError
from sunpy_heliocloud.io.gunzip import unpacked_pieces
from sunpy_heliocloud.io.keywords import number
from sunpy_heliocloud.io.tile_coding import TileCoding
from sunpy_heliocloud.io.tile_table import TileTable
from sunpy_heliocloud.kernels.rice import DamagedTile, decode_rice
from sunpy_heliocloud.kernels.stored_pixels import floats_in_place
from sunpy_heliocloud.text import inert

__all__ = ["GzippedLayout", "ImageLayout", "PlainLayout", "Scaling", "TiledLayout"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Conversion from stored to physical values: BSCALE, BZERO and BLANK."""

    bscale: float = 1.0
    bzero: float = 0.0
    blank: int | None = None

    @classmethod
    def from_header(
        cls, header: Mapping[str, Any], *, tiled: np.dtype | None = None, has_blanks: bool = False
    ) -> "Scaling":
        """
        Read the three keywords.

        The FITS standard defines BLANK for integers only, but in some float images missing pixels have this
        value. For compressed integers without BLANK, ZBLANK is used, as in astropy.

        Parameters
        ----------
        header
            The values by keyword.
        tiled
            Type of the pixels of a compressed image.
        has_blanks
            Whether its tiles have blank values of their own. Without BLANK and ZBLANK the lowest integer stands for
            them, as in astropy.
        """
        bscale, bzero = number(header, "BSCALE", default=1), number(header, "BZERO", default=0)
        if bscale == 0:
            raise ValueError("BSCALE=0 would make all pixels the same; it must be another number")
        is_tiled_integer = tiled is not None and tiled.kind != "f"
        keyword = "ZBLANK" if is_tiled_integer and header.get("BLANK") is None else "BLANK"
        blank = header.get(keyword)
        if blank is None and tiled is not None and is_tiled_integer and has_blanks:
            blank = -(2 ** (8 * tiled.itemsize - 1))
        if blank is not None and type(blank) is not int:
            raise ValueError(f"{keyword}={inert(blank, 60)}, but must be an integer")
        return cls(bscale, bzero, blank)

    @property
    def is_identity(self) -> bool:
        """Whether stored and physical values are equal."""
        return self == Scaling()

    def dtype(self, stored: np.dtype) -> np.dtype:
        """The type of the physical values, chosen as astropy does: float32 can hold what 16 bits can."""
        if self.is_identity or stored.kind == "f":
            return stored.newbyteorder("=")
        return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)

    def apply(self, stored: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Physical values as ``dtype``; blank ones are NaN. They may take the place of the stored ones."""
        is_scaled = self.bscale != 1 or self.bzero != 0
        if not is_scaled and stored.dtype == np.int32 and dtype == np.float32 and _is_own(stored):
            return floats_in_place(stored, self.blank)
        # With the offset of unsigned integers, 2³¹, a float32 would lose the last digits.
        values = stored.astype(np.result_type(dtype, self.dtype(stored.dtype)) if is_scaled else dtype)
        if self.bscale != 1:
            values *= values.dtype.type(self.bscale)
        if self.bzero != 0:
            values += values.dtype.type(self.bzero)
        if self.blank is not None:
            values[stored == self.blank] = np.nan
        return values.astype(dtype, copy=False)


def _is_own(array: np.ndarray) -> bool:
    """Whether nothing else can refer to its memory."""
    flags = array.flags
    return flags.owndata and flags.writeable and flags.c_contiguous


class ImageLayout(Protocol):
    """
    Byte ranges and decoding of the rows of an image; made by `sunpy_heliocloud.io.fits_image.find_image`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers that are stored."""

    @property
    def scaling(self) -> Scaling:
        """From these to physical values."""

    @property
    def head_stop(self) -> int | None:
        """Number of first bytes of the file that `find_image` needs; `None` for all given bytes."""

    def byte_range(self, start: int, stop: int) -> tuple[int, int | None]:
        """The byte range of the rows ``start`` to ``stop``."""

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        """Stored values of these rows and columns, from the bytes of `byte_range`."""


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """An uncompressed image: row after row, big-endian."""

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
    A tile-compressed image: rows of tiles, whose bytes are in a heap.

    RICE-compressed integers with one tile a row are decoded together; other tiles are decoded one by one.

    Parameters
    ----------
    shape, dtype, scaling
        Of the image.
    tile_shape
        Rows and columns of a tile; tiles at the edges of the image may have fewer.
    coding
        How tiles are compressed.
    heap_start
        First byte of the heap in the file.
    tiles
        Offsets and lengths of the tiles in the heap.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    scaling: Scaling
    tile_shape: tuple[int, int]
    coding: TileCoding
    heap_start: int
    tiles: TileTable

    @property
    def head_stop(self) -> int:
        return self.heap_start

    def byte_range(self, start: int, stop: int) -> tuple[int, int]:
        starts, stops = self.tiles.places(*self._tiles(start, stop))
        used = stops > starts
        first, last = int(starts.min(initial=2**62, where=used)), int(stops.max(initial=0, where=used))
        return self.heap_start + min(first, last), self.heap_start + last

    def decode(self, buffer: bytes, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        first, last = self._tiles(*rows)
        starts, stops = self.tiles.places(first, last)
        origin = self.byte_range(*rows)[0] - self.heap_start
        starts, stops = starts - origin, stops - origin
        is_row_by_row = self.tile_shape == (1, self.shape[1])
        if is_row_by_row and self.coding.is_plain_rice and self.tiles.columns is None:
            return self._decode_rows(buffer, first, starts, stops, columns)
        image = np.empty((rows[1] - rows[0], columns[1] - columns[0]), self.dtype)
        height, width = self.tile_shape
        across = -(-self.shape[1] // width)
        for tile, start, stop in zip(range(first, last), starts.tolist(), stops.tolist(), strict=True):
            top, left = tile // across * height, tile % across * width
            shape = min(height, self.shape[0] - top), min(width, self.shape[1] - left)
            y, x = _overlap(top, shape[0], rows), _overlap(left, shape[1], columns)
            if x[0] < x[1]:
                pixels = self._decode_tile(buffer[start:stop], shape, tile)
                image[y[0] - rows[0] : y[1] - rows[0], x[0] - columns[0] : x[1] - columns[0]] = pixels[
                    y[0] - top : y[1] - top, x[0] - left : x[1] - left
                ]
        return image

    def _decode_rows(
        self, buffer: bytes, first: int, starts: np.ndarray, stops: np.ndarray, columns: tuple[int, int]
    ) -> np.ndarray:
        try:
            return decode_rice(
                np.frombuffer(buffer, np.uint8),
                starts,
                stops,
                self.shape[1],
                columns,
                block=self.coding.block,
                dtype=self.dtype,
            )
        except DamagedTile as error:
            raise DamagedTile(first + error.number) from error

    def _decode_tile(self, data: bytes, shape: tuple[int, int], tile: int) -> np.ndarray:
        tiles = self.tiles
        column = 0 if tiles.columns is None else int(tiles.columns[tile])
        scale, zero, blank = (
            None if values is None else values[tile % len(values)].item()
            for values in (tiles.scales, tiles.zeros, tiles.blanks)
        )
        return self.coding.decode(data, shape, tile, column=column, scale=scale, zero=zero, blank=blank)

    def _tiles(self, start: int, stop: int) -> tuple[int, int]:
        """The tiles that hold these rows, in whole rows of tiles."""
        height, width = self.tile_shape
        across = -(-self.shape[1] // width)
        return start // height * across, -(-stop // height) * across


def _overlap(start: int, size: int, window: tuple[int, int]) -> tuple[int, int]:
    """The overlap of a tile that begins at ``start`` with a window, along one axis."""
    return max(start, window[0]), min(start + size, window[1])


@dataclass(frozen=True, slots=True)
class GzippedLayout:
    """
    An image in a file that is gzipped as a whole (``.fits.gz``); all bytes are needed for any row.

    Parameters
    ----------
    inner
        The layout of the image in the unpacked file.
    most_bytes
        Upper limit of the size of the unpacked file.
    """

    inner: PlainLayout | TiledLayout
    most_bytes: int

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
        return self.inner.decode(self._unpacked(buffer, *self.inner.byte_range(*rows)), rows, columns)

    def _unpacked(self, buffer: bytes, start: int, stop: int) -> bytes:
        """
        Some of the unpacked bytes. All bytes are unpacked, since the checksum is at the end, but only these
        are kept.
        """
        kept, at = [], 0
        for piece in unpacked_pieces(buffer):
            kept.append(piece[max(start - at, 0) : max(stop - at, 0)])
            at += len(piece)
            if at > self.most_bytes:
                raise LimitError(
                    f"the gzipped file has more than {self.most_bytes:,} unpacked bytes; if you trust it, "
                    "raise the limit before it is opened: sunpy_heliocloud.limits.file_bytes"
                )
        if at < stop:
            raise ValueError(
                f"the gzipped file has only {at} unpacked bytes, but the image ends at byte {stop}"
            )
        return b"".join(kept)
