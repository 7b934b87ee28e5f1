"""The client is registered when `sunpy.net` is imported; nothing that goes wrong with that breaks `sunpy.net`."""

import subprocess
import sys

import pytest

HOOKS = "sum('sunpy_heliocloud' in type(finder).__module__ for finder in sys.meta_path)"


def run(code: str) -> subprocess.CompletedProcess:
    """In a new process, where warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", f"import importlib, sys\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )


def succeeded(code: str) -> subprocess.CompletedProcess:
    done = run(code)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "imports",
    [
        "import sunpy_heliocloud; from sunpy.net import Fido, attrs as a",
        "from sunpy.net import Fido, attrs as a; import sunpy_heliocloud",
        "import sunpy_heliocloud.net; from sunpy.net import Fido, attrs as a",
        "from sunpy_heliocloud import net; from sunpy.net import Fido, attrs as a",
        "import sunpy_heliocloud; sunpy_heliocloud.net.datasets; from sunpy.net import Fido, attrs as a",
        "import sunpy_heliocloud.kernels; import sunpy.net.vso; from sunpy.net import Fido, attrs as a",
    ],
)
def test_the_client_is_registered_once_in_whatever_order_things_are_imported(imports):
    succeeded(
        f"{imports}\n"
        "assert [client.__name__ for client in Fido.registry].count('HelioCloudClient') == 1\n"
        f"assert a.heliocloud.Dataset and {HOOKS} == 0"
    )


def test_sunpy_net_is_not_imported_for_this_package_s_sake():
    succeeded("import sunpy_heliocloud\nassert 'sunpy' not in sys.modules")
    succeeded("import sunpy_heliocloud.lazy.tasks\nassert 'sunpy' not in sys.modules")


@pytest.mark.parametrize("error", ["ImportError", "UserWarning"])
def test_an_exception_inside_the_client_s_import_leaves_sunpy_net_whole(error):
    done = succeeded(
        f"""
import importlib.abc, sunpy_heliocloud
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "sunpy_heliocloud.net.client":
            raise {error}("broken on purpose")
sys.meta_path.insert(0, Broken())
from sunpy.net import Fido, attrs as a
assert "CDAWEBClient" in [client.__name__ for client in Fido.registry]
assert not hasattr(a, "heliocloud") and {HOOKS} == 0
"""
    )
    assert f"{error}: broken on purpose" in done.stderr
    assert "import sunpy_heliocloud.net" in done.stderr


def test_sunpy_net_s_own_exception_is_its_own():
    done = run(
        """
import sunpy_heliocloud, sunpy
sys.modules["sunpy.net.vso"] = None
import sunpy.net
"""
    )
    assert "import of sunpy.net.vso halted" in done.stderr.splitlines()[-1]


def test_sunpy_can_be_reloaded_and_imported_again():
    succeeded(
        f"""
import sunpy_heliocloud, sunpy
importlib.reload(sunpy)
import sunpy.net
importlib.reload(sunpy.net)
importlib.reload(sunpy_heliocloud)
assert sunpy.net.__spec__.loader is sunpy.net.__loader__
assert type(sunpy.net.__loader__).__name__ == "SourceFileLoader"
del sys.modules["sunpy.net"]
importlib.reload(sunpy_heliocloud)
from sunpy.net import Fido, attrs as a
assert "HelioCloudClient" in [client.__name__ for client in Fido.registry]
assert a.heliocloud.Dataset and {HOOKS} == 0
"""
    )


def test_sunpy_net_is_imported_anew_after_its_attrs_are_cleared():
    succeeded(
        f"""
import sunpy_heliocloud
from sunpy.net import attrs
del attrs.heliocloud
attrs.__all__.clear()
for name in [name for name in sys.modules if name.startswith("sunpy.net")]:
    del sys.modules[name]
importlib.reload(sunpy_heliocloud)
from sunpy.net import Fido
assert "CDAWEBClient" in [client.__name__ for client in Fido.registry]
assert {HOOKS} == 0
"""
    )


def test_all_imported_anew_is_registered_anew():
    succeeded(
        """
import sunpy_heliocloud, sunpy.net
for name in [name for name in sys.modules if name.startswith(("sunpy.net", "sunpy_heliocloud"))]:
    del sys.modules[name]
import sunpy_heliocloud
from sunpy.net import Fido, attrs as a
assert "HelioCloudClient" in [client.__name__ for client in Fido.registry]
assert a.heliocloud.Dataset
"""
    )
