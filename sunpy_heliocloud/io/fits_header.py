"""FITS headers as they come from the archive, broken and repeated cards included."""

import itertools
import math
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
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

# Keywords of the table of a compressed image; in a saved Map they would describe a table.
_OF_THE_TABLE = re.compile(
    r"XTENSION|PCOUNT|GCOUNT|THEAP|TFIELDS|(TTYPE|TFORM|ZNAXIS|ZTILE|ZNAME|ZVAL)\d+|ZIMAGE|ZSIMPLE|ZTENSION|ZBITPIX"
    r"|ZNAXIS|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZCMPTYPE|ZQUANTIZ|ZDITHER0|ZSCALE|ZZERO|ZBLANK|ZHECKSUM|ZDATASUM"
)

_BLOCK = 2880
_CARD = 80
_END = b"END".ljust(_CARD)
_LONGEST_SHARED = 20 * _CARD
# Warning filters are global: threads that change and restore them concurrently could leave them changed.
_filters = threading.Lock()
_BITPIX = (8, 16, 32, 64, -32, -64)

# Cards that follow the FITS standard, which are nearly all; astropy parses the others, twenty times as
# slowly.
_PLAIN = re.compile(
    r"(?=.{8}= )([A-Z0-9_-]{1,8}) *= +(?:'([^']*?) *'|([TF])|([+-]?(?:0|[1-9]\d*))|([+-]?\d+\.\d*(?:E[+-]?\d+)?)) *(?:/.*)?$"
)
# A text, or a part of a text that continues in the next card.
_TEXT = re.compile(r"(?:[A-Z0-9_ -]{8}=|CONTINUE) *'((?:[^']|'')*)'")


class HeadTooShort(Exception):
    """
    The given bytes end before the header.

    Attributes
    ----------
    needed : int
        Number of bytes from the start of the file that may be sufficient.
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
    The header of one HDU, and the byte range of its data in the file.

    Parameters
    ----------
    header
        The values by keyword, see `parse_header`.
    data_start, data_size
        First byte of the data, and their number of bytes.
    number
        Index of the HDU, counted from 0, if known.
    """

    header: dict[str, Any]
    data_start: int
    data_size: int
    number: int = 0

    @property
    def data_stop(self) -> int:
        """First byte of the next HDU: data are padded to whole blocks."""
        return self.data_start + -(-self.data_size // _BLOCK) * _BLOCK


def header_units(head: bytes) -> Iterator[HeaderUnit]:
    """
    The HDUs whose headers lie in the first bytes of a file.

    Each HDU begins after the one before. The numbers of HDUs and cards are limited, so that the time is
    proportional to the bytes.

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
        When ``head`` does not contain the whole next header.
    ValueError
        When these are not the first bytes of a FITS file, or the size of an HDU is invalid.
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
        Index of the first byte of the HDU.
    cards
        Number of cards of the preceding HDUs, which count for ``limits.header_cards``.
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
    """The header that begins at byte ``start``, after ``cards`` cards, and the first byte of its data."""
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

    Keys are upper case. The first value of a repeated keyword is used. A blank value is `None`. COMMENT and
    HISTORY are joined line by line. A value that does not follow the FITS standard, such as the raw ``nan``
    in some AIA headers, is kept as text.

    Parameters
    ----------
    text
        The header as in the file.

    Returns
    -------
    dict
    """
    header: dict[str, Any] = {}
    lines: dict[str, list[str]] = {"COMMENT": [], "HISTORY": []}
    cards = _cards(text)
    for keyword, value in map(_value, cards):
        if keyword in lines:
            header.setdefault(keyword, "")  # at the position of the first
            lines[keyword].append(str(value))
        elif keyword not in ("", "END"):
            header.setdefault(keyword, value)
    header |= {keyword: "\n".join(values) for keyword, values in lines.items() if values}
    return header | _said_in_comments(header, cards)


# What sunpy reads of the comments of cards: the unit of the wavelength, and that RHESSI's TIMESYS is none.
_WAVEUNITS = {
    0: "m", -1: "dm", -2: "cm", -3: "mm", -6: "um", -9: "nm", -10: "angstrom", -12: "pm", -15: "fm",
}  # fmt: skip
_UNIT_IN_COMMENT = re.compile(r"(?:Observed wavelength|Wavelength of obs) \((\w+?)\)$|^\[(\w+?)\]")


def _said_in_comments(header: Mapping[str, Any], cards: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    unit = header.get("WAVEUNIT")
    if type(unit) is int:
        if unit in _WAVEUNITS and (unit or _comment(cards, "WAVEUNIT") == "in meters"):
            said["WAVEUNIT"] = _WAVEUNITS[unit]
    elif unit is None and header.get("WAVELNTH") is not None:
        if found := _UNIT_IN_COMMENT.search(_comment(cards, "WAVELNTH")):
            said["WAVEUNIT"] = found[1] or found[2]
    if header.get("INSTRUME") == "RHESSI" and "TIMESYS" in header:
        said["KEYCOMMENTS"] = {"TIMESYS": _comment(cards, "TIMESYS")}
    return said


def _comment(cards: Sequence[str], keyword: str) -> str:
    card = next((card for card in cards if card.startswith(f"{keyword:<8}=")), "")
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # as above
        try:
            return str(fits.Card.fromstring(card).comment).strip()
        except (ValueError, VerifyError):
            return ""


def _cards(text: str) -> list[str]:
    """The cards of a header; a long text includes its continuation cards."""
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
    """Keyword and value of a card and its continuation cards."""
    return _shared_value(card) if len(card) <= _LONGEST_SHARED else _long_text(card)


def _long_text(card: str) -> tuple[str, Any]:
    """Keyword and value of a text over many cards; the time of astropy grows with the square of their number."""
    texts = []
    for i in range(0, len(card), _CARD):
        text = _TEXT.match(card[i : i + _CARD])
        if text is None:
            return card[:8].strip().upper(), None
        texts.append(text[1].rstrip(" ").removesuffix("&"))
    return card[:8].strip().upper(), "".join(texts).rstrip(" ").replace("''", "'")


@lru_cache(maxsize=4096)
def _shared_value(card: str) -> tuple[str, Any]:
    """
    Keyword and value of a card without continuation. The results are cached: most cards are the same in all
    files of a series.
    """
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
        warnings.simplefilter(
            "ignore", AstropyUserWarning
        )  # the messages quote the card, with any characters
        card = fits.Card.fromstring(image)
        keyword = card.keyword.strip().upper()
        try:
            value = card.value
        except VerifyError:
            value = _raw_value(image)
    return keyword, None if isinstance(value, fits.card.Undefined) else value


def _raw_value(card: str) -> str | None:
    """The text between ``KEYWORD =`` and the comment; `None` if it cannot be found."""
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
