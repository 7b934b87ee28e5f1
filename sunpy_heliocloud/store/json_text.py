"""JSON as bytes, and a fingerprint of it."""

import json
from hashlib import blake2b
from typing import Any

from sunpy_heliocloud.text import inert

__all__ = ["fingerprint", "parsed", "written"]


def written(document: Any) -> bytes:
    """The bytes of a document, for people too: an object is a line for each name, a list of numbers is one line."""
    return (_lines(document, "\n") + "\n").encode()


def _lines(value: Any, newline: str) -> str:
    inside = f"{newline} "
    if isinstance(value, dict) and value:
        parts = [f"{json.dumps(str(name))}: {_lines(one, inside)}" for name, one in value.items()]
        return f"{{{inside}{f',{inside}'.join(parts)}{newline}}}"
    if isinstance(value, list) and any(isinstance(one, (dict, list, str)) for one in value):
        return f"[{inside}{f',{inside}'.join(_lines(one, inside) for one in value)}{newline}]"
    return json.dumps(value, allow_nan=False)


def fingerprint(document: Any) -> str:
    """A hash of a document; the order of names in objects does not count."""
    text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def parsed(data: bytes, what: str) -> dict[str, Any]:
    """
    The object that bytes hold.

    Parameters
    ----------
    data
        The bytes.
    what
        The subject of the message of an error.

    Raises
    ------
    ValueError
        When they hold no object.
    """
    try:
        document = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is no JSON ({inert(error)}): it is damaged") from error
    if not isinstance(document, dict):
        raise ValueError(f"{what} is a {type(document).__name__}, where an object is expected: it is damaged")
    return document


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
