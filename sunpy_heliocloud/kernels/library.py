"""
The compiled kernels: the library for this processor, and its functions.

The library is plain C, loaded by `ctypes`, which releases the interpreter lock during each call. A function checks the type
and the contiguity of its arrays; their shapes are the business of the module that calls it.
"""

import ctypes
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Array", "Function", "short_name", "variants"]

_FOLDER = Path(__file__).parent
# Of the libraries: another one holds those that check what they do.
_LIBRARIES = Path(os.environ.get("SUNPY_HELIOCLOUD_KERNELS", _FOLDER))
_SUFFIX = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")


class Array:
    """
    A parameter that is a contiguous array, whose address the function gets.

    Parameters
    ----------
    *dtypes
        Of which one is its type.
    optional
        Whether it may be `None`.
    """

    def __init__(self, *dtypes: Any, optional: bool = False) -> None:
        self._dtypes, self._optional = tuple(map(np.dtype, dtypes)), optional

    def from_param(self, array: np.ndarray | None) -> ctypes.c_void_p:
        """What `ctypes` asks for."""
        if array is None:
            if self._optional:
                return ctypes.c_void_p(None)
            raise TypeError(f"None, but must be an array of one of {self._dtypes}")
        if array.dtype not in self._dtypes or not array.flags.c_contiguous:
            raise TypeError(f"a {array.dtype} array, but must be contiguous and one of {self._dtypes}")
        return ctypes.c_void_p(array.__array_interface__["data"][0])


class Function:
    """
    A function of the library.

    Parameters
    ----------
    name
        Its name in C. Where an array has several types, that of the function has a part ``{}`` for the short name of
        the type, such as ``f4``.
    *types
        Of its parameters.
    returns
        Type of its result.
    """

    def __init__(self, name: str, *types: Any, returns: Any = None) -> None:
        self._name, self._types, self._returns = name, types, returns
        self._found: dict[tuple[ctypes.CDLL, str], Any] = {}

    def __call__(self, *arguments: Any, dtype: str = "") -> Any:
        key = _chosen(), dtype
        if key not in self._found:
            function = getattr(key[0], self._name.format(dtype))
            function.argtypes, function.restype = self._types, self._returns
            self._found[key] = function
        return self._found[key](*arguments)


def short_name(array: np.ndarray) -> str:
    """That of an array's type in the names of functions, such as ``f4``."""
    return array.dtype.str[1:]


@cache
def variants() -> dict[str, ctypes.CDLL]:
    """
    The libraries that this processor can run, the fastest last.

    Returns
    -------
    dict
        ``"baseline"`` and, on x86-64 with AVX2, FMA and BMI2, ``"v3"``.
    """
    if (_FOLDER / "c").is_dir() and _LIBRARIES == _FOLDER:
        _compile_changed()
    found = {"baseline": ctypes.CDLL(str(_path("baseline")))}
    if found["baseline"].runs_x86_64_v3() and _path("v3").exists():
        found["v3"] = ctypes.CDLL(str(_path("v3")))
    return found


@cache
def _chosen() -> ctypes.CDLL:
    return list(variants().values())[-1]


def _path(variant: str) -> Path:
    return _LIBRARIES / f"_kernels_{variant}.{_SUFFIX}"


def _compile_changed() -> None:
    """In a checkout: compile, if a source is newer than a library, or nothing has been compiled yet."""
    program = _FOLDER.parents[1] / "tools" / "compile_kernels.py"
    if not program.exists():
        return
    # The oldest counts: a compilation may have been stopped between two of them.
    made = min((path.stat().st_mtime for path in _FOLDER.glob(f"_kernels_*.{_SUFFIX}")), default=0.0)
    if max(path.stat().st_mtime for path in (program, *(_FOLDER / "c").iterdir())) <= made:
        return
    # A program of this checkout, which prints what the compiler says.
    finished = subprocess.run([sys.executable, str(program)], stdout=subprocess.DEVNULL)  # noqa: S603
    if finished.returncode:
        raise ImportError(f"the kernels could not be compiled, see above; to try again: python {program}")
