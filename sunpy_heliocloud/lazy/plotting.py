"""Plots of lazy cubes that read each plane once."""

from typing import Any

import numpy as np

from sunpy_heliocloud.lazy.sliced import SlicedArray

__all__ = ["PlanesOnDemand"]

# Bytes of planes that are computed together, and of all planes that are kept.
_BLOCK_BYTES = 2**28
_KEPT_BYTES = 2**30
# Planes of a sliced array that are computed together: few, so that the first is soon there, although a few frames before
# and after them are read again for the next ones.
_SLICED_PLANES = 8


class PlanesOnDemand:
    """
    An array for animations that computes planes when they are shown, and keeps them.

    Planes that tasks make together are computed together. Given a dask array itself, ndcube's animator would compute
    every plane it shows several times, and with it the others of its chunk.

    Parameters
    ----------
    data : dask.array.Array
        What is shown, ``(planes, ...)``.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._blocks: dict[tuple[int, int], np.ndarray] = {}
        self._last: tuple[str, np.ndarray] = ("", np.empty(0))
        self.shape, self.ndim, self.dtype = data.shape, data.ndim, data.dtype

    def __getitem__(self, item: Any) -> np.ndarray:
        first, *rest = item if isinstance(item, tuple) else (item,)
        if isinstance(first, (int, np.integer)):
            start, stop = self._together(int(first) % len(self._data))
            return self._block(start, stop)[int(first) % len(self._data) - start][tuple(rest)]
        asked = repr(item)
        if self._last[0] != asked:
            self._last = (asked, self._data[item].compute())
        return self._last[1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)

    def _together(self, plane: int) -> tuple[int, int]:
        """The planes of the same chunk, if they are not too many."""
        stops = np.cumsum(self._data.chunks[0])
        chunk = int(np.searchsorted(stops, plane, side="right"))
        first, last = int(stops[chunk]) - self._data.chunks[0][chunk], int(stops[chunk])
        most = max(1, _BLOCK_BYTES * len(self._data) // max(self._data.nbytes, 1))
        if isinstance(self._data, SlicedArray):
            most = min(most, _SLICED_PLANES)
        start = first + (plane - first) // most * most
        return start, min(start + most, last)

    def _block(self, start: int, stop: int) -> np.ndarray:
        if (start, stop) not in self._blocks:
            self._blocks[start, stop] = self._data[start:stop].compute()
            while (
                len(self._blocks) > 1 and sum(block.nbytes for block in self._blocks.values()) > _KEPT_BYTES
            ):
                self._blocks.pop(next(iter(self._blocks)))
        return self._blocks[start, stop]
