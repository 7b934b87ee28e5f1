"""
Every public name of `ndcube.NDCube` on our cubes, and on a plain NDCube of the same data and WCS.

A name that a new version of ndcube adds fails here until it is in the table.
"""

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ndcube import NDCollection, NDCube, NDCubeSequence
from ndcube.wcs.wrappers import CompoundLowLevelWCS
from simulated_maps import simulated_map

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData, StdDevUncertainty
from astropy.time import Time
from astropy.wcs.wcsapi import BaseHighLevelWCS, BaseLowLevelWCS

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240 * u.s
SHAPE = (6, 20, 24)
MAPS = [simulated_map(SUN, 171, time, shape=SHAPE[1:]) for time in TIMES]
REF = MAPS[0]
VALUES = np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)
OWN = LazyMapSequence(MAPS).to_cube()
LOW, HIGH = (REF.pixel_to_world(x * u.pix, y * u.pix) for x, y in ((5, 4), (12, 9)))


def lazy_cube():
    return TimeLagCube.from_array(da.from_array(VALUES, chunks=(1, 20, 24)), REF, TIMES, unit=u.DN)


def cube_in_memory():
    return TimeLagCube.from_array(VALUES.copy(), REF, TIMES, unit=u.DN)


def plain_cube():
    ours = cube_in_memory()
    return NDCube(ours.data, wcs=ours.wcs, unit=u.DN, meta=dict(ours.meta))


# ---- the table: what is asked of each cube


def plotted(cube, **kwargs):
    """What a plot shows: the values of its image or line; and kinds of axes and labels, where they are those of ndcube."""
    figure = plt.figure()
    plot = cube.plot(**kwargs)
    axes = getattr(plot, "axes", plot)
    figure.canvas.draw()
    shown = [np.ma.filled(image.get_array(), np.nan) for image in axes.images]
    shown += [line.get_ydata() for line in axes.lines if len(line.get_ydata()) > 2]
    labels = [axes.get_xlabel(), axes.get_ylabel()]
    plt.close("all")
    is_plane, is_light_curve = cube.shape == SHAPE[1:], cube.shape == SHAPE[:1]
    if is_plane or is_light_curve:  # labelled as sunpy's Maps are, and with dates
        return shown
    return type(plot).__name__, labels, shown


def filled(cube, **kwargs):
    masked = cube.to_nddata(nddata_type=type(cube), mask=VALUES > 110)
    return masked.fill_masked(-1.0, **kwargs) if "fill_in_place" not in kwargs else in_place(masked, kwargs)


def in_place(cube, kwargs):
    if dask.is_dask_collection(cube.data):
        cube.data = cube.data.copy()
    cube.fill_masked(-1.0, **kwargs)
    return cube


def with_extra(cube):
    cube.extra_coords.add("exposure", 0, np.arange(6) * u.s)
    return cube


def sequence_of(cube):
    return NDCubeSequence([cube[:3], cube[3:]], common_axis=0)


