"""What pyproject.toml cannot say: how the libraries of the kernels are compiled, and the name of their wheel."""

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent / "tools"))
from compile_kernels import VARIANTS, compile_kernels, family, library_name

KERNELS = Path("sunpy_heliocloud") / "kernels"


class BuildLibraries(build_ext):
    """Compile all libraries, which are no modules of Python."""

    def run(self):
        folder = Path() if self.inplace else Path(self.build_lib)
        compile_kernels((folder / KERNELS).absolute(), quiet=False)

    def get_outputs(self):
        return [str(Path(self.build_lib) / KERNELS / library_name(variant)) for variant in VARIANTS[family()]]

    def get_output_mapping(self):
        return (
            {output: str(KERNELS / Path(output).name) for output in self.get_outputs()}
            if self.inplace
            else {}
        )


class PlatformWheel(bdist_wheel):
    """A wheel of one platform and all versions of Python 3."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(
    # For the source distribution, and so that the wheel is one of a platform.
    ext_modules=[
        Extension(
            "sunpy_heliocloud.kernels._kernels",
            sources=sorted(path.as_posix() for path in (KERNELS / "c").glob("*.c")),
            depends=sorted(path.as_posix() for path in (KERNELS / "c").glob("*.h")),
        )
    ],
    cmdclass={"build_ext": BuildLibraries, "bdist_wheel": PlatformWheel},
)
