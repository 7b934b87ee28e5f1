import operator

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.io.frame import ArrayFrame
from sunpy_heliocloud.lazy.array import LazyArray
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.steps import Plane
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

IMAGES = np.random.default_rng(0).normal(100, 10, (5, 12, 9)).astype(np.float32)


class CountingFrame(ArrayFrame):
    """A frame in memory that notes which rows it was asked for."""

    def decode(self, buffer, window, dtype):
        self.url.append(window.rows)
        return super().decode(buffer, window, dtype)


def frame_array(asked=None, *, steps=()):
    frames = [ArrayFrame(image) if asked is None else CountingFrame(image, url=asked) for image in IMAGES]
    return FrameArray(Recipe.whole([Plane(frame) for frame in frames], np.float32, steps=steps))


INDICES = st.one_of(
    st.integers(-5, 4),
    st.slices(5),
    st.lists(st.integers(-5, 4), min_size=1, max_size=4),
)


@given(
    planes=INDICES,
    rows=st.one_of(st.integers(-12, 11), st.slices(12)),
    columns=st.one_of(st.integers(-9, 8), st.slices(9)),
)
def test_indexing_gives_what_numpy_gives(planes, rows, columns):
    item = (planes, rows, columns)
    if isinstance(planes, list) and (isinstance(rows, int) or isinstance(columns, int)):
        item = (planes, slice(None), columns if isinstance(columns, slice) else slice(None))
    np.testing.assert_array_equal(frame_array()[item].compute(scheduler="sync"), IMAGES[item])


@pytest.mark.parametrize(
    "item", [np.s_[2], np.s_[1:3, 4:7, 2:5], np.s_[..., 3:5], np.s_[IMAGES[:, 0, 0] > 100], np.s_[:, None]]
)
def test_other_ways_of_indexing(item):
    np.testing.assert_array_equal(frame_array()[item].compute(), IMAGES[item])


def test_lists_along_two_axes_are_left_to_dask_which_takes_none():
    with pytest.raises(NotImplementedError):
        frame_array()[[0, 1], [2, 3]]
    with pytest.raises(IndexError):
        frame_array()[0, 0, 0, 0]
    with pytest.raises(IndexError):
        frame_array()[:, 12]


def test_rows_that_are_picked_narrow_the_window():
    asked = []
    picked = frame_array(asked)[1:3, [8, 5, 6]]
    np.testing.assert_array_equal(picked.compute(scheduler="sync"), IMAGES[1:3, [8, 5, 6]])
    assert asked == [(5, 9), (5, 9)]


def test_slices_and_scalars_keep_the_recipe():
    array = (frame_array()[1:4, 3:8] * 2 + 1)[0:2, 1:3, 4:]
    assert isinstance(array, FrameArray)
    assert array.recipe.rows == (4, 6)
    assert array.recipe.columns == (4, 9)
    np.testing.assert_array_equal(array.compute(), (IMAGES[1:4, 3:8] * 2 + 1)[0:2, 1:3, 4:])


def test_only_the_rows_of_the_window_are_read():
    asked = []
    frame_array(asked)[2:4, 5:8, 1].compute(scheduler="sync")
    assert asked == [(5, 8), (5, 8)]


@pytest.mark.parametrize(
    "operation", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
)
@pytest.mark.parametrize("operand", [2, 0.5, np.float64(3), np.int64(2)])
def test_arithmetic_with_scalars(operation, operand):
    array = frame_array()
    result = operation(array, operand)
    assert isinstance(result, FrameArray)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.compute(), operation(IMAGES, float(operand)), rtol=1e-6)
    reflected = operation(operand, array / 100)
    np.testing.assert_allclose(reflected.compute(), operation(float(operand), IMAGES / 100), rtol=1e-5)


def test_arithmetic_with_arrays_is_dask_s_own():
    array = frame_array() - IMAGES[:, :1]
    assert type(array) is LazyArray
    np.testing.assert_array_equal(array.compute(), IMAGES - IMAGES[:, :1])


