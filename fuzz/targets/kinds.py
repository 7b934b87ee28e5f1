"""All kinds of inputs, by name."""

from collections.abc import Callable
from importlib import import_module

from fuzz.targets.target import Target

__all__ = ["KINDS"]


def _made_by(module: str, name: str, *arguments: str, reads_headers: bool = False) -> Callable:
    """
    A function that makes a target of a folder of header texts.

    It imports the target's module, not before: a process that is started again after a crash runs one kind, and most of
    these need not import all that the others do.
    """

    def make(headers: str | None) -> Target:
        target = getattr(import_module(f"fuzz.targets.{module}"), name)
        return target(*arguments, *([headers] if reads_headers else []))

    return make


KINDS: dict[str, Callable[[str | None], Target]] = {
    "registry": _made_by("documents", "DocumentTarget", "registry"),
    "catalogue": _made_by("documents", "DocumentTarget", "catalogue"),
    "csv": _made_by("documents", "DocumentTarget", "csv"),
    "csv-zip": _made_by("documents", "DocumentTarget", "csv-zip"),
    "parquet": _made_by("documents", "DocumentTarget", "parquet"),
    "listing": _made_by("documents", "DocumentTarget", "listing"),
    "cache": _made_by("cache", "CacheTarget"),
    "store": _made_by("stores", "StoreTarget"),
    "url": _made_by("urls", "URLTarget"),
    "text": _made_by("texts", "TextTarget"),
    "cards": _made_by("headers", "HeaderTarget", reads_headers=True),
    "header": _made_by("files", "FileTarget", "header", reads_headers=True),
    "tile table": _made_by("files", "FileTarget", "table", reads_headers=True),
    "heap": _made_by("files", "FileTarget", "heap", reads_headers=True),
    "file": _made_by("files", "FileTarget", "file", reads_headers=True),
    "rice": _made_by("rice", "RiceTarget"),
    "resampling": _made_by("resampling", "ResamplingTarget"),
}
