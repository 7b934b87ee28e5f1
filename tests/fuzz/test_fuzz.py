"""A short run of each kind of fuzzing; `make fuzz` runs for longer. See fuzz/README.md."""

import contextlib

import numpy as np
import pytest

from fuzz import corpus
from fuzz.campaign import Worker, run_kind
from fuzz.fits_mutations import file_damaged, header_spans
from fuzz.oracle import Oracle
from fuzz.outcome import GOOD, of_error
from fuzz.targets.kinds import KINDS

INPUTS = 15


@pytest.fixture(scope="module")
def worker():
    with Worker() as worker:
        yield worker


@pytest.mark.parametrize("kind", KINDS)
def test_each_input_ends_in_an_error_that_says_so_or_in_the_right_values(kind, worker):
    tally = run_kind(kind, worker, seconds=300, seed=0, inputs=INPUTS, deepen=False)
    assert not tally.findings, "\n".join(
        f"{found.name}: {found.outcome}: {found.detail}" for found in tally.findings
    )
    assert tally.inputs == INPUTS
    assert set(tally.counts) <= set(GOOD)


def test_a_chain_of_seeds_makes_the_same_input_each_time():
    for _ in range(2):
        rng = np.random.default_rng(5)
        file = corpus.frame_file(0)
        made = [file := file_damaged(rng, file) for _ in range(20)]
        if _ == 0:
            first = made
    assert made == first


def test_headers_are_found_in_a_file():
    spans = header_spans(corpus.frame_file(0))
    assert [begin for begin, _ in spans] == [0, 2880]


def test_the_corpus_is_read_by_astropy():
    with contextlib.closing(Oracle()) as oracle:
        for name, file in corpus.fits_files().items():
            assert oracle.pixels(file).shape == corpus.SHAPE, name


def test_a_process_that_dies_is_a_finding(worker):
    worker.run("text", [1])
    worker._process.kill()
    assert worker.run("text", [2])["outcome"] == "crash"
    assert worker.run("text", [3])["outcome"] == "read"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError("s3://bucket/key cannot be read"), "clear error"),
        (TypeError("s3://bucket/key cannot be read"), "other error"),
        (ValueError("bad"), "no URL"),
        (OSError("s3://bucket/\x1b[2J"), "not inert"),
        (OSError("https://host/<script>"), "not inert"),
    ],
)
def test_errors_are_judged_by_type_and_message(error, name):
    assert of_error(error).name == name


def test_running_out_of_memory_is_a_finding_whatever_it_is_called():
    error = OSError("s3://bucket/key cannot be read")
    error.__cause__ = MemoryError()
    assert of_error(error).name == "over 1 GB"
