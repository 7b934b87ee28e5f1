"""
Derotation alone, in one process: its speed beside reproject's, and its accuracy against sunpy's, in pixels.

``python benchmarks/derotation.py`` prints both tables; ``--accuracy`` the second one only, as reStructuredText.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from reproject import reproject_adaptive

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_pixel

import sunpy.map
from sunpy.coordinates import HeliographicStonyhurst, propagate_with_solar_surface
from sunpy.map.header_helper import make_fitswcs_header, make_heliographic_header

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import Adaptive
from sunpy_heliocloud.derotation.transformation import Transformation
from sunpy_heliocloud.kernels.adaptive import resample_adaptive

ADAPTIVE = Adaptive()
REFERENCE = Time("2018-05-29T18:00:00")
EARTH = (0, -1, 1.0)


def helioprojective(
    hours: float = 0,
    *,
    center: tuple[float, float] = (0, 0),
    n: int = 400,
    scale: float = 0.6,
    angle: float = 0,
    observer: tuple[float, float, float] = EARTH,
) -> WCS:
    """WCS of a square image ``hours`` after the reference time; observer in degrees and au."""
    time_ = REFERENCE + hours * u.hour
    lon, lat, distance = observer
    observer_ = SkyCoord(
        lon * u.deg, lat * u.deg, distance * u.au, frame=HeliographicStonyhurst(obstime=time_)
    )
    middle = SkyCoord(*center, unit="arcsec", frame="helioprojective", obstime=time_, observer=observer_)
    header = make_fitswcs_header(
        (n, n), middle, scale=[scale, scale] * u.arcsec / u.pix, rotation_angle=angle * u.deg
    )
    return sunpy.map.Map(np.broadcast_to(np.float32(0), (n, n)), header).wcs


def carrington(code: str) -> WCS:
    """WCS of a synoptic map, one degree a pixel."""
    observer = SkyCoord(0 * u.deg, -1 * u.deg, 1 * u.au, frame=HeliographicStonyhurst(obstime=REFERENCE))
    header = make_heliographic_header(
        REFERENCE, observer, (180, 360), frame="carrington", projection_code=code
    )
    return sunpy.map.Map(np.broadcast_to(np.float32(0), (180, 360)), header).wcs


FRAME = {"n": 5000, "scale": 0.5}
STEREO_A, STEREO_B, SOLAR_ORBITER = (-117, 6, 0.96), (110, -5, 1.08), (40, -3, 0.3)
CASES: dict[str, tuple[WCS, WCS]] = {
    "disk centre, 2.4 hours": (helioprojective(), helioprojective(2.4, **FRAME)),
    "disk centre, 6 days": (helioprojective(), helioprojective(144, **FRAME)),
    "active region, -6 hours": (helioprojective(center=(-125, 250)), helioprojective(-6, **FRAME)),
    "west limb, 6 hours": (helioprojective(center=(850, 150)), helioprojective(6, **FRAME)),
    "over the west limb, 3 days": (helioprojective(center=(750, -200)), helioprojective(72, **FRAME)),
    "over the east limb, -3 days": (helioprojective(center=(-750, -200)), helioprojective(-72, **FRAME)),
    "north pole, 1 day": (helioprojective(center=(0, 900)), helioprojective(24, **FRAME)),
    "full disk at 6 arcsec, -6 days": (helioprojective(n=400, scale=6), helioprojective(-144, **FRAME)),
    "rotated by 40°, 3 times the scale": (helioprojective(scale=1.8, angle=40), helioprojective(6, **FRAME)),
    "Carrington map, CAR": (carrington("CAR"), helioprojective(12, **FRAME)),
    "Carrington map, CEA": (carrington("CEA"), helioprojective(12, **FRAME)),
    "STEREO-A in Earth's view": (helioprojective(center=(-600, 0)), helioprojective(3, observer=STEREO_A, **FRAME)),
    "STEREO-B in Earth's view": (helioprojective(center=(600, 0)), helioprojective(3, observer=STEREO_B, **FRAME)),
    "Solar Orbiter at 0.3 au in Earth's view": (
        helioprojective(center=(300, 0)),
        helioprojective(3, observer=SOLAR_ORBITER, n=2000, scale=4),
    ),
}  # fmt: skip


def transformation(target: WCS, source: WCS) -> Transformation:
    """That of a task of `TimeLagCube.derotate_to` for one frame."""
    derotation = Derotation(PlaneWCS.from_wcs(target))
    return derotation.transformation(*derotation.sources([PlaneWCS.from_wcs(source)]))


def accuracy(target: WCS, source: WCS) -> tuple[float, float, float]:
    """Largest difference from sunpy in pixels, over all pixels; and the shares of them that are missing, ours and theirs."""
    ny, nx = target.array_shape
    ours = transformation(target, source).pixel_map.rows(0, ny)[:, 1:-1, 1:-1]
    y, x = np.indices((ny, nx))
    with propagate_with_solar_surface():
        theirs = np.array(pixel_to_pixel(target, source, x, y))
        back = np.array(pixel_to_pixel(source, target, *theirs))
    # What is hidden does not come back to where it was, see reproject's roundtrip_coords.
    theirs[:, ~(np.abs(back - [x, y]) <= 1).all(axis=0)] = np.nan
    missing, theirs_missing = np.isnan(ours[0]).mean(), np.isnan(theirs[0]).mean()
    return float(np.nanmax(np.abs(ours - theirs))), float(missing), float(theirs_missing)


def print_accuracy() -> None:
    rows = [(name, *accuracy(*wcses)) for name, wcses in CASES.items()]
    width = max(len(name) for name in CASES)
    rule = f"{'=' * width}  {'=' * 13}  {'=' * 7}  {'=' * 10}"
    print(f"{rule}\n{'target and frame':{width}}  error (pixel)  missing  round trip\n{rule}")
    for name, error, missing, theirs in rows:
        print(f"{name:{width}}  {error:13.1e}  {missing:7.2%}  {theirs:10.2%}")
    print(rule)


def seconds(function: Callable, repetitions: int) -> float:
    """Median wall time of a call, after one that is not counted."""
    function()
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def print_speed(repetitions: int) -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(100, 10, (5000, 5000)).astype(np.float32)
    source = helioprojective(6, **FRAME)
    targets = {
        "region, 1002² from 5000²": helioprojective(center=(-125, 250), n=1002, scale=0.5),
        "full disk, 5000² from 5000²": helioprojective(**FRAME),
    }
    for name, target in targets.items():
        shape = target.array_shape

        move = transformation(target, source)

        def ours(move=move, shape=shape):
            # Of a new one, the pixel map is made once more.
            move = dataclasses.replace(move)
            window = ADAPTIVE.reach(move)
            derotated = np.empty(shape, np.float32)
            ADAPTIVE.resample(image[slice(*window.rows), slice(*window.columns)], window, move, derotated)
            return derotated

        def theirs(target=target, shape=shape):
            with propagate_with_solar_surface():
                return reproject_adaptive(
                    (image, source), target, shape, roundtrip_coords=False, return_footprint=False
                )

        n = repetitions if shape[0] < 2000 else 1
        times = seconds(ours, n), seconds(theirs, min(n, 3))
        print(f"{name}: ours {times[0]:.3f} s, reproject {times[1]:.2f} s, {times[1] / times[0]:.0f} times")
    print_threads(image, source, targets["region, 1002² from 5000²"], repetitions)


def print_threads(image: np.ndarray, source: WCS, target: WCS, repetitions: int) -> None:
    """Both threads work on planes of their own, as dask's do."""
    coordinates = transformation(target, source).pixel_map.rows(0, target.array_shape[0])

    def kernel(_=None):
        return resample_adaptive(image, coordinates)

    with ThreadPoolExecutor(2) as pool:
        one = seconds(lambda: [kernel(), kernel()], repetitions)
        two = seconds(lambda: list(pool.map(kernel, range(2))), repetitions)
    print(
        f"resampling, ms a frame: {one / 2e-3:.0f} on one thread, {two / 2e-3:.0f} on two, {one / two:.2f} times"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accuracy", action="store_true", help="print the table of accuracy only")
    parser.add_argument("--repetitions", type=int, default=10, help="of what is timed (default: %(default)s)")
    arguments = parser.parse_args()
    if not arguments.accuracy:
        print_speed(arguments.repetitions)
    print_accuracy()
