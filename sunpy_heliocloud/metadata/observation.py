"""What headers say of an observation: when, how long, in which channel and unit, from where."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from erfa import ErfaWarning

import astropy.units as u
from astropy.time import Time

import sunpy.map
from sunpy.time import parse_time

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.metadata.columns import column, keyword_rows
from sunpy_heliocloud.metadata.wcs import with_observers

__all__ = [
    *("AIA_TIMES", "CHANNEL_KEYS", "EXPOSURE_KEYS", "YEARS", "Channel", "channel", "channels", "empty_map"),
    *(
        "exposure_times",
        "is_aia",
        "midpoint",
        "midpoints",
        "plain_times",
        "plane_wcs",
        "time_in",
        "time_scale",
    ),
]

_MIDPOINT_KEYS = ("T_OBS", "DATE-AVG", "DATE_AVG")
_START_KEYS = ("DATE-OBS", "DATE_OBS", "DATE-BEG", "DATE_BEG")
AIA_TIMES = {"dateobs": "DATE-OBS", "dateavg": "T_OBS"}
EXPOSURE_KEYS = ("XPOSURE", "EXPTIME")
_COUNTS = (u.DN, u.adu, u.ct, u.ph, u.electron)
CHANNEL_KEYS = (
    "TELESCOP",
    "OBSRVTRY",
    "INSTRUME",
    "DETECTOR",
    "WAVELNTH",
    "WAVEUNIT",
    "BUNIT",
    "PIXLUNIT",
    "CONTENT",
)
YEARS = (1600, 2200)  # telescopes have been there since 1608
# Of these keywords sunpy makes a map's WCS. Where they agree, two frames differ in time and observer only.
_GRID_KEYS = (
    *(
        "NAXIS1",
        "NAXIS2",
        "CTYPE1",
        "CTYPE2",
        "CUNIT1",
        "CUNIT2",
        "CDELT1",
        "CDELT2",
        "CRPIX1",
        "CRPIX2",
        "CRVAL1",
    ),
    *("CRVAL2", "CROTA1", "CROTA2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"),
    *("RSUN_REF", "LONPOLE", "LATPOLE", "PV1_1", "PV2_1", "IMSCL_MP"),
)

type Header = Mapping[str, Any]


@dataclass(frozen=True)
class Channel:
    """
    What frames of one channel have in common.

    Parameters
    ----------
    observatory, instrument
        Names as sunpy gives them.
    wavelength
        `None` where the header has none.
    unit
        Of the pixels; DN for AIA images that do not say. `None` if unknown.
    """

    observatory: str
    instrument: str
    wavelength: u.Quantity | None
    unit: u.UnitBase | None

    @property
    def is_counts(self) -> bool:
        """Whether pixels are counts, that grow with the exposure."""
        return self.unit is not None and any(self.unit == counts for counts in _COUNTS)

    def __str__(self) -> str:
        wavelength = "" if self.wavelength is None else f" {self.wavelength:g}"
        return f"{self.observatory} {self.instrument}{wavelength}"


def channels(headers: Sequence[Header]) -> list[Channel]:
    """The channel of each header; sunpy is asked once for each that occurs."""
    known: dict[tuple, Channel] = {}
    found = []
    for i, key in enumerate(keyword_rows(headers, CHANNEL_KEYS)):
        if key not in known:
            known[key] = channel(headers[i])
        found.append(known[key])
    return found


def channel(header: Header) -> Channel:
    described = empty_map(header)
    unit = described.unit
    if unit is None and isinstance(described, sunpy.map.sources.AIAMap):
        unit = u.DN
    return Channel(described.observatory, described.instrument, described.wavelength, unit)


def empty_map(header: Header) -> sunpy.map.GenericMap:
    """A Map of a header, on an array that takes no memory."""
    shape = (header["NAXIS2"], header["NAXIS1"])
    return sunpy.map.Map(np.broadcast_to(np.float32(0), shape), dict(header))


def exposure_times(headers: Sequence[Header]) -> np.ndarray:
    """Exposure times in seconds; NaN where a header has none."""
    values = [_first(values) for values in keyword_rows(headers, EXPOSURE_KEYS)]
    return np.array([value if isinstance(value, (int, float)) else np.nan for value in values], dtype=float)


def _first(values: Sequence[Any]) -> Any:
    """The first value that there is."""
    return next((value for value in values if value is not None), None)


def midpoints(headers: Sequence[Header]) -> Time:
    """
    The midpoint of each exposure, UTC: T_OBS, else DATE-AVG, else the start and half the exposure time.

    Parameters
    ----------
    headers
        Of the frames.

    Raises
    ------
    ValueError
        When a header has none of the keywords with a time that can be read.
    """
    middles = [_first(values) for values in keyword_rows(headers, _MIDPOINT_KEYS)]
    starts = [_first(values) for values in keyword_rows(headers, _START_KEYS)]
    stamps = [start if middle is None else middle for middle, start in zip(middles, starts, strict=True)]
    try:
        times = plain_times(stamps, headers)
    except (AttributeError, TypeError, ValueError):
        return Time([midpoint(header).isot for header in headers], format="isot", scale="utc")
    from_start = np.array([middle is None for middle in middles], dtype=bool)
    if not from_start.any():
        return times
    return times + np.where(from_start, np.nan_to_num(exposure_times(headers)) / 2, 0) * u.s


def plain_times(stamps: Sequence[Any], headers: Sequence[Header]) -> Time:
    """Times that are plain ISO and UTC, as nearly all are, at once; an error if one is not."""
    if any(system not in (None, "UTC") for system in column(headers, "TIMESYS")):
        raise ValueError("times of other scales have to be looked at one by one")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ErfaWarning)  # of years without known leap seconds
        times = Time([stamp.removesuffix("Z") for stamp in stamps], format="isot", scale="utc")
    if not _is_plausible(times).all():
        raise ValueError(f"times outside the years {YEARS[0]} to {YEARS[1]} have to be looked at one by one")
    return times


def _is_plausible(times: Time) -> np.ndarray:
    """Whether times may be those of observations; ephemerides and leap seconds end somewhere, too."""
    return (times.jyear > YEARS[0]) & (times.jyear < YEARS[1])


def midpoint(header: Header) -> Time:
    """The same of one header, whatever is in it."""
    for keyword in _MIDPOINT_KEYS:
        if (time := time_in(header, keyword)) is not None:
            return time
    for keyword in _START_KEYS:
        if (time := time_in(header, keyword)) is not None:
            return time + np.nan_to_num(exposure_times([header])[0]) / 2 * u.s
    keywords = ", ".join((*_MIDPOINT_KEYS, *_START_KEYS))
    raise ValueError(
        f"no observation time: none of {keywords} is a time between the years {YEARS[0]} and {YEARS[1]} in the header"
    )


def time_in(header: Header, keyword: str) -> Time | None:
    """A time in UTC; `None` if there is none that sunpy can read."""
    stamp = header.get(keyword)
    if not isinstance(stamp, str):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ErfaWarning)  # of years without known leap seconds
            time = parse_time(stamp, scale=time_scale(header.get("TIMESYS")))
            return time.utc if _is_plausible(time) else None
    except Exception:  # noqa: BLE001  sunpy and astropy raise anything on odd texts
        return None


def time_scale(value: Any) -> str:
    """TIMESYS as astropy names it; Hinode says 'UTC (TBR)'."""
    return (str("UTC" if value is None else value).split() or ["utc"])[0].lower()


def plane_wcs(headers: Sequence[Header]) -> list[PlaneWCS]:
    """
    The WCS that sunpy's Map gives for each header.

    Maps take milliseconds each. Of AIA frames with the same pointing, scale and roll only the first is asked for;
    time and observer of the others are computed for all of them together.
    """
    groups: dict[tuple, list[int]] = {}
    for i, key in enumerate(zip(keyword_rows(headers, _GRID_KEYS), is_aia(headers), strict=True)):
        groups.setdefault(key if key[1] else (*key, i), []).append(i)
    planes: list[PlaneWCS | None] = [None] * len(headers)
    for members in groups.values():
        template = PlaneWCS.from_wcs(empty_map(headers[members[0]]).wcs)
        planes[members[0]] = template
        rest = members[1:]
        if rest:
            some = [headers[i] for i in rest] if isinstance(headers, list) else headers[np.array(rest)]
            for i, plane in zip(rest, _aia_planes(template, some), strict=True):
                planes[i] = plane
    return planes


def is_aia(headers: Sequence[Header]) -> list[bool]:
    """Whether sunpy takes observer and time of a header from where `_aia_planes` does."""
    needed = keyword_rows(headers, (*AIA_TIMES.values(), "HAEX_OBS", "HAEY_OBS", "HAEZ_OBS"))
    unusual = keyword_rows(headers, ("DATE-BEG", "DATE-END", "DATE_OBS"))
    instruments = column(headers, "INSTRUME")
    return [
        str(instrument or "").startswith("AIA")
        and all(value not in (None, "") for value in some)
        and not any(others)
        for instrument, some, others in zip(instruments, needed, unusual, strict=True)
    ]


def _aia_planes(template: PlaneWCS, headers: Sequence[Header]) -> list[PlaneWCS]:
    places = np.array([column(headers, f"HAE{axis}_OBS") for axis in "XYZ"], dtype=float)
    dates = {name: _dates(headers, keyword) for name, keyword in AIA_TIMES.items()}
    return with_observers(template, places, dates)


def _dates(headers: Sequence[Header], keyword: str) -> Time:
    try:
        return plain_times(column(headers, keyword), headers)
    except (AttributeError, TypeError, ValueError):
        return Time([time_in(header, keyword).isot for header in headers], format="isot", scale="utc")
