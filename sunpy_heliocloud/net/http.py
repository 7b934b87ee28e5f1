"""Reading a registry, catalogue or index over http: with time-outs, repetitions, and errors that say what to do."""

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.version import version

__all__ = ["PAUSES", "Answer", "CatalogError", "exists", "in_parallel", "is_remote", "read"]

# Seconds to wait before asking again, after a failure that may pass.
PAUSES = (0.2, 1.0, 3.0)
# Seconds without a byte after which a server is given up.
TIMEOUT = 30.0


class CatalogError(OSError):
    """Something of the catalogue cannot be read, or cannot be understood."""


class Answer(NamedTuple):
    """
    What a server says.

    Attributes
    ----------
    data
        All bytes; None where nothing has changed since the ETag that it was asked with.
    etag
        What the server calls this version; empty if it does not say.
    """

    data: bytes | None
    etag: str


def is_remote(url: str) -> bool:
    """
    Whether something is the address of a bucket or server, and not, for example, a file of this machine.

    Parameters
    ----------
    url
        What a user or a catalogue says.

    Returns
    -------
    bool
        True for ``s3://`` with a bucket and ``http(s)://`` with a host.
    """
    return re.match(r"(s3|https?)://[^/\s]", url) is not None


def read(url: str, *, etag: str = "", remedy: str = "") -> Answer:
    """
    All bytes of a registry, catalogue or index.

    Failures that may pass (5xx, 429, broken connections) are tried again, with longer and longer pauses. A server that
    is silent for 30 s is given up at once.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or a local path.
    etag
        The version that is known already, and need not be sent again.
    remedy
        What a user can do about a failure, besides what holds for all URLs.

    Returns
    -------
    Answer
        What is there.

    Raises
    ------
    FileNotFoundError
        If the server says that there is no such file.
    CatalogError
        If it cannot be read for any other reason.
    """
    try:
        if "://" not in url:
            return Answer(Path(url).read_bytes(), "")
        headers = {"If-None-Match": etag} if etag else {}
        return _ask_repeatedly(_request(url, headers=headers))
    except FileNotFoundError:
        raise
    except HTTPError as e:
        code = _s3_code(e)
        if e.code == 404 and code != "NoSuchBucket":
            raise FileNotFoundError(f"There is no {url}") from e
        raise CatalogError(
            f"{url} cannot be read: the server answered {e.code} {code or e.reason}. {_advice(e, url)}{remedy}"
        ) from e
    except (OSError, ValueError, HTTPException) as e:
        reason = getattr(e, "reason", e)
        raise CatalogError(
            f"{url} cannot be read ({type(reason).__name__}: {reason}). {_advice(reason, url)}{remedy}"
        ) from e


def exists(url: str) -> bool:
    """
    Whether there is a file, without reading it.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or a local path.

    Returns
    -------
    bool
        False if, and only if, the server says that there is none.
    """
    if "://" not in url:
        return Path(url).exists()
    try:
        _ask_repeatedly(_request(url, method="HEAD"))
    except HTTPError as e:
        return e.code != 404
    except (OSError, HTTPException) as e:
        raise CatalogError(f"{url} cannot be read ({e}). {_advice(e, url)}") from e
    return True


def in_parallel(function: Callable, items: Sequence) -> list:
    """
    Results of a function that waits for the network, in the order of the items.

    A few at a time: the index of one year can take 50 MB while it is read.
    """
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(function, items))


def _request(url: str, **how) -> Request:
    if not is_remote(url):
        raise ValueError("expected s3://bucket/..., https://host/... or the path of a local file")
    request = Request(https_url(url), **how)
    request.add_header("User-Agent", f"sunpy_heliocloud/{version}")
    return request


def _ask_repeatedly(request: Request) -> Answer:
    for pause in PAUSES:
        try:
            return _ask(request)
        except (OSError, HTTPException) as e:
            if not _may_pass(e):
                raise
        time.sleep(pause)
    return _ask(request)


def _ask(request: Request) -> Answer:
    try:
        with urlopen(request, timeout=TIMEOUT) as response:
            return Answer(response.read(), response.headers.get("ETag", ""))
    except HTTPError as e:
        if e.code == 304:
            return Answer(None, e.headers.get("ETag", ""))
        raise


def _may_pass(error: Exception) -> bool:
    """Whether it is worth asking again."""
    if isinstance(error, HTTPError):
        return error.code == 429 or error.code >= 500
    reason = getattr(error, "reason", error)
    return isinstance(
        reason, ConnectionResetError | ConnectionAbortedError | BrokenPipeError | IncompleteRead
    )


def _s3_code(error: HTTPError) -> str:
    """What S3 calls the error; empty if it is another server."""
    _, _, rest = error.read().partition(b"<Code>")
    return rest.partition(b"</Code>")[0].decode("ascii", "replace") if rest else ""


def _advice(error: object, url: str) -> str:
    if isinstance(error, HTTPError):
        if error.code >= 500 or error.code == 429:
            return "The server is busy or failing: try again later."
        return "Check the address; what is there may have moved, or may not be public."
    if isinstance(error, ssl.SSLError):
        return (
            "The certificate of the server is not trusted: check the clock of this machine, its proxy, and the "
            "certificates that SSL_CERT_FILE names."
        )
    if isinstance(error, TimeoutError):
        return f"The server was silent for {TIMEOUT:g} s: try again later, or check the network connection."
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return "Check the address."
    known = "The name of the server is not known here. " if isinstance(error, socket.gaierror) else ""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    used = f" and AWS_ENDPOINT_URL_S3 (now {endpoint})" if endpoint and url.startswith("s3://") else ""
    return f"{known}Check the network connection{used}."
