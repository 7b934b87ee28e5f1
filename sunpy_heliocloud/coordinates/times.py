"""Evenly spaced times, and the common times of several series."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

import astropy.units as u
from astropy import constants
from astropy.time import Time, TimeDelta

from sunpy.time import parse_time

from sunpy_heliocloud.arguments import shown

if TYPE_CHECKING:
    from sunpy_heliocloud.coordinates.plane import PlaneWCS

__all__ = [
    "asked_times",
    "at_observer",
    "cadence_of",
    "common_planes",
    "common_times",
    "days_as_times",
    "duration",
    "joined_times",
    "longest_gap",
    "margin_of_means",
    "new_times",
    "require_near",
    "seconds",
    "step_of",
    "times_of_planes",
]

# Times are regarded as equal within this tolerance; exposures are timed to a millisecond.
_TOLERANCE = 1e-3
# Jitter of frames, as a fraction of the cadence.
_JITTER = 0.1
# Of a cube that can be worked with: a hundred years at 52 minutes, or twelve days at a second.
_MOST_PLANES = 10**6
# Days, over two rotations: farther from the planes, a map is of another date than was meant.
_MOST_DAYS = 60
# Difference of the observers' distances from the Sun, in light-seconds, beyond which times are corrected.
_LIGHT_SECONDS = 1.0


def days_as_times(days: np.ndarray) -> Time:
    """Times, UTC, of both parts of their Julian days; they print as ISO dates."""
    return Time(*days, format="jd", scale="utc").replicate(format="isot")


def joined_times(parts: Sequence[Time]) -> Time:
    """The times of several series, UTC, one after the other."""
    return days_as_times(np.concatenate([[times.jd1, times.jd2] for times in parts], axis=1))


def seconds(times: Time, since: Time) -> np.ndarray:
    """Seconds from one time to others, as float64."""
    return np.atleast_1d((times - since).to_value(u.s))


def times_of_planes(times: Any) -> Time:
    """The times, one a plane, from anything that `sunpy.time.parse_time` takes."""
    try:
        times = np.atleast_1d(parse_time(times))
    except (ValueError, TypeError, LookupError) as e:
        raise ValueError(
            f"times are {shown(times)}, but have to be times, one a plane, such as Time(['2018-05-29T18:00', ...])"
        ) from e
    if times.ndim != 1:
        raise ValueError(f"times have shape {times.shape}, but must be one a plane")
    return times


def at_observer(times: Time, planes: "Sequence[PlaneWCS]", target: "PlaneWCS") -> tuple[Time, dict[str, str]]:
    """
    The times at which the observed light reaches another observer.

    Parameters
    ----------
    times, planes
        Of what was seen.
    target
        A plane of the other observer.

    Returns
    -------
    tuple
        The times, unchanged where all are equally far from the Sun to a light-second; and what ``meta`` says of it,
        which then is nothing.
    """
    distances = np.array([plane.observer_distance for plane in planes])
    delay = (target.observer_distance - distances) / constants.c.to_value(u.m / u.s)
    if not np.nanmax(np.abs(delay), initial=0) > _LIGHT_SECONDS:
        return times, {}
    said = f"times are those at the reference map's observer, {delay.mean():.1f} s later"
    return times + delay * u.s, {"light_travel": said}


def require_near(times: Time, target: "PlaneWCS") -> None:
    """Refuse a map that is so far from all planes in time that its date is a mistake."""
    first, last = times.min(), times.max()
    days = max((first - target.date).to_value(u.day), (target.date - last).to_value(u.day))
    if days > _MOST_DAYS:
        raise ValueError(
            f"ref_map is of {target.date.isot}, {days:.1f} days from the planes, which are from {first.isot} to {last.isot}: "
            "what was on the disk is gone by then; take a map of these days, such as sequence.nearest(time)"
        )


def duration(name: str, value: Any, *shapes: tuple[int, ...], example: str = "4 * u.min") -> u.Quantity:
    """The value as a Quantity, if it is a time with a unit, no NaN, and of one of the shapes; by default a single one."""
    value = _quantity(value)
    if not isinstance(value, u.Quantity) or not value.unit.is_equivalent(u.s):
        raise u.UnitTypeError(f"{name} must be a time with its unit, such as {example}, not {value!r}")
    shapes = shapes or ((),)
    if value.shape not in shapes or np.isnan(value).any():
        expected = " or ".join({(): "a single time", (2,): "two times"}[shape] for shape in shapes)
        raise ValueError(f"{name} must be {expected}, such as {example}, not {value}")
    return value


def _quantity(value: Any) -> Any:
    """A span of time of Python, astropy, numpy or pandas as a Quantity in seconds; anything else as it is."""
    if isinstance(value, TimeDelta):
        return value.to(u.s)
    if isinstance(value, timedelta):  # pandas' Timedelta is one, too
        return value.total_seconds() * u.s
    if isinstance(value, np.timedelta64) and np.datetime_data(value.dtype)[0] not in ("Y", "M", "generic"):
        return value / np.timedelta64(1, "s") * u.s
    return value


def point(name: str, value: Any) -> Time:
    """The value, if it is a single time, of anything that `sunpy.time.parse_time` takes."""
    try:
        time = parse_time(value)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(
            f"{name} must be a time, such as '2018-05-29T18:00:00', not {shown(value)}"
        ) from error
    if not time.isscalar:
        raise ValueError(
            f"{name} must be a single time, such as '2018-05-29T18:00:00', not {time.size} of them"
        )
    return time


def asked_times(cadence: Any, times: Any, start: Any, stop: Any) -> tuple[u.Quantity | None, Time | None]:
    """
    Cadence or new times, as `sunpy_heliocloud.TimeLagCube.resample_time` is given them.

    Raises
    ------
    ValueError, TypeError, ~astropy.units.UnitTypeError
        When not exactly one of them is given, or it makes no sense.
    """
    if (cadence is None) == (times is None):
        raise ValueError(
            "give either a cadence, such as 4 * u.min, or the new times themselves, such as other.times"
        )
    if cadence is not None:
        step = duration("cadence", cadence)
        if not 0 * u.s < step < np.inf * u.s:
            raise ValueError(f"the cadence must be positive and finite, such as 4 * u.min, not {cadence}")
        return step, None
    if start is not None or stop is not None:
        raise ValueError("start and stop go with a cadence; of explicit times choose the part that is wanted")
    try:
        times = times if isinstance(times, Time) else parse_time(times)
    except (TypeError, ValueError, KeyError) as error:
        raise TypeError(
            f"times must be those of another cube or a list of times, such as other.times or ['2018-05-29T18:00', "
            f"'2018-05-29T18:04'], not {times!r}"
        ) from error
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"times must be a list of one or more times, but have the shape {times.shape}")
    _of_bearable_size(times.size, "")
    return None, times.utc


def _of_bearable_size(planes: float, why: str) -> None:
    if planes > _MOST_PLANES:
        raise ValueError(
            f"the new times would be {planes:,.0f} planes{why}, but a cube has {_MOST_PLANES:,} at most; use a longer "
            "cadence, such as 4 * u.min, or limits closer to each other"
        )


def cadence_of(times: Time) -> u.Quantity:
    """The median interval between times, in seconds; zero for a single one."""
    return (np.median(np.diff(seconds(times, times[0]))) if times.size > 1 else 0.0) * u.s


def step_of(cadence: u.Quantity | None, times: Time | None) -> u.Quantity:
    """The step of new times in seconds, before they are made: zero where it varies, or there is one time only."""
    if cadence is not None:
        return cadence.to(u.s)
    if times is None or times.size < 2:
        return 0 * u.s
    steps = np.diff(seconds(times, times[0]))
    step = np.median(steps)
    return (step if np.abs(steps - step).max() <= 2 * _JITTER * step else 0.0) * u.s


def longest_gap(times: Time, max_gap: Any, step: u.Quantity = 0 * u.s) -> u.Quantity:
    """
    What is bridged by interpolation.

    By default twice the median cadence or the step of the new times, whichever is longer, and a little for jitter: one
    missing frame is bridged, two are not.
    """
    if max_gap is None:
        return (2 + _JITTER) * max(cadence_of(times), step)
    gap = duration("max_gap", max_gap)
    if not gap >= 0 * u.s:
        raise ValueError(f"max_gap is {gap}, but cannot be negative; 0 * u.s bridges nothing")
    return gap


def margin_of_means(own: u.Quantity, step: u.Quantity) -> u.Quantity:
    """How far a new time has to be within the times, so that its step is covered but for one frame."""
    return max(step / 2 - own, 0 * u.s)


def new_times(
    own: Time,
    cadence: u.Quantity | None,
    times: Time | None,
    start: Any,
    stop: Any,
    margin: u.Quantity = 0 * u.s,
) -> Time:
    """
    The times to resample to.

    Parameters
    ----------
    own
        Times of the cube.
    cadence, times
        Of which there is one, see `asked_times`.
    start, stop
        As given to `sunpy_heliocloud.TimeLagCube.resample_time`.
    margin
        What new times keep from the first and the last of the cube, unless ``start`` and ``stop`` are given.

    Raises
    ------
    ValueError
        When they leave no time, or too many.
    """
    if cadence is None:
        return times
    step = cadence.to_value(u.s)
    if own[-1] - own[0] <= 2 * margin:
        margin = 0 * u.s
    first = own[0] + margin if start is None else point("start", start)
    last = own[-1] - margin if stop is None else point("stop", stop)
    if first > last:
        raise ValueError(f"the new times would start at {first.isot}, after they stop at {last.isot}")
    # Multiples of a minute are full minutes in Unix time, which has no leap seconds; but astropy stretches the day
    # that has one, and lags need even times. So atomic seconds are counted, with the offset of the first time.
    offset = np.floor(first.utc.unix_tai - first.utc.unix + _TOLERANCE)
    low, high = ((time.utc.unix_tai - offset) / step for time in (first, last))
    _of_bearable_size(high - low, f" {cadence} apart, from {first.isot} to {last.isot}")
    multiples = np.arange(np.ceil(low - _TOLERANCE / step), np.floor(high + _TOLERANCE / step) + 1)
    if multiples.size == 0:
        raise ValueError(
            f"no multiple of {cadence} lies between {first.isot} and {last.isot}; use a shorter cadence"
        )
    grid = Time(multiples * step + offset, format="unix_tai", scale="tai").utc
    grid.format = "isot"
    return grid


def common_times(first: Time, second: Time) -> tuple[np.ndarray, np.ndarray]:
    """
    The indices of the times that two increasing series have in common, within a millisecond.

    Parameters
    ----------
    first, second
        In any scale.
    """
    ours, theirs = seconds(first, first[0]), seconds(second, first[0])
    nearest = np.clip(np.searchsorted(theirs, ours), 1, max(theirs.size - 1, 1))
    nearest -= ours - theirs[nearest - 1] < theirs[np.minimum(nearest, theirs.size - 1)] - ours
    nearest = np.minimum(nearest, theirs.size - 1)
    (common,) = np.nonzero(np.abs(theirs[nearest] - ours) <= _TOLERANCE)
    return common, nearest[common]


def common_planes(*series: Time) -> tuple[list[slice], float]:
    """
    The planes of even series that are of the same times.

    Parameters
    ----------
    *series
        Times of each.

    Returns
    -------
    tuple
        A slice of each series, and the cadence in seconds.

    Raises
    ------
    ValueError
        When a series is uneven, or they have too little in common.
    """
    remedy = (
        "bring them to common times with resample_time(cadence) on both, or resample_time(times=other.times)"
    )
    cadences = [_cadence(times, remedy) for times in series]
    longest = max(times.size for times in series)
    if (max(cadences) - min(cadences)) * longest > _TOLERANCE:
        different = " and ".join(f"{cadence:g} s" for cadence in dict.fromkeys(cadences))
        raise ValueError(f"the cubes' cadences differ, {different}; {remedy}")
    cadence = cadences[0]
    shifts = np.array([(times[0] - series[0][0]).to_value(u.s) / cadence for times in series])
    offsets = np.rint(shifts).astype(int)
    off = np.abs(shifts - offsets).max() * cadence
    if off > _TOLERANCE:
        raise ValueError(f"the cubes' times are {off:.3g} s off each other; {remedy}")
    start = max(offsets)
    stop = min(times.size + offset for times, offset in zip(series, offsets, strict=True))
    if stop - start < 3:
        spans = " and ".join(f"{times[0].isot} to {times[-1].isot}" for times in series)
        raise ValueError(
            f"the cubes have {max(stop - start, 0)} times in common ({spans}); a correlation needs 3 at least"
        )
    return [slice(int(start - offset), int(stop - offset)) for offset in offsets], cadence


def _cadence(times: Time, remedy: str) -> float:
    if times.size < 3:
        raise ValueError(
            f"a cube of {times.size} planes is too short for a correlation, which needs 3 at least"
        )
    elapsed = seconds(times, times[0])
    cadence = round(elapsed[-1] / (times.size - 1), 9)  # what times are good for
    worst = np.abs(elapsed - cadence * np.arange(times.size)).max()
    if worst > _TOLERANCE:
        raise ValueError(f"times are uneven, up to {worst:.3g} s off a cadence of {cadence:.6g} s; {remedy}")
    return round(float(cadence), 6)  # microseconds, so that 240 s do not become 239.99999999999918 s
