"""Strips of rows: into how many a cube is cut, so that all planes of a strip fit into memory."""

from dataclasses import dataclass
from typing import Any, Self

import dask
from dask.utils import parse_bytes

from sunpy_heliocloud.lazy.reports import current_client

__all__ = ["Room", "cubes_at_once", "shared_by"]

# Of the memory that a process may take, the part for planes; the rest is for what its threads do with them.
_FOR_PLANES = 0.72
# Of the memory limit of a worker, the part that it may take beyond what it has without work, before it would spill.
_OF_A_WORKER = 0.57
# Without workers and a target: bytes of planes that are not cut, of a strip, and of a strip of more than 20.
_WHOLE, _STRIP, _LARGEST_STRIP = 1.6e9, 340e6, 1.52e9
_MANY_STRIPS = 20
# Rows of a strip are a multiple of it where that fits, so that usual bins of pixels lie within one strip.
_ROWS = 4


@dataclass(frozen=True)
class Room:
    """
    Bytes of planes of one cube that may be in memory at once.

    Parameters
    ----------
    whole
        Of a cube that is not cut.
    strip, largest
        Of a strip; and of a strip of a cube that would have many.
    """

    whole: float
    strip: float
    largest: float

    @classmethod
    def now(cls) -> Self:
        """
        The room that dask's configuration, or the cluster that is there, leaves for each of the cubes of a job.

        Raises
        ------
        ValueError
            When the configuration makes no sense.
        """
        target = dask.config.get("sunpy-heliocloud.memory-target", None)
        workers, memory = _workers()
        if target is not None:
            room = (_FOR_PLANES * workers * _bytes(target),) * 3
        elif memory:
            room = (_FOR_PLANES * _OF_A_WORKER * memory,) * 3
        else:
            room = _WHOLE, _STRIP, _LARGEST_STRIP
        return cls(*(size / cubes_at_once() for size in room))

    def strips(self, planes: int, rows: int, row_bytes: int) -> tuple[int, ...]:
        """
        The rows of each strip: all in one, or the fewest strips that fit.

        Parameters
        ----------
        planes, rows
            Of the cube.
        row_bytes
            Of a row of one plane.
        """
        row_bytes *= _about(planes)
        whole = rows * row_bytes
        if whole <= self.whole:
            return (rows,)
        size = min(max(self.strip, whole / _MANY_STRIPS), self.largest)
        most = max(1, min(rows, int(size // max(row_bytes, 1))))
        length = -(-rows // -(-rows // most))
        multiple = -(-length // _ROWS) * _ROWS
        length = multiple if multiple <= most else length
        return tuple(min(length, rows - start) for start in range(0, rows, length))


def cubes_at_once() -> int:
    """
    How many cubes share the room.

    Raises
    ------
    ValueError
        When dask's configuration says something else than a number.
    """
    cubes = dask.config.get("sunpy-heliocloud.cubes-at-once", 2)
    if type(cubes) is not int or cubes < 1:
        raise ValueError(f"sunpy-heliocloud.cubes-at-once={cubes!r} must be a whole number from 1")
    return cubes


def shared_by(cubes: int) -> Any:
    """A context in which that many cubes share the room, unless the configuration says how many do."""
    known = dask.config.get("sunpy-heliocloud.cubes-at-once", max(2, cubes))
    return dask.config.set({"sunpy-heliocloud.cubes-at-once": known})


def _about(planes: int) -> int:
    """At least as many planes, in steps of an eighth to a quarter: channels of about as many have the same strips."""
    step = 1 << max(0, planes.bit_length() - 3)
    return -(-planes // step) * step


def _bytes(target: Any) -> int:
    try:
        size = parse_bytes(target)
    except (TypeError, ValueError, AttributeError):
        size = 0
    if size < 1:
        raise ValueError(f"sunpy-heliocloud.memory-target={target!r} must be a size, such as '2 GB'")
    return int(size)


def _workers() -> tuple[int, float]:
    """How many processes compute, and what all of them may take together, if there are limits."""
    client = current_client()
    if client is None:
        return 1, 0.0
    info = client.scheduler_info()
    # Some of the workers only, in some versions of distributed.
    limit = min((worker["memory_limit"] or 0 for worker in info["workers"].values()), default=0)
    workers = info.get("n_workers", len(info["workers"]))
    return max(1, workers), float(workers * limit)
