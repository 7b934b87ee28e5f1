"""Workers without the package, or with other versions: an error before the job, with the remedy."""

import asyncio
import importlib.metadata
import sys

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from small_bucket import image as small_image

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy import versions
from sunpy_heliocloud.lazy.reports import reported
from sunpy_heliocloud.lazy.versions import OtherVersionsError

REMEDY = "All processes of a job need the same versions: start the cluster with an image .*PipInstall"


@pytest.fixture
def cube(tmp_path):
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{i}.fits" for i in range(4)]
    for i, path in enumerate(paths):
        path.write_bytes(small_image(i, 171, rng))
    return LazyMapSequence([str(path) for path in paths]).to_cube()


@pytest.fixture(scope="module")
def cluster():
    """Its worker imports for seconds, so that tests share it."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


def pretend(name, version):
    """Have another version of a distribution; runs on a worker."""
    true = importlib.metadata.version
    importlib.metadata.true_version = true
    importlib.metadata.version = lambda one: version if one == name else true(one)
    versions._of_this_process.cache_clear()


def hide():
    """Have no such package; runs on a worker."""
    true = importlib.metadata.version

    def version(name):
        if name == "sunpy_heliocloud":
            raise importlib.metadata.PackageNotFoundError(name)
        return true(name)

    importlib.metadata.true_version, importlib.metadata.version = true, version
    sys.true_modules = {
        name: module for name, module in sys.modules.items() if name.startswith("sunpy_heliocloud")
    }
    sys.modules.update(dict.fromkeys(sys.true_modules))


async def be_true(dask_worker):
    """End all pretence, once nothing asks for versions any more; runs on a worker."""
    while dask_worker.state.executing_count:
        await asyncio.sleep(0.01)
    sys.modules.update(getattr(sys, "true_modules", {}))
    if hasattr(importlib.metadata, "true_version"):
        importlib.metadata.version = importlib.metadata.true_version
    if "sunpy_heliocloud.lazy.versions" in sys.modules:
        sys.modules["sunpy_heliocloud.lazy.versions"]._of_this_process.cache_clear()


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client
        client.run(be_true)


WAYS = {
    "compute": lambda cube, client, path: cube.compute(),
    "dask.compute": lambda cube, client, path: dask.compute(cube, cube.data.sum()),
    "sum": lambda cube, client, path: cube.data.sum().compute(),
    "persist": lambda cube, client, path: cube.persist().compute(),
    "future": lambda cube, client, path: client.compute(cube).result(),
    "save": lambda cube, client, path: cube.save(path),
}


@pytest.mark.parametrize("way", WAYS)
def test_workers_with_another_version_of_a_main_dependency_are_an_error_before_the_job(
    cube, client, way, tmp_path
):
    client.run(pretend, "numpy", "1.0")
    before = reported()
    said = rf"^The worker tcp://.* has numpy 1\.0 instead of {np.__version__}\. {REMEDY}"
    with pytest.raises(OtherVersionsError, match=said):
        WAYS[way](cube, client, tmp_path / "store")
    assert reported() == before


@pytest.mark.parametrize("way", WAYS)
def test_workers_without_the_package_are_an_error_before_the_job(cube, client, way, tmp_path):
    client.run(hide)
    with pytest.raises(OtherVersionsError, match=f"sunpy_heliocloud missing instead of .*{REMEDY}"):
        WAYS[way](cube, client, tmp_path / "store")


def test_of_asynchronous_clients_too(cube, client):
    client.run(pretend, "sunpy_heliocloud", "0.0")

    async def compute():
        async with Client(client.scheduler.address, asynchronous=True) as other:
            await other.compute(cube)

    with pytest.raises(OtherVersionsError, match=f"sunpy_heliocloud .* instead of .*{REMEDY}"):
        asyncio.run(compute())


def test_workers_that_come_during_a_job_compare_themselves(cube, client):
    """As of clusters that adapt."""
    assert np.isfinite(cube.compute().data).all()
    client.run(pretend, "numpy", "1.0")
    with pytest.raises(OtherVersionsError, match=rf"The worker tcp://.* has numpy 1\.0 .*{REMEDY}"):
        (cube * 2).compute()  # the result of the same may still be there


def test_after_the_remedy_the_same_client_computes(cube, client):
    client.run(hide)
    with pytest.raises(OtherVersionsError):
        cube.compute()
    client.run(be_true)
    assert np.isfinite(cube.compute().data).all()


def test_whoever_wants_to_computes_with_other_versions(cube, client):
    client.run(pretend, "numpy", "1.0")
    with dask.config.set({"sunpy-heliocloud.same-versions": False}):
        assert np.isfinite(cube.compute().data).all()
    assert np.isfinite(cube.compute(scheduler="threads").data).all()
    assert np.isfinite(cube.data.compute(scheduler="threads")).all()
