"""The header of a plane of a cube, made of that of a frame."""

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.metadata.maps import empty_map, readable, time_scale
from sunpy_heliocloud.metadata.times import MIDPOINT
from sunpy_heliocloud.text import inert

__all__ = ["is_on_grid", "plane_header", "unit_card"]

type Header = Mapping[str, Any]

# How the file was laid out, and what its pixels were.
_OF_THE_FILE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|TFIELDS|EXTNAME|EXTVER|INHERIT|END|T(TYPE|FORM|UNIT)\d+|"
    r"Z(IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|BLANK|SIMPLE|TENSION|PCOUNT|GCOUNT|HECKSUM|DATASUM)|"
    r"CHECKSUM|DATASUM|BLANK|BSCALE|BZERO|BUNIT|PIXLUNIT|DATA(MIN|MAX|MEAN|MEDN|MED|RMS|SKEW|KURT|CENT|VALS|P\d\d)|"
    r"TOTVALS|MISSVALS|PERCENTD?|"
    r"(CTYPE|CUNIT|CRVAL|CDELT|CRPIX|CNAME|CROTA)[3-9]|(PC|CD)([3-9]_\d|\d_[3-9])|WCSAXES|"
)
_OF_THE_GRID = re.compile(
    r"(CTYPE|CUNIT|CRVAL|CDELT|CRPIX|CNAME|CRDER|CSYER|CROTA)\d[A-Z]?|(PC|CD|PV|PS)\d+_\d+[A-Z]?|CROTA|SC_ROLL|"
    r"(WCSAXES|WCSNAME|LONPOLE|LATPOLE|VELOSYS)[A-Z]?|XCEN|YCEN|R_SUN|X0(_MP)?|Y0(_MP)?|IMSCL_MP|SOLAR_[XYR]0?|SC_[XY]0"
)
_OF_THE_OBSERVER = re.compile(
    r"HAE[XYZ]_OBS|HEE[XYZ]_OBS|HEQ[XYZ]_OBS|HC[IE][XYZ]_OBS|HEC_[XYZ]|GAE[XYZ]_OBS|OBS_(L0|B0|DIST|VR|VW|VN)|SOLAR_[BLP]0|"
    r"(CRLN|CRLT|HGLN|HGLT|HEEQ|DSUN|RSUN)_(OBS|REF)|RSUN(_ARC)?|DSUN_AU|CAR_ROT|CRPIX_SUN|SAT_Y0|SAT_Z0|SAT_ROT|OBSGEO-[XYZLBH]"
)
# By which sunpy chooses the class of a Map.
_NAMES = (
    "INSTRUME",
    "TELESCOP",
    "OBSRVTRY",
    "DETECTOR",
    "MODEL",
    "CONTENT",
    "ORIGIN",
    "OBS_TYPE",
    "CREATOR",
    "BLD_VERS",
)
_TIMES_OF_DAY = ("TIME-OBS", "TIME_OBS")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?")  # of the FITS standard
_CARD_TEXT = 72  # characters
_SAME_TIME = 1e-3  # seconds
# Times of one frame, in planes of several.
_OF_THE_FRAME = (
    "DATE_OBS",
    "TIME-OBS",
    "TIME_OBS",
    "DATE-BEG",
    "DATE-END",
    "T_REC",
    "EXPTIME",
    "XPOSURE",
    "QUALITY",
)


