"""Our decoders beside astropy's on valid files; on damaged ones pixels or an error, in bounded time and memory."""

import gzip
import io
import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fits_bytes, fits_images

from astropy.io import fits
from astropy.io.fits.hdu.compressed._codecs import HCompress1
from astropy.io.fits.hdu.compressed._quantization import Quantize

from sunpy_heliocloud.io.fits_image import find_image
from sunpy_heliocloud.io.frame import Window, read_windows
from sunpy_heliocloud.io.gunzip import gunzip
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.kernels.hcompress import decode_hcompress
from sunpy_heliocloud.kernels.quantisation import dequantise, random_numbers

RNG = np.random.default_rng(0)
FLOAT = np.dtype("f4")
KINDS = {
    "RICE_1": {"compression_type": "RICE_1"},
    "RICE_1 of 16 bits": {"compression_type": "RICE_1", "dtype": "i2"},
    "RICE_1 of tiles": {"compression_type": "RICE_1", "tile_shape": (7, 11)},
    "RICE_1 of floats": {"compression_type": "RICE_1", "dtype": "f4", "quantize_method": 2},
    "GZIP_1": {"compression_type": "GZIP_1"},
    "GZIP_2": {"compression_type": "GZIP_2", "dtype": "i2"},
    "GZIP_2 of floats": {"compression_type": "GZIP_2", "dtype": "f8", "quantize_method": 1},
    "HCOMPRESS_1": {"compression_type": "HCOMPRESS_1"},
    "HCOMPRESS_1 with losses": {"compression_type": "HCOMPRESS_1", "hcomp_scale": 4, "hcomp_smooth": 1},
    "NOCOMPRESS": {"compression_type": "NOCOMPRESS"},
}


def image_file(dtype="i4", **kwargs):
    data = RNG.poisson(200, (32, 48)).astype(dtype)
    if data.dtype.kind == "f":
        data += RNG.normal(size=data.shape).astype(dtype)
        data[3] = 7  # a tile that cannot be quantised is stored in another column
    return fits_bytes(fits.PrimaryHDU(), fits.CompImageHDU(data, **kwargs))


FILES = {name: image_file(**kwargs) for name, kwargs in KINDS.items()}
FILES["not compressed"] = fits_bytes(fits.PrimaryHDU(RNG.poisson(200, (32, 48)).astype("i2")))
FILES["gzipped"] = gzip.compress(FILES["RICE_1"])


def read(path):
    """The pixels of a file, or the error that it gives."""
    ((result,),) = open_frames([str(path)])
    if isinstance(result, ReadError):
        return result
    frame, _ = result
    (pixels,) = read_windows([frame], [Window.whole(frame.shape)], FLOAT)
    return pixels


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_of_astropy(tmp_path, name):
    path = tmp_path / "a.fits"
    path.write_bytes(FILES[name])
    file = gzip.decompress(FILES[name]) if name == "gzipped" else FILES[name]
    with fits.open(io.BytesIO(file)) as hdus:
        expected = hdus[0 if name == "not compressed" else 1].data
    np.testing.assert_array_equal(read(path), expected.astype(FLOAT))


# ---- damaged files


