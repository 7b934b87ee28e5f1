"""What a dask task does: values that are called with a chunk's input. Imported by every worker, so it imports little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sunpy_heliocloud.byte_ranges import ReadError
from sunpy_heliocloud.calibration import Plane, Step
from sunpy_heliocloud.frames import read_rows
from sunpy_heliocloud.kernels.derotation import (
    resample_adaptive,
    resample_interpolation,
    rows_needed,
    rows_needed_interpolation,
)
from sunpy_heliocloud.kernels.exact import derotate_exactly
from sunpy_heliocloud.kernels.pixel_map import pixel_map
from sunpy_heliocloud.losses import report_loss
from sunpy_heliocloud.plane_wcs import PlaneWCS

__all__ = [
    "Derotation",
    "DerotateArrays",
    "DerotateFrames",
    "FirstPlane",
    "ReadWindow",
]


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

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return np.stack(list(self.images(planes, [(0, self.rows[1] - self.rows[0])] * len(planes))))

    def images(self, planes: Sequence[Plane], bands: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
        """
        Bands of rows, counted from the top of the window, as wide as the window; each is made when it is asked for.

        A function that sees whole images is given whole images, whatever band is wanted.
        """
        whole = self._sees_whole_images
        wanted = [(self.rows[0] + start, self.rows[0] + stop) for start, stop in bands]
        reads = [self.rows_read(plane, band) for plane, band in zip(planes, bands, strict=True)]
        images = read_rows([plane.frame for plane in planes], reads, self.dtype)
        for image, plane, rows, read in zip(images, planes, wanted, reads, strict=True):
            yield self._calibrated(image, plane, slice(rows[0] - read[0], rows[1] - read[0]), whole)

    def rows_read(self, plane: Plane, band: tuple[int, int]) -> tuple[int, int]:
        """The rows of a frame that are read for a band of the window."""
        if self._sees_whole_images:
            return 0, plane.frame.shape[0]
        return self.rows[0] + band[0], self.rows[0] + band[1]

    @property
    def _sees_whole_images(self) -> bool:
        return not all(step.pointwise for step in self.steps)

    def _calibrated(
        self, image: np.ndarray | ReadError, plane: Plane, rows: slice, whole: bool
    ) -> np.ndarray:
        columns = slice(*self.columns)
        if isinstance(image, ReadError):
            if self.errors == "raise":
                raise image
            report_loss(plane.frame.url, str(image))
            return np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, self.dtype)
        if not whole:
            image = image[:, columns]
        for step in self.steps:
            image = step(image, plane)
        return image[rows, columns] if whole else image


@dataclass(frozen=True)
class FirstPlane:
    """The one plane that ``read`` gives, as an image."""

    read: ReadWindow

    def __call__(self, planes: Sequence[Plane]) -> np.ndarray:
        return self.read(planes)[0]


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

    def coordinates(self, source: PlaneWCS) -> np.ndarray:
        """The input pixel of every output pixel, see `pixel_map`."""
        return pixel_map(
            self.target.to_wcs(),
            source.to_wcs(),
            self.target.shape,
            rotation_model=self.rotation_model,
            screen=self.screen,
        )

    def band(self, coordinates: np.ndarray, source: PlaneWCS) -> tuple[int, int]:
        """The rows of the input that the result depends on."""
        if self.algorithm == "adaptive":
            width = dict(self.options).get("sample_region_width", 4.0)
            return rows_needed(coordinates, source.shape, sample_region_width=width)
        return rows_needed_interpolation(coordinates, source.shape, order=dict(self.options).get("order", 1))

    def band_of(self, source: PlaneWCS) -> tuple[int, int]:
        """The same, for a plane whose coordinates are not known yet."""
        return self.band(self.coordinates(source), source)

    def resample(self, image: np.ndarray, coordinates: np.ndarray, first_row: int) -> np.ndarray:
        """The derotated image, from a band of rows of the input."""
        kernel = resample_adaptive if self.algorithm == "adaptive" else resample_interpolation
        return kernel(image, coordinates, first_row=first_row, dtype=self.dtype, **dict(self.options))

    def exactly(self, image: np.ndarray, source: PlaneWCS) -> np.ndarray:
        """The derotated image by the overlap of pixels' areas, which is left to reproject."""
        return derotate_exactly(
            image,
            source.to_wcs(),
            self.target.to_wcs(),
            rotation_model=self.rotation_model,
            screen=self.screen,
        ).astype(self.dtype)


@dataclass(frozen=True)
class DerotateFrames:
    """Read the rows of frames that matter, calibrate and derotate them."""

    read: ReadWindow
    derotation: Derotation

    def __call__(self, sources: Sequence[tuple[Plane, PlaneWCS]]) -> np.ndarray:
        planes = [plane for plane, _ in sources]
        if self.derotation.algorithm == "exact":
            images = self.read(planes)
            return np.stack(
                [self.derotation.exactly(image, wcs) for image, (_, wcs) in zip(images, sources, strict=True)]
            )
        maps = [self.derotation.coordinates(wcs) for _, wcs in sources]
        bands = [
            self.derotation.band(coordinates, wcs)
            for coordinates, (_, wcs) in zip(maps, sources, strict=True)
        ]
        derotated = np.empty((len(planes), *self.derotation.target.shape), self.derotation.dtype)
        images = self.read.images(planes, bands)
        for k, (image, coordinates, band) in enumerate(zip(images, maps, bands, strict=True)):
            derotated[k] = self.derotation.resample(image, coordinates, band[0])
        return derotated


@dataclass(frozen=True)
class DerotateArrays:
    """Derotate planes that are in memory."""

    derotation: Derotation

    def __call__(self, planes: np.ndarray, sources: Sequence[PlaneWCS]) -> np.ndarray:
        results = []
        for image, source in zip(planes, sources, strict=True):
            if self.derotation.algorithm == "exact":
                results.append(self.derotation.exactly(image, source))
            else:
                results.append(self.derotation.resample(image, self.derotation.coordinates(source), 0))
        return np.stack(results)
