"""
Decoding of HCOMPRESS-compressed tiles (R. L. White 1992; FITS standard 4.0, section 10.4.4).

The image's Haar-like transform (sums and differences of blocks of 2 x 2 pixels, then of these sums, and so on) is
stored bit plane by bit plane, each as a quadtree: a code of four bits tells which of four quarters have bits,
and is stored as a Huffman code. Bits after the end are read as zeros; the final position shows whether any
were used.
"""

import struct

import numpy as np
from numba import njit

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
    if not _read_transform(data, np.array(planes), _CODES, _CODE_BITS, transform):
        raise ValueError("the bytes of an HCOMPRESS tile are damaged")
    transform[0, 0] = total
    if scale > 1:
        transform *= scale
    _invert(transform, scale >> 1 if smooth else 0)
    return transform, scale


@njit(nogil=True, cache=True)
def _peek(data, at, count):
    """The next bits, at most eight, from bit ``at`` on."""
    byte = at >> 3
    first = np.int64(data[byte]) if byte < len(data) else 0
    second = np.int64(data[byte + 1]) if byte + 1 < len(data) else 0
    return ((first << 8 | second) >> (16 - (at & 7) - count)) & ((1 << count) - 1)


@njit(nogil=True, cache=True)
def _read_transform(data, planes, codes, code_bits, transform):
    """Read the four quadrants, then the signs; False for damaged bytes."""
    rows, columns = transform.shape
    top, left = (rows + 1) // 2, (columns + 1) // 2
    at = 0
    for quadrant, count in (
        (transform[:top, :left], planes[0]),
        (transform[:top, left:], planes[1]),
        (transform[top:, :left], planes[1]),
        (transform[top:, left:], planes[2]),
    ):
        for plane in range(count - 1, -1, -1):
            at = _read_plane(data, at, codes, code_bits, plane, quadrant)
            if at < 0 or at > 8 * len(data):
                return False
    if _peek(data, at, 4) != 0:
        return False
    at = (at + 4 + 7) // 8 * 8
    for i in range(rows):
        for j in range(columns):
            if transform[i, j] != 0:
                if _peek(data, at, 1):
                    transform[i, j] = -transform[i, j]
                at += 1
    return at <= 8 * len(data)


@njit(nogil=True, cache=True)
def _read_plane(data, at, codes, code_bits, plane, quadrant):
    """Set the bits of one plane; where the next begins, -1 for damaged bytes."""
    rows, columns = quadrant.shape
    kind = _peek(data, at, 4)
    at += 4
    level = 0
    while max(rows, columns) > 1 << level:
        level += 1
    if kind == 0:  # the codes of the last level as they are
        level = 1
    elif kind != 15:
        return -1
    level = max(level, 1)
    parents = np.full((1, 1), 15, np.uint8)
    while level > 0:
        step = 1 << level
        height, width = (rows + step - 1) // step, (columns + step - 1) // step
        children = np.zeros((height, width), np.uint8)
        if kind == 0:
            for i in range(height):
                for j in range(width):
                    children[i, j] = _peek(data, at, 4)
                    at += 4
        else:
            for i in range(height - 1, -1, -1):
                for j in range(width - 1, -1, -1):
                    if parents[i >> 1, j >> 1] >> (3 - 2 * (i & 1) - (j & 1)) & 1:
                        word = _peek(data, at, 6)
                        children[i, j] = codes[word]
                        at += code_bits[word]
        if at > 8 * len(data):
            return -1
        parents = children
        level -= 1
    bit = np.int64(1) << plane
    for i in range(rows):
        for j in range(columns):
            if parents[i >> 1, j >> 1] >> (3 - 2 * (i & 1) - (j & 1)) & 1:
                quadrant[i, j] |= bit
    return at


