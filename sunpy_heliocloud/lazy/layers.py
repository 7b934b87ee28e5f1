"""Layers of dask graphs whose tasks are given values: frames, or where planes lie."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from dask.blockwise import BlockwiseDepDict, blockwise
from dask.core import istask
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

from sunpy_heliocloud.lazy.reports import is_asked_by_another

__all__ = ["FrameSources", "NamedDep", "graph_from_blocks", "is_persisted", "joint_token"]


class NamedDep(BlockwiseDepDict):
    """
    What each task of a layer is given.

    Parameters
    ----------
    name
        Of the layer. Also used as the token: otherwise dask pickles the whole mapping three times.
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
        self.function: Any = function  # its types are of this layer, which must not be imported

    def __getstate__(self) -> dict[str, Any]:
        if not is_asked_by_another():
            from sunpy_heliocloud.lazy.jobs import way_out

            way_out(self)
        return vars(self)


def graph_from_blocks(name: str, function: Callable, blocks: Mapping[Any, Any]) -> HighLevelGraph:
    """A layer with one task for each block of an array, by its place, which makes it of a value."""
    # Imported here, since it imports sunpy, which schedulers that receive graphs do not need.
    from sunpy_heliocloud.lazy.jobs import watch_computations

    watch_computations()
    numblocks = tuple(last + 1 for last in max(blocks))
    axes = "tyx"[-len(numblocks) :]
    sources = FrameSources(function, name, dict(blocks), numblocks)
    layer = blockwise(function, name, axes, sources, axes, numblocks={})
    return HighLevelGraph.from_collections(name, layer)


def is_persisted(graph: HighLevelGraph) -> bool:
    """Whether a graph has no tasks, but results, of this process or of a cluster."""
    return all(
        isinstance(layer, MaterializedLayer) and not any(map(istask, layer.values()))
        for layer in graph.layers.values()
    )


def joint_token(values: Sequence[Any]) -> str:
    """One token of many values. By `dask.base.tokenize` it would take a millisecond for each of them."""
    return blake2b("\n".join(value.__dask_tokenize__() for value in values).encode()).hexdigest()
