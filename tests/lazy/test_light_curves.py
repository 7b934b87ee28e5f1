import operator

import dask
import dask.array as da
import numpy as np
import pytest

from helpers import no_compute
from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.lazy.light_curves import (
    CorrelationOverLag,
    LagsAndCorrelations,
    ResampleTime,
)
from sunpy_heliocloud.lazy.pencils import map_pencils


def test_a_pencil_depends_on_one_pencil_of_each_cube():
    with no_compute():
        cubes = [da.ones((10, 600, 600), chunks=(1, 600, 600), dtype=np.float32) * k for k in (1, 2)]
        result = map_pencils(operator.add, *cubes, planes=10, dtype=np.float32)
    assert result.chunks[0] == (10,)
    for task in dict(result.dask.layers[result.name]).values():
        assert len(task.dependencies) == 2


@pytest.mark.parametrize(
    ("shape", "planes_of_a_chunk", "pencils"),
    [
        pytest.param((10, 600, 600), 4, (4, 1), id="few chunks"),
        pytest.param((10, 600, 600), 1, (10, 1), id="as many as chunks of planes"),
        pytest.param((40, 600, 600), 1, (16, 1), id="many chunks"),
        pytest.param((40, 60, 60), 1, (1, 1), id="few pixels"),
        pytest.param((10, 1, 60_000), 4, (1, 4), id="a time-distance diagram"),
        pytest.param((10, 60_000, 1), 4, (4, 1), id="an upright one"),
        pytest.param((720, 600, 600), 4, (32, 1), id="as many as memory needs"),
        pytest.param((20_000, 2, 1000), 100, (2, 3), id="rows that are longer than a pencil"),
    ],
)
def test_pencils_are_few_strips_of_rows(shape, planes_of_a_chunk, pencils):
    cube = da.ones(shape, chunks=(planes_of_a_chunk, -1, -1), dtype=np.float32)
    result = map_pencils(operator.neg, cube, planes=shape[0], dtype=np.float32)
    assert result.numblocks == (1, *pencils)
    assert max(np.diff(result.chunks[1][:-1]), default=0) == 0
    assert cube.nbytes / np.prod(cube.shape[1:]) * np.prod(result.chunksize[1:]) <= 32 * 2**20


def test_pencils_of_cubes_of_other_lengths_are_cut_once():
    short, long = (
        map_pencils(operator.neg, da.ones((n, 500, 500), chunks=(4, -1, -1)), planes=n, dtype=np.float64)
        for n in (12, 60)
    )
    assert short.chunks[1] != long.chunks[1]
    result = map_pencils(operator.add, short, long, planes=12, dtype=np.float64)
    assert result.chunks[1] == long.chunks[1]
    assert long.name in result.dask.dependencies[result.name]


def test_what_takes_long_is_shared_by_more_workers():
    cube = da.ones((10, 600, 600), chunks=(4, -1, -1), dtype=np.float32)
    pencils = map_pencils(operator.neg, cube, planes=10, dtype=np.float32)
    for one in (cube, pencils):
        assert map_pencils(operator.neg, one, planes=1, dtype=np.float32, is_slow=True).npartitions == 16


@pytest.mark.parametrize("n_in", [3600, 300])
def test_pencils_of_long_cubes_are_narrow(n_in):
    cube = da.ones((n_in, 300, 300), chunks=(1, 300, 300), dtype=np.float32)
    result = map_pencils(operator.neg, cube, planes=3600, dtype=np.float32)
    assert 3600 * result.chunks[1][0] * result.chunks[2][0] * 4 <= 64e6


def test_pencils_are_not_cut_again():
    cubes = [da.ones((180, 400, 400), chunks=(1, 400, 400), dtype=np.float32) * k for k in (1, 2)]
    pencils = [map_pencils(lambda a: a[1:], cube, planes=179, dtype=np.float32) for cube in cubes]
    result = map_pencils(operator.add, *pencils, planes=179, dtype=np.float32)
    assert result.chunks == pencils[0].chunks
    assert set(result.dask.layers) == set(pencils[0].dask.layers) | set(pencils[1].dask.layers) | {
        result.name
    }


def test_a_task_of_six_cubes_holds_as_much_as_one_of_two():
    cubes = [da.ones((180, 600, 600), chunks=(4, 600, 600), dtype=np.float32) * k for k in range(6)]
    pencils = [map_pencils(operator.neg, cube, planes=180, dtype=np.float32) for cube in cubes]
    for arrays in (cubes, pencils):
        result = map_pencils(lambda *some: sum(some), *arrays, planes=180, dtype=np.float32)
        held = 6 * 180 * max(result.chunks[1]) * max(result.chunks[2]) * 4
        assert held <= 1.25 * 2 * 32 * 2**20


def test_pencils_that_are_too_large_are_cut():
    cube = da.ones((3600, 100, 100), chunks=-1, dtype=np.float32)
    assert map_pencils(operator.neg, cube, planes=3600, dtype=np.float32).chunks[1][0] < 50


def test_pencils_of_much_that_is_made_or_of_long_numbers_are_cut():
    pencils = da.ones((100, 300, 300), chunks=(-1, 48, 48), dtype=np.float32)
    result = map_pencils(operator.neg, pencils, planes=9003, dtype=np.float32)
    assert 9003 * max(result.chunks[1]) * max(result.chunks[2]) * 4 <= 1.25 * 32 * 2**20
    result = map_pencils(operator.neg, pencils.rechunk((1, -1, -1)), planes=3600, dtype=np.float64)
    assert 3600 * max(result.chunks[1]) * max(result.chunks[2]) * 8 <= 1.25 * 32 * 2**20


def test_tokens_of_tasks_are_the_same_everywhere():
    tasks = [ResampleTime((0.0, 1.0), (0.5,), 2.0, method) for method in ("linear", "linear", "nearest")]
    tokens = [dask.base.tokenize(task) for task in tasks]
    assert tokens[0] == tokens[1] != tokens[2]
    how = Correlator(12.0, (-60.0, 60.0))
    assert dask.base.tokenize(LagsAndCorrelations(how)) == dask.base.tokenize(LagsAndCorrelations(how))
    assert dask.base.tokenize(CorrelationOverLag(how)) != dask.base.tokenize(LagsAndCorrelations(how))
