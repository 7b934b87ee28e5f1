"""The list of buckets: HelioCloud's registry, or a copy of it while it cannot be read."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib.resources import files

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.cache_file import DamagedEntry, Entry
from sunpy_heliocloud.io.location import LocationError, given_location, remote_location, trust_of
from sunpy_heliocloud.net.documents import Document, last_copy, parsed
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.json_object import objects, parse_object
from sunpy_heliocloud.text import inert

__all__ = ["Registry", "bucket_urls", "read_registry"]

REGISTRY_URL = "http://heliocloud.org/catalog/HelioDataRegistry.json"
REMEDY = (
    " To search without it, set the environment variable ROOT_CATALOG_REGISTRY_URL to the URL of another registry, "
    "or name a bucket in the query: a.heliocloud.Bucket('s3://gov-nasa-hdrl-data1/')."
)
# Seconds without a new request after the registry could not be read: otherwise a server that hangs delays
# every search.
GIVEN_UP_FOR = 300.0

# URLs of the buckets, with a slash at the end, and the errors of invalid URLs.
type Registry = tuple[list[str], list[CatalogError]]

_given_up: dict[str, tuple[float, Exception]] = {}


def bucket_urls() -> Registry:
    """
    The buckets in HelioCloud's registry.

    The registry is at the URL in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, or at its usual place. If
    it cannot be read, the last copy that was read is used, or else, for the registry at its usual place, the
    copy in the package. A warning says which copy, and how old it is.

    Returns
    -------
    tuple
        Their URLs, with a slash at the end, and the errors of invalid URLs in the registry.

    Raises
    ------
    CatalogError
        If the registry cannot be read or has no valid bucket, and there is no copy.
    """
    url = os.environ.get("ROOT_CATALOG_REGISTRY_URL") or REGISTRY_URL
    when, error = _given_up.get(url, (0.0, None))
    if error is not None and time.monotonic() - when < GIVEN_UP_FOR and (copy := _copy(url, error)):
        return copy
    try:
        registry = read_registry(url)
    except (CatalogError, LimitError) as e:
        copy = _copy(url, e)
        if copy is None:
            raise
        _given_up[url] = time.monotonic(), e
        return copy
    _given_up.pop(url, None)
    return registry


def read_registry(url: str) -> Registry:
    """
    The buckets in a registry, from its server.

    Parameters
    ----------
    url
        Of the registry.

    Raises
    ------
    CatalogError
        If it cannot be read, or has no valid bucket.
    """
    try:
        trusted = trust_of(given_location(url))
        return parsed(url, _buckets, remedy=REMEDY, trusted=trusted)
    except FileNotFoundError as e:
        raise CatalogError(f"{inert(url)} does not exist. Check the address.{REMEDY}") from e
    except LocationError as e:
        raise CatalogError(f"The registry of buckets cannot be read: {e}.{REMEDY}") from e


def _buckets(document: Document) -> Registry:
    buckets: dict[str, None] = {}
    errors = []
    items = objects(parse_object(document, REMEDY).get("registry"))
    limits.check("buckets", len(items), inert(document.url))
    for item in items:
        if "endpoint" in item:
            try:
                buckets[f"{str(remote_location(item['endpoint'])).rstrip('/')}/"] = None
            except LocationError as e:
                errors.append(CatalogError(f"{inert(document.url)} has an 'endpoint' that is no bucket: {e}"))
    if not buckets:
        reason = f" ({errors[0]})" if errors else ""
        raise CatalogError(
            f"{inert(document.url)} names no buckets: expected 'registry', a list with an 'endpoint' each{reason}.{REMEDY}"
        )
    return list(buckets), errors


def _copy(url: str, error: Exception) -> Registry | None:
    """The copy of the registry, with a warning."""
    copies: list[tuple[str, Callable[[], Document | None]]] = [("was read", lambda: last_copy(url))]
    if url == REGISTRY_URL:
        copies.append(("came with this version of sunpy_heliocloud and was made", _shipped))
    for origin, find in copies:
        try:
            document = find()
            if document is not None:
                registry = _buckets(document)
                age = _age(time.time() - document.entry.checked)
                warn_user(f"The registry of buckets is replaced by a copy that {origin} {age} ago. {error}")
                return registry
        except (CatalogError, DamagedEntry, LimitError, LocationError):
            continue
    return None


def _shipped() -> Document:
    data = (files("sunpy_heliocloud.net") / "registry.json").read_bytes()
    entry = Entry.new(REGISTRY_URL, data, etag="")
    modification = parse_object(Document(REGISTRY_URL, entry))["modification"]
    return Document(REGISTRY_URL, replace(entry, checked=datetime.fromisoformat(modification).timestamp()))


def _age(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
