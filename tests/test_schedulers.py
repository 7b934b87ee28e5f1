"""The same small job on threads, on the processes of a LocalCluster, and through a dask-gateway server."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from pathlib import Path

import dask
import numpy as np
import pytest
from dask_gateway import BasicAuth, Gateway
from distributed import Client, LocalCluster

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud  # NOQA: F401  registers the client
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy.losses import LostFrameWarning
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

GATEWAY_CONFIG = """
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.address = "127.0.0.1:{private}"
c.Proxy.address = "127.0.0.1:{public}"
c.SimpleAuthenticator.password = "loopback"
c.ClusterConfig.scheduler_cmd = ["dask", "scheduler"]
c.ClusterConfig.worker_cmd = ["dask", "worker"]
c.ClusterConfig.worker_cores = 1
"""


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


def test_local_cluster(job, on_threads):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        assert_same(dask.compute(*job), on_threads)
        persisted = dask.persist(*job)
        assert all(", persisted" in str(one) for one in persisted)
        assert_same(dask.compute(*persisted), on_threads)
        lost = LazyMapSequence([]).status
    assert len(lost) == 0


def test_frames_lost_on_workers_are_told_by_the_sequence(bucket):
    found = Fido.search(
        a.Time("2018-05-29T17:40", "2018-05-29T17:58"), a.Wavelength(171 * u.AA), a.heliocloud.Dataset("AIA")
    )
    sequence = LazyMapSequence(found, errors="mask")
    lost = sequence.urls[2]
    bucket.fail(f"*{lost.rpartition('/')[2]}", status=403, times=None)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", LostFrameWarning)  # it comes from the worker, at any time
        planes = sequence.to_cube().compute().data
        status = sequence.status
    bucket.heal()
    assert np.isnan(planes).all(axis=(1, 2)).tolist() == [url == lost for url in sequence.urls]
    assert status[status["status"] == "NaN"]["url"].tolist() == [lost]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def gateway(tmp_path):
    """A dask-gateway server on loopback, as a process of its own."""
    ports = {"private": free_port(), "public": free_port()}
    config = tmp_path / "gateway_config.py"
    config.write_text(GATEWAY_CONFIG.format(**ports))
    scripts = Path(sys.executable).parent
    log = tmp_path / "gateway.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [scripts / "dask-gateway-server", "--config", config],
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield connected(f"http://127.0.0.1:{ports['public']}", server, log)
    finally:
        server.terminate()
        server.wait(timeout=30)


def connected(address: str, server: subprocess.Popen, log: Path) -> Gateway:
    """The gateway's client, once the server answers and its proxy knows it."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/health"):
            return Gateway(address, auth=BasicAuth("tester", "loopback"))
        time.sleep(0.1)
    raise TimeoutError(f"the gateway did not answer within 30 s:\n{log.read_text()}")


def test_dask_gateway(job, on_threads, gateway):
    with gateway, gateway.new_cluster() as cluster:
        cluster.scale(2)
        with cluster.get_client() as client:
            client.wait_for_workers(2, timeout=60)
            assert_same(client.compute(list(job), sync=True), on_threads)
