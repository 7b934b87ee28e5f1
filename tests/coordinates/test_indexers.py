import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.coordinates.indexers import At, Picked, Stretch, axis_indexer, expanded, items

LENGTH = 9
VALUES = np.arange(LENGTH)
INDICES = st.one_of(
    st.integers(-LENGTH, LENGTH - 1),
    st.slices(LENGTH),
    st.lists(st.integers(-LENGTH, LENGTH - 1)),
    st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH).map(np.array),
)


@given(INDICES)
def test_an_indexer_takes_what_the_index_takes(index):
    indexer = axis_indexer(index, LENGTH)
    expected = VALUES[index if not isinstance(index, list) else np.array(index, int)]
    np.testing.assert_array_equal(VALUES[indexer.item], expected)
    np.testing.assert_array_equal(list(indexer.positions), np.atleast_1d(expected))
    assert indexer.keeps_axis == (expected.ndim == 1)


@given(INDICES)
def test_of_the_span_the_rest_takes_the_same(index):
    indexer = axis_indexer(index, LENGTH)
    if indexer.span is None:
        assert len(indexer.positions) == 0
    else:
        rest = indexer.within_span()
        np.testing.assert_array_equal(VALUES[slice(*indexer.span)][rest.item], VALUES[indexer.item])
        assert rest.span == (0, indexer.span[1] - indexer.span[0])


def test_kinds_of_indexers():
    assert axis_indexer(-1, 5) == At(4)
    assert axis_indexer(slice(1, None, 2), 5) == Stretch(1, 2, 2)
    assert axis_indexer([3, -5], 5) == axis_indexer(np.array([3, 0]), 5) == Picked((3, 0))
    assert axis_indexer(np.array([True, False, True]), 3) == Picked((0, 2))
    assert At(3).with_axis() == Stretch(3, 1)


@pytest.mark.parametrize("index", [None, True, np.True_, 1.0, "x", [[0, 1]], [0.5], (0, 1), np.array(True)])
def test_what_is_no_index_of_an_axis(index):
    with pytest.raises(TypeError, match="no index of one axis"):
        axis_indexer(index, 5)


@pytest.mark.parametrize("index", [5, -6, [0, 5], np.array([True])])
def test_what_is_out_of_bounds(index):
    with pytest.raises(IndexError):
        axis_indexer(index, 5)


def test_items_are_expanded_to_all_axes():
    whole = slice(None)
    assert expanded(2, 3) == (2, whole, whole)
    assert expanded((..., 2), 3) == (whole, whole, 2)
    assert expanded((1, ..., 2), 3) == (1, whole, 2)
    assert expanded((1, 2, 3, ...), 3) == (1, 2, 3)
    assert items([At(1), Stretch(0, 2)]) == (1, slice(0, 2, 1))
    with pytest.raises(IndexError, match="4 indices for 3 axes"):
        expanded((0, 0, 0, 0), 3)
