"""
Time lags: how fast, in how much memory, and how right, beside sunkit-image and scipy.

``python lags.py`` runs by itself and prints a table; ``--what`` chooses the parts. Everything runs on this machine.
"""

import argparse
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import dask
import dask.array as da
import numpy as np
import psutil
import sunkit_image.time_lag
from scipy.interpolate import interp1d

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.kernels.correlation import Correlator, lags_and_correlations
from sunpy_heliocloud.kernels.time_axis import interpolate_time
from sunpy_heliocloud.simulation import CHANNEL_DELAYS, LocalServer, SimulatedSun, write_bucket

__all__ = ["PARTS", "measure_lags"]

HERE = Path(__file__).parent
SUN = SimulatedSun()
N, SIDE, CADENCE = 180, 512, 240.0
BESIDE = 384
BOUNDS = [-2, 2] * u.hour
CHANNELS = tuple(CHANNEL_DELAYS)
ACCURACY = 180, (1250, 1250)
MEGABYTE = 1e6


class PeakMemory:
    """The largest resident memory of this process in a ``with`` block, above that at its start, in MB."""

    def __enter__(self) -> Self:
        self._process, self._finished = psutil.Process(), threading.Event()
        self._before = self._peak = self._process.memory_info().rss
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._finished.set()
        self._sampler.join()
        self.megabytes = (self._peak - self._before) / MEGABYTE

    def _sample(self) -> None:
        while not self._finished.wait(0.002):
            self._peak = max(self._peak, self._process.memory_info().rss)


def _timed(function: Callable[[], Any]) -> tuple[float, float]:
    """
    Seconds of the processors, the better of two runs, and megabytes.

    What else the machine does changes them less than the time on the wall. They are summed over threads.
    """
    seconds = []
    with PeakMemory() as memory:
        for _ in range(2):
            began = time.process_time()
            function()
            seconds.append(time.process_time() - began)
    return min(seconds), memory.megabytes


def _ref_map(channel: int, shape: tuple[int, int]) -> sunpy.map.GenericMap:
    return sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=shape))


def _cubes(channels: tuple[int, ...], side: int, n: int = N) -> list[TimeLagCube]:
    """Red noise, in memory, each channel later than the last by a sample."""
    walk = np.random.default_rng(0).normal(size=(n + 10, side, side)).astype(np.float32).cumsum(axis=0)
    times = SUN.time + np.arange(n) * CADENCE * u.s
    return [
        TimeLagCube.from_array(walk[10 - i : 10 - i + n], _ref_map(channel, (side, side)), times)
        for i, channel in enumerate(channels)
    ]


def beside_sunkit_image() -> dict[str, float]:
    """Lag and maximum correlation of a cube in memory: by sunkit-image's definition, and normalised on the overlap."""
    hot, cool = _cubes((193, 171), BESIDE)
    seconds = np.arange(N) * CADENCE * u.s

    def ours(overlap_normalized: bool) -> None:
        options = {"lag_bounds": BOUNDS, "overlap_normalized": overlap_normalized}
        dask.compute(hot.time_lag(cool, **options), hot.max_cross_correlation(cool, **options))

    def theirs() -> None:
        for function in (sunkit_image.time_lag.time_lag, sunkit_image.time_lag.max_cross_correlation):
            function(hot.data, cool.data, seconds, lag_bounds=BOUNDS.to(u.s))

    ours(True)  # imports
    their_time, their_memory = _timed(theirs)
    figures = {
        "a cube (MB)": hot.data.nbytes / MEGABYTE,
        "sunkit-image (s)": their_time,
        "sunkit-image, extra memory (MB)": their_memory,
    }
    for name, overlap_normalized in (("its definition", False), ("on the overlap", True)):
        seconds_of_ours, memory = _timed(
            lambda overlap_normalized=overlap_normalized: ours(overlap_normalized)
        )
        figures |= {
            f"ours, {name} (s)": seconds_of_ours,
            f"{name}, times faster": their_time / seconds_of_ours,
            f"{name}, extra memory (MB)": memory,
        }
    return figures


