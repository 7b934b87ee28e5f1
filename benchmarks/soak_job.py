"""The job of ``make soak``, and what is said of it."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

# Workers import this file when they start; what takes long to import is imported in functions.
if TYPE_CHECKING:
    from distributed import LocalCluster

    from sunpy_heliocloud import TimeLagCube

__all__ = ["Row", "bits", "cluster", "cube_of", "fingerprint", "loaded", "wait_for"]


class Row(NamedTuple):
    """A line of the table."""

    what: str
    injected: str
    survived: str
    extra: str
    bits: str
    seconds: float


def cube_of(urls: list[str]) -> "TimeLagCube":
    """The job: a region of each frame, derotated to the middle one."""
    import astropy.units as u

    from sunpy_heliocloud import LazyMapSequence

    sequence = LazyMapSequence(urls)
    corner, size = [150, 150] * u.pix, {"width": 200 * u.pix, "height": 200 * u.pix}
    return sequence.to_cube().derotate_to(sequence[len(sequence) // 2].submap(corner, **size))


@contextmanager
def cluster() -> Iterator["LocalCluster"]:
    """Two workers of one thread."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as made,
        Client(made),
    ):
        yield made


def fingerprint(cube: "TimeLagCube") -> str:
    """Of the pixels of a cube in memory."""
    return hashlib.sha256(cube.data.tobytes()).hexdigest()


def loaded(store: Path) -> str:
    """The fingerprint of a saved cube."""
    from sunpy_heliocloud import TimeLagCube

    return fingerprint(TimeLagCube.load(store).compute())


def wait_for(store: Path, frames: int, share: float) -> None:
    """Until a share of the chunks of a store are written."""
    done = store / "data" / "done"
    while not (done.exists() and len(list(done.iterdir())) >= share * -(-frames // 16)):
        time.sleep(0.01)


def bits(same: bool) -> str:
    return "same" if same else "DIFFERENT"
