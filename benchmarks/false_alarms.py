"""
How often unrelated light curves are found to be related: `TimeLagCube.false_alarm_probability` put to the test.

``python benchmarks/false_alarms.py`` prints, for light curves of several kinds, the percent of unrelated pairs whose
probability is at most 0.05 and at most 0.01: of each detrending, with other bounds and lengths, and with other surrogates.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from light_curves import CADENCE, SIX_HOURS, TWO_HOURS, bursts, planes, power_law, red, smooth, white

from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.kernels.detrending import Detrend
from sunpy_heliocloud.kernels.significance import chance_among_pixels, chance_of_correlation

__all__ = ["KINDS", "false_alarms", "unrelated"]

LEVELS = 0.05, 0.01
SURROGATES, REFERENCES = 99, 199  # of other kinds, and from distant pixels
GROUP = 300  # pairs that share the random numbers of their surrogates
WIDTH = 31  # of running means and local lines, two hours

KINDS: dict[str, Callable] = {
    "white": white,
    "AR 0.8": red,
    "20 min": smooth,
    "60 min": lambda rng, curves, n: smooth(rng, curves, n, 15),
    "60 min with 10 % noise": lambda rng, curves, n: smooth(rng, curves, n, 15) + 0.1 * white(rng, curves, n),
    "f^-1": power_law(1),
    "f^-1.5": power_law(1.5),
    "f^-2": power_law(2),
    "f^-3": power_law(3),
    "bursts": bursts,
}


class Case(NamedTuple):
    """A column of the table."""

    n: int = 180
    bounds: tuple[float, float] = TWO_HOURS
    detrend: Detrend = None
    gaps: float = 0.0
    surrogates: str = "phase"


CASES = {
    "none": Case(),
    "line": Case(detrend="linear"),
    "mean of 2 h": Case(detrend=WIDTH),
    "lines of 2 h": Case(detrend=("line", WIDTH)),
    "6 h": Case(bounds=SIX_HOURS),
    "45 planes": Case(45),
    "gaps": Case(gaps=0.1),
    "720 planes; 6 h": Case(720, SIX_HOURS),
    "720; 6 h; line": Case(720, SIX_HOURS, "linear"),
    "720; 6 h; mean": Case(720, SIX_HOURS, WIDTH),
    "720; 6 h; lines": Case(720, SIX_HOURS, ("line", WIDTH)),
    "pixels": Case(surrogates="pixels"),
    "red noise": Case(surrogates="red_noise"),
}


def false_alarms(curves: int, seed: int = 1, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[str]:
    """The table, a row at a time; each cell has its own light curves."""
    yield ",".join(["light curves", *CASES])
    for row, (name, make) in enumerate(KINDS.items()):
        if name not in kinds:
            continue
        cells = []
        for column, case in enumerate(CASES.values()):
            rng = np.random.default_rng([seed, row, column])
            chance = chance_of(case, *unrelated(make, rng, curves, case.n, case.gaps))
            cells.append(" / ".join(f"{100 * np.mean(chance <= level):.1f}" for level in LEVELS))
        yield ",".join([name, *cells])


def unrelated(
    make: Callable, rng: np.random.Generator, curves: int, n: int, gaps: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Two cubes of light curves that have nothing in common, with missing planes."""
    a, b = (planes(make(rng, curves, n)) for _ in "ab")
    for one in (a, b):
        one[rng.random(n) < gaps] = np.nan
    return a, b


def chance_of(case: Case, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    how = Correlator(CADENCE, case.bounds, detrend=case.detrend)
    if case.surrogates != "pixels":
        options = {"surrogates": case.surrogates, "trials": SURROGATES}
        # The surrogates' random numbers are the same in all pixels of an image.
        groups = [slice(k, k + GROUP) for k in range(0, a.shape[2], GROUP)]
        chance = [chance_of_correlation(a[..., k], b[..., k], how, seed=k.start, **options) for k in groups]
        return np.concatenate(chance, axis=2)
    # References that are no pixels of the image, and so all of them distant.
    places = np.stack([np.full(REFERENCES, -2 * len(a[0, 0])), np.arange(REFERENCES)], axis=1)
    references, rest = a[:, 0, :REFERENCES], (a[..., REFERENCES:], b[..., REFERENCES:])
    options = {"references": references, "places": places, "origin": (0, 0), "distance": 1.0}
    return chance_among_pixels(*rest, how, **options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curves", type=int, default=2000, help="pairs of each cell (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the light curves (default: %(default)s)")
    parser.add_argument(
        "--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS), help="rows (default: all)"
    )
    options = parser.parse_args()
    for line in false_alarms(options.curves, options.seed, options.kinds):
        print(line, flush=True)
