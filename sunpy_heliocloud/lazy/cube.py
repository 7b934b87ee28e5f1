"""An NDCube that is a dask collection and keeps a plain WCS when it is sliced."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
from dask.base import DaskMethodsMixin
from ndcube import NDCube, NDCubeSequence

import astropy.units as u
from astropy.nddata import NDData
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper

from sunpy_heliocloud.coordinates.indexers import At, Basic, Stretch, axis_indexer, expanded, items
from sunpy_heliocloud.coordinates.slicing import StackLike, bin_wcs, slice_wcs
from sunpy_heliocloud.lazy.plotting import PlanesOnDemand

__all__ = ["DaskCube"]


class DaskCube(DaskMethodsMixin, NDCube):
    """
    An `ndcube.NDCube` on a dask array that is a dask collection itself.

    ``cube.compute()`` and ``cube.persist()`` give a cube, ``dask.compute(a, b)`` computes several cubes in one pass
    over what they share. Slices may have steps.
    """

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
        return da.optimize(graph, keys, **kwargs)

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
        return "lazy" if dask.is_dask_collection(self.data) else "in memory"

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
        """
        if not dask.is_dask_collection(self.data):
            return super().plot(*args, **kwargs)
        shown = self.compute().data if len(self.shape) < 3 else PlanesOnDemand(self.data)
        return super(DaskCube, self._new_instance(data=shown)).plot(*args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The data as numpy takes them, computed."""
        return np.asarray(self.data, dtype=dtype)

    # ---- arithmetic, with numbers and quantities, and with cubes on the same grid

    def __add__(self, value: Any) -> Self:
        return self._combined(super().__add__, value)

    def __sub__(self, value: Any) -> Self:
        return self._combined(super().__sub__, value)

    def __mul__(self, value: Any) -> Self:
        return self._combined(super().__mul__, value)

    def __truediv__(self, value: Any) -> Self:
        return self._combined(super().__truediv__, value)

    def _combined(self, operation: Callable[[Any], Self], value: Any) -> Self:
        if not isinstance(value, DaskCube):
            return operation(self._in_own_precision(value))
        if self.shape != value.shape or not _are_equal(self.wcs.low_level_wcs, value.wcs.low_level_wcs):
            raise ValueError(
                f"cubes can be combined if they share grid and times, but these of shape {self.shape} and {value.shape} "
                "do not; derotate both to one map, and use resample_time(times=other.times)"
            )
        result = operation(NDData(value.data, unit=value.unit))
        shared = {key: entry for key, entry in self.meta.items() if _are_equal(entry, value.meta.get(key))}
        return result._new_instance(meta=shared)

    def _in_own_precision(self, value: Any) -> Any:
        """A scalar that does not make float64 of float32 data, as numpy's scalars would."""
        value = 1 * value if isinstance(value, u.UnitBase) else value
        if isinstance(value, u.Quantity) and value.isscalar and self.data.dtype.kind == "f":
            return value.astype(self.data.dtype)
        return value.item() if isinstance(value, np.number) else value

    # ---- binning and slicing

    def rebin(self, bin_shape: Sequence[int], operation: Any = np.mean, **kwargs: Any) -> Self:
        """
        Bin along each axis; see `ndcube.NDCube.rebin`.

        Parameters
        ----------
        bin_shape
            Pixels that make a bin along each array axis; -1 takes the whole axis.
        operation
            What makes one value of a bin; `numpy.nanmean` leaves out missing pixels.
        **kwargs
            As for `ndcube.NDCube.rebin`.

        Returns
        -------
        DaskCube
            Of this class, lazy if this is. A time of a bin is the mean of its times.
        """
        binned = super().rebin(bin_shape, operation, **kwargs)
        bins = [n // m for n, m in zip(self.shape, binned.shape, strict=True)]
        return binned._new_instance(wcs=self._bin_wcs(bins) or binned.wcs, meta=dict(self.meta))

    def _bin_wcs(self, bins: Sequence[int]) -> BaseLowLevelWCS | None:
        return bin_wcs(self.wcs.low_level_wcs, bins)

    def __getitem__(self, item: Any) -> Self:
        index = self._basic_index(item)
        if any(one.step < 1 for one in index):
            raise IndexError(
                f"slices of a cube need positive steps, not {item}; the order of an axis is kept"
            )
        if all(one.step == 1 for one in index):
            return super().__getitem__(items(index))
        if not self.extra_coords.is_empty or self.mask is not None or self.uncertainty is not None:
            raise IndexError(
                "a cube with extra coordinates, mask or uncertainty can be sliced with steps of 1 only"
            )
        # Integers as ranges first, since a WCS that has lost an axis takes no steps.
        ranges = tuple(one.as_stretch() for one in index)
        stepped = self._new_instance(data=self.data[items(ranges)], wcs=self._sliced_wcs(ranges))
        rest = tuple(slice(None) if one.keeps_axis else 0 for one in index)
        return super(DaskCube, stepped).__getitem__(rest)

    def explode_along_axis(self, axis: int) -> Any:
        """
        The slices along an axis, see `ndcube.NDCube.explode_along_axis`.

        Parameters
        ----------
        axis
            An array axis.

        Returns
        -------
        `ndcube.NDCubeSequence`
            Of lazy cubes.
        """
        axis = range(len(self.shape))[axis]
        pieces = [
            self[(*[slice(None)] * axis, i)] for i in range(self.shape[axis])
        ]  # with the meta that ndcube drops
        return NDCubeSequence(pieces, meta=self.meta)

    def _basic_index(self, item: Any) -> tuple[Basic, ...]:
        """An indexer for each axis."""
        item = expanded(item, len(self.shape))
        return tuple(_basic(one, length) for one, length in zip(item, self.shape, strict=True))

    def _slice_wcs(self, item: Any) -> BaseLowLevelWCS | HighLevelWCSWrapper:
        return self._sliced_wcs(self._basic_index(item))

    def _sliced_wcs(self, index: Sequence[Basic]) -> BaseLowLevelWCS | HighLevelWCSWrapper:
        sliced = slice_wcs(self.wcs.low_level_wcs, index)
        return HighLevelWCSWrapper(sliced) if isinstance(sliced, StackLike) else sliced


def _basic(index: Any, length: int) -> Basic:
    """The indexer of one axis of a cube, which is never empty."""
    try:
        indexer = axis_indexer(index, length)
    except TypeError:
        indexer = None
    if not isinstance(indexer, At | Stretch):
        raise IndexError(
            f"a cube is sliced with integers and slices, not with {index!r}; sequences take masks and lists, and "
            "a cube's data do: cube.data[mask]"
        )
    if not indexer.positions:
        raise IndexError(f"{index} leaves nothing of an axis of length {length}")
    return indexer


def _are_equal(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if type(first) is not type(second) or isinstance(first, Table):
        return False
    if isinstance(first, WCS):
        return first.to_header() == second.to_header()
    return bool(np.all(first == second))
