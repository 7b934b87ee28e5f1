"""Byte ranges of files, fetched many at a time, each checked against its request."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.hedging import hedged
from sunpy_heliocloud.io.http import CHANGED, Answer, get
from sunpy_heliocloud.io.http_errors import SlowServerError, StatusError, WrongAnswerError
from sunpy_heliocloud.io.location import HTTPLocation, LocalLocation, LocationError, S3Location
from sunpy_heliocloud.io.waiting import always_wanted, gather, patiently, run
from sunpy_heliocloud.text import inert

__all__ = ["ByteRange", "Piece", "ReadError", "Version", "bytes_received", "fetch"]


class ReadError(OSError):
    """
    Bytes of a file could not be read; the message has the URL, the requested bytes and the cause.

    Examples
    --------
    >>> try:
    ...     LazyMapSequence("nowhere.fits")
    ... except sunpy_heliocloud.ReadError as error:
    ...     print(error)
    Could not read bytes 0 to 65536 of ...nowhere.fits: FileNotFoundError: ...
    """


@dataclass(frozen=True, slots=True)
class Version:
    """
    The version of a file.

    Parameters
    ----------
    etag
        The ETag, or the time of the last change; `None` if unknown.
    size
        Size of the file in bytes.
    """

    etag: str | None = None
    size: int | None = None

    def agrees_with(self, other: "Version") -> bool:
        """Whether both may be the same version: no attribute that is known in both differs."""
        pairs = ((self.etag, other.etag), (self.size, other.size))
        return all(mine == others or None in (mine, others) for mine, others in pairs)

    def __str__(self) -> str:
        return f"{'an unknown number of' if self.size is None else self.size} bytes, ETag {inert(self.etag)}"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file and its version."""

    data: bytes
    version: Version


@dataclass(frozen=True)
class ByteRange:
    """
    A half-open range of bytes of one file.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or local path, as far as ``access`` accepts it.
    start, stop
        First byte, and the byte after the last; ``stop=None`` is the end of the file.
    exact
        Whether fewer bytes than requested are an error. They are not in the first request for a file of
        unknown size.
    version
        The expected version. Another version is an error, and bytes after its end are not requested.
    known
        What the caller has of the file. If its version is unchanged, the server does not send the bytes again, and
        this is the result.
    access
        Credentials and endpoint.
    """

    url: str
    start: int = 0
    stop: int | None = None
    exact: bool = True
    version: Version = Version()
    known: Piece | None = None
    access: Access = field(default_factory=Access.of)

    @property
    def shown(self) -> str:
        """The URL for messages."""
        try:
            return self.access.locate(self.url).shown
        except LocationError:
            return inert(self.url.partition("?")[0])

    def __str__(self) -> str:
        return f"bytes {self.start} to {'the end' if self.stop is None else self.stop} of {self.shown}"

    def __repr__(self) -> str:
        return f"<{self}>"


_received = 0
_lock = threading.Lock()


def bytes_received() -> int:
    """Bytes that `fetch` has received in all, in this process."""
    return _received


def fetch(ranges: Sequence[ByteRange], check: Callable[[], None] = always_wanted) -> list[Piece | ReadError]:
    """
    Fetch byte ranges concurrently, so that their latencies overlap; the number of concurrent requests is
    limited.

    Temporary failures (a reset, a time-out, a truncated body) are retried a few times, with growing pauses.

    Parameters
    ----------
    ranges
        The byte ranges.
    check
        See `sunpy_heliocloud.io.waiting.run`.

    Returns
    -------
    list
        For each range its `Piece`, or the `ReadError` with the reason. A failed range raises no exception:
        the caller decides whether a lost frame is an error.
    """
    results: dict[int, Piece | ReadError] = {}
    remote: dict[int, S3Location | HTTPLocation] = {}
    for i, wanted in enumerate(ranges):
        if error := _behind_the_end(wanted):
            results[i] = error
            continue
        try:
            location = wanted.access.locate(wanted.url)
            if isinstance(location, LocalLocation):
                results[i] = _checked(wanted, _from_file(location.path, wanted))
            else:
                remote[i] = location
        except (LocationError, OSError, WrongAnswerError) as cause:
            results[i] = _error(wanted, cause)
    if remote:
        answers = gather([_call(ranges[i], location, check) for i, location in remote.items()])
        for i, answer in zip(remote, run(answers, check), strict=True):
            results[i] = answer if isinstance(answer, Piece | ReadError) else _error(ranges[i], answer)
    global _received
    with _lock:
        _received += sum(len(one.data) for one in results.values() if isinstance(one, Piece))
    return [results[i] for i in range(len(ranges))]


