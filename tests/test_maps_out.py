"""Maps of planes of a cube, and their files: the instrument's class, true times and observers, history."""

import re
import warnings

import dask
import numpy as np
import pytest
from headers import real_header

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time

import sunpy.map
from sunpy.map import GenericMap, make_fitswcs_header

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy import map_files
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

SHAPE = (60, 80)
FRAMES = 6


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    with LocalServer() as server:
        written = write_bucket(str(folder), SimulatedSun(), channels=(171,), n_frames=FRAMES, shape=SHAPE)
        server.upload(folder)
        yield server, LazyMapSequence(written.frames["datakey"].tolist()), sunpy.map.Map(written.urls(171))


@pytest.fixture(scope="module")
def seq(bucket):
    return bucket[1]


@pytest.fixture(scope="module")
def ref_map(seq):
    return seq[3].submap([20, 10] * u.pix, top_right=[59, 39] * u.pix)


@pytest.fixture(scope="module")
def cubes(seq, ref_map):
    """As read, derotated, and resampled."""
    derotated = seq.to_cube().derotate_to(ref_map)
    return {"frames": seq.to_cube(), "derotated": derotated, "resampled": derotated.resample_time(4 * u.min)}


def same_map(m, expected, *, data=True):
    assert type(m) is type(expected)
    assert (m.date, m.reference_date, m.unit) == (expected.date, expected.reference_date, expected.unit)
    assert m.wcs.wcs.compare(expected.wcs.wcs)
    assert m.observer_coordinate.separation_3d(expected.observer_coordinate) == 0
    if data:
        np.testing.assert_array_equal(m.data, expected.data)


# --- Maps


def test_before_derotation_a_plane_is_the_instrument_s_map_with_its_own_time_and_observer(bucket, cubes):
    with no_compute():
        maps = cubes["frames"].to_maps()
    for m, expected in zip(maps, bucket[2], strict=True):
        assert isinstance(m.data, dask.array.Array)
        assert m.unit == u.DN / u.s
        assert type(m) is type(expected)
        assert (m.date, m.reference_date) == (expected.date, expected.reference_date)
        assert m.wcs.wcs.compare(expected.wcs.wcs)
        assert m.observer_coordinate.separation_3d(expected.observer_coordinate) == 0
        np.testing.assert_allclose(m.data, expected.data / expected.exposure_time.value, rtol=1e-6)
        assert m.exposure_time == expected.exposure_time
        assert m.cmap == expected.cmap


def test_a_part_of_a_plane_is_a_submap(bucket, cubes):
    expected = bucket[2][2].submap([20, 10] * u.pix, top_right=[59, 39] * u.pix)
    m = cubes["frames"][2, 10:40, 20:60].to_map()
    assert m.wcs.wcs.compare(expected.wcs.wcs)
    assert (m.date, m.reference_date, m.data.shape) == (expected.date, expected.reference_date, (30, 40))


def test_after_derotation_coordinates_are_the_reference_map_s_and_the_date_is_the_observation_s(
    bucket, cubes, ref_map
):
    cube = cubes["derotated"]
    with no_compute():
        maps = cube.to_maps()
    for i, (m, frame) in enumerate(zip(maps, bucket[2], strict=True)):
        assert type(m) is sunpy.map.sources.AIAMap
        assert m.date == frame.date
        assert m.reference_date == ref_map.reference_date
        assert m.coordinate_frame.obstime == ref_map.reference_date
        assert m.observer_coordinate.separation_3d(ref_map.observer_coordinate) < 1 * u.mm
        assert m.wcs.celestial.to_header()["CRPIX1"] == ref_map.wcs.to_header()["CRPIX1"]
        assert str(frame.date.strftime("%Y-%m-%d %H:%M:%S")) in m.name
        assert abs(Time(m.meta.get("date-mid", m.meta.get("t_obs"))) - cube.times[i]) < 1 * u.us


