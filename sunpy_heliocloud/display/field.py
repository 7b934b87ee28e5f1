"""Where on the Sun an image lies, in words and as a small picture."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from astropy.wcs import WCS
from astropy.wcs.wcsapi import SlicedLowLevelWCS

from sunpy_heliocloud.coordinates.indexers import axis_indexer, stretches
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS

__all__ = ["Field"]

_ARCSEC = 3600.0
# Half the width of the picture in solar radii, at least.
_HALF_WIDTH = 1.25
_POINTS_ON_SIDE = 9


@dataclass(frozen=True)
class Field:
    """
    The field of view of an image.

    Parameters
    ----------
    x, y
        Its outline in arcseconds from the centre of the Sun, west and north, or in degrees of longitude and latitude.
    radius
        Of the Sun in arcseconds; NaN if it is not known.
    is_seen
        Whether it is that of an observer, in arcseconds.
    scale
        Of the pixels, in the unit of the outline.
    """

    x: np.ndarray
    y: np.ndarray
    radius: float
    is_seen: bool
    scale: tuple[float, float]

    @classmethod
    def of_cube(cls, cube: Any) -> Self | None:
        """The field of view of a cube or a map, of its first plane; `None` where it has no such coordinates."""
        wcs = cube.wcs.low_level_wcs
        if isinstance(wcs, SlicedStackWCS):
            wcs = wcs.stack
        if isinstance(wcs, StackWCS):
            return cls.of_plane(wcs.planes[0])
        item: tuple = (slice(None), slice(None))
        if isinstance(wcs, SlicedLowLevelWCS):
            wcs, item = wcs._wcs, tuple(wcs._slices_array)[-2:]
        if not isinstance(wcs, WCS) or not wcs.has_celestial or wcs.array_shape is None:
            return None
        shape = tuple(wcs.array_shape[-2:])
        index = [axis_indexer(one, length) for one, length in zip(item, shape, strict=True)]
        return cls.of_plane(PlaneWCS.from_wcs(wcs.celestial, shape).sliced(*stretches(index)))

    @classmethod
    def of_plane(cls, plane: PlaneWCS) -> Self:
        """The field of view of a plane."""
        ny, nx = plane.shape
        along = np.linspace(0, 1, _POINTS_ON_SIDE)
        x = np.concatenate([along, np.ones_like(along), along[::-1], np.zeros_like(along)]) * nx - 0.5
        y = np.concatenate([np.zeros_like(along), along, np.ones_like(along), along[::-1]]) * ny - 0.5
        longitude, latitude = plane.to_wcs().wcs_pix2world(x, y, 0)
        is_seen = plane.ctype[0].startswith("HPLN")
        unit = _ARCSEC if is_seen else 1.0
        longitude = np.unwrap(longitude, period=360)
        longitude -= 360 * np.round(np.mean(longitude) / 360)
        radius = np.degrees(np.arcsin(np.clip(plane.solar_radius / plane.observer_distance, 0, 1))) * _ARCSEC
        scale = tuple(float(unit * abs(step)) for step in plane.cdelt)
        return cls(longitude * unit, latitude * unit, float(radius), is_seen, (scale[0], scale[1]))

    def __str__(self) -> str:
        if not np.isfinite([self.x, self.y]).all():
            return (
                "around the whole Sun"
                if self.is_seen
                else "the whole sphere, or parts that have no coordinates"
            )
        unit = "″" if self.is_seen else "°"
        (left, right), (low, high) = ((float(one.min()), float(one.max())) for one in (self.x, self.y))
        pixel = f"{self.scale[0]:.3g}{unit}"
        if not np.isclose(*self.scale, rtol=1e-3):
            pixel += f" × {self.scale[1]:.3g}{unit}"
        middle = f"({_number((left + right) / 2)}{unit}, {_number((low + high) / 2)}{unit})"
        return (
            f"{_number(right - left)}{unit} × {_number(high - low)}{unit} around {middle}, pixels of {pixel}"
        )

    @property
    def svg(self) -> str:
        """The solar disk and the field of view; empty where the disk is not known."""
        if not self.is_seen or not self.radius > 0 or not np.isfinite([self.x, self.y]).all():
            return ""
        x, y = self.x / self.radius, self.y / self.radius
        half = max(_HALF_WIDTH, 1.1 * float(np.abs([x, y]).max()))
        x, y = np.clip(x / half * 50 + 50, 0, 100), np.clip(50 - y / half * 50, 0, 100)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        # A small field is a cross, too.
        tiny = max(np.ptp(x), np.ptp(y)) < 3
        cross = (
            f'<circle cx="{x.mean():.1f}" cy="{y.mean():.1f}" r="4" fill="none" stroke="var(--shc-field, #d9730d)" '
            'stroke-width="1.2"/>'
            if tiny
            else ""
        )
        return (
            f'<svg viewBox="0 0 100 100" role="img" aria-label="Field of view on the Sun: {self}">'
            f'<circle cx="50" cy="50" r="{50 / half:.2f}" fill="currentColor" fill-opacity="0.08" stroke="currentColor" '
            'stroke-width="1"/>'
            f'<polygon points="{points}" fill="var(--shc-field, #d9730d)" fill-opacity="0.35" '
            f'stroke="var(--shc-field, #d9730d)" stroke-width="1.5"/>{cross}</svg>'
        )


def _number(value: float) -> str:
    """Without decimals that do not matter, and with a proper minus."""
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}" if abs(value) >= 0.01 else "0"
    return text.replace("-", "−")
