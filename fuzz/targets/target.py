"""What each kind of input has to say of itself."""

from typing import Any, Protocol

import numpy as np

from fuzz.outcome import Outcome

__all__ = ["Target"]


class Target(Protocol):
    """How inputs of a kind are made, damaged, run and judged."""

    def start(self, rng: np.random.Generator) -> Any:
        """An input without damage."""

    def mutate(self, rng: np.random.Generator, case: Any) -> Any:
        """The same with damage."""

    def good(self) -> Any:
        """Some input without damage, to warm up with."""

    def run(self, case: Any) -> Outcome:
        """What becomes of an input."""

    def show(self, case: Any) -> None:
        """Print an input."""
