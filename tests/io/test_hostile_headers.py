"""Headers and tile tables of strangers: each bad kind is one frame's error, with URL, keyword, value and expectation."""

import re

import numpy as np
import pytest
from strategies import fits_bytes, header_text

from astropy.io import fits

from sunpy_heliocloud import limits
from sunpy_heliocloud.io.fits_header import header_units, parse_header
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError

COUNTS = np.random.default_rng(0).poisson(200, (40, 64))
START = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
IMAGE = (*START[:1], "BITPIX  =                   16", "NAXIS   =                    2")


def opened(tmp_path, content):
    """What comes of a file with this content, between two that are good."""
    good, path = tmp_path / "good.fits", tmp_path / "odd.fits"
    good.write_bytes(tiled())
    path.write_bytes(content)
    ((before, result, after),) = open_frames(list(map(str, (good, path, good))))
    assert before[0].shape == after[0].shape == COUNTS.shape
    return result


def tiled(dtype="i4", cards=None, **kwargs):
    """A compressed image; of its table's header some cards are others, or gone where they are `None`."""
    kwargs = {"compression_type": "RICE_1", "tile_shape": (1, 64)} | kwargs
    image = fits.CompImageHDU(COUNTS.astype(dtype), **kwargs)
    file = fits_bytes(fits.PrimaryHDU(), image)
    for keyword, value in (cards or {}).items():
        pattern = re.compile(rb"%-8s=.{71}" % keyword.encode(), re.DOTALL)
        assert pattern.search(file, 2880), f"there is no {keyword}"
        card = "COMMENT" if value is None else f"{keyword:<8}= {value:>20}"
        file = file[:2880] + pattern.sub(card.ljust(80).encode(), file[2880:], count=1)
    return file


def assert_names(error, tmp_path, *parts):
    assert isinstance(error, ReadError)
    assert str(error).startswith(f"Could not open {tmp_path / 'odd.fits'}: ")
    for part in parts:
        assert part in str(error)


# ---- headers that never end


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        (("PCOUNT  = -2880",), "PCOUNT=-2880, but must be an integer of 0 or more"),
        (("GCOUNT  = -1",), "GCOUNT=-1, but must be an integer of 0 or more"),
        (("GCOUNT  = T",), "GCOUNT=True, but must be an integer"),
        (("PCOUNT  = 'many'",), "PCOUNT=many, but must be an integer"),
        (("PCOUNT  = 1.5",), "PCOUNT=1.5, but must be an integer"),
        (("PCOUNT  =",), "PCOUNT=None, but must be an integer"),
        ((f"PCOUNT  = {'9' * 60}",), "PCOUNT=999"),
    ],
)
def test_sizes_that_are_not_integers_of_zero_or_more_are_refused_with_keyword_and_value(
    tmp_path, cards, message
):
    assert_names(opened(tmp_path, header_text(*START, *cards)), tmp_path, message)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        (("NAXIS1  = -2880", "NAXIS2  = 1"), "NAXIS1=-2880, but must be an integer of 0 or more"),
        (("NAXIS1  = T", "NAXIS2  = 1"), "NAXIS1=True"),
        (("NAXIS1  = 8", "NAXIS2  = -1"), "NAXIS2=-1"),
        (("NAXIS1  = 8",), "NAXIS2 is missing"),
        (("NAXIS1  = 0", "NAXIS2  = 8"), "NAXIS1=0, but must be an integer of 1 or more"),
        (("NAXIS1  = 1E3", "NAXIS2  = 8"), "NAXIS1=1000.0"),
    ],
)
def test_axes_that_are_none_are_refused_with_keyword_and_value(tmp_path, cards, message):
    assert_names(opened(tmp_path, header_text(*IMAGE, *cards)), tmp_path, message)


