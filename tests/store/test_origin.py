"""What an array was made from."""

import cloudpickle
import dask.array as da
import numpy as np

from helpers import no_compute
from sunpy_heliocloud.store import origin


def test_cubes_are_described_once_however_many_lags_are_handed_to_a_cluster(cubes, monkeypatch):
    described = []
    describe = origin._origin_of
    monkeypatch.setattr(origin, "_origin_of", lambda array: described.append(array) or describe(array))
    hot, cool = cubes["hot"] * 1, cubes["resampled"] * 1
    with no_compute():
        for result in (hot.time_lag(cool), cool.time_lag(hot), hot.time_lag(cool, detrend="linear")):
            cloudpickle.dumps(result)
    assert [sum(one is cube.data for one in described) for cube in (hot, cool)] == [1, 1]


def test_an_array_that_is_changed_in_place_is_described_again():
    array = da.zeros((4, 4), chunks=2)
    before = origin.origin_of(array)
    assert origin.origin_of(array) is before
    array[0, 0] = 1
    assert origin.origin_of(array) != before


def test_values_in_memory_are_hashed_each_time():
    array = np.zeros((2, 2))
    before = origin.origin_of(array)
    array[0, 0] = 1
    assert origin.origin_of(array) != before
