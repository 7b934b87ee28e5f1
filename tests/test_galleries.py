"""The habits of ndcube's and sunpy's own examples, with our cubes and Maps in place of theirs."""

import copy
import pickle

import matplotlib.colors as colors
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ndcube import NDCollection, NDCube, NDCubeSequence
from simulated_maps import simulated_map

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import StdDevUncertainty
from astropy.time import Time

import sunpy.map
from sunpy.coordinates import SphericalScreen, frames, propagate_with_solar_surface

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240 * u.s
MAPS = [simulated_map(SUN, 171, time, shape=(20, 24)) for time in TIMES]
SEQUENCE = LazyMapSequence(MAPS)
REF = MAPS[0]
CUBES = {"frames": SEQUENCE.to_cube(), "derotated": SEQUENCE.to_cube().derotate_to(REF)}


@pytest.fixture(params=CUBES)
def cube(request):
    yield CUBES[request.param].to_nddata(nddata_type=TimeLagCube)
    plt.close("all")


def drawn():
    plt.gcf().canvas.draw()
    plt.close("all")
    return True


# ---- ndcube


def test_ndcube_example_of_slicing_and_cropping(cube):
    """Of examples/slicing_ndcube.py: corners without an observer."""
    assert [one.shape for one in cube.axis_world_coords("time")] == [(6,)]
    assert cube[1, :, :].shape == (20, 24)
    cube[1, 10:20, 5:20].plot()
    assert drawn()
    low = [SkyCoord(-200 * u.arcsec, -200 * u.arcsec, frame=frames.Helioprojective), None]
    high = [SkyCoord(300 * u.arcsec, 300 * u.arcsec, frame=frames.Helioprojective), None]
    start, stop = [None, TIMES[1]], [None, TIMES[3]]
    assert cube.crop(low, high).shape == (6, 5, 5)
    assert cube.crop(low, high, start).shape == (5, 5)
    assert cube.crop(low, high, start, stop).shape == (3, 5, 5)
    cropped = cube.crop([low[0], start[1]], [high[0], stop[1]])
    assert cropped.shape == (3, 5, 5)
    cropped.plot()
    assert drawn()


def test_ndcube_example_of_another_resolution(cube):
    """Of examples/changing_resolution_via_reproject.py."""
    plane = cube[2]
    new_wcs = plane.wcs.deepcopy()
    new_wcs.wcs.cdelt /= 1.5
    new_wcs.wcs.crpix *= 1.5
    new_shape = tuple(int(n * 1.5) for n in plane.data.shape)
    finer = plane.reproject_to(new_wcs, shape_out=new_shape)
    assert finer.shape == (30, 36)
    assert finer.unit == cube.unit
    assert np.nanmean(finer.data) == pytest.approx(np.nanmean(plane.compute().data), rel=0.1)


def test_ndcube_guide_of_arithmetic(cube):
    """Of explaining_ndcube/arithmetic.rst: with uncertainties, masks, and cubes without coordinates."""
    zero = (cube - cube.data * cube.unit).compute().data
    assert np.nanmax(np.abs(zero)) == 0
    assert (cube + cube.to_nddata(wcs=None)).unit == cube.unit
    values = np.nan_to_num(cube.compute().data)
    with_all = cube.to_nddata(
        data=values, uncertainty=StdDevUncertainty(values * 0.1), mask=values > 50, nddata_type=TimeLagCube
    )
    assert (with_all * np.ones(cube.shape)).uncertainty.array.shape == cube.shape
    assert (with_all / (2 * u.s)).unit == cube.unit / u.s
    for other in (with_all, with_all.to_nddata(wcs=None)):
        np.testing.assert_allclose((with_all + other).uncertainty.array, values * 0.1 * 2**0.5, rtol=1e-5)
    assert (with_all.fill_masked(0) + with_all.to_nddata(wcs=None)).mask.any()
    filled = with_all.fill_masked(1, uncertainty_fill_value=0, unmask=True)
    assert filled.mask is False
    assert (filled.data[values > 50] == 1).all()
    bare = cube.to_nddata(uncertainty=None, nddata_type=TimeLagCube) + cube.to_nddata(wcs=None)
    assert bare.uncertainty is None


@pytest.mark.parametrize(
    "plot",
    [
        lambda c: c.plot(),
        lambda c: c[1, 1].plot(),
        lambda c: c[:, 3, 4].plot(),
        lambda c: c[:, 3].plot(),
        lambda c: c[0, 1:3, 1:4].plot(),
        lambda c: c.plot(plot_axes=[None, None, "x"]),
        lambda c: c.plot(plot_axes=["x", None, None]),
        lambda c: c.plot(wcs=c.combined_wcs),
        lambda c: (c[0].plot(vmin=0, vmax=100, cmap="sdoaia171"), plt.colorbar(orientation="horizontal")),
        lambda c: c[0].plot(axes=plt.figure().add_subplot(projection=c[0].wcs)),
        lambda c: c[0].plot(axes=plt.figure().add_subplot(projection=c[0])),
        lambda c: c[0].plot().plot_coord(REF.center, "x"),
    ],
    ids=range(12),
)
def test_ndcube_guide_of_plots(cube, plot):
    """Of explaining_ndcube/visualization.rst."""
    plot(cube)
    assert drawn()


