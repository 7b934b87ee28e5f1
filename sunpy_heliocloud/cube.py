"""TimeLagCube: what a scientist does with images of one channel that follow each other in time."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import dask.array as da
import numpy as np

import astropy.units as u
from astropy.table import QTable
from astropy.time import Time

from sunpy.map import GenericMap

from sunpy_heliocloud import time_grid
from sunpy_heliocloud.collection import DaskCube
from sunpy_heliocloud.graph import derotate, map_pencils
from sunpy_heliocloud.lag_map import LagMap
from sunpy_heliocloud.plane_wcs import PlaneWCS
from sunpy_heliocloud.tasks import Derotation, LagAndCorrelation, ResampleTime
from sunpy_heliocloud.wcs import SlicedStackWCS, StackWCS

__all__ = ["TimeLagCube"]

_ALGORITHMS = ("adaptive", "interpolation", "exact")
_METHODS = ("linear", "nearest")


class TimeLagCube(DaskCube):
    """
    Images of one channel over time: an `ndcube.NDCube` with axes time, y, x on a dask array.

    It is made by `LazyMapSequence.to_cube` or `TimeLagCube.from_array`. Missing pixels are NaN; there is no mask
    beside the data. Nothing is read or computed until `compute`, `persist`, ``plot`` or numpy ask for values.
    Slices (with steps too), arithmetic and ``rebin`` give lazy `TimeLagCube` objects again.

    Before `derotate_to` each plane has coordinates of its own: ``cube[3]`` has those of frame 3, with its observer
    and time. Afterwards all planes share the grid of the reference map, with the observer and time of that map,
    while `times` stay those of the observations.
    """

    # ---- making one

    @classmethod
    def from_array(
        cls,
        data: Any,
        ref_map: GenericMap,
        times: Time,
        *,
        unit: u.Unit | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """
        A cube of planes of one's own that all lie on the grid of a map.

        Parameters
        ----------
        data : array-like
            numpy or dask array or `~astropy.units.Quantity`, shape ``(n, ny, nx)``; becomes float32, NaN is missing.
            A dask array stays lazy.
        ref_map
            A map of shape ``(ny, nx)``.
        times
            ``n`` times, increasing.
        unit
            Of the data, if they are no Quantity.
        meta
            What else is to be known of them.

        Returns
        -------
        TimeLagCube

        Raises
        ------
        ValueError
            When shapes do not fit, or times do not increase.
        """
        if isinstance(data, u.Quantity):
            data, unit = data.value, data.unit if unit is None else unit
        expected = (times.size, *ref_map.data.shape)
        if np.shape(data) != expected:
            raise ValueError(
                f"data have shape {np.shape(data)}, but {times.size} times and a map of shape {ref_map.data.shape} "
                f"ask for {expected}"
            )
        wcs = StackWCS([PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)], times)
        described = {"wavelength": ref_map.wavelength, "observatory": ref_map.observatory}
        return cls(data.astype(np.float32, copy=False), wcs=wcs, unit=unit, meta=described | dict(meta or {}))

    # ---- what it is

    @property
    def times(self) -> Time:
        """The time of each plane, UTC: midpoints of the exposures, also after derotation. A scalar for one plane."""
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, (StackWCS, SlicedStackWCS)):
            return wcs.times
        return self.meta["time"]

    @property
    def wavelength(self) -> u.Quantity | None:
        """The channel."""
        return self.meta.get("wavelength")

    @property
    def observatory(self) -> str | None:
        """Where the images come from."""
        return self.meta.get("observatory")

    @property
    def frames(self) -> QTable | None:
        """What went in: URL, time, exposure time and quality of each frame of the sequence; `None` without frames."""
        return self.meta.get("frames")

    @property
    def exposure_time(self) -> u.Quantity | None:
        """Exposure times of `frames`."""
        return None if self.frames is None else self.frames["exposure_time"]

    @property
    def footprint(self) -> Self:
        """A lazy cube that is 1 where there are data and 0 where they are missing."""
        data = da.isfinite(self.data) if isinstance(self.data, da.Array) else np.isfinite(self.data)
        return self._new_instance(data=data.astype(np.float32), unit=u.dimensionless_unscaled)

    # ---- what is done with it

    def derotate_to(
        self,
        ref_map: GenericMap,
        *,
        algorithm: str = "adaptive",
        rotation_model: str = "howard",
        screen: Any = None,
        height: u.Quantity = 0 * u.Mm,
    ) -> Self:
        """
        Move every plane with the solar surface to the time of a map, onto its grid.

        Parameters
        ----------
        ref_map
            The map whose grid, observer and time the planes are brought to; usually a submap of one of the frames.
        algorithm
            ``"adaptive"`` (anti-aliased, DeForest 2004), ``"interpolation"`` (linear) or ``"exact"`` (overlap
            of areas, slow), as in `reproject`.
        rotation_model
            ``"howard"``, ``"snodgrass"``, ``"allen"`` or ``"rigid"``: how the surface rotates, see
            `sunpy.coordinates.propagate_with_solar_surface`.
        screen
            `sunpy.coordinates.SphericalScreen` or `~sunpy.coordinates.PlanarScreen` for what is seen off the disk,
            which does not rotate with the surface. Without one it is NaN.
        height
            Height above the solar surface of what is looked at. What lies higher moves faster across the disk.

        Returns
        -------
        TimeLagCube
            Shape ``(n, *ref_map.data.shape)``, float32, lazy; unit, wavelength, observatory and `times` are kept.
            NaN where a pixel shows nothing of a frame. Of frames that are still to be read only the rows are read
            that the result depends on.

        Raises
        ------
        ValueError
            When the algorithm is unknown, or the cube has lost an image axis.

        References
        ----------
        * DeForest, C. E. 2004, Solar Physics 219, 3, https://doi.org/10.1023/B:SOLA.0000021743.24248.b0
        """
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"algorithm {algorithm!r} is unknown; choose one of {', '.join(_ALGORITHMS)}")
        stack = self._stack("derotate_to")
        above = height.to_value(u.m)
        target = PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)
        sources = [stack.plane(i) for i in range(stack.times.size)]
        if above:
            sources = [plane.at_height(above) for plane in sources]
        derotation = Derotation(
            target.at_height(above) if above else target,
            algorithm,
            rotation_model,
            screen,
            np.dtype(np.float32),
        )
        meta = self.meta | {
            "derotated": f"derotated to {target.date.isot} ({rotation_model}, {algorithm}, {height:g})"
        }
        return type(self)(
            derotate(self.data, sources, derotation),
            wcs=StackWCS([target], stack.times),
            unit=self.unit,
            meta=meta,
        )

    def resample_time(
        self,
        cadence: u.Quantity | None = None,
        *,
        times: Time | None = None,
        start: Any = None,
        stop: Any = None,
        method: str = "linear",
        max_gap: u.Quantity | None = None,
    ) -> Self:
        """
        Interpolate every pixel to other times.

        Parameters
        ----------
        cadence
            Step of the new times. They lie on whole multiples of it since 1970-01-01 UTC, so that cubes of
            different channels, each resampled with the same cadence, share their times.
        times
            The new times themselves, increasing; ``other.times``, for instance.
        start, stop
            Limits of the new times, with ``cadence``; by default the cube's own.
        method
            ``"linear"`` or ``"nearest"``.
        max_gap
            Longest interval between valid samples of a pixel that is bridged; by default twice the median cadence
            and a tenth of it for jitter, which bridges one missing frame.

        Returns
        -------
        TimeLagCube
            Lazy, all planes in one chunk. A pixel is NaN at times before its first or after its last valid sample,
            and within gaps longer than ``max_gap``: nothing is extrapolated.

        Raises
        ------
        ValueError
            When planes have their own coordinates (derotate first), when not exactly one of ``cadence`` and
            ``times`` is given, or no new time lies within the cube's.
        """
        if method not in _METHODS:
            raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(_METHODS)}")
        stack = self._shared_stack("resample_time")
        new_times = time_grid.new_times(stack.times, cadence, times, start, stop)
        gap = time_grid.default_max_gap(stack.times) if max_gap is None else max_gap
        task = ResampleTime(
            tuple(time_grid.seconds(stack.times, stack.times[0])),
            tuple(time_grid.seconds(new_times, stack.times[0])),
            float(gap.to_value(u.s)),
            method,
        )
        data = map_pencils(task, self.data, planes=new_times.size, dtype=self.data.dtype)
        meta = self.meta | {"resampled": f"{method}, no gaps over {gap.to(u.s):g} bridged"}
        return type(self)(data, wcs=stack.with_times(new_times), unit=self.unit, meta=meta)

    def time_lag(
        self,
        other: "TimeLagCube",
        *,
        lag_bounds: u.Quantity | None = None,
        min_correlation: float | None = None,
        min_overlap: float = 0.5,
        refine: str | None = None,
    ) -> LagMap:
        """
        The time lag between two channels in every pixel: where their cross-correlation is largest.

        Both are compared over their common times, each centred on its mean and divided by its standard
        deviation.

        Parameters
        ----------
        other
            A cube on the same grid, with the same even times or a part of them.
        lag_bounds
            Smallest and largest lag considered, such as ``[-2, 2] * u.hour``; by default all.
        min_correlation
            Pixels whose maximum correlation is lower become NaN.
        min_overlap
            Least share of valid pairs, of those that a complete series would have, for a pixel or a lag to count.
        refine
            ``"parabolic"`` for lags finer than the cadence, from the correlation's maximum and its neighbours.

        Returns
        -------
        LagMap
            In seconds, lazy. **Positive: this cube leads the other**, as in `sunkit_image.time_lag`. A pixel without
            variance or with too few data is NaN; a lag of zero is a lag. Of equal maxima the smallest lag counts.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.

        See Also
        --------
        max_cross_correlation : How well they match at that lag. ``dask.compute(lag, correlation)`` computes both
            in one pass.

        References
        ----------
        * Viall, N. M. & Klimchuk, J. A. 2012, ApJ 753, 35, https://doi.org/10.1088/0004-637X/753/1/35
        * Barnes, W. T., Bradshaw, S. J. & Viall, N. M. 2019, ApJ 880, 56,
          https://doi.org/10.3847/1538-4357/ab290c
        """
        lag, correlation = self._lag_and_correlation(other, lag_bounds, min_overlap, refine)
        if min_correlation is not None:
            lag = da.where(correlation >= min_correlation, lag, np.nan)
        meta = self._pair_meta(other, lag_bounds, min_overlap) | {
            "quantity": "time lag",
            "min_correlation": min_correlation,
            "refine": refine,
        }
        return LagMap(lag, wcs=self._shared_stack("time_lag").plane(0).to_wcs(), unit=u.s, meta=meta)

    def max_cross_correlation(
        self, other: "TimeLagCube", *, lag_bounds: u.Quantity | None = None, min_overlap: float = 0.5
    ) -> LagMap:
        """
        The largest cross-correlation of two channels in every pixel, over the lags considered.

        Parameters
        ----------
        other, lag_bounds, min_overlap
            As for `time_lag`.

        Returns
        -------
        LagMap
            Without a unit, at most 1, lazy; NaN where `time_lag` is.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.
        """
        _, correlation = self._lag_and_correlation(other, lag_bounds, min_overlap, None)
        meta = self._pair_meta(other, lag_bounds, min_overlap) | {"quantity": "maximum cross-correlation"}
        wcs = self._shared_stack("max_cross_correlation").plane(0).to_wcs()
        return LagMap(correlation, wcs=wcs, unit=u.dimensionless_unscaled, meta=meta)

    # ---- what these share

    def _lag_and_correlation(
        self, other: "TimeLagCube", lag_bounds: u.Quantity | None, min_overlap: float, refine: str | None
    ) -> tuple[da.Array, da.Array]:
        """Both from one array, so that whoever computes both reads and transforms once."""
        if refine not in (None, "parabolic"):
            raise ValueError(f"refine={refine!r} is unknown; use 'parabolic' or None")
        stack, other_stack = self._shared_stack("time_lag"), other._shared_stack("time_lag")
        if stack.planes != other_stack.planes:
            raise ValueError(
                f"the cubes lie on different grids, {stack.planes[0].shape} of {stack.planes[0].date.isot} and "
                f"{other_stack.planes[0].shape} of {other_stack.planes[0].date.isot}; derotate both to the same map"
            )
        mine, others, cadence = time_grid.common_planes(stack.times, other_stack.times)
        bounds = None if lag_bounds is None else tuple(float(b) for b in lag_bounds.to_value(u.s))
        task = LagAndCorrelation(cadence, bounds, min_overlap, refine == "parabolic")
        both = map_pencils(task, self.data[mine], other.data[others], planes=2, dtype=np.float32)
        return both[0], both[1]

    def _pair_meta(
        self, other: "TimeLagCube", lag_bounds: u.Quantity | None, min_overlap: float
    ) -> dict[str, Any]:
        mine, _, cadence = time_grid.common_planes(self.times, other.times)
        times = self.times[mine]
        return {
            "channels": (self.wavelength, other.wavelength),
            "observatory": self.observatory,
            "start": times[0],
            "stop": times[-1],
            "planes": times.size,
            "cadence": cadence * u.s,
            "lag_bounds": lag_bounds,
            "min_overlap": min_overlap,
        }

    def _stack(self, method: str) -> StackWCS:
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, StackWCS):
            raise ValueError(
                f"{method} needs axes time, y and x, but this cube has the shape {self.shape} with a "
                f"{type(wcs).__name__}; slice with ranges (3:4) instead of integers (3) to keep an axis"
            )
        return wcs

    def _shared_stack(self, method: str) -> StackWCS:
        stack = self._stack(method)
        if not stack.is_shared:
            raise ValueError(
                f"{method} needs planes on one grid, but each plane still has coordinates of its own; "
                "derotate them to a map first, with derotate_to(map)"
            )
        return stack

    def rebin(self, bin_shape: Sequence[int], operation: Any = np.mean, **kwargs: Any) -> Self:
        """
        Bin pixels, and planes once they share a grid; see `ndcube.NDCube.rebin`.

        Parameters
        ----------
        bin_shape
            Planes, rows and columns that make a bin; -1 takes the whole axis.
        operation
            What makes one value of a bin; `numpy.nanmean` leaves out missing pixels.
        **kwargs
            As for `ndcube.NDCube.rebin`.

        Returns
        -------
        TimeLagCube
            Lazy. Its times are the means of the bins' times.

        Raises
        ------
        ValueError
            When planes with coordinates of their own are to be binned in time, or bins do not divide the cube.
        """
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, StackWCS):
            return super().rebin(bin_shape, operation, **kwargs)
        if int(bin_shape[0]) != 1:
            self._shared_stack("rebin in time")
        binned = super().rebin(bin_shape, operation, **kwargs)
        bins = [n // m for n, m in zip(self.shape, binned.shape, strict=True)]
        return binned._new_instance(wcs=wcs.binned(bins))

    def __str__(self) -> str:
        first, last = (time.isot for time in np.atleast_1d(self.times)[[0, -1]])
        channel = (
            "unknown" if self.wavelength is None else f"{self.observatory or ''} {self.wavelength:g}".strip()
        )
        return (
            f"{type(self).__name__} of shape {self.shape}, {self.data.dtype}, {self._state()}\n"
            f"  Channel: {channel}\n  Times:   {first} to {last}\n  Unit:    {self.unit}\n"
            f"  Grid:    {self.meta.get('derotated', 'each frame its own' if self._has_own_planes() else 'shared')}"
        )

    def _has_own_planes(self) -> bool:
        wcs = self.wcs.low_level_wcs
        stack = wcs.stack if isinstance(wcs, SlicedStackWCS) else wcs
        return isinstance(stack, StackWCS) and not stack.is_shared

    def __getitem__(self, item: Any) -> Self:
        sliced = super().__getitem__(item)
        stack = self.wcs.low_level_wcs
        if not isinstance(stack, StackWCS):
            return sliced
        index = self._full_item(item)[0]
        sliced.meta = dict(self.meta)
        if not isinstance(sliced.wcs.low_level_wcs, (StackWCS, SlicedStackWCS)):
            sliced.meta["time"] = stack.times[index]
        if self.frames is not None and len(self.frames) == stack.times.size and "resampled" not in self.meta:
            rows = index if isinstance(index, slice) else slice(index, index + 1)
            sliced.meta["frames"] = self.frames[rows]
        return sliced
