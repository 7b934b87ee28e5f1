import logging
import operator
import pathlib
import warnings
from functools import partial

import dask.array as da
import numpy as np
import pytest
from headers import aia_header
from strategies import fits_bytes
from tqdm.auto import tqdm

import astropy.units as u
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

import sunpy.map
from sunpy.net.base_client import QueryResponseTable
from sunpy.time import TimeRange
from sunpy.util.exceptions import SunpyUserWarning

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, progress
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.losses import LostFrameWarning
from sunpy_heliocloud.simulation import SimulatedSun, write_bucket

SHAPE = (60, 80)
SUN = SimulatedSun()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bucket")


@pytest.fixture(scope="module")
def bucket(folder):
    """Two channels of eight frames each, in local files; the fourth of each is damaged."""
    return write_bucket(str(folder), SUN, n_frames=8, shape=SHAPE, bad_quality=[3], exposure_jitter=0.1 * u.s)


@pytest.fixture(scope="module")
def seq(bucket):
    return LazyMapSequence(bucket.urls(171))


@pytest.fixture(scope="module")
def maps(bucket):
    """The same, by sunpy."""
    return sunpy.map.Map(bucket.urls(171))


@pytest.fixture
def remote(server, folder, bucket):
    """The URLs of the frames in 171 Å on the test's own server."""
    server.upload(folder)
    server.reset()
    return bucket.frames["datakey"][bucket.frames["wavelength"] == 171 * u.AA].tolist()


def aia(i=0, data=None, **changes):
    """A Map in memory, a few minutes after the last one; ``__`` in a keyword is ``-``, `None` takes it away."""
    counts, header = SUN.frame(171, SUN.time + 4 * i * u.min, shape=(20, 30))
    header = {key.lower(): header[key] for key in header if key not in ("", "COMMENT", "HISTORY")}
    header |= {key.lower().replace("__", "-"): value for key, value in changes.items()}
    data = counts.astype("f4") if data is None else data
    return sunpy.map.Map(data, {key: value for key, value in header.items() if value is not None})


def write_map(path, i=0, data=None, **cards):
    """A FITS file with the header of `aia`, as an image that is not compressed."""
    counts, header = SUN.frame(171, SUN.time + 4 * i * u.min, shape=(20, 30))
    header = header.copy()
    del header["BLANK"]
    header.update(cards)
    path.write_bytes(fits_bytes(fits.PrimaryHDU(counts if data is None else data, header)))
    return str(path)


# --- what it is made from


def test_sources(bucket, maps):
    urls = bucket.urls(171)
    table = Table({"URL": urls, "Size": bucket.frames["size"][:8]})
    sources = (
        urls,
        tuple(urls),
        np.array(urls),
        (url for url in urls),
        map(pathlib.Path, urls),
        table,
        table["URL"],
    )
    sources += (
        [table[:3], table[3:]],
        [urls[0], pathlib.Path(urls[1]), *urls[2:]],
        table[::-1],
    )
    for source in sources:
        assert LazyMapSequence(source).urls == urls
    for source in (urls[0], pathlib.Path(urls[0]), table[:1]):
        assert LazyMapSequence(source).urls == urls[:1]
    for source in (maps, tuple(maps), iter(maps), sunpy.map.Map(urls, sequence=True)):
        assert LazyMapSequence(source).times.isot.tolist() == LazyMapSequence(urls).times.isot.tolist()
    assert len(LazyMapSequence(maps[0])) == 1


def test_a_table_row_is_one_frame(bucket):
    table = Table({"URL": bucket.urls(171), "Size": bucket.frames["size"][:8]})
    assert LazyMapSequence(table[2]).urls == [bucket.urls(171)[2]]


def test_what_is_no_source_says_what_is_taken(maps):
    for source, kind in (
        (None, "NoneType"),
        ([None], "NoneType"),
        (5, "int"),
        ([maps[0], 5], "int"),
        ({"URL": "a.fits"}, "dict"),
        (maps[0].meta, "MetaDict"),
    ):
        with pytest.raises(TypeError, match=f"come from .* URLs, paths or Maps, not from {kind}"):
            LazyMapSequence(source)


def test_a_table_without_urls():
    with pytest.raises(ValueError, match=r"needs a column 'URL', but this one has \['Size'\]"):
        LazyMapSequence(Table({"Size": [1]}))


def test_a_search_that_failed():
    table = QueryResponseTable()
    table.errors = ConnectionError("https://catalogue/ does not answer")
    with pytest.raises(ValueError, match="the search failed.*https://catalogue/") as raised:
        LazyMapSequence(table)
    assert isinstance(raised.value.__cause__, ConnectionError)


@pytest.mark.parametrize(
    "source", [[], Table({"URL": np.array([], str)}), QueryResponseTable({"URL": np.array([], str)})]
)
def test_nothing(source):
    seq = LazyMapSequence(source)
    assert len(seq) == len(seq.times) == len(seq.exposure_time) == len(seq.wavelength) == len(seq.table) == 0
    assert seq.urls == seq.observatory == list(seq) == []
    assert len(seq.status) == 0
    assert repr(seq) == "<LazyMapSequence: no frames>"
    for same in (
        seq[:],
        seq[[]],
        seq.between("2018-01-01", "2019-01-01"),
        seq.select(quality=0),
        seq.apply(operator.add),
    ):
        assert len(same) == 0
    assert len(seq.update_headers(dict)) == 0
    for needs_frames in (seq.to_cube, lambda: seq.nearest("2018-05-29")):
        with pytest.raises(ValueError, match="no frames: the search found nothing"):
            needs_frames()
    with pytest.raises(IndexError):
        seq[0]


