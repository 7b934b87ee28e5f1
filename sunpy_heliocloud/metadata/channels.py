"""Which channel a header is of: what sunpy's Map tells apart, and the filters and products that it does not."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import astropy.units as u

import sunpy.map

from sunpy_heliocloud.metadata.maps import Watched, empty_map, map_class, once_for_each_kind, satellite_of
from sunpy_heliocloud.metadata.units import is_counts, unit_of, unit_text
from sunpy_heliocloud.text import inert

__all__ = ["Channel", "channel_of", "channels", "difference", "names_of"]

# Sunpy's `measurement` of a coronagraph is "white-light" whatever the polariser, of SOT nothing whatever the line, of
# SXT one of its two filters, of HMI "line" for both depth and width. `processing_level` of SDO is about the grid; of
# others it changes the quantity. Numbers of filter wheels are left out where their names are there (EC_FW1).
_FILTERS = (
    *("FILTER", "FILTER1", "FILTER2", "FILTERA", "FILTERB", "FTR_NAME", "EC_FW1_", "EC_FW2_", "EC_VL_"),
    *("WAVE", "WAVE_STR", "WAVE_LEN", "WAVEBAND", "WAVEOFF", "TDESC1", "FP_WL_CM"),
    *("POLAR", "POL_ID", "POLSTATE", "STOKES"),
)
_PRODUCTS = (
    *("CONTENT", "BTYPE", "IMTYPE", "DTYPE", "TYPECODE", "OBSCODE", "LEVEL", "PRODUCT", "DATATYPE"),
    *("ALGORITH", "IMG_TYPE", "IMGTYPE", "EC_IMTY_", "GAINCOMB"),
)
# Programs and objects, which vary; but an image of a lamp, or with the shutter closed, is none of the Sun.
_PROGRAMS = ("SEB_PROG", "LP_NUM", "OBJECT")
_CALIBRATION = re.compile(r"(dark|bias|flat|led|(cal\w*[ ._]*)?lamp)[ _-]?(field|frame|image)?", re.I)
_SATELLITES = ("TELESCOP", "OBSRVTRY", "SPACECRA", "SAT_ID", "INST_ID")
_IN_NAMES = ("FILTER", "FILTER1", "FILTER2", "FTR_NAME", "POLAR", "WAVE")


@dataclass(frozen=True)
class Channel:
    """
    What frames of one channel have in common.

    Parameters
    ----------
    observatory, instrument, detector, measurement
        As sunpy's Map has them, as texts; empty where it has none.
    wavelength
        `None` where the header has none, or a band of energies, or a text.
    unit
        Of the pixels; DN for AIA images that do not say. `None` if there is none, or none that can be read.
    unit_text
        What the header says of the unit.
    others
        Keywords of filters, polarisers, products and processing, and their values.
    """

    observatory: str
    instrument: str
    detector: str
    measurement: str
    wavelength: u.Quantity | None
    unit: u.UnitBase | None
    unit_text: str
    others: tuple[tuple[str, str], ...] = ()

    @property
    def is_counts(self) -> bool:
        """Whether pixels are counts, that grow with the exposure."""
        return is_counts(self.unit)

    @property
    def bunit(self) -> str:
        """The text of a unit that cannot be read; else empty."""
        return self.unit_text if self.unit is None else ""

    @property
    def parts(self) -> dict[str, str]:
        """What tells it from other channels."""
        unit = self.unit_text if self.unit is None else str(self.unit)
        named = ("observatory", "instrument", "detector", "measurement")
        return {name: getattr(self, name) for name in named} | dict(self.others) | {"unit": unit}

    @cached_property  # frames of one kind share a channel
    def identity(self) -> tuple[tuple[str, str], ...]:
        """Equal for frames of one channel, in whatever unit they have the wavelength."""
        parts = self.parts
        wavelength = self.wavelength
        if wavelength is not None and wavelength.unit.is_equivalent(u.AA):
            if self.measurement == _quantity_text(wavelength):
                parts["measurement"] = f"{wavelength.to_value(u.AA):.10g} Angstrom"
        return tuple(sorted((name, value) for name, value in parts.items() if value))

    @property
    def name(self) -> str:
        """In words, such as ``"SOHO LASCO C2 white-light Orange Clear"``."""
        filters = [_filter_word(*item) for item in self.others if item[0] in _IN_NAMES]
        words = [self.observatory, self.instrument, self.detector, self.measurement]
        words = [word for i, word in enumerate(words) if not _is_said(word, words[:i], words[i + 1 :])]
        return " ".join(filter(None, (*words, *filters))) or "unknown instrument"

    def __str__(self) -> str:
        return inert(self.name)


def _is_said(word: str, before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether other words have this one in them: GOES-R is in "GOES-R Series Solar Ultraviolet Imager"."""
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.I)
    return word in before or any(whole.search(other) and word != other for other in (*before, *after))


