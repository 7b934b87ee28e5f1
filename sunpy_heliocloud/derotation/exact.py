"""Derotation by the overlap of the areas of pixels, by reproject."""

from contextlib import ExitStack, nullcontext
from copy import deepcopy
from typing import Any

import numpy as np

from astropy.wcs import WCS

from sunpy.coordinates import propagate_with_solar_surface

__all__ = ["derotate_exactly"]


def derotate_exactly(
    image: np.ndarray, source_wcs: WCS, target_wcs: WCS, *, rotation_model: str = "howard", screen: Any = None
) -> np.ndarray:
    """
    The image on the target grid, each pixel the mean of what its area overlaps, by `reproject.reproject_exact`.

    Parameters
    ----------
    image
        Shape ``(ny, nx)``.
    source_wcs, target_wcs
        Of the image, and of the result; both with ``array_shape``.
    rotation_model, screen
        See `~sunpy_heliocloud.derotation.sunpy_map.pixel_map`.

    Returns
    -------
    `numpy.ndarray`
        float64, of the shape of the target.
    """
    from reproject import reproject_exact  # imported when used: it costs a worker half a second

    with ExitStack() as contexts:
        contexts.enter_context(propagate_with_solar_surface(rotation_model=rotation_model))
        contexts.enter_context(nullcontext() if screen is None else deepcopy(screen))
        return reproject_exact(
            (image.astype(np.float64), source_wcs), target_wcs, target_wcs.array_shape, return_footprint=False
        )
