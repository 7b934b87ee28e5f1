"""Our RICE decoder beside astropy's: the same integers, and an error for what no encoder writes."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fits_bytes, windows

from astropy.io import fits

from sunpy_heliocloud.io.fits_image import find_image
from sunpy_heliocloud.kernels.rice import PIXEL_TYPES, DamagedTile, decode_rice

RNG = np.random.default_rng(0)


def compressed(image):
    """The bytes of the rows, their lengths, and what astropy makes of them."""
    hdu = fits.CompImageHDU(image, compression_type="RICE_1", tile_shape=(1, image.shape[1]))
    file = fits_bytes(fits.PrimaryHDU(), hdu)
    _, layout = find_image(file)
    start, stop = layout.byte_range(0, image.shape[0])
    with fits.open(io.BytesIO(file)) as hdus:
        return np.frombuffer(file[start:stop], np.uint8), layout.tiles.lengths, hdus[1].data


def decoded(heap, lengths, row_pixels, columns, dtype):
    """Rows that follow each other."""
    stops = np.cumsum(lengths, dtype=int)
    return decode_rice(heap, stops - lengths, stops, row_pixels, columns, block=32, dtype=dtype)


KINDS = "constant", "slope", "noise", "wild", "spike"


@st.composite
def images(draw):
    """Smooth, noisy, constant and wild rows, of every type, as wide as one block or many."""
    dtype = draw(st.sampled_from(PIXEL_TYPES))
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = []
    width = draw(st.integers(1, 130))
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12)):
        row = np.full(width, draw(st.integers(0, min(limits.max, 1000))))
        if kind == "slope":
            row = np.linspace(0, limits.max, width).astype(np.int64)
        elif kind == "noise":
            row = rng.integers(0, draw(st.integers(1, limits.max)), width)
        elif kind == "wild":
            row = rng.integers(limits.min, limits.max, width, endpoint=True)
        elif kind == "spike":
            row[rng.integers(width)] = draw(st.sampled_from([limits.min, limits.max]))
        rows.append(row)
    return np.array(rows).astype(dtype)


@given(image=images(), data=st.data())
def test_pixels_are_those_of_astropy(image, data):
    heap, lengths, expected = compressed(image)
    columns = data.draw(windows(image.shape[1]))
    pixels = decoded(heap, lengths, image.shape[1], columns, image.dtype)
    assert pixels.dtype == image.dtype
    np.testing.assert_array_equal(pixels, expected[:, slice(*columns)])
    np.testing.assert_array_equal(expected, image)


def image_of_all_kinds(dtype, width):
    """Rows of each kind of `images`."""
    limits, rng = np.iinfo(dtype), np.random.default_rng(width)
    rows = {
        "constant": np.full(width, 7),
        "slope": np.linspace(0, limits.max, width).astype(np.int64),
        "noise": rng.integers(0, 100, width),
        "wild": rng.integers(limits.min, limits.max, width, endpoint=True),
        "spike": np.where(np.arange(width) == width // 2, limits.max, 7),
    }
    return np.array([rows[kind] for kind in KINDS]).astype(dtype)


# Compressed once: this takes a hundred times as long as decoding them.
COMPRESSED = [
    compressed(image_of_all_kinds(dtype, width)) for dtype in PIXEL_TYPES for width in (1, 31, 32, 130)
]


@given(image=st.sampled_from(COMPRESSED), data=st.data())
def test_tiles_in_any_order_and_with_gaps(image, data):
    heap, lengths, expected = image
    starts = np.cumsum(lengths, dtype=int) - lengths
    order = data.draw(st.permutations(range(len(lengths))))
    moved, places = b"", np.zeros(len(lengths), int)
    for i in order:
        moved += b"gap"
        places[i] = len(moved)
        moved += heap[starts[i] : starts[i] + lengths[i]].tobytes()
    arguments = np.frombuffer(moved, np.uint8), places, places + lengths
    width, dtype = expected.shape[1], expected.dtype.newbyteorder("=")
    pixels = decode_rice(*arguments, width, (0, width), block=32, dtype=dtype)
    np.testing.assert_array_equal(pixels, expected)


@settings(max_examples=200)
@given(image=st.sampled_from(COMPRESSED), data=st.data())
def test_damaged_bytes_do_no_harm(image, data):
    """Whatever they say, nothing outside is read: rows of the right shape, or an error."""
    heap, lengths, expected = image
    heap = heap.copy()
    for _ in range(data.draw(st.integers(1, 5))):
        heap[data.draw(st.integers(0, len(heap) - 1))] = data.draw(st.integers(0, 255))
    width, dtype = expected.shape[1], expected.dtype.newbyteorder("=")
    columns = data.draw(windows(width))
    with contextlib.suppress(DamagedTile):
        pixels = decoded(heap, lengths, width, columns, dtype)
        assert pixels.shape == (len(expected), columns[1] - columns[0])


@pytest.mark.parametrize("fill", [0, 255])
def test_endless_zeros_and_ones(fill):
    """Many bits may stand for one pixel, but no more than the row has."""
    heap = np.full(1000, fill, np.uint8)
    for lengths in ([1000], [500, 500], [0, 1000], [3, 997]):
        with pytest.raises(DamagedTile):
            decoded(heap, np.array(lengths), 64, (0, 64), np.dtype("i4"))


def test_bytes_that_are_left_over_are_as_wrong_as_those_that_are_missing():
    heap, lengths, expected = compressed(RNG.integers(0, 99, (1, 70)).astype("i4"))
    for change in (-1, 1):
        other = np.resize(heap, len(heap) + change)
        arguments = other, lengths.astype(int) + change, 70
        with pytest.raises(DamagedTile, match="tile 0 are damaged"):
            decoded(*arguments, (0, 70), expected.dtype)
    # What is behind the last column wanted is not looked at.
    part = decoded(*arguments, (0, 30), expected.dtype)
    np.testing.assert_array_equal(part, expected[:, :30])


@pytest.mark.parametrize(
    ("starts", "stops", "number"),
    [
        ([0, 10], [10, 201], 1),
        ([-1, 10], [10, 20], 0),
        ([0, 10], [10, 9], 1),
        ([0, 2**62], [10, 2**62 + 10], 1),
    ],
)
def test_tiles_outside_the_bytes(starts, stops, number):
    with pytest.raises(DamagedTile) as error:
        decode_rice(
            np.zeros(200, np.uint8),
            np.array(starts),
            np.array(stops),
            70,
            (0, 70),
            block=32,
            dtype=np.dtype("i4"),
        )
    assert error.value.number == number


def test_no_tiles():
    nothing = decoded(np.zeros(0, np.uint8), np.zeros(0, int), 70, (0, 70), np.dtype("i4"))
    assert nothing.shape == (0, 70)
