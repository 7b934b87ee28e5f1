"""Derotated planes as a dask array, from frames or from planes of any other array."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.blockwise import blockwise
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.layers import NamedDep, graph_from_planes, joint_token
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.tasks import DerotateArrays, DerotateFrames

__all__ = ["derotate"]

_MOST_FRAMES_PER_TASK = 4  # enough to hide latency behind each other, few enough to keep workers busy
_TASK_BYTES = 256 * 2**20


def derotate(data: Any, sources: Sequence[Source], derotation: Derotation) -> da.Array:
    """
    Bring each plane to the target grid.

    Parameters
    ----------
    data
        Array of planes, ``(n, y, x)``. Of a `FrameArray` tasks read only the rows they need.
    sources
        Where the pixels of each plane lie.
    derotation
        Where to, and how.

    Returns
    -------
    dask.array.Array
        ``(n, *target.shape)``, a few planes a chunk.
    """
    if isinstance(data, FrameArray):
        return _derotate_frames(data.recipe, sources, derotation)
    planes = da.asarray(data).rechunk({1: -1, 2: -1})
    starts = np.cumsum((0, *planes.chunks[0]))
    chunks = {(i,): tuple(sources[a:b]) for i, (a, b) in enumerate(zip(starts[:-1], starts[1:], strict=True))}
    task = DerotateArrays(derotation)
    name = "derotate-" + tokenize(planes.name, joint_token(sources), derotation)
    layer = blockwise(
        task,
        name,
        "tYX",
        planes.name,
        "tyx",
        NamedDep(name, chunks, numblocks=(len(chunks),)),
        "t",
        numblocks={planes.name: planes.numblocks},
        new_axes={"Y": 1, "X": 1},
        concatenate=True,
    )
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[planes])
    return _planes_array(graph, name, planes.chunks[0], derotation)


def _derotate_frames(recipe: Recipe, sources: Sequence[Source], derotation: Derotation) -> da.Array:
    recipe = replace(recipe, dtype=np.result_type(recipe.dtype, derotation.dtype))
    task = DerotateFrames(recipe.read, derotation)
    pairs = list(zip(recipe.planes, sources, strict=True))
    size = _frames_per_task(recipe, derotation)
    batches = [tuple(pairs[i : i + size]) for i in range(0, len(pairs), size)]
    name = "derotate-" + tokenize(task, size, joint_token(recipe.planes), joint_token(sources))
    return _planes_array(graph_from_planes(name, task, batches), name, tuple(map(len, batches)), derotation)


def _frames_per_task(recipe: Recipe, derotation: Derotation) -> int:
    """As many as memory allows; dask's configuration can say otherwise."""
    chosen = dask.config.get("sunpy-heliocloud.frames-per-task", None)
    if chosen is not None:
        if not isinstance(chosen, int) or chosen < 1:
            raise ValueError(f"sunpy-heliocloud.frames-per-task={chosen!r} must be a whole number from 1")
        return chosen
    rows, columns = (stop - start for start, stop in (recipe.rows, recipe.columns))
    ny, nx = derotation.target.shape
    read = derotation.resampling.rows_read(rows, ny) * columns * recipe.dtype.itemsize
    made = ny * nx * np.dtype(derotation.dtype).itemsize
    return max(1, min(_MOST_FRAMES_PER_TASK, _TASK_BYTES // (read + made)))


def _planes_array(
    graph: HighLevelGraph, name: str, counts: tuple[int, ...], derotation: Derotation
) -> da.Array:
    chunks = (counts, *((length,) for length in derotation.target.shape))
    return da.Array(graph, name, chunks, dtype=derotation.dtype)
