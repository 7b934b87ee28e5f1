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
    map_pencils,
)


def test_a_pencil_depends_on_one_pencil_of_each_cube():
    with no_compute():
        cubes = [da.ones((10, 600, 600), chunks=(1, 600, 600), dtype=np.float32) * k for k in (1, 2)]
        result = map_pencils(operator.add, *cubes, planes=10, dtype=np.float32)
    assert result.chunks[0] == (10,)
    assert result.numblocks[1:] == (4, 4)
    for task in dict(result.dask.layers[result.name]).values():
        assert len(task.dependencies) == 2


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
