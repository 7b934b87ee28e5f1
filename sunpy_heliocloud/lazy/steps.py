"""The steps of a frame: what is done to its pixels, in order: users' functions, arithmetic, division by exposure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.io.frame import Frame
from sunpy_heliocloud.lazy.reports import report_saturated
from sunpy_heliocloud.metadata.header import AnyCaseHeader
from sunpy_heliocloud.text import shown_url

__all__ = [
    "Apply",
    "Arithmetic",
    "Cast",
    "DivideByExposure",
    "Elementwise",
    "IsValid",
    "MaskSaturated",
    "Plane",
    "Step",
    "Steps",
]


@dataclass(frozen=True, eq=False, slots=True)
class Plane:
    """
    A frame as a plane of a cube.

    Parameters
    ----------
    frame
        Where the pixels come from.
    exposure_time
        In seconds; NaN where the header has none.
    headers
        For functions that are applied, each by its number; none unless there are any, since they travel with every
        task.
    key
        Under which its saturated pixels are counted.
    """

    frame: Frame
    exposure_time: float = np.nan
    headers: tuple[Mapping[str, Any], ...] = ()
    key: str = ""

    @property
    def shown(self) -> str:
        """The file, for messages: without a query that may hold a signature."""
        return shown_url(self.frame.url)

    def __dask_tokenize__(self) -> str:
        # Of ten thousand headers dask's own way takes ten seconds.
        headers = blake2b(repr(self.headers).encode()).hexdigest() if self.headers else ""
        return f"{self.frame.__dask_tokenize__()} {self.exposure_time!r} {headers} {self.key}"


class Step(Protocol):
    """
    A change of the pixel values of a frame, as a frozen value.

    Attributes
    ----------
    pointwise
        Whether each pixel is treated by itself, so that any part of a frame will do.
    """

    pointwise: bool

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        """The changed image."""

    def of_missing(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        """What comes of the image of a frame that could not be read."""
        return self(image, plane)


class Steps(tuple[Step, ...]):
    """What is done to the pixels of a frame between reading and everything else, in order."""

    __slots__ = ()

    @property
    def pointwise(self) -> bool:
        """Whether all steps are."""
        return all(step.pointwise for step in self)

    def then(self, step: Step) -> "Steps":
        """These steps and one more."""
        return Steps((*self, step))

    def __call__(self, image: np.ndarray, plane: Plane, *, is_own: bool = False) -> np.ndarray:
        """
        The image after all steps.

        Parameters
        ----------
        image, plane
            See `Step`.
        is_own
            Whether nothing else refers to the memory of the image, so that it may hold the result: memory that a worker uses
            for the first time costs more than a division.
        """
        for number, step in enumerate(self):
            if is_own and number == 0 and isinstance(step, DivideByExposure):
                image = step(image, plane, out=image)
            else:
                image = step(image, plane)
        return image

    def of_missing(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        """What comes of the image of a frame that could not be read; users' functions are not called."""
        for step in self:
            image = step.of_missing(image, plane)
        return image

    def result_dtype(self, dtype: np.dtype, plane: Plane) -> np.dtype:
        """The type that comes of images of a type; users' functions keep it."""
        return self.of_missing(np.ones((1, 1), dtype), plane).dtype


@dataclass(frozen=True)
class DivideByExposure(Step):
    """Counts to counts per second; a frame whose exposure is zero or unknown has no rate and becomes NaN."""

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane, out: np.ndarray | None = None) -> np.ndarray:
        exposure = plane.exposure_time if plane.exposure_time > 0 else np.nan
        return np.divide(image, image.dtype.type(exposure), out=out)


@dataclass(frozen=True)
class MaskSaturated(Step):
    """NaN where counts are at or above a level; the pixels are counted, see `sunpy_heliocloud.lazy.saturated`."""

    level: float

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        is_saturated = image >= self.level
        count = int(np.count_nonzero(is_saturated))
        report_saturated(plane.key, count, image.size)
        return np.where(is_saturated, image.dtype.type(np.nan), image) if count else image

    def of_missing(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return image


@dataclass(frozen=True)
class Arithmetic(Step):
    """``operation(image, operand)`` with a scalar, or the other way round when ``reflected``."""

    operation: Callable
    operand: Any
    reflected: bool = False

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return self.operation(self.operand, image) if self.reflected else self.operation(image, self.operand)


@dataclass(frozen=True)
class Elementwise(Step):
    """A function of numpy of the image and scalars; `None` stands for the image."""

    function: Callable
    operands: tuple[Any, ...]

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return self.function(*(image if one is None else one for one in self.operands))


@dataclass(frozen=True)
class Cast(Step):
    """The same values as another type."""

    dtype: np.dtype

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return image.astype(self.dtype)


@dataclass(frozen=True)
class IsValid(Step):
    """1 where there is a value, 0 where it is missing."""

    pointwise = True

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return np.isfinite(image).astype(np.float32)


@dataclass(frozen=True)
class Apply(Step):
    """
    A user's ``function(data, header) -> data``; the precision of the data is kept whatever it returns.

    It runs in whatever thread or process the scheduler chooses: a context of sunpy that it needs, it has to open itself.

    Parameters
    ----------
    function
        The function.
    pointwise
        See `Step`.
    header
        Number of the plane's header that it is given: that of its time, whatever became of headers later.
    """

    function: Callable
    pointwise: bool
    header: int = 0

    def __call__(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        result = without_contexts(self.function)(image, AnyCaseHeader(plane.headers[self.header]))
        if isinstance(result, np.ma.MaskedArray) and result.dtype.kind in _REAL:
            result = np.ma.filled(result.astype(image.dtype), np.nan)
        array = _as_array(result)
        if array is None or array.shape != image.shape:
            shape = () if array is None else array.shape
            made = f"one of {shape}" if array is not None else "none"
            if not shape:
                made += f", an object of type {type(result).__name__}"
            raise ValueError(
                f"the applied function {self.function!r} turned an image of shape {image.shape} into {made}; it must "
                "keep the shape, as coordinates are taken from the header; "
                f"this happened to the pixels of {plane.shown}"
            )
        if array.dtype.kind not in _REAL:
            raise TypeError(
                f"the applied function {self.function!r} made numbers of the type {array.dtype} of an image; they must "
                f"be real; this happened to the pixels of {plane.shown}"
            )
        return array.astype(image.dtype, copy=False)

    def of_missing(self, image: np.ndarray, plane: Plane) -> np.ndarray:
        return image


_REAL = "buif"  # kinds of dtypes


def _as_array(result: Any) -> np.ndarray | None:
    try:
        return np.asarray(result)
    except ValueError:  # a tuple of an image and its header, for example
        return None
