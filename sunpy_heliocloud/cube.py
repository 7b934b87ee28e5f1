"""TimeLagCube: what a scientist does with images of one channel that follow each other in time."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, Unpack

import dask.array as da
import numpy as np

import astropy.units as u
from astropy.nddata import NDData
from astropy.table import QTable
from astropy.time import Time

from sunpy.map import GenericMap
from sunpy.time import parse_time

from sunpy_heliocloud.coordinates import times as time_grid
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.stack import SlicedStackWCS, StackWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import resampling
from sunpy_heliocloud.kernels.time_axis import METHODS
from sunpy_heliocloud.lags.comparison import Comparison, Options, planes_of, shared_stack
from sunpy_heliocloud.lags.correlation_cube import CorrelationCube
from sunpy_heliocloud.lags.lag_cube import LagCube
from sunpy_heliocloud.lags.lag_map import LagMap
from sunpy_heliocloud.lazy.cube import DaskCube
from sunpy_heliocloud.lazy.estimate import Estimate, estimate
from sunpy_heliocloud.lazy.frame_array import derotate, is_valid
from sunpy_heliocloud.lazy.light_curves import ResampleTime, map_pencils

__all__ = ["TimeLagCube"]


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
            A dask array stays lazy. Masked values are missing.
        ref_map
            A map of shape ``(ny, nx)``.
        times
            ``n`` times, increasing; anything that `sunpy.time.parse_time` takes.
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
        TypeError
            When ``ref_map`` is no Map.
        """
        _require_map(ref_map)
        times = np.atleast_1d(parse_time(times))
        if times.ndim != 1:
            raise ValueError(f"times have shape {times.shape}, but must be one a plane")
        if isinstance(data, NDData):
            data, unit = data.data, data.unit if unit is None else unit
        if isinstance(data, u.Quantity):
            data, unit = data.value, data.unit if unit is None else unit
        data = _unmasked(data)
        expected = (times.size, *ref_map.data.shape)
        if np.shape(data) != expected:
            raise ValueError(
                f"data have shape {np.shape(data)}, but {times.size} times and a map of shape {ref_map.data.shape} "
                f"ask for {expected}"
            )
        wcs = StackWCS([PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)], times)
        described = {"wavelength": ref_map.wavelength, "observatory": ref_map.observatory}
        return cls(data, wcs=wcs, unit=unit, meta=described | dict(meta or {}))

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
        """
        A lazy cube that is 1 where there are data and 0 where they are missing.

        The footprint of frames can itself be derotated, ``cube.footprint.derotate_to(ref_map)``, with the same options
        as the cube: each pixel then is the fraction of its input that is valid. A pixel of the derotated cube is
        missing where that is less than 1.
        """
        return self._new_instance(data=is_valid(self.data), unit=u.dimensionless_unscaled)

    # ---- what is done with it

    @u.quantity_input(height=u.m)
    def derotate_to(
        self,
        ref_map: GenericMap,
        *,
        algorithm: str = "adaptive",
        rotation_model: str = "howard",
        screen: Any = None,
        height: u.Quantity = 0 * u.Mm,
        dtype: np.typing.DTypeLike = np.float32,
        **options: float,
    ) -> Self:
        """
        Move every plane with the solar surface to the time of a map, onto its grid.

        Parameters
        ----------
        ref_map
            The map whose grid, observer and time the planes are brought to; usually a submap of one of the frames.
        algorithm
            ``"adaptive"`` (anti-aliased, DeForest 2004), ``"interpolation"`` or ``"exact"`` (overlap of areas,
            slow), as in `reproject`.
        rotation_model
            ``"howard"``, ``"snodgrass"``, ``"allen"`` or ``"rigid"``: how the surface rotates, see
            `sunpy.coordinates.propagate_with_solar_surface`.
        screen
            `sunpy.coordinates.SphericalScreen` or `~sunpy.coordinates.PlanarScreen` for what is seen off the disk,
            which does not rotate with the surface. Without one it is NaN.
        height
            Height above the solar surface of what is looked at. What lies higher moves faster across the disk.
        dtype
            Of the result, and in which frames are read: float32 or float64.
        **options
            Of the algorithm, as in `reproject`: ``kernel_width`` (1.3) and ``sample_region_width`` (4) of
            ``"adaptive"``, ``order`` (0, 1 or 3; 1) of ``"interpolation"``.

        Returns
        -------
        TimeLagCube
            Shape ``(n, *ref_map.data.shape)``, lazy; unit, wavelength, observatory and `times` are kept. NaN where
            a pixel shows nothing of a frame. Of frames that are still to be read only the rows are read that the
            result depends on.

        Raises
        ------
        ValueError
            When the algorithm, the rotation model or an option is unknown, or the cube has lost an image axis.
        TypeError, ~astropy.units.UnitsError
            When ``ref_map`` is no Map or ``height`` no length.

        Notes
        -----
        Light takes 499 s for an astronomical unit. When an observer is closer to the Sun than that of the map by
        more than a light-second, `times` become those at which the same light reaches the map's observer, so that
        cubes of both can be compared; ``meta["light_travel"]`` says so, and `frames` keeps the observed times.

        References
        ----------
        * DeForest, C. E. 2004, Solar Physics 219, 3, https://doi.org/10.1023/B:SOLA.0000021743.24248.b0
        """
        _require_map(ref_map)
        target = PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)
        derotation = Derotation.checked(
            target,
            resampling(algorithm, **options),
            rotation_model=rotation_model,
            screen=screen,
            dtype=dtype,
            height=height.to_value(u.m),
        )
        stack = self._stack("derotate_to")
        planes = [stack.plane(i) for i in range(stack.times.size)]
        times, light_travel = time_grid.at_observer(stack.times, planes, target)
        data = derotate(self.data, derotation.sources(planes), derotation)
        done = f"derotated to {target.date.isot} ({rotation_model}, {algorithm}, {height:g})"
        before = self.meta.get("derotated")
        meta = self.meta | {"derotated": done if before is None else f"{before}, then {done}"}
        if light_travel:
            meta["light_travel"] = light_travel
        return type(self)(data, wcs=StackWCS([target], times), unit=self.unit, meta=meta)

    def resample_time(
        self,
        cadence: u.Quantity | None = None,
        *,
        times: "Time | TimeLagCube | None" = None,
        start: Any = None,
        stop: Any = None,
        method: str = "linear",
        max_gap: u.Quantity | None = None,
    ) -> Self:
        """
        Interpolate every pixel to other times.

        Light curves and time-distance diagrams (``cube[:, 5, 5]``, ``cube[:, 5]``) can be resampled, too. Pixels that
        the cube's mask excludes are missing.

        Parameters
        ----------
        cadence
            Step of the new times. They lie on whole multiples of it since 1970-01-01 UTC, so that cubes of
            different channels, each resampled with the same cadence, share their times. They stay even when a leap
            second falls among them: after it they are a second off the full minute.
        times
            The new times themselves, increasing; or another cube, whose times are taken.
        start, stop
            Limits of the new times, with ``cadence``; by default the cube's own.
        method
            ``"linear"``, ``"nearest"``, or ``"cubic"``: a piecewise cubic without overshoot (Fritsch & Butland 1984),
            which keeps the shape of peaks that the cadence barely resolves.
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

        References
        ----------
        * Fritsch, F. N. & Butland, J. 1984, SIAM J. Sci. Stat. Comput. 5, 300, https://doi.org/10.1137/0905021
        """
        if method not in METHODS:
            raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
        stack = shared_stack(self, "resample_time")
        given = times.times if isinstance(times, TimeLagCube) else times
        new_times = time_grid.new_times(stack.times, cadence, given, start, stop)
        gap = time_grid.longest_gap(stack.times, max_gap)
        task = ResampleTime(
            tuple(time_grid.seconds(stack.times, stack.times[0])),
            tuple(time_grid.seconds(new_times, stack.times[0])),
            float(gap.to_value(u.s)),
            method,
        )
        data = map_pencils(task, planes_of(self, stack), planes=new_times.size, dtype=self.data.dtype)
        meta = self.meta | {"resampled": f"{method}, no gaps over {gap.to(u.s):g} bridged"}
        resampled = type(self)(data, wcs=stack.with_times(new_times), unit=self.unit, meta=meta)
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, SlicedStackWCS):
            return resampled[tuple(0 if is_fixed else slice(None) for is_fixed in wcs.fixed)]
        return resampled

    def time_lag(
        self,
        other: "TimeLagCube",
        *,
        lag_bounds: u.Quantity | None = None,
        min_correlation: float | None = None,
        min_overlap: float = 0.5,
        detrend: str | u.Quantity | None = None,
        refine: str | None = None,
        window: u.Quantity | None = None,
        overlap_normalized: bool = False,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> LagMap | LagCube:
        """
        The time lag between two channels in every pixel: where their cross-correlation is largest.

        Both are compared over their common times, each centred on its mean and divided by its standard
        deviation. What is missing is left out.

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
        detrend
            ``"linear"`` takes a straight line off every light curve first; a width in time, such as ``2 * u.hour``,
            the running mean.
        refine
            ``"parabolic"`` for lags finer than the cadence, from the correlation's maximum and its neighbours.
        window
            Width of windows of time that follow each other; or width and step, such as ``[2, 0.5] * u.hour``, of one
            that slides. By default all times are one window.
        overlap_normalized
            Take mean and deviation of the pairs that there are at each lag, and not those of all times, so that large
            lags are no longer put at a disadvantage; more of them come about by chance. The correlation is then
            Pearson's. Lags with pairs of less than ``min_overlap`` of all planes do not count, nor do overlaps in
            which a series varies by less than a thousandth of its standard deviation. Computed in float64.
        dtype
            Of the computation and the result; `numpy.float64` takes twice as long and differs where two maxima are
            equal to one in a million.

        Returns
        -------
        LagMap or LagCube
            In seconds, lazy; with a ``window`` a cube over the middles of the windows. **Positive: this cube leads the
            other**, as in `sunkit_image.time_lag`. A pixel without variance or with too few data is NaN; a lag of zero
            is a lag. Of equal maxima the smallest lag counts.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.

        See Also
        --------
        max_cross_correlation : How well they match at that lag. ``dask.compute(lag, correlation)`` computes both
            in one pass.
        false_alarm_probability : Whether it could be chance.
        lag_uncertainty : How sure the lag is.
        sunpy_heliocloud.time_lag_pairs : Lags of all pairs of more than two channels.

        References
        ----------
        * Viall, N. M. & Klimchuk, J. A. 2012, ApJ 753, 35, https://doi.org/10.1088/0004-637X/753/1/35
        * Barnes, W. T., Bradshaw, S. J. & Viall, N. M. 2019, ApJ 880, 56,
          https://doi.org/10.3847/1538-4357/ab290c
        """
        comparison = Comparison(
            (self, other),
            lag_bounds=lag_bounds,
            min_overlap=min_overlap,
            detrend=detrend,
            overlap_normalized=overlap_normalized,
            dtype=dtype,
        )
        if window is None:
            return LagMap.of_lags(comparison, comparison.maxima()[0], refine, min_correlation)
        windows = comparison.windows(window)
        [maxima] = comparison.maxima(windows=windows)
        return LagCube.of_lags(comparison, maxima, windows, refine, min_correlation)

    def max_cross_correlation(
        self, other: "TimeLagCube", *, window: u.Quantity | None = None, **options: Unpack[Options]
    ) -> LagMap | LagCube:
        """
        The largest cross-correlation of two channels in every pixel, over the lags considered.

        Parameters
        ----------
        other, window
            As for `time_lag`.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized`` and ``dtype`` as for `time_lag`.

        Returns
        -------
        LagMap or LagCube
            Without a unit, lazy; at most 1 where nothing is missing. NaN where `time_lag` is, but for ties.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.
        """
        comparison = Comparison((self, other), **options)
        if window is None:
            return LagMap.of_correlations(comparison, comparison.maxima()[0])
        windows = comparison.windows(window)
        [maxima] = comparison.maxima(windows=windows)
        return LagCube.of_correlations(comparison, maxima, windows)

    def cross_correlation(self, other: "TimeLagCube", **options: Unpack[Options]) -> CorrelationCube:
        """
        The cross-correlation of two channels in every pixel at every lag considered.

        Parameters
        ----------
        other
            As for `time_lag`.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized`` and ``dtype`` as for `time_lag`.

        Returns
        -------
        CorrelationCube
            With axes lag, y, x; lazy. Without bounds it is twice as large as a cube.

        Raises
        ------
        ValueError
            When grids or times do not match; the message says what to do.
        """
        comparison = Comparison((self, other), **options)
        meta = comparison.meta("cross-correlation")
        return CorrelationCube.at_lags(comparison.over_lag(), comparison.wcs, comparison.lags, meta)

    def false_alarm_probability(
        self,
        other: "TimeLagCube",
        *,
        surrogates: str = "phase",
        trials: int = 200,
        seed: int = 0,
        **options: Unpack[Options],
    ) -> LagMap:
        """
        How probable it is that two channels correlate as well as these do by chance, at any of the lags.

        This cube's light curves are replaced by surrogates that have nothing to do with the other's, and share with
        the original its mean, its variance and how it varies. The result is the part of them whose maximum
        correlation is as large.

        Parameters
        ----------
        other
            As for `time_lag`.
        surrogates
            ``"phase"``: the same power spectrum with random phases (Theiler et al. 1992; Ebisuzaki 1997), namely that
            of the light curve and its mirror image, since ends that do not meet would add noise to the surrogates
            (Schreiber & Schmitz 2000).
            ``"red_noise"``: an autoregressive process with the same correlation from plane to plane (Allen & Smith
            1996), only for light curves that are such.
        trials
            Number of surrogates; each costs as much as a lag map, or three. The least probability that can come out
            is 1 / (trials + 1).
        seed
            Of the random numbers, which are the same in all pixels: the result is the same on any scheduler and with
            any chunks, and neighbouring pixels are not independent trials.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized`` and ``dtype`` as for `time_lag`.

        Returns
        -------
        LagMap
            From 0 to 1, lazy; NaN where there is no correlation. Of unrelated light curves of 180 planes (white and
            red noise, random walks, power laws to the power of -3, sinusoids of 40 minutes to 11 hours; bounds of a
            sixth of the time, with and without ``detrend="linear"``) 3 to 7 % are at 0.05 or below with ``"phase"``;
            with ``"red_noise"`` 5 to 6 % of those that are such with a memory of up to 0.8 from plane to plane, but 7
            to 29 % of the smoother ones (``benchmarks/false_alarms.py``).

        Raises
        ------
        ValueError
            When grids or times do not match, or an argument makes no sense.

        References
        ----------
        * Theiler, J. et al. 1992, Physica D 58, 77, https://doi.org/10.1016/0167-2789(92)90102-S
        * Ebisuzaki, W. 1997, J. Climate 10, 2147,
          https://doi.org/10.1175/1520-0442(1997)010<2147:AMTETS>2.0.CO;2
        * Schreiber, T. & Schmitz, A. 2000, Physica D 142, 346, https://doi.org/10.1016/S0167-2789(00)00043-9
        * Allen, M. R. & Smith, L. A. 1996, J. Climate 9, 3373,
          https://doi.org/10.1175/1520-0442(1996)009<3373:MCSSDI>2.0.CO;2
        """
        comparison = Comparison((self, other), **options)
        meta = comparison.meta("false-alarm probability", surrogates=surrogates, trials=trials, seed=seed)
        chance = comparison.false_alarm(surrogates, trials, seed)
        return LagMap(chance, wcs=comparison.wcs, unit=u.dimensionless_unscaled, meta=meta)

    def lag_uncertainty(
        self, other: "TimeLagCube", *, trials: int = 100, seed: int = 0, **options: Unpack[Options]
    ) -> LagMap:
        """
        The standard deviation of the time lag in every pixel, by random subset selection.

        Each trial leaves out a random third of the planes and finds the refined lag of what is left (Peterson et al.
        1998). It says how much the lag hangs on single planes, that is on noise; not whether the lag is one of
        cooling, nor what derotation leaves.

        Parameters
        ----------
        other
            As for `time_lag`.
        trials
            Number of subsets; each costs as much as a lag map with gaps.
        seed
            Of the random numbers; the result is the same on any scheduler and with any chunks.
        **options
            ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized`` and ``dtype`` as for `time_lag`.

        Returns
        -------
        LagMap
            In seconds, lazy: half the width of the central 68 % of the lags.

        Raises
        ------
        ValueError
            When grids or times do not match, or an argument makes no sense.

        References
        ----------
        * Peterson, B. M. et al. 1998, PASP 110, 660, https://doi.org/10.1086/316177
        """
        comparison = Comparison((self, other), **options)
        meta = comparison.meta("uncertainty of the time lag", trials=trials, seed=seed)
        return LagMap(comparison.uncertainty(trials, seed), wcs=comparison.wcs, unit=u.s, meta=meta)

    # ---- what these share

    def _stack(self, method: str) -> StackWCS:
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, StackWCS):
            raise ValueError(
                f"{method} needs axes time, y and x, but this cube has the shape {self.shape} with a "
                f"{type(wcs).__name__}; slice with ranges (3:4) instead of integers (3) to keep an axis"
            )
        return wcs

    def estimate(self) -> Estimate:
        """
        What it will cost to compute the cube.

        Returns
        -------
        Estimate
            Frames, requests, bytes, memory of a worker and tasks. Nothing is read for it.
        """
        return estimate(self.data)

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
        if isinstance(self.wcs.low_level_wcs, StackWCS) and int(bin_shape[0]) != 1:
            shared_stack(self, "rebin in time")
        return super().rebin(bin_shape, operation, **kwargs)

    def __str__(self) -> str:
        first, last = (time.isot for time in np.atleast_1d(self.times)[[0, -1]])
        channel = (
            "unknown" if self.wavelength is None else f"{self.observatory or ''} {self.wavelength:g}".strip()
        )
        return (
            f"{type(self).__name__} of shape {self.shape}, {self.data.dtype}, {self._state()}\n"
            f"  Channel: {channel}\n  Times:   {first} to {last}\n  Unit:    {self.unit}\n"
            f"  Grid:    {self.meta.get('derotated', 'each frame its own' if self.frames else 'shared')}"
        )

    def __getitem__(self, item: Any) -> Self:
        sliced = super().__getitem__(item)
        wcs = self.wcs.low_level_wcs
        sliced.meta = dict(self.meta)
        if not isinstance(wcs, (StackWCS, SlicedStackWCS)) or wcs.times.isscalar:
            return sliced
        index = self._full_item(item)[0]
        if not isinstance(sliced.wcs.low_level_wcs, (StackWCS, SlicedStackWCS)):
            sliced.meta["time"] = wcs.times[index]
        if self.frames is not None and len(self.frames) == wcs.times.size and "resampled" not in self.meta:
            rows = index if isinstance(index, slice) else slice(index, index + 1)
            sliced.meta["frames"] = self.frames[rows]
        return sliced


def _require_map(ref_map: Any) -> None:
    if not isinstance(ref_map, GenericMap):
        raise TypeError(f"ref_map must be a sunpy Map, such as sequence.nearest(time), not {ref_map!r}")


def _unmasked(data: Any) -> Any:
    """An array as float32, NaN where it is masked; a dask array stays lazy."""
    if not isinstance(data, da.Array):
        return np.ma.filled(np.ma.asanyarray(data).astype(np.float32, copy=False), np.nan)
    values = data.astype(np.float32, copy=False)
    return da.ma.filled(values, np.nan) if isinstance(data._meta, np.ma.MaskedArray) else values
