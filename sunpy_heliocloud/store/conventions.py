"""How other programs see a stored cube: names of dimensions, coordinates, attributes of the CF conventions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, SlicedLowLevelWCS

from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.store.description import Contents
from sunpy_heliocloud.text import inert

__all__ = ["Variable", "attributes_of", "variables_of"]

_UNIX_EPOCH = 2440587.5  # as a Julian day
_NS_OF_A_DAY = 86400 * 10**9
_STEPS = ("normalization", "saturation", "derotated", "resampled", "light_travel")


@dataclass(frozen=True)
class Variable:
    """
    A variable as in a netCDF file.

    Parameters
    ----------
    dims
        Names of its dimensions.
    data
        An array.
    attributes
        Texts and numbers by name.
    """

    dims: tuple[str, ...]
    data: Any
    attributes: Mapping[str, Any]


def variables_of(contents: Contents) -> dict[str, Variable]:
    """The arrays and their coordinates, by name."""
    dims = _dims(contents.wcs, contents.arrays["data"].ndim)
    coordinates = _coordinates(contents, dims)
    unit = "1" if contents.unit == u.dimensionless_unscaled else contents.unit
    attributes = {"long_name": inert(contents.meta.get("quantity", "intensity"))}
    if unit is not None:
        attributes["units"] = str(unit)
    if apart := [name for name, one in coordinates.items() if not one.dims]:
        attributes["coordinates"] = " ".join(apart)
    variables = {"data": Variable(dims, contents.arrays["data"], attributes)}
    if "marks" in contents.arrays:
        said = {"long_name": "marks of lags, first and last lag that took part"}
        variables["marks"] = Variable(("mark", *dims), contents.arrays["marks"], said)
    return variables | coordinates


def attributes_of(contents: Contents) -> dict[str, Any]:
    """What the whole is, for people and programs."""
    meta = contents.meta
    channels = meta.get("channels", (meta.get("wavelength"),))
    observatories = meta.get("observatories", (meta.get("observatory"),))
    steps = [f"{name}: {inert(meta[name])}" for name in _STEPS if isinstance(meta.get(name), str)]
    attributes = {
        "Conventions": "CF-1.11",
        "title": f"{contents.kind} of sunpy_heliocloud",
        "wavelength": " and ".join(str(one) for one in channels if one is not None),
        "observatory": " and ".join(dict.fromkeys(inert(one) for one in observatories if one)),
        "instrument": inert(meta.get("instrument") or ""),
        "history": "; ".join(steps),
        "comment": "made_from.json lists frames, steps and versions",
        "fits_header": _header(contents.wcs),
    }
    return {name: value for name, value in attributes.items() if value}


def _dims(wcs: BaseLowLevelWCS, ndim: int) -> tuple[str, ...]:
    match wcs:
        case StackWCS():
            return "time", "y", "x"
        case SlicedStackWCS():
            names = zip(("time", "y", "x"), wcs.fixed, strict=True)
            return tuple(name for name, is_fixed in names if not is_fixed)
        case SlicedLowLevelWCS():
            names = zip(_dims(wcs._wcs, len(wcs._slices_array)), wcs._slices_array, strict=True)
            return tuple(name for name, one in names if not isinstance(one, int))
        case WCS() if ndim == 3 and "lag" in wcs.world_axis_names:
            return "lag", "y", "x"
    return ("y", "x") if ndim == 2 else tuple(f"axis_{i}" for i in range(ndim))


def _coordinates(contents: Contents, dims: tuple[str, ...]) -> dict[str, Variable]:
    found = {}
    times = getattr(contents.wcs, "times", contents.coords.get("time", ("", None))[1])
    if isinstance(times, Time):
        attributes = {
            "standard_name": "time",
            "long_name": "time of the observation, UTC",
            "axis": "T",
            "units": "nanoseconds since 1970-01-01",
            "calendar": "proleptic_gregorian",
        }
        found["time"] = Variable(("time",) if "time" in dims else (), _nanoseconds(times), attributes)
    if "lag" in dims and isinstance(contents.wcs, WCS):
        count = contents.wcs.array_shape[0]
        seconds = contents.wcs.wcs_pix2world(np.c_[np.zeros((count, 2)), np.arange(count)], 0)[:, 2]
        found["lag"] = Variable(("lag",), seconds, {"long_name": "time lag", "units": "s"})
    return found


def _nanoseconds(times: Time) -> np.ndarray:
    """Since 1970, without leap seconds, as other programs count: a leap second is the first of the next day."""
    utc = times.utc
    days = np.floor(np.asarray(utc.jd1 - _UNIX_EPOCH + utc.jd2))
    # The Julian date is no measure of seconds on the day of a leap second.
    seconds = (utc - Time(_UNIX_EPOCH, days, format="jd", scale="utc")).to_value("s")
    return days.astype(np.int64) * _NS_OF_A_DAY + np.rint(seconds * 1e9).astype(np.int64)


def _header(wcs: BaseLowLevelWCS) -> str:
    """The FITS header of the grid that all planes share."""
    match wcs:
        case StackWCS() if wcs.is_shared:
            return wcs.celestial().to_header_string().replace("\0", "")
        case WCS():
            return wcs.to_header_string()
    return ""