def test_unknown_errors():
    with pytest.raises(ValueError, match="errors='ignore' is unknown; use 'raise' or 'mask'"):
        LazyMapSequence([], errors="ignore")


def test_only_headers_are_read_when_it_is_made(server, remote):
    with no_compute():
        seq = LazyMapSequence(remote)
    assert server.requests == len(seq) == 8
    assert {request.byte_range for request in server.log} == {"bytes=0-65535"}
    server.reset()
    with no_compute():
        repr(seq), seq.table, seq.status, seq.select(quality=0)
        seq[0], seq[1:3].nearest("2018-05-29T18:00"), seq[:3].to_cube(normalize=False)[:, :10]
    assert server.requests == 0


def test_credentials_reach_the_server(server, remote):
    seq = LazyMapSequence(remote[:1], storage_options=server.storage_options)
    assert seq[0].data.compute().shape == SHAPE


# --- Maps


def test_maps_are_those_of_sunpy(seq, maps):
    assert len(seq) == len(maps)
    for lazy, expected in zip(seq, maps, strict=True):
        assert type(lazy) is type(expected)
        assert isinstance(lazy.data, da.Array)
        assert lazy.data.dtype == lazy.data.compute().dtype == expected.data.dtype
        np.testing.assert_array_equal(lazy.data, expected.data)
        assert lazy.wcs.wcs.compare(expected.wcs.wcs)
        assert lazy.observer_coordinate.separation_3d(expected.observer_coordinate) == 0
        assert (lazy.date, lazy.reference_date, lazy.unit) == (
            expected.date,
            expected.reference_date,
            expected.unit,
        )
        differing = {
            key
            for key in lazy.meta.keys() | expected.meta.keys()
            if lazy.meta.get(key) != expected.meta.get(key)
        }
        assert differing <= {"keycomments", "extname", "xtension", "pcount", "gcount", "blank"}


@pytest.mark.parametrize("cards", [{}, {"BSCALE": 0.0625, "BZERO": 3.0}])
def test_a_saved_map_is_the_same(tmp_path, cards):
    seq = LazyMapSequence(write_map(tmp_path / "a.fits", **cards))
    expected = sunpy.map.Map(str(tmp_path / "a.fits"))
    seq[0].save(tmp_path / "b.fits")
    again = LazyMapSequence(tmp_path / "b.fits")[0]
    np.testing.assert_array_equal(seq[0].data, expected.data)
    np.testing.assert_array_equal(again.data, expected.data)
    np.testing.assert_array_equal(sunpy.map.Map(str(tmp_path / "b.fits")).data, expected.data)


def test_a_submap_reads_only_its_rows(server, remote):
    seq = LazyMapSequence(remote)
    server.reset()
    with no_compute():
        part = seq[2].submap([10, 20] * u.pix, top_right=[29, 26] * u.pix)
    np.testing.assert_array_equal(part.data.compute(), seq[2].data.compute()[20:27, 10:30])
    part_bytes, whole_bytes = (request.bytes_sent for request in server.log)
    assert part_bytes < 0.15 * whole_bytes


# --- picking


def test_indexing(seq):
    urls = seq.urls
    even = np.arange(8) % 2 == 0
    for item in (
        slice(2, 5),
        slice(None, None, 3),
        slice(None, None, -1),
        even,
        list(even),
        [1, 5],
        np.array([6, 0]),
        [],
    ):
        expected = np.array(urls)[
            np.asarray(item, dtype=int) if isinstance(item, list) and not item else item
        ]
        assert seq[item].urls == expected.tolist()
        assert seq[item].times.isot.tolist() == seq.times[np.arange(8)[item]].isot.tolist()
    for i in (0, -1, np.int64(3)):
        assert seq[i].reference_date == seq.times[i]
    assert seq[1:][2:].urls == urls[3:]
    for item in (8, -9, 2.5, "2018", even[:3]):
        with pytest.raises((IndexError, TypeError)):
            seq[item]


def test_masks_from_the_table(seq):
    assert len(seq[seq.table["QUALITY"] == 0]) == 7
    changed = seq.update_headers(lambda header: header | {"QUALITY": None} if header["QUALITY"] else header)
    assert len(changed[changed.table["QUALITY"] == 0]) == 7


def test_order_is_that_of_time(bucket, seq):
    shuffled = np.random.default_rng(1).permutation(bucket.urls(171))
    assert LazyMapSequence(shuffled).urls == seq.urls
    assert (np.diff(seq.times.jd) > 0).all()


def test_nearest(seq):
    for i, time in enumerate(seq.times):
        assert seq.nearest(time + 100 * u.s).reference_date == time
        assert seq.nearest(time.isot).meta == seq[i].meta
    assert seq.nearest("2019-01-01").meta == seq[-1].meta


def test_between(seq):
    assert seq.between(seq.times[2], seq.times[5]).urls == seq.urls[2:6]
    assert seq.between(TimeRange(seq.times[2], seq.times[5])).urls == seq.urls[2:6]
    assert seq[np.nonzero(seq.times > seq.times[2])].urls == seq.urls[3:]
    assert sum([seq[:2], seq[2:4], seq[4:]]).urls == seq.urls
    assert len(seq.between("2018-01-01", "2018-02-01")) == 0
    with pytest.raises(ValueError, match="ends .* before it begins .*; swap"):
        seq.between("2018-02-01", "2018-01-01")


