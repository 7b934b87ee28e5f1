"""
Decoding of RICE-compressed tiles.

The compression is that of the FITS standard 4.0, section 10.4.1: a tile is the first pixel and then the differences
to the pixel before, in blocks. The head of each block is a number of low bits, which are stored unchanged for
each difference. The rest of a difference is stored as that many zero bits, followed by a one.
"""

from ctypes import c_int, c_int64
from functools import cache

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["PIXEL_TYPES", "DamagedTile", "decode_rice"]

# Pixel types of the compression.
PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
# Bits of a block's code by the bytes of a pixel, and the code of pixels that are stored as they are.
_CODES = {1: (3, 7), 2: (4, 15), 4: (5, 26)}
# Most pixels of a block.
_MOST_IN_BLOCK = 32

_decode = Function(
    "decode_rice",
    Array(np.uint8),
    Array(np.int64),
    Array(np.int64),
    *(c_int64,) * 5,
    *(c_int,) * 3,
    Array(*PIXEL_TYPES),
    returns=c_int64,
)
_lookahead = cache(Function("rice_lookahead", returns=c_int64))


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
    if not 0 < block <= _MOST_IN_BLOCK:
        raise ValueError(f"a block of {block} pixels, but RICE has blocks of 16 or 32")
    size, lookahead = len(compressed), _lookahead()
    starts = np.ascontiguousarray(starts, np.int64)
    stops = np.ascontiguousarray(stops, np.int64)
    outside = (starts < 0) | (stops < starts) | (stops > size)
    if outside.any():
        raise DamagedTile(int(np.argmax(outside)))
    image = np.empty((len(starts), columns[1] - columns[0]), dtype)
    # The last tiles are decoded from a copy with padding after its end; all tiles are, if their order
    # differs.
    in_order = bool((stops[1:] >= stops[:-1]).all() and (starts[1:] >= starts[:-1]).all())
    safe = int(np.searchsorted(stops, size - lookahead, side="right")) if in_order else 0
    offset = int(starts[safe:].min(initial=size))
    tail = np.append(compressed[offset:], np.zeros(lookahead, np.uint8))
    for data, tiles, origin in ((compressed, slice(safe), 0), (tail, slice(safe, None), offset)):
        first, last = starts[tiles] - origin, stops[tiles] - origin
        of_pixels = *_CODES[dtype.itemsize], 8 * dtype.itemsize
        damaged = _decode(
            data, first, last, len(first), tile_pixels, *columns, block, *of_pixels, image[tiles]
        )
        if damaged >= 0:
            raise DamagedTile(damaged + (tiles.start or 0))
    return image