SLICES = [
    np.s_[2],
    np.s_[1:4],
    np.s_[1:2],
    np.s_[..., 0],
    np.s_[:, 3],
    np.s_[2, 3],
    np.s_[2, 3:5, 4],
    np.s_[:, 3, 4],
    np.s_[0, ...],
    np.s_[2:4, 5:10, 17:],
]
TABLE = {
    "array_axis_physical_types": [
        lambda c: [one.array_axis_physical_types for one in (c, c[2], c[:, 3], c[:, 3, 4])]
    ],
    "axis_world_coords": [
        lambda c: c.axis_world_coords(),
        lambda c: c.axis_world_coords("time"),
        lambda c: c.axis_world_coords(0),
        lambda c: c.axis_world_coords("lon"),
        lambda c: c.axis_world_coords(pixel_corners=True),
        lambda c: c[2].axis_world_coords(),
        lambda c: c[:, 3].axis_world_coords(),
        lambda c: c[:, 3, 4].axis_world_coords(pixel_corners=True),
        lambda c: with_extra(c).axis_world_coords(wcs=c.extra_coords),
    ],
    "axis_world_coords_values": [
        lambda c: c.axis_world_coords_values(),
        lambda c: c.axis_world_coords_values("time"),
        lambda c: c.axis_world_coords_values(2, pixel_corners=True),
        lambda c: c[2].axis_world_coords_values(),
        lambda c: c[:, 3, 4].axis_world_coords_values(),
    ],
    "combined_wcs": [
        lambda c: c.combined_wcs,
        lambda c: with_extra(c).combined_wcs,
        lambda c: c[2].combined_wcs,
    ],
    "crop": [
        lambda c: c.crop([LOW, TIMES[1]], [HIGH, TIMES[3]]),
        lambda c: c.crop([LOW, None], [HIGH, None]),
        lambda c: c.crop([None, TIMES[1]], [None, TIMES[3]]),
        lambda c: c.crop([None, None], [None, None]),
        lambda c: c.crop([LOW, TIMES[1]], [HIGH, TIMES[1]], keepdims=True),
        lambda c: c.crop([LOW, TIMES[1]], [HIGH, TIMES[1]]),
        lambda c: c[2].crop([LOW], [HIGH]),
        lambda c: c[:, 6].crop([LOW, TIMES[1]], [HIGH, TIMES[3]]),
        lambda c: c[:, 6, 7].crop([TIMES[1]], [TIMES[3]]),
        lambda c: with_extra(c).crop([1 * u.s], [3 * u.s], wcs=c.extra_coords),
    ],
    "crop_by_values": [
        lambda c: c.crop_by_values([LOW.Tx, LOW.Ty, 240 * u.s], [HIGH.Tx, HIGH.Ty, 720 * u.s]),
        lambda c: c.crop_by_values([None, None, 4 * u.min], [None, None, 12 * u.min]),
        lambda c: c.crop_by_values([LOW.Tx, LOW.Ty, None], [HIGH.Tx, HIGH.Ty, None]),
        lambda c: c.crop_by_values([0, 0, 4], [0.1, 0.1, 12], units=("deg", "deg", "min")),
        lambda c: c[2].crop_by_values([LOW.Tx, LOW.Ty], [HIGH.Tx, HIGH.Ty]),
        lambda c: c[:, 6, 7].crop_by_values([240 * u.s], [720 * u.s], keepdims=True),
    ],
    "data": [lambda c: c.data, lambda c: c[2].data, lambda c: (setattr(c, "data", c.data + 1), c.data)[1]],
    "dimensions": [],  # deprecated by ndcube, with a warning
    "explode_along_axis": [
        lambda c: c.explode_along_axis(0).sequence_axis_coords,
        lambda c: list(c.explode_along_axis(0).data),
        lambda c: list(c.explode_along_axis(1).data)[:3],
        lambda c: c.explode_along_axis(-1).shape,
        lambda c: list(c[2].explode_along_axis(0).data)[:3],
        lambda c: list(c[:, 3].explode_along_axis(0).data),
    ],
    "extra_coords": [
        lambda c: c.extra_coords.is_empty,
        lambda c: list(with_extra(c)[1:3].extra_coords.keys()),
        lambda c: with_extra(c)[2].global_coords["exposure"],
        lambda c: with_extra(c)[2:4].axis_world_coords(wcs=c[2:4].extra_coords),
        lambda c: (with_extra(c) * 2).extra_coords.mapping,
        lambda c: (binned := with_extra(c).rebin((2, 1, 1))).axis_world_coords(wcs=binned.extra_coords),
    ],
    "fill_masked": [
        filled,
        lambda c: filled(c, unmask=True),
        lambda c: filled(c, fill_in_place=True),
        lambda c: c.fill_masked(0),
    ],
    "global_coords": [
        lambda c: [dict(c[item].global_coords) for item in SLICES],
        lambda c: [c[item].global_coords.physical_types for item in SLICES],
        lambda c: c[2].global_coords["time"],
        lambda c: c[2][3].global_coords["time"],
        lambda c: c[2, 3:9][2:4].global_coords["time"],
        lambda c: (
            (c[2] * 2).global_coords["time"] if isinstance(c, TimeLagCube) else c[2].global_coords["time"]
        ),
        lambda c: (c.global_coords.add("distance", "pos.distance", 1 * u.m), c[2].global_coords["distance"])[
            1
        ],
        lambda c: (c.global_coords.add("distance", "pos.distance", 1 * u.m), dict((c * 2).global_coords))[1],
    ],
    "mask": [lambda c: c.mask, lambda c: filled(c)[2].mask],
    "meta": [lambda c: {k: c.meta[k] for k in ("wavelength", "observatory")}],
    "plot": [
        plotted,
        lambda c: plotted(c[2]),
        lambda c: plotted(c[:, 3]),
        lambda c: plotted(c[:, 3, 4]),
        lambda c: plotted(c[2, 3]),
        lambda c: plotted(c, plot_axes=["y", "x", None]),
        lambda c: plotted(c[2], data_unit=u.kDN) if hasattr(u, "kDN") else plotted(c[2], data_unit=u.DN),
        lambda c: plotted(c[2], axes_units=["arcsec", "arcsec"]),
    ],
    "plotter": [lambda c: type(c.plotter)],
    "psf": [lambda c: c.psf],
    "quantity": [lambda c: c.quantity, lambda c: c[:, 3, 4].quantity],
    "rebin": [
        lambda c: c.rebin((1, 2, 3)),
        lambda c: c.rebin((2, 5, 4)),
        lambda c: c.rebin((1, 1, 1)),
        lambda c: c.rebin((3, -1, -1)),
        lambda c: c.rebin((1, 2, 2) * u.pix),
        lambda c: c.rebin([1, 2, 2], operation=np.sum, new_unit=u.ct),
        lambda c: c.rebin((1, 2, 2), operation=np.max),
        lambda c: c[2].rebin((2, 2)),
        lambda c: c[:, 3].rebin((2, 4)),
        lambda c: c[:, 3, 4].rebin((3,)),
    ],
    "reproject_to": [
        lambda c: c[2].reproject_to(MAPS[3].wcs),
        lambda c: c[2].reproject_to(MAPS[3].wcs, algorithm="adaptive"),
        lambda c: c[2].reproject_to(MAPS[3].wcs, algorithm="exact"),
        lambda c: c[2].reproject_to(MAPS[3].wcs.to_header(), shape_out=(10, 12)),
        lambda c: c[2].reproject_to(MAPS[3].wcs, return_footprint=True),
        lambda c: c.reproject_to(c[1:3].wcs),
        lambda c: c[2].reproject_to(MAPS[3].wcs).meta["observatory"],
    ],
    "shape": [lambda c: c.shape, lambda c: c[..., 0].shape],
    "squeeze": [
        lambda c: c[1:2].squeeze(),
        lambda c: c[1:2, :, 3:4].squeeze(0),
        lambda c: c[1:2, 3:4].squeeze(),
        lambda c: c[:, :, :1].squeeze(axis=2),
        lambda c: c[1:2, :, 3:4].squeeze((0, 2)),
    ],
    "to": [
        lambda c: c.to(u.DN),
        lambda c: (c / u.s if isinstance(c, TimeLagCube) else c * (1 / u.s)).to(u.DN / u.min),
    ],
    "to_nddata": [
        lambda c: c.to_nddata(),
        lambda c: c.to_nddata(wcs=None),
        lambda c: c.to_nddata(data=np.ones(SHAPE), nddata_type=NDCube),
        lambda c: c.to_nddata(nddata_type=type(c), global_coords="copy", extra_coords="copy"),
    ],
    "uncertainty": [
        lambda c: c.uncertainty,
        lambda c: (
            c.to_nddata(nddata_type=type(c), uncertainty=StdDevUncertainty(VALUES / 10))[2].uncertainty.array
        ),
    ],
    "unit": [lambda c: c.unit, lambda c: c[2].unit],
    "wcs": [
        lambda c: c.wcs,
        lambda c: [c[item].wcs for item in SLICES],
        lambda c: c.wcs.pixel_to_world(3, 4, 2),
        lambda c: c.wcs.world_to_pixel(LOW, TIMES[3]),
        lambda c: c.wcs.world_to_array_index(LOW, TIMES[3]),
        lambda c: c[2].wcs.pixel_to_world(3, 4),
    ],
    # operators, with what ndcube takes
    "__getitem__": [lambda c: [c[item] for item in SLICES], lambda c: [c[2][3], c[:, 3][2], c[:, 3][:, 4]]],
    "__add__": [lambda c: c + 5 * u.DN, lambda c: c + NDData(VALUES, unit=u.DN)],
    "__radd__": [lambda c: 5 * u.DN + c],
    "__sub__": [lambda c: c - 5 * u.DN, lambda c: c - NDData(VALUES[0], unit=u.DN)],
    "__rsub__": [lambda c: 5 * u.DN - c],
    "__mul__": [
        lambda c: c * 2,
        lambda c: c * (2 * u.s),
        lambda c: c * VALUES,
        lambda c: c * NDData(VALUES, unit=u.s),
    ],
    "__rmul__": [lambda c: 2 * c, lambda c: (2 * u.s) * c, lambda c: VALUES * c],
    "__truediv__": [lambda c: c / 2, lambda c: c / (2 * u.s), lambda c: c / NDData(VALUES, unit=u.s)],
    "__rtruediv__": [lambda c: 2 / c, lambda c: (2 * u.s) / c],
    "__pow__": [lambda c: c**2, lambda c: c**-0.5],
    "__neg__": [lambda c: -c],
}
# Of Python and of astropy's containers, or shown for people: `repr` and `str` have tests of their own.
GENERAL = {
    *dir(object),
    "__dict__",
    "__weakref__",
    "__module__",
    "__abstractmethods__",
    "__annotations__",
    "__array_ufunc__",
    "__firstlineno__",
    "__slotnames__",  # added by copy and pickle
    "__static_attributes__",
    "__str__",
    "__repr__",
}
OURS = {"in memory": cube_in_memory, "lazy": lazy_cube}


