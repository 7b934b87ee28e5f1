"""Slices of derotated planes: the values of the whole, from fewer rows."""

import dask
import numpy as np
import pytest

import astropy.units as u

import sunpy.map
from sunpy.coordinates import SphericalScreen

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.lazy import derotated
from sunpy_heliocloud.lazy.chunks import Chunks
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

SUN = SimulatedSun()
ITEMS = {
    "a plane": np.s_[2],
    "planes backwards": np.s_[::-2],
    "a window": np.s_[1:4, 5:60, 20:33],
    "rows with steps": np.s_[:, 70:10:-3],
    "a light curve": np.s_[:, 41, 17],
    "a column": np.s_[[3, 0], :, 58],
    "a pixel": np.s_[1, 3, 4],
}
OPTIONS = {
    "adaptive": {},
    "float64": {"dtype": np.float64},
    "linear": {"algorithm": "interpolation"},
    "nearest": {"algorithm": "interpolation", "order": 0},
    "cubic": {"algorithm": "interpolation", "order": 3, "dtype": np.float64},
    "exact": {"algorithm": "exact"},
    "screen": {"screen": True},
}


@pytest.fixture(scope="module")
def sequence():
    with LocalServer() as server:
        options = {"shape": (400, 400), "cadence": 30 * u.min, "storage_options": server.storage_options}
        written = write_bucket(server.url, SUN, channels=(171,), n_frames=5, **options)
        yield LazyMapSequence(written.urls(171), storage_options=server.storage_options), server


@pytest.fixture(scope="module")
def target(sequence):
    """A rotated map at the limb, so that rows of the target are no rows of the frames."""
    frame = sequence[0][2]
    turned = sunpy.map.Map(frame.data.compute(), frame.meta).rotate(15 * u.deg)
    return turned.submap([85, 180] * u.pix, width=80 * u.pix, height=90 * u.pix)


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_slice_of_a_derotated_cube_is_bit_for_bit_the_slice_of_the_computed_whole(sequence, target, kind):
    options = dict(OPTIONS[kind])
    if "screen" in options:
        options["screen"] = SphericalScreen(target.observer_coordinate)
    cube = sequence[0].to_cube()[: 2 if kind == "exact" else None]
    in_memory = cube.compute()
    for frames in (cube, in_memory):
        with no_compute():
            lazy = frames.derotate_to(target, **options).data
        whole = lazy.compute()
        assert 0.2 < np.isfinite(whole).mean() < 1 or kind == "screen"
        items = ITEMS if kind in ("adaptive", "linear") else {"a window": ITEMS["a window"]}
        for name, item in items.items():
            np.testing.assert_array_equal(lazy[item].compute(), whole[item], err_msg=name)


def test_a_slice_in_space_reads_fewer_rows_of_each_frame(sequence, target):
    frames, server = sequence
    cube = frames.to_cube().derotate_to(target)
    server.reset()
    cube.compute()
    whole = server.bytes_sent
    for part in (cube[:, 40:50], cube[:, 40:50, 30:40] * 2, cube.rebin((1, 7, 9))[:, 6, 4]):
        server.reset()
        part.compute()
        assert server.requests == 5
        assert server.bytes_sent < 0.5 * whole


def test_strips_of_rows_are_made_by_the_one_function_that_decides_chunks(sequence, target, monkeypatch):
    frames, server = sequence
    cube = frames.to_cube()
    expected = cube.derotate_to(target).compute().data
    monkeypatch.setattr(derotated.Chunks, "of", lambda *args, **kwargs: Chunks((2, 3), (40, 30, 21)))
    in_strips = cube.derotate_to(target)
    assert in_strips.data.chunks == ((2, 3), (40, 30, 21), (81,))
    cost = in_strips.estimate()
    server.reset()
    with dask.config.set(scheduler="sync"):
        np.testing.assert_array_equal(in_strips.compute().data, expected)
    assert (cost.frames, cost.requests) == (5, server.requests) == (5, 15)
    assert cost.bytes.to_value(u.byte) == pytest.approx(server.bytes_sent, rel=0.1)


def test_a_plot_of_one_plane_and_an_animation_read_the_frames_around_it(sequence, target, monkeypatch):

    frames, server = sequence
    cube = frames.to_cube().derotate_to(target).resample_time(10 * u.min)
    server.reset()
    cube[1].plot()
    assert server.requests == 3
    monkeypatch.setattr("sunpy_heliocloud.lazy.plotting._SLICED_PLANES", 2)
    server.reset()
    cube.plot()
    assert server.requests == 3
    server.reset()
    assert cube[1].to_map().data.shape == (91, 81)
    np.asarray(cube[1].to_map().data)
    assert server.requests == 3


def test_in_memory_planes_are_resampled_and_sliced_alike(sequence, target):
    cube = sequence[0].to_cube().derotate_to(target).compute()
    resampled = cube.resample_time(10 * u.min)
    whole = resampled.compute().data
    np.testing.assert_array_equal(resampled[3].compute().data, whole[3])
    np.testing.assert_array_equal(resampled[2:7:2, 10:20, 5].compute().data, whole[2:7:2, 10:20, 5])
    curve = cube[:, 40, 40].resample_time(10 * u.min)
    np.testing.assert_array_equal(curve[3:5].compute().data, whole[3:5, 40, 40])
    masked = TimeLagCube(cube.data, wcs=cube.wcs, unit=cube.unit, meta=cube.meta, mask=cube.data > 100)
    both = masked.resample_time(10 * u.min)
    np.testing.assert_array_equal(both[3].compute().data, both.compute().data[3])
