"""Damage to FITS files: to cards, to the tile table, to the heap, to the whole."""

import gzip
import re
import zlib

import numpy as np

from fuzz.mutations import EXTREMES, HOSTILE_TEXTS, damaged, several

__all__ = [
    "CARD",
    "file_damaged",
    "grafted",
    "header_damaged",
    "header_spans",
    "heap_damaged",
    "table_damaged",
]

type RNG = np.random.Generator
type Span = tuple[int, int]

CARD, BLOCK = 80, 2880
#: Keywords on which reading relies: they are changed more often than others.
STRUCTURAL = re.compile(
    rb"(SIMPLE|XTENSION|BITPIX|Z?NAXIS\d?|PCOUNT|GCOUNT|THEAP|TFIELDS|TFORM\d|TTYPE\d|Z[A-Z]+\d?|BSCALE|BZERO|BLANK|END"
    rb"|T_OBS|DATE-OBS|TIMESYS|EXPTIME|CDELT\d|CTYPE\d|CUNIT\d|CRVAL\d|WAVEUNIT|WAVELNTH|INSTRUME|TELESCOP|BUNIT"
    rb"|HAE._OBS|TIMEUNIT)[ =]"
)
_WORDS = (
    *(
        "'RICE_1'",
        "'GZIP_1'",
        "'GZIP_2'",
        "'PLIO_1'",
        "'HCOMPRESS_1'",
        "'NOCOMPRESS'",
        "'RICE_ONE'",
        "'XYZ'",
        "'BYTEPIX'",
    ),
    *(
        "'1PB(100)'",
        "'1QB(100)'",
        "'1PI'",
        "'1PJ'",
        "'1PD'",
        "'1D'",
        "'99999999999D'",
        "'1PB(-1)'",
        "'BINTABLE'",
        "'IMAGE'",
    ),
    *(
        "'NO_DITHER'",
        "'SUBTRACTIVE_DITHER_1'",
        "'SUBTRACTIVE_DITHER_2'",
        "'UTC'",
        "'XXX'",
        "'TAI'",
        "'HPLN-TAN'",
        "'arcsec'",
    ),
    *(
        "'deg'",
        "'m'",
        "'furlong'",
        "'10**99999999 s'",
        "'10.^(9999999)'",
        "'2018-05-29T18:00:00'",
        "'99999-05-29T18:00:00'",
        "'2018-05-29T18:00:61Z'",
        "'AIA_3'",
    ),
    *(
        "8",
        "16",
        "32",
        "64",
        "-32",
        "-64",
        "2",
        "3",
        "4",
        "5",
        "7",
        "1000",
        "2880",
        "-2880",
        "100000",
        "1.5",
        "(1,2)",
    ),
)


