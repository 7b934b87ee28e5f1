"""Saving that was interrupted goes on: only what is missing is read, and the result is the same to the bit."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from small_bucket import frame_requests, sequence_of

import astropy.units as u

from sunpy_heliocloud import LagMap, TimeLagCube


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def uninterrupted(stored):
    """The files of a store that was saved in one go."""
    return contents(stored)


def test_only_what_is_missing_is_read_and_the_result_is_the_same_to_the_bit(
    derotated, bucket, tmp_path, uninterrupted
):
    bucket.fail("171/*.fits", status=404, times=1, after=25)
    with dask.config.set(scheduler="synchronous"), pytest.raises(OSError, match="171/") as failed:
        derotated.save(tmp_path / "store")
    assert "save again, and only the rest is computed" in "".join(failed.value.__notes__)
    before = frame_requests(bucket)
    done = len(list((tmp_path / "store" / "data" / "done").iterdir()))
    assert done >= 1
    bucket.reset()
    derotated.save(tmp_path / "store")
    assert frame_requests(bucket) <= 40 - 16 * done + 8
    assert before < 40
    assert contents(tmp_path / "store") == uninterrupted


def test_a_complete_store_is_not_computed_again(derotated, resampled, hot, bucket, tmp_path):
    lags = hot.time_lag(resampled, at_bounds="keep")
    for name, one in (("cube", derotated), ("lags", lags)):
        one.save(tmp_path / name)
        bucket.reset()
        one.save(tmp_path / name)
        assert frame_requests(bucket) == 0
    np.testing.assert_array_equal(LagMap.load(tmp_path / "lags").data, lags.compute().data)


def test_another_sequence_of_the_same_frames_goes_on(derotated, target, bucket, tmp_path):
    derotated.save(tmp_path / "store")
    again = sequence_of(bucket.images[171]).to_cube().derotate_to(target)
    bucket.reset()
    with dask.config.set({"sunpy-heliocloud.frames-per-task": 3}):
        again.save(tmp_path / "store")
    assert frame_requests(bucket) == 0


def test_ctrl_c_costs_what_was_under_way(derotated, bucket, tmp_path, uninterrupted, monkeypatch):
    from sunpy_heliocloud.store import local_files

    write, written = local_files.write, []

    def interrupted(path, data, **kwargs):
        write(path, data, **kwargs)
        written.append(path)
        if path.endswith("done/1.0.0.json"):
            raise KeyboardInterrupt

    monkeypatch.setattr(local_files, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        derotated.save(tmp_path / "store")
    monkeypatch.undo()
    time.sleep(0.3)  # threads that are in the middle of a task finish it
    bucket.reset()
    derotated.save(tmp_path / "store")
    assert frame_requests(bucket) <= 32
    assert contents(tmp_path / "store") == uninterrupted


def test_a_full_disk_is_an_error_that_says_so_and_costs_nothing_else(
    derotated, bucket, tmp_path, uninterrupted, monkeypatch
):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        count = iter(range(100))
        sync = os.fsync
        patch.setattr(
            os, "fsync", lambda descriptor: full(descriptor) if next(count) > 2 else sync(descriptor)
        )
        with pytest.raises(OSError, match="could not write .*: .*No space left on device"):
            derotated.save(tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.part"))
    derotated.save(tmp_path / "store")
    assert contents(tmp_path / "store") == uninterrupted


def test_a_store_that_is_away_for_a_while_is_waited_for(raw, bucket, remote, monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.store.place.PAUSES", (0.01,) * 7)
    url, options = remote
    bucket.fail("a cube/data/c/1/0/0", status=403, times=3, methods=("PUT",))
    monkeypatch.setattr("sunpy_heliocloud.store.place._FINAL", (FileExistsError, FileNotFoundError))
    raw.save(url, storage_options=options)
    assert frame_requests(bucket) == 40
    np.testing.assert_array_equal(
        TimeLagCube.load(url, storage_options=options).compute().data, raw.compute().data
    )


def test_a_store_in_s3_goes_on_where_it_stopped(raw, bucket, remote):
    url, options = remote
    bucket.fail("a cube/data/c/*", status=403, times=1, after=1, methods=("PUT",))
    with (
        dask.config.set(scheduler="synchronous"),
        pytest.raises(OSError, match="could not write s3://stores/a cube/data"),
    ):
        raw.save(url, storage_options=options)
    bucket.reset()
    raw.save(url, storage_options=options)
    assert frame_requests(bucket) <= 24
    np.testing.assert_array_equal(
        TimeLagCube.load(url, storage_options=options).compute().data, raw.compute().data
    )


@pytest.mark.parametrize("where", ["local", "s3"])
def test_two_writers_do_not_corrupt_a_store(where, derotated, tmp_path, remote, uninterrupted):
    url, options = remote if where == "s3" else (str(tmp_path / "store"), None)
    errors = []

    def write():
        try:
            derotated.save(url, storage_options=options)
        except Exception as error:  # noqa: BLE001  it is looked at below
            errors.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert errors == []
    loaded = TimeLagCube.load(url, storage_options=options)
    np.testing.assert_array_equal(loaded.compute().data, derotated.compute().data)
    if where == "local":
        assert contents(tmp_path / "store") == uninterrupted


def test_of_two_different_writers_one_is_refused(derotated, raw, tmp_path):
    errors = []

    def write(cube):
        try:
            cube.save(tmp_path / "store")
        except ValueError as error:
            errors.append(str(error))

    writers = [threading.Thread(target=write, args=(cube,)) for cube in (derotated, raw)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(errors) == 1
    assert "was made for something else" in errors[0]
    TimeLagCube.load(tmp_path / "store").compute()


# ---- kill -9

SAVE = """
    import sys
    import small_bucket
    from sunpy_heliocloud import LazyMapSequence

    sequence = LazyMapSequence(sys.argv[2:])
    sequence.to_cube().derotate_to(small_bucket.ref_map(sequence)).save(sys.argv[1])
