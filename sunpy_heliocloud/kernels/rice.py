"""
Decoding of RICE-compressed tiles.

The compression is that of the FITS standard 4.0, section 10.4.1: a tile is the first pixel and then the differences
to the pixel before, in blocks. The head of each block is a number of low bits, which are stored unchanged for
each difference. The rest of a difference is stored as that many zero bits, followed by a one.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["PIXEL_TYPES", "DamagedTile", "decode_rice"]

# Pixel types of the compression.
PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
# Bits of a block's code by the bytes of a pixel, and the code of pixels that are stored as they are.
_CODES = {1: (3, 7), 2: (4, 15), 4: (5, 26)}
# Bytes after the end of a tile that the decoder may read.
_LOOKAHEAD = 8


class DamagedTile(ValueError):
    """
    Bytes that no encoder writes.

    Attributes
    ----------
    number : int
        Which of the tiles.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"the bytes of tile {number} are damaged: no RICE encoder writes them")
        self.number = number


def decode_rice(
    compressed: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    tile_pixels: int,
    columns: tuple[int, int],
    *,
    block: int,
    dtype: np.dtype,
) -> np.ndarray:
    """
    Pixels of RICE-compressed tiles.

    Pixels to the right of the columns are not decoded.

    Parameters
    ----------
    compressed : `numpy.ndarray`
        Bytes that hold the tiles.
    starts, stops : `numpy.ndarray`
        Of each tile the first byte, and the one after the last.
    tile_pixels
        Pixels of a tile: of a row, where each row is a tile.
    columns
        First pixel wanted of each tile, and the one after the last.
    block
        Pixels of a block.
    dtype
        Of a pixel, one of ``PIXEL_TYPES``.

    Returns
    -------
    `numpy.ndarray`
        Shape ``(tiles, columns)``.

    Raises
    ------
    DamagedTile
        For bytes that no RICE encoder writes, such as too many or too few.
    """
    size = len(compressed)
    starts, stops = starts.astype(np.int64, copy=False), stops.astype(np.int64, copy=False)
    outside = (starts < 0) | (stops < starts) | (stops > size)
    if outside.any():
        raise DamagedTile(int(np.argmax(outside)))
    image = np.empty((len(starts), columns[1] - columns[0]), dtype)
    # The last tiles are decoded from a copy with padding after its end; all tiles are, if their order
    # differs.
    in_order = bool((stops[1:] >= stops[:-1]).all() and (starts[1:] >= starts[:-1]).all())
    safe = int(np.searchsorted(stops, size - _LOOKAHEAD, side="right")) if in_order else 0
    offset = int(starts[safe:].min(initial=size))
    tail = np.append(compressed[offset:], np.zeros(_LOOKAHEAD, np.uint8))
    for data, tiles, origin in ((compressed, slice(safe), 0), (tail, slice(safe, None), offset)):
        damaged = _decode(
            data,
            starts[tiles] - origin,
            stops[tiles] - origin,
            tile_pixels,
            *columns,
            block,
            *_CODES[dtype.itemsize],
            8 * dtype.itemsize,
            image[tiles],
        )
        if damaged >= 0:
            raise DamagedTile(damaged + (tiles.start or 0))
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
def _decode(data, starts, stops, tile_pixels, left, right, block, code_bits, raw_code, pixel_bits, image):
    """Fill the image, a row a tile; the first tile whose bits are missing or left over, or else -1."""
    code_bits, pixel_bits, one = np.uint64(code_bits), np.uint64(pixel_bits), np.uint64(1)
    for row in range(len(starts)):
        at, stop = np.uint64(starts[row]) << np.uint64(3), np.uint64(stops[row]) << np.uint64(3)
        if at + pixel_bits > stop:
            return row
        # Only the lowest bits are used for a smaller type; they do not depend on the bits above.
        pixel = np.int32(_bits(data, at) >> (np.uint64(64) - pixel_bits))
        at += pixel_bits
        for first in range(0, right, block):
            end = min(first + block, right)
            if at + code_bits > stop:
                return row
            code = _bits(data, at) >> (np.uint64(64) - code_bits)
            at += code_bits
            if code == 0:  # all pixels are the same
                for i in range(max(first, left), end):
                    image[row, i - left] = pixel
                continue
            if code > raw_code:
                return row
            low_bits = code - one
            for i in range(first, end):
                if at >= stop:
                    return row
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
                                return row
                        word = _bits(data, at + zeros) << one
                    at += zeros + one + low_bits
                    difference = (zeros << low_bits) | ((word >> one) >> (np.uint64(63) - low_bits))
                # Negative differences are the odd numbers.
                half = np.int32(np.uint32(difference) >> np.uint32(1))
                pixel += half ^ -np.int32(difference & one)
                if i >= left:
                    image[row, i - left] = pixel
        if at > stop or (right == tile_pixels and stop - at >= 8):
            return row
    return -1
