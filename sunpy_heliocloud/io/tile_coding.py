"""Decoding of tiles: the compressions of the FITS standard, all with bounds checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sunpy_heliocloud.io.gunzip import gunzip
from sunpy_heliocloud.io.keywords import integer, number, one_of
from sunpy_heliocloud.kernels.hcompress import decode_hcompress
from sunpy_heliocloud.kernels.quantisation import dequantise
from sunpy_heliocloud.kernels.rice import DamagedTile, decode_rice
from sunpy_heliocloud.text import inert

__all__ = ["TileCoding"]

_COMPRESSIONS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "NOCOMPRESS")
_RICE = ("RICE_1", "RICE_ONE")
_DITHERS = {"NO_DITHER": 0, "SUBTRACTIVE_DITHER_1": 1, "SUBTRACTIVE_DITHER_2": 2}
# The parameters of each compression, ZNAMEn. NOISEBIT, which describes how floats were quantised, is ignored:
# decoding does not need it.
_PARAMETERS = {
    "RICE_1": ("BLOCKSIZE", "BYTEPIX"),
    "RICE_ONE": ("BLOCKSIZE", "BYTEPIX"),
    "HCOMPRESS_1": ("SCALE", "SMOOTH"),
}


@dataclass(frozen=True)
class TileCoding:
    """
    The compression of the tiles of an image, checked.

    Parameters
    ----------
    compression
        ZCMPTYPE.
    dtype
        Of the pixels.
    coded
        Type of the compressed integers, if the compression is one of integers.
    block
        Pixels of a block of RICE.
    smooth
        Whether HCOMPRESS smooths.
    dither
        ZQUANTIZ of floats that are stored as integers, as a number; `None` for pixels that are stored as they are.
    seed
        ZDITHER0.
    missing
        What pixels with the blank value of a tile become: NaN, or the blank value of the image; `None` if they stay.
    """

    compression: str
    dtype: np.dtype
    coded: np.dtype
    block: int = 32
    smooth: bool = False
    dither: int | None = None
    seed: int = 1
    missing: float | None = None

    @classmethod
    def from_header(
        cls,
        header: Mapping[str, Any],
        dtype: np.dtype,
        *,
        quantised: bool,
        has_blanks: bool = False,
        blank: int | None = None,
    ) -> "TileCoding":
        """
        Read the keywords of the compression.

        Parameters
        ----------
        header
            Of the table of tiles.
        dtype
            Of the pixels.
        quantised
            Whether the table has ZSCALE and ZZERO.
        has_blanks
            Whether it has a column ZBLANK.
        blank
            The value of missing pixels in the whole image.

        Raises
        ------
        ValueError
            If a value is invalid or not implemented; the message has the keyword, the value and the
            expectation.
        """
        if header.get("ZCMPTYPE") == "PLIO_1":
            raise ValueError("ZCMPTYPE=PLIO_1 is not implemented; funpack, of CFITSIO, unpacks such files")
        compression = one_of(header, "ZCMPTYPE", _COMPRESSIONS)
        names, values = _parameters(header, compression)
        block = one_of(values, names["BLOCKSIZE"], (16, 32), default=32)
        smooth = one_of(values, names["SMOOTH"], (0, 1), default=0) == 1
        number(values, names["SCALE"], default=0)  # unused: the bytes of a tile contain it too, as an integer
        dither, seed = None, 1
        if quantised:
            if dtype.kind != "f":
                raise ValueError(f"ZSCALE belongs to floats, but ZBITPIX={header['ZBITPIX']} is of integers")
            dither = _DITHERS[one_of(header, "ZQUANTIZ", tuple(_DITHERS), default="NO_DITHER")]
            seed = integer(header, "ZDITHER0", least=1, most=10000) if dither else 1
        coded = np.dtype(np.int32) if quantised else dtype
        if compression in (*_RICE, "HCOMPRESS_1") and (coded.kind == "f" or coded.itemsize > 4):
            raise ValueError(f"{compression} is of integers up to 32 bits, but ZBITPIX={header['ZBITPIX']}")
        if compression in _RICE:
            # Pixels of any size may be compressed as integers of 32 bits, which is the default.
            size = one_of(values, names["BYTEPIX"], tuple(dict.fromkeys((coded.itemsize, 4))), default=4)
            coded = coded if size == coded.itemsize else np.dtype(np.int32)
        missing = None
        if dtype.kind == "f":
            missing = np.nan  # of floats that are quantised this is done when they are scaled
        elif has_blanks:
            missing = blank
            if header.get("ZBLANK") is not None:
                missing = integer(header, "ZBLANK", least=-(2**31), most=2**31 - 1)
            if missing is None or not np.iinfo(dtype).min <= missing <= np.iinfo(dtype).max:
                raise ValueError(
                    f"tiles have blank values (a column ZBLANK), but BLANK={missing} is none of ZBITPIX={header['ZBITPIX']}"
                )
        return cls(compression, dtype, coded, block, smooth, dither, seed, missing)

    @property
    def is_plain_rice(self) -> bool:
        """Whether the RICE-coded integers are the pixels, without quantisation."""
        return self.compression in _RICE and self.coded == self.dtype and self.missing is None

    def decode(
        self,
        data: bytes,
        shape: tuple[int, int],
        tile: int,
        *,
        column: int,
        scale: float | None,
        zero: float | None,
        blank: int | None,
    ) -> np.ndarray:
        """
        The pixels of a tile.

        Parameters
        ----------
        data
            Its bytes.
        shape
            Its rows and columns.
        tile
            Its number.
        column
            The column of the bytes, one of ``sunpy_heliocloud.io.tile_table.DATA_COLUMNS``.
        scale, zero, blank
            Values of this tile, see `~sunpy_heliocloud.io.tile_table.TileTable`.

        Returns
        -------
        `numpy.ndarray`

        Raises
        ------
        ValueError
            If the bytes are not a valid tile.
        """
        try:
            if column == 0:
                return self._decode_compressed(data, shape, tile, scale, zero, blank)
            return _as_pixels(
                gunzip(data, _bytes(shape, self.dtype)) if column == 1 else data, shape, self.dtype
            )
        except ValueError as error:
            raise ValueError(f"tile {tile} is damaged: {error}") from error

    def _decode_compressed(
        self,
        data: bytes,
        shape: tuple[int, int],
        tile: int,
        scale: float | None,
        zero: float | None,
        blank: int | None,
    ) -> np.ndarray:
        if self.compression in _RICE:
            pixels = self._rice(data, shape)
        elif self.compression == "HCOMPRESS_1":
            pixels = self._hcompress(data, shape)
        else:
            pixels = self._bytewise(data, shape)
        if self.dither is None or scale is None or zero is None:  # one is there with the others
            pixels = _fitting(pixels, self.dtype)
            if blank is None or self.missing is None:
                return pixels
            return np.where(pixels == blank, self.dtype.type(self.missing), pixels)
        return dequantise(
            pixels, scale, zero, dither=self.dither, place=tile + self.seed - 1, blank=blank, dtype=self.dtype
        )

    def _rice(self, data: bytes, shape: tuple[int, int]) -> np.ndarray:
        pixels = shape[0] * shape[1]
        ends = np.array([0]), np.array([len(data)])
        try:
            row = decode_rice(
                np.frombuffer(data, np.uint8), *ends, pixels, (0, pixels), block=self.block, dtype=self.coded
            )
        except DamagedTile as error:
            raise ValueError("no RICE encoder writes such bytes") from error
        return row.reshape(shape)

    def _hcompress(self, data: bytes, shape: tuple[int, int]) -> np.ndarray:
        if min(shape) < 4:
            raise ValueError(
                f"HCOMPRESS_1 is of tiles of at least 4 x 4 pixels, not of {shape[0]} x {shape[1]}"
            )
        pixels, scale = decode_hcompress(data, shape, smooth=self.smooth)
        if scale > 1:  # pixels near the limits of their range may be rounded a few steps beyond it
            inside = pixels.clip(np.iinfo(self.coded).min, np.iinfo(self.coded).max)
            pixels = np.where(np.abs(pixels - inside) < min(8 * scale, 2**16), inside, pixels)
        return _fitting(pixels, self.coded)

    def _bytewise(self, data: bytes, shape: tuple[int, int]) -> np.ndarray:
        stored = self.coded
        if self.compression.startswith("GZIP"):
            data = gunzip(data, _bytes(shape, stored))
        if self.dither is not None and len(data) == _bytes(shape, np.dtype(np.int16)):
            stored = np.dtype(np.int16)  # CFITSIO stores integers in the smallest type that holds them
        if self.compression == "GZIP_2":
            # First the highest bytes of all pixels, then the next ones. Stacking is faster than a copy of the transpose.
            data = np.stack([*np.frombuffer(data, np.uint8).reshape(stored.itemsize, -1)], axis=1).tobytes()
        return _as_pixels(data, shape, stored)


def _parameters(header: Mapping[str, Any], compression: str) -> tuple[dict[str, str], dict[str, Any]]:
    """
    The keyword of each parameter of a compression, for messages, and the values by keyword, from the pairs
    ZNAMEn, ZVALn.
    """
    known = (*_PARAMETERS.get(compression, ()), "NOISEBIT")
    names = {name: name for name in ("BLOCKSIZE", "BYTEPIX", "SCALE", "SMOOTH")}
    values: dict[str, Any] = {}
    i = 1
    while f"ZNAME{i}" in header:
        name = header[f"ZNAME{i}"]
        name = name.upper() if isinstance(name, str) else name
        if name not in known or f"ZVAL{i}" not in header or names.get(name, name) != name:
            raise ValueError(
                f"ZNAME{i}={inert(name, 60)} with ZVAL{i}={inert(header.get(f'ZVAL{i}'), 60)}, but the parameters of "
                f"{compression} are {', '.join(known)}, each once and with a value"
            )
        names[name] = f"ZVAL{i} ({name})"
        values[names[name]] = header[f"ZVAL{i}"]
        i += 1
    return names, values


def _bytes(shape: tuple[int, int], dtype: np.dtype) -> int:
    return shape[0] * shape[1] * dtype.itemsize


def _as_pixels(data: bytes, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Bytes, most significant first, as pixels."""
    if len(data) != _bytes(shape, dtype):
        raise ValueError(f"it has {len(data)} bytes, and {_bytes(shape, dtype)} were expected")
    return np.frombuffer(data, dtype.newbyteorder(">")).reshape(shape)


def _fitting(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Integers as a smaller type; a value out of its range is an error."""
    if pixels.dtype.kind == "f" or np.can_cast(pixels.dtype, dtype):
        return pixels
    limits = np.iinfo(dtype)
    if pixels.min() < limits.min or pixels.max() > limits.max:
        raise ValueError(
            f"pixels from {pixels.min()} to {pixels.max()} are too large for ZBITPIX={8 * dtype.itemsize}"
        )
    return pixels.astype(dtype)