@pytest.mark.parametrize("simple", ["F", "1", "'T'", "nan", ""])
def test_a_file_that_says_that_it_departs_from_the_standard_is_refused(tmp_path, simple):
    file = header_text(f"SIMPLE  = {simple}", *IMAGE[1:], "NAXIS1  = 8", "NAXIS2  = 8") + bytes(2880)
    assert_names(opened(tmp_path, file), tmp_path, "SIMPLE=", "but must be one of True")


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"ZVAL1": "'x'"}, "ZVAL1 (SCALE)=x, but must be a finite number"),
        ({"ZVAL2": 2}, "ZVAL2 (SMOOTH)=2, but must be one of 0, 1"),
        ({"ZVAL2": "T"}, "ZVAL2 (SMOOTH)=True"),
        ({"ZBITPIX": 64}, "HCOMPRESS_1 is of integers up to 32 bits, but ZBITPIX=64"),
        ({"ZCMPTYPE": "'NOCOMPRESS'"}, "the parameters of NOCOMPRESS are NOISEBIT"),
    ],
)
def test_parameters_of_hcompress_are_checked(tmp_path, cards, message):
    file = tiled("i4", cards, compression_type="HCOMPRESS_1", tile_shape=(40, 64))
    assert_names(opened(tmp_path, file), tmp_path, message)


