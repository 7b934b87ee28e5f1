import contextlib
import http.client
import importlib
import io
import json
import os
import re
import sys
import time
import urllib.request

import numpy as np
import pytest
from reproject import reproject_adaptive
from scipy.interpolate import make_interp_spline
from scipy.ndimage import center_of_mass, map_coordinates
from scipy.stats import chi2, poisson
from sunkit_image.time_lag import time_lag

import astropy.units as u
from astropy.io import fits
from astropy.time import Time

import sunpy.map
from sunpy.coordinates import propagate_with_solar_surface
from sunpy.map.sources import AIAMap

from sunpy_heliocloud.io.filesystem import filesystem
from sunpy_heliocloud.simulation import CHANNEL_OFFSETS, LocalServer, SimulatedSun, write_bucket
from sunpy_heliocloud.simulation.painting import Curve, Motion, Region, Texture, paint, surface_point
from sunpy_heliocloud.simulation.spacecraft import position
from sunpy_heliocloud.simulation.sun import _view

# --- the server


def anonymous(url):
    return filesystem(url)[0]


def test_anonymous_ranged_reads_are_counted(server):
    url = server.write("sdo/aia/one.fits", bytes(range(100)))
    server.reset()

    assert anonymous(url).cat_ranges([url], [10], [30], on_error="raise") == [bytes(range(10, 30))]

    (request,) = server.log
    assert (request.method, request.key, request.status) == ("GET", "sdo/aia/one.fits", 206)
    assert request.byte_range == "bytes=10-29"
    assert (server.requests, server.bytes_sent) == (1, 20)
    server.reset()
    assert (server.requests, server.bytes_sent) == (0, 0)


def test_folders_can_be_listed_anonymously(server):
    server.write("sdo/aia/one.fits", b"1")
    server.write("sdo/aia/two.fits", b"2")
    assert len(anonymous(server.url).ls(f"{server.url}sdo/aia")) == 2


def test_latency(server):
    url = server.write("a", b"1")
    files = anonymous(url)
    files.cat_file(url, start=0, end=1)
    server.latency = 0.2 * u.s
    begin = time.perf_counter()
    files.cat_file(url, start=0, end=1)
    assert time.perf_counter() - begin > 0.2


