"""The cost of a computation before it runs: frames, strips, requests, bytes, memory, tasks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph
from dask.system import CPU_COUNT

import astropy.units as u

from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.lazy.layers import FrameSources
from sunpy_heliocloud.lazy.pencils import PENCIL_BYTES, PENCILS_OF_A_STRIP
from sunpy_heliocloud.lazy.reports import current_client
from sunpy_heliocloud.lazy.steps import Plane
from sunpy_heliocloud.lazy.tasks import DerotateFrames, ReadWindow
from sunpy_heliocloud.summary import Summary

__all__ = ["Estimate", "estimate", "readable_size", "reads_of"]

_MOST_SAMPLES = (
    24  # frames whose windows are determined exactly, in milliseconds; the others are interpolated
)
_FEW_SAMPLES = 3  # the same, where a display must not take long
_TASK_OVERHEAD = 64 * 2**20  # of a task: coordinates of 65536 points in sunpy, and what malloc keeps
_COPIES_OF_BYTES = 3  # as they came, in the small file that astropy is given, and in its own buffer
_BYTES_OF_A_PIXEL = 24  # while it is decoded: as stored, unpacked, scaled
_COPIES_OF_RESULTS = 2  # the chunks, and what is made of them
_PENCILS_OF_A_THREAD = 4  # of each cube, with what is made of them
# Of planes that go on: as they are, and what of the next strip there is already, or what is on its way between workers.
_COPIES_IN_BETWEEN, _COPIES_BETWEEN_WORKERS = 1.25, 2


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
        return f"{self._read()}, {self.tasks} tasks, at most {readable_size(self.memory)} of memory a worker"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def _read(self) -> str:
        if not self.frames:
            return "nothing to read"
        strips = f" in {self.strips} strips of rows" if self.strips > 1 else ""
        return f"{self.frames} frames{strips}: {self.requests} requests for {readable_size(self.bytes)}"

    def _repr_html_(self) -> str:
        if not self.tasks:
            return Summary(type(self).__name__, [("", str(self))]).html()
        rows = [
            ("To read", self._read()),
            ("Tasks", f"{self.tasks} tasks"),
            ("Memory", f"at most {readable_size(self.memory)} of memory a worker"),
        ]
        return Summary(type(self).__name__, rows).html()


def readable_size(size: u.Quantity | int) -> str:
    """A number of bytes in the unit that reads best."""
    size = u.Quantity(size, u.byte)
    units = (unit for unit in (u.Gbyte, u.Mbyte, u.kbyte) if size >= 1 * unit)
    return f"{size.to(next(units, u.byte)):.1f}"


def estimate(collection: Any) -> Estimate:
    """
    The cost of computing an array, a cube or a map.

    Parameters
    ----------
    collection
        Made from frames, or of arrays that are: sliced, derotated, resampled, compared. Only what it needs counts.

    Returns
    -------
    Estimate
        Requests and bytes are those of a computation without failures. Windows of up to 24 frames are exact, those
        between are interpolated. Memory is an upper bound for reading and derotation.

    Notes
    -----
    Nothing is read, and no task runs.
    """
    if not dask.is_dask_collection(collection):
        return Estimate(0, 0, 0 * u.byte, 0 * u.byte, 0)
    culled = _needed(collection)
    reads = [_layer_reads(sources, chunks) for sources, chunks in _sources(culled)]
    (optimized,) = dask.optimize(collection)
    workers, threads = _workers()
    in_tasks = threads * max((read.task_memory for read in reads), default=0)
    copies: float = 1
    if len(culled.layers) > len(reads):
        in_tasks = max(in_tasks, threads * _PENCILS_OF_A_THREAD * sum(map(_pencil, reads)))
        copies = _COPIES_BETWEEN_WORKERS if workers > 1 else _COPIES_IN_BETWEEN
    values = collection if isinstance(collection, da.Array) else collection.data
    results = _COPIES_OF_RESULTS * values.nbytes
    held = copies * sum(read.planes for read in reads) + results
    return Estimate(
        sum(read.frames for read in reads),
        sum(read.requests for read in reads),
        sum(read.bytes for read in reads) * u.byte,
        (in_tasks + held / workers) * u.byte,
        len(optimized.__dask_graph__()),
        max((read.strips for read in reads), default=1),
    )


def _pencil(read: "_Reads") -> float:
    """Bytes of a pencil."""
    return min(PENCIL_BYTES, read.planes / (PENCILS_OF_A_STRIP if read.strips > 1 else 4))


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
        Frames, requests and bytes; windows of derotated frames follow from those of a few.
    """
    reads = [_layer_reads(sources, chunks, _FEW_SAMPLES) for sources, chunks in _sources(_needed(array))]
    return (
        sum(read.frames for read in reads),
        sum(read.requests for read in reads),
        sum(read.bytes for read in reads),
    )


