"""Light of the simulated Sun, pixel by pixel."""

from ctypes import c_double, c_int64
from typing import NamedTuple

import numpy as np

from sunpy_heliocloud.kernels.library import Array, Function

__all__ = ["Curve", "Motion", "Region", "Texture", "View", "cooling_delay", "paint", "surface_point"]

_NUMBERS = Array(np.float64)
_surface_points = Function("surface_points", *(_NUMBERS,) * 2, *(c_double,) * 2, c_int64, *(_NUMBERS,) * 3)
_paint = Function(
    "paint",
    *(_NUMBERS,) * 4,
    c_int64,
    c_double,
    _NUMBERS,
    *(c_double,) * 4,
    Array(np.uint64, optional=True),
    *(c_int64,) * 2,
    Array(np.int32),
)


class View(NamedTuple):
    """An image's pixels, and the observer: angles in radians, the distance in solar radii."""

    scale: float
    center_x: float
    center_y: float
    longitude: float
    sin_latitude: float
    cos_latitude: float
    distance: float


class Motion(NamedTuple):
    """
    How far the surface has turned: ``offset - (a + b sin² latitude + c sin⁴ latitude)`` turns a longitude
    at the time of the image into the one that the same point has at the time of reference.
    """

    offset: float
    a: float
    b: float
    c: float


class Region(NamedTuple):
    """The active region at the time of reference: angles in radians, counts, how much of the delay applies."""

    longitude: float
    latitude: float
    radius: float
    counts: float
    delay: float


class Texture(NamedTuple):
    """
    Values between 0 and 1 on a square patch of longitude and latitude (radians) that repeats. The number of
    cells on a side is a power of two.
    """

    values: np.ndarray
    cell: float


class Curve(NamedTuple):
    """The light curve at evenly spaced times (s)."""

    values: np.ndarray
    start: float
    step: float


def cooling_delay(longitude: float, latitude: float) -> float:
    """
    By how long the 171 Å light of a point follows its 193 Å light.

    Parameters
    ----------
    longitude, latitude
        Of the point from the region's centre, in degrees.

    Returns
    -------
    float or array_like
        In seconds.
    """
    return 2400 * np.tanh(longitude / 5) + 900 * np.sin(latitude / 3)


def surface_point(x: float, y: float, view: View, motion: Motion) -> tuple[float, float, float]:
    """
    The point of the surface that a pixel shows.

    Parameters
    ----------
    x, y
        The pixel, from 0.
    view, motion
        See the classes.

    Returns
    -------
    tuple of float
        Longitude at the time of reference and latitude, in radians; NaN off the disk. Last, the distance
        from the centre of the disk in units of the limb's.
    """
    point = np.empty((3, 1))
    _surface_points(np.array(view, float), np.array(motion, float), x, y, 1, *point)
    longitude, latitude, radius = point[:, 0].tolist()
    return longitude, latitude, radius


def paint(
    image: np.ndarray,
    view: View,
    motion: Motion,
    region: Region,
    texture: Texture,
    curve: Curve,
    time: float,
    gain: float,
    noise: bool,
    rng: np.random.Generator,
) -> None:
    """
    Fill an image with counts.

    Parameters
    ----------
    image
        int32, contiguous, shape (y, x); filled in place.
    view, motion, region, texture, curve
        See the classes.
    time
        Of the image, in seconds, on the light curve's axis.
    gain
        What the counts are multiplied with: the exposure time over the nominal one.
    noise
        Whether photons are counted (Poisson) or rounded.
    rng
        A `numpy.random.Generator`, which nobody else uses meanwhile.
    """
    # The state of four generators in the kernel, which are four times as fast as calls of this one.
    state = rng.integers(2**64, size=(4, 4), dtype=np.uint64) if noise else None
    _paint(
        *(np.array(values, float) for values in (view, motion, (*region, np.cos(region.latitude)))),
        *(texture.values, len(texture.values), texture.cell),
        *(curve.values, curve.start, curve.step, time, gain),
        *(state, *image.shape, image),
    )
