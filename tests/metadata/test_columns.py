import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.metadata.columns import HeaderColumns, column

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("aé' ", max_size=5)
)
HEADERS = st.lists(st.dictionaries(st.sampled_from("ABCD"), VALUES), max_size=6)


def exactly(headers):
    """Values with their types: 1, 1.0 and True are not the same in a header."""
    return [{key: (value, type(value)) for key, value in header.items()} for header in headers]


@given(st.lists(HEADERS, min_size=1, max_size=3), st.data())
def test_headers_come_out_as_they_went_in(parts, data):
    headers = [header for part in parts for header in part]
    packed = HeaderColumns.concatenate([HeaderColumns.from_headers(part) for part in parts])
    assert exactly(packed) == exactly(headers)
    for keyword in "ABCDE":
        assert packed.column(keyword) == [header.get(keyword) for header in headers]
        assert column(headers, keyword) == column(packed, keyword)
    item = data.draw(st.slices(len(headers))) if headers else slice(None)
    assert exactly(packed[item]) == exactly(headers[item])
    order = data.draw(st.permutations(range(len(headers))))
    assert exactly(packed[np.array(order, dtype=int)]) == exactly([headers[i] for i in order])
    assert exactly(pickle.loads(pickle.dumps(packed))) == exactly(headers)


def test_what_all_share_is_kept_once():
    shared = {f"KEY{i}": f"the same in all, {i}" for i in range(150)}
    headers = [shared | {"EXPTIME": 2.0 + i, "T_OBS": f"2020-01-{i:02}"} for i in range(1, 29)]
    packed = HeaderColumns.from_headers(headers)
    assert len(pickle.dumps(packed)) < 1.5 * len(pickle.dumps(shared))
    assert packed[-1] == headers[-1]
    with pytest.raises(IndexError, match="no header 28 of 28"):
        packed[28]
