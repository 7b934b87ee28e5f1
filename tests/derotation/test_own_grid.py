"""A frame on its own grid at its own time: what is left of it, and how it differs from reproject."""

import numpy as np
import pytest
from headers import aia_header

import sunpy.map
from sunpy.coordinates import propagate_with_solar_surface

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.kernels.adaptive import resample_adaptive

SHAPE = (20, 30)
IMAGE = np.random.default_rng(2).uniform(50, 1000, SHAPE)
MAP = sunpy.map.Map(IMAGE, aia_header())


def derotated(algorithm):
    cube = LazyMapSequence(MAP).to_cube(normalize=False)
    return cube.derotate_to(MAP, algorithm=algorithm, dtype="float64").data.compute()[0]


@pytest.mark.parametrize("algorithm", ["interpolation", "exact"])
def test_the_disk_of_a_frame_on_its_own_grid_is_the_frame(algorithm):
    found = derotated(algorithm)
    on_disk = np.isfinite(found)
    assert on_disk.sum() > 300
    # Frames of a cube are float32.
    np.testing.assert_allclose(found[on_disk], IMAGE[on_disk], rtol=1e-6)


def test_a_frame_on_its_own_grid_differs_from_reproject_by_the_cut_off_of_its_window_only():
    """
    reproject's window ends where the Gaussian is still 0.9 %: input pixels at its edge drop in or out when coordinates,
    here integers, miss an integer by rounding. All values of both lie within what 1e-9 pixels to each side make of it.
    """
    ours = derotated("adaptive")
    with propagate_with_solar_surface():
        theirs = MAP.reproject_to(
            MAP.wcs, algorithm="adaptive", kernel="gaussian", boundary_mode="ignore"
        ).data
    y, x = np.mgrid[-1:21, -1:31].astype(float)
    values = []
    for dx in (-1e-9, 0, 1e-9):
        for dy in (-1e-9, 0, 1e-9):
            out = np.empty(SHAPE)
            resample_adaptive(IMAGE, np.array([x + dx, y + dy]), origin=(0, 0), out=out)
            values.append(out)
    inside = np.isfinite(ours) & np.isfinite(np.sum(values, axis=0))
    assert inside.sum() > 200
    low, high = np.min(values, axis=0)[inside], np.max(values, axis=0)[inside]
    assert np.abs(ours - theirs)[inside].max() > 1e-4 * IMAGE.max()  # that which is to be explained
    for found in (ours[inside], theirs[inside]):
        assert (found >= low - 1e-6 * IMAGE.max()).all()
        assert (found <= high + 1e-6 * IMAGE.max()).all()
