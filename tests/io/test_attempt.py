"""Whatever goes wrong with a file is an error with its URL; what ends the process is not caught."""

import struct
import zlib

import pytest

from sunpy_heliocloud.bounds import LimitError
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.fits_header import HeadTooShort
from sunpy_heliocloud.io.ranges import ReadError

URL = "s3://bucket/a.fits"


def raising(error):
    def do():
        raise error

    return do


@pytest.mark.parametrize(
    "cause",
    [
        ValueError("PCOUNT=-1"),
        TypeError("PCOUNT=-1"),
        OverflowError("PCOUNT=-1"),
        MemoryError("PCOUNT=-1"),
        RecursionError("PCOUNT=-1"),
        AssertionError("PCOUNT=-1"),
        KeyError("PCOUNT=-1"),
        struct.error("PCOUNT=-1"),
        zlib.error("PCOUNT=-1"),
        LimitError("PCOUNT=-1"),
        UserWarning("PCOUNT=-1"),
    ],
)
def test_every_failure_carries_the_url_and_its_cause(cause):
    error = attempt(f"Could not open {URL}", raising(cause))
    assert isinstance(error, ReadError)
    assert str(error).startswith(f"Could not open {URL}: ")
    assert "PCOUNT=-1" in str(error)
    assert error.__cause__ is cause


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_process_is_not_caught(end):
    with pytest.raises(end):
        attempt(f"Could not open {URL}", raising(end()))


def test_what_is_no_error_goes_on():
    with pytest.raises(HeadTooShort):
        attempt(f"Could not open {URL}", raising(HeadTooShort(1)), passing=(HeadTooShort,))
    assert attempt(f"Could not open {URL}", lambda: 7) == 7


def test_the_text_of_a_cause_is_harmless_and_short():
    error = attempt(f"Could not open {URL}", raising(ValueError("<script>\x1b[2J" + "x" * 100_000)))
    assert str(error).isprintable()
    assert "<" not in str(error)
    assert len(str(error)) < 2000
