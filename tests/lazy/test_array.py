"""Single values of lazy arrays are numbers for Python, too, and lazy arrays of all kinds go together."""

import math
import pickle
from contextlib import nullcontext

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from reproject import reproject_interp

import astropy.units as u

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.lazy.array import LazyArray
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(4) * 240 * u.s
SEQ = LazyMapSequence([SUN.frame(171, time, shape=(12, 16)) for time in TIMES])
FRAMES = SEQ.to_cube()
DEROTATED = FRAMES.derotate_to(SEQ[1])
RESAMPLED = DEROTATED.resample_time(4 * u.min)
ARRAYS = {
    "Map": SEQ[0].data,
    "frames": FRAMES.data,
    "derotated": DEROTATED.data,
    "resampled": RESAMPLED.data,
    "plane": DEROTATED[1].data,
    "light curve": RESAMPLED[:, 5, 6].data,
    "means": FRAMES.data.mean(axis=0),
    "persisted": FRAMES.persist().data,
    "dask's": TimeLagCube(da.ones((4, 12, 16)), wcs=DEROTATED.wcs).data,
    "lags": RESAMPLED.time_lag(RESAMPLED, at_bounds="keep").data,
}
SCALARS = {
    "mean": lambda x: np.nan_to_num(x).mean(),
    "numpy's maximum": lambda x: np.nanmax(x),
    "pixel": lambda x: np.nan_to_num(x)[(2,) * x.ndim],
    "range": lambda x: np.nan_to_num(x).max() - np.nan_to_num(x).min(),
    "count": lambda x: (x > 3).sum(),
    "fraction": lambda x: np.isnan(x).mean(),
    "place": lambda x: np.nan_to_num(x).argmax(),
    "ratio": lambda x: 100 * np.isfinite(x).sum() / x.size,
    "root": lambda x: np.sqrt(np.nan_to_num(x).sum()),
}
USES = {
    "two digits": lambda x: f"{x:.2f}",
    "alone": lambda x: f"{x}",
    "printed": lambda x: str(x),
    "format": "{:10.3e}".format,
    "percent": lambda x: f"{x:.1%}",
    "old percent": lambda x: "%.2f" % x,  # noqa: UP031  as people write it
    "float": float,
    "int": int,
    "bool": bool,
    "round": round,
    "round to a digit": lambda x: round(x, 1),
    "floor": math.floor,
    "square root": math.sqrt,
    "comparison": lambda x: (bool(x > 3), bool(x == 0), bool(3 >= x)),
    "sorted": lambda x: [float(one) for one in sorted([x, 3.0, -1.0])],
    "max": lambda x: float(max(x, 3)),
    "item": lambda x: x.item(),
    "list": lambda x: x.tolist(),
    "in": lambda x: x in (-3, 0),
    "array": lambda x: np.array([x, x]).tolist(),
    "quantity": lambda x: f"{x * u.s:.2f}",
}


@pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS.keys())
def test_single_values_of_lazy_arrays_are_formatted_as_numbers(scalar):
    for name, lazy in ARRAYS.items():
        with no_compute() if name != "Map" else nullcontext():  # whose pixels functions of numpy are given
            one = scalar(lazy)
        with dask.config.set(scheduler="synchronous"):
            assert float(f"{one:.9e}") == pytest.approx(float(scalar(lazy.compute())), rel=1e-5), name


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_single_values_of_lazy_arrays_are_used_as_numbers(use):
    for one in (
        SEQ[0].data.mean(),
        FRAMES.data[1, 5, 6],
        DEROTATED.data[1, 5, 6],
        (RESAMPLED.data > 30).sum(),
    ):
        with dask.config.set(scheduler="synchronous"):
            result, expected = use(one), use(one.compute())
        assert result == (expected if isinstance(expected, str) else pytest.approx(expected))


def test_what_has_axes_is_shown_as_dask_shows_it_and_not_computed():
    with no_compute():
        for array in ARRAYS.values():
            assert str(array) == repr(array) == f"{array}"
            assert "dask.array<" in str(array)
            assert "dask.array<" in repr(array.mean())
        with pytest.raises(TypeError, match="unsupported format string"):
            f"{FRAMES.data:.2f}"
    assert (round(FRAMES.data).compute() == np.round(FRAMES.data.compute())).all()


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a + b, lambda a, b: a * b[0], lambda a, b: a[0] - b, lambda a, b: a > b[0], lambda a, b: a[0] <= b,
        lambda a, b: np.add(a, b), lambda a, b: np.maximum(a[0], b), lambda a, b: np.where(a > 50, b, 0),
        lambda a, b: np.stack([a[0], b[0]]), lambda a, b: np.concatenate([a, b]), lambda a, b: a - b.mean(axis=0),
        lambda a, b: a / b.max(), lambda a, b: np.nan_to_num(a)[0] @ np.nan_to_num(b)[0].T, lambda a, b: a % (b + 1),
    ],
    ids=range(14),
)  # fmt: skip
def test_lazy_arrays_of_all_kinds_go_together_as_numpy_s(operation):
    arrays = [SEQ[1].data, FRAMES.data, DEROTATED.data, RESAMPLED.data[[0, 1, 2, 2]], FRAMES.data * 1.5 + 1]
    arrays[0] = np.broadcast_to(arrays[0], FRAMES.shape)
    values = [np.asarray(array) for array in arrays]
    for a, right_a in zip(arrays, values, strict=True):
        for b, right_b in zip(arrays, values, strict=True):
            with no_compute():
                result = operation(a, b)
            np.testing.assert_allclose(result, operation(right_a, right_b), rtol=1e-5)


