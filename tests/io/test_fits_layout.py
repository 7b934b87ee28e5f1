import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fits_bytes, fits_images, header_text, windows

from astropy.io import fits
from astropy.utils import minversion

from sunpy_heliocloud.io.fits_header import HeadTooShort
from sunpy_heliocloud.io.fits_image import find_image
from sunpy_heliocloud.io.fits_layout import PlainLayout, Scaling, TiledLayout

RNG = np.random.default_rng(0)
COUNTS = RNG.integers(0, 500, (64, 80)).astype("i4")


def compressed(data=COUNTS, **kwargs):
    return fits.CompImageHDU(data, **kwargs)


def rows_of(file, layout, start, stop, columns=None):
    first, last = layout.byte_range(start, stop)
    return layout.decode(file[first:last], (start, stop), columns or (0, layout.shape[1]))


@settings(max_examples=80)
@given(image=fits_images(), data=st.data())
def test_pixels_are_those_of_the_whole_file(image, data):
    """As stored: integers are the same to the bit, quantised floats too."""
    expected = image.whole(do_not_scale_image_data=True)
    _, layout = find_image(image.file)
    start, stop = data.draw(windows(expected.shape[0]))
    columns = data.draw(windows(expected.shape[1]))
    rows = rows_of(image.file, layout, start, stop, columns)
    assert layout.shape == expected.shape
    assert (
        layout.dtype == rows.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        or layout.dtype == rows.dtype
    )
    np.testing.assert_array_equal(rows, expected[start:stop, slice(*columns)])


@pytest.mark.parametrize(
    ("hdu", "kind"),
    [
        (fits.ImageHDU(COUNTS), PlainLayout),
        (compressed(), TiledLayout),
        (compressed(compression_type="GZIP_2", tile_shape=(3, 7)), TiledLayout),
        (compressed(COUNTS.astype("f4"), quantize_method=2), TiledLayout),
        (compressed(compression_type="HCOMPRESS_1"), TiledLayout),
    ],
)
def test_what_can_be_read_in_part(hdu, kind):
    file = fits_bytes(fits.PrimaryHDU(), hdu)
    unit, layout = find_image(file)
    assert type(layout) is kind
    first, last = layout.byte_range(16, 24)
    assert unit.data_start <= first < last <= unit.data_stop
    assert last - first < (last_of(layout) - layout.byte_range(0, 1)[0]) / 3


def table_header(file):
    """The header of the table that holds the image, in the second HDU."""
    with fits.open(io.BytesIO(file), disable_image_compression=True) as hdus:
        return hdus[1].header


def last_of(layout):
    return layout.byte_range(0, layout.shape[0])[1]


def test_row_tiles_in_order_are_kept_as_lengths():
    """Ten bytes for a row's tile would be 40 kB for each of 100,000 frames."""
    _, layout = find_image(fits_bytes(fits.PrimaryHDU(), compressed()))
    assert layout.tiles.lengths.dtype == np.uint16
    assert layout.tiles.lengths.shape == (64,)


def shuffled(file):
    """The same file with its tiles in the heap in another order, and gaps between them."""
    unit, layout = find_image(file)
    lengths = layout.tiles.lengths.astype(int)
    starts = np.cumsum(lengths) - lengths
    order = RNG.permutation(len(lengths))
    heap, offsets = bytearray(b"gap"), np.zeros(len(lengths), int)
    for i in order:
        offsets[i] = len(heap)
        heap += file[layout.heap_start + starts[i] : layout.heap_start + starts[i] + lengths[i]] + b"gap"
    table = np.stack([lengths, offsets], axis=1).astype(">i4").tobytes()
    header = table_header(file)
    header["PCOUNT"] = len(heap)
    data = table + bytes(heap)
    return file[:2880] + header.tostring().encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


@settings(max_examples=30)
@given(windows(64))
def test_tiles_in_any_order_and_with_gaps(window):
    file = shuffled(fits_bytes(fits.PrimaryHDU(), compressed()))
    _, layout = find_image(file)
    assert len(layout.tiles.offsets) == 64
    np.testing.assert_array_equal(rows_of(file, layout, *window), COUNTS[slice(*window)])


