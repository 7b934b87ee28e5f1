"""The document ``made_from.json`` of a store: what it holds, and what that was made from."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any

import numpy as np

import astropy.units as u
from astropy.wcs.wcsapi import BaseLowLevelWCS

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.metadata.frame_headers import FrameHeaders
from sunpy_heliocloud.store.chunks import ChunkGrid
from sunpy_heliocloud.store.grids import wcs_from_json, wcs_to_json
from sunpy_heliocloud.store.headers import headers_from_json, headers_to_json
from sunpy_heliocloud.store.json_text import fingerprint, parsed
from sunpy_heliocloud.store.origin import origin_of
from sunpy_heliocloud.store.place import Place
from sunpy_heliocloud.store.values import from_json, to_json
from sunpy_heliocloud.text import inert
from sunpy_heliocloud.version import version

__all__ = [
    "DESCRIPTION",
    "FORMAT",
    "Contents",
    "StoredArray",
    "contents_from",
    "described",
    "grids_of",
    "read_sealed",
    "sealed",
    "versions",
]

DESCRIPTION = "made_from.json"
FORMAT = "sunpy_heliocloud store, version 1"
# What the values depend on.
_PACKAGES = ("astropy", "numpy", "reproject", "scipy", "sunpy")
_KINDS = "biuf"  # of numbers
_SEAL = "fingerprint"


@dataclass(frozen=True)
class Contents:
    """
    What a cube or map is made of, as far as it is stored.

    Parameters
    ----------
    kind
        Name of its class.
    arrays
        Its data, and marks of lags perhaps.
    unit, wcs, meta, coords
        As of `ndcube.NDCube`; ``coords`` are its global coordinates, type and value by name.
    origin
        Gives what all arrays were made from, if their tasks do not say it.
    strips
        Rows that are computed together, first and after the last, of all arrays; nothing for chunks that are computed one by
        one.
    """

    kind: str
    arrays: Mapping[str, Any]
    unit: u.UnitBase | None
    wcs: BaseLowLevelWCS
    meta: Mapping[str, Any]
    coords: Mapping[str, tuple[str, Any]]
    origin: Callable[[], Any] | None = None
    strips: Sequence[tuple[int, int]] = ()

    @classmethod
    def of(cls, cube: Any, **more: Any) -> "Contents":
        """
        The contents of a cube.

        Parameters
        ----------
        cube
            An `ndcube.NDCube`.
        **more
            Arrays beside its data.

        Raises
        ------
        ValueError
            When it has something that a store does not keep.
        """
        beside = {
            "a mask": cube.mask is not None,
            "an uncertainty": cube.uncertainty is not None,
            "extra coordinates": not cube.extra_coords.is_empty,
        }
        if found := [name for name, is_there in beside.items() if is_there]:
            raise ValueError(
                f"the cube has {' and '.join(found)}, which a store does not keep: missing values are NaN in the data. "
                "Set them so, and make a cube without them"
            )
        if cube.data.dtype.kind not in _KINDS or not cube.data.ndim or 0 in cube.data.shape:
            raise ValueError(
                f"data of the type {cube.data.dtype} and shape {cube.data.shape} cannot be stored: expected real numbers, "
                "and at least one axis"
            )
        return cls(
            type(cube).__name__,
            {"data": cube.data} | more,
            cube.unit,
            cube.wcs.low_level_wcs,
            cube.meta or {},
            cube.global_coords._internal_coords,
        )


@dataclass(frozen=True)
class StoredArray:
    """
    An array of a store.

    Parameters
    ----------
    grid, dtype
        How it is cut, and its type.
    """

    grid: ChunkGrid
    dtype: np.dtype


def described(contents: Contents) -> dict[str, Any]:
    """The document, as JSON gives it back."""
    headers = {name: one for name, one in contents.meta.items() if isinstance(one, FrameHeaders)}
    document = {
        "format": FORMAT,
        "kind": contents.kind,
        "arrays": {name: _array_document(array, contents) for name, array in contents.arrays.items()},
        "unit": to_json(contents.unit, "unit"),
        "coordinates": wcs_to_json(contents.wcs),
        "global coordinates": {
            name: [kind, to_json(value, name)] for name, (kind, value) in contents.coords.items()
        },
        "meta": to_json({name: one for name, one in contents.meta.items() if name not in headers}),
        "made from": {name: origin_of(array) for name, array in contents.arrays.items()}
        if contents.origin is None
        else contents.origin(),
        "versions": versions(),
        "headers": {name: headers_to_json(one) for name, one in headers.items()},
    }
    return json.loads(json.dumps(document, allow_nan=False))


@functools.cache
def versions() -> dict[str, str]:
    """Of the packages that values depend on."""
    return {"sunpy_heliocloud": version} | {name: version_of(name) for name in _PACKAGES}


def _array_document(array: Any, contents: Contents) -> dict[str, Any]:
    data = contents.arrays["data"]
    grid = ChunkGrid.of(data.shape, data.dtype.itemsize)
    grid = grid if array is data else grid.beside(array.shape)
    return {"shape": list(grid.shape), "dtype": array.dtype.name, "chunk": list(grid.chunk)}


def grids_of(document: Mapping[str, Any]) -> dict[str, StoredArray]:
    """
    The arrays that a document describes.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it describes none.
    """
    arrays = {}
    for name, one in document["arrays"].items():
        if name not in ("data", "marks"):
            raise ValueError(f"an array {inert(name)!r}, where data and marks are expected")
        dtype = np.dtype(str(one["dtype"]))
        shape, chunk = one["shape"], one["chunk"]
        lengths = [*shape, *chunk]
        if dtype.kind not in _KINDS or len(shape) != len(chunk) or not 1 <= len(shape) <= 4:
            raise ValueError(f"an array of the type {inert(dtype)} and {len(shape)} axes")
        if not all(type(n) is int and 0 < n < 2**31 for n in lengths) or any(map(int.__lt__, shape, chunk)):
            raise ValueError("an array without a shape, or with chunks larger than it")
        arrays[name] = StoredArray(ChunkGrid(tuple(shape), tuple(chunk)), dtype)
    if "data" not in arrays:
        raise ValueError("no data")
    return arrays


def contents_from(document: Mapping[str, Any], arrays: Mapping[str, Any]) -> Contents:
    """
    The contents that a document describes, with the arrays of the store.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it makes no sense.
    """
    meta = from_json(document["meta"])
    unit = from_json(document["unit"])
    if not isinstance(meta, dict) or not (unit is None or isinstance(unit, u.UnitBase)):
        raise ValueError("no meta, or no unit")
    meta |= {name: headers_from_json(one) for name, one in document["headers"].items()}
    coords = {
        name: (str(kind), from_json(value)) for name, (kind, value) in document["global coordinates"].items()
    }
    wcs = wcs_from_json(document["coordinates"], arrays["data"].shape)
    return Contents(str(document["kind"]), arrays, unit, wcs, meta, coords)


# ---- documents that hold their own fingerprint, so that a change of them is seen


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its fingerprint."""
    return {**document, _SEAL: fingerprint(document)}


def read_sealed(place: Place, key: str) -> dict[str, Any]:
    """
    A document with its fingerprint.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When it is damaged or changed.
    """
    what = place.within(key).shown
    data = place.read(key, limits.store_bytes + 1)
    limits.check("store_bytes", len(data), what)
    document = parsed(data, what)
    seal = document.pop(_SEAL, None)
    if key == DESCRIPTION and document.get("format") != FORMAT:
        raise ValueError(
            f"{what} has the format {inert(document.get('format'))!r}, but {FORMAT!r} is expected: it is no store, or one "
            "of another version of sunpy_heliocloud"
        )
    if seal != fingerprint(document):
        raise ValueError(
            f"{what} was changed after it was written: its fingerprint is {inert(seal)}, its content's "
            f"{fingerprint(document)}. Remove the store, and save again"
        )
    return document | {_SEAL: seal}
