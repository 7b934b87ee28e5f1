"""LazyArray: a dask array whose single values are numbers for Python, too."""

from collections.abc import Callable, Iterator
from functools import partial, wraps
from types import FunctionType
from typing import Any

import dask.array as da
import numpy as np

from sunpy_heliocloud.lazy.versions import on_scheduler, require_alike

__all__ = ["ELEMENTWISE", "LazyArray", "computed", "lazy_array"]

# Functions of numpy that treat each value by itself and are no ufuncs.
ELEMENTWISE = {np.clip, np.nan_to_num, np.where, np.round, np.around, np.real, np.imag}
# Of arrays in several chunks dask only estimates quantiles, and it takes no number of bins.
_OF_VALUES = {np.percentile, np.quantile, np.histogram}
# dask has these by other names.
_OTHER_NAMES = {np.amin, np.amax}
# Of an array that is computed for a function that dask has not.
_MOST_BYTES = 2**30


class LazyArray(da.Array):
    """
    A dask array whose single values (a mean, a maximum, a pixel) can be formatted, rounded and printed as those of numpy.

    They stay lazy until then. Whatever dask makes of such an array is one again. Functions of numpy that dask lacks, or
    does otherwise, are given the values.
    """

    def __reduce__(self) -> tuple:
        return LazyArray, (self.dask, self.name, self.chunks, self.dtype, self._meta)

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        require_alike()
        return super().__dask_postcompute__()

    def __dask_postpersist__(self) -> tuple[Callable, tuple]:
        require_alike()
        return super().__dask_postpersist__()

    def compute(self, **kwargs: Any) -> Any:
        """
        The values.

        Parameters
        ----------
        **kwargs
            See `dask.compute`.
        """
        with on_scheduler(kwargs.get("scheduler")):
            return super().compute(**kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _OF_VALUES or not _is_of_dask(func):
            return func(*computed(args), **computed(kwargs))
        if func in ELEMENTWISE and kwargs:  # which dask does not take
            return lazy_array(da.core.elemwise(partial(func, **kwargs), *args))
        # dask refuses arrays of several subclasses of its own.
        types = {da.Array if issubclass(one, da.Array) else one for one in types}
        try:
            return lazy_array(super().__array_function__(func, types, args, kwargs))
        except (
            NotImplementedError,
            ValueError,
        ) as error:  # a median of all axes; a spectrum of several chunks
            is_of_dask = isinstance(error, NotImplementedError) or func.__module__ == "numpy.fft"
            if not is_of_dask or self.nbytes > _MOST_BYTES:
                raise
            return func(*computed(args), **computed(kwargs))

    def reshape(self, *shape: Any, **kwargs: Any) -> da.Array:
        """
        The same values in another shape.

        Parameters
        ----------
        *shape, **kwargs
            As for `dask.array.Array.reshape`. With an axis of one in front, as `reproject` asks for it, the result is a
            plain array of floats: dask-image, which interpolates for it, rounds integers, and takes no other class.
        """
        if shape != ((1, *self.shape),):
            return lazy_array(super().reshape(*shape, **kwargs))
        floats = self if self.dtype.kind in "fc" else self.astype(np.result_type(self.dtype, np.float32))
        return da.Array.reshape(_plain(floats), *shape, **kwargs)

    def item(self) -> Any:
        """The only value, as a number of Python; computed."""
        return np.asarray(self).item()

    def to_numpy(self) -> np.ndarray:
        """The values, computed. matplotlib asks for them."""
        return np.asarray(self)

    def tolist(self) -> Any:
        """The values as lists of numbers of Python; computed."""
        return np.asarray(self).tolist()

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if self.ndim else format(np.asarray(self)[()], spec)

    def __str__(self) -> str:
        return repr(self) if self.ndim else str(np.asarray(self)[()])

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            # At once, as of numpy's, so that matplotlib takes a number.
            raise TypeError("iteration over a 0-d array")
        return super().__iter__()

    def __round__(self, digits: int | None = None) -> Any:
        return self.round(digits or 0) if self.ndim else round(self.item(), digits)


def lazy_array(result: Any) -> Any:
    """The same array as a `LazyArray`, if it is a plain one of dask."""
    if type(result) is not da.Array:
        return result
    return LazyArray(result.dask, result.name, result.chunks, meta=result._meta)


def computed(value: Any) -> Any:
    """With values in place of lazy arrays, also within lists, tuples and dictionaries."""
    if isinstance(value, da.Array):
        return np.asarray(value)
    if type(value) in (tuple, list):
        return type(value)(map(computed, value))
    return {key: computed(one) for key, one in value.items()} if type(value) is dict else value


def _is_of_dask(func: Callable) -> bool:
    """Whether dask has a function of numpy, under its name or another one."""
    module: Any = da
    for name in func.__module__.split(".")[1:]:
        module = getattr(module, name, None)
    return hasattr(module, func.__name__) or func in _OTHER_NAMES


def _plain(operand: Any) -> Any:
    if not isinstance(operand, LazyArray):
        return operand
    return da.Array(operand.dask, operand.name, operand.chunks, meta=operand._meta)


def _giving_lazy_arrays(method: FunctionType) -> Callable:
    """A method of dask's arrays, which leaves what it has with another of their subclasses to that one, if it can."""
    is_last = not hasattr(da.Array, f"__r{method.__name__.lstrip('_')}")

    @wraps(method)
    def wrapped(self: LazyArray, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        if result is NotImplemented and is_last and any(isinstance(one, LazyArray) for one in args):
            result = method(self, *map(_plain, args), **kwargs)
        return lazy_array(result)

    return wrapped


for _name, _method in vars(da.Array).items():
    if isinstance(_method, FunctionType) and not _name.startswith("__dask") and _name not in vars(LazyArray):
        setattr(LazyArray, _name, _giving_lazy_arrays(_method))
