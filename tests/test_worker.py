"""What a worker has to import before its first frame: neither astropy nor sunpy, which take seconds."""

import json
import operator
import pickle
import subprocess
import sys
from collections.abc import Mapping

import dask
import numpy as np
import pytest

import astropy.units as u

from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import write_bucket

HEAVY = (
    *(
        "astropy",
        "dask.array",
        "dask_gateway",
        "llvmlite",
        "matplotlib",
        "ndcube",
        "numba",
        "pandas",
        "reproject",
    ),
    *("s3fs", "scipy.ndimage", "sunpy", "xarray"),
)


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    write_bucket(str(folder), channels=(193, 171), n_frames=6, shape=(100, 100), processes=1)
    files = {channel: sorted(map(str, folder.rglob(f"{channel:04d}/*.fits"))) for channel in (193, 171)}
    return {channel: LazyMapSequence(paths) for channel, paths in files.items()}


@pytest.fixture(scope="module")
def ref_map(sequences):
    return sequences[171].nearest("2018-05-29T18:00").submap([30, 30] * u.pix, top_right=[60, 60] * u.pix)


def imported_by(work, code, path):
    """What a new process prints that unpickles some work, and which heavy packages it has imported then."""
    path.write_bytes(work)
    code = f"""
import json, pickle, sys
with open({str(path)!r}, "rb") as file:
    work = pickle.load(file)
result = {code}
print(json.dumps([result, sorted(set({HEAVY}) & set(sys.modules))]))
"""
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def graph_of(cube):
    keys = cube.__dask_keys__()
    return dict(cube.__dask_optimize__(cube.__dask_graph__(), keys)), keys


def test_tasks_import_neither_sunpy_nor_astropy_nor_dask_array_nor_a_compiler(sequences, ref_map, tmp_path):
    cubes = [part.to_cube().derotate_to(ref_map).resample_time(240 * u.s) for part in sequences.values()]
    lag = cubes[0].time_lag(cubes[1])
    code = "__import__('dask.local').local.get_sync(*work)[0][0][0].shape"
    shape, imported = imported_by(pickle.dumps(graph_of(lag)), code, tmp_path / "work")
    assert tuple(shape) == lag.shape
    assert imported == []


@pytest.mark.parametrize("algorithm", ["adaptive", "interpolation", "exact"])
def test_unpickling_a_task_imports_neither_sunpy_nor_astropy_nor_a_compiler(
    sequences, ref_map, tmp_path, algorithm
):
    frames = sequences[171].apply(operator.itemgetter).to_cube() * 2
    arrays = TimeLagCube.from_array(np.zeros((2, 31, 31)), ref_map, ["2018-05-29T18:00", "2018-05-29T18:04"])
    # Arrays of dask are read by functions of dask.array.
    for cube, needed in ((frames, set()), (arrays, {"dask.array", "pandas", "xarray"})):
        derotated = cube.derotate_to(ref_map, algorithm=algorithm, height=1 * u.Mm)
        _, imported = imported_by(pickle.dumps(graph_of(derotated)), "len(work)", tmp_path / "work")
        assert set(imported) <= needed


@pytest.mark.parametrize("kind", ["derotated", "lag", "all pairs"])
def test_workers_are_given_no_cube_to_put_results_together(sequences, ref_map, tmp_path, kind):
    cubes = [part.to_cube().derotate_to(ref_map).resample_time(240 * u.s) for part in sequences.values()]
    options = {"at_bounds": "keep"}
    whole = {
        "derotated": lambda: cubes[0],
        "lag": lambda: cubes[0].time_lag(cubes[1], **options),
        "all pairs": lambda: time_lag_pairs(cubes, **options)[0],
    }[kind]()
    given = []

    def scheduler(work, keys, **kwargs):
        graph = dict(work if isinstance(work, Mapping) else work.__dask_graph__())
        given.append((graph, keys))
        return dask.get(graph, keys)

    computed = whole.compute(scheduler=scheduler)
    assert type(computed) is type(whole)
    assert not dask.is_dask_collection(computed)
    assert computed.compute() is computed
    [work] = given
    _, imported = imported_by(pickle.dumps(work), "len(work)", tmp_path / "work")
    assert imported == []
