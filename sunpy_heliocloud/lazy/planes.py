"""The planes of cubes as arrays ``(planes, y, x)``, and their grids."""

from typing import Any

import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array
from ndcube import NDCube

import astropy.units as u
from astropy.nddata import NDData

from sunpy.map import GenericMap

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.lazy.sliced import elementwise, with_lost_axes

__all__ = ["array_of_planes", "full_stack", "grid_of", "planes_of", "shared_stack"]


@without_contexts  # a Map's WCS is computed when it is asked for
def grid_of(ref_map: GenericMap) -> PlaneWCS:
    """
    The grid of a map, with its observer and time.

    Raises
    ------
    TypeError
        When it is no Map.
    """
    if not isinstance(ref_map, GenericMap):
        raise TypeError(f"ref_map must be a sunpy Map, such as sequence.nearest(time), not {ref_map!r}")
    return PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)


def array_of_planes(data: Any, unit: u.UnitBase | None) -> tuple[Any, u.UnitBase | None]:
    """
    An array as float32 with NaN where it is masked, and its unit; a dask array stays lazy.

    Parameters
    ----------
    data
        An array, `~astropy.nddata.NDData` or `~astropy.units.Quantity`.
    unit
        By default that of the data.
    """
    if isinstance(data, NDData):
        data, unit = data.data, data.unit if unit is None else unit
    if isinstance(data, u.Quantity):
        if unit is not None and unit != data.unit:
            raise ValueError(
                f"unit is {unit}, but the data are in {data.unit}; convert them with data.to(unit)"
            )
        data, unit = data.value, data.unit if unit is None else unit
    kind = data.dtype if isinstance(data, da.Array) else np.asanyarray(data).dtype
    if kind.kind not in "fiub":
        raise TypeError(f"data are {shown(data)} and {kind}, but have to be real numbers")
    if not isinstance(data, da.Array):
        return np.ma.filled(np.ma.asanyarray(data).astype(np.float32, copy=False), np.nan), unit
    is_masked = isinstance(meta_from_array(data), np.ma.MaskedArray)
    data = data.astype(np.float32, copy=False)
    return da.ma.filled(data, np.nan) if is_masked else data, unit


def planes_of(cube: NDCube, stack: StackWCS) -> Any:
    """
    The data of a cube with all three axes, and NaN where its mask says that they are not to be used.

    Parameters
    ----------
    cube
        Of images, time-distance diagrams or light curves.
    stack
        Its planes, see `shared_stack`.
    """
    data = cube.data
    if cube.mask is not None:
        where = da.where if any(isinstance(a, da.Array) for a in (data, cube.mask)) else np.where
        data = elementwise(where, cube.mask, np.nan, data)
    return data if data.ndim == 3 else with_lost_axes(data, stack.array_shape)


def full_stack(cube: NDCube, method: str) -> StackWCS:
    """
    The WCS of the planes of a cube that has all axes.

    Parameters
    ----------
    cube
        Of images.
    method
        What needs all axes, for the message of an error.

    Raises
    ------
    ValueError
        When the cube has lost an axis.
    """
    wcs = cube.wcs.low_level_wcs
    if not isinstance(wcs, StackWCS):
        raise ValueError(
            f"{method} needs axes time, y and x, but this cube has the shape {cube.shape} with a "
            f"{type(wcs).__name__}; slice with ranges (3:4) instead of integers (3) to keep an axis"
        )
    return wcs


def shared_stack(cube: Any, purpose: str = "a time lag") -> StackWCS:
    """
    The WCS of the planes of a cube, with axes of one pixel for those that it has lost.

    Parameters
    ----------
    cube
        A `~sunpy_heliocloud.TimeLagCube` whose planes lie on one grid.
    purpose
        What they are needed for, for the message of an error.

    Raises
    ------
    TypeError
        When it is no such cube.
    ValueError
        When it has no axis of time, or planes have coordinates of their own.
    """
    # The class itself lies above, in sunpy_heliocloud.cube.
    if not (isinstance(cube, NDCube) and hasattr(cube, "wavelength")):
        raise TypeError(f"{purpose} is that of a TimeLagCube, not of {type(cube).__name__}")
    wcs = cube.wcs.low_level_wcs
    stack = wcs.stack if isinstance(wcs, SlicedStackWCS) and not wcs.fixed[0] else wcs
    if not isinstance(stack, StackWCS):
        raise ValueError(
            f"{purpose} needs an axis of time, but a cube has the shape {cube.shape} with a {type(wcs).__name__}; "
            "slice time with ranges (3:40)"
        )
    if not stack.is_shared:
        raise ValueError(
            f"{purpose} needs planes on one grid, but each plane still has coordinates of its own; derotate them to "
            "a map first, with derotate_to(map)"
        )
    return stack
