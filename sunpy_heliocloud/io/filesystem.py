"""Filesystems for the URLs of a catalogue: anonymous unless told otherwise, on whatever S3 server is set."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["filesystem", "https_url", "resolve_storage_options"]


def resolve_storage_options(storage_options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    The options that open S3 the same way in every process.

    The endpoint is read from ``AWS_ENDPOINT_URL_S3`` here, once, so that dask workers, which need not share the
    caller's environment, talk to the server that the caller meant. It also keeps apart the filesystems of two
    servers, which `fsspec` would otherwise take for one.

    Parameters
    ----------
    storage_options
        What the caller passes to `s3fs.S3FileSystem`, credentials for example. Anonymous access is the default
        only when nothing in it says who is asking.

    Returns
    -------
    dict
        Options for ``s3://`` URLs; other protocols take none of them.
    """
    resolved = dict(storage_options or {})
    if not resolved.keys() & {"anon", "key", "secret", "token", "profile", "session"}:
        resolved["anon"] = True
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    if endpoint and "endpoint_url" not in resolved:
        resolved["endpoint_url"] = endpoint
    return resolved


def filesystem(
    url: str, storage_options: Mapping[str, Any] | None = None
) -> "tuple[AbstractFileSystem, str]":
    """
    The filesystem that holds ``url``, and the path of ``url`` on it.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or a local path.
    storage_options
        For `s3fs.S3FileSystem`; see `resolve_storage_options`.

    Returns
    -------
    tuple
        The filesystem and the path.
    """
    # A search reads over http and can do without; importing it takes longer than a search.
    import fsspec

    options = resolve_storage_options(storage_options) if url.startswith("s3://") else {}
    return fsspec.core.url_to_fs(url, **options)


def https_url(url: str) -> str:
    """
    Where an object of a public bucket is for programs that know no S3.

    Parameters
    ----------
    url
        ``s3://bucket/key``. Any other URL stays as it is.

    Returns
    -------
    str
        Its address at the endpoint in ``AWS_ENDPOINT_URL_S3`` if that is set, else at Amazon.

    Raises
    ------
    ValueError
        If there is no bucket in it.
    """
    if not url.startswith("s3://"):
        return url
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise ValueError(f"{url!r} names no bucket: expected s3://bucket/key")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{quote(key)}"
    # Names with dots do not fit the certificate of *.s3.amazonaws.com.
    host = f"s3.amazonaws.com/{bucket}" if "." in bucket else f"{bucket}.s3.amazonaws.com"
    return f"https://{host}/{quote(key)}"
