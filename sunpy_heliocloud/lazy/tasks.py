"""What a dask task does: values that are called with a chunk's input. Imported by every worker, so it imports little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.transformation import Source
from sunpy_heliocloud.io.frame import FITSFrame, Window, read_windows
from sunpy_heliocloud.io.kept_bytes import is_keeping
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.reports import Report, is_asked_by_another, report, report_to, wanted, way_here
from sunpy_heliocloud.lazy.steps import Plane, Steps
from sunpy_heliocloud.lazy.terms import Terms

__all__ = ["DerotateArrays", "DerotateFrames", "FirstPlane", "ReadWindow", "TargetPart"]


@dataclass(frozen=True)
class ReadWindow:
    """
    Read a window of frames and calibrate it.

    Parameters
    ----------
    steps
        What is done to the pixels.
    window
        Which part of each frame.
    dtype
        In which frames are read.
    errors
        ``"raise"``, or ``"mask"`` for frames of NaN in place of those that cannot be read.
    terms
        Those of the process that has sent it; `None` in that process.
    """

    steps: Steps
    window: Window
    dtype: np.dtype
    errors: str
    terms: Terms | None = None

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return np.stack(list(self.images(planes, [Window.whole(self.window.shape)] * len(planes))))

    def images(
        self, planes: Sequence[Plane], windows: Sequence[Window], later: Sequence[Window] = ()
    ) -> Iterator[np.ndarray]:
        """
        Parts of the window, one of each plane, counted from the window's corner; each is made when it is asked for.

        A function that sees whole images is given whole images, whatever part is wanted.

        Parameters
        ----------
        planes, windows
            The frames, and the part of each.
        later
            The parts of them that will be read next, if their bytes come with the same requests.
        """
        reads = [self.read_for(plane, window) for plane, window in zip(planes, windows, strict=True)]
        check, frames = wanted(), [plane.frame for plane in planes]
        if self.terms is None:
            joined = [self.read_for(*pair) for pair in zip(planes, later, strict=False)]
            images = read_windows(frames, reads, self.dtype, check, later=joined)
        else:
            self.terms.check()
            images = read_windows(frames, reads, self.dtype, check, partial(self.terms.turns, check=check))
        found = Report(len(planes))
        for image, plane, window, read in zip(images, planes, windows, reads, strict=True):
            if self.errors == "mask":
                found.note(plane.frame.url, str(read), image)
            yield self._calibrated(image, plane, window.of(self.window), read)
        report(found)

    def read_for(self, plane: Plane, window: Window) -> Window:
        """What is read of a frame for a part of the window."""
        if self.steps.pointwise:
            return window.of(self.window)
        return Window.whole(plane.frame.shape)

    def _calibrated(
        self, image: np.ndarray | ReadError, plane: Plane, window: Window, read: Window
    ) -> np.ndarray:
        if isinstance(image, ReadError):
            if self.errors == "raise":
                raise image
            return self.steps.of_missing(np.full(window.shape, np.nan, self.dtype), plane)
        try:
            # A frame in a file is decoded into new memory; others may be arrays of the user.
            is_own = isinstance(plane.frame, FITSFrame) and image.dtype.kind == "f"
            image = self.steps(image, plane, is_own=is_own)
        except Exception as error:
            error.add_note(f"This happened to the pixels of {plane.shown}.")
            raise
        return image[window.within(read)]

    def __reduce__(self) -> tuple:
        terms = Terms() if self.terms is None else self.terms
        return _received, (_way_out(), self.steps, self.window, self.dtype, self.errors, terms)


def _way_out() -> tuple[str, str | None, bool]:
    if is_asked_by_another():
        return way_here()
    # Imported here, since it imports sunpy, which workers and schedulers do not need.
    from sunpy_heliocloud.lazy.jobs import way_out

    return way_out()


def _received(way: tuple[str, str | None, bool], *fields: Any) -> ReadWindow:
    """A `ReadWindow` that has come from another process, which is told what is read."""
    report_to(*way)
    return ReadWindow(*fields)


@dataclass(frozen=True)
class FirstPlane:
    """The one plane that ``read`` gives, as an image."""

    read: ReadWindow

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return self.read(planes)[0]


@dataclass(frozen=True, eq=False)
class TargetPart:
    """
    A part of the derotated planes: what one task makes.

    Parameters
    ----------
    planes
        Frames, and where their pixels lie.
    window
        Which part of the target grid.
    later
        The part of the target grid that is made next of the same frames, if their bytes are requested together.
    """

    planes: Sequence[tuple[Plane, Source]]
    window: Window
    later: Window | None = None


@dataclass(frozen=True)
class DerotateFrames:
    """Read the needed part of frames, calibrate and derotate it."""

    read: ReadWindow
    derotation: Derotation

    def __call__(self, part: TargetPart) -> np.ndarray:
        resampling = self.derotation.resampling
        planes = [plane for plane, _ in part.planes]
        moves = [self.derotation.transformation(source, part.window) for _, source in part.planes]
        windows = [resampling.reach(move) for move in moves]
        images = self.read.images(planes, windows, self._later(part))
        derotated = np.empty((len(planes), *part.window.shape), self.derotation.dtype)
        for image, window, move, out in zip(images, windows, moves, derotated, strict=True):
            resampling.resample(image, window, move, out)
        return derotated

    def _later(self, part: TargetPart) -> list[Window]:
        """What this process reads next of each frame, if it makes one strip after the other."""
        if part.later is None or not is_keeping():
            return []
        moves = (self.derotation.transformation(source, part.later) for _, source in part.planes)
        return list(map(self.derotation.resampling.reach, moves))


@dataclass(frozen=True)
class DerotateArrays:
    """Derotate planes that are in memory to a part of the target grid."""

    derotation: Derotation
    window: Window

    def __call__(self, planes: np.ndarray, sources: Sequence[Source]) -> np.ndarray:
        derotated = np.empty((len(sources), *self.window.shape), self.derotation.dtype)
        for image, source, out in zip(planes, sources, derotated, strict=True):
            move = self.derotation.transformation(source, self.window)
            self.derotation.resampling.resample(image, Window.whole(image.shape), move, out)
        return derotated
