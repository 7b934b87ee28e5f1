"""Differences, sums, products and quotients of cubes, planes, Maps, quantities and arrays."""

import dataclasses
import operator

import dask.array as da
import numpy as np
import pytest

import astropy.units as u

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.coordinates.times import common_times
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(6) * 240.0137 * u.s
SHAPE = (20, 24)
REF = sunpy.map.Map(*SUN.frame(171, SUN.time, shape=SHAPE))
OTHER = sunpy.map.Map(*SUN.frame(171, TIMES[3], shape=SHAPE))
VALUES = np.arange(6 * 20 * 24, dtype=np.float32).reshape(6, *SHAPE) + 1
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]


def cube_of(values=VALUES, times=TIMES, ref=REF, unit=u.DN, **meta):
    return TimeLagCube.from_array(
        da.from_array(values, chunks=(1, *SHAPE)), ref, times, unit=unit, meta=meta or None
    )


CUBE = cube_of()
HOT = cube_of(VALUES[::-1] + 3, wavelength=193 * u.AA)
OWN = LazyMapSequence([sunpy.map.Map(*SUN.frame(171, time, shape=SHAPE)) for time in TIMES[:4]]).to_cube()
WRITTEN = {
    "datetime64": TIMES.datetime64,
    "TAI": TIMES.tai,
    "TDB": TIMES.tdb,
    "jd": TIMES.copy(format="jd"),
    "after arithmetic": TIMES[0] + (TIMES - TIMES[0]).to(u.day),
    "strings": TIMES.isot.tolist(),
    "datetime": TIMES.datetime.tolist(),
}


def assert_is(result, expected, unit, times):
    assert type(result) is TimeLagCube
    assert isinstance(result.data, da.Array)
    assert result.unit == unit
    assert result.data.dtype == np.float32
    assert abs((result.times - times).to_value(u.s)).max() < 1e-3
    np.testing.assert_allclose(result.compute().data, expected, rtol=1e-6)


# ---- cubes with cubes


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("times", WRITTEN.values(), ids=WRITTEN)
def test_cubes_on_one_grid_combine_however_their_times_are_written(operation, times):
    with no_compute():
        result = operation(CUBE, cube_of(VALUES * 2, times))
    unit = CUBE.unit if operation in OPERATIONS[:2] else operation(u.DN, u.DN)
    assert_is(result, operation(VALUES, VALUES * 2), unit, TIMES)


@pytest.mark.parametrize(
    ("planes", "common"),
    [(np.s_[2:], [2, 3, 4, 5]), (np.s_[:2], [0, 1]), (np.s_[::2], [0, 2, 4]), ([1, 4], [1, 4]), ([3], [3])],
    ids=str,
)
def test_cubes_combine_over_their_common_times(planes, common):
    part = CUBE[planes]
    with no_compute():
        results = CUBE / part, part / CUBE
    for result in results:
        assert_is(result, np.ones((len(common), *SHAPE)), u.dimensionless_unscaled, TIMES[common])


def test_times_equal_within_a_millisecond_are_common():
    for shift, planes in ((0.9, 6), (-0.9, 6), (1.2, 0)):
        assert len(common_times(TIMES, TIMES + shift * u.ms)[0]) == planes
    ours, theirs = common_times(TIMES[[0, 1, 3, 5]], TIMES[[1, 2, 5]] + 0.3 * u.ms)
    assert (ours.tolist(), theirs.tolist()) == ([1, 3], [0, 2])
    assert [one.tolist() for one in common_times(TIMES[:1], TIMES[2:3])] == [[], []]
    assert [one.tolist() for one in common_times(TIMES[2:3], TIMES)] == [[0], [2]]


def test_without_common_times_the_remedy_works_when_followed():
    later = cube_of(VALUES * 2, TIMES + 5 * u.s)
    with pytest.raises(
        ValueError, match=r"none; bring one to the times of the other: b.resample_time\(times=a.times\)"
    ):
        CUBE - later
    with no_compute():
        difference = CUBE - later.resample_time(times=CUBE.times)
    assert difference.shape == CUBE.shape
    assert np.isfinite(difference.compute().data[1:]).all()


def test_times_that_do_not_overlap_say_so_and_the_remedy_works():
    later = cube_of(VALUES, TIMES + 5 * u.day)
    with pytest.raises(
        ValueError, match=r"have none; values alone are combined by a - b.to_nddata\(wcs=None\)"
    ):
        CUBE - later
    assert_is(CUBE - later.to_nddata(wcs=None), 0 * VALUES, u.DN, TIMES)


