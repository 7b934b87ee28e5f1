"""
The process that runs inputs, one after another; it may die of one.

``python -m fuzz.worker`` reads a kind and a chain of seeds a line, and answers what became of the input that they make.
"""

import argparse
import contextlib
import faulthandler
import json
import os
import resource
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fuzz.targets.target import Target

__all__ = ["Runner"]

MEMORY = 3 * 2**29  # bytes that an input may take of the address space, beside what was there before
RESIDENT = 2**30


class Runner:
    """
    Makes inputs out of seeds, and runs them.

    Parameters
    ----------
    headers
        A folder of header texts, see `fuzz.corpus.fits_files`.
    """

    def __init__(self, headers: str | None = None) -> None:
        from fuzz.guard import Guard

        self._headers = headers
        self._guard = Guard()
        self._targets: dict[str, Target] = {}
        self._lines = _Lines()

    def target(self, kind: str) -> "Target":
        """The target of a kind, which is warm: it has run a good input."""
        from fuzz.targets.kinds import KINDS

        if kind not in self._targets:
            self._targets[kind] = target = KINDS[kind](self._headers)
            target.run(target.good())
        return self._targets[kind]

    def case(self, kind: str, chain: list[int]) -> object:
        """The input of a chain of seeds: the first chooses and damages, each other damages once more."""
        import numpy as np

        target, rng = self.target(kind), np.random.default_rng(chain[0])
        case = target.mutate(rng, target.start(rng))
        for seed in chain[1:]:
            case = target.mutate(np.random.default_rng(seed), case)
        return case

    def run(self, kind: str, case: object) -> dict:
        """What became of an input, how long it took, how much memory, and how many lines of code it was first to reach."""
        from fuzz.outcome import finding

        target, known = self.target(kind), len(self._lines.seen)
        _reset_peak()
        before, start = _status("VmRSS"), time.monotonic()
        self._guard.reset(getattr(target, "port", None))
        try:
            with warnings.catch_warnings():
                outcome = target.run(case)
        except MemoryError as error:
            outcome = finding("over 1 GB", repr(error))
        except Exception as error:  # noqa: BLE001  whatever was not foreseen is a finding
            import traceback

            outcome = finding("other error", "".join(traceback.format_exception(error))[-1900:])
        self._guard.is_on = False
        seconds, memory = time.monotonic() - start, _status("VmHWM") - before
        if self._guard.seen:
            outcome = finding("forbidden", "; ".join(self._guard.seen))
        elif memory > RESIDENT:
            outcome = finding("over 1 GB", f"{memory / 2**20:.0f} MB; {outcome.name} {outcome.detail}")
        return {
            **{"outcome": outcome.name, "detail": outcome.detail, "seconds": seconds, "memory": memory},
            "new": len(self._lines.seen) - known,
        }


class _Lines:
    """Lines of the package that have been reached, at next to no cost: each is told once."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        monitoring = sys.monitoring
        tool = monitoring.COVERAGE_ID
        if monitoring.get_tool(tool) is not None:  # a debugger or a coverage run
            return
        monitoring.use_tool_id(tool, "fuzz")
        monitoring.register_callback(tool, monitoring.events.LINE, self._line)
        monitoring.set_events(tool, monitoring.events.LINE)

    def _line(self, code, line: int) -> object:
        if "sunpy_heliocloud" in code.co_filename:
            self.seen.add((code.co_filename, line))
        return sys.monitoring.DISABLE


def _status(name: str) -> int:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def _reset_peak() -> None:
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--headers")
    arguments = parser.parse_args()
    # What the library prints must not come between the answers.
    answers: TextIO = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    runner, ready = Runner(arguments.headers), set()
    for line in sys.stdin:
        kind, chain = json.loads(line)
        if kind not in ready:
            # What is imported and made once does not count.
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
            runner.target(kind)
            ready.add(kind)
            resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + MEMORY, hard))
        answer = runner.run(kind, runner.case(kind, chain)) if chain else {}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
