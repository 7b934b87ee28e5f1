"""
HTTP requests for all kinds of files: registry, catalogue, index, listing, header and pixels.

This module holds time-outs, retries, redirects and the User-Agent. Requests go only to hosts that
`sunpy_heliocloud.io.location` accepts. A host name must not resolve to an address in the caller's network,
unless the caller has named that host.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import aiohttp
from yarl import URL

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.connections import proxy, session
from sunpy_heliocloud.io.http_errors import RedirectError, SlowServerError, WrongAnswerError, status_error
from sunpy_heliocloud.io.location import HTTPLocation, LocationError, remote_location
from sunpy_heliocloud.text import inert

__all__ = ["CHANGED", "Answer", "Stream", "body_of", "get", "redirected", "stream"]

# Prefix of the time of the last change, where it replaces the ETag.
CHANGED = "changed at "
_MOST_REDIRECTS = 4
_CHUNK = 2**18
_ERROR_BYTES = 2**16
_AMAZON = re.compile(r"([a-z0-9-]+\.)*amazonaws\.com")


@dataclass(frozen=True)
class Answer:
    """
    The response of a server.

    Parameters
    ----------
    data
        The requested bytes; `None` if the file has not changed since the known ETag.
    etag
        The ETag, or the time of the last change; `None` if the response has neither.
    total
        Size of the file in bytes; `None` if the response does not contain it.
    """

    data: bytes | None
    etag: str | None = None
    total: int | None = None

    @property
    def body(self) -> bytes:
        """The bytes, of an answer to a request that names no known ETag."""
        if self.data is None:
            raise WrongAnswerError("the answer has no bytes")
        return self.data


async def get(
    location: HTTPLocation,
    *,
    start: int = 0,
    stop: int | None = None,
    known: str | None = None,
    most: int | None = None,
    method: str = "GET",
) -> Answer:
    """
    Request bytes of a file, once.

    Parameters
    ----------
    location
        The file.
    start, stop
        The byte range; ``stop=None`` is the end of the file.
    known
        ETag, or time of the last change, of bytes that the caller has: they need not be sent again.
    most
        Largest number of bytes; a longer response is an error.
    method
        ``"GET"`` or ``"HEAD"``.

    Returns
    -------
    Answer
        The bytes of the range. There are fewer only if the file ends within the range.

    Raises
    ------
    StatusError, SlowServerError, RedirectError, WrongAnswerError, LimitError, aiohttp.ClientError, OSError
    """
    headers = _headers(start, stop) | _condition(known)
    is_part = "Range" in headers
    async with _response(location, method, headers) as response:
        etag = _etag(response.headers)
        if response.status == 304 and known is not None:
            return Answer(None, known)
        if response.status not in (200, 206):
            await _refuse(response, location)
        if method == "HEAD":
            return Answer(b"", etag, _content_length(response.headers))
        # rclone sends a byte range with the status 200.
        if response.status == 206 or (is_part and "Content-Range" in response.headers):
            return await _part(response, start, stop, etag, most, location)
        # A server without byte ranges sends the whole file; reading stops at the end of the range.
        whole = _content_length(response.headers)
        body = await body_of(response.content.read, most=most, stop=stop, whole=whole, what=location.shown)
        if is_part and response.content_type == "text/html":
            raise WrongAnswerError("a page of HTML came instead of the file")
        total = whole if whole is not None else (len(body) if stop is None or len(body) < stop else None)
        return Answer(body[start:stop], etag, total)


@dataclass(frozen=True)
class Stream:
    """
    A response whose body has not been read yet.

    Parameters
    ----------
    chunks
        The bytes of the range if `is_part`, else of the whole file. Fewer bytes than announced are an error.
    etag, total
        See `Answer`.
    is_part
        Whether the response has the requested byte range only.
    """

    chunks: AsyncIterator[bytes]
    etag: str | None
    total: int | None
    is_part: bool


@asynccontextmanager
async def stream(location: HTTPLocation, *, start: int = 0, stop: int | None = None) -> AsyncIterator[Stream]:
    """
    Request bytes of a file, once, and read them in chunks, without keeping them all in memory.

    Parameters
    ----------
    location, start, stop
        As for `get`.

    Raises
    ------
    StatusError, SlowServerError, RedirectError, WrongAnswerError, aiohttp.ClientError, OSError
        When the context is entered, or when chunks are read.
    """
    headers = _headers(start, stop)
    async with _response(location, "GET", headers) as response:
        if response.status not in (200, 206):
            await _refuse(response, location)
        length = total = _content_length(response.headers)
        if response.status == 206:
            length, total = _range(response, start, stop)
        elif response.content_type == "text/html" and "Range" in headers:
            raise WrongAnswerError("a page of HTML came instead of the file")
        chunks = _chunks(response.content.read, length)
        yield Stream(chunks, _etag(response.headers), total, is_part=response.status == 206)


def _headers(start: int, stop: int | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if start > 0 or stop is not None:
        headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
    return headers


def _condition(known: str | None) -> dict[str, str]:
    if known is None:
        return {}
    if known.startswith(CHANGED):
        return {"If-Modified-Since": known.removeprefix(CHANGED)}
    return {"If-None-Match": known}


def _etag(headers: Mapping[str, str]) -> str | None:
    """The ETag, or else the time of the last change."""
    if etag := headers.get("ETag"):
        return etag
    changed = headers.get("Last-Modified")
    return f"{CHANGED}{changed}" if changed else None


async def _part(
    response: aiohttp.ClientResponse,
    start: int,
    stop: int | None,
    etag: str | None,
    most: int | None,
    location: HTTPLocation,
) -> Answer:
    length, total = _range(response, start, stop)
    body = await body_of(response.content.read, most=most, whole=length, what=location.shown)
    return Answer(body, etag, total)


def _range(response: aiohttp.ClientResponse, start: int, stop: int | None) -> tuple[int, int | None]:
    """The length of the byte range, if it is the requested one, and the size of the file."""
    said = re.fullmatch(
        r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", response.headers.get("Content-Range", "").strip()
    )
    if said is None:
        raise WrongAnswerError(
            f"the answer has the Content-Range {inert(response.headers.get('Content-Range'))!r}: expected "
            f"'bytes {start}-...'"
        )
    first, last = int(said[1]), int(said[2])
    total = None if said[3] == "*" else int(said[3])
    expected = total if stop is None else min(stop, total) if total is not None else None
    if (
        first != start
        or (expected is not None and last + 1 != expected)
        or (stop is not None and last >= stop)
    ):
        raise WrongAnswerError(f"bytes {first} to {last + 1} came, not {start} to {stop or 'the end'}")
    return last + 1 - first, total


async def body_of(
    read: Callable[[int], Awaitable[bytes]],
    *,
    most: int | None = None,
    stop: int | None = None,
    whole: int | None = None,
    what: str,
) -> bytes:
    """
    The body of an answer.

    Parameters
    ----------
    read
        A function that returns the next bytes, at most as many as its argument; no bytes at the end.
    most
        Largest number of bytes; more are an error.
    stop
        Number of bytes after which reading stops.
    whole
        Number of bytes of the body, if it is known; fewer are an error.
    what
        For messages.
    """
    bound = limits.file_bytes if most is None else most
    if stop is None and whole is not None and whole > bound:
        raise LimitError(
            f"{what} has {whole:,} bytes, and at most {bound:,} are read; sunpy_heliocloud.limits sets it"
        )
    chunks: list[bytes] = []
    got = 0
    async for chunk in _chunks(read, whole):
        chunks.append(chunk)
        got += len(chunk)
        if stop is not None and got >= stop:
            break
        if got > bound and stop is None:
            raise LimitError(
                f"{what} has over {bound:,} bytes, and no more are read; sunpy_heliocloud.limits sets it"
            )
    return b"".join(chunks)[:stop]


async def _chunks(read: Callable[[int], Awaitable[bytes]], whole: int | None) -> AsyncIterator[bytes]:
    """The chunks of a body. A rate below the limit is an error, and so are fewer bytes than announced."""
    got, span = 0, 2 / 3 * limits.patience
    window_end, window_got = time.monotonic() + span, 0
    while True:
        try:
            async with asyncio.timeout(max(0.0, window_end - time.monotonic())):
                chunk = await read(_CHUNK)
        except TimeoutError as e:
            if window_got < limits.slowest * span:
                raise SlowServerError(f"the server sent {window_got} bytes in {span:.3g} s") from e
            window_end, window_got = time.monotonic() + span, 0
            continue
        if not chunk:
            break
        got, window_got = got + len(chunk), window_got + len(chunk)
        if whole is not None and got > whole:
            raise WrongAnswerError(f"more than {whole} bytes came")
        yield chunk
    if whole is not None and got < whole:
        raise WrongAnswerError(f"only {got} of {whole} bytes came")


async def _refuse(response: aiohttp.ClientResponse, location: HTTPLocation) -> None:
    """Raise the error of the response."""
    code = ""
    with suppress(OSError, aiohttp.ClientError, LimitError):
        text = await body_of(response.content.read, stop=_ERROR_BYTES, what=location.shown)
        if said := re.search(rb"<Code>([A-Za-z0-9]{1,64})</Code>", text):
            code = said[1].decode("ascii")
    seconds = response.headers.get("Retry-After", "")
    raise status_error(
        location, response.status, code, float(seconds) if re.fullmatch(r"\d{1,4}", seconds) else 0.0
    )


@asynccontextmanager
async def _response(location: HTTPLocation, method: str, headers: Mapping[str, str]):
    """The response after all redirects."""
    for _ in range(_MOST_REDIRECTS + 1):
        response = await _ask(location, method, headers)
        try:
            if response.status not in (301, 302, 303, 307, 308):
                yield response
                return
            location = redirected(location, response.headers)
        finally:
            # Close without waiting for the rest of the body.
            response.close() if not response.content.at_eof() else response.release()
    raise RedirectError(f"more than {_MOST_REDIRECTS} redirects")


async def _ask(location: HTTPLocation, method: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    via = proxy(location)
    try:
        async with asyncio.timeout(limits.patience):
            # A proxy may be anywhere, and resolves the name of the server itself.
            return await session(may_be_private=location.may_be_private or via is not None).request(
                method,
                URL(str(location), encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=via,
            )
    except TimeoutError as e:
        raise SlowServerError(f"the server did not answer within {limits.patience:g} s") from e


def redirected(location: HTTPLocation, headers: Mapping[str, str]) -> HTTPLocation:
    """The target of a redirect: another region of Amazon's S3, or https of the same host after http."""
    said = headers.get("Location", "")
    if said.startswith("/") and not said.startswith("//"):
        said = f"{location.origin}{said}"
    region = headers.get("x-amz-bucket-region", "")
    if not said and re.fullmatch(r"[a-z0-9-]{1,32}", region) and location.host.endswith("s3.amazonaws.com"):
        bucket = location.host.removesuffix("s3.amazonaws.com")
        return replace(location, host=f"{bucket}s3.{region}.amazonaws.com")
    try:
        new = remote_location(said, {location.origin})
    except LocationError as e:
        raise RedirectError(f"the server redirects to another place, which is not followed: {e}") from e
    if isinstance(new, HTTPLocation) and new.scheme == "https":
        is_regional = all(_AMAZON.fullmatch(place.host) for place in (location, new))
        is_upgrade = location.scheme == "http" and new.host == location.host
        if is_regional or is_upgrade:
            return replace(new, may_be_private=location.may_be_private and is_upgrade)
    raise RedirectError(f"the server redirects to {new.shown}, which is another place and not followed")


def _content_length(headers: Mapping[str, str]) -> int | None:
    said = headers.get("Content-Length", "")
    return int(said) if re.fullmatch(r"\d{1,18}", said) else None
