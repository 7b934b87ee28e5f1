"""How many pixels of frames were saturated: recorded when they are read, reported on request."""

import threading

import numpy as np

from astropy.table import MaskedColumn, QTable

from sunpy_heliocloud.lazy.reports import current_client, worker

__all__ = ["report_saturated", "with_saturated"]

_TOPIC = "sunpy_heliocloud-saturated-pixels"
_counts: dict[str, tuple[int, int]] = {}
_lock = threading.Lock()


def report_saturated(frame: str, count: int, pixels: int) -> None:
    """
    Record it in this process or, from a dask worker, for the clients of its cluster.

    Parameters
    ----------
    frame
        Which one.
    count, pixels
        How many pixels are saturated, of how many that were read.
    """
    here = worker()
    if here is not None:
        here.log_event(_TOPIC, {"frame": frame, "count": count, "pixels": pixels})
        return
    with _lock:
        _counts[frame] = max((pixels, count), _counts.get(frame, (0, 0)))


def with_saturated(frames: QTable) -> QTable:
    """
    The frames of a cube with one more column, ``saturated``: how many pixels, of the most that were read at once.

    Parameters
    ----------
    frames
        Their table; its ``meta["saturation"]`` holds the tokens of the arrays that they are of.

    Returns
    -------
    `~astropy.table.QTable`
        From this process and the workers of the current `distributed.Client`; masked where nothing has been read.
    """
    with _lock:
        counts = dict(_counts)
    client = current_client()
    if client is not None:
        for _, event in client.get_events(_TOPIC) or ():
            read = event["pixels"], event["count"]
            counts[event["frame"]] = max(read, counts.get(event["frame"], (0, 0)))
    tokens = frames.meta["saturation"]
    keys = [[f"{token} {time}" for token in tokens] for time in frames["time"].isot]
    found = [next((counts[key][1] for key in several if key in counts), None) for several in keys]
    frames = frames.copy(copy_data=False)
    frames["saturated"] = MaskedColumn(
        [count or 0 for count in found], mask=[count is None for count in found], dtype=np.int64
    )
    return frames
