"""Chunks of derotated planes: how many planes, and how many of their rows, one task makes."""

from dataclasses import dataclass
from typing import Self

import dask

__all__ = ["Chunks"]

_MOST_FRAMES_PER_TASK = 4  # enough to hide latency behind each other, few enough to keep workers busy
_TASK_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Chunks:
    """
    Chunks of planes and strips of rows.

    Parameters
    ----------
    planes, rows
        Lengths of the chunks along each axis; columns are not cut.
    """

    planes: tuple[int, ...]
    rows: tuple[int, ...]

    @classmethod
    def of(cls, planes: int, strips: tuple[int, ...], *, plane_bytes: int) -> Self:
        """
        The chunks of an array; the only place where they are decided.

        As many planes in a task as memory allows. dask's configuration can say how many planes.

        Parameters
        ----------
        planes
            Of the array.
        strips
            Rows of its strips; each is a request of its own for each frame.
        plane_bytes
            Of a strip of one plane: what is read and what is made.

        Raises
        ------
        ValueError
            When the configuration makes no sense.
        """
        chosen = dask.config.get("sunpy-heliocloud.frames-per-task", None)
        if chosen is None:
            chosen = max(1, min(_MOST_FRAMES_PER_TASK, _TASK_BYTES // plane_bytes))
        elif not isinstance(chosen, int) or chosen < 1:
            raise ValueError(f"sunpy-heliocloud.frames-per-task={chosen!r} must be a whole number from 1")
        return cls(_pieces(planes, chosen), strips)


def _pieces(length: int, most: int) -> tuple[int, ...]:
    """As even as can be, so that workers have as much to do."""
    count = -(-length // most)
    return tuple(length * (i + 1) // count - length * i // count for i in range(count))