def test_a_heap_behind_a_gap():
    file = fits_bytes(fits.PrimaryHDU(), compressed())
    unit, layout = find_image(file)
    table = 64 * 8
    data = file[unit.data_start :]
    header = table_header(file)
    header["THEAP"] = table + 100
    header["PCOUNT"] += 100
    moved = file[:2880] + header.tostring().encode() + data[:table] + b"x" * 100 + data[table:] + b"\0" * 2880
    _, layout = find_image(moved)
    np.testing.assert_array_equal(rows_of(moved, layout, 5, 9), COUNTS[5:9])


def test_long_descriptors():
    """Heaps over 2 GB need 64 bits for an offset."""
    image = compressed()
    file = fits_bytes(fits.PrimaryHDU(), image)
    unit, layout = find_image(file)
    lengths = layout.tiles.lengths.astype(int)
    table = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1).astype(">i8").tobytes()
    header = table_header(file)
    header["TFORM1"], header["NAXIS1"] = "1QB(300)", 16
    heap = file[layout.heap_start : layout.heap_start + lengths.sum()]
    long = file[:2880] + header.tostring().encode() + table + heap + b"\0" * 2880
    _, layout = find_image(long)
    np.testing.assert_array_equal(rows_of(long, layout, 50, 64), COUNTS[50:])


@settings(max_examples=10)
@given(window=windows(64), name=st.sampled_from(["GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"]))
def test_tiles_in_another_column(window, name):
    """Where the compression of the other tiles gains nothing, a tile is gzipped or left as it is."""
    file = fits_bytes(fits.PrimaryHDU(), compressed())
    unit, layout = find_image(file)
    lengths = layout.tiles.lengths.astype(int)
    starts = layout.heap_start + np.cumsum(lengths) - lengths
    heap, table = b"", []
    for i, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        tile = COUNTS[i].astype(">i4").tobytes()
        if i % 3:
            table.append([length, len(heap), 0, 0])
            heap += file[start : start + length]
        elif name == "UNCOMPRESSED_DATA":
            table.append([0, 0, len(tile) // 4, len(heap)])
            heap += tile
        else:
            table.append([0, 0, len(gzip.compress(tile)), len(heap)])
            heap += gzip.compress(tile)
    header = table_header(file)
    header.update(NAXIS1=16, PCOUNT=len(heap), TFIELDS=2)
    header.insert("TFORM1", ("TTYPE2", name), after=True)
    header.insert("TTYPE2", ("TFORM2", "1PJ(80)" if name == "UNCOMPRESSED_DATA" else "1PB(400)"), after=True)
    data = np.array(table, ">i4").tobytes() + heap
    mixed = file[:2880] + header.tostring().encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")
    if name == "GZIP_COMPRESSED_DATA" or minversion(
        "astropy", "8.0"
    ):  # which could not read the other before
        with fits.open(io.BytesIO(mixed)) as hdus:
            np.testing.assert_array_equal(hdus[1].data, COUNTS)
    _, layout = find_image(mixed)
    assert isinstance(layout, TiledLayout)
    np.testing.assert_array_equal(rows_of(mixed, layout, *window), COUNTS[slice(*window)])


def test_the_first_image_with_two_dimensions_counts():
    cube, spectrum = fits.ImageHDU(np.zeros((2, 3, 4))), fits.ImageHDU(np.zeros(5))
    file = fits_bytes(fits.PrimaryHDU(np.zeros(3)), cube, spectrum, compressed(), fits.ImageHDU(COUNTS[:2]))
    unit, layout = find_image(file)
    assert layout.shape == COUNTS.shape
    assert unit.header["ZIMAGE"] is True


def test_an_image_whose_header_says_that_it_was_compressed_once():
    """Some programs copy the table's keywords into the header of the image that they save."""
    image = fits.PrimaryHDU(COUNTS)
    image.header.update(ZIMAGE=True, ZNAXIS=2, ZNAXIS1=80, ZNAXIS2=64)
    _, layout = find_image(fits_bytes(image))
    assert isinstance(layout, PlainLayout)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "not a FITS file"),
        (b"<html>", "not a FITS file: it begins with b'<html>'"),
        (fits_bytes(fits.PrimaryHDU()), "no HDU with a two-dimensional image"),
        (fits_bytes(fits.PrimaryHDU(np.zeros((2, 3, 4)))), "no HDU with a two-dimensional image"),
        (header_text("SIMPLE  = T", "BITPIX  = 8"), "NAXIS is missing, but must be an integer from 0 to 999"),
        (
            header_text("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = nan"),
            "NAXIS1=nan, but must be an integer of 0 or more",
        ),
        (
            header_text("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  =", "NAXIS2  = 4"),
            "NAXIS1=None, but must be",
        ),
    ],
)
def test_what_is_no_image(file, message):
    with pytest.raises(ValueError, match=message):
        find_image(file, whole=True)