def test_both_ends_of_between_are_included_in_any_time_scale():
    """Of TAI, and on the day of a leap second, equal times differ in their last bit."""
    stamps = ["2016-12-31T23:59:36", "2016-12-31T23:59:48", "2016-12-31T23:59:60", "2017-01-01T00:00:11"]
    seq = LazyMapSequence([aia(T_OBS=stamp) for stamp in stamps])
    for start in range(4):
        for stop in range(start, 4):
            assert len(seq.between(stamps[start], stamps[stop])) == stop - start + 1
            assert len(seq.between(Time(stamps[start]).tai, Time(stamps[stop]).tai)) == stop - start + 1
    assert len(seq.between("2016-12-31T23:59:48.001", "2016-12-31T23:59:59.999")) == 0


# --- what headers say


def test_properties(seq, bucket):
    frames = bucket.frames[bucket.frames["wavelength"] == 171 * u.AA]
    assert np.abs(seq.times - frames["time"]).max() < 1 * u.ms
    np.testing.assert_array_equal(seq.exposure_time, frames["exposure_time"])
    assert seq.exposure_time.unit == u.s
    assert (seq.wavelength == 171 * u.AA).all()
    assert seq.observatory == ["SDO"] * 8
    assert seq.urls == bucket.urls(171)


def test_table(seq):
    table = seq.table
    assert len(table) == 8
    assert table["QUALITY"].tolist() == [0, 0, 0, 2097152, 0, 0, 0, 0]
    assert table["WAVELNTH"].tolist() == [171] * 8
    np.testing.assert_array_equal(table["EXPTIME"], seq.exposure_time.value)


def test_what_it_looks_like(seq, bucket):
    text = repr(LazyMapSequence(bucket.frames["url"]))
    print(text)
    assert "16 frames of 60×80 pixels" in text
    assert "171 Angstrom" in text
    assert "193 Angstrom" in text
    assert seq.times[0].isot in text


def test_select(seq, caplog):
    with caplog.at_level(logging.INFO, logger="sunpy"):
        good = seq.select(quality=0)
    assert "1 of 8 frames dropped by quality=0" in caplog.text
    assert good.urls == [*seq.urls[:3], *seq.urls[4:]]
    exposures = seq.exposure_time.value
    assert len(seq.select(exptime=lambda exposure: exposure > 2)) == (exposures > 2).sum()
    low, high = sorted(exposures)[1], sorted(exposures)[5]
    assert len(seq.select(exptime=(low, high))) == 5
    assert len(seq.select(quality=[0, 2097152], wavelnth={171})) == 8
    assert (
        len(seq.select(T_OBS=("2018-05-29T18", "2018-05-29T19"), quality=0))
        == (seq.times > Time("2018-05-29T18:00")).sum()
    )
    assert (
        len(seq.select(date_obs=lambda date: date < "2018-05-29T18"))
        == (seq.times < Time("2018-05-29T18:00:01")).sum()
    )
    assert len(seq.select(wavelnth=193)) == 0
    with pytest.raises(KeyError, match="QUALTY"):
        seq.select(qualty=0)


# --- changes


def test_update_headers(seq):
    moved = seq.update_headers(
        lambda header: {**header, "CRPIX1": header["CRPIX1"] + 2, "T_OBS": "2018-05-29T20:00:00"}
    )
    assert moved[0].reference_pixel.x - seq[0].reference_pixel.x == 2 * u.pix
    assert (moved.times == Time("2018-05-29T20:00:00")).all()
    assert seq.times[0] < Time("2018-05-29T20:00:00")
    with pytest.raises(TypeError, match="must return the new header"):
        seq.update_headers(lambda header: header.update(CRPIX1=2))


def test_updated_headers_put_frames_into_their_new_order(seq):
    times = dict(zip(seq.table["T_OBS"], seq.table["T_OBS"][::-1], strict=True))
    turned = seq.update_headers(lambda header: header | {"T_OBS": times[header["T_OBS"]]})
    assert turned.urls == seq.urls[::-1]


@pytest.mark.parametrize("kind", [dict, fits.Header, sunpy.util.MetaDict])
def test_updated_headers_may_be_of_any_kind_and_case(seq, kind):
    def moved(header):
        header = {key.lower(): value for key, value in header.items() if key != "KEYCOMMENTS"}
        return kind(header | {"crpix1": 7.0, "t_obs": "2018-05-29T20:00:00"})

    changed = seq[:1].update_headers(moved)
    assert changed[0].reference_pixel.x == 6 * u.pix
    assert changed.times[0] == changed[0].reference_date == Time("2018-05-29T20:00:00")
    assert changed.to_cube().wcs.low_level_wcs.plane(0).crpix[0] == 7


def test_mixed_case_the_new_keyword_counts(seq):
    changed = seq[:1].update_headers(lambda header: header | {"crpix1": 7.0})
    assert changed[0].reference_pixel.x == 6 * u.pix
    assert changed.to_cube().wcs.low_level_wcs.plane(0).crpix[0] == 7


def per_second(data, header):
    return data / header["EXPTIME"]


def upside_down(data, header):
    return data[::-1]


def test_apply(seq, maps):
    with no_compute():
        both = seq.apply(per_second, pointwise=True).apply(upside_down)
        first, cube = both[1], both.select(quality=0).to_cube(normalize=False)
    expected = maps[1].data[::-1] / maps[1].meta["exptime"]
    np.testing.assert_allclose(first.data, expected)
    np.testing.assert_allclose(cube.data[1], expected, rtol=1e-6)
    assert cube.data.dtype == cube.data.compute().dtype == np.float32


