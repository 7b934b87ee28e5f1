"""A file to download: its paths on disk, its size and its checksum."""

import hashlib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import numpy as np

import astropy.units as u

from sunpy.net.base_client import QueryResponseRow
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.location import (
    HTTPLocation,
    LocalLocation,
    LocationError,
    S3Location,
    remote_location,
)
from sunpy_heliocloud.net.file_name import allowed, distinct, safe_name, shortened
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["WantedFile", "is_part_of"]

# By the name in lower case without hyphens, since catalogues contain sha3-256 and SHA_256. Algorithms without
# a fixed length of digests, such as shake_128, are left out, since the intended length is unknown.
ALGORITHMS = {
    re.sub("[-_]", "", name): name
    for name in sorted(hashlib.algorithms_guaranteed)
    if hashlib.new(name, usedforsecurity=False).digest_size
} | {"sha": "sha1"}
# Index columns of the same names do not change the meaning of these names in a path.
FIXED_FIELDS = ("Start time", "End time", "Instrument", "Wavelength", "Dataset", "Size", "Provider")
BLOCK = 2**20


@dataclass(frozen=True)
class WantedFile:
    """
    A file to download.

    Attributes
    ----------
    location
        Its location on the server.
    base
        The folder that the caller has named: the part of the path template without names of columns.
    plain
        The path with the unchanged file name.
    distinct
        The path with a file name that is unique for the URL, if the template contains ``{file}``.
    size
        Bytes, or None if the catalogue has no size.
    checksum
        Algorithm and digest, both empty if the catalogue has none.
    """

    location: HTTPLocation
    base: Path
    plain: Path
    distinct: Path
    size: int | None
    checksum: tuple[str, str]

    @classmethod
    def of(cls, row: QueryResponseRow, template: str, trusted: Collection[str] = ()) -> Self:
        """
        The file of a row of a table.

        Parameters
        ----------
        row
            Row of the table of a search.
        template
            The path, with ``{file}`` and names of columns.
        trusted
            As for `remote_location`.

        Raises
        ------
        LocationError
            If the row has no URL of a file.
        ValueError
            If the template cannot be filled in.
        """
        url = str(row["URL"])
        location = remote_location(url, trusted)
        if isinstance(location, LocalLocation):
            raise LocationError(f"{inert(url)!r} is a file of this machine: there is nothing to download")
        name = (location.key if isinstance(location, S3Location) else location.path).rpartition("/")[2]
        if not name:
            raise LocationError(f"{shown_url(url)!r} names a folder: expected the URL of a file")
        if isinstance(location, S3Location):
            location = location.at(os.environ.get("AWS_ENDPOINT_URL_S3"))
        fields, parts, name = _path_fields(row), Path(template).parts, safe_name(name)
        return cls(
            location,
            Path(*takewhile(lambda part: "{" not in part, parts[:-1])),
            _path(template, {**fields, "file": name}, url),
            _path(template, {**fields, "file": distinct(name, url)}, url),
            None if np.isnan(row["Size"]) else round(row["Size"].to_value(u.byte)),
            _checksum(row),
        )

    @property
    def url(self) -> str:
        """Its HTTP address, for programs without S3 support."""
        return str(self.location)

    def is_whole(self, path: Path) -> bool:
        """Whether a path holds the complete file."""
        return path.is_file() and self.difference(path) is None

    def difference(self, path: Path) -> str | None:
        """The difference of a file from the catalogue, or an empty result."""
        found = path.stat().st_size
        if self.size not in (None, found):
            return f"it has {found} bytes, and the catalogue says {self.size}"
        algorithm, digest = self.checksum
        if algorithm:
            with path.open("rb") as content:
                is_same = hashlib.file_digest(content, algorithm).hexdigest() == digest
            if not is_same:
                return f"its {algorithm} differs from that in the catalogue"
        return None

    def leaves_base(self, path: Path) -> bool:
        """Whether a symbolic link leads out of the folder that the caller has named."""
        return not path.parent.resolve().is_relative_to(self.base.resolve())


def is_part_of(path: Path, whole: Path) -> bool:
    """Whether a file is a truncated copy of another file, possibly with zeros in missing parts."""
    if not path.is_file() or path.stat().st_size > whole.stat().st_size:
        return False
    with path.open("rb") as some, whole.open("rb") as full:
        while block := some.read(BLOCK):
            found, expected = (np.frombuffer(part, np.uint8) for part in (block, full.read(len(block))))
            if ((found != expected) & (found != 0)).any():
                return False
    return True


def _path(template: str, fields: dict[str, Any], url: str) -> Path:
    try:
        path = Path(template.format(**fields))
    except (LookupError, ValueError, TypeError, AttributeError) as e:
        raise ValueError(
            f"The path {inert(template)!r} cannot be filled in ({type(e).__name__}: {inert(e)}): expected names in "
            f"braces, which are {', '.join(f'{{{inert(name)}}}' for name in sorted(fields))}"
        ) from e
    given = set(Path(template).parts)
    *folders, name = (part if part in given else allowed(part) for part in path.parts)
    return Path(*(shortened(part, part) for part in folders), shortened(name, url))


def _path_fields(row: QueryResponseRow) -> dict[str, Any]:
    """The names in a path template, with values. No text of the catalogue leads out of the folder."""
    fields = {name: value for name, value in row.response_block_map.items() if name != "url"}
    fields |= {name.casefold().replace(" ", "_"): row[name] for name in FIXED_FIELDS if name in row.colnames}
    return {name: safe_name(value) if isinstance(value, str) else value for name, value in fields.items()}


def _checksum(row: QueryResponseRow) -> tuple[str, str]:
    named = {
        name.casefold(): str(row[name]) for name in row.colnames if name.casefold().startswith("checksum")
    }
    digest = named.get("checksum", "").casefold()
    asked = named.get("checksum_algorithm", "")
    algorithm = ALGORITHMS.get(re.sub("[-_]", "", asked.casefold()))
    if not digest:
        return "", ""
    if algorithm is None:
        warn_user(
            f"The checksum of {shown_url(row['URL'])} is not verified: its algorithm {inert(asked)!r} is not known here"
        )
        return "", ""
    return algorithm, digest
