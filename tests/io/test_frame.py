import gzip
import io
import pickle

import dask.array as da
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import fits_bytes, fits_images, header_text, windows, with_cards

from astropy.io import fits

from helpers import read_rows
from sunpy_heliocloud.io.fits_image import find_image
from sunpy_heliocloud.io.frame import ArrayFrame, Window, read_windows
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError

COUNTS = np.random.default_rng(0).poisson(200, (400, 500)).astype("i4")
FLOAT = np.dtype("f4")


def opened(*urls):
    batches = open_frames([str(url) for url in urls])
    return [result for batch in batches for result in batch]


def rice(data=COUNTS, **cards):
    image = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=(1, data.shape[1]))
    image.header.update(cards)
    return fits_bytes(fits.PrimaryHDU(), image)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(image=fits_images(), data=st.data())
def test_values_equal_astropy_s(server, tmp_path_factory, image, data):
    """Local and on S3, in the types that astropy chooses and in float32."""
    path = tmp_path_factory.getbasetemp() / "image.fits"
    path.write_bytes(image.file)
    expected = image.whole(uint=False)
    frames = [frame for frame, _ in opened(path, server.write("image.fits", image.file))]
    window = Window(*(data.draw(windows(size)) for size in expected.shape))
    expected_window = expected[slice(*window.rows), slice(*window.columns)]
    dtype = frames[0].dtype
    assert dtype.itemsize >= np.dtype("f4").itemsize or dtype == expected.dtype.newbyteorder("=")
    for pixels in read_windows(frames, [window, window], dtype):
        assert pixels.dtype == dtype
        np.testing.assert_array_equal(pixels, expected_window)
    for pixels in read_windows(frames, [window, window], FLOAT):
        assert pixels.dtype == FLOAT
        np.testing.assert_array_equal(pixels, expected_window.astype(FLOAT))


@pytest.mark.parametrize("file", [rice(), fits_bytes(fits.PrimaryHDU(COUNTS)), rice(BLANK=-1)])
def test_two_requests_and_the_bytes_of_the_rows(server, file):
    url = server.write("a.fits", file)
    server.reset()
    ((frame, _),) = opened(url)
    assert (server.requests, server.bytes_sent) == (1, min(len(file), 65536))
    server.reset()
    (rows,) = read_rows([frame], [(100, 200)], FLOAT)
    np.testing.assert_array_equal(rows, COUNTS[100:200])
    assert server.requests == 1
    assert server.bytes_sent <= len(file) / 4


def test_nothing_is_read_for_no_rows(server):
    ((frame, _),) = opened(server.write("a.fits", rice()))
    server.reset()
    (rows,) = read_rows([frame], [(7, 7)], FLOAT)
    assert rows.shape == (0, 500)
    assert server.requests == 0


@pytest.mark.parametrize("cards", [900, 2500])
def test_headers_longer_than_the_first_look(server, cards):
    file = with_cards(rice(), [f"{f'KEY{i}':8}= {i:20}" for i in range(cards)])
    url = server.write("a.fits", file)
    server.reset()
    ((frame, header),) = opened(url)
    assert header[f"KEY{cards - 1}"] == cards - 1
    assert server.requests <= 4
    np.testing.assert_array_equal(next(read_rows([frame], [(1, 3)], FLOAT)), COUNTS[1:3])


def test_an_image_far_behind_another_hdu(server):
    other = fits.ImageHDU(np.zeros(300_000, "u1"))
    url = server.write("a.fits", fits_bytes(fits.PrimaryHDU(), other, fits.CompImageHDU(COUNTS)))
    ((frame, _),) = opened(url)
    np.testing.assert_array_equal(next(read_rows([frame], [(1, 3)], FLOAT)), COUNTS[1:3])


def test_the_header_is_that_of_the_image(tmp_path):
    (tmp_path / "a.fits").write_bytes(rice(WAVELNTH=171))
    ((_, header),) = opened(tmp_path / "a.fits")
    assert header == {
        "BITPIX": 32,
        "NAXIS": 2,
        "NAXIS1": 500,
        "NAXIS2": 400,
        "EXTNAME": "COMPRESSED_IMAGE",
        "WAVELNTH": 171,
    }


