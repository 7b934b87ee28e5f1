"""Load: check that a store is complete and unchanged, and make lazy arrays of its chunks."""

from collections.abc import Mapping
from math import prod
from typing import Any

import dask.array as da
from dask.base import tokenize
from dask.blockwise import blockwise
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.lazy.layers import NamedDep
from sunpy_heliocloud.store.chunks import ReadChunk, hash_of
from sunpy_heliocloud.store.description import (
    DESCRIPTION,
    Contents,
    StoredArray,
    contents_from,
    grids_of,
    read_sealed,
)
from sunpy_heliocloud.store.place import Place
from sunpy_heliocloud.store.saving import COMPLETE, mark_name
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["load", "read_description"]

# The files of a web server cannot be listed.
_WITHOUT_LISTS = ("http", "https")


def load(place: Place, kind: str) -> tuple[Contents, dict[str, str]]:
    """
    The contents of a store, lazy, and which frames were lost when it was saved.

    Parameters
    ----------
    place
        Where it is.
    kind
        Name of the class that it has to hold.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When it holds something else, is unfinished, damaged or changed.
    OSError
        When it cannot be read.
    """
    document = read_description(place, kind)
    try:
        arrays = grids_of(document)
        complete = _completed(place, document, arrays)
        lost = {str(url): str(reason) for url, reason in complete["lost"].items()}
        lazy = {name: _lazy(place, name, one, complete["chunks"][name]) for name, one in arrays.items()}
        return contents_from(document, lazy), lost
    except (OSError, ValueError) as error:
        if place.shown in str(error):
            raise
        raise ValueError(f"the store {place.shown} cannot be used: {shown_url(error)}") from error
    # Whatever astropy and numpy raise for values that make no sense.
    except Exception as error:
        raise ValueError(
            f"the store {place.shown} cannot be used: {type(error).__name__}: {shown_url(error)}"
        ) from error


def read_description(place: Place, kind: str) -> dict[str, Any]:
    """The document of a store that holds something of this kind."""
    try:
        document = read_sealed(place, DESCRIPTION)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no store {place.shown}, since it has no {DESCRIPTION}; check the name, and save first"
        ) from error
    if document.get("kind") != kind:
        stored = inert(document.get("kind"))
        raise ValueError(f"the store {place.shown} holds a {stored}, not a {kind}; use {stored}.load")
    return document


def _completed(
    place: Place, document: Mapping[str, Any], arrays: Mapping[str, StoredArray]
) -> dict[str, Any]:
    """The document that says that a store is complete, after a look whether it is."""
    try:
        complete = read_sealed(place, COMPLETE)
    except FileNotFoundError as error:
        raise ValueError(
            f"the store {place.shown} is not complete: saving was interrupted. Save the same again, and it goes on"
        ) from error
    if complete["store"] != document["fingerprint"]:
        raise ValueError(f"{COMPLETE} of the store {place.shown} belongs to another store; save again")
    sizes = None if place.protocol in _WITHOUT_LISTS else place.sizes()
    for name, stored in arrays.items():
        hashes, size = complete["chunks"][name], stored.grid.bytes_of(stored.dtype)
        if len(hashes) != prod(stored.grid.counts):
            raise ValueError(
                f"{COMPLETE} lists {len(hashes)} chunks of {name}, where {stored.grid.counts} are expected"
            )
        for index in stored.grid.indices():
            key = "/".join(map(str, (name, "c", *index)))
            if mark_name(index) not in hashes or (sizes is not None and sizes.get(key) != size):
                found = None if sizes is None else sizes.get(key)
                raise ValueError(
                    f"{place.within(key).shown} has {found} bytes, where {size} are expected: the store is damaged. "
                    "Save the same again, and the chunk is written again"
                )
    for key, expected in complete["objects"].items():
        if hash_of(place.read(key)) != expected:
            raise ValueError(
                f"{place.within(key).shown} was changed after it was written; remove the store, and save again"
            )
    return complete


def _lazy(place: Place, name: str, stored: StoredArray, hashes: Mapping[str, str]) -> da.Array:
    read = ReadChunk(place.within(name), stored.grid, stored.dtype)
    chunks = {index: (index, str(hashes[mark_name(index)])) for index in stored.grid.indices()}
    token = "stored-" + tokenize(read, sorted(hashes.items()))
    axes = "tzyx"[-len(stored.grid.shape) :]
    given = NamedDep(token, chunks, numblocks=stored.grid.counts)
    graph = HighLevelGraph.from_collections(token, blockwise(read, token, axes, given, axes, numblocks={}))
    return da.Array(graph, token, stored.grid.dask_chunks, dtype=stored.dtype)