def test_reductions_and_functions_are_right():
    array = frame_array()
    np.testing.assert_allclose(array.mean(axis=0).compute(), IMAGES.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(np.sqrt(array).compute(), np.sqrt(IMAGES))


def test_names_depend_on_everything_and_on_nothing_else():
    assert frame_array().name == frame_array().name
    others = [frame_array()[1:], frame_array()[:, 1:], frame_array() * 2, frame_array() * 3]
    assert len({array.name for array in [frame_array(), *others]}) == 5


def test_two_channels_can_be_stacked():
    first, second = frame_array(), frame_array() * 2
    np.testing.assert_array_equal(da.stack([first, second]).compute(), np.stack([IMAGES, 2 * IMAGES]))


def test_it_survives_pickling():
    from distributed.protocol.pickle import dumps, loads

    array = loads(dumps(frame_array()[1:3]))
    assert isinstance(array, FrameArray)
    np.testing.assert_array_equal(array.compute(), IMAGES[1:3])


# ---- bytes of real files


@pytest.fixture(scope="module")
def bucket():
    with LocalServer() as server:
        sun = SimulatedSun()
        written = write_bucket(
            server.url,
            sun,
            channels=(171,),
            n_frames=9,
            shape=(1000, 1000),
            storage_options=server.storage_options,
        )
        yield server, written.urls(171), written.size.to_value(u.byte) / 9


@pytest.fixture
def part(bucket):
    _, urls, _ = bucket
    return LazyMapSequence(urls)[4].submap([400, 500] * u.pix, width=200 * u.pix, height=200 * u.pix)


def test_building_the_whole_graph_reads_and_computes_nothing(bucket, part):
    server, urls, _ = bucket
    sequence = LazyMapSequence(urls)
    server.reset()
    with no_compute():
        cube = (sequence.to_cube() * 2)[1:].derotate_to(part).resample_time(4 * u.min)
        other = cube[2:, ::2, ::2].rebin((1, 1, 1))
        cube.time_lag(cube, lag_bounds=[-1, 1] * u.hour, min_correlation=0.1)
        cube.max_cross_correlation(cube)
        assert other.footprint.unit == u.dimensionless_unscaled
        assert "lazy" in str(cube)
    assert server.requests == 0


def test_opening_takes_one_request_a_frame_and_derotating_another(bucket, part):
    server, urls, size = bucket
    server.reset()
    sequence = LazyMapSequence(urls)
    assert server.requests == 9
    assert server.bytes_sent <= 9 * 65536
    server.reset()
    sequence.to_cube().derotate_to(part).compute()
    assert server.requests == 9
    # 201 of 1000 rows and a few around them, which are brighter than the mean row, so that they compress less.
    assert server.bytes_sent < 0.3 * 9 * size


def test_arithmetic_and_slices_before_derotation_cost_no_bytes(bucket, part):
    server, urls, size = bucket
    cube = LazyMapSequence(urls).to_cube()
    server.reset()
    (cube * 2 + 1 * cube.unit)[2:5].derotate_to(part).compute()
    assert server.requests == 3
    assert server.bytes_sent < 0.3 * 3 * size


def test_a_submap_reads_its_rows(bucket, part):
    server, _, size = bucket
    server.reset()
    part.data.compute()
    assert server.requests == 1
    assert server.bytes_sent < 0.3 * size


def test_functions_see_whole_images_unless_declared_pointwise(bucket, part):
    server, urls, size = bucket
    shapes = []

    def note_shape(data, header):
        shapes.append((data.shape, header["WAVELNTH"]))
        return data

    sequence = LazyMapSequence(urls)[:1]
    sequence.apply(note_shape).to_cube().derotate_to(part).compute()
    server.reset()
    sequence.apply(note_shape, pointwise=True).to_cube().derotate_to(part).compute()
    assert shapes[0] == ((1000, 1000), 171)
    assert shapes[1][0][0] < 230
    assert server.bytes_sent < 0.3 * size


def test_frames_in_even_tasks_of_at_most_four(bucket, part):
    _, urls, _ = bucket
    derotated = LazyMapSequence(urls).to_cube().derotate_to(part).data
    assert derotated.chunks[0] == (3, 3, 3)
    (optimized,) = dask.optimize(derotated)
    assert len(optimized.__dask_graph__()) == 3


def test_frames_in_even_tasks_of_at_most_as_many_as_asked_for(bucket, part):
    _, urls, _ = bucket
    cube = LazyMapSequence(urls).to_cube()
    with dask.config.set({"sunpy-heliocloud.frames-per-task": 7}):
        derotated = cube.derotate_to(part)
    assert derotated.data.chunks[0] == (4, 5)
    np.testing.assert_array_equal(derotated.compute().data, cube.derotate_to(part).compute().data)
    with (
        dask.config.set({"sunpy-heliocloud.frames-per-task": 0}),
        pytest.raises(ValueError, match="=0 must be"),
    ):
        cube.derotate_to(part)


def test_tasks_of_large_targets_are_bounded(bucket):
    first = LazyMapSequence(bucket[1])[0]
    header = first.meta.copy()
    for axis, n in (("2", first.data.shape[0]), ("1", first.data.shape[1])):
        header[f"CDELT{axis}"] *= n / 6000
        header[f"CRPIX{axis}"] = (header[f"CRPIX{axis}"] - 0.5) * 6000 / n + 0.5
    whole = sunpy.map.Map(np.broadcast_to(np.float32(0), (6000, 6000)), header)
    with no_compute():
        derotated = LazyMapSequence(bucket[1]).to_cube().derotate_to(whole)
    planes, rows, _ = derotated.data.chunks
    assert max(planes) * max(rows) * 6000 * 8 <= 256 * 2**20


def test_subtraction_is_part_of_the_reading(bucket):
    """Also of the cube from a number, for which ndcube asks for its negative."""
    cube = LazyMapSequence(bucket[1]).to_cube()
    rate = 5 * cube.unit
    with no_compute():
        for other in (-cube, rate - cube, cube - rate):
            assert isinstance(other.data, FrameArray)
    np.testing.assert_array_equal((rate - cube).data[0], 5 - cube.data[0].compute())


def test_maps_of_a_cube_s_planes(bucket):
    _, urls, _ = bucket
    plane = LazyMapSequence(urls).to_cube()[3, 100:120]
    assert isinstance(sunpy.map.Map(plane.data, plane.wcs).data, FrameArray)
