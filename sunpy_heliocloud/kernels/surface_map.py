"""
Where each pixel of one helioprojective image lies in another, in closed form.

In a gnomonic projection (TAN) a pixel is a direction by a 3 x 3 matrix. The direction meets the sphere of the solar
surface, the sphere turns, faster at its equator, and the point's direction from the other observer is a pixel again.
Directions and points are Cartesian, in axes that are fixed to the Sun's north pole and to the Earth, as those of
`sunpy.coordinates.HeliographicStonyhurst`.
"""

import math
from ctypes import c_double, c_int64
from typing import NamedTuple

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["Camera", "SurfaceMap", "camera"]

# Columns of which interpolation would need as many nodes.
_NARROW = 24

_NUMBERS = Array(np.float64)
_map_surface = Function(
    "map_surface",
    *(_NUMBERS, _NUMBERS, c_double, _NUMBERS, _NUMBERS, _NUMBERS),
    *(c_double,) * 4,
    *(c_int64,) * 2,
    _NUMBERS,
)
_map_surface_rows = Function(
    "map_surface_rows",
    *(_NUMBERS, _NUMBERS, c_double, _NUMBERS, _NUMBERS, _NUMBERS),
    *(c_int64,) * 4,
    _NUMBERS,
)


class Camera(NamedTuple):
    """
    An observer's image.

    Parameters
    ----------
    directions : `numpy.ndarray`
        The matrix from pixels ``(x, y, 1)``, from 0 at pixel centres, to directions.
    position : `numpy.ndarray`
        Of the observer, in metres from the centre of the Sun.
    """

    directions: np.ndarray
    position: np.ndarray


def camera(
    *,
    crpix: tuple[float, float],
    scales: np.ndarray,
    crval: tuple[float, float],
    lonpole: float,
    observer: tuple[float, float, float],
) -> Camera:
    """
    The camera of a FITS header.

    Parameters
    ----------
    crpix
        The reference pixel, from 1 as in FITS.
    scales : `numpy.ndarray`
        The matrix from pixels to intermediate world coordinates, in radians.
    crval, lonpole
        The reference point and the longitude of its pole, in radians.
    observer
        Stonyhurst longitude and latitude in radians, and distance in metres.

    Returns
    -------
    Camera

    References
    ----------
    * Calabretta, M. R. & Greisen, E. W. 2002, A&A 395, 1077, https://doi.org/10.1051/0004-6361:20021327
    * Thompson, W. T. 2006, A&A 449, 791, https://doi.org/10.1051/0004-6361:20054262
    """
    offsets = np.column_stack([scales, scales @ (1 - np.array(crpix))])
    native = np.array([-offsets[1], offsets[0], [0, 0, 1]])
    sin, cos = math.sin(crval[1]), math.cos(crval[1])
    tilt = np.array([[-sin, 0, cos], [0, -1, 0], [cos, 0, sin]])
    helioprojective = _turn(crval[0]) @ tilt @ _turn(-lonpole) @ native
    longitude, latitude, distance = observer
    sin, cos = math.sin(latitude), math.cos(latitude)
    # An observer on the first axis looks against it, with the west to the right, on the second axis.
    tilt = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) @ np.diag([-1, 1, 1])
    to_heliographic = _turn(longitude) @ tilt
    return Camera(to_heliographic @ helioprojective, -distance * to_heliographic[:, 0])


def _turn(angle: float) -> np.ndarray:
    """The matrix that turns vectors about the third axis."""
    sin, cos = math.sin(angle), math.cos(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


class SurfaceMap:
    """
    The pixels of a source image at which the pixels of a target image are to be sampled.

    Parameters
    ----------
    target, source
        The cameras of both.
    shape
        ``(ny, nx)`` of the target image.
    radius
        Of the surface, in metres.
    turn
        By how much the surface turns from the target's time to the source's, in radians: coefficients of 1 and of the
        second and fourth power of the sine of the latitude.
    """

    def __init__(
        self,
        target: Camera,
        source: Camera,
        shape: tuple[int, int],
        radius: float,
        turn: tuple[float, float, float],
    ) -> None:
        self.shape = shape
        self._arguments = (
            _contiguous(target.directions),
            _contiguous(target.position),
            float(radius),
            _contiguous(turn),
            _contiguous(np.linalg.inv(source.directions)),
            _contiguous(source.position),
        )
        self._rows = np.empty((2, 0, shape[1] + 2))

    def rows(self, start: int, stop: int) -> np.ndarray:
        """
        The map of some rows of the target image.

        Parameters
        ----------
        start, stop
            First row, and the one after the last.

        Returns
        -------
        `numpy.ndarray`
            Input pixels ``(x, y)`` of these rows with a rim of one pixel, float64, shape
            ``(2, stop - start + 2, nx + 2)``; NaN off the disk. It is good until the next call.
        """
        height = stop - start + 2
        if height != self._rows.shape[1]:
            self._rows = np.empty((2, height, self.shape[1] + 2))
        _map_surface_rows(*self._arguments, start - 1, -1, *self._rows.shape[1:], self._rows)
        return self._rows

    def part(self, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        """
        The map of a part of the target image.

        Parameters
        ----------
        rows, columns
            The first, and the one after the last; they may lie off the image.

        Returns
        -------
        `numpy.ndarray`
            Input pixels ``(x, y)`` as of `rows` but for rounding, without a rim, a new array.
        """
        if columns[1] - columns[0] < _NARROW:
            return self.grid((rows[0], 1, rows[1] - rows[0]), (columns[0], 1, columns[1] - columns[0]))
        pixels = np.empty((2, rows[1] - rows[0], columns[1] - columns[0]))
        _map_surface_rows(*self._arguments, rows[0], columns[0], *pixels.shape[1:], pixels)
        return pixels

    def grid(self, rows: tuple[float, float, int], columns: tuple[float, float, int]) -> np.ndarray:
        """
        The map of evenly spaced places of the target image.

        Parameters
        ----------
        rows, columns
            The first place, the distance between two, and their number.

        Returns
        -------
        `numpy.ndarray`
            Input pixels ``(x, y)``, a new array of shape ``(2, rows, columns)``.
        """
        pixels = np.empty((2, rows[2], columns[2]))
        _map_surface(*self._arguments, rows[0], columns[0], rows[1], columns[1], rows[2], columns[2], pixels)
        return pixels


def _contiguous(numbers: np.typing.ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(numbers, np.float64)
