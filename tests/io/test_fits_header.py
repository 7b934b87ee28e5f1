import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import fits_bytes, header_text

from astropy.io import fits

from sunpy.io._fits import format_comments_and_history

from sunpy_heliocloud.io.fits_header import HeaderUnit, HeadTooShort, header_units, image_header, parse_header

START = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")


def units(head: bytes) -> list[HeaderUnit]:
    """The units before the end of the bytes."""
    found = []
    with contextlib.suppress(HeadTooShort):
        for unit in header_units(head):
            found.append(unit)
    return found


def values(*cards: str) -> dict:
    (unit,) = units(header_text(*START, *cards))
    return unit.header


def test_where_headers_and_data_are():
    table = fits.BinTableHDU.from_columns(
        [fits.Column("a", "PJ()", array=np.array([[1], [2, 3]], dtype=object))]
    )
    file = fits_bytes(
        fits.PrimaryHDU(np.zeros((10, 200), "i2")), fits.ImageHDU(np.zeros(3)), table, fits.ImageHDU()
    )
    with fits.open(io.BytesIO(file)) as hdus:
        expected = [
            (hdu.fileinfo()["datLoc"], hdu.fileinfo()["datLoc"] + hdu.fileinfo()["datSpan"]) for hdu in hdus
        ]
    assert [(unit.data_start, unit.data_stop) for unit in units(file)] == expected


def test_values_of_any_kind():
    header = values(
        "TELESCOP= 'SDO/AIA '           / of which",
        "EXPTIME =             2.000191",
        "QUALITY =                    0",
        "ISGOOD  =                    T",
        "EMPTY   =",
        "OSCNMEAN= nan",
        "OSCNRMS =                  nan / a comment",
        "RSUN_LF = 'nan     '",
        "lowercas=                    3",
    )
    del header["SIMPLE"]
    assert header == {
        "BITPIX": 8,
        "NAXIS": 0,
        "TELESCOP": "SDO/AIA",
        "EXPTIME": 2.000191,
        "QUALITY": 0,
        "ISGOOD": True,
        "EMPTY": None,
        "OSCNMEAN": "nan",
        "OSCNRMS": "nan",
        "RSUN_LF": "nan",
        "LOWERCAS": 3,
    }


def test_of_repeated_cards_the_first_counts():
    assert values("LICENSE = 'first   '", "LICENSE = 'second  '")["LICENSE"] == "first"


def test_history_and_comments_line_by_line():
    header = values("HISTORY one", "COMMENT c", "HISTORY two", "COMMENT", "        = blank", "HISTORY")
    assert header["HISTORY"] == "one\ntwo\n"
    assert header["COMMENT"] == "c\n"
    assert "" not in header


def test_long_strings_are_continued():
    text = "an orbit record, " * 20 + "end"
    card = str(fits.Card("ORB_REC", text))
    assert "CONTINUE" in card
    assert values(card)["ORB_REC"] == text


def test_a_card_beyond_repair_is_no_value():
    assert values("HIERARCH key word = nan")["KEY WORD"] is None


@given(st.binary(max_size=100).filter(lambda start: not start.startswith(b"SIMPLE  =")))
def test_no_fits_file(head):
    with pytest.raises(ValueError, match="not a FITS file: it begins with"):
        next(header_units(head))


@given(cards=st.integers(0, 2000), length=st.integers(9, 200_000))
def test_a_header_that_goes_on(cards, length):
    file = header_text(*START, *["HISTORY what was done"] * cards)
    if length >= len(file):
        assert next(header_units(file[:length])).data_start == len(file)
        return
    with pytest.raises(HeadTooShort) as short:
        next(header_units(file[:length]))
    assert short.value.needed > length


def test_of_a_compressed_image_only_its_own_keywords_are_kept():
    image = fits.CompImageHDU(np.ones((4, 4), "f4"), quantize_method=1, dither_seed=3)
    image.header.update(BSCALE=2.0, ZENITH=1, WAVELNTH=171)
    _, unit = units(fits_bytes(fits.PrimaryHDU(), image))
    kept = image_header(unit.header)
    assert {"BSCALE", "ZENITH", "WAVELNTH"} <= kept.keys()
    assert kept.keys() - {"BSCALE", "ZENITH", "WAVELNTH"} <= {
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "EXTNAME",
    }


