"""What tasks report of the frames that they have read, to the process whose computation they are part of."""

import atexit
import contextlib
import gc
import itertools
import json
import multiprocessing
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sunpy_heliocloud.io.ranges import bytes_received
from sunpy_heliocloud.io.waiting import cancel_all

if TYPE_CHECKING:
    from distributed import Client, Worker  # need not be installed

__all__ = [
    "TOPIC",
    "GivenUpError",
    "Report",
    "current_client",
    "is_asked_by_another",
    "losses",
    "next_number",
    "no_longer_wanted",
    "pause",
    "read_folder",
    "receive_message",
    "report",
    "report_saturated",
    "report_to",
    "reported",
    "saturated_pixels",
    "wanted",
    "way_here",
    "way_to",
    "worker",
]

TOPIC = "sunpy_heliocloud-frames"
_SECONDS_BETWEEN = 1.0  # reports of a process that have no consequences

# ---- what is known in this process

_lock = threading.Lock()
_numbers = itertools.count(1)
_losses: dict[str, dict[str, tuple[int, str]]] = {}
_saturated: dict[str, tuple[int, int]] = {}
_latest = 0  # number of the latest loss
_frames = _bytes = 0


@dataclass
class Report:
    """
    What became of some frames.

    Parameters
    ----------
    frames
        How many were read.
    lost
        URL, part of the image, and reason of those that could not be read.
    good
        URL and part of those that could; only where frames may be lost, since a task that is run again may be luckier.
    bytes
        That came from servers and files.
    saturated
        Key of a frame, how many pixels of it are saturated, of how many.
    """

    frames: int
    lost: list[tuple[str, str, str]] = field(default_factory=list)
    good: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0
    saturated: list[tuple[str, int, int]] = field(default_factory=list)

    def note(self, url: str, part: str, image: Any) -> None:
        """What became of a part of a frame: an array, or the error that it is lost for."""
        if isinstance(image, Exception):
            self.lost.append((url, part, str(image)))
        else:
            self.good.append((url, part))


def reported() -> tuple[int, int]:
    """Frames and bytes that were read in all, for this process."""
    return _frames, _bytes


def next_number() -> int:
    """A number that grows with each loss: the order of events, which clocks may get wrong."""
    return next(_numbers)


def losses(urls: Iterable[str] | None = None, since: int = 0) -> dict[str, str]:
    """
    Which frames could not be read when they were read last, and why.

    Parameters
    ----------
    urls
        Of frames; by default of all.
    since
        The `next_number` from which losses count.
    """
    with _lock:
        if since > _latest:  # as after most jobs: a process may remember many thousand losses
            return {}
        among = _losses if urls is None else {url: _losses[url] for url in urls if url in _losses}
        latest = {url: max(parts.values()) for url, parts in among.items() if parts}
    return {url: reason for url, (number, reason) in latest.items() if number >= since}


def saturated_pixels() -> dict[str, int]:
    """How many pixels of each frame are saturated, of the most that were read at once."""
    with _lock:
        return {key: count for key, (_, count) in _saturated.items()}


def receive(of: Report) -> None:
    """Take note of a report, of this process or of another."""
    global _latest, _frames, _bytes
    with _lock:
        _frames, _bytes = _frames + of.frames, _bytes + of.bytes
        for url, part in of.good:
            _losses.get(url, {}).pop(part, None)
        for url, part, reason in of.lost:
            _latest = next(_numbers)
            _losses.setdefault(url, {})[part] = _latest, reason
        for key, count, pixels in of.saturated:
            _saturated[key] = max((pixels, count), _saturated.get(key, (0, 0)))


# ---- where tasks of this process report to


_TOKEN = secrets.token_hex(8)


def _home() -> str:
    """Of this process; processes of other machines or containers may have the same number."""
    return f"{_TOKEN}-{os.getpid()}"


@dataclass
class _Way:
    """How the process that computes is reached: in a folder of it, through a cluster, or as this process."""

    home: str = field(default_factory=_home)
    folder: str | None = None
    is_shown: bool = False
    waiting: Report = field(default_factory=lambda: Report(0))
    sent_at: float = 0.0
    bytes_before: int = 0


_way = _Way()
_interrupts = 0


def is_asked_by_another() -> bool:
    """Whether this process computes for another: the worker of a cluster or of a pool, or a scheduler."""
    return _way.home != _home()


def way_here() -> tuple[str, str | None, bool]:
    """The way that this process was given."""
    return _way.home, _way.folder, _way.is_shown


def way_to(folder: str | None, is_shown: bool) -> tuple[str, str | None, bool]:
    """The way to this process, for tasks that are sent to others."""
    return _home(), folder, is_shown


def report_to(home: str, folder: str | None, is_shown: bool) -> None:
    """Take the way that came with a task."""
    global _way
    if home == _home() or (home, folder, is_shown) == way_here():
        return
    _way = _Way(home, folder, is_shown)
    if folder is not None:
        _leave_ctrl_c_to_parent()


