"""Fixtures of the tests of pictures."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _figures():
    yield
    plt.close("all")
