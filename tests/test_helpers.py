import os

import dask.array
import pytest

from helpers import no_compute, read_from


def test_no_compute_lets_graphs_be_built():
    with no_compute():
        total = dask.array.ones((4, 4), chunks=2).sum()
    assert total.compute() == 16


def test_no_compute_refuses_to_compute():
    with no_compute(), pytest.raises(AssertionError, match="stay lazy"):
        dask.array.ones(3).sum().compute()


def test_a_server_of_all_tests_is_the_endpoint_only_where_it_is_read_from(one_server):
    """Before, an address of Amazon led to it in each test that the same process happened to run later."""
    assert os.environ.get("AWS_ENDPOINT_URL_S3") != one_server.endpoint_url
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_from(one_server, monkeypatch)
        assert os.environ["AWS_ENDPOINT_URL_S3"] == one_server.endpoint_url
    assert os.environ.get("AWS_ENDPOINT_URL_S3") != one_server.endpoint_url
