"""Which file system a caller's URL names, with which options."""

import os
import re
from collections.abc import Mapping
from typing import Any

from sunpy_heliocloud.arguments import mapping
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.location import LocalLocation, LocationError, S3Location, given_location
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["place_of"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


_EXPECTED = "expected a path, s3://bucket/key or a URL of an installed file system of fsspec"
_READ_ONLY = ("http", "https")


def place_of(
    store: str | os.PathLike, storage_options: Mapping[str, Any] | None, *, writable: bool
) -> tuple[str, str, str, Mapping[str, Any]]:
    """
    URL, path, protocol and options of a `~sunpy_heliocloud.store.place.Place`.

    Paths and S3 go through the gate of all URLs, with the endpoint and the credentials of all requests. Other schemes
    are fsspec's.

    Raises
    ------
    LocationError
        When there is no such file system, or it is to be written to and cannot.
    TypeError
        When options are no dictionary.
    OSError
        When it cannot be reached, or is a file.
    """
    if not isinstance(store, (str, os.PathLike)) or not str(store).strip():
        raise LocationError(
            f"a store is a path or a URL, such as 's3://bucket/key', not {inert(repr(store))}"
        )
    options = mapping("storage_options", storage_options, "{'key': ..., 'secret': ...}")
    url = os.fspath(store)
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.casefold() in ("file", "s3"):
        match given_location(url):
            case S3Location(bucket, key) as location if key.strip("/"):
                access = Access.of(storage_options).filesystem_options
                return str(location).rstrip("/"), f"{bucket}/{key}".rstrip("/"), "s3", access
            case LocalLocation(path):
                if os.path.isfile(path):
                    raise NotADirectoryError(
                        f"store is {inert(path)!r}, but that is a file; a store is a folder, so choose another name"
                    )
                return path, path, "", {}
        raise LocationError(f"{inert(url)!r} has no key: expected s3://bucket/key")
    if _CONTROL.search(url):
        raise LocationError(f"{inert(url)!r} has control characters: expected a path or a URL")
    if writable and scheme.casefold() in _READ_ONLY:
        raise LocationError(
            f"store is {shown_url(url)!r}, but web servers are only read; save to a path or s3://bucket/key (AWS_ENDPOINT_URL_S3 "
            "names another server of S3)"
        )
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(url, **options)
    except (ValueError, TypeError, ImportError) as error:
        raise LocationError(
            f"{shown_url(url)!r} names no file system that can be used here ({inert(error)}): {_EXPECTED}"
        ) from error
    except OSError as error:  # of a file system that connects when it is made
        raise OSError(
            f"{shown_url(url)!r} names a file system that cannot be opened ({inert(error)}): {_EXPECTED}"
        ) from error
    protocol = files.protocol if isinstance(files.protocol, str) else files.protocol[0]
    if protocol == "local":
        raise LocationError(f"{inert(url)!r} is a chain of URLs to a file: expected its path")
    return url.rstrip("/"), path.rstrip("/"), protocol, dict(files.storage_options)
