"""Write chunks on whatever scheduler is active, and forget each as soon as it is written."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import get_scheduler, tokenize

from sunpy_heliocloud.store.chunks import WriteChunk

__all__ = ["write_chunks"]


def write_chunks(chunks: Sequence[tuple[Any, WriteChunk]]) -> Iterator[tuple[WriteChunk, dict[str, Any]]]:
    """
    Write chunks.

    Parameters
    ----------
    chunks
        The part of an array, of dask or numpy, that each holds, and the task that writes it.

    Yields
    ------
    tuple
        A task and the mark that it has written.
    """
    lazy = [(_written(part, task), task) for part, task in chunks if isinstance(part, da.Array)]
    for part, task in chunks:
        if not isinstance(part, da.Array):
            yield task, task(np.asarray(part)).item()
    client = getattr(get_scheduler(), "__self__", None)
    arrays, tasks = [array for array, _ in lazy], [task for _, task in lazy]
    if hasattr(client, "scheduler_info"):
        yield from _on_cluster(client, arrays, tasks)
    else:
        yield from zip(tasks, (mark.item() for mark in dask.compute(*arrays)), strict=True)


def _written(part: da.Array, task: WriteChunk) -> da.Array:
    block = da.Array(part.dask, part.name, part.chunks, meta=part._meta).rechunk(part.shape)
    name = "save-" + tokenize(block.name, task)
    return block.map_blocks(
        task, name=name, dtype=object, chunks=(1,) * part.ndim, meta=np.empty((0,) * part.ndim, object)
    )


def _on_cluster(
    client: Any, arrays: list[da.Array], tasks: list[WriteChunk]
) -> Iterator[tuple[WriteChunk, dict]]:
    """What a worker holds is lost with it: marks are taken from workers at once, so that no frame is read again for them."""
    from distributed import as_completed

    futures = client.compute(arrays)
    by_key = dict(zip((future.key for future in futures), tasks, strict=True))
    waiting = as_completed(futures, with_results=True)
    del arrays, futures
    try:
        for future, mark in waiting:
            yield by_key[future.key], mark.item()
            future.release()
    except BaseException:
        with contextlib.suppress(Exception):  # the scheduler may be what has failed
            client.cancel(list(waiting.futures))
        raise
