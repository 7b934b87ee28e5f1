"""Times as indexes write them."""

import re
from datetime import UTC, datetime

import numpy as np

__all__ = ["LONGEST_TIME", "STATIC", "BadTime", "parse_times"]

# Any longer field is no time: 2020-01-01T00:00:00.000000000Z has 30 characters.
LONGEST_TIME = 40
# The word in place of a time for files without a time.
STATIC = b"static"


# What stands between the numbers of a time.
_MARKS = {4: b"-", 7: b"-", 10: b"T ", 13: b":", 16: b":", 19: b"."}
_is_plain = re.compile(r"(\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d*)?)?)?)?)?)?)?", re.ASCII).fullmatch


class BadTime(ValueError):
    """
    A word is no time.

    Parameters
    ----------
    i
        Which.
    """

    def __init__(self, i: int):
        super().__init__(f"word {i} is no time")
        self.i = i


def parse_times(words: np.ndarray, *, may_be_empty: bool) -> np.ndarray:
    """
    Times of many words.

    Parameters
    ----------
    words
        ``bytes`` without blanks, quotes and the Z.
    may_be_empty
        Whether an empty word is a time that is not known.

    Returns
    -------
    `numpy.ndarray`
        ``datetime64[us]``, NaT for what is empty or static.

    Raises
    ------
    BadTime
        At the first word that is no time.
    """
    width = max(words.dtype.itemsize, len(STATIC))
    words = np.array(words, f"S{width}")
    letters = words.view(np.uint8).reshape(len(words), width)
    static = words == STATIC
    # numpy would take "now", or 20200101 as a year.
    first, fourth, fifth = letters[:, 0], letters[:, 3], letters[:, 4]
    is_year = (fifth == 0) & (fourth != 0)
    usual = (first >= ord("0")) & (first <= ord("9")) & ((fifth == ord("-")) | is_year) | static
    for bad in np.flatnonzero(~usual & ((first != 0) | (not may_be_empty)))[:1]:
        raise BadTime(bad)
    words[static] = b""
    try:
        if _are_plain(letters):
            return words.astype("M8[us]")
    except ValueError:
        pass  # Leap seconds, or a word that is no time.
    return np.array([_time(i, word) for i, word in enumerate(words.tolist())], "M8[us]")


def _are_plain(letters: np.ndarray) -> bool:
    """Whether all words are as `_is_plain` says; numpy would take what follows an hour of two digits for a time zone."""
    fits = (letters >= ord("0")) & (letters <= ord("9"))
    for position, marks in _MARKS.items():
        if position < letters.shape[1]:
            fits[:, position] = np.isin(letters[:, position], list(marks))
    return bool((fits | (letters == 0)).all())


def _time(i: int, word: bytes) -> np.datetime64:
    """One time; numpy knows neither leap seconds nor offsets from UTC."""
    minute, is_leap_second = re.subn(r":60(?=\.|$)", ":59", word.decode("ascii", "replace"))
    try:
        if not _is_plain(minute):
            time = datetime.fromisoformat(minute)
            if time.tzinfo is None:
                raise BadTime(i)
            return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")
        return np.datetime64(minute, "us") + np.timedelta64(is_leap_second, "s")
    except (ValueError, OverflowError) as e:
        raise BadTime(i) from e
