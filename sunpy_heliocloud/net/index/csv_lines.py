"""
The lines and fields of a CSV index.

Operations on all lines use numpy on the bytes, since a year can have 130 000 lines. Header lines, quotes and
blanks are ignored.
"""

import codecs
import csv
import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sunpy_heliocloud.io.cache_file import Sliceable
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.index.times import LONGEST_TIME, STATIC, BadTime, parse_times
from sunpy_heliocloud.net.rows import text_column
from sunpy_heliocloud.text import inert

__all__ = ["Layout", "Lines", "fields_of", "is_header"]

LONGEST_NUMBER = 30
# Of a row; one row of a million fields would make a million columns.
MOST_COLUMNS = 500
# Lines before the first row, in which names of columns are looked for.
HEADER_LINES = 1000
# Characters around a field that are not part of it.
BLANKS = b" \t\r'\""
# As many at an end of a field are left out of all fields at once, more of them field by field.
FEW_BLANKS = 4
# Names of the first column in a header. Any other text means that this is not an index: an HTML error page,
# for example.
FIRST_COLUMN = re.compile(
    rb"(start|begin|time|date|created|creation|epoch|obs)[-_ ]?(date|time|stamp|obs)?[-_ ]?(time|utc)?", re.I
)
# Names of the stop as an optional column.
STOP_NAMES = {"stop", "stopdate", "stop_date", "stoptime", "stop_time"}


class Layout(NamedTuple):
    """
    What is in the columns.

    Attributes
    ----------
    names
        Their names, as far as a header has them.
    has_stop
        Whether the second is the stop; otherwise the datakey and filesize follow the start at once.
    stop
        Which field is the stop, from 0; None if there is none. Before version 0.5 of the specification it could be
        one of the optional columns.
    """

    names: list[str]
    has_stop: bool
    stop: int | None

    @classmethod
    def of(cls, data: Sliceable) -> "Layout":
        """From the lines before the first row, and that."""
        names: list[str] = []
        for line in itertools.islice(_stripped_lines(data), HEADER_LINES):
            if line[:1] == b"#" or is_header(line):
                names = [_field(word) for word in line.lstrip(b"#").split(b",", MOST_COLUMNS)]
                continue
            second = line.split(b",", 2)[1:2] or [b"0"]
            word = second[0].strip(BLANKS)
            if not word or word[:1].isdigit() or word == STATIC:
                return cls(names, True, 1)
            behind = [k for k, name in enumerate(names) if k > 2 and name.casefold() in STOP_NAMES]
            return cls(names, False, behind[0] if behind else None)
        return cls(names, True, 1)


def _stripped_lines(data: Sliceable) -> Iterator[bytes]:
    begin = 3 if data[:3] == codecs.BOM_UTF8 else 0
    while begin < len(data):
        newline = data.find(b"\n", begin)
        end = len(data) if newline < 0 else newline
        if line := data[begin:end].strip(BLANKS):
            yield line
        begin = end + 1


def is_header(line: bytes) -> bool:
    """Whether a line without # has names of columns: at least three, and neither a time nor a URL among them."""
    words = [word.strip(BLANKS) for word in line.split(b",", MOST_COLUMNS)]
    if len(words) < 3 or not FIRST_COLUMN.fullmatch(words[0]):
        return False
    return not any(b"://" in word or re.match(rb"\d{4}-", word) for word in words)


def _field(word: bytes) -> str:
    return word.strip(BLANKS).decode("utf-8", "replace")


