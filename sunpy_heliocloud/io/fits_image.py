"""A file's first bytes: which image is in it, and how its rows lie."""

import re
import zlib
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from sunpy_heliocloud.io.fits_header import HeaderUnit, HeadTooShort, header_units
from sunpy_heliocloud.io.fits_layout import (
    GzippedLayout,
    ImageLayout,
    PlainLayout,
    Scaling,
    TiledLayout,
    WholeFileLayout,
)
from sunpy_heliocloud.kernels.rice import PIXEL_TYPES

__all__ = ["find_image"]

_GZIP = b"\x1f\x8b"


def find_image(head: bytes) -> tuple[HeaderUnit, ImageLayout]:
    """
    The first two-dimensional image of a file, plain or compressed, in whichever HDU it is.

    The file may be gzipped.

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
    if head.startswith(_GZIP):
        return _gzipped_image(head)
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


def _gzipped_image(head: bytes) -> tuple[HeaderUnit, GzippedLayout]:
    try:
        unit, layout = find_image(zlib.decompressobj(wbits=31).decompress(head))
    except zlib.error as error:
        raise ValueError(f"a damaged gzip file: {error}") from error
    except HeadTooShort:
        raise HeadTooShort(2 * len(head)) from None
    return unit, GzippedLayout(layout)


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
        rice_block=_rice_block(header, dtype),
    )
    layout.byte_range(0, shape[0])  # damaged cards show here, not in the middle of a computation
    return layout.compacted()


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


def _rice_block(header: Mapping[str, Any], dtype: np.dtype) -> int:
    """Pixels of a block, if the image is made of RICE-compressed integers of its own size; else 0."""
    if header.get("ZCMPTYPE") not in ("RICE_1", "RICE_ONE") or dtype not in PIXEL_TYPES:
        return 0
    settings = {"BLOCKSIZE": 32, "BYTEPIX": 4}
    i = 1
    while (name := header.get(f"ZNAME{i}")) is not None:
        settings[name] = header.get(f"ZVAL{i}")
        i += 1
    block = settings["BLOCKSIZE"]
    return block if settings["BYTEPIX"] == dtype.itemsize and isinstance(block, int) and block > 0 else 0


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