FIELDS = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: f"{value:.9G}"),
    st.sampled_from(
        ["T", "F", "TRUE", "nan", "-.5", "1.", "+7", "007", "1e5", "1.0D3", "(1, 2)", "", "1 2", "1.5.6"]
    ),
    st.text("ab' /:=1.", max_size=30).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(
        ["'open", "'a'b'", "'EXTVER: 1'", "''", "'   '", "'  lead'", "'a''b'", "'/'", "'a / b' / c"]
    ),
)


@given(
    st.sampled_from(["KEY", "DATE-OBS", "A_B", "key", "A"]),
    st.sampled_from(["= ", "=     ", "=                "]),
    FIELDS,
    st.sampled_from(["", " ", " / why", "/why", " x"]),
)
@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
def test_cards_are_read_as_astropy_reads_them(keyword, equals, field, comment):
    image = f"{keyword:<8}{equals}{field}{comment}".ljust(80)[:80]
    card = fits.Card.fromstring(image)
    try:
        expected = card.value
    except fits.VerifyError:
        return
    if card.keyword in ("", "HISTORY", "COMMENT"):
        return
    value = parse_header(image)[card.keyword.upper()]
    expected = None if isinstance(expected, fits.card.Undefined) else expected
    assert (value, type(value)) == (expected, type(expected))


def test_an_equals_sign_behind_column_nine_makes_no_value():
    assert values("EXTEND    =                    T").get("EXTEND") is not True
    assert values("AB = 5")["AB"] == 5


def continued(*parts: str) -> list[str]:
    """The cards of a text."""
    first, *rest = parts
    return [f"LONG    = '{first}'", *(f"CONTINUE  '{part}'" for part in rest)]


@pytest.mark.parametrize("last", ["end", "it''s", "", "  &", " x  "])
@pytest.mark.parametrize("part", ["text&", "it''s &", " &", "a  &", "&"])
def test_texts_over_many_cards_are_those_of_astropy(part, last):
    cards = continued(*[part] * 40, last)
    text = "".join(card.ljust(80) for card in cards)
    assert values(*cards)["LONG"] == fits.Header.fromstring(text)["LONG"]


def test_texts_over_very_many_cards_take_no_longer_a_card():
    """astropy takes minutes for these."""
    blanks = " " * 66 + "&"
    assert values(*continued(*[blanks] * 10_000, "x"))["LONG"] == " " * 660_000 + "x"
    assert values(*continued(*["it''s &"] * 5_000), "CONTINUE  broken")["LONG"] is None


@pytest.mark.parametrize(
    ("cards", "unit"),
    [
        (["WAVELNTH=                  171 / [angstrom] wavelength"], "angstrom"),
        (["WAVELNTH=                  171 / Observed wavelength (nm)"], "nm"),
        (["WAVELNTH=                  171 / Wavelength of obs (Angstrom)"], "Angstrom"),
        (["WAVELNTH=                  171 / wavelength"], None),
        (["WAVELNTH=                  171 / [nm] wave", "WAVEUNIT= 'angstrom'"], "angstrom"),
        (["WAVELNTH=                  171", "WAVEUNIT=                  -10"], "angstrom"),
        (["WAVELNTH=                  171", "WAVEUNIT=                   -9"], "nm"),
        (["WAVELNTH=                  171", "WAVEUNIT=                    0 / in meters"], "m"),
        (["WAVELNTH=                  171", "WAVEUNIT=                    0"], 0),
        (["INSTRUME= 'none    '           / [nm]"], None),
    ],
)
def test_the_unit_of_the_wavelength_is_read_where_sunpy_reads_it(cards, unit):
    text = "".join(card.ljust(80) for card in [*cards, "END"])
    assert parse_header(text).get("WAVEUNIT") == unit
    of_sunpy = format_comments_and_history(fits.Header.fromstring(text.encode()))
    if unit != 0:
        assert str(of_sunpy.get("WAVEUNIT", "")).lower() == str(unit or "").lower()


def test_the_reference_time_of_rhessi_is_said_to_be_one():
    cards = ["INSTRUME= 'RHESSI  '", "TIMESYS = '1979-01-01T00:00:00' / Reference Time", "END"]
    header = parse_header("".join(card.ljust(80) for card in cards))
    assert header["KEYCOMMENTS"] == {"TIMESYS": "Reference Time"}
    assert "KEYCOMMENTS" not in parse_header("TIMESYS = 'UTC     ' / Time".ljust(80) + "END".ljust(80))
