"""Warnings that point at the line of the caller, whatever lies between."""

import os
import warnings

from sunpy.util.exceptions import SunpyUserWarning

__all__ = ["warn_caller"]

_PACKAGE = (os.path.join(os.path.dirname(__file__), ""),)


def warn_caller(message: str, category: type[Warning] = SunpyUserWarning) -> None:
    """
    Warn, with the place of the first caller outside this package.

    Parameters
    ----------
    message, category
        Of the warning.
    """
    warnings.warn(message, category, stacklevel=2, skip_file_prefixes=_PACKAGE)
