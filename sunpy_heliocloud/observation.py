"""What headers say of an observation: when, how long, in which channel and unit, from where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

import sunpy.map
from sunpy.time import parse_time

from sunpy_heliocloud.header_columns import column
from sunpy_heliocloud.observers import with_observers
from sunpy_heliocloud.plane_wcs import PlaneWCS

__all__ = ["Channel", "channels", "exposure_times", "midpoints", "plane_wcs"]

_MIDPOINT_KEYS = ("T_OBS", "DATE-AVG", "DATE_AVG")
_START_KEYS = ("DATE-OBS", "DATE_OBS", "DATE-BEG", "DATE_BEG")
_EXPOSURE_KEYS = ("XPOSURE", "EXPTIME")
_COUNTS = (u.DN, u.adu, u.ct, u.ph, u.electron)
_CHANNEL_KEYS = (
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
    for i, key in enumerate(_keys(headers, _CHANNEL_KEYS)):
        if key not in known:
            known[key] = _channel(headers[i])
        found.append(known[key])
    return found


def _keys(headers: Sequence[Header], keywords: Sequence[str]) -> list[tuple]:
    """The values of some keywords, a tuple a header."""
    return list(zip(*(column(headers, keyword) for keyword in keywords), strict=True))


def _channel(header: Header) -> Channel:
    described = _empty_map(header)
    unit = described.unit
    if unit is None and isinstance(described, sunpy.map.sources.AIAMap):
        unit = u.DN
    return Channel(described.observatory, described.instrument, described.wavelength, unit)


def _empty_map(header: Header) -> sunpy.map.GenericMap:
    """A Map of a header, on an array that takes no memory."""
    shape = (header["NAXIS2"], header["NAXIS1"])
    return sunpy.map.Map(np.broadcast_to(np.float32(0), shape), dict(header))


def exposure_times(headers: Sequence[Header]) -> np.ndarray:
    """Exposure times in seconds; NaN where a header has none."""
    values = [_first(values) for values in _keys(headers, _EXPOSURE_KEYS)]
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
    KeyError
        When a header has none of the keywords.
    """
    middles = [next(filter(None, values), None) for values in _keys(headers, _MIDPOINT_KEYS)]
    starts = [next(filter(None, values), None) for values in _keys(headers, _START_KEYS)]
    if any(middle is None and start is None for middle, start in zip(middles, starts, strict=True)):
        raise KeyError(
            f"no observation time: none of {', '.join((*_MIDPOINT_KEYS, *_START_KEYS))} is in the header"
        )
    systems = [system or "UTC" for system in column(headers, "TIMESYS")]
    stamps = [middle or start for middle, start in zip(middles, starts, strict=True)]
    times = _parsed(stamps, systems)
    from_start = np.array([middle is None for middle in middles], dtype=bool)
    if not from_start.any():
        return times
    return times + np.where(from_start, np.nan_to_num(exposure_times(headers)) / 2, 0) * u.s


def _parsed(stamps: Sequence[str], systems: Sequence[str]) -> Time:
    """Times in UTC; the many that are plain ISO and UTC all at once."""
    try:
        if all(system == "UTC" for system in systems):
            return Time([stamp.removesuffix("Z") for stamp in stamps], format="isot", scale="utc")
    except ValueError:
        pass
    parsed = [
        parse_time(stamp, scale=system.lower()).utc.isot
        for stamp, system in zip(stamps, systems, strict=True)
    ]
    return Time(parsed, format="isot", scale="utc")


def plane_wcs(headers: Sequence[Header]) -> list[PlaneWCS]:
    """
    The WCS that sunpy's Map gives for each header.

    Maps take milliseconds each. Of AIA frames with the same pointing, scale and roll only the first is asked for;
    time and observer of the others are computed for all of them together.
    """
    groups: dict[tuple, list[int]] = {}
    for i, key in enumerate(zip(_keys(headers, _GRID_KEYS), _is_aia(headers), strict=True)):
        groups.setdefault(key if key[1] else (*key, i), []).append(i)
    planes: list[PlaneWCS | None] = [None] * len(headers)
    for members in groups.values():
        template = PlaneWCS.from_wcs(_empty_map(headers[members[0]]).wcs)
        planes[members[0]] = template
        rest = members[1:]
        if rest:
            some = [headers[i] for i in rest] if isinstance(headers, list) else headers[np.array(rest)]
            for i, plane in zip(rest, _aia_planes(template, some), strict=True):
                planes[i] = plane
    return planes


def _is_aia(headers: Sequence[Header]) -> list[bool]:
    """Whether sunpy takes observer and time of a header from where `_aia_planes` does."""
    needed = _keys(headers, ("T_OBS", "DATE-OBS", "HAEX_OBS", "HAEY_OBS", "HAEZ_OBS"))
    unusual = _keys(headers, ("DATE-BEG", "DATE-END", "DATE_OBS"))
    instruments = column(headers, "INSTRUME")
    return [
        str(instrument or "").startswith("AIA") and None not in some and not any(others)
        for instrument, some, others in zip(instruments, needed, unusual, strict=True)
    ]


def _aia_planes(template: PlaneWCS, headers: Sequence[Header]) -> list[PlaneWCS]:
    systems = [system or "UTC" for system in column(headers, "TIMESYS")]
    places = np.array([column(headers, f"HAE{axis}_OBS") for axis in "XYZ"], dtype=float)
    dates = {"dateobs": "DATE-OBS", "dateavg": "T_OBS"}
    return with_observers(
        template,
        places,
        {name: _parsed(column(headers, key), systems) for name, key in dates.items()},
    )
