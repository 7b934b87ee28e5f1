"""
Light curves of known lag: what lags, probabilities, uncertainties and resampling make of them, beside sunkit-image.

``python benchmarks/truth.py`` prints a table for each; ``--what`` chooses some, ``--curves`` says how many of a cell.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sunkit_image.time_lag
from false_alarms import KINDS, false_alarms, unrelated
from light_curves import CADENCE, SIX_HOURS, TWO_HOURS, planes, power_law, red, smooth, white
from scipy.ndimage import gaussian_filter

import astropy.units as u

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.kernels.correlation import Correlator, lags_and_correlations
from sunpy_heliocloud.kernels.time_axis import interpolate_time
from sunpy_heliocloud.kernels.uncertainty import uncertainty_of_lag
from sunpy_heliocloud.simulation import SimulatedSun
from sunpy_heliocloud.simulation.painting import Texture


def refined(a: np.ndarray, b: np.ndarray, how: Correlator) -> tuple[np.ndarray, np.ndarray]:
    """Lags finer than the cadence, and the correlations there."""
    return tuple(lags_and_correlations((planes(a), planes(b)), [(0, 1)], how)[1:3, 0])


def of_sunkit_image(a: np.ndarray, b: np.ndarray, cadence: float, bounds: tuple[float, float]) -> np.ndarray:
    time = np.arange(a.shape[1]) * cadence * u.s
    lags = sunkit_image.time_lag.time_lag(*(planes(one).astype(float) for one in (a, b)), time, bounds * u.s)
    return lags.to_value(u.s)[0]


# ---- tables


def pull(curves: int) -> Iterator[str]:
    """
    Light curves with lags of -1920 to 1680 s (20 minutes) and of 2880 and -2880 s (power laws), within bounds of 2 and 6
    hours: percent wrong by more than 900 s, percent within a step of zero, and the median of sign(lag) * error (s); and
    the median of the largest correlation (ours, 2 h).
    """
    kinds = {("20 min", n): smooth for n in (60, 180, 720)}
    kinds |= {(f"f^-{exponent:g}", 180): power_law(exponent) for exponent in (1, 1.5, 2, 2.5, 3)}
    columns = [f"{whose}, {hours} h" for hours in (2, 6) for whose in ("ours", "sunkit-image")]
    yield ",".join(f'"{name}"' for name in ("light curves", "planes", "noise", "correlation", *columns))
    for (name, n), make in kinds.items():
        for noise in (0.1, 0.5, 1.0, 2.0):
            series, truth = with_lags(make, curves, n, noise, (-8, -3, 4, 7) if make is smooth else (12, -12))
            cells = []
            for bounds in (TWO_HOURS, SIX_HOURS):
                if n * CADENCE / 2 < bounds[1]:
                    continue
                lag, correlation = refined(*series, Correlator(CADENCE, bounds, keep_edges=True))
                for found in (lag, of_sunkit_image(*series, CADENCE, bounds)):
                    error, zero = found - truth, np.abs(found) <= CADENCE
                    median = np.median(np.sign(truth) * error)
                    cells.append(f"{np.mean(abs(error) > 900):.1%} / {zero.mean():.1%} / {round(median)}")
                if bounds is TWO_HOURS:
                    cells.insert(0, f"{np.median(correlation):.2f}")
            yield ",".join([name, str(n), f"{noise:g}", *cells])


def with_lags(
    make: Callable, curves: int, n: int, noise: float, lags: Sequence[int]
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Two series of each light curve, with noise, and by how much the second follows (s)."""
    rng = np.random.default_rng([2026, n, round(10 * noise)])
    series = make(rng, curves, n + 30)
    late = np.resize(lags, curves)[:, None]
    which = np.arange(curves)[:, None]
    a, b = (
        series[which, start + np.arange(n)] + noise * rng.normal(size=(curves, n))
        for start in (15, 15 - late)
    )
    return (a, b), CADENCE * late[:, 0]


def chance(curves: int) -> Iterator[str]:
    """As benchmarks/false_alarms.py; and, in the last column, what sunkit-image finds to correlate by 0.5 and more."""
    rows = false_alarms(curves)
    yield f"{next(rows)},sunkit-image at 0.5"
    rng = np.random.default_rng(1)
    for make, row in zip(KINDS.values(), rows, strict=True):
        a, b = unrelated(make, rng, curves, 180)
        time = np.arange(180) * CADENCE * u.s
        largest = sunkit_image.time_lag.max_cross_correlation(
            a.astype(float), b.astype(float), time, TWO_HOURS * u.s
        )
        yield f"{row},{100 * np.mean(np.asarray(largest) >= 0.5):.0f}"


