import copy
import operator
import pickle

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u
from astropy.time import Time

from helpers import no_compute
from sunpy_heliocloud.lazy.array import LazyArray
from sunpy_heliocloud.lazy.resampled import resample
from sunpy_heliocloud.lazy.sliced import SlicedArray, elementwise, in_bins, part_of_tasks

# In gaps and outside planes are NaN, which `test_resample_time` tests.
pytestmark = pytest.mark.filterwarnings("ignore:.* resampled planes are NaN")
SHAPE = 6, 5
EPOCH = Time("2018-05-29T12:00:00")


class CountedPlanes:
    """Planes that note which of them are made, and how many of their rows."""

    def __init__(self, planes):
        self.planes, self.shape, self.dtype, self.ndim = planes, planes.shape, planes.dtype, planes.ndim
        self.read = []

    def __getitem__(self, item):
        planes, rows, _ = (range(n)[i] for i, n in zip(item, self.shape, strict=True))
        self.read += [(plane, len(rows)) for plane in planes]
        return self.planes[item]


def lazy(planes):
    """A dask array of the planes, one a chunk, and what notes their reading."""
    counted = CountedPlanes(planes)
    return da.from_array(counted, chunks=(1, -1, -1), meta=planes[:0]), counted


def resampled(planes, times, new_times, gap, method):
    return resample(planes, EPOCH + times * u.s, EPOCH + new_times * u.s, gap * u.s, method)


def indices(length):
    """Integers, slices with steps forwards and backwards, lists and masks: what a cube or its data are indexed with."""
    masks = st.lists(st.booleans(), min_size=length, max_size=length).map(np.array)
    lists = st.lists(st.integers(-length, length - 1), min_size=1, max_size=4)
    return st.one_of(st.integers(-length, length - 1), st.slices(length), lists, masks)


def taken(array, *index):
    """One axis after the other, the last one first, so that lists mean what they do in dask."""
    for axis in reversed(range(len(index))):
        array = array[(slice(None),) * axis + (index[axis],)]
    return array


