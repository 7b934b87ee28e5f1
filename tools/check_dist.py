"""
Check what would be published: ``python tools/check_dist.py dist``.

The source distribution has to have every file of the repository and nothing else but metadata. (check-manifest cannot say
so: it builds a copy without git, from which setuptools_scm takes its list of files.) The wheel has to have the package with its
compiled kernels, without tests and sources in C.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MADE = ("PKG-INFO", "setup.cfg", "sunpy_heliocloud.egg-info", "sunpy_heliocloud/kernels/_kernels")


def problems(folder: Path) -> list[str]:
    """What is wrong, a line each."""
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    tracked = set(listed.stdout.splitlines())
    with tarfile.open(source) as archive:
        files = {one.name.partition("/")[2] for one in archive if one.isfile()}
    found = [f"{source.name} lacks {name}" for name in sorted(tracked - files)]
    found += [f"{source.name} has {name}" for name in sorted(files - tracked) if not name.startswith(MADE)]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found += [f"{wheel.name} has {name}" for name in names if not name.startswith("sunpy_heliocloud")]
    found += [f"{wheel.name} has {name}" for name in names if name.endswith((".c", ".h"))]
    if not any("kernels/_kernels" in name for name in names):
        found.append(f"{wheel.name} has no compiled kernels")
    return found


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    print("\n".join(wrong) or "The distributions have what they should have.")
    sys.exit(bool(wrong))