@dataclass(frozen=True)
class _Reads:
    """What the tasks of one layer read, and the bytes that one of them, and the planes of a strip, take."""

    frames: int
    requests: int
    bytes: int
    task_memory: float
    planes: float
    strips: int


def _sources(graph: HighLevelGraph) -> Iterable[tuple[FrameSources, list[Any]]]:
    """The layers that read frames, and what their tasks that are needed are given."""
    for layer in graph.layers.values():
        for sources in getattr(layer, "io_deps", {}).values():
            if isinstance(sources, FrameSources):
                blocks = {key[1:] for key in layer.get_output_keys() if isinstance(key, tuple)}
                yield sources, [sources.mapping[block] for block in sorted(blocks)]


def _layer_reads(sources: FrameSources, chunks: Sequence[Any], samples: int = _MOST_SAMPLES) -> _Reads:
    task = sources.function
    read = task if isinstance(task, ReadWindow) else task.read
    parts: dict[Window, list[tuple[Plane, Source]]] = defaultdict(list)
    if isinstance(task, DerotateFrames):
        for part in chunks:
            parts[part.window] += part.planes
        pairs = [pair for together in parts.values() for pair in together]
        planes = [plane for plane, _ in pairs]
        samples = max(_FEW_SAMPLES, samples // len(parts))
        windows = [
            reach for part, together in parts.items() for reach in _windows(task, part, together, samples)
        ]
        itemsize = task.derotation.dtype.itemsize
        of_result = itemsize * max(int(np.prod(part.shape)) for part in parts)
        of_strip = max(itemsize * int(np.prod(part.shape)) * len(some) for part, some in parts.items())
        of_resampling = max(_memory_of_resampling(task.derotation, source) for _, source in pairs)
        in_a_task = max(len(part.planes) for part in chunks)
    else:
        planes = [plane for chunk in chunks for plane in chunk]
        windows = [Window.whole(read.window.shape)] * len(planes)
        of_result, of_resampling = 8 * int(np.prod(read.window.shape)), 0
        of_strip = of_result * len(planes)
        in_a_task = max(map(len, chunks), default=0)
    reads = [
        _read_of(plane, read.read_for(plane, window)) for plane, window in zip(planes, windows, strict=True)
    ]
    sizes = [size for size, _ in reads]
    pixels = max((pixels for _, pixels in reads), default=0)
    of_a_frame = of_resampling + 2 * of_result + _COPIES_OF_BYTES * max(sizes, default=0) + 4 * pixels
    return _Reads(
        len(set(map(id, planes))),
        sum(size > 0 for size in sizes),
        sum(sizes),
        in_a_task * of_a_frame + _BYTES_OF_A_PIXEL * pixels + _TASK_OVERHEAD,
        of_strip,
        len(parts) or 1,
    )


def _read_of(plane: Plane, window: Window) -> tuple[int, int]:
    """Bytes that are asked for, and pixels that come of them."""
    frame = plane.frame
    pixels = (window.rows[1] - window.rows[0]) * frame.shape[1]
    request = None if window.is_empty else frame.byte_range(window)
    if request is None:
        return 0, pixels
    stop = request.version.size if request.stop is None else request.stop
    return (stop or 0) - request.start, pixels


def _memory_of_resampling(derotation: Derotation, source: Source) -> int:
    return derotation.resampling.memory(derotation.transformation(source))


def _windows(
    task: DerotateFrames, part: Window, pairs: Sequence[tuple[Plane, Source]], most: int
) -> list[Window]:
    """What each frame is asked for, for a part of the target, from what a few frames are."""
    derotation = task.derotation
    samples = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), most)).round().astype(int))
    moves = [derotation.transformation(pairs[i][1], part) for i in samples]
    windows = np.array([derotation.resampling.reach(move) for move in moves])
    needed = (windows[..., 1] > windows[..., 0]).all(axis=1)
    nothing = Window((0, 0), (0, 0))
    if not needed.any():
        return [nothing] * len(pairs)
    frames = np.arange(len(pairs))
    nearest = np.abs(frames[:, np.newaxis] - samples).argmin(axis=1)
    edges = [
        np.interp(frames, samples[needed], edge).round().astype(int).tolist()
        for edge in windows[needed].reshape(-1, 4).T
    ]
    return [
        Window((top, bottom), (left, right)) if is_needed else nothing
        for top, bottom, left, right, is_needed in zip(*edges, needed[nearest], strict=True)
    ]


def _workers() -> tuple[int, int]:
    """How many workers there are, and how many threads one of them has at most."""
    client = current_client()
    threads = list(client.nthreads().values()) if client is not None else []
    if threads:
        return len(threads), max(threads)
    return 1, dask.config.get("num_workers", None) or CPU_COUNT
