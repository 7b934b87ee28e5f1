"""Validate the docstrings of all public names, and of their public methods, with numpydoc; print what is wrong."""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module

from numpydoc.validate import validate

# What the reference lists: modules, with the names if not all.
MODULES = {
    "sunpy_heliocloud": None,
    "sunpy_heliocloud.bounds": None,
    "sunpy_heliocloud.io.cache": ["Cache"],
    "sunpy_heliocloud.io.ranges": ["ReadError"],
    "sunpy_heliocloud.lazy.cube": None,
    "sunpy_heliocloud.lazy.estimate": ["Estimate"],
    "sunpy_heliocloud.lazy.losses": ["LostFrameWarning"],
    "sunpy_heliocloud.net": None,
    "sunpy_heliocloud.net.attrs": None,
    "sunpy_heliocloud.simulation": None,
}
CHECKS = {
    *("GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),
    *("SS01", "SS02", "SS03", "SS04", "SS06"),
    *("PR01", "PR02", "PR03", "PR05", "PR09", "PR10"),
    *("RT01", "RT05", "YD01"),
}


def public_names() -> Iterator[str]:
    """Importable names of public functions and classes, and of what classes define themselves."""
    for module_name, names in MODULES.items():
        module = import_module(module_name)
        for name in names or module.__all__:
            thing = getattr(module, name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            yield f"{module_name}.{name}"
            if inspect.isclass(thing):
                yield from (
                    f"{module_name}.{name}.{member}"
                    for member, value in vars(thing).items()
                    if not member.startswith("_")
                    and (inspect.isfunction(value) or isinstance(value, property))
                )


def checks_of(name: str) -> set[str]:
    """The checks for a name; the parameters of classes that have the constructor of another class are documented there."""
    module, _, attribute = name.rpartition(".")
    thing = getattr(sys.modules.get(module), attribute, None)
    has_own = inspect.isclass(thing) and "__init__" in vars(thing) and not is_dataclass(thing)
    return CHECKS if has_own or not inspect.isclass(thing) else CHECKS - {"PR01"}


def main() -> int:
    found = [
        f"{name}: {code} {message}"
        for name in sorted(set(public_names()))
        for code, message in validate(name)["errors"]
        if code in checks_of(name)
    ]
    print("\n".join(found) or "The docstrings of all public names are numpydoc.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
