"""A header that finds keywords in any case, and is a dictionary otherwise."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.metadata.header import AnyCaseHeader

KEYWORDS = st.text("abAB1-_", min_size=1, max_size=3)


@given(st.dictionaries(KEYWORDS, st.integers()), st.dictionaries(KEYWORDS, st.integers()), KEYWORDS)
def test_it_is_a_dictionary_of_keywords_in_upper_case(first, second, keyword):
    def upper(header):
        return {key.upper(): value for key, value in header.items()}

    header, expected = AnyCaseHeader(first), upper(first)
    assert header == expected
    assert (keyword in header) == (keyword.upper() in expected)
    assert header.get(keyword) == expected.get(keyword.upper())
    assert header | second == expected | upper(second)
    assert second | header == upper(second) | expected
    assert isinstance(header | second, AnyCaseHeader)
    header.update(second)
    assert header == expected | upper(second)
    header[keyword] = 5
    assert header[keyword.lower()] == header.pop(keyword.swapcase()) == 5
    assert header.pop(keyword, None) is None
    assert header.setdefault(keyword, 3) == 3
    del header[keyword.upper()]
    header |= first
    assert pickle.loads(pickle.dumps(header)) == header.copy() == header
    assert type(header.copy()) is AnyCaseHeader


def test_what_is_not_there():
    header = AnyCaseHeader({"a": 1})
    assert 5 not in header
    with pytest.raises(KeyError):
        header["b"]
    header.clear()
    assert not header
