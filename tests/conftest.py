"""Fixtures of all tests: no settings of this machine, no window for plots, S3 servers on loopback."""

import gc
import os
import signal
import sys
import tempfile

import matplotlib
import pytest
from hypothesis import settings

# A shell starts commands in the background with Ctrl-C ignored; the processes of the tests would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Set before sunpy, astropy and s3fs are imported, which read these once.
os.environ["SUNPY_CONFIGDIR"] = os.environ["SUNPY_DOWNLOADDIR"] = tempfile.mkdtemp(prefix="sunpy-")
os.environ["SUNPY_HELIOCLOUD_CACHE"] = tempfile.mkdtemp(prefix="heliocloud-")
for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "ROOT_CATALOG_REGISTRY_URL"):
    os.environ.pop(name, None)

from astropy.utils import iers

from helpers import read_from, server_of_all_tests
from sunpy_heliocloud import cache

matplotlib.use("Agg")
# Without these, a time that is newer than the installed tables starts a download.
iers.conf.auto_download = False
iers.conf.auto_max_age = None
# No deadline: the machine may be busy.
settings.register_profile("sunpy_heliocloud", deadline=None)
settings.load_profile("sunpy_heliocloud")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Figures are compared without an option, where pytest-mpl is installed."""
    config.addinivalue_line("markers", "mpl_image_compare: compare with a picture (pytest-mpl)")
    if config.pluginmanager.hasplugin("pytest_mpl") and not config.getoption("--mpl-generate-path"):
        config.option.mpl = True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Half as many workers again as processors: a quarter of the time they wait for servers and other processes."""
    return -(-3 * (os.cpu_count() or 1) // 2)


# Files whose tests take longest. A worker of pytest-xdist is given whole files (make test): these come first, so that none
# of them is left over for the end.
LONG_FILES = (
    *("test_main_job.py", "test_interrupts.py", "test_time_lag_pairs.py", "test_schedulers.py"),
    *("test_losses.py", "test_real_data.py", "test_fuzz.py", "test_contexts.py", "test_resume.py"),
    *("test_worker.py", "test_how_to.py", "test_live_kernel.py", "test_registration.py", "test_soak.py"),
    *("test_saved.py", "test_refused.py", "test_download.py", "test_estimate.py", "test_sequence.py"),
)


def pytest_collection_modifyitems(items):
    """Tests of long files first."""
    items.sort(key=lambda item: item.path.name not in LONG_FILES)


def pytest_collection_finish():
    """
    What has been imported is left out of the collections of garbage from here on.

    A collection of everything takes a second, and tests of downloads begin one each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _figures():
    yield
    # Most tests do not import it.
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def _empty_cache():
    """Every test begins with an empty cache."""
    cache.clear()


@pytest.fixture(scope="session")
def one_server():
    """The server of `server`."""
    with server_of_all_tests() as server:
        yield server


@pytest.fixture
def server(one_server, monkeypatch):
    """An empty HelioCloud for one test, which is the S3 endpoint during the test. The tests share its server."""
    read_from(one_server, monkeypatch)
    yield one_server
    one_server.clear()
    if "s3fs" in sys.modules:  # it remembers listings for each server
        for files in sys.modules["s3fs"].S3FileSystem._cache.values():
            files.invalidate_cache()


@pytest.fixture
def short_pauses(monkeypatch):
    """Retries are made without a pause."""
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture(scope="session")
def real_bucket():
    """The real images, uploaded once to a server of their own."""
    folder = os.environ.get("HELIOCLOUD_REAL_DATA")
    if not folder:
        pytest.skip("HELIOCLOUD_REAL_DATA names no folder of real images")
    with server_of_all_tests() as server:
        server.upload(folder)
        yield server


@pytest.fixture
def real_data(real_bucket, monkeypatch):
    """The real images, on a server that is the S3 endpoint during the test."""
    read_from(real_bucket, monkeypatch)
    return real_bucket
