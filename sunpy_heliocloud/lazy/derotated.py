"""Derotated planes as a dask array, from frames or from planes of any other array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.blockwise import blockwise
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.coordinates.indexers import At, Indexer, Stretch
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.lazy import wholes
from sunpy_heliocloud.lazy.chunks import Chunks
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.layers import NamedDep, graph_from_blocks, joint_token
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.sliced import SlicedArray
from sunpy_heliocloud.lazy.steps import Plane
from sunpy_heliocloud.lazy.strips import Room
from sunpy_heliocloud.lazy.tasks import DerotateArrays, DerotateFrames, TargetPart

__all__ = ["derotate"]

# Of the bytes of a strip, those of its part of the files, as far as it is known before (up to twice what is read), where
# they are kept for the strip while the one before is made.
_KEPT_BYTES = 0.4


def derotate(data: Any, sources: Sequence[Source], derotation: Derotation) -> SlicedArray:
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
    SlicedArray
        ``(n, *target.shape)``, a few planes a chunk. A slice of it derotates only those planes and pixels.
    """
    if isinstance(data, FrameArray):
        recipe = replace(data.recipe, dtype=np.result_type(data.recipe.dtype, derotation.dtype))
        return SlicedArray(_OfFrames(tuple(sources), derotation, recipe, Room.now()))
    return SlicedArray(_OfPlanes(tuple(sources), derotation, da.asarray(data)))


@dataclass(frozen=True)
class _Derotated(wholes.Source):
    """Planes that are brought to the target of a derotation."""

    sources: tuple[Source, ...]
    derotation: Derotation

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.sources), *self.derotation.target.shape)


@dataclass(frozen=True)
class _OfFrames(_Derotated):
    """Frames that are read and derotated."""

    recipe: Recipe
    room: Room

    def made(self, index: Sequence[Indexer]) -> da.Array:
        which, window, rest = _of_target(index)
        planes, sources = [self.recipe.planes[i] for i in which], [self.sources[i] for i in which]
        task = DerotateFrames(self.recipe.read, self.derotation)
        chunks = self._chunks(len(planes), window)
        name = "derotate-" + tokenize(task, window, chunks, joint_token(planes), joint_token(sources))
        pairs = list(zip(planes, sources, strict=True))
        parts = [Window(rows, window.columns) for rows in _edges(window.rows[0], chunks.rows)]
        later = _every_second(parts) if self._is_cheap_to_keep(planes, chunks.rows) else {}
        blocks = {
            (i, j, 0): TargetPart(tuple(pairs[slice(*some)]), part, later.get(part))
            for i, some in enumerate(_edges(0, chunks.planes))
            for j, part in enumerate(parts)
        }
        graph = graph_from_blocks(name, task, blocks)
        columns = (window.shape[1],)
        array = da.Array(graph, name, (chunks.planes, chunks.rows, columns), dtype=self.derotation.dtype)
        return wholes.outer_part(array, rest)

    def _chunks(self, planes: int, window: Window) -> Chunks:
        rows, columns = (stop - start for start, stop in (self.recipe.rows, self.recipe.columns))
        ny, nx = window.shape
        row_bytes = nx * np.dtype(self.derotation.dtype).itemsize
        strips = self.room.strips(planes, ny, row_bytes)
        ny = max(strips)
        read = self.derotation.resampling.rows_read(rows, ny) * columns * self.recipe.dtype.itemsize
        return Chunks.of(planes, strips, plane_bytes=read + ny * row_bytes)

    def _is_cheap_to_keep(self, planes: Sequence[Plane], strips: Sequence[int]) -> bool:
        """Whether the bytes of a strip of frames take little memory beside the strip."""
        if len(strips) == 1 or not planes:
            return False
        frame, of_strip = planes[0].frame, max(strips)
        whole = frame.byte_range(Window.whole(frame.shape))
        if whole is None or whole.stop is None:
            return False
        rows = frame.shape[0]
        read = self.derotation.resampling.rows_read(rows, of_strip) if self.recipe.steps.pointwise else rows
        made = of_strip * self.shape[2] * self.derotation.dtype.itemsize
        return (whole.stop - whole.start) * read / rows <= _KEPT_BYTES * made


def _every_second(parts: Sequence[Window]) -> dict[Window, Window]:
    """The part that follows, for the first, the third, ..."""
    return dict(zip(parts[::2], parts[1::2], strict=False))


@dataclass(frozen=True)
class _OfPlanes(_Derotated):
    """Planes of another array that are derotated."""

    planes: da.Array

    def made(self, index: Sequence[Indexer]) -> da.Array:
        which, window, rest = _of_target(index)
        planes = self.planes[index[0].with_axis().item].rechunk({1: -1, 2: -1})
        sources = [self.sources[i] for i in which]
        chunks = {(i,): tuple(sources[slice(*some)]) for i, some in enumerate(_edges(0, planes.chunks[0]))}
        task = DerotateArrays(self.derotation, window)
        name = "derotate-" + tokenize(planes.name, joint_token(sources), task)
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
        shape = planes.chunks[0], *((length,) for length in window.shape)
        return wholes.outer_part(da.Array(graph, name, shape, dtype=self.derotation.dtype), rest)


def _of_target(index: Sequence[Indexer]) -> tuple[Sequence[int], Window, tuple[Indexer, ...]]:
    """Which planes, the window of the target that holds the pixels, and the index on both."""
    which, rows, columns = index
    window = Window(rows.span or (0, 0), columns.span or (0, 0))
    planes = Stretch(0, len(which.positions)) if which.keeps_axis else At(0)
    return which.positions, window, (planes, rows.within_span(), columns.within_span())


def _edges(first: int, lengths: Sequence[int]) -> Sequence[tuple[int, int]]:
    """First and last but one of pieces of these lengths."""
    return list(pairwise(accumulate(lengths, initial=first)))
