"""How far the solar surface turns between the time of one image and those of others, by sunpy."""

from collections.abc import Sequence

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.coordinates import HeliographicStonyhurst, transform_with_sun_center
from sunpy.sun.models import differential_rotation

from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.plane import PlaneWCS

__all__ = ["Turn", "surface_turns"]

# In radians, in the axes of Stonyhurst coordinates: coefficients of 1 and of the second and fourth power of the sine of
# the latitude.
type Turn = tuple[float, float, float]


@without_contexts
def surface_turns(target: PlaneWCS, sources: Sequence[PlaneWCS], rotation_model: str) -> list[Turn | None]:
    """
    The turn from the time of the target to that of each source, all at once.

    Parameters
    ----------
    target
        The image that the surface turns from.
    sources
        The images that it turns to.
    rotation_model
        See `sunpy.sun.models.differential_rotation`.

    Returns
    -------
    list
        `None` for sources, or for all if it is the target, that are no image a
        `~sunpy_heliocloud.kernels.surface_map.SurfaceMap` can be made of.
    """
    usual = [i for i, source in enumerate(sources) if source.has_camera]
    turns: list[Turn | None] = [None] * len(sources)
    if not (usual and target.has_camera):
        return turns
    times = Time([sources[i].stamp for i in usual], scale="utc")
    elapsed = (times - target.date).to_value(u.s)
    rates = _rates(rotation_model)
    for i, seconds, axes in zip(usual, elapsed.tolist(), _turns_of_axes(target.date, times), strict=True):
        turns[i] = (rates[0] * seconds + axes, rates[1] * seconds, rates[2] * seconds)
    return turns


def _rates(rotation_model: str) -> list[float]:
    """The rotation in radians per second as a polynomial of the square of the latitude's sine, which it is."""
    squares = np.array([0, 0.5, 1])
    day = differential_rotation(1 * u.day, np.arcsin(np.sqrt(squares)) * u.rad, model=rotation_model)
    return np.linalg.solve(np.vander(squares, increasing=True), day.to_value(u.rad) / 86400).tolist()


def _turns_of_axes(start: Time, times: Time) -> list[float]:
    """What the longitude of a fixed direction gains, since Stonyhurst coordinates turn with the Earth."""
    longitude = np.zeros(times.size) * u.deg
    direction = HeliographicStonyhurst(longitude, longitude, np.ones(times.size) * u.AU, obstime=start)
    with transform_with_sun_center():
        later = direction.transform_to(HeliographicStonyhurst(obstime=times))
    return later.lon.wrap_at(180 * u.deg).to_value(u.rad).tolist()
