"""
The algorithms of resampling: how a pixel of the result is made of the pixels of a plane.

Each is a frozen value with the methods of `Resampling`, so that tasks and estimates need not know which one it is.
Workers import this module, so it imports little.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from sunpy_heliocloud.derotation.transformation import Transformation
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.kernels.adaptive import resample_adaptive
from sunpy_heliocloud.kernels.adaptive_window import window_needed
from sunpy_heliocloud.kernels.interpolation import resample_interpolation, window_needed_interpolation
from sunpy_heliocloud.kernels.surface_map import SurfaceMap
from sunpy_heliocloud.kernels.surface_window import outermost_parts

__all__ = ["Adaptive", "Exact", "Interpolation", "Resampling", "resampling"]

# Pixels of the result that are made together: few enough that their coordinates stay in the processor's cache.
_STRIP_PIXELS = 2**16
# The two coordinates of a pixel, as doubles, and whether it is hidden.
_BYTES_OF_COORDINATES = 17
# Of memory that reproject_exact takes for each pixel of the plane, as measured.
_BYTES_OF_OVERLAPS = 320


class Resampling(Protocol):
    """
    An algorithm with its options.

    Attributes
    ----------
    name
        The caller's word for it.
    """

    name: ClassVar[str]

    def reach(self, transformation: Transformation) -> Window:
        """The rows and columns of the plane that the result needs."""

    def resample(
        self, image: np.ndarray, window: Window, transformation: Transformation, out: np.ndarray
    ) -> None:
        """Fill ``out`` with the result, from the image in a window of the plane that holds the `reach`."""

    def rows_read(self, source_rows: int, target_rows: int) -> int:
        """About how many rows of a plane are read, known without a transformation."""
        return min(source_rows, 2 * target_rows)

    def memory(self, transformation: Transformation) -> int:
        """Bytes that it takes besides the image and the result."""


@dataclass(frozen=True)
class Adaptive(Resampling):
    """
    Anti-aliased resampling (DeForest 2004), see `~sunpy_heliocloud.kernels.adaptive.resample_adaptive`.

    Parameters
    ----------
    kernel_width
        Width of the Gaussian in pixels of the plane.
    sample_region_width
        Width of the window of the Gaussian in pixels of the result.
    """

    kernel_width: float = 1.3
    sample_region_width: float = 4.0

    name: ClassVar[str] = "adaptive"

    def __post_init__(self) -> None:
        for name in ("kernel_width", "sample_region_width"):
            value = getattr(self, name)
            if not isinstance(value, (int, float, np.integer, np.floating)) or not 0 < value < np.inf:
                raise ValueError(f"{name}={value!r} must be a number of pixels above 0")

    def reach(self, transformation: Transformation) -> Window:
        pixel_map, shape = transformation.pixel_map, transformation.source_shape
        width = self.sample_region_width
        parts: Iterable[np.ndarray] | None = None
        if isinstance(pixel_map, SurfaceMap):
            parts = outermost_parts(pixel_map, shape, width)
        if parts is None:
            parts = (pixel_map.rows(*strip) for strip in _strips(transformation.shape))
        return Window.around(Window(*window_needed(part, shape, sample_region_width=width)) for part in parts)

    def resample(
        self, image: np.ndarray, window: Window, transformation: Transformation, out: np.ndarray
    ) -> None:
        image = np.ascontiguousarray(image)  # once, and not for each strip
        for start, stop in _strips(out.shape):
            resample_adaptive(
                image,
                transformation.pixel_map.rows(start, stop),
                origin=_origin(window),
                out=out[start:stop],
                kernel_width=self.kernel_width,
                sample_region_width=self.sample_region_width,
            )

    def memory(self, transformation: Transformation) -> int:
        return _coordinates_memory(transformation)


@dataclass(frozen=True)
class Interpolation(Resampling):
    """
    Interpolation between pixels, see `~sunpy_heliocloud.kernels.interpolation.resample_interpolation`.

    Parameters
    ----------
    order
        0 (nearest pixel), 1 (linear) or 3 (cubic spline).
    """

    order: int = 1

    name: ClassVar[str] = "interpolation"

    def __post_init__(self) -> None:
        if self.order not in (0, 1, 3):
            raise ValueError(f"order={self.order!r} must be 0 (nearest), 1 (linear) or 3 (cubic)")

    def reach(self, transformation: Transformation) -> Window:
        pixel_map, shape = transformation.pixel_map, transformation.source_shape
        return Window.around(
            Window(*window_needed_interpolation(pixel_map.rows(*strip), shape, order=self.order))
            for strip in _strips(transformation.shape)
        )

    def resample(
        self, image: np.ndarray, window: Window, transformation: Transformation, out: np.ndarray
    ) -> None:
        image = np.ascontiguousarray(image)
        # A spline's prefilter goes over the whole image each time.
        strips = [(0, len(out))] if self.order == 3 else _strips(out.shape)
        for start, stop in strips:
            out[start:stop] = resample_interpolation(
                image,
                transformation.pixel_map.rows(start, stop),
                order=self.order,
                origin=_origin(window),
                dtype=out.dtype,
            )

    def memory(self, transformation: Transformation) -> int:
        if self.order < 3:
            return _coordinates_memory(transformation)
        # As the pixel map gives them, on the axes of the image, and without those that are off it.
        return 3 * _BYTES_OF_COORDINATES * transformation.target_pixels


@dataclass(frozen=True)
class Exact(Resampling):
    """The mean of what the area of a pixel overlaps, see `~sunpy_heliocloud.derotation.exact.derotate_exactly`."""

    name: ClassVar[str] = "exact"

    def reach(self, transformation: Transformation) -> Window:
        if _is_nowhere(transformation).all():
            return Window((0, 0), (0, 0))
        return Window.whole(transformation.source_shape)

    def resample(
        self, image: np.ndarray, window: Window, transformation: Transformation, out: np.ndarray
    ) -> None:
        from sunpy_heliocloud.derotation.exact import derotate_exactly  # imports sunpy

        nowhere = _is_nowhere(transformation)
        if not nowhere.all():
            overlaps = derotate_exactly(
                image,
                transformation.source.wcs.to_wcs(),
                transformation.target.to_wcs(),
                _is_nowhere(transformation.back_from_corners()),
                rotation_model=transformation.rotation_model,
                screen=transformation.screen,
            )
            out[:] = overlaps[transformation.part.within(Window.whole(overlaps.shape))]
        out[nowhere] = np.nan

    def rows_read(self, source_rows: int, target_rows: int) -> int:
        return source_rows

    def memory(self, transformation: Transformation) -> int:
        return _BYTES_OF_OVERLAPS * int(np.prod(transformation.source_shape))


_ALGORITHMS = {kind.name: kind for kind in (Adaptive, Interpolation, Exact)}


def resampling(algorithm: str, **options: Any) -> Resampling:
    """
    The algorithm of a name, with its options.

    Parameters
    ----------
    algorithm
        ``"adaptive"``, ``"interpolation"`` or ``"exact"``.
    **options
        The fields of `Adaptive`, `Interpolation` or `Exact`.

    Raises
    ------
    ValueError
        When the algorithm or an option is unknown, or an option has no sensible value.
    """
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"algorithm {algorithm!r} is unknown; choose one of {', '.join(_ALGORITHMS)}")
    kind = _ALGORITHMS[algorithm]
    known = sorted(field.name for field in fields(kind))
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(
            f"{algorithm!r} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )
    return kind(**options)


def _is_nowhere(transformation: Transformation) -> np.ndarray:
    """Which pixels of the target show nothing of the plane, since they are off the disk or hidden."""
    nowhere = np.empty(transformation.shape, dtype=bool)
    for start, stop in _strips(nowhere.shape):
        nowhere[start:stop] = np.isnan(transformation.pixel_map.rows(start, stop)[0, 1:-1, 1:-1])
    return nowhere


def _coordinates_memory(transformation: Transformation) -> int:
    """Bytes of the coordinates of all pixels; in closed form they are made strip by strip."""
    in_strips = transformation.source.turn is not None
    return 0 if in_strips else _BYTES_OF_COORDINATES * transformation.target_pixels


def _strips(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """First rows of strips of the result, and those after the last."""
    height, width = shape
    rows = max(8, _STRIP_PIXELS // width)
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]


def _origin(window: Window) -> tuple[int, int]:
    """Row and column in the plane of the first pixel of a window."""
    return window.rows[0], window.columns[0]
