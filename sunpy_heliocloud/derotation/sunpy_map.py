"""
Where each pixel of a target image lies in a source image, the solar surface rotating between the two, by sunpy.

For all coordinates that sunpy knows, and its screens. For the usual ones `sunpy_heliocloud.kernels.surface_map` is ten
times as fast.
"""

import copy
import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

import astropy.units as u
from astropy.coordinates import UnitSphericalRepresentation
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from sunpy.coordinates import (
    HeliographicStonyhurst,
    Helioprojective,
    HelioprojectiveRadial,
    propagate_with_solar_surface,
)
from sunpy.coordinates.screens import BaseScreen

from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.kernels import chebyshev

__all__ = ["GeneralMap", "pixel_map"]

# Allowed error of the interpolation, in pixels, at points in the middle between nodes.
_TOLERANCE = 1e-6
# The map bends like a square root at the limb. Tiles that are nearer to it than this fraction of their size
# would fail, and are divided at once.
_LIMB_MARGIN = 0.3
# A point lies on the surface, and not on a screen, if its radius is that of the surface to so much of it.
_ON_SURFACE = 1e-5
# Frames of what an observer sees.
_VIEWS = (Helioprojective, HelioprojectiveRadial)
# Points in one call of sunpy, which takes about 16 ms up to 1000 points and then 0.6 us and 0.4 kB a point.
_CHUNK = 65536


@without_contexts
def pixel_map(
    target_wcs: WCS,
    source_wcs: WCS,
    shape_out: tuple[int, int],
    *,
    rotation_model: str = "howard",
    screen: BaseScreen | None = None,
) -> np.ndarray:
    """
    The pixels of a source image at which the pixels of a target image are to be sampled.

    The transformation is that of sunpy under `sunpy.coordinates.propagate_with_solar_surface`. It is
    evaluated at the Chebyshev nodes of tiles and interpolated by polynomials. A tile whose error, at points
    that were not used, exceeds 1e-6 pixel, or that has undefined points, is divided; the smallest tiles are
    evaluated pixel by pixel.

    Off the disk nothing is defined without a screen, also where sunpy would have nothing to transform because
    both images are of the same time and observer: otherwise the reference frame alone of a sequence would show
    the sky.

    Nor is anything defined where the source's observer cannot see the surface. sunpy maps what is on the far side to
    where it would be seen through the Sun. That is as smooth, and so is the height of the observer above the horizon
    of the point: it is interpolated like the coordinates, and its sign decides for each pixel. Points on a screen are
    seen.

    Parameters
    ----------
    target_wcs
        Coordinates of the output image. Its observer, time and solar radius define the surface.
    source_wcs
        Coordinates of the input image.
    shape_out
        Shape ``(ny, nx)`` of the output image.
    rotation_model
        One of the models of `sunpy.sun.models.differential_rotation`: ``"howard"``, ``"snodgrass"``,
        ``"allen"``, ``"rigid"``.
    screen
        Where off-disk points are taken to be, a `sunpy.coordinates.SphericalScreen` or
        `sunpy.coordinates.PlanarScreen`. By default they are undefined.

    Returns
    -------
    `numpy.ndarray`
        Input pixels ``(x, y)``, from 0 at pixel centres, of the output pixels from -1 to ``ny`` and -1 to
        ``nx`` (a rim of one pixel surrounds the image), float64, shape ``(2, ny + 2, nx + 2)``. NaN where
        undefined or hidden. Within 1e-5 pixel of sunpy's values.
    """
    transformation = _Transformation(
        target_wcs.deepcopy(), source_wcs.deepcopy(), rotation_model, copy.copy(screen)
    )
    ny, nx = shape_out
    pixels = np.empty((2, ny + 2, nx + 2))
    hidden = np.zeros(pixels.shape[1:], dtype=bool)
    exact = np.zeros(pixels.shape[1:], dtype=bool)
    tiles = _off_the_limb([_Tile(0, 0, *pixels.shape[1:])], transformation)
    while tiles:
        failed = []
        for tile, nodes, between in _evaluated([tile for tile in tiles if tile.is_large], transformation):
            if chebyshev.error(nodes, between) <= _TOLERANCE:
                chebyshev.interpolate(nodes[:2], *tile.slices, pixels)
                if _may_be_hidden(nodes[2]):
                    hidden[tile.slices] = _interpolated(nodes[2], tile) < 0
            elif tile.clear_of_limb and np.isnan(nodes).all():
                pixels[:, *tile.slices] = np.nan
            else:
                failed += tile.divided()
        for tile in tiles:
            exact[tile.slices] = not tile.is_large
        tiles = failed
    y, x = np.nonzero(exact)
    *coordinates, height = transformation(x - 1.0, y - 1.0)
    pixels[:, y, x] = coordinates
    hidden[y, x] = height < 0
    if hidden.any():
        pixels[:, hidden] = np.nan
    return pixels


