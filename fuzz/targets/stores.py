"""Stores of cubes: damaged, exchanged, removed documents and chunks, some with a new fingerprint that fits."""

import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np

from fuzz import corpus
from fuzz.mutations import damaged, json_damaged
from fuzz.outcome import Outcome, finding, is_inert, of_error
from fuzz.targets.seeds import SeedTarget

__all__ = ["StoreTarget"]

_DOCUMENTS = ("made_from.json", "complete.json")


class StoreTarget(SeedTarget):
    """A cube that is loaded from a store, of which some is damaged."""

    port = None

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._files: dict[str, bytes] = {}
        self._expected = ""

    def show(self, case: list[int]) -> None:
        before = self._damaged([])
        for name, data in self._damaged(case).items():
            if data != before.get(name):
                print(name, len(before.get(name, b"")), "->", len(data), data[:3000])

    def run(self, case: list[int]) -> Outcome:
        from sunpy_heliocloud import TimeLagCube

        if not self._files:
            self._save()
        folder = self._folder / "damaged.fits"  # a name that counts as a URL in a message
        shutil.rmtree(folder, ignore_errors=True)
        for name, data in self._damaged(case).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            try:
                cube = TimeLagCube.load(folder)
                values, said = cube.compute(scheduler="synchronous").data, str(cube)
            except Exception as error:  # noqa: BLE001  of_error judges them
                return of_error(error)
        if not is_inert(said, lines=True):
            return finding("not inert", repr(said))
        if self._told(cube, values) == self._expected:
            return Outcome("equal")
        return Outcome("read") if self._is_sealed_anew(case) else finding("other values", said)

    def _save(self) -> None:
        from sunpy_heliocloud import LazyMapSequence, TimeLagCube

        paths = [self._folder / f"{i}.fits" for i in range(3)]
        for i, path in enumerate(paths):
            path.write_bytes(corpus.frame_file(10 * i))
        raw = LazyMapSequence([str(path) for path in paths]).to_cube()
        raw.derotate_to(LazyMapSequence([str(paths[0])])[0]).save(self._folder / "good")
        files = [path for path in (self._folder / "good").rglob("*") if path.is_file()]
        self._files = {
            str(path.relative_to(self._folder / "good")): path.read_bytes() for path in sorted(files)
        }
        cube = TimeLagCube.load(self._folder / "good")
        self._expected = self._told(cube, cube.compute(scheduler="synchronous").data)

    @staticmethod
    def _told(cube: object, values: np.ndarray) -> str:
        frames = cube.frames
        return repr(
            [
                values.tobytes(),
                cube.wcs.low_level_wcs.planes,
                cube.times.isot.tolist(),
                str(cube.unit),
                str(frames),
            ]
        )

    @staticmethod
    def _is_sealed_anew(case: list[int]) -> bool:
        return any(seed % 2 for seed in case)

    def _damaged(self, case: list[int]) -> dict[str, bytes]:
        """The files after changes drawn from seeds; after those of odd seeds fingerprints fit again."""
        files = dict(self._files)
        for seed in case:
            rng = np.random.default_rng(seed)
            names = sorted(files)
            name, other = names[rng.integers(len(names))], names[rng.integers(len(names))]
            match rng.integers(8):
                case 0:
                    files[name] = files[other]
                case 1:
                    files[name] = damaged(rng, files[name])
                case _:
                    name = _DOCUMENTS[rng.integers(len(_DOCUMENTS))]
                    files[name] = json_damaged(rng, files[name])
            if seed % 2:
                _seal(files)
        return files


def _seal(files: dict[str, bytes]) -> None:
    """Make fingerprints fit, as somebody would who wants a store to be read."""
    from sunpy_heliocloud.store.json_text import fingerprint

    seal = None
    for name in _DOCUMENTS:
        try:
            document = json.loads(files[name])
            document.pop("fingerprint", None)
            if name == "complete.json":
                document["store"] = seal
            seal = fingerprint(document)
        except (ValueError, AttributeError, TypeError, RecursionError):  # JSON no more, or no object
            return
        files[name] = json.dumps(document | {"fingerprint": seal}).encode()
