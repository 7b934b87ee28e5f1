"""Files as they come: masks beside images, several images, axes of length 1, ZBLANK and BLANK."""

import functools
import gzip
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from headers import aia_header
from strategies import fits_bytes, with_cards

from astropy.io import fits

import sunpy.map
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.io.ranges import ReadError

SHAPE = (20, 30)
DATA = np.arange(600, dtype="i2").reshape(SHAPE)


def header(**changes):
    return fits.Header(
        {
            key: value
            for key, value in aia_header(BLANK=None, **changes).items()
            if not key.startswith("NAXIS")
        }
    )


def write(path, *hdus):
    fits.HDUList(list(hdus)).writeto(path, output_verify="silentfix")
    return str(path)


MASK = fits.ImageHDU(np.ones(SHAPE, "u1"), name="MASK")
TABLE = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5000))], name="ROWS")


@pytest.mark.parametrize(
    "hdus",
    [
        lambda image: [fits.PrimaryHDU(np.ones(SHAPE, "u1")), image],
        lambda image: [fits.PrimaryHDU(), MASK, image],
        lambda image: [fits.PrimaryHDU(), image, MASK],
        lambda image: [fits.PrimaryHDU(), TABLE, MASK, MASK, image, TABLE],
        lambda image: [
            fits.PrimaryHDU(),
            fits.ImageHDU(np.zeros(3)),
            fits.ImageHDU(np.zeros((2, 2, 2))),
            image,
        ],
        lambda image: [fits.PrimaryHDU(np.zeros((300, 400), "i4")), image, fits.CompImageHDU(DATA)],
    ],
)
@pytest.mark.parametrize(
    "image",
    [
        lambda: fits.ImageHDU(DATA, header(), name="SCI"),
        lambda: fits.CompImageHDU(DATA, header(), name="SCI"),
        lambda: fits.CompImageHDU(DATA.astype("f4"), header(), quantize_level=-0.01, name="SCI"),
    ],
)
def test_the_image_is_that_of_which_sunpy_makes_a_map(tmp_path, hdus, image):
    path = write(tmp_path / "a.fits", *hdus(image()))
    seq = LazyMapSequence([path] * 1)
    with fits.open(path) as there:
        expected = there["SCI"].data
        np.testing.assert_array_equal(seq[0].data.compute(), expected)
        np.testing.assert_array_equal(LazyMapSequence(path, hdu="sci")[0].data.compute(), expected)
        number = there.index_of("SCI")
    assert LazyMapSequence(path, hdu=number)[0].meta["wavelnth"] == 171
    np.testing.assert_array_equal(seq.to_cube(normalize=False).data[0, 3:5].compute(), expected[3:5])


def test_several_images_are_an_error_that_lists_them_and_how_to_choose(tmp_path):
    images = [
        fits.ImageHDU(DATA, header(), name="LEFT"), fits.CompImageHDU(DATA + 7, header(), name="RIGHT"), MASK,
    ]  # fmt: skip
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), *images)
    message = (
        r"a.fits has 2 images: HDU 1 'LEFT' of 20×30 pixels, HDU 2 'RIGHT' of 20×30 pixels; choose .*hdu=1\)"
    )
    with pytest.raises(ReadError, match=message):
        LazyMapSequence(path)
    assert len(sunpy.map.Map([(hdu.data, hdu.header) for hdu in images[:2]])) == 2
    for hdu, offset in ((1, 0), ("right", 7), (2, 7)):
        np.testing.assert_array_equal(LazyMapSequence(path, hdu=hdu)[0].data.compute(), DATA + offset)
    with pytest.warns(SunpyUserWarning, match="1 of 1 frames are left out"):
        assert "has 2 images" in LazyMapSequence(path, errors="mask").status["reason"][0]


@pytest.mark.parametrize("hdu", [0, 5, "RIGHT", ""])
def test_an_hdu_that_is_not_there_is_an_error_that_lists_those_that_are(tmp_path, hdu):
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), fits.ImageHDU(DATA, header(), name="LEFT"), MASK)
    with pytest.raises(ReadError, match=r"no image hdu=.*, but HDU 1 'LEFT' .*, HDU 2 'MASK' of 20×30"):
        LazyMapSequence(path, hdu=hdu)


def test_a_mask_that_is_chosen_is_an_error_that_says_why(tmp_path):
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), fits.ImageHDU(DATA, header()), MASK)
    with pytest.raises(ReadError, match="cannot be used: CRPIX1 is missing"):
        LazyMapSequence(path, hdu="MASK")


def test_what_follows_the_last_hdu_is_no_image(tmp_path):
    path = tmp_path / "a.fits"
    write(path, fits.PrimaryHDU(DATA, header()))
    path.write_bytes(path.read_bytes() + b"\0" * 5760)
    assert len(LazyMapSequence(path)) == 1


