"""What is printed is true: each state of an object says what it is, what is read, and what was done."""

import functools
import logging
import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest

import astropy.units as u

from helpers import no_compute, read_from
from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bucket():
    """Twelve frames of two channels, two hours apart."""
    with LocalServer() as server:
        options = {"shape": (60, 80), "cadence": 2 * u.hour, "storage_options": server.storage_options}
        server.frames = write_bucket(server.url, SimulatedSun(noise=False), n_frames=12, **options)
        yield server


@pytest.fixture
def server(bucket, monkeypatch):
    read_from(bucket, monkeypatch)
    return bucket


@pytest.fixture
def seq(server):
    return LazyMapSequence(server.frames.urls(171))


@pytest.fixture
def part(seq):
    return seq[6].submap([20, 20] * u.pix, top_right=[50, 40] * u.pix)


STAGES = {
    "frames": lambda seq, part: seq.to_cube(),
    "rows of frames": lambda seq, part: seq.to_cube()[:, 10:20],
    "a frame": lambda seq, part: seq.to_cube()[3],
    "arithmetic": lambda seq, part: seq.to_cube() * 2,
    "derotated": lambda seq, part: seq.to_cube().derotate_to(part),
    "a derotated plane": lambda seq, part: seq.to_cube().derotate_to(part)[3],
    "resampled": lambda seq, part: resampled(seq, part),
    "a plane": lambda seq, part: resampled(seq, part)[3],
    "planes": lambda seq, part: resampled(seq, part)[3:5],
    "a light curve": lambda seq, part: resampled(seq, part)[:, 4, 5],
    "footprint": lambda seq, part: seq.to_cube().derotate_to(part).footprint,
    "a lag": lambda seq, part: resampled(seq, part).time_lag(resampled(seq, part), at_bounds="keep"),
}


def resampled(seq, part):
    return seq.to_cube().derotate_to(part).resample_time(1 * u.hour)


@pytest.mark.parametrize("stage", STAGES)
def test_after_persist_nothing_is_to_read(server, seq, part, stage):
    with no_compute():
        lazy = STAGES[stage](seq, part)
        assert ", lazy" in str(lazy)
    persisted = lazy.persist()
    server.reset()
    assert ", persisted" in str(persisted)
    some = persisted[1:]
    for cube in (persisted, some, persisted * 2):
        assert ", lazy" in str(cube) or cube is persisted
        if isinstance(cube, TimeLagCube):
            assert (cube.estimate().frames, cube.estimate().requests) == (0, 0)
            assert str(cube.estimate()).startswith("nothing to read, ")
        cube.compute()
    assert server.requests == 0
    computed = persisted.compute()
    assert ", in memory" in str(computed)
    if isinstance(computed, TimeLagCube):
        assert str(computed.estimate()) == "nothing to read or to compute: the values are in memory"


def test_persisted_pairs_say_so(server, seq, part):
    cubes = [resampled(LazyMapSequence(server.frames.urls(channel)), part) for channel in (171, 193)]
    lags, _ = time_lag_pairs(cubes, at_bounds="keep")
    assert "1 map, lazy" in str(lags)
    assert "1 map, persisted" in str(lags.persist())
    assert "1 map, in memory" in str(lags.compute())


def test_planes_hours_apart_that_were_not_moved_with_the_sun_say_so(seq, part):
    times = part.reference_date + np.arange(5) * u.hour
    cube = TimeLagCube.from_array(np.zeros((5, *part.data.shape)), part, times)
    for one in (
        cube,
        cube[2:],
        cube * 2,
        cube.compute(),
        cube.resample_time(30 * u.min),
        cube[3],
        cube[:, 2, 3],
    ):
        assert "Grid:    shared, not derotated" in repr(one)
    assert "not derotated" in repr(seq.to_cube())
    derotated = seq.to_cube().derotate_to(part)
    for one in (derotated, derotated[3], cube.derotate_to(part)):
        assert "not derotated" not in repr(one)
        assert f"derotated to {part.reference_date.isot[:19]}" in repr(one)
    said = TimeLagCube.from_array(cube.data, part, times, meta={"derotated": "by another program"})
    assert "Grid:    by another program" in repr(said)


def test_a_plane_has_one_time_and_a_unit_has_a_name(seq, part):
    plane = seq.to_cube()[3]
    assert f"Times:   {plane.times.isot}\n" in repr(plane)
    assert "Unit:    DN / s\n" in repr(plane)
    assert "Unit:    none\n" in repr(plane.footprint)
    assert "Unit:    unknown\n" in repr(
        TimeLagCube.from_array(np.zeros((1, *part.data.shape)), part, ["2020-01-01"])
    )


def test_an_estimate_prints_well_as_the_last_line_of_a_cell(seq, part):
    estimate = resampled(seq, part).estimate()
    assert repr(estimate).startswith("<Estimate: 12 frames: 12 requests for ")
    assert "Quantity" not in repr(estimate)
    assert "0.0 " not in repr(estimate)
    assert repr(estimate)[11:-1] == str(estimate)


def long_enough(exposure):
    return exposure > 1


