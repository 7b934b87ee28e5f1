"""How planes are brought to a target grid. Workers import it, so it imports little."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.kernels.adaptive import resample_adaptive, window_needed
from sunpy_heliocloud.kernels.surface_map import SurfaceMap

__all__ = ["Derotation", "PixelMap", "Source"]

# Pixels of the result that are made together: few enough that their coordinates stay in the processor's cache.
_STRIP_PIXELS = 2**15


class PixelMap(Protocol):
    """Where the pixels of a derotated image lie in the image that it is made of."""

    shape: tuple[int, int]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Coordinates for some rows of the result, see `sunpy_heliocloud.kernels.adaptive`."""


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
class Derotation:
    """
    How images are brought to the target grid.

    Parameters
    ----------
    target
        The grid, its observer and time.
    algorithm
        ``"adaptive"``, ``"interpolation"`` or ``"exact"``.
    rotation_model
        See `sunpy.coordinates.propagate_with_solar_surface`.
    screen
        `sunpy.coordinates.SphericalScreen` or the like, for what is off the disk; `None` leaves it NaN.
    dtype
        Of the result.
    options
        Of the algorithm, as pairs of name and value.
    """

    target: PlaneWCS
    algorithm: str
    rotation_model: str
    screen: Any
    dtype: np.dtype
    options: tuple[tuple[str, float], ...] = ()

    def pixel_map(self, source: Source) -> PixelMap:
        """Where the result's pixels lie in a plane."""
        if source.turn is not None:
            return SurfaceMap(
                self.target.camera(),
                source.wcs.camera(),
                self.target.shape,
                self.target.solar_radius,
                source.turn,
            )
        from sunpy_heliocloud.derotation.sunpy_map import GeneralMap  # it imports sunpy

        return GeneralMap(
            self.target.to_wcs(),
            source.wcs.to_wcs(),
            self.target.shape,
            rotation_model=self.rotation_model,
            screen=self.screen,
        )

    def window(self, pixel_map: PixelMap, image_shape: tuple[int, int]) -> Window:
        """The part of the plane that the result depends on, unless the algorithm is ``"exact"``."""
        options = dict(self.options)
        if self.algorithm == "interpolation":
            from sunpy_heliocloud.kernels.interpolation import window_needed_interpolation

            coordinates = pixel_map.rows(0, pixel_map.shape[0])
            return Window(
                *window_needed_interpolation(coordinates, image_shape, order=options.get("order", 1))
            )
        width = options.get("sample_region_width", 4.0)
        windows = [
            Window(*window_needed(pixel_map.rows(start, stop), image_shape, sample_region_width=width))
            for start, stop in self._strips
        ]
        return Window.around(windows)

    def resample(self, image: np.ndarray, pixel_map: PixelMap, window: Window, out: np.ndarray) -> None:
        """Fill ``out`` with the derotated image, from a window of the plane."""
        origin = window.rows[0], window.columns[0]
        options = dict(self.options)
        if self.algorithm == "interpolation":
            from sunpy_heliocloud.kernels.interpolation import resample_interpolation

            coordinates = pixel_map.rows(0, pixel_map.shape[0])
            out[:] = resample_interpolation(image, coordinates, origin=origin, dtype=out.dtype, **options)
            return
        image = np.ascontiguousarray(image)  # once, and not for each strip
        for start, stop in self._strips:
            resample_adaptive(
                image, pixel_map.rows(start, stop), origin=origin, out=out[start:stop], **options
            )

    @property
    def _strips(self) -> list[tuple[int, int]]:
        height, width = self.target.shape
        rows = max(8, _STRIP_PIXELS // width)
        return [(start, min(start + rows, height)) for start in range(0, height, rows)]

    def exactly(self, image: np.ndarray, source: Source, out: np.ndarray) -> None:
        """Fill ``out`` with the derotated image by the overlap of pixels' areas, which is left to reproject."""
        from sunpy_heliocloud.derotation.exact import derotate_exactly

        out[:] = derotate_exactly(
            image,
            source.wcs.to_wcs(),
            self.target.to_wcs(),
            rotation_model=self.rotation_model,
            screen=self.screen,
        )
