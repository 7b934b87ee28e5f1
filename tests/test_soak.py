"""A short ``make soak``: the server of the frames fails, that of the store is away, the disk is full."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FRAMES = 32


@pytest.fixture(scope="module")
def soak():
    """The job, its result, and the server of its frames, which imports for seconds."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        job = import_module("soak_job")
        with import_module("faulty_server").serve() as server:
            expected = job.fingerprint(job.cube_of(server.urls(FRAMES)).compute())
            yield server, FRAMES, expected
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize(
    ("name", "options"),
    [("faults_of_the_server", {}), ("store_away", {"seconds_away": 1.0}), ("full_disk", {})],
)
def test_a_job_survives_what_is_injected_with_the_same_bits(soak, name, options):
    row = getattr(import_module("soak_servers"), name)(*soak, **options)
    if row.survived == "not tried":
        pytest.skip("no file system of its own for a process of this user")
    assert row.survived != "NO"
    assert row.bits == "same"