def cost_of_the_overlap() -> dict[str, float]:
    """One pass normalised on the overlap against a tapered one: of the kernel, and as a user asks for it."""
    figures = {}
    rng = np.random.default_rng(0)
    for n, hours in ((N, 2), (N, 6), (N, None), (4 * N, 6), (4 * N, None)):
        series = [rng.normal(size=(n, 96, 96)).cumsum(axis=0).astype(np.float32) for _ in "ab"]
        bounds = None if hours is None else (-hours * 3600.0, hours * 3600.0)
        label = f"kernel, {n} planes, {'all lags' if hours is None else f'{hours} h'}"
        figures |= _ratio(label, partial(_one_pass, series, bounds))
    for n, hours in ((N, 2), (N, 6), (4 * N, 6)):
        cubes = _cubes((193, 171), BESIDE if n == N else BESIDE // 2, n)
        figures |= _ratio(f"time_lag, {n} planes, {hours} h", partial(_lag, *cubes, [-hours, hours] * u.hour))
    return figures


def _one_pass(series: list[np.ndarray], bounds: tuple[float, float] | None, per_overlap: bool) -> None:
    lags_and_correlations(series, [(0, 1)], Correlator(CADENCE, bounds, per_overlap=per_overlap))


def _lag(hot: TimeLagCube, cool: TimeLagCube, bounds: u.Quantity, per_overlap: bool) -> None:
    hot.time_lag(cool, lag_bounds=bounds, overlap_normalized=per_overlap).compute()


def _ratio(label: str, run: Callable[[bool], None]) -> dict[str, float]:
    """Milliseconds of the processors, the least of some runs in turn, and how they compare."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(9):
        for per_overlap, taken in seconds.items():
            began = time.process_time()
            run(per_overlap)
            taken.append(time.process_time() - began)
    overlap, tapered = (min(taken) * 1000 for taken in seconds.values())
    return {
        f"{label}: overlap (ms)": overlap,
        f"{label}: tapered (ms)": tapered,
        f"{label}: ratio": overlap / tapered,
    }


def fifteen_pairs_in_memory() -> dict[str, float]:
    """All pairs of six channels, against one pair."""
    cubes = _cubes(CHANNELS, SIDE // 2)

    def pairs_of(some: list[TimeLagCube]) -> None:
        dask.compute(*time_lag_pairs(some, lag_bounds=BOUNDS))

    pairs_of(cubes)
    (one_time, _), (all_time, memory) = _timed(lambda: pairs_of(cubes[:2])), _timed(lambda: pairs_of(cubes))
    return {
        "one pair (s)": one_time,
        "fifteen pairs (s)": all_time,
        "times one pair": all_time / one_time,
        "fifteen pairs, extra memory (MB)": memory,
    }


def interpolation() -> dict[str, float]:
    """All pixels of a cube to other times: by pencils, as tasks do it; and at once, where new memory takes the time."""
    rng = np.random.default_rng(0)
    times = np.arange(N) * CADENCE + rng.uniform(-5, 5, N)
    new_times = np.arange(1, N - 1) * CADENCE
    planes = rng.normal(100, 10, (N, SIDE, SIDE)).astype(np.float32)
    cube = TimeLagCube.from_array(
        da.from_array(planes, chunks=(1, SIDE, SIDE)), _ref_map(193, (SIDE, SIDE)), SUN.time + times * u.s
    )
    step = cube.resample_time(CADENCE * u.s).data.chunks[1][0]
    pencils = [
        np.ascontiguousarray(planes[:, y : y + step, x : x + step])
        for y in range(0, SIDE, step)
        for x in range(0, SIDE, step)
    ]

    def ours(planes: np.ndarray, method: str = "linear") -> None:
        interpolate_time(planes, times, new_times, max_gap=500, method=method)

    def theirs(planes: np.ndarray) -> None:
        interp1d(times, planes, axis=0)(new_times)

    def by_pencils(interpolate: Callable[[np.ndarray], None]) -> float:
        return _timed(lambda: [interpolate(pencil) for pencil in pencils])[0]

    figures = {"side of a pencil (pixels)": step}
    for method in ("linear", "nearest", "cubic"):
        ours(planes[:, :2], method)
        figures[f"{method} (s)"] = by_pencils(lambda pencil, method=method: ours(pencil, method))
    figures["interp1d, linear (s)"] = by_pencils(theirs)
    figures["part of interp1d"] = figures["linear (s)"] / figures["interp1d, linear (s)"]
    figures["at once, linear (s)"], _ = _timed(lambda: ours(planes))
    figures["at once, interp1d (s)"], _ = _timed(lambda: theirs(planes))
    figures["at once, part of interp1d"] = figures["at once, linear (s)"] / figures["at once, interp1d (s)"]
    return figures


def twelve_hours_at_12_s() -> dict[str, float]:
    """3600 planes of two channels that are made when they are asked for, on one thread."""
    n, side = 3600, 128
    times = SUN.time + np.arange(n) * 12 * u.s

    def plane(block_id: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng(block_id[0]).normal(size=(1, side, side)).astype(np.float32)

    data = da.map_blocks(
        plane, chunks=((1,) * n, (side,), (side,)), dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    hot, cool = (
        TimeLagCube.from_array(array, _ref_map(channel, (side, side)), times)
        for array, channel in ((data, 193), (data * 2 + 1, 171))
    )
    lag = hot.time_lag(cool, lag_bounds=BOUNDS)
    pencil = max(lag.data.chunks[-1]) ** 2 * n * 4 / MEGABYTE
    with dask.config.set(scheduler="sync"):
        seconds, memory = _timed(lag.compute)
    return {
        "pencil of a cube (MB)": pencil,
        "cube (MB)": n * side**2 * 4 / MEGABYTE,
        "s": seconds,
        "MB": memory,
    }


def accuracy(cache: Path = HERE / ".cache") -> dict[str, float]:
    """Fifteen pairs of the simulated Sun through S3, against the truth."""
    n, shape = ACCURACY
    folder = cache / f"lags-{n}-{shape[0]}x{shape[1]}"
    if not folder.exists():
        unfinished = folder.with_name(folder.name + "-unfinished")
        write_bucket(str(unfinished), SUN, channels=CHANNELS, n_frames=n, shape=shape, processes=2)
        unfinished.rename(folder)
    figures: dict[str, float] = {}
    with LocalServer() as server:
        server.upload(folder)
        urls = [
            f"{server.url.rstrip('/')}/{path.relative_to(folder).as_posix()}"
            for path in sorted(folder.rglob("*.fits"))
        ]
        sequence = LazyMapSequence(urls, storage_options=server.storage_options)
        channels = {f"{part.wavelength[0].value:g}": part for part in sequence.split()}
        full_disk = channels["171"].nearest(SUN.time)
        corner = SkyCoord(-375 * u.arcsec, 0 * u.arcsec, frame=full_disk.coordinate_frame)
        region = full_disk.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
        derotated = {key: part.to_cube().derotate_to(region) for key, part in channels.items()}
        server.reset()
        began = time.perf_counter()
        pairs = _pairs(derotated)
        figures["fifteen pairs from S3 (s)"] = time.perf_counter() - began
        figures["reads for a frame"] = server.requests / len(urls)
        derotated = dict(zip(derotated, dask.compute(*derotated.values()), strict=True))
    figures |= _errors("complete", *pairs, region)
    figures |= _errors("complete, on the grid", *_pairs(derotated, refine=None), region)
    for label, max_gap in (("bridged", None), ("left open", CADENCE * 1.2 * u.s)):
        thinned = {key: _thinned(cube, int(key), region) for key, cube in derotated.items()}
        figures |= _errors(f"10 % missing, {label}", *_pairs(thinned, max_gap=max_gap), region)
    gap = {key: _with_gap(cube, region) for key, cube in derotated.items()}
    return figures | _errors("a gap of 40 minutes", *_pairs(gap), region)


def _pairs(
    cubes: Mapping[str, TimeLagCube], *, refine: str | None = "parabolic", max_gap: u.Quantity | None = None
) -> tuple:
    resampled = [cube.resample_time(CADENCE * u.s, max_gap=max_gap) for cube in cubes.values()]
    return dask.compute(*time_lag_pairs(resampled, lag_bounds=BOUNDS, refine=refine))


def _thinned(cube: TimeLagCube, seed: int, region: sunpy.map.GenericMap) -> TimeLagCube:
    n = len(cube.data)
    kept = np.sort(np.random.default_rng(seed).permutation(n)[n // 10 :])
    return TimeLagCube.from_array(
        cube.data[kept], region, cube.times[kept], meta={"wavelength": cube.wavelength}
    )


def _with_gap(cube: TimeLagCube, region: sunpy.map.GenericMap) -> TimeLagCube:
    kept = np.r_[:60, 70 : len(cube.data)]
    return TimeLagCube.from_array(
        cube.data[kept], region, cube.times[kept], meta={"wavelength": cube.wavelength}
    )


def _errors(
    label: str, lags: Mapping, correlations: Mapping, region: sunpy.map.GenericMap
) -> dict[str, float]:
    """The worst of the pairs: its bias and the error that 95 % of its pixels stay below, in seconds."""
    biases, spreads, slope = {}, {}, {}
    for key, lag in lags.items():
        a, b = map(int, key.split("-"))
        true_lag = SUN.true_lag(a, b, region, within=6 * u.deg)
        # Where the lag lies beyond the bounds there is no answer.
        judged = (correlations[key].data > 0.5) & (np.abs(true_lag) < 0.95 * 7200) & np.isfinite(lag.data)
        error = (lag.data - true_lag)[judged]
        biases[key], spreads[key] = np.median(error), np.percentile(np.abs(error), 95)
        slope[key] = abs(CHANNEL_DELAYS[b] - CHANNEL_DELAYS[a])
        print(
            f"{label}: {key:8s} {judged.sum():5d} pixels, bias {biases[key]:6.1f} s, 95 % within "
            f"{spreads[key]:5.0f} s; lags are {slope[key]:.2f} times those of 193-171"
        )
    worst = max(biases, key=lambda key: abs(biases[key]))
    widest = max(spreads, key=spreads.get)
    return {
        f"{label}: 193-171, bias (s)": biases["193-171"],
        f"{label}: 193-171, 95 % within (s)": spreads["193-171"],
        f"{label}: largest bias, {worst} (s)": biases[worst],
        f"{label}: widest, {widest}, 95 % within (s)": spreads[widest],
    }


PARTS = {
    "sunkit": beside_sunkit_image,
    "overlap": cost_of_the_overlap,
    "pairs": fifteen_pairs_in_memory,
    "interpolation": interpolation,
    "long": twelve_hours_at_12_s,
    "accuracy": accuracy,
}


def measure_lags(parts: list[str]) -> dict[str, dict[str, float]]:
    """
    Run some of the `PARTS`.

    Returns
    -------
    dict
        The figures of each.
    """
    return {part: PARTS[part]() for part in parts}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time lags: how fast, in how much memory, and how right.")
    parser.add_argument("--what", nargs="+", choices=tuple(PARTS), default=list(PARTS))
    for part, figures in measure_lags(parser.parse_args().what).items():
        print(f"\n{part}: {PARTS[part].__doc__}")
        for name, value in figures.items():
            print(f"  {name:45s} {value:10.2f}")
