"""Facts about sequences of frames for their displays."""

import warnings

import numpy as np

from sunpy_heliocloud.arguments import function_name
from sunpy_heliocloud.display.facts import Rows, loss_row, time_rows, times_text
from sunpy_heliocloud.display.field import Field
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.lazy.estimate import readable_size
from sunpy_heliocloud.lazy.frames import Frames
from sunpy_heliocloud.metadata.channels import names_of
from sunpy_heliocloud.metadata.wcs import plane_wcs
from sunpy_heliocloud.summary import Summary
from sunpy_heliocloud.text import many

__all__ = ["sequence_summary"]

# Files whose sizes are added up; of more, the mean of so many.
_MOST_SIZES = 200
_MOST_CHANNELS = 12


def sequence_summary(frames: Frames, opened: int) -> Summary:
    """What a `~sunpy_heliocloud.LazyMapSequence` says of itself, opened when so many losses had been reported."""
    if not len(frames):
        return Summary("LazyMapSequence: no frames")
    shapes = ", ".join(sorted({f"{image.shape[0]}×{image.shape[1]}" for image in frames.images}))
    field = _field_of(frames)
    rows = [
        ("", ", ".join(sorted(names_of(frames.channels_found)))),
        ("", times_text(frames.times)),
        *_cadences(frames),
        *([] if field is None else [("View", f"{field} in the first frame")]),
        *_quality(frames),
        *_steps(frames),
        *_sizes(frames),
        *loss_row([image.url for image in frames.images], opened),
    ]
    if frames.left_out.reasons:
        rows.append(("Dropped", f"{many(len(frames.left_out.reasons), 'frame')} left out, see .status"))
    title = f"LazyMapSequence: {many(len(frames), 'frame')} of {shapes} pixels"
    return Summary(title, rows, "" if field is None else field.svg)


def _field_of(frames: Frames) -> Field | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing metadata
            return Field.of_plane(plane_wcs(frames.headers[:1])[0])
    except Exception:  # noqa: BLE001  headers without coordinates raise anything; to_cube says what is wrong
        return None


def _cadences(frames: Frames) -> Rows:
    """Cadence and gaps, of each channel."""
    members: dict[tuple, list[int]] = {}
    for i, channel in enumerate(frames.channels):
        members.setdefault(channel.identity, []).append(i)
    in_order = frames.times[np.argsort(frames.times.jd, kind="stable")]
    if len(members) == 1:
        return time_rows(in_order)
    if len(members) > _MOST_CHANNELS:
        return []
    names = names_of([frames.channels[indices[0]] for indices in members.values()])
    return [
        (
            "",
            f"{name}: {many(len(indices), 'frame')}"
            + "".join(f", {label.lower()} {said}" for label, said in time_rows(times)),
        )
        for name, indices in zip(names, members.values(), strict=True)
        for times in [frames.times[np.sort(indices)]]
    ]


def _quality(frames: Frames) -> Rows:
    damaged = sum(map(bool, frames.headers.column("QUALITY")))
    return [("Quality", f"{damaged} of {len(frames)} frames have a QUALITY other than 0")] if damaged else []


def _steps(frames: Frames) -> Rows:
    names = [function_name(step.function) for step in frames.steps]
    return [("Steps", f"applied: {', '.join(names)}")] if names else []


def _sizes(frames: Frames) -> Rows:
    which = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _MOST_SIZES)).round().astype(int))
    images = [frames.images[i] for i in which]
    ranges = [image.byte_range(Window.whole(image.shape)) for image in images]
    sizes = [
        (one.version.size if one.stop is None else one.stop) - one.start if one is not None else 0
        for one in ranges
    ]
    total = float(np.mean(sizes)) * len(frames)
    about = "about " if len(images) < len(frames) else ""
    return [("To read", f"{about}{readable_size(int(total))} for all pixels" if total else "nothing")]
