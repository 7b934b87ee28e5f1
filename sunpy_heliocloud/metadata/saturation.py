"""Saturation levels of instruments, in counts."""

from typing import Any

import numpy as np

import astropy.units as u

from sunpy_heliocloud.metadata.channels import Channel

__all__ = ["saturation_level"]

# Known levels and their sources, by observatory and detector.
_KNOWN: dict[tuple[str, str], tuple[float, str]] = {
    ("SDO", "AIA"): (
        15000,
        "8 % below the 16383 DN of its camera of 14 bits (Lemen et al. 2012, https://doi.org/10.1007/s11207-011-9776-8); "
        "the margin, for the dark and the flat field of level 1, is an estimate of sunpy_heliocloud",
    ),
}


def saturation_level(channel: Channel, asked: Any) -> tuple[float, str]:
    """
    The level in the unit of a channel, and a text with its source.

    Parameters
    ----------
    channel
        Its pixels must be counts, or of an unknown unit.
    asked
        A number, a Quantity, or ``"auto"``.

    Raises
    ------
    ValueError
        When the level is not known, no positive number, or the pixels are no counts.
    """
    if channel.unit is not None and not channel.is_counts:
        raise ValueError(
            f"saturation is a level of counts, but the pixels are in {channel.unit}; mask them with apply instead"
        )
    unit = u.dimensionless_unscaled if channel.unit is None else channel.unit
    if isinstance(asked, (bool, np.bool_)):
        raise ValueError(f"saturation={asked!r} is no level of {unit or 'counts'}; give a number, or 'auto'")
    if isinstance(asked, str) and asked == "auto":
        if (channel.observatory, channel.detector) not in _KNOWN:
            known = ", ".join(" ".join(instrument) for instrument in _KNOWN)
            raise ValueError(
                f"the saturation level of {channel.name} is not known, but only that of {known}; give it in counts"
            )
        level, source = _KNOWN[channel.observatory, channel.detector]
    else:
        source = "given"
        try:
            level = asked.to_value(unit) if isinstance(asked, u.Quantity) else float(asked)
        except (TypeError, ValueError, u.UnitConversionError) as error:
            raise ValueError(f"saturation={asked!r} is no level of {unit or 'counts'}, nor 'auto'") from error
    if not (np.isscalar(level) and np.isfinite(level) and level > 0):
        raise ValueError(f"saturation={asked!r} must be a positive number of counts")
    return float(level), f"NaN from {level:g} {unit} on ({source})".replace("  ", " ")
