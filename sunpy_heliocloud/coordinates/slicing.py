"""Slicing and binning of the WCS of cubes; the results are as simple as possible."""

from collections.abc import Sequence
from typing import Any

from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, SlicedLowLevelWCS

from sunpy_heliocloud.coordinates.indexers import At, Indexer, items, stretches
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.stack import StackWCS

__all__ = ["SlicedStackWCS", "StackLike", "bin_wcs", "slice_wcs"]


class SlicedStackWCS(SlicedLowLevelWCS):
    """
    A `StackWCS` with a row or a column, and perhaps the plane, fixed: time-distance diagrams and light curves.

    Parameters
    ----------
    stack
        With one element along each axis that is fixed.
    fixed
        Which of the axes time, y, x are fixed.
    """

    def __init__(self, stack: StackWCS, fixed: tuple[bool, bool, bool]) -> None:
        self.stack = stack
        self.fixed = fixed
        super().__init__(stack, self.item)

    def __deepcopy__(self, memo: Any) -> "SlicedStackWCS":
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SlicedStackWCS):
            return NotImplemented
        return (self.stack, self.fixed) == (other.stack, other.fixed)

    def __hash__(self) -> int:
        return hash((self.stack, self.fixed))

    def __dask_tokenize__(self) -> tuple:
        return "SlicedStackWCS", self.stack.__dask_tokenize__(), self.fixed

    @property
    def times(self) -> Time:
        """Time of each plane; a scalar if the plane is fixed."""
        return self.stack.times[0] if self.fixed[0] else self.stack.times

    @property
    def item(self) -> tuple[int | slice, ...]:
        """The index on data of three axes that leaves those of this WCS."""
        return tuple(0 if is_fixed else slice(None) for is_fixed in self.fixed)

    def full_index(self, index: Sequence[Indexer]) -> tuple[Indexer, ...]:
        """An index on the axes that are left, as one on all three."""
        free = iter(index)
        return tuple(At(0) if is_fixed else next(free) for is_fixed in self.fixed)

    def binned(self, bins: Sequence[int]) -> "SlicedStackWCS":
        """The WCS of bins of so many pixels along each axis that is left."""
        free = iter(bins)
        return SlicedStackWCS(
            self.stack.binned([1 if is_fixed else next(free) for is_fixed in self.fixed]), self.fixed
        )


StackLike = StackWCS | SlicedStackWCS
"""The WCS of data with times."""


def bin_wcs(wcs: BaseLowLevelWCS, bins: Sequence[int]) -> BaseLowLevelWCS | None:
    """
    The WCS of binned data.

    Parameters
    ----------
    wcs
        Of the data.
    bins
        Pixels in a bin along each array axis.

    Returns
    -------
    BaseLowLevelWCS or None
        Of the kinds of `slice_wcs`; `None` for a WCS of another kind.
    """
    if isinstance(wcs, StackLike):
        return wcs.binned(bins)
    if isinstance(wcs, WCS) and wcs.naxis == 2 and wcs.array_shape is not None:
        return PlaneWCS.from_wcs(wcs).binned(bins).to_wcs()
    return None


def slice_wcs(wcs: BaseLowLevelWCS, index: Sequence[Indexer]) -> BaseLowLevelWCS:
    """
    The WCS of sliced data.

    Parameters
    ----------
    wcs
        Of the data.
    index
        For each array axis, with positive steps; of images a list of positions along time only.

    Returns
    -------
    BaseLowLevelWCS
        A `StackWCS` while all axes are left; an `astropy.wcs.WCS` for a plane or a part of one, which is what
        `sunpy.map.Map` takes; otherwise a sliced one.
    """
    if isinstance(wcs, StackWCS):
        return _slice_stack(wcs, index)
    if isinstance(wcs, SlicedStackWCS):
        return _slice_stack(wcs.stack, wcs.full_index(index))
    if isinstance(wcs, WCS) and all(one.keeps_axis for one in index):
        return PlaneWCS.from_wcs(wcs).sliced(*stretches(index)).to_wcs()
    return SlicedLowLevelWCS(wcs, items(index))


def _slice_stack(stack: StackWCS, index: Sequence[Indexer]) -> BaseLowLevelWCS:
    frame, row, column = (not one.keeps_axis for one in index)
    fixed = frame, row, column
    part = stack.sliced(index[0].with_axis(), *stretches(index[1:]))
    if not any(fixed):
        return part
    if fixed == (True, False, False):
        return part.plane(0).to_wcs()
    return SlicedStackWCS(part, fixed)
