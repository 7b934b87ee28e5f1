"""The files that a caller names: a file, a folder or a glob."""

import glob
import os
from pathlib import Path

from sunpy_heliocloud.io.location import (
    HTTPLocation,
    LocalLocation,
    LocationError,
    S3Location,
    given_location,
)
from sunpy_heliocloud.text import inert

__all__ = ["SUFFIXES", "WILD", "named_files", "same_file"]

_FITS = b"SIMPLE  ="
SUFFIXES = tuple(f"{suffix}{packed}" for suffix in (".fits", ".fts", ".fit") for packed in ("", ".gz", ".fz"))
WILD = frozenset("*?[")


def named_files(name: str) -> list[str]:
    """
    What the caller names, paths absolute.

    Parameters
    ----------
    name
        A URL or path. A folder stands for the FITS files in it, not for those in folders within; a glob for the files,
        and the FITS files of folders, that match, ``**`` for folders within folders. Files whose names begin with a
        dot are left out. Names of remote files are unchanged.

    Returns
    -------
    list of str
        In the order of names. A URL that is refused is unchanged: it is an error of its frame, when it is opened.

    Raises
    ------
    FileNotFoundError
        When a folder has no FITS file, or a glob matches nothing.
    """
    try:
        location = given_location(name)
    except LocationError:
        return [name]
    if not isinstance(location, LocalLocation):
        return [str(location)]
    path = Path(location.path)
    if path.is_dir():
        found, what = _fits_files(path), "folder"
    elif not path.exists() and not WILD.isdisjoint(location.path):
        matches = map(Path, sorted(glob.glob(location.path, recursive=True)))
        found, what = [file for match in matches for file in _files_at(match)], "glob"
    else:
        return [str(location)]
    if not found:
        nothing = "nothing matches the glob" if what == "glob" else "there is no FITS file in the folder"
        deep = os.path.join(path.parent if what == "glob" else path, "**", "*.fits")
        raise FileNotFoundError(
            f"{nothing} {inert(name)!r}; folders within it are not searched, but {inert(deep)!r} finds their files too"
        )
    return [str(file) for file in found]


def _files_at(path: Path) -> list[Path]:
    """A file that a glob matches, whatever is in it, or the FITS files of a folder."""
    return _fits_files(path) if path.is_dir() else [path]


def _fits_files(folder: Path) -> list[Path]:
    """Those whose first bytes or names are those of FITS files: notes and tables lie beside them."""
    return [
        path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "." and _is_fits(path)
    ]


def _is_fits(path: Path) -> bool:
    if path.name.lower().endswith(SUFFIXES):
        return True  # else a damaged file would be left out, and nobody would see it
    with open(path, "rb") as file:
        return file.read(len(_FITS)) == _FITS


def same_file(url: str, endpoint: str | None) -> str:
    """
    Equal for names of one file: a path and a link to it, ``s3://bucket/key`` and its address over https.

    Parameters
    ----------
    url
        As the caller or a catalogue says.
    endpoint
        URL of the S3 server; `None` is Amazon's.
    """
    try:
        location = given_location(url)
    except LocationError:
        return url
    match location:
        case LocalLocation(path):
            return os.path.realpath(path)
        case S3Location():
            return str(location.at(endpoint))
        case HTTPLocation():
            return str(location)
