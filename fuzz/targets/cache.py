"""Files of the cache: damaged, exchanged, removed; what is searched and read must not change."""

import hashlib
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np

from sunpy.net import attrs as a

from fuzz import corpus
from fuzz.mutations import damaged
from fuzz.outcome import Outcome, finding, is_inert
from fuzz.server import DocumentServer
from fuzz.targets.seeds import SeedTarget

__all__ = ["CacheTarget"]

_FRAMES = 3
_RANGE = a.Time("2018-05-29T00:00:00", "2018-05-30T00:00:00")


class CacheTarget(SeedTarget):
    """A search and its frames, read with what an earlier one has left in the cache, of which some is damaged."""

    def __init__(self) -> None:
        self._server = DocumentServer()
        self.port = self._server.port
        names = [f"sdo/{i}.fits" for i in range(_FRAMES)]
        rows = [
            f"2018-05-29T18:{10 * i:02d}:00Z,2018-05-29T18:{10 * i:02d}:02Z,s3://{corpus.BUCKET}/{name},"
            for i, name in enumerate(names)
        ]
        files = [corpus.frame_file(10 * i) for i in range(_FRAMES)]
        index = "\n".join(f"{row}{len(file)}" for row, file in zip(rows, files, strict=True))
        self._server.documents = {
            "/registry.json": corpus.registry(),
            f"/{corpus.BUCKET}/catalog.json": corpus.catalog(),
            f"/{corpus.BUCKET}/index/{corpus.DATASET}_2018.csv": index.encode(),
            **{f"/{corpus.BUCKET}/{name}": file for name, file in zip(names, files, strict=True)},
        }
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._kept: dict[str, bytes] = {}
        self._expected: str | None = None

    def show(self, case: list[int]) -> None:
        before = self._damaged([])
        for name, data in self._damaged(case).items():
            if data != before.get(name):
                print(name, len(before.get(name, b"")), "->", len(data), data[:300])
        print("removed", before.keys() - self._damaged(case).keys())

    def run(self, case: list[int]) -> Outcome:
        if self._expected is None:
            self._expected, _ = self._read(self._folder / "first")
            self._kept = _contents(self._folder / "first")
        folder = self._folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        for name, data in self._damaged(case).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for _ in "ab":  # the second reads what the first has mended
            found, told = self._read(folder)
            if found != self._expected:
                return finding("other values", told)
            if not all(map(is_inert, told)):
                return finding("not inert", told)
        return Outcome("equal", " ".join(told))

    def _read(self, folder: Path) -> tuple[str, list[str]]:
        """A digest of all that a search and its frames say, and the warnings."""
        from sunpy_heliocloud import LazyMapSequence, cache
        from sunpy_heliocloud.net import HelioCloudClient

        os.environ["AWS_ENDPOINT_URL_S3"] = self._server.url
        os.environ["ROOT_CATALOG_REGISTRY_URL"] = f"{self._server.url}/registry.json"
        cache.enabled, cache.folder = True, folder
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            table = HelioCloudClient().search(_RANGE, a.heliocloud.Dataset(corpus.DATASET))
            sequence = LazyMapSequence(table)
            said = [
                table[name].tolist() if name == "URL" else str(list(table[name])) for name in table.colnames
            ]
            said += [sequence.times.isot.tolist(), [str(dict(m.meta)) for m in sequence]]
            said += [m.data.compute(scheduler="synchronous").tolist() for m in sequence]
        return hashlib.sha256(repr(said).encode()).hexdigest(), [str(warning.message) for warning in told]

    def _damaged(self, case: list[int]) -> dict[str, bytes]:
        """The files of the cache after changes drawn from seeds."""
        files = dict(self._kept)
        for seed in case:
            rng = np.random.default_rng(seed)
            names = sorted(files)
            if not names:
                break
            name, other = names[rng.integers(len(names))], names[rng.integers(len(names))]
            match rng.integers(8):
                case 0:
                    del files[name]
                case 1:
                    files[name], files[other] = files[other], files[name]
                case 2:
                    files[name] = files[other]
                case 3:
                    files[f"{name}.part"] = files[name]
                case _:
                    files[name] = damaged(rng, files[name])
        return files


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
