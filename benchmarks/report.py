"""Tables of what was measured."""

import os
import platform
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from cold import ROWS
from comparison import SIDES, Comparison
from job import Job

__all__ = ["cold_report", "comparison_report", "stages_report"]

FIGURES = ("wall (s)", "CPU (s)", "CPU of the client (s)", "peak memory above warm (MB)")
FIGURES_A_FRAME = ("bytes (MB)", "requests", "tasks")
APART = (
    "imports of the client (s)",
    "imports of a worker (s)",
    "small job, first worker (s)",
    "small job, last worker (s)",
    "memory of a warm worker (MB)",
)
KINDS = 5
SHORTEST = 2.0  # ms a frame


def comparison_report(comparison: Comparison, job: Job, workers: int) -> str:
    """What both sides cost, what was apart from it, where the workers' time went, and whether they agree."""
    runs = len(comparison.runs["seed"])
    return "\n\n".join(
        [
            f"# {job.frames} frames in 2 channels, {workers} workers, median (and range) of {runs} runs; "
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            _table(["", *SIDES, "seed / ours"], _figures(comparison, job)),
            "Apart from that, before the clock starts:",
            _table(["", *SIDES, "seed / ours"], _apart(comparison)),
            "What workers did, in ms a frame (all workers together, of the last run):",
            *(
                _table([side, "tasks", "compute", "transfer"], _kinds(comparison, side, job))
                for side in SIDES
            ),
            f"Do both give the same? {'Yes' if comparison.agrees else 'NO'}:",
            _table(["", ""], [[name, f"{value:.3g}"] for name, value in comparison.agreement.items()]),
        ]
    )


def cold_report(seconds: dict[str, dict[str, list[float]]], job: Job, workers: int) -> str:
    """What both sides cost on fresh workers."""
    runs = len(seconds[ROWS[0]]["seed"])
    return "\n\n".join(
        [
            f"# Fresh processes: {job.frames} frames in 2 channels, {workers} workers, median (and range) of {runs} runs; "
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            _table(
                ["", *SIDES, "seed / ours"],
                (_row(row, *(seconds[row][side] for side in SIDES)) for row in ROWS),
            ),
        ]
    )


def stages_report(stages: dict[str, Any]) -> str:
    """Where our time goes."""
    rows = [
        [name, *(f"{value:.1f}" for value in milliseconds)]
        for name, milliseconds in stages["functions"].items()
        if milliseconds[0] > SHORTEST
    ]
    return "\n\n".join(
        [
            f"# Our stages: {stages['total']:.0f} ms a frame in one thread; under the profiler:",
            _table(["ms a frame", "with what it calls", "by itself"], rows),
        ]
    )


def _figures(comparison: Comparison, job: Job) -> Iterable[Sequence[str]]:
    for name in FIGURES:
        yield _row(name, *(comparison.values(side, name) for side in SIDES))
    for name in FIGURES_A_FRAME:
        yield _row(
            f"{name} a frame", *([v / job.frames for v in comparison.values(side, name)] for side in SIDES)
        )


def _apart(comparison: Comparison) -> Iterable[Sequence[str]]:
    for name in APART:
        yield _row(name, *(comparison.values(side, name) for side in SIDES))


def _kinds(comparison: Comparison, side: str, job: Job) -> Iterable[Sequence[str]]:
    kinds = comparison.runs[side][-1]["kinds"]

    def milliseconds(kind: dict[str, float], action: str) -> float:
        return 1e3 * kind.get(action, 0) / job.frames

    largest = sorted(kinds, key=lambda name: -kinds[name].get("compute", 0))[:KINDS]
    for name in largest:
        kind = kinds[name]
        yield (
            name,
            str(kind["tasks"]),
            *(f"{milliseconds(kind, action):.1f}" for action in ("compute", "transfer")),
        )


def _row(name: str, seed: Sequence[float], ours: Sequence[float]) -> Sequence[str]:
    return name, _spread(seed), _spread(ours), f"{median(seed) / median(ours):.3g}"


def _spread(values: Sequence[float]) -> str:
    """The median, and the range if there is one."""
    low, middle, high = (f"{value:.3g}" for value in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _table(header: Sequence[Any], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with columns as wide as they need to be."""
    rows = [header, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])
