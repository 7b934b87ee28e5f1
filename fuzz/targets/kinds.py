"""All kinds of inputs, by name."""

from collections.abc import Callable

from fuzz.targets.cache import CacheTarget
from fuzz.targets.documents import DocumentTarget
from fuzz.targets.files import FileTarget
from fuzz.targets.headers import HeaderTarget
from fuzz.targets.resampling import ResamplingTarget
from fuzz.targets.rice import RiceTarget
from fuzz.targets.stores import StoreTarget
from fuzz.targets.target import Target
from fuzz.targets.texts import TextTarget
from fuzz.targets.urls import URLTarget

__all__ = ["KINDS"]

KINDS: dict[str, Callable[[str | None], Target]] = {
    "registry": lambda headers: DocumentTarget("registry"),
    "catalogue": lambda headers: DocumentTarget("catalogue"),
    "csv": lambda headers: DocumentTarget("csv"),
    "csv-zip": lambda headers: DocumentTarget("csv-zip"),
    "parquet": lambda headers: DocumentTarget("parquet"),
    "listing": lambda headers: DocumentTarget("listing"),
    "cache": lambda headers: CacheTarget(),
    "store": lambda headers: StoreTarget(),
    "url": lambda headers: URLTarget(),
    "text": lambda headers: TextTarget(),
    "cards": HeaderTarget,
    "header": lambda headers: FileTarget("header", headers),
    "tile table": lambda headers: FileTarget("table", headers),
    "heap": lambda headers: FileTarget("heap", headers),
    "file": lambda headers: FileTarget("file", headers),
    "rice": lambda headers: RiceTarget(),
    "resampling": lambda headers: ResamplingTarget(),
}
