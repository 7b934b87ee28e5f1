import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest

import astropy.units as u
from astropy.time import Time

import sunpy.map
from sunpy.util.exceptions import SunpyUserWarning

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.plotting import PlanesOnDemand
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240 * u.s
SHAPE = (100, 100)


@pytest.fixture(scope="module")
def ref_map():
    return sunpy.map.Map(*SUN.frame(171, SUN.time, shape=SHAPE))


@pytest.fixture(scope="module")
def maps():
    return [sunpy.map.Map(*SUN.frame(171, time, shape=SHAPE)) for time in TIMES]


@pytest.fixture
def own_cube(maps):
    """A cube of frames, each with coordinates of its own."""
    return LazyMapSequence(maps).to_cube()


@pytest.fixture
def read():
    """The planes that were computed, in order."""
    return []


@pytest.fixture
def cube(ref_map, read):
    """A lazy cube on one grid that notes which planes are computed."""

    def make(block_id):
        read.append(block_id[0])
        return np.full((1, *SHAPE), block_id[0] + 1, np.float32)

    chunks = ((1,) * 6, (SHAPE[0],), (SHAPE[1],))
    data = da.map_blocks(make, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    return TimeLagCube.from_array(data, ref_map, TIMES, unit=u.DN / u.s)


def assert_same_place(a, b):
    """Two coordinates as seen by the same observer, up to rounding."""
    np.testing.assert_allclose([a.Tx.arcsec, a.Ty.arcsec], [b.Tx.arcsec, b.Ty.arcsec], atol=1e-6)


# ---- from_array


def test_from_array_takes_a_quantity(ref_map):
    cube = TimeLagCube.from_array(np.ones((6, *SHAPE)) * u.ct, ref_map, TIMES)
    assert (cube.unit, cube.data.dtype, cube.wavelength) == (u.ct, np.float32, 171 * u.AA)
    assert (cube.times == TIMES).all()
    assert cube.observatory == "SDO"
    assert cube.frames is None
    assert cube.exposure_time is None


def test_what_is_masked_is_missing(ref_map):
    """In memory and lazy."""
    values = np.ma.masked_less(np.arange(6.0 * 100 * 100).reshape(6, *SHAPE), 7)
    expected = values.filled(np.nan).astype(np.float32)
    for data in (values, da.from_array(values, chunks=50)):
        with no_compute():
            cube = TimeLagCube.from_array(data, ref_map, TIMES)
        assert cube.mask is None
        np.testing.assert_array_equal(cube.compute().data, expected)


def test_from_array_takes_what_numpy_and_sunpy_take(ref_map):
    data = np.ones((2, *SHAPE), int)
    for array in (data.tolist(), TimeLagCube.from_array(data, ref_map, TIMES[:2])):
        for times in (TIMES[:2].isot.tolist(), TIMES[:2].datetime):
            cube = TimeLagCube.from_array(array, ref_map, times)
            assert (cube.times == TIMES[:2]).all()
            assert cube.data.dtype == np.float32
    with pytest.raises(TypeError, match="ref_map must be a sunpy Map.*not 'x'"):
        TimeLagCube.from_array(data, "x", TIMES[:2])
    with pytest.raises(ValueError, match=r"times have shape \(2, 1\)"):
        TimeLagCube.from_array(data, ref_map, TIMES[:2].reshape(2, 1))


@pytest.mark.parametrize("shape", [(5, *SHAPE), (6, 99, 100), SHAPE])
def test_from_array_refuses_other_shapes(ref_map, shape):
    with pytest.raises(ValueError, match="ask for"):
        TimeLagCube.from_array(np.ones(shape), ref_map, TIMES)


def test_from_array_refuses_times_that_do_not_increase(ref_map):
    with pytest.raises(ValueError, match="sort the planes"):
        TimeLagCube.from_array(np.ones((6, *SHAPE)), ref_map, TIMES[::-1])


# ---- slicing, arithmetic, binning: class, times and laziness stay


@pytest.mark.parametrize(
    ("item", "shape", "times"),
    [
        (np.s_[2:5], (3, *SHAPE), TIMES[2:5]),
        (np.s_[::2, 10:20, ::5], (3, 10, 20), TIMES[::2]),
        (np.s_[1:, ..., 3], (5, 100), TIMES[1:]),
        (np.s_[-1], SHAPE, TIMES[-1]),
        (np.s_[3, 5:9], (4, 100), TIMES[3]),
        (np.s_[:, 7, 8], (6,), TIMES),
        (np.s_[1:5:2, 7, 8], (2,), TIMES[1:5:2]),
        (np.s_[2, 7], (100,), TIMES[2]),
        (np.s_[-3:, -50:-10], (3, 40, 100), TIMES[-3:]),
        (np.s_[3, -20::2], (10, 100), TIMES[3]),
    ],
)
def test_slices(cube, item, shape, times):
    with no_compute():
        sliced = cube[item]
    assert type(sliced) is TimeLagCube
    assert sliced.shape == shape
    assert np.all(sliced.times == times)
    assert (sliced.unit, sliced.wavelength) == (cube.unit, cube.wavelength)
    expected = np.broadcast_to(np.arange(1, 7, dtype=np.float32)[:, None, None], cube.shape)[item]
    np.testing.assert_array_equal(sliced.compute().data, expected)


def test_light_curves_can_be_sliced_again(cube):
    assert (cube[:, 7, 8][1::2].times == TIMES[1::2]).all()
    assert cube[2][5:10, ::3].shape == (5, 34)


@pytest.mark.parametrize(
    "item", [np.s_[::-1], np.s_[3:3], np.s_[6], np.s_[1.5], np.s_[None], np.s_[:, :, :, 0]]
)
def test_items_that_make_no_sense_are_refused(cube, item):
    with pytest.raises(IndexError):
        cube[item]


def test_a_plane_gives_a_map(cube, ref_map):
    plane = cube[3, 10:50, ::2]
    sliced = sunpy.map.Map(plane.data, plane.wcs)
    original = ref_map.pixel_to_world(4 * u.pix, 11 * u.pix)
    assert_same_place(sliced.pixel_to_world(2 * u.pix, 1 * u.pix), original)


def test_arithmetic(cube):
    with no_compute():
        changed = (cube * 2 + 3 * cube.unit) / (2 * u.s) - 1 * u.DN / u.s**2
    assert type(changed) is TimeLagCube
    assert changed.unit == u.DN / u.s**2
    assert changed.data.dtype == np.float32
    assert (changed.times == TIMES).all()
    np.testing.assert_allclose(changed[:, 0, 0].compute().data, (np.arange(1, 7) * 2 + 3) / 2 - 1)


def test_conversion_of_units(cube):
    assert (cube.to(u.DN / u.min)[2, 0, 0:1].compute().data == 180).all()


def test_rebin(cube):
    with no_compute():
        binned = cube.rebin((2, 50, -1))
    assert type(binned) is TimeLagCube
    assert binned.shape == (3, 2, 1)
    np.testing.assert_allclose((binned.times - TIMES[[0, 2, 4]]).to_value(u.s), 120)
    np.testing.assert_array_equal(binned.compute().data[:, 0, 0], [1.5, 3.5, 5.5])
    assert (binned[1:].rebin((2, 1, 1)).times - TIMES[3]).to_value(u.s)[0] == pytest.approx(120)


def test_bins_of_light_curves_and_planes(cube):
    """They keep times and a WCS that Maps take."""
    with no_compute():
        curve, distance, plane = cube[:, 7, 8].rebin((2,)), cube[:, 7].rebin((3, 10)), cube[3].rebin((10, 20))
    middles = TIMES[:2].mean()
    assert abs(curve.times[0] - middles) < 1 * u.ms
    assert curve.shape == curve.times.shape == (3,)
    assert (distance.shape, distance.times.shape) == ((2, 10), (2,))
    assert plane.times == TIMES[3]
    binned, whole = (sunpy.map.Map(one.compute().data, one.wcs).scale for one in (plane, cube[3]))
    assert abs(binned.axis1 / whole.axis1 - 20) < 1e-9
    assert abs(binned.axis2 / whole.axis2 - 10) < 1e-9
    np.testing.assert_array_equal(curve.compute().data, [1.5, 3.5, 5.5])


def test_pieces_of_a_cube(cube):
    pieces = cube.explode_along_axis(0)
    assert [piece.times for piece in pieces] == list(TIMES)


def test_cropping_by_place_and_time(cube, ref_map):
    corners = ref_map.pixel_to_world([20, 29] * u.pix, [40, 59] * u.pix)
    with no_compute():
        part = cube.crop((corners[0], TIMES[1]), (corners[1], TIMES[3]))
        curve = cube[:, 5, 5].crop((TIMES[2],), (TIMES[4],))
    assert (part.shape, curve.shape) == ((3, 20, 10), (3,))
    assert (curve.times == TIMES[2:5]).all()
    x, y, plane = cube.wcs.world_to_pixel(corners[0], TIMES[4])
    np.testing.assert_allclose([x, y, plane], [20, 40, 4], atol=1e-6)


def test_cubes_on_one_grid_are_combined(cube, ref_map, read):
    other = TimeLagCube.from_array(
        np.full((6, *SHAPE), 120), ref_map, TIMES, unit=u.DN / u.min, meta={"wavelength": 193 * u.AA}
    )
    with no_compute():
        results = [cube + other, cube - other, cube * other, cube / other]
    values = cube.compute().data
    for result, expected, unit in zip(
        results,
        [values + 2, values - 2, values * 120, values / 120],
        [cube.unit, cube.unit, cube.unit * other.unit, cube.unit / other.unit],
        strict=True,
    ):
        assert type(result) is TimeLagCube
        assert result.unit == unit
        assert (result.times == TIMES).all()
        assert result.wavelength is None  # they differ
        np.testing.assert_allclose(result.compute().data, expected, rtol=1e-6)
    assert (cube - cube).wavelength == cube.wavelength


def test_units_alone_scale(cube):
    with no_compute():
        assert (cube * u.s).unit == (u.s * cube).unit == u.DN
        assert (cube / u.s).data.dtype == np.float32


def test_numpy_is_given_the_values(cube, read):
    assert np.nanmean(cube) == 3.5
    assert sorted(read) == list(range(6))
    assert np.asarray(cube).dtype == np.float32


def test_equal_cubes_have_one_token(maps):
    def token(item=np.s_[:], **changes):
        cube = LazyMapSequence(maps).to_cube()[item]
        return dask.base.tokenize(cube)

    for item in (np.s_[:], np.s_[2], np.s_[:, 3, 4]):
        assert token(item) == token(item)
    assert len({token(item) for item in (np.s_[:], np.s_[1:], np.s_[2], np.s_[3], np.s_[:, 3, 4])}) == 5


def test_planes_of_their_own_are_not_binned_in_time(own_cube):
    with pytest.raises(ValueError, match="derotate_to"):
        own_cube.rebin((2, 1, 1))
    assert own_cube.rebin((1, 10, 10)).shape == (6, 10, 10)


# ---- plots


@pytest.mark.parametrize(
    ("item", "planes"),
    [(np.s_[3], [3]), (np.s_[:], [0]), (np.s_[:, 5, 5], list(range(6))), (np.s_[1:3, 5], [1, 2])],
    ids=["plane", "cube", "light curve", "time-distance"],
)
def test_a_plot_computes_each_plane_it_shows_once(cube, read, item, planes):
    figure = plt.figure()
    cube[item].plot()
    figure.savefig("/dev/null", format="png")
    assert sorted(read) == planes


@pytest.mark.parametrize("chunks", [(4, 2), (6,)])
def test_an_animation_computes_each_plane_once(ref_map, chunks):
    """Planes that come together are computed together, and kept."""
    computed = []

    def make(block_id):
        computed.append(block_id[0])
        return np.full((chunks[block_id[0]], *SHAPE), 1, np.float32)

    data = da.map_blocks(
        make, chunks=(chunks, *((n,) for n in SHAPE)), dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    shown = PlanesOnDemand(TimeLagCube.from_array(data, ref_map, TIMES).data)
    for plane in (0, 1, 2, 3, 4, 5, 4, 3, -1, 0):
        assert shown[plane, 3:5].shape == (2, 100)
    assert computed == list(range(len(chunks)))


def test_an_animation_keeps_no_more_than_memory_allows(monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.lazy.plotting._BLOCK_BYTES", 2 * 80)
    monkeypatch.setattr("sunpy_heliocloud.lazy.plotting._KEPT_BYTES", 4 * 80)
    data = da.from_array(np.arange(70.0).reshape(7, 10), chunks=(7, 10))
    shown = PlanesOnDemand(data)
    for plane in range(7):
        np.testing.assert_array_equal(shown[plane], np.arange(10) + 10 * plane)
    assert sorted(shown._blocks) == [(4, 6), (6, 7)]


# ---- dask collections


def test_compute_and_persist_keep_the_class(cube):
    computed, persisted = cube.compute(), cube.persist()
    assert isinstance(computed.data, np.ndarray)
    assert isinstance(persisted.data, da.Array)
    for result in (computed, persisted):
        assert type(result) is TimeLagCube
        assert (result.times == TIMES).all()
        assert result.unit == cube.unit


def test_several_cubes_are_computed_in_one_pass(cube, read):
    first, second = dask.compute(cube, cube * 2)
    assert sorted(read) == list(range(6))
    np.testing.assert_array_equal(second.data, 2 * first.data)


def test_computing_what_is_in_memory_changes_nothing(cube):
    computed = cube.compute()
    assert (computed.compute().data == computed.data).all()
    assert not dask.is_dask_collection(computed)


# ---- each plane's own coordinates, before derotation


def test_planes_have_their_own_coordinates(own_cube, maps):
    for i, expected in enumerate(maps):
        plane = own_cube[i]
        coordinate, original = (wcs.pixel_to_world(30, 40) for wcs in (plane.wcs, expected.wcs))
        assert coordinate.obstime == original.obstime == expected.reference_date
        assert_same_place(coordinate, original)
        assert coordinate.observer.separation_3d(original.observer) < 1 * u.m
        assert plane.times == own_cube.times[i]


def test_frames_follow_the_slices(own_cube):
    assert len(own_cube.frames) == 6
    assert (own_cube[1:5:2].frames["time"] == own_cube.times[1:5:2]).all()
    assert len(own_cube[4].frames) == 1
    assert u.allclose(own_cube.exposure_time, 2 * u.s, atol=0.01 * u.s)


# ---- resample_time


def test_resampling_needs_one_grid(own_cube):
    with pytest.raises(ValueError, match="derotate_to"):
        own_cube.resample_time(4 * u.min)


def test_cadence_alone_gives_whole_multiples(cube):
    resampled = cube[1:].resample_time(3 * u.min)
    assert resampled.times.isot.tolist() == [f"2018-05-29T18:{m:02d}:00.000" for m in (6, 9, 12, 15, 18)]
    np.testing.assert_allclose(resampled[:, 0, 0].compute().data, [2.5, 3.25, 4, 4.75, 5.5])
    assert type(resampled) is TimeLagCube
    assert resampled.unit == cube.unit


def test_nothing_is_extrapolated_and_long_gaps_stay(ref_map):
    times = TIMES[0] + [0, 60, 120, 480, 540] * u.s
    data = np.broadcast_to(np.arange(5.0)[:, None, None], (5, *SHAPE))
    cube = TimeLagCube.from_array(data, ref_map, times)
    wanted = TIMES[0] + [-30, 30, 300, 510, 570] * u.s
    with pytest.warns(SunpyUserWarning, match="3 of 5 resampled planes are NaN"):
        curve = cube.resample_time(times=wanted)[:, 3, 3].compute().data
    np.testing.assert_allclose(curve, [np.nan, 0.5, np.nan, 3.5, np.nan])
    bridged = cube.resample_time(times=wanted, max_gap=6 * u.min)[:, 3, 3].compute().data
    np.testing.assert_allclose(bridged, [np.nan, 0.5, 2.5, 3.5, np.nan])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either"),
        ({"cadence": 1 * u.min, "times": TIMES}, "give either"),
        ({"times": TIMES, "start": TIMES[0]}, "go with a cadence"),
        ({"cadence": -1 * u.min}, "positive"),
        ({"cadence": 1 * u.day}, "no multiple"),
        ({"cadence": 1 * u.min, "method": "spline"}, "unknown"),
    ],
)
def test_bad_resampling_is_refused(cube, arguments, message):
    with pytest.raises(ValueError, match=message):
        cube.resample_time(**arguments)


def test_start_and_stop_limit_the_grid(cube):
    resampled = cube.resample_time(2 * u.min, start="2018-05-29T18:05", stop=TIMES[2])
    assert resampled.times.isot.tolist() == ["2018-05-29T18:06:00.000", "2018-05-29T18:08:00.000"]


# ---- derotate_to


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dtype": int}, ValueError, "must be float32 or float64"),
        ({"algorithm": "interpolation", "order": 7}, ValueError, "order=7 must be 0"),
        ({"kernel_width": -1}, ValueError, "kernel_width=-1 must be a number of pixels above 0"),
        ({"sample_region_width": np.nan}, ValueError, "sample_region_width=nan"),
        ({"screen": "x"}, TypeError, "SphericalScreen or a PlanarScreen"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(own_cube, ref_map, options, error, message):
    with no_compute(), pytest.raises(error, match=message):
        own_cube.derotate_to(ref_map, **options)


def test_unknown_algorithm_is_refused(own_cube, ref_map):
    with pytest.raises(ValueError, match="adaptive, interpolation, exact"):
        own_cube.derotate_to(ref_map, algorithm="cubic")


def test_arguments_are_checked_before_anything_runs(own_cube, ref_map):
    with pytest.raises(TypeError, match="sunpy Map"):
        own_cube.derotate_to(ref_map.wcs)
    with pytest.raises(ValueError, match="howard, snodgrass, allen, rigid"):
        own_cube.derotate_to(ref_map, rotation_model="solid")
    with pytest.raises(TypeError, match="height"):
        own_cube.derotate_to(ref_map, height=30)
    for arguments in ({"cadence": 4}, {"cadence": 4 * u.m}, {"cadence": 4 * u.min, "max_gap": 9}):
        with pytest.raises(u.UnitTypeError, match="must be a time with its unit"):
            own_cube.derotate_to(ref_map).resample_time(**arguments)


def test_derotation_needs_three_axes(own_cube, ref_map):
    with pytest.raises(ValueError, match="3:4"):
        own_cube[:, 4].derotate_to(ref_map)


def test_derotated_cube_is_on_the_grid_of_the_map(own_cube, ref_map):
    part = ref_map.submap([20, 30] * u.pix, width=40 * u.pix, height=25 * u.pix)
    with no_compute():
        derotated = own_cube.derotate_to(part)
    assert derotated.shape == (6, *part.data.shape)
    assert derotated.data.dtype == np.float32
    assert (derotated.unit, derotated.wavelength, derotated.observatory) == (u.DN / u.s, 171 * u.AA, "SDO")
    assert (derotated.times == own_cube.times).all()
    coordinate = derotated[4].wcs.pixel_to_world(3, 5)
    assert coordinate.obstime == part.reference_date
    assert_same_place(coordinate, part.wcs.pixel_to_world(3, 5))


@pytest.mark.parametrize("algorithm", ["adaptive", "interpolation", "exact"])
def test_derotating_frames_or_their_pixels_is_the_same(own_cube, ref_map, algorithm):
    part = ref_map.submap([30, 40] * u.pix, width=20 * u.pix, height=20 * u.pix)
    lazily = own_cube.derotate_to(part, algorithm=algorithm).compute().data
    in_memory = own_cube.compute().derotate_to(part, algorithm=algorithm).compute().data
    np.testing.assert_array_equal(lazily, in_memory)
    assert np.isfinite(lazily).all()


def test_arithmetic_before_derotation_stays_right(own_cube, ref_map):
    part = ref_map.submap([30, 40] * u.pix, width=20 * u.pix, height=20 * u.pix)
    plain = own_cube.derotate_to(part).compute().data
    changed = (own_cube * 3 + 2 * own_cube.unit).derotate_to(part).compute().data
    np.testing.assert_allclose(changed, 3 * plain + 2, rtol=1e-5)


def test_slicing_before_derotation_is_the_same_where_the_slice_reaches(own_cube, ref_map):
    part = ref_map.submap([40, 45] * u.pix, width=10 * u.pix, height=10 * u.pix)
    whole = own_cube.derotate_to(part).compute().data
    sliced = own_cube[1:5, 35:70, 30:65].derotate_to(part).compute()
    np.testing.assert_allclose(sliced.data, whole[1:5], rtol=1e-6)
    assert (sliced.times == own_cube.times[1:5]).all()


def test_derotating_twice_is_derotating(own_cube, ref_map):
    small = ref_map.submap([30, 30] * u.pix, width=30 * u.pix, height=30 * u.pix)
    twice = own_cube.derotate_to(ref_map).derotate_to(small, algorithm="interpolation").compute().data
    once = own_cube.derotate_to(small).compute().data
    np.testing.assert_allclose(twice, once, rtol=0.02)


def test_off_disk_pixels_are_nan_or_on_a_screen(own_cube, ref_map):
    from sunpy.coordinates import SphericalScreen

    corner = ref_map.submap([0, 0] * u.pix, width=12 * u.pix, height=12 * u.pix)
    assert np.isnan(own_cube.derotate_to(corner).compute().data).all()
    screen = SphericalScreen(ref_map.observer_coordinate, only_off_disk=True)
    derotated = own_cube.derotate_to(corner, screen=screen).compute()
    assert np.isfinite(derotated.data[:, 4:, 4:]).all()
    assert (derotated.footprint.compute().data == np.isfinite(derotated.data)).all()


def test_the_fraction_of_valid_input(maps, ref_map):
    """Beside a missing pixel the frame is missing as far as the kernel reaches, and its footprint says how much of it."""
    data = maps[0].data.astype(float)
    data[50, 50] = np.nan
    cube = LazyMapSequence([sunpy.map.Map(data, maps[0].meta), maps[3]]).to_cube()
    with no_compute():
        derotated, fraction = cube.derotate_to(ref_map), cube.footprint.derotate_to(ref_map)
    assert isinstance(cube.footprint.data, FrameArray)
    derotated, fraction = dask.compute(derotated, fraction)
    on_disk = np.isfinite(fraction.data)
    assert (np.isnan(derotated.data[on_disk]) == (fraction.data[on_disk] < 1 - 1e-6)).all()
    partly = fraction.data[0][on_disk[0]]
    assert 4 < np.count_nonzero(partly < 1 - 1e-6) < 30
    assert 0.2 < partly.min() < 0.9


def test_higher_features_move_faster(own_cube, ref_map):
    # A frame of later: what lies higher has moved farther west, so it is brought farther back east.
    later = LazyMapSequence(
        sunpy.map.Map(*SUN.frame(171, SUN.time + 12 * u.hour, shape=(400, 400)))
    ).to_cube()
    reference = sunpy.map.Map(*SUN.frame(171, SUN.time, shape=(400, 400)))
    x = np.arange(400)
    at_surface, above = (
        later.derotate_to(reference, height=h).compute().data[0] for h in (0 * u.Mm, 30 * u.Mm)
    )
    region = np.s_[220:260, 150:210]
    center_at_surface, center_above = (
        (image[region] * x[region[1]]).sum() / image[region].sum() for image in (at_surface, above)
    )
    assert 0.2 < center_at_surface - center_above < 1.5


def test_options_of_algorithms_reach_the_kernels(own_cube, ref_map):
    part = ref_map.submap([30, 40] * u.pix, width=20 * u.pix, height=20 * u.pix)
    plain = own_cube.derotate_to(part).compute().data
    wide = own_cube.derotate_to(part, kernel_width=3, sample_region_width=8).compute().data
    assert np.std(wide) < np.std(plain)
    cubic, nearest = (
        own_cube.derotate_to(part, algorithm="interpolation", order=order).compute().data for order in (3, 0)
    )
    assert np.abs(cubic - nearest).max() > 0
    with pytest.raises(ValueError, match="'adaptive' has no option order; it has kernel_width"):
        own_cube.derotate_to(part, order=3)


def test_float64_on_request(own_cube, ref_map):
    part = ref_map.submap([30, 40] * u.pix, width=20 * u.pix, height=20 * u.pix)
    single, double = (own_cube.derotate_to(part, dtype=dtype).compute().data for dtype in ("f4", "f8"))
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-6)
    assert (single != double).any()


def test_light_travels_longer_to_a_farther_observer(maps, ref_map):
    """A frame from 0.7 au shows what is seen at 1 au two and a half minutes later."""
    near = []
    for m in maps:
        m = sunpy.map.Map(m.data, {k: v for k, v in m.meta.items() if not k.startswith("hae")})
        m.meta["dsun_obs"] *= 0.7
        near.append(m)
    cube = LazyMapSequence(near).to_cube()
    derotated = cube.derotate_to(ref_map)
    expected = 0.3 * ref_map.dsun.to_value(u.au) * 499.005
    np.testing.assert_allclose((derotated.times - cube.times).to_value(u.s), expected, atol=0.1)
    assert "at the reference map's observer" in derotated.meta["light_travel"]
    assert (derotated.frames["time"] == cube.times).all()


def test_an_image_that_is_upside_down_is_turned_to_the_map(maps, ref_map):
    """As HMI's are, whose headers know it."""
    upside_down = []
    for m in maps:
        crpix = {f"crpix{i}": 101 - m.meta[f"crpix{i}"] for i in (1, 2)}
        upside_down.append(sunpy.map.Map(m.data[::-1, ::-1], dict(m.meta) | crpix | {"crota2": 180.0}))
    part = ref_map.submap([30, 40] * u.pix, width=20 * u.pix, height=20 * u.pix)
    expected, turned = (LazyMapSequence(s).to_cube().derotate_to(part).compute() for s in (maps, upside_down))
    np.testing.assert_allclose(turned.data[1:], expected.data[1:], rtol=1e-4)


# ---- what one sees


def test_repr_says_what_a_scientist_asks_first(own_cube, ref_map):
    text = str(own_cube)
    for part in (
        "TimeLagCube",
        "(6, 100, 100)",
        "float32",
        "lazy",
        "171",
        "2018-05-29T18:00:00",
        "DN / s",
        "each frame its own",
    ):
        assert part in text
    assert "derotated to 2018-05-29T18:00:00" in str(own_cube.derotate_to(ref_map))


def test_times_of_observation_survive_everything(own_cube, ref_map):
    assert isinstance(own_cube.times, Time)
    chained = (own_cube.derotate_to(ref_map) * 2)[1:].rebin((1, 10, 10))[::2]
    assert (chained.times == own_cube.times[1::2]).all()
