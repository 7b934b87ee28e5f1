"""Plots of lazy cubes that read each plane once, when it is shown."""

from typing import Any

import numpy as np

__all__ = ["PlanesOnDemand"]


class PlanesOnDemand:
    """
    What an animation takes for an array: it computes what is asked for, and remembers the last of it.

    Given a dask array itself, ndcube's animator would compute every plane it shows several times.

    Parameters
    ----------
    data : dask.array.Array
        What is shown.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._last: tuple[Any, np.ndarray | None] = (None, None)
        self.shape, self.ndim, self.dtype = data.shape, data.ndim, data.dtype

    def __getitem__(self, item: Any) -> np.ndarray:
        asked = repr(item)
        if self._last[0] != asked:
            self._last = (asked, self._data[item].compute())
        return self._last[1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype=dtype)
