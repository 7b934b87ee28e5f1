"""sunpy's contexts change nothing: wherever a pipeline is opened, built or computed inside them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from simulated_maps import simulated_map
from solar_grids import carrington_wcs

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

import sunpy.map
from sunpy.coordinates import (
    HeliographicStonyhurst,
    PlanarScreen,
    SphericalScreen,
    propagate_with_solar_surface,
    transform_with_sun_center,
)
from sunpy.data.test import get_dummy_map_from_header, get_test_filepath
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.coordinates.contexts import active_screen, without_contexts
from sunpy_heliocloud.simulation import SimulatedSun
from sunpy_heliocloud.simulation.spacecraft import _ephemeris

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + [-30, 0, 14] * u.hour
SHAPE = (50, 50)
VANTAGE = SkyCoord(HeliographicStonyhurst(40 * u.deg, 5 * u.deg, 0.8 * u.au, obstime=SUN.time + 3 * u.day))


@contextmanager
def both(*contexts):
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


CONTEXTS = {
    "propagate_with_solar_surface": propagate_with_solar_surface,
    "another rotation model": lambda: propagate_with_solar_surface("rigid"),
    "transform_with_sun_center": transform_with_sun_center,
    "SphericalScreen": lambda: SphericalScreen(VANTAGE),
    "SphericalScreen, only_off_disk": lambda: SphericalScreen(VANTAGE, only_off_disk=True),
    "PlanarScreen": lambda: PlanarScreen(VANTAGE),
    "PlanarScreen, only_off_disk": lambda: PlanarScreen(VANTAGE, only_off_disk=True),
    "a screen that turns": lambda: both(propagate_with_solar_surface(), SphericalScreen(VANTAGE)),
    "a screen around it": lambda: both(PlanarScreen(VANTAGE), propagate_with_solar_surface("allen")),
}
# One of each kind, for threads.
AT_ONCE = "propagate_with_solar_surface", "transform_with_sun_center", "SphericalScreen", "a screen around it"
contexts = pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
screens = pytest.mark.filterwarnings("ignore:derotate_to is called inside")  # which has a test of its own


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    paths = [folder / f"{i}.fits" for i in range(len(TIMES))]
    for path, time in zip(paths, TIMES, strict=True):
        data, header = SUN.frame(171, time, shape=SHAPE)
        fits.PrimaryHDU(data, fits.Header(header)).writeto(path)
    return paths


@pytest.fixture(scope="module")
def ref_map():
    disk = simulated_map(SUN, 171, SUN.time, shape=SHAPE)
    return disk.submap([10, 7] * u.pix, width=38 * u.pix, height=30 * u.pix)


@pytest.fixture(scope="module")
def synoptic():
    return sunpy.map.Map(np.ones((20, 30)), carrington_wcs((20, 30)))


def through_sunpy(image, header):
    """An image times a distance that depends on sunpy's contexts."""
    point = SkyCoord(
        10 * u.arcsec, 20 * u.arcsec, frame="helioprojective", observer="earth", obstime=header["T_OBS"]
    )
    later = HeliographicStonyhurst(obstime=TIMES[1] + 2 * u.day)
    return image * point.transform_to(later).lon.to_value(u.deg)


def pipeline(paths, ref_map, synoptic):
    """All kinds of pixel maps and algorithms, and a function that asks sunpy itself, which is slow."""
    frames = LazyMapSequence(paths)
    asking, cube = frames.apply(through_sunpy, pointwise=True).to_cube(), frames.to_cube()
    screen = SphericalScreen(ref_map.observer_coordinate, only_off_disk=True)
    return {
        "own": asking,
        "adaptive": cube.derotate_to(ref_map),
        "high": cube.derotate_to(
            ref_map, algorithm="interpolation", rotation_model="snodgrass", height=20 * u.Mm
        ),
        "exact": asking[:1].derotate_to(ref_map, algorithm="exact"),
        "synoptic": cube.derotate_to(synoptic),
        "screen": cube.derotate_to(ref_map, screen=screen),
        "made": TimeLagCube.from_array(np.ones((2, 20, 30)), synoptic, TIMES[:2]),
    }


@pytest.fixture(scope="module")
def expected(paths, ref_map, synoptic):
    cubes = pipeline(paths, ref_map, synoptic)
    return cubes, computed(cubes, "synchronous")


def computed(cubes, scheduler):
    return dict(zip(cubes, dask.compute(*[c.data for c in cubes.values()], scheduler=scheduler), strict=True))


