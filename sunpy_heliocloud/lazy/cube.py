"""DaskCube: arithmetic, slices, crops and bins of lazy cubes."""

from collections.abc import Sequence
from typing import Any, Self

import dask.array as da
import numpy as np
from ndcube import NDCubeSequence

import astropy.units as u
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper

from sunpy.map import GenericMap

from sunpy_heliocloud.arguments import bins_of
from sunpy_heliocloud.arguments import shown as shown_value
from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.crops import crop_index, index_of_values
from sunpy_heliocloud.coordinates.indexers import (
    At,
    Indexer,
    Picked,
    Stretch,
    axis_indexer,
    expanded,
    frame_indexer,
    items,
    shown,
)
from sunpy_heliocloud.coordinates.reprojection import reprojection_target
from sunpy_heliocloud.coordinates.slicing import StackLike, bin_wcs, slice_wcs
from sunpy_heliocloud.lazy.combined import SIGNS, check_shape, check_unit, combined
from sunpy_heliocloud.lazy.computable import ComputableCube
from sunpy_heliocloud.lazy.sliced import in_bins

__all__ = ["DaskCube"]

# Characters; of more the last are kept.
_MOST_ARITHMETIC = 200


class DaskCube(ComputableCube):
    """
    A lazy cube that combines with others on its grid, and keeps a plain WCS when it is sliced, cropped and binned.

    Slices may have steps, and along time lists and masks.

    Examples
    --------
    >>> (cube_171 * (2 * u.s)).unit
    Unit("DN")
    >>> cube_171[3:6].shape
    (3, 12, 12)
    """

    # ---- arithmetic, with numbers, quantities and arrays, and with cubes, planes and Maps on the same grid

    def __add__(self, value: Any) -> Self:
        return self._combined("__add__", value)

    def __sub__(self, value: Any) -> Self:
        return self._combined("__sub__", value)

    def __mul__(self, value: Any) -> Self:
        return self._combined("__mul__", value)

    def __truediv__(self, value: Any) -> Self:
        return self._combined("__truediv__", value)

    def __pow__(self, value: Any) -> Self:
        value = self._in_own_precision(value)
        return self._noted(super().__pow__(value), f"** {shown_value(value)}")

    def __neg__(self) -> Self:
        return self._noted(self._new_instance(data=-self.data), "negative")

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._noted(self._new_instance(data=abs(self.data)), "absolute values")

    def to(self, new_unit: Any, **kwargs: Any) -> Self:
        """
        The same values in another unit, see `ndcube.NDCube.to`.

        Parameters
        ----------
        new_unit
            Of the values.
        **kwargs
            As for `ndcube.NDCube.to`.

        Returns
        -------
        DaskCube
            Of this class, lazy if this is.

        Examples
        --------
        >>> cube_171.to("DN / min").unit
        Unit("DN / min")
        """
        return super().to(new_unit, **kwargs)._new_instance(meta=dict(self.meta))

    def _combined(self, operation: str, value: Any) -> Self:
        if isinstance(value, DaskCube | GenericMap):
            return combined(self, value, operation)
        if operation == "__add__" and isinstance(value, int) and value == 0:
            return self  # where Python's sum begins, whatever the unit
        check_shape(self.shape, value)
        if operation in ("__add__", "__sub__"):
            check_unit(self.unit, value)
        value = self._in_own_precision(value)
        return self._noted(getattr(super(), operation)(value), f"{SIGNS[operation]} {shown_value(value)}")

    def _noted(self, result: Self, what: str) -> Self:
        """A result with what was done to the values in ``meta``, for displays."""
        before = self.meta.get("arithmetic")
        text = what if before is None else f"{before}, {what}"
        return result._new_instance(meta=dict(result.meta) | {"arithmetic": text[-_MOST_ARITHMETIC:]})

    def _in_own_precision(self, value: Any) -> Any:
        """A value that does not make float64 of float32 data, as numpy's scalars and Quantities would; masked is NaN."""
        value = 1 * value if isinstance(value, u.UnitBase) else value
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.result_type(value, np.float32)), np.nan)
        if isinstance(value, u.Quantity):
            return value.astype(self.data.dtype) if self.data.dtype.kind == "f" else value
        return value.item() if isinstance(value, np.ndarray | np.number) and value.ndim == 0 else value

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

        Examples
        --------
        >>> cube_171.rebin((1, 3, 3)).shape[1:]
        (4, 4)
        """
        bin_shape = bins_of(bin_shape, self.shape, operation)
        binned = super().rebin(bin_shape, operation, **kwargs)
        bins = [n // m for n, m in zip(self.shape, binned.shape, strict=True)]
        lazy = isinstance(self.data, da.Array) and self.mask is None
        data = in_bins(self.data, bins, operation) if lazy else binned.data
        return binned._new_instance(data=data, wcs=self._bin_wcs(bins) or binned.wcs, meta=dict(self.meta))

    def _bin_wcs(self, bins: Sequence[int]) -> BaseLowLevelWCS | None:
        return bin_wcs(self.wcs.low_level_wcs, bins)

    def __getitem__(self, item: Any) -> Self:
        index = self._index(item)
        if not any(one.keeps_axis for one in index):
            raise ValueError(
                f"integers for all axes leave one value, which is no cube; cube.data[{', '.join(str(one.item) for one in index)}] is the value"
            )
        if all(isinstance(one, At) or (isinstance(one, Stretch) and one.step == 1) for one in index):
            sliced = super().__getitem__(items(index))
        else:
            # Integers as ranges first, since a WCS that has lost an axis takes no steps.
            rest = tuple(slice(None) if one.keeps_axis else 0 for one in index)
            sliced = super(DaskCube, self._picked([one.with_axis() for one in index])).__getitem__(rest)
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, StackLike) and not isinstance(sliced.wcs.low_level_wcs, StackLike):
            # ndcube shares the dictionary with the cube; a time from a WCS takes precedence there, too.
            time = wcs.times if wcs.times.isscalar else wcs.times[index[0].item]
            shared = sliced.global_coords._internal_coords
            sliced.global_coords._internal_coords = {**shared, "time": ("time", time)}
        return sliced

    def _picked(self, index: Sequence[Stretch | Picked]) -> Self:
        """What steps and lists leave, with all axes."""
        has_extra = not self.extra_coords.is_empty
        if has_extra and any(isinstance(one, Picked) for one in index):
            raise IndexError(
                "ndcube's extra coordinates take no lists and masks; slice with steps (cube[::2]), or do without: "
                "cube.to_nddata(nddata_type=type(cube))[[0, 3]]"
            )
        item = items(index)
        beside = {
            name: getattr(self, name)[item]
            for name in ("mask", "uncertainty")
            if not isinstance(getattr(self, name), bool | None)
        }
        picked = self._new_instance(data=self.data[item], wcs=self._sliced_wcs(index), **beside)
        if has_extra:
            picked._extra_coords = self.extra_coords[item]
        return picked

    def crop(self, *points: Any, wcs: Any = None, keepdims: bool = False) -> Self:
        """
        The smallest part that holds some places and times; see `ndcube.NDCube.crop`.

        Parameters
        ----------
        *points
            Each a place and a time, ``(SkyCoord, Time)`` with `None` for one of them, or one of them alone:
            ``crop((bottom_left, start), (top_right, stop))``, ``crop(bottom_left, top_right)``, ``crop(start, stop)``.
            Times are anything that `sunpy.time.parse_time` takes, or a `sunpy.time.TimeRange`; a Map is the places of its
            corners ``bottom_left_coord`` and ``top_right_coord``. While each plane has coordinates of its own, places are
            transformed to each of them. Places without an observer have the same angles in all.
        wcs
            Another WCS, such as that of extra coordinates: points are those of `ndcube.NDCube.crop` then.
        keepdims
            Whether an axis of one pixel is kept.

        Returns
        -------
        DaskCube
            Of this class, lazy if this is.

        Raises
        ------
        TypeError, ValueError
            When points are of another kind or in another order, or lie beside the cube.

        Examples
        --------
        >>> cube_171.crop("2018-05-29T17:08", "2018-05-29T17:20").shape
        (4, 12, 12)
        """
        return super().crop(*points, wcs=wcs, keepdims=keepdims)

    @without_contexts
    def _get_crop_item(
        self, *points: Any, wcs: Any = None, keepdims: bool = False
    ) -> tuple[int | slice, ...]:
        if wcs is None or wcs is self.wcs:
            item = crop_index(self.wcs.low_level_wcs, self.shape, points, keepdims)
            if item is not None:
                return item
        return super()._get_crop_item(*points, wcs=wcs, keepdims=keepdims)

    @without_contexts
    def _get_crop_by_values_item(
        self, *points: Any, units: Any = None, wcs: Any = None, keepdims: bool = False
    ) -> tuple[int | slice, ...]:
        if wcs is None or wcs is self.wcs:
            item = index_of_values(self.wcs.low_level_wcs, self.shape, points, units, keepdims)
            if item is not None:
                return item
        return super()._get_crop_by_values_item(*points, units=units, wcs=wcs, keepdims=keepdims)

    def reproject_to(
        self,
        target_wcs: Any,
        algorithm: str = "interpolation",
        shape_out: tuple[int, ...] | None = None,
        return_footprint: bool = False,
        **reproject_args: Any,
    ) -> Self | tuple[Self, np.ndarray]:
        """
        Reproject to other coordinates as they are, without the Sun's rotation; see `ndcube.NDCube.reproject_to`.

        Parameters
        ----------
        target_wcs, algorithm, shape_out, return_footprint
            As for `ndcube.NDCube.reproject_to`. The target has as many axes as the cube.

        **reproject_args
            Of the algorithm, as in `reproject`.

        Returns
        -------
        DaskCube or tuple
            In memory, of this class, with its unit, type of numbers and meta; what is lazy is computed once.

        Raises
        ------
        ValueError
            When the target has another number of axes, or planes have coordinates of their own.
        """
        if algorithm not in ("interpolation", "adaptive", "exact"):
            raise ValueError(
                f"algorithm is {shown_value(algorithm)}; choose one of interpolation, adaptive, exact, as in reproject"
            )
        target = reprojection_target(self.wcs.low_level_wcs, target_wcs, shape_out)
        reproject = without_contexts(super(DaskCube, self.compute()).reproject_to)
        result, footprint = reproject(target, algorithm, shape_out, return_footprint=True, **reproject_args)
        data = result.data.astype(self.data.dtype, copy=False)
        result = result._new_instance(data=data, unit=self.unit)
        return (result, footprint) if return_footprint else result

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

        Examples
        --------
        >>> len(cube_171.explode_along_axis(0).data) == cube_171.shape[0]
        True
        """
        n = len(self.shape)
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)) or not -n <= axis < n:
            raise ValueError(f"axis is {shown_value(axis)}, but the cube has {n} axes: expected 0 to {n - 1}")
        axis = range(n)[axis]
        pieces = [
            self[(*[slice(None)] * axis, i)] for i in range(self.shape[axis])
        ]  # with the meta that ndcube drops
        return NDCubeSequence(pieces, meta=self.meta)

    def _index(self, item: Any) -> tuple[Indexer, ...]:
        """An indexer for each axis."""
        wcs = self.wcs.low_level_wcs
        item = tuple(item) if isinstance(item, list) and any(isinstance(i, slice) for i in item) else item
        has_times = isinstance(wcs, StackLike) and not wcs.times.isscalar
        return tuple(
            _planes(one, length) if has_times and axis == 0 else _pixels(one, length)
            for axis, (one, length) in enumerate(
                zip(expanded(item, len(self.shape)), self.shape, strict=True)
            )
        )

    def _slice_wcs(self, item: Any) -> BaseLowLevelWCS | HighLevelWCSWrapper:
        return self._sliced_wcs(self._index(item))

    def _sliced_wcs(self, index: Sequence[Indexer]) -> BaseLowLevelWCS | HighLevelWCSWrapper:
        sliced = slice_wcs(self.wcs.low_level_wcs, index)
        return HighLevelWCSWrapper(sliced) if isinstance(sliced, StackLike) else sliced


