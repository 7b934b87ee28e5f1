"""The main job on a simulated Sun, through Fido and S3: the lag that comes out, and derotation as reproject does it."""

import dask
import numpy as np
import pytest
from reproject import reproject_adaptive
from solar_grids import window_may_flip

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.coordinates import propagate_with_solar_surface
from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud  # NOQA: F401  registers the client
from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

SUN = SimulatedSun()
BOUNDS = {"lag_bounds": [-2, 2] * u.hour, "at_bounds": "keep"}


@pytest.fixture(scope="module")
def sequences():
    """Twelve hours of two channels at 4 arcsec a pixel, 193 Å first."""
    with LocalServer() as server:
        write_bucket(server.url, SUN, n_frames=180, shape=(625, 625), storage_options=server.storage_options)
        found = Fido.search(
            a.Time("2018-05-29T11:50", "2018-05-30T00:10"),
            a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA),
            a.heliocloud.Dataset("AIA"),
        )
        yield [LazyMapSequence(table) for table in found]


@pytest.fixture(scope="module")
def ref_map(sequences):
    full_disk = sequences[1].nearest(SUN.time)
    corner = SkyCoord(-375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame)
    return full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)


@pytest.fixture(scope="module")
def derotated(sequences, ref_map):
    """Both channels, derotated, in memory."""
    return dask.compute(*(frames.to_cube().derotate_to(ref_map) for frames in sequences))


@pytest.mark.parametrize("frames", [10, 180])
def test_the_job_takes_less_than_three_tasks_a_frame(sequences, ref_map, frames):
    with no_compute():
        hot, cool = (
            some[90 - frames // 2 :][:frames].to_cube().derotate_to(ref_map).resample_time(4 * u.min)
            for some in sequences
        )
        [lag] = dask.optimize(hot.time_lag(cool, **BOUNDS))
    assert len(dict(lag.__dask_graph__())) <= 3 * 2 * frames


def errors(cubes: list[TimeLagCube], ref_map, **options) -> tuple[float, float]:
    """Bias of the lag, and the error that 95 % stay below, in seconds, in the region where the channels correlate."""
    hot, cool = (cube.resample_time(4 * u.min) for cube in cubes)
    lag = hot.time_lag(cool, **BOUNDS, **options)
    lag, correlation = dask.compute(lag, hot.max_cross_correlation(cool, **BOUNDS))
    true_lag = SUN.true_lag(193, 171, ref_map, within=6 * u.deg)
    judged = np.isfinite(true_lag) & (correlation.data > 0.5)
    assert judged.sum() > 0.8 * np.isfinite(true_lag).sum()
    error = (lag.data - true_lag)[judged]
    bias, spread = np.median(error), np.percentile(np.abs(error), 95)
    print(
        f"error of the lag over {error.size} pixels: median {bias:.1f} s, 95 % within {spread:.0f} s ({options})"
    )
    return abs(bias), spread


def test_the_lag_is_the_true_one(derotated, ref_map):
    bias, spread = errors(derotated, ref_map)
    assert bias < 3
    assert spread < 135


def test_a_refined_lag_is_finer_than_the_cadence(derotated, ref_map):
    bias, spread = errors(derotated, ref_map, refine="parabolic")
    assert bias < 3
    assert spread < 26


def test_a_tenth_of_the_frames_may_be_missing(derotated, ref_map):
    rng = np.random.default_rng(0)
    thinned = []
    for cube in derotated:
        kept = np.sort(rng.choice(180, 162, replace=False))
        thinned.append(TimeLagCube.from_array(cube.data[kept], ref_map, cube.times[kept]))
    bias, spread = errors(thinned, ref_map, refine="parabolic")
    assert bias < 8
    assert spread < 30


@pytest.mark.parametrize("frame", [0, 40, 89, 179])
def test_derotated_frames_are_those_of_sunpy_and_reproject(sequences, derotated, ref_map, frame):
    original = sequences[1][frame]
    image = original.data.compute().astype(float) / original.exposure_time.to_value(u.s)
    with propagate_with_solar_surface():
        expected = reproject_adaptive(
            (image, original.wcs),
            ref_map.wcs,
            ref_map.data.shape,
            roundtrip_coords=False,
            return_footprint=False,
        )
    ours = derotated[1][frame].data
    difference = np.abs(ours - expected) / np.nanmax(expected)
    print(f"frame {frame}: largest difference {np.nanmax(difference):.1e} of the maximum")
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    assert np.nanpercentile(difference, 99.9) < 2e-5
    assert np.nanmax(difference) < 2e-3
    target, plane = (PlaneWCS.from_wcs(m.wcs, m.data.shape) for m in (ref_map, original))
    derotation = Derotation(target)
    pixels = derotation.transformation(*derotation.sources([plane])).pixel_map
    flips = window_may_flip(pixels.rows(0, ref_map.data.shape[0]))
    assert flips.mean() < 0.01
    assert np.nanmax(difference[~flips]) < 2e-6
