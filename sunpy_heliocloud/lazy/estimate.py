"""The cost of a computation before it runs: frames, strips, requests, bytes, memory, tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
from dask.highlevelgraph import HighLevelGraph
from dask.system import CPU_COUNT

import astropy.units as u

from sunpy_heliocloud.lazy.pencils import PENCIL_BYTES, PENCILS_OF_A_STRIP
from sunpy_heliocloud.lazy.reads import Reads, reads_of_graph
from sunpy_heliocloud.lazy.reports import current_client
from sunpy_heliocloud.lazy.turns import turns_of
from sunpy_heliocloud.summary import Summary
from sunpy_heliocloud.text import many

__all__ = ["Estimate", "estimate", "readable_size", "reads_of"]

# Of a process: what computing imports, connections, and what the C library keeps of freed memory.
_OVERHEAD = 64 * 2**20
_KEPT_OF_PLANES = 1.15  # what it keeps beside large arrays that come and go
_KEPT_TO_THE_END = 0.9  # of planes that were not made in turns, when the results are put together
_COPIES_OF_PENCILS = 2  # that a thread works on: as they are, and at other times
_PENCILS = 16  # that a cube is cut into if it is made in one piece, about
_COPIES_BETWEEN_WORKERS = 2  # of planes: what is on its way


@dataclass(frozen=True)
class Estimate:
    """
    The cost of a computation.

    Parameters
    ----------
    frames
        Frames that are read.
    requests, bytes
        What goes over the network, without the headers that are read already.
    memory
        What one worker needs at most, on top of what it has before; all threads of a worker and its share of the
        results included. Without a `distributed.Client` the worker is this process.
    tasks
        Dask tasks, after optimisation.
    strips
        Strips of rows into which the planes are cut, one after the other, so that they fit into memory. Each is a request
        of its own for each frame that it shows.

    Examples
    --------
    >>> estimate = cube_171.estimate()
    >>> estimate.frames, estimate.requests
    (30, 30)
    """

    frames: int
    requests: int
    bytes: u.Quantity
    memory: u.Quantity
    tasks: int
    strips: int = 1

    def __add__(self, other: "Estimate") -> "Estimate":
        """The cost of both, at the same time."""
        return Estimate(
            self.frames + other.frames,
            self.requests + other.requests,
            self.bytes + other.bytes,
            self.memory + other.memory,
            self.tasks + other.tasks,
            max(self.strips, other.strips),
        )

    def __str__(self) -> str:
        if not self.tasks:
            return "nothing to read or to compute: the values are in memory"
        return f"{self._read()}, {many(self.tasks, 'task')}, at most {readable_size(self.memory)} of memory a worker"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def _read(self) -> str:
        if not self.frames:
            return "nothing to read"
        strips = f" in {self.strips} strips of rows" if self.strips > 1 else ""
        return f"{many(self.frames, 'frame')}{strips}: {many(self.requests, 'request')} for {readable_size(self.bytes)}"

    def _repr_html_(self) -> str:
        if not self.tasks:
            return Summary(type(self).__name__, [("", str(self))]).html()
        rows = [
            ("To read", self._read()),
            ("Tasks", many(self.tasks, "task")),
            ("Memory", f"at most {readable_size(self.memory)} of memory a worker"),
        ]
        return Summary(type(self).__name__, rows).html()


def readable_size(size: u.Quantity | int) -> str:
    """A number of bytes in the unit that reads best."""
    size = u.Quantity(size, u.byte)
    units = (unit for unit in (u.Gbyte, u.Mbyte, u.kbyte) if size >= 1 * unit)
    return f"{size.to(next(units, u.byte)):.1f}"


def estimate(collection: Any, *beside: da.Array) -> Estimate:
    """
    The cost of computing an array, a cube or a map.

    Parameters
    ----------
    collection
        Made from frames, or of arrays that are: sliced, derotated, resampled, compared. Only what it needs counts.
    *beside
        Arrays that are computed with its data.

    Returns
    -------
    Estimate
        Requests and bytes are those of a computation without failures. Windows of up to 24 frames are exact, those
        between are interpolated. Memory is an upper bound, by up to a third.

    Notes
    -----
    Nothing is read, and no task runs.
    """
    if not dask.is_dask_collection(collection):
        return Estimate(0, 0, 0 * u.byte, 0 * u.byte, 0)
    culled = _needed(collection)
    in_turns = current_client() is None and bool(turns_of(collection))
    reads = reads_of_graph(culled, in_turns=in_turns)
    (optimized,) = dask.optimize(collection)
    data = collection if isinstance(collection, da.Array) else collection.data
    results = sum(array.nbytes for array in (data, *beside))
    return Estimate(
        sum(read.frames for read in reads),
        sum(read.requests for read in reads),
        sum(read.bytes for read in reads) * u.byte,
        _memory(reads, results, is_result=len(culled.layers) == len(reads), in_turns=in_turns) * u.byte,
        len(optimized.__dask_graph__()),
        max((read.strips for read in reads), default=1),
    )


def _memory(reads: Sequence[Reads], results: float, *, is_result: bool, in_turns: bool) -> float:
    """
    Bytes of a worker: while planes are made and pencils of them, or when results are put together.

    Parameters
    ----------
    reads, in_turns
        See `reads_of_graph`.
    results
        Bytes of the results.
    is_result
        Whether the planes are the results.
    """
    workers, threads = _workers()
    in_tasks = threads * max((read.task_memory for read in reads), default=0)
    if is_result:
        return _OVERHEAD + max(in_tasks + results / workers, 2 * results / workers)
    planes = sum(read.planes for read in reads)
    pencils = threads * _COPIES_OF_PENCILS * sum(map(_pencil, reads))
    if workers > 1:
        return _OVERHEAD + max(in_tasks, pencils) + (_COPIES_BETWEEN_WORKERS * planes + results) / workers
    kept = sum(read.kept for read in reads)
    making = _KEPT_OF_PLANES * (planes + kept + max(in_tasks, pencils)) + results
    return _OVERHEAD + max(making, 2 * results + (0 if in_turns else _KEPT_TO_THE_END * planes))


def _pencil(read: Reads) -> float:
    """Bytes of a pencil."""
    return min(PENCIL_BYTES, read.planes / (PENCILS_OF_A_STRIP if read.strips > 1 else _PENCILS))


def _needed(collection: Any) -> HighLevelGraph:
    """The tasks that a collection needs."""
    return collection.__dask_graph__().cull(list(dask.core.flatten(collection.__dask_keys__())))


def reads_of(array: da.Array) -> tuple[int, int, int]:
    """
    What computing an array reads, quickly, for displays.

    Parameters
    ----------
    array
        As for `estimate`.

    Returns
    -------
    tuple
        Frames, requests and bytes; windows of derotated frames follow from those of a few. Without a client strips are taken
        to be computed one after the other.
    """
    reads = reads_of_graph(_needed(array), in_turns=current_client() is None, quickly=True)
    return (
        sum(read.frames for read in reads),
        sum(read.requests for read in reads),
        sum(read.bytes for read in reads),
    )


def _workers() -> tuple[int, int]:
    """How many workers there are, and how many threads one of them has at most."""
    client = current_client()
    threads = list(client.nthreads().values()) if client is not None else []
    if threads:
        return len(threads), max(threads)
    return 1, dask.config.get("num_workers", None) or CPU_COUNT
