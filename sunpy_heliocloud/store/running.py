"""Write chunks on whatever scheduler is active, and forget each as soon as it is written."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import get_scheduler, tokenize

from sunpy_heliocloud.lazy.versions import require_alike
from sunpy_heliocloud.store.chunks import WriteChunk
from sunpy_heliocloud.text import inert

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
    if hasattr(client, "scheduler_info"):
        yield from _on_cluster(client, lazy)
    else:
        marks = dask.compute(*(array for array, _ in lazy))
        yield from ((task, mark.item()) for (_, task), mark in zip(lazy, marks, strict=True))


def _written(part: da.Array, task: WriteChunk) -> da.Array:
    block = da.Array(part.dask, part.name, part.chunks, meta=part._meta).rechunk(part.shape)
    name = "save-" + tokenize(block.name, task)
    return block.map_blocks(
        task, name=name, dtype=object, chunks=(1,) * part.ndim, meta=np.empty((0,) * part.ndim, object)
    )


def _on_cluster(
    client: Any, chunks: Sequence[tuple[da.Array, WriteChunk]]
) -> Iterator[tuple[WriteChunk, dict]]:
    """
    Few chunks at once, of which the marks are taken from the workers as soon as they are written.

    A worker that is lost costs what is under way: frames of chunks that are written are not read again for their marks, and
    workers that wait for each other do not read far ahead of what is written.
    """
    from distributed import as_completed

    require_alike()

    waiting, left = as_completed(with_results=True), iter(chunks)
    tasks: dict[str, WriteChunk] = {}
    try:
        while True:
            for array, task in islice(left, _chunks_at_once(client) - len(tasks)):
                future = client.compute(array)
                tasks[future.key] = task
                waiting.add(future)
            if not tasks:
                return
            _wait(waiting, client)
            future, mark = next(waiting)
            if isinstance(mark, BaseException):  # that of a cancelled task is given, not raised
                raise OSError(f"the cluster does not compute any more: {inert(mark)}") from mark
            yield tasks.pop(future.key), mark.item()
            del future
    except BaseException:
        with contextlib.suppress(Exception):  # the scheduler may be what has failed
            client.cancel(list(waiting.futures))
        raise


def _wait(waiting: Any, client: Any) -> None:
    """Until a chunk is written; futures of a client that has lost its scheduler may never be done."""
    while not waiting.has_ready():
        if client.status in ("closing", "closed"):
            raise OSError("the cluster does not compute any more: its scheduler does not answer")
        time.sleep(0.05)


def _chunks_at_once(client: Any) -> int:
    """Such that each thread has a task of a few frames, and another one to go on with."""
    return max(2, sum(client.nthreads().values()) // 2)
