"""Light of the simulated Sun, pixel by pixel."""

from typing import NamedTuple

import numba
import numpy as np

__all__ = ["Curve", "Motion", "Region", "Texture", "View", "cooling_delay", "paint", "surface_point"]

QUIET_COUNTS = 60.0
HALO_WIDTH = 0.07  # solar radii in which the corona above the limb fades by e
HALO_END = 1.3
REGION_END = 3.0  # radii of the region


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


@numba.njit(cache=True)
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


@numba.njit(cache=True)
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
    west = (x - view.center_x) * view.scale
    north = (y - view.center_y) * view.scale
    square = west * west + north * north
    beyond = view.distance * view.distance - 1
    radius = np.sqrt(square * beyond)
    root = view.distance * view.distance - (1 + square) * beyond
    if root < 0:
        return np.nan, np.nan, radius
    # Where the line of sight of this pixel meets the sphere first, seen from its centre.
    along = (view.distance - np.sqrt(root)) / (1 + square)
    west *= along
    north *= along
    near = view.distance - along
    sin_latitude = north * view.cos_latitude + near * view.sin_latitude
    longitude = view.longitude + np.arctan2(west, near * view.cos_latitude - north * view.sin_latitude)
    sin_square = sin_latitude * sin_latitude
    longitude += motion.offset - (motion.a + sin_square * (motion.b + sin_square * motion.c))
    return longitude, np.arcsin(sin_latitude), radius


@numba.njit(cache=True)
def _texture(texture: Texture, longitude: float, latitude: float) -> float:
    values = texture.values
    last = values.shape[0] - 1
    column, row = longitude / texture.cell, latitude / texture.cell
    left, low = int(np.floor(column)), int(np.floor(row))
    dx, dy = column - left, row - low
    # The remainder of a division by a power of two.
    i, i1, j, j1 = left & last, (left + 1) & last, low & last, (low + 1) & last
    below = values[j, i] * (1 - dx) + values[j, i1] * dx
    above = values[j1, i] * (1 - dx) + values[j1, i1] * dx
    return below * (1 - dy) + above * dy


@numba.njit(cache=True)
def _light(curve: Curve, time: float) -> float:
    place = (time - curve.start) / curve.step
    i = int(place)
    return curve.values[i] + (curve.values[i + 1] - curve.values[i]) * (place - i)


@numba.njit(cache=True)
def _region_counts(
    region: Region, texture: Texture, curve: Curve, time: float, longitude: float, latitude: float
) -> float:
    dlat = latitude - region.latitude
    if abs(dlat) > REGION_END * region.radius:
        return 0.0
    dlon = (longitude - region.longitude + np.pi) % (2 * np.pi) - np.pi
    # The square of the angle between them, as good as exact over a region.
    square = 4 * (np.sin(dlat / 2) ** 2 + np.cos(latitude) * np.cos(region.latitude) * np.sin(dlon / 2) ** 2)
    square /= region.radius**2
    if square > REGION_END**2:
        return 0.0
    delay = region.delay * cooling_delay(np.rad2deg(dlon), np.rad2deg(dlat))
    # Half a patch away, so that the texture of the region differs from that of the quiet Sun.
    half = texture.cell * (texture.values.shape[0] // 2)
    loops = 0.25 + 0.75 * _texture(texture, longitude + half, latitude + half)
    return region.counts * np.exp(-square) * loops * _light(curve, time - delay)


@numba.njit(cache=True, nogil=True)
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
        Integers, shape (y, x); filled in place.
    view, motion, region, texture, curve
        See the classes.
    time
        Of the image, in seconds, on the light curve's axis.
    gain
        What the counts are multiplied with: the exposure time over the nominal one.
    noise
        Whether photons are counted (Poisson) or rounded.
    rng
        A `numpy.random.Generator`.
    """
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            longitude, latitude, radius = surface_point(x, y, view, motion)
            if radius > HALO_END:
                image[y, x] = 0
                continue
            if np.isnan(longitude):
                counts = QUIET_COUNTS * np.exp((1 - radius) / HALO_WIDTH)
            else:
                counts = QUIET_COUNTS * (1 + _texture(texture, longitude, latitude))
                counts += _region_counts(region, texture, curve, time, longitude, latitude)
            counts *= gain
            image[y, x] = rng.poisson(counts) if noise else np.rint(counts)
