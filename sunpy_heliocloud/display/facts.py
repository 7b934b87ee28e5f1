"""Facts about cubes for their displays; nothing is read or computed for them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dask
import numpy as np

from astropy.time import Time

from sunpy_heliocloud.display.field import Field
from sunpy_heliocloud.lazy.combined import channel_name
from sunpy_heliocloud.lazy.estimate import readable_size, reads_of
from sunpy_heliocloud.lazy.losses import lost_frames
from sunpy_heliocloud.summary import Summary
from sunpy_heliocloud.text import many

__all__ = [
    "Rows",
    "chunk_rows",
    "cube_summary",
    "duration",
    "field_row",
    "loss_row",
    "step_rows",
    "time_rows",
    "times_text",
]

# In units of the median step: longer ones are gaps.
_GAP = 1.5
_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))

type Rows = list[tuple[str, str]]


def cube_summary(cube: Any) -> Summary:
    """What a `~sunpy_heliocloud.TimeLagCube` says of itself."""
    frames, (view, picture) = cube.meta.get("frames"), field_row(cube)
    own = "each frame its own, not derotated" if frames is not None else "shared, not derotated"
    title = f"{type(cube).__name__} of shape {cube.shape}, {cube.data.dtype}, {cube._state()}"
    rows = [
        ("Channel", channel_name(cube.meta)),
        ("Times", times_text(cube.times)),
        *time_rows(cube.times),
        *view,
        ("Unit", "unknown" if cube.unit is None else str(cube.unit) or "none"),
        ("Grid", str(cube.meta.get("derotated", own))),
        *step_rows(cube.meta),
        *chunk_rows(cube.data),
    ]
    if frames is not None:
        rows += loss_row(list(frames["url"]), before=len(frames.meta.get("lost", ())))
    return Summary(title, rows, picture)


def step_rows(meta: Mapping[str, Any]) -> Rows:
    """What was done to the pixels, besides derotation."""
    steps = [
        f"{text}{meta[name]}"
        for name, text in (
            ("saturation", "NaN at saturation, "),
            ("applied", "applied: "),
            ("normalization", "exposure: "),
            ("resampled", "resampled: "),
            ("light_travel", ""),
            ("difference", "difference "),
            ("arithmetic", "then "),
            ("path", "along a path of "),
        )
        if meta.get(name)
    ]
    return [("Steps", "; ".join(steps))] if steps else []


def duration(seconds: float) -> str:
    """A duration in the unit that reads best."""
    size, unit = next((one for one in _SECONDS if seconds >= 2 * one[0] or seconds == one[0]), (1.0, "s"))
    return f"{seconds / size:.4g} {unit}"


def times_text(times: Time) -> str:
    """The first and the last of some times, or one."""
    first, last = (time.isot for time in np.atleast_1d(times)[[0, -1]])
    return first if first == last else f"{first} to {last}"


def time_rows(times: Time) -> Rows:
    """Cadence and gaps of planes or frames."""
    if times.isscalar or times.size < 2:
        return []
    steps = np.diff((times - times[0]).sec)
    cadence = float(np.median(steps))
    even = np.ptp(steps) < 0.01 * cadence
    gaps = np.flatnonzero(steps > _GAP * cadence)
    rows = [("Cadence", duration(cadence) if even else f"{duration(cadence)} (median)")]
    if gaps.size == 0:
        return [*rows, ("Gaps", "none")]
    longest = int(gaps[np.argmax(steps[gaps])])
    return [
        *rows,
        (
            "Gaps",
            f"{gaps.size}, the longest of {duration(float(steps[longest]))} after {times[longest].isot}",
        ),
    ]


def field_row(cube: Any) -> tuple[Rows, str]:
    """The field of view in words, and its picture."""
    field = Field.of_cube(cube)
    return ([], "") if field is None else ([("View", str(field))], field.svg)


def chunk_rows(data: Any) -> Rows:
    """The chunks of a lazy array, and what is read for it."""
    if not dask.is_dask_collection(data):
        return []
    largest = tuple(max(sizes) for sizes in data.chunks)
    size = readable_size(int(np.prod(largest)) * data.dtype.itemsize)
    rows = [("Chunks", f"{int(np.prod(data.numblocks))} of {largest}, {size} each")]
    frames, requests, size_read = reads_of(data)
    read = (
        f"{many(frames, 'frame')}, {many(requests, 'request')}, {readable_size(size_read)}"
        if requests
        else "no frames"
    )
    return [*rows, ("To read", read)]


def loss_row(urls: Sequence[str], since: int = 0, before: int = 0) -> Rows:
    """How many frames were lost."""
    lost = len(lost_frames(urls, since))
    if not (lost or before):
        return []
    said = [f"{lost} of {len(urls)} frames could not be read and are NaN"] if lost else []
    said += [f"{before} frames were NaN when it was saved"] if before else []
    return [("Lost", "; ".join(said))]
