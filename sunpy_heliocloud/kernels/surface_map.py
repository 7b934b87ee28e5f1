"""
Where each pixel of one helioprojective image lies in another, in closed form.

In a gnomonic projection (TAN) a pixel is a direction by a 3 x 3 matrix. The direction meets the sphere of the solar
surface, the sphere turns, faster at its equator, and the point's direction from the other observer is a pixel again.
Directions and points are Cartesian, in axes that are fixed to the Sun's north pole and to the Earth, as those of
`sunpy.coordinates.HeliographicStonyhurst`.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["Camera", "SurfaceMap", "camera"]


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
            target.directions,
            target.position,
            radius,
            np.array(turn),
            np.linalg.inv(source.directions),
            source.position,
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
        _fill(*self._arguments, start, self._rows)
        return self._rows


# Contraction to fused multiply-adds, so that all of it is done for several pixels at once.
@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def _fill(directions, observer, radius, turn, pixels, source, first_row, rows):
    _, height, width = rows.shape
    for j in range(height):
        y = first_row + j - 1.0
        start_x = directions[0, 1] * y + directions[0, 2]
        start_y = directions[1, 1] * y + directions[1, 2]
        start_z = directions[2, 1] * y + directions[2, 2]
        row_x, row_y = rows[0, j], rows[1, j]
        for i in range(width):
            x = i - 1.0
            ray_x = start_x + directions[0, 0] * x
            ray_y = start_y + directions[1, 0] * x
            ray_z = start_z + directions[2, 0] * x
            # The nearer of the points where the ray meets the sphere; by the cross product, which does not cancel.
            cross_x = observer[1] * ray_z - observer[2] * ray_y
            cross_y = observer[2] * ray_x - observer[0] * ray_z
            cross_z = observer[0] * ray_y - observer[1] * ray_x
            square = ray_x * ray_x + ray_y * ray_y + ray_z * ray_z
            missed = cross_x * cross_x + cross_y * cross_y + cross_z * cross_z
            along = ray_x * observer[0] + ray_y * observer[1] + ray_z * observer[2]
            steps = (-along - math.sqrt(square * (radius * radius) - missed)) / square
            point_x = observer[0] + steps * ray_x
            point_y = observer[1] + steps * ray_y
            point_z = observer[2] + steps * ray_z
            sine = point_z / radius
            sine *= sine
            sin, cos = _sin_cos(turn[0] + sine * (turn[1] + sine * turn[2]))
            turned_x = cos * point_x - sin * point_y
            turned_y = sin * point_x + cos * point_y
            seen_x = turned_x - source[0]
            seen_y = turned_y - source[1]
            seen_z = point_z - source[2]
            depth = pixels[2, 0] * seen_x + pixels[2, 1] * seen_y + pixels[2, 2] * seen_z
            # The observer is below the horizon of the point, if it lies on the far side.
            below = turned_x * seen_x + turned_y * seen_y + point_z * seen_z
            # Or the point is behind an observer who looks away.
            share = 1 / depth if (depth > 0) & (below < 0) else np.nan
            row_x[i] = (pixels[0, 0] * seen_x + pixels[0, 1] * seen_y + pixels[0, 2] * seen_z) * share
            row_y[i] = (pixels[1, 0] * seen_x + pixels[1, 1] * seen_y + pixels[1, 2] * seen_z) * share


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _sin_cos(angle):
    """Sine and cosine of up to a million radians to 1e-15, without a branch."""
    # Adding 1.5 * 2**52 rounds to an integer and leaves it in the lowest bits.
    shifted = angle * 0.6366197723675814 + 6755399441055744.0
    quarter = np.float64(shifted).view(np.int64)
    turns = shifted - 6755399441055744.0
    r = (angle - turns * 1.57079632673412561417) - turns * 6.07710050650619224932e-11
    square = r * r
    sin = -1 / 1307674368000
    sin = sin * square + 1 / 6227020800
    sin = sin * square - 1 / 39916800
    sin = sin * square + 1 / 362880
    sin = sin * square - 1 / 5040
    sin = sin * square + 1 / 120
    sin = sin * square - 1 / 6
    sin = r + r * square * sin
    cos = 1 / 20922789888000
    cos = cos * square - 1 / 87178291200
    cos = cos * square + 1 / 479001600
    cos = cos * square - 1 / 3628800
    cos = cos * square + 1 / 40320
    cos = cos * square - 1 / 720
    cos = cos * square + 1 / 24
    cos = cos * square - 1 / 2
    cos = 1 + square * cos
    is_odd = quarter & 1 != 0
    sin, cos = (cos if is_odd else sin), (sin if is_odd else cos)
    return (-sin if quarter & 2 != 0 else sin), (-cos if (quarter + 1) & 2 != 0 else cos)