def test_the_table_has_every_public_name_of_ndcube():
    names = {
        name
        for name in dir(NDCube)
        if not name.startswith("_") or (name.endswith("__") and name not in GENERAL)
    }
    assert names == set(TABLE)


def assert_alike(ours, plain):
    """Our result is what the plain NDCube gives; it may have more global coordinates, and keep its unit."""
    if isinstance(plain, NDCube):
        assert isinstance(ours, NDCube)
        assert ours.shape == ours.data.shape == plain.shape
        assert ours.unit == (plain.unit or ours.unit)
        assert ours.array_axis_physical_types == plain.array_axis_physical_types
        assert dict(plain.global_coords).keys() <= dict(ours.global_coords).keys()
        assert_alike({k: ours.global_coords[k] for k in plain.global_coords}, dict(plain.global_coords))
        assert_alike(ours.data, plain.data)
        assert_alike(ours.mask, plain.mask)
        assert_alike(ours.wcs, plain.wcs)
        assert list(ours.extra_coords.keys()) == list(plain.extra_coords.keys())
    elif isinstance(plain, NDData):
        assert ours.unit == plain.unit
        assert_alike(ours.data, plain.data)
        assert (ours.wcs is None) == (plain.wcs is None)
    elif isinstance(plain, BaseHighLevelWCS | BaseLowLevelWCS):
        low, expected = (getattr(one, "low_level_wcs", one) for one in (ours, plain))
        assert isinstance(low, BaseLowLevelWCS)
        assert isinstance(low, CompoundLowLevelWCS) == isinstance(expected, CompoundLowLevelWCS)
        assert (low.pixel_n_dim, low.world_n_dim) == (expected.pixel_n_dim, expected.world_n_dim)
        assert list(low.world_axis_physical_types) == list(expected.world_axis_physical_types)
        np.testing.assert_array_equal(low.axis_correlation_matrix, expected.axis_correlation_matrix)
        shape = low.pixel_shape or (1,) * low.pixel_n_dim
        for at in ([0.0] * low.pixel_n_dim, [float(min(n - 1, 1)) for n in shape]):
            values = (one.pixel_to_world_values(*at) for one in (low, expected))
            np.testing.assert_allclose(*values, atol=1e-9)
    elif isinstance(plain, SkyCoord):
        assert ours.shape == plain.shape
        assert type(ours.frame) is type(plain.frame)
        assert np.max(ours.separation(plain)) < 1e-6 * u.arcsec
    elif isinstance(plain, Time):
        assert np.max(np.abs((ours - plain).to_value(u.s)), initial=0) < 1e-6
        assert ours.shape == plain.shape
    elif isinstance(plain, dict):
        assert list(ours) == list(plain)
        assert_alike(list(ours.values()), list(plain.values()))
    elif isinstance(plain, tuple | list):
        assert len(ours) == len(plain)
        for one, expected in zip(ours, plain, strict=True):
            assert_alike(one, expected)
    elif isinstance(plain, np.ndarray | da.Array):
        assert u.Quantity(1, getattr(ours, "unit", u.one)).unit == getattr(plain, "unit", u.one)
        np.testing.assert_allclose(np.asarray(ours), np.asarray(plain), rtol=2e-6, atol=1e-5)
    else:
        assert ours == plain


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.filterwarnings("ignore:.*Animating a NDCube.*")
def test_a_cube_does_what_a_plain_ndcube_does(name):
    for number, ask in enumerate(TABLE[name]):
        plain = ask(plain_cube())
        for kind, ours in OURS.items():
            try:
                assert_alike(ask(ours()), plain)
            except Exception as error:
                error.add_note(f"case {number} of {name}, {kind}")
                raise


