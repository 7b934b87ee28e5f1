"""The unit of pixels, whatever the spelling in the header; and whether it is one of counts."""

import re
import warnings

import astropy.units as u

import sunpy.map

__all__ = ["is_counts", "readable_unit", "unit_of", "unit_text"]

_COUNTS = (u.DN, u.adu, u.ct, u.ph, u.electron)
# Units that counts may be divided by and still grow with the exposure: pixels, angles and areas.
_NO_TIME = (u.pix, u.rad, u.m)
_WORDS = {
    **dict.fromkeys(("counts", "count", "cts", "ct", "cnts", "cnt"), "ct"),
    **dict.fromkeys(("electrons", "electron"), "electron"),
    **dict.fromkeys(("photons", "photon", "ph"), "ph"),
    **dict.fromkeys(("pixels", "pixel", "pix", "px", "ccdpix"), "pix"),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), "s"),
    **dict.fromkeys(("degrees", "degree", "degs"), "deg"),
    **dict.fromkeys(("dn", "dns"), "DN"),
    **{"adu": "adu", "gauss": "G", "tesla": "T", "kelvin": "K", "ergs": "erg", "per": "/"},
    **dict.fromkeys(("corrected", "raw"), ""),  # IRIS, as in sunpy's SJIMap
}
_KEYWORDS = {
    sunpy.map.sources.AIAMap: ("bunit", "pixlunit"),
    sunpy.map.sources.HXIMap: ("unit", "bunit"),
}
_ELECTRONS = re.compile(r"\be-(?![\w.])", re.I)
_DATA_NUMBERS = re.compile(r"\b(data|digital) ?numbers?\b( *[(\[]DN[)\]])?", re.I)
_SIEMENS = re.compile(r"\bS\b")  # of texts in capitals: of pixels it is a second
_NOT_APPLICABLE = re.compile(r"n/?a", re.I)  # which astropy reads as newton / ampere


def unit_text(m: sunpy.map.GenericMap) -> str:
    """The text of BUNIT; empty if there is none."""
    values = (m.meta.get(keyword) for keyword in _KEYWORDS.get(type(m), ("bunit",)))
    return next((str(value).strip() for value in values if value is not None and str(value).strip()), "")


def unit_of(m: sunpy.map.GenericMap) -> u.UnitBase | None:
    """
    The unit as sunpy's Map has it, else as astropy reads it once usual words are spelled as astropy has them.

    Parameters
    ----------
    m
        The Map of a header. AIA images without a unit are in DN.

    Returns
    -------
    `~astropy.units.Unit`
        `None` if there is none, or none that can be read.
    """
    text = unit_text(m)
    if not text and isinstance(m, sunpy.map.sources.AIAMap):
        return u.DN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unreadable unit is warned of when a cube is made
        unit = None if text and _is_misread(m, text) else _of_class(m)
        return _read(text) if unit is None and text else unit


def _is_misread(m: sunpy.map.GenericMap, text: str) -> bool:
    """Whether sunpy's Map reads something else: what XRTMap cannot read is DN for it."""
    is_fallback = isinstance(m, sunpy.map.sources.XRTMap) and m._parse_fits_unit(text) is None
    return is_fallback or bool(_SIEMENS.search(text) or _NOT_APPLICABLE.fullmatch(text))


def _of_class(m: sunpy.map.GenericMap) -> u.UnitBase | None:
    try:
        return m.unit
    except (AttributeError, TypeError, ValueError):
        return None


def readable_unit(text: str) -> str:
    """
    The text of a unit, or another of the same unit that astropy reads; empty if there is none.

    HMIMap raises an error for any other.
    """
    try:
        u.Unit(text)
    except (TypeError, ValueError):
        unit = _read(text)
        return "" if unit is None else unit.to_string()
    return text


def _read(text: str) -> u.UnitBase | None:
    if _NOT_APPLICABLE.fullmatch(text):
        return None
    spelled = _DATA_NUMBERS.sub("DN", _ELECTRONS.sub("electron", text.strip("[]{}").replace("%", "percent")))
    spelled = re.sub(r"[A-Za-z]+", lambda word: _WORDS.get(word[0].lower(), word[0]), spelled)
    spelled = spelled.strip(" _")
    lower = spelled.lower() if text.isupper() else ""
    for attempt in filter(re.compile("[A-Za-z]").search, (spelled, text, lower)):
        try:
            return u.Unit(attempt)
        except (TypeError, ValueError):
            continue
    return None


def is_counts(unit: u.UnitBase | None) -> bool:
    """Whether pixels are counts that grow with the exposure: DN, counts a pixel, photons a square arcsecond."""
    if unit is None:
        return False
    parts = unit.decompose()
    powers = dict(zip(parts.bases, parts.powers, strict=True))
    counted = [base for base in powers if base in _COUNTS]
    return (
        len(counted) == 1
        and powers[counted[0]] == 1
        and all(base in (*_COUNTS, *_NO_TIME) for base in powers)
    )
