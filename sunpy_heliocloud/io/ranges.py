"""Parts of files, fetched many at a time: which came, which did not, and never fewer bytes than were asked for."""

import asyncio
import errno
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.asyn import sync

from sunpy_heliocloud.io.filesystem import filesystem

__all__ = ["ByteRange", "Piece", "ReadError", "Version", "fetch"]

# Objects that are not there, or not ours to read, will not be so a second later either.
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
# A range behind the end; and what s3fs says once it has repeated a request for half a minute (500, 503).
_FINAL_ERRNO = (errno.EINVAL, errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO))
_PASSING_STATUS = (408, 429)  # of the 4xx: time-out, too many requests
_ATTEMPTS = 4
_FIRST_PAUSE = 0.2  # seconds; doubled with each attempt
_CHANGED = "changed at "  # begins what stands for the ETag where there is none
_IN_FLIGHT = 64  # requests of one call; more gain nothing but the server's displeasure

_log = logging.getLogger(__name__)


class ReadError(OSError):
    """Bytes of a file could not be had; the message names the URL, what was asked for and the cause."""


@dataclass(frozen=True, slots=True)
class Version:
    """
    Which content of a file this is.

    Parameters
    ----------
    etag
        What the server calls it, or the time of its last change; `None` where nobody says.
    size
        Bytes of the whole file.
    """

    etag: str | None = None
    size: int | None = None

    def agrees_with(self, other: "Version") -> bool:
        """Whether both may be of the same content: nothing that both know differs."""
        pairs = ((self.etag, other.etag), (self.size, other.size))
        return all(mine == others or None in (mine, others) for mine, others in pairs)

    def __str__(self) -> str:
        return f"{'an unknown number of' if self.size is None else self.size} bytes, ETag {self.etag}"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file, and of which version of it; `None` for data that are known already."""

    data: bytes | None
    version: Version


@dataclass(frozen=True)
class ByteRange:
    """
    A half-open range of bytes of one file.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or local path.
    start, stop
        First byte, and the one after the last; ``stop=None`` reads to the end.
    exact
        Whether fewer bytes than asked for are an error. They are not for a first look at a file of unknown size.
    version
        What the file must be. Bytes of another version are an error, and those behind its end are not asked for.
    known
        A version whose bytes the caller has: then the server need not send them.
    """

    url: str
    start: int = 0
    stop: int | None = None
    exact: bool = True
    version: Version = Version()
    known: Version | None = None

    def __str__(self) -> str:
        return f"bytes {self.start} to {'the end' if self.stop is None else self.stop} of {self.url}"


def fetch(
    ranges: Sequence[ByteRange], storage_options: Mapping[str, Any] | None = None
) -> list[Piece | ReadError]:
    """
    Fetch byte ranges together, so that their latencies overlap; a bounded number of them at a time.

    What fails in passing (a reset, a time-out, a body that is cut short) is asked for again, a few times and with
    growing pauses, on top of what the filesystem itself retries.

    Parameters
    ----------
    ranges
        What to read.
    storage_options
        See `sunpy_heliocloud.io.filesystem.filesystem`.

    Returns
    -------
    list
        For each range its `Piece`, or the `ReadError` that says why there are none. Nothing is raised for a single
        range: whether one lost frame matters is the caller's to say.
    """
    results: list[Piece | ReadError] = [_behind_the_end(wanted) for wanted in ranges]
    pending = [i for i, result in enumerate(results) if result is None]
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
        answers = _fetch_once([ranges[i] for i in pending], storage_options)
        for i, answer in zip(pending, answers, strict=True):
            results[i] = _checked(ranges[i], answer)
        pending = [i for i in pending if isinstance(results[i], ReadError) and not _is_final(results[i])]
        if not pending:
            break
    return results


def _behind_the_end(wanted: ByteRange) -> ReadError | None:
    """An error for bytes that the file is known not to have, which a server might answer with what there is."""
    size = wanted.version.size
    if size is None or (wanted.stop or 0) <= size:
        return None
    return ReadError(
        f"Could not read {wanted}: the file has {size} bytes; either the file is cut short or its header is damaged."
    )


def _fetch_once(
    ranges: Sequence[ByteRange], storage_options: Mapping[str, Any] | None
) -> list[Piece | Exception]:
    """One attempt; the ranges of each filesystem in one concurrent call."""
    answers: list[Piece | Exception] = [ReadError("not read")] * len(ranges)
    groups: dict[Any, list[tuple[int, str]]] = {}
    for i, wanted in enumerate(ranges):
        fs, path = filesystem(wanted.url, _with_connections(wanted.url, storage_options))
        groups.setdefault(fs, []).append((i, path))
    for fs, members in groups.items():
        got = _get_all(fs, [path for _, path in members], [ranges[i] for i, _ in members])
        for (i, _), answer in zip(members, got, strict=True):
            answers[i] = answer
    return answers


def _with_connections(url: str, storage_options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The options with as many connections as there may be requests; botocore has ten if it is not told."""
    if not url.startswith("s3://"):
        return storage_options
    options = dict(storage_options or {})
    return options | {
        "config_kwargs": {"max_pool_connections": _IN_FLIGHT} | dict(options.get("config_kwargs") or {})
    }