@njit(nogil=True, cache=True)
def _invert(transform, most_smoothing):
    """Turn the transform into pixels, in place."""
    rows, columns = transform.shape
    levels = 0
    while max(rows, columns) > 1 << levels:
        levels += 1
    transform[0, 0] = _rounded(transform[0, 0], np.int64(2) << levels)
    for level in range(levels - 1, -1, -1):
        step = 1 << level
        block = transform[: (rows + step - 1) // step, : (columns + step - 1) // step]
        _interleave(block)
        if most_smoothing > 0:
            _smooth(block, most_smoothing)
        _combine(block, np.int64(step))


@njit(nogil=True, cache=True)
def _rounded(value, unit):
    """To a multiple of a power of two; halves away from zero, as the encoder does."""
    half = unit >> 1
    return (value + (half if value >= 0 else max(half - 1, 0))) & -unit


@njit(nogil=True, cache=True)
def _interleave(block):
    """Sums and differences, which lie in four quarters, side by side."""
    quarters = block.copy()
    top, left = (block.shape[0] + 1) // 2, (block.shape[1] + 1) // 2
    for i in range(block.shape[0]):
        row = quarters[(i >> 1) + (top if i & 1 else 0)]
        for j in range(block.shape[1]):
            block[i, j] = row[(j >> 1) + (left if j & 1 else 0)]


@njit(nogil=True, cache=True)
def _combine(block, unit):
    """Sums and differences of 2 x 2 pixels to pixels; at odd edges there are no differences across."""
    rows, columns = block.shape
    shift = 2 if unit == 1 else 1
    for i in range(0, rows, 2):
        for j in range(0, columns, 2):
            below, right = i + 1 < rows, j + 1 < columns
            h0 = block[i, j]
            hx = _rounded(block[i + 1, j], 2 * unit) if below else 0
            hy = _rounded(block[i, j + 1], 2 * unit) if right else 0
            hc = _rounded(block[i + 1, j + 1], unit) if below and right else 0
            # The lowest bits are not stored, since they follow from each other.
            low = hc & unit
            hx += -low if hx >= 0 else low
            hy += -low if hy >= 0 else low
            high = (hc ^ hx ^ hy) & (2 * unit)
            if h0 >= 0:
                h0 += low - high
            else:
                h0 += high if low == 0 else low - high
            block[i, j] = (h0 - hx - hy + hc) >> shift
            if below:
                block[i + 1, j] = (h0 + hx - hy - hc) >> shift
            if right:
                block[i, j + 1] = (h0 - hx + hy - hc) >> shift
            if below and right:
                block[i + 1, j + 1] = (h0 + hx + hy + hc) >> shift


@njit(nogil=True, cache=True)
def _smooth(block, most):
    """Change differences, by at most the given amount, towards the slope of the surrounding sums."""
    rows, columns = block.shape
    for i in range(2, rows - 2, 2):
        for j in range(0, columns, 2):
            block[i + 1, j] += _slope_change(
                block[i - 2, j], block[i, j], block[i + 2, j], block[i + 1, j], most
            )
    for i in range(0, rows, 2):
        for j in range(2, columns - 2, 2):
            block[i, j + 1] += _slope_change(
                block[i, j - 2], block[i, j], block[i, j + 2], block[i, j + 1], most
            )
    for i in range(2, rows - 2, 2):
        for j in range(2, columns - 2, 2):
            block[i + 1, j + 1] += _curvature_change(block, i, j, most)


@njit(nogil=True, cache=True)
def _slope_change(before, here, after, slope, most):
    up, down = after - here, here - before
    high, low = max(min(up, down), 0) << 2, min(max(up, down), 0) << 2
    if low >= high:
        return np.int64(0)
    return _limited(max(min(after - before, high), low) - (slope << 3), 8, most)


@njit(nogil=True, cache=True)
def _curvature_change(block, i, j, most):
    here, x, y = block[i, j], block[i + 1, j] << 1, block[i, j + 1] << 1
    mm, mp = block[i - 2, j - 2], block[i - 2, j + 2]
    pm, pp = block[i + 2, j - 2], block[i + 2, j + 2]
    high = (
        min(
            min(max(pp - here, 0) - x - y, max(here - pm, 0) + x - y),
            min(max(here - mp, 0) - x + y, max(mm - here, 0) + x + y),
        )
        << 4
    )
    low = (
        max(
            max(min(pp - here, 0) - x - y, min(here - pm, 0) + x - y),
            max(min(here - mp, 0) - x + y, min(mm - here, 0) + x + y),
        )
        << 4
    )
    if low >= high:
        return np.int64(0)
    return _limited(max(min(pp + mm - mp - pm, high), low) - (block[i + 1, j + 1] << 6), 64, most)


@njit(nogil=True, cache=True)
def _limited(change, parts, most):
    """A part of a change, rounded towards zero, and at most so much."""
    part = change // parts if change >= 0 else -(-change // parts)
    return max(min(part, most), -most)
