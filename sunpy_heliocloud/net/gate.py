"""Checks of the URLs in catalogues and indexes."""

import os
import re

import numpy as np

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.location import (
    Location,
    LocationError,
    S3Location,
    remote_location,
)
from sunpy_heliocloud.net.rows import Rows
from sunpy_heliocloud.text import inert

__all__ = ["RowGate", "file_location", "named_location"]

# The form of nearly all URLs: plain characters, no segment that begins with a dot, and less than the longest
# key.
_USUAL = re.compile(
    r"s3://[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9._+=-]{0,99}){1,9}"
).fullmatch


class RowGate:
    """
    Leaves out the rows of a search whose URLs are refused, and counts them.

    Attributes
    ----------
    refused : dict
        The reason for each URL that was refused.
    """

    def __init__(self) -> None:
        self.refused: dict[str, LocationError] = {}

    def admit(self, rows: Rows, trusted: frozenset[str]) -> Rows:
        """
        The rows whose files may be read.

        Parameters
        ----------
        rows
            Rows of the indexes of a data set.
        trusted
            Servers and folders that the caller has named.

        Returns
        -------
        Rows
            The accepted rows, unchanged.
        """
        odd = [i for i, usual in enumerate(map(_USUAL, rows.url)) if usual is None]
        refused = [i for i in odd if not self._admits(rows.url[i], trusted)]
        return rows.take(np.delete(np.arange(len(rows.url)), refused)) if refused else rows

    def warn(self) -> None:
        """Warn of the number of files that are left out, and name the first."""
        if self.refused:
            n, first = len(self.refused), next(iter(self.refused.values()))
            files = "1 file is left out, since its URL in the catalogue is refused:"
            if n > 1:
                files = f"{n} files are left out, since their URLs in the catalogue are refused. The first:"
            warn_user(f"{files} {first}. Tell the contact of the data set (sunpy_heliocloud.net.datasets)")

    def _admits(self, url: str, trusted: frozenset[str]) -> bool:
        if url in self.refused:
            return False
        try:
            file_location(url, trusted)
        except LocationError as e:
            self.refused[url] = e
            return False
        return True


def named_location(url: str, trusted: frozenset[str]) -> Location:
    """
    The location of a URL in a catalogue or an index.

    Parameters
    ----------
    url
        What it says.
    trusted
        Servers and folders that the caller has named.

    Raises
    ------
    LocationError
        If the URL is refused. Relative paths are refused, since they would depend on the current folder.
    """
    if isinstance(url, str) and "://" not in url and not os.path.isabs(url):
        raise LocationError(f"{inert(url)!r} is no address: expected s3://bucket/key or https://host/path")
    return remote_location(url, trusted)


def file_location(url: str, trusted: frozenset[str]) -> Location:
    location = named_location(url, trusted)
    if isinstance(location, S3Location) and not location.key:
        raise LocationError(f"{inert(url)!r} names a bucket: expected s3://bucket/key")
    return location