def statuses(server, url, n):
    """What a client without patience gets."""
    answers = []
    for _ in range(n):
        try:
            with urllib.request.urlopen(url.replace("s3:/", server.endpoint_url)) as answer:
                answers.append((answer.status, answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                answers.append((error.status, None))
    return answers


def test_failures_come_when_asked_for_and_end(server):
    url = server.write("sdo/one.fits", b"1234")
    other = server.write("catalog.json", b"{}")
    server.fail("*.fits", status=500, times=2, after=1)
    assert [status for status, _ in statuses(server, url, 4)] == [200, 500, 500, 200]
    assert statuses(server, other, 1) == [(200, b"{}")]


def test_a_failure_for_good_reaches_the_reader(server):
    url = server.write("catalog.json", b"{}")
    server.fail("catalog.json", status=403, times=None)
    with pytest.raises(PermissionError):
        anonymous(url).cat_file(url, start=0, end=1)


def test_heal_ends_all_failures(server):
    url = server.write("one.fits", b"1234")
    server.fail("one.fits", status=403, times=None)
    server.truncate("one.fits", times=None)
    server.replace("one.fits", b"other")
    server.heal()
    assert statuses(server, url, 2) == [(200, b"1234")] * 2


def test_truncated_body(server):
    url = server.write("one.fits", bytes(1000))
    server.truncate("one.fits")
    server.reset()
    # s3fs reads again what was cut.
    assert anonymous(url).cat_file(url, start=0, end=1000) == bytes(1000)
    assert [request.bytes_sent for request in server.log] == [500, 1000]


def test_connections_stay_open_until_a_body_is_truncated_or_the_server_ends():
    def read(method="GET"):
        client.request(method, f"/{server.bucket}/one.fits")
        return client.getresponse().read()

    with LocalServer() as server:
        client = http.client.HTTPConnection("127.0.0.1", int(server.endpoint_url.rpartition(":")[2]))
        server.write("one.fits", b"1234")
        server.truncate("one.fits", after=1)
        assert read() == b"1234"
        connection = client.sock
        assert read("HEAD") == b""
        assert client.sock is connection
        with pytest.raises(http.client.IncompleteRead):
            read()
        assert connection.recv(1) == b""
        client.close()
        server.fail("one.fits")
        assert b"503 on purpose" in read()
        connection = client.sock
        assert read() == b"1234"
        assert client.sock is connection
    with contextlib.closing(client):
        assert connection.recv(1) == b""


def test_object_that_changes_between_reads(server):
    url = server.write("one.fits", b"old")
    server.replace("one.fits", b"new", after=1)
    assert statuses(server, url, 3) == [(200, b"old"), (200, b"new"), (200, b"new")]


def test_two_servers_are_apart_and_the_environment_is_put_back(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "http://somewhere/else.json")
    with LocalServer() as first:
        url = first.write("one", b"first")
        with LocalServer() as second:
            assert os.environ["AWS_ENDPOINT_URL_S3"] == second.endpoint_url != first.endpoint_url
            assert not anonymous(url).exists(url)
            second.write("one", b"second")
            assert anonymous(url).cat_file(url) == b"second"
        assert os.environ["AWS_ENDPOINT_URL_S3"] == first.endpoint_url
        assert anonymous(url).cat_file(url) == b"first"
        assert os.environ["ROOT_CATALOG_REGISTRY_URL"] == first.registry_url
    assert "AWS_ENDPOINT_URL_S3" not in os.environ
    assert os.environ["ROOT_CATALOG_REGISTRY_URL"] == "http://somewhere/else.json"


def test_uploaded_folder_becomes_the_bucket(server, tmp_path):
    (tmp_path / "sdo" / "aia").mkdir(parents=True)
    (tmp_path / "sdo" / "aia" / "one.fits").write_bytes(b"image")
    server.upload(tmp_path)
    url = f"{server.url}sdo/aia/one.fits"
    assert anonymous(url).cat_file(url) == b"image"
    with urllib.request.urlopen(os.environ["ROOT_CATALOG_REGISTRY_URL"]) as answer:
        (entry,) = json.load(answer)["registry"]
    assert entry["endpoint"] == server.url


@pytest.mark.parametrize("key", ["a b", "a+b", "a%20b", "a?b=c", "a#b", "ä", "registries/a_2020.csv"])
def test_what_is_written_is_read_whatever_its_key(server, key):
    server.write(key, key.encode())
    assert server.read(key) == anonymous(server.url).cat_file(f"{server.bucket}/{key}") == key.encode()


def test_a_cleared_server_is_as_new(server):
    for i in range(3):
        server.write(f"many/{i}", b"")
    server.fail("*", times=None)
    server.latency = 1 * u.s
    server.clear()
    assert (server.requests, server.latency) == (0, 0 * u.s)
    assert anonymous(server.url).find(server.bucket) == []


def test_requests_that_a_server_does_not_understand_are_errors(server):
    with pytest.raises(OSError, match=r"GET /gov-nasa-hdrl-data1/none was answered by 404"):
        server.read("none")
    with pytest.raises(RuntimeError, match=r"with LocalServer\(\) as server"):
        LocalServer().write("a", b"")


def test_upload_of_no_folder(server, tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        server.upload(tmp_path / "nowhere")


def test_moto_is_needed_for_the_server_only(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("sunpy_heliocloud.simulation")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("moto", "moto.server", "werkzeug"):
        monkeypatch.setitem(sys.modules, name, None)
    simulation = importlib.import_module("sunpy_heliocloud.simulation")
    with pytest.raises(ImportError, match=re.escape("sunpy_heliocloud[demo]")), simulation.LocalServer():
        pass


# --- the Sun


@pytest.fixture(scope="module")
def steady_sun():
    """Neither noise nor change in brightness: what moves, moves with the surface."""
    return SimulatedSun(noise=False, variability=0)


def seen(sun, channel, after, n=250):
    return sunpy.map.Map(*sun.frame(channel, sun.time + after, shape=(n, n)))


def test_pixels_show_the_points_that_sunpy_says(steady_sun):
    n = 100
    aia_map = seen(steady_sun, 171, 5.3 * u.h, n)
    time = aia_map.reference_date
    view = _view((n, n), position(time))
    motion = steady_sun._motion((time - steady_sun.time).to_value(u.s))
    painted = np.array([[surface_point(x, y, view, motion)[:2] for x in range(n)] for y in range(n)])

    expected = steady_sun.at_time(sunpy.map.all_coordinates_from_map(aia_map), steady_sun.time)
    expected = np.stack([expected.lon.to_value(u.rad), expected.lat.to_value(u.rad)], axis=-1)
    np.testing.assert_array_equal(np.isnan(painted), np.isnan(expected))
    difference = (painted - expected + np.pi) % (2 * np.pi) - np.pi
    solar_radius = 5000 / n * aia_map.meta["r_sun"]  # in pixels of the full size
    assert np.nanmax(np.abs(difference)) * solar_radius < 0.001


def test_frame_is_an_aia_map_with_its_observer_and_times():
    sun = SimulatedSun()
    exposure = 1.9 * u.s
    data, header = sun.frame(193, "2018-05-29T12:00:02.8123", exposure, shape=(100, 120))
    aia_map = sunpy.map.Map(data, header)

    assert isinstance(aia_map, AIAMap)
    assert data.dtype == np.int32
    assert aia_map.wavelength == 193 * u.angstrom
    assert aia_map.unit is None
    assert aia_map.exposure_time == exposure
    assert aia_map.reference_date.isot == "2018-05-29T12:00:02.812"
    assert aia_map.date.isot == "2018-05-29T12:00:01.862"
    assert u.allclose(u.Quantity(aia_map.scale) * 120 * u.pix, 2500 * u.arcsec)
    # HAE, which sunpy takes, against the other keywords and the truth.
    observer = aia_map.observer_coordinate
    truth = position(aia_map.reference_date)
    assert u.isclose(observer.radius, header["DSUN_OBS"] * u.m, rtol=1e-9)
    assert u.isclose(observer.lon, header["HGLN_OBS"] * u.deg, rtol=0, atol=1e-5 * u.deg)
    assert u.isclose(observer.lon, truth.stonyhurst_longitude * u.rad, rtol=0, atol=1e-5 * u.deg)
    assert u.isclose(observer.lat, header["CRLT_OBS"] * u.deg, rtol=0, atol=1e-5 * u.deg)
    assert u.isclose(aia_map.carrington_longitude, header["CRLN_OBS"] * u.deg, rtol=0, atol=1e-3 * u.deg)
    assert 0.001 < abs(header["HGLN_OBS"]) < 0.02  # an orbit about the Earth, not its centre


def region_centroid(data):
    return np.array(center_of_mass(np.where(data > 250, data - 250, 0)))


def test_derotation_keeps_the_region_still(steady_sun):
    reference = seen(steady_sun, 171, 0 * u.h)
    still = region_centroid(reference.data)
    for after in (-3 * u.h, 3 * u.h):
        frame = seen(steady_sun, 171, after)
        with propagate_with_solar_surface():
            derotated = reproject_adaptive(
                (frame.data.astype(float), frame.wcs),
                reference.wcs,
                reference.data.shape,
                return_footprint=False,
                roundtrip_coords=False,
            )
        assert np.linalg.norm(region_centroid(frame.data) - still) > 2
        assert np.linalg.norm(region_centroid(np.nan_to_num(derotated)) - still) < 0.05


def test_light_of_points_on_the_surface_has_the_true_lag():
    sun = SimulatedSun(noise=False)
    cadence = 240 * u.s
    after = np.arange(-30, 30) * cadence
    reference = seen(sun, 193, 0 * u.s)
    truth = sun.true_lag(193, 171, reference)
    np.testing.assert_array_equal(sun.true_lag(171, 193, reference), -truth)
    rows, columns = np.nonzero(np.isfinite(truth))
    rows, columns = rows[::40], columns[::40]
    points = reference.wcs.pixel_to_world(columns, rows)

    # The points move smoothly: a spline through their places in each sixth frame gives those in all.
    some = [*range(0, len(after), 6), len(after) - 1]
    with propagate_with_solar_surface():
        places = np.array([seen(sun, 193, after[i]).wcs.world_to_pixel(points) for i in some])
    of_all = make_interp_spline(some, places, k=3)(np.arange(len(after)))

    light = {193: [], 171: []}
    for duration, (x, y) in zip(after, of_all, strict=True):
        for channel, curve in light.items():
            data, _ = sun.frame(channel, sun.time + duration, shape=(250, 250))
            curve.append(map_coordinates(data.astype(float), [y, x], order=1))

    found = time_lag(np.array(light[193]), np.array(light[171]), after.to(u.s), lag_bounds=[-2, 2] * u.h)
    assert len(rows) > 5
    assert np.ptp(truth[rows, columns]) > 2000
    np.testing.assert_allclose(found.to_value(u.s), truth[rows, columns], atol=cadence.to_value(u.s))


def test_true_lag_moves_with_the_surface_and_adds_up_over_channels(steady_sun):
    before, after = (seen(steady_sun, 193, hours * u.h) for hours in (-3, 3))
    lags = [steady_sun.true_lag(193, 171, aia_map) for aia_map in (before, after)]
    centers = [center_of_mass(np.isfinite(lag))[1] for lag in lags]
    assert centers[1] - centers[0] > 4  # pixels, westwards
    assert (
        np.isfinite(steady_sun.true_lag(193, 171, before, within=3 * u.deg)).sum()
        < np.isfinite(lags[0]).sum()
    )
    hot_to_cool = steady_sun.true_lag(94, 193, before) + steady_sun.true_lag(193, 131, before)
    np.testing.assert_allclose(steady_sun.true_lag(94, 131, before), hot_to_cool)


def test_light_curve_varies_as_much_as_it_should():
    sun = SimulatedSun()
    light = sun.light_curve(sun.time + np.linspace(-10, 10, 10_000) * u.day)
    assert light.shape == (10_000,)
    assert abs(light.mean() - 1) < 0.02
    assert abs(light.std() - sun.variability) < 0.03


def test_photons_are_counted_the_same_in_any_order():
    sun, silent = SimulatedSun(), SimulatedSun(noise=False)
    times = sun.time + [0, 240] * u.s
    first, second = (sun.frame(193, time, shape=(200, 200))[0] for time in times)
    again = SimulatedSun()
    np.testing.assert_array_equal(again.frame(193, times[1], shape=(200, 200))[0], second)
    np.testing.assert_array_equal(again.frame(193, times[0], shape=(200, 200))[0], first)
    assert (again.frame(171, times[0], shape=(200, 200))[0] != first).any()
    expected = silent.frame(193, times[0], shape=(200, 200))[0]
    disk = expected >= 60
    deviation = (first - expected)[disk] / np.sqrt(expected[disk])
    assert abs(deviation.mean()) < 0.03
    assert abs(deviation.std() - 1) < 0.03


@pytest.mark.parametrize("mean", [0.01, 0.7, 9.99, 10, 60, 1234.5])
def test_counts_of_photons_are_poisson_numbers(mean):
    image, seen_from = np.empty((300, 300), np.int32), position(SimulatedSun().time)
    # All pixels are quiet Sun of one brightness, 60 counts times the gain.
    view = _view((300, 300), seen_from)._replace(scale=1e-9)
    nothing = Region(0, 0, 1e-6, 0, 0)
    plain, curve = Texture(np.zeros((2, 2)), 1.0), Curve(np.ones(9), -4.0, 1.0)
    rng = np.random.default_rng(0)
    paint(image, view, Motion(0, 0, 0, 0), nothing, plain, curve, 0.0, mean / 60, True, rng)

    # Ranges of counts that are expected often enough for Pearson's test, which a hundredth of true ones fails.
    edges = np.unique(poisson.ppf(np.linspace(0, 1, 41)[1:-1], mean))
    expected = np.diff(poisson.cdf(edges, mean), prepend=0, append=1) * image.size
    seen = np.bincount(np.searchsorted(edges, image.ravel()), minlength=len(expected))
    square = ((seen - expected) ** 2 / expected).sum()
    assert chi2.sf(square, len(expected) - 1) > 0.01
    assert image.max() <= poisson.isf(1e-9, mean)
    assert image.min() >= poisson.ppf(1e-9, mean)


def test_counts_grow_with_the_exposure(steady_sun):
    short, long = (steady_sun.frame(193, steady_sun.time, t * u.s, shape=(100, 100))[0] for t in (2, 4))
    np.testing.assert_allclose(long, 2 * short, atol=1)


def test_channel_that_is_not_simulated():
    with pytest.raises(ValueError, match="1600.*94, 335"):
        SimulatedSun().frame(1600, "2018-05-29")
    with pytest.raises(ValueError, match="1600.*94, 335"):
        write_bucket("nowhere", channels=[1600])


# --- the bucket


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two days, a frame missing, another damaged."""
    folder = tmp_path_factory.mktemp("bucket")
    record = write_bucket(
        str(folder),
        start="2018-12-31T23:48:00",
        n_frames=6,
        shape=(60, 60),
        gaps=[1],
        bad_quality=[4],
    )
    return folder, record


def test_index_has_the_oddities_of_the_real_one(written):
    folder, record = written
    lines = (folder / "sdo/aia/registries/aia_0193_2018.csv").read_text().splitlines()
    lines += (folder / "sdo/aia/registries/aia_0193_2019.csv").read_text().splitlines()[1:]
    assert lines[0] == "# start, stop, datakey, filesize"
    rows = [line.split(",") for line in lines[1:]]
    assert rows != sorted(rows)
    start, stop, datakey, size = sorted(rows)[0]
    assert (start, stop[:19]) == ("2018-12-31T23:48:00Z", "2018-12-31T23:48:01")
    assert datakey == (
        "s3://gov-nasa-hdrl-data1/sdo/aia/20181231/0193/sdo_aia_h2_20181231T234800_0193_v1.fits"
    )
    assert int(size) == (folder / datakey.removeprefix("s3://gov-nasa-hdrl-data1/")).stat().st_size
    starts = [row[0] for row in sorted(rows)]
    assert "2018-12-31T23:52:00Z" not in starts
    assert len(starts) == 5


def test_catalog_lies_about_the_end_and_holds_a_malformed_time(written):
    folder, record = written
    catalog = json.loads((folder / "catalog.json").read_text())
    assert catalog["status"]["code"] == 1200
    assert [entry["id"] for entry in catalog["catalog"]] == ["aia_0193", "aia_0171"]
    for entry in catalog["catalog"]:
        assert Time(entry["stop"].rstrip("Z")) < record.frames["time"].min()
        with pytest.raises(ValueError, match="does not match"):
            Time(entry["modification"].rstrip("Z"))
    registry = json.loads((folder / "HelioDataRegistry.json").read_text())
    assert registry["registry"][0]["endpoint"] == "s3://gov-nasa-hdrl-data1/"


def test_record_names_every_file(written):
    folder, record = written
    on_disk = {str(path) for path in folder.rglob("*.fits")}
    assert {*record.urls(193), *record.urls(171)} == on_disk
    assert len(on_disk) == len(record.frames) == 10
    assert record.size == sum(os.path.getsize(path) for path in on_disk) * u.byte
    first = {
        channel: record.frames["time"][record.frames["wavelength"] == channel * u.AA][0]
        for channel in (193, 171)
    }
    apart = (first[193] - first[171]).to_value(u.s)
    assert abs(apart - (CHANNEL_OFFSETS[193] - CHANNEL_OFFSETS[171])) < 0.5


def test_file_is_laid_out_as_the_real_ones(written):
    _, record = written
    with fits.open(record.urls(193)[0]) as hdus:
        assert hdus[0].data is None
        assert hdus[1].name == "COMPRESSED_IMAGE"
        header = hdus[1].header
        assert header["NAXIS"] == 2
    assert len(header) == 171
    with fits.open(record.urls(193)[0], disable_image_compression=True) as hdus:
        table = hdus[1].header
    assert (table["ZCMPTYPE"], table["ZBITPIX"], table["ZTILE1"], table["ZTILE2"]) == ("RICE_1", 32, 60, 1)

    assert header.count("LICENSE") == 2
    assert header["OSCNMEAN"] is None
    assert (header["BLANK"], header["PROC_LEV"], header["CROTA2"]) == (-(2**31), "level_2HC", 0)
    assert "BUNIT" not in header
    assert "EFF_AREA" in header["HISTORY"][0]
    assert header.comments["T_OBS"] == "[ISO] Observation time"
    assert header["FILENAME"] == record.urls(193)[0].rpartition("/")[2]
    label = Time("2018-12-31T23:48:00")
    assert header["T_REC"] == "2018.12.31_23:48:23.000_UTC"
    middle = Time(header["T_OBS"])
    assert 0.5 < (middle - label).to_value(u.s) < 3.5
    since_start = (middle - Time(header["DATE-OBS"])).to_value(u.s)
    assert since_start == pytest.approx(header["EXPTIME"] / 2, abs=0.001)
    assert header["EXPTIME"] != 2


def test_damaged_frame(written):
    _, record = written
    damaged = record.frames["quality"] != 0
    assert np.flatnonzero(damaged).tolist() == [3, 8]
    with fits.open(record.frames["url"][3]) as hdus:
        assert hdus[1].header["QUALITY"] != 0
        assert hdus[1].header["PERCENTD"] == pytest.approx(200 / 3)
        missing = np.isnan(hdus[1].data)
    assert missing[40:].all()
    assert not missing[:40].any()


def test_share_of_gaps_and_of_bad_frames(tmp_path):
    record = write_bucket(
        str(tmp_path), n_frames=20, channels=[171], shape=(16, 16), gaps=0.25, bad_quality=0.2
    )
    assert len(record.frames) == 15
    assert 0 < np.count_nonzero(record.frames["quality"]) <= 4


def test_bucket_on_the_server_reads_anonymously(server):
    sun = SimulatedSun()
    record = write_bucket(server.url, sun, n_frames=1, shape=(60, 60), storage_options=server.storage_options)
    (url,) = record.urls(171)
    assert url == record.frames["datakey"][1]
    with fits.open(io.BytesIO(anonymous(url).cat_file(url))) as hdus:
        written_data = hdus[1].data.astype(int)
    frame = record.frames[1]
    expected, _ = sun.frame(171, frame["time"], frame["exposure_time"], shape=(60, 60))
    np.testing.assert_array_equal(written_data, expected)


def test_two_processes_write_what_one_does(tmp_path):
    for processes in (1, 2):
        # Six images: a process takes four at once.
        write_bucket(str(tmp_path / str(processes)), n_frames=3, shape=(60, 60), processes=processes)
    written = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.*"))
    assert len(written) == 10
    for path in written:
        assert (tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes()
