"""In which lines of a JSON text its parts are."""

import bisect
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["JSONLines", "Part"]

_decode = json.JSONDecoder().raw_decode
_NO_BLANK = re.compile(r"[^ \t\n\r]")


class Part(NamedTuple):
    """A value of an object or a list."""

    name: str
    value: Any
    position: int
    line: int


class JSONLines:
    """
    A valid JSON text that can be gone through with line numbers.

    Parameters
    ----------
    data
        The text.
    """

    def __init__(self, data: bytes):
        self._text = data.decode(json.detect_encoding(data))
        self._newlines = [match.start() for match in re.finditer("\n", self._text)]

    def members(self, position: int = 0) -> Iterator[Part]:
        """
        The members of the object at a position.

        Parameters
        ----------
        position
            Where it begins.
        """
        i = self._behind("{", position)
        while self._text[i] != "}":
            name, colon = _decode(self._text, i)
            begin = self._behind(":", colon)
            value, end = _decode(self._text, begin)
            yield Part(name, value, begin, self._line(i))
            i = self._behind(",", end)

    def items(self, position: int) -> Iterator[Part]:
        """
        The items of the list at a position.

        Parameters
        ----------
        position
            Where it begins.
        """
        i = self._behind("[", position)
        while self._text[i] != "]":
            value, end = _decode(self._text, i)
            yield Part("", value, i, self._line(i))
            i = self._behind(",", end)

    def _behind(self, mark: str, i: int) -> int:
        """The position behind a mark, if it is there, and behind blanks."""
        i = _behind_blanks(self._text, i)
        return _behind_blanks(self._text, i + 1) if self._text[i] == mark else i

    def _line(self, position: int) -> int:
        return bisect.bisect(self._newlines, position) + 1


def _behind_blanks(text: str, i: int) -> int:
    found = _NO_BLANK.search(text, i)
    return len(text) if found is None else found.start()
