"""Frames that could not be read and became NaN: noted where it happens, told where it is asked for."""

import threading
import warnings
from collections.abc import Iterable

from sunpy.util.exceptions import SunpyUserWarning

__all__ = ["LostFrameWarning", "lost_frames", "report_loss"]

_TOPIC = "sunpy_heliocloud-lost-frames"
_lost: dict[str, str] = {}
_lock = threading.Lock()


class LostFrameWarning(SunpyUserWarning):
    """A frame could not be read; its pixels are NaN, or it is left out."""


def report_loss(url: str, reason: str) -> None:
    """
    Note a lost frame, in this process and, on a dask worker, for the clients of its cluster.

    Parameters
    ----------
    url, reason
        Which frame, and the error's message.
    """
    with _lock:
        is_new = url not in _lost
        _lost[url] = reason
    worker = _worker()
    if worker is not None:
        worker.log_event(_TOPIC, {"url": url, "reason": reason})
    elif is_new:
        warnings.warn(f"A frame is NaN, since errors='mask': {reason}", LostFrameWarning, stacklevel=2)


def lost_frames(urls: Iterable[str]) -> dict[str, str]:
    """
    Which of these frames were lost in any computation so far, and why.

    Parameters
    ----------
    urls
        Of the frames.

    Returns
    -------
    dict
        Reasons by URL, from this process and from the workers of the current `distributed.Client`.
    """
    with _lock:
        lost = dict(_lost)
    client = _client()
    if client is not None:
        lost |= {event["url"]: event["reason"] for _, event in client.get_events(_TOPIC) or ()}
    return {url: lost[url] for url in urls if url in lost}


def _worker():  # -> distributed.Worker | None, a package that need not be installed
    try:
        from distributed import get_worker
    except ImportError:
        return None
    try:
        return get_worker()
    except ValueError:
        return None


def _client():  # -> distributed.Client | None
    try:
        from distributed import default_client
    except ImportError:
        return None
    try:
        return default_client()
    except ValueError:
        return None
