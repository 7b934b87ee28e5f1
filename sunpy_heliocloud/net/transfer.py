"""Bytes of many files from servers to disk, in parallel, with progress bars."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import parfive

from sunpy_heliocloud.io.http import Stream, stream
from sunpy_heliocloud.io.http_errors import StatusError, WrongAnswerError
from sunpy_heliocloud.io.location import HTTPLocation
from sunpy_heliocloud.io.waiting import patiently, run
from sunpy_heliocloud.text import inert

__all__ = ["Transfer", "transfer"]

# Bytes of one request.
PIECE = 2**22
RANGE_NOT_SATISFIABLE = 416
# Of a bar. A bar that is not hidden is left to tqdm, which TQDM_DISABLE may tell to hide it.
HIDDEN = {"disable": True}
# Longest time in seconds to wait for interrupted transfers.
WAIT = 5.0


class Transfer(NamedTuple):
    """
    A file and the paths that it is written to.

    Attributes
    ----------
    location
        Of the file.
    partial
        Where it is written, which is nowhere yet.
    name
        What the progress bar calls it.
    """

    location: HTTPLocation
    partial: Path
    name: str


def transfer(transfers: Sequence[Transfer], like: parfive.Downloader, splits: int) -> list[Exception | None]:
    """
    Write files.

    Parameters
    ----------
    transfers
        The files.
    like
        Says how many at once, and what is shown of it.
    splits
        How many connections share a file.

    Returns
    -------
    list
        The error of each file, or None.
    """
    ended = threading.Event()

    async def until_the_end() -> list[Exception | None]:
        try:
            return await _Transfers(like, splits).all(transfers)
        finally:
            ended.set()

    try:
        return run(until_the_end())
    except BaseException:
        # After an interrupt partial files are removed, while the I/O thread may still write until it is
        # cancelled.
        ended.wait(WAIT)
        raise


class _Transfers:
    """The running transfers, with a progress bar for each and one for all."""

    def __init__(self, like: parfive.Downloader, splits: int) -> None:
        config = like.config
        self._bar = like.tqdm
        self._has_bars = bool(config.progress)
        self._has_file_bars = bool(config.progress and config.file_progress)
        self._connections, self._splits = config.max_conn, max(1, splits)

    async def all(self, transfers: Sequence[Transfer]) -> list[Exception | None]:
        errors: list[Exception | None] = [None] * len(transfers)
        rest = iter(enumerate(transfers))
        # sunpy's own bar comes after it, and counts the files of other clients.
        hidden = {} if self._has_bars and transfers else HIDDEN
        with self._bar(total=len(transfers), unit="file", desc="HelioCloud", **hidden) as bar:
            async with asyncio.TaskGroup() as group:
                for slot in range(min(self._connections, len(transfers))):
                    group.create_task(self._some(rest, errors, bar, slot))
        return errors

    async def _some(
        self, rest: Iterator[tuple[int, Transfer]], errors: list[Exception | None], bar: Any, slot: int
    ) -> None:
        """One file after the other."""
        for i, one in rest:
            try:
                await self._one(one, slot)
                bar.update(1)
            except Exception as e:  # noqa: BLE001  whatever it is, it concerns one file
                errors[i] = e

    async def _one(self, one: Transfer, slot: int) -> None:
        shown = self._bar(
            desc=inert(one.name), position=slot + 1, unit="B", unit_scale=True, leave=False,
            **({} if self._has_file_bars else HIDDEN),
        )  # fmt: skip
        with shown as bar, one.partial.open("xb") as file:  # "x" does not follow links
            await _Pieces(one.location, file, bar).write(self._splits)


class _Pieces:
    """One file, piece by piece."""

    def __init__(self, location: HTTPLocation, file: BinaryIO, bar: Any) -> None:
        self._location, self._file, self._bar = location, file, bar
        self._lock = asyncio.Lock()
        self._etag: str | None = None
        self._total = 0

    async def write(self, splits: int) -> None:
        try:
            await patiently(lambda: self._first(PIECE))
        except StatusError as e:
            if e.status != RANGE_NOT_SATISFIABLE:
                raise
            # An empty file has no range.
            await patiently(lambda: self._first(None))
        starts = range(PIECE, self._total, PIECE)
        some = iter(starts)
        workers = [asyncio.ensure_future(self._others(some)) for _ in range(min(splits, len(starts)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            # They may hold the file, which is closed next.
            await asyncio.gather(*workers, return_exceptions=True)

    async def _first(self, stop: int | None) -> None:
        async with stream(self._location, stop=stop) as answer:
            self._etag = answer.etag
            self._total = 0  # A server without byte ranges sends the whole file.
            if answer.is_part:
                if answer.total is None:
                    raise WrongAnswerError("the server does not say how long the file is")
                self._total = answer.total
            self._bar.reset(total=answer.total)
            self._file.truncate(0)
            await self._copy(answer, 0)

    async def _others(self, starts: Iterator[int]) -> None:
        for start in starts:
            await patiently(partial(self._piece, start))

    async def _piece(self, start: int) -> None:
        async with stream(self._location, start=start, stop=min(start + PIECE, self._total)) as answer:
            if not answer.is_part or (answer.etag, answer.total) != (self._etag, self._total):
                raise WrongAnswerError("the file changed while it was downloaded")
            await self._copy(answer, start)

    async def _copy(self, answer: Stream, start: int) -> None:
        """Write the chunks of an answer; what the bar has counted of one that breaks off is taken back."""
        place = start
        try:
            async for chunk in answer.chunks:
                async with self._lock:
                    await asyncio.to_thread(self._write, place, chunk)
                place += len(chunk)
                self._bar.update(len(chunk))
        except BaseException:
            self._bar.update(start - place)
            raise

    def _write(self, place: int, chunk: bytes) -> None:
        self._file.seek(place)
        self._file.write(chunk)
