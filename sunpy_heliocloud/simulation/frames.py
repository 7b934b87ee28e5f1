"""The frames of a simulated bucket: observation times and file names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

import astropy.units as u
from astropy.time import Time

from .sun import SimulatedSun, check_channel

__all__ = ["CHANNEL_OFFSETS", "Frame", "frames_of_channel", "nominal_times"]

#: Seconds from the time in the file name to the exposure, for each channel.
CHANNEL_OFFSETS: Mapping[int, float] = MappingProxyType(
    {94: 1.1, 335: 2.9, 211: -0.9, 193: 2.8, 171: -1.9, 131: -2.6}
)
BAD_QUALITY = 2097152  # as in real damaged frames


@dataclass(frozen=True)
class Frame:
    """One file that is to be written."""

    channel: int
    label: Time
    time: Time
    exposure: u.Quantity
    quality: int

    @cached_property
    def name(self) -> str:
        label = self.label.strftime("%Y%m%dT%H%M%S")
        return f"sdo_aia_h2_{label}_{self.channel:04d}_v1.fits"

    @cached_property
    def key(self) -> str:
        return f"sdo/aia/{self.label.strftime('%Y%m%d')}/{self.channel:04d}/{self.name}"


def nominal_times(
    sun: SimulatedSun, start: Time | str | None, n_frames: int, cadence: u.Quantity[u.s]
) -> Time:
    if start is None:
        first = sun.time.unix - n_frames // 2 * cadence.to_value(u.s)
        start = Time(first - first % cadence.to_value(u.s), format="unix")
    return Time(Time(start).utc.isot) + np.arange(n_frames) * cadence


def frames_of_channel(
    channel: int,
    labels: Time,
    seed: int,
    exposure: u.Quantity[u.s],
    exposure_jitter: u.Quantity[u.s],
    time_offsets: Mapping[int, float],
    time_jitter: u.Quantity[u.s],
    gaps: float | Sequence[int],
    bad_quality: float | Sequence[int],
) -> list[Frame]:
    """The frames of one channel, without those that fall into gaps."""
    check_channel(channel)
    n = len(labels)
    rng = np.random.default_rng([seed, 3, channel])
    times = labels + time_offsets[channel] * u.s + rng.normal(size=n) * time_jitter
    times = Time(times.isot)  # headers count whole milliseconds
    exposures = np.round(exposure + rng.normal(size=n) * exposure_jitter, 6)
    missing, damaged = _chosen(gaps, n, rng), _chosen(bad_quality, n, rng)
    return [
        Frame(channel, labels[i], times[i], exposures[i], BAD_QUALITY if i in damaged else 0)
        for i in range(n)
        if i not in missing
    ]


def _chosen(which: float | Sequence[int], n: int, rng: np.random.Generator) -> set[int]:
    order = rng.permutation(n)
    if isinstance(which, int | float):
        return set(order[: round(which * n)].tolist())
    return set(which)
