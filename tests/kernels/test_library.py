"""The compiled library: each variant that this machine runs gives the same results."""

import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64
from pathlib import Path

import numpy as np
import pytest

from sunpy_heliocloud.kernels import library
from sunpy_heliocloud.kernels.adaptive import resample_adaptive
from sunpy_heliocloud.kernels.adaptive_window import window_needed
from sunpy_heliocloud.kernels.library import Array, Function, variants
from sunpy_heliocloud.kernels.surface_map import SurfaceMap, camera

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=variants())
def variant(request, monkeypatch):
    monkeypatch.setattr(library, "_chosen", lambda: variants()[request.param])
    return request.param


@pytest.fixture
def baseline(monkeypatch):
    """Call a function with the baseline chosen."""

    def call(function, *arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(library, "_chosen", lambda: variants()["baseline"])
            return function(*arguments, **options)

    return call


def coordinates(angle, scale, shape=(37, 203), distortion=2e-5):
    """Coordinates of a turned and slightly distorted grid."""
    y, x = np.mgrid[-1 : shape[0] + 1, -1 : shape[1] + 1].astype(float)
    turned = scale * np.exp(1j * np.radians(angle)) * (x + 1j * y)
    turned = turned + distortion * turned**2 + 150.3 + 150.7j
    return np.ascontiguousarray([turned.real, turned.imag])


@pytest.mark.parametrize(
    ("angle", "scale"), [(0, 1), (0, 1.02), (1, 0.98), (30, 1), (180, 1), (10, 2.3), (3, 60)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_variant_resamples_alike(variant, baseline, angle, scale, dtype):
    """Within rounding: other variants round a product and a sum at once."""
    rng = np.random.default_rng(0)
    image = rng.poisson(100, (400, 400)).astype(dtype)
    image[rng.random(image.shape) < 0.01] = 16383
    image[50:52, 60] = np.nan
    arguments = image, coordinates(angle, scale)
    expected = baseline(resample_adaptive, *arguments, dtype=np.float64)
    np.testing.assert_allclose(resample_adaptive(*arguments, dtype=np.float64), expected, rtol=1e-12)
    assert window_needed(arguments[1], image.shape) == baseline(window_needed, arguments[1], image.shape)


@pytest.mark.parametrize("angle", [0, 1, 30])
def test_a_pixel_does_not_depend_on_those_beside_it(variant, angle):
    """Pixels that are made together give the same bits as each alone, so that slices of planes are those of the whole."""
    image, grid = np.random.default_rng(0).normal(100, 10, (400, 400)), coordinates(angle, 1)
    whole = resample_adaptive(image, grid, dtype=np.float64)
    for start in range(1, 40):
        part = resample_adaptive(image, np.ascontiguousarray(grid[:, :, start:-start]), dtype=np.float64)
        np.testing.assert_array_equal(part, whole[:, start:-start])


@pytest.mark.parametrize("shape", [(9, 11), (4, 40), (40, 4), (3, 30), (30, 1)], ids=str)
@pytest.mark.parametrize("shift", [0.3, -0.45, 1e-10], ids=str)
def test_a_window_counts_as_far_as_the_last_pixel_and_beyond_is_nan(variant, shape, shift):
    """At the scale of the image a window has the pixels up to 2 away, and weights exp(-2 (distance / 1.3)^2)."""
    image = np.random.default_rng(0).normal(100, 10, shape)
    y, x = np.mgrid[-4 : shape[0] + 4, -4 : shape[1] + 4] + shift
    resampled = resample_adaptive(image, np.ascontiguousarray([x, y]), dtype=np.float64)
    for (j, i), value in np.ndenumerate(resampled):
        at = [axis[j + 1, i + 1] for axis in (y, x)]
        rows, columns = (np.arange(np.ceil(a - 2), np.floor(a + 2) + 1) for a in at)
        if min(rows[0], columns[0]) < 0 or rows[-1] >= shape[0] or columns[-1] >= shape[1]:
            assert np.isnan(value)
            continue
        weights = np.exp(-2 / 1.3**2 * ((rows - at[0])[:, np.newaxis] ** 2 + (columns - at[1]) ** 2))
        pixels = image[np.ix_(rows.astype(int), columns.astype(int))]
        assert value == pytest.approx((weights * pixels).sum() / weights.sum(), rel=1e-12)


def cameras(observer):
    return camera(
        crpix=(2500.5, 2500.5),
        scales=np.diag([1, 1]) * np.radians(0.5 / 3600),
        crval=(0, 0),
        lonpole=np.pi,
        observer=(observer, 0.1, 1.5e11),
    )


@pytest.mark.parametrize(
    "turn", [(0.1, 0.02, 0.01), (-1.3, 0.3, 0.2), (40.0, 5.0, 2.0)], ids=["hours", "days", "months"]
)
def test_each_variant_maps_the_surface_alike(variant, baseline, turn):
    """To a billionth of a pixel, and of the same pixels."""

    def rows():
        return SurfaceMap(cameras(0), cameras(0.05), (5000, 5000), 6.957e8, turn).rows(900, 960)

    np.testing.assert_allclose(rows(), baseline(rows), rtol=0, atol=1e-8)


def test_threads_share_nothing(variant):
    image = np.random.default_rng(0).normal(100, 10, (400, 400))
    grids = [coordinates(angle, 1) for angle in (0, 1, 30, 90)] * 4

    def resampled(grid):
        return resample_adaptive(image, grid)

    with ThreadPoolExecutor(4) as pool:
        for grid, result in zip(grids, pool.map(resampled, grids), strict=True):
            np.testing.assert_array_equal(result, resampled(grid))


@pytest.mark.skipif(platform.machine() != "x86_64" or sys.platform != "linux", reason="reads /proc/cpuinfo")
def test_the_fastest_variant_of_the_processor_is_chosen():
    flags = Path("/proc/cpuinfo").read_text().split()
    fast = {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"} <= set(flags) and "abm" in flags
    assert list(variants()) == (["baseline", "v3"] if fast else ["baseline"])
    assert library._chosen() is list(variants().values())[-1]


@pytest.mark.parametrize(
    "array",
    [np.zeros(4, np.float32), np.zeros((4, 4))[:, :2], np.zeros(4, ">f8")],
    ids=["another type", "not contiguous", "another byte order"],
)
def test_arrays_that_c_would_misread_are_refused(array):
    with pytest.raises(TypeError, match="must be contiguous and one of"):
        Array(np.float64).from_param(array)


def test_results_of_another_shape_than_the_coordinates_are_refused():
    with pytest.raises(
        ValueError, match=r"out has shape \(3, 3\), but coordinates are those of \(37, 203\) pixels"
    ):
        resample_adaptive(np.zeros((9, 9)), coordinates(0, 1), out=np.zeros((3, 3)))


def test_an_unknown_function_is_an_error():
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        Function("nothing_of_this_name", returns=c_int64)()


def compiler(**environment):
    """The compiler that the build finds."""
    code = (
        "import sys; sys.path.insert(0, 'tools'); import compile_kernels; print(compile_kernels.compiler())"
    )
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment, text=True).strip()


@pytest.mark.skipif(not (ROOT / "tools").is_dir(), reason="the package is installed without its sources")
def test_the_compiler_is_that_of_the_environment_or_else_that_of_the_machine():
    """Without one the build backend asks for ziglang."""
    assert compiler(PATH="/nowhere") == "None"
    assert compiler(PATH="/nowhere", CC="my-cc -m64") == "['my-cc', '-m64']"
