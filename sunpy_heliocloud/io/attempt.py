"""The one place where whatever goes wrong with a file becomes an error that names it."""

from collections.abc import Callable

from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.text import inert

__all__ = ["attempt"]


def attempt[T](what: str, do: Callable[[], T], *, passing: tuple[type[Exception], ...] = ()) -> T | ReadError:
    """
    The result of a function, or a `ReadError` in place of what it raises.

    Bytes from outside can raise anything in those who read them: struct.error, OverflowError, MemoryError, what sunpy
    raises on a header. One file's error must neither lose its URL nor stop the others, so all of them are caught, here
    only; not what ends the process, such as KeyboardInterrupt.

    Parameters
    ----------
    what
        Begins the message, and has the URL: "Could not open s3://bucket/a.fits", for example.
    do
        The function.
    passing
        Exceptions that are no errors, and go on.

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
        error = ReadError(f"{what}: {kind}{inert(cause, 1000)}")
        error.__cause__ = cause
        return error
