"""Arrays whose chunks share what they are made of: a frame that two chunks need is read once."""

import dataclasses
from typing import Any, cast

import dask.array as da

from sunpy_heliocloud.lazy.sliced import SlicedArray
from sunpy_heliocloud.lazy.wholes import Given

__all__ = ["with_shared_tasks"]

# What wholes call the arrays, or other wholes, that they are made of.
_MADE_OF = ("planes", "whole", "wholes", "operands")


def with_shared_tasks(array: Any) -> Any:
    """
    The same array, made of arrays whose slices share their tasks.

    Parameters
    ----------
    array
        Any. A slice of a `SlicedArray` has tasks of its own, from the frames on. That is what a slice alone should
        have; of all slices of planes that are resampled in time each reads the frames at its ends once more.

    Returns
    -------
    Any
        Of frames that are only derotated the array itself: its slices share no frames.
    """
    if not isinstance(array, SlicedArray):
        return array
    return SlicedArray(_shared(array.whole, is_outer=True), array.index)


def _shared(value: Any, *, is_outer: bool = False) -> Any:
    match value:
        case SlicedArray():
            return da.Array(value.dask, value.name, value.chunks, meta=value._meta)
        case tuple() if type(value) is tuple:
            return tuple(map(_shared, value))
        case _ if dataclasses.is_dataclass(value) and hasattr(value, "part"):
            parts = {name: _shared(getattr(value, name)) for name in _MADE_OF if hasattr(value, name)}
            if parts:
                return dataclasses.replace(cast("Any", value), **parts)
            is_source = hasattr(value, "made")
            return Given(_shared(SlicedArray(cast("Any", value)))) if is_source and not is_outer else value
    return value