"""


def test_a_killed_client_costs_at_most_32_frames(derotated, bucket, tmp_path, uninterrupted):
    """It starts a process, which imports for seconds."""
    store, root = tmp_path / "store", Path(__file__).parents[2]
    bucket.latency = 50 * u.ms
    client = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SAVE), store, *bucket.images[171]],
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
        stderr=subprocess.DEVNULL,
    )
    while not any((store / "data" / "done").glob("*.json")) and client.poll() is None:
        time.sleep(0.01)
    client.send_signal(signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL
    bucket.latency *= 0
    bucket.reset()
    derotated.save(store)
    assert frame_requests(bucket) <= 32
    assert contents(store) == uninterrupted


def test_a_killed_worker_costs_at_most_32_frames(derotated, bucket, tmp_path, uninterrupted):
    """It starts a cluster, whose workers import for seconds."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        killer = threading.Thread(target=_kill_once_there_is, args=(tmp_path / "store", min(pids.values())))
        killer.start()
        derotated.save(tmp_path / "store")
        killer.join()
    assert 40 <= frame_requests(bucket) <= 40 + 32
    assert contents(tmp_path / "store") == uninterrupted


def test_a_killed_scheduler_ends_the_save_which_then_goes_on_without_it(derotated, tmp_path, uninterrupted):
    """It starts a scheduler, without workers; the client tries for a second to reach it again."""
    file = tmp_path / "scheduler.json"
    command = [
        sys.executable,
        "-m",
        "dask",
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    scheduler = subprocess.Popen(
        [*command, "--dashboard-address", "127.0.0.1:0", "--scheduler-file", file], stderr=subprocess.DEVNULL
    )
    while not file.exists() and scheduler.poll() is None:
        time.sleep(0.01)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        Client(scheduler_file=str(file)) as client,
    ):

        def kill():
            while not client.futures:
                time.sleep(0.01)
            scheduler.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(OSError, match="the cluster does not compute any more") as error:
            derotated.save(tmp_path / "store")
        killer.join()
    scheduler.wait()
    assert "What is written stays: save again, and only the rest is computed." in error.value.__notes__
    derotated.save(tmp_path / "store")
    assert contents(tmp_path / "store") == uninterrupted


def _kill_once_there_is(store, pid):
    for _ in range(3000):
        if (store / "data" / "done").exists():
            break
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("made", ["resampled", "arithmetic", "difference"])
def test_each_frame_is_read_once_for_chunks_that_share_frames(made, derotated, resampled, bucket, tmp_path):
    cube = {"resampled": resampled, "arithmetic": resampled * 2, "difference": derotated.difference()}[made]
    cube.save(tmp_path / "store")
    assert frame_requests(bucket) == 40
    np.testing.assert_array_equal(TimeLagCube.load(tmp_path / "store").compute().data, cube.compute().data)


def test_resampled_planes_go_on_where_they_stopped(resampled, bucket, tmp_path):
    bucket.fail("171/*.fits", status=404, times=1, after=30)
    with dask.config.set(scheduler="synchronous"), pytest.raises(OSError, match="171/"):
        resampled.save(tmp_path / "store")
    done = len(list((tmp_path / "store" / "data" / "done").iterdir()))
    bucket.reset()
    resampled.save(tmp_path / "store")
    assert frame_requests(bucket) <= 20 * (3 - done)
    np.testing.assert_array_equal(
        TimeLagCube.load(tmp_path / "store").compute().data, resampled.compute().data
    )
