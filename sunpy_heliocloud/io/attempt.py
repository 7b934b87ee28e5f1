"""Conversion of all exceptions from a file into an error that names the file."""

from collections.abc import Callable

from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.text import shown_url

__all__ = ["attempt"]


def attempt[T](what: str, do: Callable[[], T], *, passing: tuple[type[Exception], ...] = ()) -> T | ReadError:
    """
    The result of a function, or a `ReadError` in place of its exception.

    Bytes from outside can raise any exception in the code that reads them: struct.error, OverflowError,
    MemoryError, exceptions of sunpy for a header. The error of one file has to name its URL and must not stop
    the reading of others. Therefore all exceptions are caught, only here; exceptions that end the process,
    such as KeyboardInterrupt, are not.

    Parameters
    ----------
    what
        The beginning of the message, with the URL: "Could not open s3://bucket/a.fits", for example.
    do
        The function.
    passing
        Exceptions that are not converted.

    Returns
    -------
    object or ReadError
    """
    try:
        return do()
    except passing:
        raise
    except Exception as cause:  # noqa: BLE001  see above
        kind = "" if type(cause) is ValueError else f"{type(cause).__name__}: "
        error = ReadError(f"{shown_url(what, 1000)}: {kind}{shown_url(cause, 1000)}")
        error.__cause__ = cause
        return error
