"""LazyMapSequence: a sequence of frames as Maps or as a cube."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

import astropy.units as u
from astropy.table import QTable, Table
from astropy.time import Time

from sunpy.map import GenericMap, Map
from sunpy.time import TimeRange

from sunpy_heliocloud.arguments import flag, mapping, moment, require_function, shown
from sunpy_heliocloud.coordinates.times import seconds
from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.log import info
from sunpy_heliocloud.metadata.exposure import exposure_times
from sunpy_heliocloud.metadata.table import are_selected, conditions_text, header_table
from sunpy_heliocloud.text import inert

# What opens files, makes Maps, computes and displays is imported by the methods that use it: this import has to be short.
if TYPE_CHECKING:
    from sunpy_heliocloud.cube import TimeLagCube
    from sunpy_heliocloud.lazy.estimate import Estimate
    from sunpy_heliocloud.lazy.frames import Frames
    from sunpy_heliocloud.summary import Summary

__all__ = ["LazyMapSequence"]

type Header = Mapping[str, Any]

# Days from the nearest frame beyond which a time is regarded as that of another day.
_FAR = 1.0
# Seconds: times that differ by less are the same, whatever time scale they were converted from.
_SAME = 1e-6


class LazyMapSequence:
    """
    Images that follow each other in time, of which only the headers are read.

    Parameters
    ----------
    source
        The result of `sunpy.net.Fido` (a response or one of its tables, of one or more channels, or the downloaded
        files); any other table with a column ``URL``, of astropy, pandas, polars, pyarrow or numpy, a row or a column of
        it; URLs and paths of FITS files (``s3://``, ``https://``, local), folders and globs; sunpy Maps; pairs
        ``(data, header)``; other sequences; or lists, nested if need be, and iterators of any of these.
    storage_options
        For `s3fs.S3FileSystem`, such as credentials; without any, S3 is read anonymously. They reach dask workers.
    errors
        ``"raise"``: a frame that cannot be read is an error that names its URL. ``"mask"``: a frame whose header
        cannot be used is left out, and of a cube one of another shape than most, or of the time of another; one whose
        pixels cannot be read is NaN. All of them cause warnings and are in `status`.
    hdu
        Which image, where files have several of which sunpy makes a Map: the number of its HDU, counted from 0, or its
        EXTNAME. By default the one of which sunpy makes a Map; several are an error that lists them.

    Raises
    ------
    ~sunpy_heliocloud.io.ranges.ReadError
        When a header cannot be read, or does not say its time (an `OSError`).
    ValueError
        When ``source`` is a search that failed, a table without a column ``URL``, or an empty name.
    TypeError
        When ``source`` is nothing that is taken, such as a header without data.
    FileNotFoundError
        When a folder has no FITS file, or nothing matches a glob.

    Notes
    -----
    The constructor reads the first 64 kB of each file, many at once, with a progress bar if this takes long.
    Frames are put in the order of their times. Those that stand in the source more than once are kept once: the same
    URL or path (``s3://bucket/key`` and its address over https are the same), Map or pair. Pixels are read when the data of a Map or a cube are computed.

    Examples
    --------
    >>> found = Fido.search(a.Time("2018-05-29T17:00", "2018-05-29T19:00"), a.heliocloud.Dataset("aia_0171"))
    >>> seq = LazyMapSequence(found)
    >>> len(seq)
    30
    >>> seq[0].wavelength
    <Quantity 171. Angstrom>
    >>> len(seq[::10])
    3
    """

    def __init__(
        self,
        source: Any,
        *,
        storage_options: Mapping[str, Any] | None = None,
        errors: str = "raise",
        hdu: int | str | None = None,
    ) -> None:
        from sunpy_heliocloud.lazy.joined import frames_of
        from sunpy_heliocloud.lazy.reports import next_number

        if errors not in ("raise", "mask"):
            raise ValueError(f"errors={errors!r} is unknown; use 'raise' or 'mask'")
        mapping("storage_options", storage_options, "{'anon': True}")
        is_number = isinstance(hdu, (int, np.integer)) and not isinstance(hdu, bool) and hdu >= 0
        if not (hdu is None or isinstance(hdu, str) or is_number):
            raise TypeError(
                f"hdu is {hdu!r}, but has to be the number of an HDU, counted from 0, or its EXTNAME"
            )
        self._opened = next_number()
        self._name = ""
        self._frames = frames_of(source, storage_options, hdu, errors)

    # ---- a sequence

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[GenericMap]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: Any) -> Self:
        """The frames of both, in the order of time; those that both have are kept once."""
        from sunpy_heliocloud.lazy.joined import frames_of

        if not isinstance(other, LazyMapSequence):
            return NotImplemented
        errors = self._frames.errors if self._frames.errors == other._frames.errors else "raise"
        joined = self._with(frames_of([self, other], None, None, errors))
        joined._opened, joined._name = min(self._opened, other._opened), ""
        return joined

    def __radd__(self, other: Any) -> Self:
        return self if isinstance(other, int) and other == 0 else NotImplemented  # where Python's sum begins

    def __getitem__(self, item: Any) -> "GenericMap | LazyMapSequence":
        """An integer gives a Map on a lazy array; a slice, a mask or several indices a sequence, in their order."""
        from sunpy_heliocloud.coordinates.indexers import frame_indexer
        from sunpy_heliocloud.lazy.image_array import ImageArray
        from sunpy_heliocloud.metadata.maps import map_header

        index = frame_indexer(item, len(self), "seq.nearest(time) and seq.between(start, stop) take times")
        if index.keeps_axis:
            return self._picked(np.array(index.positions, dtype=int))
        (item,) = index.positions
        image = ImageArray(self._frames.image(item))
        return Map(image, map_header(self._frames.headers[item], image.dtype))

    def _picked(self, indices: np.ndarray) -> Self:
        return self._with(self._frames.picked(indices))

    def _with(self, frames: "Frames") -> Self:
        """This sequence, of other frames."""
        other = copy.copy(self)
        other._frames = frames
        return other

    def nearest(self, time: Any) -> GenericMap:
        """
        The Map whose time is nearest.

        Parameters
        ----------
        time
            Anything that `sunpy.time.parse_time` takes.

        Returns
        -------
        `sunpy.map.GenericMap`
            On a lazy array.

        Examples
        --------
        >>> seq.nearest("2018-05-29T18:01").date.isot[:16]
        '2018-05-29T17:59'
        """
        self._frames.require_some()
        away = np.abs((self._frames.times - moment("time", time)).to_value(u.day))
        nearest = int(np.argmin(away))
        if away[nearest] > max(_FAR, self._frames.longest_gap):
            info(
                f"The frame nearest to {shown(time)} is {away[nearest]:.1f} days away, {self._frames.times[nearest].isot}"
            )
        return self[nearest]

    def between(self, start: Any, stop: Any = None) -> Self:
        """
        The frames whose times are between two times; the ends are included.

        Parameters
        ----------
        start, stop
            Anything that `sunpy.time.parse_time` takes; or a `sunpy.time.TimeRange` alone.

        Returns
        -------
        LazyMapSequence

        Examples
        --------
        >>> len(seq.between("2018-05-29T17:10", "2018-05-29T17:30"))
        5
        """
        if isinstance(start, TimeRange) and stop is None:
            start, stop = start.start, start.end
        start, stop = moment("start", start), moment("stop", stop)
        if stop < start:
            raise ValueError(f"the interval ends ({stop.isot}) before it begins ({start.isot}); swap the two")
        since, until = (seconds(self._frames.times, end) for end in (start, stop))
        return self._picked(np.flatnonzero((since >= -_SAME) & (until <= _SAME)))

    def split(self) -> list[Self]:
        """
        A sequence for each channel, in the order in which the channels first occur.

        Frames are of one channel where sunpy's Map gives them the same observatory, instrument, detector and
        measurement, and filters, polarisers, product, level and unit are the same.

        Returns
        -------
        list of LazyMapSequence
            Each has a `name`.

        Examples
        --------
        >>> len(LazyMapSequence(found).split())
        2
        """
        from sunpy_heliocloud.metadata.channels import names_of

        members: dict[Any, list[int]] = {}
        for i, channel in enumerate(self._frames.channels):
            members.setdefault(channel.identity, []).append(i)
        parts = [self._picked(np.array(indices)) for indices in members.values()]
        names = names_of([part._frames.channels[0] for part in parts])
        for part, name in zip(parts, names, strict=True):
            part._name = name
        return parts

    # ---- what is known from the headers

    @property
    def name(self) -> str:
        """
        The channel, such as ``"SOHO LASCO C2 white-light Orange Clear"``; several, separated by commas.

        Examples
        --------
        >>> seq.split()[0].name
        'SDO AIA...171...'
        """
        return self._name or ", ".join(dict.fromkeys(channel.name for channel in self._frames.channels_found))

    @property
    def times(self) -> Time:
        """
        Midpoints of the exposures, UTC.

        T_OBS where the Map's ``reference_date`` reads it (AIA, HMI); else the Map's ``date_average``; else its
        ``date_start`` or ``date`` and half the exposure time.

        Examples
        --------
        >>> seq.times[0].isot[:16]
        '2018-05-29T16:59'
        """
        return self._frames.times

    @property
    def exposure_time(self) -> u.Quantity:
        """
        Of each frame; NaN where the header has none.

        Examples
        --------
        >>> seq.exposure_time[0].round(1)
        <Quantity 2. s>
        """
        return exposure_times(self._frames.headers) * u.s

    @property
    def wavelength(self) -> u.Quantity:
        """
        Of each frame.

        Examples
        --------
        >>> seq.wavelength[0]
        <Quantity 171. Angstrom>
        """
        wavelengths = [channel.wavelength for channel in self._frames.channels]
        unit = next((wavelength.unit for wavelength in wavelengths if wavelength is not None), u.AA)
        values = [
            np.nan if w is None or not w.unit.is_equivalent(unit) else w.to_value(unit) for w in wavelengths
        ]
        return values * unit

    @property
    def observatory(self) -> list[str]:
        """
        Of each frame.

        Examples
        --------
        >>> seq.observatory[0]
        'SDO'
        """
        return [channel.observatory for channel in self._frames.channels]

    @property
    def urls(self) -> list[str]:
        """
        Where each frame comes from; of a Map or an array, its place in the source and its date.

        Examples
        --------
        >>> seq.urls[0]
        's3://gov-nasa-hdrl-data1/sdo/aia/20180529/0171/...fits'
        """
        return self._frames.urls

    @property
    def table(self) -> QTable:
        """
        The header keywords of all frames, a row a frame; masked where a header has no such keyword or no value.

        Examples
        --------
        >>> seq.table["QUALITY"][:3].tolist()
        [0, 0, 0]
        """
        return header_table(self._frames.headers)

    @property
    def status(self) -> Table:
        """
        For each frame its URL, ``"ok"``, ``"left out"`` or ``"NaN"`` (no pixels), and why.

        Left out are frames whose header cannot be used, and, of a cube, those of another shape than most.
        Whether pixels can be read is known once they have been computed, here or on the workers of the current
        `distributed.Client`.

        Examples
        --------
        >>> seq.status["status"][:2].tolist()
        ['ok', 'ok']
        """
        from sunpy_heliocloud.lazy.losses import lost_frames

        lost, left_out = lost_frames(self.urls, since=self._opened), self._frames.left_out.reasons
        urls = [url for url in self.urls if url not in left_out]
        rows = [(url, "NaN", lost[url]) if url in lost else (url, "ok", "") for url in urls]
        rows += [(url, "left out", reason) for url, reason in left_out.items()]
        return InertTable(rows=rows or None, names=("url", "status", "reason"), dtype=(str, str, str))

    def verify(self) -> Table:
        """
        Read whole files, eight at a time, and compare them with CHECKSUM and DATASUM of their HDUs.

        Damage that leaves a valid file, such as a changed bit in pixels that are not compressed, is found by these
        only. No more than a few megabytes of a file are in memory, unless it is gzipped.

        Returns
        -------
        `~astropy.table.Table`
            A row a file: ``url``; ``checksums``, how many its file has; and ``reason``, empty unless one is wrong, or
            the file cannot be read. Frames that are in memory, or a part of an image, have no row.

        Raises
        ------
        ~sunpy_heliocloud.io.ranges.ReadError
            With ``errors="raise"``, for the first frame with a ``reason``.

        Examples
        --------
        >>> len(seq[:2].verify())
        2
        """
        from sunpy_heliocloud.lazy.verified import verified

        return verified(self._frames.images, self._frames.errors)

    # ---- what can be changed

    def select(self, **keywords: Any) -> Self:
        """
        Keep the frames whose headers meet conditions; how many are dropped is logged.

        Parameters
        ----------
        **keywords
            By header keyword, in any case, ``_`` standing for ``-``: a value (``quality=0``), a function of the
            value (``exptime=lambda t: t > 1``), a range ``(low, high)`` with both ends, or a list or set of values.
            Frames without the keyword are dropped.

        Returns
        -------
        LazyMapSequence

        Raises
        ------
        KeyError
            When no frame has such a keyword.
        TypeError
            When a condition has a unit.

        Examples
        --------
        >>> good = seq.select(quality=0)
        >>> len(seq.select(exptime=lambda exposures: exposures > 1))
        30
        """
        if not len(self):
            return self
        keep = are_selected(self._frames.headers, keywords)
        info(f"{np.count_nonzero(~keep)} of {len(self)} frames dropped by {inert(conditions_text(keywords))}")
        return self._picked(np.flatnonzero(keep))

    def update_headers(self, function: Callable[[dict[str, Any]], Header]) -> Self:
        """
        Change headers, at once: a better pointing, for example.

        Parameters
        ----------
        function
            Takes a copy of a header, with keywords in any case, and returns the new one. Scalars of numpy count as
            their values, Quantities as those in the unit of the keyword.

        Returns
        -------
        LazyMapSequence
            With times and coordinates of the new headers. Functions that were applied before see the old ones.

        Raises
        ------
        TypeError, ValueError
            When something cannot be a value of a header, or the size of the image changes; the message names the
            keyword and the file.

        Examples
        --------
        >>> moved = seq.update_headers(lambda header: header | {"CRPIX1": header["CRPIX1"] + 0.3})
        >>> round(moved[0].meta["crpix1"] - seq[0].meta["crpix1"], 3)
        0.3
        """
        require_function("function", function, "lambda header: {**header, 'CRPIX1': 100.5}")
        updated = self._with(self._frames.updated(function))
        updated._name = ""
        return updated

    def apply(
        self,
        function: Callable[[np.ndarray, dict[str, Any]], np.ndarray],
        *,
        pointwise: bool = False,
        header: Callable[[dict[str, Any]], Header] | None = None,
    ) -> Self:
        """
        Calibrate pixels with a function, when they are read.

        Parameters
        ----------
        function
            ``(data, header) -> data`` of the same shape; it runs in dask tasks, on workers too. It is given a copy
            of the data as floats, and what it returns is taken in the same precision. Its header has keywords in any
            case, and is that of now: later updates do not reach it.
        pointwise
            Whether it treats each pixel by itself. Then it is given the rows that are needed, and only they are
            read. Otherwise it sees whole images.
        header
            What the same step does to headers, at once, see `update_headers`; the function is given those from
            before. Registration to a common pointing changes both, for example.

        Returns
        -------
        LazyMapSequence

        Examples
        --------
        >>> corrected = seq.apply(lambda data, header: data - 2, pointwise=True)
        >>> corrected.to_cube().shape == seq.to_cube().shape
        True
        """
        require_function("function", function, "lambda data, header: data - 5")
        if header is not None:
            require_function("header", header, "lambda header: {**header, 'CRPIX1': 100.5}")
        applied = self._with(self._frames.applied(function, flag("pointwise", pointwise)))
        return applied if header is None else applied.update_headers(header)

    # ---- the cube

    def to_cube(
        self, *, normalize: bool = True, saturation: float | u.Quantity | str | None = None
    ) -> "TimeLagCube":
        """
        Stack the frames of one channel.

        Parameters
        ----------
        normalize
            Divide counts by the exposure time. Data that are no counts, or rates already, or that have no exposure
            time, are left alone; ``meta["normalization"]`` says what was done.
        saturation
            Counts, as they are stored: pixels at or above it are NaN, before anything else is done to them. They are
            counted in the column ``saturated`` of `.TimeLagCube.frames` when they are read. In flares saturated pixels
            give false lags. ``"auto"``: the instrument's level, where it is known (AIA); ``meta["saturation"]`` says
            which and its source.

        Returns
        -------
        TimeLagCube
            Shape ``(n, ny, nx)``, float32, lazy, with coordinates of its own for each plane. A unit that cannot be
            read is `None`; its text is in ``meta["bunit"]``.

        Raises
        ------
        ValueError
            When there are no frames, or frames of several channels, units or shapes, or of the same time.

        Warns
        -----
        ~sunpy.util.exceptions.SunpyUserWarning
            When frames have a non-zero QUALITY, an exposure time under half the median, or none to divide by; or a
            unit that cannot be read.

        Examples
        --------
        >>> cube = seq.to_cube()
        >>> cube.shape, str(cube.unit)
        ((30, 64, 64), 'DN / s')
        """
        from sunpy_heliocloud.stacking import of_distinct_times, of_one_shape, stacked, warn_of

        flag("normalize", normalize)
        frames = of_distinct_times(of_one_shape(self._frames.by_time()))
        cube = stacked(frames, normalize=normalize, saturation=saturation)
        warn_of(frames, cube)
        return cube

    def derotate_to(
        self,
        ref_map: GenericMap,
        *,
        normalize: bool = True,
        saturation: float | u.Quantity | str | None = None,
        **options: Any,
    ) -> "TimeLagCube":
        """
        Stack the frames of one channel and derotate them: ``to_cube().derotate_to(ref_map)``.

        Frames may have shapes and scales of their own.

        Parameters
        ----------
        ref_map
            See `.TimeLagCube.derotate_to`.
        normalize, saturation
            See `to_cube`.
        **options
            As for `.TimeLagCube.derotate_to`.

        Returns
        -------
        TimeLagCube

        Raises
        ------
        ValueError
            See `to_cube` and `.TimeLagCube.derotate_to`.

        Examples
        --------
        >>> seq.derotate_to(ref_map).shape
        (30, 12, 12)
        """
        from sunpy_heliocloud.stacking import derotated, of_distinct_times, warn_of

        flag("normalize", normalize)
        frames = of_distinct_times(self._frames.by_time())
        cube = derotated(frames, ref_map, normalize=normalize, saturation=saturation, **options)
        warn_of(frames, cube)
        return cube

    def estimate(self, ref_map: GenericMap) -> "Estimate":
        """
        What it will cost to derotate the frames to a map: ``to_cube().derotate_to(ref_map)`` for each channel.

        Parameters
        ----------
        ref_map
            See `.TimeLagCube.derotate_to`.

        Returns
        -------
        Estimate
            Frames, requests, bytes, memory of a worker and tasks. Nothing is read for it. It takes 20 ms for each
            of at most 24 frames of a channel.

        Examples
        --------
        >>> seq.estimate(ref_map).frames
        30
        """
        from sunpy_heliocloud.lazy.estimate import Estimate, estimate
        from sunpy_heliocloud.stacking import derotated, of_distinct_times

        cubes = [derotated(of_distinct_times(channel._frames.by_time()), ref_map) for channel in self.split()]
        return sum((estimate(cube.data) for cube in cubes), Estimate(0, 0, 0 * u.byte, 0 * u.byte, 0))

    def peek(self, **kwargs: Any) -> None:
        """
        Show the first, the middle and the last frame, or the middle one of each channel, in a new figure.

        Parameters
        ----------
        **kwargs
            As for `sunpy.map.GenericMap.plot`.

        Examples
        --------
        >>> seq.peek()
        """
        from sunpy_heliocloud.display.peeking import peek_at_maps

        self._frames.require_some()
        parts = self.split()
        last = len(self) - 1
        if len(parts) == 1:
            maps = [self[i] for i in sorted({0, last // 2, last})]
        else:
            maps = [part[len(part) // 2] for part in parts]
        peek_at_maps(maps, **kwargs)

    def __repr__(self) -> str:
        return f"<{self._summary()}>"

    def _repr_html_(self) -> str:
        return self._summary().html()

    def _summary(self) -> "Summary":
        from sunpy_heliocloud.display.sequences import sequence_summary

        return sequence_summary(self._frames, self._opened)
