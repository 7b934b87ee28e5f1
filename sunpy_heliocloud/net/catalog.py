"""
Which data sets there are: the registry of buckets, and the catalogue of each bucket.

References
----------
* `The CloudCatalog specification <https://github.com/heliocloud-data/cloudcatalog>`__
"""

import difflib
import hashlib
import json
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.location import given_location, trust_of
from sunpy_heliocloud.net.documents import Document, parsed
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.http import CatalogError, in_parallel, is_remote

__all__ = ["bucket_urls", "catalog_entries", "match", "similar"]

REGISTRY_URL = "http://heliocloud.org/catalog/HelioDataRegistry.json"
UNAVAILABLE = "1400"
# What versions 0.1 and 0.2 of the specification called the fields of an entry.
OLD_NAMES = {
    "loc": "index",
    "startDate": "start",
    "stopDate": "stop",
    "indexFormat": "indextype",
    "fileFormat": "filetype",
    "aboutURL": "about",
}


def bucket_urls() -> list[str]:
    """
    The buckets in HelioCloud's registry.

    The registry is at the URL in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, or at its usual place.

    Returns
    -------
    list of str
        Their URLs, as far as what the registry says is one.

    Raises
    ------
    CatalogError
        If the registry cannot be read.
    """
    url = os.environ.get("ROOT_CATALOG_REGISTRY_URL") or REGISTRY_URL
    remedy = (
        " To do without it, set the environment variable ROOT_CATALOG_REGISTRY_URL to the URL of another registry, "
        "or name a bucket in the query: a.heliocloud.Bucket('s3://gov-nasa-hdrl-data1/')."
    )
    registry, _ = _read_json(url, remedy, trusted=_origin(url))
    endpoints = [
        item["endpoint"] for item in _dicts(registry.get("registry")) if isinstance(item.get("endpoint"), str)
    ]
    buckets = list(dict.fromkeys(_folder(endpoint) for endpoint in endpoints))
    if not buckets:
        raise CatalogError(
            f"{url} names no buckets: expected 'registry', a list with an 'endpoint' each.{remedy}"
        )
    return buckets


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
        The data sets, and what is wrong with the buckets that have no readable catalogue.

    Raises
    ------
    CatalogError
        If the registry cannot be read.
    """

    def attempt(bucket: str) -> list[Entry] | CatalogError:
        try:
            # Only a user may name a folder of this machine.
            if not is_remote(bucket) and (named is None or "://" in bucket):
                whose = "HelioCloud's registry names" if named is None else "The query names"
                raise CatalogError(
                    f"{whose} a bucket {bucket!r}: expected s3:// or https:// and the name of a bucket or server"
                )
            return _read_catalog(bucket, trusted=_origin(named) if named else frozenset())
        except CatalogError as e:
            return e

    results = in_parallel(attempt, bucket_urls() if named is None else [_folder(named)])
    entries = [entry for result in results if isinstance(result, list) for entry in result]
    return entries, [result for result in results if isinstance(result, CatalogError)]


def _folder(url: str) -> str:
    """Make the address of a bucket end in one slash; what is none stays as it is, to be named in an error."""
    return url if url in ("", "/") or url.endswith("://") else f"{url.rstrip('/')}/"


def _read_catalog(bucket: str, trusted: frozenset[str]) -> list[Entry]:
    url = f"{bucket}catalog.json"
    content, version = _read_json(url, trusted=trusted)
    _check_status(content.get("status"), url)
    if not isinstance(content.get("catalog"), list):
        raise CatalogError(
            f"{url} lists no data sets: expected 'catalog', a list. Is it the catalogue of a bucket?"
        )
    named = [item for item in _dicts(content["catalog"]) if isinstance(item.get("id"), str) and item["id"]]
    nameless = len(content["catalog"]) - len(named)
    if nameless:
        warn_user(
            f"{url} has {nameless} of {len(content['catalog'])} entries without an id, which are left out"
        )
    return [_entry(item, bucket, version, trusted) for item in named]


def _check_status(status: Any, url: str) -> None:
    code, message = (
        (status.get("code"), status.get("message")) if isinstance(status, dict) else (status, status)
    )
    if str(code).startswith(UNAVAILABLE):
        raise CatalogError(f"{url} says that the bucket is closed for now: {message}. Try again later.")


def _entry(item: dict, bucket: str, version: str, trusted: frozenset[str]) -> Entry:
    item = {new: item[old] for old, new in OLD_NAMES.items() if old in item} | item
    return Entry(
        id=item["id"],
        bucket=bucket,
        index=f"{str(item.get('index') or bucket).rstrip('/')}/",
        indextype=str(item.get("indextype") or "csv").casefold(),
        multiyear=str(item.get("multiyear")).casefold() == "true",
        metadata=item,
        catalog_version=version,
        trusted=trusted,
    )


def _read_json(url: str, remedy: str = "", *, trusted: frozenset[str]) -> tuple[dict, str]:
    """A JSON object, and a digest of the document."""

    def parse(document: Document) -> tuple[dict, str]:
        try:
            content = json.loads(bytes(document.data))
        except ValueError as e:
            raise CatalogError(
                f"{url} is not valid JSON ({e}): it is damaged or incomplete. Try again later.{remedy}"
            ) from e
        if not isinstance(content, dict):
            raise CatalogError(f"{url} holds a JSON {type(content).__name__}: expected an object.{remedy}")
        return content, hashlib.sha256(document.data).hexdigest()

    try:
        return parsed(url, parse, remedy=remedy, trusted=trusted)
    except FileNotFoundError as e:
        raise CatalogError(f"{url} does not exist. Check the address.{remedy}") from e


def _origin(url: str) -> frozenset[str]:
    """The server that a user, or this package, has named."""
    return trust_of(given_location(url))


def _dicts(items: Any) -> list[dict]:
    """The objects of a JSON list; what is not what the specification says is nothing that we could use."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def match(entries: Sequence[Entry], name: str) -> list[Entry]:
    """
    The data sets that a name means.

    Parameters
    ----------
    entries
        What there is.
    name
        An id, a glob, or a family: an instrument, or the first word of the ids. Case does not matter.

    Returns
    -------
    list of Entry
        Those with that id; if there are none, those that match.
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
    The ids and instruments that a name which matches nothing may have meant, the closest first.

    Those are names that are spelt alike, and ids that contain it or whose spacecraft is called so.
    """
    name = name.casefold()
    names = {known.casefold(): known for entry in entries for known in (entry.id, entry.instrument) if known}
    alike = [names[known] for known in difflib.get_close_matches(name, names, n=5, cutoff=0.6)]
    related = [
        entry.id for entry in entries if name in entry.id.casefold() or name in entry.source.casefold()
    ]
    return list(dict.fromkeys([*alike, *related]))[:5]
