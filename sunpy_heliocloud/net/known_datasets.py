"""The data sets for tab completion: a copy of the catalogue's ids."""

import json
from importlib.resources import files
from pathlib import Path

from sunpy_heliocloud.io.cache import cache

__all__ = ["FAMILIES", "known_datasets", "refreshed_path"]

FAMILIES = {
    "AIA": "Atmospheric Imaging Assembly, all channels: narrow it by a.Wavelength",
    "HMI": "Helioseismic and Magnetic Imager, all observables: narrow it by a.Physobs",
    "EUVI": "Extreme UltraViolet Imagers of STEREO: narrow it by a.Source and a.Wavelength",
    "EIT": "Extreme ultraviolet Imaging Telescope of SOHO: narrow it by a.Wavelength",
}


def known_datasets() -> dict[str, str]:
    """
    Names and descriptions of data sets, from the last `sunpy_heliocloud.net.refresh_datasets` or from the
    package.

    Returns
    -------
    dict
        Titles by name.
    """
    shipped = json.loads((files("sunpy_heliocloud.net") / "known_datasets.json").read_text("utf-8"))
    return {**FAMILIES, **(_refreshed() or shipped)}


def refreshed_path() -> Path:
    """Path of the user's copy."""
    return cache.folder / "known_datasets.json"


def _refreshed() -> dict[str, str] | None:
    try:
        titles = json.loads(refreshed_path().read_text())
    except (OSError, ValueError):
        return None
    is_ours = isinstance(titles, dict) and all(isinstance(title, str) for title in titles.values())
    return titles if is_ours else None
