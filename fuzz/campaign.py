"""Running inputs in processes that may die, for some time, and counting what becomes of them."""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from fuzz.outcome import GOOD

__all__ = ["Finding", "Tally", "Worker", "run_kind"]

PATIENCE = 120.0  # s, for one input
LONGEST_CHAIN = 6
START = 180.0  # s, to import and make a corpus

# Threads of numerical libraries take address space that an input is not to blame for.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass
class Finding:
    """Something that must not happen, and the seeds that make the input."""

    kind: str
    chain: list[int]
    outcome: str
    detail: str

    @property
    def name(self) -> str:
        return "-".join(map(str, self.chain))


@dataclass
class Tally:
    """What became of the inputs of one kind."""

    kind: str
    counts: Counter = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    slowest: float = 0.0
    largest: int = 0
    lines: int = 0
    seconds: float = 0.0

    @property
    def inputs(self) -> int:
        return sum(self.counts.values())

    @property
    def bad(self) -> int:
        return sum(number for name, number in self.counts.items() if name not in GOOD)


class Worker:
    """
    A process of `fuzz.worker`, which is started again when it dies; used in a ``with`` block.

    Parameters
    ----------
    headers
        A folder of header texts.
    patience
        Seconds for one input.
    """

    def __init__(self, headers: str | None = None, patience: float = PATIENCE) -> None:
        self._arguments = ["--headers", headers] if headers else []
        self._patience = patience
        self._process: subprocess.Popen | None = None
        self._warm: set[str] = set()
        self._errors = tempfile.TemporaryFile()
        self._cache = tempfile.TemporaryDirectory(prefix="fuzz-cache-")
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        self._errors.close()
        self._cache.cleanup()

    def warm(self, kind: str) -> None:
        """Import, and make a corpus, which may take longer than many inputs."""
        if self._process is None:
            self._start()
        try:
            if kind not in self._warm:
                self._ask(kind, [], START)
                self._warm.add(kind)
        except (EOFError, OSError) as error:
            words = self._last_words()
            self.stop()
            raise RuntimeError(f"no input of the kind {kind} can be run: {words}") from error

    def run(self, kind: str, chain: list[int]) -> dict:
        """What the input of these seeds leads to, a crash among it."""
        self.warm(kind)
        try:
            return self._ask(kind, chain, self._patience)
        except TimeoutError:
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(1)
            self.stop()
            return _bad("over 2 min", self._last_words(), self._patience)
        except (EOFError, OSError):
            code = self._process.wait()
            self.stop()
            name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            return _bad("crash", f"{name}: {self._last_words()}", 0)

    def stop(self) -> None:
        """End the process; the next input starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            with contextlib.suppress(OSError):  # what it has not read any more
                self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def _start(self) -> None:
        self._errors.truncate(0)
        self._errors.seek(0)
        self._rest, self._warm = b"", set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | _ENVIRONMENT | {"SUNPY_HELIOCLOUD_CACHE": self._cache.name},
        )

    def _ask(self, kind: str, chain: list[int], patience: float) -> dict:
        self._process.stdin.write(json.dumps([kind, chain]).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer(patience)

    def _answer(self, patience: float) -> dict:
        deadline = time.monotonic() + patience
        while b"\n" not in self._rest:
            if not select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), 65536)
            if not part:
                raise EOFError
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-1500:].decode("utf-8", "replace")


def _bad(outcome: str, detail: str, seconds: float) -> dict:
    return {"outcome": outcome, "detail": detail, "seconds": seconds, "memory": 0, "new": 0}


def run_kind(
    kind: str,
    worker: Worker,
    *,
    seconds: float,
    seed: int,
    inputs: int | None = None,
    deepen: bool = True,
    tell: Callable[[Finding], None] | None = None,
) -> Tally:
    """
    Run inputs of one kind.

    Parameters
    ----------
    kind
        See `fuzz.targets.kinds.KINDS`.
    worker
        Where they run.
    seconds
        For how long.
    seed
        Of the seeds.
    inputs
        How many at most.
    deepen
        Whether inputs that are first to reach a line of the package are damaged further: half of the inputs are made of
        these. Which inputs there are depends on the package, then.
    tell
        Is given each finding at once.
    """
    rng = random.Random(f"{kind} {seed}")
    tally, kept = Tally(kind), []
    worker.warm(kind)
    begin = time.monotonic()
    while time.monotonic() - begin < seconds and (inputs is None or tally.inputs < inputs):
        chain = [rng.getrandbits(31)]
        if deepen and kept and rng.random() < 0.5:
            chain = [*rng.choice(kept)[: LONGEST_CHAIN - 1], *chain]
        result = worker.run(kind, chain)
        _count(tally, chain, result, tell)
        if result["new"] and result["outcome"] in GOOD:
            kept.append(chain)
    tally.seconds = time.monotonic() - begin
    return tally


def _count(tally: Tally, chain: list[int], result: dict, tell: Callable[[Finding], None] | None) -> None:
    tally.counts[result["outcome"]] += 1
    tally.slowest = max(tally.slowest, result["seconds"])
    tally.largest = max(tally.largest, result["memory"])
    tally.lines += result["new"]
    if result["outcome"] not in GOOD:
        found = Finding(tally.kind, chain, result["outcome"], result["detail"])
        tally.findings.append(found)
        if tell:
            tell(found)
