"""
Compile the C kernels: ``python tools/compile_kernels.py`` puts the libraries beside the modules that load them.

They are plain C without the API of Python, so that one library serves all versions of Python. The compiler is the one that
the environment variable CC names, else ``cc``, ``gcc`` or ``clang``, else that of the package ziglang. There are as many
libraries as `VARIANTS` for the processor's family; `sunpy_heliocloud.kernels.library` chooses at import.
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

__all__ = ["VARIANTS", "compile_kernels", "compiler"]

PACKAGE = Path(__file__).parents[1] / "sunpy_heliocloud" / "kernels"
# Options of each library by the family of processors. Every processor of a family runs the baseline.
VARIANTS = {
    "x86_64": {"baseline": "-march=x86-64", "v3": "-march=x86-64-v3"},
    "other": {"baseline": ""},
}
# No contraction to fused multiply-adds, which would move the edges of windows: where they do no harm, they are written.
# NaN and infinities are data; but nobody reads errno, nor traps floating-point exceptions.
OPTIONS = "-std=c11 -O3 -shared -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -fwrapv -Wall -Wextra -Wno-psabi"
SANITIZERS = "-g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"


def compiler() -> list[str] | None:
    """The command that compiles C; `None` if there is none but ziglang, which may not be installed yet."""
    if command := shlex.split(os.environ.get("CC", "")):
        return command
    # Microsoft's compiler does not know the vector types of the kernels.
    names = () if sys.platform == "win32" else ("cc", "gcc", "clang")
    return next(([found] for name in names if (found := shutil.which(name))), None)


def compile_kernels(folder: Path = PACKAGE, *, sanitize: bool = False, quiet: bool = True) -> list[Path]:
    """
    Compile all libraries.

    Parameters
    ----------
    folder
        To put them into.
    sanitize
        Whether they check addresses and undefined behaviour as they run; then they are slow.
    quiet
        Whether the commands are not printed.

    Returns
    -------
    list of pathlib.Path
        The libraries.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = compiler()
    if command is None:
        if find_spec("ziglang") is None:
            raise SystemExit(
                "No C compiler: install one (gcc or clang), name it in the environment variable CC, or "
                "python -m pip install ziglang"
            )
        command = [sys.executable, "-m", "ziglang", "cc"]
    sources = sorted(map(str, (PACKAGE / "c").glob("*.c")))
    return [
        _compile(command, sources, folder / library_name(variant), option, sanitize, quiet)
        for variant, option in VARIANTS[family()].items()
    ]


def family() -> str:
    """The family of this machine's processor, or of that for which a wheel is made on macOS."""
    target = os.environ.get("ARCHFLAGS") or platform.machine()
    return "x86_64" if "x86_64" in target or "AMD64" in target else "other"


def library_name(variant: str) -> str:
    """The file of a variant."""
    suffix = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
    return f"_kernels_{variant}.{suffix}"


def _compile(
    command: list[str], sources: list[str], library: Path, option: str, sanitize: bool, quiet: bool
) -> Path:
    options = f"{OPTIONS} {option}"
    if command[1:2] == [
        "-m"
    ]:  # zig compiles for the machine at hand, unless told otherwise, in its own words
        options = options.replace("-march=x86-64-v3", "-mcpu=x86_64_v3").replace(
            "-march=x86-64", "-mcpu=x86_64"
        )
        options += " -mcpu=baseline" * ("-mcpu" not in options) + _zig_target()
    if sys.platform != "win32":
        options += " -fPIC"
    options += f" {SANITIZERS}" if sanitize else " -g0"
    options += f" {os.environ.get('ARCHFLAGS', '')} {os.environ.get('CFLAGS', '')}"
    # Under another name first: a process that has just imported the package keeps the old one.
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        line = [
            *command,
            *options.split(),
            *sources,
            "-o",
            str(made),
            *(["-lm"] if sys.platform != "win32" else []),
        ]
        if not quiet:
            print(" ".join(line))
        subprocess.run(line, check=True)  # noqa: S603
        made.replace(library)
    return library


def _zig_target() -> str:
    """Wheels for Linux run with the C library that manylinux2014 asks for."""
    is_glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    return f" -target {platform.machine()}-linux-gnu.2.17" if is_glibc else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sanitize", action="store_true", help="check addresses and undefined behaviour")
    parser.add_argument(
        "--folder", type=Path, default=PACKAGE, help="where to put them (default: the package)"
    )
    options = parser.parse_args()
    for path in compile_kernels(options.folder, sanitize=options.sanitize, quiet=False):
        print(path)