def test_other_grids_are_refused_and_the_remedy_works():
    elsewhere = cube_of(VALUES, TIMES, OTHER)
    with pytest.raises(
        ValueError,
        match=r"one grid, but these lie on 20x24.*derotate both to one map with derotate_to\(map\)",
    ):
        CUBE - elsewhere
    with no_compute():
        difference = CUBE.derotate_to(REF) - elsewhere.derotate_to(REF)
    assert difference.shape == CUBE.shape
    assert_is(CUBE - elsewhere.to_nddata(wcs=None), 0 * VALUES, u.DN, TIMES)
    with pytest.raises(ValueError, match="one grid"):
        CUBE[:, 2:9] - CUBE


def test_before_derotation_frames_combine_with_themselves_and_the_remedy_for_others_works():
    with no_compute():
        assert (OWN / OWN).unit == u.dimensionless_unscaled
        assert len((OWN - OWN[1:3]).frames) == 2
        assert (OWN / OWN.footprint).unit == OWN.unit
    for other in (OWN[0], OWN.derotate_to(REF), REF * (1 * u.DN / u.s)):
        with pytest.raises(
            ValueError, match=r"coordinates of its own.*derotate both to one map with derotate_to\(map\)"
        ):
            OWN - other
    derotated = OWN.derotate_to(REF)
    for other in (derotated, derotated[0]):
        assert (derotated - other).shape == OWN.shape


def test_one_plane_with_an_axis_of_time_is_refused_and_the_remedy_works():
    mean = CUBE.rebin((6, 1, 1))
    with pytest.raises(ValueError, match=r"without its axis of time: a - b\[0\]"):
        CUBE / mean
    assert_is(CUBE / mean[0], VALUES / VALUES.mean(axis=0), u.dimensionless_unscaled, TIMES)


def test_a_ratio_of_channels_says_both():
    ratio = CUBE / HOT
    assert ratio.wavelength is None
    assert ratio.meta["combined"] == "SDO 171 Angstrom / SDO 193 Angstrom"
    assert u.allclose(u.Quantity(ratio.meta["channels"]), [171, 193] * u.AA)
    assert "Channel: SDO 171 Angstrom / SDO 193 Angstrom" in str(ratio)
    assert (ratio - CUBE / CUBE).meta[
        "combined"
    ] == "(SDO 171 Angstrom / SDO 193 Angstrom) - SDO 171 Angstrom"
    assert (CUBE - CUBE[0]).wavelength == 171 * u.AA
    assert "combined" not in (CUBE - CUBE[0]).meta


def test_lags_of_differences_and_ratios():
    random = np.random.default_rng(0).normal(size=(40, *SHAPE)).cumsum(axis=0).astype(np.float32) + 100
    times = TIMES[0] + np.arange(40) * 60 * u.s
    a = TimeLagCube.from_array(random[2:], REF, times[:38], unit=u.DN)
    b = TimeLagCube.from_array(random[:-2], REF, times[:38].datetime64, unit=u.DN)
    mean = TimeLagCube.from_array(np.full((38, *SHAPE), 7), REF, times[:38], meta={"wavelength": 94 * u.AA})
    for first, second in ((a.difference(), b.difference()), (a / mean, b / mean), (a - a[0], b - b[0])):
        assert (first.time_lag(second).compute().data == 120).all()


# ---- planes, Maps, light curves


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_plane_or_a_map_combines_with_every_plane_on_either_side(operation):
    plane = CUBE[2]
    image = sunpy.map.Map(VALUES[2], REF.meta) * (1 * u.DN)
    unit = u.DN if operation in OPERATIONS[:2] else operation(u.DN, u.DN)
    with no_compute():
        results = operation(CUBE, plane), operation(plane, CUBE)
    assert_is(results[0], operation(VALUES, VALUES[2]), unit, TIMES)
    assert_is(results[1], operation(VALUES[2], VALUES), unit, TIMES)
    assert_is(operation(CUBE, image), operation(VALUES, VALUES[2]), unit, TIMES)


def test_planes_with_planes():
    difference = CUBE[3] - CUBE[2]
    assert (difference.compute().data == 480).all()
    assert difference.times == CUBE.times[3]
    with pytest.raises(ValueError, match="one grid"):
        CUBE[3] - OTHER * (1 * u.DN)


