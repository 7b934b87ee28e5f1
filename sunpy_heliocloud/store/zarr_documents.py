"""The documents that make a folder a group of Zarr, version 3."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sunpy_heliocloud.store.chunks import ChunkGrid, encoded
from sunpy_heliocloud.store.conventions import Variable
from sunpy_heliocloud.store.description import StoredArray
from sunpy_heliocloud.store.json_text import written

__all__ = ["array_document", "group_documents", "group_of_groups"]


def array_document(variable: Variable, stored: StoredArray) -> dict[str, Any]:
    """
    The ``zarr.json`` of an array.

    Parameters
    ----------
    variable
        Its dimensions and attributes.
    stored
        Shape, type and chunks.
    """
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(stored.grid.shape),
        "data_type": stored.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(stored.grid.chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": {"f": "NaN", "b": False}.get(stored.dtype.kind, 0),
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "attributes": dict(variable.attributes),
        "dimension_names": list(variable.dims),
        "storage_transformers": [],
    }


def group_documents(
    variables: Mapping[str, Variable], arrays: Mapping[str, StoredArray], attributes: Mapping[str, Any]
) -> dict[str, bytes]:
    """
    All small objects of a group, by key: those of coordinates with their values, and last the ``zarr.json`` of the group.

    Parameters
    ----------
    variables
        By name.
    arrays
        Those whose chunks are stored already; the others are stored whole.
    attributes
        Of the group.
    """
    objects, members = {}, {}
    for name, variable in variables.items():
        stored = arrays.get(name)
        if stored is None:
            values = np.asarray(variable.data)
            stored = StoredArray(ChunkGrid(values.shape, values.shape), values.dtype)
            objects["/".join([name, "c", *["0"] * values.ndim])] = encoded(values, values.shape)
        members[name] = array_document(variable, stored)
        objects[f"{name}/zarr.json"] = written(members[name])
    return objects | {"zarr.json": _group(members, attributes)}


def group_of_groups(groups: Mapping[str, dict[str, Any]], attributes: Mapping[str, Any]) -> bytes:
    """
    The ``zarr.json`` of a group of groups.

    Parameters
    ----------
    groups
        Their own, by name.
    attributes
        Of the group.
    """
    members = {}
    for name, group in groups.items():
        members[name] = {key: value for key, value in group.items() if key != "consolidated_metadata"}
        arrays = group["consolidated_metadata"]["metadata"]
        members |= {f"{name}/{array}": document for array, document in arrays.items()}
    return _group(members, attributes)


def _group(members: Mapping[str, Any], attributes: Mapping[str, Any]) -> bytes:
    return written(
        {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": dict(attributes),
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": dict(members)},
        }
    )
