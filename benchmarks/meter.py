"""What a computation on a `distributed.LocalCluster` costs."""

import threading
import time
from typing import Any, Self

import psutil
from distributed import LocalCluster
from server import Server, Traffic

__all__ = ["Meter"]

SAMPLING = 0.01  # s
MEGABYTE = 1e6


class Meter:
    """
    Measures what happens in a ``with`` block; afterwards `figures` and `kinds` are there.

    Parameters
    ----------
    cluster
        Whose workers are to be watched. Client and scheduler are in this process.
    server
        Whose traffic is to be counted.
    """

    def __init__(self, cluster: LocalCluster, server: Server):
        self.scheduler = cluster.scheduler
        self.server = server
        self.workers = [psutil.Process(worker.pid) for worker in cluster.workers.values()]
        self.client = psutil.Process()
        self._finished = threading.Event()

    def __enter__(self) -> Self:
        self._before = self._readings()
        self._baseline = [worker.memory_info().rss for worker in self.workers]
        self._peak = list(self._baseline)
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        after = self._readings()
        self._finished.set()
        self._sampler.join()
        before = self._before
        client, workers = after["client"] - before["client"], after["workers"] - before["workers"]
        traffic: Traffic = after["traffic"] - before["traffic"]
        growth = [peak - base for peak, base in zip(self._peak, self._baseline, strict=True)]
        self.kinds = {
            kind: {name: value - before["kinds"].get(kind, {}).get(name, 0) for name, value in now.items()}
            for kind, now in after["kinds"].items()
        }
        self.figures = {
            "wall (s)": after["wall"] - before["wall"],
            "CPU (s)": client + workers,
            "CPU of the client (s)": client,
            "peak memory above warm (MB)": max(growth) / MEGABYTE,
            "bytes (MB)": traffic.bytes / MEGABYTE,
            "requests": traffic.requests,
            "tasks": sum(kind["tasks"] for kind in self.kinds.values()),
        }
        self.warm_memory = max(self._baseline) / MEGABYTE

    def _readings(self) -> dict[str, Any]:
        return {
            "client": _cpu(self.client),
            "workers": sum(_cpu(worker) for worker in self.workers),
            "traffic": self.server.traffic(),
            "kinds": self._kinds(),
            "wall": time.perf_counter(),
        }

    def _kinds(self) -> dict[str, dict[str, float]]:
        """How many tasks of each kind there were, and what workers did for them, in seconds."""
        return {
            name: {"tasks": prefix.state_counts["memory"], **prefix.all_durations}
            for name, prefix in self.scheduler.task_prefixes.items()
        }

    def _sample(self) -> None:
        while not self._finished.wait(SAMPLING):
            memory = [worker.memory_info().rss for worker in self.workers]
            self._peak = list(map(max, self._peak, memory))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
