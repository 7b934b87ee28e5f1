"""From frames to dask arrays: frames to planes, planes to derotated planes."""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import normalize_token, tokenize
from dask.blockwise import BlockwiseDepDict, blockwise
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.coordinates.indexers import Indexer, Picked, Stretch, axis_indexer, expanded, items
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.lazy.steps import Arithmetic, IsValid, Plane, Step, Steps
from sunpy_heliocloud.lazy.tasks import DerotateArrays, DerotateFrames, FirstPlane, ReadWindow

__all__ = ["FrameArray", "Recipe", "derotate", "is_valid"]

_MOST_FRAMES_PER_TASK = 4  # enough to hide latency behind each other, few enough to keep workers busy
_TASK_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Recipe:
    """
    How an array of planes comes from frames.

    Parameters
    ----------
    planes
        The frames.
    steps
        What is done to their pixels.
    rows, columns
        The window, ``(start, stop)`` in pixels of a frame.
    dtype
        In which frames are read.
    errors
        See `ReadWindow`.
    flat
        Whether it makes an image ``(y, x)`` of its one plane, and not a stack ``(planes, y, x)``.
    """

    planes: tuple[Plane, ...]
    steps: Steps
    rows: tuple[int, int]
    columns: tuple[int, int]
    dtype: np.dtype
    errors: str = "raise"
    flat: bool = False

    @classmethod
    def whole(
        cls, planes: Sequence[Plane], dtype: np.typing.DTypeLike, *, steps: Iterable[Step] = (), **kwargs: Any
    ) -> "Recipe":
        """Whole frames, all of the shape of the first."""
        ny, nx = planes[0].frame.shape
        return cls(tuple(planes), Steps(steps), (0, ny), (0, nx), np.dtype(dtype), **kwargs)

    def __dask_tokenize__(self) -> tuple:
        others = (self.steps, self.rows, self.columns, self.dtype, self.errors, self.flat)
        return "Recipe", _token(self.planes), normalize_token(others)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """One plane a chunk."""
        image = ((self.rows[1] - self.rows[0],), (self.columns[1] - self.columns[0],))
        return image if self.flat else ((1,) * len(self.planes), *image)

    @property
    def read(self) -> ReadWindow:
        """What a task does to a few planes."""
        return ReadWindow(self.steps, Window(self.rows, self.columns), self.dtype, self.errors)

    @property
    def result_dtype(self) -> np.dtype:
        """The type of the values that come out."""
        return self.steps.result_dtype(self.dtype, self.planes[0])

    def then(self, step: Step) -> "Recipe":
        """The recipe with one more step."""
        return replace(self, steps=self.steps.then(step))

    def part(self, index: Sequence[Indexer]) -> tuple["Recipe", tuple[Indexer, ...]]:
        """The recipe for as much as ``array[index]`` needs, and the index on what that recipe makes."""
        *planes, rows, columns = index
        narrowed = replace(self, rows=_narrow(self.rows, rows), columns=_narrow(self.columns, columns))
        rest = rows.within_span(), columns.within_span()
        if self.flat:
            return narrowed, rest
        (which,) = planes
        if not which.positions:
            return narrowed, (which, *rest)
        picked = tuple(self.planes[i] for i in which.positions)
        if not which.keeps_axis:
            return replace(narrowed, planes=picked, flat=True), rest
        return replace(narrowed, planes=picked), (Stretch(0, len(picked)), *rest)


def _token(values: Sequence[Any]) -> str:
    """One token of many values; dask's own way takes a millisecond for each."""
    return blake2b("\n".join(value.__dask_tokenize__() for value in values).encode()).hexdigest()


def _narrow(window: tuple[int, int], indexer: Indexer) -> tuple[int, int]:
    """The part of a window that an index needs."""
    if indexer.span is None:
        return window
    start, stop = indexer.span
    return window[0] + start, window[0] + stop


def _outer_index(item: Any, shape: tuple[int, ...]) -> tuple[Indexer, ...] | None:
    """An indexer for each axis; `None` for what is left to dask: new axes, vectorised and lazy indices, errors."""
    try:
        index = tuple(
            axis_indexer(one, length) for one, length in zip(expanded(item, len(shape)), shape, strict=True)
        )
    except (TypeError, IndexError):
        return None
    return index if sum(isinstance(one, Picked) for one in index) < 2 else None


