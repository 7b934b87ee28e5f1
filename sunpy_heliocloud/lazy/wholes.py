"""Wholes: what sliced arrays are slices of. A part of one needs only parts of what it is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.coordinates.indexers import At, Indexer, Picked, Stretch, items

__all__ = ["Binned", "Combined", "Given", "Slice", "Whole", "composed"]


class Whole(Protocol):
    """An array that does not exist yet, of which any part can be made."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    def part(self, index: Sequence[Indexer]) -> Any:
        """The part at an index as a dask array, or as a numpy array if it is made of such. No axis of it is empty."""


@dataclass(frozen=True)
class Given:
    """
    An array that exists.

    Parameters
    ----------
    array
        A dask or numpy array, or a scalar.
    """

    array: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.array)

    def part(self, index: Sequence[Indexer]) -> Any:
        """As of an array of as many axes as there are indices, to which this one is broadcast."""
        if not self.shape:
            return self.array
        own = index[len(index) - len(self.shape) :]
        return self.array[items(map(_broadcast, own, self.shape))]


def _broadcast(indexer: Indexer, length: int) -> Indexer:
    if length > 1:
        return indexer
    return Stretch(0, 1) if indexer.keeps_axis else At(0)


@dataclass(frozen=True)
class Slice:
    """
    A part of a whole.

    Parameters
    ----------
    whole, index
        Which part of what.
    """

    whole: Whole
    index: tuple[Indexer, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(one.positions) for one in self.index if one.keeps_axis)

    def part(self, index: Sequence[Indexer]) -> Any:
        return self.whole.part(composed(self.index, index))


@dataclass(frozen=True)
class Combined:
    """
    The values of several arrays combined, each with the others of its place.

    Parameters
    ----------
    operation
        Takes arrays or scalars.
    operands
        What it takes; they are broadcast to the shape.
    shape
        Of the result.
    """

    operation: Callable
    operands: tuple[Whole, ...]
    shape: tuple[int, ...]

    def part(self, index: Sequence[Indexer]) -> Any:
        return self.operation(*(one.part(index) for one in self.operands))


@dataclass(frozen=True)
class Binned:
    """
    Bins of several elements along each axis.

    Parameters
    ----------
    whole
        What is binned.
    bins
        Elements of a bin along each axis, which divide the whole.
    operation
        Makes one value of a bin, given an array and the axes along which bins lie.
    """

    whole: Whole
    bins: tuple[int, ...]
    operation: Callable

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(length // size for length, size in zip(self.whole.shape, self.bins, strict=True))

    def part(self, index: Sequence[Indexer]) -> Any:
        members = [_members(one, size) for one, size in zip(index, self.bins, strict=True)]
        part = self.whole.part(members)
        apart = [n for one, size in zip(index, self.bins, strict=True) for n in (len(one.positions), size)]
        binned = self.operation(part.reshape(apart), axis=tuple(range(len(apart) - 1, 0, -2)))
        return binned[tuple(slice(None) if one.keeps_axis else 0 for one in index)]


def _members(bins: Indexer, size: int) -> Indexer:
    """The elements of bins."""
    if isinstance(bins, At) or (isinstance(bins, Stretch) and bins.step == 1):
        return Stretch(bins.positions[0] * size, len(bins.positions) * size)
    return Picked(tuple(position * size + i for position in bins.positions for i in range(size)))


def composed(first: Sequence[Indexer], second: Sequence[Indexer]) -> tuple[Indexer, ...]:
    """The index that gives what the second one gives of what the first one gives."""
    rest = iter(second)
    return tuple(_one_of(one, next(rest)) if one.keeps_axis else one for one in first)


def _one_of(first: Indexer, second: Indexer) -> Indexer:
    if isinstance(second, At):
        return At(first.positions[second.position])
    if isinstance(first, Stretch) and isinstance(second, Stretch):
        return Stretch(first.first + second.first * first.step, second.count, first.step * second.step)
    return Picked(tuple(first.positions[position] for position in second.positions))
