"""Warnings that point at the line of the caller, whatever lies between."""

import os
import sys
import warnings

from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.log import printed_once

__all__ = ["Place", "place_of_caller", "warn_at", "warn_caller"]

type Place = tuple[str, int]

_PACKAGE = (os.path.join(os.path.dirname(__file__), ""),)
# What a computation goes through between its caller and this package.
_BETWEEN = (
    "asyncio",
    "cloudpickle",
    "concurrent",
    "contextlib",
    "dask",
    "dataclasses",
    "distributed",
    "ndcube",
    "pickle",
    "sunpy_heliocloud",
)


def warn_caller(message: str, category: type[Warning] = SunpyUserWarning) -> None:
    """
    Warn, with the place of the first caller outside this package.

    Parameters
    ----------
    message, category
        Of the warning.
    """
    with printed_once():
        warnings.warn(message, category, stacklevel=2, skip_file_prefixes=_PACKAGE)


def place_of_caller() -> Place:
    """File and line of the first caller outside this package and what it computes with."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_between(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _is_between(module: str) -> bool:
    return module.partition(".")[0] in _BETWEEN


def warn_at(place: Place, process: int, message: str) -> None:
    """
    Warn, with the place of a caller, from whatever thread or worker.

    Parameters
    ----------
    place, process
        Of the caller: the line, and the number of its process.
    message
        Of the warning.
    """
    if os.getpid() == process or "distributed" not in sys.modules:
        with printed_once():
            warnings.warn_explicit(message, SunpyUserWarning, *place)
    else:
        import distributed

        # The clients of the cluster warn.
        distributed.warn(message, SunpyUserWarning)