def _filter_word(keyword: str, value: str) -> str:
    if keyword != "POLAR":
        return value
    return "" if value.startswith("-") else value if value[:1].isalpha() else f"POLAR {value}"


def names_of(found: Sequence[Channel]) -> list[str]:
    """A name for each of some channels; those of the same name also say what else differs."""
    names = []
    for channel in found:
        same = [other.parts for other in found if other.name == channel.name]
        differing = [
            f"{part} {channel.parts.get(part) or 'none'}"
            for part in dict.fromkeys(part for parts in same for part in parts)
            if len({parts.get(part, "") for parts in same}) > 1
        ]
        names.append(" ".join([channel.name, *([f"({', '.join(differing)})"] if len(same) > 1 else [])]))
    return names


def channels(headers: Sequence[Mapping[str, Any]]) -> list[Channel]:
    """The channel of each header; sunpy is asked once for each combination of what its Map reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing metadata; they are seen when a Map is made in earnest
        return once_for_each_kind(headers, channel_of)


def channel_of(header: Watched) -> Channel:
    """The channel of one header."""
    cls = map_class(header)
    m = empty_map(header.upper())
    m.meta = own = Watched(header.upper())
    observatory = m.observatory
    m.meta = header
    others = [(keyword, _text(header.get(keyword))) for keyword in (*_FILTERS, *_PRODUCTS)]
    programs = [(keyword, _text(header.get(keyword))) for keyword in _PROGRAMS]
    others += [(keyword, value) for keyword, value in programs if _CALIBRATION.fullmatch(value)]
    if own.read:
        header.read |= own.read
    else:  # it is a constant of the class: GOES-R, whichever of its satellites
        others += [(keyword, _text(header.get(keyword))) for keyword in _SATELLITES]
        others.append(("satellite", satellite_of(header.get("FILENAME"))))
    if _text(header.get("INSTRUME")).startswith("SOT"):
        others.append(
            ("OBS_TYPE", _text(header.get("OBS_TYPE")))
        )  # of Solar Orbiter it is that of the campaign
    if not issubclass(cls, (sunpy.map.sources.AIAMap, sunpy.map.sources.HMIMap)):
        others.append(("processing level", _text(m.processing_level)))
    return Channel(
        _text(observatory),
        _text(m.instrument),
        _text(m.detector),
        _measurement(m),
        _wavelength(m),
        unit_of(m),
        unit_text(m),
        tuple((keyword, value) for keyword, value in others if value),
    )


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str("" if value is None else value).strip()


def _measurement(m: sunpy.map.GenericMap) -> str:
    try:
        measurement = m.measurement
    except (TypeError, ValueError):  # a wavelength that is a text
        measurement = m.meta.get("wavelnth")
    return _quantity_text(measurement) if isinstance(measurement, u.Quantity) else _text(measurement)


def _quantity_text(quantity: u.Quantity) -> str:
    values = "-".join(f"{value:.10g}" for value in np.atleast_1d(quantity.value))
    return f"{values} {quantity.unit}".strip()


def _wavelength(m: sunpy.map.GenericMap) -> u.Quantity | None:
    try:
        wavelength = m.wavelength
    except (TypeError, ValueError):
        return None
    is_one = isinstance(wavelength, u.Quantity) and wavelength.isscalar and wavelength.value > 0
    return wavelength if is_one else None


def difference(channels: Sequence[Channel]) -> str:
    """What differs between channels, such as ``"detector C2 or C3; FILTER Orange or Clear"``."""
    parts = [channel.parts for channel in channels]
    names = dict.fromkeys(name for part in parts for name in part)
    values = {name: list(dict.fromkeys(part.get(name) or "none" for part in parts)) for name in names}
    return "; ".join(f"{name} {' or '.join(found)}" for name, found in values.items() if len(found) > 1)
