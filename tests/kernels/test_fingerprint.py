"""The hash of arrays in memory, from which names of dask arrays are made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.kernels import library
from sunpy_heliocloud.kernels.fingerprint import fingerprint
from sunpy_heliocloud.kernels.library import variants


# Of python-xxhash 3.5, which need not be installed.
@pytest.mark.parametrize("variant", variants())
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_fingerprints_are_those_of_xxh64(data, expected, variant, monkeypatch):
    monkeypatch.setattr(library, "_chosen", lambda: variants()[variant])
    assert fingerprint(np.frombuffer(data, np.uint8)) == expected


@given(st.binary(min_size=1, max_size=200), st.data())
def test_each_bit_counts(data, draw):
    changed = np.frombuffer(data, np.uint8).copy()
    before = fingerprint(changed)
    changed[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert fingerprint(changed) != before


def test_what_is_not_contiguous_has_the_fingerprint_of_its_copy():
    array = np.arange(60, dtype=np.float32).reshape(6, 10)
    assert fingerprint(array[::2, 1:7]) == fingerprint(array[::2, 1:7].copy())
