import numpy as np
import pytest

import astropy.units as u

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, aligned_cubes, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun()


def maps(channel, minutes):
    return [sunpy.map.Map(*SUN.frame(channel, SUN.time + m * u.min, shape=(100, 100))) for m in minutes]


@pytest.fixture(scope="module")
def sequence():
    return LazyMapSequence([*maps(171, [0.1, 4, 8, 12, 16]), *maps(193, [-4, 0, 4, 8, 12.2])])


def test_channels_share_grid_and_times(sequence):
    ref_map = sequence[4].submap([30, 40] * u.pix, width=20 * u.pix, height=15 * u.pix)
    with no_compute():
        cubes = aligned_cubes(sequence, ref_map, cadence=4 * u.min)
    assert set(cubes.keys()) == {"171", "193"}
    for cube in cubes.values():
        assert cube.times.isot.tolist() == [f"2018-05-29T18:{m:02d}:00.000" for m in (4, 8, 12)]
        assert cube.shape == (3, *ref_map.data.shape)
    assert np.isfinite(cubes["193"].time_lag(cubes["171"], at_bounds="keep").compute().data).any()


@pytest.mark.parametrize(
    ("minutes", "planes"), [(range(0, 20, 4), 4), (range(40, 64, 4), 5), (range(24, 64, 4), 9)]
)
def test_a_short_channel_does_not_shorten_the_pairs_it_is_not_in(minutes, planes):
    """At the start, at the end, and in a half."""
    long = range(0, 64, 4)
    channels = [*maps(211, long), *maps(193, [m + 0.1 for m in minutes]), *maps(171, [m + 0.2 for m in long])]
    ref_map = channels[3].submap([30, 40] * u.pix, width=9 * u.pix, height=8 * u.pix)
    cubes = aligned_cubes(LazyMapSequence(channels), ref_map, cadence=4 * u.min)
    lags, _ = time_lag_pairs(cubes, lag_bounds=[-4, 4] * u.min)
    assert {pair: lag.meta["planes"] for pair, lag in lags.items()} == {
        "211-193": planes,
        "211-171": 15,
        "193-171": planes,
    }
    assert cubes["193"].times.size in (planes, planes + 1)
    cubes["211"].time_lag(cubes["171"], at_bounds="keep").compute()


def test_nothing_to_align(sequence):
    with pytest.raises(ValueError, match="no frames"):
        aligned_cubes(sequence[:0], sequence[0], cadence=4 * u.min)


def test_split_gives_a_sequence_a_channel(sequence):
    parts = sequence.split()
    assert [part.wavelength[0].value for part in parts] == [193, 171]
    assert [len(part) for part in parts] == [5, 5]


@pytest.mark.filterwarnings("ignore:Missing metadata for observer")
def test_channels_without_a_wavelength_are_known_by_name(sequence):
    wheels = {171: "Al_poly", 193: "Be_thin"}

    def as_xrt(header):
        places = {"HGLN_OBS": 0.0, "HGLT_OBS": 0.0, "DSUN_OBS": 1.5e11}
        filters = {"EC_FW1_": wheels[header["WAVELNTH"]], "EC_FW2_": "Open"}
        kept = {key: value for key, value in header.items() if not key.startswith("WAVE")}
        return kept | places | filters | {"INSTRUME": "XRT", "TELESCOP": "HINODE"}

    xrt = sequence.update_headers(as_xrt)
    cubes = aligned_cubes(
        xrt, xrt[4].submap([30, 40] * u.pix, width=9 * u.pix, height=9 * u.pix), cadence=4 * u.min
    )
    assert set(cubes.keys()) == {"Hinode XRT Al poly-Open", "Hinode XRT Be thin-Open"}
