"""From the integers that an image is stored as to floats."""

from ctypes import c_int, c_int32, c_int64

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["floats_in_place"]

_to_floats = Function("integers_to_floats", Array(np.int32), c_int64, c_int, c_int32)


def floats_in_place(integers: np.ndarray, blank: int | None) -> np.ndarray:
    """
    The same values as floats, in the same memory.

    Parameters
    ----------
    integers : `numpy.ndarray`
        int32 and contiguous; it holds other numbers afterwards.
    blank
        The integer that becomes NaN; `None` if there is none.

    Returns
    -------
    `numpy.ndarray`
        float32, of the same shape.
    """
    if not integers.flags.writeable:
        raise ValueError("the integers are read-only, but floats are to be written in their place")
    has_blank = blank is not None and -(2**31) <= blank < 2**31
    _to_floats(integers, integers.size, has_blank, blank if has_blank else 0)
    return integers.view(np.float32)
