"""The frames of a sequence, in the order of time, with what is known of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from astropy.time import Time

from sunpy_heliocloud.arguments import function_name
from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.times import joined_times
from sunpy_heliocloud.io.frame import ArrayFrame, Frame
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.left_out import LeftOut
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.steps import Apply, Plane
from sunpy_heliocloud.metadata.channels import Channel, channels
from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.exposure import exposure_times
from sunpy_heliocloud.metadata.header import AnyCaseHeader
from sunpy_heliocloud.metadata.problems import problems
from sunpy_heliocloud.metadata.times import Midpoints
from sunpy_heliocloud.metadata.values import header_of_values
from sunpy_heliocloud.text import shown_url

__all__ = ["Frames"]

_BATCH = 1024  # headers that are dictionaries at a time

type Header = Mapping[str, Any]


@dataclass(frozen=True)
class Frames:
    """
    Frames, in the order of time unless they were `picked` in another.

    Attributes
    ----------
    images, headers, times, channels
        Of each frame: its pixels, header, midpoint and channel.
    left_out
        Frames that are none of these.
    steps
        What is done to pixels when they are read.
    applied_to
        The headers at the times of these steps.
    """

    images: list[Frame]
    headers: HeaderColumns
    times: Time
    channels: list[Channel]
    left_out: LeftOut
    steps: tuple[Apply, ...] = ()
    applied_to: tuple[HeaderColumns, ...] = ()

    @classmethod
    def in_order(
        cls,
        images: list[Frame],
        headers: HeaderColumns,
        left_out: LeftOut,
        steps: tuple[Apply, ...] = (),
        applied_to: tuple[HeaderColumns, ...] = (),
    ) -> Self:
        """Find each frame's time and channel, and put the frames in the order of time."""
        (times, dated, found), good = left_out.ask_headers(
            lambda some: ((when := Midpoints(some)).times, when.without_time_of_day, channels(some)),
            images,
            headers,
        )
        if dated:
            warn_caller(
                f"{len(dated)} of {len(images)} frames have a date without a time of day, and sunpy's Map does not "
                "read the keyword TIME-OBS beside it; add it to the date with update_headers"
            )
        order = np.argsort(times.jd, kind="stable")
        images = [images[i] for i in good[order]]
        headers, applied_to = _picked_headers(headers, applied_to, good[order])
        found = [found[i] for i in order]
        return cls(images, headers, times[order], found, left_out, steps, applied_to)

    @classmethod
    def joined(cls, parts: Sequence[Self], left_out: LeftOut) -> Self:
        """The frames of several, in the order of time. All have the same steps."""
        if len(parts) < 2:
            return (
                replace(parts[0], left_out=left_out)
                if parts
                else cls.in_order([], HeaderColumns.from_headers([]), left_out)
            )
        versions = zip(*(part.applied_to for part in parts), strict=True)
        joined = cls(
            [image for part in parts for image in part.images],
            HeaderColumns.concatenate([part.headers for part in parts]),
            joined_times([part.times for part in parts]),
            [channel for part in parts for channel in part.channels],
            left_out,
            parts[0].steps,
            tuple(HeaderColumns.concatenate(some) for some in versions),
        )
        return joined.picked(np.argsort(joined.times.jd, kind="stable"))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def urls(self) -> list[str]:
        """Where each frame comes from."""
        return [image.url for image in self.images]

    @property
    def errors(self) -> str:
        """``"raise"`` or ``"mask"``."""
        return self.left_out.errors

    @property
    def channels_found(self) -> list[Channel]:
        """A channel of each kind."""
        return list({channel.identity: channel for channel in self.channels}.values())

    def picked(self, indices: np.ndarray) -> Self:
        """These frames and their headers, in this order."""
        headers, applied_to = _picked_headers(self.headers, self.applied_to, indices)
        return replace(
            self,
            images=[self.images[i] for i in indices],
            headers=headers,
            times=self.times[indices],
            channels=[self.channels[i] for i in indices],
            applied_to=applied_to,
        )

    def by_time(self) -> Self:
        """The same in the order of time, which indices may have changed."""
        order = np.argsort(self.times.jd, kind="stable")
        return self if (np.diff(order) > 0).all() else self.picked(order)

    @property
    def longest_gap(self) -> float:
        """Days between two frames that follow each other."""
        return float(np.diff(np.sort(self.times.jd)).max(initial=0))

    def applied(self, function: Callable, pointwise: bool) -> Self:
        """With one more step, which is given the headers of now."""
        applied_to = self.applied_to
        if not applied_to or applied_to[-1] is not self.headers:
            applied_to = (*applied_to, self.headers)
        steps = (*self.steps, Apply(function, pointwise, len(applied_to) - 1))
        return replace(self, steps=steps, applied_to=applied_to)

    def updated(self, function: Callable[[dict[str, Any]], Header]) -> Self:
        """With the headers that a function makes of these, in the order of their times."""
        headers = _updated_headers(self, function)
        return self.in_order(self.images, headers, self.left_out, self.steps, self.applied_to)

    def image(self, index: int) -> Recipe:
        """How the pixels of one frame come about, after all steps."""
        # Functions are given floats, and integers have no NaN for pixels that cannot be read.
        as_float = self.steps or self.errors == "mask"
        dtype = self.images[index].dtype
        dtype = np.result_type(dtype, np.float32) if as_float else dtype
        planes = self.planes(np.array([index]))
        return Recipe.whole(planes, dtype, steps=self.steps, errors=self.errors, flat=True)

    def with_steps_done(self) -> Self:
        """Frames of the same pixels, on which nothing is left to do; lazy."""
        if not self.steps:
            return self
        images: list[Frame] = [ArrayFrame(FrameArray(self.image(i)), url) for i, url in enumerate(self.urls)]
        return replace(self, images=images, steps=(), applied_to=())

    def planes(self, indices: np.ndarray, keys: Sequence[str] | None = None) -> list[Plane]:
        """The data of frames that tasks need; headers only if a function uses them."""
        exposures = exposure_times(self.headers[indices]).tolist()
        images = [self.images[i] for i in indices]
        versions = [list(headers[indices]) for headers in self.applied_to]
        headers = list(zip(*versions, strict=True)) if versions else [()] * len(indices)
        keys = [""] * len(indices) if keys is None else keys
        return [Plane(*parts) for parts in zip(images, exposures, headers, keys, strict=True)]

    def require_some(self) -> None:
        """Raise an error that says why there is no frame, if there is none."""
        if not self.images:
            if reasons := self.left_out.reasons:
                url, reason = next(iter(reasons.items()))
                raise ValueError(
                    f"all {len(reasons)} frames are left out, see .status; {shown_url(url)}: {shown_url(reason)}"
                )
            raise ValueError(
                "the sequence has no frames: the search found nothing, or a selection kept nothing"
            )