class GeneralMap:
    """
    A `pixel_map` that is given row by row, as `sunpy_heliocloud.kernels.surface_map.SurfaceMap` does.

    Parameters
    ----------
    target_wcs, source_wcs, shape
        As for `pixel_map`.
    **options
        As for `pixel_map`.
    """

    def __init__(self, target_wcs: WCS, source_wcs: WCS, shape: tuple[int, int], **options: Any) -> None:
        self.shape = shape
        self._pixels = pixel_map(target_wcs, source_wcs, shape, **options)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """The map of the rows ``start`` to ``stop`` with a rim, shape ``(2, stop - start + 2, nx + 2)``."""
        return self._pixels[:, start : stop + 2]


class _Tile(NamedTuple):
    """A rectangle of pixels of the map (which begins with the rim)."""

    row: int
    column: int
    height: int
    width: int
    clear_of_limb: bool = False

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    @property
    def is_large(self) -> bool:
        return self.height * self.width > chebyshev.POINTS

    def points(self, positions: np.ndarray) -> np.ndarray:
        """Output pixels (x, y) of the grid of positions, which are from -1 to 1; shape ``(2, n, n)``."""
        x = self.column - 1 + (self.width - 1) * (1 + positions) / 2
        y = self.row - 1 + (self.height - 1) * (1 + positions) / 2
        return np.array(np.meshgrid(x, y))

    def divided(self) -> list["_Tile"]:
        """Two or four parts, of the longer side or both, that are about square."""
        upper = self.height // 2 if 2 * self.height > self.width else 0
        left = self.width // 2 if 2 * self.width > self.height else 0
        return [
            self._replace(row=self.row + row, column=self.column + column, height=height, width=width)
            for row, height in ((0, upper), (upper, self.height - upper))
            for column, width in ((0, left), (left, self.width - left))
            if height and width
        ]


