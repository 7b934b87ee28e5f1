"""The check of built pages finds what is wrong in them (tools/check_pages.py)."""

import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "check_pages.py"


@pytest.mark.skipif(not TOOL.exists(), reason="the package is installed without its sources")
def test_links_anchors_and_alternative_texts_of_pages_are_checked(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here">text</p><a href="b.html#there">1</a><a href="#here">2</a><a href="https://sunpy.org#x">3</a>'
        '<a href="b.html#nowhere">4</a><a href="c.html">5</a><img src="d.png"><img src="e.png" alt="">'
    )
    (tmp_path / "b.html").write_text('<p id="there">text</p>')
    assert runpy.run_path(str(TOOL))["problems"](tmp_path) == [
        "a.html: no alternative text: d.png",
        "a.html: no such anchor: b.html#nowhere",
        "a.html: no such page: c.html",
    ]
