"""A file that is to be downloaded: where to, and how it is known to be whole."""

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np

import astropy.units as u

from sunpy.net.base_client import QueryResponseRow
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.filesystem import https_url

__all__ = ["WantedFile"]

# By the name in lower case without hyphens, since catalogues write sha3-256 and SHA_256. The digests of shake_128 and its
# like have no length of their own, so that nobody knows what was meant.
ALGORITHMS = {
    re.sub("[-_]", "", name): name
    for name in sorted(hashlib.algorithms_guaranteed)
    if hashlib.new(name, usedforsecurity=False).digest_size
} | {"sha": "sha1"}
# Index columns of the same names do not change what these mean in a path.
FIXED_FIELDS = ("Start time", "End time", "Instrument", "Wavelength", "Dataset", "Size", "Provider")


class WantedFile(NamedTuple):
    """
    A file to download.

    Attributes
    ----------
    url
        Its https address.
    target
        Where it is to be.
    partial
        Where it is until it is complete.
    size
        Bytes, or None if the catalogue does not say.
    checksum
        Algorithm and digest, both empty if the catalogue does not say.
    """

    url: str
    target: Path
    partial: Path
    size: int | None
    checksum: tuple[str, str]

    @classmethod
    def of(cls, row: QueryResponseRow, template: str) -> "WantedFile":
        """The file of a row of a table, where a template with ``{file}`` and names of columns puts it."""
        url = str(row["URL"])
        if not re.match(r"https?://|s3://[^/]+/.", url):
            raise ValueError(f"The catalogue has a file at {url!r}: expected s3://bucket/key or https://...")
        target = _path(template, {**_path_fields(row), "file": _file_name(url)})
        # Not the name and more, which may be too long.
        partial = target.with_name(f".{uuid4().hex}.part")
        size = None if np.isnan(row["Size"]) else round(row["Size"].to_value(u.byte))
        return cls(https_url(url), target, partial, size, _checksum(row))

    def is_whole(self) -> bool:
        """Whether it is there already."""
        if not self.target.exists():
            return False
        return self.difference(self.target) is None

    def difference(self, path: Path) -> str | None:
        """What is wrong with a file, if anything is."""
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


def _file_name(url: str) -> str:
    """The last part of a URL, with ``_`` for what is not allowed in names of files on any system."""
    path = url if url.startswith("s3://") else urlsplit(url).path
    name = re.sub(r"[\x00-\x1f\\:*?\"<>|]", "_", path.rpartition("/")[2])
    if name in ("", ".", ".."):
        raise ValueError(f"The catalogue has a file at {url!r}, whose last part is not the name of a file")
    return name


def _path(template: str, fields: dict[str, Any]) -> Path:
    try:
        return Path(template.format(**fields))
    except (LookupError, ValueError, TypeError, AttributeError) as e:
        raise ValueError(
            f"The path {template!r} cannot be filled in ({type(e).__name__}: {e}): expected names in braces, which are "
            f"{', '.join(f'{{{name}}}' for name in sorted(fields))}"
        ) from e


def _path_fields(row: QueryResponseRow) -> dict[str, Any]:
    """What a path template may name. Nothing from the catalogue leads out of the folder."""
    fields = {name: value for name, value in row.response_block_map.items() if name != "url"}
    fields |= {name.casefold().replace(" ", "_"): row[name] for name in FIXED_FIELDS if name in row.colnames}
    return {
        name: re.sub(r"[/\\]|^\.+$", "_", value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


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
        warn_user(f"The checksum of {row['URL']} is not verified: its algorithm {asked!r} is not known here")
        return "", ""
    return algorithm, digest
