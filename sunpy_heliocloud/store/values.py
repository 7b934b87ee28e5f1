"""Values of ``meta`` as JSON, and back: numbers, texts, quantities, times, tables. Nothing is pickled."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import astropy.units as u
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.text import inert, without_secrets

__all__ = ["from_json", "time_from_json", "time_to_json", "to_json"]

# The key of an object that stands for a value which JSON does not have.
_TYPE = "type of value"
_DTYPE = re.compile(r"[<|][bifuUmM]\d{1,5}(\[\w+\])?")
_LONGEST_UNIT = 200
_TABLES = {"InertTable": InertTable, "QTable": QTable, "Table": Table}


def to_json(value: Any, name: str = "meta") -> Any:
    """
    A value as JSON.

    Parameters
    ----------
    value
        A number, a text, an array, a `~astropy.units.Quantity`, a `~astropy.time.Time`, a unit or a table, or a list,
        a tuple or a mapping of these.
    name
        What it is, for the message of an error.

    Raises
    ------
    TypeError
        For other values.
    """
    match value:
        case None | bool() | int():
            return value
        case float() if type(value) is float:
            return value if math.isfinite(value) else _tagged("number", value=repr(value))
        case str() if type(value) is str:
            return without_secrets(value)
        case list():
            return [to_json(one, name) for one in value]
        case tuple():
            return _tagged("tuple", items=[to_json(one, name) for one in value])
        case Mapping():
            return _mapping(value, name)
        case Time():
            return _tagged("time", **time_to_json(value))
        case u.Quantity() if type(value) is u.Quantity:
            plain = value.isscalar and value.dtype == float
            number = to_json(float(value.value)) if plain else _array(value.value, name)
            return _tagged("quantity", value=number, unit=_unit(value.unit, name))
        case u.UnitBase():
            return _tagged("unit", unit=_unit(value, name))
        case Table():
            return _table(value, name)
        case np.ndarray() | np.generic() if type(value) is np.ndarray or isinstance(value, np.generic):
            return _array(value, name)
    raise TypeError(
        f"{inert(name)} is of the type {type(value).__name__}, which a store cannot hold; make it a number, a text, an "
        "array, a Quantity or a Time, or remove it"
    )


def _tagged(kind: str, /, **parts: Any) -> dict[str, Any]:
    return {_TYPE: kind, **parts}


def _mapping(value: Mapping, name: str) -> dict[str, Any]:
    if all(isinstance(key, str) for key in value) and _TYPE not in value:
        return {key: to_json(one, f"{name}[{key!r}]") for key, one in value.items()}
    items = [[to_json(key, name), to_json(one, f"{name}[{key!r}]")] for key, one in value.items()]
    return _tagged("mapping", items=items)


def _array(value: Any, name: str) -> dict[str, Any]:
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("<")
    if not _DTYPE.fullmatch(dtype.str):
        raise TypeError(
            f"{inert(name)} is an array of {array.dtype}, which a store cannot hold; make it one of numbers"
        )
    plain = array.astype("i8") if dtype.kind in "mM" else array
    values = [to_json(one, name) for one in plain.ravel().tolist()]
    kind = "scalar" if isinstance(value, np.generic) else "array"
    return _tagged(kind, dtype=dtype.str, shape=list(array.shape), values=values)


def _unit(unit: u.UnitBase, name: str) -> str:
    text = unit.to_string()
    if len(text) > _LONGEST_UNIT or u.Unit(text, parse_strict="silent") != unit:
        raise TypeError(
            f"{inert(name)} has the unit {inert(text)!r}, which cannot be read back; use one of astropy's"
        )
    return text


def time_to_json(time: Time) -> dict[str, Any]:
    """A `~astropy.time.Time` as JSON, with all its digits."""
    return {
        "jd1": np.asarray(time.jd1).tolist(),
        "jd2": np.asarray(time.jd2).tolist(),
        "scale": time.scale,
        "format": time.format,
        "precision": time.precision,
    }


def _table(table: Table, name: str) -> dict[str, Any]:
    kind = next((kind for kind, one in _TABLES.items() if type(table) is one), None)
    if kind is None:
        raise TypeError(
            f"{inert(name)} is a {type(table).__name__}, which a store cannot hold; make it a QTable"
        )
    columns = [_column(table[column], f"{name}[{column!r}]") for column in table.colnames]
    meta = to_json(dict(table.meta), f"{name}.meta")
    return _tagged("table", of=kind, names=list(table.colnames), columns=columns, meta=meta)


def _column(column: Any, name: str) -> dict[str, Any]:
    if not isinstance(column, Column):
        return to_json(column, name)
    dtype = column.dtype.kind
    values = np.asarray(column.filled() if isinstance(column, MaskedColumn) else column)
    made = _tagged("column", values=_array(values.astype(str) if dtype in "OS" else values, name))
    if isinstance(column, MaskedColumn):
        made["mask"] = np.broadcast_to(column.mask, column.shape).tolist()
    if column.unit is not None:
        made["unit"] = _unit(column.unit, name)
    return made


# ---- back


def from_json(value: Any) -> Any:
    """
    The value that `to_json` has made JSON of.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it has made no such JSON.
    """
    if isinstance(value, list):
        return [from_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    if _TYPE not in value:
        return {key: from_json(one) for key, one in value.items()}
    kind = value[_TYPE]
    if kind not in _READERS:
        raise ValueError(f"a value of the unknown type {inert(kind)!r}")
    return _READERS[kind](value)


def _number(value: dict) -> float:
    if value["value"] not in ("nan", "inf", "-inf"):
        raise ValueError(f"{inert(value['value'])!r} is no number")
    return float(value["value"])


def _array_from(value: dict) -> Any:
    dtype, shape = value["dtype"], value["shape"]
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise ValueError(f"an array of the unknown type {inert(dtype)!r}")
    values = [from_json(one) for one in value["values"]]
    if not all(isinstance(one, (bool, int, float, str)) for one in values):
        raise ValueError("an array whose values are neither numbers nor texts")
    if dtype[1] in "mM":
        array = np.array(values, "i8").view(dtype).reshape(shape)
    else:
        array = np.array(values, dtype).reshape(shape)
    return array[()] if value[_TYPE] == "scalar" else array


def _unit_from(text: Any) -> u.UnitBase:
    if not isinstance(text, str) or len(text) > _LONGEST_UNIT:
        raise ValueError(f"{inert(text)!r} is no unit")
    return u.Unit(text)


def time_from_json(value: dict) -> Time:
    """The `~astropy.time.Time` that `time_to_json` has made JSON of."""
    jd1, jd2 = (np.array(value[name], float) for name in ("jd1", "jd2"))
    if jd1.shape != jd2.shape or not np.isfinite(jd1).all() or not np.isfinite(jd2).all():
        raise ValueError("days of times that do not fit each other")
    time = Time(jd1, jd2, format="jd", scale=value["scale"], precision=value["precision"])
    time.format = value["format"]
    return time


def _table_from(value: dict) -> Table:
    columns = [_column_from(column) for column in value["columns"]]
    return _TABLES[value["of"]](columns, names=value["names"], meta=from_json(value["meta"]))


def _column_from(value: dict) -> Any:
    if value[_TYPE] != "column":
        return from_json(value)
    unit = {"unit": _unit_from(value["unit"])} if "unit" in value else {}
    values = _array_from(value["values"])
    return MaskedColumn(values, mask=value["mask"], **unit) if "mask" in value else Column(values, **unit)


_READERS: dict[str, Callable[[dict], Any]] = {
    "array": _array_from,
    "mapping": lambda value: {from_json(key): from_json(one) for key, one in value["items"]},
    "number": _number,
    "quantity": lambda value: u.Quantity(from_json(value["value"]), _unit_from(value["unit"])),
    "scalar": _array_from,
    "table": _table_from,
    "time": time_from_json,
    "tuple": lambda value: tuple(from_json(one) for one in value["items"]),
    "unit": lambda value: _unit_from(value["unit"]),
}
