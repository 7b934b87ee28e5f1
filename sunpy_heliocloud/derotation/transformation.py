"""Which pixel of a plane a pixel of the target grid shows. Workers import it, so it imports little."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.kernels.surface_map import SurfaceMap

__all__ = ["PartOfMap", "PixelMap", "Source", "Transformation"]


class PixelMap(Protocol):
    """The pixels of a plane at which the pixels of the result lie."""

    shape: tuple[int, int]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """
        Coordinates for some rows of the result, see `sunpy_heliocloud.kernels.coordinates`.

        NaN off the disk, unless there is a screen, and where the Sun hides the surface from the plane's observer.
        """


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where a plane's pixels lie.

    Parameters
    ----------
    wcs
        Its coordinates.
    turn
        How far the surface turns to it, see `sunpy_heliocloud.derotation.rotation`; `None` if sunpy is to be asked.
    """

    wcs: PlaneWCS
    turn: tuple[float, float, float] | None = None

    def __dask_tokenize__(self) -> str:
        return f"{self.wcs.__dask_tokenize__()} {self.turn!r}"


@dataclass(frozen=True)
class Transformation:
    """
    From the pixels of the target grid to those of a plane, as the solar surface rotates.

    Parameters
    ----------
    target
        The grid of the result.
    source
        The plane.
    rotation_model, screen
        See `~sunpy_heliocloud.derotation.derotation.Derotation`.
    window
        The part of the target grid that is wanted; by default all of it. Pixels are the same in any part.
    """

    target: PlaneWCS
    source: Source
    rotation_model: str
    screen: Any
    window: Window | None = None

    @property
    def source_shape(self) -> tuple[int, int]:
        """Shape of the plane."""
        return self.source.wcs.shape

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the result."""
        return self.part.shape

    @property
    def part(self) -> Window:
        """The part of the target grid that is wanted."""
        return Window.whole(self.target.shape) if self.window is None else self.window

    @property
    def target_pixels(self) -> int:
        """How many pixels the whole target grid has."""
        return self.target.shape[0] * self.target.shape[1]

    def back_from_corners(self) -> "Transformation":
        """The way back: from the corners of the plane's pixels to the pixels of the target grid."""
        ny, nx = self.source_shape
        corners = self.source.wcs.resampled((ny + 1, nx + 1), (-0.5, -0.5), (1, 1))
        if self.source.turn is None:
            return replace(self, target=corners, source=Source(self.target), window=None)
        a, b, c = self.source.turn
        turned = Source(self.target, (-a, -b, -c))  # latitudes stay
        return replace(self, target=corners, source=turned, window=None)

    @cached_property
    def pixel_map(self) -> "PixelMap | PartOfMap":
        """Of the part of the target grid that is wanted."""
        return self._whole_map if self.window is None else PartOfMap(self._whole_map, self.window)

    @property
    def _whole_map(self) -> PixelMap:
        """In closed form where the turn of the surface is known, else evaluated by sunpy."""
        target, source = self.target.camera(), self.source.wcs.camera()
        if self.source.turn is not None and target is not None and source is not None:
            return SurfaceMap(
                target,
                source,
                self.target.shape,
                self.target.solar_radius,
                self.source.turn,
            )
        from sunpy_heliocloud.derotation.sunpy_map import GeneralMap  # it imports sunpy

        return GeneralMap(
            self.target.to_wcs(),
            self.source.wcs.to_wcs(),
            self.target.shape,
            rotation_model=self.rotation_model,
            screen=self.screen,
        )


@dataclass(frozen=True)
class PartOfMap:
    """
    The pixel map of a part of the target grid: the same numbers, so that results are the same, too.

    Parameters
    ----------
    whole
        The pixel map of the target grid.
    window
        The part.
    """

    whole: PixelMap
    window: Window

    @property
    def shape(self) -> tuple[int, int]:
        return self.window.shape

    def rows(self, start: int, stop: int) -> np.ndarray:
        (top, _), (left, right) = self.window
        return np.ascontiguousarray(self.whole.rows(top + start, top + stop)[:, :, left : right + 2])
