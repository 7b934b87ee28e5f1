"""ComputableCube: an NDCube that is a dask collection itself, and plots what is lazy plane by plane."""

from collections.abc import Callable
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
from ndcube import NDCube
from ndcube.visualization.descriptor import PlotterDescriptor

from astropy.wcs import WCS

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.lazy.array import lazy_array
from sunpy_heliocloud.lazy.estimate import Estimate, estimate
from sunpy_heliocloud.lazy.layers import is_persisted
from sunpy_heliocloud.lazy.numpy_tasks import calling_numpy
from sunpy_heliocloud.lazy.pieces import AssembledHere
from sunpy_heliocloud.lazy.plotting import PlanesOnDemand

__all__ = ["ComputableCube"]


class _Plotter(PlotterDescriptor):
    """ndcube's, which does not replace the docstring and the signature of ``plot`` by those of its own."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._property_name, self._attribute_name = name, f"_{name}"

    def __set__(self, cube: Any, plotter: type) -> None:
        if not isinstance(plotter, type):
            raise TypeError(
                f"plotter is {shown(plotter)}, but has to be a class, such as ndcube's MatplotlibPlotter"
            )
        setattr(cube, self._attribute_name, plotter(cube))


class ComputableCube(AssembledHere, NDCube):
    """
    An `ndcube.NDCube` on a dask array that is a dask collection itself.

    ``cube.compute()`` and ``cube.persist()`` give a cube, ``dask.compute(a, b)`` computes several cubes in one pass
    over what they share.

    Examples
    --------
    >>> import dask
    >>> dask.is_dask_collection(cube_171), dask.is_dask_collection(cube_171.compute())
    (True, False)
    """

    mask: Any
    plotter = _Plotter(default_type="mpl_plotter")

    def __init__(self, data: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(lazy_array(data), *args, **kwargs)

    # ---- dask's collection protocol

    def __dask_graph__(self) -> Any:
        return self.data.__dask_graph__() if dask.is_dask_collection(self.data) else None

    def __dask_keys__(self) -> list:
        return self.data.__dask_keys__()

    def __dask_layers__(self) -> tuple[str, ...]:
        return self.data.__dask_layers__()

    def __dask_tokenize__(self) -> Any:
        low_level = self.wcs.low_level_wcs
        wcs = repr(low_level.to_header()) if isinstance(low_level, WCS) else low_level
        return dask.base.normalize_token((type(self), self.data, str(self.unit), wcs))

    @staticmethod
    def __dask_optimize__(graph: Any, keys: Any, **kwargs: Any) -> Any:
        return calling_numpy(da.optimize(graph, keys, **kwargs))

    __dask_scheduler__ = staticmethod(dask.threaded.get)

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        finalize, args = self.data.__dask_postcompute__()
        return self._rebuilt, (finalize, args)

    def __dask_postpersist__(self) -> tuple[Callable, tuple]:
        rebuild, args = self.data.__dask_postpersist__()
        return self._rebuilt, (rebuild, args)

    def _rebuilt(self, results: Any, function: Callable, args: tuple, **kwargs: Any) -> Self:
        return self._new_instance(data=function(results, *args, **kwargs))

    def _state(self) -> str:
        """What is known of the values."""
        graph = self.__dask_graph__()
        if graph is None:
            return "in memory"
        return "persisted" if is_persisted(graph) else "lazy"

    def fill_masked(self, fill_value: Any, *args: Any, **kwargs: Any) -> Self | None:
        """
        Replace what is masked; see `ndcube.NDCube.fill_masked`.

        Parameters
        ----------
        fill_value, *args, **kwargs
            As there. Of lazy data the mask becomes lazy, too.

        Returns
        -------
        ComputableCube or None
            Nothing when it is filled in place.
        """
        if dask.is_dask_collection(self.data) and isinstance(self.mask, np.ndarray):
            self.mask = da.from_array(self.mask, chunks=self.data.chunks)
        return super().fill_masked(fill_value, *args, **kwargs)

    def estimate(self) -> Estimate:
        """
        The cost of computing it, before anything is read.

        Returns
        -------
        Estimate
            Frames, strips, requests, bytes, memory of a worker and tasks.

        Examples
        --------
        >>> cube_171.estimate().frames
        30
        """
        return estimate(self, *self._computed_beside())

    def _computed_beside(self) -> list[da.Array]:
        """Arrays that are computed with the data."""
        return []

    # ---- plotting

    def plot(self, *args: Any, **kwargs: Any) -> Any:
        """
        Plot the cube, see `ndcube.NDCube.plot`; of what is lazy each plane is computed once, when it is shown.

        Parameters
        ----------
        *args, **kwargs
            As for `ndcube.NDCube.plot`.

        Returns
        -------
        `~astropy.visualization.wcsaxes.WCSAxes` or `mpl_animators.ArrayAnimatorWCS`
            The latter, with a slider for time, for a cube of three axes.

        Examples
        --------
        >>> axes = cube_171[3].plot()
        """
        if not dask.is_dask_collection(self.data):
            return super().plot(*args, **kwargs)
        values = self.compute().data if len(self.shape) < 3 else PlanesOnDemand(self.data)
        return super(ComputableCube, self._new_instance(data=values)).plot(*args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The data as numpy takes them, computed."""
        return np.asarray(self.data, dtype=dtype)
