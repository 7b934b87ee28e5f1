"""The progress of jobs: a line in a terminal, a widget in a notebook, nothing elsewhere."""

import os
import sys
import threading
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from sunpy_heliocloud.lazy import reports

__all__ = ["Display", "Progress", "frames_in", "progress"]

_SECONDS_BETWEEN = 0.5


@dataclass
class Progress:
    """
    Whether the progress of what takes long is shown.

    ``sunpy_heliocloud.progress`` is the instance in use.

    Attributes
    ----------
    enabled : bool or None
        Whether progress is shown. By default (`None`) it is in terminals and notebooks, and not where the error stream is
        a file or a pipe.
    delay : float
        Seconds that something takes before its progress is shown.

    Examples
    --------
    >>> from sunpy_heliocloud import progress
    >>> progress.enabled = False
    """

    enabled: bool | None = None
    delay: float = 2.0

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "enabled":
            if value not in (True, False, None) or isinstance(value, float):
                raise ValueError(f"progress.enabled is {value!r}, but has to be True, False or None")
        elif name == "delay":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ValueError(f"progress.delay is {value!r}, but has to be a number of seconds, from 0")
        else:
            raise AttributeError(f"progress has no attribute {name!r}; expected enabled or delay")
        super().__setattr__(name, value)

    @property
    def is_shown(self) -> bool:
        """
        Whether progress is shown, here and now. Workers show none.

        Examples
        --------
        >>> sunpy_heliocloud.progress.enabled = False
        >>> sunpy_heliocloud.progress.is_shown
        False
        """
        if reports.is_asked_by_another():
            return False
        return _is_interactive() if self.enabled is None else bool(self.enabled)


progress = Progress()


def _is_interactive() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


class Shown(Protocol):
    """What is shown of a job, see `sunpy_heliocloud.lazy.jobs.Job`."""

    what: str
    unit: str
    total: int | None
    done: int
    graphs: dict[Any, Any]
    since: int
    before: tuple[int, int]
    began: float
    ended: threading.Event
    is_complete: bool

    def read_folders(self) -> None:
        """Receive what other processes have written."""


class Display(threading.Thread):
    """
    Shows a job from time to time, as soon as it takes long. It has a thread, since the caller's waits for results.

    Parameters
    ----------
    job
        The job.
    """

    def __init__(self, job: Shown) -> None:
        super().__init__(daemon=True, name="sunpy_heliocloud progress")
        self.job = job
        self._counted: dict[Any, int] = {}

    @classmethod
    def of(cls, job: Shown) -> Self:
        """A display that has begun."""
        display = cls(job)
        display.start()
        return display

    def run(self) -> None:
        """Show the job until it has ended."""
        job = self.job
        if job.ended.wait(progress.delay):
            return
        total = self._expected() or None if job.total is None else job.total
        bar = _bar(desc=job.what, unit=job.unit, total=total)
        if bar.disable:  # as TQDM_DISABLE asks for
            return
        bar.start_t -= time.monotonic() - job.began
        ended = False
        try:
            while not ended:
                ended = job.ended.wait(_SECONDS_BETWEEN)
                self._update(bar)
        finally:
            bar.close()

    def _update(self, bar: Any) -> None:
        job = self.job
        job.read_folders()
        frames, size = (now - before for now, before in zip(reports.reported(), job.before, strict=True))
        lost = len(reports.losses(since=job.since))
        seconds = max(time.monotonic() - job.began, 1e-3)
        if job.total is None:
            # Frames that were lost with a worker are read again.
            bar.total = max(self._expected(), frames) or None
        # What is behind the edge of a narrow terminal is not shown: what matters most is first.
        shown = [f"{lost} lost"] if lost else []
        shown += [f"{frames} frames"] if job.total is not None and frames else []
        shown += [f"{size / 1e6:.3g} MB", f"{size / 1e6 / seconds:.3g} MB/s"] if size else []
        bar.set_postfix_str(", ".join(shown), refresh=False)
        if job.is_complete and bar.total:
            bar.update(bar.total - bar.n)  # what workers have read last they have not reported yet
        else:
            bar.update((frames if job.total is None else job.done) - bar.n)
        bar.refresh()

    def _expected(self) -> int:
        """Frames of all graphs so far; others may follow."""
        for key, graph in list(self.job.graphs.items()):
            if key not in self._counted:
                self._counted[key] = frames_in(graph.values())
        return sum(self._counted.values())


def _bar(**options: Any) -> Any:
    from tqdm import std

    if _width() == 0:  # a terminal that does not say its size; tqdm would show nothing
        options |= {"ncols": 80, "nrows": 24}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from tqdm.auto import tqdm

            return tqdm(**options)
        except ImportError:  # a notebook without widgets
            return std.tqdm(**options)


def _width() -> int | None:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (AttributeError, ValueError, OSError):
        return None


def frames_in(values: Iterable[Any]) -> int:
    """How many frames the tasks of graphs read, or what they are given."""
    return sum(map(_frames_in, values))


def _frames_in(value: Any) -> int:
    planes = getattr(value, "planes", None)
    if isinstance(planes, (list, tuple)):
        return len(planes)
    if hasattr(value, "frame") and hasattr(value, "exposure_time"):
        return 1
    if isinstance(value, dict):
        return frames_in(list(value.values()))
    if isinstance(value, (list, tuple)):
        return frames_in(value)
    # Tasks of dask, and the values within graphs.
    args, inner = getattr(value, "args", None), getattr(value, "value", None)
    return _frames_in(args) if isinstance(args, tuple) else _frames_in(inner) if inner is not None else 0
