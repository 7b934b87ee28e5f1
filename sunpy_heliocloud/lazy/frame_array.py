"""FrameArray: a dask array of planes read from frames."""

import operator
from collections.abc import Callable
from typing import Any, Self

import dask.array as da
import numpy as np
from dask.base import tokenize

from sunpy_heliocloud.coordinates.indexers import Stretch, items, outer_index
from sunpy_heliocloud.lazy.array import LazyArray
from sunpy_heliocloud.lazy.layers import graph_from_blocks
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.sliced import elementwise
from sunpy_heliocloud.lazy.steps import Arithmetic, IsValid
from sunpy_heliocloud.lazy.tasks import FirstPlane

__all__ = ["FrameArray", "is_valid"]


class FrameArray(LazyArray):
    """
    A dask array of planes read from frames, with the recipe that makes it.

    Slicing it narrows the window that tasks read, arithmetic with scalars becomes part of the reading, and `derotate`
    reads just the rows that it needs. All other operations of dask give a plain dask array.

    Parameters
    ----------
    recipe
        Where the pixels come from.
    """

    recipe: Recipe

    def __new__(cls, recipe: Recipe) -> Self:
        name = "frames-" + tokenize(recipe)
        if recipe.flat:
            graph = graph_from_blocks(name, FirstPlane(recipe.read), {(0, 0): recipe.planes})
        else:
            blocks = {(i, 0, 0): (plane,) for i, plane in enumerate(recipe.planes)}
            graph = graph_from_blocks(name, recipe.read, blocks)
        array = super().__new__(cls, graph, name, recipe.chunks, dtype=recipe.result_dtype)
        array.recipe = recipe
        return array

    def __reduce__(self) -> tuple:
        return type(self), (self.recipe,)

    def copy(self) -> Self:
        """An array with the same recipe and tasks. ndcube and sunpy copy what nothing can change."""
        array = da.Array.__new__(type(self), self.dask, self.name, self.chunks, meta=self._meta)
        array.recipe = self.recipe
        return array

    def __getitem__(self, item: Any) -> da.Array:
        index = outer_index(item, self.shape)
        if index is None:
            return super().__getitem__(item)
        recipe, rest = self.recipe.part(index)
        array = type(self)(recipe)
        if all(one == Stretch(0, length) for one, length in zip(rest, array.shape, strict=True)):
            return array
        return LazyArray.__getitem__(array, items(rest))

    def __setitem__(self, item: Any, value: Any) -> None:
        plain = da.Array(self.dask, self.name, self.chunks, dtype=self.dtype)
        plain[item] = value
        images = [plain] if self.recipe.flat else [plain[i] for i in range(len(plain))]
        self._become(self.recipe.of_images(images))

    def _become(self, recipe: Recipe) -> None:
        """Be the array of another recipe, of the same shape, from now on."""
        other = type(self)(recipe)
        self.dask, self._name, self._chunks, self._meta = other.dask, other.name, other.chunks, other._meta
        self.recipe = other.recipe

    def __neg__(self) -> da.Array:
        return self * -1  # ndcube subtracts by adding the negative


def _pointwise(name: str, operation: Callable, reflected: bool) -> Callable:
    plain = getattr(LazyArray, name)

    def method(self: FrameArray, other: Any) -> da.Array:
        if np.ndim(other) or not isinstance(other, (int, float, np.number)):
            return plain(self, other)
        operand = other.item() if isinstance(other, np.number) else other
        step = Arithmetic(operation, operand, reflected)
        return type(self)(self.recipe.then(step))

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operation = getattr(operator, _name)
    setattr(FrameArray, f"__{_name}__", _pointwise(f"__{_name}__", _operation, reflected=False))
    setattr(FrameArray, f"__r{_name}__", _pointwise(f"__r{_name}__", _operation, reflected=True))


def is_valid(data: Any) -> Any:
    """1 where data are finite and 0 elsewhere, as float32; of a `FrameArray` it is part of the reading."""
    if isinstance(data, FrameArray):
        return FrameArray(data.recipe.then(IsValid()))
    return elementwise(_is_finite, data)


def _is_finite(data: Any) -> Any:
    return (da.isfinite(data) if isinstance(data, da.Array) else np.isfinite(data)).astype(np.float32)
