"""Collections of dask that are put together where they are asked for."""

from collections.abc import Callable
from typing import Any

import dask
from dask.base import DaskMethodsMixin

from sunpy_heliocloud.lazy.turns import computed_in_turns
from sunpy_heliocloud.lazy.versions import on_scheduler

__all__ = ["AssembledHere"]


class AssembledHere(DaskMethodsMixin):
    """
    A dask collection whose ``compute`` puts the results together in this process.

    dask lets a worker do it. For that it gives the worker what they become, a cube with its coordinates, and the worker
    imports sunpy first.

    Examples
    --------
    >>> import dask
    >>> lag, best = dask.compute(cube_193.time_lag(cube_171), cube_193.max_cross_correlation(cube_171))
    """

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        raise NotImplementedError

    def compute(self, **kwargs: Any) -> Any:
        """
        The same with values.

        Parameters
        ----------
        **kwargs
            See `dask.compute`.

        Examples
        --------
        >>> cube = cube_171.compute()
        >>> type(cube.data).__name__
        'ndarray'
        """
        if not dask.is_dask_collection(self):
            return self
        with on_scheduler(kwargs.get("scheduler")):
            finalize, args = self.__dask_postcompute__()
        results = computed_in_turns(self, **kwargs)
        if results is None:
            (results,) = dask.compute(_Pieces(self), traverse=False, **kwargs)
        return finalize(results, *args)


class _Pieces:
    """The chunks of a collection as lists."""

    def __init__(self, collection: Any) -> None:
        self.__dask_graph__ = collection.__dask_graph__
        self.__dask_keys__ = collection.__dask_keys__
        self.__dask_layers__ = collection.__dask_layers__
        self.__dask_optimize__ = collection.__dask_optimize__
        self.__dask_scheduler__ = collection.__dask_scheduler__

    def __dask_tokenize__(self) -> tuple:
        return "_Pieces", *self.__dask_layers__()  # else dask pickles the graph

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        return list, ()
