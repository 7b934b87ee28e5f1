"""Frames that are lost: known for each, whatever computes them, and told once."""

import asyncio
import concurrent.futures
import os
import signal
import warnings
from contextlib import contextmanager
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster, wait
from small_bucket import image as small_image

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy.jobs import listen
from sunpy_heliocloud.lazy.losses import LostFrameWarning, lost_frames, warn_of_losses
from sunpy_heliocloud.lazy.reports import Report, next_number, receive, report

HERE = (__file__, 1)


def lose(url, reason="gone", part="rows 0 to 10"):
    report(Report(1, lost=[(url, part, reason)]))


@contextmanager
def caught_losses():
    """The messages of warnings of lost frames."""
    messages = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages += [str(one.message) for one in caught if issubclass(one.category, LostFrameWarning)]


def test_the_reason_of_the_last_loss_counts():
    url, since = "s3://bucket/once.fits", next_number()
    lose(url, "gone")
    lose(url, "gone again")
    assert lost_frames(["s3://bucket/other.fits", url], since) == {url: "gone again"}


def test_earlier_losses_do_not_count():
    url = "s3://bucket/mended.fits"
    lose(url)
    assert lost_frames([url], since=next_number()) == {}


def test_what_is_read_again_with_success_is_not_lost():
    """As after the death of the worker that had lost it; another part of the frame may still be."""
    url, since = "s3://bucket/again.fits", next_number()
    lose(url, part="rows 0 to 10")
    lose(url, "gone, too", part="rows 10 to 20")
    report(Report(1, good=[(url, "rows 10 to 20")]))
    assert lost_frames([url], since) == {url: "gone"}
    report(Report(1, good=[(url, "rows 0 to 10")]))
    assert lost_frames([url], since) == {}


def test_losses_in_many_threads():
    since, urls = next_number(), [f"s3://bucket/thread{i}.fits" for i in range(50)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lose, urls * 4))
    assert lost_frames(urls, since) == dict.fromkeys(urls, "gone")


def test_one_warning_counts_losses_with_reasons():
    lost = {
        f"s3://b/{i}.fits": f"Could not read bytes 0 to 9 of s3://b/{i}.fits: gone" for i in range(10_000)
    }
    lost |= {f"s3://b/{i}.fits": f"Could not read s3://b/{i}.fits: kind {i}" for i in range(4)}
    with pytest.warns(LostFrameWarning) as caught:
        warn_of_losses(lost, HERE)
    (message,) = (str(one.message) for one in caught)
    assert message.startswith(
        "10,000 frames are NaN, since errors='mask' (.status lists them): 9,996 × gone; 1 × kind"
    )
    assert "; 2 other reasons. One of them is s3://b/0.fits" in message
    assert len(message) < 300


def test_reasons_that_name_the_file_more_than_once_are_counted_together():
    lost = {
        f"/a/{i}.fits": f"Could not read bytes {i}000 to 9999 of /a/{i}.fits: FileNotFoundError: no file: '/a/{i}.fits'"
        for i in range(3)
    }
    with pytest.warns(LostFrameWarning, match="3 × FileNotFoundError: no file: '…'. One of them"):
        warn_of_losses(lost, HERE)


# ---- sequences


@pytest.fixture
def files(tmp_path):
    """Twelve files, of which three end before their pixels."""
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{i:02}.fits" for i in range(12)]
    for i, path in enumerate(paths):
        path.write_bytes(small_image(i, 171, rng))
    return [str(path) for path in paths]


@pytest.fixture
def torn(files):
    """A sequence of them, three of which were cut after it was made."""
    sequence = LazyMapSequence(files, errors="mask")
    for path in files[2:5]:
        with open(path, "r+b") as file:
            file.truncate(5000)
    return sequence


IS_LOST = [False] * 2 + [True] * 3 + [False] * 7


def lost_in(sequence):
    return (sequence.status["status"] == "NaN").tolist()


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_status_is_right_on_schedulers_of_one_machine_with_one_warning_at_the_callers_line(torn, scheduler):
    """The pool's processes import for seconds."""
    with pytest.warns(LostFrameWarning, match="^3 frames are NaN.* 3 × the file has been replaced") as caught:
        dask.compute(torn.to_cube(), scheduler=scheduler, num_workers=1)
    assert [one.filename for one in caught] == [__file__]
    assert lost_in(torn) == IS_LOST