def assert_same(cubes, pixels, expected):
    right, right_pixels = expected
    for name in right:
        np.testing.assert_array_equal(pixels[name], right_pixels[name], err_msg=name)
        assert (cubes[name].times == right[name].times).all()
        assert cubes[name].wcs.low_level_wcs == right[name].wcs.low_level_wcs


@pytest.fixture(scope="module", params=CONTEXTS.values(), ids=CONTEXTS.keys())
def built_inside(request, paths, ref_map, synoptic):
    """A context, and what was built in it."""
    with request.param():
        return request.param, pipeline(paths, ref_map, synoptic)


@screens
def test_built_and_computed_inside_a_context_pixels_times_and_coordinates_are_the_same(
    built_inside, expected
):
    context, cubes = built_inside
    with context():
        assert_same(cubes, computed(cubes, "threads"), expected)


@screens
def test_built_inside_and_computed_outside_and_the_other_way_round(built_inside, expected):
    context, cubes = built_inside
    assert_same(cubes, computed(cubes, "synchronous"), expected)
    with context():
        pixels = computed(expected[0], "synchronous")
    assert_same(expected[0], pixels, expected)


@screens
def test_threads_in_different_contexts_do_the_same(paths, ref_map, synoptic, expected):
    def inside(context):
        with context():
            cubes = pipeline(paths, ref_map, synoptic)
            return cubes, computed(cubes, "synchronous")

    with ThreadPoolExecutor(5) as pool:
        for cubes, pixels in pool.map(inside, [*(CONTEXTS[name] for name in AT_ONCE), nullcontext]):
            assert_same(cubes, pixels, expected)


@screens
def test_on_the_processes_of_a_cluster_they_are_the_same(paths, ref_map, synoptic, expected):
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        both(propagate_with_solar_surface("rigid"), SphericalScreen(VANTAGE)),
    ):
        cubes = pipeline(paths, ref_map, synoptic)
        pixels = client.compute([cube.data for cube in cubes.values()], sync=True)
        assert_same(cubes, dict(zip(cubes, pixels, strict=True)), expected)


@screens
def test_in_a_pool_of_processes_they_are_the_same(paths, ref_map, synoptic, expected):
    with propagate_with_solar_surface(), PlanarScreen(VANTAGE):
        cubes = pipeline(paths, ref_map, synoptic)
        with dask.config.set(num_workers=1):
            pixels = computed({"adaptive": cubes["adaptive"], "screen": cubes["screen"]}, "processes")
    for name, values in pixels.items():
        np.testing.assert_array_equal(values, expected[1][name])


def test_a_function_that_leaves_a_context_open_does_not_change_what_follows(paths, ref_map):
    def careless(image):
        propagate_with_solar_surface("rigid").__enter__()
        SphericalScreen(VANTAGE).__enter__()
        return image

    frames = LazyMapSequence(paths)
    cubes = [
        steps.to_cube().derotate_to(ref_map, screen=SphericalScreen(ref_map.observer_coordinate))
        for steps in (frames, frames.apply(lambda image, header: careless(image), pointwise=True))
    ]
    plain, after = (cube.data.compute(scheduler="synchronous") for cube in cubes)
    np.testing.assert_array_equal(after, plain)
    assert active_screen() is None


@screens
@pytest.mark.parametrize(
    "name",
    [
        "aia_171_level1.fits",
        "EIT_header/efz20040301.000010_s.header",
        "euvi_20090615_000900_n4euA_s.header",
        "swap_lv1_20140606_000113.header",
    ],
)
@pytest.mark.filterwarnings("ignore:rsun mismatch detected")  # in the last digit
def test_of_other_instruments_too(name):
    """As in sunpy's own examples: everything inside ``propagate_with_solar_surface()``."""
    image = real_map(name)
    earlier = image.meta | {"date-obs": (image.reference_date - 12 * u.h).isot}
    target = sunpy.map.Map(image.data, earlier)

    def derotated():
        cube = (
            LazyMapSequence([image]).to_cube(normalize=False).derotate_to(target, algorithm="interpolation")
        )
        return cube.data[0].compute()

    right = derotated()
    with propagate_with_solar_surface():
        theirs = image.reproject_to(target.wcs, algorithm="interpolation").data
    for context in CONTEXTS.values():
        with context():
            np.testing.assert_array_equal(derotated(), right)
    both_shown = np.isfinite(right) & np.isfinite(theirs)
    assert both_shown.any()
    np.testing.assert_allclose(right[both_shown], theirs[both_shown], rtol=1e-3, atol=1e-3)


