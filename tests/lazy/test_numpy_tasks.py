"""Tasks that call numpy: the same values, from fewer imports."""

import dask
import dask.array as da
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.lazy.numpy_tasks import calling_numpy, concatenated, joined, part


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), min_size=1, max_size=3), st.data())
def test_blocks_are_joined_as_they_lie(lengths, data):
    edges = [np.cumsum([0, *some]) for some in lengths]
    array = np.arange(np.prod([some[-1] for some in edges])).reshape([some[-1] for some in edges])
    array = array.astype(data.draw(st.sampled_from(["f4", ">i2", "?"])))
    counts = [len(some) for some in lengths]
    blocks = [
        array[tuple(slice(some[i], some[i + 1]) for some, i in zip(edges, place, strict=True))]
        for place in np.ndindex(*counts)
    ]
    np.testing.assert_array_equal(joined(blocks, counts), array)


def test_lists_are_concatenated_along_their_axes():
    array = np.arange(24).reshape(2, 3, 4)
    nested = [[array[:, j : j + 1, i : i + 2] for j in range(3)] for i in (0, 2)]
    np.testing.assert_array_equal(concatenated(nested, [2, 1]), array)


def test_a_small_part_does_not_keep_the_whole():
    whole = np.ones((4, 5))
    assert part(whole, 0).base is None
    assert part(whole, slice(1, 4)).base is whole
    assert part(whole, ([0, 2],)).shape == (2, 5)


def test_values_are_the_same_also_of_tasks_that_dask_has_joined():
    array = da.from_array(np.arange(360.0).reshape(5, 8, 9), chunks=(1, 3, 9))
    result = (array.rechunk((5, 2, 4))[1:, ::2, 3] + 1)[:, 1]
    for fuse in (None, True, False):
        with dask.config.set({"optimization.fuse.active": fuse}):
            keys = result.__dask_keys__()
            graph = calling_numpy(da.optimize(result.__dask_graph__(), keys))
            values = [dask.get(graph, [key])[0] for key in keys]
            np.testing.assert_array_equal(np.concatenate(values), result.compute())
