"""
Floats that are stored as integers, with dithering by known random numbers (FITS standard 4.0, section 10.2).

A value is (integer - random number + 1/2) * scale + zero. The numbers are those of the standard's Appendix I; the
first number for a tile depends on the tile's number in the image.
"""

from ctypes import c_double, c_int, c_int64
from functools import cache

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["dequantise", "random_numbers"]

_COUNT = 10000

_dequantise = Function(
    "dequantise",
    Array(np.int32),
    c_int64,
    *(c_double,) * 2,
    c_int,
    c_int64,
    Array(np.float32),
    c_int64,
    Array(np.float32, np.float64),
    c_int,
)


@cache
def random_numbers() -> np.ndarray:
    """
    The standard's ten thousand random numbers, between 0 and 1.

    Returns
    -------
    `numpy.ndarray`
        float32.
    """
    numbers, seed = np.empty(_COUNT), 1
    for i in range(_COUNT):
        seed = 16807 * seed % 2147483647
        numbers[i] = seed / 2147483647
    return numbers.astype(np.float32)


def dequantise(
    integers: np.ndarray,
    scale: float,
    zero: float,
    *,
    dither: int,
    place: int,
    blank: int | None,
    dtype: np.dtype,
) -> np.ndarray:
    """
    The floats of a tile.

    Parameters
    ----------
    integers : `numpy.ndarray`
        As they are stored.
    scale, zero
        Of the tile.
    dither
        1 and 2 for SUBTRACTIVE_DITHER_1 and 2; 0 for none.
    place
        Number of the tile in the image, from 0, plus ZDITHER0 - 1.
    blank
        The integer for a missing value; `None` if there is none.
    dtype
        Of the floats.

    Returns
    -------
    `numpy.ndarray`
        Of the same shape.
    """
    flat = np.ascontiguousarray(integers, np.int32).reshape(-1)
    if dither:
        numbers = random_numbers()
        floats = np.empty(flat.shape, dtype)
        to_single = floats.dtype == np.float32
        _dequantise(
            *(flat, len(flat), scale, zero, dither == 2, place % _COUNT),
            *(numbers, _COUNT, floats, to_single),
        )
    else:
        floats = (flat * float(scale) + float(zero)).astype(dtype)
    if blank is not None:
        floats[flat == blank] = np.nan
    return floats.reshape(integers.shape)