class FrameArray(da.Array):
    """
    A dask array of planes read from frames that remembers how it comes about.

    Slicing it narrows the window that tasks read, arithmetic with scalars becomes part of the reading, and `derotate`
    reads just the rows that it needs. Everything else that dask can do turns it into a plain dask array.

    Parameters
    ----------
    recipe
        Where the pixels come from.
    """

    recipe: Recipe

    def __new__(cls, recipe: Recipe) -> "FrameArray":
        name = "frames-" + tokenize(recipe)
        read = FirstPlane(recipe.read) if recipe.flat else recipe.read
        graph = _from_planes(name, read, [(plane,) for plane in recipe.planes], flat=recipe.flat)
        array = super().__new__(cls, graph, name, recipe.chunks, dtype=recipe.result_dtype)
        array.recipe = recipe
        return array

    def __reduce__(self) -> tuple:
        return FrameArray, (self.recipe,)

    def copy(self) -> "FrameArray":
        """Another one with the same recipe, which sunpy asks for when it makes a submap."""
        return FrameArray(self.recipe)

    def __getitem__(self, item: Any) -> da.Array:
        index = _outer_index(item, self.shape)
        if index is None:
            return super().__getitem__(item)
        recipe, rest = self.recipe.part(index)
        array = FrameArray(recipe)
        if all(one == Stretch(0, length) for one, length in zip(rest, array.shape, strict=True)):
            return array
        return da.Array.__getitem__(array, items(rest))


def _pointwise(name: str, operation: Callable, reflected: bool) -> Callable:
    plain = getattr(da.Array, name)

    def method(self: FrameArray, other: Any) -> da.Array:
        if np.ndim(other) or not isinstance(other, (int, float, np.number)):
            return plain(self, other)
        operand = other.item() if isinstance(other, np.number) else other
        step = Arithmetic(operation, operand, reflected)
        return FrameArray(self.recipe.then(step))

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operation = getattr(operator, _name)
    setattr(FrameArray, f"__{_name}__", _pointwise(f"__{_name}__", _operation, reflected=False))
    setattr(FrameArray, f"__r{_name}__", _pointwise(f"__r{_name}__", _operation, reflected=True))


def _negative(self: FrameArray) -> da.Array:
    return self * -1  # which ndcube asks for when it subtracts


FrameArray.__neg__ = _negative


class NamedDep(BlockwiseDepDict):
    """
    What each task of a layer is given.

    Parameters
    ----------
    name
        Of the layer. It stands for the content, of which dask would make a token by pickling all of it three times.
    mapping, numblocks
        As for `dask.blockwise.BlockwiseDepDict`.
    """

    def __init__(self, name: str, mapping: dict, numblocks: tuple[int, ...]) -> None:
        super().__init__(mapping, numblocks=numblocks)
        self.name = name

    def __dask_tokenize__(self) -> str:
        return self.name


class FrameSources(NamedDep):
    """
    What each task of a layer that reads frames is given.

    Parameters
    ----------
    function
        What the tasks do with it: a `ReadWindow`, `FirstPlane` or `DerotateFrames`.
    name, mapping, numblocks
        As for `NamedDep`.
    """

    def __init__(self, function: Callable, name: str, mapping: dict, numblocks: tuple[int, ...]) -> None:
        super().__init__(name, mapping, numblocks)
        self.function = function


def _from_planes(
    name: str, function: Callable, chunks: Sequence[Any], *, flat: bool = False
) -> HighLevelGraph:
    """A layer with one task for each element of ``chunks``, which makes a chunk of planes of it."""
    if flat:
        sources = FrameSources(function, name, {(0, 0): chunks[0]}, numblocks=(1, 1))
        layer = blockwise(function, name, "yx", sources, "yx", numblocks={})
    else:
        blocks = {(i, 0, 0): chunk for i, chunk in enumerate(chunks)}
        sources = FrameSources(function, name, blocks, numblocks=(len(chunks), 1, 1))
        layer = blockwise(function, name, "tyx", sources, "tyx", numblocks={})
    return HighLevelGraph.from_collections(name, layer)


def is_valid(data: Any) -> Any:
    """1 where data are finite and 0 elsewhere, as float32; of a `FrameArray` it is part of the reading."""
    if isinstance(data, FrameArray):
        return FrameArray(data.recipe.then(IsValid()))
    return (da.isfinite(data) if isinstance(data, da.Array) else np.isfinite(data)).astype(np.float32)


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
    name = "derotate-" + tokenize(planes.name, _token(sources), derotation)
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
    name = "derotate-" + tokenize(task, size, _token(recipe.planes), _token(sources))
    return _planes_array(_from_planes(name, task, batches), name, tuple(map(len, batches)), derotation)


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
