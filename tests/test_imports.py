"""What is imported with the package, and what only when it is used: names of modules, not times."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys

def new(code):
    before = set(sys.modules)
    exec(code)
    return sorted(set(sys.modules) - before)

from sunpy.net import Fido
package = new("import sunpy_heliocloud")
import sunpy.map, ndcube
print(json.dumps([package, new("from sunpy_heliocloud import LazyMapSequence")]))
"""


@pytest.fixture(scope="module")
def imported():
    """Modules that are imported with the package, by one who has sunpy.net; and with the sequence, by one who has Maps."""
    run = subprocess.run([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def packages(modules):
    """Packages of others."""
    return {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"sunpy_heliocloud"}


def test_who_has_sunpy_net_waits_for_nothing_else_but_fsspec_on_whose_thread_requests_are_made(imported):
    assert packages(imported[0]) <= {"platformdirs", "fsspec"}


def test_who_has_maps_and_ndcube_waits_for_no_other_package_for_a_sequence(imported):
    assert packages(imported[1]) <= {"platformdirs", "fsspec"}


@pytest.mark.parametrize(
    "module",
    [
        *(
            "channels",
            "cube",
            "display",
            "lags",
            "lazy.derotated",
            "lazy.estimate",
            "lazy.pencils",
            "simulation",
        ),
        *("kernels.correlation", "kernels.significance", "net.download", "net.search", "stacking", "store"),
    ],
)
def test_cubes_lags_displays_and_stores_are_imported_when_they_are_used(module, imported):
    name = f"sunpy_heliocloud.{module}"
    assert not [one for one in sum(imported, []) if one == name or one.startswith(f"{name}.")]
