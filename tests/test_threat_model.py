"""The threat model names the tests of its guarantees."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_promise_of_the_threat_model_names_tests_that_there_are():
    text = (ROOT / "docs/topics/security.rst").read_text()
    promises = text.partition("Guarantees\n")[2].partition("Limits of the guarantees\n")[0]
    there_are = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    items = re.split(r"^\d+\. ", promises, flags=re.MULTILINE)[1:]
    assert len(items) == 13
    for item in items:
        named = set(re.findall(r"``(test_\w+)``", item))
        assert named, item
        assert named <= there_are
