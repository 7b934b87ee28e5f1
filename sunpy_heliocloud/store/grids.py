"""Coordinates of cubes and maps as JSON, and back, with all digits."""

import dataclasses
from typing import Any

import numpy as np

from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, SlicedLowLevelWCS

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.store.values import time_from_json, time_to_json

__all__ = ["planes_from_json", "planes_to_json", "wcs_from_json", "wcs_to_json"]

_AUX = ("rsun_ref", "dsun_obs", "crln_obs", "hgln_obs", "hglt_obs")
_DATES = ("dateobs", "dateavg", "datebeg", "dateend")
_DAYS = ("mjdobs", "mjdavg", "mjdbeg", "mjdend")
_PLANE_FIELDS = [field.name for field in dataclasses.fields(PlaneWCS)]


def wcs_to_json(wcs: BaseLowLevelWCS) -> dict[str, Any]:
    """
    A WCS as JSON.

    Parameters
    ----------
    wcs
        Of this package, or of FITS without distortions; whole or sliced.

    Raises
    ------
    TypeError
        For any other.
    """
    match wcs:
        case StackWCS():
            return {"kind": "stack", "times": time_to_json(wcs.times), **planes_to_json(wcs.planes)}
        case SlicedStackWCS():
            return {"kind": "sliced stack", "stack": wcs_to_json(wcs.stack), "fixed": list(wcs.fixed)}
        case WCS() if not wcs.has_distortion and not wcs.wcs.tab:
            return {"kind": "FITS", **_fits(wcs)}
        case SlicedLowLevelWCS():
            slices = [one if isinstance(one, int) else [one.start, one.stop] for one in wcs._slices_array]
            return {"kind": "sliced", "wcs": wcs_to_json(wcs._wcs), "slices": slices}
    raise TypeError(
        f"coordinates of the type {type(wcs).__name__}, with distortions or tables perhaps, cannot be stored; bring "
        "the data to a grid without them first, with derotate_to for instance"
    )


def wcs_from_json(document: dict[str, Any], shape: tuple[int, ...]) -> BaseLowLevelWCS:
    """
    The WCS that `wcs_to_json` has made JSON of.

    Parameters
    ----------
    document
        The JSON.
    shape
        Of the data, with which it has to agree.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it has made no such JSON, or of a WCS of another shape.
    """
    wcs = _wcs(document)
    if tuple(wcs.array_shape or ()) != shape:
        raise ValueError(f"coordinates of the shape {wcs.array_shape} of data of the shape {shape}")
    return wcs


def _wcs(document: dict[str, Any]) -> BaseLowLevelWCS:
    match document["kind"]:
        case "stack":
            return StackWCS(planes_from_json(document), time_from_json(document["times"]))
        case "sliced stack":
            stack, fixed = _wcs(document["stack"]), tuple(map(bool, document["fixed"]))
            if not isinstance(stack, StackWCS) or len(fixed) != 3:
                raise ValueError("a slice of coordinates that are no stack")
            return SlicedStackWCS(stack, fixed)
        case "FITS":
            return _fits_from(document)
        case "sliced":
            slices = [one if isinstance(one, int) else slice(*one) for one in document["slices"]]
            return SlicedLowLevelWCS(_fits_from(document["wcs"]), slices)
    raise ValueError("coordinates of an unknown kind")


# ---- the planes of a stack


def planes_to_json(planes: tuple[PlaneWCS, ...]) -> dict[str, Any]:
    """Coordinates of planes by their fields; what all share stands there once."""
    columns = {name: [getattr(plane, name) for plane in planes] for name in _PLANE_FIELDS}
    shared = {name: values[0] for name, values in columns.items() if all(one == values[0] for one in values)}
    own = {name: values for name, values in columns.items() if name not in shared}
    return {"planes": len(planes), "of all planes": shared, "of each plane": own}


def planes_from_json(document: dict[str, Any]) -> list[PlaneWCS]:
    """The planes of a document that also has their times."""
    shared = {name: _tuples(value) for name, value in document["of all planes"].items()}
    own = {name: list(map(_tuples, values)) for name, values in document["of each plane"].items()}
    count = document["planes"]
    if sorted([*shared, *own]) != sorted(_PLANE_FIELDS) or any(len(one) != count for one in own.values()):
        raise ValueError("planes without some of their coordinates")
    if count not in (1, len(document["times"]["jd1"])):
        raise ValueError("planes that do not fit the times")
    planes = [PlaneWCS(**shared, **{name: values[i] for name, values in own.items()}) for i in range(count)]
    for plane in planes:
        _check(plane)
    planes[0].to_wcs()
    return planes


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _check(plane: PlaneWCS) -> None:
    """Refuse what makes no WCS, which would be an error at the first use."""
    pairs = (plane.crval, plane.cdelt, plane.crpix, plane.pole, *plane.pc)
    numbers = [*pairs, [value for _, value in plane.aux], [value for *_, value in plane.pv]]
    texts = [*plane.ctype, *plane.cunit, *(date for _, date in plane.dates)]
    if (
        len(plane.shape) != 2
        or not all(type(n) is int and n > 0 for n in plane.shape)
        or len(plane.pc) != 2
        or any(len(pair) != 2 for pair in pairs)
        or not all(isinstance(one, (int, float)) for several in numbers for one in several)
        or not all(isinstance(one, str) for one in texts)
        or not {name for name, _ in plane.aux} <= set(_AUX)
        or not {name for name, _ in plane.dates} <= set(_DATES)
    ):
        raise ValueError("a plane whose coordinates make no sense")


# ---- a WCS of FITS, of any number of axes


def _fits(wcs: WCS) -> dict[str, Any]:
    w = wcs.wcs
    return {
        "shape": None if wcs.array_shape is None else list(map(int, wcs.array_shape)),
        "ctype": list(w.ctype),
        "cname": list(w.cname),
        "cunit": [str(unit) for unit in w.cunit],
        "crval": w.crval.tolist(),
        "cdelt": w.get_cdelt().tolist(),
        "crpix": w.crpix.tolist(),
        "pc": w.get_pc().tolist(),
        "pv": [list(one) for one in w.get_pv()],
        "pole": [float(w.lonpole), float(w.latpole)],
        "aux": {name: float(getattr(w.aux, name)) for name in _AUX if getattr(w.aux, name) is not None},
        "dates": {name: getattr(w, name) for name in _DATES if getattr(w, name)},
        "days": {name: float(getattr(w, name)) for name in _DAYS if np.isfinite(getattr(w, name))},
    }


def _fits_from(document: dict[str, Any]) -> WCS:
    axes = len(document["ctype"])
    if not 1 <= axes <= 4:
        raise ValueError(f"coordinates of {axes} axes")
    wcs = WCS(naxis=axes)
    w = wcs.wcs
    for name in ("ctype", "cname", "cunit"):
        setattr(w, name, [str(one) for one in document[name]])
    for name in ("crval", "cdelt", "crpix", "pc"):
        setattr(w, name, np.array(document[name], float))
    w.set_pv([(int(axis), int(number), float(value)) for axis, number, value in document["pv"]])
    w.lonpole, w.latpole = map(float, document["pole"])
    for name in document["aux"].keys() & set(_AUX):
        setattr(w.aux, name, float(document["aux"][name]))
    for name in document["dates"].keys() & set(_DATES):
        setattr(w, name, str(document["dates"][name]))
    for name in document["days"].keys() & set(_DAYS):
        setattr(w, name, float(document["days"][name]))
    w.set()
    wcs.array_shape = None if document["shape"] is None else tuple(map(int, document["shape"]))
    return wcs
