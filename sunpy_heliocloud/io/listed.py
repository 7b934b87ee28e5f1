"""Objects in S3 that a folder or a glob of the caller stands for."""

from collections.abc import Mapping
from typing import Any

from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.filesystem import filesystem
from sunpy_heliocloud.io.named_files import SUFFIXES, WILD
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["is_listed", "listed"]


def is_listed(url: str) -> bool:
    """Whether a URL that the caller names may stand for several objects."""
    return url.startswith("s3://") and (url.endswith("/") or not WILD.isdisjoint(url))


def listed(url: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    """
    The objects that match a glob, or the FITS files of a folder.

    Parameters
    ----------
    url
        ``s3://bucket/folder/``, or with ``*``, ``?``, ``[...]`` or ``**`` in the key. A key in which these stand for
        themselves is found if nothing matches.
    storage_options
        For `s3fs.S3FileSystem`.

    Returns
    -------
    list of str
        In the order of names.

    Raises
    ------
    ReadError
        When the bucket cannot be listed.
    FileNotFoundError
        When a folder has no FITS file.
    """
    is_folder = url.endswith("/")
    found = attempt(f"Could not list {shown_url(url)}", lambda: _names(url, is_folder, storage_options))
    if isinstance(found, ReadError):
        raise found
    if is_folder and not found:
        raise FileNotFoundError(f"there is no FITS file in the folder {inert(url)!r}")
    return [f"s3://{name}" for name in found] or [url]


def _names(url: str, is_folder: bool, storage_options: Mapping[str, Any] | None) -> list[str]:
    files, path = filesystem(url, storage_options)
    if not is_folder:
        return sorted(files.glob(path))
    try:
        names = files.ls(path, detail=False)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.lower().endswith(SUFFIXES))
