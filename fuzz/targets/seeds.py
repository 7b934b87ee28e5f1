"""Inputs of a folder of files: which files there are is known when they have been written."""

import shutil
from pathlib import Path

import numpy as np

__all__ = ["SeedTarget"]


class SeedTarget:
    """A target whose cases are seeds of the damage to the files in a folder of its own, which ends with it."""

    _folder: Path

    def __del__(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def good(self) -> list[int]:
        return []

    def start(self, rng: np.random.Generator) -> list[int]:
        return []

    def mutate(self, rng: np.random.Generator, case: list[int]) -> list[int]:
        return [*case, int(rng.integers(2**31))]
