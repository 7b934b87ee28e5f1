"""TimeLagCube: what a scientist does with images of one channel that follow each other in time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

import numpy as np

import astropy.units as u
from astropy.table import QTable
from astropy.time import Time, TimeDelta

from sunpy.map import GenericMap
from sunpy.time import TimeRange

from sunpy_heliocloud.arguments import bins_of, length, mapping, shown
from sunpy_heliocloud.coordinates import times as time_grid
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS, StackLike
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import resampling
from sunpy_heliocloud.display.looking import LookingCube
from sunpy_heliocloud.lags.comparable import ComparableCube
from sunpy_heliocloud.lazy.combined import base_plane, earlier_planes
from sunpy_heliocloud.lazy.derotated import derotate
from sunpy_heliocloud.lazy.frame_array import is_valid
from sunpy_heliocloud.lazy.mapped import described_by
from sunpy_heliocloud.lazy.planes import array_of_planes, full_stack, grid_of, planes_of, shared_stack
from sunpy_heliocloud.lazy.resampled import resample
from sunpy_heliocloud.lazy.saturated import with_saturated

__all__ = ["TimeLagCube"]


# In units of the cube's cadence; longer steps are averaged.
_LONGEST_LINEAR_STEP = 1.5


class TimeLagCube(ComparableCube, LookingCube):
    """
    Images of one channel over time: an `ndcube.NDCube` with axes time, y, x on a dask array.

    It is made by `LazyMapSequence.to_cube` or `.TimeLagCube.from_array`. Missing pixels are NaN; there is no mask
    beside the data. Nothing is read or computed until ``compute``, ``persist``, ``plot`` or numpy ask for values.
    Slices (with steps too), arithmetic and ``rebin`` give lazy `.TimeLagCube` objects again.

    Before `derotate_to` each plane has coordinates of its own: ``cube[3]`` has those of frame 3, with its observer
    and time. Afterwards all planes share the grid of the reference map, with the observer and time of that map,
    while `times` stay those of the observations.

    Examples
    --------
    >>> cube = seq.to_cube().derotate_to(ref_map)
    >>> cube[3:6, 2:8].shape
    (3, 6, 12)
    >>> cube[3].plot_title
    'SDO AIA 171 Å 2018-05-29 17:11:...'
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
        A cube of any planes that lie on the grid of a map.

        The planes are taken to be where the Sun was at their times: they are not derotated until `derotate_to` is called.
        The entry ``derotated`` of ``meta`` says how planes have been moved already.

        Parameters
        ----------
        data : `numpy.ndarray` or `dask.array.Array`
            numpy or dask array or `~astropy.units.Quantity`, shape ``(n, ny, nx)``; becomes float32, NaN is missing.
            A dask array stays lazy. Masked values are missing.
        ref_map
            A map of shape ``(ny, nx)``.
        times
            ``n`` times, increasing; anything that `sunpy.time.parse_time` takes.
        unit
            Of the data, if they are no Quantity.
        meta
            Further entries of ``meta``.

        Returns
        -------
        TimeLagCube

        Raises
        ------
        ValueError
            When shapes do not fit, or times do not increase.
        TypeError
            When ``ref_map`` is no Map.

        Examples
        --------
        >>> times = Time("2018-05-29T18:00") + np.arange(10) * 4 * u.min
        >>> TimeLagCube.from_array(np.ones((10, 12, 12)), ref_map, times).shape
        (10, 12, 12)
        """
        grid = grid_of(ref_map)
        stack = StackWCS([grid], time_grid.times_of_planes(times))
        data, unit = array_of_planes(data, unit)
        if data.shape != stack.array_shape:
            raise ValueError(
                f"data have shape {data.shape}, but {stack.times.size} times and a map of shape {grid.shape} ask for "
                f"{stack.array_shape}"
            )
        described = described_by(ref_map, grid)
        return cls(
            data, wcs=stack, unit=unit, meta=described | dict(mapping("meta", meta, "{'source': 'model'}"))
        )

    # ---- what it is

    @property
    def times(self) -> Time:
        """
        The time of each plane in UTC, the midpoint of its exposure, also after derotation. A scalar for one plane.

        Examples
        --------
        >>> cube_171.times[:2].isot.tolist()
        ['2018-05-29T17:00:00.000', '2018-05-29T17:04:00.000']
        """
        wcs = self.wcs.low_level_wcs
        if isinstance(wcs, StackLike):
            return wcs.times
        if "time" not in self.global_coords:
            return PlaneWCS.from_wcs(wcs, self.shape).date
        return self.global_coords["time"]

    @property
    def wavelength(self) -> u.Quantity | None:
        """
        The channel.

        Examples
        --------
        >>> cube_171.wavelength
        <Quantity 171. Angstrom>
        """
        return self.meta.get("wavelength")

    @property
    def observatory(self) -> str | None:
        """
        The observatory of the images.

        Examples
        --------
        >>> cube_171.observatory
        'SDO'
        """
        return self.meta.get("observatory")

    @property
    def frames(self) -> QTable | None:
        """
        URL, time, exposure time and quality of each frame of the sequence; `None` without frames.

        With ``to_cube(saturation=...)`` also how many of its pixels were ``saturated``, of those that were read;
        masked as long as none were.

        Examples
        --------
        >>> len(cube_171.frames)
        30
        """
        frames = self.meta.get("frames")
        return frames if frames is None or "saturation" not in frames.meta else with_saturated(frames)

    @property
    def exposure_time(self) -> u.Quantity | None:
        """
        Exposure times of `frames`.

        Examples
        --------
        >>> seq.to_cube().exposure_time.shape
        (30,)
        """
        return None if self.frames is None else self.frames["exposure_time"]

    @property
    def footprint(self) -> Self:
        """
        A lazy cube that is 1 where there are data and 0 where they are missing.

        The footprint of frames can itself be derotated, ``cube.footprint.derotate_to(ref_map)``, with the same options
        as the cube: each pixel then is the fraction of its input that is valid, and NaN where it shows nothing of
        the frame. A pixel of the derotated cube is missing where that is not 1.

        Examples
        --------
        >>> part = seq.to_cube().footprint.derotate_to(ref_map)[0]
        >>> float(part.data.max().compute())
        1.0
        """
        return self._new_instance(data=is_valid(self.data), unit=u.dimensionless_unscaled)

    # ---- derotation and resampling

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
            **Use adaptive for lags**: interpolation of order 1 makes moiré with periods of hours, which channels share, and
            with it lags of zero where it exceeds the photon noise.
        rotation_model
            ``"howard"``, ``"snodgrass"``, ``"allen"`` or ``"rigid"``: how the surface rotates, see
            `sunpy.coordinates.propagate_with_solar_surface`.
        screen
            `sunpy.coordinates.SphericalScreen` or `~sunpy.coordinates.PlanarScreen` for pixels off the disk, which do
            not rotate with the surface. Without one they are NaN.
        height
            Height above the solar surface of the structures that are followed. Higher ones move faster across the disk.
        dtype
            Of the result, and in which frames are read: float32 or float64.
        **options
            Of the algorithm, as in `reproject`: ``kernel_width`` (1.3) and ``sample_region_width`` (4) of
            ``"adaptive"``, ``order`` (0, 1 or 3; 1) of ``"interpolation"``.

        Returns
        -------
        TimeLagCube
            Shape ``(n, *ref_map.data.shape)``, lazy; unit, wavelength, observatory and `times` are kept. NaN where
            a pixel shows nothing of a frame: off the disk without a screen, and where its surface was behind the limb
            for the frame's observer. Of frames that are still to be read only the rows are read that the result
            depends on.

        Raises
        ------
        ValueError
            When the algorithm, the rotation model or an option is unknown, or the cube has lost an image axis.
        TypeError, ~astropy.units.UnitsError
            When ``ref_map`` is no Map or ``height`` no length.

        Notes
        -----
        After adaptive resampling about five neighbouring pixels are one independent one: noise is multiplied by 0.44,
        and neighbours correlate by 0.56. Foreshortening makes drifts that channels share: of structures of a pixel 0.1, 0.3
        and 0.5 % in six hours to either side at 0, 0.52 and 0.86 of the radius (``benchmarks/truth.py``).

        Light takes 499 s for an astronomical unit. When an observer is closer to the Sun than that of the map by
        more than a light-second, `times` become those at which the same light reaches the map's observer, so that
        cubes of both can be compared; ``meta["light_travel"]`` says so, and `frames` keeps the observed times.

        Contexts of sunpy around the call, such as `sunpy.coordinates.propagate_with_solar_surface`, change nothing; a
        screen is warned of, unless ``screen`` is given.

        References
        ----------
        * DeForest, C. E. 2004, Solar Physics 219, 3, https://doi.org/10.1023/B:SOLA.0000021743.24248.b0

        Examples
        --------
        >>> seq.to_cube().derotate_to(ref_map).shape
        (30, 12, 12)
        >>> seq.to_cube().derotate_to(ref_map, rotation_model="snodgrass").meta["derotated"]  # doctest: +SKIP
        """
        target = grid_of(ref_map)
        derotation = Derotation.checked(
            target,
            resampling(algorithm, **options),
            rotation_model=rotation_model,
            screen=screen,
            dtype=dtype,
            height=length("height", height, "10 * u.Mm").to_value(u.m),
        )
        stack = full_stack(self, "derotate_to")
        time_grid.require_near(stack.times, target)
        times, light_travel = time_grid.at_observer(stack.times, stack.all_planes, target)
        data = derotate(self.data, derotation.sources(stack.all_planes), derotation)
        done = f"derotated to {target.date.isot} ({rotation_model}, {algorithm}, {height:g})"
        return type(self)(
            data,
            wcs=StackWCS([target], times),
            unit=self.unit,
            meta=self.meta | light_travel | {"derotated": _then(self.meta.get("derotated"), done)},
        )

    def resample_time(
        self,
        cadence: u.Quantity | TimeDelta | timedelta | np.timedelta64 | None = None,
        *,
        times: Any = None,
        start: Any = None,
        stop: Any = None,
        method: str | None = None,
        max_gap: u.Quantity | TimeDelta | timedelta | np.timedelta64 | None = None,
    ) -> Self:
        """
        Bring every pixel to other times, by interpolation or by means over the steps between them.

        Light curves and time-distance diagrams (``cube[:, 5, 5]``, ``cube[:, 5]``) can be resampled, too. Pixels that
        the cube's mask excludes are missing.

        Parameters
        ----------
        cadence
            Step of the new times. They lie on whole multiples of it since 1970-01-01 UTC, so that cubes of
            different channels, each resampled with the same cadence, share their times. They stay even when a leap
            second falls among them: after it they are a second off the full minute. More than a million are refused.
        times
            The new times themselves, increasing, as anything that `sunpy.time.parse_time` takes; or another cube, whose
            times are taken.
        start, stop
            Limits of the new times, with ``cadence``, as anything that `sunpy.time.parse_time` takes, or a
            `sunpy.time.TimeRange` alone; by default the cube's own.
        method
            ``"linear"`` interpolation, the default for steps of up to 1.5 times the cube's own; ``"mean"``, the default
            for longer ones: the mean of the linear interpolant over each step, so that all frames count and not the two
            next to a new time; ``"cubic"``: a piecewise cubic without overshoot (Fritsch & Butland 1984), which keeps
            the shape of peaks that the cadence barely resolves; ``"nearest"``, the frame nearest to each time.
            **Nearest shifts lags** by what frames are off the grid, which differs between channels: frames 110 s late
            give lags that are 110 s too small.
        max_gap
            Longest interval between valid samples of a pixel that is bridged. By default twice the median cadence of
            the frames or the new one, whichever is longer, and a tenth of it for jitter: one missing frame is bridged.

        Returns
        -------
        TimeLagCube
            Lazy, all planes in one chunk. A pixel is NaN at times before its first or after its last valid sample,
            and within gaps longer than ``max_gap``: nothing is extrapolated. If that leaves more than half of the planes
            without any value, a warning says so. A slice in time reads the frames around it only.

        Raises
        ------
        ValueError
            When planes have their own coordinates (derotate first), when not exactly one of ``cadence`` and
            ``times`` is given, or no new time lies within the cube's.
        TypeError, ~astropy.units.UnitTypeError
            When they are no times.

        References
        ----------
        * Fritsch, F. N. & Butland, J. 1984, SIAM J. Sci. Stat. Comput. 5, 300, https://doi.org/10.1137/0905021

        Examples
        --------
        >>> cube = seq.to_cube().derotate_to(ref_map).resample_time(12 * u.min)
        >>> cube.times[:2].isot.tolist()
        ['2018-05-29T17:12:00.000', '2018-05-29T17:24:00.000']
        """
        stack = shared_stack(self, "resample_time")
        given = times.times if isinstance(times, TimeLagCube) else times
        if isinstance(start, TimeRange) and stop is None:
            start, stop = start.start, start.end
        cadence, given = time_grid.asked_times(cadence, given, start, stop)
        own, step = time_grid.cadence_of(stack.times), time_grid.step_of(cadence, given)
        if method is None:
            method = "mean" if step > _LONGEST_LINEAR_STEP * own > 0 * u.s else "linear"
        margin = time_grid.margin_of_means(own, step) if method == "mean" else 0 * u.s
        new_times = time_grid.new_times(stack.times, cadence, given, start, stop, margin)
        gap = time_grid.longest_gap(stack.times, max_gap, step)
        data = resample(planes_of(self, stack), stack.times, new_times, gap, method)
        meta = self.meta | {
            "resampled": f"{method}, no gaps over {gap.to(u.s):g} bridged",
            "frame_cadence": self.meta.get("frame_cadence", own),
        }
        resampled = type(self)(data, wcs=stack.with_times(new_times), unit=self.unit, meta=meta)
        wcs = self.wcs.low_level_wcs
        return resampled[wcs.item] if isinstance(wcs, SlicedStackWCS) else resampled

    # ---- differences; sums, products and quotients are operators

    def difference(self, n: int = 1, *, base: Any = None) -> Self:
        """
        Each plane minus the one before (a running difference), or minus one plane (a base difference).

        Parameters
        ----------
        n
            How many planes before; planes 0 to ``n - 1`` have none and are left out.
        base
            The plane that is subtracted from all: its index (0, -1), its time (the nearest plane is taken), or itself:
            ``other[3]``, a Map or an array on the same grid, such as a mean image.

        Returns
        -------
        TimeLagCube
            Lazy; the time of each plane is that of the later one, from which is subtracted. ``meta["difference"]``
            says what was done.

        Raises
        ------
        ValueError
            When planes have their own coordinates (derotate first), there are too few, or none is of that time.

        Examples
        --------
        >>> cube_171.difference().shape[0] == cube_171.shape[0] - 1
        True
        >>> from_first = cube_171.difference(base=0)
        """
        shared_stack(self, "a difference")
        if base is not None and n != 1:
            raise ValueError(
                f"n is {n!r} and base is {shown(base)}, but a difference is either running or from a base; drop one"
            )
        if base is None:
            earlier, later, done = earlier_planes(self, n), self[n:], f"running, n={n}"
        else:
            earlier, done = base_plane(self, base)
            later, done = self, f"from {done}"
        result = later - earlier
        result.meta = dict(result.meta) | {"difference": _then(self.meta.get("difference"), done)}
        return result

    # ---- what it costs, slices and bins

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

        Examples
        --------
        >>> cube_171.rebin((1, 12, 12), operation=np.nanmean)[:, 0, 0].shape == cube_171.times.shape
        True
        """
        bins = bins_of(bin_shape, self.shape, operation)
        if isinstance(self.wcs.low_level_wcs, StackWCS) and bins[0] != 1:
            shared_stack(self, "rebin in time")
        return super().rebin(bins, operation, **kwargs)

    def __getitem__(self, item: Any) -> Self:
        sliced = super().__getitem__(item)
        wcs = self.wcs.low_level_wcs
        sliced.meta = dict(self.meta)
        if not isinstance(wcs, StackLike) or wcs.times.isscalar:
            return sliced
        planes = self._index(item)[0]
        if self.frames is not None and len(self.frames) == wcs.times.size and "resampled" not in self.meta:
            sliced.meta["frames"] = self.meta["frames"][planes.with_axis().item]
        return sliced


def _then(before: str | None, done: str) -> str:
    """The history of what was done, with one more entry."""
    return done if before is None else f"{before}, then {done}"
