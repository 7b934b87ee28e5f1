"""Making the client known to `sunpy.net`, once there is one."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

__all__ = ["register_client"]

_CLIENT = "sunpy_heliocloud.net"


def register_client() -> None:
    """
    Import the client, and with it its attrs: at once if `sunpy.net` is imported, else as soon as it is.

    Dask workers import this package too, for its tasks. They never search, and `sunpy.net` takes them a second.
    """
    if "sunpy.net" in sys.modules:
        import_module(_CLIENT)
    else:
        sys.meta_path.insert(0, _BeforeSunpyNet())


class _BeforeSunpyNet(MetaPathFinder):
    """Notices that `sunpy.net` is about to be imported, which the usual finders find."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "sunpy.net":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _AndThenTheClient(spec.loader)
        return spec


class _AndThenTheClient(Loader):
    """Imports the client after the module of another loader."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        import_module(_CLIENT)