def uncertainty(curves: int) -> Iterator[str]:
    """Percent within one and two sigma, and ambiguous, on grids of 96, 240 and 480 s without and with 10 % of the frames
    missing; 68 % of the errors on the grid of 240 s (s)."""
    grids = [(step, gaps) for gaps in (0.0, 0.1) for step in (96.0, 240.0, 480.0)]
    names = [f"{step:.0f} s{' with gaps' if gaps else ''}" for step, gaps in grids]
    yield ",".join(["planes", "correlation", "noise", *names, "ours", "sunkit-image"])
    pooled = []
    for n in (60, 180, 720):
        for r in (0.6, 0.8, 0.9, 0.99):
            for noise in (white, red):
                cells = [coverage(curves, n, r, noise, *grid) for grid in grids]
                pooled += [cell for cell in cells if n >= 180 and r >= 0.8]
                shown = [" / ".join(f"{100 * part:.0f}" for part in cell.shares) for cell in cells]
                errors = [f"{error:.0f}" for error in cells[1].errors]
                yield ",".join([str(n), f"{r:g}", noise.__name__, *shown, *errors])
    one, two, ambiguous = np.mean([cell.shares for cell in pooled], axis=0)
    yield f"180 and 720 planes with correlations of 0.8 and more: {one:.1%} / {two:.1%} / {ambiguous:.1%}"


class Coverage(NamedTuple):
    """Shares within one and two sigma of unambiguous lags, and of ambiguous ones; 68 % of the errors, ours and theirs."""

    shares: tuple[float, float, float]
    errors: tuple[float, float]


def coverage(curves: int, n: int, r: float, noise: Callable, step: float, gaps: float) -> Coverage:
    rng = np.random.default_rng([2026, n, round(100 * r), round(step), round(10 * gaps)])
    series, level, times = smooth(rng, curves, n + 20), np.sqrt(1 / r - 1), np.arange(n) * CADENCE
    method = "mean" if step > 1.5 * CADENCE else "linear"
    margin = max(step / 2 - CADENCE, 0)
    grid = np.arange(np.ceil(margin / step) * step, times[-1] - margin + 1, step)
    which = np.arange(curves)[:, None]
    late = np.array([4, -3, 6, -5])[which % 4]
    pair = []
    for start in (10, 10 - late):
        observed = planes(series[which, start + np.arange(n)] + level * noise(rng, curves, n))
        observed[rng.random(n) < gaps] = np.nan
        pair.append(interpolate_time(observed, times, grid, max_gap=2.1 * CADENCE, method=method))
    how, true = Correlator(step, TWO_HOURS), late[:, 0] * CADENCE
    error = np.abs(lags_and_correlations(pair, [(0, 1)], how)[1, 0] - true)
    sigma, elsewhere = uncertainty_of_lag(*pair, how, trials=60, seed=0)[:, 0]
    there = np.isfinite(error)
    clear = there & (elsewhere == 0)
    shares = [float(np.mean(error[clear] <= k * sigma[clear])) for k in (1, 2)]
    theirs = of_sunkit_image(*(one[:, 0].T for one in pair), step, TWO_HOURS) - true
    errors = (
        [float(np.nanpercentile(one, 68)) for one in (error, np.abs(theirs))] if gaps == 0 else [np.nan] * 2
    )
    return Coverage((*shares, float(np.mean(elsewhere[there]))), tuple(errors))


def resampling(curves: int) -> Iterator[str]:
    """12-second frames on a grid of 4 minutes, lag 606.8 s, noise 0.5: 68 % of the errors, and the median correlation; and
    68 % of the errors of sunkit-image with the same curves."""
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
        theirs = of_sunkit_image(*(one[:, 0].T for one in pair), 240.0, TWO_HOURS)
        errors = [np.nanpercentile(abs(one - 606.8), 68) for one in (lag, theirs)]
        yield f"{method:8} {errors[0]:6.1f} s   {np.nanmedian(correlation):.2f}   {errors[1]:6.1f} s"


