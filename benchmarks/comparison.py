"""Both workflows by turns, what each costs, and whether they say the same."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from job import Job
from server import Server

__all__ = ["SIDES", "Comparison", "compare"]

SIDES = {"seed": "seed_workflow", "ours": "our_workflow"}
TIMEOUT = 3600  # s, of one run

# What must agree. The seed times a frame by the start of its exposure, we by its middle, a second later, which is
# 0.4 % of the cadence: pixels of nothing but noise may have their maximum at another lag.
SAME_LAGS = 0.99  # of all pixels
# reproject's window gains or loses a row where a coordinate crosses an integer: a few pixels may differ by more.
SAME_VALUES = 2e-5  # of the maximum, in 99.9 % of the derotated pixels
SIMILAR_VALUES = 2e-3  # in all of them


@dataclass(frozen=True)
class Comparison:
    """
    What came out, by the name of the side.

    Attributes
    ----------
    runs
        The reports of `measure.main`.
    agreement
        Of the results of the last runs.
    """

    runs: dict[str, list[dict[str, Any]]]
    agreement: dict[str, float]

    def values(self, side: str, name: str) -> list[float]:
        """One of the figures, of each run of a side."""
        return [(run["figures"] | run)[name] for run in self.runs[side]]

    @property
    def agrees(self) -> bool:
        """Whether both sides did the same job."""
        return (
            self.agreement["share of equal lags"] >= SAME_LAGS
            and self.agreement["difference of derotated frames, 99.9 %"] <= SAME_VALUES
            and self.agreement["difference of derotated frames, largest"] <= SIMILAR_VALUES
        )


def compare(job: Job, small: Job, server: Server, *, workers: int, repetitions: int) -> Comparison:
    """
    Run both sides by turns.

    Parameters
    ----------
    job, small
        What is measured, and what warms clients and workers up.
    server
        Where the frames are.
    workers, repetitions
        How many.

    Returns
    -------
    Comparison
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        plan = {"workers": workers, "server": list(server), "small": asdict(small)}
        environment = os.environ | {"AWS_ENDPOINT_URL_S3": server.endpoint_url}

        def run(side: str) -> dict[str, Any]:
            print(f"{side}: {job.frames} frames", flush=True)
            return _run(plan | {"workflow": SIDES[side], "job": asdict(job)}, environment, scratch / side)

        runs: dict[str, list] = {side: [] for side in SIDES}
        for _ in range(repetitions):
            for side in SIDES:
                runs[side].append(run(side))
        return Comparison(runs, _agreement(*(np.load(scratch / side / "arrays.npz") for side in SIDES)))


def _run(plan: dict[str, Any], environment: dict[str, str], folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    script = Path(__file__).with_name("measure.py")
    subprocess.run(
        [sys.executable, script, folder / "plan.json", folder], env=environment, timeout=TIMEOUT, check=True
    )
    return json.loads((folder / "report.json").read_text())


def _agreement(seed: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> dict[str, float]:
    difference = np.abs(ours["derotated"] - seed["derotated"]) / np.nanmax(seed["derotated"])
    return {
        "share of equal lags": float(np.mean(np.abs(ours["lag"] - seed["lag"]) < 1)),
        "share of pixels without a lag of ours": float(np.mean(np.isnan(ours["lag"]))),
        "difference of derotated frames, 99.9 %": float(np.nanpercentile(difference, 99.9)),
        "difference of derotated frames, largest": float(np.nanmax(difference)),
    }
