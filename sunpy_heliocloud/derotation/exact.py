"""Derotation by the overlap of the areas of pixels, by reproject."""

from contextlib import ExitStack, nullcontext
from copy import deepcopy
from typing import Any

import numpy as np

from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseWCSWrapper, HighLevelWCSWrapper

from sunpy.coordinates import propagate_with_solar_surface

from sunpy_heliocloud.coordinates.contexts import without_contexts

__all__ = ["derotate_exactly"]


@without_contexts
def derotate_exactly(
    image: np.ndarray,
    source_wcs: WCS,
    target_wcs: WCS,
    hidden: np.ndarray,
    *,
    rotation_model: str = "howard",
    screen: Any = None,
) -> np.ndarray:
    """
    The image on the target grid, each pixel the mean of what its area overlaps, by `reproject.reproject_exact`.

    Parameters
    ----------
    image
        Shape ``(ny, nx)``.
    source_wcs, target_wcs
        Of the image, and of the result; both with ``array_shape``.
    hidden
        Which corners of the image's pixels show what the target's observer cannot see, shape ``(ny + 1, nx + 1)``.
        reproject goes from the image to the target, and would lay the far side over the near one.
    rotation_model, screen
        See `~sunpy_heliocloud.derotation.sunpy_map.pixel_map`.

    Returns
    -------
    `numpy.ndarray`
        float64, of the shape of the target.
    """
    from reproject import reproject_exact  # imported when used: it costs a worker half a second

    seen_wcs = HighLevelWCSWrapper(_CornersSeen(source_wcs, hidden))
    with ExitStack() as contexts:
        contexts.enter_context(propagate_with_solar_surface(rotation_model=rotation_model))
        contexts.enter_context(nullcontext() if screen is None else deepcopy(screen))
        return reproject_exact(
            (image.astype(np.float64), seen_wcs), target_wcs, target_wcs.array_shape, return_footprint=False
        )


class _CornersSeen(BaseWCSWrapper):
    """The coordinates of the corners of an image's pixels, NaN for those that are hidden."""

    def __init__(self, wcs: WCS, hidden: np.ndarray) -> None:
        super().__init__(wcs)
        self.of_image = wcs
        self.hidden = hidden

    def pixel_to_world_values(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        hidden = self.hidden[np.rint(y + 0.5).astype(int), np.rint(x + 0.5).astype(int)]
        return tuple(np.where(hidden, np.nan, world) for world in self.of_image.pixel_to_world_values(x, y))

    def world_to_pixel_values(self, *world: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.of_image.world_to_pixel_values(*world)
