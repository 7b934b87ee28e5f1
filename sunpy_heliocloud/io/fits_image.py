"""The image in a FITS file, found from the first bytes of the file, and the layout of its rows."""

from collections.abc import Hashable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.fits_header import HeaderUnit, HeadTooShort, header_units
from sunpy_heliocloud.io.fits_layout import GzippedLayout, ImageLayout, PlainLayout, Scaling, TiledLayout
from sunpy_heliocloud.io.gunzip import unpacked_pieces
from sunpy_heliocloud.io.keywords import integer, one_of
from sunpy_heliocloud.io.tile_coding import TileCoding
from sunpy_heliocloud.io.tile_table import TableFormat, TileTable

__all__ = ["find_image", "image_layout"]

_GZIP = b"\x1f\x8b"
_STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# Upper limits of compressed bytes, for each pixel and for each tile.
_MOST_BYTES_OF_A_PIXEL = 16
_MOST_BYTES_OF_A_TILE = 1024
_MOST_AXES = 999  # of the FITS standard


def find_image(head: bytes, *, whole: bool = False) -> tuple[HeaderUnit, ImageLayout]:
    """
    The first two-dimensional image of a file, plain or compressed, in any HDU.

    The file may be gzipped. All keywords that reading and decoding use are checked here.

    Parameters
    ----------
    head
        The file's first bytes.
    whole
        Whether these are all bytes of the file.

    Returns
    -------
    HeaderUnit
        The HDU of the image (for a compressed one, of the table that holds it).
    ImageLayout
        How to read its rows.

    Raises
    ------
    HeadTooShort
        When headers, or the tile table, continue after ``head``.
    ValueError
        When this is not a FITS file with a two-dimensional image that can be read; the message has the
        keyword, its value and the expectation.
    ~sunpy_heliocloud.bounds.LimitError
        When a number exceeds a limit.
    """
    try:
        return _gzipped_image(head, whole) if head.startswith(_GZIP) else _image(head)
    except HeadTooShort as short:
        if not whole:
            raise
        if short.is_between:
            raise ValueError(f"no HDU with a two-dimensional image{_cubes(head)}") from None
        raise ValueError(f"it ends after {len(head)} bytes, within its headers; it is truncated") from None


def _cubes(head: bytes) -> str:
    """The arrays of more axes in a file that is not gzipped, and what to do with them."""
    found = []
    with suppress(HeadTooShort, ValueError):  # after the last HDU
        for unit in header_units(b"" if head.startswith(_GZIP) else head):
            prefix = "Z" if unit.header.get("ZIMAGE") is True else ""
            axes = unit.header.get(f"{prefix}NAXIS", 0)
            if 2 < axes <= _MOST_AXES:
                lengths = (unit.header.get(f"{prefix}NAXIS{axis}") for axis in range(axes, 0, -1))
                found.append(f"HDU {unit.number} of {'×'.join(map(str, lengths))}")
    remedy = "; pass (data, header) pairs of the images in it that you want"
    return f", but {', '.join(found)}{remedy}" if found else ""


def _image(head: bytes) -> tuple[HeaderUnit, PlainLayout | TiledLayout]:
    units = header_units(head)  # if there is no image, this raises an error
    while True:
        unit = next(units)
        layout = image_layout(head, unit)
        if layout is not None:
            return unit, layout


def image_layout(head: bytes, unit: HeaderUnit) -> PlainLayout | TiledLayout | None:
    """
    How to read the image of an HDU; `None` for an HDU without one. Further axes of length 1 do not count.

    Parameters
    ----------
    head
        Bytes of the file, from the one on from which the HDU's are counted.
    unit
        The HDU.

    Raises
    ------
    HeadTooShort, ValueError, ~sunpy_heliocloud.bounds.LimitError
        See `find_image`.
    """
    extension = str(unit.header.get("XTENSION", "IMAGE")).strip()
    if extension == "BINTABLE" and unit.header.get("ZIMAGE") is True and _has_two_axes(unit.header, "Z"):
        return _tiled_layout(head, unit)
    if extension == "IMAGE" and _has_two_axes(unit.header, ""):
        return _plain_layout(unit)
    return None


def _has_two_axes(header: Mapping[str, Any], prefix: str) -> bool:
    axes = header.get(f"{prefix}NAXIS")
    return (
        type(axes) is int
        and 2 <= axes <= _MOST_AXES
        and all(header.get(f"{prefix}NAXIS{axis}") == 1 for axis in range(3, axes + 1))
    )


def _gzipped_image(head: bytes, whole: bool) -> tuple[HeaderUnit, GzippedLayout]:
    unpacked, size = [], 0
    for piece in unpacked_pieces(head, whole=whole):
        unpacked.append(piece)
        size += len(piece)
        if size > limits.head_bytes:
            break
    try:
        unit, layout = _image(b"".join(unpacked))
    except HeadTooShort as short:
        limits.check("head_bytes", short.needed, "The unpacked file, up to its image,")
        raise HeadTooShort(2 * len(head), is_between=short.is_between) from None
    stop = layout.byte_range(0, layout.shape[0])[1]
    limits.check("file_bytes", stop, "The gzipped file")
    return unit, GzippedLayout(layout, limits.file_bytes)


def _plain_layout(unit: HeaderUnit) -> PlainLayout:
    header = unit.header
    return PlainLayout(
        _shape(header, ""),
        _stored_dtype(header["BITPIX"]),
        _shared(Scaling.from_header(header)),
        unit.data_start,
    )


def _tiled_layout(head: bytes, unit: HeaderUnit) -> TiledLayout:
    header = unit.header
    shape = _shape(header, "Z")
    dtype = _shared(_stored_dtype(one_of(header, "ZBITPIX", tuple(_STORED))).newbyteorder("="))
    height = min(integer(header, "ZTILE2", least=1, default=1), shape[0])
    width = min(integer(header, "ZTILE1", least=1, default=shape[1]), shape[1])
    form = TableFormat.from_header(header)
    tiles = -(-shape[0] // height) * -(-shape[1] // width)
    if form.tiles != tiles:
        raise ValueError(
            f"NAXIS2={form.tiles}, but {shape[0]} x {shape[1]} pixels have {tiles} tiles (ZTILEn)"
        )
    table_stop = unit.data_start + form.row_bytes * form.tiles
    if len(head) < table_stop:
        raise HeadTooShort(table_stop)
    most_bytes = _MOST_BYTES_OF_A_PIXEL * height * width + _MOST_BYTES_OF_A_TILE
    table = TileTable.from_bytes(head[unit.data_start : table_stop], form, header, most_bytes)
    has_blanks = "ZBLANK" in form.columns
    scaling = Scaling.from_header(header, tiled=dtype, has_blanks=has_blanks)
    coding = TileCoding.from_header(
        header, dtype, quantised=table.scales is not None, has_blanks=has_blanks, blank=scaling.blank
    )
    return TiledLayout(
        shape,
        dtype,
        _shared(scaling),
        _shared((height, width)),
        _shared(coding),
        unit.data_start + form.heap_start,
        table,
    )


def _shape(header: Mapping[str, Any], prefix: str) -> tuple[int, int]:
    rows, columns = (integer(header, f"{prefix}NAXIS{axis}", least=1) for axis in (2, 1))
    limits.check("image_pixels", rows * columns, "The image")
    return _shared((rows, columns))


@lru_cache
def _stored_dtype(bitpix: int) -> np.dtype:
    return np.dtype(_STORED[bitpix])


@lru_cache(maxsize=256)
def _shared[T: Hashable](value: T) -> T:
    """The first of equal values, so that a value that all frames have is in memory only once."""
    return value
