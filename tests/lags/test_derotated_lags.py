"""What derotation leaves of a Sun that does not change: nothing that two channels share."""

import numpy as np
import pytest

import astropy.units as u

from region_frames import map_of_region, paint_region
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

FRAMES, CADENCE = 40, 6 * u.min
# It rotates, and does nothing else.
STATIC = SimulatedSun(noise=False, variability=0.0)


@pytest.fixture(scope="module")
def region():
    return map_of_region(STATIC).submap([30, 30] * u.pix, top_right=[65, 65] * u.pix)


@pytest.fixture(scope="module")
def channels(region):
    """Two sequences with photon noise of their own."""
    times = STATIC.time + (np.arange(FRAMES) - FRAMES / 2) * CADENCE
    frames = [paint_region(STATIC, 193, time, 2 * u.s, region) for time in times]
    rng = np.random.default_rng(0)
    return [LazyMapSequence([(rng.poisson(counts), header) for counts, header in frames]) for _ in range(2)]


def test_the_default_derotation_of_a_static_sun_makes_few_lags_of_zero_and_few_significant_ones(
    region, channels
):
    """By chance three of 31 lags, 10 %, are within a step of zero, and 5 % are significant."""
    cubes = [one.to_cube().derotate_to(region).resample_time(CADENCE).compute() for one in channels]
    options = {"lag_bounds": [-1.5, 1.5] * u.hour}
    lag = cubes[0].time_lag(cubes[1], at_bounds="keep", **options).compute().data
    chance = cubes[0].false_alarm_probability(cubes[1], trials=59, **options).compute().data
    zero, significant = np.mean(np.abs(lag) <= CADENCE.to_value(u.s)), np.mean(chance <= 0.05)
    print(f"{zero:.0%} within a step of zero, {significant:.0%} significant")
    assert zero < 0.14
    assert significant < 0.12
