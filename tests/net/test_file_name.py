"""Names of files: any text becomes one that every system can have."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sunpy_heliocloud.net.file_name import beside, distinct, folded, safe_name, shortened

TEXT = st.text(st.characters(), min_size=1, max_size=400)


@given(TEXT)
@example("..")
@example("CON")
@example("nul.fits")
@example("com1 .tar.gz")
@example(" .bashrc")
@example("a\xa0. ")
@example("\ud800")
def test_any_text_becomes_a_name_of_at_most_255_bytes_below_the_folder(text):
    name = shortened(safe_name(text), text)
    assert 0 < len(name.encode()) <= 255
    assert Path("/data", name).parent == Path("/data")
    assert name not in (".", "..")
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert not set(name) & set('/\\:*?"<>|')
    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for one in name)


@given(TEXT)
@example("a\xa0. ")
def test_names_stay_as_they_are_once_they_are_safe(text):
    name = shortened(safe_name(text), text)
    assert safe_name(name) == name
    assert shortened(name, "something else") == name


@given(TEXT, TEXT, TEXT)
def test_no_two_urls_share_a_distinct_name(text, url, other):
    name = distinct(safe_name(text), url)
    assert name == distinct(safe_name(text), url)
    assert len(name.encode()) <= 255
    assert (name == distinct(safe_name(text), other)) == (url == other)


@pytest.mark.parametrize("name", ["CON", "nul.fits", "Com1", "LPT9.tar.gz", "aux .fits", "prn", "COM²"])
def test_names_of_devices_are_none_of_files(name):
    assert safe_name(name) == f"_{name}"


@pytest.mark.parametrize(
    "name", ["aia.lev1.193A_2018-05-29T12.fits", "0 +ü%#~.fits", "console.fits", "日本.fits", "a.b.c"]
)
def test_names_that_all_systems_can_have_stay(name):
    assert shortened(safe_name(name), name) == name


def test_long_names_keep_their_suffix_and_stay_apart():
    names = {shortened(f"{'ü' * 200}{end}.fits.gz", f"{end}") for end in "ab"}
    assert len(names) == 2
    assert all(name.endswith(".fits.gz") and len(name.encode()) <= 255 for name in names)


def test_names_that_some_filesystem_takes_for_the_same():
    assert folded(Path("a/É.FITS")) == folded(Path("a/E\u0301.fits"))


def test_a_number_before_the_suffix_makes_a_name_new(tmp_path):
    for name in ("a.fits.gz", f"{'ü' * 125}.fits", "plain"):
        path = tmp_path / name
        assert beside(path) == path
        path.touch()
        beside(path).touch()
        assert len({path, beside(path), *tmp_path.iterdir()}) == len([*tmp_path.iterdir()]) + 1
    assert (tmp_path / "a.1.fits.gz").exists()
    assert (tmp_path / "plain.1").exists()
