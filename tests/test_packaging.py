"""What pyproject.toml, the recipe of conda-forge and continuous integration say of the same things."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# conda-forge's names of parts of packages.
NAMES = {"astropy-base": "astropy", "dask-core": "dask"}


@pytest.fixture(scope="module")
def project():
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the package is installed without its sources")
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(lines):
    """Names and versions, without extras."""
    parts = [re.fullmatch(r"([\w.-]+)(?:\[.*\])?\s*(.*)", line).groups() for line in lines]
    return {NAMES.get(name, name): version for name, version in parts}


def test_conda_installs_what_pip_installs(project):
    recipe = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text())
    expected = requirements(project["project"]["dependencies"])
    expected["python"] = project["project"]["requires-python"]
    assert requirements(recipe["requirements"]["run"]) == expected


def test_no_compiler_of_python_is_a_dependency(project):
    assert not {"numba", "llvmlite", "cython"} & set(requirements(project["project"]["dependencies"]))


def test_wheels_are_built_for_all_platforms_and_tested_with_the_newest_python():
    workflow = ROOT / ".github/workflows/ci.yml"
    if not workflow.exists():
        pytest.skip("the package is installed without its sources")
    build = yaml.safe_load(workflow.read_text())["jobs"]["build"]["with"]
    targets = [one if isinstance(one, str) else one["target"] for one in yaml.safe_load(build["targets"])]
    platforms = ("manylinux_x86_64", "manylinux_aarch64", "macosx_arm64", "macosx_x86_64", "win_amd64")
    assert targets == [f"cp31{{2,4}}-{platform}" for platform in platforms]
