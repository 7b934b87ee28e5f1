"""
One workflow, run once, in a process of its own: so each run begins as cold, or as warm, as every other.

``python measure.py PLAN FOLDER`` reads what to do from a JSON file and leaves what came of it in a folder. Worker
processes import this module because it is their parent's: it must not import what the workflows do.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from clusters import local_cluster
from distributed import Client
from meter import Meter
from server import Server

__all__ = ["main", "stay_offline"]


def main(plan: dict[str, Any], folder: Path) -> None:
    """Import, start workers, do the small job on each of them, then the job itself under the meter."""
    workflow, client_imports = _timed(import_module, plan["workflow"])
    from job import Job

    stay_offline()
    with local_cluster(plan["workers"]) as cluster, Client(cluster) as client:
        worker_imports = client.run(_seconds_to_import, workflow.WORKER_MODULES)
        client.run(stay_offline)
        small = Job(**plan["small"])
        rehearsals = [_timed(workflow.time_lag, small, workers=[worker])[1] for worker in worker_imports]
        report = {
            "imports of the client (s)": client_imports,
            "imports of a worker (s)": max(worker_imports.values()),
            "small job, first worker (s)": rehearsals[0],
            "small job, last worker (s)": rehearsals[-1],
        }
        job = Job(**plan["job"])
        gc.collect()
        client.run(gc.collect)
        with Meter(cluster, Server(*plan["server"])) as meter:
            lag = workflow.time_lag(job)
        report["memory of a warm worker (MB)"] = meter.warm_memory
        report["figures"], report["kinds"] = meter.figures, meter.kinds
        np.savez(folder / "arrays.npz", lag=lag, derotated=workflow.derotated(job))
    (folder / "report.json").write_text(json.dumps(report))


def _timed(function: Callable, *args: Any, **kwargs: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return function(*args, **kwargs), time.perf_counter() - began


def _seconds_to_import(modules: Sequence[str]) -> float:
    began = time.perf_counter()
    for module in modules:
        import_module(module)
    return time.perf_counter() - began


def stay_offline() -> None:
    """Otherwise astropy tries to download tables of the Earth's rotation, and waits."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