class Lines(NamedTuple):
    """
    Positions of the rows and fields of an index, found for all rows at once.

    ``begin`` and ``end`` bound the rows; ``bounds[k]`` and ``bounds[k + 1] - 1`` bound field k.
    """

    data: bytes
    url: str
    text: np.ndarray
    number: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    bounds: np.ndarray
    has_stop: bool

    @classmethod
    def of(cls, data: bytes, url: str, layout: Layout, number: np.ndarray | None = None) -> "Lines":
        """Find rows and fields."""
        # Zeros behind the last row let windows on its fields reach over the end.
        text = np.frombuffer(data + bytes(LONGEST_TIME), np.uint8)
        end = np.append(np.flatnonzero(text == ord("\n")), len(data))
        begin = np.append(3 if data[:3] == codecs.BOM_UTF8 else 0, end[:-1] + 1)
        first, last = _trimmed(text, begin, end)
        if number is None:
            rows = np.flatnonzero((first < last) & (text[first] != ord("#")))
            if layout.names and len(rows) and is_header(data[first[rows[0]] : last[rows[0]]]):
                rows = rows[1:]
            number, begin, end = rows + 1, begin[rows], end[rows]
        elif not len(number):
            number, begin, end = number, begin[:0], end[:0]

        is_comma = text == ord(",")
        if np.count_nonzero(is_comma) >= MOST_COLUMNS * (len(number) + 10 * HEADER_LINES):
            # Each comma takes sixty bytes in what follows.
            raise CatalogError(
                f"{inert(url)} has rows of over {MOST_COLUMNS} fields. Tell its contact (sunpy_heliocloud.net.datasets)."
            )
        commas = _outside_quotes(text, np.flatnonzero(is_comma), begin, end)
        behind = np.searchsorted(commas, begin)
        count = np.searchsorted(commas, end) - behind
        # The required fields, and the stop if it is further behind.
        known = max(4, (layout.stop or 0) + 1)
        padded = np.append(commas, np.full(known, len(data)))
        ends = [np.where(count > k, padded[behind + k], end) + 1 for k in range(known)]
        lines = cls(data, url, text, number, begin, end, np.array([begin, *ends]), layout.has_stop)
        for short in np.flatnonzero(count < 2 + layout.has_stop)[:1]:
            raise lines.error(short, "has too few fields")
        for long in np.flatnonzero(count >= MOST_COLUMNS)[:1]:
            raise lines.error(long, f"has over {MOST_COLUMNS} fields")
        return lines

    def times(self, k: int) -> np.ndarray:
        """Field k of all rows as ``datetime64[us]``, NaT where it is empty."""
        begin, end = self._trimmed_field(k, also=b"Zz")
        length = end - begin
        for long in np.flatnonzero(length > LONGEST_TIME)[:1]:
            raise self.error(long, f"has no time in field {k + 1}")
        try:
            return parse_times(self._words(begin, end, width=len(STATIC)), may_be_empty=k > 0)
        except BadTime as e:
            raise self.error(e.i, f"has no time in field {k + 1}") from e

    def urls(self) -> list[str]:
        """The field ``datakey``."""
        begin, end = self._trimmed_field(1 + self.has_stop)
        for empty in np.flatnonzero(begin == end)[:1]:
            raise self.error(empty, f"names no file in field {2 + self.has_stop}")
        bounds = zip(begin.tolist(), end.tolist(), strict=True)
        if self.data.isascii():
            text = self.data.decode("ascii")
            return [text[i:j] for i, j in bounds]
        return [self._url(k, self.data[i:j]) for k, (i, j) in enumerate(bounds)]

    def _url(self, i: int, word: bytes) -> str:
        try:
            return word.decode()
        except UnicodeDecodeError as e:
            raise self.error(i, f"names no file in field {2 + self.has_stop}") from e

    def sizes(self) -> np.ndarray:
        """The field ``filesize``, NaN where it is empty or negative."""
        begin, end = self._trimmed_field(2 + self.has_stop)
        for long in np.flatnonzero(end - begin > LONGEST_NUMBER)[:1]:
            raise self.error(long, f"has no file size in field {3 + self.has_stop}")
        words = self._words(begin, end, width=3)
        words[words == b""] = b"nan"
        try:
            sizes = words.astype(float)
        except ValueError:
            sizes = np.array([self._size(i, word) for i, word in enumerate(words.tolist())])
        sizes[~(sizes >= 0)] = np.nan
        return sizes

    def _size(self, i: int, word: bytes) -> float:
        try:
            return float(word)
        except ValueError as e:
            raise self.error(i, f"has no file size in field {3 + self.has_stop}") from e

    def more(self, names: list[str], describe: Callable[[int], list[str]]) -> dict[str, np.ndarray]:
        """
        The optional fields. A field that a row does not have is empty.

        ``names`` are those of the header. If these are too few, ``describe`` is called with the number of
        required fields and may give more.
        """
        required = 3 + self.has_stop
        begin, end = self.bounds[required], self.end
        if not (begin < end).any():
            return {}
        rows = [
            self._optional(k, self.data[i:j])
            for k, (i, j) in enumerate(zip(begin.tolist(), end.tolist(), strict=True))
        ]
        columns = list(itertools.zip_longest(*rows, fillvalue=""))
        used = [k for k, words in enumerate(columns, start=required) if any(words)]
        if used and used[-1] >= len(names):
            names = [*names, *describe(required)[len(names) :]]
        names = [*names, *[""] * (required + len(columns))]
        more: dict[str, np.ndarray] = {}
        for k in used:
            name = names[k] or f"column_{k + 1}"
            # A second column of the same name is kept, as a column without a name.
            name = f"column_{k + 1}" if name in more else name
            more[name] = _as_numbers(name, columns[k - required])
        return more

    def _optional(self, i: int, text: bytes) -> list[str]:
        try:
            fields = fields_of(text)
        except csv.Error as e:
            raise self.error(i, f"has no fields ({inert(e)})") from e
        if len(fields) > MOST_COLUMNS:
            raise self.error(i, f"has over {MOST_COLUMNS} fields")
        return fields

    def error(self, i: int, problem: str) -> CatalogError:
        """What to raise about a row."""
        line = self.data[self.begin[i] : self.end[i]][:4000].decode("utf-8", "replace").strip()
        columns = "start,stop,datakey,filesize" if self.has_stop else "start,datakey,filesize"
        return CatalogError(
            f"{inert(self.url)}, row {self.number[i]} {problem}: {inert(line)!r}; expected {columns}, with times such as "
            "2020-01-01T00:00:00.000Z. The index is damaged or incomplete: try again later, or tell its contact "
            "(sunpy_heliocloud.net.datasets)."
        )

    def _trimmed_field(self, k: int, also: bytes = b"") -> tuple[np.ndarray, np.ndarray]:
        return _trimmed(self.text, self.bounds[k], self.bounds[k + 1] - 1, also)

    def _words(self, begin: np.ndarray, end: np.ndarray, width: int) -> np.ndarray:
        """Short pieces of text, as an array of ``bytes`` of at least a width."""
        length = end - begin
        width = max(length.max(initial=0), width)
        letters = np.lib.stride_tricks.sliding_window_view(self.text, width)[begin]
        if length.min(initial=width) < width:
            letters[np.arange(width) >= length[:, None]] = 0
        return letters.view(f"S{width}")[:, 0]


