"""FITS headers as they come from the archive, broken and repeated cards included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

__all__ = ["HeadTooShort", "HeaderUnit", "header_units", "header_values"]

# What describes the table that holds a compressed image, and would make a table of a saved Map.
_OF_THE_TABLE = re.compile(
    r"XTENSION|PCOUNT|GCOUNT|THEAP|TFIELDS|(TTYPE|TFORM|ZNAXIS|ZTILE|ZNAME|ZVAL)\d+|ZIMAGE|ZSIMPLE|ZTENSION|ZBITPIX"
    r"|ZNAXIS|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZCMPTYPE|ZQUANTIZ|ZDITHER0|ZSCALE|ZZERO|ZBLANK|ZHECKSUM|ZDATASUM"
)

_BLOCK = 2880
_CARD = 80


class HeadTooShort(Exception):
    """The bytes at hand end before the header does; ``needed`` bytes from the start of the file may do."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed} bytes needed")
        self.needed = needed


@dataclass(frozen=True)
class HeaderUnit:
    """One HDU's header: its cards, and where its data lie in the file."""

    header: fits.Header
    text: str
    data_start: int
    data_size: int

    @property
    def data_stop(self) -> int:
        """Where the next HDU begins: data are padded to whole blocks."""
        return self.data_start + -(-self.data_size // _BLOCK) * _BLOCK


def header_units(head: bytes) -> Iterator[HeaderUnit]:
    """
    The HDUs whose headers lie in the first bytes of a file.

    Parameters
    ----------
    head
        The file's first bytes.

    Yields
    ------
    HeaderUnit
        In the order of the file.

    Raises
    ------
    HeadTooShort
        When the next header is not wholly in ``head``.
    ValueError
        When these are not the first bytes of a FITS file.
    """
    if not head.startswith(b"SIMPLE  ="):
        raise ValueError(f"not a FITS file: it begins with {head[:30]!r} instead of b'SIMPLE  ='")
    start = 0
    while True:
        text, data_start = _header_text(head, start)
        header = fits.Header.fromstring(text)
        unit = HeaderUnit(header, text, data_start, _data_size(header))
        yield unit
        start = unit.data_stop


def _header_text(head: bytes, start: int) -> tuple[str, int]:
    """The header that begins at byte ``start``, and where its data begin."""
    for block in range(start, len(head) - _BLOCK + 1, _BLOCK):
        for card in range(block, block + _BLOCK, _CARD):
            if head[card : card + _CARD].rstrip() == b"END":
                text = head[start : card + _CARD].decode("ascii", errors="replace")
                return text, block + _BLOCK
    raise HeadTooShort(max(start + 8 * _BLOCK, 2 * len(head)))


def _data_size(header: fits.Header) -> int:
    """Bytes of data that follow a header (FITS standard 4.0, equations 1 and 2), without the padding."""
    axes = [header[f"NAXIS{i + 1}"] for i in range(header["NAXIS"])]
    if not axes:
        return 0
    pixels = 1
    for length in axes:
        pixels *= length
    return abs(header["BITPIX"]) // 8 * header.get("GCOUNT", 1) * (header.get("PCOUNT", 0) + pixels)


def header_values(header: fits.Header, text: str) -> dict[str, Any]:
    """
    A header as the plain dictionary that `sunpy.map.Map` takes.

    Keys are upper case; those of the table around a compressed image are left out. Of a repeated keyword the first value counts; a blank value is `None`; COMMENT and HISTORY
    are joined line by line; a value that is no FITS value, such as the raw ``nan`` in some AIA headers, is the
    text that stands there.

    Parameters
    ----------
    header
        As parsed by astropy.
    text
        The same header as it stands in the file.

    Returns
    -------
    dict
    """
    values: dict[str, Any] = {}
    in_table = header.get("ZIMAGE") is True
    for card in header.cards:
        keyword = card.keyword.strip().upper()
        if not keyword or keyword in values or keyword == "END":
            continue
        if in_table and _OF_THE_TABLE.fullmatch(keyword):
            continue
        if keyword in ("COMMENT", "HISTORY"):
            values[keyword] = "\n".join(str(line) for line in header[keyword])
            continue
        try:
            value = card.value
        except VerifyError:
            value = _raw_value(text, keyword)
        values[keyword] = None if isinstance(value, fits.card.Undefined) else value
    return values


def _raw_value(text: str, keyword: str) -> str | None:
    """What stands between ``KEYWORD =`` and the comment; `None` where the card is too broken to be found."""
    for start in range(0, len(text), _CARD):
        if text.startswith(f"{keyword:<8}=", start):
            return text[start + 9 : start + _CARD].split("/")[0].strip()
    return None