def test_a_plane_between_frames_has_its_time_and_no_exposure(cubes, ref_map):
    cube = cubes["resampled"]
    m = cube[1].to_map()
    assert type(m) is sunpy.map.sources.AIAMap
    assert m.date == cube.times[1]
    assert m.reference_date == ref_map.reference_date
    assert not {"exptime", "t_obs", "quality", "date-beg"} & m.meta.keys()


def test_history_says_what_was_done(seq, ref_map):
    def respiked(data, header):
        return data

    cube = seq.apply(respiked, pointwise=True).to_cube(saturation="auto").derotate_to(ref_map)
    history = cube[0].to_map().meta["history"]
    for line in (
        "ver 10 EFF_AREA",  # of the frame
        "made by sunpy_heliocloud", "functions applied: respiked", "exposure: divided by the exposure time",
        "derotated to 2018-05-29T17:59:58.147 (howard, adaptive", "NaN at saturation: ",
    ):  # fmt: skip
        assert line in history
    assert seq.urls[0] in history.replace("\n", "")
    assert "difference: running, n=1" in cube.difference()[0].to_map().meta["history"]
    assert "resampled in time: linear" in cube.resample_time(4 * u.min)[0].to_map().meta["history"]
    assert max(map(len, history.split("\n"))) <= 72


def test_maps_of_a_cube_are_a_sequence_of_sunpy_and_of_frames_again(cubes):
    cube = cubes["derotated"]
    maps = cube.to_maps()
    assert sunpy.map.Map(maps, sequence=True).all_same_shape
    again = LazyMapSequence(maps)
    assert np.abs((again.times - cube.times).to_value(u.s)).max() < 1e-6
    assert again.to_cube().unit == cube.unit
    np.testing.assert_array_equal(again.to_cube().data, cube.data)


def test_a_map_of_a_plane_combines_with_the_cube(cubes):
    cube = cubes["derotated"]
    difference = (cube - cube[0].to_map()).data[0].compute()
    assert np.nanmax(np.abs(difference)) == 0


def test_maps_of_planes_read_their_frame_once(bucket, cubes):
    server = bucket[0]
    m = cubes["derotated"][1].to_map()
    server.reset()
    (
        m.rotate(5 * u.deg, missing=0),
        m.max(),
        m.submap([3, 3] * u.pix, width=5 * u.pix, height=5 * u.pix).data.compute(),
    )
    assert len({request.key for request in server.log}) == server.requests


def test_planes_of_arrays_have_the_class_of_the_map(bucket):
    image, times = bucket[2][0], Time("2018-05-29T18:00") + np.arange(3) * u.min
    m = TimeLagCube.from_array(np.ones((3, *SHAPE)), image, times, unit=u.DN)[1].to_map()
    assert type(m) is type(image)
    assert (m.date, m.reference_date, m.unit) == (times[1], image.reference_date, u.DN)


def test_planes_without_headers_still_have_coordinates_and_time(cubes):
    cube = cubes["derotated"]
    meta = {key: value for key, value in cube.meta.items() if key not in ("headers", "frames")}
    m = TimeLagCube(cube.data, wcs=cube.wcs, unit=cube.unit, meta=meta)[2].to_map()
    assert (m.date, m.wavelength, m.unit) == (cube.times[2], 171 * u.AA, u.DN / u.s)
    assert m.reference_date == cubes["derotated"][0].to_map().reference_date


def test_a_ratio_of_channels_is_a_map_of_no_instrument_that_says_what_it_is():
    cubes = []
    for channel in (171, 193):
        counts, header = SimulatedSun().frame(channel, SimulatedSun().time, shape=(20, 30))
        cubes.append(LazyMapSequence((counts, header)).to_cube())
    m = (cubes[0][0] / cubes[1][0]).to_map()
    assert type(m) is GenericMap
    assert "combined: SDO 171 Angstrom / SDO 193 Angstrom" in m.meta["history"]
    assert m.unit == u.one


def test_what_is_no_plane_is_an_error_with_the_remedy(cubes):
    for cube in (cubes["frames"], cubes["frames"][:, 3]):
        with pytest.raises(ValueError, match=r"take cube\[3\].to_map\(\).*cube.to_maps\(\)"):
            cube.to_map()
    with pytest.raises(ValueError, match="a Map is made of one plane"):
        cubes["frames"][:, 3].to_maps()