def test_light_curves_and_diagrams():
    curve, diagram = CUBE[:, 3, 4], CUBE[:, 3]
    assert_is(curve - curve, np.zeros(6), u.DN, TIMES)
    assert_is(diagram / cube_of(VALUES, TIMES.datetime64)[:, 3], np.ones((6, 24)), u.one, TIMES)
    assert_is(diagram - CUBE[2, 3], VALUES[:, 3] - VALUES[2, 3], u.DN, TIMES)
    with pytest.raises(
        ValueError, match=r"different places; values alone are combined by a - b.to_nddata\(wcs=None\)"
    ):
        curve - CUBE[:, 5, 6]
    assert_is(
        curve - CUBE[:, 5, 6].to_nddata(wcs=None), np.full(6, VALUES[0, 3, 4] - VALUES[0, 5, 6]), u.DN, TIMES
    )
    with pytest.raises(ValueError, match="lost another axis"):
        CUBE - curve


def test_masks_combine():
    masked = CUBE.compute()._new_instance(mask=VALUES > 100)
    np.testing.assert_array_equal((CUBE.compute() / masked).mask, VALUES > 100)
    np.testing.assert_array_equal((masked - CUBE.compute()).mask, VALUES > 100)


def test_what_has_no_unit_is_not_added_to_what_has_one():
    with pytest.raises(TypeError, match=r"DN and None.*\* \(1 \* u.DN\)"):
        CUBE - cube_of(unit=None)
    assert_is(CUBE - cube_of(unit=None) * (1 * u.DN), 0 * VALUES, u.DN, TIMES)


# ---- quantities, scalars and arrays


@pytest.mark.parametrize(
    ("expression", "expected", "unit"),
    [
        (lambda c: c * (3 * u.s), VALUES * 3, u.DN * u.s),
        (lambda c: (3 * u.s) * c, VALUES * 3, u.DN * u.s),
        (lambda c: c / (2 * u.s), VALUES / 2, u.DN / u.s),
        (lambda c: (2 * u.DN) / c, 2 / VALUES, u.one),
        (lambda c: c * u.s, VALUES, u.DN * u.s),
        (lambda c: u.s * c, VALUES, u.DN * u.s),
        (lambda c: c / u.s, VALUES, u.DN / u.s),
        (lambda c: c + 5 * u.DN, VALUES + 5, u.DN),
        (lambda c: 5 * u.DN - c, 5 - VALUES, u.DN),
        (lambda c: 2 * c, VALUES * 2, u.DN),
        (lambda c: 2 / c, 2 / VALUES, u.DN**-1),
        (lambda c: np.float64(2) * c, VALUES * 2, u.DN),
        (lambda c: c * np.float64(2), VALUES * 2, u.DN),
        (lambda c: c / np.array(2.0), VALUES / 2, u.DN),
        (lambda c: c * VALUES[0], VALUES * VALUES[0], u.DN),
        (lambda c: VALUES[0] * c, VALUES * VALUES[0], u.DN),
        (lambda c: c / VALUES, np.ones_like(VALUES), u.DN),
        (lambda c: c - VALUES[0] * u.DN, VALUES - VALUES[0], u.DN),
        (lambda c: VALUES[0] * u.DN - c, VALUES[0] - VALUES, u.DN),
        (
            lambda c: c / (np.arange(1, 7) * u.s)[:, None, None],
            VALUES / np.arange(1, 7)[:, None, None],
            u.DN / u.s,
        ),
        (lambda c: c * da.from_array(VALUES[0]), VALUES * VALUES[0], u.DN),
        (lambda c: c / c.data.max(), VALUES / VALUES.max(), u.DN),
        (lambda c: c**2, VALUES**2, u.DN**2),
        (lambda c: c ** np.float64(0.5), VALUES**0.5, u.DN**0.5),
        (lambda c: -c, -VALUES, u.DN),
        (lambda c: abs(-c), VALUES, u.DN),
    ],
    ids=map(str, range(26)),
)
def test_units_and_precision_follow(expression, expected, unit):
    with no_compute():
        result = expression(CUBE)
    assert_is(result, expected, unit, TIMES)
    assert result.wavelength == CUBE.wavelength


def test_what_is_masked_in_an_array_is_missing():
    factors = np.ma.masked_greater(VALUES[0], 5)
    for result in (CUBE * factors, factors * CUBE, CUBE / factors):
        computed = result.compute().data
        assert type(computed) is np.ndarray
        assert (np.isnan(computed) == factors.mask).all()