# ---- sequences and collections of cubes


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: sequence_of(c).cube_like_shape,
        lambda c: list(sequence_of(c).index_as_cube[1:5].data),
        lambda c: sequence_of(c).index_as_cube[4],
        lambda c: sequence_of(c).index_as_cube[2:4, 3:5].data[0],
        lambda c: sequence_of(c)[1],
        lambda c: list(sequence_of(c)[:, 2].data),
        lambda c: sequence_of(c).common_axis_coords,
        lambda c: NDCubeSequence([c[i] for i in range(6)]).sequence_axis_coords["time"],
        lambda c: NDCubeSequence([c[i] for i in range(6)]).array_axis_physical_types,
        lambda c: sequence_of(c).explode_along_axis(0).shape,
        lambda c: NDCollection([("a", c), ("b", c * 2)], aligned_axes="all")[1:3, 4:9]["b"],
        lambda c: NDCollection([("a", c), ("b", c * 2)], aligned_axes="all")[2]["b"],
        lambda c: NDCollection([("a", c), ("b", c * 2)], aligned_axes="all")[2].aligned_dimensions.tolist(),
        lambda c: NDCollection([("a", c), ("b", c[2])], aligned_axes=((1, 2), (0, 1)))[4:9, 3:5]["b"],
        lambda c: NDCollection([("a", c), ("b", c[2])], aligned_axes=((1, 2), (0, 1)))[4:9]["a"],
        lambda c: NDCollection([("a", c), ("b", c)], aligned_axes="all").aligned_axis_physical_types,
    ],
    ids=lambda _: "",
)
def test_sequences_and_collections_of_cubes_do_what_those_of_plain_cubes_do(ask):
    plain = ask(plain_cube())
    for ours in OURS.values():
        assert_alike(ask(ours()), plain)


