"""
Indexers: an index on an array as explicit values, one for each axis.

`At` and `Stretch` are numpy's basic indices; `Picked` is a list of positions, which applies to its axis alone, as in
dask and xarray's outer indexing. Positions count from the front, and are within the axis.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.text import inert

__all__ = [
    "At",
    "Indexer",
    "Picked",
    "Stretch",
    "axis_indexer",
    "expanded",
    "frame_indexer",
    "items",
    "outer_index",
    "shown",
    "stretches",
]


class Indexer(Protocol):
    """
    An index on one axis.

    Attributes
    ----------
    keeps_axis
        Whether the result still has the axis.
    """

    keeps_axis: bool

    @property
    def item(self) -> Any:
        """The index as numpy takes it."""

    @property
    def positions(self) -> Sequence[int]:
        """All of them."""

    @property
    def span(self) -> tuple[int, int] | None:
        """The first position that is needed and the one after the last; `None` for none."""

    def within_span(self) -> "Indexer":
        """The same positions, counted from the first one of the `span`."""

    def with_axis(self) -> "Stretch | Picked":
        """The same positions, as an index that keeps the axis."""


@dataclass(frozen=True)
class At:
    """One position; the axis is lost."""

    position: int

    keeps_axis = False
    step = 1

    @property
    def item(self) -> int:
        return self.position

    @property
    def positions(self) -> tuple[int]:
        return (self.position,)

    @property
    def span(self) -> tuple[int, int]:
        return self.position, self.position + 1

    def within_span(self) -> "At":
        return At(0)

    def with_axis(self) -> "Stretch":
        """The position as a range of one, which keeps the axis."""
        return Stretch(self.position, 1)


@dataclass(frozen=True)
class Stretch:
    """
    Positions at even distances.

    Parameters
    ----------
    first
        The first of them.
    count
        How many.
    step
        From one to the next; negative backwards.
    """

    first: int
    count: int
    step: int = 1

    keeps_axis = True

    @property
    def item(self) -> slice:
        stop = self.first + self.count * self.step
        return slice(self.first, stop if stop >= 0 else None, self.step)

    @property
    def positions(self) -> range:
        return range(self.first, self.first + self.count * self.step, self.step)

    @property
    def span(self) -> tuple[int, int] | None:
        if not self.count:
            return None
        ends = self.positions[0], self.positions[-1]
        return min(ends), max(ends) + 1

    def within_span(self) -> "Stretch":
        span = self.span
        return Stretch(self.first - span[0] if span else 0, self.count, self.step)

    def with_axis(self) -> "Stretch":
        """This one."""
        return self


@dataclass(frozen=True)
class Picked:
    """Any positions, in any order."""

    positions: tuple[int, ...]

    keeps_axis = True

    @property
    def item(self) -> np.ndarray:
        return np.array(self.positions, dtype=int)

    @property
    def span(self) -> tuple[int, int] | None:
        return (min(self.positions), max(self.positions) + 1) if self.positions else None

    def within_span(self) -> "Picked":
        span = self.span
        first = span[0] if span else 0
        return Picked(tuple(position - first for position in self.positions))

    def with_axis(self) -> "Picked":
        """This one."""
        return self


def items(index: Iterable[Indexer]) -> tuple:
    """The index as numpy takes it."""
    return tuple(one.item for one in index)


def stretches(index: Iterable[Indexer]) -> list[Stretch]:
    """
    An index on the axes of a grid, with all of them kept.

    Raises
    ------
    IndexError
        For a list of positions, since these may be no grid.
    """
    kept = [one.with_axis() for one in index]
    ranges = [one for one in kept if isinstance(one, Stretch)]
    if len(ranges) < len(kept):
        raise IndexError("the axes of a grid take integers and slices, and no list of positions")
    return ranges


def axis_indexer(index: Any, length: int) -> Indexer:
    """
    The indexer of one axis.

    Parameters
    ----------
    index
        An integer, a slice, a list, range or one-dimensional array of integers, or a mask.
    length
        Of the axis.

    Raises
    ------
    TypeError
        For an index of another kind.
    IndexError
        When a position is out of bounds, or a mask has another length.
    """
    if isinstance(index, slice):
        positions = range(*index.indices(length))
        return Stretch(positions.start if positions else 0, len(positions), positions.step)
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
        return At(_counted_from_front(int(index), length))
    if isinstance(index, (list, range, np.ndarray)):
        several = np.array([], dtype=int) if isinstance(index, list) and not index else np.asarray(index)
        if several.ndim == 0 and several.dtype.kind in "iu":
            return At(_counted_from_front(int(several), length))
        if several.ndim == 1 and several.dtype == bool:
            if several.size != length:
                raise IndexError(f"a mask of {several.size} does not fit an axis of length {length}")
            return Picked(tuple(np.flatnonzero(several).tolist()))
        if several.ndim == 1 and several.dtype.kind in "iu":
            return Picked(tuple(_counted_from_front(one, length) for one in several.tolist()))
    raise TypeError(f"{index!r} is no index of one axis")


def frame_indexer(index: Any, length: int, remedy: str) -> Indexer:
    """
    The indexer of the frames of a sequence, or of the planes of a cube.

    Parameters
    ----------
    index
        As for `axis_indexer`, also as a `pandas.Series` or another array; masked values of a mask count as `False`.
    length
        How many there are.
    remedy
        For the message of an error: what takes times.

    Raises
    ------
    IndexError
        For everything else.
    """
    if isinstance(index, tuple) and len(index) == 1:  # as numpy.nonzero gives it
        (index,) = index
    if isinstance(index, np.ma.MaskedArray) and index.dtype == bool:
        index = index.filled(False)
    elif hasattr(index, "__array__") and not hasattr(index, "__dask_graph__"):
        index = np.asarray(index)
    try:
        return axis_indexer(index, length)
    except TypeError:
        raise IndexError(
            "time is indexed with an integer, a slice of integers, a list of them or a mask, not with "
            f"{shown(index)}; {remedy}"
        ) from None


def shown(index: Any) -> str:
    """An index in the message of an error."""
    if hasattr(index, "__dask_graph__"):
        return f"a lazy array of shape {index.shape}, which has to be computed first"
    return f"an array of shape {index.shape}" if getattr(index, "shape", ()) else inert(repr(index), 80)


def expanded(item: Any, ndim: int) -> tuple:
    """
    An index for each axis, with whole axes for an ellipsis and for those that are not mentioned.

    Raises
    ------
    IndexError
        When there are more indices than axes, or several ellipses.
    """
    item = item if isinstance(item, tuple) else (item,)
    if sum(one is Ellipsis for one in item) > 1:
        raise IndexError("an index can have one ellipsis (...) only")
    given: Sequence[Any] = [one for one in item if one is not Ellipsis]
    if len(given) > ndim:
        raise IndexError(f"{len(given)} indices for {ndim} axes")
    before = next((i for i, one in enumerate(item) if one is Ellipsis), len(item))
    whole = [slice(None)] * (ndim - len(given))
    return (*given[:before], *whole, *given[before:])


def outer_index(item: Any, shape: tuple[int, ...]) -> tuple[Indexer, ...] | None:
    """An indexer for each axis; `None` for what is left to dask: new axes, vectorised and lazy indices, errors."""
    try:
        index = tuple(
            axis_indexer(one, length) for one, length in zip(expanded(item, len(shape)), shape, strict=True)
        )
    except (TypeError, IndexError):
        return None
    return index if sum(isinstance(one, Picked) for one in index) < 2 else None


def _counted_from_front(index: int, length: int) -> int:
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for an axis of length {length}")
    return index % length