def test_status_is_right_whatever_clocks_say(torn, monkeypatch):
    for clock in ("time", "monotonic"):
        monkeypatch.setattr(f"time.{clock}", lambda: -1e9)
    with pytest.warns(LostFrameWarning):
        torn.to_cube().compute(scheduler="synchronous")
    assert lost_in(torn) == IS_LOST


def test_a_frame_that_is_mended_is_ok_again(files):
    sequence = LazyMapSequence(files, errors="mask")
    cube, path = sequence.to_cube(), Path(files[2])
    path.rename(path.with_suffix(".away"))
    with pytest.warns(LostFrameWarning, match="^A frame is NaN.*02.fits"):
        cube.compute()
    path.with_suffix(".away").rename(path)
    cube.compute()
    assert not any(lost_in(sequence))


def test_two_computations_at_once_do_not_end_the_warnings(torn):
    """Of dask's callbacks only one computation at a time is told, and the last to end restores what it has found."""
    with caught_losses(), concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: torn.to_cube().compute(), range(4)))
    with pytest.warns(LostFrameWarning):
        torn.to_cube().compute()


@pytest.fixture(scope="module")
def cluster():
    """Its workers import for seconds, so that tests share it."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def test_status_is_right_on_a_cluster_also_after_it_is_closed(torn, cluster):
    with caught_losses() as messages, Client(cluster):
        torn.to_cube().compute()
        assert lost_in(torn) == IS_LOST
    assert len(messages) == 1
    assert messages[0].startswith("3 frames are NaN")
    assert lost_in(torn) == IS_LOST


def test_status_is_right_where_arrays_are_persisted_or_made_by_dask(torn, cluster):
    with caught_losses() as messages, Client(cluster) as client:
        assert np.isnan(client.compute(torn.to_cube().data.sum(axis=(1, 2))).result()).tolist() == IS_LOST
        assert lost_in(torn) == IS_LOST
        sequence = torn[1:4]
        persisted = sequence.to_cube().data.persist()
        assert np.isnan(persisted.sum().compute())
    assert lost_in(sequence) == [False, True, True]
    assert len(messages) >= 1


def test_status_is_right_with_asynchronous_clients(torn, cluster):
    async def compute():
        async with Client(cluster.scheduler_address, asynchronous=True) as client:
            await client.compute(torn.to_cube())
            return lost_in(torn)

    with caught_losses() as messages:
        assert asyncio.run(compute()) == IS_LOST
    assert len(messages) == 1


def lose_many(first):
    for i in range(first, first + 100):
        lose(f"s3://bucket/many{i}.fits", "gone on a worker")
    return first


def test_status_is_right_for_10000_losses_as_for_one(cluster):
    """distributed keeps 1,000 events of a topic."""
    since = next_number()
    with Client(cluster) as client:
        listen(client)
        client.gather(client.map(lose_many, range(0, 10_000, 100)))
    urls = [f"s3://bucket/many{i}.fits" for i in range(10_100)]
    assert lost_frames(urls, since) == dict.fromkeys(urls[:10_000], "gone on a worker")


def test_status_is_right_after_kills_and_retries(files, cluster):
    """What a killed worker held is read again; a frame that was lost is there now. A worker starts again for seconds."""
    sequence, away = LazyMapSequence(files, errors="mask"), Path(files[2]).with_suffix(".away")
    Path(files[2]).rename(away)
    with caught_losses() as messages, Client(cluster) as client:
        cube = sequence.to_cube().persist()
        wait(cube.data)
        assert lost_in(sequence) == [False, False, True, *[False] * 9]
        away.rename(files[2])
        pids, holders = client.run(os.getpid), client.who_has(cube.data)
        [killed] = {worker for key, workers in holders.items() if int(key[1]) == 2 for worker in workers}
        os.kill(pids[killed], signal.SIGKILL)
        assert np.isfinite(cube.data.sum().compute())
        assert not any(lost_in(sequence))
    assert len(messages) == 1


def test_arrays_without_frames_are_no_matter(cluster):
    with caught_losses() as messages, Client(cluster):
        assert da.ones(10).sum().compute() == 10
    assert messages == []
    receive(Report(0))
