"""The coordinates that a cube is reprojected to."""

from collections.abc import Mapping
from typing import Any

from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS

from sunpy_heliocloud.coordinates.indexers import shown
from sunpy_heliocloud.coordinates.stack import StackWCS

__all__ = ["reprojection_target"]


def reprojection_target(wcs: BaseLowLevelWCS, target: Any, shape_out: tuple[int, ...] | None) -> Any:
    """
    The target of a reprojection, with the shape of its image.

    Parameters
    ----------
    wcs
        Of the cube.
    target, shape_out
        As given to `ndcube.NDCube.reproject_to`.

    Raises
    ------
    TypeError
        When the target is no WCS.
    ValueError
        When a cube of frames, or one with an axis more than the target, is to be reprojected as a whole.
    """
    target = WCS(target) if isinstance(target, Mapping) else target
    low_level = getattr(target, "low_level_wcs", target)
    if not isinstance(low_level, BaseLowLevelWCS):
        raise TypeError(f"target_wcs is {shown(target)}, but has to be a WCS, such as that of a map: map.wcs")
    axes = low_level.pixel_n_dim
    if isinstance(wcs, StackWCS) and (axes != 3 or not wcs.is_shared):
        own = "" if wcs.is_shared else ", and each has coordinates of its own"
        raise ValueError(
            f"a cube of planes is not reprojected to {axes} axes as a whole{own}; derotate_to(map) brings all planes to a "
            "map, following the Sun's rotation, and cube[3].reproject_to(wcs) reprojects one of them"
        )
    if isinstance(target, WCS) and shape_out is not None and target.array_shape != tuple(shape_out):
        target = target.deepcopy()
        target.array_shape = tuple(shape_out)
    return target
