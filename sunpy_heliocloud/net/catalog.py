"""
The list of data sets: the catalogues of the buckets.

References
----------
* `The CloudCatalog specification <https://github.com/heliocloud-data/cloudcatalog>`__
"""

import difflib
import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeGuard

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.location import LocationError, given_location, trust_of
from sunpy_heliocloud.net.documents import parsed
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.http import CatalogError, in_parallel
from sunpy_heliocloud.net.json_object import objects, parse_object, scalar_text
from sunpy_heliocloud.net.registry import bucket_urls
from sunpy_heliocloud.text import inert

__all__ = ["catalog_entries", "entry_of", "is_id", "match", "similar"]

UNAVAILABLE = "1400"
LONGEST_ID = 200
# Names of the fields of an entry in versions 0.1 and 0.2 of the specification.
OLD_NAMES = {
    "loc": "index",
    "startDate": "start",
    "stopDate": "stop",
    "indexFormat": "indextype",
    "fileFormat": "filetype",
    "aboutURL": "about",
}


def catalog_entries(named: str | None = None) -> tuple[list[Entry], list[CatalogError]]:
    """
    The data sets in buckets.

    Parameters
    ----------
    named
        URL or local path of the only bucket, which a user has named; by default, all in the registry.

    Returns
    -------
    tuple
        The data sets, and the errors of buckets without a readable catalogue.

    Raises
    ------
    CatalogError
        If the registry cannot be read.
    """

    try:
        location = None if named is None else given_location(named)
    except LocationError as e:
        return [], [CatalogError(f"The query names a bucket that cannot be one: {e}")]
    buckets, errors = bucket_urls() if location is None else ([_folder(str(location))], [])
    trusted = frozenset() if location is None else trust_of(location)

    def attempt(bucket: str) -> list[Entry] | CatalogError:
        try:
            return _read_catalog(bucket, trusted)
        except CatalogError as e:
            return e
        except LimitError as e:
            return CatalogError(str(e))

    results = in_parallel(attempt, buckets)
    entries = [entry for result in results if isinstance(result, list) for entry in result]
    return entries, [*errors, *(result for result in results if isinstance(result, CatalogError))]


def _folder(url: str) -> str:
    return f"{url.rstrip('/')}/"


def _read_catalog(bucket: str, trusted: frozenset[str]) -> list[Entry]:
    url = f"{bucket}catalog.json"
    try:
        content, version = parsed(
            url,
            lambda document: (parse_object(document), hashlib.sha256(document.data).hexdigest()),
            trusted=trusted,
        )
    except FileNotFoundError as e:
        raise CatalogError(f"{inert(url)} does not exist. Check the address.") from e
    _check_status(content.get("status"), url)
    items = content.get("catalog")
    if not isinstance(items, list):
        raise CatalogError(
            f"{inert(url)} lists no data sets: expected 'catalog', a list. Is it the catalogue of a bucket?"
        )
    limits.check("datasets", len(items), inert(url))
    named = [item for item in objects(items) if is_id(item.get("id"))]
    if len(named) < len(items):
        first = next(item for item in items if not (isinstance(item, dict) and is_id(item.get("id"))))
        warn_user(
            f"{inert(url)} has {len(items) - len(named)} of {len(items)} entries without a usable 'id', which are left "
            f"out. The first is {inert(first)}; expected a printable text of at most {LONGEST_ID} characters"
        )
    egress = inert(scalar_text(content.get("egress")))
    return [entry_of(item, bucket, version, trusted, egress) for item in named]


def is_id(value: Any) -> TypeGuard[str]:
    """Whether a text is a valid id, for messages, tables and file names."""
    return isinstance(value, str) and 0 < len(value) and inert(value, LONGEST_ID) == value


def _check_status(status: Any, url: str) -> None:
    code, message = (
        (status.get("code"), status.get("message")) if isinstance(status, dict) else (status, status)
    )
    if scalar_text(code).startswith(UNAVAILABLE):
        raise CatalogError(
            f"{inert(url)} says that the bucket is closed for now: {inert(message)}. Try again later."
        )


def entry_of(item: dict[str, Any], bucket: str, version: str, trusted: frozenset[str], egress: str) -> Entry:
    item = {new: item[old] for old, new in OLD_NAMES.items() if old in item} | item
    index = item.get("index") or bucket
    return Entry(
        id=item["id"],
        bucket=bucket,
        # A value that is not a text is not a valid URL; the error is raised when the index is read.
        index=_folder(index if isinstance(index, str) else inert(index)),
        indextype=(scalar_text(item.get("indextype")) or "csv").casefold(),
        multiyear=scalar_text(item.get("multiyear")).casefold() == "true",
        metadata=item,
        catalog_version=version,
        trusted=trusted,
        egress=egress,
    )


def match(entries: Sequence[Entry], name: str) -> list[Entry]:
    """
    The data sets that match a name.

    Parameters
    ----------
    entries
        All data sets.
    name
        An id, a glob, or a family: an instrument, or the first word of the ids. Case does not matter.

    Returns
    -------
    list of Entry
        The data sets with that id, or else those that match the glob or family.
    """
    name = name.casefold()
    exact = [entry for entry in entries if entry.id.casefold() == name]
    return exact or [
        entry
        for entry in entries
        if fnmatchcase(entry.id.casefold(), name) or name in (entry.instrument.casefold(), entry.words[0])
    ]


def similar(entries: Sequence[Entry], name: str) -> list[str]:
    """
    Ids and instruments that are similar to a name without a match, the closest first.

    Similar are names with almost the same spelling, ids that contain the name, and ids of a spacecraft of
    that name.
    """
    name = name.casefold()
    names = {known.casefold(): known for entry in entries for known in (entry.id, entry.instrument) if known}
    alike = [names[known] for known in difflib.get_close_matches(name, names, n=5, cutoff=0.6)]
    related = [
        entry.id for entry in entries if name in entry.id.casefold() or name in entry.source.casefold()
    ]
    return list(dict.fromkeys([*alike, *related]))[:5]
