"""CHECKSUM and DATASUM, as astropy writes them."""

import gzip
import io

import numpy as np
import pytest

from astropy.io import fits

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.checksums import verify_file
from sunpy_heliocloud.io.ranges import Version

COUNTS = np.random.default_rng(0).poisson(200, (50, 70)).astype("i2")


def checked_file(*hdus):
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(file, checksum=True)
    return file.getvalue()


FILE = checked_file(fits.ImageHDU(COUNTS), fits.CompImageHDU(COUNTS), fits.ImageHDU(COUNTS.astype("f4")))


def verify(path):
    return verify_file(str(path), Access.of(), Version())


@pytest.mark.parametrize("piece", [2880, 2**22])
def test_right_checksums_are_counted(tmp_path, server, monkeypatch, piece):
    monkeypatch.setattr("sunpy_heliocloud.io.checksums._PIECE", piece)
    path = tmp_path / "a.fits"
    path.write_bytes(FILE)
    assert verify(path) == verify_file(server.write("a.fits", FILE), Access.of(), Version()) == 8
    path.write_bytes(gzip.compress(FILE))
    assert verify(path) == 8
    fits.PrimaryHDU(COUNTS).writeto(tmp_path / "none.fits")
    assert verify(tmp_path / "none.fits") == 0


def test_every_changed_bit_is_found(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.fits"
    for at in rng.integers(80, len(FILE), 60):
        file = bytearray(FILE)
        file[at] ^= 1 << rng.integers(8)
        path.write_bytes(file)
        with pytest.raises(ValueError, match=r"SUM|header|HDU|must be|ends|behind END"):
            verify(path)


def test_the_message_has_hdu_and_keyword(tmp_path):
    path = tmp_path / "a.fits"
    file = bytearray(FILE)
    file[-1000] ^= 1
    path.write_bytes(file)
    with pytest.raises(ValueError, match="DATASUM=.* of HDU 3, but the sum of its data is"):
        verify(path)
    path.write_bytes(FILE.replace(b"EXTNAME = 'COMPRESSED_IMAGE'", b"EXTNAME = 'COMPRESSED_image'"))
    with pytest.raises(ValueError, match="CHECKSUM=.* of HDU 2 is not that of its bytes"):
        verify(path)


def test_a_file_that_ends_early(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(FILE[: len(FILE) - 6000])
    with pytest.raises(ValueError, match="the file ends within the data of HDU 3"):
        verify(path)
    path.write_bytes(FILE[:3000])
    with pytest.raises(ValueError, match="the file ends within the header at byte 2880"):
        verify(path)
