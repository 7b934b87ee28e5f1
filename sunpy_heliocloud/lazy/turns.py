"""Turns: strips of rows that are computed one after the other, in the order of their rows."""

import ctypes
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

from dask import local, threaded
from dask.base import get_scheduler
from dask.core import flatten
from dask.optimization import cull

from sunpy_heliocloud.io.kept_bytes import keeping
from sunpy_heliocloud.lazy.jobs import in_parts
from sunpy_heliocloud.lazy.made_together import strips_of

__all__ = ["Turn", "computed_in_turns", "return_free_memory", "turns_of"]

# Keys, and the tasks that they need.
type Turn = tuple[list[Hashable], dict[Hashable, Any]]


def turns_of(collection: Any) -> list[Turn]:
    """
    The strips of a collection, to be computed one after the other; none if it has none, or strips have tasks in common.

    Parameters
    ----------
    collection
        Of dask.
    """
    strips = _strips_of(collection)
    if len(strips) < 2:
        return []
    graph = collection.__dask_optimize__(
        collection.__dask_graph__(), list(flatten(collection.__dask_keys__()))
    )
    turns: list[Turn] = [(keys, cull(graph, keys)[0]) for keys in strips]
    tasks = [key for _, needed in turns for key in needed]
    return turns if len(tasks) == len(set(tasks)) else []


def computed_in_turns(
    collection: Any, *, scheduler: Any = None, optimize_graph: bool = True, **kwargs: Any
) -> Any:
    """
    The chunks of a collection of strips, in lists as it has its keys; `None` if it is not computed in this process in strips.

    dask would take strips in any order, and begin one before the other is done.

    Parameters
    ----------
    collection
        Of dask.
    scheduler, optimize_graph, **kwargs
        As for `dask.compute`.
    """
    compute = get_scheduler(scheduler=scheduler, collections=[collection])
    if not optimize_graph or compute not in (threaded.get, local.get_sync):
        return None
    turns = turns_of(collection)
    if not turns:
        return None
    values: dict[Hashable, Any] = {}
    with in_parts([graph for _, graph in turns]), keeping():
        for keys, graph in turns:
            values |= zip(keys, compute(graph, keys, **kwargs), strict=True)
            return_free_memory()
    return _nested(collection.__dask_keys__(), values)


def return_free_memory() -> None:
    """
    Give back what the C library keeps of freed memory.

    It keeps it for each thread, of which another one may need as much for the next strip.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # it is of the GNU C library
        return None


def _strips_of(collection: Any) -> list[list[Hashable]]:
    """The keys of each strip; those of several strips together if a chunk is made of several."""
    strips = strips_of(collection.__dask_graph__(), list(flatten(collection.__dask_keys__())))
    groups: dict[frozenset[int], list[Hashable]] = {}
    for key, own in strips.items():
        joined = [one for one in groups if one & own or one == own]
        groups[own.union(*joined)] = [old for one in joined for old in groups.pop(one)] + [key]
    return [groups[own] for own in sorted(groups, key=lambda some: min(some, default=-1))]


def _nested(keys: Any, values: dict[Hashable, Any]) -> Any:
    return [_nested(key, values) for key in keys] if isinstance(keys, list) else values[keys]
