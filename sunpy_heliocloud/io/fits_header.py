"""FITS headers as they come from the archive, broken and repeated cards included."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

__all__ = ["HeadTooShort", "HeaderUnit", "header_units", "image_header", "parse_header"]

# What describes the table that holds a compressed image, and would make a table of a saved Map.
_OF_THE_TABLE = re.compile(
    r"XTENSION|PCOUNT|GCOUNT|THEAP|TFIELDS|(TTYPE|TFORM|ZNAXIS|ZTILE|ZNAME|ZVAL)\d+|ZIMAGE|ZSIMPLE|ZTENSION|ZBITPIX"
    r"|ZNAXIS|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZCMPTYPE|ZQUANTIZ|ZDITHER0|ZSCALE|ZZERO|ZBLANK|ZHECKSUM|ZDATASUM"
)

_BLOCK = 2880
_CARD = 80
_END = b"END".ljust(_CARD)

# Cards as FITS has them, which are nearly all; others are left to astropy, which takes twenty times as long.
_PLAIN = re.compile(
    r"([A-Z0-9_-]{1,8}) *= +(?:'([^']*?) *'|([TF])|([+-]?(?:0|[1-9]\d*))|([+-]?\d+\.\d*(?:E[+-]?\d+)?)) *(?:/.*)?$"
)


class HeadTooShort(Exception):
    """The bytes at hand end before the header does; ``needed`` bytes from the start of the file may do."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed} bytes needed")
        self.needed = needed


@dataclass(frozen=True)
class HeaderUnit:
    """
    One HDU's header, and where its data lie in the file.

    Parameters
    ----------
    header
        The values by keyword, see `parse_header`.
    text
        The header as it stands in the file.
    data_start, data_size
        First byte of the data, and how many there are.
    """

    header: dict[str, Any]
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
        header = parse_header(text)
        unit = HeaderUnit(header, text, data_start, _data_size(header))
        yield unit
        start = unit.data_stop


def _header_text(head: bytes, start: int) -> tuple[str, int]:
    """The header that begins at byte ``start``, and where its data begin."""
    end = head.find(_END, start)
    while end >= 0 and (end - start) % _CARD:
        end = head.find(_END, end + 1)
    data_start = start + -(-(end + _CARD - start) // _BLOCK) * _BLOCK
    if end < 0 or data_start > len(head):
        raise HeadTooShort(max(start + 8 * _BLOCK, 2 * len(head)))
    return head[start : end + _CARD].decode("ascii", errors="replace"), data_start


def _data_size(header: Mapping[str, Any]) -> int:
    """Bytes of data that follow a header (FITS standard 4.0, equations 1 and 2), without the padding."""
    axes = [_integer(header, f"NAXIS{i + 1}") for i in range(_integer(header, "NAXIS"))]
    pixels = math.prod(axes) if axes else 0
    sizes = abs(_integer(header, "BITPIX")) // 8, header.get("GCOUNT", 1)
    return math.prod(sizes) * (header.get("PCOUNT", 0) + pixels)


def _integer(header: Mapping[str, Any], keyword: str) -> int:
    value = header[keyword]
    if not isinstance(value, int):
        raise TypeError(f"{keyword}={value} is no integer")
    return value


def parse_header(text: str) -> dict[str, Any]:
    """
    The values of a header by keyword.

    Keys are upper case. Of a repeated keyword the first value counts; a blank value is `None`; COMMENT and HISTORY
    are joined line by line; a value that is no FITS value, such as the raw ``nan`` in some AIA headers, is the
    text that stands there.

    Parameters
    ----------
    text
        The header as it stands in the file.

    Returns
    -------
    dict
    """
    header: dict[str, Any] = {}
    for keyword, value in map(_value, _cards(text)):
        if keyword in ("COMMENT", "HISTORY"):
            header[keyword] = f"{header[keyword]}\n{value}" if keyword in header else str(value)
        elif keyword not in ("", "END"):
            header.setdefault(keyword, value)
    return header


def _cards(text: str) -> list[str]:
    """The cards of a header; long texts, which go on in the next cards, with these."""
    cards: list[str] = []
    for i in range(0, len(text), _CARD):
        card = text[i : i + _CARD]
        if card.startswith("CONTINUE") and cards:
            cards[-1] += card
        else:
            cards.append(card)
    return cards


@lru_cache(maxsize=4096)
def _value(card: str) -> tuple[str, Any]:
    """Keyword and value of a card. Most cards of a series of files are the same in all of them."""
    plain = _PLAIN.match(card)
    if plain is None or len(card) > _CARD or (plain[2] is not None and ": " in plain[2]):
        return _astropy_value(card)
    keyword, string, truth, integer, real = plain.groups()
    if string is not None:
        return keyword, string
    if truth is not None:
        return keyword, truth == "T"
    return keyword, int(integer) if integer is not None else float(real)


def _astropy_value(image: str) -> tuple[str, Any]:
    card = fits.Card.fromstring(image)
    keyword = card.keyword.strip().upper()
    try:
        value = card.value
    except VerifyError:
        value = _raw_value(image)
    return keyword, None if isinstance(value, fits.card.Undefined) else value


def _raw_value(card: str) -> str | None:
    """What stands between ``KEYWORD =`` and the comment; `None` where the card is too broken to be found."""
    return card[9:].split("/")[0].strip() if card[8:9] == "=" else None


def image_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """
    The header of an image as the plain dictionary that `sunpy.map.Map` takes.

    Parameters
    ----------
    header
        As `parse_header` gives it. Keywords of the table around a compressed image are left out.

    Returns
    -------
    dict
    """
    if header.get("ZIMAGE") is not True:
        return dict(header)
    return {keyword: value for keyword, value in header.items() if not _is_of_the_table(keyword)}


@lru_cache(maxsize=4096)
def _is_of_the_table(keyword: str) -> bool:
    return _OF_THE_TABLE.fullmatch(keyword) is not None
