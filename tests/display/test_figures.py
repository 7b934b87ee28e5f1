"""Figures as a reader sees them, compared with pictures that were looked at.

``python -m pytest tests/display/test_figures.py --mpl-generate-path=tests/display/baseline`` makes the pictures again, to be
looked at once more. The tolerance is that of other fonts and of antialiasing in other versions of matplotlib; a missing
colour bar, other colours or axes exceed it (a test below says so).
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

pytest.importorskip("pytest_mpl", reason="figures are compared by pytest-mpl")
TOLERANCE = 18
like_before = pytest.mark.mpl_image_compare(
    baseline_dir="baseline", tolerance=TOLERANCE, savefig_kwargs={"dpi": 50}, style="default"
)
SUN = SimulatedSun(noise=False)
SHAPE = (24, 32)


@pytest.fixture(scope="module")
def cube():
    maps = [sunpy.map.Map(*SUN.frame(171, SUN.time + i * 4 * u.min, shape=(100, 100))) for i in range(4)]
    corner = SkyCoord(-400 * u.arcsec, 0 * u.arcsec, frame=maps[2].coordinate_frame)
    region = maps[2].submap(corner, width=600 * u.arcsec, height=500 * u.arcsec)
    return LazyMapSequence(maps).to_cube().derotate_to(region).compute()


@pytest.fixture(scope="module")
def pair():
    """Two channels whose lag goes from -24 to 24 minutes along rows."""
    seconds, delay = np.arange(120) * 240.0, np.linspace(-1440, 1440, SHAPE[1])
    maps = [sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)) for channel in (193, 171)]
    cubes = []
    for one, late in zip(maps, (0, 1), strict=True):
        phase = (seconds[:, None, None] - late * delay) * np.ones((1, SHAPE[0], 1))
        light = 2 + np.sin(phase / 900) + np.sin(phase / 1330 + 1) + np.sin(phase / 2100 + 2)
        cubes.append(TimeLagCube.from_array(light, one, SUN.time + seconds * u.s))
    return cubes


@like_before
def test_a_plane_has_the_colours_of_its_channel_and_a_colour_bar(cube):
    return cube[2].plot(limb=True, grid=True, clip_interval=(1, 99.5) * u.percent).figure


@like_before
def test_a_light_curve_has_dates(cube):
    return cube[:, 10, 10].plot().figure


@like_before
def test_a_difference_is_blue_and_red(cube):
    return cube.difference(base=0)[2].plot().figure


@like_before
def test_a_lag_map_says_which_channel_leads(pair):
    lag = pair[0].time_lag(pair[1], lag_bounds=[-1, 1] * u.hour, at_bounds="keep")
    return lag.plot(vmin=-30 * u.min, vmax=30 * u.min).figure


@like_before
def test_a_histogram_of_lags_has_zero_in_the_middle_of_a_bin(pair):
    lag = pair[0].time_lag(pair[1], lag_bounds=[-1, 1] * u.hour, at_bounds="keep")
    return lag.plot_histogram(plt.figure().subplots(), bin_width=4 * u.min).figure


@like_before
def test_a_pixel_marks_its_maximum_and_chance(pair):
    return pair[0].cross_correlation(pair[1], lag_bounds=[-1, 1] * u.hour)[:, 4, 24].plot(trials=39).figure


@like_before
def test_a_path_over_time_has_both_axes(cube):
    path = SkyCoord([-300, 100] * u.arcsec, [100, 400] * u.arcsec, frame=cube[0].to_map().coordinate_frame)
    return cube.time_distance(path).plot(unit=u.Mm).figure


def test_a_missing_colour_bar_exceeds_the_tolerance(cube, tmp_path):
    from matplotlib.testing.compare import compare_images

    for name, colorbar in (("with", True), ("without", False)):
        figure = cube[2].plot(axes=plt.figure().add_subplot(projection=cube[2]), colorbar=colorbar).figure
        figure.savefig(tmp_path / f"{name}.png", dpi=50)
    assert compare_images(tmp_path / "with.png", tmp_path / "without.png", tol=TOLERANCE) is not None
