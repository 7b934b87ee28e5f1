"""A fast hash of an array's bytes."""

from ctypes import c_int64, c_uint64, c_void_p

import numpy as np

from sunpy_heliocloud.kernels.library import Function

__all__ = ["fingerprint"]

_fingerprint = Function("fingerprint", c_void_p, c_int64, returns=c_uint64)


def fingerprint(array: np.ndarray) -> int:
    """
    XXH64 of an array's bytes: several gigabytes in a second, where SHA-1 takes one.

    Parameters
    ----------
    array
        Of any type of numbers; what is not contiguous is copied.
    """
    contiguous = np.ascontiguousarray(array)
    return _fingerprint(contiguous.ctypes.data, contiguous.nbytes)