def test_planes_of_frames_are_sequences_with_times():
    for cube in (OWN, OWN.derotate_to(REF)):
        pieces = cube.explode_along_axis(0)
        times = Time(pieces.sequence_axis_coords["time"])
        assert abs((times - cube.times).to_value(u.s)).max() < 1e-6
        assert [piece.times for piece in pieces.data] == list(cube.times)
        sequence = NDCubeSequence([cube[:2], cube[2:]], common_axis=0)
        assert sequence.index_as_cube[3].global_coords["time"] == cube.times[3]
        cropped = sequence.crop([None, TIMES[1]], [None, TIMES[3]])
        assert cropped.data[0].shape[1:] == (20, 24)
        assert isinstance(NDCollection([("a", cube), ("b", cube)], aligned_axes="all")[::2]["a"], TimeLagCube)


def test_the_time_of_a_plane_is_not_that_of_its_cube():
    """ndcube's slices share the dictionary of global coordinates."""
    cube = lazy_cube()
    planes = [cube[i] for i in range(6)]
    assert [plane.global_coords["time"] for plane in planes] == list(cube.times)
    assert "time" not in cube.global_coords
    assert cube.times.format == "isot"


def test_a_plane_made_by_hand_has_the_time_of_its_coordinates():
    plane = TimeLagCube(VALUES[0], wcs=REF.wcs)
    assert abs(plane.times - REF.reference_date) < 1 * u.ms
    assert "2018-05-29T18:00" in str(plane[3:5])


