"""
Rows of an image out of their RICE-compressed bytes.

The compression is that of the FITS standard 4.0, section 10.4.1: a row is the first pixel and then the differences
to the pixel before, in blocks. Each block says how many low bits its differences are stored with as they are; the rest
of a difference is so many zero bits, and a one.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["PIXEL_TYPES", "decode_rice"]

# What the compression knows.
PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
# Bits of a block's code by the bytes of a pixel, and the code of pixels that are stored as they are.
_CODES = {1: (3, 7), 2: (4, 15), 4: (5, 26)}
# Bytes that may be looked at behind the end of a row.
_LOOKAHEAD = 8


def decode_rice(
    compressed: np.ndarray,
    lengths: np.ndarray,
    row_pixels: int,
    columns: tuple[int, int],
    *,
    block: int,
    dtype: np.dtype,
) -> np.ndarray | None:
    """
    Columns of RICE-compressed rows that follow each other.

    What is right of the columns is not decoded.

    Parameters
    ----------
    compressed : `numpy.ndarray`
        Bytes of the rows.
    lengths : `numpy.ndarray`
        How many each row has.
    row_pixels
        Pixels of a row.
    columns
        First column wanted, and the one after the last.
    block
        Pixels of a block.
    dtype
        Of a pixel, one of ``PIXEL_TYPES``.

    Returns
    -------
    `numpy.ndarray` or None
        Shape ``(rows, columns)``; `None` for bytes that no RICE encoder writes.
    """
    stops = np.cumsum(lengths, dtype=np.int64)
    starts = stops - lengths
    if len(stops) and stops[-1] != len(compressed):
        return None
    image = np.empty((len(lengths), columns[1] - columns[0]), dtype)
    # The last rows are decoded from a copy, behind whose end there is something to look at.
    safe = int(np.searchsorted(stops, len(compressed) - _LOOKAHEAD, side="right"))
    first = int(starts[safe]) if safe < len(starts) else len(compressed)
    tail = np.append(compressed[first:], np.zeros(_LOOKAHEAD, np.uint8))
    for data, rows, offset in ((compressed, slice(safe), 0), (tail, slice(safe, None), first)):
        good = _decode(
            data,
            starts[rows] - offset,
            stops[rows] - offset,
            row_pixels,
            *columns,
            block,
            *_CODES[dtype.itemsize],
            8 * dtype.itemsize,
            image[rows],
        )
        if not good:
            return None
    return image


@intrinsic
def _leading_zeros(typing_context, value):
    def generate(context, builder, signature, arguments):
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _bits(data, at):
    """At least 57 bits from bit ``at`` on, the first one highest. LLVM makes one load of it."""
    byte = at >> np.uint64(3)
    word = (
        (np.uint64(data[byte]) << np.uint64(56))
        | (np.uint64(data[byte + np.uint64(1)]) << np.uint64(48))
        | (np.uint64(data[byte + np.uint64(2)]) << np.uint64(40))
        | (np.uint64(data[byte + np.uint64(3)]) << np.uint64(32))
        | (np.uint64(data[byte + np.uint64(4)]) << np.uint64(24))
        | (np.uint64(data[byte + np.uint64(5)]) << np.uint64(16))
        | (np.uint64(data[byte + np.uint64(6)]) << np.uint64(8))
        | np.uint64(data[byte + np.uint64(7)])
    )
    return word << (at & np.uint64(7))


@njit(nogil=True, cache=True, error_model="numpy")
def _decode(data, starts, stops, row_pixels, left, right, block, code_bits, raw_code, pixel_bits, image):
    """Fill the image; False where bits are missing or left over."""
    code_bits, pixel_bits, one = np.uint64(code_bits), np.uint64(pixel_bits), np.uint64(1)
    for row in range(len(starts)):
        at, stop = np.uint64(starts[row]) << np.uint64(3), np.uint64(stops[row]) << np.uint64(3)
        if at + pixel_bits > stop:
            return False
        # Of a smaller type the lowest bits count, and they are right whatever is above them.
        pixel = np.int32(_bits(data, at) >> (np.uint64(64) - pixel_bits))
        at += pixel_bits
        for first in range(0, right, block):
            end = min(first + block, right)
            if at + code_bits > stop:
                return False
            code = _bits(data, at) >> (np.uint64(64) - code_bits)
            at += code_bits
            if code == 0:  # all pixels are the same
                for i in range(max(first, left), end):
                    image[row, i - left] = pixel
                continue
            if code > raw_code:
                return False
            low_bits = code - one
            for i in range(first, end):
                if at >= stop:
                    return False
                word = _bits(data, at)
                if code == raw_code:
                    difference = word >> (np.uint64(64) - pixel_bits)
                    at += pixel_bits
                else:
                    zeros = _leading_zeros(word)
                    if zeros + low_bits < 56:
                        word <<= zeros + one
                    else:  # more bits than a word has
                        zeros = np.uint64(0)
                        while _bits(data, at + zeros) >> np.uint64(63) == 0:
                            zeros += one
                            if at + zeros >= stop:
                                return False
                        word = _bits(data, at + zeros) << one
                    at += zeros + one + low_bits
                    difference = (zeros << low_bits) | ((word >> one) >> (np.uint64(63) - low_bits))
                # Negative differences are the odd numbers.
                half = np.int32(np.uint32(difference) >> np.uint32(1))
                pixel += half ^ -np.int32(difference & one)
                if i >= left:
                    image[row, i - left] = pixel
        if at > stop or (right == row_pixels and stop - at >= 8):
            return False
    return True
