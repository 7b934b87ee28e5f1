"""SlicedArray: a dask array that reads and computes what its slices need."""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize

from sunpy_heliocloud.coordinates.indexers import Indexer, Stretch, outer_index
from sunpy_heliocloud.lazy.array import ELEMENTWISE, LazyArray
from sunpy_heliocloud.lazy.wholes import Binned, Combined, Given, Joined, Slice, Whole, composed, part_of

__all__ = ["SlicedArray", "elementwise", "in_bins", "joined_planes", "part_of_tasks", "with_lost_axes"]


class SlicedArray(LazyArray):
    """
    A dask array that is a slice of a whole, with the tasks that this slice needs.

    dask itself slices what tasks have made. A slice of this array is another slice of the whole, with tasks of its own:
    one plane of planes that are interpolated in time needs the frames around it, and not all of them. Functions
    of numpy and arithmetic that treat each value by itself keep that. All other operations of dask give a plain dask array.

    Parameters
    ----------
    whole
        What it is a slice of.
    index
        Which; by default all of it.
    """

    whole: Whole
    index: tuple[Indexer, ...]

    def __new__(cls, whole: Whole, index: Sequence[Indexer] | None = None) -> "SlicedArray":
        index = tuple(Stretch(0, length) for length in whole.shape) if index is None else tuple(index)
        part = part_of(whole, index)
        array = super().__new__(cls, part.dask, part.name, part.chunks, meta=part._meta)
        array.whole, array.index = whole, index
        return array

    def __reduce__(self) -> tuple:
        return SlicedArray, (self.whole, self.index)

    def copy(self) -> "SlicedArray":
        """The same slice of the same whole, with the same tasks. ndcube and sunpy copy what nothing can change."""
        array = da.Array.__new__(SlicedArray, self.dask, self.name, self.chunks, meta=self._meta)
        array.whole, array.index = self.whole, self.index
        return array

    def __getitem__(self, item: Any) -> da.Array:
        index = outer_index(item, self.shape)
        if index is None or not all(one.positions for one in index):
            return super().__getitem__(item)
        if all(one == Stretch(0, length) for one, length in zip(index, self.shape, strict=True)):
            return self
        return SlicedArray(self.whole, composed(self.index, index))

    def __setitem__(self, item: Any, value: Any) -> None:
        plain = da.Array(self.dask, self.name, self.chunks, meta=self._meta)
        plain[item] = value
        self.dask, self._name, self._chunks, self._meta = plain.dask, plain.name, plain.chunks, plain._meta
        self.whole, self.index = Given(plain), tuple(Stretch(0, length) for length in plain.shape)

    def astype(self, dtype: Any, **kwargs: Any) -> da.Array:
        """See `dask.array.Array.astype`; slices still compute only what they need."""
        if np.dtype(dtype) == self.dtype:
            return self
        return elementwise(operator.methodcaller("astype", np.dtype(dtype), **kwargs), self)

    def __array_ufunc__(self, numpy_ufunc: Any, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        is_plain = (
            method == "__call__" and numpy_ufunc.nout == 1 and numpy_ufunc.signature is None and not kwargs
        )
        if is_plain and _are_broadcast_to(self.shape, inputs):
            return elementwise(numpy_ufunc, *inputs)
        return super().__array_ufunc__(numpy_ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        is_plain = func in ELEMENTWISE and not any(map(np.ndim, kwargs.values()))
        if is_plain and len(args) > (func is np.where) and _are_broadcast_to(self.shape, args):
            return elementwise(partial(da.core.elemwise, partial(func, **kwargs)), *args)
        return super().__array_function__(func, types, args, kwargs)


def _arithmetic(operation: Callable, name: str, *, reflected: bool = False) -> Callable:
    plain = getattr(LazyArray, name)

    def method(self: SlicedArray, *other: Any) -> Any:
        operands = (*other, self) if reflected else (self, *other)
        return (
            elementwise(operation, *operands)
            if _are_broadcast_to(self.shape, operands)
            else plain(self, *other)
        )

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _operation = getattr(operator, _name)
    setattr(SlicedArray, f"__{_name}__", _arithmetic(_operation, f"__{_name}__"))
    setattr(SlicedArray, f"__r{_name}__", _arithmetic(_operation, f"__r{_name}__", reflected=True))
for _name in ("neg", "abs", "invert", "and", "or", "xor", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(SlicedArray, f"__{_name}__", _arithmetic(getattr(operator, f"__{_name}__"), f"__{_name}__"))


def _are_broadcast_to(shape: tuple[int, ...], operands: Sequence[Any]) -> bool:
    """Whether all are numbers, or numpy's or dask's arrays that together have the shape."""
    known = all(
        isinstance(one, (int, float, np.generic, da.Array)) or type(one) is np.ndarray for one in operands
    )
    try:
        return known and np.broadcast_shapes(*map(np.shape, operands)) == shape
    except ValueError:
        return False


def elementwise(operation: Callable, *operands: Any) -> da.Array:
    """
    What an operation makes of arrays, each value of those of its place.

    Parameters
    ----------
    operation
        Takes as many arrays or numbers as there are operands, and treats each place by itself.
    *operands
        Arrays and numbers that are broadcast to the shape of the sliced ones.

    Returns
    -------
    dask.array.Array
        A `SlicedArray` if one of the operands is.
    """
    sliced = [one for one in operands if isinstance(one, SlicedArray)]
    if not sliced:
        return operation(*operands)
    first, *others = sliced
    numbers = [one for one in operands if not isinstance(one, SlicedArray)]
    if not any(map(np.ndim, numbers)) and all(
        (one.index, one.whole.shape) == (first.index, first.whole.shape) for one in others
    ):
        # Their wholes are combined, so that axes which the slices have lost can come back.
        wholes = tuple(one.whole if isinstance(one, SlicedArray) else Given(one) for one in operands)
        return SlicedArray(Combined(operation, wholes, first.whole.shape), first.index)
    slices = tuple(
        Slice(one.whole, one.index) if isinstance(one, SlicedArray) else Given(one) for one in operands
    )
    return SlicedArray(Combined(operation, slices, first.shape))


def in_bins(array: da.Array, bins: Sequence[int], operation: Callable) -> da.Array:
    """
    The array in bins, see `ndcube.NDCube.rebin`.

    Parameters
    ----------
    array, bins, operation
        What is binned; the elements of a bin along each axis; what makes a value of a bin.

    Returns
    -------
    dask.array.Array
        A `SlicedArray`, unless bins are single elements.
    """
    bins = tuple(map(int, bins))
    if set(bins) == {1}:
        return array
    whole = Slice(array.whole, array.index) if isinstance(array, SlicedArray) else Given(array)
    return SlicedArray(Binned(whole, bins, operation))


def joined_planes(arrays: Sequence[SlicedArray], order: np.ndarray) -> SlicedArray:
    """The planes of several arrays, one after the other and then in an order."""
    wholes = tuple(Slice(array.whole, array.index) for array in arrays)
    return SlicedArray(Joined(wholes, tuple(order.tolist())))


def with_lost_axes(array: Any, shape: tuple[int, ...]) -> Any:
    """The array with axes of one element in place of those that it has lost, so that it has the shape."""
    if isinstance(array, SlicedArray):
        kept = [one.with_axis() for one in array.index]
        if tuple(len(one.positions) for one in kept) == shape:
            return SlicedArray(array.whole, kept)
    return array.reshape(shape)


def part_of_tasks(array: Any, planes: slice) -> Any:
    """Some planes of an array, with the tasks of the whole array: several slices share them."""
    if not isinstance(array, da.Array):
        return array[planes]
    count = len(range(*planes.indices(len(array))))
    if count == len(array):
        return da.Array(array.dask, array.name, array.chunks, meta=array._meta)
    if array.numblocks[0] > 1:
        return da.Array.__getitem__(array, planes)
    # Of blocks one by one, which dask makes a part of the tasks before and after.
    return da.map_blocks(
        operator.getitem,
        array,
        planes,
        name="planes-" + tokenize(array.name, planes),
        chunks=((count,), *array.chunks[1:]),
        meta=array._meta,
    )