@pytest.mark.parametrize("file", [rice(), fits_bytes(fits.PrimaryHDU(COUNTS.astype(">i2")))])
def test_a_gzipped_file_is_read_whole(server, tmp_path, caplog, file):
    zipped = gzip.compress(file)
    path = tmp_path / "a.fits.gz"
    path.write_bytes(zipped)
    with caplog.at_level("DEBUG", "sunpy_heliocloud.io.open"):
        frames = [frame for frame, _ in opened(path, server.write("a.fits.gz", zipped))]
    assert caplog.messages[0] == f"{path} can only be read whole: it is gzipped"
    for rows in read_rows(frames, [(100, 200)] * 2, FLOAT):
        np.testing.assert_array_equal(rows, COUNTS[100:200])
    path.write_bytes(zipped[:10] + b"damaged" + zipped[17:])
    (error,) = opened(path)
    assert "damaged gzip bytes" in str(error)


def test_a_gzipped_file_of_long_headers(tmp_path):
    """Compressed headers end where nobody can tell."""
    rng = np.random.default_rng(0)
    file = with_cards(rice(), [f"{f'KEY{i}':8}= '{rng.bytes(25).hex()}'" for i in range(3000)])
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(file))
    ((frame, _),) = opened(tmp_path / "a.fits.gz")
    np.testing.assert_array_equal(next(read_rows([frame], [(1, 3)], FLOAT)), COUNTS[1:3])


