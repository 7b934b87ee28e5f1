"""
How often unrelated light curves are found to be related: `TimeLagCube.false_alarm_probability` put to the test.

``python benchmarks/false_alarms.py`` prints, for light curves of several kinds, the part of unrelated pairs whose
probability is 0.05 or below, which should be 5 %; the range is that without and with a straight line taken off.
"""

import argparse
from collections.abc import Callable

import numpy as np

from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.kernels.significance import chance_of_correlation

PLANES, CADENCE = 180, 240.0
BOUNDS = (-7200.0, 7200.0)  # a sixth of the time
LEVEL = 0.05
TIMES = np.arange(PLANES)[:, np.newaxis, np.newaxis] * CADENCE


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1000, help="of each kind (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=200, help="surrogates of each (default: %(default)s)")
    options = parser.parse_args()
    width = max(map(len, KINDS))
    print(f"{'light curves':{width}}  {'phase':10}  red noise")
    for name, make in KINDS.items():
        parts = [
            [found(make, surrogates, detrend, options.pairs, options.trials) for detrend in (None, "linear")]
            for surrogates in ("phase", "red_noise")
        ]
        phase, red_noise = (f"{100 * min(part):.0f} to {100 * max(part):.0f} %" for part in parts)
        print(f"{name:{width}}  {phase:10}  {red_noise}", flush=True)


def found(make: Callable, surrogates: str, detrend: str | None, pairs: int, trials: int) -> float:
    """The part of unrelated pairs that look related."""
    rng = np.random.default_rng(1)
    first, second = (make(rng, (PLANES, 1, pairs)) for _ in range(2))
    how = Correlator(CADENCE, BOUNDS, detrend=detrend)
    chance = chance_of_correlation(first, second, how, surrogates=surrogates, trials=trials, seed=0)
    return float(np.mean(chance <= LEVEL))


def white_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape)


def remembering(memory: float) -> Callable:
    """Red noise: autoregressive processes of first order."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        series = rng.normal(size=(shape[0] + 500, *shape[1:]))
        for t in range(1, len(series)):
            series[t] += memory * series[t - 1]
        return series[500:]

    return make


def sinusoids(shortest: float, longest: float) -> Callable:
    """Fourteen sinusoids of random periods (seconds) and phases, and a little noise."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        periods = rng.uniform(shortest, longest, (14, 1, *shape[1:]))
        phases = rng.uniform(0, 2 * np.pi, periods.shape)
        return np.sin(2 * np.pi * TIMES / periods + phases).sum(axis=0) + rng.normal(0, 0.2, shape)

    return make


def power_law(exponent: float) -> Callable:
    """A piece of a four times longer series with a power spectrum that falls with the frequency."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        frequencies = np.fft.rfftfreq(4 * shape[0])
        amplitudes = np.zeros_like(frequencies)
        amplitudes[1:] = frequencies[1:] ** (-exponent / 2)
        size = (len(frequencies), *shape[1:])
        spectrum = (rng.normal(size=size) + 1j * rng.normal(size=size)) * amplitudes[
            :, np.newaxis, np.newaxis
        ]
        return np.fft.irfft(spectrum, 4 * shape[0], axis=0)[: shape[0]]

    return make


def random_walk(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.cumsum(rng.normal(size=shape), axis=0)


KINDS = {
    "White noise": white_noise,
    "Memory 0.8 from plane to plane": remembering(0.8),
    "Memory 0.97": remembering(0.97),
    "Sinusoids of 40 minutes to 5 h": sinusoids(2400, 18000),
    "Sinusoids of 2 to 11 h": sinusoids(7200, 39600),
    "Power law to the power of -2": power_law(2),
    "Power law to the power of -3": power_law(3),
    "Random walk": random_walk,
}

if __name__ == "__main__":
    main()
