"""
Values of header keywords, with their type and range checked. Booleans are not accepted as integers.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sunpy_heliocloud.text import inert

__all__ = ["integer", "number", "one_of"]

_MOST = 2**63 - 1
_LARGEST = sys.float_info.max


def integer(
    header: Mapping[str, Any], keyword: str, *, least: int = 0, most: int = _MOST, default: int | None = None
) -> int:
    """
    The value of a keyword that has to be an integer.

    Parameters
    ----------
    header
        The values by keyword.
    keyword
        Which one.
    least, most
        Bounds, themselves allowed.
    default
        What a header without the keyword means; `None` if it must be there.

    Raises
    ------
    ValueError
        For another value; the message has the keyword, the value and what was expected.
    """
    value = header.get(keyword, default)
    if type(value) is not int or not least <= value <= most:
        expected = f"an integer of {least} or more" if most == _MOST else f"an integer from {least} to {most}"
        raise ValueError(f"{_said(header, keyword)}, but must be {expected}")
    return value


def number(header: Mapping[str, Any], keyword: str, *, default: float | None = None) -> float:
    """
    The value of a keyword that has to be a finite number.

    Parameters
    ----------
    header
        The values by keyword.
    keyword
        Which one.
    default
        What a header without the keyword means; `None` if it must be there.

    Raises
    ------
    ValueError
        For another value; the message has the keyword, the value and what was expected.
    """
    value = header.get(keyword, default)
    # An integer of more than 308 digits is no float.
    if type(value) not in (int, float) or not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{_said(header, keyword)}, but must be a finite number")
    return float(value)


def one_of[T](header: Mapping[str, Any], keyword: str, allowed: Sequence[T], default: T | None = None) -> T:
    """
    The value of a keyword of which only some values are known.

    Parameters
    ----------
    header
        The values by keyword.
    keyword
        Which one.
    allowed
        The values.
    default
        What a header without the keyword means; `None` if it must be there.

    Raises
    ------
    ValueError
        For another value; the message has the keyword, the value and what was expected.
    """
    value = header.get(keyword, default)
    if type(value) is not type(allowed[0]) or value not in allowed:
        raise ValueError(f"{_said(header, keyword)}, but must be one of {', '.join(map(str, allowed))}")
    return value


def _said(header: Mapping[str, Any], keyword: str) -> str:
    return f"{keyword}={inert(header[keyword], 60)}" if keyword in header else f"{keyword} is missing"
