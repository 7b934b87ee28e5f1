"""
What importing the package adds to what its user has imported already, and what unpickling a task adds on a worker.

Processor time, as medians of fresh processes, with both sides in each of them. Python's garbage collector is on, as it is for
users. For times that count, install the wheel in an environment of its own: ``pip install .`` and run this there. The last row
needs the extra ``cluster``.
"""

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

# What is imported before, and then.
IMPORTS = {
    "the package alone": ("pass", "import sunpy_heliocloud"),
    "the client": ("from sunpy.net import Fido, attrs", "import sunpy_heliocloud"),
    "`LazyMapSequence`": (
        "import sunpy.map, sunpy.net, ndcube",
        "from sunpy_heliocloud import LazyMapSequence",
    ),
}
PROCESS = """
import json, time
began = time.process_time()
{before}
between = time.process_time()
{then}
print(json.dumps([between - began, time.process_time() - between]))
"""


def main() -> None:
    """Measure by turns, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=11, help="fresh processes of each row")
    options = parser.parse_args()
    imports = dict(IMPORTS)
    with tempfile.TemporaryDirectory() as folder:
        if find_spec("distributed"):
            tasks = Path(folder) / "tasks"
            tasks.write_bytes(pickled_tasks(folder))
            then = f"import pickle; pickle.loads(open({str(tasks)!r}, 'rb').read())"
            imports["a worker's tasks"] = ("import distributed", then)
        for code in imports.values():  # once before, which writes byte code
            seconds(*code)
        runs = [{name: seconds(*code) for name, code in imports.items()} for _ in range(options.repetitions)]
    print(f"| {options.repetitions} processes | imported before | before (CPU s) | added (CPU s) | ratio |")
    print("|---|---|---|---|---|")
    for name, (code, _) in imports.items():
        before, added = (statistics.median(run[name][i] for run in runs) for i in range(2))
        if code == "pass":
            print(f"| {name} | | | {added:.3f} | |")
        else:
            print(f"| {name} | `{code}` | {before:.2f} | {added:.3f} | {added / before:.3f} |")


def seconds(before: str, then: str) -> tuple[float, float]:
    """Processor time of both in a fresh process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROCESS.format(before=before, then=then)]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return tuple(json.loads(run.stdout))


def pickled_tasks(folder: str) -> bytes:
    """The graph of a lag map of derotated frames, as workers are sent it."""
    import astropy.units as u

    from sunpy_heliocloud import LazyMapSequence
    from sunpy_heliocloud.simulation import write_bucket

    write_bucket(folder, channels=(193, 171), n_frames=6, shape=(100, 100), processes=1)
    hot, cool = (LazyMapSequence(f"{folder}/**/{channel}/*.fits") for channel in ("0193", "0171"))
    ref_map = cool[3].submap([30, 30] * u.pix, top_right=[60, 60] * u.pix)
    planes = (frames.derotate_to(ref_map).resample_time(240 * u.s) for frames in (hot, cool))
    lag = next(planes).time_lag(next(planes))
    keys = lag.__dask_keys__()
    return pickle.dumps((dict(lag.__dask_optimize__(lag.__dask_graph__(), keys)), keys))


if __name__ == "__main__":
    main()
