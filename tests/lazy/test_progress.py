"""Progress of what takes long, on any scheduler; quiet where nobody looks."""

import os
import pty
import sys
import threading
import types

import dask
import numpy as np
import pytest
from dask.callbacks import Callback
from small_bucket import image as small_image

from sunpy_heliocloud import LazyMapSequence, progress
from sunpy_heliocloud.lazy import jobs
from sunpy_heliocloud.lazy import progress as module
from sunpy_heliocloud.lazy.progress import Display, frames_in
from sunpy_heliocloud.lazy.reports import Report, receive


@pytest.fixture
def shown(monkeypatch):
    """Progress is shown at once, whoever looks."""
    monkeypatch.setattr(progress, "enabled", True)
    monkeypatch.setattr(progress, "delay", 0)


@pytest.fixture
def sequence(tmp_path):
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{i:02}.fits" for i in range(10)]
    for i, path in enumerate(paths):
        path.write_bytes(small_image(i, 171, rng))
    return LazyMapSequence([str(path) for path in paths])


def displayed(job, monkeypatch, during):
    """Display a job, and do something once its bar is there."""
    there, bar = threading.Event(), module._bar

    def make(**options):
        there.set()
        return bar(**options)

    monkeypatch.setattr(module, "_bar", make)
    display = Display.of(job)
    assert there.wait(10)
    during()
    job.ended.set()
    display.join()


def test_frames_bytes_rate_time_left_and_losses_are_shown(shown, monkeypatch, capsys):
    job = jobs.Job()
    job.graphs["some"] = {("a", 0): [types.SimpleNamespace(frame=0, exposure_time=1)] * 8}
    lost = [("s3://b/shown.fits", "all", "gone")]
    displayed(job, monkeypatch, lambda: receive(Report(6, lost, bytes=5_000_000)))
    line = capsys.readouterr().err.rpartition("\r")[2]
    assert "Computing:  75%" in line
    assert "6/8 [" in line
    assert "frame/s" in line
    assert ", 5 MB, " in line
    assert "MB/s" in line
    assert "1 lost" in line


def test_a_job_of_many_computations_has_one_bar(shown, monkeypatch, capsys):
    job = jobs.Job("Saving", "chunk", 4)
    displayed(job, monkeypatch, lambda: (receive(Report(3)), job.advance(2)))
    line = capsys.readouterr().err.rpartition("\r")[2]
    assert "Saving:  50%" in line
    assert "2/4 [" in line
    assert "3 frames" in line


def test_what_is_complete_is_shown_as_such_before_workers_have_reported_all(shown, monkeypatch, capsys):
    job = jobs.Job()
    job.graphs["some"] = {("a", 0): [types.SimpleNamespace(frame=0, exposure_time=1)] * 8}
    displayed(job, monkeypatch, lambda: (receive(Report(6)), setattr(job, "is_complete", True)))
    line = capsys.readouterr().err.rpartition("\r")[2]
    assert "100%" in line
    assert "8/8 [" in line


def test_a_line_in_a_terminal(monkeypatch, shown):
    """Of which the size is not known, as that of a new pseudo-terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(progress, "enabled", None)
        assert progress.is_shown
        displayed(jobs.Job("Reading headers", "file", 3), monkeypatch, lambda: None)
        terminal.flush()
        line = os.read(ours, 4096).decode()
    os.close(ours)
    assert "Reading headers:   0%" in line
    assert "0/3 [" in line


def test_what_ends_before_the_delay_is_not_shown(monkeypatch, sequence, capsys):
    monkeypatch.setattr(progress, "enabled", True)
    sequence.to_cube().compute()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("enabled", [True, False, None])
def test_quiet_when_not_interactive_or_told_so(monkeypatch, enabled):
    monkeypatch.setattr(progress, "enabled", enabled)
    assert progress.is_shown == (enabled is True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert progress.is_shown == (enabled is not False)


def test_notebooks_are_interactive(monkeypatch):
    shell = types.SimpleNamespace(kernel=1)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert progress.is_shown
    del shell.kernel
    assert not progress.is_shown


def test_without_an_error_stream_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not progress.is_shown


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("enabled", "no", "progress.enabled is 'no', but has to be True, False or None"),
        ("enabled", 1.0, "has to be True, False or None"),
        ("delay", -1, "progress.delay is -1, but has to be a number of seconds"),
        ("delay", None, "has to be a number of seconds"),
    ],
)
def test_values_of_other_kinds_are_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        setattr(progress, name, value)
    with pytest.raises(AttributeError, match="expected enabled or delay"):
        progress.quiet = True


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_failed_jobs_end_their_display(shown, sequence, scheduler):
    def fail(data, header):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dask.compute(sequence.apply(fail).to_cube(), scheduler=scheduler)
    assert jobs._running is None
    assert jobs._open == 0
    assert not any("progress" in one.name for one in threading.enumerate())


@pytest.mark.parametrize("made", ["read", "derotated", "resampled", "two"])
def test_the_frames_of_a_graph_are_counted(sequence, made):
    cube = sequence.to_cube()
    derotated = cube.derotate_to(sequence[5])
    what = {
        "read": [cube],
        "derotated": [derotated],
        "resampled": [derotated.resample_time(times=derotated.times[2:8])],
        "two": [cube, derotated],
    }[made]
    counted = []
    with Callback(start=lambda graph: counted.append(frames_in([graph]))):
        dask.compute(*what, scheduler="synchronous")
    assert counted == [{"two": 20, "resampled": 8}.get(made, 10)]
