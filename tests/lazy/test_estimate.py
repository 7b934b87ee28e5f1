import dask
import numpy as np
import pytest

import astropy.units as u

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy.estimate import estimate
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

N = 30


@pytest.fixture(scope="module")
def server():
    """Thirty frames over four hours, so that the region crosses rows and columns."""
    with LocalServer() as server:
        sun = SimulatedSun()
        options = {"shape": (500, 500), "cadence": 8 * u.min, "storage_options": server.storage_options}
        server.bucket_of_frames = write_bucket(server.url, sun, channels=(171,), n_frames=N, **options)
        yield server


@pytest.fixture(scope="module")
def sequence(server):
    return LazyMapSequence(server.bucket_of_frames.urls(171))


@pytest.fixture(scope="module")
def part(sequence):
    return sequence[15].submap([180, 250] * u.pix, width=100 * u.pix, height=100 * u.pix)


CUBES = {
    "derotated": lambda cube, part: cube.derotate_to(part),
    "a part of the frames": lambda cube, part: cube.derotate_to(part)[6:13],
    "arithmetic and resampling": lambda cube, part: (
        (cube * 2)[2:9].derotate_to(part).resample_time(8 * u.min)
    ),
    "interpolated": lambda cube, part: cube[:5].derotate_to(part, algorithm="interpolation"),
    "exact": lambda cube, part: cube[:2].derotate_to(part, algorithm="exact"),
    "one plane, resampled": lambda cube, part: cube.derotate_to(part).resample_time(8 * u.min)[3],
    "a run of planes, resampled": lambda cube, part: (
        (cube.derotate_to(part).resample_time(8 * u.min) * 2)[10:20:3, 40:60] + 1 * cube.unit
    ),
    "bins of means": lambda cube, part: (
        cube.derotate_to(part).resample_time(24 * u.min)[:, :100, 1:].rebin((1, 5, 5))[2:4, :, 3]
    ),
    "a corner of a target": lambda cube, part: cube.derotate_to(part)[2:9, 40:60, 5],
    "a light curve, resampled": lambda cube, part: cube.derotate_to(part)[:, 50, 50].resample_time(8 * u.min)[
        4:9
    ],
    "differences": lambda cube, part: cube.derotate_to(part).difference(2),
    "a difference of resampled planes": lambda cube, part: (
        cube.derotate_to(part).resample_time(8 * u.min).difference()[4]
    ),
    "a base difference": lambda cube, part: (
        cube.derotate_to(part).resample_time(8 * u.min).difference(base=0)[10:12, 30:60]
    ),
    "nothing but a gap": lambda cube, part: cube.derotate_to(part)[::29].resample_time(
        8 * u.min, max_gap=1 * u.hour
    )[10:20],
    "not derotated": lambda cube, part: cube[3:7, 100:150, 20:40],
    "one plane": lambda cube, part: cube[3, 100:150],
}


@pytest.mark.filterwarnings("ignore:.* resampled planes are NaN")
@pytest.mark.parametrize("kind", CUBES)
def test_what_the_server_is_asked_for(server, sequence, part, kind):
    server.reset()
    with no_compute():
        cube = CUBES[kind](sequence.to_cube(), part)
        cost = cube.estimate()
    assert server.requests == 0
    with dask.config.set(scheduler="sync"):
        cube.compute()
    assert cost.requests == cost.frames == server.requests
    assert cost.bytes.to_value(u.byte) == pytest.approx(server.bytes_sent, rel=0.1)
    (optimized,) = dask.optimize(cube.data)
    assert cost.tasks == len(optimized.__dask_graph__())


def test_functions_that_see_whole_images_cost_whole_images(server, sequence, part):
    whole = sequence[:3].apply(lambda data, header: data)
    rows = sequence[:3].apply(lambda data, header: data, pointwise=True)
    assert rows.estimate(part).bytes < 0.4 * whole.estimate(part).bytes
    server.reset()
    whole.to_cube().derotate_to(part).compute()
    assert whole.estimate(part).bytes.to_value(u.byte) == pytest.approx(server.bytes_sent, rel=0.1)


def test_a_sequence(sequence, part):
    cost = sequence.estimate(part)
    assert cost == estimate(sequence.to_cube().derotate_to(part).data)
    assert cost.frames == N
    assert str(cost).startswith("30 frames: 30 requests for ")
    assert sequence[:0].estimate(part).frames == 0


def test_what_is_in_memory_costs_nothing(sequence, part):
    cube = sequence[:3].to_cube().derotate_to(part).compute()
    assert estimate(cube.data).requests == 0


@pytest.mark.parametrize("algorithm", ["adaptive", "interpolation", "exact"])
def test_memory_is_an_upper_bound(sequence, part, algorithm):
    """Of what Python and numpy allocate; compiled kernels hold nothing for long."""
    import tracemalloc

    # Two threads have a task of four frames each; a frame by the exact algorithm takes half a second.
    cube = sequence[: 8 if algorithm == "exact" else 12].to_cube().derotate_to(part, algorithm=algorithm)
    cube[:1].compute()
    tracemalloc.start()
    try:
        with dask.config.set(num_workers=2):
            cost = estimate(cube.data)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            cube.compute()
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < cost.memory.to_value(u.byte)


def test_maps_of_a_sequence_are_still_frames(server, sequence, part):
    """Whole and as submaps: only the rows that are needed are read, and known before."""
    maps = list(sequence[:3])
    submaps = [one.submap([100, 150] * u.pix, width=300 * u.pix, height=250 * u.pix) for one in maps]
    expected = sequence[:3].to_cube().derotate_to(part).compute()
    for again in (LazyMapSequence(maps), LazyMapSequence(submaps)):
        assert again.urls == sequence[:3].urls
        server.reset()
        cost = again.estimate(part)
        derotated = again.to_cube().derotate_to(part)
        assert server.requests == 0
        np.testing.assert_allclose(derotated.compute().data, expected.data, rtol=2e-6)
        assert cost.requests == server.requests == 3
        assert cost.bytes.to_value(u.byte) == pytest.approx(server.bytes_sent, rel=0.1)


def test_maps_with_other_pixels_keep_their_url(sequence):
    changed = sequence[:1].apply(lambda data, header: data * 2)
    again = LazyMapSequence([changed[0]])
    assert again.urls == sequence[:1].urls
    np.testing.assert_array_equal(again[0].data, 2 * sequence[0].data)
