"""Wholes: what sliced arrays are slices of. A part of one needs only parts of what it is made of."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import dask.array as da
import numpy as np

from sunpy_heliocloud.coordinates.indexers import At, Indexer, Picked, Stretch

__all__ = [
    "Binned",
    "Combined",
    "Given",
    "Joined",
    "Slice",
    "Source",
    "Whole",
    "composed",
    "outer_part",
    "part_of",
]


class Whole(Protocol):
    """An array that does not exist yet, of which any part can be made."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    def needs(self, index: Sequence[Indexer]) -> "Iterator[tuple[Source, Sequence[Indexer]]]":
        """Which parts of sources the part at an index is made of. No axis of it is empty."""

    def part(self, index: Sequence[Indexer], make: "Make") -> Any:
        """The part at an index as a dask array, from parts of sources that ``make`` gives."""


class Source(Whole):
    """A whole that is made of nothing else: its parts have tasks of their own."""

    def made(self, index: Sequence[Indexer]) -> da.Array:
        """The part at an index."""
        raise NotImplementedError

    def needs(self, index: Sequence[Indexer]) -> "Iterator[tuple[Source, Sequence[Indexer]]]":
        yield self, index

    def part(self, index: Sequence[Indexer], make: "Make") -> Any:
        return make(self, index)


type Make = Callable[[Source, Sequence[Indexer]], da.Array]


def part_of(whole: Whole, index: Sequence[Indexer]) -> da.Array:
    """The part of a whole at an index. Several parts of one source are taken from one that holds them all."""
    wanted: dict[int, list[Sequence[Indexer]]] = defaultdict(list)
    for source, needed in whole.needs(index):
        wanted[id(source)].append(needed)
    made: dict[int, tuple[tuple[Indexer, ...], da.Array]] = {}

    def make(source: Source, needed: Sequence[Indexer]) -> da.Array:
        if all(one == needed for one in wanted[id(source)]):
            return source.made(needed)
        if id(source) not in made:
            around = tuple(map(_around, zip(*wanted[id(source)], strict=True)))
            made[id(source)] = around, source.made(around)
        around, part = made[id(source)]
        return outer_part(part, list(map(_within, needed, around)))

    return whole.part(index, make)


def _around(indexers: Sequence[Indexer]) -> Indexer:
    """All positions of several indices on one axis."""
    positions = sorted({position for one in indexers for position in one.positions})
    first, last = positions[0], positions[-1]
    if last - first + 1 == len(positions):
        return Stretch(first, len(positions))
    return Picked(tuple(positions))


def _within(indexer: Indexer, around: Indexer) -> Indexer:
    """An index on one axis, counted among the positions of another one."""
    if isinstance(around, Stretch) and isinstance(indexer, Stretch):
        return Stretch(indexer.first - around.first, indexer.count, indexer.step)
    places = {position: place for place, position in enumerate(around.positions)}
    if isinstance(indexer, At):
        return At(places[indexer.position])
    return Picked(tuple(places[position] for position in indexer.positions))


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

    def needs(self, index: Sequence[Indexer]) -> Iterator[tuple[Source, Sequence[Indexer]]]:
        yield from ()

    def part(self, index: Sequence[Indexer], make: Make) -> Any:
        return outer_part(self.array, index) if self.shape else self.array


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

    def needs(self, index: Sequence[Indexer]) -> Iterator[tuple[Source, Sequence[Indexer]]]:
        return self.whole.needs(composed(self.index, index))

    def part(self, index: Sequence[Indexer], make: Make) -> Any:
        return self.whole.part(composed(self.index, index), make)


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

    def needs(self, index: Sequence[Indexer]) -> Iterator[tuple[Source, Sequence[Indexer]]]:
        return chain.from_iterable(one.needs(self._own(index, one.shape)) for one in self.operands)

    def part(self, index: Sequence[Indexer], make: Make) -> Any:
        parts = (one.part(self._own(index, one.shape), make) for one in self.operands)
        return self.operation(*parts)

    def _own(self, index: Sequence[Indexer], shape: tuple[int, ...]) -> list[Indexer]:
        """The index on an operand of this shape, which is broadcast to that of the result."""
        lost = len(self.shape) - len(shape)
        single = [Stretch(0, 1) if one.keeps_axis else At(0) for one in index[lost:]]
        axes = zip(index[lost:], single, shape, self.shape[lost:], strict=True)
        return [one if length == of_result else only for one, only, length, of_result in axes]


@dataclass(frozen=True)
class Joined:
    """
    Planes of several arrays.

    Parameters
    ----------
    wholes
        The arrays; their planes are counted one after the other.
    order
        The numbers of the planes.
    """

    wholes: tuple[Whole, ...]
    order: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.order), *self.wholes[0].shape[1:])

    def needs(self, index: Sequence[Indexer]) -> Iterator[tuple[Source, Sequence[Indexer]]]:
        return chain.from_iterable(whole.needs(own) for whole, own, _ in self._of_wholes(index))

    def part(self, index: Sequence[Indexer], make: Make) -> Any:
        parts, places = [], []
        for whole, own, place in self._of_wholes(index):
            parts.append(whole.part(own, make))
            places += place
        joined = da.concatenate(parts)
        return joined[np.argsort(places)] if index[0].keeps_axis else joined[0]

    def _of_wholes(self, index: Sequence[Indexer]) -> Iterator[tuple[Whole, list[Indexer], list[int]]]:
        """What is needed of each array, and the places of its planes in the result."""
        first = 0
        for whole in self.wholes:
            last = first + whole.shape[0]
            numbers = [self.order[position] for position in index[0].positions]
            places = [place for place, number in enumerate(numbers) if first <= number < last]
            if places:
                yield whole, [Picked(tuple(numbers[i] - first for i in places)), *index[1:]], places
            first = last


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

    def needs(self, index: Sequence[Indexer]) -> Iterator[tuple[Source, Sequence[Indexer]]]:
        return self.whole.needs(list(map(_members, index, self.bins)))

    def part(self, index: Sequence[Indexer], make: Make) -> Any:
        part = self.whole.part(list(map(_members, index, self.bins)), make)
        apart = [n for one, size in zip(index, self.bins, strict=True) for n in (len(one.positions), size)]
        binned = self.operation(part.reshape(apart), axis=tuple(range(len(apart) - 1, 0, -2)))
        return binned[tuple(slice(None) if one.keeps_axis else 0 for one in index)]


def _members(bins: Indexer, size: int) -> Indexer:
    """The elements of bins."""
    if isinstance(bins, At) or (isinstance(bins, Stretch) and bins.step == 1):
        return Stretch(bins.positions[0] * size, len(bins.positions) * size)
    return Picked(tuple(position * size + i for position in bins.positions for i in range(size)))


def outer_part(array: Any, index: Sequence[Indexer]) -> Any:
    """The part of an array at an index; several lists apply each to its axis alone."""
    for axis, one in enumerate(index):
        if isinstance(one, Picked):
            array = array[(slice(None),) * axis + (one.item,)]
    return array[tuple(slice(None) if isinstance(one, Picked) else one.item for one in index)]


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
