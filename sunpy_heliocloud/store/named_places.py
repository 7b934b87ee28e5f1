"""Which file system a caller's URL names, with which options."""

import os
import re
from collections.abc import Mapping
from typing import Any

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.location import LocalLocation, LocationError, S3Location, given_location
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["place_of"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def place_of(
    store: str | os.PathLike, storage_options: Mapping[str, Any] | None
) -> tuple[str, str, str, Mapping[str, Any]]:
    """
    URL, path, protocol and options of a `~sunpy_heliocloud.store.place.Place`.

    Paths and S3 go through the gate of all URLs, with the endpoint and the credentials of all requests. Other schemes
    are fsspec's.

    Raises
    ------
    LocationError
        When there is no such file system.
    """
    if not isinstance(store, (str, os.PathLike)):
        raise LocationError(
            f"a store is a path or a URL, such as 's3://bucket/key', not {inert(repr(store))}"
        )
    url = os.fspath(store)
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.casefold() in ("file", "s3"):
        match given_location(url):
            case S3Location(bucket, key) as location if key.strip("/"):
                options = Access.of(storage_options).filesystem_options
                return str(location).rstrip("/"), f"{bucket}/{key}".rstrip("/"), "s3", options
            case LocalLocation(path):
                return path, path, "", {}
        raise LocationError(f"{inert(url)!r} has no key: expected s3://bucket/key")
    if _CONTROL.search(url):
        raise LocationError(f"{inert(url)!r} has control characters: expected a path or a URL")
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(url, **(storage_options or {}))
    except (ValueError, ImportError) as error:
        raise LocationError(
            f"{shown_url(url)!r} names no file system that can be used here ({inert(error)}): expected a path, "
            "s3://bucket/key or a URL of an installed file system of fsspec"
        ) from error
    protocol = files.protocol if isinstance(files.protocol, str) else files.protocol[0]
    if protocol == "local":
        raise LocationError(f"{inert(url)!r} is a chain of URLs to a file: expected its path")
    return url.rstrip("/"), path.rstrip("/"), protocol, dict(files.storage_options)
