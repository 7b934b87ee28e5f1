"""The headers of a cube's frames as JSON, and back."""

from typing import Any

from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.frame_headers import FrameHeaders
from sunpy_heliocloud.store.grids import planes_from_json, planes_to_json
from sunpy_heliocloud.store.values import from_json, time_from_json, time_to_json, to_json

__all__ = ["headers_from_json", "headers_to_json"]


def headers_to_json(headers: FrameHeaders) -> dict[str, Any]:
    """
    Headers by keyword; what all share stands there once, and each other keyword has a list of the frames that have it.

    Raises
    ------
    TypeError
        When a value cannot be stored.
    """
    columns, rows = headers.headers, list(headers.headers)
    shared = {key: to_json(rows[0][key], key) for key in columns.keywords if columns.is_shared(key)}
    own = {}
    for key in columns.keywords:
        if not columns.is_shared(key):
            which = [i for i, row in enumerate(rows) if key in row]
            frames = None if len(which) == len(rows) else which
            own[key] = {"frames": frames, "values": [to_json(rows[i][key], key) for i in which]}
    return {
        "times": time_to_json(headers.times),
        "of all frames": shared,
        "of each frame": own,
        **planes_to_json(headers.planes),
    }


def headers_from_json(document: dict[str, Any]) -> FrameHeaders:
    """
    The headers that `headers_to_json` has made JSON of.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it has made no such JSON.
    """
    times = time_from_json(document["times"])
    shared = {key: from_json(value) for key, value in document["of all frames"].items()}
    rows = [dict(shared) for _ in range(times.size)]
    for key, column in document["of each frame"].items():
        which = range(len(rows)) if column["frames"] is None else column["frames"]
        for i, value in zip(which, column["values"], strict=True):
            rows[i][key] = from_json(value)
    planes = planes_from_json(document)
    if times.shape != (len(planes),):
        raise ValueError("headers without coordinates, or the other way round")
    return FrameHeaders(HeaderColumns.from_headers(rows), planes, times)
