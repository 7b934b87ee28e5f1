"""
A job: a computation, or several in a row, whose progress is shown and whose lost frames are told as of one.

Whatever computes frames is a job, on any scheduler: those of one process call dask's callbacks, and the tasks of others
are pickled, which begins to watch the client that sends them.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dask.callbacks import Callback

from sunpy_heliocloud.caller import Place, place_of_caller
from sunpy_heliocloud.lazy import reports
from sunpy_heliocloud.lazy.losses import warn_of_losses
from sunpy_heliocloud.lazy.progress import Display, progress
from sunpy_heliocloud.lazy.versions import OtherVersionsError, compare, found

__all__ = ["Job", "in_parts", "job", "listen", "watch_computations", "way_out"]


@dataclass
class Job:
    """
    A job of this process.

    Parameters
    ----------
    what, unit
        What it does, and to what.
    total
        How many; `None` for frames, which are counted in `graphs` when they are to be shown.
    """

    what: str = "Computing"
    unit: str = "frame"
    total: int | None = None
    done: int = 0
    graphs: dict[Any, Any] = field(default_factory=dict)
    folders: dict[str, dict[str, int]] = field(default_factory=dict)
    place: Place = field(default_factory=place_of_caller)
    since: int = field(default_factory=reports.next_number)
    before: tuple[int, int] = field(default_factory=reports.reported)
    began: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    is_complete: bool = False

    def advance(self, by: int = 1) -> None:
        """So many more are done."""
        self.done += by

    def read_folders(self) -> None:
        """Receive what processes of pools have reported."""
        for folder, read_so_far in list(self.folders.items()):
            with contextlib.suppress(OSError):  # it is gone: a computation has ended
                reports.read_folder(folder, read_so_far)


_lock = threading.RLock()
_open = 0
_running: Job | None = None
_display: Display | None = None


def _enter(new: Job) -> Job:
    """Begin a job, or join the one that runs."""
    global _open, _running, _display
    with _lock:
        _open += 1
        if _running is None:
            _running = new
            _display = Display.of(new) if progress.is_shown and reports.worker() is None else None
        return _running


def _leave(*, tell: bool) -> None:
    global _open, _running, _display
    with _lock:
        _open -= 1
        if _open or _running is None:
            return
        ended, display, _running, _display = _running, _display, None, None
    ended.is_complete = tell
    ended.ended.set()
    if display is not None:
        display.join()
    if tell and reports.worker() is None:
        warn_of_losses(reports.losses(since=ended.since), ended.place)


@contextlib.contextmanager
def job(what: str, *, total: int, unit: str) -> Iterator[Job]:
    """
    A job of several computations, or of none; if one runs already, a part of that.

    Parameters
    ----------
    what, total, unit
        See `Job`.

    Yields
    ------
    Job
        To be told how far it is.
    """
    new = Job(what, unit, total)
    _enter(new)
    is_done = False
    try:
        yield new
        is_done = True
    finally:
        _leave(tell=is_done)


@contextlib.contextmanager
def in_parts(graphs: Sequence[Any]) -> Iterator[None]:
    """
    A job of computations that this thread does one after the other, all of which are known.

    Parameters
    ----------
    graphs
        Of dask.
    """
    running, is_done = _enter(Job()), False
    running.graphs |= {id(graph): graph for graph in graphs}
    outer, _local.in_parts = getattr(_local, "in_parts", False), True
    try:
        yield
        is_done = True
    finally:
        _local.in_parts = outer
        _leave(tell=is_done)


# ---- schedulers of one process, and of pools of processes


class _Computations(Callback):
    """What dask calls at the beginning and at the end of a computation in threads, or in the processes of a pool."""

    def _start(self, dsk: Any) -> None:
        running = _enter(Job())
        if not getattr(_local, "in_parts", False):
            running.graphs[id(dsk)] = dsk
        _local.running, _local.folder = running, None

    def _finish(self, dsk: Any, state: Any, failed: bool) -> None:
        running, folder = _local.running, _local.folder
        _local.running = _local.folder = None
        if failed and not isinstance(sys.exception(), Exception):  # Ctrl-C
            reports.no_longer_wanted()
        if folder is not None:
            running.read_folders()
            del running.folders[folder]
            shutil.rmtree(folder, ignore_errors=True)
        _leave(tell=not failed)


_local = threading.local()
_computations = _Computations()


def watch_computations() -> None:
    """
    Let dask call this module.

    It is called whenever an array is made: dask forgets its callbacks when two threads compute at the same time.
    """
    _computations.register()


def way_out(sources: Any = None) -> tuple[str, str | None, bool]:
    """
    The way by which a task that is sent to another process will report; called when it is pickled.

    Parameters
    ----------
    sources
        All that the tasks of a layer read.
    """
    if reports.is_asked_by_another():
        return reports.way_here()
    running = getattr(_local, "running", None)
    if running is None:
        _watch_clusters(sources)
    elif _local.folder is None:
        _local.folder = tempfile.mkdtemp(prefix="sunpy_heliocloud-")
        running.folders[_local.folder] = {}
    return reports.way_to(getattr(_local, "folder", None), progress.is_shown)


# ---- clusters

_watched: set[Any] = set()
_SECONDS_BETWEEN_COMPARISONS = 2.0


def _watch_clusters(sources: Any) -> None:
    """Watch the clients of this process that compute; what they send is pickled after its futures were made."""
    distributed = sys.modules.get("distributed.client")
    for client in [one for one in list(_watched) if one.status == "closed"]:
        if _unwatch(client):  # its event loop was stopped before it came to it
            _leave(tell=False)
    for client in [] if distributed is None else list(distributed.Client._instances):
        with _lock:
            # A scheduler in this process pickles each task, too.
            if client in _watched and sources is None:
                continue
            if client.status != "running" or not _pending(client):
                continue
            if client not in _watched:
                _watched.add(client)
                _enter(Job())
                listen(client)
                client.loop.add_callback(_until_done, client)
            if sources is not None and _running is not None:
                _running.graphs[sources.name] = sources.mapping


def listen(client: Any) -> None:
    """Receive what workers report. It arrives before the results, in the order in which it was sent."""
    client.subscribe_topic(reports.TOPIC, lambda event: reports.receive_message(event[1]))
    loop = getattr(client.loop, "asyncio_loop", None)
    if loop is not None and loop.get_exception_handler() is None:
        loop.set_exception_handler(_without_exits)


def _without_exits(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Leave out what distributed raises in waiting tasks after Ctrl-C, and does not look at: a second traceback."""
    if type(context.get("exception")).__name__ != "AllExit":
        loop.default_exception_handler(context)