def report_saturated(key: str, count: int, pixels: int) -> None:
    """Report saturated pixels of a frame, see `Report`; they are sent with what the task has read."""
    of = Report(0, saturated=[(key, count, pixels)])
    receive(of)
    with _lock:
        _way.waiting.saturated += of.saturated


def report(of: Report) -> None:
    """Report what a task has read. What has no consequences but for a display is reported once a second."""
    way, here = _way, worker()
    with _lock:
        of.bytes, way.bytes_before = bytes_received() - way.bytes_before, bytes_received()
    receive(of)
    if here is None and way.folder is None:
        way.waiting.saturated.clear()
        return
    with _lock:
        before, now = way.waiting, time.monotonic()
        frames, size = before.frames + of.frames, before.bytes + of.bytes
        way.waiting = Report(frames, of.lost, of.good, size, before.saturated)
        is_needed = of.lost or of.good or before.saturated
        if not (is_needed or (way.is_shown and now - way.sent_at > _SECONDS_BETWEEN)):
            return
        message = vars(way.waiting) | {"home": _home()}
        way.waiting, way.sent_at = Report(0), now
    if here is not None:
        here.log_event(TOPIC, message)
    elif way.folder is not None:
        line = json.dumps(message) + "\n"
        with contextlib.suppress(OSError), open(Path(way.folder, f"{os.getpid()}"), "a") as file:
            file.write(line)


# ---- whether somebody still waits for a task


class GivenUpError(RuntimeError):
    """A task stopped reading, since nobody waits for its result: the computation was interrupted or has failed."""


def no_longer_wanted() -> None:
    """Stop the requests of all tasks that run in threads of this process."""
    global _interrupts
    _interrupts += 1
    cancel_all()


def wanted() -> Callable[[], None]:
    """A function that raises an exception once the result of the current task is not wanted any more."""
    here, way, before = worker(), _way, _interrupts
    if here is not None:
        _leave_ctrl_c_to_parent(here)
        with contextlib.suppress(KeyError):  # no thread of a task, but an asynchronous task
            return _wanted_on(here)

    def check() -> None:
        parent = multiprocessing.parent_process()
        is_orphan = parent is not None and not parent.is_alive()
        if is_orphan or (way.folder is not None and not os.path.isdir(way.folder)) or before != _interrupts:
            raise GivenUpError("the computation was interrupted")

    return check


def _wanted_on(here: "Worker") -> Callable[[], None]:
    from distributed import Reschedule, Status

    class RescheduledError(GivenUpError, Reschedule):
        """What a worker does not log: other exceptions would be in its log."""

    tasks, key = here.state.tasks, here.get_current_task()

    def check() -> None:
        task = tasks.get(key)
        is_closing = here.status in (Status.closing, Status.closed, Status.failed)
        if is_closing or task is None or task.state == "cancelled":
            raise RescheduledError

    return check


def pause(seconds: float, check: Callable[[], None]) -> None:
    """Wait, as long as the result of the current task is wanted."""
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0:
        check()
        time.sleep(min(rest, 0.1))


def worker() -> "Worker | None":
    """The dask worker that computes, if there is one."""
    # Not imported for it: whoever runs on a worker has imported it.
    distributed = sys.modules.get("distributed.worker")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return None


def current_client() -> "Client | None":
    """The client of the cluster that computes, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


_leaves_ctrl_c = False


def _leave_ctrl_c_to_parent(here: "Worker | None" = None) -> None:
    """
    Ignore Ctrl-C in a process that has a parent to end it, else each of them would print a traceback of its own.

    Parameters
    ----------
    here
        The worker of this process, whose event loop runs in its main thread.
    """
    global _leaves_ctrl_c
    if _leaves_ctrl_c or multiprocessing.parent_process() is None:
        return
    _leaves_ctrl_c = True
    if here is not None:
        here.loop.add_callback(_ignore_ctrl_c)
    else:
        _ignore_ctrl_c()


def _ignore_ctrl_c() -> None:
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


# A process that has imported sunpy would be searched for cycles for seconds before it ends, after Ctrl-C, too.
atexit.register(gc.freeze)


def read_folder(folder: str, read_so_far: dict[str, int]) -> None:
    """Receive what the processes of a pool have written into a folder since it was read."""
    for name in os.listdir(folder):
        with open(Path(folder, name), "rb") as file:
            file.seek(read_so_far.get(name, 0))
            *lines, rest = file.read().split(b"\n")
            read_so_far[name] = file.tell() - len(rest)
        for line in lines:
            receive_message(json.loads(line))


def receive_message(message: Any) -> None:
    """Receive the report that another process has sent."""
    if message["home"] == _home():  # of a worker in a thread
        return
    receive(
        Report(
            message["frames"],
            [tuple(one) for one in message["lost"]],
            [tuple(one) for one in message["good"]],
            message["bytes"],
            [tuple(one) for one in message["saturated"]],
        )
    )