def test_a_function_sees_the_header_of_its_own_time(seq, maps):
    """Also after later updates; frames may be sorted anew and picked in between."""
    with no_compute():
        both = seq.apply(per_second, pointwise=True).update_headers(lambda header: header | {"exptime": 1.0})
        both = both.apply(per_second, pointwise=True)
        times = dict(zip(seq.table["T_OBS"], seq.table["T_OBS"][::-1], strict=True))
        turned = both.update_headers(
            lambda header: header | {"t_obs": times[header["t_obs"]], "EXPTIME": 4.0}
        )
        picked = turned[[6, 1]].apply(per_second)
    assert picked.urls == [seq.urls[6], seq.urls[1]][::-1] or picked.urls == [seq.urls[1], seq.urls[6]]
    for url, m in zip(picked.urls, picked, strict=True):
        stored = maps[seq.urls.index(url)]
        np.testing.assert_allclose(m.data, stored.data / stored.meta["exptime"] / 4)
        assert m.meta["exptime"] == 4


def test_a_function_of_data_and_one_of_headers_are_one_step(seq, maps):
    """The function of headers runs at once; that of data sees the header from before."""

    def shift(header):
        return header | {"CRPIX1": header["crpix1"] + header["exptime"], "EXPTIME": 1.0}

    with no_compute():
        moved = seq.apply(per_second, header=shift)
        assert moved.exposure_time[0].value == 1
        assert moved[0].reference_pixel.x.value == pytest.approx(
            maps[0].reference_pixel.x.value + maps[0].meta["exptime"]
        )
    np.testing.assert_allclose(moved[0].data, maps[0].data / maps[0].meta["exptime"])
    cube = moved.select(quality=0).to_cube()
    np.testing.assert_allclose(cube.data[0], maps[0].data / maps[0].meta["exptime"], rtol=1e-6)


def test_values_of_numpy_and_units_in_headers(maps):
    seq = LazyMapSequence([aia()])
    for exposure in (np.float32(2.5), np.array(2.5), 2500 * u.ms):
        changed = seq.update_headers(lambda header, exposure=exposure: header | {"EXPTIME": exposure})
        assert changed.exposure_time[0] == 2.5 * u.s
        assert changed.to_cube().meta["normalization"] == "divided by the exposure time"
        m = aia()
        m.meta["exptime"] = exposure
        assert LazyMapSequence([m]).exposure_time[0] == 2.5 * u.s


def test_what_is_no_header_value_is_an_error_with_keyword_and_file(seq):
    with pytest.raises(TypeError, match=rf"EXPTIME=\[1, 2\] of {seq.urls[0]} cannot be a value"):
        seq.update_headers(lambda header: header | {"exptime": [1, 2]})
    m = aia()
    m.meta["exptime"] = Time("2020-01-01")
    with pytest.raises(TypeError, match="EXPTIME=.* of Map 0 of the source cannot be a value"):
        LazyMapSequence([m])
    with pytest.raises(ValueError, match=rf"changed NAXIS1 of {seq.urls[0]} from 80 to 81"):
        seq.update_headers(lambda header: header | {"naxis1": 81})


def test_masked_pixels_are_missing(seq, maps):
    masked = (
        seq[:1].apply(lambda data, header: np.ma.masked_less(data.astype(int), 3)).to_cube(normalize=False)
    )
    expected = np.where(maps[0].data.astype(int) < 3, np.nan, maps[0].data.astype(int))
    np.testing.assert_array_equal(masked.data[0], expected)


def test_who_fails_says_on_which_frame(seq):
    """Also with errors="mask": a mistake in a function is no bad file."""

    def wrong(data, header):
        raise ZeroDivisionError("of mine")

    with pytest.raises(ZeroDivisionError, match="of mine") as raised:
        seq[:1].apply(wrong).to_cube().compute()
    assert raised.value.__notes__ == [f"This happened to the pixels of {seq.urls[0]}."]


def test_applied_functions_run_in_order(seq, maps):
    steps = seq.apply(lambda data, header: data + 1).apply(lambda data, header: data * 2)
    np.testing.assert_array_equal(steps[0].data, (maps[0].data + 1) * 2)


@pytest.mark.parametrize("data", [np.arange(600, dtype="i2").reshape(20, 30), None])
def test_functions_are_given_and_give_floats(tmp_path, data):
    path = write_map(tmp_path / "a.fits", data=data, EXPTIME=1.9)
    stored = fits.getdata(path)
    halved = LazyMapSequence(path).apply(lambda data, header: data / 2)[0]
    assert halved.data.dtype == halved.data.compute().dtype
    np.testing.assert_array_equal(halved.data, stored / 2)
    integers = LazyMapSequence(path).apply(lambda data, header: data.astype(np.int32)).to_cube()
    assert integers.data.compute().dtype == np.float32
    np.testing.assert_allclose(integers.data[0], stored / 1.9, rtol=1e-6)


def test_a_function_sees_whole_images_unless_it_is_pointwise(server, remote):
    seen = []

    def look(data, header):
        seen.append(data.shape)
        return data

    seq = LazyMapSequence(remote)
    for pointwise, shape in ((False, SHAPE), (True, (10, 80))):
        seen.clear()
        server.reset()
        seq.apply(look, pointwise=pointwise)[0].data[5:15].compute(scheduler="synchronous")
        assert seen == [shape]
        assert server.requests == 1
    seen.clear()
    seq.apply(look, pointwise=True).apply(look)[0].data[5:15].compute(scheduler="synchronous")
    assert seen == [SHAPE, SHAPE]


