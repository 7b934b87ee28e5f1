"""Coordinates and images for the resampling kernels, which must not read outside of the image, whatever they are."""

from typing import NamedTuple

import numpy as np

from fuzz.outcome import Outcome, finding

__all__ = ["ResamplingTarget"]

_ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, -0.5, 1e300, -1e300, 2.0**53, 2.0**63, 5e-324, -1.0, 1e-9)


class Case(NamedTuple):
    """An image, coordinates with a rim, and the options of the kernel."""

    image: np.ndarray
    coordinates: np.ndarray
    kernel_width: float
    sample_region_width: float


class ResamplingTarget:
    """Images of any size at coordinates of any kind."""

    def good(self) -> Case:
        return self.start(np.random.default_rng(0))

    def start(self, rng: np.random.Generator) -> Case:
        rows, columns = rng.integers(1, 40, 2)
        image = rng.normal(100, 10, (rows, columns)).astype(rng.choice(["f4", "f8"]))
        height, width = rng.integers(2, 60, 2)
        y, x = np.mgrid[:height, :width] - 1.0
        turn = rng.choice([0.3, 1, 2, 30]) * np.exp(1j * rng.choice([0, 0.01, 1, 2, 3]))
        turned = turn * (x + 1j * y) + complex(*rng.uniform(-10, 30, 2))
        return Case(image, np.ascontiguousarray([turned.real, turned.imag]), 1.3, 4.0)

    def mutate(self, rng: np.random.Generator, case: Case) -> Case:
        image, coordinates = case.image.copy(), case.coordinates.copy()
        match rng.integers(5):
            case 0:
                return case._replace(kernel_width=float(rng.choice([1e-6, 0.1, 1, 3, 1e3, 1e150])))
            case 1:
                return case._replace(sample_region_width=float(rng.choice([1e-9, 0.5, 3, 8, 50, 1e6, 1e300])))
            case 2:
                image[tuple(rng.integers(image.shape))] = rng.choice([np.nan, np.inf, 1e30, 0])
            case 3:
                coordinates[tuple(rng.integers(coordinates.shape))] = rng.choice(_ODD)
            case 4:
                at = tuple(rng.integers(coordinates.shape))
                coordinates[at] = np.round(coordinates[at]) + rng.choice([0, 1e-16, -1e-15, 1e-9, 0.5])
        return case._replace(image=image, coordinates=coordinates)

    def show(self, case: Case) -> None:
        print(case)

    def run(self, case: Case) -> Outcome:
        from sunpy_heliocloud.kernels.adaptive import resample_adaptive
        from sunpy_heliocloud.kernels.adaptive_window import window_needed
        from sunpy_heliocloud.kernels.interpolation import (
            resample_interpolation,
            window_needed_interpolation,
        )

        width = {"sample_region_width": case.sample_region_width}
        kernels = [
            (resample_adaptive, window_needed, {"kernel_width": case.kernel_width, **width}, width),
            *(
                (resample_interpolation, window_needed_interpolation, {"order": i}, {"order": i})
                for i in (0, 1)
            ),
        ]
        for resample, window, options, reach in kernels:
            whole = resample(case.image, case.coordinates, dtype=np.float64, **options)
            rows, columns = window(case.coordinates, case.image.shape, **reach)
            part = np.ascontiguousarray(case.image[slice(*rows), slice(*columns)])
            origin = rows[0], columns[0]
            again = resample(part, case.coordinates, origin=origin, dtype=np.float64, **options)
            if not np.array_equal(whole, again, equal_nan=True):
                return finding("other pixels", f"{resample.__name__} of the window {rows}, {columns}")
        return Outcome("equal")