def test_files_of_one_image_cost_no_request_more(server, tmp_path):
    one = write(tmp_path / "one.fits", fits.PrimaryHDU(), fits.CompImageHDU(DATA, header()))
    two = write(
        tmp_path / "two.fits", fits.PrimaryHDU(), fits.CompImageHDU(DATA, header(minutes=1)), MASK, MASK
    )
    for path, requests in ((one, 1), (two, 3)):
        server.upload(tmp_path)
        server.reset()
        url = f"s3://{server.bucket}/{path.rsplit('/', 1)[1]}"
        LazyMapSequence([url], storage_options=server.storage_options)
        assert server.requests == requests


@pytest.mark.parametrize("axes", [(1,), (1, 1), (1, 1, 1)])
@pytest.mark.parametrize("kind", [fits.PrimaryHDU, fits.CompImageHDU])
def test_further_axes_of_length_1_do_not_count(tmp_path, axes, kind):
    image = kind(DATA.reshape(*axes, *SHAPE), header())
    path = write(tmp_path / "a.fits", *([image] if kind is fits.PrimaryHDU else [fits.PrimaryHDU(), image]))
    seq = LazyMapSequence(path)
    assert seq[0].data.shape == SHAPE
    np.testing.assert_array_equal(seq[0].data.compute(), DATA)
    np.testing.assert_array_equal(seq.to_cube(normalize=False).data[0, 5:7, 3:9].compute(), DATA[5:7, 3:9])


@pytest.mark.parametrize("shape", [(2, *SHAPE), (*SHAPE, 1), (1, 2, *SHAPE)])
@pytest.mark.parametrize("kind", [fits.PrimaryHDU, fits.CompImageHDU])
def test_a_cube_of_images_is_no_image_and_the_error_says_its_axes_and_what_to_do(tmp_path, shape, kind):
    cube = kind(np.zeros(shape, "f4"), header())
    path = write(tmp_path / "a.fits", *([cube] if kind is fits.PrimaryHDU else [fits.PrimaryHDU(), cube]))
    said = f"no HDU with a two-dimensional image, but HDU . of {'×'.join(map(str, shape))}; pass .* pairs"
    with pytest.raises(ReadError, match=said):
        LazyMapSequence(path)


@functools.cache
def compressed(dtype, compression):
    """A compressed image of integers."""
    data = (np.arange(600) % 100 + 1).astype(dtype).reshape(SHAPE)
    return fits_bytes(fits.PrimaryHDU(), fits.CompImageHDU(data, header(), compression_type=compression))


def blanked(dtype, compression, cards):
    """The same with cards of missing pixels."""
    file = compressed(dtype, compression)
    assert not any(f"{keyword:8}=".encode() in file for keyword in cards)
    return with_cards(file, [str(fits.Card(*card)) for card in cards.items()])


BLANKS = [
    {"ZBLANK": 5}, {"BLANK": 5}, {"ZBLANK": 5, "BLANK": 5}, {"ZBLANK": 5, "BLANK": 7}, {"ZBLANK": 120}, {},
]  # fmt: skip
SCALES = [{}, {"BSCALE": 2.0, "BZERO": 1.0}]


@pytest.mark.parametrize(("blank", "scale"), list(itertools.product(BLANKS, SCALES)))
@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
@pytest.mark.filterwarnings("ignore:Invalid 'BLANK' keyword")
def test_zblank_and_blank_on_integers_are_nan_as_in_astropy(tmp_path, dtype, compression, blank, scale):
    path = tmp_path / "a.fits"
    path.write_bytes(blanked(dtype, compression, blank | scale))
    expected = fits.getdata(path).astype("f8")
    found = LazyMapSequence(path, errors="mask")[0].data.compute()
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found).any() == (5 in blank.values())


def with_column(file, values):
    """The same compressed image with a blank value for each tile."""
    with fits.open(io.BytesIO(file), disable_image_compression=True) as hdus:
        header, start = hdus[1].header.copy(), hdus[1].fileinfo()["datLoc"]
        primary = file[: hdus[1].fileinfo()["hdrLoc"]]
    width, tiles, fields = header["NAXIS1"], header["NAXIS2"], header["TFIELDS"]
    rows = np.frombuffer(file[start : start + width * tiles], "u1").reshape(tiles, width)
    rows = np.hstack([rows, np.asarray(values, ">i4").view("u1").reshape(tiles, 4)])
    heap = file[start + width * tiles :][: header["PCOUNT"]]
    header.update(NAXIS1=width + 4, TFIELDS=fields + 1)
    header.remove("THEAP", ignore_missing=True)
    header.insert("TFIELDS", (f"TFORM{fields + 1}", "1J"), after=True)
    header.insert("TFIELDS", (f"TTYPE{fields + 1}", "ZBLANK"), after=True)
    data = rows.tobytes() + heap
    return primary + header.tostring().encode() + data + bytes(-len(data) % 2880)