def _picked_headers(
    headers: HeaderColumns, applied_to: tuple[HeaderColumns, ...], indices: np.ndarray
) -> tuple[HeaderColumns, tuple[HeaderColumns, ...]]:
    """Rows of the headers and of those of steps; what was the same object stays the same."""
    picked = {id(version): version[indices] for version in (headers, *applied_to)}
    return picked[id(headers)], tuple(picked[id(version)] for version in applied_to)


def _updated_headers(frames: Frames, function: Callable[[dict[str, Any]], Header]) -> HeaderColumns:
    """What a function makes of the header of each frame."""
    batches: list[HeaderColumns] = []
    maps: dict = {}
    for i in range(0, len(frames), _BATCH):
        before, images = frames.headers[i : i + _BATCH], frames.images[i : i + _BATCH]
        pairs = zip(before, images, strict=True)
        batches.append(HeaderColumns.from_headers([_updated(*pair, function) for pair in pairs]))
        _require_no_new_problem(before, batches[-1], images, function, maps)
    return HeaderColumns.concatenate([HeaderColumns.from_headers([]), *batches])


def _require_no_new_problem(
    before: HeaderColumns, after: HeaderColumns, images: Sequence[Frame], function: Callable, maps: dict
) -> None:
    found = problems(after, maps)
    if any(found):
        for image, problem, old in zip(images, found, problems(before), strict=True):
            if problem is not None and old is None:
                raise ValueError(
                    f"{function!r} made a header of {shown_url(image.url)} that cannot be used: {shown_url(problem)}"
                )


def _updated(
    header: dict[str, Any], frame: Frame, function: Callable[[dict[str, Any]], Header]
) -> dict[str, Any]:
    new = without_contexts(function)(AnyCaseHeader(header))
    where = shown_url(frame.url)
    if not isinstance(new, Mapping):
        raise TypeError(
            f"{function_name(function)} must return the new header, but returned {type(new).__name__} for {where}"
        )
    size = {keyword: header[keyword] for keyword in ("NAXIS", "NAXIS1", "NAXIS2")}
    updated = size | header_of_values(new, where)
    if changed := [keyword for keyword, length in size.items() if updated[keyword] != length]:
        raise ValueError(
            f"{function_name(function)} changed {changed[0]} of {where} from {header[changed[0]]} to {updated[changed[0]]}; "
            "the image keeps its size"
        )
    return updated
