"""Every public name has an example in its docstring, which runs."""

import doctest
import importlib
import inspect
import logging
import os
import re
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time

from sunpy import log
from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud
from sunpy_heliocloud import LazyMapSequence, TimeLagCube, limits, progress, time_lag_pairs
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.rst"
# These make objects that users are given, out of parts that only the package has.
INTERNAL = {
    "sunpy_heliocloud.io.cache.Cache.array",
    "sunpy_heliocloud.io.cache.Cache.confirm",
    "sunpy_heliocloud.io.cache.Cache.find",
    "sunpy_heliocloud.io.cache.Cache.find_headers",
    "sunpy_heliocloud.io.cache.Cache.forget",
    "sunpy_heliocloud.io.cache.Cache.keep",
    "sunpy_heliocloud.io.cache.Cache.keep_headers",
    "sunpy_heliocloud.io.cache.Cache.last",
    "sunpy_heliocloud.lags.correlation_cube.CorrelationCube.at_lags",
    "sunpy_heliocloud.lags.lag_cube.LagCube.of_windows",
    "sunpy_heliocloud.lags.marks.CountingCube.from_results",
    "sunpy_heliocloud.lags.marks.CountingCube.with_marks",
    "sunpy_heliocloud.lazy.computable.ComputableCube.fill_masked",
    "sunpy_heliocloud.lazy.cube.DaskCube.reproject_to",
    "sunpy_heliocloud.store.stored.StoredCube.with_origin",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_objects():
    """All classes, functions, methods and properties of the reference, by name."""
    text = REFERENCE.read_text() if REFERENCE.exists() else ""
    objects = {}
    for module_name, options in re.findall(r"automodapi:: (\S+)\n((?:   :.*\n)*)", text):
        module = importlib.import_module(module_name)
        included = re.search(r":include: (.+)", options)
        for name in included[1].split(", ") if included else module.__all__:
            one = getattr(module, name)
            if not (inspect.isclass(one) or inspect.isfunction(one)):
                continue
            home = f"{one.__module__}.{one.__name__}"
            objects[home] = one
            for member, value in vars(one).items() if inspect.isclass(one) else ():
                function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if not member.startswith("_") and inspect.isfunction(function):
                    objects[f"{home}.{member}"] = function
    return objects


OBJECTS = public_objects()


def examples_of(name):
    parser = doctest.DocTestParser()
    return parser.get_doctest(inspect.getdoc(OBJECTS[name]) or "", {}, name, None, None)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the examples of the reference call by name: a small archive, and what is made of it."""
    folder = tmp_path_factory.mktemp("examples")
    before, sun = os.getcwd(), SimulatedSun()
    shown = progress.enabled
    os.chdir(folder)
    log.setLevel(logging.WARNING)  # It would be an output of the examples.
    with LocalServer() as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_bucket(server.url, sun, n_frames=30, shape=(64, 64), storage_options=server.storage_options)
        day = a.Time("2018-05-29T16:00", "2018-05-29T20:00")
        found = Fido.search(
            day, a.heliocloud.Dataset("AIA"), a.Wavelength(193 * u.AA) | a.Wavelength(171 * u.AA)
        )
        seq_193, seq_171 = (LazyMapSequence(table) for table in found)
        full_disk = seq_171[15]
        ref_map = full_disk.submap([22, 32] * u.pix, top_right=[33, 43] * u.pix)
        cubes = [one.to_cube().derotate_to(ref_map).resample_time(4 * u.min) for one in (seq_193, seq_171)]
        cube_193, cube_171 = cubes
        bounds = {"lag_bounds": [-20, 20] * u.min}
        lag = cube_193.time_lag(cube_171, **bounds)
        lags, correlations = time_lag_pairs(cubes, **bounds)
        path = SkyCoord([-150, 0] * u.arcsec, [150, 300] * u.arcsec, frame=ref_map.coordinate_frame)
        yield {
            "Fido": Fido, "LazyMapSequence": LazyMapSequence, "LocalServer": LocalServer,
            "SimulatedSun": SimulatedSun, "SkyCoord": SkyCoord, "Time": Time, "TimeLagCube": TimeLagCube, "a": a,
            "correlations": correlations, "cube_171": cube_171, "cube_193": cube_193,
            "diagram": cube_171.time_distance(path), "found": found, "lag": lag, "lags": lags, "limits": limits,
            "np": np, "plt": plt, "ref_map": ref_map, "seq": seq_171, "server": server,
            "sunpy_heliocloud": sunpy_heliocloud, "u": u, "write_bucket": write_bucket,
        }  # fmt: skip
    progress.enabled = shown
    log.setLevel(logging.INFO)
    os.chdir(before)


@pytest.mark.skipif(not OBJECTS, reason="the package is installed without its documentation")
def test_every_public_name_has_an_example():
    missing = [name for name in OBJECTS if name not in INTERNAL and not examples_of(name).examples]
    assert missing == []


@pytest.mark.filterwarnings("ignore")  # Of lags at edges, which thirty frames have.
@pytest.mark.parametrize("name", [name for name in OBJECTS if examples_of(name).examples])
def test_examples_of_docstrings_run(names, name, capsys):
    test = examples_of(name)
    test.globs = dict(names)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    failures, _ = runner.run(test, clear_globs=False)
    plt.close("all")
    if failures:
        pytest.fail(capsys.readouterr().out, pytrace=False)
