"""Values along a path over time."""

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ndcube import NDCube
from scipy.ndimage import map_coordinates

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
START = Time("2018-05-29T18:00")
SCALE = 5 * u.arcsec
SHAPE = (40, 60)


def ref_map(shape=SHAPE, scale=SCALE):
    observed = sunpy.map.Map(*SUN.frame(171, START, shape=(20, 30)))
    middle = SkyCoord(-50 * u.arcsec, 100 * u.arcsec, frame=observed.coordinate_frame)
    header = sunpy.map.make_fitswcs_header(
        shape,
        middle,
        scale=u.Quantity([scale, scale]) / u.pix,
        instrument="AIA_3",
        telescope="SDO/AIA",
        wavelength=171 * u.AA,
    )
    return sunpy.map.Map(np.zeros(shape), header)


REF = ref_map()


def cube_of(data, minutes=2.0, lazy=True):
    times = START + np.arange(len(data)) * minutes * u.min
    data = da.from_array(np.asarray(data, "f4"), chunks=(3, 20, -1)) if lazy else data
    return TimeLagCube.from_array(data, REF, times, unit=u.DN)


def line(*pixels):
    x, y = np.array(pixels, float).T
    return REF.pixel_to_world(x * u.pix, y * u.pix)


@pytest.fixture(scope="module")
def cube():
    return cube_of(np.random.default_rng(0).normal(10, 1, (7, *SHAPE)))


def test_a_path_gives_a_lazy_ndcube_with_a_time_and_a_distance_axis(cube):
    with no_compute():
        along = cube.time_distance(line((5, 5), (45, 35)))
    assert isinstance(along, NDCube)
    assert along.shape == (7, 51)
    assert isinstance(along.data, da.Array)
    assert (along.unit, along.data.dtype) == (u.DN, np.float32)
    assert (along.times == cube.times).all()
    angle, length, times = along.axis_world_coords()
    np.testing.assert_allclose(angle.to_value(u.arcsec), np.arange(51) * 5, rtol=1e-6)
    np.testing.assert_allclose(along.distance, angle)
    np.testing.assert_allclose(along.length, length)
    assert abs(times - cube.times).max() < 1 * u.ms


def test_lengths_are_those_in_the_plane_of_the_sky(cube):
    along = cube.time_distance(line((5, 20), (55, 20)))
    expected = (along.distance * REF.dsun).to(u.Mm, u.dimensionless_angles())
    np.testing.assert_allclose(along.length.to_value(u.Mm), expected.value, rtol=1e-9)
    separation = line((5, 20), (55, 20))
    assert along.distance[-1].to_value(u.arcsec) == pytest.approx(
        separation[0].separation(separation[1]).to_value(u.arcsec), rel=1e-3
    )


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(1, 58), st.floats(1, 38)), min_size=2, max_size=4, unique=True))
def test_values_are_those_of_scipys_linear_interpolation_along_the_line(places):
    cube = cube_of(np.random.default_rng(1).normal(size=(2, *SHAPE)), lazy=False)
    vertices = np.array(places)
    steps = np.hypot(*np.diff(vertices, axis=0).T)
    if steps.sum() < 2:
        return
    along = cube.time_distance(line(*places))
    at = along.distance.to_value(u.arcsec) / 5
    reached = np.concatenate([[0], np.cumsum(steps)])
    x, y = (np.interp(at, reached, vertices[:, i]) for i in (0, 1))
    expected = [map_coordinates(plane.astype(float), [y, x], order=1) for plane in cube.data]
    np.testing.assert_allclose(along.data, expected, atol=2e-3)


def test_a_width_averages_across_the_path(cube):
    path = line((10, 20), (40, 20))
    narrow = [cube.time_distance(line((10, 20 + k), (40, 20 + k))).compute().data for k in (-2, -1, 0, 1, 2)]
    for width in (25 * u.arcsec, (25 * u.arcsec * REF.dsun).to(u.Mm, u.dimensionless_angles())):
        wide = cube.time_distance(path, width=width).compute()
        np.testing.assert_allclose(wide.data, np.mean(narrow, axis=0), rtol=1e-3)
    np.testing.assert_array_equal(cube.time_distance(path, width=5 * u.arcsec).compute().data, narrow[2])


def test_missing_pixels_and_what_lies_beside_the_image_are_missing():
    data = np.ones((3, *SHAPE))
    data[1, 20, 30] = np.nan
    cube = cube_of(data)
    along = cube.time_distance(line((10, 20), (75, 20))).compute().data
    assert np.isnan(along[1, 20])
    assert np.isfinite(along[[0, 2], :49]).all()
    assert np.isnan(along[:, 50:]).all()
    wide = cube.time_distance(line((10, 20), (50, 20)), width=15 * u.arcsec).compute().data
    assert np.isfinite(wide).all()


def test_lazy_and_in_memory_and_other_chunks_are_equal():
    data = np.random.default_rng(2).normal(size=(5, *SHAPE))
    path = line((3, 3), (20, 35), (55, 10))
    expected = cube_of(data.astype("f4"), lazy=False).time_distance(path, width=20 * u.arcsec)
    lazy = cube_of(data).time_distance(path, width=20 * u.arcsec)
    np.testing.assert_array_equal(lazy.compute().data, expected.data)
    other = cube_of(data).time_distance(path, width=20.5 * u.deg / 3600)
    assert lazy.data.name == cube_of(data).time_distance(path, width=20 * u.arcsec).data.name
    assert other.shape == lazy.shape


