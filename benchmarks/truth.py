"""
Light curves of known lag: what lags, probabilities, uncertainties and resampling make of them, beside sunkit-image.

``python benchmarks/truth.py`` prints a table for each; ``--what`` chooses some, ``--curves`` says how many of a cell.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import sunkit_image.time_lag
from scipy.ndimage import gaussian_filter1d

import astropy.units as u

from sunpy_heliocloud.kernels.correlation import Correlator, lags_and_correlations
from sunpy_heliocloud.kernels.significance import chance_of_correlation
from sunpy_heliocloud.kernels.time_axis import interpolate_time
from sunpy_heliocloud.kernels.uncertainty import uncertainty_of_lag

CADENCE = 240.0
TWO_HOURS, SIX_HOURS = (-7200.0, 7200.0), (-21600.0, 21600.0)


# ---- light curves, shape (curves, time)


def smooth(rng: np.random.Generator, curves: int, n: int, width: float = 5) -> np.ndarray:
    """Gaussian power spectrum; 5 samples of 4 minutes are 20 minutes."""
    longer = int(4 * width)
    series = gaussian_filter1d(rng.normal(size=(curves, n + 2 * longer)), width, axis=1)[
        :, longer : longer + n
    ]
    return series / series.std()


def power_law(exponent: float) -> Callable:
    """A piece of four times longer series."""

    def make(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
        frequency = np.fft.rfftfreq(4 * n)[1:]
        real, imaginary = rng.normal(size=(2, curves, len(frequency))) * frequency ** (-exponent / 2)
        series = np.fft.irfft(np.pad(real + 1j * imaginary, ((0, 0), (1, 0))), 4 * n, axis=1)[:, :n]
        return series / series.std(axis=1, keepdims=True)

    return make


def red(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    """Noise that remembers 0.8 from sample to sample."""
    series = rng.normal(size=(curves, n + 50))
    for t in range(1, n + 50):
        series[:, t] += 0.8 * series[:, t - 1]
    return series[:, 50:] / series[:, 50:].std()


def white(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    return rng.normal(size=(curves, n))


def bursts(rng: np.random.Generator, curves: int, n: int) -> np.ndarray:
    """Steep rises that decay within 40 minutes."""
    kernel = np.exp(-np.arange(100) / 10)
    sizes = (rng.random((curves, n + 100)) < 0.015) * rng.pareto(2, (curves, n + 100))
    return np.array([np.convolve(one, kernel)[100 : 100 + n] for one in sizes]) + 0.02 * rng.normal(
        size=(curves, n)
    )


def planes(series: np.ndarray) -> np.ndarray:
    return series.T.reshape(len(series.T), 1, -1).astype(np.float32)


def refined(a: np.ndarray, b: np.ndarray, how: Correlator) -> np.ndarray:
    return lags_and_correlations((planes(a), planes(b)), [(0, 1)], how)[1, 0]


def of_sunkit_image(a: np.ndarray, b: np.ndarray, cadence: float, bounds: tuple[float, float]) -> np.ndarray:
    time = np.arange(a.shape[1]) * cadence * u.s
    lags = sunkit_image.time_lag.time_lag(*(planes(one).astype(float) for one in (a, b)), time, bounds * u.s)
    return lags.to_value(u.s)[0]


# ---- tables


def pull(curves: int) -> Iterator[str]:
    """Lags of -2000 to 2000 s and of 2400 s: share wrong by more than 900 s, within a step of zero, median of sign * error."""
    kinds = {"20 min, 60": (smooth, 60), "20 min, 180": (smooth, 180), "20 min, 720": (smooth, 720)}
    kinds |= {f"f^-{exponent:g}, 180": (power_law(exponent), 180) for exponent in (1, 1.5, 2, 2.5, 3)}
    yield f"{'light curves, planes':22}{'noise':>6}   {'ours':>24}   {'sunkit-image':>24}"
    for name, (make, n) in kinds.items():
        for noise in (0.1, 1.0):
            rng = np.random.default_rng(1)
            found = {"ours": [], "theirs": []}
            for lag in (-8, -3, 4, 7) if make is smooth else (12, -12):
                series = make(rng, curves // 4, n + 30)
                a, b = (
                    series[:, 15 + i : 15 + i + n] + noise * rng.normal(size=(len(series), n))
                    for i in (0, -lag)
                )
                true = CADENCE * lag
                bounds = (-2880.0, 2880.0) if make is smooth else TWO_HOURS
                for key, lags in (
                    ("ours", refined(a, b, Correlator(CADENCE, bounds, keep_edges=True))),
                    ("theirs", of_sunkit_image(a, b, CADENCE, bounds)),
                ):
                    found[key].append([np.sign(lag) * (lags - true), np.abs(lags) <= CADENCE])
            cells = []
            for parts in found.values():
                error, zero = np.concatenate(parts, axis=1)
                cells.append(f"{np.mean(abs(error) > 900):8.1%} {zero.mean():6.1%} {np.median(error):6.1f} s")
            yield f"{name:22}{noise:6.1f}   {cells[0]:>24}   {cells[1]:>24}"


def chance(curves: int) -> Iterator[str]:
    """Unrelated light curves that are significant at 5 and 1 %; N planes, bounds of 2 or 6 h; phase surrogates."""
    kinds = {"white": white, "AR(1), 0.8": red, "20 min": smooth}
    kinds |= {f"f^-{exponent}": power_law(exponent) for exponent in (1, 2, 3)} | {"bursts": bursts}
    detrends = {"none": None, "linear": "linear", "mean, 2 h": 31, "line, 2 h": ("line", 31)}
    yield (
        f"{'light curves':14}"
        + "".join(f"{name:>14}" for name in detrends)
        + f"{'6 h':>14}{'N = 45':>14}{'10 % gaps':>14}"
    )
    for name, make in kinds.items():
        cells = []
        cases = [(180, TWO_HOURS, detrend, 0.0) for detrend in detrends.values()]
        for n, bounds, detrend, gaps in [
            *cases,
            (180, SIX_HOURS, None, 0),
            (45, TWO_HOURS, None, 0),
            (180, TWO_HOURS, None, 0.1),
        ]:
            rng = np.random.default_rng(2)
            a, b = (planes(make(rng, curves, n)) for _ in "ab")
            a[rng.random(n) < gaps] = np.nan
            p = chance_of_correlation(
                a, b, Correlator(CADENCE, bounds, detrend=detrend), surrogates="phase", trials=199, seed=0
            )
            cells.append(f"{np.mean(p <= 0.05):8.1%} {np.mean(p <= 0.01):5.1%}")
        yield f"{name:14}" + "".join(cells)


def uncertainty(curves: int) -> Iterator[str]:
    """Lags within one and two sigma, of pixels that are not ambiguous, and the share of ambiguous ones."""
    yield f"{'N':>4}{'r':>6}  {'noise':6}{'grid':>8}   one    two    ambiguous"
    for n in (60, 180, 720):
        for r in (0.6, 0.8, 0.9, 0.99):
            for noise in (white, red):
                for step in (96.0, 240.0, 480.0):
                    inside, ambiguous = coverage(min(curves, 400) if n > 180 else curves, n, r, noise, step)
                    yield f"{n:4}{r:6}  {noise.__name__:6}{step:6.0f} s  {inside[0]:5.1%}  {inside[1]:5.1%}  {ambiguous:5.1%}"


def coverage(curves: int, n: int, r: float, noise: Callable, step: float) -> tuple[list[float], float]:
    rng = np.random.default_rng(3)
    series, level, times = smooth(rng, curves, n + 20), np.sqrt(1 / r - 1), np.arange(n) * CADENCE
    method = "mean" if step > 1.5 * CADENCE else "linear"
    margin = max(step / 2 - CADENCE, 0)
    grid = np.arange(np.ceil(margin / step) * step, times[-1] - margin + 1, step)
    pair = [
        interpolate_time(
            planes(series[:, i : i + n] + level * noise(rng, curves, n)),
            times,
            grid,
            max_gap=600,
            method=method,
        )
        for i in (10, 6)
    ]
    how = Correlator(step, TWO_HOURS)
    error = np.abs(lags_and_correlations(pair, [(0, 1)], how)[1, 0] - 4 * CADENCE)
    sigma, elsewhere = uncertainty_of_lag(*pair, how, trials=60, seed=0, frame_cadence=CADENCE)[:, 0]
    there = np.isfinite(error)
    clear = there & (elsewhere == 0)
    return [float(np.mean(error[clear] <= k * sigma[clear])) for k in (1, 2)], float(
        np.mean(elsewhere[there])
    )


def resampling(curves: int) -> Iterator[str]:
    """12-second frames on a grid of 4 minutes, lag 606.8 s, noise 0.5: 68 % of the errors, and the median correlation."""
    rng = np.random.default_rng(4)
    series = smooth(rng, curves, 4000, 60)
    times, grid = np.arange(3600) * 12.0, np.arange(1, 179) * 240.0
    parts = [planes(series[:, i : i + 3600] + 0.5 * rng.normal(size=(curves, 3600))) for i in (150, 100)]
    for method in ("mean", "linear", "cubic", "nearest"):
        pair = [
            interpolate_time(part, times + late, grid, max_gap=240, method=method)
            for part, late in zip(parts, (0, 6.8), strict=True)
        ]
        _, lag, correlation = lags_and_correlations(pair, [(0, 1)], Correlator(240.0, TWO_HOURS))[:3, 0]
        yield f"{method:8} {np.nanpercentile(abs(lag - 606.8), 68):6.1f} s   {np.nanmedian(correlation):.2f}"


TABLES = {"pull": pull, "chance": chance, "uncertainty": uncertainty, "resampling": resampling}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", nargs="+", choices=tuple(TABLES), default=list(TABLES))
    parser.add_argument("--curves", type=int, default=2000, help="of each cell (default: %(default)s)")
    options = parser.parse_args()
    for name in options.what:
        print(f"\n{name}: {TABLES[name].__doc__}")
        for line in TABLES[name](options.curves):
            print(line, flush=True)
