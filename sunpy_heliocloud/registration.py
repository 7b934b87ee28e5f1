"""
Registration of the client with `sunpy.net.Fido`, as soon as `sunpy.net` is imported.

sunpy has no entry points for clients: a client is registered when its class is made. Importing the client at once
would cost every dask worker 1.4 s of processor time for `sunpy.net`, although workers never search.
"""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["register_client"]

_CLIENT = "sunpy_heliocloud.net"

_log = logging.getLogger("sunpy_heliocloud")


def register_client() -> None:
    """Import the client, and with it its attrs: at once if `sunpy.net` is imported, else right after it."""
    if "sunpy.net" in sys.modules:
        import_module(_CLIENT)
    else:
        sys.meta_path.insert(0, _SunpyNetFinder())


class _SunpyNetFinder(MetaPathFinder):
    """Finder for `sunpy.net`, which uses Python's own finder and adds the import of the client, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "sunpy.net":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _LoaderBeforeClient(spec.loader)
        return spec


class _LoaderBeforeClient(Loader):
    """Loader that loads a module with its original loader and then imports the client."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        try:
            import_module(_CLIENT)
        except Exception as error:  # noqa: BLE001  whatever it is, sunpy.net has to work without the client
            # Logged, since a warning is an exception where warnings are errors.
            _log.error(
                "sunpy.net.Fido works without HelioCloud, whose client could not be imported (%s: %s); "
                "'import sunpy_heliocloud.net' shows where that happens",
                type(error).__name__,
                error,
            )