LAZY = {
    "clip": lambda x: np.clip(x, 0, 50),
    "clip from below": lambda x: np.clip(x, a_min=20, a_max=None),
    "numbers for NaN": lambda x: np.nan_to_num(x, nan=-1.0),
    "where": lambda x: np.where(x > 50, x, np.nan),
    "round": lambda x: np.round(x, 1),
    "logarithm": lambda x: np.log10(np.abs(x) + 1),
    "maximum": lambda x: np.maximum(x, 30),
}
OF_VALUES = {
    "median": lambda x: np.nanmedian(x),
    "median of a mask": lambda x: np.median(x[np.isfinite(x)]),
    "percentile": lambda x: np.nanpercentile(x, [10, 90]),
    "percentile of a line": lambda x: np.percentile(np.nan_to_num(x).ravel(), 90),
    "quantile of a line": lambda x: np.quantile(np.nan_to_num(x).ravel(), 0.3),
    "histogram": lambda x: np.histogram(np.nan_to_num(x), bins=7)[0],
    "histogram of a mask": lambda x: np.histogram(x[np.isfinite(x)], bins=7)[0],
    "sort": lambda x: np.sort(np.nan_to_num(x), axis=None),
    "interpolation": lambda x: np.interp([1.5, 2.5], np.arange(x.size), np.nan_to_num(x).ravel()),
    "spectrum": lambda x: np.abs(np.fft.rfft(np.nan_to_num(x), axis=0)),
    "minimum by another name": lambda x: np.amin(np.nan_to_num(x)),
    "trend": lambda x: np.polyfit(np.arange(x.size), np.nan_to_num(x).ravel(), 1),
    "columns": lambda x: np.column_stack([x.ravel(), x.ravel()]),
    "equal": lambda x: np.array_equal(x, x, equal_nan=True),
}


@pytest.mark.parametrize("function", LAZY.values(), ids=LAZY.keys())
def test_functions_of_each_value_are_lazy_and_a_slice_of_them_reads_only_its_frames(function):
    for cube in (FRAMES, DEROTATED, RESAMPLED):
        with no_compute():
            result = TimeLagCube(function(cube.data), wcs=cube.wcs)
            plane = result[1].data
        np.testing.assert_allclose(plane, function(np.asarray(cube.data))[1], rtol=1e-6)
    assert result[1].estimate().frames == RESAMPLED[1].estimate().frames < 4


@pytest.mark.parametrize("function", OF_VALUES.values(), ids=OF_VALUES.keys())
def test_functions_that_dask_lacks_or_only_estimates_are_those_of_numpy_without_a_warning(function):
    for cube in (SEQ[0], FRAMES, DEROTATED, RESAMPLED[2], DEROTATED[:, 5, 6]):
        np.testing.assert_allclose(function(cube.data), function(np.asarray(cube.data)), rtol=1e-5, atol=1e-6)


def test_large_arrays_are_not_computed_for_a_function_that_dask_lacks():
    large = TimeLagCube(da.zeros((4000, 12, 16)), wcs=FRAMES.wcs).data
    large = np.concatenate([large] * 1000)
    with no_compute(), pytest.raises(NotImplementedError, match="only works along an axis"):
        np.median(large)


def test_matplotlib_takes_lazy_arrays_as_those_of_numpy():
    for array in (SEQ[0].data.ravel(), DEROTATED[:, 5, 6].data, np.nan_to_num(DEROTATED.data).ravel()):
        counts, _, _ = plt.hist(array, bins=5)
        assert counts.shape == (5,)
        [line] = plt.plot(array)
        np.testing.assert_array_equal(line.get_ydata(), np.asarray(array))
    mean, deviation = (np.nan_to_num(DEROTATED.data).ravel().mean(), SEQ[0].data.std())
    assert not np.iterable(mean)
    plt.axvline(mean, label=f"mean={mean:.2f}")
    plt.axvspan(mean - deviation, mean + deviation)
    plt.plot([mean], [deviation], "o")
    plt.text(mean, deviation, mean)
    plt.imshow(DEROTATED[1].data, vmin=mean, vmax=DEROTATED.data[1, 5, 6])
    plt.gcf().canvas.draw()
    plt.close("all")


def test_what_is_made_of_lazy_arrays_is_one_also_when_it_is_pickled_and_persisted():
    for made in (
        FRAMES.data > 3,
        FRAMES.data.mean(axis=0)[2:4],
        np.nansum(RESAMPLED.data, axis=1),
        FRAMES.data.persist(),
    ):
        for one in (made, pickle.loads(pickle.dumps(made)), dask.persist(made)[0]):
            assert isinstance(one, LazyArray)


def test_planes_are_interpolated_by_reproject_itself():
    target, shape = SEQ[1].wcs[2:9, 3:12], (7, 9)
    for cube in (FRAMES, DEROTATED, RESAMPLED * 2, FRAMES.persist()):
        for plane in (cube[1], cube[1, 1:11, 2:14]):
            values = [
                reproject_interp((data, plane.wcs), target, shape)
                for data in (plane.data, plane.data.compute())
            ]
            np.testing.assert_allclose(*[value for value, _ in values], rtol=1e-9)
