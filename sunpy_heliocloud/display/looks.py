"""How a channel looks: its name, and the colour map and norm that sunpy's Map has for it."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.map import GenericMap, Map

from sunpy_heliocloud.display.images import clip
from sunpy_heliocloud.lazy.combined import channel_name
from sunpy_heliocloud.metadata.channels import channel_of
from sunpy_heliocloud.metadata.maps import Watched, empty_map
from sunpy_heliocloud.text import inert

__all__ = ["Look", "name_of_channel", "shown_span", "shown_time", "with_grey"]

_LONGEST_NAME = 80
# Of missing pixels.
_GREY = "0.6"
# Percentile of the absolute values of a difference that has the strongest colour.
_STRONGEST = 99.5


class Look:
    """
    Colour map and norm of images of a channel.

    Images are drawn as sunpy draws the Map of the instrument. Differences are blue and red, symmetric about zero, and what is in
    another unit than the instrument's, such as a ratio, has a linear scale.

    Parameters
    ----------
    cube
        A cube with ``meta`` and ``unit``.
    """

    def __init__(self, cube: Any) -> None:
        self._meta, self._unit = cube.meta, cube.unit
        self._map = _empty_map_of(cube.meta, cube.times)

    @property
    def is_difference(self) -> bool:
        """Whether values have both signs and zero is their middle."""
        return bool(self._meta.get("difference")) or " - " in str(self._meta.get("combined", ""))

    def settings(self, values: np.ndarray) -> dict[str, Any]:
        """
        The keywords ``cmap`` and ``norm`` of matplotlib.

        Parameters
        ----------
        values
            What is drawn; limits that the instrument's norm does not have are theirs.
        """
        from matplotlib.colors import Normalize

        finite = values[np.isfinite(values)]
        if self.is_difference:
            most = float(np.percentile(np.abs(finite), _STRONGEST)) if finite.size else 0.0
            return {"cmap": "RdBu_r", "norm": Normalize(-most or -1, most or 1)}
        if self._map is None or "combined" in self._meta or self._is_in_another_unit:
            cmap, norm = "viridis", Normalize()
        else:
            drawn = _map_on(values, self._map)
            cmap, norm = drawn.plot_settings["cmap"], copy.deepcopy(drawn.plot_settings["norm"])
        norm.clip = False  # which would draw missing pixels as small ones
        norm.autoscale_None(finite if finite.size else np.array([0.0, 1.0]))
        return {"cmap": cmap, "norm": norm}

    def options(
        self, values: np.ndarray, given: dict[str, Any], interval: tuple[float, float] | None
    ) -> dict[str, Any]:
        """
        Keywords of matplotlib: those that are given, and the rest of the channel.

        Parameters
        ----------
        values
            What is drawn.
        given
            ``vmin`` and ``vmax`` are taken out of it, unless it has a norm.
        interval
            Percentiles of the values that limit the colours; `None` leaves the limits.
        """
        look = self.settings(values)
        if "norm" not in given:
            if interval is not None:
                clip(look["norm"], values, interval)
            for name in {"vmin", "vmax"} & given.keys():
                setattr(look["norm"], name, given.pop(name))
        options = look | given
        return options | {"cmap": with_grey(options["cmap"])}

    @property
    def _is_in_another_unit(self) -> bool:
        ours, its = self._unit, None if self._map is None else self._map.unit
        return ours == u.dimensionless_unscaled and its not in (None, u.dimensionless_unscaled)


def with_grey(cmap: Any) -> Any:
    """A colour map with grey for missing values, unless it has a colour for them."""
    import matplotlib as mpl

    cmap = mpl.colormaps.get_cmap(cmap)
    return cmap if cmap.get_bad()[3] > 0 else cmap.with_extremes(bad=_GREY)


def name_of_channel(cube: Any) -> str:
    """Observatory, instrument and channel in words, such as ``"SDO AIA 171 Å"``."""
    if "combined" in cube.meta:
        return channel_name(cube.meta).replace(" Angstrom", " Å").replace(" - ", " − ")
    named = _empty_map_of(cube.meta, cube.times)
    if named is None or cube.meta.get("headers") is None:
        words = [cube.meta.get("observatory"), cube.meta.get("instrument"), cube.meta.get("wavelength")]
        name = " ".join(f"{word:g}" if isinstance(word, u.Quantity) else str(word) for word in words if word)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing metadata
            channel = channel_of(Watched(dict(named.meta)))
        name, detector = channel.name, channel.detector
        if detector and channel.instrument.startswith(
            f"{detector} "
        ):  # AIA's instrument is that of a telescope, AIA 3
            name = name.replace(channel.instrument, detector)
    return inert(name, _LONGEST_NAME).replace(" Angstrom", " Å")


def shown_span(start: Time, stop: Time) -> str:
    """Two times, the date once if it is the same."""
    first, last = shown_time(start), shown_time(stop)
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def shown_time(time: Time) -> str:
    """A time to the second, such as ``"2018-05-29 18:00:05"``."""
    rounded = Time(time.utc, format="iso")
    rounded.precision = 0
    return str(rounded)


def _map_on(values: np.ndarray, of: GenericMap) -> GenericMap:
    """The Map on a plane: some classes choose their norm by the pixels (GONG's)."""
    if values.ndim != 2 or not np.isfinite(values).any():
        return of
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing metadata
        return Map(values, of.meta)


def _empty_map_of(meta: Mapping[str, Any], times: Time) -> GenericMap | None:
    """The Map of the frame that is nearest in time, without pixels; `None` where the cube does not know its instrument."""
    headers = meta.get("headers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing metadata
        if headers is not None:
            return empty_map(headers.nearest(np.atleast_1d(times)[0])[0])
        return _bare_map(meta)


def _bare_map(meta: Mapping[str, Any]) -> GenericMap | None:
    """The Map of a channel of which only the names are known."""
    wavelength = meta.get("wavelength")
    if not meta.get("instrument") or wavelength is None:
        return None
    header = {
        "NAXIS1": 1, "NAXIS2": 1, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
        "CDELT1": 1, "CDELT2": 1, "CRVAL1": 0, "CRVAL2": 0, "CRPIX1": 1, "CRPIX2": 1, "DATE-OBS": "2020-01-01T00:00:00",
        "TELESCOP": str(meta.get("observatory")), "INSTRUME": str(meta["instrument"]),
        "WAVELNTH": wavelength.value, "WAVEUNIT": wavelength.unit.to_string(),
    }  # fmt: skip
    try:
        return empty_map(header)
    except Exception:  # noqa: BLE001  a class that lacks keywords raises anything
        return None
