"""File systems for writing, and HTTP addresses of objects for programs without S3 support."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.location import LocalLocation, LocationError, S3Location, given_location

if TYPE_CHECKING:
    import s3fs
    from fsspec import AbstractFileSystem

__all__ = ["filesystem", "https_url", "s3_filesystem"]


def filesystem(
    url: str, storage_options: Mapping[str, Any] | None = None
) -> "tuple[AbstractFileSystem, str]":
    """
    The file system of a bucket or folder that the caller names, and the path of the URL on it.

    Parameters
    ----------
    url
        ``s3://`` or a local path.
    storage_options
        For `s3fs.S3FileSystem`.

    Returns
    -------
    tuple
        The filesystem and the path.

    Raises
    ------
    LocationError
        For other URLs (a `ValueError`).
    """
    match given_location(url):
        case S3Location(bucket, key):
            files = s3_filesystem(**Access.of(storage_options).filesystem_options)
            return files, f"{bucket}/{key}".rstrip("/")
        case LocalLocation(path):
            return LocalFileSystem(), path
    raise LocationError(f"{url!r} cannot be written to: expected s3://bucket/key or a path")


def s3_filesystem(**options: Any) -> "s3fs.S3FileSystem":
    """
    The file system of buckets, for credentials, listings and writing; objects of public buckets are read without it.

    Raises
    ------
    ImportError
        When s3fs, an extra, is not installed.
    """
    try:
        import s3fs  # only here: it takes a third of a second
    except ImportError as error:
        raise ImportError(
            'credentials for S3, and folders and stores in S3, need s3fs: pip install "sunpy_heliocloud[s3]", on workers, '
            "too; URLs of public buckets are read without it"
        ) from error
    return s3fs.S3FileSystem(**options)


def https_url(url: str) -> str:
    """
    The HTTP address of an object in a public bucket, for programs without S3 support.

    Parameters
    ----------
    url
        ``s3://bucket/key``. Any other URL is unchanged.

    Returns
    -------
    str
        Its address at the endpoint in ``AWS_ENDPOINT_URL_S3`` if that is set, else at Amazon.

    Raises
    ------
    LocationError
        If the URL is refused (a `ValueError`).
    """
    location = given_location(url)
    if isinstance(location, S3Location):
        return str(location.at(os.environ.get("AWS_ENDPOINT_URL_S3")))
    return url