class Threshold:
    def __call__(self, exposure):
        return exposure > 1


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        pytest.param(long_enough, "long_enough", id="function"),
        pytest.param(lambda exposure: exposure > 1, "a function", id="lambda"),
        pytest.param(functools.partial(long_enough), "long_enough", id="partial"),
        pytest.param(
            functools.partial(lambda low, exposure: exposure > low, 1), "a function", id="partial lambda"
        ),
        pytest.param(np.isfinite, "isfinite", id="ufunc"),
        pytest.param(bool, "bool", id="type"),
        pytest.param(Threshold(), "Threshold", id="object"),
        pytest.param(Threshold().__call__, "__call__", id="method"),
        pytest.param((1, 3), "(1, 3)", id="range"),
    ],
)
def test_select_names_a_function_by_its_name(seq, caplog, condition, name):
    with caplog.at_level(logging.INFO, logger="sunpy"):
        seq.select(quality=0, exptime=condition)
    assert [record.message for record in caplog.records] == [
        f"0 of 12 frames dropped by quality=0, exptime={name}"
    ]


def test_warnings_and_the_line_of_select_are_printed_once(tmp_path):
    """
    Of sequences, of computations and of lost frames, in a script that searches with Fido.

    drms, which sunpy.net imports, has given the root logger a handler that prints all lines again.
    """
    script = """if True:
        import os
        import numpy as np
        import astropy.units as u
        import sunpy.map
        from sunpy.net import Fido
        from sunpy.coordinates import SphericalScreen
        from sunpy_heliocloud import LazyMapSequence
        from sunpy_heliocloud.simulation import SimulatedSun
        sun = SimulatedSun()
        frames = [sunpy.map.Map(*sun.frame(171, sun.time + i * u.min, shape=(12, 12))) for i in range(9)]
        for i, frame in enumerate(frames):
            frame.meta["quality"] = int(i == 4)
            frame.save(f"{i}.fits")
        LazyMapSequence("0.fits").select(quality=0)
        cube = LazyMapSequence("*.fits", errors="mask").to_cube()
        with SphericalScreen(frames[0].observer_coordinate):
            cube.derotate_to(frames[0])
        os.truncate("0.fits", 5760)
        cube.compute()
        ramp = cube._new_instance(data=np.arange(9.0)[:, None, None] * np.ones((9, 12, 12)))
        ramp.derotate_to(frames[0], screen=None).time_lag(
            ramp.derotate_to(frames[0]), lag_bounds=[1, 3] * u.min).compute()
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    printed = done.stdout + done.stderr
    warned = "have a QUALITY other than 0", "is called inside a", "A frame is NaN", "largest at an edge"
    for part in ("frames dropped by", *warned):
        assert printed.count(part) == 1, printed


RESULTS = """if True:
    import os, warnings
    import numpy as np
    from sunpy.net import Fido, attrs as a
    from sunpy_heliocloud import LazyMapSequence
    warnings.simplefilter("ignore")
    found = Fido.search(a.Time("2018-05-01", "2018-06-30"), a.heliocloud.Dataset("aia_0171"))
    found[0]["URL"][3] = found[0]["URL"][3].replace("_0171_", "_gone_")
    files = Fido.fetch(found, path="{file}")
    print([(file, os.path.getsize(file)) for file in sorted(files)], [error.url for error in files.errors])
    seq = LazyMapSequence(found, errors="mask")
    print(seq.urls, list(seq.status["url"]), list(seq.status["status"]), list(seq.verify()["checksums"]))
    print(np.nansum(seq.to_cube().compute().data))
"""


def test_tqdm_disable_does_not_change_results(server, tmp_path):
    """Neither what is downloaded, opened, left out and verified, nor the addresses of it; two processes at once."""
    running = []
    for disable in ("", "1"):
        folder = tmp_path / f"disable{disable}"
        folder.mkdir()
        more = {"TQDM_DISABLE": disable, "SUNPY_HELIOCLOUD_CACHE": "off", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", RESULTS]
        running.append(
            subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | more,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    (usual, bars), (disabled, no_bars) = (process.communicate(timeout=100) for process in running)
    assert usual == disabled
    assert "HelioCloud: " in bars
    assert "HelioCloud: " not in no_bars
    assert "_gone_" in usual
    assert "left out" in usual


def test_nothing_is_computed_for_a_display(seq, part):
    with no_compute(), dask.config.set(scheduler="sync"):
        for stage in STAGES.values():
            repr(stage(seq, part))


def test_times_of_sequences_and_cubes_are_printed_as_iso_dates(seq, part):
    derotated = seq.derotate_to(part)
    joined = seq[:3] + seq[3:]
    renewed = seq.update_headers(lambda header: header)
    for one in (
        seq,
        seq[[0, 3]],
        joined,
        renewed,
        *seq.split(),
        seq.to_cube(),
        derotated,
        resampled(seq, part),
    ):
        assert one.times.format == "isot"
        assert str(one.times[0]).startswith("2018-05-29T")
    assert str(derotated.frames["time"][0]) == str(derotated.times[0]) == str(derotated[0].times)
    assert str(seq.times[0]) in str(derotated.frames["time"])
