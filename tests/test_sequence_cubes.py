"""Cubes of a sequence: saturation, units, and derotation of frames of unequal shape."""

import numpy as np
import pytest
from headers import aia_header

import astropy.units as u

import sunpy.map
from sunpy.util.exceptions import SunpyUserWarning

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence


def frame(minutes, data=None, **changes):
    header = aia_header(minutes, **changes)
    data = np.full((20, 30), 100.0, "f4") if data is None else data
    header |= {"NAXIS1": data.shape[1], "NAXIS2": data.shape[0]}
    return sunpy.map.Map(data, header)


def flaring(minutes, bright, value=16383, **changes):
    """A frame with some saturated pixels."""
    data = np.arange(600, dtype="f4").reshape(20, 30) + minutes
    data.flat[:bright] = value
    return frame(minutes, data, EXPTIME=2.0, **changes)


@pytest.mark.parametrize("level", [16383, 16383.0 * u.DN, "auto"])
@pytest.mark.parametrize("normalize", [True, False])
def test_saturated_pixels_are_nan_before_normalisation_and_counted(level, normalize):
    # Times of its own, since the same frames and level are the same cube.
    later = 100 * [16383, 16383.0 * u.DN, "auto"].index(level) + 300 * normalize
    seq = LazyMapSequence([flaring(later + i, i * 5) for i in range(3)])
    with no_compute():
        cube = seq.to_cube(saturation=level, normalize=normalize)
        assert cube.frames["saturated"].mask.all()
    values = cube.data.compute()
    assert np.isnan(values).sum(axis=(1, 2)).tolist() == [0, 5, 10]
    assert np.isnan(values[2].flat[:10]).all()
    assert values[2, 0, 12] == (later + 14) / (2 if normalize else 1)
    assert cube.frames["saturated"].tolist() == [0, 5, 10]
    assert cube[1:].frames["saturated"].tolist() == [5, 10]
    assert "NaN from" in cube.meta["saturation"]


def test_nothing_is_done_and_counted_unless_it_is_asked_for():
    cube = LazyMapSequence([flaring(0, 7)]).to_cube()
    assert np.isfinite(cube.data.compute()).all()
    assert "saturated" not in cube.frames.colnames
    assert "saturation" not in cube.meta


def test_counts_of_one_cube_are_not_those_of_another():
    first, second = (LazyMapSequence([flaring(0, n)]).to_cube(saturation=16000) for n in (3, 8))
    low = LazyMapSequence([flaring(0, 3)]).to_cube(saturation=500)
    for cube, expected in ((first, 3), (second, 8), (low, 3 + 100)):
        assert cube.frames["saturated"].mask.all()
        cube.data.compute()
        assert cube.frames["saturated"].tolist() == [expected]


def test_the_level_is_one_of_stored_counts_whatever_is_applied():
    seq = LazyMapSequence([flaring(0, 4)]).apply(lambda data, header: data / 1000, pointwise=True)
    values = seq.to_cube(saturation="auto", normalize=False).data.compute()
    assert np.isnan(values).sum() == 4


def test_of_a_derotated_cube_the_read_pixels_are_counted():
    seq = LazyMapSequence([flaring(i, 300) for i in range(2)])
    cube = seq.to_cube(saturation=16000).derotate_to(seq[0])
    assert np.isnan(cube.data.compute()).any()
    assert (cube.frames["saturated"] > 0).all()


def test_a_unit_that_cannot_be_read_is_warned_of_once():
    seq = LazyMapSequence([frame(i, BUNIT="B/Bsun") for i in range(3)])
    with pytest.warns(SunpyUserWarning, match="The unit 'B/Bsun' cannot be read") as told:
        cube = seq.to_cube()
    assert [warning.filename for warning in told] == [__file__]
    assert cube.unit is None
    assert cube.meta["bunit"] == "B/Bsun"
    assert cube.meta["normalization"] == "left alone: the unit B/Bsun is none of counts"


def unequal(seq_or_none=None):
    """Frames of the same Sun in two scales and shapes."""
    rng = np.random.default_rng(3)
    fine = rng.uniform(90, 110, (4, 20, 30)).astype("f4")
    frames = [frame(4 * i, data, EXPTIME=2.0) for i, data in enumerate(fine)]
    coarse = {"CDELT1": frames[0].meta["cdelt1"] * 2, "CDELT2": frames[0].meta["cdelt2"] * 2}
    for i in (1, 2):
        small = fine[i].reshape(10, 2, 15, 2).mean(axis=(1, 3))
        crpix = {key.upper(): (frames[0].meta[key] + 0.5) / 2 for key in ("crpix1", "crpix2")}
        frames[i] = frame(4 * i, small, EXPTIME=2.0, **coarse, **crpix)
    return frames


