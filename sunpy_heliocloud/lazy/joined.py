"""The frames of a source: files that are opened, images that the caller holds, and frames of other sequences."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from sunpy import log

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.frame import FITSFrame, Frame, PartFrame
from sunpy_heliocloud.io.listed import is_listed, listed
from sunpy_heliocloud.io.named_files import same_file
from sunpy_heliocloud.lazy.files import File, accesses_of
from sunpy_heliocloud.lazy.frames import Frames
from sunpy_heliocloud.lazy.held import Held
from sunpy_heliocloud.lazy.left_out import LeftOut
from sunpy_heliocloud.lazy.opened import opened
from sunpy_heliocloud.lazy.sources import Lost, entries_of
from sunpy_heliocloud.metadata.columns import HeaderColumns

__all__ = ["frames_of"]


def frames_of(
    source: Any, storage_options: Mapping[str, Any] | None, hdu: int | str | None, errors: str
) -> Frames:
    """
    The frames of a source, in the order of time; those that stand in it twice are kept once.

    Parameters
    ----------
    source, storage_options, hdu, errors
        See `~sunpy_heliocloud.LazyMapSequence`.
    """
    left_out = LeftOut(errors)
    entries = entries_of(source)
    named = [entry for entry in entries if isinstance(entry, File)]
    files = [file for one in named for file in _expanded(one, storage_options)]
    held = [entry for entry in entries if isinstance(entry, Held)]
    lost = [entry for entry in entries if isinstance(entry, Lost)]
    sequences = [entry for entry in entries if isinstance(entry, Frames)]
    for sequence in sequences:
        left_out.reasons.update(sequence.left_out.reasons)
    known = len(left_out.reasons)
    left_out.record([name for name, _ in lost], [error for _, error in lost])
    asked = _different_files(files, storage_options)
    once = _once_each(held, lambda one: tuple(map(id, one.what)))
    parts = [
        _opened(asked, hdu, left_out),
        Frames.in_order(
            [one.frame for one in once], HeaderColumns.from_headers([one.header for one in once]), left_out
        ),
        *sequences,
    ]
    if new := len(left_out.reasons) - known:
        count = len(asked) + len(once) + len(lost) + sum(map(len, sequences))
        warn_caller(f"{new} of {count} frames are left out, see .status")
    parts = [part for part in parts if len(part)]
    if len({part.steps for part in parts}) > 1:
        parts = [part.with_steps_done() for part in parts]
    frames = Frames.joined(parts, left_out)
    different = list(range(len(frames)))
    if held or len(parts) > 1:
        different = _once_each(different, lambda i: _identity(frames.images[i]))
    if repeated := len(files) - len(asked) + len(held) - len(once) + len(frames) - len(different):
        log.info(f"Frames that stand in the source more than once are kept once; {repeated} are left out")
    return frames if len(different) == len(frames) else frames.picked(np.array(different))


def _different_files(
    files: Sequence[File], storage_options: Mapping[str, Any] | None
) -> list[tuple[File, Access]]:
    """The files, each once, and who asks for it."""
    limits.check("files", len(files), "The source of the sequence")
    asked = list(zip(files, accesses_of(files, storage_options), strict=True))
    if all(file.url.startswith("s3://") for file in files):
        # Other names are other objects; to parse those of a long series takes a second.
        return _once_each(asked, lambda pair: pair[0].url)
    return _once_each(asked, lambda pair: same_file(pair[0].url, pair[1].endpoint))


def _expanded(file: File, storage_options: Mapping[str, Any] | None) -> list[File]:
    """The files that a folder or glob in S3 stands for, if the caller has named it."""
    if file.bucket is not None or not is_listed(file.url):
        return [file]
    return [file._replace(url=url) for url in listed(file.url, storage_options)]


def _opened(asked: Sequence[tuple[File, Access]], hdu: int | str | None, left_out: LeftOut) -> Frames:
    images, headers = opened([file for file, _ in asked], [access for _, access in asked], hdu, left_out)
    return Frames.in_order(images, headers, left_out)


def _once_each[T](values: Sequence[T], identity: Callable[[T], Hashable]) -> list[T]:
    """The first of those that are the same."""
    first: dict[Hashable, T] = {}
    for value in values:
        first.setdefault(identity(value), value)
    return list(first.values())


def _identity(frame: Frame) -> Hashable:
    """Equal for frames of the same pixels: of one image of a file, or the same array."""
    match frame:
        case FITSFrame():
            return same_file(frame.url, frame.access.endpoint), frame.layout.byte_range(0, 1)
        case PartFrame():
            return _identity(frame.whole), frame.window
        case _:
            return id(frame)
