"""The coordinates of many frames at once."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.coordinates import CartesianRepresentation, HeliocentricMeanEcliptic, SkyCoord
from astropy.time import Time
from astropy.wcs import WCS

from sunpy.coordinates import HeliographicStonyhurst
from sunpy.map import GenericMap

from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.log import silent
from sunpy_heliocloud.metadata.columns import column, picked
from sunpy_heliocloud.metadata.maps import empty_map
from sunpy_heliocloud.metadata.stamps import parse_stamps

__all__ = ["AIA_TIMES", "follows_aia", "plane_wcs", "with_observers"]

type Header = Mapping[str, Any]

AIA_TIMES = {"dateobs": "DATE-OBS", "dateavg": "T_OBS"}
# The keywords of a Map's WCS. Frames that agree in these differ only in time, observer and roll.
_GRID_KEYS = (
    *("NAXIS1", "NAXIS2", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CDELT1", "CDELT2", "CRPIX1", "CRPIX2"),
    *("CRVAL1", "CRVAL2", "CROTA1", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "CD1_1", "CD1_2", "CD2_1"),
    *("CD2_2", "RSUN_REF", "LONPOLE", "LATPOLE", "PV1_1", "PV2_1", "IMSCL_MP"),
)
_ROLL = "CROTA2"  # of AIA's level 1 it differs from frame to frame


@without_contexts
@silent()
def plane_wcs(headers: Sequence[Header]) -> list[PlaneWCS]:
    """
    The WCS that sunpy's Map gives for each header.

    A Map takes milliseconds. For AIA frames with the same pointing and scale a Map is made only of the first,
    which is asked for the matrices of other rolls; time and observer of the others are computed together.
    """
    groups: dict[tuple, list[int]] = {}
    grids = zip(*(column(headers, keyword) for keyword in _GRID_KEYS), strict=True)
    rolls = column(headers, _ROLL)
    for i, (grid, roll, is_aia) in enumerate(zip(grids, rolls, follows_aia(headers), strict=True)):
        groups.setdefault((*grid, roll is None) if is_aia else (*grid, i), []).append(i)
    planes: dict[int, PlaneWCS] = {}
    for members in groups.values():
        first = empty_map(headers[members[0]])
        template = PlaneWCS.from_wcs(first.wcs)
        planes[members[0]] = template
        rest = members[1:]
        if rest:
            aia = _aia_planes(template, picked(headers, rest))
            matrices = _matrices(first, template, {rolls[i] for i in rest})
            planes |= {
                i: dataclasses.replace(plane, pc=matrices.get(rolls[i], template.pc))
                for i, plane in zip(rest, aia, strict=True)
            }
    return [planes[i] for i in range(len(headers))]


def _matrices(m: GenericMap, template: PlaneWCS, rolls: set[Any]) -> dict[Any, tuple]:
    """What sunpy makes of each roll, in a Map that is not needed any more. Its WCS has what a header has of the matrix."""
    found = {}
    wcs = template.to_wcs()
    for roll in rolls - {m.meta.get(_ROLL)}:
        m.meta[_ROLL] = roll
        wcs.wcs.pc = m.rotation_matrix
        found[roll] = tuple(map(tuple, WCS(wcs.to_header()).wcs.get_pc().tolist()))
    return found


def follows_aia(headers: Sequence[Header]) -> list[bool]:
    """Whether sunpy takes observer and time of a header from the keywords of `_aia_planes`."""
    needed = zip(*(column(headers, key) for key in (*AIA_TIMES.values(), *_PLACE)), strict=True)
    unusual = zip(*(column(headers, key) for key in ("DATE-BEG", "DATE-END", "DATE_OBS")), strict=True)
    return [
        str(instrument or "").startswith("AIA")
        and all(value not in (None, "") for value in some)
        and not any(others)
        for instrument, some, others in zip(column(headers, "INSTRUME"), needed, unusual, strict=True)
    ]


_PLACE = ("HAEX_OBS", "HAEY_OBS", "HAEZ_OBS")


def _aia_planes(template: PlaneWCS, headers: Sequence[Header]) -> list[PlaneWCS]:
    places = np.array([column(headers, keyword) for keyword in _PLACE], dtype=float)
    systems = [str(timesys or "UTC") for timesys in column(headers, "TIMESYS")]
    days = {name: parse_stamps(column(headers, keyword), systems) for name, keyword in AIA_TIMES.items()}
    dates = {name: Time(*parts, format="jd", scale="utc") for name, parts in days.items()}
    return with_observers(template, places, dates)


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
