"""The job that both workflows do."""

from dataclasses import dataclass

import astropy.units as u
from astropy.time import Time

__all__ = ["CADENCE", "Job", "first_time"]

MIDPOINT = Time("2018-05-29T18:00:00")
CADENCE = 240 * u.s


@dataclass(frozen=True)
class Job:
    """
    The time lag between two channels of a region of 500 arcsec, derotated to the middle of the interval.

    Parameters
    ----------
    hot, cool
        URLs of the frames of 193 Å and 171 Å, in time order.
    """

    hot: tuple[str, ...]
    cool: tuple[str, ...]

    midpoint = MIDPOINT
    cadence = CADENCE
    center = (-125, 250) * u.arcsec
    width = 500 * u.arcsec

    @property
    def frames(self) -> int:
        """Number of frames of both channels."""
        return len(self.hot) + len(self.cool)

    @property
    def interval(self) -> tuple[Time, Time]:
        """
        Start and stop of the common times.

        The first and last frames lie outside: nothing is extrapolated, which the seed would do and we would not.
        The stop lies between two times, so that rounding does not decide whether one of them is in.
        """
        start = first_time(len(self.hot)) + self.cadence
        return start, start + (len(self.hot) - 2.5) * self.cadence

    @property
    def lag_bounds(self) -> u.Quantity:
        """Half the interval to either side, as the seed's 6 hours of 12; and not on a lag, because of rounding."""
        return [-1, 1] * (((len(self.hot) - 2) // 2 + 0.5) * self.cadence)


def first_time(frames: int) -> Time:
    """Nominal time of the first frame, so that one is at the midpoint."""
    return MIDPOINT - frames // 2 * CADENCE