@pytest.mark.parametrize("bitpix", ["0", "12", "-16", "T", "'16'", "16.0", str(2**70)])
def test_bitpix_is_one_of_six(tmp_path, bitpix):
    file = header_text("SIMPLE  = T", f"BITPIX  = {bitpix}", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 8")
    assert_names(opened(tmp_path, file), tmp_path, "BITPIX=", "but must be one of 8, 16, 32, 64, -32, -64")


@pytest.mark.parametrize("naxis", ["-1", "1000", "T", "nan", "2.0", str(2**40)])
def test_naxis_is_a_small_integer(tmp_path, naxis):
    file = header_text("SIMPLE  = T", "BITPIX  = 16", f"NAXIS   = {naxis}", "NAXIS1  = 8", "NAXIS2  = 8")
    assert_names(opened(tmp_path, file), tmp_path, "NAXIS=", "but must be an integer from 0 to 999")


@pytest.mark.parametrize(
    "card",
    [
        "HISTORY what was done",
        "COMMENT",
        "CONTINUE  'and on&'",
        "KEY     =                    1",
        "",
        "x" * 80,
    ],
)
@pytest.mark.parametrize("ends", [True, False])
def test_the_number_of_cards_is_bounded(tmp_path, card, ends):
    cards = "".join(part.ljust(80) for part in (*START, "LONG    = 'a text&'", *[card] * 100_000)).encode()
    file = header_text(*START, "LONG    = 'a text&'", *[card] * 100_000) if ends else cards
    error = opened(tmp_path, file)
    assert_names(error, tmp_path, "at most 20,000 are taken", "sunpy_heliocloud.limits.header_cards = ")


@pytest.mark.parametrize(
    "card", ["HISTORY what was done", "CONTINUE  'and on&'", "odd key = 1", "KEY     = 'open", "K = nan"]
)
def test_a_header_of_the_maximum_size_is_read(card):
    cards = [card] * (limits.header_cards - 10)
    unit = next(header_units(header_text(*START, "LONG    = 'a text&'", *cards)))
    assert unit.header["LONG"].startswith("a text")


def test_long_texts_and_histories_are_whole():
    cards = ["LONG    = 'a&'", *["CONTINUE  'b&'"] * 9000, *["HISTORY line"] * 9000]
    header = next(header_units(header_text(*START, *cards))).header
    assert header["LONG"].rstrip("&") == "a" + "b" * 9000
    assert header["HISTORY"] == "\n".join(["line"] * 9000)


def test_the_number_of_hdus_is_bounded(tmp_path):
    empty = header_text("XTENSION= 'IMAGE   '", *START[1:])
    error = opened(tmp_path, header_text(*START) + empty * 300)
    assert_names(error, tmp_path, "The file has 101 hdus", "sunpy_heliocloud.limits.hdus")


@pytest.mark.parametrize("rest", [b"\0" * 2880, b"garbage" * 1000, header_text(*START)])
def test_what_is_no_hdu_is_not_read_as_one(tmp_path, rest):
    assert_names(
        opened(tmp_path, header_text(*START) + rest), tmp_path, "no HDU at byte 2880, which begins with"
    )


def test_bounds_can_be_raised(tmp_path, monkeypatch):
    file = header_text(*START, *["HISTORY"] * 30_000) + tiled()[2880:]
    assert_names(opened(tmp_path, file), tmp_path, "limits.header_cards")
    monkeypatch.setattr(limits, "header_cards", 40_000)
    frame, _ = opened(tmp_path, file)
    assert frame.shape == COUNTS.shape


# ---- sizes that no memory holds


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ((f"NAXIS1  = {2**40}", "NAXIS2  = 8"), "limits.image_pixels"),
        (("NAXIS1  = 8", f"NAXIS2  = {2**40}"), "limits.image_pixels"),
        (("NAXIS1  = 8", f"NAXIS2  = {2**63 - 1}"), "limits.image_pixels"),
        (("NAXIS1  = 8", f"NAXIS2  = {2**64}"), f"NAXIS2={2**64}, but must be an integer of 1 or more"),
    ],
)
def test_an_image_of_any_size_costs_its_frame_only(tmp_path, cards, message):
    error = opened(tmp_path, header_text(*IMAGE, *cards))
    assert isinstance(error, ReadError)
    assert message.removesuffix(" of 1 or more") in str(error)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"NAXIS2": 2**40}, "limits.tiles"),
        ({"NAXIS2": 2**19}, "NAXIS2=524288, but 40 x 64 pixels have 40 tiles (ZTILEn)"),
        ({"ZNAXIS2": 2**40}, "limits.image_pixels"),
        ({"ZNAXIS2": 41}, "NAXIS2=40, but 41 x 64 pixels have 41 tiles"),
        ({"ZNAXIS1": -64}, "ZNAXIS1=-64, but must be an integer of 1 or more"),
        ({"ZNAXIS1": "T"}, "ZNAXIS1=True"),
        ({"ZTILE1": 0}, "ZTILE1=0, but must be an integer of 1 or more"),
        ({"ZTILE2": -1}, "ZTILE2=-1"),
        ({"ZTILE2": "'1'"}, "ZTILE2=1, but must be an integer"),
        ({"ZTILE2": 2}, "NAXIS2=40, but 40 x 64 pixels have 20 tiles"),
        ({"PCOUNT": 10}, "of a heap of 10 bytes (PCOUNT)"),
        ({"NAXIS1": 16}, "NAXIS1=16, but the columns of the table have 8 bytes (TFORMn)"),
        ({"NAXIS1": 2**40}, "NAXIS1="),
        ({"TFIELDS": 0}, "TFIELDS=0, but must be an integer from 1 to 999"),
        ({"TFIELDS": 2**31}, "TFIELDS=2147483648"),
        ({"TFIELDS": 2}, "TTYPE2= with TFORM2=None is no column of a binary table"),
        ({"TFORM1": "T"}, "TFORM1=True is no column"),
        ({"TFORM1": "'1PX(9)'"}, "TFORM1=1PX(9) is no column"),
        ({"TFORM1": "'2PB(9)'"}, "TFORM1=2PB(9) is no format of COMPRESSED_DATA"),
        ({"TFORM1": "'1PI(9)'"}, "TFORM1=1PI(9) is no format of COMPRESSED_DATA"),
        ({"TFORM1": f"'{'9' * 50}J'"}, "is no column"),
        ({"TTYPE1": "'DATA'"}, "the table of tiles has none of the columns COMPRESSED_DATA"),
        ({"TTYPE1": 7}, "TTYPE1=7 with TFORM1="),
    ],
)
def test_what_the_tile_table_relies_on_is_checked(tmp_path, cards, message):
    assert_names(opened(tmp_path, tiled(cards=cards)), tmp_path, message)


