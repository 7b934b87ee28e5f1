import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u
from astropy.time import Time
from astropy.wcs import WCS, Sip

import sunpy.map
from sunpy.coordinates import Helioprojective, get_earth

from sunpy_heliocloud.coordinates.indexers import axis_indexer
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS, slice_wcs
from sunpy_heliocloud.coordinates.stack import StackWCS

START = Time("2018-05-29T18:00:00")


def plane(i: int = 0, shape: tuple[int, int] = (20, 30)) -> PlaneWCS:
    """The WCS of a small image from Earth, ``i`` minutes after `START`, rotated and off centre."""
    time = START + i * u.min
    observer = get_earth(time)
    header = {
        "crpix1": 12.5 + i,
        "crpix2": 9.0,
        "cdelt1": 40.0,
        "cdelt2": 45.0,
        "crota2": 10.0,
        "cunit1": "arcsec",
        "cunit2": "arcsec",
        "ctype1": "HPLN-TAN",
        "ctype2": "HPLT-TAN",
        "date-obs": time.isot,
        "rsun_ref": 6.96e8,
        "hgln_obs": observer.lon.to_value(u.deg),
        "hglt_obs": observer.lat.to_value(u.deg),
        "dsun_obs": observer.radius.to_value(u.m),
    }
    return PlaneWCS.from_wcs(sunpy.map.Map(np.zeros(shape), header).wcs)


PLANES = [plane(i) for i in range(6)]
TIMES = START + np.array([0, 60, 125, 180, 240, 310]) * u.s
SHARED = StackWCS(PLANES[:1], TIMES)
OWN = StackWCS(PLANES, TIMES)


def sliced_wcs(wcs, *item):
    """The WCS of ``data[item]``."""
    return slice_wcs(wcs, [axis_indexer(one, n) for one, n in zip(item, wcs.array_shape, strict=True)])


def world(wcs: WCS, x: float, y: float) -> np.ndarray:
    return np.array(wcs.pixel_to_world_values(x, y))


def test_plane_survives_the_way_to_astropy_and_back():
    assert PlaneWCS.from_wcs(PLANES[2].to_wcs()) == PLANES[2]


def test_plane_gives_the_frame_that_sunpy_gives():
    coordinate = PLANES[2].to_wcs().pixel_to_world(3, 4)
    assert isinstance(coordinate.frame, Helioprojective)
    assert coordinate.obstime.isot == (START + 2 * u.min).isot
    assert u.isclose(coordinate.rsun, 6.96e8 * u.m)


@given(
    rows=st.tuples(st.integers(0, 10), st.integers(11, 20), st.integers(1, 4)),
    columns=st.tuples(st.integers(0, 10), st.integers(11, 30), st.integers(1, 4)),
)
def test_sliced_plane_has_the_coordinates_of_the_pixels_that_are_left(rows, columns):
    sliced = PLANES[1].sliced(axis_indexer(slice(*rows), 20), axis_indexer(slice(*columns), 30))
    assert sliced.shape == (len(range(*rows)), len(range(*columns)))
    expected = world(PLANES[1].to_wcs(), columns[0] + 2 * columns[2], rows[0] + rows[2])
    np.testing.assert_allclose(world(sliced.to_wcs(), 2, 1), expected, atol=1e-10)


def test_height_is_added_to_the_radius():
    assert dict(PLANES[0].at_height(3e7).aux)["rsun_ref"] == 7.26e8


def test_distortions_are_refused():
    wcs = PLANES[0].to_wcs()
    wcs.sip = Sip(np.zeros((2, 2)), np.zeros((2, 2)), None, None, (0, 0))
    with pytest.raises(ValueError, match="reproject the image"):
        PlaneWCS.from_wcs(wcs)


@pytest.mark.parametrize("stack", [SHARED, OWN], ids=["shared", "own"])
def test_pixel_and_world_are_inverse(stack):
    x, y, t = np.meshgrid([0.0, 3.5, 7], [1.0, 4.25], np.arange(6.0))
    back = stack.world_to_pixel_values(*stack.pixel_to_world_values(x, y, t))
    np.testing.assert_allclose(back, [x, y, t], atol=1e-7)


def test_each_plane_has_its_own_coordinates():
    for i in range(6):
        values = np.array(OWN.pixel_to_world_values(4.0, 5.0, float(i)))
        np.testing.assert_array_equal(values[:2], world(PLANES[i].to_wcs(), 4, 5))


@pytest.mark.parametrize("index", [0, 3, 5])
@pytest.mark.parametrize("stack", [SHARED, OWN], ids=["shared", "own"])
def test_slicing_out_a_plane_gives_its_wcs(stack, index):
    wcs = sliced_wcs(stack, index, slice(2, 10), slice(None, None, 3))
    assert isinstance(wcs, WCS)
    expected = PLANES[0 if stack is SHARED else index]
    assert wcs.wcs.dateobs == dict(expected.dates)["dateobs"]
    np.testing.assert_allclose(world(wcs, 1, 0), world(expected.to_wcs(), 3, 2), atol=1e-10)


def test_times_are_absolute():
    time = SHARED.world_axis_object_classes["time"][3](SHARED.pixel_to_world_values(0, 0, 2)[2])
    assert time.isot == TIMES[2].isot


def test_a_fraction_of_a_plane_is_a_time_between():
    np.testing.assert_allclose(SHARED.pixel_to_world_values(0, 0, [-0.5, 1.5, 5.5])[2], [-30, 92.5, 345])


def test_steps_in_time_keep_times_and_planes():
    sliced = sliced_wcs(OWN, slice(1, 6, 2), slice(None), slice(None))
    assert sliced.planes == tuple(PLANES[1:6:2])
    assert (sliced.times == TIMES[1:6:2]).all()


def test_light_curve_can_be_sliced_further():
    curve = sliced_wcs(SHARED, slice(None), 3, 4)
    assert isinstance(curve, SlicedStackWCS)
    assert (sliced_wcs(curve, slice(1, None, 2)).times == TIMES[1::2]).all()


def test_stack_without_a_common_frame_says_so():
    classes = OWN.world_axis_object_classes
    assert classes["celestial"][2]["frame"].observer is None
    assert SHARED.world_axis_object_classes["celestial"][2]["frame"].observer is not None


def test_bins_have_mean_times_and_centres():
    binned = SHARED.binned((2, 5, 10))
    np.testing.assert_allclose((binned.times - START).to_value(u.s), [30, 152.5, 275])
    assert binned.array_shape == (3, 4, 3)
    np.testing.assert_allclose(world(binned.celestial(), 0, 0), world(PLANES[0].to_wcs(), 4.5, 2), atol=1e-10)


def test_planes_of_their_own_cannot_be_binned_in_time():
    with pytest.raises(ValueError, match="derotate"):
        OWN.binned((2, 1, 1))
    assert OWN.binned((1, 2, 2)).array_shape == (6, 10, 15)


def test_times_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="plane 2 .* does not come after"):
        StackWCS(PLANES[:1], TIMES[[0, 2, 1, 3]])


def test_planes_of_other_shape_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        StackWCS([PLANES[0], dataclasses.replace(PLANES[1], shape=(3, 3))], TIMES[:2])