@st.composite
def series(draw):
    """Planes with gaps, jitter and missing pixels; new times on the grid, between it and outside."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    steps = draw(st.lists(st.sampled_from((1.0, 1.0, 1.0, 2.0, 5.0)), min_size=1, max_size=14))
    times = np.cumsum([0.0, *steps])
    if draw(st.booleans()):
        times[1:] += rng.uniform(-0.2, 0.2, times.size - 1)
    planes = rng.normal(size=(times.size, *SHAPE)).astype(draw(st.sampled_from(("f4", "f8"))))
    planes[rng.random(planes.shape) < draw(st.sampled_from((0, 0.2, 0.5)))] = np.nan
    planes[rng.random(times.size) < draw(st.sampled_from((0, 0.2)))] = np.nan  # frames that were lost
    start = draw(st.sampled_from((-1.5, 0.0, 0.3)))
    new_times = np.arange(start, times[-1] + 2, draw(st.sampled_from((0.4, 1.0, 2.5))))
    if draw(st.booleans()):
        new_times = np.unique(np.r_[new_times, times])
    gap = draw(st.sampled_from((0.0, 1.0, 2.1, 3.3, 9.0)))
    return planes, times, new_times, gap, draw(st.sampled_from(("linear", "mean", "nearest", "cubic")))


@given(given_series=series(), data=st.data())
def test_a_slice_of_a_resampled_array_is_bit_for_bit_the_slice_of_the_computed_whole(given_series, data):
    planes, times, new_times, gap, method = given_series
    assume_two = new_times.size > 1
    array = resampled(planes, times, new_times, gap, method if assume_two else "linear")
    whole = array.compute(scheduler="sync")
    index = tuple(data.draw(indices(n)) for n in array.shape)
    np.testing.assert_array_equal(taken(array, *index).compute(scheduler="sync"), taken(whole, *index))


@given(given_series=series(), data=st.data())
def test_slices_of_slices_and_what_arithmetic_and_functions_make_of_them_are_too(given_series, data):
    planes, times, new_times, gap, method = given_series
    array = resampled(planes, times, new_times, gap, method)
    whole = array.compute(scheduler="sync")
    operations = (
        lambda a: a * 2 + 1,
        lambda a: 3 - a / 0.7,
        lambda a: np.abs(-a),
        lambda a: a[1:] - a[:-1] if a.ndim and len(a) > 1 else a,
        lambda a: a * np.linspace(1, 2, a.shape[-1], dtype=a.dtype) if a.ndim else a,
        lambda a: a - a[[0]] if a.ndim else a,  # a base difference
        lambda a: np.square(a) % np.float32(3),
    )
    for _ in range(data.draw(st.integers(1, 3))):
        index = tuple(data.draw(indices(n)) for n in array.shape)
        if taken(whole, *index).size == 0 or not array.ndim:
            break
        operation = data.draw(st.sampled_from(operations))
        with np.errstate(invalid="ignore"):
            array, whole = operation(taken(array, *index)), operation(taken(whole, *index))
        assert isinstance(array, SlicedArray)
        np.testing.assert_array_equal(array.compute(scheduler="sync"), whole)


def test_a_list_may_repeat_the_only_plane_of_a_sum():
    data, _ = lazy(np.ones((2, *SHAPE), np.float32))
    one_plane = resampled(data, np.arange(2.0), np.array([0.5]), 2.1, "linear") * 2 + 1
    assert one_plane[[0, 0]].compute(scheduler="sync").shape == (2, *SHAPE)
    assert (one_plane[[0, 0], 1:3] - one_plane[:, 1:3]).compute(scheduler="sync").shape == (2, 2, 5)


def test_bins_of_a_slice_are_those_of_the_whole():
    rng = np.random.default_rng(2)
    planes = rng.normal(size=(12, 12, 9)).astype("f4")
    planes[3:5, 2:7] = np.nan
    data, counted = lazy(planes)
    array = resampled(data, np.arange(12.0), np.arange(0.25, 11, 0.5), 2.1, "linear")
    for operation in (np.mean, np.nanmean, np.nansum):
        binned = in_bins(array[1:21], (2, 3, 3), operation)
        assert binned.shape == (10, 4, 3)
        whole = binned.compute(scheduler="sync")
        for item in (np.s_[4], np.s_[2:5], np.s_[[7, 1, -1], 1:, ::-1], np.s_[::3, 2], np.s_[:, 1, 1]):
            np.testing.assert_allclose(binned[item].compute(scheduler="sync"), whole[item], rtol=1e-6)
    counted.read.clear()
    binned[4, 1].compute(scheduler="sync")
    # Bin 4 holds the times 4.75 and 5.25 s, and a sample may be missing.
    assert sorted(set(counted.read)) == [(plane, 3) for plane in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize(
    ("method", "item", "planes"),
    [
        ("linear", np.s_[20], [9, 10, 11, 12]),
        ("linear", np.s_[10:14], range(4, 9)),
        ("linear", np.s_[::15], [0, 1, 2, *range(6, 10), *range(14, 18), *range(21, 25)]),
        ("nearest", np.s_[-8], [24, 25, 26, 27]),
        ("cubic", np.s_[20], range(7, 15)),
        ("mean", np.s_[5], [1, 2, 3, 4]),
    ],
    ids=str,
)
def test_a_slice_in_time_reads_only_the_frames_that_its_values_can_depend_on(method, item, planes):
    data, counted = lazy(np.ones((30, *SHAPE), np.float32))
    array = resampled(data, np.arange(30.0), np.arange(0.25, 29, 0.5), 2.1, method)
    array[item].compute(scheduler="sync")
    assert sorted(set(counted.read)) == [(plane, SHAPE[0]) for plane in planes]
    counted.read.clear()
    (array[item] * 2 - 1)[..., 2].compute(scheduler="sync")
    assert sorted({plane for plane, _ in counted.read}) == list(planes)


def test_planes_in_long_gaps_and_outside_read_nothing():
    data, counted = lazy(np.ones((4, *SHAPE), np.float32))
    array = resampled(data, np.array([0.0, 1, 20, 21]), np.arange(-5.0, 30), 2.1, "linear")
    assert np.isnan(array[10:20].compute(scheduler="sync")).all()
    assert np.isnan(array[0, 2].compute(scheduler="sync")).all()
    assert counted.read == []
    assert np.isfinite(array[5:7].compute(scheduler="sync")).all()


def test_a_sliced_array_is_a_dask_array_in_everything_else():
    with no_compute():
        planes, _ = lazy(np.arange(30.0).reshape(10, 3, 1).astype("f4"))
        array = resampled(planes, np.arange(10.0), np.arange(0.5, 9), 2.1, "linear")
        assert array[...] is array
        assert array.astype("f4") is array
        assert array[2:4].name == array[1:][1:3].name != array[2:5].name
        assert part_of_tasks(array, np.s_[2:4]).dask.layers.keys() > array.dask.layers.keys()
    values = array.compute()
    for same in (pickle.loads(pickle.dumps(array)), array.copy()):
        assert isinstance(same, SlicedArray)
        assert same.name == array.name
    kept = array.persist()
    assert type(kept) is LazyArray
    np.testing.assert_array_equal(kept[3], values[3])
    np.testing.assert_array_equal(array.max(axis=0), values.max(axis=0))
    np.testing.assert_array_equal(array[:, None, 1], values[:, None, 1])
    np.testing.assert_array_equal(array[array > 5].compute(), values[values > 5])
    np.testing.assert_array_equal(array[2:2], values[2:2])
    np.testing.assert_array_equal(
        np.add(array, np.ones((2, 1, 1, 1), "f4")), values[None] + np.ones((2, 1, 1, 1))
    )
    np.testing.assert_array_equal(array.astype("f8")[2:5, 1], values.astype("f8")[2:5, 1])
    np.testing.assert_array_equal(elementwise(operator.add, 1, np.arange(3)), [1, 2, 3])
    with pytest.raises(IndexError):
        array[20]
    with pytest.raises(ValueError, match="broadcast|shapes"):
        array + np.ones((4, 4))


@pytest.mark.parametrize("chunks", [None, 3], ids=["one chunk of planes", "several"])
def test_several_slices_of_the_tasks_of_a_whole_read_it_once(chunks):
    data, counted = lazy(np.arange(20 * np.prod(SHAPE), dtype="f4").reshape(20, *SHAPE))
    array = resampled(data, np.arange(20.0), np.arange(0.5, 19), 2.1, "linear")
    expected = array.compute(scheduler="sync")
    counted.read.clear()
    array = array if chunks is None else array.rechunk((chunks, -1, -1))
    parts = part_of_tasks(array, np.s_[:10]), part_of_tasks(array, np.s_[5:])
    assert parts[0].name == part_of_tasks(array, np.s_[:10]).name
    first, second = da.compute(*parts, scheduler="sync")
    np.testing.assert_array_equal(first, expected[:10])
    np.testing.assert_array_equal(second, expected[5:])
    assert len(counted.read) == 20


def test_a_copy_has_the_same_tasks_and_is_changed_by_itself():
    data, counted = lazy(np.ones((5, *SHAPE), np.float32))
    array = resampled(data, np.arange(5.0), np.arange(0.5, 4), 2.1, "linear")
    for one in (array, copy.deepcopy(array)):
        copied = one.copy()
        assert copied.dask is array.dask
        copied[0] = 7
        assert (copied[0].compute(scheduler="sync") == 7).all()
        assert (array[0].compute(scheduler="sync") == 1).all()