@pytest.mark.parametrize("theap", ["-1", "319", str(2**62), "T", "nan"])
def test_the_heap_lies_behind_the_table_and_before_its_end(tmp_path, theap):
    file = tiled(cards={"TTYPE1": "'COMPRESSED_DATA'"})
    file = file.replace(b"ZCMPTYPE=", f"THEAP   = {theap:>20}".ljust(80).encode() + b"ZCMPTYPE=", 1)
    block = file[2880:5760].rstrip(b"\0")
    assert_names(opened(tmp_path, file[:2880] + block[:2880] + file[5840:]), tmp_path, "THEAP=")


# ---- parameters of the compression


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        # Of a 16-bit image, whose pixels would be cut.
        ({"ZBITPIX": 8}, "ZVAL2 (BYTEPIX)=2, but must be one of 1, 4"),
        ({"ZBITPIX": 32}, "ZVAL2 (BYTEPIX)=2, but must be one of 4"),
        ({"ZBITPIX": 64}, "RICE_1 is of integers up to 32 bits, but ZBITPIX=64"),
        ({"ZBITPIX": -32}, "RICE_1 is of integers up to 32 bits, but ZBITPIX=-32"),
        ({"ZBITPIX": "T"}, "ZBITPIX=True, but must be one of 8, 16, 32, 64, -32, -64"),
        ({"ZBITPIX": 15}, "ZBITPIX=15"),
        ({"ZBITPIX": None}, "ZBITPIX is missing"),
        *(
            ({"ZVAL2": value}, f"ZVAL2 (BYTEPIX)={value}, but must be")
            for value in (8, 0, -1, 100000, 2**31 - 1)
        ),
        ({"ZVAL2": "T"}, "ZVAL2 (BYTEPIX)=True"),
        ({"ZVAL2": "'2'"}, "ZVAL2 (BYTEPIX)=2, but must be"),
        ({"ZVAL2": 2.0}, "ZVAL2 (BYTEPIX)=2.0"),
        *(
            ({"ZVAL1": value}, f"ZVAL1 (BLOCKSIZE)={value}, but must be one of 16, 32")
            for value in (2**31, 0, -32, 33)
        ),
        ({"ZVAL1": "nan"}, "ZVAL1 (BLOCKSIZE)=nan"),
        ({"ZVAL1": None}, "ZNAME1=BLOCKSIZE with ZVAL1=None"),
        (
            {"ZNAME1": "'SCALE'"},
            "ZNAME1=SCALE with ZVAL1=32, but the parameters of RICE_1 are BLOCKSIZE, BYTEPIX",
        ),
        ({"ZNAME1": "T"}, "ZNAME1=True"),
        ({"ZNAME1": ""}, "ZNAME1=None"),
        (
            {"ZNAME2": "'BLOCKSIZE'"},
            "ZNAME2=BLOCKSIZE",
        ),
        ({"ZCMPTYPE": "'PLIO_1'"}, "ZCMPTYPE=PLIO_1 is not implemented; funpack"),
        ({"ZCMPTYPE": "'RICE_2'"}, "ZCMPTYPE=RICE_2, but must be one of RICE_1, RICE_ONE, GZIP_1"),
        ({"ZCMPTYPE": "T"}, "ZCMPTYPE=True"),
        ({"ZCMPTYPE": None}, "ZCMPTYPE is missing"),
        ({"ZCMPTYPE": "'HCOMPRESS_1'"}, "ZNAME1=BLOCKSIZE"),
    ],
)
def test_compression_parameters_are_checked_against_what_is_implemented(tmp_path, cards, message):
    assert_names(opened(tmp_path, tiled("i2", cards)), tmp_path, message)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        (
            {"ZQUANTIZ": "'SUBTRACTIVE_DITHER_3'"},
            "ZQUANTIZ=SUBTRACTIVE_DITHER_3, but must be one of NO_DITHER",
        ),
        ({"ZQUANTIZ": "T"}, "ZQUANTIZ=True"),
        ({"ZDITHER0": 0}, "ZDITHER0=0, but must be an integer from 1 to 10000"),
        ({"ZDITHER0": 10001}, "ZDITHER0=10001"),
        ({"ZDITHER0": None}, "ZDITHER0 is missing"),
        ({"ZBITPIX": 32}, "ZSCALE belongs to floats, but ZBITPIX=32"),
        ({"ZVAL2": 2}, "ZVAL2 (BYTEPIX)=2, but must be one of 4"),
        ({"TTYPE3": "'SCALE'"}, "only one of ZSCALE and ZZERO is there"),
        ({"TFORM3": "'1K'"}, "TFORM3=1K is no format of ZSCALE"),
        ({"TTYPE4": "'ZSCALE'"}, "TFORM4=1D is no format of ZSCALE, or the column is there twice"),
    ],
)
def test_what_makes_floats_of_integers_is_checked(tmp_path, cards, message):
    file = tiled("f4", cards, quantize_method=1, dither_seed=3)
    assert_names(opened(tmp_path, file), tmp_path, message)


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf])
def test_a_scale_of_zero_or_none_is_refused(tmp_path, scale):
    file = tiled("f4", quantize_method=-1)
    row = 5760 + 3 * 32 + 16  # ZSCALE of tile 3, behind two descriptors
    file = file[:row] + np.array(scale, ">f8").tobytes() + file[row + 8 :]
    assert_names(
        opened(tmp_path, file), tmp_path, "a tile's ZSCALE or ZZERO is no number, or its ZSCALE is 0"
    )


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ("BSCALE  = 0.0", "BSCALE=0 would make all pixels the same"),
        ("BSCALE  = 0", "BSCALE=0 would make all pixels the same"),
        ("BSCALE  = T", "BSCALE=True, but must be a finite number"),
        ("BSCALE  = nan", "BSCALE=nan, but must be a finite number"),
        ("BSCALE  = 1.0E999", "BSCALE=inf, but must be a finite number"),
        ("BSCALE  =", "BSCALE=None, but must be a finite number"),
        ("BZERO   = '0'", "BZERO=0, but must be a finite number"),
        ("BZERO   = F", "BZERO=False"),
        (f"BZERO   = {'9' * 60}E{'9' * 5}", "BZERO="),
        ("BLANK   = 1.5", "BLANK=1.5, but must be an integer"),
        ("BLANK   = T", "BLANK=True"),
        ("BLANK   = nan", "BLANK=nan"),
    ],
)
def test_scalings_that_say_nothing_of_pixels_are_refused(tmp_path, cards, message):
    file = header_text(*IMAGE, "NAXIS1  = 64", "NAXIS2  = 40", cards) + COUNTS.astype(">i2").tobytes()
    assert_names(opened(tmp_path, file), tmp_path, message)


