"""What a worker has to import before its first frame: neither astropy nor sunpy, which take seconds."""

import json
import pickle
import subprocess
import sys

import astropy.units as u

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import write_bucket

HEAVY = ("astropy", "dask_gateway", "matplotlib", "ndcube", "pandas", "reproject", "sunpy")


def test_tasks_import_little(tmp_path):
    bucket = write_bucket(
        str(tmp_path / "bucket"), channels=(193, 171), n_frames=6, shape=(100, 100), processes=1
    )
    urls = {
        channel: sorted(map(str, (tmp_path / "bucket").rglob(f"{channel:04d}/*.fits")))
        for channel in (193, 171)
    }
    assert all(urls.values()), bucket
    ref_map = (
        LazyMapSequence(urls[171])
        .nearest("2018-05-29T18:00")
        .submap([30, 30] * u.pix, top_right=[60, 60] * u.pix)
    )
    cubes = [
        LazyMapSequence(paths).to_cube().derotate_to(ref_map).resample_time(240 * u.s)
        for paths in urls.values()
    ]
    lag = cubes[0].time_lag(cubes[1]).data
    work = tmp_path / "work"
    work.write_bytes(
        pickle.dumps((dict(lag.__dask_optimize__(lag.dask, lag.__dask_keys__())), lag.__dask_keys__()))
    )
    code = f"""
import json, pickle, sys
import numpy, dask.local
with open({str(work)!r}, "rb") as file:
    graph, keys = pickle.load(file)
((lags,),) = dask.local.get_sync(graph, keys)
print(json.dumps([lags.shape, sorted(set({HEAVY}) & set(sys.modules))]))
"""
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    shape, imported = json.loads(run.stdout)
    assert tuple(shape) == lag.shape
    assert imported == []