def plane_header(
    frame: Header,
    own: PlaneWCS | None,
    plane: PlaneWCS,
    *,
    time: Time,
    is_frame: bool,
    unit: u.UnitBase | None,
    history: Iterable[str],
) -> dict[str, Any]:
    """
    The header of a plane.

    Parameters
    ----------
    frame, own
        The header of the frame that it was made of, or of the nearest, with keywords in upper case; and that frame's
        coordinates, if it has some.
    plane
        The coordinates of the plane.
    time
        When it was observed: the midpoint of the exposure.
    is_frame
        Whether it is of one frame, whose other times are its own then.
    unit, history
        Of the pixels, and what was done to them.

    Returns
    -------
    dict
        Observer and time of the coordinates are those of ``plane``, in DATE-AVG; the observation's time is in DATE-OBS
        as before, and its midpoint in DATE-MID where DATE-AVG and T_OBS are not it.
    """
    header = _without(readable(frame), _OF_THE_FILE)
    is_observed = is_frame and own is not None and _are_seen_alike(own, plane)
    is_own = own is not None and is_observed and is_on_grid(own, plane)
    size = {"NAXIS": 2, "NAXIS1": plane.shape[1], "NAXIS2": plane.shape[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are seen when the Map is made in earnest
        observed = (
            empty_map(header | size).date
            if is_frame and not (is_own and _has_standard_dates(header))
            else time
        )
        if not is_own:
            header = _without(header, _OF_THE_GRID) | _grid_cards(plane)
        header |= size
        if not is_observed:
            header = _moved(header, plane, time, is_frame)
        if not _has_standard_dates(header):
            header = _dated(_with_standard_dates(header, observed), observed)
            if abs((empty_map(header).reference_date - plane.date).to_value(u.s)) > _SAME_TIME:
                timesys = str(header.get("TIMESYS") or "UTC")
                header |= {MIDPOINT: _stamp(time, timesys), "DATE-AVG": _stamp(plane.date, timesys)}
        if not is_own:
            header = _readable_by_all(_dated(header, observed), plane, observed)
    if unit is not None:
        header["BUNIT"] = unit_card(unit)
    before = str(header.pop("HISTORY", "") or "").strip()
    lines = (part for line in history for part in _card_texts(line))
    header["HISTORY"] = "\n".join(filter(None, (before, *lines)))
    return header


def _moved(header: dict[str, Any], plane: PlaneWCS, time: Time, is_frame: bool) -> dict[str, Any]:
    """A header with the observer and the time of other coordinates than it was observed in."""
    timesys = str(header.get("TIMESYS") or "UTC")
    dropped = ("T_OBS", *(() if is_frame else (*_OF_THE_FRAME, *_TIMES_OF_DAY)))
    kept = {keyword: value for keyword, value in header.items() if keyword not in dropped}
    dates = {MIDPOINT: _stamp(time, timesys), "DATE-AVG": _stamp(plane.date, timesys)}
    if not is_frame:
        dates["DATE-OBS"] = dates[MIDPOINT]
    return _without(kept, _OF_THE_OBSERVER) | _observer_cards(plane) | dates


def _dated(header: dict[str, Any], observed: Time) -> dict[str, Any]:
    """The header, such that the Map's date is the time of the observation, whichever keywords the class reads."""
    stamp = _stamp(observed, str(header.get("TIMESYS") or "UTC"))
    for keyword in ("DATE-OBS", "DATE-BEG"):
        if abs((empty_map(header).date - observed).to_value(u.s)) > _SAME_TIME:
            header = {name: value for name, value in header.items() if name not in _TIMES_OF_DAY} | {
                keyword: stamp
            }
    return header


def _has_standard_dates(header: Header) -> bool:
    return all(_DATE.fullmatch(str(value)) for keyword, value in header.items() if _is_date(keyword, value))


def _is_date(keyword: str, value: Any) -> bool:
    return keyword.startswith(("DATE-", "DATE_")) and bool(str(value or "").strip())


def _with_standard_dates(header: dict[str, Any], observed: Time) -> dict[str, Any]:
    """Without dates in forms that FITS does not have, but for that of the observation."""
    odd = [
        keyword
        for keyword, value in header.items()
        if _is_date(keyword, value) and not _DATE.fullmatch(str(value))
    ]
    standard = {keyword: value for keyword, value in header.items() if keyword not in (*odd, *_TIMES_OF_DAY)}
    return standard | {"DATE-OBS": _stamp(observed, str(header.get("TIMESYS") or "UTC"))}


def _readable_by_all(header: dict[str, Any], plane: PlaneWCS, observed: Time) -> dict[str, Any]:
    """
    The header, such that sunpy's Map has the coordinates of the plane.

    Map classes with keywords of their own for scale or time (GONG's) would find others; then what names the instrument
    is left out, and sunpy makes a `~sunpy.map.GenericMap`.
    """
    names = iter(_NAMES)
    while not _has_coordinates(header, plane) and (name := next(names, None)):
        header = _dated({keyword: value for keyword, value in header.items() if keyword != name}, observed)
    return header


def _has_coordinates(header: Header, plane: PlaneWCS) -> bool:
    try:
        return is_on_grid(PlaneWCS.from_wcs(empty_map(header).wcs), plane)
    except Exception:  # noqa: BLE001  a class that lacks keywords raises anything
        return False


def is_on_grid(plane: PlaneWCS, other: PlaneWCS) -> bool:
    """Whether two planes have the same coordinates, but for rounding, and the same time."""
    numbers = [np.concatenate([*one.pc, one.crval, one.cdelt, one.crpix]) for one in (plane, other)]
    kinds = [(one.shape, one.ctype, one.cunit) for one in (plane, other)]
    return kinds[0] == kinds[1] and _are_close(*numbers) and _are_seen_alike(plane, other)


def _are_seen_alike(plane: PlaneWCS, other: PlaneWCS) -> bool:
    """Whether time and observer are the same, but for rounding."""
    names, numbers = zip(
        *(zip(*sorted(one.aux), strict=True) if one.aux else ((), ()) for one in (plane, other)), strict=True
    )
    is_same_time = abs((plane.date - other.date).to_value(u.s)) < _SAME_TIME
    return names[0] == names[1] and is_same_time and _are_close(*map(np.array, numbers))


def _are_close(numbers: np.ndarray, others: np.ndarray) -> bool:
    return np.allclose(numbers, others, rtol=1e-9, atol=1e-9)


def unit_card(unit: u.UnitBase) -> str:
    """A unit as FITS has it; else, as of DN, as sunpy reads it. None at all is 1: an empty one would be missing."""
    try:
        return unit.to_string("fits") or "1"
    except ValueError:
        return unit.to_string()


def _without(header: Header, keywords: re.Pattern[str]) -> dict[str, Any]:
    return {keyword: value for keyword, value in header.items() if not keywords.fullmatch(keyword)}


def _grid_cards(plane: PlaneWCS) -> dict[str, Any]:
    """The grid, in arcseconds where it is helioprojective, as instruments have it."""
    unit = "arcsec" if plane.ctype[0].startswith("HPL") and plane.cunit == ("deg", "deg") else None
    factor = 3600.0 if unit else 1.0
    cards: dict[str, Any] = {"WCSAXES": 2}
    for i in range(2):
        cards |= {
            f"CTYPE{i + 1}": plane.ctype[i],
            f"CUNIT{i + 1}": unit or plane.cunit[i],
            f"CRVAL{i + 1}": plane.crval[i] * factor,
            f"CDELT{i + 1}": plane.cdelt[i] * factor,
            f"CRPIX{i + 1}": plane.crpix[i],
        }
    cards |= {f"PC{i + 1}_{j + 1}": plane.pc[i][j] for i in range(2) for j in range(2)}
    return cards | {f"PV{axis}_{number}": value for axis, number, value in plane.pv}


def _observer_cards(plane: PlaneWCS) -> dict[str, Any]:
    cards = {name.upper(): value for name, value in plane.aux}
    if {"RSUN_REF", "DSUN_OBS"} <= cards.keys() and cards["DSUN_OBS"] > cards["RSUN_REF"]:
        cards["RSUN_OBS"] = float(np.degrees(np.arcsin(cards["RSUN_REF"] / cards["DSUN_OBS"])) * 3600)
    return cards


def _stamp(time: Time, timesys: str) -> str:
    scale, offset = time_scale(timesys)
    stamp = getattr(time, scale) - offset * u.s
    stamp.precision = 6
    return stamp.isot


def _card_texts(line: str) -> list[str]:
    """A line in the characters that FITS has, in parts that fit a card."""
    text = inert(line, 1000).encode("ascii", "backslashreplace").decode()
    return [text[i : i + _CARD_TEXT] for i in range(0, len(text), _CARD_TEXT)]
