"""JSON objects from servers: registries, catalogues, descriptions of columns."""

import json
from typing import Any

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.net.documents import Document
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.text import inert

__all__ = ["objects", "parse_object", "scalar_text"]

# Nested levels of objects and lists. The specification needs three; copying and printing need stack.
DEEPEST = 30


def parse_object(document: Document, remedy: str = "") -> dict[str, Any]:
    """
    The JSON object in a document.

    Parameters
    ----------
    document
        The document.
    remedy
        Advice to the user, for error messages.

    Returns
    -------
    dict
        Values of any kind, nested at most `DEEPEST` levels deep.

    Raises
    ------
    CatalogError
        If it is not JSON, or not an object.
    LimitError
        If it has more than ``limits.document_bytes``.
    """
    limits.check("document_bytes", len(document.data), inert(document.url))
    try:
        content = json.loads(bytes(document.data))
    except ValueError as e:
        raise CatalogError(
            f"{inert(document.url)} is not valid JSON ({inert(e)}): it is damaged or incomplete. Try again later.{remedy}"
        ) from e
    except RecursionError:
        content = None
    else:
        if not isinstance(content, dict):
            raise CatalogError(
                f"{inert(document.url)} holds a JSON {type(content).__name__}: expected an object.{remedy}"
            )
    if content is None or _is_too_deep(content):
        raise CatalogError(
            f"{inert(document.url)} has lists or objects nested more deeply than {DEEPEST} levels: expected 3, as in the "
            f"CloudCatalog specification.{remedy}"
        )
    return content


def objects(items: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list; empty if it is not a list."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def scalar_text(value: Any) -> str:
    """Text or a number as text; empty for anything else."""
    return str(value) if isinstance(value, str | int | float) else ""


def _is_too_deep(content: dict[str, Any]) -> bool:
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        level = [
            value
            for item in level
            for value in (item.values() if isinstance(item, dict) else item)
            if isinstance(value, dict | list)
        ]
        if not level:
            return False
    return True
