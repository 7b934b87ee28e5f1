"""Coordinates of solar images, and sunpy's transformation of them."""

from contextlib import nullcontext

import numpy as np

import astropy.units as u
from astropy.time import Time, TimeDelta
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_pixel, wcs_to_celestial_frame

from sunpy.coordinates import (
    HeliographicStonyhurst,
    Helioprojective,
    HelioprojectiveRadial,
    propagate_with_solar_surface,
)

__all__ = [
    "OTHER_GRIDS",
    "REFERENCE_TIME",
    "carrington_wcs",
    "evaluated_everywhere",
    "height_above_horizon",
    "solar_wcs",
    "window_may_flip",
]

REFERENCE_TIME = Time("2018-05-29T18:00:00")
# Arguments of `solar_wcs` for images of other scales, orientations and observers.
OTHER_GRIDS = {
    "rotated": {"scale": 2.4, "angle": 33.0},
    "turned": {"scale": 0.3, "angle": 180.0, "centre": (300, 200)},
    "STEREO-B": {"observer": (-40, 5, 0.96)},
    "STEREO-A": {"observer": (100, -6, 1.03), "days": 1.5},
    "Solar Orbiter": {"observer": (10, 20, 0.3), "days": -2, "scale": 2.0, "centre": (500, -100)},
    "other radius": {"rsun": 696.0e6, "days": 0.25, "centre": (-800, 0)},
}


def solar_wcs(
    days=0.0, *, centre=(0, 0), shape=(400, 400), scale=0.6, angle=0.0, observer=(0, -1, 1.0), rsun=695.7e6
):
    """Helioprojective coordinates of an image whose middle is at ``centre`` arcsec."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "HPLN-TAN", "HPLT-TAN"
    wcs.wcs.cunit = "arcsec", "arcsec"
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    wcs.wcs.crval = centre
    wcs.wcs.cdelt = scale, scale
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.pc = [[cos, -sin], [sin, cos]]
    wcs.wcs.dateobs = (REFERENCE_TIME + TimeDelta(days, format="jd")).isot
    wcs.wcs.aux.hgln_obs, wcs.wcs.aux.hglt_obs = observer[:2]
    wcs.wcs.aux.dsun_obs = observer[2] * u.au.to(u.m)
    wcs.wcs.aux.rsun_ref = rsun
    wcs.wcs.set()
    return wcs


def carrington_wcs(shape):
    """Carrington coordinates of a part of the surface."""
    wcs = solar_wcs()
    wcs.wcs.ctype = "CRLN-CAR", "CRLT-CAR"
    wcs.wcs.cunit = "deg", "deg"
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    wcs.wcs.crval = 120, 0
    wcs.wcs.cdelt = 120 / shape[1], 100 / shape[0]
    wcs.wcs.pc = np.eye(2)
    wcs.wcs.set()
    return wcs


def evaluated_everywhere(target, source, shape, rotation_model="howard", screen=None, step=1):
    """
    sunpy's map of all pixels and a rim of one pixel, see `pixel_map`, NaN where the Sun hides the surface.

    With a ``step``, of every second, third, ... row and column.
    """
    y, x = np.mgrid[-1 : shape[0] + 1 : step, -1 : shape[1] + 1 : step].astype(float)
    with propagate_with_solar_surface(rotation_model), screen or nullcontext():
        pixels = np.array(pixel_to_pixel(target, source, x, y))
    if screen is None or screen.only_off_disk:
        pixels[:, height_above_horizon(target, source, shape, rotation_model, step) < 0] = np.nan
    return pixels


def height_above_horizon(target, source, shape, rotation_model="howard", step=1):
    """
    Sine of the height of the source's observer above the horizon of what each pixel and the rim show, by geometry.

    Below 0 where the Sun hides the surface, NaN off the disk of the target. Nothing is hidden from a map of the whole
    surface.
    """
    y, x = np.mgrid[-1 : shape[0] + 1 : step, -1 : shape[1] + 1 : step].astype(float)
    x_on_disk, y_on_disk = target.world_to_pixel_values(0, 0)  # sunpy warns if there is none
    pixels = target.pixel_to_world(np.append(x, x_on_disk), np.append(y, y_on_disk))
    frame = wcs_to_celestial_frame(source)
    if not isinstance(frame, (Helioprojective, HelioprojectiveRadial)):
        return np.where(np.isnan(pixels.spherical.lon[:-1].reshape(x.shape)), np.nan, 1.0)
    rsun = wcs_to_celestial_frame(target).rsun
    with propagate_with_solar_surface(rotation_model):
        # First to the surface: without a change of time and observer sunpy does not transform to the surface.
        surface = pixels.transform_to(HeliographicStonyhurst(obstime=pixels.obstime, rsun=rsun))
        later = surface.transform_to(HeliographicStonyhurst(obstime=frame.obstime, rsun=rsun))
    points = later.cartesian.xyz.to_value(rsun.unit)[:, :-1].reshape(3, *x.shape) / rsun.value
    observer = frame.observer.cartesian.xyz.to_value(rsun.unit) / rsun.value
    to_observer = observer[:, np.newaxis, np.newaxis] - points
    return (points * to_observer).sum(axis=0) / np.linalg.norm(to_observer, axis=0)


def window_may_flip(coordinates, within=1e-4):
    """
    Output pixels whose window ends so near to a row or column that rounding may decide whether this is in it.

    The Gaussian is still 0.9 % at the end of its window of two output pixels on either side, so that the result jumps
    there, in reproject as here.
    """
    x, y = coordinates[:, 1:-1, 1:-1]
    along, across = (
        (coordinates[:, 1:-1, 2:] - coordinates[:, 1:-1, :-2]) / 2,
        (coordinates[:, 2:, 1:-1] - coordinates[:, :-2, 1:-1]) / 2,
    )
    largest = np.linalg.norm(np.moveaxis([along, across], (0, 1), (-1, -2)), ord=2, axis=(-2, -1))
    reach = 2 * np.maximum(largest, 1)
    ends = np.array([x - reach, x + reach, y - reach, y + reach])
    return (np.abs(ends - np.rint(ends)) < within).any(axis=0)
