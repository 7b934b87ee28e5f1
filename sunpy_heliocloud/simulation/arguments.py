"""Checks of the arguments of the simulation."""

from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.map import GenericMap
from sunpy.time import parse_time

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.coordinates.times import duration

__all__ = [
    "angle",
    "content",
    "fraction_or_indices",
    "image_shape",
    "moments",
    "real",
    "reference_map",
    "repetitions",
    "span",
    "text",
    "whole",
]


def whole(name: str, value: Any, least: int = 0) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {shown(value)}, but has to be a whole number of at least {least}")
    return int(value)


def real(name: str, value: Any) -> float:
    """A number that is not negative."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, u.Quantity))
    if not is_number or not 0 <= value < np.inf:
        raise ValueError(f"{name} is {shown(value)}, but has to be a number of at least 0, such as 0.25")
    return float(value)


def angle(name: str, value: Any) -> u.Quantity:
    """An angle with its unit."""
    if not isinstance(value, u.Quantity) or not value.unit.is_equivalent(u.deg) or not value.isscalar:
        raise u.UnitTypeError(
            f"{name} is {shown(value)}, but has to be an angle with its unit, such as 6 * u.deg"
        )
    if not np.isfinite(value):
        raise ValueError(f"{name} is {value}, but has to be a finite angle, such as 6 * u.deg")
    return value


def span(name: str, value: Any, example: str = "2 * u.s", *, zero: bool = True) -> u.Quantity:
    """A time that is not negative."""
    value = duration(name, value, example=example)
    if not 0 * u.s <= value < np.inf * u.s or (value == 0 * u.s and not zero):
        least = "of at least" if zero else "longer than"
        raise ValueError(f"{name} is {value}, but has to be a time {least} 0 s, such as {example}")
    return value


def image_shape(value: Any) -> tuple[int, int]:
    """The pixels of an image in y and x."""
    try:
        ny, nx = (whole("shape", length, 1) for length in value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"shape is {shown(value)}, but has to be the pixels in y and x, such as (500, 500)"
        ) from error
    return ny, nx


def fraction_or_indices(name: str, value: Any) -> Any:
    """Which of all frames: a fraction, or their indices."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return value
    try:
        return [whole(name, index) for index in value]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is {shown(value)}, but has to be a fraction, such as 0.1, or the indices of frames, such as [3, 4]"
        ) from error


def reference_map(value: Any) -> GenericMap:
    """A Map."""
    if not isinstance(value, GenericMap):
        raise TypeError(
            f"ref_map is {shown(value)}, but has to be a sunpy Map, such as sequence.nearest(time)"
        )
    return value


def moments(name: str, value: Any) -> Time:
    """Times, of any shape."""
    try:
        return parse_time(value)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            f"{name} is {shown(value)}, but has to be times, such as Time(['2018-05-29T18:00'])"
        ) from error


def text(name: str, value: Any, example: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{name} is {shown(value)}, but has to be a text, such as {example!r}")
    return value


def content(name: str, value: Any) -> bytes:
    """Bytes."""
    if not isinstance(value, bytes):
        raise TypeError(f"{name} is {shown(value)}, but has to be bytes, such as b'...'")
    return value


def repetitions(times: Any) -> int | None:
    """How often a fault occurs; `None` for always."""
    return None if times is None else whole("times", times, 1)
