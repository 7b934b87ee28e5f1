"""Headers of many frames as a table, and conditions on their keywords."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from astropy.table import MaskedColumn, QTable

__all__ = ["header_table", "is_selected", "keyword_of"]


def header_table(headers: Sequence[Mapping[str, Any]]) -> QTable:
    """
    A row a header, a column a keyword; masked where a header has no such keyword or no value.

    Parameters
    ----------
    headers
        Of the frames.

    Returns
    -------
    `astropy.table.QTable`
    """
    keywords = dict.fromkeys(keyword for header in headers for keyword in header)
    return QTable({keyword: _column([header.get(keyword) for header in headers]) for keyword in keywords})


def _column(values: Sequence[Any]) -> np.ndarray | MaskedColumn:
    missing = [value is None for value in values]
    known = [value for value in values if value is not None]
    if len({isinstance(value, (int, float)) for value in known}) > 1:
        known = [str(value) for value in known]  # a number in some headers and a text such as 'nan' in others
    if not any(missing):
        return np.array(known)
    column = np.zeros(len(values), dtype=np.array(known).dtype if known else str)
    column[~np.array(missing)] = known
    return MaskedColumn(column, mask=missing)


def keyword_of(headers: Sequence[Mapping[str, Any]], name: str) -> str:
    """
    The header keyword that a Python name stands for: any case, ``_`` for ``-`` where that is what headers have.

    Raises
    ------
    KeyError
        When no header has it.
    """
    for keyword in (name.upper(), name.upper().replace("_", "-")):
        if any(keyword in header for header in headers):
            return keyword
    raise KeyError(f"no frame has the header keyword {name.upper()}; see .table.colnames for those there are")


def is_selected(value: Any, condition: Any) -> bool:
    """Whether a header value meets a condition, see `sunpy_heliocloud.LazyMapSequence.select`."""
    if value is None:
        return False
    if callable(condition):
        return bool(condition(value))
    if isinstance(condition, tuple):
        low, high = condition
        # Some headers have a text such as 'nan' where others have a number.
        return isinstance(value, str) == isinstance(low, str) and bool(low <= value <= high)
    if isinstance(condition, (list, set, frozenset, range)):
        return value in condition
    return bool(value == condition)
