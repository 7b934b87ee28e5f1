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


def imported_by(works, code, folder):
    """
    What a new process prints that unpickles some works, and which heavy packages it has imported then.

    For each work, by its name, the result of the code and the packages; they add up.
    """
    path = folder / "works"
    path.write_bytes(pickle.dumps({name: pickle.dumps(work) for name, work in works.items()}))
    code = f"""
import json, pickle, sys
with open({str(path)!r}, "rb") as file:
    works = pickle.load(file)
answers = {{}}
for name, pickled in works.items():
    work = pickle.loads(pickled)
    result = {code}
    answers[name] = [result, sorted(set({HEAVY}) & set(sys.modules))]
print(json.dumps(answers))
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
    [(shape, imported)] = imported_by({"lag": graph_of(lag)}, code, tmp_path).values()
    assert tuple(shape) == lag.shape
    assert imported == []


def test_unpickling_a_task_imports_neither_sunpy_nor_astropy_nor_a_compiler(sequences, ref_map, tmp_path):
    frames = sequences[171].apply(operator.itemgetter).to_cube() * 2
    arrays = TimeLagCube.from_array(np.zeros((2, 31, 31)), ref_map, ["2018-05-29T18:00", "2018-05-29T18:04"])
    works = {
        f"{made}, {algorithm}": graph_of(cube.derotate_to(ref_map, algorithm=algorithm, height=1 * u.Mm))
        for made, cube in {"frames": frames, "arrays": arrays}.items()
        for algorithm in ("adaptive", "interpolation", "exact")
    }
    for name, (_, imported) in imported_by(works, "len(work)", tmp_path).items():
        # Arrays of dask are read by functions of dask.array.
        needed = {"dask.array", "pandas", "xarray"} if name.startswith("arrays") else set()
        assert set(imported) <= needed, name


def test_workers_are_given_no_cube_to_put_results_together(sequences, ref_map, tmp_path):
    cubes = [part.to_cube().derotate_to(ref_map).resample_time(240 * u.s) for part in sequences.values()]
    options = {"at_bounds": "keep"}
    wholes = {
        "derotated": cubes[0],
        "lag": cubes[0].time_lag(cubes[1], **options),
        "all pairs": time_lag_pairs(cubes, **options)[0],
    }
    given = []

    def scheduler(work, keys, **kwargs):
        graph = dict(work if isinstance(work, Mapping) else work.__dask_graph__())
        given.append((graph, keys))
        return dask.get(graph, keys)

    for whole in wholes.values():
        computed = whole.compute(scheduler=scheduler)
        assert type(computed) is type(whole)
        assert not dask.is_dask_collection(computed)
        assert computed.compute() is computed
    works = dict(zip(wholes, given, strict=True))
    for name, (_, imported) in imported_by(works, "len(work)", tmp_path).items():
        assert imported == [], name
