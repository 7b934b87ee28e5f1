"""The planes of a cube that has perhaps lost an axis, as arrays ``(planes, y, x)`` on one grid."""

from typing import Any

import dask.array as da
import numpy as np
from ndcube import NDCube

from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS

__all__ = ["planes_of", "shared_stack"]


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
        data = where(cube.mask, np.nan, data)
    return data if data.ndim == 3 else data.reshape(stack.array_shape)


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
