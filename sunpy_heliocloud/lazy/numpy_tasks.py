"""Tasks that call numpy where those of dask call dask.array, which a worker would import for half a second."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dask.utils import ensure_dict

__all__ = ["calling_numpy", "concatenated", "joined", "part"]


def joined(blocks: Sequence[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """
    One array of blocks.

    Parameters
    ----------
    blocks
        In the order of their places in the array, the last axis first.
    counts
        How many blocks there are along each axis.

    Returns
    -------
    `numpy.ndarray`
    """
    places = np.empty(len(blocks), dtype=object)
    for number, block in enumerate(blocks):
        places[number] = block
    return np.block(places.reshape(counts).tolist())


def concatenated(arrays: Any, axes: Sequence[int]) -> np.ndarray:
    """
    One array of nested lists of arrays.

    Parameters
    ----------
    arrays
        Lists, as deep as there are axes; or an array where there is none.
    axes
        Of the outermost list, and so on.

    Returns
    -------
    `numpy.ndarray`
    """
    if not axes:
        return arrays
    first, *inner = axes
    return np.concatenate([concatenated(one, inner) for one in arrays], axis=first)


def part(array: np.ndarray, index: Any) -> np.ndarray:
    """A part of an array; of less than its half a copy, so that the whole is not kept."""
    found = array[index]
    return found.copy() if found.base is not None and array.size >= 2 * found.size else found


def calling_numpy(graph: Any) -> dict[Any, Any]:
    """
    The same graph, whose tasks join and cut arrays with numpy.

    Parameters
    ----------
    graph
        Of dask, after it was optimized.

    Returns
    -------
    dict
    """
    # Not at the top: workers import this module.
    from dask.array import chunk, core

    others: list[tuple[Callable, Callable]] = [(chunk.getitem, part), (core.concatenate_axes, concatenated)]
    if hasattr(core, "concatenate_shaped"):  # dask before 2026 joins by another function, which stays
        others.append((core.concatenate_shaped, joined))
    return {key: _calling(task, others) for key, task in ensure_dict(graph).items()}


def _calling(task: Any, others: Sequence[tuple[Callable, Callable]]) -> Any:
    """A task, or several by key, with other functions; the same one if there is none of them."""
    if isinstance(task, dict):  # tasks that dask has made one task of
        inner = {key: _calling(value, others) for key, value in task.items()}
        return inner if any(inner[key] is not value for key, value in task.items()) else task
    function = getattr(task, "func", None)
    if function is None:
        return task
    other = next((new for old, new in others if function is old), function)
    arguments = [_calling(argument, others) for argument in task.args]
    if other is function and all(new is old for new, old in zip(arguments, task.args, strict=True)):
        return task
    reads = {"_data_producer": True} if getattr(task, "data_producer", False) else {}
    return type(task)(task.key, other, *arguments, **reads, **task.kwargs)
