"""Checks of arguments of any function: messages say the value, what is expected, and the remedy."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import astropy.units as u

from sunpy_heliocloud.text import inert

__all__ = [
    "bins_of",
    "file_path",
    "flag",
    "function_name",
    "length",
    "mapping",
    "moment",
    "require_function",
    "shown",
]

# astropy's "<Quantity 5. s>" and "<Time object: ...>", whose "<" would be escaped; not what a string says.
_QUANTITY = re.compile(r"<[A-Z]\w* ([^<>:]*)>")
_OBJECT = re.compile(r"<((?:Time|SkyCoord)[^<>]*)>")
_NEW_LINE = re.compile(r"\n\s*")


def shown(value: Any) -> str:
    """A value in the message of an error: arrays by their shapes, functions by their names, quantities as 5. s."""
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape and math.prod(shape) > 5:  # lazy ones are not computed
        return f"{type(value).__name__} of shape {value.shape}"
    if callable(value):
        return function_name(value)
    text = repr(value)
    if not isinstance(value, str | bytes):
        text = _NEW_LINE.sub(" ", _OBJECT.sub(r"\1", _QUANTITY.sub(r"\1", text)))
    return inert(text, 100)


def function_name(function: Callable) -> str:
    """The name of a function, as its author wrote it; lambdas have none."""
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", type(function).__name__)
    return "a function" if name == "<lambda>" else name


def require_function(name: str, value: Any, example: str) -> None:
    """Raise a `TypeError` if a value cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}, but has to be a function, such as {example}")


def flag(name: str, value: Any) -> bool:
    """A value that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {shown(value)}, but has to be True or False")
    return bool(value)


def mapping(name: str, value: Any, example: str) -> Mapping[str, Any]:
    """A value that is a dictionary, or nothing."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{name} is {shown(value)}, but has to be a dictionary, such as {example}")
    return {} if value is None else value


def file_path(name: str, value: Any, example: str = "map.fits") -> Path:
    """A value that is a path on this machine."""
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        raise TypeError(f"{name} is {shown(value)}, but has to be a path, such as {example!r}")
    if "://" in str(value):
        raise ValueError(
            f"{name} is {shown(value)}, but has to be a path of this machine, such as {example!r}"
        )
    return Path(value)


def length(name: str, value: Any, example: str) -> u.Quantity:
    """A value that is one length with its unit."""
    if not isinstance(value, u.Quantity) or not value.unit.is_equivalent(u.m):
        raise u.UnitTypeError(
            f"{name} is {shown(value)}, but has to be a length with its unit, such as {example}"
        )
    if not value.isscalar or not np.isfinite(value):
        raise ValueError(f"{name} is {value}, but has to be one length, such as {example}")
    return value


def moment(name: str, value: Any) -> Any:
    """A value that is one time, as an astropy ``Time``."""
    from sunpy.time import parse_time

    expected = "has to be one time, such as '2018-05-29T18:00', a datetime or an astropy Time"
    try:
        time = parse_time(value)
    except (ValueError, TypeError, LookupError, AttributeError) as e:
        raise ValueError(f"{name} is {shown(value)}, but {expected}") from e
    if not time.isscalar:
        raise ValueError(f"{name} has {time.size} times, but {expected}; take several one by one")
    return time


def bins_of(bin_shape: Any, shape: Sequence[int], operation: Any) -> list[int]:
    """The pixels of a bin along each axis, where bins of them fill a shape, and there is a function for them."""
    require_function("operation", operation, "numpy.nanmean")
    example = tuple(2 if length % 2 == 0 else 1 for length in shape)
    problem = f"bin_shape is {shown(bin_shape)}, but "
    whole = "has to be whole numbers of pixels, one for each of the axes of shape"
    try:
        bins = u.Quantity(bin_shape, u.pix).value
    except (TypeError, ValueError):
        bins = np.array(np.nan)
    if bins.shape != (len(shape),) or not np.array_equal(bins, np.rint(bins)):
        raise ValueError(f"{problem}{whole} {tuple(shape)}, such as {example}")
    for one, length in zip(map(int, bins), shape, strict=True):
        if one != -1 and (one < 1 or length % one):
            raise ValueError(
                f"{problem}bins of {one} do not fill an axis of {length}; crop the cube first, or take a number that divides "
                f"it, such as {example}; -1 is the whole axis"
            )
    return [int(one) for one in bins]
