"""Frames that could not be read and became NaN: recorded when they occur, reported on request."""

import threading
import time
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.text import shown_url

if TYPE_CHECKING:
    from distributed import Client, Worker  # need not be installed

__all__ = ["LostFrameWarning", "current_client", "losses_here", "lost_frames", "report_loss", "worker"]

_TOPIC = "sunpy_heliocloud-lost-frames"
_lost: dict[str, tuple[float, str]] = {}
_lock = threading.Lock()
_LONGEST = 1000  # characters of a warning


class LostFrameWarning(SunpyUserWarning):
    """A frame could not be read; its pixels are NaN, or it is left out."""


def report_loss(url: str, reason: str) -> None:
    """
    Record a lost frame and warn of it, in this process or, from a dask worker, in the clients of its cluster.

    Parameters
    ----------
    url, reason
        Which frame, and the error's message.
    """
    message = f"A frame is NaN, since errors='mask': {shown_url(reason, _LONGEST)}"
    here = worker()
    with _lock:
        _lost[url] = time.time(), reason
        count = len(_lost)
    if here is None:
        warnings.warn(f"{message} ({count} lost so far)", LostFrameWarning, stacklevel=2)
    else:
        import distributed

        here.log_event(_TOPIC, {"url": url, "reason": reason})
        distributed.warn(message, LostFrameWarning)


def lost_frames(urls: Iterable[str], since: float) -> dict[str, str]:
    """
    Which of these frames were lost in a computation, and why.

    Parameters
    ----------
    urls
        Of the frames.
    since
        Time (seconds, as `time.time` gives it) from which losses count: a file may have been mended.

    Returns
    -------
    dict
        Reasons by URL, from this process and from the workers of the current `distributed.Client`.
    """
    with _lock:
        losses = dict(_lost)
    client = current_client()
    if client is not None:
        events = client.get_events(_TOPIC) or ()
        losses |= {event["url"]: (stamp, event["reason"]) for stamp, event in events}
    return {url: losses[url][1] for url in urls if url in losses and losses[url][0] >= since}


def losses_here(urls: Iterable[str], since: float = 0.0) -> dict[str, str]:
    """
    Which of these frames were lost in this process, worker or not, and why.

    Parameters
    ----------
    urls
        Of the frames.
    since
        As for `lost_frames`.
    """
    with _lock:
        return {url: _lost[url][1] for url in urls if url in _lost and _lost[url][0] >= since}


def worker() -> "Worker | None":
    """The dask worker that computes, if there is one."""
    try:
        from distributed import get_worker
    except ImportError:
        return None
    try:
        return get_worker()
    except ValueError:
        return None


def current_client() -> "Client | None":
    """The client of the cluster that computes, if there is one."""
    try:
        from distributed import default_client
    except ImportError:
        return None
    try:
        return default_client()
    except ValueError:
        return None
