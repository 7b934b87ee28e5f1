"""The coordinates of many frames of one telescope at once."""

import dataclasses
from collections.abc import Mapping

import numpy as np

import astropy.units as u
from astropy.coordinates import CartesianRepresentation, HeliocentricMeanEcliptic, SkyCoord
from astropy.time import Time

from sunpy.coordinates import HeliographicStonyhurst

from sunpy_heliocloud.coordinates.plane import PlaneWCS

__all__ = ["with_observers"]


def with_observers(template: PlaneWCS, places: np.ndarray, dates: Mapping[str, Time]) -> list[PlaneWCS]:
    """
    The WCS of many frames that differ in time and place of the observer only, all at once.

    Parameters
    ----------
    template
        The WCS of one of them.
    places
        Of the observers, ``(3, n)``: HAEX_OBS, HAEY_OBS, HAEZ_OBS in metres, which is what sunpy takes for SDO.
    dates
        ``dateobs`` and ``dateavg`` of each frame. The coordinates, and with them the observer, are of ``dateavg``.

    Returns
    -------
    list of PlaneWCS
    """
    obstime = dates["dateavg"]
    observers = SkyCoord(
        CartesianRepresentation(*places, unit=u.m), frame=HeliocentricMeanEcliptic(obstime=obstime)
    ).transform_to(HeliographicStonyhurst(obstime=obstime))
    columns = {
        "dsun_obs": observers.radius.to_value(u.m).tolist(),
        "hgln_obs": observers.lon.wrap_at(180 * u.deg).to_value(u.deg).tolist(),
        "hglt_obs": observers.lat.to_value(u.deg).tolist(),
    }
    stamps = {name: times.utc.isot.tolist() for name, times in dates.items()}
    rsun = tuple((name, value) for name, value in template.aux if name == "rsun_ref")
    return [
        dataclasses.replace(
            template,
            aux=rsun + tuple((name, values[i]) for name, values in columns.items()),
            dates=tuple((name, values[i]) for name, values in stamps.items()),
        )
        for i in range(places.shape[1])
    ]