def _behind_the_end(wanted: ByteRange) -> ReadError | None:
    """
    The error for a range after the end of the file. The size is checked here, since some servers send fewer
    bytes instead of an error.
    """
    size = wanted.version.size
    if size is None or (wanted.stop or 0) <= size:
        return None
    return ReadError(
        f"Could not read {wanted}: the file has {size} bytes; either the file is truncated or its header is damaged."
    )


def _call(
    wanted: ByteRange, location: S3Location | HTTPLocation, check: Callable[[], None]
) -> Callable[[], Awaitable[Piece | ReadError]]:
    """A coroutine function that fetches a range."""
    start, stop = wanted.start, wanted.stop
    known = None if wanted.known is None else wanted.known.version.etag
    if isinstance(location, S3Location) and wanted.access.signs_for(location.bucket):
        from sunpy_heliocloud.io.s3 import get_signed

        async def attempt() -> Piece | ReadError:
            answer = await get_signed(location, wanted.access, start=start, stop=stop, known=known)
            return _checked(wanted, answer)
    else:
        address = location.at(wanted.access.endpoint) if isinstance(location, S3Location) else location

        async def attempt() -> Piece | ReadError:
            return _checked(wanted, await get(address, start=start, stop=stop, known=known))

    server = (
        location.origin if isinstance(location, HTTPLocation) else (wanted.access.endpoint, location.bucket)
    )
    kind = server, _size_class(wanted)
    return lambda: patiently(lambda: hedged(attempt, kind), check)


def _size_class(wanted: ByteRange) -> int:
    """Requests of about the same size take about the same time."""
    stop = wanted.version.size if wanted.stop is None else wanted.stop
    return 0 if stop is None else (stop - wanted.start).bit_length()


def _from_file(path: str, wanted: ByteRange) -> Answer:
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        file.seek(wanted.start)
        data = file.read(-1 if wanted.stop is None else wanted.stop - wanted.start)
    return Answer(data, f"{CHANGED}{state.st_mtime_ns} ns", state.st_size)


def _checked(wanted: ByteRange, answer: Answer) -> Piece | ReadError:
    """The response if it matches the request, otherwise an error that describes the difference."""
    if answer.data is None:
        return wanted.known or ReadError(f"Could not read {wanted}: the server sent nothing.")
    version = Version(answer.etag, answer.total)
    if not wanted.version.agrees_with(version):
        return ReadError(
            f"Could not read {wanted}: the file has been replaced since its header was read (then "
            f"{wanted.version}; now {version}). Make the sequence again."
        )
    length = None if wanted.stop is None else wanted.stop - wanted.start
    if length is not None and wanted.exact and len(answer.data) < length:
        return ReadError(
            f"Could not read {wanted}: only {len(answer.data)} of {length} bytes were received; the file is truncated."
        )
    return Piece(answer.data, version)


def _error(wanted: ByteRange, cause: Exception) -> ReadError:
    if isinstance(cause, asyncio.CancelledError):
        raise cause
    error = ReadError(
        f"Could not read {wanted}: {type(cause).__name__}: {inert(cause)}{_advice(wanted, cause)}"
    )
    error.__cause__ = cause
    return error


def _advice(wanted: ByteRange, cause: Exception) -> str:
    if isinstance(cause, SlowServerError):
        return ". Try again later, or check the network connection"
    if (
        not isinstance(cause, StatusError)
        or cause.status not in (401, 403)
        or not wanted.url.startswith("s3://")
    ):
        return ""
    if wanted.access.is_anonymous:
        return (
            ". The bucket may not be public: give credentials as storage_options; if its reader pays, "
            "{'requester_pays': True} among them"
        )
    return ". The credentials in storage_options do not open this object"
