"""FITS headers as they come from the archive, broken and repeated cards included."""

import itertools
import math
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyUserWarning

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.keywords import integer, one_of
from sunpy_heliocloud.text import inert

__all__ = [
    "HeadTooShort",
    "HeaderUnit",
    "header_units",
    "image_header",
    "parse_header",
]

# What describes the table that holds a compressed image, and would make a table of a saved Map.
_OF_THE_TABLE = re.compile(
    r"XTENSION|PCOUNT|GCOUNT|THEAP|TFIELDS|(TTYPE|TFORM|ZNAXIS|ZTILE|ZNAME|ZVAL)\d+|ZIMAGE|ZSIMPLE|ZTENSION|ZBITPIX"
    r"|ZNAXIS|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZCMPTYPE|ZQUANTIZ|ZDITHER0|ZSCALE|ZZERO|ZBLANK|ZHECKSUM|ZDATASUM"
)

_BLOCK = 2880
_CARD = 80
_END = b"END".ljust(_CARD)
_LONGEST_SHARED = 20 * _CARD
# Filters of warnings are the process's: threads that change them in turn could leave them changed.
_filters = threading.Lock()
_BITPIX = (8, 16, 32, 64, -32, -64)

# Cards as FITS has them, which are nearly all; others are left to astropy, which takes twenty times as long.
_PLAIN = re.compile(
    r"(?=.{8}= )([A-Z0-9_-]{1,8}) *= +(?:'([^']*?) *'|([TF])|([+-]?(?:0|[1-9]\d*))|([+-]?\d+\.\d*(?:E[+-]?\d+)?)) *(?:/.*)?$"
)
# A text, or a part of one that goes on in the next card.
_TEXT = re.compile(r"(?:[A-Z0-9_ -]{8}=|CONTINUE) *'((?:[^']|'')*)'")


class HeadTooShort(Exception):
    """
    The bytes at hand end before the header does.

    Attributes
    ----------
    needed : int
        So many bytes from the start of the file may do.
    is_between : bool
        Whether the bytes end between two HDUs, so that the file may end there.
    """

    def __init__(self, needed: int, *, is_between: bool = False) -> None:
        super().__init__(f"{needed} bytes needed")
        self.needed = needed
        self.is_between = is_between


