"""What derotation leaves of a Sun that does not change: nothing that two channels share."""

import numpy as np

import astropy.units as u

from region_frames import map_of_region, paint_region
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

FRAMES, CADENCE = 60, 6 * u.min


class StillSun(SimulatedSun):
    """It rotates, and does nothing else."""

    def _curve(self, seconds, delay):
        return super()._curve(0.0, 0.0)


def test_the_default_derotation_of_a_static_sun_makes_few_lags_of_zero():
    """By chance three of 31 lags, 10 %, are within a step of zero; moiré of linear interpolation makes twice as many."""
    sun = StillSun()
    region = map_of_region(sun).submap([30, 30] * u.pix, top_right=[65, 65] * u.pix)
    cubes = []
    for channel in (193, 171):
        times = sun.time + (np.arange(FRAMES) - FRAMES / 2) * CADENCE
        maps = [paint_region(sun, channel, time, 2 * u.s, region) for time in times]
        cubes.append(LazyMapSequence(maps).to_cube().derotate_to(region).resample_time(CADENCE).compute())
    lag = cubes[0].time_lag(cubes[1], lag_bounds=[-1.5, 1.5] * u.hour, at_bounds="keep", detrend="linear")
    share = np.mean(np.abs(lag.compute().data) <= CADENCE.to_value(u.s))
    print(f"{share:.0%} within a step of zero")
    assert share < 0.16
