import numpy as np
import pytest

from sunpy_heliocloud.metadata.table import header_table, is_selected, keyword_of

HEADERS = [
    {"QUALITY": 0, "EXPTIME": 2.0, "DATE-OBS": "2020-01-01", "OSCNMEAN": 1.5, "GOOD": True},
    {"QUALITY": 4, "EXPTIME": 3, "DATE-OBS": "2020-01-02T00:00", "OSCNMEAN": "nan", "EMPTY": None},
    {"EXPTIME": 1.0, "DATE-OBS": "2020", "OSCNMEAN": None, "LAST": "x", "QUALITY": None},
]


def test_columns_of_all_kinds():
    table = header_table(HEADERS)
    assert table.colnames == ["QUALITY", "EXPTIME", "DATE-OBS", "OSCNMEAN", "GOOD", "EMPTY", "LAST"]
    np.testing.assert_array_equal(table["EXPTIME"], [2, 3, 1])
    assert table["DATE-OBS"].tolist() == ["2020-01-01", "2020-01-02T00:00", "2020"]
    assert table["QUALITY"].mask.tolist() == [False, False, True]
    assert table["QUALITY"].dtype.kind == "i"
    assert table["OSCNMEAN"].tolist() == ["1.5", "nan", None]
    assert table["EMPTY"].mask.all()
    assert table["LAST"].tolist() == [None, None, "x"]
    assert len(table[1:]) == 2


def test_no_headers():
    assert len(header_table([])) == 0


@pytest.mark.parametrize(
    ("name", "keyword"),
    [("quality", "QUALITY"), ("date_obs", "DATE-OBS"), ("DATE-OBS", "DATE-OBS"), ("last", "LAST")],
)
def test_keywords_by_python_names(name, keyword):
    assert keyword_of(HEADERS, name) == keyword


def test_an_underscore_is_one_where_headers_have_it():
    assert keyword_of([*HEADERS, {"DATE_OBS": "2020"}], "date_obs") == "DATE_OBS"


def test_unknown_keyword():
    with pytest.raises(KeyError, match="no frame has the header keyword QUALTY; see .table.colnames"):
        keyword_of(HEADERS, "qualty")


@pytest.mark.parametrize(
    ("value", "condition", "expected"),
    [
        (0, 0, True),
        (1, 0, False),
        (2.0, lambda value: value > 1, True),
        (2, (2, 3), True),
        (3, (2, 3), True),
        (3.1, (2, 3), False),
        ("nan", (2, 3), False),
        (5.0, ("2020", "2021"), False),
        (171, [171, 193], True),
        (171, {193}, False),
        (3, range(3), False),
        ("LIGHT", "LIGHT", True),
        ("2020-02", ("2020-01", "2020-03"), True),
        (None, None, False),
        (None, lambda value: True, False),
    ],
)
def test_conditions(value, condition, expected):
    assert is_selected(value, condition) is expected
