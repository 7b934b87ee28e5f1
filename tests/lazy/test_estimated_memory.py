"""What `estimate` says of memory, beside what a process of its own takes."""

import json
import os
import subprocess
import sys

import pytest

import astropy.units as u

from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

# Each computation by itself, with the most memory that was resident meanwhile beyond what was before it.
PROCESS = """
import json, sys, threading
import dask, numpy as np, astropy.units as u, sunpy.map
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy.turns import return_free_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def peak_of(run):
    return_free_memory()
    done, most, before = threading.Event(), [0], resident()
    def watch():
        while not done.wait(0.002):
            most[0] = max(most[0], resident() - before)
    watcher = threading.Thread(target=watch)
    watcher.start()
    run()
    done.set()
    watcher.join()
    return most[0]

urls, side, cadence = json.loads(sys.argv[1]), 850, 4 * u.min
hot, cool = (LazyMapSequence(some) for some in urls)
header = dict(cool[6].meta)
scale = side / header["naxis1"]
header |= {f"crpix{i}": (header[f"crpix{i}"] - 0.5) * scale + 0.5 for i in (1, 2)}
header |= {f"cdelt{i}": header[f"cdelt{i}"] / scale for i in (1, 2)}
ref_map = sunpy.map.Map(np.zeros((side, side), np.float32), header)

def lag():
    first, second = (one.to_cube().derotate_to(ref_map).resample_time(cadence) for one in (hot, cool))
    return first.time_lag(second, lag_bounds=[-12, 12] * u.min, at_bounds="keep")

found = {}
# The larger one after the smaller, which leaves memory that is resident and free.
for name, target in (("strips", "22 MB"), ("one piece", None)):
    with dask.config.set({"num_workers": 2, "sunpy-heliocloud.memory-target": target}):
        made = lag()
        cost = made.estimate()
        peak = peak_of(made.compute)
    found[name] = [cost.strips, cost.memory.to_value(u.byte), peak]
print(json.dumps(found))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
def test_memory_is_what_a_process_takes_with_strips_and_without():
    with LocalServer() as server:
        options = {"shape": (500, 500), "cadence": 4 * u.min, "storage_options": server.storage_options}
        frames = write_bucket(server.url, SimulatedSun(), channels=(193, 171), n_frames=12, **options)
        urls = json.dumps([frames.urls(channel) for channel in (193, 171)])
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROCESS, urls],
            env=os.environ
            | {
                "AWS_ENDPOINT_URL_S3": server.endpoint_url,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(child.stdout)
    assert found["strips"][0] > 1 == found["one piece"][0]
    for kind, (_, estimated, peak) in found.items():
        assert 0.3 * estimated < peak < 1.2 * estimated, (kind, estimated, peak)
    assert found["strips"][2] < found["one piece"][2]