def test_derotate_to_is_to_cube_and_derotate_to():
    seq = LazyMapSequence([frame(4 * i, EXPTIME=2.0) for i in range(3)])
    with no_compute():
        direct = seq.derotate_to(seq[1], algorithm="interpolation", normalize=False)
        in_two = seq.to_cube(normalize=False).derotate_to(seq[1], algorithm="interpolation")
    assert direct.data.name == in_two.data.name
    assert direct.wcs.low_level_wcs == in_two.wcs.low_level_wcs
    assert direct.meta.keys() == in_two.meta.keys()


def test_derotate_to_takes_frames_of_unequal_shape_and_scale():
    maps = unequal()
    seq = LazyMapSequence(maps)
    with pytest.raises(
        ValueError, match=r"frames of one shape.*bring them to one grid with derotate_to\(map\)"
    ):
        seq.to_cube()
    with no_compute():
        cube = seq.derotate_to(maps[0], saturation=16000)
    assert cube.shape == (4, 20, 30)
    assert (cube.times == seq.times).all()
    assert cube.frames["url"].tolist() == seq.urls
    assert (cube.frames["time"] == seq.times).all()
    assert cube.unit == u.DN / u.s
    values = cube.data.compute()
    for i, m in enumerate(maps):
        alone = LazyMapSequence([m]).to_cube().derotate_to(maps[0]).data.compute()[0]
        # On the very grid of the map rounding decides which samples the kernel's edge takes in, also beside the limb.
        both = np.isfinite(values[i]) & np.isfinite(alone)
        assert (both != np.isfinite(alone)).sum() + (both != np.isfinite(values[i])).sum() <= 1
        np.testing.assert_allclose(values[i][both], alone[both], rtol=1e-3)
    assert cube.frames["saturated"].tolist() == [0] * 4
    assert seq.estimate(maps[0]).frames == 4
    part = cube[1:3]
    assert (part.times == seq.times[1:3]).all()
    assert [cube[index].estimate().frames for index in (2, [0, 3], slice(1, None, 2), slice(None))] == [
        1,
        2,
        2,
        4,
    ]
    for index in (2, [0, 3], slice(1, None, 2), np.s_[1:3, 4:8, ::3], np.s_[1:, 5, 6]):
        np.testing.assert_array_equal(cube.data[index].compute(), values[index])
    np.testing.assert_array_equal((cube * 2).resample_time(times=cube.times[1:3]).data, 2 * values[1:3])


def test_planes_of_frames_of_unequal_shape_have_the_headers_of_their_own_frames():
    maps = unequal()
    for i, m in enumerate(maps):
        m.meta["exptime"] = 2.0 + 0.1 * i
    planes = LazyMapSequence(maps).derotate_to(maps[0]).to_maps()
    assert [m.date for m in planes] == [m.date for m in maps]
    for m, right in zip(planes, maps, strict=True):
        assert m.exposure_time == right.exposure_time


def test_derotate_to_refuses_several_channels():
    seq = LazyMapSequence([frame(0), frame(4, WAVELNTH=193)])
    with pytest.raises(ValueError, match="differ by measurement"):
        seq.derotate_to(seq[0])


def test_parts_of_a_split_have_names_of_their_own():
    seq = LazyMapSequence([frame(0), frame(4, BUNIT="DN/s"), frame(8, WAVELNTH=193), frame(12)])
    parts = seq.split()
    assert [part.name for part in parts] == [
        "SDO AIA 3 171 Angstrom (unit DN)", "SDO AIA 3 171 Angstrom (unit DN / s)", "SDO AIA 3 193 Angstrom",
    ]  # fmt: skip
    assert [len(part) for part in parts] == [2, 1, 1]
    assert seq[:1].name == "SDO AIA 3 171 Angstrom"


def test_a_time_of_day_that_sunpys_map_does_not_read_is_warned_of():
    other = {"INSTRUME": "own", "TELESCOP": "none", "T_OBS": None, "DATE__AVG": None}
    dated = frame(0, **other, **{"DATE-OBS": "2020/01/01", "TIME-OBS": "10:11:12"})
    with pytest.warns(
        SunpyUserWarning, match="1 of 1 frames have a date without a time of day.*TIME-OBS"
    ) as told:
        seq = LazyMapSequence([dated])
    assert [warning.filename for warning in told] == [__file__]
    told = seq.update_headers(
        lambda header: header | {"DATE-OBS": f"{header['DATE-OBS']} {header['TIME-OBS']}"}
    )
    assert told.times[0].isot.startswith("2020-01-01T10:11:1")