def test_a_lag_map_is_a_generic_map(cubes):
    cube = cubes["resampled"]
    with no_compute():
        m = cube.time_lag(cube, at_bounds="keep").to_map()
    assert type(m) is GenericMap
    assert m.unit == u.s


# --- headers of other instruments

INSTRUMENTS = {
    "hmi": "hmi_sharp_magnetogram", "eit": "seit_00171_fd_19961211_1900",
    "euvi": "euvi_20090615_000900_n4euA_s", "lasco": "lasco_c3", "xrt": "HinodeXRT", "sot": "HinodeSOT",
    "swap": "swap_lv1_20140606_000113", "mdi": "mdi.fd_Ic.20101015_230100_TAI.data",
    "suvi": "dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned",
    "eui": "solo_L1_eui-fsi304-image_20201021T145510206_V03", "kcor": "20181209_180305_kcor_l2",
    "suit": "SUT_T24_0847_000444_Lev1.0_2024-06-28T18.21.33.178_0971NB03", "trace": "tsi20010130_025823_a2",
}  # fmt: skip
# Their classes take scale, observer or time from keywords of their own, whatever the others say.
GENERIC = {"gong": "gong_halpha", "sxt": "YohkohSXT", "hxi": "hxi_imgcube_01e02t_20230501_130758_HXI_CLEAN_0"}


def plane_of(name):
    """A frame with a real header, derotated to an hour later."""
    header = real_header(name) | {"NAXIS": 2, "NAXIS1": 16, "NAXIS2": 16}
    seq = LazyMapSequence((np.arange(256.0).reshape(16, 16), header))
    later = seq[0].reference_date + 1 * u.hour
    centre = SkyCoord(0 * u.arcsec, 0 * u.arcsec, frame="helioprojective", observer="earth", obstime=later)
    scale = [100, 100] * u.arcsec / u.pix
    target = sunpy.map.Map(np.ones((16, 16)), make_fitswcs_header((16, 16), centre, scale=scale))
    return seq, target, seq.to_cube().derotate_to(target, algorithm="interpolation")


@pytest.mark.filterwarnings("ignore")  # of what real headers lack
@pytest.mark.parametrize("name", [*INSTRUMENTS, *GENERIC])
def test_maps_of_instruments_have_their_class_time_and_the_target_s_coordinates(tmp_path, name):
    file = (INSTRUMENTS | GENERIC)[name]
    seq, target, derotated = plane_of(file)
    frame, m = seq.to_cube()[0].to_map(), derotated[0].to_map()
    assert type(frame) is type(seq[0])
    assert frame.wcs.wcs.compare(seq[0].wcs.wcs)
    assert type(m) is (type(seq[0]) if name in INSTRUMENTS else GenericMap)
    assert abs(m.date - seq[0].date) < 1 * u.ms
    assert abs(m.reference_date - target.reference_date) < 1 * u.ms
    assert m.wcs.to_header()["CDELT1"] == target.wcs.to_header()["CDELT1"]
    assert m.observer_coordinate.separation_3d(target.observer_coordinate) < 1 * u.m
    for cube, expected in ((seq.to_cube(), frame), (derotated, m)):
        [path] = cube.write_maps(tmp_path / type(expected).__name__ / str(cube is derotated))
        same_map(sunpy.map.Map(path), expected)
        assert not list(against_the_standard(path))


# --- files


