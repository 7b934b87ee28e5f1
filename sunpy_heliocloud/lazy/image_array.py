"""ImageArray: the pixels of a lazy Map."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import dask.array as da
import numpy as np

import astropy.units as u

from sunpy_heliocloud.coordinates.indexers import outer_index
from sunpy_heliocloud.io.kept_frame import kept
from sunpy_heliocloud.lazy.array import LazyArray, computed
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.steps import Cast, Elementwise

__all__ = ["ImageArray"]

# dask does these as numpy does, and lazily.
_LAZY = {np.where, np.clip, np.nan_to_num, np.round, np.around, np.stack, np.concatenate}
# These need the shape and the type of an array only.
_ABOUT = {
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.full_like,
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
}
# Python's operators; with numbers those of `FrameArray` are part of the reading already.
_OPERATORS: dict[str, np.ufunc] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "pow": np.power,
    "floordiv": np.floor_divide, "mod": np.mod, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_UNARY: dict[str, np.ufunc] = {
    "abs": np.absolute,
    "invert": np.invert,
    "neg": np.negative,
    "pos": np.positive,
}


class ImageArray(FrameArray):
    """
    The pixels of a Map: an image that is read once, however often it is used, and only when it has to be.

    Slices and elementwise operations stay lazy, but for those with arrays of numpy. Functions of numpy that dask lacks, or does otherwise (medians,
    indices on both axes, ``out=``), are given the pixels: sunpy's and other packages' functions on Maps expect
    numpy's arrays.

    Parameters
    ----------
    recipe
        Of a flat array, see `FrameArray`.
    """

    def __new__(cls, recipe: Recipe) -> Self:
        planes = tuple(replace(plane, frame=kept(plane.frame)) for plane in recipe.planes)
        return super().__new__(cls, replace(recipe, planes=planes))

    @classmethod
    def of(cls, data: da.Array, url: str = "in memory") -> Self:
        """An image of any dask array; a task computes it in its own thread."""
        if isinstance(data, FrameArray) and data.recipe.flat:
            return cls(data.recipe)
        return cls(Recipe.of_array(data, url))

    def __deepcopy__(self, memo: Any) -> Self:
        return self.copy()

    def __getitem__(self, item: Any) -> Any:
        parts = item if isinstance(item, tuple) else (item,)
        is_lazy = any(part is None or isinstance(part, da.Array) for part in parts)
        if is_lazy or outer_index(item, self.shape) is not None:
            return super().__getitem__(item)
        return np.asarray(self)[item]

    def __setitem__(self, item: Any, value: Any) -> None:
        pixels = np.asarray(self)
        pixels[computed(item)] = computed(value)
        self._become(self.recipe.of_images([pixels]))

    def astype(self, dtype: Any, **kwargs: Any) -> da.Array:
        """
        The same pixels as another type, lazy.

        Parameters
        ----------
        dtype
            Of the result.
        **kwargs
            As for `numpy.ndarray.astype`.
        """
        if np.dtype(dtype).kind not in "buif" or kwargs.keys() - {"copy"}:
            return super().astype(dtype, **kwargs)
        return type(self)(self.recipe.then(Cast(np.dtype(dtype))))

    def __array_ufunc__(self, numpy_ufunc: Any, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and numpy_ufunc.nout == 1 and numpy_ufunc.signature is None:
            others = [one for one in inputs if one is not self]
            if all(map(_is_scalar, others)):
                operands = tuple(None if one is self else _plain(one) for one in inputs)
                return type(self)(self.recipe.then(Elementwise(numpy_ufunc, operands)))
            # Arrays of numpy may be changed before a lazy result is computed.
            if all(_is_scalar(one) or isinstance(one, da.Array) for one in others):
                return _image(super().__array_ufunc__(numpy_ufunc, method, *inputs))
        out = kwargs.pop("out", ())
        targets = computed(out)
        result = getattr(numpy_ufunc, method)(
            *computed(inputs), **computed(kwargs), **({"out": targets} if out else {})
        )
        for one, pixels in zip(out, targets, strict=True):
            if isinstance(one, ImageArray):
                one._become(one.recipe.of_images([pixels]))
        return result if not out else out[0] if len(out) == 1 else out

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _ABOUT:
            return func(*_described(args), **_described(kwargs))
        is_lazy = func in _LAZY and not any(name in kwargs for name in ("out", "where"))
        if is_lazy and not (func is np.where and len(args) == 1):  # places of unknown number
            return _image(super().__array_function__(func, types, args, kwargs))
        return func(*computed(args), **computed(kwargs))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_)) and not isinstance(value, u.Quantity)


def _plain(scalar: Any) -> Any:
    """Without a precision of its own, which would make float64 of float32."""
    return scalar.item() if isinstance(scalar, np.generic) else scalar


def _image(result: Any) -> Any:
    """An image of what dask makes of images, if it is one."""
    is_image = type(result) in (da.Array, LazyArray) and result.ndim == 2 and not np.isnan(result.shape).any()
    return ImageArray.of(result) if is_image else result


def _described(value: Any) -> Any:
    """With arrays of the same shape and type, but without pixels, in place of images."""
    if isinstance(value, ImageArray):
        return np.broadcast_to(np.zeros((), value.dtype), value.shape)
    if type(value) in (tuple, list):
        return type(value)(map(_described, value))
    return {key: _described(one) for key, one in value.items()} if type(value) is dict else value


def _binary(name: str, ufunc: np.ufunc, plain: Callable | None, *, reflected: bool = False) -> Callable:
    def method(self: ImageArray, other: Any) -> Any:
        if plain is not None and _is_scalar(other) and not isinstance(other, (bool, np.bool_)):
            return plain(self, other)
        if not (_is_scalar(other) or isinstance(other, (np.ndarray, da.Array))):
            return NotImplemented
        return self.__array_ufunc__(ufunc, "__call__", *((other, self) if reflected else (self, other)))

    method.__name__ = name
    return method


def _unary(ufunc: np.ufunc) -> Callable:
    return lambda self: self.__array_ufunc__(ufunc, "__call__", self)


for _name, _ufunc in _OPERATORS.items():
    _own = vars(FrameArray)
    setattr(ImageArray, f"__{_name}__", _binary(f"__{_name}__", _ufunc, _own.get(f"__{_name}__")))
    if _name not in _COMPARISONS:
        _plain_method = _own.get(f"__r{_name}__")
        setattr(ImageArray, f"__r{_name}__", _binary(f"__r{_name}__", _ufunc, _plain_method, reflected=True))
for _name, _ufunc in _UNARY.items():
    setattr(ImageArray, f"__{_name}__", _unary(_ufunc))
ImageArray.__hash__ = FrameArray.__hash__  # type: ignore[method-assign]