def test_a_function_must_keep_the_shape(seq):
    for function in (lambda data, header: data[1:], lambda data, header: None):
        with pytest.raises(ValueError, match=r"into one of \(.*; it must keep the shape"):
            seq.apply(function)[0].data.compute()


def test_functions_cannot_reach_the_sequence(seq, maps):
    def spoil(data, header):
        data[:] = 0
        header.clear()
        return data

    assert (seq.apply(spoil)[0].data.compute() == 0).all()
    np.testing.assert_array_equal(seq[0].data, maps[0].data)
    assert seq[0].meta["wavelnth"] == 171
    in_memory = LazyMapSequence(maps)
    assert (in_memory.apply(spoil)[0].data.compute() == 0).all()
    assert in_memory[0].data.compute().any()


# --- the cube


def test_cube(seq, maps):
    with no_compute(), pytest.warns(SunpyUserWarning, match="1 of 8 frames have a QUALITY other than 0"):
        cube = seq.to_cube()
    assert cube.shape == (8, *SHAPE)
    assert cube.data.dtype == np.float32
    assert cube.unit == u.DN / u.s
    assert cube.meta["normalization"] == "divided by the exposure time"
    assert (cube.times == seq.times).all()
    assert (cube.wavelength, cube.observatory) == (171 * u.AA, "SDO")
    assert cube.frames["url"].tolist() == seq.urls
    assert cube.frames["quality"].tolist() == seq.table["QUALITY"].tolist()
    expected = [m.data.astype("f4") / np.float32(m.meta["exptime"]) for m in maps]
    np.testing.assert_array_equal(cube.data.compute(), expected)


def test_a_cube_that_is_not_normalised(seq, maps):
    cube = seq.select(quality=0).to_cube(normalize=False)
    assert cube.unit == u.DN
    assert cube.meta["normalization"] == "not asked for"
    np.testing.assert_array_equal(cube.data[0], maps[0].data)


@pytest.mark.parametrize(
    ("changes", "unit", "factor", "said"),
    [
        ({}, u.DN / u.s, 0.5, "divided"),
        ({"BUNIT": "DN"}, u.DN / u.s, 0.5, "divided"),
        ({"BUNIT": "ct"}, u.ct / u.s, 0.5, "divided"),
        ({"BUNIT": "DN/s"}, u.DN / u.s, 1, r"left alone: the unit DN / s is none of counts"),
        (
            {"BUNIT": "1"},
            u.dimensionless_unscaled,
            1,
            r"left alone: the unit dimensionless is none of counts",
        ),
        ({"BUNIT": "Gauss"}, u.G, 1, "left alone: the unit G"),
        ({"EXPTIME": None}, u.DN, 1, "left alone: the headers have no exposure time"),
        ({"INSTRUME": "other", "TELESCOP": "other"}, None, 1, "left alone: the headers have no unit"),
    ],
)
def test_normalisation(changes, unit, factor, said):
    m = aia(**{"EXPTIME": 2.0, **changes})
    cube = LazyMapSequence([m]).to_cube()
    assert cube.unit == unit
    assert said in cube.meta["normalization"]
    np.testing.assert_array_equal(cube.data[0], m.data * np.float32(factor))


def test_short_exposures_and_bad_quality_are_warned_of_once():
    seq = LazyMapSequence([aia(i, EXPTIME=0.1 if i == 2 else 2.0, QUALITY=i // 3) for i in range(5)])
    with pytest.warns(SunpyUserWarning) as warned:
        seq.to_cube()
    assert [str(warning.message) for warning in warned] == [
        "2 of 5 frames have a QUALITY other than 0; select(quality=0) drops them",
        "1 of 5 frames have an exposure time under half the median",
    ]
    assert {warning.filename for warning in warned} == {__file__}
    seq[[0, 1]].to_cube()


def test_frames_without_exposure_among_others_are_nan():
    seq = LazyMapSequence([aia(i, EXPTIME=exposure) for i, exposure in enumerate((2.0, 0.0, None))])
    with pytest.warns(
        SunpyUserWarning, match="2 of 3 frames have no exposure time, or zero, and are NaN"
    ) as warned:
        cube = seq.to_cube()
    assert [warning.filename for warning in warned] == [__file__]
    assert np.isnan(cube.data.compute()).all(axis=(1, 2)).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"WAVELNTH": 193},
            r"SDO AIA 3 171 .*, SDO AIA 3 193 .*differ by measurement.*choose one with select",
        ),
        ({"BUNIT": "DN/s"}, "differ by unit DN or DN / s; take them apart with split"),
    ],
)
def test_mixed_channels_and_units_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        LazyMapSequence([aia(), aia(1, **changes)]).to_cube()


def test_mixed_shapes_are_refused(bucket):
    with pytest.raises(ValueError, match=r"one shape, but these have \[\(20, 30\), \(40, 30\)\]"):
        LazyMapSequence([aia(), aia(1, data=np.zeros((40, 30), "f4"))]).to_cube()


def test_two_frames_of_one_time_are_refused():
    message = r"frame 1 \(Map 1 of the source, .*\) is of the same time as frame 0 .*select.*errors='mask'"
    for cube in (
        lambda seq: seq.to_cube(),
        lambda seq: seq.derotate_to(seq[0]),
        lambda seq: seq.estimate(seq[0]),
    ):
        with pytest.raises(ValueError, match=message):
            cube(LazyMapSequence([aia(), aia()]))