def _get_all(
    fs: AbstractFileSystem, paths: Sequence[str], ranges: Sequence[ByteRange]
) -> list[Piece | Exception]:
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    if protocols & {"s3", "http"}:
        get = _get_from_s3 if "s3" in protocols else _get_over_http
        return sync(fs.loop, _together, get, fs, paths, ranges)
    if "file" in protocols:
        return [_from_file(path, wanted) for path, wanted in zip(paths, ranges, strict=True)]
    starts, stops = [wanted.start for wanted in ranges], [wanted.stop for wanted in ranges]
    answers = fs.cat_ranges(list(paths), starts, stops, on_error="return")
    return [answer if isinstance(answer, Exception) else Piece(answer, Version()) for answer in answers]


async def _together(
    get: Callable[..., Awaitable[Piece]],
    fs: AbstractFileSystem,
    paths: Sequence[str],
    ranges: Sequence[ByteRange],
) -> list[Piece | Exception]:
    free = asyncio.Semaphore(_IN_FLIGHT)

    async def get_one(path: str, wanted: ByteRange) -> Piece:
        async with free:
            return await get(fs, path, wanted)

    calls = (get_one(path, wanted) for path, wanted in zip(paths, ranges, strict=True))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer
    return answers


async def _get_from_s3(fs: AbstractFileSystem, path: str, wanted: ByteRange) -> Piece:
    # Not fs.cat_file, since that keeps the ETag and the size of the whole to itself.
    bucket, key, version_id = fs.split_path(path)
    options = {"VersionId": version_id} if version_id else {}
    if asked := _range_header(wanted):
        options["Range"] = asked
    if wanted.known is not None and wanted.known.etag is not None:
        options["IfNoneMatch"] = wanted.known.etag
    try:
        answer = await fs._call_s3("get_object", Bucket=bucket, Key=key, **options)
    except OSError as error:
        response = getattr(error.__cause__, "response", None) or {}
        if response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 304:
            raise
        return Piece(None, wanted.known)
    try:
        data = await answer["Body"].read()
    finally:
        answer["Body"].close()
    return Piece(data, Version(answer.get("ETag"), _total(answer.get("ContentRange"), wanted, data)))


async def _get_over_http(fs: AbstractFileSystem, path: str, wanted: ByteRange) -> Piece:
    options = dict(fs.kwargs)
    headers = dict(options.pop("headers", {}))
    if asked := _range_header(wanted):
        headers["Range"] = asked
    etag = None if wanted.known is None else wanted.known.etag
    if etag is not None and etag.startswith(_CHANGED):
        headers["If-Modified-Since"] = etag.removeprefix(_CHANGED)
    elif etag is not None:
        headers["If-None-Match"] = etag
    session = await fs.set_session()
    async with session.get(fs.encode_url(path), headers=headers, **options) as answer:
        if answer.status == 304:
            return Piece(None, wanted.known)
        fs._raise_not_found_for_status(answer, path)
        data = await answer.read()
        etag = answer.headers.get("ETag")
        if etag is None and (changed := answer.headers.get("Last-Modified")):
            etag = f"{_CHANGED}{changed}"
        if answer.status == 200 and asked:
            _log.debug("%s comes from a server that knows no ranges: it is read whole", path)
            return Piece(data[wanted.start : wanted.stop], Version(etag, len(data)))
        return Piece(data, Version(etag, _total(answer.headers.get("Content-Range"), wanted, data)))


def _range_header(wanted: ByteRange) -> str | None:
    if wanted.start == 0 and wanted.stop is None:
        return None
    return f"bytes={wanted.start}-{'' if wanted.stop is None else wanted.stop - 1}"


def _total(content_range: str | None, wanted: ByteRange, data: bytes) -> int | None:
    """The size of the whole file, of which a part came."""
    if content_range is None:
        return len(data) if _range_header(wanted) is None else None
    found = re.search(r"/(\d+)$", content_range)
    return int(found[1]) if found else None


def _from_file(path: str, wanted: ByteRange) -> Piece | OSError:
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            file.seek(wanted.start)
            data = file.read(-1 if wanted.stop is None else wanted.stop - wanted.start)
    except OSError as error:
        return error
    return Piece(data, Version(f"{_CHANGED}{state.st_mtime_ns} ns", state.st_size))


def _checked(wanted: ByteRange, answer: Piece | Exception) -> Piece | ReadError:
    """The answer if it is what was asked for, otherwise an error that says what it was instead."""
    if isinstance(answer, Exception):
        error = ReadError(f"Could not read {wanted}: {type(answer).__name__}: {answer}")
        error.__cause__ = answer
        return error
    if answer.data is None:
        return answer
    if not wanted.version.agrees_with(answer.version):
        return ReadError(
            f"Could not read {wanted}: the file has been replaced since its header was read (then "
            f"{wanted.version}; now {answer.version}). Make the sequence again."
        )
    length = None if wanted.stop is None else wanted.stop - wanted.start
    data = answer.data
    if length is not None and len(data) > length:  # S3 servers that know no ranges send the whole, too
        data = data[wanted.start : wanted.stop]
        answer = Piece(data, Version(answer.version.etag, len(answer.data)))
    if length is not None and wanted.exact and len(data) < length:
        return ReadError(
            f"Could not read {wanted}: only {len(data)} of {length} bytes came; the file is cut short."
        )
    return answer


def _is_final(error: ReadError) -> bool:
    """Whether asking again would give the same: a refusal, or an answer that is whole but short."""
    cause = error.__cause__
    if cause is None or isinstance(cause, _FINAL):
        return True
    status = getattr(cause, "status", None)  # of aiohttp, for http(s)://
    if status is not None:
        return 400 <= status < 500 and status not in _PASSING_STATUS
    return getattr(cause, "errno", None) in _FINAL_ERRNO