def against_the_standard(path):
    """What the FITS standard forbids, of a file with one image (as far as ``fitsverify`` looks)."""
    content = path.read_bytes()
    if len(content) % 2880:
        yield "not whole blocks"
    cards = [content[i : i + 80].decode("ascii") for i in range(0, content.index(b"END" + b" " * 77), 80)]
    keywords = [card[:8].rstrip() for card in cards]
    if keywords[:5] != ["SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2"]:
        yield f"order {keywords[:5]}"
    valued = [keyword for keyword in keywords if keyword not in ("COMMENT", "HISTORY", "", "CONTINUE")]
    yield from {keyword for keyword in valued if valued.count(keyword) > 1}
    yield from (keyword for keyword in keywords if not re.fullmatch("[A-Z0-9_-]*", keyword))
    yield from (card for card in cards if not card.isprintable())
    header = fits.getheader(path)
    for keyword, value in header.items():
        if isinstance(value, fits.card.Undefined):
            yield f"{keyword} has no value"
        if (
            keyword.startswith("DATE")
            and keyword != "DATE_OBS"
            and isinstance(value, str)
            and keyword != "DATASUM"
        ):
            if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?", value):
                yield f"{keyword}={value}"
    if any(keyword.startswith("PC1_") for keyword in header) and {"CROTA2", "CD1_1"} & set(header):
        yield "PC beside CROTA or CD"
    if "BLANK" in header:
        yield "BLANK of floats"


@pytest.mark.parametrize("kind", ["frames", "derotated", "resampled"])
def test_files_are_the_maps_and_keep_to_the_standard(cubes, tmp_path, kind):
    cube = cubes[kind]
    paths = cube.write_maps(tmp_path / "made" / kind)
    assert len(set(paths)) == len(cube.times)
    assert re.fullmatch(r"SDO_AIA_3_171_Angstrom\.20180529T17\d{4}\.\d{3}\.fits", paths[0].name)
    for path, m in zip(paths, cube.to_maps(), strict=True):
        same_map(sunpy.map.Map(path), m)
        assert sunpy.map.Map(path).meta["history"] == m.meta["history"]
        assert not list(against_the_standard(path))
        with fits.open(path, checksum=True) as hdus:
            hdus.verify("exception")
            assert hdus[0].header["DATE-OBS"] == m.meta["date-obs"]
    again = LazyMapSequence(tmp_path / "made" / kind)
    assert np.abs((again.times - cube.times).to_value(u.s)).max() < 1e-6
    assert again.to_cube().unit == cube.unit


@pytest.mark.parametrize("kind", ["frames", "derotated", "resampled"])
def test_each_frame_is_read_once(bucket, cubes, tmp_path, kind):
    server = bucket[0]
    server.reset()
    cubes[kind].write_maps(tmp_path)
    assert server.requests == FRAMES


def test_planes_are_computed_a_few_at_a_time(cubes, tmp_path, monkeypatch):
    cube = cubes["derotated"]
    monkeypatch.setattr(map_files, "_BATCH_BYTES", 4 * cube[0].data.nbytes)
    batches = list(map_files._batches(cube.data, range(FRAMES)))
    assert batches == [[0, 1, 2], [3, 4, 5]]  # the frames of one task, and of the next
    assert list(map_files._batches(cube.data, [1, 4, 5])) == [[1, 4, 5]]
    assert len(cube.write_maps(tmp_path)) == FRAMES


def test_what_is_there_is_kept(bucket, cubes, tmp_path):
    server, cube = bucket[0], cubes["derotated"]
    paths = cube.write_maps(tmp_path)
    written = [path.stat().st_mtime_ns for path in paths]
    paths[2].unlink()
    with open(paths[4], "r+b") as file:
        file.truncate(5000)
    server.reset()
    assert cube.write_maps(tmp_path) == paths
    assert len({request.key for request in server.log}) == server.requests == 2
    kept = [path.stat().st_mtime_ns for path in paths]
    assert [i for i in range(FRAMES) if kept[i] != written[i]] == [2, 4]
    server.reset()
    cube.write_maps(tmp_path)
    assert server.requests == 0


def test_a_job_that_fails_leaves_whole_files_and_goes_on(tmp_path, server):
    written = write_bucket(
        server.url,
        SimulatedSun(),
        channels=(171,),
        n_frames=4,
        shape=SHAPE,
        storage_options=server.storage_options,
    )
    seq = LazyMapSequence(written.urls(171))
    cube = seq.to_cube()
    server.fail(f"*{seq.urls[2].rpartition('/')[2]}", status=403, times=None)
    with dask.config.set(scheduler="synchronous"), pytest.raises(ReadError):
        cube.write_maps(tmp_path)
    server.heal()
    left = sorted(tmp_path.glob("*"))
    assert all(not list(against_the_standard(path)) for path in left if path.suffix == ".fits")
    assert not list(tmp_path.glob("*.part"))
    assert len(LazyMapSequence(cube.write_maps(tmp_path))) == 4