def test_what_is_quoted_of_a_header_is_harmless(tmp_path):
    card = "NAXIS1  = '<script>\x1b[2J'"
    error = opened(tmp_path, header_text(*IMAGE, card))
    assert_names(error, tmp_path, "NAXIS1=\\x3cscript>")
    assert str(error).isprintable()


@pytest.mark.parametrize("behind", ["COMMENT more", "END", "BITPIX  =                   -8", "\x01"])
def test_cards_behind_the_end_of_a_header_are_refused(tmp_path, behind):
    """Data would begin in the next block, and nobody can say which of the two ends is meant."""
    cards = (*IMAGE, "NAXIS1  =                   10", "NAXIS2  =                   10")
    header = "".join(card.ljust(80) for card in (*cards, "END", behind)).ljust(2880).encode()
    assert_names(opened(tmp_path, header + bytes(2880)), tmp_path, "cards behind END", "expected blanks")


@pytest.mark.filterwarnings("ignore:The following header keyword is invalid")  # by astropy, the oracle
@pytest.mark.parametrize("card", ["EXPTIME    =        2.0", "EXPTIME=2.0", "EXPTIME  = 2.0", "EXPTIME =2.0"])
def test_a_value_stands_where_astropy_sees_one(card):
    """The ``=`` of a card is its ninth character, and a blank follows."""
    expected = fits.Card.fromstring(card.ljust(80))
    assert parse_header(card.ljust(80)) == {expected.keyword: expected.value}