def _planes(index: Any, length: int) -> Indexer:
    """The indexer of a cube's axis of time."""
    indexer = _forwards(frame_indexer(index, length, "cube.crop(start, stop) takes times"), index)
    if isinstance(indexer, Picked) and (np.diff(indexer.positions) <= 0).any():
        raise IndexError(
            f"the planes of a cube are in the order of time, once each, but {shown(index)} are not; "
            "cube[sorted(set(indices))] are"
        )
    return indexer


def _pixels(index: Any, length: int) -> Indexer:
    """The indexer of another axis, whose coordinates are those of a grid."""
    try:
        indexer = axis_indexer(index, length)
    except TypeError:
        indexer = None
    if not isinstance(indexer, At | Stretch):
        raise IndexError(
            "rows and columns of a cube are sliced with integers and slices, since its coordinates are those of a "
            f"grid, and not with {shown(index)}; arrays take lists and masks: cube.data[..., [3, 5]], and "
            "cube * np.where(mask, 1, np.nan) keeps the grid"
        )
    return _forwards(indexer, index)


def _forwards(indexer: Indexer, index: Any) -> Indexer:
    if isinstance(indexer, Stretch) and indexer.step < 1:
        raise IndexError(
            f"slices of a cube need positive steps, not {index}; axes keep their order, arrays need not: cube.data[::-1]"
        )
    if not indexer.positions:
        raise IndexError(f"{shown(index)} leaves nothing of the axis")
    return indexer