def test_cubes_are_summed_by_sum():
    with no_compute():
        total = sum([CUBE, CUBE, CUBE])
    assert_is(total / 3, VALUES, u.DN, TIMES)


def test_arrays_that_do_not_fit_say_how_one_value_a_plane_is_written():
    factors = np.arange(1, 7, dtype=np.float32)
    for array in (factors, factors * u.s, np.ones((2, 6, *SHAPE)), [1, 2]):
        for operation in (operator.mul, operator.truediv):
            with pytest.raises(ValueError, match=r"does not fit a cube of shape.*values\[:, None, None\]"):
                operation(CUBE, array)
    assert_is(CUBE * factors[:, None, None], VALUES * factors[:, None, None], u.DN, TIMES)


def test_units_that_do_not_match_are_refused():
    for other in (5 * u.s, 1 * u.ct, cube_of(unit=u.ct)):
        with pytest.raises(u.UnitConversionError):
            CUBE + other
    with pytest.raises(TypeError, match="unitless"):
        CUBE + 5


# ---- differences


@pytest.mark.parametrize("n", [1, 2, 5, np.int64(3)])
def test_a_running_difference_has_the_times_of_the_later_planes(n):
    with no_compute():
        difference = CUBE.difference(n)
    assert_is(difference, VALUES[n:] - VALUES[:-n], u.DN, TIMES[n:])
    assert difference.meta["difference"] == f"running, n={n}"
    assert difference.wavelength == CUBE.wavelength


BASES = {
    "index": 2,
    "negative": -4,
    "Time": TIMES[2],
    "nearest time": "2018-05-29T18:08:30",
    "datetime": TIMES[2].datetime,
    "datetime64": TIMES[2].datetime64,
    "plane": CUBE[2],
    "Map": sunpy.map.Map(VALUES[2], REF.meta) * (1 * u.DN),
    "array": VALUES[2],
    "Quantity": VALUES[2] * u.DN,
    "lazy array": da.from_array(VALUES[2]),
}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_base_difference_is_from_an_index_a_time_a_plane_a_map_or_an_array(base):
    with no_compute():
        difference = CUBE.difference(base=base)
    assert_is(difference, VALUES - VALUES[2], u.DN, TIMES)
    assert difference.meta["difference"].startswith("from ")


def test_a_mean_image_is_a_base():
    mean = VALUES.mean(axis=0)
    for base in (CUBE.rebin((6, 1, 1))[0], CUBE.data.mean(axis=0)):
        assert_is(CUBE.difference(base=base), VALUES - mean, u.DN, TIMES)


def test_differences_of_light_curves_and_diagrams():
    assert_is(CUBE[:, 3, 4].difference(), np.full(5, 480), u.DN, TIMES[1:])
    assert_is(CUBE[:, 3, 4].difference(base=2), VALUES[:, 3, 4] - VALUES[2, 3, 4], u.DN, TIMES)
    assert_is(CUBE[:, 3].difference(base=TIMES[0]), VALUES[:, 3] - VALUES[0, 3], u.DN, TIMES)


def test_before_derotation_a_difference_is_refused_and_the_remedy_works():
    for arguments in ({}, {"base": 0}):
        with pytest.raises(ValueError, match=r"coordinates of its own; derotate.*derotate_to\(map\)"):
            OWN.difference(**arguments)
        with no_compute():
            difference = OWN.derotate_to(REF).difference(**arguments)
        assert len(difference.frames) == len(difference.times) == difference.shape[0]
    with pytest.raises(ValueError, match="axis of time"):
        CUBE[2].difference()


def test_a_plane_of_a_difference_reads_two_frames():
    """Or those of the task that reads them."""
    derotated = OWN.derotate_to(REF)
    frames = derotated.difference()[0].estimate().frames
    assert 2 <= frames <= max(2, *derotated.data.chunks[0])


@pytest.mark.parametrize("n", [0, -1, 6, 1.5, "1", True, 12 * u.min, None], ids=str)
def test_what_no_running_difference_is_of(n):
    with pytest.raises(
        ValueError, match=r"n is .*1 to 5 apart.*cube.resample_time\(12 \* u.min\).difference"
    ):
        CUBE.difference(n)
    planes = CUBE.resample_time(8 * u.min)
    assert planes.difference().shape[0] == planes.shape[0] - 1 > 0