def derotation(curves: int) -> Iterator[str]:
    """White noise in derotated frames of 2 to 6 hours away: by what it is multiplied, and correlations of neighbours."""
    sun, rng = SimulatedSun(noise=False), np.random.default_rng(5)
    disk = sunpy.map.Map(*sun.frame(171, sun.time, shape=(625, 625)))
    region = disk.submap([270, 270] * u.pix, top_right=[369, 369] * u.pix)
    headers = [sun.frame(171, sun.time + hours * u.h, shape=(625, 625))[1] for hours in (-6, -4, -2, 2, 4, 6)]
    frames = [(1000 + 10 * rng.normal(size=(625, 625)), header) for header in headers]
    cube = LazyMapSequence(frames).to_cube(normalize=False)
    for algorithm in ("adaptive", "interpolation"):
        noise = np.asarray(cube.derotate_to(region, algorithm=algorithm).compute().data) - 1000
        beside, above = (noise[..., 1:] * noise[..., :-1]).mean(), (noise[:, 1:] * noise[:, :-1]).mean()
        parts = np.array([beside, above]) / noise.var()
        yield f"{algorithm:14} x {noise.std() / 10:.2f}   {parts[0]:.2f} along x, {parts[1]:.2f} along y"


class FineSun(SimulatedSun):
    """A quiet Sun that only rotates, with structures of 6 arcsec (standard deviation), 0.7 pixels of 8 arcsec."""

    @cached_property
    def _texture(self) -> Texture:
        patch = super()._texture
        values = gaussian_filter(np.random.default_rng(6).normal(size=patch.values.shape), 4, mode="wrap")
        return patch._replace(values=(values - values.min()) / np.ptp(values))


def static(curves: int) -> Iterator[str]:
    """
    A static Sun, 73 frames in 12 hours, photon noise of 1 %, at several distances from the centre of the disk: the standard
    deviation of straight-line changes from the first to the last frame, without noise; and of lags between two channels,
    which have nothing but noise of their own, percent within a step of zero (by chance 12), and percent significant at 5 %.
    """
    noisy, clean = (FineSun(counts=0.0, variability=0.0, noise=noise) for noise in (True, False))
    hours = np.linspace(-6, 6, 73)
    channels = [static_cube(noisy, channel, hours) for channel in (193, 171)]
    of_drift = static_cube(clean, 171, hours[::6])
    yield "radius,algorithm,detrend,drift,zero lag,significant"
    disk = sunpy.map.Map(*clean.frame(171, clean.time, shape=(312, 312)))
    radius = disk.rsun_obs.to_value(u.arcsec) / disk.scale[0].value
    for distance in (0, 0.52, 0.86):
        left, low = int(156 + distance * radius - 12), 156 - 12
        region = disk.submap([left, low] * u.pix, top_right=[left + 23, low + 23] * u.pix)
        for algorithm in ("adaptive", "interpolation"):
            planes_ = np.asarray(of_drift.derotate_to(region, algorithm=algorithm).compute().data, float)
            slope = np.polyfit(hours[::6], planes_.reshape(len(planes_), -1), 1)[0]
            drift = 12 * slope / planes_.mean(axis=0).ravel()
            a, b = (
                cube.derotate_to(region, algorithm=algorithm).resample_time(10 * u.min).compute()
                for cube in channels
            )
            for detrend in (None, 3 * u.hour):
                options = {"lag_bounds": [-2, 2] * u.hour, "at_bounds": "keep", "detrend": detrend}
                lag = np.asarray(a.time_lag(b, **options).compute().data)
                chance = np.asarray(a.false_alarm_probability(b, trials=99, **options).compute().data)
                shares = np.mean(np.abs(lag) <= 600), np.mean(chance <= 0.05)
                yield f"{distance},{algorithm},{detrend},{drift.std():.2%},{shares[0]:.0%},{shares[1]:.0%}"


def static_cube(sun: SimulatedSun, channel: int, hours: np.ndarray) -> TimeLagCube:
    frames = [sun.frame(channel, sun.time + h * u.h, 200 * u.s, shape=(312, 312)) for h in hours]
    return LazyMapSequence(frames).to_cube(normalize=False)


TABLES = {
    "pull": pull,
    "chance": chance,
    "uncertainty": uncertainty,
    "resampling": resampling,
    "derotation": derotation,
    "static": static,
}

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
