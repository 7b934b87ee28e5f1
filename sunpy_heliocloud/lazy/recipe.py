"""Recipe: how an array of planes comes from frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from dask.base import normalize_token

from sunpy_heliocloud.coordinates.indexers import Indexer, Stretch
from sunpy_heliocloud.io.frame import ArrayFrame, Window
from sunpy_heliocloud.lazy.layers import joint_token
from sunpy_heliocloud.lazy.steps import Plane, Step, Steps
from sunpy_heliocloud.lazy.tasks import ReadWindow

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """
    How an array of planes comes from frames.

    Parameters
    ----------
    planes
        The frames.
    steps
        Changes of their pixel values.
    rows, columns
        The window, ``(start, stop)`` in pixels of a frame.
    dtype
        In which frames are read.
    errors
        See `ReadWindow`.
    flat
        Whether it makes an image ``(y, x)`` of its one plane, and not a stack ``(planes, y, x)``.
    """

    planes: tuple[Plane, ...]
    steps: Steps
    rows: tuple[int, int]
    columns: tuple[int, int]
    dtype: np.dtype
    errors: str = "raise"
    flat: bool = False

    @classmethod
    def whole(
        cls, planes: Sequence[Plane], dtype: np.typing.DTypeLike, *, steps: Iterable[Step] = (), **kwargs: Any
    ) -> "Recipe":
        """Whole frames, all of the shape of the first."""
        ny, nx = planes[0].frame.shape
        return cls(tuple(planes), Steps(steps), (0, ny), (0, nx), np.dtype(dtype), **kwargs)

    @classmethod
    def of_array(cls, image: Any, url: str) -> "Recipe":
        """An image ``(y, x)`` that is an array."""
        return cls.whole([Plane(ArrayFrame(image, url))], image.dtype, flat=True)

    def of_images(self, images: Sequence[Any]) -> "Recipe":
        """Arrays in place of the planes, on which nothing is left to do."""
        planes = [
            replace(plane, frame=ArrayFrame(image, plane.frame.url))
            for plane, image in zip(self.planes, images, strict=True)
        ]
        return type(self).whole(planes, images[0].dtype, flat=self.flat)

    def __dask_tokenize__(self) -> tuple:
        others = (self.steps, self.rows, self.columns, self.dtype, self.errors, self.flat)
        return "Recipe", joint_token(self.planes), normalize_token(others)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """One plane a chunk."""
        image = ((self.rows[1] - self.rows[0],), (self.columns[1] - self.columns[0],))
        return image if self.flat else ((1,) * len(self.planes), *image)

    @property
    def read(self) -> ReadWindow:
        """What a task does to a few planes."""
        return ReadWindow(self.steps, Window(self.rows, self.columns), self.dtype, self.errors)

    @property
    def result_dtype(self) -> np.dtype:
        """The type of the values that come out."""
        return self.steps.result_dtype(self.dtype, self.planes[0])

    def then(self, step: Step) -> "Recipe":
        """The recipe with one more step."""
        return replace(self, steps=self.steps.then(step))

    def part(self, index: Sequence[Indexer]) -> tuple["Recipe", tuple[Indexer, ...]]:
        """The recipe of the part that ``array[index]`` needs, and the index on that part."""
        *planes, rows, columns = index
        narrowed = replace(self, rows=_narrow(self.rows, rows), columns=_narrow(self.columns, columns))
        rest = rows.within_span(), columns.within_span()
        if self.flat:
            return narrowed, rest
        (which,) = planes
        if not which.positions:
            return narrowed, (which, *rest)
        picked = tuple(self.planes[i] for i in which.positions)
        if not which.keeps_axis:
            return replace(narrowed, planes=picked, flat=True), rest
        return replace(narrowed, planes=picked), (Stretch(0, len(picked)), *rest)


def _narrow(window: tuple[int, int], indexer: Indexer) -> tuple[int, int]:
    """The part of a window that an index needs."""
    if indexer.span is None:
        return window
    start, stop = indexer.span
    return window[0] + start, window[0] + stop
