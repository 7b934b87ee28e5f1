import concurrent.futures
import time
import warnings

import pytest
from distributed import Client, LocalCluster

from sunpy_heliocloud.lazy.losses import LostFrameWarning, lost_frames, report_loss


def test_a_loss_is_warned_of_and_remembered():
    url = "s3://bucket/once.fits"
    began = time.time()
    for reason in ("gone", "gone again"):
        with pytest.warns(LostFrameWarning, match=f"A frame is NaN, since errors='mask': {reason}"):
            report_loss(url, reason)
    assert lost_frames(["s3://bucket/other.fits", url], since=began) == {url: "gone again"}


def test_earlier_losses_do_not_count():
    url = "s3://bucket/mended.fits"
    with pytest.warns(LostFrameWarning):
        report_loss(url, "gone")
    assert lost_frames([url], since=time.time()) == {}


def test_losses_in_many_threads():
    began = time.time()
    urls = [f"s3://bucket/thread{i}.fits" for i in range(50)]
    with pytest.warns(LostFrameWarning), concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(report_loss, urls * 4, ["gone"] * 200))
    assert lost_frames(urls, since=began) == dict.fromkeys(urls, "gone")


def test_losses_on_workers_reach_the_client():
    url = "s3://bucket/worker.fits"
    began = time.time()
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        client.submit(report_loss, url, "gone on a worker").result()
        assert lost_frames([url], since=began) == {url: "gone on a worker"}
        assert lost_frames([url], since=time.time() + 60) == {}
        time.sleep(0.5)  # the warning travels by itself
    assert "gone on a worker" in [str(warning.message) for warning in caught][0]
    assert lost_frames([url], since=began) == {}
