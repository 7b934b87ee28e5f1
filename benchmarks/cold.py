"""
The job as it is on fresh workers: nothing imported, nothing compiled, nothing cached.

``python cold.py PLAN FOLDER`` is one run of one side, in a process of its own: it starts two workers, waits until they are idle, and
then does the job. `compare_cold` runs both sides by turns.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from clusters import local_cluster
from distributed import Client

__all__ = ["ROWS", "compare_cold"]

ROWS = ("from an idle cluster (s)", "from the start of the process to its end (s)")
SIDES = {"seed": "seed_workflow", "ours": "our_workflow"}
TIMEOUT = 3600  # s, of one run
# No downloads of tables of the Earth's rotation. A file, since workers must not import astropy before the clock starts.
CONFIGURATION = "[utils.iers.iers]\nauto_download = False\n"


def compare_cold(job, server, *, workers: int, repetitions: int) -> dict[str, dict[str, list[float]]]:
    """
    Run both sides by turns, each time in new processes.

    Parameters
    ----------
    job : Job
        What is measured.
    server : Server
        Where the frames are.
    workers, repetitions
        How many.

    Returns
    -------
    dict
        Seconds of each of `ROWS`, of each run of a side.
    """
    seconds: dict[str, dict[str, list[float]]] = {row: {side: [] for side in SIDES} for row in ROWS}
    for _ in range(repetitions):
        for side, workflow in SIDES.items():
            with tempfile.TemporaryDirectory() as folder:
                plan = {"workers": workers, "workflow": workflow, "job": asdict(job)}
                from_idle, in_all = _run(plan, server, Path(folder))
            for row, value in zip(ROWS, (from_idle, in_all), strict=True):
                seconds[row][side].append(value)
            print(f"{side}: {from_idle:.1f} s from an idle cluster, {in_all:.1f} s in all", flush=True)
    return seconds


def _run(plan: dict, server, folder: Path) -> tuple[float, float]:
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "astropy").mkdir()
    (folder / "astropy" / "astropy.cfg").write_text(CONFIGURATION)
    environment = os.environ | {"AWS_ENDPOINT_URL_S3": server.endpoint_url, "XDG_CONFIG_HOME": str(folder)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, __file__, folder / "plan.json", folder], env=environment, timeout=TIMEOUT, check=True
    )
    return json.loads((folder / "report.json").read_text()), time.perf_counter() - began


def main(plan: dict, folder: Path) -> None:
    """Import what the user imports, start workers, do the job under the clock."""
    workflow = import_module(plan["workflow"])
    from job import Job

    with local_cluster(plan["workers"]) as cluster, Client(cluster) as client:
        client.wait_for_workers(plan["workers"])
        began = time.perf_counter()
        workflow.time_lag(Job(**plan["job"]))
        seconds = time.perf_counter() - began
    (folder / "report.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
