"""The WCS of one plane, as a value that can be compared, hashed, tokenised and sent to workers."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sunpy_heliocloud.coordinates.indexers import Stretch
from sunpy_heliocloud.kernels.surface_map import Camera, camera

if TYPE_CHECKING:
    from astropy.time import Time
    from astropy.wcs import WCS

__all__ = ["PlaneWCS"]

_AUX = ("rsun_ref", "dsun_obs", "crln_obs", "hgln_obs", "hglt_obs")
# Names of axes in plots; sunpy's WCS has none, and plots would show "custom:pos.helioprojective.lon".
_NAMES = {"HPLN": "Helioprojective longitude", "HPLT": "Helioprojective latitude"}
_DATES = ("dateobs", "dateavg", "datebeg", "dateend")
# What rounding leaves of pixels, seconds and other numbers.
_PIXEL, _SECONDS, _DIGITS = 1e-3, 1e-3, 1e-9


@dataclass(frozen=True, slots=True)
class PlaneWCS:
    """
    A two-dimensional FITS WCS as a frozen value.

    `astropy.wcs.WCS` objects are mutable, not safe to share between threads, and slow to compare and pickle; this
    value contains all that is needed to make them. Pixels count from one in ``crpix``, as in FITS.

    Parameters
    ----------
    shape
        ``(ny, nx)``.
    ctype, cunit, crval, cdelt, crpix, pc, pv, pole
        The FITS keywords; ``pc`` as two rows, ``pv`` as ``(axis, number, value)`` triples, ``pole`` LONPOLE and
        LATPOLE.
    aux
        Observer and solar radius, ``(name, value)`` pairs in degrees and metres.
    dates
        DATE-OBS, DATE-AVG, DATE-BEG and DATE-END, ``(name, value)`` pairs, UTC.
    """

    shape: tuple[int, int]
    ctype: tuple[str, str]
    cunit: tuple[str, str]
    crval: tuple[float, float]
    cdelt: tuple[float, float]
    crpix: tuple[float, float]
    pc: tuple[tuple[float, float], tuple[float, float]]
    pv: tuple[tuple[int, int, float], ...]
    pole: tuple[float, float]
    aux: tuple[tuple[str, float], ...]
    dates: tuple[tuple[str, str], ...]

    def __dask_tokenize__(self) -> str:
        # For ten thousand planes dask's generic method takes seconds.
        return " ".join(repr(getattr(self, name)) for name in self.__dataclass_fields__)

    @classmethod
    def from_wcs(cls, wcs: "WCS", shape: tuple[int, int] | None = None) -> "PlaneWCS":
        """
        Take the value of an astropy WCS.

        Parameters
        ----------
        wcs
            Two-dimensional, such as `sunpy.map.GenericMap.wcs`.
        shape
            ``(ny, nx)``; by default ``wcs.array_shape``.

        Raises
        ------
        ValueError
            When the WCS has distortions, another number of axes, or no shape.
        """
        shape = wcs.array_shape if shape is None else shape
        if wcs.naxis != 2 or shape is None:
            raise ValueError(
                f"a two-dimensional WCS with a shape is needed, not {wcs.naxis} axes of shape {shape}"
            )
        if wcs.has_distortion:
            raise ValueError(
                "the WCS has distortions (SIP or lookup tables), which a derotated cube cannot carry; "
                "reproject the image to a grid without them first"
            )
        w = wcs.wcs
        aux = ((name, getattr(w.aux, name)) for name in _AUX)
        dates = ((name, getattr(w, name)) for name in _DATES)
        return cls(
            shape=_pair(int(n) for n in shape),
            ctype=_pair(w.ctype),
            cunit=_pair(str(unit) for unit in w.cunit),
            crval=_pair(w.crval.tolist()),
            cdelt=_pair(w.get_cdelt().tolist()),
            crpix=_pair(w.crpix.tolist()),
            pc=_pair(_pair(row) for row in w.get_pc().tolist()),
            pv=tuple(w.get_pv()),
            pole=(float(w.lonpole), float(w.latpole)),
            aux=tuple((name, float(value)) for name, value in aux if value is not None),
            dates=tuple((name, value) for name, value in dates if value),
        )

    def to_wcs(self) -> "WCS":
        """A new `astropy.wcs.WCS` of this value, for the caller alone."""
        from astropy.wcs import WCS  # workers hardly ever need it, and it takes them long to import

        wcs = WCS(naxis=2)
        w = wcs.wcs
        w.ctype, w.cunit = self.ctype, self.cunit
        w.crval, w.cdelt, w.crpix, w.pc = self.crval, self.cdelt, self.crpix, self.pc
        w.cname = [_NAMES.get(ctype[:4], "") for ctype in self.ctype]
        w.set_pv(self.pv)
        w.lonpole, w.latpole = self.pole
        for name, value in self.aux:
            setattr(w.aux, name, value)
        for name, date in self.dates:
            setattr(w, name, date)
        w.set()
        wcs.array_shape = self.shape
        return wcs

    def is_one_grid_with(self, other: "PlaneWCS") -> bool:
        """
        Whether pixels of both lie at the same places for the same observer, but for rounding.

        A WCS that went through a header has rounded values: a thousandth of a pixel, a millisecond, and the 9th digit
        of the observer's place count as equal.
        """
        if self == other:
            return True
        if (self.shape, self.ctype, self.cunit, self.pv) != (other.shape, other.ctype, other.cunit, other.pv):
            return False
        scales = [np.diag(plane.cdelt) @ plane.pc for plane in (self, other)]
        pixel = _PIXEL * np.sqrt(np.abs(np.linalg.det(scales[0])))
        near = [
            (self.crpix, other.crpix, _PIXEL),
            (self.crval, other.crval, pixel),
            (*scales, pixel / max(self.shape)),
            (self.pole, other.pole, _DIGITS),
        ]
        same_places = all(np.allclose(a, b, rtol=0, atol=most, equal_nan=True) for a, b, most in near)
        ours, theirs = dict(self.aux), dict(other.aux)
        same_observer = ours.keys() == theirs.keys() and all(
            math.isclose(ours[name], theirs[name], rel_tol=_DIGITS, abs_tol=_DIGITS) for name in ours
        )
        return same_places and same_observer and self._is_of_the_time_of(other)

    def _is_of_the_time_of(self, other: "PlaneWCS") -> bool:
        if self.stamp is None or other.stamp is None:
            return self.stamp == other.stamp
        return self.stamp == other.stamp or bool(abs((self.date - other.date).sec) <= _SECONDS)

    @property
    def has_camera(self) -> bool:
        """Whether this is a helioprojective image in TAN projection with a known observer."""
        is_tan = (self.ctype, self.cunit, self.pv) == (("HPLN-TAN", "HPLT-TAN"), ("deg", "deg"), ())
        return is_tan and dict(self.aux).keys() >= {"hgln_obs", "hglt_obs", "dsun_obs", "rsun_ref"}

    def camera(self) -> Camera | None:
        """The observer's view, for `~sunpy_heliocloud.kernels.surface_map.SurfaceMap`, if it `has_camera`."""
        if not self.has_camera:
            return None
        aux = dict(self.aux)
        return camera(
            crpix=self.crpix,
            scales=np.radians(np.diag(self.cdelt) @ self.pc),
            crval=_pair(map(math.radians, self.crval)),
            lonpole=math.radians(self.pole[0]),
            observer=(math.radians(aux["hgln_obs"]), math.radians(aux["hglt_obs"]), aux["dsun_obs"]),
        )

    @property
    def stamp(self) -> str | None:
        """The time of the coordinates, UTC."""
        dates = dict(self.dates)
        return dates.get("dateavg", dates.get("dateobs"))

    @property
    def date(self) -> "Time":
        """The same as a `~astropy.time.Time`."""
        from astropy.time import Time

        return Time(self.stamp, scale="utc")

    @property
    def solar_radius(self) -> float:
        """In metres; NaN if unknown."""
        return dict(self.aux).get("rsun_ref", np.nan)

    @property
    def observer_distance(self) -> float:
        """Of the observer from the Sun in metres; NaN if unknown."""
        return dict(self.aux).get("dsun_obs", np.nan)

    def resampled(
        self, shape: tuple[int, int], offset: tuple[float, float], factor: tuple[float, float]
    ) -> "PlaneWCS":
        """
        The grid on which pixel ``p`` (from zero; y, x) is pixel ``offset + factor * p`` of this one.

        Parameters
        ----------
        shape
            ``(ny, nx)`` of the new grid.
        offset, factor
            In the order y, x.
        """
        (oy, ox), (fy, fx) = offset, factor
        f = (fx, fy)
        return dataclasses.replace(
            self,
            shape=shape,
            crpix=((self.crpix[0] - 1 - ox) / fx + 1, (self.crpix[1] - 1 - oy) / fy + 1),
            cdelt=(self.cdelt[0] * fx, self.cdelt[1] * fy),
            pc=_pair(_pair(self.pc[i][j] * f[j] / f[i] for j in range(2)) for i in range(2)),
        )

    def binned(self, bins: Sequence[int]) -> "PlaneWCS":
        """The WCS of bins of so many rows and columns, which divide the image."""
        shape = _pair(n // b for n, b in zip(self.shape, bins, strict=True))
        return self.resampled(shape, _pair((b - 1) / 2 for b in bins), _pair(bins))

    def sliced(self, rows: Stretch, columns: Stretch) -> "PlaneWCS":
        """The WCS of some rows and columns; steps must be positive."""
        shape, offset = (rows.count, columns.count), (rows.first, columns.first)
        return self.resampled(shape, offset, (rows.step, columns.step))

    def at_height(self, height: float) -> "PlaneWCS":
        """The same pixels, seen as lying ``height`` metres above the solar surface."""
        aux = dict(self.aux)
        if "rsun_ref" not in aux:
            raise ValueError(
                "the WCS has no solar radius (RSUN_REF), from which heights are counted; add it to the header"
            )
        aux["rsun_ref"] += height
        return dataclasses.replace(self, aux=tuple(aux.items()))


def _pair[T](values: Iterable[T]) -> tuple[T, T]:
    first, second = values
    return first, second
