"""The build backend: setuptools, with the package ziglang as the compiler where there is no other."""

from compile_kernels import compiler
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403


def get_requires_for_build_wheel(config_settings=None):
    """What has to be installed to compile."""
    return build_meta.get_requires_for_build_wheel(config_settings) + _requires_compiler()


def get_requires_for_build_editable(config_settings=None):
    """The same for an editable installation."""
    return build_meta.get_requires_for_build_editable(config_settings) + _requires_compiler()


def _requires_compiler():
    return ["ziglang>=0.14"] if compiler() is None else []
