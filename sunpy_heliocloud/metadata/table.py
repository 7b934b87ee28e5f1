"""Headers of many frames as a table, and conditions on their keywords."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.table import MaskedColumn

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.metadata.columns import HeaderColumns, column

__all__ = ["are_selected", "conditions_text", "header_table", "is_selected", "keyword_of"]


def header_table(headers: Sequence[Mapping[str, Any]]) -> InertTable:
    """
    A row a header, a column a keyword; masked where a header has no such keyword or no value.

    Parameters
    ----------
    headers
        Of the frames.

    Returns
    -------
    InertTable
    """
    return InertTable({keyword: _column(column(headers, keyword)) for keyword in _keywords(headers)})


def _keywords(headers: Sequence[Mapping[str, Any]]) -> list[str]:
    if isinstance(headers, HeaderColumns):
        return headers.keywords
    return list(dict.fromkeys(keyword for header in headers for keyword in header))


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
    known = _keywords(headers)
    for keyword in (name.upper(), name.upper().replace("_", "-")):
        if keyword in known:
            return keyword
    raise KeyError(f"no frame has the header keyword {name.upper()}; see .table.colnames for those there are")


def are_selected(headers: Sequence[Mapping[str, Any]], conditions: Mapping[str, Any]) -> np.ndarray:
    """
    Whether each header meets all conditions, by name of a keyword, see `keyword_of` and `is_selected`.

    Raises
    ------
    TypeError
        When a condition has a unit.
    """
    selected = np.ones(len(headers), dtype=bool)
    for name, condition in conditions.items():
        _check(name, condition)
        keyword = keyword_of(headers, name)
        selected &= [is_selected(value, condition) for value in column(headers, keyword)]
    return selected


def _check(name: str, condition: Any) -> None:
    """Refuse what no value of a header can meet."""
    ends = condition if isinstance(condition, tuple) else (condition,)
    for end in ends:
        if isinstance(end, u.Quantity):
            raise TypeError(f"header values have no units, but {name}={condition}; give {end.value:g}")
        if end is None or (isinstance(end, float) and np.isnan(end)):
            raise ValueError(
                f"{name}={condition!r} is met by no frame; give a value, a range (low, high), a list or a function"
            )
    if isinstance(condition, tuple) and (len(ends) != 2 or not ends[0] <= ends[1]):
        raise ValueError(
            f"{name}={condition!r}, but a range has two ends, (low, high); for one of several values give a list, "
            f"{name}={list(condition)!r}"
        )


def is_selected(value: Any, condition: Any) -> bool:
    """Whether a header value meets a condition, see `sunpy_heliocloud.LazyMapSequence.select`."""
    if value is None:
        return False
    if callable(condition):
        try:
            return bool(condition(value))
        except Exception as e:  # whatever the caller's function raises
            raise TypeError(
                f"{shown(condition)} fails for the value {value!r} ({type(e).__name__}: {e}); a condition takes a value of the "
                "header, and has to give True or False"
            ) from e
    if isinstance(condition, tuple):
        low, high = condition
        # Some headers have a text such as 'nan' where others have a number.
        return isinstance(value, str) == isinstance(low, str) and bool(low <= value <= high)
    if isinstance(condition, (list, set, frozenset, range)):
        return value in condition
    return bool(value == condition)


def conditions_text(conditions: Mapping[str, Any]) -> str:
    """Conditions as a message shows them, functions by their names."""
    return ", ".join(f"{name}={shown(condition)}" for name, condition in conditions.items())
