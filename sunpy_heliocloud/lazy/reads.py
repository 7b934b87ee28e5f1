"""What the tasks of a graph read of frames: known before they run, and without reading."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.io.kept_bytes import JointRequest
from sunpy_heliocloud.io.ranges import ByteRange
from sunpy_heliocloud.lazy.layers import FrameSources
from sunpy_heliocloud.lazy.steps import Plane
from sunpy_heliocloud.lazy.tasks import DerotateFrames, ReadWindow, TargetPart

__all__ = ["Reads", "reads_of_graph"]

_MOST_SAMPLES = (
    24  # frames whose windows are determined exactly, in milliseconds; the others are interpolated
)
_FEW_SAMPLES = 3  # the same, where a display must not take long
_COORDINATES = 64 * 2**20  # of 65536 points in sunpy, where there is no closed form
_COPIES_OF_BYTES = 2  # as they came, and for the next strip
_BYTES_OF_A_PIXEL = 16  # while it is decoded: as stored, unpacked, scaled


@dataclass(frozen=True)
class Reads:
    """
    What the tasks of one layer read, and the memory that they take.

    Parameters
    ----------
    frames, requests, bytes
        That are read; a frame is as many requests as strips show it, or half as many if two strips are requested together.
    task_memory
        Bytes that a task takes.
    planes
        Bytes of the planes of a strip.
    kept
        Bytes that are kept for the next strip.
    strips
        Of rows.
    """

    frames: int
    requests: int
    bytes: int
    task_memory: float
    planes: float
    kept: float
    strips: int


def reads_of_graph(graph: HighLevelGraph, *, in_turns: bool = False, quickly: bool = False) -> list[Reads]:
    """
    What each layer of a graph reads.

    Parameters
    ----------
    graph
        Of the tasks that are needed.
    in_turns
        Whether strips are computed one after the other, so that bytes are kept for the next.
    quickly
        Whether windows of derotated frames follow from those of a few, for displays.
    """
    samples = _FEW_SAMPLES if quickly else _MOST_SAMPLES
    return [_of_layer(sources, chunks, samples, in_turns) for sources, chunks in _sources(graph)]


def _sources(graph: HighLevelGraph) -> Iterable[tuple[FrameSources, list[Any]]]:
    """The layers that read frames, and what their tasks that are needed are given."""
    for layer in graph.layers.values():
        for sources in getattr(layer, "io_deps", {}).values():
            if isinstance(sources, FrameSources):
                blocks = {key[1:] for key in layer.get_output_keys() if isinstance(key, tuple)}
                yield sources, [sources.mapping[block] for block in sorted(blocks)]


def _of_layer(sources: FrameSources, chunks: Sequence[Any], samples: int, in_turns: bool) -> Reads:
    task = sources.function
    if isinstance(task, DerotateFrames):
        return _of_derotation(task, chunks, samples, in_turns)
    read = task if isinstance(task, ReadWindow) else task.read
    planes = [plane for chunk in chunks for plane in chunk]
    requests = _Requests(read)
    for plane in planes:
        requests.add(plane, Window.whole(read.window.shape))
    of_image = 8 * int(np.prod(read.window.shape))
    memory = requests.memory(max(map(len, chunks), default=0), of_image)
    return Reads(
        len(set(map(id, planes))), requests.count, requests.bytes, memory, of_image * len(planes), 0, 1
    )


def _of_derotation(task: DerotateFrames, chunks: Sequence[TargetPart], samples: int, in_turns: bool) -> Reads:
    parts: dict[Window, list[tuple[Plane, Source]]] = defaultdict(list)
    for chunk in chunks:
        parts[chunk.window] += chunk.planes
    later = {chunk.window: chunk.later for chunk in chunks if in_turns and chunk.later is not None}
    samples = max(_FEW_SAMPLES, samples // len(parts))
    windows = {part: _windows(task, part, pairs, samples) for part, pairs in parts.items()}
    requests, kept = _Requests(task.read), 0
    for part, pairs in parts.items():
        joined: list[Any] = [None] * len(pairs)
        if (following := later.get(part)) is not None:
            joined = windows.get(following) or _windows(task, following, pairs, samples)
        added = [
            requests.add(plane, *some) for (plane, _), *some in zip(pairs, windows[part], joined, strict=True)
        ]
        kept = max(kept, sum(added))
    itemsize = task.derotation.dtype.itemsize
    of_plane = {part: itemsize * int(np.prod(part.shape)) for part in parts}
    sources = (source for pairs in parts.values() for _, source in pairs)
    of_resampling = max(_memory_of_resampling(task.derotation, source) for source in sources)
    in_a_task = max(len(chunk.planes) for chunk in chunks)
    return Reads(
        len({id(plane) for pairs in parts.values() for plane, _ in pairs}),
        requests.count,
        requests.bytes,
        requests.memory(in_a_task, max(of_plane.values())) + of_resampling,
        max(of_plane[part] * len(pairs) for part, pairs in parts.items()),
        kept,
        len(parts),
    )


class _Requests:
    """
    Requests for parts of frames, in the order in which they are made.

    Parameters
    ----------
    read
        What makes them.
    """

    def __init__(self, read: ReadWindow) -> None:
        self._read = read
        self.count = self.bytes = 0
        self._largest = self._pixels = 0
        self._here: set[tuple[int, int, int | None]] = set()

    def add(self, plane: Plane, window: Window, later: Window | None = None) -> int:
        """Request a part of a frame, unless it is here, and perhaps the next part with it: the bytes of that."""
        rows = self._read.read_for(plane, window).shape[0]
        self._pixels = max(self._pixels, rows * plane.frame.shape[1])
        wanted = self._range(plane, window)
        if wanted is None or (id(plane), wanted.start, wanted.stop) in self._here:
            return 0
        joint = JointRequest.of(wanted, None if later is None else self._range(plane, later))
        self._count(joint.request)
        if joint.later is None or joint.later.stop is None:
            return 0
        self._here.add((id(plane), joint.later.start, joint.later.stop))
        return joint.later.stop - joint.later.start

    def memory(self, frames: int, of_a_frame: float) -> float:
        """Bytes that a task takes for so many frames, given those of each without its requests."""
        return frames * (of_a_frame + _COPIES_OF_BYTES * self._largest) + _BYTES_OF_A_PIXEL * self._pixels

    def _range(self, plane: Plane, window: Window) -> ByteRange | None:
        needed = self._read.read_for(plane, window)
        return None if needed.is_empty else plane.frame.byte_range(needed)

    def _count(self, request: ByteRange) -> None:
        stop = request.version.size if request.stop is None else request.stop
        size = (stop or 0) - request.start
        self.count += size > 0
        self.bytes += size
        self._largest = max(self._largest, size)


def _memory_of_resampling(derotation: Derotation, source: Source) -> int:
    memory = derotation.resampling.memory(derotation.transformation(source))
    return memory + _COORDINATES if memory else 0


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
