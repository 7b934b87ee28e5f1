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


def test_who_has_sunpy_net_waits_for_nothing_else_but_the_place_of_the_cache(imported):
    assert packages(imported[0]) <= {"platformdirs"}


def test_who_has_maps_and_ndcube_waits_for_no_other_package_for_a_sequence(imported):
    assert not packages(imported[1])


@pytest.mark.parametrize(
    "module",
    [
        *(
            "channels",
            "coordinates.indexers",
            "cube",
            "derotation",
            "display",
            "io.location",
            "kernels",
            "lags",
            "lazy.frames",
            "lazy.joined",
            "lazy.reports",
            "simulation",
        ),
        *("metadata.channels", "net.download", "net.http", "net.overview", "net.refresh", "net.search"),
        *("net.walker", "stacking", "store"),
    ],
)
def test_what_opens_files_computes_searches_and_displays_is_imported_when_it_is_used(module, imported):
    name = f"sunpy_heliocloud.{module}"
    assert not [one for one in sum(imported, []) if one == name or one.startswith(f"{name}.")]
