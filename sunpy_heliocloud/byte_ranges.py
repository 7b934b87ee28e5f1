"""Parts of files, fetched many at a time: which came, which did not, and never fewer bytes than were asked for."""

import errno
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sunpy_heliocloud.storage import filesystem

__all__ = ["ByteRange", "ReadError", "fetch"]

# Objects that are not there, or not ours to read, will not be so a second later either.
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
# A range behind the end; and what s3fs says once it has repeated a request for half a minute (500, 503).
_FINAL_ERRNO = (errno.EINVAL, errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO))
_PASSING_STATUS = (408, 429)  # of the 4xx: time-out, too many requests
_ATTEMPTS = 4
_FIRST_PAUSE = 0.2  # seconds; doubled with each attempt


class ReadError(OSError):
    """Bytes of a file could not be had; the message names the URL, what was asked for and the cause."""


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
    """

    url: str
    start: int = 0
    stop: int | None = None
    exact: bool = True

    def __str__(self) -> str:
        return f"bytes {self.start} to {'the end' if self.stop is None else self.stop} of {self.url}"


def fetch(
    ranges: Sequence[ByteRange], storage_options: Mapping[str, Any] | None = None
) -> list[bytes | ReadError]:
    """
    Fetch byte ranges together, so that their latencies overlap.

    What fails in passing (a reset, a time-out, a body that is cut short) is asked for again, a few times and with
    growing pauses, on top of what the filesystem itself retries.

    Parameters
    ----------
    ranges
        What to read.
    storage_options
        See `sunpy_heliocloud.storage.filesystem`.

    Returns
    -------
    list
        For each range its bytes, or the `ReadError` that says why there are none. Nothing is raised for a single
        range: whether one lost frame matters is the caller's to say.
    """
    results: list[bytes | ReadError] = [ReadError("not read")] * len(ranges)
    pending = list(range(len(ranges)))
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


def _fetch_once(
    ranges: Sequence[ByteRange], storage_options: Mapping[str, Any] | None
) -> list[bytes | Exception]:
    """One attempt; the ranges of each filesystem in one concurrent call."""
    answers: list[bytes | Exception] = [b""] * len(ranges)
    groups: dict[Any, list[tuple[int, str]]] = {}
    for i, wanted in enumerate(ranges):
        fs, path = filesystem(wanted.url, storage_options)
        groups.setdefault(fs, []).append((i, path))
    for fs, members in groups.items():
        got = fs.cat_ranges(
            [path for _, path in members],
            [ranges[i].start for i, _ in members],
            [ranges[i].stop for i, _ in members],
            on_error="return",
        )
        for (i, _), answer in zip(members, got, strict=True):
            answers[i] = answer
    return answers


def _checked(wanted: ByteRange, answer: bytes | Exception) -> bytes | ReadError:
    """The answer if it is what was asked for, otherwise an error that says what it was instead."""
    if isinstance(answer, Exception):
        error = ReadError(f"Could not read {wanted}: {type(answer).__name__}: {answer}")
        error.__cause__ = answer
        return error
    if wanted.stop is None:
        return answer
    length = wanted.stop - wanted.start
    if len(answer) > length:  # a server that knows no ranges answers with the whole file
        answer = answer[wanted.start : wanted.stop]
    if wanted.exact and len(answer) < length:
        return ReadError(
            f"Could not read {wanted}: only {len(answer)} of {length} bytes came; the file is cut short."
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
