"""
Floats that are stored as integers, with dithering by known random numbers (FITS standard 4.0, section 10.2).

A value is (integer - random number + 1/2) * scale + zero. The numbers are those of the standard's Appendix I; the
first number for a tile depends on the tile's number in the image.
"""

from functools import cache

import numpy as np
from numba import njit

__all__ = ["dequantise", "random_numbers"]

# The integer for exactly 0 with SUBTRACTIVE_DITHER_2.
_ZERO = -2147483646
_COUNT = 10000


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
        floats = _dequantise(
            flat, float(scale), float(zero), dither == 2, place % _COUNT, numbers, np.empty(flat.shape, dtype)
        )
    else:
        floats = (flat * float(scale) + float(zero)).astype(dtype)
    if blank is not None:
        floats[flat == blank] = np.nan
    return floats.reshape(integers.shape)


@njit(nogil=True, cache=True, error_model="numpy")
def _dequantise(integers, scale, zero, zeros_are_kept, start, numbers, floats):
    """
    The random numbers are used in order, from an index given by the number at ``start``, up to the last.
    """
    at = int(numbers[start] * np.float32(500))
    for i in range(len(integers)):
        if zeros_are_kept and integers[i] == _ZERO:
            floats[i] = 0
        else:
            floats[i] = (float(integers[i]) - float(numbers[at]) + 0.5) * scale + zero
        at += 1
        if at == len(numbers):
            start = (start + 1) % len(numbers)
            at = int(numbers[start] * np.float32(500))
    return floats