class _Transformation:
    """sunpy's transformation of target pixels to source pixels. It is not to be shared between threads."""

    def __init__(self, target_wcs: WCS, source_wcs: WCS, rotation_model: str, screen: BaseScreen | None):
        self.target_wcs = target_wcs
        self.source_wcs = source_wcs
        self.target_frame = wcs_to_celestial_frame(target_wcs)
        self.source_frame = wcs_to_celestial_frame(source_wcs)
        self.rotation_model = rotation_model
        self.screen = screen
        self.hides = isinstance(self.source_frame, _VIEWS) and (screen is None or screen.only_off_disk)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """
        Source pixels, and the height of the source's observer above the horizon, of target pixels.

        Parameters
        ----------
        x, y
            Of shape ``(n,)``.

        Returns
        -------
        `numpy.ndarray`
            Shape ``(3, n)``. The height, in pixels of the source too, is below 0 where the point is hidden.
        """
        transformed = np.empty((3, x.size))
        with ExitStack() as contexts:
            contexts.enter_context(propagate_with_solar_surface(self.rotation_model))
            if self.screen is not None:
                contexts.enter_context(self.screen)
            for start in range(0, x.size, _CHUNK):
                chunk = slice(start, start + _CHUNK)
                transformed[:, chunk] = self._of_points(x[chunk], y[chunk])
        return transformed

    def _of_points(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        # sunpy warns when no point is on the disk; in a part of an image that is no fault, so a point on it is added.
        x_on_disk, y_on_disk = self.target_wcs.world_to_pixel_values(0, 0)
        lon, lat = self.target_wcs.pixel_to_world_values(np.append(x, x_on_disk), np.append(y, y_on_disk))
        unit_lon, unit_lat = self.target_wcs.world_axis_units
        points = self.target_frame.realize_frame(
            UnitSphericalRepresentation(u.Quantity(lon, unit_lon), u.Quantity(lat, unit_lat))
        )
        if isinstance(self.target_frame, Helioprojective):
            # By way of the surface at the target's own time: the same numbers as in one step, in half the time, for
            # sunpy takes two turns. Off the disk this is undefined, also for a source of the same time and place.
            surface = HeliographicStonyhurst(obstime=self.target_frame.obstime, rsun=self.target_frame.rsun)
            points = points.transform_to(surface)
        else:
            points = points.make_3d()  # on the surface
        radius = points.spherical.distance
        seen = points.transform_to(self.source_frame).spherical
        unit_lon, unit_lat = self.source_wcs.world_axis_units
        source = self.source_wcs.world_to_pixel_values(
            seen.lon.to_value(unit_lon), seen.lat.to_value(unit_lat)
        )
        return np.array([*source, self._height(seen.distance, radius)])[:, :-1]

    def _height(self, distance: u.Quantity, radius: u.Quantity) -> np.ndarray:
        """
        How high the observer of the source is above the horizon of points, in pixels of the source.

        Parameters
        ----------
        distance, radius
            Of the points from the observer and from the centre of the Sun.
        """
        seen = np.ones(distance.shape)
        if not self.hides:
            return seen
        surface = self.target_frame.rsun.to_value(u.m)
        observer = self.source_frame.observer.radius.to_value(u.m)
        # By the law of cosines: on the horizon, the directions to the observer and to the centre are at right angles.
        above = (observer**2 - surface**2 - distance.to_value(u.m) ** 2) / (2 * observer)
        radian = u.Unit(self.source_wcs.world_axis_units[0]).to(u.rad)
        pixel = observer * proj_plane_pixel_scales(self.source_wcs).min() * radian
        is_on_screen = np.abs(radius.to_value(u.m) - surface) > _ON_SURFACE * surface
        return np.where(is_on_screen, seen, above / pixel)

    def from_limb(self, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        """Target pixels between points and the limb, negative on the disk; None if there is no limb."""
        frame = self.target_frame
        if not isinstance(frame, Helioprojective):
            return None
        radian = u.Unit(self.target_wcs.world_axis_units[0]).to(u.rad)
        lon, lat = np.multiply(self.target_wcs.pixel_to_world_values(x, y), radian)
        from_limb = np.arccos(np.cos(lon) * np.cos(lat)) - frame.angular_radius.to_value(u.rad)
        return from_limb / (proj_plane_pixel_scales(self.target_wcs).max() * radian)


def _off_the_limb(tiles: list[_Tile], transformation: _Transformation) -> list[_Tile]:
    """The tiles in parts that are clear of the limb, or small."""
    nodes = chebyshev.nodes()
    # No point of a tile is farther from a node than half of this part of its diagonal.
    gap = np.diff(nodes).max() / 2
    divided = []
    while tiles:
        from_limb = transformation.from_limb(*np.array([tile.points(nodes) for tile in tiles]).swapaxes(0, 1))
        if from_limb is None:
            return tiles
        near = []
        for tile, distance in zip(tiles, from_limb, strict=True):
            diagonal = np.hypot(tile.height, tile.width)
            if distance.min() > gap * diagonal or distance.max() < -_LIMB_MARGIN * diagonal:
                divided.append(tile._replace(clear_of_limb=True))
            elif tile.is_large:
                near += tile.divided()
            else:
                divided.append(tile)
        tiles = near
    return divided


def _evaluated(
    tiles: list[_Tile], transformation: _Transformation
) -> Iterator[tuple[_Tile, np.ndarray, np.ndarray]]:
    """Each tile with the transformation of its nodes and of the points in between that measure the error."""
    if not tiles:
        return
    grids = chebyshev.nodes(), chebyshev.positions_between()
    points = np.concatenate(
        [
            np.concatenate([tile.points(positions).reshape(2, -1) for positions in grids], axis=1)
            for tile in tiles
        ],
        axis=1,
    )
    source = transformation(*points).reshape(3, len(tiles), chebyshev.POINTS)
    for number, tile in enumerate(tiles):
        nodes, between = np.split(source[:, number], [len(grids[0]) ** 2], axis=1)
        yield tile, _square(nodes), _square(between)


def _may_be_hidden(heights: np.ndarray) -> bool:
    """Whether the height may be below 0 somewhere between nodes: by no more than twice what it differs by at two."""
    steps = [np.abs(np.diff(heights, axis=axis)).max() for axis in (0, 1)]
    return heights.min() <= 2 * max(steps)


def _interpolated(heights: np.ndarray, tile: _Tile) -> np.ndarray:
    """The heights at the pixels of a tile."""
    at_pixels = np.empty((1, tile.height, tile.width))
    chebyshev.interpolate(heights[np.newaxis], slice(0, tile.height), slice(0, tile.width), at_pixels)
    return at_pixels[0]


def _square(points: np.ndarray) -> np.ndarray:
    """Points of a grid, shape ``(3, n * n)``, as ``(3, n, n)``."""
    side = math.isqrt(points.shape[1])
    return points.reshape(3, side, side)
