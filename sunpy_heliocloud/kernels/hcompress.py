"""
Decoding of HCOMPRESS-compressed tiles (R. L. White 1992; FITS standard 4.0, section 10.4.4).

The image's Haar-like transform (sums and differences of blocks of 2 x 2 pixels, then of these sums, and so on) is
stored bit plane by bit plane, each as a quadtree: a code of four bits tells which of four quarters have bits,
and is stored as a Huffman code. Bits after the end are read as zeros; the final position shows whether any
were used.
"""

import struct
from ctypes import c_int, c_int64

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["decode_hcompress"]

# Magic number, rows, columns, scale, sum of all pixels, bit planes of the three kinds of quadrants.
_HEAD = struct.Struct(">2s3iq3B")
_MAGIC = b"\xdd\x99"
_MOST_PLANES = 62
# The words of the Huffman code for 0 to 15, and their lengths in bits.
_WORDS = (0x3E, 0, 1, 8, 2, 9, 0x1A, 0x1B, 3, 0x1C, 0x0A, 0x1D, 0x0B, 0x1E, 0x3F, 0x0C)
_LENGTHS = (6, 3, 3, 4, 3, 4, 5, 5, 3, 5, 4, 5, 4, 5, 6, 4)
# For the next six bits: the code at their beginning, and its length.
_CODES, _CODE_BITS = np.zeros(64, np.uint8), np.zeros(64, np.uint8)
for _code, (_word, _length) in enumerate(zip(_WORDS, _LENGTHS, strict=True)):
    _CODES[_word << 6 - _length : _word + 1 << 6 - _length] = _code
    _CODE_BITS[_word << 6 - _length : _word + 1 << 6 - _length] = _length

_BYTES, _INTEGERS = Array(np.uint8), Array(np.int64)
_read_transform = Function(
    "read_hcompress",
    *(_BYTES, c_int64, _INTEGERS, _BYTES, _BYTES),
    *(c_int64, c_int64, _BYTES, _INTEGERS),
    returns=c_int,
)
_invert = Function("invert_hcompress", _INTEGERS, *(c_int64,) * 3, _INTEGERS)


def decode_hcompress(compressed: bytes, shape: tuple[int, int], *, smooth: bool) -> tuple[np.ndarray, int]:
    """
    The pixels of a tile.

    Parameters
    ----------
    compressed
        Its bytes.
    shape
        Rows and columns.
    smooth
        Whether steps that the compression made are smoothed.

    Returns
    -------
    `numpy.ndarray`
        int64.
    int
        The scale: with 2 or more, pixels are not exactly those that were compressed.

    Raises
    ------
    ValueError
        For bytes that no HCOMPRESS encoder writes for a tile of this shape.
    """
    if len(compressed) < _HEAD.size:
        raise ValueError(f"an HCOMPRESS tile has at least {_HEAD.size} bytes, not {len(compressed)}")
    magic, rows, columns, scale, total, *planes = _HEAD.unpack_from(compressed)
    if magic != _MAGIC or (rows, columns) != shape or scale < 0 or max(planes) > _MOST_PLANES:
        raise ValueError(f"these are not the bytes of an HCOMPRESS tile of {shape[0]} x {shape[1]} pixels")
    transform = np.zeros(shape, np.int64)
    data = np.frombuffer(compressed, np.uint8, offset=_HEAD.size)
    nodes = np.empty(2 * -(-rows // 4) * -(-columns // 4) + 2, np.uint8)
    if not _read_transform(
        data, len(data), np.array(planes, np.int64), _CODES, _CODE_BITS, rows, columns, nodes, transform
    ):
        raise ValueError("the bytes of an HCOMPRESS tile are damaged")
    transform[0, 0] = total
    if scale > 1:
        transform *= scale
    _invert(transform, rows, columns, scale >> 1 if smooth else 0, np.empty_like(transform))
    return transform, scale
