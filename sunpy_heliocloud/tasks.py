"""What a dask task does: values that are called with a chunk's input. Imported by every worker, so it imports little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sunpy_heliocloud.byte_ranges import ReadError
from sunpy_heliocloud.calibration import Plane, Step
from sunpy_heliocloud.frames import Window, read_windows
from sunpy_heliocloud.kernels.adaptive import resample_adaptive, window_needed
from sunpy_heliocloud.kernels.surface_map import SurfaceMap
from sunpy_heliocloud.plane_wcs import PlaneWCS

__all__ = [
    "Derotation",
    "DerotateArrays",
    "DerotateFrames",
    "FirstPlane",
    "PixelMap",
    "ReadWindow",
    "Source",
]

# Pixels of the result that are made together: few enough that their coordinates stay in the processor's cache.
_STRIP_PIXELS = 2**15


@dataclass(frozen=True)
class ReadWindow:
    """
    Read a window of frames and calibrate it.

    Parameters
    ----------
    steps
        What is done to the pixels.
    rows, columns
        The window, ``(start, stop)`` in pixels of the frame.
    dtype
        In which frames are read.
    errors
        ``"raise"``, or ``"mask"`` for frames of NaN in place of those that cannot be read.
    """

    steps: tuple[Step, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    dtype: np.dtype
    errors: str

    @property
    def window(self) -> Window:
        return Window(self.rows, self.columns)

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return np.stack(list(self.images(planes, [Window.whole(self.window.shape)] * len(planes))))

    def images(self, planes: Sequence[Plane], windows: Sequence[Window]) -> Iterator[np.ndarray]:
        """
        Parts of the window, one of each plane, counted from the window's corner; each is made when it is asked for.

        A function that sees whole images is given whole images, whatever part is wanted.
        """
        reads = [self.read_for(plane, window) for plane, window in zip(planes, windows, strict=True)]
        images = read_windows([plane.frame for plane in planes], reads, self.dtype)
        for image, plane, window, read in zip(images, planes, windows, reads, strict=True):
            yield self._calibrated(image, plane, window.of(self.window), read)

    def read_for(self, plane: Plane, window: Window) -> Window:
        """What is read of a frame for a part of the window."""
        if all(step.pointwise for step in self.steps):
            return window.of(self.window)
        return Window.whole(plane.frame.shape)

    def _calibrated(
        self, image: np.ndarray | ReadError, plane: Plane, window: Window, read: Window
    ) -> np.ndarray:
        if isinstance(image, ReadError):
            if self.errors == "raise":
                raise image
            from sunpy_heliocloud.losses import (
                report_loss,
            )  # it imports sunpy, which other frames do not need

            report_loss(plane.frame.url, str(image))
            return np.full(window.shape, np.nan, self.dtype)
        try:
            for step in self.steps:
                image = step(image, plane)
        except Exception as error:
            error.add_note(f"This happened to the pixels of {plane.frame.url}.")
            raise
        return image[window.within(read)]


@dataclass(frozen=True)
class FirstPlane:
    """The one plane that ``read`` gives, as an image."""

    read: ReadWindow

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return self.read(planes)[0]


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
        How far the surface turns to it, see `sunpy_heliocloud.surface_turn`; `None` if sunpy is to be asked.
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
        from sunpy_heliocloud.kernels.general_map import GeneralMap  # it imports sunpy

        return GeneralMap(
            self.target.to_wcs(),
            source.wcs.to_wcs(),
            self.target.shape,
            rotation_model=self.rotation_model,
            screen=self.screen,
        )

    def window(self, pixel_map: PixelMap, image_shape: tuple[int, int]) -> Window:
        """The part of the plane that the result depends on."""
        options = dict(self.options)
        if self.algorithm == "exact":
            return Window.whole(image_shape)
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
        from sunpy_heliocloud.kernels.exact import derotate_exactly

        out[:] = derotate_exactly(
            image,
            source.wcs.to_wcs(),
            self.target.to_wcs(),
            rotation_model=self.rotation_model,
            screen=self.screen,
        )


@dataclass(frozen=True)
class DerotateFrames:
    """Read what matters of frames, calibrate and derotate it."""

    read: ReadWindow
    derotation: Derotation

    def __call__(self, sources: Sequence[tuple[Plane, Source]]) -> np.ndarray:
        derotated = np.empty((len(sources), *self.derotation.target.shape), self.derotation.dtype)
        planes = [plane for plane, _ in sources]
        if self.derotation.algorithm == "exact":
            for image, (_, source), out in zip(self.read(planes), sources, derotated, strict=True):
                self.derotation.exactly(image, source, out)
            return derotated
        maps = [self.derotation.pixel_map(source) for _, source in sources]
        windows = [
            self.derotation.window(pixel_map, source.wcs.shape)
            for pixel_map, (_, source) in zip(maps, sources, strict=True)
        ]
        images = self.read.images(planes, windows)
        for image, pixel_map, window, out in zip(images, maps, windows, derotated, strict=True):
            self.derotation.resample(image, pixel_map, window, out)
        return derotated


@dataclass(frozen=True)
class DerotateArrays:
    """Derotate planes that are in memory."""

    derotation: Derotation

    def __call__(self, planes: np.ndarray, sources: Sequence[Source]) -> np.ndarray:
        derotated = np.empty((len(sources), *self.derotation.target.shape), self.derotation.dtype)
        for image, source, out in zip(planes, sources, derotated, strict=True):
            if self.derotation.algorithm == "exact":
                self.derotation.exactly(image, source, out)
            else:
                whole = Window.whole(image.shape)
                self.derotation.resample(image, self.derotation.pixel_map(source), whole, out)
        return derotated