def test_with_mask_the_first_of_frames_of_one_time_is_kept_and_the_status_names_the_others(tmp_path):
    paths = [str(tmp_path / f"{i}.fits") for i in range(4)]
    for minutes, path in zip((1, 0, 1, 1), paths, strict=True):
        aia(minutes, data=np.full((20, 30), float(path[-6]), "f4"), BLANK=None).save(path)
    seq = LazyMapSequence(paths, errors="mask")
    with pytest.warns(SunpyUserWarning, match="2 of 4 frames are of the time of another and are left out"):
        cube = seq.to_cube(normalize=False)
    np.testing.assert_array_equal(cube.data[:, 0, 0].compute(), [1, 0])
    with pytest.warns(SunpyUserWarning, match="2 of 4 frames are of the time of another"):
        assert seq.derotate_to(seq[0]).shape[0] == 2
    status = {row["url"]: (row["status"], row["reason"]) for row in seq.status}
    assert [status[path][0] for path in paths] == ["ok", "ok", "left out", "left out"]
    assert "same time as frame" in status[paths[3]][1]
    assert paths[0] in status[paths[3]][1]


# --- Maps in memory


def test_maps_in_memory(maps):
    seq = LazyMapSequence(maps[::-1])
    assert (np.diff(seq.times.jd) > 0).all()
    for m, expected in zip(seq, maps, strict=True):
        np.testing.assert_array_equal(m.data, expected.data)
        assert m.wcs.wcs.compare(expected.wcs.wcs)
    assert len(seq.table) == 8
    np.testing.assert_array_equal(
        seq.select(quality=0).to_cube(normalize=False).data[2, 5:9], maps[2].data[5:9]
    )


def test_dask_maps_stay_lazy():
    values = np.arange(600.0, dtype="f4").reshape(20, 30)
    with no_compute():
        seq = LazyMapSequence([aia(i, data=da.from_array(values + i, chunks=7)) for i in range(3)])
        cube, m = seq.to_cube(normalize=False), seq[1]
    np.testing.assert_array_equal(cube.data, [values, values + 1, values + 2])
    np.testing.assert_array_equal(m.data, values + 1)


def test_each_map_in_memory_has_a_name_by_which_a_user_finds_it(maps):
    seq = LazyMapSequence(maps[::-1])
    stamps = [m.meta["date-obs"] for m in maps]
    names = [f"Map {7 - i} of the source, {stamp}" for i, stamp in enumerate(stamps)]
    assert seq.urls == seq.status["url"].tolist() == names
    assert set(seq.select(quality=0).to_cube().frames["url"]) < set(names)
    assert LazyMapSequence(maps[2]).urls == [f"Map 0 of the source, {stamps[2]}"]
    assert LazyMapSequence([(maps[2].data, maps[2].meta)]).urls == [f"item 0 of the source, {stamps[2]}"]
    with pytest.raises(ValueError, match="Map 4 of the source"):
        seq.update_headers(lambda header: {**header, "CDELT1": 0 if header["DATE-OBS"] == stamps[3] else 1})


def test_the_status_says_which_map_in_memory_is_lost_or_left_out():
    def fail(block):
        raise OSError("gone")

    lost = da.zeros((20, 30), dtype="f4").map_blocks(fail, meta=np.zeros((0, 0), "f4"))
    maps = [aia(0), aia(1, data=lost), aia(2), aia(3, data=np.zeros((40, 30), "f4"))]
    seq = LazyMapSequence(maps, errors="mask")
    with pytest.warns(SunpyUserWarning, match="1 of 4 frames have another shape"):
        cube = seq.to_cube()
    with pytest.warns(LostFrameWarning, match="Map 1 of the source"):
        assert np.isnan(cube.compute().data[1]).all()
    assert seq.status["status"].tolist() == ["ok", "NaN", "ok", "left out"]
    assert "Map 3 of the source" in seq.status["url"][3]


@pytest.mark.parametrize("dtype", ["f4", "i2"])
@pytest.mark.parametrize("lazy", [False, True])
def test_masked_pixels_are_nan(dtype, lazy):
    values = np.arange(600).reshape(20, 30).astype(dtype)
    data = da.from_array(values) if lazy else values
    m = aia(data=data)
    m = sunpy.map.Map(data, m.meta, mask=values % 3 == 0)
    with no_compute():
        seq = LazyMapSequence(m)
    np.testing.assert_array_equal(seq[0].data, np.where(values % 3 == 0, np.nan, values))
    assert seq.to_cube(normalize=False).data.dtype == np.float32


# --- frames that cannot be read


def test_a_missing_file_is_an_error_with_its_url(bucket):
    with pytest.raises(ReadError, match="missing.fits") as raised:
        LazyMapSequence([*bucket.urls(171), "/nowhere/missing.fits"])
    assert isinstance(raised.value, OSError)
    assert isinstance(raised.value.__cause__, FileNotFoundError)


def test_frames_without_header_are_left_out(bucket, tmp_path):
    (tmp_path / "page.fits").write_bytes(b"<html>")
    bad = [str(tmp_path / "page.fits"), "/nowhere/missing.fits"]
    with pytest.warns(SunpyUserWarning, match="2 of 10 frames are left out, see .status") as warned:
        seq = LazyMapSequence([*bad, *bucket.urls(171)], errors="mask")
    assert warned[0].filename == __file__
    assert seq.urls == bucket.urls(171)
    status = seq.status
    assert status["status"].tolist() == ["ok"] * 8 + ["left out"] * 2
    assert status["url"].tolist() == [*bucket.urls(171), *bad]
    assert "not a FITS file" in status["reason"][8]
    assert len(seq[0].data.compute()) == SHAPE[0]