@settings(max_examples=60)
@given(st.data())
def test_damaged_headers_are_told(data):
    """Whatever has happened to the bytes: an image, or an error that can be caught."""
    file = bytearray(fits_bytes(fits.PrimaryHDU(), compressed(tile_shape=(8, 80))))
    for _ in range(data.draw(st.integers(1, 3))):
        card = data.draw(st.integers(0, 30)) * 80 + 2880
        at = data.draw(st.integers(card + 10, card + 79))
        file[at] = data.draw(st.sampled_from(b" '=/0123456789TF.-Pn"))
    try:
        _, layout = find_image(bytes(file))
        layout.byte_range(0, layout.shape[0])
    except (ValueError, HeadTooShort):
        pass


def test_a_long_table_asks_for_more():
    file = fits_bytes(fits.PrimaryHDU(), compressed(np.zeros((9000, 4), "i4")))
    with pytest.raises(HeadTooShort) as short:
        find_image(file[:65536])
    find_image(file[: short.value.needed])


@pytest.mark.parametrize(
    ("stored", "scaling", "dtype"),
    [
        ("i2", Scaling(), "i2"),
        ("i2", Scaling(blank=-32768), "f4"),
        ("i4", Scaling(blank=-1), "f8"),
        ("i4", Scaling(bscale=0.0625), "f8"),
        ("u1", Scaling(bzero=-128), "f4"),
        (">f4", Scaling(bscale=2), "f4"),
        (">f8", Scaling(), "f8"),
    ],
)
def test_types_that_hold_the_values(stored, scaling, dtype):
    assert scaling.dtype(np.dtype(stored)) == np.dtype(dtype)


def test_unsigned_integers_keep_their_last_digits_in_float32():
    stored = (np.arange(100, dtype="i8") - 2**31).astype("i4")
    np.testing.assert_array_equal(Scaling(bzero=2**31).apply(stored, np.dtype("f4")), np.arange(100))


def test_blank_counts_before_scaling():
    values = Scaling(2.0, 1.0, 5).apply(np.array([4, 5, 11], "i2"), np.dtype("f4"))
    np.testing.assert_array_equal(values, [9, np.nan, 23])


def test_blank_pixels_of_unsigned_integers_are_missing_too():
    image = fits.ImageHDU(COUNTS.astype("i2"))
    image.header.update(BZERO=32768, BLANK=int(COUNTS[3, 3]))
    file = fits_bytes(fits.PrimaryHDU(), image)
    _, layout = find_image(file)
    values = layout.scaling.apply(rows_of(file, layout, 0, 64), np.dtype("f4"))
    np.testing.assert_array_equal(np.isnan(values), COUNTS == COUNTS[3, 3])


def test_integers_become_floats_in_their_place_with_blanks_missing():
    stored = np.array([[0, -1, 2**24 + 1], [-(2**31), 5, -7]], "i4")
    expected = stored.astype("f4")
    expected[1, 0] = np.nan
    values = Scaling(blank=-(2**31)).apply(stored, np.dtype("f4"))
    assert np.shares_memory(values, stored)
    np.testing.assert_array_equal(values, expected)


def test_memory_of_others_is_not_written_to():
    stored = np.arange(12, dtype="i4").reshape(3, 4)
    shown = stored[:, 1:3]
    for other in (shown, np.ascontiguousarray(stored).view(), np.frombuffer(stored.tobytes(), "i4")):
        before = other.copy()
        assert not np.shares_memory(Scaling(blank=5).apply(other, np.dtype("f4")), other)
        np.testing.assert_array_equal(other, before)
    np.testing.assert_array_equal(Scaling(blank=2**40).apply(stored.copy(), np.dtype("f4")), stored)
