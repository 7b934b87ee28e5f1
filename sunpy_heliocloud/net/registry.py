"""Which buckets there are: HelioCloud's registry, or a copy of it while it cannot be read."""

import os

from sunpy_heliocloud.io.location import LocationError, given_location, remote_location, trust_of
from sunpy_heliocloud.net.documents import parsed
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.json_object import objects, parse_object
from sunpy_heliocloud.text import inert

__all__ = ["bucket_urls"]

REGISTRY_URL = "http://heliocloud.org/catalog/HelioDataRegistry.json"


def bucket_urls() -> tuple[list[str], list[CatalogError]]:
    """
    The buckets in HelioCloud's registry.

    The registry is at the URL in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, or at its usual place.

    Returns
    -------
    tuple
        Their URLs, with a slash at the end, and what is wrong with those of the registry that are none.

    Raises
    ------
    CatalogError
        If the registry cannot be read, or names no bucket that can be.
    """
    url = os.environ.get("ROOT_CATALOG_REGISTRY_URL") or REGISTRY_URL
    remedy = (
        " To do without it, set the environment variable ROOT_CATALOG_REGISTRY_URL to the URL of another registry, "
        "or name a bucket in the query: a.heliocloud.Bucket('s3://gov-nasa-hdrl-data1/')."
    )
    try:
        registry = parsed(
            url,
            lambda document: parse_object(document, remedy),
            remedy=remedy,
            trusted=trust_of(given_location(url)),
        )
    except FileNotFoundError as e:
        raise CatalogError(f"{inert(url)} does not exist. Check the address.{remedy}") from e
    buckets, errors = _usable(registry, url)
    if not buckets:
        reason = f" ({errors[0]})" if errors else ""
        raise CatalogError(
            f"{inert(url)} names no buckets: expected 'registry', a list with an 'endpoint' each{reason}.{remedy}"
        )
    return buckets, errors


def _usable(registry: dict, url: str) -> tuple[list[str], list[CatalogError]]:
    buckets: dict[str, None] = {}
    errors = []
    for item in objects(registry.get("registry")):
        if "endpoint" in item:
            try:
                buckets[f"{str(remote_location(item['endpoint'])).rstrip('/')}/"] = None
            except LocationError as e:
                errors.append(CatalogError(f"{inert(url)} has an 'endpoint' that is no bucket: {e}"))
    return list(buckets), errors
