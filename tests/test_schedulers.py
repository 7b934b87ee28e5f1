"""The same small job on threads, and on the processes of a LocalCluster; for dask-gateway see test_how_to.py."""

import threading
import warnings

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from servers import answer, raw_server
from small_bucket import image as small_image

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud  # NOQA: F401  registers the client
from sunpy_heliocloud import LazyMapSequence, limits
from sunpy_heliocloud.lazy.losses import LostFrameWarning
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket


@pytest.fixture(scope="module")
def bucket():
    with LocalServer() as server:
        write_bucket(
            server.url, SimulatedSun(), n_frames=16, shape=(250, 250), storage_options=server.storage_options
        )
        yield server


@pytest.fixture(scope="module")
def job(bucket):
    """Lag and correlation of two channels, lazy; built once, so that every scheduler gets the same graph."""
    found = Fido.search(
        a.Time("2018-05-29T17:00", "2018-05-29T20:00"),
        a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA),
        a.heliocloud.Dataset("AIA"),
    )
    hot, cool = (LazyMapSequence(table) for table in found)
    ref_map = cool.nearest("2018-05-29T18:00").submap([85, 115] * u.pix, width=50 * u.pix, height=40 * u.pix)
    cubes = [frames.to_cube().derotate_to(ref_map).resample_time(4 * u.min) for frames in (hot, cool)]
    bounds = {"lag_bounds": [-20, 20] * u.min, "at_bounds": "keep"}
    return cubes[0].time_lag(cubes[1], **bounds), cubes[0].max_cross_correlation(cubes[1], **bounds)


@pytest.fixture(scope="module")
def on_threads(job):
    return dask.compute(*job, scheduler="threads")


def assert_same(results, expected):
    for result, reference in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result.data, reference.data)
        assert np.isfinite(result.data).any()


def test_one_thread(job, on_threads):
    assert_same(dask.compute(*job, scheduler="synchronous"), on_threads)


@pytest.fixture(scope="module")
def cluster():
    """Its workers import for seconds, so that tests share it."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


def test_local_cluster(job, on_threads, cluster):
    with Client(cluster):
        assert_same(dask.compute(*job), on_threads)
        persisted = dask.persist(*job)
        assert all(", persisted" in str(one) for one in persisted)
        assert_same(dask.compute(*persisted), on_threads)
        lost = LazyMapSequence([]).status
    assert len(lost) == 0


def test_frames_lost_on_workers_are_told_by_the_sequence(bucket, cluster):
    found = Fido.search(
        a.Time("2018-05-29T17:40", "2018-05-29T17:58"), a.Wavelength(171 * u.AA), a.heliocloud.Dataset("AIA")
    )
    sequence = LazyMapSequence(found, errors="mask")
    lost = sequence.urls[2]
    bucket.fail(f"*{lost.rpartition('/')[2]}", status=403, times=None)
    with Client(cluster), warnings.catch_warnings():
        warnings.simplefilter("ignore", LostFrameWarning)  # it comes from the worker, at any time
        planes = sequence.to_cube().compute().data
        status = sequence.status
    bucket.heal()
    assert np.isnan(planes).all(axis=(1, 2)).tolist() == [url == lost for url in sequence.urls]
    assert status[status["status"] == "NaN"]["url"].tolist() == [lost]


@pytest.mark.parametrize("most", [1, 3, 9])
def test_requests_over_all_workers_are_kept_within_a_limit(cluster, monkeypatch, most):
    rng = np.random.default_rng(1)
    files = {f"/{i:02}.fits": small_image(i, 171, rng) for i in range(16)}
    under_way, numbers, lock = 0, [], threading.Lock()

    def respond(path, headers):
        nonlocal under_way
        first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
        part = files[path][first : last + 1]
        said = f"bytes {first}-{first + len(part) - 1}/{len(files[path])}"
        head, body = answer("206 Partial Content", part, Content_Range=said, ETag='"one"')
        with lock:
            under_way += 1
            numbers.append(under_way)
        yield head
        yield 0.02
        with lock:
            under_way -= 1
        yield body

    monkeypatch.setattr(limits, "requests", most)
    with raw_server(respond) as (base, _), Client(cluster):
        cube = LazyMapSequence([base + path for path in files]).to_cube()
        assert max(numbers) == most
        numbers.clear()
        assert np.isfinite(cube.compute().data).all()
    assert len(numbers) == 16
    assert max(numbers) <= most
    assert (max(numbers) > 1) == (most > 1)