def test_ndcube_guide_of_sequences_and_collections(cube):
    """Of explaining_ndcube/slicing.rst, coordinates.rst and visualization.rst."""
    sequence = NDCubeSequence([cube[:3], cube[3:]], common_axis=0)
    assert sequence[0:2, 1:2, 3:5].shape == (2, 1, 2, 24)
    assert sequence.index_as_cube[1:5, 3:5].shape == (2, 2, 2, 24)
    assert np.stack([one.data for one in sequence.data], axis=0).shape == (2, 3, 20, 24)
    times = Time([one.axis_world_coords("time", wcs=one.combined_wcs)[0][0] for one in sequence])
    assert abs((times - cube.times[[0, 3]]).to_value(u.s)).max() < 1e-6
    assert len(NDCubeSequence([cube[i] for i in range(6)]).sequence_axis_coords["time"]) == 6
    collection = NDCollection([("intensity", cube), ("double", cube * 2)], aligned_axes="all")
    assert collection[0:2, 3:5]["double"].shape == (2, 2, 24)
    assert cube[2].global_coords.filter_by_physical_type("time")["time"] == cube.times[2]


def test_cubes_are_copied_pickled_iterated_and_made_into_ndcubes_and_maps(cube):
    for one in (copy.copy(cube), copy.deepcopy(cube), pickle.loads(pickle.dumps(cube))):
        assert (one.times == cube.times).all()
        np.testing.assert_array_equal(one.compute().data, cube.compute().data)
    assert [plane.shape for plane in cube] == [(20, 24)] * 6
    assert NDCube(cube.data, wcs=cube.wcs, unit=cube.unit)[2].shape == (20, 24)
    for m in (sunpy.map.Map(cube[2].data, cube[2].wcs), sunpy.map.Map((cube[2].data, cube[2].wcs))):
        assert m.data.shape == (20, 24)
        assert abs(m.scale[0] - MAPS[2].scale[0]) < 1e-6 * u.arcsec / u.pix


# ---- sunpy: examples with a sequence of Maps


def test_sunpy_example_of_difference_images():
    """Of examples/map/difference_images.py, and the same by a cube."""
    maps = sunpy.map.MapSequence(*SEQUENCE)
    base = sunpy.map.Map([m - maps[0].quantity for m in maps[1:]], sequence=True)
    running = sunpy.map.Map(
        [m - before.quantity for m, before in zip(maps[1:], maps[:-1], strict=True)], sequence=True
    )
    cube = SEQUENCE.to_cube(normalize=False).derotate_to(REF, algorithm="interpolation", order=0)
    assert cube.difference().shape[0] == len(running.maps) == 5
    assert cube[1:].difference(base=cube[0]).shape[0] == len(base.maps) == 5
    settings = {"norm": colors.Normalize(vmin=-200, vmax=200), "cmap": "Greys_r"}
    ax = plt.figure().add_subplot(projection=running.maps[0])
    animation = running.plot(axes=ax, title="Running Difference", **settings)
    assert drawn()
    assert animation is not None
    cube.difference()[0].plot(**settings)
    assert drawn()


def test_sunpy_example_of_a_tracked_region():
    """Of examples/map/track_active_region.py: what derotate_to does in one step."""
    corner = SkyCoord(Tx=-250 * u.arcsec, Ty=0 * u.arcsec, frame=SEQUENCE[3].coordinate_frame)
    cutout = SEQUENCE[3].submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)
    with propagate_with_solar_surface():
        aligned = [m.reproject_to(cutout.wcs, preserve_date_obs=True) for m in MAPS]
    ours = SEQUENCE.to_cube(normalize=False).derotate_to(cutout, algorithm="interpolation").compute()
    for plane, expected in zip(ours, aligned, strict=True):
        both = np.isfinite(plane.data) & np.isfinite(expected.data)
        assert both.any()
        np.testing.assert_allclose(plane.data[both], expected.data[both], rtol=1e-3)


def test_sunpy_example_of_a_time_distance_diagram():
    """Of examples/showcase/time_distance.py: samples along a path, of Maps and of the planes of a cube."""
    line = SkyCoord([-300, 300] * u.arcsec, [-200, 250] * u.arcsec, frame=SEQUENCE[0].coordinate_frame)
    path = sunpy.map.pixelate_coord_path(SEQUENCE[0], line)
    samples = []
    for m in SEQUENCE:
        with propagate_with_solar_surface(), SphericalScreen(m.observer_coordinate, only_off_disk=True):
            samples.append(sunpy.map.sample_at_coords(m, path))
    assert np.stack(samples).shape == (6, len(path))
    cube = CUBES["derotated"]
    rows, columns = cube[0].wcs.world_to_array_index(path)
    assert cube.data.vindex[:, rows, columns].compute().size == 6 * len(path)
