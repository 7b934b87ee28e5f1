"""What was behind the limb for the observer of a frame is missing: every algorithm, every kind of map."""

from functools import cache

import dask.array as da
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from solar_grids import REFERENCE_TIME, height_above_horizon, solar_wcs

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

import sunpy.map
from sunpy.coordinates import HeliographicStonyhurst, SphericalScreen, propagate_with_solar_surface
from sunpy.map.header_helper import make_heliographic_header

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import Adaptive, Exact, Interpolation
from sunpy_heliocloud.derotation.sunpy_map import pixel_map
from sunpy_heliocloud.io.frame import Window

ALGORITHMS = {"adaptive": Adaptive(), "interpolation": Interpolation(), "exact": Exact()}
# Of images that hold the disk at any distance, 300 x 300 pixels.
FRAME = {"shape": (300, 300), "scale": 7.5}
NEAR = {"shape": (300, 300), "scale": 26.0, "observer": (30, 4, 0.29)}
DISK = {"shape": (120, 120), "scale": 18.0}


def smooth_image(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return 100 + 30 * np.sin(x / 40) * np.cos(y / 50)


def frame_map(days=0.0, **grid):
    """A frame that is bright everywhere."""
    grid = FRAME | grid
    return sunpy.map.Map(smooth_image(grid["shape"]), solar_wcs(days, **grid))


def heliographic_map(frame, code, shape=(90, 180)):
    """A map of the whole surface."""
    observer = SkyCoord(0 * u.deg, -1 * u.deg, 1 * u.au, frame=HeliographicStonyhurst(obstime=REFERENCE_TIME))
    header = make_heliographic_header(REFERENCE_TIME, observer, shape, frame=frame, projection_code=code)
    return sunpy.map.Map(np.ones(shape), header)


# Frame, target, and the least share of the target that is missing though it is on the disk.
KINDS = {
    "a day": (frame_map(1), frame_map(**DISK), 0.005),
    "a day before": (frame_map(-1), frame_map(**DISK), 0.005),
    "five days": (frame_map(5), frame_map(**DISK), 0.15),
    "a rotation": (frame_map(27), frame_map(**DISK), 0.001),
    "half a rotation": (frame_map(13.6), frame_map(**DISK), 0.45),
    "limb": (frame_map(1), frame_map(centre=(800, 150), shape=(80, 90), scale=4.0), 0.05),
    "north pole seen from the south": (
        frame_map(0.1, observer=(0, -7, 1.0)),
        frame_map(centre=(0, 900), shape=(60, 200), scale=4.0, observer=(0, 7, 1.0)),
        0.01,
    ),
    "STEREO": (frame_map(0.1, observer=(-110, 6, 0.96)), frame_map(**DISK), 0.25),
    "far side": (frame_map(0.1, observer=(176, 2, 1.02)), frame_map(**DISK), 0.4),
    "Solar Orbiter": (frame_map(-2, **NEAR), frame_map(**DISK), 0.1),
    "in Solar Orbiter's view": (frame_map(2), frame_map(**(NEAR | {"shape": (100, 100), "scale": 80.0})), 0.1),
    "another radius": (frame_map(3, rsun=6.96e8), frame_map(**DISK), 0.05),
    "Carrington CAR": (frame_map(0.5), heliographic_map("carrington", "CAR"), 0.45),
    "Carrington CEA": (frame_map(-9), heliographic_map("carrington", "CEA"), 0.45),
    "Stonyhurst CAR": (frame_map(27), heliographic_map("stonyhurst", "CAR"), 0.45),
    "Stonyhurst CEA": (frame_map(0.5, **NEAR), heliographic_map("stonyhurst", "CEA"), 0.5),
}  # fmt: skip
kinds = pytest.mark.parametrize(("frame", "target", "share"), KINDS.values(), ids=KINDS.keys())


@cache  # several tests ask for the same
def derotated(frame, target, algorithm, **options):
    cube = LazyMapSequence([frame]).to_cube(normalize=False)
    return cube.derotate_to(target, algorithm=algorithm, dtype="f8", **options).data[0].compute()


@cache
def heights(frame, target):
    """Of the frame's observer above the horizon of the target's pixels."""
    return height_above_horizon(target.wcs, frame.wcs, target.data.shape)[1:-1, 1:-1]


@kinds
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_pixel_whose_surface_point_was_behind_the_limb_shows_nothing(frame, target, share, algorithm):
    values, height = derotated(frame, target, algorithm), heights(frame, target)
    assert np.isnan(values[~(height > 0)]).all()
    assert (height < 0).mean() >= share
    if algorithm == "interpolation":
        np.testing.assert_array_equal(np.isnan(values), ~(height > 0))


@pytest.mark.filterwarnings("ignore:rsun mismatch detected")  # which is what is tested
@kinds
@pytest.mark.parametrize("algorithm", ["adaptive", "interpolation"])
def test_it_is_what_reproject_finds_by_its_round_trip(frame, target, share, algorithm):
    with propagate_with_solar_surface():
        theirs = frame.reproject_to(target.wcs, algorithm=algorithm, shape_out=target.data.shape).data
    ours, height = derotated(frame, target, algorithm), heights(frame, target)
    shown = np.isfinite(ours)
    assert not (shown & np.isnan(theirs)).any()
    # The round trip may miss by a pixel, and reproject's windows jump at integers.
    near_limb = np.isfinite(theirs) & ~shown
    assert near_limb.mean() < 0.025
    assert np.abs(height[near_limb]).max(initial=0) < 0.3
    np.testing.assert_allclose(ours[shown], theirs[shown], rtol=1e-3)


@kinds
def test_areas_that_overlap_are_those_of_the_near_side(frame, target, share):
    """reproject_exact alone adds what would be seen of the target's far side through the Sun."""
    exact, interpolated = (derotated(frame, target, algorithm) for algorithm in ("exact", "interpolation"))
    clear_of_limb = np.isfinite(exact) & (heights(frame, target) > 0.35)
    np.testing.assert_allclose(exact[clear_of_limb], interpolated[clear_of_limb], rtol=0.06)


def test_of_the_far_side_nearly_everything_is_missing():
    frame = frame_map(0.1, observer=(180, 0, 1.0))
    target = frame_map(**DISK)
    on_disk = np.isfinite(heights(frame, target))
    for algorithm in ALGORITHMS:
        assert np.isnan(derotated(frame, target, algorithm)[on_disk]).mean() > 0.95


def test_frames_of_a_rotation_fill_a_synoptic_map_each_with_its_near_side():
    target = heliographic_map("carrington", "CAR")
    frames = [frame_map(days) for days in (-13.5, -9, -4.5, 0, 4.5, 9, 13.5)]
    cube = LazyMapSequence(frames).to_cube(normalize=False).derotate_to(target, algorithm="interpolation")
    shown = np.isfinite(cube.data.compute())
    assert (shown.mean(axis=(1, 2)) < 0.5).all()
    assert shown[:, 30:60].any(axis=0).all()
    assert shown[:, 45].sum(axis=0).max() <= 4


def test_the_reference_frame_shows_its_disk_and_nothing_else():
    frame = frame_map(**DISK)
    on_disk = np.isfinite(heights(frame, frame))
    for algorithm in ALGORITHMS:
        shown = np.isfinite(derotated(frame, frame, algorithm))
        assert not (shown & ~on_disk).any()
        assert shown.sum() > 0.93 * on_disk.sum()


def test_at_a_height_the_sphere_at_that_height_is_the_limb():
    frame, target = frame_map(2), frame_map(**DISK)
    values = derotated(frame, target, "interpolation", height=30 * u.Mm)
    high = [sunpy.map.Map(m.data, m.meta | {"rsun_ref": m.meta["rsun_ref"] + 3e7}) for m in (frame, target)]
    np.testing.assert_array_equal(np.isnan(values), ~(heights(*high) > 0))


@pytest.mark.parametrize("only_off_disk", [False, True])
def test_on_a_screen_nothing_is_hidden(only_off_disk):
    frame, target = frame_map(2), frame_map(**DISK)
    screen = SphericalScreen(target.observer_coordinate, only_off_disk=only_off_disk)
    missing = np.isnan(derotated(frame, target, "interpolation", screen=screen))
    height = heights(frame, target)
    np.testing.assert_array_equal(
        missing[np.isfinite(height)], only_off_disk & (height < 0)[np.isfinite(height)]
    )
    assert not missing[np.isnan(height)].all()


def test_the_footprint_is_that_of_the_pixels():
    frame, target = frame_map(3), frame_map(**DISK)
    cube = LazyMapSequence([frame]).to_cube(normalize=False)
    for algorithm in ALGORITHMS:
        fraction = cube.footprint.derotate_to(target, algorithm=algorithm).data[0].compute()
        np.testing.assert_array_equal(fraction > 0, np.isfinite(derotated(frame, target, algorithm)))


@pytest.fixture
def written(tmp_path):
    def write(frame):
        path = tmp_path / "frame.fits"
        fits.PrimaryHDU(frame.data.astype(np.float32), fits.Header(frame.fits_header)).writeto(path)
        return LazyMapSequence([path]).to_cube(normalize=False)

    return write


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_of_a_frame_of_the_far_side_no_rows_are_asked_for(written, algorithm):
    target = frame_map(shape=(60, 60), scale=4.0)
    cube = written(frame_map(0.1, observer=(170, 0, 1.0))).derotate_to(target, algorithm=algorithm)
    estimate = cube.estimate()
    assert (estimate.requests, estimate.bytes) == (0, 0 * u.byte)
    assert np.isnan(cube.data.compute()).all()


def test_only_rows_of_what_is_seen_are_asked_for(written):
    """Of a strip along the equator's west, seen from the north, what is left lies in a few columns and rows."""
    target = frame_map(centre=(600, 0), shape=(150, 150), scale=4.0)
    seen_from_above = frame_map(0.1, observer=(-60, 7, 1.0))
    frame, grid = (PlaneWCS.from_wcs(m.wcs, m.data.shape) for m in (seen_from_above, target))
    derotation = Derotation(grid, Interpolation())
    transformation = derotation.transformation(*derotation.sources([frame]))
    x, y = transformation.pixel_map.rows(0, 150)[:, 1:-1, 1:-1]
    window = Interpolation().reach(transformation)
    assert window.rows == (int(np.nanmin(y)), int(np.nanmax(y)) + 2)
    assert window.columns == (int(np.nanmin(x)), int(np.nanmax(x)) + 2)
    assert window.rows[1] - window.rows[0] < 250
    values = written(seen_from_above).derotate_to(target, algorithm="interpolation").data[0].compute()
    np.testing.assert_array_equal(np.isfinite(values), np.isfinite(x))


def test_cubes_in_memory_are_treated_as_files_are(written):
    frame, target = frame_map(3), frame_map(**DISK)
    in_memory = LazyMapSequence([frame]).to_cube(normalize=False)
    assert isinstance(in_memory.data, da.Array)
    plain = in_memory._new_instance(data=in_memory.data.map_blocks(np.array))
    for cube in (plain, written(frame)):
        values = cube.derotate_to(target, algorithm="interpolation").data[0].compute()
        np.testing.assert_array_equal(np.isnan(values), ~(heights(frame, target) > 0))


def polar_wcs(days):
    """Position angle and distance from the centre of the disk, out to 1.1 solar radii."""
    wcs = solar_wcs(days)
    wcs.wcs.ctype = "HRLN-CAR", "HRLT-CAR"
    wcs.wcs.cunit = "deg", "deg"
    wcs.wcs.crval, wcs.wcs.cdelt, wcs.wcs.pc = (180, 0), (3, 0.29 / 60), np.eye(2)
    wcs.wcs.crpix = 60.5, 1 + 90 / wcs.wcs.cdelt[1]
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (solar_wcs(**DISK), polar_wcs(-3)),
        (heliographic_map("carrington", "CAR").wcs, polar_wcs(1)),
        (heliographic_map("stonyhurst", "CEA").wcs, heliographic_map("carrington", "CAR").wcs),
    ],
    ids=["from polar", "polar to Carrington", "nothing is hidden from a synoptic map"],
)
def test_of_other_coordinates_the_hidden_side_is_missing(target, source):
    shape = target.array_shape or (60, 120)
    height = height_above_horizon(target, source, shape)
    missing = np.isnan(pixel_map(target, source, shape)[0])
    np.testing.assert_array_equal(missing, ~(height > 0))
    assert missing.any()


