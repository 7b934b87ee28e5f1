"""The first differences between two documents, in words."""

from collections.abc import Iterator
from typing import Any

from sunpy_heliocloud.text import inert

__all__ = ["differences"]

_MOST = 3
_SHORT = 8  # lists of so many numbers are shown whole
_LONGEST = 120  # characters of a value
_ORDER = ("format", "kind", "versions", "unit", "meta", "arrays", "made from")


def differences(stored: Any, wanted: Any) -> str:
    """
    How a stored document differs from the wanted one.

    Parameters
    ----------
    stored, wanted
        JSON.

    Returns
    -------
    str
        The first differences, with both values; empty if there are none.
    """
    found = sorted(_differences(stored, wanted, ""), key=lambda one: _rank(one[0]))
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return "; ".join(f"{inert(name)} {how}" for name, how in found[:_MOST]) + more


def _rank(name: str) -> tuple[bool, int]:
    """First what a person chose, then what follows from it, frame by frame."""
    top = name.partition(".")[0].partition("[")[0]
    return "[" in name or "frames" in name or name.endswith("token"), _ORDER.index(
        top
    ) if top in _ORDER else len(_ORDER)


def _differences(stored: Any, wanted: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in sorted(stored.keys() | wanted.keys()):
            own = f"{name}.{key}".lstrip(".")
            if key not in stored:
                yield own, f"is missing in the store, {_value(wanted[key])} here"
            elif key not in wanted:
                yield own, f"is {_value(stored[key])} in the store, missing here"
            else:
                yield from _differences(stored[key], wanted[key], own)
    elif isinstance(stored, list) and isinstance(wanted, list) and not _are_short(stored, wanted):
        if len(stored) != len(wanted):
            yield name, f"has {len(stored)} entries in the store, {len(wanted)} here"
        for i, (one, other) in enumerate(zip(stored, wanted, strict=False)):
            yield from _differences(one, other, f"{name}[{i}]")
    elif stored != wanted or type(stored) is not type(wanted):
        yield name, f"is {_value(stored)} in the store, {_value(wanted)} here"


def _are_short(*lists: list[Any]) -> bool:
    return all(
        len(one) <= _SHORT and not any(isinstance(value, (dict, list)) for value in one) for one in lists
    )


def _value(value: Any) -> str:
    return inert(repr(value), _LONGEST)
