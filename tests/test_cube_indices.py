"""Indices on cubes and sequences, as numpy, pandas and xarray users write them."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import astropy.units as u
from astropy.nddata import StdDevUncertainty

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240 * u.s
MAPS = [sunpy.map.Map(*SUN.frame(171, time, shape=(20, 24))) for time in TIMES]
SEQUENCE = LazyMapSequence(MAPS)
OWN = SEQUENCE.to_cube()
SHARED = OWN.derotate_to(MAPS[0])
VALUES = np.stack([m.data for m in MAPS])
MASK = np.arange(6) % 2 == 0
SEVERAL = {
    "list": [0, 3, 5],
    "mask": MASK,
    "list of bools": MASK.tolist(),
    "negative": [-5, -1],
    "numpy integers": np.array([1, 2], np.uint8),
    "range": range(1, 6, 2),
    "step": slice(None, None, 2),
    "pandas mask": pd.Series(MASK),
    "pandas index": pd.Index([1, 4]),
    "masked values of a mask": np.ma.array(MASK, mask=[1, 0, 0, 0, 0, 0]),
    "mask of times": TIMES > TIMES[2],
}
POSITIONS = {
    name: np.arange(6)[index.filled(False) if isinstance(index, np.ma.MaskedArray) else index]
    for name, index in SEVERAL.items()
}


def same(times, expected):
    """Times of headers are those of the simulation within rounding."""
    return times.shape == expected.shape and (abs((times - expected).to_value(u.s)) < 1e-3).all()


several = pytest.mark.parametrize("name", SEVERAL)


@several
def test_sequences_take_masks_lists_steps_and_negatives(name):
    part = SEQUENCE[SEVERAL[name]]
    assert isinstance(part, LazyMapSequence)
    assert same(part.times, TIMES[POSITIONS[name]])
    np.testing.assert_array_equal(part[0].data, MAPS[POSITIONS[name][0]].data)


@several
@pytest.mark.parametrize("cube", [OWN, SHARED], ids=["frames", "derotated"])
def test_cubes_take_lists_and_masks_along_time(cube, name):
    with no_compute():
        part = cube[SEVERAL[name]]
        window = cube[SEVERAL[name], 10:18:2]
        curve = cube[SEVERAL[name], ..., 3, 4]
        diagram = cube[:, 3][SEVERAL[name]]
    positions = POSITIONS[name]
    for one, shape in ((part, (20, 24)), (window, (4, 24)), (curve, ()), (diagram, (24,))):
        assert type(one) is type(cube)
        assert one.shape == one.wcs.low_level_wcs.array_shape == (len(positions), *shape)
        assert same(one.times, TIMES[positions])
        assert same(one.frames["time"], TIMES[positions])
        assert one.unit == cube.unit
    np.testing.assert_array_equal(part.compute().data, cube.compute().data[positions])
    np.testing.assert_array_equal(curve.compute().data, cube.compute().data[positions, 3, 4])
    for i, position in enumerate(positions):
        assert part[i].wcs.to_header() == cube[position].wcs.to_header()


@given(st.lists(st.integers(0, 5), min_size=1, unique=True).map(sorted), st.slices(20), st.slices(24))
def test_any_increasing_list_and_slices_give_what_numpy_gives(planes, rows, columns):
    if (rows.step or 1) < 0 or (columns.step or 1) < 0 or not VALUES[0, rows, columns].size:
        return
    part = OWN[planes, rows, columns]
    np.testing.assert_array_equal(part.data.compute(), OWN.data.compute()[planes, rows, columns])
    here, there = (
        part[0].wcs.pixel_to_world(0, 0),
        OWN[planes[0]].wcs.pixel_to_world(range(24)[columns][0], range(20)[rows][0]),
    )
    assert here.separation(there) < 1e-6 * u.arcsec


def test_a_list_of_frames_reads_only_these():
    assert OWN[[0, 3, 5]].estimate().frames == 3
    assert OWN[[4], 2].estimate().frames == 1


@pytest.mark.parametrize("index", [np.int8(-1), np.int64(2), np.array(2)], ids=repr)
def test_integers_of_numpy_are_integers(index):
    assert abs(SEQUENCE[index].date - MAPS[int(index)].date) < 1 * u.ms
    assert OWN[index].shape == (20, 24)
    assert OWN.data[index].shape == (20, 24)


@pytest.mark.parametrize("order", [[2, 0], np.s_[::-1], [-1, 0, 3]], ids=str)
def test_a_sequence_keeps_the_order_of_indices_and_its_cube_that_of_time(order):
    part = SEQUENCE[order]
    expected = np.arange(6)[order]
    assert same(part.times, TIMES[expected])
    assert [m.meta["fsn"] for m in part] == [MAPS[i].meta["fsn"] for i in expected]
    assert same(part.to_cube().times, TIMES[np.sort(expected)])
    assert same(part.derotate_to(MAPS[0]).times, TIMES[np.sort(expected)])


@pytest.mark.parametrize(
    "index",
    [
        (1, 2),
        1.5,
        [1.5],
        "2018-05-29",
        TIMES[2],
        slice("a", "b"),
        None,
        True,
        {},
        np.ones((6, 2), bool),
    ],
    ids=str,
)
def test_what_no_sequence_is_indexed_with_says_what_is_taken(index):
    with pytest.raises(
        IndexError, match=r"a slice of integers, a list of them or a mask.*seq.nearest\(time\)"
    ):
        SEQUENCE[index]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (MASK[:4], "a mask of 4 does not fit an axis of length 6"),
        ([0, 6], "index 6 is out of bounds for an axis of length 6"),
        (-7, "index -7 is out of bounds"),
        (da.from_array(MASK), "a lazy array of shape .6,., which has to be computed first"),
    ],
    ids=str,
)
def test_indices_that_do_not_fit(index, message):
    for indexed in (SEQUENCE, OWN, SHARED, SHARED[:, 3, 4]):
        with pytest.raises(IndexError, match=message):
            indexed[index]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("2018-05-29", r"cube.crop\(start, stop\) takes times"),
        (TIMES[2], r"cube.crop\(start, stop\) takes times"),
        (None, "a slice of integers"),
        (True, "a slice of integers"),
        ([3, 1], r"cube\[sorted\(set\(indices\)\)\]"),
        ([1, 1], r"cube\[sorted\(set\(indices\)\)\]"),
        ([], "leaves nothing"),
        (np.zeros(6, bool), "leaves nothing"),
        (np.s_[3:3], "leaves nothing"),
        (np.s_[::-1], r"positive steps.*cube.data\[::-1\]"),
        (np.s_[..., 0, ...], "one ellipsis"),
        (np.s_[0, 0, 0, 0], "4 indices for 3 axes"),
        (np.s_[:, [1, 2]], r"cube.data\[..., \[3, 5\]\]"),
        (np.s_[:, :, np.ones(24, bool)], r"np.where\(mask, 1, np.nan\)"),
        (np.s_[:, np.ones((20, 24), bool)], r"np.where\(mask, 1, np.nan\)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("cube", [OWN, SHARED], ids=["frames", "derotated"])
def test_what_no_cube_is_indexed_with_says_the_remedy(cube, item, message):
    with pytest.raises(IndexError, match=message):
        cube[item]


def test_the_remedies_of_indices_work():
    assert SHARED[sorted({3, 1})].shape == (2, 20, 24)
    assert SHARED.data[..., [3, 5]].shape == (6, 20, 2)
    mask = np.ones((20, 24), bool)
    mask[3, 4] = False
    masked = (SHARED * np.where(mask, 1, np.nan)).compute()
    assert np.isnan(masked.data[:, 3, 4]).all()
    assert np.isfinite(masked.data[:, 10, 10]).all()
    with pytest.raises(ValueError, match=r"cube.data\[0, 3, 5\] is the value"):
        SHARED[0, 3, 5]


def test_what_lies_beside_the_data_follows_lists_and_steps():
    """Mask, uncertainty and extra coordinates."""
    cube = SHARED.compute()
    cube = cube._new_instance(mask=cube.data > 100, uncertainty=StdDevUncertainty(cube.data / 10))
    for item in (np.s_[[0, 3]], np.s_[::3], np.s_[MASK, 3:9, 4]):
        part = cube[item]
        np.testing.assert_array_equal(part.mask, cube.mask[item])
        np.testing.assert_array_equal(part.uncertainty.array, cube.uncertainty.array[item])
    cube.extra_coords.add("exposure", 0, np.arange(6) * u.s)
    part = cube[::3, 3:9, 4]
    (exposures,) = part.axis_world_coords(wcs=part.extra_coords)
    np.testing.assert_array_equal(exposures.to_value(u.s), [0, 3])
    with pytest.raises(IndexError, match="extra coordinates take no lists"):
        cube[[0, 3]]
    assert cube.to_nddata(nddata_type=type(cube))[[0, 3]].shape == (2, 20, 24)


def test_a_list_of_slices_is_an_index_as_ndcubes_sequences_use_it():
    assert SHARED[[slice(1, 3), slice(None), slice(2, 4)]].shape == (2, 20, 2)


ARRAYS = {"frames": OWN.data, "image": SEQUENCE[2].data, "derotated": SHARED.data}
FORMS = {
    "list of columns": np.s_[..., [1, 5, 2]],
    "list of rows": np.s_[..., [3, 3], :],
    "mask of columns": np.s_[..., np.arange(24) % 5 == 0],
    "new axis": np.s_[..., None],
    "new axis first": np.s_[None],
    "backwards": np.s_[..., ::-1],
    "ellipsis": np.s_[..., 3],
    "nothing": np.s_[..., 3:3],
    "empty list": np.s_[[]],
    "whole": np.s_[()],
    "integer and list": np.s_[..., 2, [3, 4]],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("array", ARRAYS)
def test_lazy_arrays_take_what_numpy_takes(array, form):
    lazy = ARRAYS[array]
    with no_compute():
        part = lazy[FORMS[form]]
    assert isinstance(part, da.Array)
    np.testing.assert_array_equal(part.compute(), lazy.compute()[FORMS[form]])


@pytest.mark.parametrize("array", ARRAYS)
def test_lazy_arrays_take_what_dask_takes(array):
    """Lazy masks, vectorised indices, blocks, and assignment to a copy."""
    lazy, values = ARRAYS[array], ARRAYS[array].compute()
    plain = da.from_array(values, chunks=lazy.chunks)
    np.testing.assert_array_equal(lazy[lazy > 100].compute(), plain[plain > 100].compute())
    where = ([0, 1],) * lazy.ndim
    np.testing.assert_array_equal(lazy.vindex[where].compute(), plain.vindex[where].compute())
    first = (0,) * lazy.ndim
    np.testing.assert_array_equal(lazy.blocks[first].compute(), plain.blocks[first].compute())
    changed = lazy.copy()
    changed[..., 3:5] = 7
    expected = values.copy()
    expected[..., 3:5] = 7
    for part in (np.s_[...], np.s_[1], np.s_[..., 2:6], np.s_[..., [3, 1]]):
        np.testing.assert_array_equal(changed[part].compute(), expected[part])
        np.testing.assert_array_equal((changed * 2)[part].compute(), 2 * expected[part])
    np.testing.assert_array_equal(lazy.compute(), values)


def test_values_that_are_assigned_to_a_cube_are_in_its_slices():
    for cube in (OWN, SHARED, SHARED.resample_time(4 * u.min)):
        changed = cube.to_nddata(nddata_type=type(cube), data=cube.data.copy())
        changed.data[0, 3:5] = 7
        assert (changed[0, 3:5].compute().data == 7).all()
        assert (changed.compute().data[0, 3:5] == 7).all()
        assert not (cube[0, 3:5].compute().data == 7).any()