@dataclass(frozen=True)
class HeaderUnit:
    """
    One HDU's header, and where its data lie in the file.

    Parameters
    ----------
    header
        The values by keyword, see `parse_header`.
    data_start, data_size
        First byte of the data, and how many there are.
    number
        Of the HDU, counted from 0, as far as it is known.
    """

    header: dict[str, Any]
    data_start: int
    data_size: int
    number: int = 0

    @property
    def data_stop(self) -> int:
        """Where the next HDU begins: data are padded to whole blocks."""
        return self.data_start + -(-self.data_size // _BLOCK) * _BLOCK


def header_units(head: bytes) -> Iterator[HeaderUnit]:
    """
    The HDUs whose headers lie in the first bytes of a file.

    Each begins behind the one before, and their number and cards are bounded, so that the time is that of the bytes.

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
        When these are not the first bytes of a FITS file, or do not say where the next HDU begins.
    ~sunpy_heliocloud.bounds.LimitError
        When there are more HDUs or cards than ``limits.hdus`` and ``limits.header_cards``.
    """
    start, cards = 0, 0
    for number in itertools.count(1):
        limits.check("hdus", number, "The file")
        unit = header_unit(head, start, cards, is_first=number == 1)
        cards += (unit.data_start - start) // _CARD
        yield replace(unit, number=number - 1)
        start = unit.data_stop


def header_unit(head: bytes, start: int, cards: int, *, is_first: bool) -> HeaderUnit:
    """
    One of the HDUs of a file.

    Parameters
    ----------
    head
        Bytes of the file.
    start
        With which of them the HDU begins.
    cards
        Those of the HDUs in front of it, which count for ``limits.header_cards``.
    is_first
        Whether it is the first HDU of the file.

    Returns
    -------
    HeaderUnit

    Raises
    ------
    HeadTooShort, ValueError, ~sunpy_heliocloud.bounds.LimitError
        See `header_units`.
    """
    expected = b"SIMPLE  =" if is_first else b"XTENSION="
    begins = head[start : start + len(expected)]
    if not expected.startswith(begins) or (is_first and begins != expected):
        where = "not a FITS file: it begins" if is_first else f"no HDU at byte {start}, which begins"
        raise ValueError(f"{where} with {head[start : start + 30]!r} instead of {expected!r}")
    text, data_start = _header_text(head, start, cards)
    header = parse_header(text)
    if is_first:
        one_of(header, "SIMPLE", (True,))
    return HeaderUnit(header, data_start, _data_size(header))


def _header_text(head: bytes, start: int, cards: int) -> tuple[str, int]:
    """The header that begins at byte ``start``, behind so many cards, and where its data begin."""
    end = head.find(_END, start)
    while end >= 0 and (end - start) % _CARD:
        end = head.find(_END, end + 1)
    stop = len(head) if end < 0 else end + _CARD
    limits.check("header_cards", cards + (stop - start) // _CARD, "The file")
    data_start = start + -(-(stop - start) // _BLOCK) * _BLOCK
    if end < 0 or data_start > len(head):
        ahead = start + 8 * _BLOCK
        needed = data_start if end >= 0 else ahead if ahead > len(head) else 2 * len(head)
        raise HeadTooShort(needed, is_between=start == len(head))
    if head[stop:data_start].strip(b" \0"):
        raise ValueError(
            f"there are cards behind END, which begin with {inert(head[stop:data_start].lstrip()[:8])!r}: expected blanks"
        )
    return head[start:stop].decode("ascii", errors="replace"), data_start


def _data_size(header: Mapping[str, Any]) -> int:
    """Bytes of data that follow a header (FITS standard 4.0, equations 1 and 2), without the padding."""
    axes = [integer(header, f"NAXIS{i + 1}") for i in range(integer(header, "NAXIS", most=999))]
    if header.get("GROUPS") is True and axes and axes[0] == 0:
        del axes[0]
    pixels = math.prod(axes) if axes else 0
    groups = integer(header, "GCOUNT", default=1)
    return (
        abs(one_of(header, "BITPIX", _BITPIX)) // 8 * groups * (integer(header, "PCOUNT", default=0) + pixels)
    )


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
    lines: dict[str, list[str]] = {"COMMENT": [], "HISTORY": []}
    for keyword, value in map(_value, _cards(text)):
        if keyword in lines:
            header.setdefault(keyword, "")  # the place of the first
            lines[keyword].append(str(value))
        elif keyword not in ("", "END"):
            header.setdefault(keyword, value)
    return header | {keyword: "\n".join(values) for keyword, values in lines.items() if values}


def _cards(text: str) -> list[str]:
    """The cards of a header; long texts, which go on in the next cards, with these."""
    cards = [text[i : i + _CARD] for i in range(0, len(text), _CARD)]
    if "CONTINUE" not in text:
        return cards
    groups: list[list[str]] = []
    for card in cards:
        if card.startswith("CONTINUE") and groups:
            groups[-1].append(card)
        else:
            groups.append([card])
    return ["".join(group) for group in groups]


def _value(card: str) -> tuple[str, Any]:
    """Keyword and value of a card, with those that go on with it."""
    return _shared_value(card) if len(card) <= _LONGEST_SHARED else _long_text(card)


def _long_text(card: str) -> tuple[str, Any]:
    """The same of a text over many cards, for which astropy takes time that grows with the square of their number."""
    texts = []
    for i in range(0, len(card), _CARD):
        text = _TEXT.match(card[i : i + _CARD])
        if text is None:
            return card[:8].strip().upper(), None
        texts.append(text[1].rstrip(" ").removesuffix("&"))
    return card[:8].strip().upper(), "".join(texts).rstrip(" ").replace("''", "'")


@lru_cache(maxsize=4096)
def _shared_value(card: str) -> tuple[str, Any]:
    """The same of a card that is not long. Most cards of a series of files are the same in all of them."""
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
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # they quote the card, whatever is in it
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