def test_files_that_are_none(server, tmp_path):
    whole = rice()
    files = {
        "html.fits": b"<html>" * 1000,
        "empty.fits": b"",
        "header.fits": whole[:3000],
        "table.fits": fits_bytes(fits.PrimaryHDU()),
        "nan.fits": header_text("SIMPLE  =  T", "BITPIX  =  16", "NAXIS   =  nan"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    names = [*files, "missing.fits", "good.fits"]
    (tmp_path / "good.fits").write_bytes(whole)
    remote = [server.write(name, content) for name, content in files.items()]
    remote += [f"{server.url}missing.fits", server.write("good.fits", whole)]
    for urls in ([str(tmp_path / name) for name in names], remote):
        *errors, good = opened(*urls)
        assert all(
            isinstance(error, ReadError) and url in str(error)
            for url, error in zip(urls, errors, strict=False)
        )
        assert "not a FITS file: it begins with b'\\x3chtml>" in str(errors[0])
        assert "it ends after 3000 bytes, within its headers" in str(errors[2])
        assert "no HDU with a two-dimensional image" in str(errors[3])
        assert "NAXIS" in str(errors[4])
        assert isinstance(errors[5].__cause__, FileNotFoundError)
        assert good[0].shape == COUNTS.shape


def test_a_file_cut_short_costs_only_the_rows_that_are_gone(server, tmp_path):
    file = rice()
    (tmp_path / "a.fits").write_bytes(file[: len(file) // 2])
    for url in (server.write("a.fits", file[: len(file) // 2]), str(tmp_path / "a.fits")):
        ((frame, _),) = opened(url)
        there, torn, gone = read_rows([frame] * 3, [(0, 100), (100, 300), (390, 400)], FLOAT)
        np.testing.assert_array_equal(there, COUNTS[:100])
        assert all(isinstance(error, ReadError) and url in str(error) for error in (torn, gone))


@pytest.mark.parametrize("byte", [0, 4], ids=["length", "offset"])
@pytest.mark.parametrize("value", [0x7F, 0xFF], ids=["large", "negative"])
def test_a_tile_table_that_points_outside_its_heap_is_refused_with_the_url(tmp_path, byte, value):
    file = bytearray(rice())
    table = 2880 * 2
    file[table + 8 * 10 + byte] = value
    (tmp_path / "a.fits").write_bytes(file)
    (error,) = opened(tmp_path / "a.fits")
    assert isinstance(error, ReadError)
    assert f"Could not open {tmp_path / 'a.fits'}: tile 10 has " in str(error)
    assert "PCOUNT" in str(error)


def test_damaged_tiles_are_an_error_with_the_url(tmp_path):
    image = fits.CompImageHDU(COUNTS, compression_type="GZIP_1")
    file = fits_bytes(fits.PrimaryHDU(), image)
    (tmp_path / "a.fits").write_bytes(file)
    ((frame, _),) = opened(tmp_path / "a.fits")
    start = frame.byte_range(Window((5, 6), (0, 500))).start
    (tmp_path / "a.fits").write_bytes(file[:start] + b"damaged!" + file[start + 8 :])
    ((frame, _),) = opened(tmp_path / "a.fits")
    good, bad = read_rows([frame] * 2, [(0, 5), (0, 10)], FLOAT)
    np.testing.assert_array_equal(good, COUNTS[:5])
    assert str(bad).startswith(
        f"Could not decode rows 0 to 10 and columns 0 to 500 of {tmp_path / 'a.fits'}: "
    )
    assert bad.__cause__ is not None


def test_a_frame_travels(tmp_path):
    (tmp_path / "a.fits").write_bytes(rice())
    ((frame, _),) = opened(tmp_path / "a.fits")
    text = pickle.dumps(frame)
    assert len(text) < 4000
    np.testing.assert_array_equal(next(read_rows([pickle.loads(text)], [(3, 5)], FLOAT)), COUNTS[3:5])


def test_many_files_are_opened_in_batches(tmp_path):
    (tmp_path / "a.fits").write_bytes(rice())
    batches = list(open_frames([str(tmp_path / "a.fits")] * 300))
    assert sum(map(len, batches)) == 300
    assert len(batches) > 1


def test_another_size_than_the_catalogue_says(server, tmp_path):
    file = rice()
    (tmp_path / "a.fits").write_bytes(file)
    urls = [str(tmp_path / "a.fits"), server.write("a.fits", file)]
    for size in (len(file), None):
        (results,) = open_frames(urls, sizes=[size] * 2)
        assert [frame.version.size for frame, _ in results] == [len(file)] * 2
    (results,) = open_frames(urls, sizes=[len(file) + 1] * 2)
    for url, result in zip(urls, results, strict=True):
        assert isinstance(result, ReadError)
        assert str(result).startswith(f"{url} has {len(file)} bytes, but the catalogue says {len(file) + 1}")


def test_a_file_that_is_replaced_after_opening(server, tmp_path):
    """Its rows lie elsewhere now, or are others: both would be wrong pixels."""
    path = tmp_path / "a.fits"
    old, new = rice(), rice(COUNTS[::-1].copy())
    path.write_bytes(old)
    url = server.write("a.fits", old)
    frames = [frame for frame, _ in opened(path, url)]
    server.write("a.fits", new)
    path.write_bytes(new)
    for frame, error in zip(frames, read_rows(frames, [(100, 200)] * 2, FLOAT), strict=True):
        assert isinstance(error, ReadError)
        assert f"{frame.url}: the file has been replaced since its header was read" in str(error)


def test_bytes_behind_the_end_are_not_asked_for(server):
    file = rice()
    cut = file[: len(file) // 2]
    ((frame, _),) = opened(server.write("a.fits", cut))
    server.reset()
    (error,) = read_rows([frame], [(300, 400)], FLOAT)
    assert f"a.fits: the file has {len(cut)} bytes; either" in str(error)
    assert server.requests == 0


@pytest.mark.parametrize("array", [COUNTS, da.from_array(COUNTS, chunks=99)])
def test_arrays_in_memory(array):
    frame = ArrayFrame(array)
    assert (frame.shape, frame.dtype) == (COUNTS.shape, COUNTS.dtype)
    (rows,) = read_rows([frame], [(3, 9)], FLOAT)
    assert isinstance(rows, np.ndarray)
    rows[:] = 0
    np.testing.assert_array_equal(next(read_rows([frame], [(3, 9)], FLOAT)), COUNTS[3:9])


def test_descriptors_of_both_kinds(tmp_path):
    """A table may have columns with descriptors of 32 and of 64 bits."""
    file = rice()
    _, layout = find_image(file)
    lengths = layout.tiles.lengths.astype(">i4")
    table = np.zeros(len(lengths), [("short", ">i4", 2), ("long", ">i8", 2)])
    table["short"] = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1)
    with fits.open(io.BytesIO(file), disable_image_compression=True) as hdus:
        header = hdus[1].header
    header.update(NAXIS1=24, TFIELDS=2)
    header.insert("TFORM1", ("TTYPE2", "GZIP_COMPRESSED_DATA"), after=True)
    header.insert("TTYPE2", ("TFORM2", "1QB(400)"), after=True)
    heap = file[layout.heap_start : layout.heap_start + lengths.sum()]
    data = table.tobytes() + heap
    path = tmp_path / "a.fits"
    path.write_bytes(
        file[:2880] + header.tostring().encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")
    )
    ((frame, _),) = opened(path)
    np.testing.assert_array_equal(next(read_rows([frame], [(3, 9)], FLOAT)), COUNTS[3:9])
