"""Compressed files of the simulation beside those of astropy: the same bytes."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from astropy.io import fits

from sunpy_heliocloud.simulation.compressed import fits_file

INT32 = np.iinfo(np.int32)


@st.composite
def images(draw):
    """Rows that are constant, smooth, noisy or wild, as wide as one block of the compression or many."""
    width = draw(st.integers(1, 130))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = []
    for kind in draw(
        st.lists(st.sampled_from(["constant", "slope", "noise", "wild", "spike"]), min_size=1, max_size=9)
    ):
        row = np.full(width, draw(st.integers(INT32.min, INT32.max)))
        if kind == "slope":
            row = np.linspace(0, draw(st.integers(0, INT32.max)), width)
        elif kind == "noise":
            row = rng.poisson(draw(st.integers(1, 100_000)), width)
        elif kind == "wild":
            row = rng.integers(INT32.min, INT32.max, width, endpoint=True)
        elif kind == "spike":
            row = rng.poisson(60, width)
            row[rng.integers(width)] = draw(st.sampled_from([INT32.min, INT32.max]))
        rows.append(row.astype(np.int32))
    return np.array(rows)


def astropy_file(image, header):
    hdu = fits.CompImageHDU(image, header, compression_type="RICE_1", tile_shape=(1, image.shape[1]))
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    return file.getvalue()


@settings(max_examples=60)
@given(images())
def test_a_file_has_the_bytes_that_astropy_writes(image):
    header = fits.Header([("TELESCOP", "SDO/AIA", "an observatory"), ("EXPTIME", 2.9), ("QUALITY", 0)])
    assert fits_file(image, header) == astropy_file(image, header)


def test_a_card_that_is_there_twice_is_written_twice():
    header = fits.Header([("LICENSE", "CC0-1.0"), ("EXPTIME", 2.9), ("LICENSE", "LICENSE")])
    with fits.open(io.BytesIO(fits_file(np.eye(5, 7, dtype=np.int32), header))) as hdus:
        assert hdus[1].header.count("LICENSE") == 2
        np.testing.assert_array_equal(hdus[1].data, np.eye(5, 7))