@pytest.mark.parametrize(
    ("base", "error", "message"),
    [
        ("2019-01-01", ValueError, "the planes are of 2018-05-29T18:00"),
        ("first", TypeError, "the index or the time of a plane, or a plane"),
        (1.5, TypeError, "the index or the time of a plane"),
        (True, TypeError, "the index or the time of a plane"),
        (6, IndexError, "base is 6, but there are 6 planes"),
        (CUBE, ValueError, r"one plane, such as cube\[0\]; cube - other"),
        (OTHER * (1 * u.DN), ValueError, "one grid"),
        (REF, TypeError, r"\* \(1 \* u.DN\)"),
        (np.ones(5), ValueError, "does not fit"),
    ],
    ids=["late", "text", "float", "bool", "index", "cube", "other grid", "no unit", "shape"],
)
def test_what_no_base_is(base, error, message):
    with pytest.raises(error, match=message):
        CUBE.difference(base=base)


# ---- grids that went through a header


def rewritten():
    """The grid of the cube as Maps have it after a way through headers, whose values are rounded."""
    plane = CUBE[2].compute()
    return {
        "of the WCS": sunpy.map.Map(plane.data, plane.wcs),
        "of its header": sunpy.map.Map(plane.data, plane.wcs.to_header()),
        "reprojected": OTHER.reproject_to(REF.wcs),
    }


@pytest.mark.parametrize("name", ["of the WCS", "of its header", "reprojected"])
def test_a_grid_that_went_through_a_header_is_the_same_grid(name):
    image = rewritten()[name]
    with no_compute():
        assert (CUBE / image).shape == CUBE.shape
    twin = cube_of(VALUES, TIMES, image)
    assert_is(CUBE - twin, 0 * VALUES, u.DN, TIMES)
    assert CUBE.resample_time(4 * u.min).time_lag(twin.resample_time(4 * u.min)).shape == SHAPE


def test_other_pixels_observers_and_times_are_other_grids():
    plane = CUBE.wcs.low_level_wcs.plane(0)
    assert plane.is_one_grid_with(plane.resampled(SHAPE, (5e-4, 0), (1, 1)))
    assert not plane.is_one_grid_with(plane.resampled(SHAPE, (5e-3, 0), (1, 1)))
    assert not plane.is_one_grid_with(plane.resampled(SHAPE, (0, 0), (1, 1.001)))
    assert not plane.is_one_grid_with(plane.resampled((20, 23), (0, 0), (1, 1)))
    assert not plane.is_one_grid_with(plane.at_height(1e3))
    for change, same in (("18:00:00.0004", True), ("18:00:00.100", False)):
        later = dataclasses.replace(plane, dates=(("dateavg", f"2018-05-29T{change}"),))
        earlier = dataclasses.replace(plane, dates=(("dateavg", "2018-05-29T18:00:00.000"),))
        assert earlier.is_one_grid_with(later) == same
    assert not plane.is_one_grid_with(dataclasses.replace(plane, dates=()))


@pytest.mark.parametrize(
    ("added", "error", "message"),
    [
        (lambda: CUBE - 5, TypeError, r"units are DN and None.*value \* cube.unit"),
        (lambda: CUBE - np.ones(CUBE.shape[1:]), TypeError, "units are DN and None"),
        (lambda: CUBE[:, 2, 3] - np.nanmean(CUBE[:, 2, 3].data), TypeError, "units are DN and None"),
        (lambda: 5 - CUBE, TypeError, "units are DN and None"),
        (lambda: CUBE + cube_of(unit=None), TypeError, "units are DN and None"),
        (lambda: cube_of(unit=None) - CUBE, TypeError, "units are None and DN"),
        (lambda: CUBE + 5 * u.DN / u.s, u.UnitConversionError, "units are DN and DN / s, which cannot"),
        (lambda: CUBE - CUBE / (2 * u.s), u.UnitConversionError, "units are DN and DN / s, which cannot"),
        (lambda: cube_of(unit=None) + 5 * u.DN, u.UnitConversionError, "units are none and DN, which cannot"),
    ],
    ids=range(9),
)
def test_units_that_cannot_be_added_are_named_with_the_remedy(added, error, message):
    with pytest.raises(error, match=message):
        added()


def test_what_has_no_unit_is_added_to_what_has_none():
    for plain in (cube_of(unit=None), cube_of(unit=u.one)):
        for value in (5, 5.0, np.ones(CUBE.shape[1:]), 5 * u.one, 500 * u.percent):
            assert (plain + value).unit == plain.unit
            assert (value - plain).shape == plain.shape
    assert (+CUBE).data is CUBE.data
