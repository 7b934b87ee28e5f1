"""The header of a Map as that of a FITS file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from astropy.io import fits

__all__ = ["fits_cards"]


def fits_cards(header: Mapping[str, Any]) -> fits.Header:
    """
    The cards of a header.

    Parameters
    ----------
    header
        Keywords in upper case; COMMENT and HISTORY of several lines, and KEYCOMMENTS, as sunpy's Maps have them.

    Returns
    -------
    `astropy.io.fits.Header`
        What the FITS standard has room for: without keywords of more than eight characters and values that are
        neither texts nor finite numbers. Comments are cut to the length of a card, other characters than those of ASCII
        become escapes.
    """
    comments = header.get("KEYCOMMENTS")
    comments = comments if isinstance(comments, Mapping) else {}
    cards = fits.Header()
    for keyword, value in header.items():
        if keyword in ("COMMENT", "HISTORY"):
            for line in _ascii(value or "").split("\n"):
                cards.add_comment(line) if keyword == "COMMENT" else cards.add_history(line)
        elif _is_standard(keyword, value):
            value = _ascii(value) if isinstance(value, str) else value
            cards.append(_fitting(keyword, value, _ascii(comments.get(keyword) or "")))
    return cards


def _is_standard(keyword: str, value: Any) -> bool:
    is_keyword = 0 < len(keyword) <= 8 and keyword.isascii() and keyword != "KEYCOMMENTS"
    return is_keyword and (_is_text(keyword, value) if isinstance(value, str) else _is_finite(value))


def _is_text(keyword: str, text: str) -> bool:
    """Not a missing number, nor a missing date, which would be no date."""
    return text.strip().lower() != "nan" and not (keyword.startswith("DATE") and not text.strip())


def _is_finite(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) and bool(np.isfinite(value))


def _fitting(keyword: str, value: Any, comment: str) -> fits.Card:
    """A card with as much of its comment as there is room for."""
    bare = fits.Card(keyword, value)
    room = fits.Card.length - len(bare.image.rstrip()) - len(" / ")
    return fits.Card(keyword, value, comment[:room]) if room > 0 else bare


def _ascii(text: Any) -> str:
    plain = str(text).encode("ascii", "backslashreplace").decode()
    return "".join(one if one.isprintable() or one == "\n" else " " for one in plain)
