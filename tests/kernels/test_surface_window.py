"""The window from a coarse map: that of the exact map, from few of its pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_grids import solar_wcs

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import Adaptive
from sunpy_heliocloud.io.frame import Window
from sunpy_heliocloud.kernels.adaptive_window import window_needed
from sunpy_heliocloud.kernels.surface_window import outermost_parts

SHAPE = (2500, 2500)


def transformation(target, days, shape=(160, 240), **source):
    source = PlaneWCS.from_wcs(solar_wcs(days, shape=SHAPE, scale=1.0, **source), SHAPE)
    derotation = Derotation(PlaneWCS.from_wcs(solar_wcs(**target), shape))
    return derotation.transformation(derotation.sources([source])[0])


def exact(one, width):
    return Window(
        *window_needed(one.pixel_map.rows(0, one.target.shape[0]), SHAPE, sample_region_width=width)
    )


@settings(max_examples=60, deadline=None)
@given(
    centre=st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
    scale=st.floats(0.3, 8),
    angle=st.sampled_from([0, 0.3, 30, 45, 90, 180]) | st.floats(-180, 180),
    days=st.floats(0.01, 6),
    width=st.sampled_from([2.0, 4.0, 8.0]),
)
def test_it_is_that_of_the_exact_map(centre, scale, angle, days, width):
    one = transformation({"centre": centre, "scale": scale, "angle": angle}, days)
    assert Adaptive(sample_region_width=width).reach(one) == exact(one, width)


@pytest.mark.parametrize("angle", [0, 1, 30, 90])
def test_few_pixels_are_mapped_on_the_disk(angle):
    shape = (400, 400)
    one = transformation({"centre": (100, -200), "scale": 0.6, "angle": angle}, 0.25, shape)
    parts = outermost_parts(one.pixel_map, SHAPE, 4.0)
    assert sum(part[0].size for part in parts) < 0.3 * np.prod(shape)
    assert Adaptive().reach(one) == exact(one, 4.0)


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ({"centre": (850, 0)}, (400, 400)),
        ({"centre": (0, 0), "scale": 16.0}, (160, 160)),
        ({"centre": (0, 0)}, (9, 9)),
    ],
    ids=["limb", "full disk", "small"],
)
def test_elsewhere_it_is_the_exact_map(target, shape):
    one = transformation(target, 0.25, shape)
    assert outermost_parts(one.pixel_map, SHAPE, 4.0) is None
    assert Adaptive().reach(one) == exact(one, 4.0)
