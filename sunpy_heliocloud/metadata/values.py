"""Values of a header: numbers, texts and booleans, including those of numpy and with units."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import astropy.units as u
from astropy.io import fits

from sunpy_heliocloud.metadata.header import AnyCaseHeader
from sunpy_heliocloud.text import inert

__all__ = ["header_of_values"]

# The units of these keywords; if another keyword gives the unit, that keyword and the default unit.
_UNITS = {
    **dict.fromkeys(("EXPTIME", "XPOSURE"), ("TIMEUNIT", u.s)),
    **dict.fromkeys(("CDELT1", "CRVAL1"), ("CUNIT1", u.arcsec)),
    **dict.fromkeys(("CDELT2", "CRVAL2"), ("CUNIT2", u.arcsec)),
    **dict.fromkeys(("CRPIX1", "CRPIX2"), (None, u.pix)),
    "WAVELNTH": ("WAVEUNIT", u.AA),
    **dict.fromkeys(("DSUN_OBS", "RSUN_REF", "HAEX_OBS", "HAEY_OBS", "HAEZ_OBS"), (None, u.m)),
    **dict.fromkeys(("HGLN_OBS", "HGLT_OBS", "CRLN_OBS", "CRLT_OBS", "CROTA1", "CROTA2"), (None, u.deg)),
    "RSUN_OBS": (None, u.arcsec),
}


def header_of_values(header: Mapping[str, Any], where: str) -> dict[str, Any]:
    """
    A header with keywords in upper case and plain values.

    Parameters
    ----------
    header
        Scalars and 0-d arrays of numpy are converted to plain values, and Quantities to numbers in the unit
        of the keyword. Cards without a keyword are left out; COMMENT and HISTORY are joined line by line.
    where
        The file or Map, for messages.

    Returns
    -------
    dict

    Raises
    ------
    TypeError
        When a value is not valid in a header.
    ~astropy.units.UnitConversionError
        When the unit of a Quantity does not match that of its keyword.
    """
    plain = AnyCaseHeader(header)
    if isinstance(header, fits.Header):  # which has a card a line
        plain |= {
            keyword: "\n".join(header[keyword]) for keyword in ("COMMENT", "HISTORY") if keyword in header
        }
    return {keyword: _value(keyword, value, plain, where) for keyword, value in plain.items() if keyword}


def _value(keyword: str, value: Any, header: AnyCaseHeader, where: str) -> Any:
    if type(value) in (str, int, float, bool, type(None)) or keyword == "KEYCOMMENTS":
        return value
    if isinstance(value, u.Quantity) and value.isscalar:
        return _in_unit(keyword, value, header, where)
    if np.ma.is_masked(value) or isinstance(value, fits.card.Undefined):
        return None
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        value = _item(value)
    if isinstance(value, bool):
        return bool(value)
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if keyword in ("COMMENT", "HISTORY") and isinstance(value, Iterable):
        return "\n".join(map(str, value))
    if isinstance(value, u.UnitBase):
        return str(value)
    raise TypeError(
        f"{keyword}={inert(repr(value), 60)} of {where} cannot be a value of a header, being a {type(value).__name__}; "
        "it must be a number, a text, a truth value or a scalar Quantity"
    )


def _item(value: np.generic | np.ndarray) -> Any:
    """The plain value of a scalar of numpy; of a long double `item` would be one again."""
    return float(value) if value.dtype.kind == "f" else value.item()


def _in_unit(keyword: str, value: u.Quantity, header: AnyCaseHeader, where: str) -> Any:
    of_unit, unit = _UNITS.get(keyword, (None, None))
    if unit is None:
        return value.value.item()
    said = header.get(of_unit) if of_unit else None
    unit = u.Unit(str(said).strip()) if said is not None and str(said).strip() else unit
    if keyword.startswith("CDELT") and u.pix in value.unit.bases:  # as sunpy's Map has its scale
        value = value * u.pix
    try:
        return value.to_value(unit).item()
    except u.UnitConversionError as error:
        raise u.UnitConversionError(f"{keyword}={value} of {where} must be in {unit}: {error}") from error