angles = st.floats(-180, 180)
observers = st.tuples(angles, st.floats(-30, 30), st.floats(0.28, 1.1))
times = st.integers(-2800, 2800).map(lambda hundredths: hundredths / 100 + 0.001)


@pytest.mark.filterwarnings(
    "ignore:The conversion of these 2D helioprojective coordinates"
)  # of the sky alone
@settings(max_examples=25, deadline=None)
@given(
    days=times,
    source=observers,
    target=st.one_of(observers, st.sampled_from(["CAR", "CEA"])),
    rsun=st.floats(6.9e8, 7.1e8),
)
def test_of_any_observers_times_and_maps_the_hidden_side_is_missing(days, source, target, rsun):  # fmt: skip
    shape = (24, 28)
    if isinstance(target, str):
        target_map = heliographic_map("carrington" if target == "CAR" else "stonyhurst", target, shape).wcs
    else:
        target_map = solar_wcs(shape=shape, scale=90 / target[2], observer=target, rsun=rsun)
    frame = solar_wcs(days, shape=(200, 200), scale=11 / source[2], observer=source, rsun=rsun)
    height = height_above_horizon(target_map, frame, shape)
    assume(not (np.abs(height) < 1e-9).any())
    derotation = Derotation(PlaneWCS.from_wcs(target_map, shape))
    (at,) = derotation.sources([PlaneWCS.from_wcs(frame, (200, 200))])
    transformation = derotation.transformation(at)
    pixels = transformation.pixel_map.rows(0, shape[0])
    np.testing.assert_array_equal(np.isnan(pixels[0]), ~(height > 0))
    image = np.ones((200, 200), np.float32)
    for kind in (Adaptive(), Interpolation(order=0)):
        window = kind.reach(transformation)
        out = np.empty(shape, np.float32)
        kind.resample(image[slice(*window.rows), slice(*window.columns)], window, transformation, out)
        assert np.isnan(out[~(height[1:-1, 1:-1] > 0)]).all()
        assert (window == Window((0, 0), (0, 0))) <= np.isnan(out).all()
