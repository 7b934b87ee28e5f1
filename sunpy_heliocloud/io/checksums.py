"""CHECKSUM and DATASUM: whether the bytes of a file have changed (FITS standard 4.0, section 4.4.2.7)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.fits_header import HeaderUnit, HeadTooShort, header_unit
from sunpy_heliocloud.io.gunzip import gunzip
from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError, Version, fetch
from sunpy_heliocloud.io.waiting import always_wanted
from sunpy_heliocloud.text import inert

__all__ = ["verify_file"]

_HEAD = 2**16
_PIECE = 2**22
_ALL_ONES = 2**32 - 1

type Read = Callable[[int, int], bytes]


def verify_file(url: str, access: Access, version: Version, check: Callable[[], None] = always_wanted) -> int:
    """
    Read a whole file, a few megabytes at a time, and compare it with its checksums.

    Parameters
    ----------
    url
        Of the file.
    access
        Its credentials and endpoint.
    version
        The expected version of the file.
    check
        See `sunpy_heliocloud.io.waiting.run`.

    Returns
    -------
    int
        Number of checksums; all agree.

    Raises
    ------
    ReadError
        When the file cannot be read.
    ValueError
        When a checksum differs; the message names HDU and keyword.
    """
    units = enumerate(_units(url, access, version, check))
    return sum(_verify_unit(number, unit, read) for number, (unit, read) in units)


def _units(
    url: str, access: Access, version: Version, check: Callable[[], None]
) -> Iterator[tuple[HeaderUnit, Read]]:
    """The HDUs, with offsets from the start of each HDU, and a function that reads its bytes."""

    def fetched(start: int, stop: int | None) -> Piece:
        (piece,) = fetch([ByteRange(url, start, stop, exact=False, version=version, access=access)], check)
        if isinstance(piece, ReadError):
            raise piece
        return piece

    first = fetched(0, _HEAD if version.size is None else min(_HEAD, version.size))
    version = first.version
    size = len(first.data) if version.size is None and len(first.data) < _HEAD else version.size

    def read(start: int, stop: int) -> bytes:
        stop = stop if size is None else min(stop, size)  # bytes after the end must not be requested
        return fetched(start, stop).data if start < stop else b""

    if first.data.startswith(b"\x1f\x8b"):
        file = gunzip(fetched(0, None).data, limits.file_bytes)

        def read(start: int, stop: int) -> bytes:
            return file[start:stop]

    start = cards = number = 0
    while start == 0 or read(start, start + 1):
        limits.check("hdus", number := number + 1, "The file")
        needed = _HEAD
        while True:
            head = read(start, start + needed)
            try:
                unit = header_unit(head, 0, cards, is_first=start == 0)
                break
            except HeadTooShort as short:
                if len(head) < needed:
                    raise ValueError(f"the file ends within the header at byte {start}") from None
                needed = short.needed
        yield unit, _from(start, read)
        cards += unit.data_start // 80
        start += unit.data_stop


def _from(start: int, read: Read) -> Read:
    """Read bytes that are counted from ``start``."""
    return lambda first, last: read(start + first, start + last)


def _verify_unit(number: int, unit: HeaderUnit, read: Read) -> int:
    """The number of checksums of an HDU; a checksum that differs is an error."""
    datasum, checksum = _said(unit.header, "DATASUM"), _said(unit.header, "CHECKSUM")
    if datasum is checksum is None:
        return 0
    data = 0
    for start in range(unit.data_start, unit.data_stop, _PIECE):
        stop = min(start + _PIECE, unit.data_stop)
        piece = read(start, stop)
        if start + len(piece) < min(stop, unit.data_start + unit.data_size):
            raise ValueError(f"the file ends within the data of HDU {number}")
        data = _sum(piece.ljust(stop - start, b"\0"), data)
    if datasum is not None and datasum != str(data):
        raise ValueError(
            f"DATASUM={inert(datasum, 40)} of HDU {number}, but the sum of its data is {data}: damaged"
        )
    if checksum is not None and _sum(read(0, unit.data_start), data) not in (0, _ALL_ONES):
        raise ValueError(f"CHECKSUM={inert(checksum, 40)} of HDU {number} is not that of its bytes: damaged")
    return (datasum is not None) + (checksum is not None)


def _said(header: Mapping[str, Any], keyword: str) -> str | None:
    """The text of a checksum; `None` if it is missing or empty, which means that it is unknown."""
    return str(header.get(keyword) or "").strip() or None


def _sum(data: bytes, before: int) -> int:
    """The sum of 32-bit numbers with end-around carry."""
    total = before + int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 32)
    return total
