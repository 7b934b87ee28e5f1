"""Which rows of an image are made together, from the same strips of frames."""

from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import Any

import dask.array as da
from dask.core import flatten, toposort

from sunpy_heliocloud.lazy.layers import FrameSources

__all__ = ["rows_made_together", "strips_of"]


def rows_made_together(image: da.Array) -> list[tuple[int, int]]:
    """
    First row, and the one after the last, of the parts of an image that are made from the same strips of frames.

    Parameters
    ----------
    image
        Of dask, ``(y, x)``.
    """
    keys_of_rows: Any = image.__dask_keys__()
    strips = strips_of(image.dask, list(flatten(keys_of_rows)))
    of_rows = [frozenset().union(*(strips[key] for key in keys)) for keys in keys_of_rows]
    parts, start = [], 0
    for _, rows in groupby(zip(of_rows, image.chunks[0], strict=True), key=lambda one: one[0]):
        stop = start + sum(length for _, length in rows)
        parts.append((start, stop))
        start = stop
    return parts


def strips_of(graph: Any, keys: Sequence[Hashable]) -> dict[Hashable, frozenset[int]]:
    """
    The strips of frames that chunks are made from.

    Parameters
    ----------
    graph
        With layers; frames are read in strips in some of them, or in none.
    keys
        Of the chunks.
    """
    cut = {layer.output for layer in graph.layers.values() if _reads_strips(layer)}
    if not cut:
        return dict.fromkeys(keys, frozenset())
    needed = graph.cull(list(keys)).get_all_dependencies()
    strips: dict[Hashable, frozenset[int]] = {}
    for key in toposort(needed, dependencies=needed):
        own = {key[2]} if isinstance(key, tuple) and key[0] in cut else ()
        strips[key] = frozenset(own).union(*(strips[one] for one in needed[key]))
    return {key: strips[key] for key in keys}


def _reads_strips(layer: Any) -> bool:
    given = getattr(layer, "io_deps", {}).values()
    return any(isinstance(one, FrameSources) and one.numblocks[1:2] > (1,) for one in given)