def test_a_frame_without_time_is_named(tmp_path):
    times = dict.fromkeys(("T_OBS", "DATE-OBS"), "")
    paths = [write_map(tmp_path / "a.fits", EXPTIME=2.0), write_map(tmp_path / "timeless.fits", **times)]
    with pytest.raises(ReadError, match="timeless.fits.*no observation time"):
        LazyMapSequence(paths)
    with pytest.raises(ReadError, match="(?s)later.fits.*MISSING"):
        LazyMapSequence([*paths[:1], write_map(tmp_path / "later.fits", T_OBS="MISSING")])
    with pytest.warns(SunpyUserWarning, match="1 of 2 frames are left out"):
        seq = LazyMapSequence(paths, errors="mask")
    assert seq.urls == paths[:1]
    assert "no observation time" in seq.status["reason"][1]


ODD_HEADERS = {
    "TIMESYS": {"TIMESYS": "XXX"},
    "year 99999": {"T_OBS": "99999-05-29T12:00:00", "DATE-OBS": "99999-05-29T12:00:00"},
    "year 9999": {"T_OBS": "9999-05-29T12:00:00"},
    "EXPTIME=T": {"EXPTIME": True},
    "no CDELT1": {"CDELT1": None},
    "CDELT1=0": {"CDELT1": 0.0},
    "WAVEUNIT": {"WAVEUNIT": "parsec per fortnight"},
    "CUNIT1": {"CUNIT1": "s"},
}


@pytest.mark.parametrize("cards", ODD_HEADERS.values(), ids=ODD_HEADERS.keys())
def test_an_odd_header_costs_one_frame_whatever_is_wrong_with_it(tmp_path, cards):
    paths = [write_map(tmp_path / f"{i}.fits", i, **(cards if i == 1 else {})) for i in range(3)]
    with pytest.raises(ReadError, match="The header of .*1.fits cannot be used: "):
        LazyMapSequence(paths)
    with pytest.warns(SunpyUserWarning, match="1 of 3 frames are left out"):
        seq = LazyMapSequence(paths, errors="mask")
    assert seq.to_cube().shape[0] == 2
    assert seq.status["status"].tolist() == ["ok", "ok", "left out"]
    assert "1.fits" in seq.status["reason"][2]


def test_a_frame_of_another_shape_costs_one_frame(tmp_path):
    shapes = [(6, 8), (8, 6), (6, 8)]
    paths = [write_map(tmp_path / f"{i}.fits", i, np.ones(shape, "i2")) for i, shape in enumerate(shapes)]
    with pytest.raises(ValueError, match="frames of one shape"):
        LazyMapSequence(paths).to_cube()
    seq = LazyMapSequence(paths, errors="mask")
    assert len(seq) == 3
    with pytest.warns(SunpyUserWarning, match="1 of 3 frames have another shape than most"):
        cube = seq.to_cube()
    assert cube.shape == (2, 6, 8)
    assert np.isfinite(cube.data.compute()).all()
    assert seq.status["status"].tolist() == ["ok", "ok", "left out"]
    assert seq.status["reason"][2] == f"{paths[1]} has 8×6 pixels, but most frames of the cube have 6×8"


def test_coordinates_that_fail_when_the_cube_is_made_cost_one_frame(tmp_path):
    """Sunpy asks for more of a header than can be asked for each when it is opened."""
    kinds = {"INSTRUME": "XYZ", "TELESCOP": "none"}
    paths = [write_map(tmp_path / f"{i}.fits", i, **kinds) for i in range(3)]
    paths.append(write_map(tmp_path / "3.fits", 3, **kinds, **{"DATE-END": "later"}))
    with pytest.raises(ReadError, match="The header of .*3.fits cannot be used: "):
        LazyMapSequence(paths).to_cube()
    seq = LazyMapSequence(paths, errors="mask")
    cube = seq.to_cube()
    assert cube.shape[0] == 3
    assert seq.status["status"].tolist() == ["ok"] * 3 + ["left out"]


def test_checksums_are_compared_on_request(tmp_path, maps):
    paths = []
    for i in range(3):
        counts, header = SUN.frame(171, SUN.time + 4 * i * u.min, shape=(20, 30))
        paths.append(str(tmp_path / f"{i}.fits"))
        fits.PrimaryHDU(counts, header).writeto(paths[i], checksum=i > 0)
    table = LazyMapSequence(paths).verify()
    assert table["url"].tolist() == paths
    assert table["checksums"].tolist() == [0, 2, 2]
    assert table["reason"].tolist() == [""] * 3
    file = bytearray((tmp_path / "2.fits").read_bytes())
    file[-2000] ^= 1
    (tmp_path / "2.fits").write_bytes(file)
    assert np.isfinite(LazyMapSequence(paths).to_cube().data.compute()).all()
    with pytest.raises(ReadError, match="Could not verify .*2.fits: DATASUM="):
        LazyMapSequence(paths).verify()
    reasons = LazyMapSequence(paths, errors="mask").verify()["reason"].tolist()
    assert reasons[:2] == ["", ""]
    assert "DATASUM" in reasons[2]
    assert len(LazyMapSequence(maps).verify()) == 0


@pytest.fixture
def torn(tmp_path):
    """Three files, of which the second ends before its last rows."""
    data = np.arange(200 * 300, dtype="i4").reshape(200, 300)
    paths = [write_map(tmp_path / f"{i}.fits", i, data) for i in range(3)]
    (tmp_path / "1.fits").write_bytes((tmp_path / "1.fits").read_bytes()[:150_000])
    return paths