def test_files_made_of_something_else_are_not_replaced_unasked(cubes, tmp_path):
    frames, derotated = cubes["frames"], cubes["derotated"]
    paths = frames.write_maps(tmp_path)
    before = [path.read_bytes() for path in paths]
    with pytest.raises(
        FileExistsError, match=r"6 of 6 files are there, but were made of something else.*overwrite=True"
    ):
        derotated.write_maps(tmp_path)
    assert [path.read_bytes() for path in paths] == before
    paths[0].write_bytes(b"notes")
    with pytest.raises(FileExistsError, match="1 of 6 files"):
        frames.write_maps(tmp_path)
    assert derotated.write_maps(tmp_path, overwrite=True) == paths
    same_map(sunpy.map.Map(paths[0]), derotated[0].to_map())


def test_a_plane_without_valid_pixels_is_tried_again(tmp_path, server):
    written = write_bucket(
        server.url,
        SimulatedSun(),
        channels=(171,),
        n_frames=2,
        shape=SHAPE,
        storage_options=server.storage_options,
    )
    cube = LazyMapSequence(written.urls(171), errors="mask").to_cube()
    server.fail(f"*{cube.frames['url'][1].rpartition('/')[2]}", status=403, times=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = cube.write_maps(tmp_path)
    assert np.isnan(sunpy.map.Map(paths[1]).data).all()
    server.heal()
    server.reset()
    cube.write_maps(tmp_path)
    assert server.requests == 1
    assert np.isfinite(sunpy.map.Map(paths[1]).data).all()


def test_one_plane_is_one_file(cubes, tmp_path):
    [path] = cubes["derotated"][2].write_maps(str(tmp_path))
    same_map(sunpy.map.Map(path), cubes["derotated"][2].to_map())
    [computed] = cubes["derotated"][2].compute().write_maps(tmp_path / "computed")
    same_map(sunpy.map.Map(computed), sunpy.map.Map(path))


def test_names_differ_by_channel(tmp_path):
    written = write_bucket(str(tmp_path / "bucket"), SimulatedSun(), n_frames=2, shape=(20, 30))
    parts = [LazyMapSequence(written.urls(channel)).to_cube() for channel in (171, 193)]
    assert len({path for part in parts for path in part.write_maps(tmp_path)}) == 4


@pytest.mark.parametrize("bunit", ["B/Bsun", "1", "electron/pix", "Mx/cm^2"])
@pytest.mark.filterwarnings("ignore:The unit", "ignore:Could not parse unit")
def test_maps_and_files_of_any_unit_are_read_as_what_they_are(seq, tmp_path, bunit):
    """An AIA image without a unit is in DN and divided by its exposure: a unit that cannot be read stays in its text."""
    frames = seq.update_headers(lambda header: header | {"BUNIT": bunit, "QUALITY": 0})[:2]
    cube = 2 * frames.to_cube()
    for written in (cube.to_maps(), cube.write_maps(tmp_path)):
        again = LazyMapSequence(written).to_cube()
        assert again.unit is None if cube.unit is None else again.unit.is_equivalent(cube.unit)
        assert again.meta.get("bunit") == cube.meta.get("bunit")
        np.testing.assert_array_equal(again.data, cube.data)


@pytest.mark.filterwarnings("ignore:Could not parse unit")
def test_a_cube_divided_by_its_unit_stays_without_one(seq):
    frames = seq.select(quality=0)[:2].to_cube()
    ratio = frames / (2 * frames.unit)
    again = LazyMapSequence(ratio.to_maps()).to_cube()
    assert ratio.unit == again.unit == u.dimensionless_unscaled
    np.testing.assert_array_equal(again.data, ratio.data)