def header_spans(data: bytes) -> list[Span]:
    """Where the headers are: first byte, and the one after the card END."""
    spans, at = [], 0
    while 0 <= at < len(data):
        if data[at : at + 8] in (b"SIMPLE  ", b"XTENSION"):
            end = at
            while end < len(data) and data[end : end + 8] != b"END     ":
                end += CARD
            spans.append((at, end + CARD))
            at = end
        at = (at // BLOCK + 1) * BLOCK
    return spans


def _cards(data: bytes, span: Span) -> list[bytes]:
    return [data[i : i + CARD] for i in range(*span, CARD)]


def _with_cards(data: bytes, span: Span, cards: list[bytes]) -> bytes:
    """The file with another header, padded to whole blocks, in the place of that one."""
    begin, end = span
    text = b"".join(cards)
    end = begin - (begin - end) // BLOCK * BLOCK
    return data[:begin] + text.ljust(-(-len(text) // BLOCK) * BLOCK) + data[end:]


def _some_header(rng: RNG, data: bytes) -> tuple[Span, list[bytes]] | None:
    spans = header_spans(data)
    if not spans:
        return None
    # The last header is that of the image.
    span = spans[-1] if rng.random() < 0.8 else spans[rng.integers(len(spans))]
    return span, _cards(data, span)


def _some_card(rng: RNG, cards: list[bytes]) -> int:
    structural = [i for i, card in enumerate(cards) if STRUCTURAL.match(card)]
    return int(rng.choice(structural)) if structural and rng.random() < 0.7 else int(rng.integers(len(cards)))


def _changed(rng: RNG, data: bytes, change) -> bytes:
    header = _some_header(rng, data)
    return data if header is None else _with_cards(data, header[0], change(rng, header[1]))


def _other_value(rng: RNG, cards: list[bytes]) -> list[bytes]:
    i = _some_card(rng, cards)
    choices = EXTREMES if rng.random() < 0.5 else _WORDS
    value = str(rng.choice(choices))
    if rng.random() < 0.1:
        value = f"'{HOSTILE_TEXTS[rng.integers(len(HOSTILE_TEXTS))]}'"
    if rng.random() < 0.2 and (number := re.search(rb"-?\d+", cards[i][9:])):
        value = str(int(number[0]) + int(rng.choice([-1, 1, 2, 8, 1000])))
    text = cards[i][:8] + b"= " + value.encode("utf-8", "replace")[:60].rjust(20)
    return [*cards[:i], text[:CARD].ljust(CARD), *cards[i + 1 :]]


def _swapped(rng: RNG, cards: list[bytes]) -> list[bytes]:
    i, j = _some_card(rng, cards), _some_card(rng, cards)
    cards = list(cards)
    cards[i], cards[j] = cards[i][:8] + cards[j][8:], cards[j][:8] + cards[i][8:]
    return cards


def _dropped(rng: RNG, cards: list[bytes]) -> list[bytes]:
    i = _some_card(rng, cards)
    return [*cards[:i], *cards[i + 1 :]]


def _repeated(rng: RNG, cards: list[bytes]) -> list[bytes]:
    i = _some_card(rng, cards)
    j = int(rng.integers(len(cards)))
    # A block of END would be pixels, which astropy looks for in vain.
    times = 1 if cards[i].startswith(b"END") else int(rng.choice([1, 1, 2, 40, 3000]))
    return [*cards[:j], *[cards[i]] * times, *cards[j:]]


def _long_text(rng: RNG, cards: list[bytes]) -> list[bytes]:
    """A text over many cards in the place of a value."""
    i = _some_card(rng, cards)
    texts = (b" ", b"1", b"(", b"m.", b"2018-05-29T", b"arcsec/", b"a", b"it''s ", b"10**")
    text = (texts[rng.integers(len(texts))] * 66)[: 6 * 11]
    times = int(rng.choice([1, 5, 300, 15_000], p=[0.4, 0.4, 0.18, 0.02]))
    more = [b"CONTINUE  '%s&'" % text] * times
    return [
        *cards[:i],
        *(card.ljust(CARD) for card in (cards[i][:8] + b"= '%s&'" % text, *more)),
        *cards[i + 1 :],
    ]


def _shuffled(rng: RNG, cards: list[bytes]) -> list[bytes]:
    order = rng.permutation(len(cards) - 2)
    return [cards[0], *(cards[1 + i] for i in order), cards[-1]]


def _inserted(rng: RNG, cards: list[bytes]) -> list[bytes]:
    kinds = [
        b"CONTINUE  'more &'", b"HISTORY x", b"COMMENT <b>", b"HIERARCH A B = 1", b"        text", b"LONG    = 'text&'",
        b"BSCALE  = 0", b"BSCALE  = T", b"BZERO   = 'a'", b"BLANK   = 1.5", b"BLANK   = -32768", b"ZBLANK  = 3",
        b"THEAP   = 10", b"EXTEND  = T", b"NAXIS3  = 1", b"PCOUNT  = -2880", b"GCOUNT  = -1", b"ZNAME3  = 'BYTEPIX'",
        b"ZVAL3   = 100000", b"CONTINUE", b"\xff\xfe\x00", b"INHERIT = T", b"T_OBS   = T", b"=", b"ZMASKCMP= 'X'",
        b"ZQUANTIZ= 'SUBTRACTIVE_DITHER_1'", b"ZDITHER0= -5", b"LONG    = 'it''s &'", b"CD1_1   = 'x'", b"PV1_1 = nan",
    ]  # fmt: skip
    i = int(rng.integers(1, len(cards) + 1))
    card = kinds[rng.integers(len(kinds))].ljust(CARD)
    return [
        *cards[:i],
        *[card] * int(rng.choice([1, 1, 1, 3, 100, 20000], p=[0.4, 0.2, 0.2, 0.1, 0.09, 0.01])),
        *cards[i:],
    ]


def _bits(rng: RNG, cards: list[bytes]) -> list[bytes]:
    i = _some_card(rng, cards)
    return [*cards[:i], damaged(rng, cards[i])[:CARD].ljust(CARD), *cards[i + 1 :]]


CARD_WAYS = (
    _other_value,
    _other_value,
    _other_value,
    _other_value,
    _swapped,
    _dropped,
    _repeated,
    _shuffled,
    _inserted,
    _bits,
    _long_text,
)


def header_damaged(rng: RNG, data: bytes) -> bytes:
    """Headers with other, fewer, more, or broken cards."""
    return several(rng, data, [lambda rng, data, way=way: _changed(rng, data, way) for way in CARD_WAYS])


def _after_last_header(data: bytes) -> tuple[int, int, int] | None:
    """Where the tile table begins, how many bytes its rows have, and how many rows it has."""
    spans = header_spans(data)
    if not spans:
        return None
    begin = -(-spans[-1][1] // BLOCK) * BLOCK
    text = data[slice(*spans[-1])]
    width, rows = (re.search(rb"NAXIS%d *= *(\d{1,6})" % i, text) for i in (1, 2))
    if width is None or rows is None:
        return None
    return begin, int(width[1]), int(rows[1])


def table_damaged(rng: RNG, data: bytes) -> bytes:
    """Other lengths and offsets of tiles."""
    found = _after_last_header(data)
    if found is None or (size := found[1] * found[2]) < 4 or found[0] + size > len(data):
        return damaged(rng, data)
    begin = found[0]
    table = data[begin : begin + size]
    if rng.random() < 0.3:
        table = damaged(rng, table)[:size].ljust(size, b"\0")
    else:
        numbers = np.frombuffer(table[: size // 4 * 4], ">i4").copy()
        for _ in range(int(rng.choice([1, 1, 2, 10]))):
            i = rng.integers(len(numbers))
            other = [-1, 0, 1, 2**31 - 1, -(2**31), len(data), numbers[rng.integers(len(numbers))]]
            other += [
                int(numbers[i]) + int(step) for step in (-1, 1, 4, -4) if abs(int(numbers[i])) < 2**31 - 9
            ]
            numbers[i] = other[rng.integers(len(other))]
        table = numbers.tobytes() + table[size // 4 * 4 :]
    return data[:begin] + table + data[begin + size :]


def heap_damaged(rng: RNG, data: bytes) -> bytes:
    """Other bytes in the heap, or in the pixels of an image that is not compressed."""
    found = _after_last_header(data)
    begin = 0 if found is None else found[0] + found[1] * found[2]
    if begin >= len(data):
        begin = 0 if found is None else found[0]
    heap = damaged(rng, data[begin:])
    return data[:begin] + heap[: 2 * len(data)]


def file_damaged(rng: RNG, data: bytes) -> bytes:
    """Any damage, of a gzipped file inside or outside."""
    if data[:2] == b"\x1f\x8b":
        if rng.random() < 0.5:
            return damaged(rng, data)
        try:
            inner = gzip.decompress(data)
        except (OSError, EOFError, ValueError, zlib.error):
            return damaged(rng, data)
        return gzip.compress(file_damaged(rng, inner), mtime=0, compresslevel=1)
    ways = (header_damaged, header_damaged, table_damaged, heap_damaged, damaged)
    return ways[rng.integers(len(ways))](rng, data)


def grafted(data: bytes, cards: list[bytes]) -> bytes:
    """The file with the cards of another header behind those that say how it lies."""
    span = header_spans(data)[-1]
    own = _cards(data, span)
    structural = re.compile(
        rb"(SIMPLE|XTENSION|BITPIX|Z?NAXIS\d?|PCOUNT|GCOUNT|THEAP|TFIELDS|T(FORM|TYPE)\d|Z\w+|END)[ =]"
    )
    kept = [card for card in own if structural.match(card) and not card.startswith(b"END")]
    added = [card[:CARD].ljust(CARD) for card in cards if not structural.match(card)]
    return _with_cards(data, span, [*kept, *added, b"END".ljust(CARD)])