@pytest.mark.parametrize("disable", [False, True])
def test_positions_do_not_come_from_the_progress_bar(tmp_path, monkeypatch, disable):
    """TQDM_DISABLE=1 leaves a bar at 0."""
    monkeypatch.setattr(progress, "enabled", True)
    monkeypatch.setattr(progress, "delay", 0)
    monkeypatch.setattr("sunpy_heliocloud.lazy.progress._bar", partial(tqdm, disable=disable))
    monkeypatch.setattr("sunpy_heliocloud.io.open._FRAMES_AT_ONCE", 2)
    paths = [write_map(tmp_path / f"{i}.fits", i) for i in range(5)]
    pathlib.Path(paths[3]).write_bytes(b"no FITS")
    with pytest.warns(SunpyUserWarning, match="1 of 5 frames are left out"):
        seq = LazyMapSequence(paths, errors="mask")
    assert seq.urls == [*paths[:3], paths[4]]
    assert seq.status["url"][-1] == paths[3]


def test_pixels_that_are_gone_are_an_error(torn):
    cube = LazyMapSequence(torn).to_cube()
    assert np.isfinite(cube.data[:, :100].compute()).all()
    with pytest.raises(ReadError, match="1.fits.*the file is truncated"):
        cube.data.compute()


def test_pixels_that_are_gone_are_nan(torn):
    seq = LazyMapSequence(torn, errors="mask")
    cube = seq.to_cube()
    assert seq.status["status"].tolist() == ["ok"] * 3
    with pytest.warns(LostFrameWarning, match="1.fits.*the file is truncated"):
        data = cube.data.compute()
    assert np.isnan(data).all(axis=(1, 2)).tolist() == [False, True, False]
    assert np.isnan(data[1]).all()
    assert seq.status["status"].tolist() == ["ok", "NaN", "ok"]
    assert seq[1:].status["status"].tolist() == ["NaN", "ok"]
    assert "truncated" in seq.status["reason"][1]


def test_nothing_of_a_frame_that_is_gone_is_valid(torn):
    """Nor is a function asked about it."""
    seq = LazyMapSequence(torn, errors="mask").apply(lambda data, header: data * 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LostFrameWarning)
        footprint = seq.to_cube().footprint.compute().data
    assert footprint.min(axis=(1, 2)).tolist() == footprint.max(axis=(1, 2)).tolist() == [1, 0, 1]


def test_a_map_of_integers_that_are_gone_is_nan_too(torn):
    seq = LazyMapSequence(torn, errors="mask")
    assert seq[1].data.dtype.kind == "f"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LostFrameWarning)
        assert np.isnan(seq[1].data.compute()).all()


def test_one_bad_answer_is_no_loss(server, remote):
    server.truncate("*0171*", after=3)
    seq = LazyMapSequence(remote)
    server.fail("*0171*", status=500)
    assert np.isfinite(seq[0].data.compute()).all()


def test_paths_hold_in_any_folder(tmp_path, monkeypatch):
    write_map(tmp_path / "a.fits")
    monkeypatch.chdir(tmp_path)
    seq = LazyMapSequence("a.fits")
    monkeypatch.chdir("/")
    assert seq.urls == [str(tmp_path / "a.fits")]
    assert np.isfinite(seq.to_cube(normalize=False).compute().data).all()


def test_over_http(server, remote, maps):
    seq = LazyMapSequence([url.replace("s3:/", server.endpoint_url) for url in remote])
    np.testing.assert_array_equal(seq[2].data, maps[2].data)


@pytest.mark.parametrize("errors", ["raise", "mask"])
def test_an_object_that_is_replaced_between_open_and_read(server, folder, remote, errors):
    """Also where the new one is as long, so that its bytes would decode."""
    seq = LazyMapSequence(remote, errors=errors).select(quality=0)
    cube = seq.to_cube()
    key = remote[2].removeprefix(server.url)
    server.write(key, (folder / remote[3].removeprefix(server.url)).read_bytes())
    if errors == "raise":
        with pytest.raises(ReadError, match=f"{key}: the file has been replaced since its header was read"):
            cube.compute()
        return
    with pytest.warns(LostFrameWarning, match="has been replaced"):
        data = cube.compute().data
    assert np.isnan(data[2]).all()
    assert not np.isnan(data[1]).all()
    assert seq.status["status"].tolist() == ["ok", "ok", "NaN", *["ok"] * 4]


def test_a_file_of_another_size_than_the_catalogue_says(server, remote):
    table = Table({"URL": remote[:3], "Size": [1e-3] * 3 * u.Mbyte})
    with pytest.raises(ReadError, match=f"{remote[0]} has .* bytes, but the catalogue says 1000"):
        LazyMapSequence(table)
    table["Size"] = [np.nan] * 3 * u.Mbyte
    assert len(LazyMapSequence(table)) == 3


def test_processes_give_the_same_bytes(bucket, seq):
    ref_map = seq[4].submap([20, 20] * u.pix, width=30 * u.pix, height=20 * u.pix)
    cube = seq[:3].to_cube().derotate_to(ref_map)
    on_threads, alone = (cube.compute(scheduler=scheduler).data for scheduler in ("threads", "sync"))
    on_processes = cube.compute(scheduler="processes", num_workers=1).data
    assert on_threads.tobytes() == alone.tobytes() == on_processes.tobytes()


def test_blank_keywords_are_as_if_they_were_not_there(tmp_path):
    path = tmp_path / "blank.fits"
    header = fits.Header(aia_header())
    header["TELESCOP"] = None
    fits.PrimaryHDU(np.zeros((20, 30), np.int16), header).writeto(path)
    assert isinstance(LazyMapSequence([path])[0], sunpy.map.sources.AIAMap)