def real_map(name):
    """A map of sunpy's, whose time is that of DATE-OBS alone."""
    path = get_test_filepath(name)
    image = get_dummy_map_from_header(path) if name.endswith(".header") else sunpy.map.Map(path)
    others = ("t_obs", "date_obs", "t_rec", "date-beg", "date-end", "date-avg")
    meta = {key: value for key, value in image.meta.items() if key not in others and np.isscalar(value)}
    y, x = np.mgrid[: image.data.shape[0], : image.data.shape[1]] / image.data.shape[0]
    return sunpy.map.Map(1 + x * y, meta | {"date-obs": image.reference_date.isot})


def pointing_through_sunpy(header):
    """A pointing that depends on sunpy's contexts."""
    point = SkyCoord(
        10 * u.arcsec, 20 * u.arcsec, frame="helioprojective", observer="earth", obstime=header["T_OBS"]
    )
    later = HeliographicStonyhurst(obstime=TIMES[1] + 2 * u.day)
    return header | {"CRVAL1": header["CRVAL1"] + point.transform_to(later).lon.to_value(u.deg)}


def crops_and_others(paths, ref_map):
    """Pixels of crops, reprojections, Maps and footprints, and pointings of updated headers."""
    cube = LazyMapSequence(paths).to_cube()
    derotated = cube.derotate_to(ref_map)
    corners = ref_map.bottom_left_coord, ref_map.center
    updated = LazyMapSequence(paths).update_headers(pointing_through_sunpy)
    found = [
        cube.crop(*corners).data,
        derotated.crop(*corners).data,
        cube.crop(ref_map).data,
        cube[0].reproject_to(ref_map.wcs).data,
        derotated[0].reproject_to(cube[2].to_map().wcs, algorithm="adaptive").data,
        derotated[2].to_map().data,
        derotated.footprint.data,
        [m.reference_coordinate.Tx.value for m in updated],
    ]
    return [np.asarray(values) for values in found]


@pytest.fixture(scope="module")
def outside(paths, ref_map):
    return crops_and_others(paths, ref_map)


@contexts
@screens
def test_crops_reprojections_maps_and_headers_are_the_same_inside_a_context(context, paths, ref_map, outside):
    with context():
        inside = crops_and_others(paths, ref_map)
    for theirs, ours in zip(inside, outside, strict=True):
        np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("kind", [SphericalScreen, PlanarScreen])
def test_a_screen_around_derotate_to_without_screen_is_warned_of_with_the_remedy(kind, paths, ref_map):
    frames = LazyMapSequence(paths)
    cube = frames.to_cube()
    screen = kind(VANTAGE)
    for derotate in (cube.derotate_to, frames.derotate_to):
        with (
            screen,
            pytest.warns(SunpyUserWarning, match=rf"inside a {kind.__name__}.*screen=screen") as caught,
        ):
            derotate(ref_map)
        assert caught[0].filename == __file__
    with screen:
        cube.derotate_to(ref_map, screen=screen)
    cube.derotate_to(ref_map)
    with propagate_with_solar_surface():
        cube.derotate_to(ref_map)


def test_a_screen_of_another_thread_is_not_warned_of(paths, ref_map):
    cube = LazyMapSequence(paths).to_cube()
    with SphericalScreen(VANTAGE), ThreadPoolExecutor(1) as pool:
        pool.submit(cube.derotate_to, ref_map).result()


def test_outside_contexts_a_function_is_called_as_it_is():
    @without_contexts
    def name(first, *, last):
        """Docs."""
        return first, active_screen(), last

    with SphericalScreen(VANTAGE) as _:
        assert isinstance(active_screen(), SphericalScreen)
        assert name(1, last=2) == (1, None, 2)
    assert (name.__name__, name.__doc__) == ("name", "Docs.")


@contexts
def test_the_simulated_sun_paints_the_same_frames(context):
    time = TIMES[0]

    def painted():
        _ephemeris.cache_clear()
        return SUN.frame(171, time, shape=(40, 40)), SUN.region_center(time)

    (right, header), center = painted()
    with context():
        (values, same_header), same_center = painted()
    np.testing.assert_array_equal(values, right)
    assert same_header == header
    assert same_center.lon == center.lon
