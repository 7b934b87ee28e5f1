"""What an array was made from, as JSON that a person can read and two runs can compare."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from types import CodeType, FunctionType, MethodType
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.core import flatten

from astropy.time import Time

from sunpy_heliocloud.io.frame import FITSFrame, Frame, PartFrame
from sunpy_heliocloud.lazy.layers import FrameSources
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.steps import Plane
from sunpy_heliocloud.lazy.strips import Room
from sunpy_heliocloud.store.json_text import fingerprint
from sunpy_heliocloud.text import without_secrets

__all__ = ["described_value", "frames_of", "origin_of"]

# Longer lists of values, such as where each frame lies, are there as a hash: they follow from the frames.
_LONGEST = 16


def origin_of(array: Any) -> Any:
    """
    What an array was made from: frames with URL and ETag, steps, target, options.

    Parameters
    ----------
    array
        Of dask or numpy. Arrays of frames, and what this package makes of them, are described by their values, whatever
        their tasks are; others by dask's token too. An array of dask is described once: the lags of all pairs ask for
        each cube several times, and thousands of frames take seconds.
    """
    if not isinstance(array, da.Array):
        return _origin_of(array)
    name, origin = getattr(array, "origin", (None, None))
    if name != array.name:  # an assignment to a part of an array changes its name
        origin = _origin_of(array)
        array.origin = array.name, origin  # type: ignore[attr-defined]  # dask's arrays take further attributes
    return origin


def _origin_of(array: Any) -> Any:
    match array:
        case da.Array() if hasattr(array, "recipe"):
            return described_value(array.recipe)
        case da.Array() if hasattr(array, "whole"):
            return {name: described_value(getattr(array, name)) for name in ("whole", "index")}
        case da.Array():
            tasks = [
                {"task": described_value(sources.function), "frames": _planes_doc(_planes_of(sources))}
                for sources in _frame_sources(array)
            ]
            return {"tasks": tasks, "token": array.name}
        case np.ndarray():
            return {"shape": list(array.shape), "dtype": str(array.dtype), "values": _hash_of_values(array)}
    raise TypeError(
        f"data of the type {type(array).__name__} cannot be stored; make them a numpy or dask array"
    )


def frames_of(array: Any) -> list[str]:
    """The URLs of the frames that the tasks of an array read and may lose, if it was made of frames."""
    if not any(_may_be_lost(sources) for sources in _frame_sources(array)):
        return []
    culled = array.dask.cull(list(flatten(array.__dask_keys__())))
    found = []
    for layer in culled.layers.values():
        blocks = {key[1:] for key in layer.get_output_keys() if isinstance(key, tuple)}
        for sources in filter(_may_be_lost, _sources_of(layer)):
            found += [
                plane.frame.url for block in sorted(blocks) for plane in _planes_of(sources.mapping[block])
            ]
    return found


def _may_be_lost(sources: FrameSources) -> bool:
    return getattr(sources.function, "read", sources.function).errors == "mask"


def _frame_sources(array: Any) -> list[FrameSources]:
    layers = array.dask.layers.values() if isinstance(array, da.Array) else ()
    return [sources for layer in layers for sources in _sources_of(layer)]


def _sources_of(layer: Any) -> list[FrameSources]:
    given = getattr(layer, "io_deps", {}).values()
    return [sources for sources in given if isinstance(sources, FrameSources)]


def _planes_of(value: Any) -> list[Plane]:
    """The planes within what the tasks of a layer are given."""
    match value:
        case Plane():
            return [value]
        case FrameSources():
            return [plane for key in sorted(value.mapping) for plane in _planes_of(value.mapping[key])]
        case list() | tuple():
            return [plane for one in value for plane in _planes_of(one)]
    parts = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    return [plane for part in parts for plane in _planes_of(getattr(value, part.name))]


def described_value(value: Any) -> Any:
    """A value as JSON."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else repr(value)
        case str():
            return without_secrets(value)
        case list() | tuple():
            described = [described_value(one) for one in value]
            if len(value) <= _LONGEST:
                return described
            return {"count": len(value), "hash": fingerprint(described)}
        case Recipe():
            return {"frames": _planes_doc(value.planes)} | _fields(value, leave_out=("planes",))
        case da.Array() | np.ndarray():
            return origin_of(value)
        case np.dtype() | np.generic():
            return str(value)
        case Time():
            return without_secrets(str(value.isot))
        case Mapping():
            return {str(key): described_value(one) for key, one in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {"kind": type(value).__name__} | _fields(value)
        case _ if callable(value):
            return _function(value)
    return {"kind": type(value).__name__, "token": tokenize(value)}


def _fields(value: Any, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    values = {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if field.name not in leave_out
    }
    # How much memory there is changes no value.
    return {name: described_value(one) for name, one in values.items() if not isinstance(one, Room)}


# ---- frames, by columns


def _planes_doc(planes: Sequence[Plane]) -> dict[str, list]:
    """URL, version and what else makes the pixels of frames; access and credentials are none of it."""
    columns: dict[str, list] = {"url": [], "etag": [], "bytes": [], "exposure_time": []}
    more: dict[str, list] = {"window": [], "content": [], "headers": []}
    for plane in planes:
        frame, window = _whole_frame(plane.frame)
        version = getattr(frame, "version", None)
        columns["url"].append(without_secrets(frame.url))
        columns["etag"].append(None if version is None else version.etag)
        columns["bytes"].append(None if version is None else version.size)
        columns["exposure_time"].append(plane.exposure_time if np.isfinite(plane.exposure_time) else None)
        more["window"].append(window)
        more["content"].append(_content(frame))
        more["headers"].append(_hash(repr(plane.headers).encode()) if plane.headers else None)
    return columns | {name: values for name, values in more.items() if any(values)}


def _whole_frame(frame: Frame) -> tuple[Frame, str | None]:
    window = None
    while isinstance(frame, PartFrame):
        window = f"{frame.window}{'' if window is None else f', of which {window}'}"
        frame = frame.whole
    return frame, window


def _content(frame: Frame) -> str | None:
    """What says which pixels they are, where there is no ETag."""
    if isinstance(frame, FITSFrame):
        return tokenize(frame.layout) if frame.version.etag is None else None
    return _hash(frame.__dask_tokenize__().encode())


# ---- functions: where they are from, and a hash of what they do


def _function(value: Callable) -> dict[str, Any]:
    match value:
        case functools.partial():
            return {
                "function": described_value(value.func),
                "arguments": described_value([*value.args, value.keywords]),
            }
        case MethodType():
            return {"function": described_value(value.__func__), "of": described_value(value.__self__)}
        case FunctionType():
            cells = [
                cell.cell_contents for cell in value.__closure__ or () if cell.cell_contents is not value
            ]
            made_of = [
                _code(value.__code__),
                *map(described_value, (value.__defaults__, value.__kwdefaults__, cells)),
            ]
            return {"function": f"{value.__module__}.{value.__qualname__}", "hash": fingerprint(made_of)}
    name = getattr(value, "__qualname__", getattr(value, "__name__", None))
    if name is None:  # operator.methodcaller and the like
        return {"kind": type(value).__name__, "token": tokenize(value)}
    return {"function": f"{getattr(value, '__module__', None) or type(value).__module__}.{name}"}


def _code(code: CodeType) -> list[Any]:
    constants = [_code(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names)]


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _hash_of_values(array: np.ndarray) -> str:
    """That of all bytes, plane by plane: a cube in memory is not copied."""
    made = blake2b(digest_size=16)
    for plane in array if array.ndim > 1 else [array]:
        made.update(np.ascontiguousarray(plane).reshape(-1).view(np.uint8))
    return made.hexdigest()
