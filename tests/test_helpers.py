import dask.array
import pytest

from helpers import no_compute


def test_no_compute_lets_graphs_be_built():
    with no_compute():
        total = dask.array.ones((4, 4), chunks=2).sum()
    assert total.compute() == 16


def test_no_compute_refuses_to_compute():
    with no_compute(), pytest.raises(AssertionError, match="stay lazy"):
        dask.array.ones(3).sum().compute()
