"""The client is registered when `sunpy.net` is imported; nothing that goes wrong with that breaks `sunpy.net`."""

import json
import subprocess
import sys

import pytest

HOOKS = "sum('sunpy_heliocloud' in type(finder).__module__ for finder in sys.meta_path)"


# Runs pieces of code one after the other. Each begins without `sunpy.net` and this package, as a new process does, but with
# all else that they import, which takes most of the time.
INTERPRETER = """
import importlib, io, json, sys, traceback
sys.stderr = io.StringIO()
import sunpy.net
finders = list(sys.meta_path)
for line in sys.stdin:
    sys.meta_path[:] = finders
    vars(sunpy).pop("net", None)
    for name in [name for name in sys.modules if name.startswith(("sunpy.net", "sunpy_heliocloud"))]:
        del sys.modules[name]
    before = len(sys.stderr.getvalue())
    code = 0
    try:
        exec(json.loads(line), {"importlib": importlib, "sys": sys})
    except BaseException:
        traceback.print_exc()
        code = 1
    print(json.dumps([code, sys.stderr.getvalue()[before:]]), flush=True)
"""


@pytest.fixture(scope="module")
def run():
    """Run code in a process of its own, where warnings are errors; gives 0 or 1, and what was written to stderr."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", INTERPRETER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def answer(code):
            print(json.dumps(code), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield answer
        process.stdin.close()


@pytest.fixture
def succeeded(run):
    """Run code that has to succeed, and give what it wrote to stderr."""

    def succeeded(code):
        failed, said = run(code)
        assert not failed, said
        return said

    return succeeded


def succeeded_in_a_new_process(code):
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", f"import sys\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


REGISTERED = f"""
assert [client.__name__ for client in Fido.registry].count('HelioCloudClient') == 1
assert a.heliocloud.Dataset and {HOOKS} == 0
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import sunpy_heliocloud; from sunpy.net import Fido, attrs as a",
        "from sunpy.net import Fido, attrs as a; import sunpy_heliocloud",
    ],
)
def test_the_client_is_registered_once_in_whatever_order_a_new_process_imports(imports):
    succeeded_in_a_new_process(f"{imports}{REGISTERED}")


@pytest.mark.parametrize(
    "imports",
    [
        "import sunpy_heliocloud.net; from sunpy.net import Fido, attrs as a",
        "from sunpy_heliocloud import net; from sunpy.net import Fido, attrs as a",
        "import sunpy_heliocloud; sunpy_heliocloud.net.datasets; from sunpy.net import Fido, attrs as a",
        "import sunpy_heliocloud.kernels; import sunpy.net.vso; from sunpy.net import Fido, attrs as a",
    ],
)
def test_the_client_is_registered_once_whatever_is_imported_first(succeeded, imports):
    succeeded(f"{imports}{REGISTERED}")


def test_sunpy_net_is_not_imported_for_this_package_s_sake():
    succeeded_in_a_new_process(
        """
import sunpy_heliocloud
assert 'sunpy' not in sys.modules
import sunpy_heliocloud.lazy.tasks
assert 'sunpy' not in sys.modules
"""
    )


@pytest.mark.parametrize("error", ["ImportError", "UserWarning"])
def test_an_exception_inside_the_client_s_import_leaves_sunpy_net_whole(succeeded, error):
    said = succeeded(
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
    assert f"{error}: broken on purpose" in said
    assert "import sunpy_heliocloud.net" in said


def test_sunpy_net_s_own_exception_is_its_own(run):
    failed, said = run(
        """
import sunpy_heliocloud, sunpy
sys.modules["sunpy.net.vso"] = None
import sunpy.net
"""
    )
    assert failed
    assert "import of sunpy.net.vso halted" in said.splitlines()[-1]


def test_sunpy_can_be_reloaded_and_imported_again(succeeded):
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


def test_sunpy_net_is_imported_anew_after_its_attrs_are_cleared(succeeded):
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


def test_all_imported_anew_is_registered_anew(succeeded):
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
