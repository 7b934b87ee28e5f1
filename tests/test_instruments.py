"""Every header and image of sunpy's test data says the same to a sequence as to sunpy's Map, or a comment says why not."""

import csv
import importlib.util
from pathlib import Path

import pytest

from sunpy.util.exceptions import SunpyUserWarning

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("instruments", ROOT / "tools" / "instruments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rows()


@pytest.mark.filterwarnings(f"ignore::{SunpyUserWarning.__module__}.{SunpyUserWarning.__qualname__}")
def test_no_difference_without_a_comment(table):
    assert len(table) > 80
    assert [line for line in table if line["differences"] and not line["comment"]] == []


def test_the_table_in_the_documentation_is_the_one_that_the_command_makes(table):
    with (ROOT / "docs" / "topics" / "instruments.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == table
