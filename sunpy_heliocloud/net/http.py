"""Reading of registries, catalogues and indexes, with errors that contain the remedy."""

import os
import re
import socket
import ssl
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.http import Answer, get
from sunpy_heliocloud.io.http_errors import SlowServerError, StatusError
from sunpy_heliocloud.io.location import (
    HTTPLocation,
    LocalLocation,
    LocationError,
    S3Location,
    given_location,
    remote_location,
)
from sunpy_heliocloud.io.waiting import patiently, run
from sunpy_heliocloud.text import inert

__all__ = ["Answer", "CatalogError", "exists", "in_parallel", "is_remote", "read", "size_of"]


class CatalogError(OSError):
    """
    A registry, catalogue or index cannot be read or parsed.

    Examples
    --------
    >>> elsewhere = a.heliocloud.Bucket("s3://no-such-bucket/")
    >>> day = a.Time("2018-05-29T17:00", "2018-05-29T19:00")
    >>> Fido.search(day, a.heliocloud.Dataset("aia_0171"), elsewhere)[0].errors
    CatalogError(...)
    """


def is_remote(url: str) -> bool:
    """
    Whether a URL is the address of a bucket or server, and not a local file, for example.

    Parameters
    ----------
    url
        The URL, from a user or a catalogue.

    Returns
    -------
    bool
        True for ``s3://`` with a bucket and ``http(s)://`` with a host.
    """
    return re.match(r"(s3|https?)://[^/\s]", url) is not None


def read(
    url: str, *, etag: str = "", remedy: str = "", trusted: Collection[str] = (), most: int | None = None
) -> Answer:
    """
    All bytes of a registry, catalogue or index.

    Temporary failures (5xx, 429, broken connections) are retried, with growing pauses. For the time-outs see
    `sunpy_heliocloud.limits`.

    Parameters
    ----------
    url
        ``s3://``, ``https://`` or a local path.
    etag
        ETag of the version that the caller has, which is not sent again.
    remedy
        Advice for error messages, in addition to the advice for all URLs.
    trusted
        Origins that the caller has named, see `sunpy_heliocloud.io.location.remote_location`.
    most
        Largest number of bytes; by default ``limits.document_bytes``.

    Returns
    -------
    Answer
        The response; without a body if the version is ``etag``.

    Raises
    ------
    FileNotFoundError
        If the server says that there is no such file.
    CatalogError
        If it cannot be read for any other reason.
    """
    most = limits.document_bytes if most is None else most
    try:
        address = _address(url, trusted)
        if isinstance(address, Path):
            return _read_file(address, most)
        return run(patiently(lambda: get(address, known=etag or None, most=most)))
    except FileNotFoundError as e:
        raise FileNotFoundError(f"There is no {_shown(url)}") from e
    except StatusError as e:
        raise CatalogError(f"{_shown(url)} cannot be read: {e}. {_advice(e, url)}{remedy}") from e
    except (OSError, ValueError, aiohttp.ClientError) as e:
        reason = getattr(e, "os_error", e)
        raise CatalogError(
            f"{_shown(url)} cannot be read ({type(reason).__name__}: {inert(reason)}). {_advice(e, url)}{remedy}"
        ) from e


def exists(url: str, *, trusted: Collection[str] = ()) -> bool:
    """
    Whether a file exists, without reading it.

    Parameters
    ----------
    url, trusted
        As for `read`.

    Returns
    -------
    bool
        False if, and only if, the server says that it does not exist.

    Raises
    ------
    CatalogError
        If the server does not answer.
    """
    try:
        address = _address(url, trusted)
        if isinstance(address, Path):
            return address.exists()
        run(patiently(lambda: get(address, method="HEAD")))
    except FileNotFoundError:
        return False
    except StatusError:
        return True
    except (OSError, ValueError, aiohttp.ClientError) as e:
        raise CatalogError(f"{_shown(url)} cannot be read ({inert(e)}). {_advice(e, url)}") from e
    return True


def size_of(url: str, *, trusted: Collection[str] = ()) -> int | None:
    """
    Size of a file in bytes, without reading it.

    Parameters
    ----------
    url, trusted
        As for `read`.

    Returns
    -------
    int or None
        None if the server does not say.

    Raises
    ------
    FileNotFoundError
        If the server says that there is no such file.
    CatalogError
        If the server does not answer.
    """
    try:
        address = _address(url, trusted)
        if isinstance(address, Path):
            return address.stat().st_size
        return run(patiently(lambda: get(address, method="HEAD"))).total
    except FileNotFoundError as e:
        raise FileNotFoundError(f"There is no {_shown(url)}") from e
    except (OSError, ValueError, aiohttp.ClientError) as e:
        raise CatalogError(f"{_shown(url)} cannot be read ({inert(e)}). {_advice(e, url)}") from e


def in_parallel(function: Callable, items: Sequence) -> list:
    """
    Results of a function that waits for the network, in the order of the items.

    Few items are concurrent: the index of one year can take 50 MB while it is read.
    """
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(function, items))


def _address(url: str, trusted: Collection[str]) -> HTTPLocation | Path:
    """What a server is asked for; or a file, of a path or of ``file://`` below a folder that the caller has named."""
    if "://" not in url:
        return Path(url)
    location = remote_location(url, trusted)
    if isinstance(location, S3Location):
        return location.at(os.environ.get("AWS_ENDPOINT_URL_S3"))
    return Path(location.path) if isinstance(location, LocalLocation) else location


def _shown(url: str) -> str:
    """For messages."""
    try:
        return given_location(url).shown
    except LocationError:
        return inert(url.partition("?")[0])


def _read_file(path: Path, most: int) -> Answer:
    size = path.stat().st_size
    if size > most:
        raise LimitError(
            f"the file has {size:,} bytes, and at most {most:,} are read; sunpy_heliocloud.limits sets it"
        )
    return Answer(path.read_bytes())


def _advice(error: Exception, url: str) -> str:
    if isinstance(error, StatusError):
        if error.status >= 500 or error.status == 429:
            return "The server is busy or failing: try again later."
        return "Check the address; the file may have moved, or may not be public."
    cause = getattr(error, "os_error", error)
    if isinstance(
        error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | ssl.SSLError
    ):
        return (
            "The certificate of the server is not trusted: check the clock of this machine, its proxy, and the "
            "certificates that SSL_CERT_FILE names."
        )
    if isinstance(error, SlowServerError):
        return "Try again later, or check the network connection."
    if isinstance(error, LocationError | LimitError | aiohttp.InvalidURL):
        return "Check the address."
    known = "The host name of the server cannot be resolved. " if isinstance(cause, socket.gaierror) else ""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    used = f" and AWS_ENDPOINT_URL_S3 (now {endpoint})" if endpoint and url.startswith("s3://") else ""
    return f"{known}Check the network connection{used}."
