"""Derotation: where planes are brought to, and how. Workers import it, so it imports little."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sunpy_heliocloud.coordinates.contexts import active_screen
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.resampling import Adaptive, Resampling
from sunpy_heliocloud.derotation.transformation import Source, Transformation
from sunpy_heliocloud.io.frame import Window

__all__ = ["ROTATION_MODELS", "Derotation"]

# Metres: the planes may lie a little below the surface that the reference map assumes.
_DEEPEST = -7e7
ROTATION_MODELS = ("howard", "snodgrass", "allen", "rigid")


@dataclass(frozen=True)
class Derotation:
    """
    How planes are brought to the target grid.

    Parameters
    ----------
    target
        The grid, its observer and time; its solar radius is that of the surface that rotates.
    resampling
        The algorithm with its options.
    rotation_model
        See `sunpy.coordinates.propagate_with_solar_surface`.
    screen
        `sunpy.coordinates.SphericalScreen` or the like, for what is off the disk; `None` leaves it NaN.
    dtype
        Of the result.
    height
        Of the surface that rotates above that of the Sun, in metres.
    """

    target: PlaneWCS
    resampling: Resampling = Adaptive()
    rotation_model: str = "howard"
    screen: Any = None
    dtype: np.dtype = np.dtype(np.float32)
    height: float = 0.0

    @classmethod
    def checked(
        cls,
        target: PlaneWCS,
        resampling: Resampling,
        *,
        rotation_model: str,
        screen: Any,
        dtype: np.typing.DTypeLike,
        height: float,
    ) -> Self:
        """
        A derotation as `sunpy_heliocloud.TimeLagCube.derotate_to` is asked for it.

        Raises
        ------
        ValueError, TypeError
            When a value makes no sense; the message says which ones do.
        """
        from sunpy.coordinates.screens import BaseScreen  # workers need it for screens only

        if rotation_model not in ROTATION_MODELS:
            raise ValueError(
                f"rotation model {rotation_model!r} is unknown; choose one of {', '.join(ROTATION_MODELS)}"
            )
        if screen is not None and not isinstance(screen, BaseScreen):
            raise TypeError(
                f"screen must be a SphericalScreen or a PlanarScreen of sunpy.coordinates, not {screen!r}"
            )
        if screen is None and (around := active_screen()) is not None:
            _warn_of_screen(type(around).__name__)
        if height < _DEEPEST:
            raise ValueError(
                f"height is {height / 1e6} Mm, but has to be above the surface, such as 10 * u.Mm"
            )
        if not _is_float(dtype):
            raise ValueError(f"dtype={dtype!r} must be float32 or float64: missing pixels are NaN")
        target = target.at_height(height) if height else target
        return cls(target, resampling, rotation_model, screen, np.dtype(dtype), height)

    def sources(self, planes: Sequence[PlaneWCS]) -> list[Source]:
        """The planes at the same height, and how far the surface turns to each of them."""
        from sunpy_heliocloud.derotation.rotation import (
            surface_turns,  # imports sunpy; workers are given the turns
        )

        if self.height:
            planes = [plane.at_height(self.height) for plane in planes]
        if self.screen is not None:  # only sunpy knows how a screen is seen
            return [Source(plane) for plane in planes]
        return list(map(Source, planes, surface_turns(self.target, planes, self.rotation_model)))

    def transformation(self, source: Source, window: Window | None = None) -> Transformation:
        """From the pixels of the target, or of a part of it, to those of a plane."""
        return Transformation(self.target, source, self.rotation_model, self.screen, window)


def _is_float(dtype: Any) -> bool:
    try:
        return np.dtype(dtype) in (np.float32, np.float64)
    except TypeError:
        return False


def _warn_of_screen(kind: str) -> None:
    import astropy

    from sunpy.util.exceptions import SunpyUserWarning

    from sunpy_heliocloud.log import printed_once

    # A sequence and a decorator of astropy's may be in between, and are not where the screen is.
    packages = tuple(os.path.dirname(package) for package in (os.path.dirname(__file__), astropy.__file__))
    with printed_once():
        warnings.warn(
            f"derotate_to is called inside a {kind}, which does not reach it: pixels off the disk will be NaN. Pass the "
            f"screen: screen = {kind}(...); derotate_to(ref_map, screen=screen)",
            SunpyUserWarning,
            skip_file_prefixes=packages,
        )