def fields_of(text: bytes) -> list[str]:
    """The optional fields of a row. A comma between two quotes belongs to a field; quotes without a partner do not count."""
    line = text.decode("utf-8", "replace").strip(" \t\r")
    for quote in "'\"":
        if quote in line and line.count(quote) % 2 == 0:
            (words,) = csv.reader([line], quotechar=quote, skipinitialspace=True)
            return [word.strip(" \t'\"") for word in words]
    return [word.strip(" \t'\"") for word in line.split(",")]


def _as_numbers(name: str, words: tuple[str, ...]) -> np.ndarray:
    """A column of numbers, if that is what it is; the hexadecimal digits of a checksum are not."""
    column = text_column(words)
    if name.casefold().startswith("checksum"):
        return column
    try:
        return np.where(column == "", "nan", column).astype(float)
    except ValueError:
        return column


def _outside_quotes(text: np.ndarray, commas: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The commas that end fields. In rows with an odd number of a kind of quotes, these mean nothing."""
    ends_field = np.full(commas.shape, len(begin) > 0)
    for quote in b"'\"":
        quotes = np.flatnonzero(text == quote)
        if len(begin) and len(quotes):
            before = np.searchsorted(quotes, begin)
            is_even = (np.searchsorted(quotes, end) - before) % 2 == 0
            row = np.searchsorted(begin, commas, side="right") - 1
            is_inside = (np.searchsorted(quotes, commas) - before[row]) % 2 == 1
            ends_field &= ~(is_inside & is_even[row])
    return commas[ends_field]


def _trimmed(
    text: np.ndarray, begin: np.ndarray, end: np.ndarray, also: bytes = b""
) -> tuple[np.ndarray, np.ndarray]:
    """Leave out blanks and quotes around pieces of text, all pieces at once."""
    blanks = BLANKS + also
    is_blank = np.zeros(256, bool)
    is_blank[list(blanks)] = True
    begin, end = begin.copy(), end.copy()
    for _ in range(FEW_BLANKS):
        if not (step := (begin < end) & is_blank[text[begin]]).any():
            break
        begin += step
    for i in np.flatnonzero((begin < end) & is_blank[text[begin]]).tolist():
        begin[i] = end[i] - len(text[begin[i] : end[i]].tobytes().lstrip(blanks))
    for _ in range(FEW_BLANKS):
        if not (step := (begin < end) & is_blank[text[end - 1]]).any():
            break
        end -= step
    for i in np.flatnonzero((begin < end) & is_blank[text[end - 1]]).tolist():
        end[i] = begin[i] + len(text[begin[i] : end[i]].tobytes().rstrip(blanks))
    return begin, end
