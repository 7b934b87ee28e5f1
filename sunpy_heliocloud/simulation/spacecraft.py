"""Positions of the simulated SDO, on a geosynchronous orbit around sunpy's Earth."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

import astropy.units as u
from astropy.coordinates import CartesianRepresentation, HeliocentricMeanEcliptic, SkyCoord
from astropy.time import Time

from sunpy.coordinates import HeliocentricInertial, get_earth
from sunpy.coordinates.sun import L0, carrington_rotation_number

from sunpy_heliocloud.coordinates.contexts import without_contexts

__all__ = ["Position", "position"]

ORBIT_RADIUS = 42_164e3  # m
ORBIT_INCLINATION = np.deg2rad(52)  # to the ecliptic
SIDEREAL_DAY = 86_164.1  # s


@dataclass(frozen=True)
class Position:
    """
    Where SDO is at one time. Lengths are in metres.

    Attributes
    ----------
    longitude, latitude
        Heliocentric inertial, in radians: of the Sun's equator and a direction fixed among the stars.
    distance
        From the Sun's centre.
    earth_longitude
        The Earth's heliocentric inertial longitude, in radians: where Stonyhurst longitudes begin.
    ecliptic
        Heliocentric ecliptic x, y, z: the keywords ``HAE[XYZ]_OBS``.
    geocentric
        The same seen from the Earth: the keywords ``GAE[XYZ]_OBS``.
    carrington_longitude
        In degrees.
    carrington_rotation
        Number of the rotation, with its fraction.
    """

    longitude: float
    latitude: float
    distance: float
    earth_longitude: float
    ecliptic: np.ndarray
    geocentric: np.ndarray
    carrington_longitude: float
    carrington_rotation: float

    @property
    def stonyhurst_longitude(self) -> float:
        """In radians, between -pi and pi."""
        return (self.longitude - self.earth_longitude + np.pi) % (2 * np.pi) - np.pi


def position(time: Time) -> Position:
    """
    Where SDO is.

    Parameters
    ----------
    time
        One time.

    Returns
    -------
    Position
    """
    day = time.utc.strftime("%Y-%m-%d")
    seconds = (time - Time(day)).to_value(u.s)
    ephemeris, to_ecliptic = _ephemeris(day)
    *earth, carrington_longitude, carrington_rotation = ephemeris(seconds)
    geocentric = _orbit(time)
    inertial = earth + to_ecliptic.T @ geocentric
    distance = np.linalg.norm(inertial)
    longitude = np.arctan2(inertial[1], inertial[0])
    earth_longitude = np.arctan2(earth[1], earth[0])
    return Position(
        longitude=longitude,
        latitude=np.arcsin(inertial[2] / distance),
        distance=distance,
        earth_longitude=earth_longitude,
        ecliptic=to_ecliptic @ inertial,
        geocentric=geocentric,
        carrington_longitude=(carrington_longitude + np.rad2deg(longitude - earth_longitude)) % 360,
        carrington_rotation=carrington_rotation,
    )


def _orbit(time: Time) -> np.ndarray:
    """SDO from the Earth's centre, ecliptic axes, metres."""
    phase = 2 * np.pi * (time.utc.unix / SIDEREAL_DAY % 1)
    tilt = [np.cos(ORBIT_INCLINATION), np.sin(ORBIT_INCLINATION)]
    return ORBIT_RADIUS * np.array([np.cos(phase), np.sin(phase) * tilt[0], np.sin(phase) * tilt[1]])


@lru_cache(maxsize=64)
@without_contexts
def _ephemeris(day: str) -> tuple[CubicSpline, np.ndarray]:
    """
    Positions from sunpy, computed once a day instead of once a frame, since each call takes tens of
    milliseconds.

    Returns
    -------
    tuple
        A spline over the seconds of the day, giving the Earth's heliocentric inertial x, y, z (m), the
        Carrington longitude that it sees (deg) and the number of the Carrington rotation; and the matrix
        that turns inertial vectors into ecliptic ones.
    """
    seconds = np.arange(-1, 27) * 3600.0
    times = Time(day) + seconds * u.s
    earth = get_earth(times).transform_to(HeliocentricInertial(obstime=times)).cartesian.xyz.to_value(u.m)
    carrington_longitude = np.unwrap(L0(times).to_value(u.deg), period=360)
    columns = np.stack([*earth, carrington_longitude, carrington_rotation_number(times)], axis=-1)

    axes = CartesianRepresentation(np.eye(3) * u.AU, xyz_axis=0)
    axes = SkyCoord(axes, frame=HeliocentricInertial(obstime=times[0]))
    ecliptic = axes.transform_to(HeliocentricMeanEcliptic(obstime=times[0]))
    return CubicSpline(seconds, columns), ecliptic.cartesian.xyz.to_value(u.AU)