@pytest.mark.parametrize(
    "blank",
    [{}, {"BLANK": 7}, {"ZBLANK": 7}, {"ZBLANK": 8, "BLANK": 8}, {"ZBLANK": 8, "BLANK": 7}],
    ids=str,
)
@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "HCOMPRESS_1"])
@pytest.mark.parametrize("dtype", ["i2", "i4"])
@pytest.mark.filterwarnings("ignore:Setting default value", "ignore:Invalid 'BLANK' keyword")
def test_zblank_of_each_tile_on_integers_is_nan_as_in_astropy(tmp_path, dtype, compression, blank):
    path, file = tmp_path / "a.fits", blanked(dtype, compression, blank)
    tiles = len(fits.open(io.BytesIO(file), disable_image_compression=True)[1].data)
    path.write_bytes(with_column(file, np.arange(tiles) + 5))
    expected = fits.getdata(path).astype("f8")
    found = LazyMapSequence(path, errors="mask")[0].data.compute()
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found).any()


@pytest.mark.parametrize("column", [False, True])
def test_zblank_on_floats_that_are_not_quantised_is_nan_as_in_astropy(tmp_path, column):
    path = tmp_path / "a.fits"
    content = io.BytesIO()
    image = fits.CompImageHDU(DATA.astype("f4"), header(), compression_type="GZIP_1", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(content)
    file = content.getvalue()
    if column:
        path.write_bytes(with_column(file, np.arange(20) * 31))
    else:
        with fits.open(io.BytesIO(file), disable_image_compression=True) as hdus:
            hdus[1].header["ZBLANK"] = 65
            hdus.writeto(path)
    expected = fits.getdata(path)
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(LazyMapSequence(path)[0].data.compute(), expected)


GZIPPED = {
    "a mask first": lambda: [fits.PrimaryHDU(np.ones(SHAPE, "u1")), fits.ImageHDU(DATA, header(), name="SCI")],
    "a mask behind": lambda: [fits.PrimaryHDU(), fits.CompImageHDU(DATA, header(), name="SCI"), MASK],
    "a mask and a table first": lambda: [
        fits.PrimaryHDU(), MASK, TABLE, fits.CompImageHDU(DATA, header(), name="SCI"), TABLE,
    ],
    "one image": lambda: [fits.PrimaryHDU(), fits.CompImageHDU(DATA, header(), name="SCI")],
}  # fmt: skip


@pytest.mark.parametrize("hdus", GZIPPED)
def test_the_image_in_a_gzipped_file_is_that_of_which_sunpy_makes_a_map(tmp_path, hdus):
    path = write(tmp_path / "a.fits.gz", *GZIPPED[hdus]())
    seq = LazyMapSequence(path)
    np.testing.assert_array_equal(seq[0].data.compute(), DATA)
    np.testing.assert_array_equal(seq.to_cube(normalize=False).data[0, 3:5].compute(), DATA[3:5])
    np.testing.assert_array_equal(LazyMapSequence(path, hdu="sci")[0].data.compute(), DATA)


def test_several_images_in_a_gzipped_file_are_an_error_that_lists_them_and_one_can_be_chosen(tmp_path):
    images = [fits.ImageHDU(DATA, header(), name="LEFT"), fits.CompImageHDU(DATA + 7, header(), name="RIGHT")]
    path = write(tmp_path / "a.fits.gz", fits.PrimaryHDU(), *images, MASK)
    with pytest.raises(ReadError, match=r"has 2 images: HDU 1 'LEFT' of 20×30 pixels, HDU 2 'RIGHT'"):
        LazyMapSequence(path)
    for hdu, expected in (("left", DATA), (1, DATA), ("right", DATA + 7), (2, DATA + 7)):
        np.testing.assert_array_equal(LazyMapSequence(path, hdu=hdu)[0].data.compute(), expected)


def test_a_gzipped_file_of_several_members_has_all_its_images(tmp_path):
    plain = write(tmp_path / "a.fits", fits.PrimaryHDU(np.ones(SHAPE, "u1")), fits.ImageHDU(DATA, header()))
    content = Path(plain).read_bytes()
    path = tmp_path / "b.fits.gz"
    path.write_bytes(b"".join(gzip.compress(content[i : i + 2880]) for i in range(0, len(content), 2880)))
    np.testing.assert_array_equal(LazyMapSequence(path)[0].data.compute(), DATA)