# ---- reproject_to, of which more is kept than ndcube does


def test_reprojected_planes_keep_unit_meta_time_and_can_be_sliced():
    for cube in (OWN, lazy_cube()):
        for target, shape in ((MAPS[3].wcs, None), (MAPS[3].wcs.to_header(), (10, 12))):
            plane = cube[2].reproject_to(target, shape_out=shape)
            assert (plane.unit, plane.data.dtype, plane.wavelength) == (cube.unit, np.float32, 171 * u.AA)
            assert plane.times == cube.times[2]
            assert sunpy.map.Map(plane[3:5, 2:9].data, plane[3:5, 2:9].wcs).data.shape == (2, 7)


def test_a_cube_is_not_reprojected_as_a_whole_and_the_remedies_work():
    for cube in (OWN, lazy_cube()):
        with pytest.raises(
            ValueError, match=r"derotate_to\(map\) brings all planes.*cube\[3\].reproject_to\(wcs\)"
        ):
            cube.reproject_to(MAPS[3].wcs)
        assert cube.derotate_to(MAPS[3]).shape == SHAPE
        assert cube[3].reproject_to(MAPS[3].wcs).shape == SHAPE[1:]
    with pytest.raises(ValueError, match="each has coordinates of its own"):
        OWN.reproject_to(lazy_cube().wcs)
    with pytest.raises(TypeError, match="such as that of a map: map.wcs"):
        OWN[2].reproject_to(MAPS[3])


def test_what_is_lazy_is_read_once_for_a_reprojection():
    read = []

    def make(block_id):
        read.append(block_id[0])
        return np.ones((1, 20, 24), np.float32)

    data = da.map_blocks(
        make, chunks=((1,) * 6, (20,), (24,)), dtype=np.float32, meta=np.empty((0, 0, 0), "f4")
    )
    cube = TimeLagCube.from_array(data, REF, TIMES)
    cube[2].reproject_to(MAPS[3].wcs)
    cube.reproject_to(cube[1:3].wcs)
    assert sorted(read) == [0, 1, 2, 2, 3, 4, 5]