def test_only_the_chunks_around_the_path_are_needed():
    needed = []

    def block(block_id):
        needed.append(block_id)
        return np.ones((1, 10, 60), np.float32)

    data = da.map_blocks(
        block, chunks=((1,) * 4, (10,) * 4, (60,)), dtype="f4", meta=np.empty((0, 0, 0), "f4")
    )
    cube = TimeLagCube.from_array(data, REF, START + np.arange(4) * u.min)
    cube.time_distance(line((5, 12), (50, 17)))[1:3].compute()
    assert sorted(needed) == [(1, 1, 0), (2, 1, 0)]


@pytest.mark.parametrize("frame", ["heliographic_stonyhurst", "heliographic_carrington", "no observer"])
def test_a_path_is_taken_in_any_frame(cube, frame):
    path = line((10, 10), (40, 30))
    expected = cube.time_distance(path)
    if frame == "no observer":
        other = SkyCoord(path.Tx, path.Ty, frame="helioprojective")
    else:
        observer = {"observer": path.observer} if frame == "heliographic_carrington" else {}
        other = path.make_3d().transform_to(
            SkyCoord(0 * u.deg, 0 * u.deg, frame=frame, obstime=path.obstime, **observer).frame
        )
    again = cube.time_distance(other)
    np.testing.assert_allclose(again.distance.value, expected.distance.value, rtol=1e-4)
    np.testing.assert_allclose(again.compute().data, expected.compute().data, atol=0.05)


@pytest.mark.parametrize("speed", [60, 150], ids=["60 km/s", "150 km/s"])
def test_the_speed_of_a_travelling_disturbance_is_recovered(speed):
    path = line((4, 5), (55, 32))
    along = cube_of(np.zeros((1, *SHAPE)), lazy=False).time_distance(path)
    per_pixel = along.length[1].to_value(u.km)
    direction = np.array([51, 27]) / np.hypot(51, 27)
    y, x = np.indices(SHAPE)
    place = (x - 4) * direction[0] + (y - 5) * direction[1]
    n = int(0.8 * along.shape[1] * per_pixel / speed / 30)
    seconds = np.arange(n) * 30
    front = np.exp(-0.5 * ((place - (seconds[:, None, None] * speed / per_pixel)) / 3) ** 2)
    quiet = SUN.frame(171, START, shape=SHAPE)[0]
    found = cube_of(quiet + 3000 * front, minutes=0.5).time_distance(path, width=30 * u.arcsec).compute()
    excess = found.data - np.median(found.data, axis=0)
    crest = found.length[np.argmax(excess, axis=1)].to_value(u.km)
    when = (found.times - found.times[0]).to_value(u.s)
    inner = slice(n // 10, -n // 10)
    assert np.polyfit(when[inner], crest[inner], 1)[0] == pytest.approx(speed, rel=0.03)


def test_slices_bins_and_arithmetic_keep_their_coordinates(cube):
    along = cube.time_distance(line((5, 20), (44, 20)))
    part = along[2:6, 10:30:2]
    np.testing.assert_array_equal(part.distance, along.distance[10:30:2])
    assert (part.times == along.times[2:6]).all()
    assert (along[3].times, along[3].distance.size) == (along.times[3], 40)
    assert (along[:, 7].distance, along[:, 7].times.size) == (along.distance[7], 7)
    binned = along[:6].rebin((2, 4))
    np.testing.assert_allclose(binned.distance[0].value, along.distance[:4].mean().value)
    assert type(along * 2) is type(part) is type(binned) is type(along)
    assert (along * 2).distance[3] == along.distance[3]


def test_its_plot_has_dates_distance_colours_of_the_channel_and_a_bar(cube):
    along = cube.time_distance(line((5, 20), (44, 20)))
    axes = along.plot(clip_interval=(1, 99) * u.percent)
    axes.figure.canvas.draw()
    (mesh,) = axes.collections
    assert mesh.get_cmap().name == "sdoaia171"
    np.testing.assert_array_equal(mesh.get_array(), along.compute().data.T)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (UTC)", "distance along the path [arcsec]")
    assert "18:00" in [label.get_text() for label in axes.get_xticklabels()]
    assert axes.get_title() == "SDO AIA 171 Å"
    assert axes.figure.axes[-1].get_ylabel() == "DN"
    axes = along.plot(plt.figure().add_subplot(), unit=u.Mm, colorbar=False, cmap="gray", vmax=11)
    assert axes.get_ylabel() == "distance along the path [Mm]"
    assert axes.collections[0].get_clim()[1] == 11
    assert axes.get_ylim()[1] == pytest.approx(along.length[-1].value, rel=0.02)
    for one in (along[2], along[:, 5]):
        one.plot(axes=plt.figure().add_subplot()).figure.canvas.draw()


def test_gaps_in_time_are_drawn_as_gaps():
    times = START + np.array([0, 1, 2, 6, 7]) * u.min
    cube = TimeLagCube.from_array(np.ones((5, *SHAPE)), REF, times)
    axes = cube.time_distance(line((5, 20), (44, 20))).plot()
    values = axes.collections[0].get_array()
    assert values.shape == (40, 6)
    assert np.isnan(np.ma.filled(values, np.nan)[:, 3]).all()


def test_its_text_and_html_say_channel_path_and_steps(cube):
    along = cube.time_distance(line((5, 20), (44, 20)), width=10 * u.arcsec)
    with no_compute():
        text = str(along)
        assert "<table>" in along._repr_html_()
    assert "TimeDistance of shape (7, 40), float32, lazy" in text
    assert "Path:    40 points, 0 arcsec to 195 arcsec, 1" in text
    assert "along a path of 2 places, averaged over 10 arcsec" in text


def test_planes_of_their_own_are_to_be_derotated_first():
    maps = [sunpy.map.Map(*SUN.frame(171, START + i * u.min, shape=(20, 30))) for i in range(2)]
    with pytest.raises(ValueError, match="derotate"):
        LazyMapSequence(maps).to_cube().time_distance(line((5, 20), (44, 20)))