def _pending(client: Any) -> list[Any]:
    return [state for state in list(client.futures.values()) if state.status in ("pending", "lost")]


def _unwatch(client: Any) -> bool:
    """Whether it was watched."""
    with _lock:
        was_watched = client in _watched
        _watched.discard(client)
    return was_watched


async def _until_done(client: Any) -> None:
    """Leave the job when the client waits for nothing any more. Runs in the client's event loop."""
    is_last, is_complete = False, True
    try:
        if error := found(client):
            await _fail(_pending(client), error)
        while True:
            with _lock:  # what is sent from now on is watched anew
                pending = _pending(client)
                if not pending:
                    is_last = _unwatch(client)
                    break
            is_complete &= await _wait(client, pending)
    finally:
        if is_last or _unwatch(client):
            _leave(tell=is_complete)


async def _wait(client: Any, pending: list[Any]) -> bool:
    """
    Wait until all are done; workers that come meanwhile are compared with this process.

    Returns
    -------
    bool
        Whether none has failed or was cancelled.
    """

    async def is_finished(state: Any) -> bool:
        await state.wait()
        return state.status == "finished"  # it is cancelled when nobody needs the result any more

    waiting = asyncio.gather(*map(is_finished, pending))
    try:
        while not waiting.done():
            await compare(client)
            if error := found(client):
                await _fail(pending, error)
            await asyncio.wait([waiting], timeout=_SECONDS_BETWEEN_COMPARISONS)
        return all(waiting.result())
    finally:
        waiting.cancel()


async def _fail(states: list[Any], error: OtherVersionsError) -> None:
    """Let what a client waits for have an error, also instead of one that follows from the same."""
    for _ in range(10):
        for state in states:
            if state.exception is not error and state.status != "finished":
                state.set_error(error, None)
        await asyncio.sleep(0.1)
