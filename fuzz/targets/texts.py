"""Texts for what makes them harmless."""

import numpy as np

from fuzz.mutations import HOSTILE_TEXTS, text_damaged
from fuzz.outcome import Outcome, finding, is_inert

__all__ = ["TextTarget"]


class TextTarget:
    """Texts of any characters."""

    def good(self) -> str:
        return "A title"

    def start(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.3:
            return HOSTILE_TEXTS[rng.integers(len(HOSTILE_TEXTS))]
        top = int(rng.choice([0x80, 0x100, 0x3000, 0x110000]))
        return "".join(map(chr, rng.integers(top, size=int(2 ** rng.uniform(0, 12)))))

    def mutate(self, rng: np.random.Generator, case: str) -> str:
        return text_damaged(rng, case.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")

    def show(self, case: str) -> None:
        print(ascii(case[:2000]))

    def run(self, case: str) -> Outcome:
        from sunpy_heliocloud.text import inert

        shown = inert(case)
        if not is_inert(shown) or "<" in shown:
            return finding("not inert", ascii(shown))
        shown.encode()
        # Small enough, and what is harmless stays as it is.
        if case.isascii() and case.isprintable() and "<" not in case and len(case) <= 300 and shown != case:
            return finding("changed", ascii(shown))
        return Outcome("read")