def assert_pixels_or_error(path):
    """A clean error with the URL, or pixels; neither a crash nor memory for sizes that a file only claims."""
    result = read(path)
    if isinstance(result, ReadError):
        assert str(path) in str(result)
    else:
        assert result.ndim == 2


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes_anywhere_are_pixels_or_an_error_with_the_url(tmp_path, name):
    rng = random.Random(name)
    path = tmp_path / "a.fits"
    for _ in range(150):
        file = bytearray(FILES[name])
        for _ in range(rng.choice((1, 1, 3, 30))):
            file[rng.randrange(len(file))] = rng.randrange(256)
        path.write_bytes(file)
        assert_pixels_or_error(path)


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes_of_tables_and_heaps_are_pixels_or_an_error_with_the_url(tmp_path, name):
    rng = random.Random(name)
    path = tmp_path / "a.fits"
    start = 0 if name == "gzipped" else find_image(FILES[name])[0].data_start
    for _ in range(150):
        file = bytearray(FILES[name])
        for _ in range(rng.choice((1, 3, 30))):
            file[rng.randrange(start, len(file))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        path.write_bytes(file)
        assert_pixels_or_error(path)


@pytest.mark.parametrize("name", FILES)
def test_cut_files_are_pixels_or_an_error_with_the_url(tmp_path, name):
    path = tmp_path / "a.fits"
    for length in np.linspace(0, len(FILES[name]) - 1, 40).astype(int):
        path.write_bytes(FILES[name][:length])
        assert_pixels_or_error(path)


VALUES = [
    "0",
    "-1",
    "1",
    "T",
    "F",
    "nan",
    "'x'",
    "",
    "1E999",
    "-0.0",
    str(2**31 - 1),
    str(2**31),
    str(2**63),
    "9" * 60,
]


@pytest.mark.parametrize("name", [name for name in FILES if name != "gzipped"])
def test_changed_cards_are_pixels_or_an_error_with_the_url(tmp_path, name):
    rng = random.Random(name)
    path = tmp_path / "a.fits"
    start = 0 if name == "not compressed" else 2880
    cards = [at for at in range(start, start + 2880, 80) if FILES[name][at + 8 : at + 10] == b"= "]
    for at in cards:
        for value in rng.sample(VALUES, 6):
            card = FILES[name][at : at + 10] + value.rjust(20).encode()
            path.write_bytes(FILES[name][:at] + card.ljust(80) + FILES[name][at + 80 :])
            assert_pixels_or_error(path)


@settings(max_examples=50)
@given(image=fits_images(), data=st.data())
def test_damage_of_any_image_is_pixels_or_an_error(tmp_path_factory, image, data):
    path = tmp_path_factory.getbasetemp() / "damaged.fits"
    file = bytearray(image.file)
    for _ in range(data.draw(st.integers(1, 5))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(file)
    assert_pixels_or_error(path)


# ---- GZIP


@pytest.mark.parametrize("size", [2**10, 2**27])
def test_no_more_comes_out_than_a_tile_has(size):
    with pytest.raises(ValueError, match="more than 1000 unpacked bytes"):
        gunzip(gzip.compress(bytes(size), 1), 1000)


def test_a_gzip_bomb_in_a_tile_is_an_error(tmp_path):
    file = FILES["GZIP_1"]
    _, layout = find_image(file)
    bomb = gzip.compress(bytes(2**27), 1)[:120]
    start = layout.byte_range(0, 1)[0]
    path = tmp_path / "a.fits"
    path.write_bytes(file[:start] + bomb + file[start + len(bomb) :])
    assert isinstance(read(path), ReadError)


def test_a_gzip_bomb_of_a_file_is_refused_by_its_bound(tmp_path, monkeypatch):
    from sunpy_heliocloud import limits

    path = tmp_path / "a.fits.gz"
    path.write_bytes(gzip.compress(FILES["RICE_1"] + bytes(2**26), 1))
    assert read(path).shape == (32, 48)
    monkeypatch.setattr(limits, "file_bytes", 2**24)
    assert "limits.file_bytes" in str(read(path))
    path.write_bytes(gzip.compress(bytes(2**28), 1))
    assert "not a FITS file" in str(read(path))


def test_several_members_and_padding():
    pieces = [b"one", b"two" * 1000, b""]
    assert gunzip(b"".join(map(gzip.compress, pieces)) + bytes(20), 4000) == b"".join(pieces)
    for damaged in (gzip.compress(b"one") + b"x", gzip.compress(b"one")[:-1], b"", zlib.compress(b"one")):
        with pytest.raises(ValueError, match="damaged gzip bytes"):
            gunzip(damaged, 4000)


# ---- HCOMPRESS


@settings(max_examples=200)
@given(st.data())
def test_hcompress_is_astropy_s(data):
    shape = data.draw(st.integers(4, 40)), data.draw(st.integers(4, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    spread = data.draw(st.sampled_from((0, 1, 30, 2**15, 2**24)))
    image = (rng.normal(0, 1, shape) * spread + rng.integers(-99, 99)).astype("i4")
    scale, smooth = data.draw(st.sampled_from((0, 1, 2, 5, 40))), data.draw(st.booleans())
    codec = HCompress1(scale=scale, smooth=smooth, bytepix=8, nx=shape[0], ny=shape[1])
    compressed = codec.encode(image)
    pixels, said = decode_hcompress(bytes(compressed), shape, smooth=smooth)
    assert said == scale
    expected = codec.decode(np.frombuffer(compressed, np.uint8)).reshape(shape)
    np.testing.assert_array_equal(pixels, expected)
    if scale < 2:
        np.testing.assert_array_equal(pixels, image)


@settings(max_examples=300)
@given(st.data())
def test_damaged_hcompress_bytes_do_no_harm(data):
    shape = data.draw(st.integers(4, 20)), data.draw(st.integers(4, 20))
    image = np.random.default_rng(data.draw(st.integers(0, 99))).poisson(50, shape).astype("i4")
    codec = HCompress1(scale=0, smooth=False, bytepix=8, nx=shape[0], ny=shape[1])
    compressed = bytearray(codec.encode(image))
    for _ in range(data.draw(st.integers(1, 4))):
        compressed[data.draw(st.integers(0, len(compressed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(compressed)))
    for smooth in (False, True):
        try:
            pixels, _ = decode_hcompress(bytes(compressed[:cut]), shape, smooth=smooth)
        except ValueError:
            continue
        assert pixels.shape == shape


# ---- floats that are stored as integers


def test_random_numbers_are_those_of_the_standard():
    numbers = random_numbers()
    assert len(numbers) == 10000
    assert numbers[-1] == np.float32(1043618065 / 2147483647)  # which the standard gives as a check


@settings(max_examples=200)
@given(st.data())
def test_dequantised_floats_are_astropy_s(data):
    dtype = np.dtype(data.draw(st.sampled_from(("f4", "f8"))))
    method = data.draw(st.sampled_from((1, 2)))
    place = data.draw(st.integers(0, 30000))
    rng = np.random.default_rng(place)
    integers = rng.integers(-(2**20), 2**20, data.draw(st.integers(1, 12000))).astype("i4")
    integers[rng.random(len(integers)) < 0.1] = -2147483646
    scale, zero = rng.normal() or 1.0, rng.normal() * 100
    codec = Quantize(row=place + 1, dither_method=method, quantize_level=None, bitpix=-8 * dtype.itemsize)
    expected = np.frombuffer(codec.decode_quantized(integers, scale, zero), dtype)
    floats = dequantise(integers, scale, zero, dither=method, place=place, blank=None, dtype=dtype)
    assert floats.dtype == dtype
    np.testing.assert_array_equal(floats, expected)


def test_every_place_among_the_random_numbers():
    integers = np.zeros(600, "i4")
    for place in range(10000):
        codec = Quantize(row=place + 1, dither_method=1, quantize_level=None, bitpix=-64)
        expected = np.frombuffer(codec.decode_quantized(integers, 1.0, 0.0), "f8")
        floats = dequantise(integers, 1.0, 0.0, dither=1, place=place, blank=None, dtype=np.dtype("f8"))
        assert (floats == expected).all(), place


# ---- RICE in other ways than AIA's


@pytest.mark.parametrize("dtype", ["u1", "i2"])
def test_pixels_that_are_compressed_as_integers_of_32_bits(tmp_path, dtype):
    """BYTEPIX is 4 where the header does not say it, whatever the size of a pixel."""
    data = RNG.poisson(60, (32, 48)).astype("i4")
    file = fits_bytes(fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type="RICE_1"))
    bitpix = 8 * np.dtype(dtype).itemsize
    path = tmp_path / "a.fits"
    path.write_bytes(file.replace(b"ZBITPIX =                   32", b"ZBITPIX = %20d" % bitpix))
    np.testing.assert_array_equal(read(path), data)
    data[5, 5] = 2 ** (bitpix + 1)
    file = fits_bytes(fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type="RICE_1"))
    path.write_bytes(file.replace(b"ZBITPIX =                   32", b"ZBITPIX = %20d" % bitpix))
    assert f"tile 5 is damaged: pixels from {data[5].min()} to {data[5].max()} are too large" in str(
        read(path)
    )


@pytest.mark.parametrize("tile_shape", [(1, 5), (32, 48), (5, 48), (3, 7), (1, 48), (100, 100)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
def test_tiles_of_any_shape(tmp_path, tile_shape, dtype):
    data = RNG.poisson(60, (32, 48)).astype(dtype)
    path = tmp_path / "a.fits"
    path.write_bytes(fits_bytes(fits.PrimaryHDU(), fits.CompImageHDU(data, tile_shape=tile_shape)))
    np.testing.assert_array_equal(read(path), data)


def test_what_our_decoder_refuses_is_handed_to_no_other(tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("astropy was asked for pixels")

    monkeypatch.setattr(fits, "open", never)
    monkeypatch.setattr("astropy.io.fits.hdu.compressed._tiled_compression._decompress_tile", never)
    path = tmp_path / "a.fits"
    for name in KINDS:
        file = bytearray(FILES[name])
        file[find_image(FILES[name])[1].heap_start + 2] ^= 0xFF
        path.write_bytes(file)
        result = read(path)
        assert not isinstance(result, ReadError) or "damaged" in str(result)
        assert "astropy was asked" not in str(result)


def test_a_scale_that_damaged_bytes_claim_is_an_error(tmp_path):
    """With losses, pixels may be rounded out of their range by a few steps, but not by a large part of it."""
    file = bytearray(FILES["HCOMPRESS_1 with losses"])
    start = find_image(bytes(file))[1].byte_range(0, 1)[0]
    file[start + 10] |= 4  # the scale is 67108868 instead of 4
    path = tmp_path / "a.fits"
    path.write_bytes(file)
    assert "too large for ZBITPIX=32" in str(read(path))
