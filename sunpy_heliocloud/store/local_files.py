"""Files of this machine that are whole or not there."""

import os
import uuid
from contextlib import suppress

__all__ = ["read", "sizes", "tidy", "write"]

_UNFINISHED = ".part"
_ATTEMPTS = 10


def read(path: str, most: int | None = None) -> bytes:
    """The bytes of a file, or its first ones."""
    with open(path, "rb") as file:
        return file.read(-1 if most is None else most)


def write(path: str, data: bytes, *, new: bool = False) -> None:
    """
    Write a file; whoever reads it sees all of it or what was there before.

    Parameters
    ----------
    path, data
        Name and content.
    new
        Whether a file of that name is an error, a `FileExistsError`.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(FileNotFoundError):  # another writer has finished the same store, and tidied it
            return _write(path, data, new)
    return _write(path, data, new)


def _write(path: str, data: bytes, new: bool) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    unfinished = f"{path}.{uuid.uuid4().hex}{_UNFINISHED}"
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(unfinished, path)  # fails if the name is taken
        else:
            os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):  # it has its name, or another writer has tidied it
            os.remove(unfinished)


def sizes(folder: str) -> dict[str, int]:
    """Bytes of all finished files below a folder, by their path in it with slashes."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(_UNFINISHED):
                file = os.path.join(path, name)
                with suppress(FileNotFoundError):  # another writer has removed it
                    found[os.path.relpath(file, folder).replace(os.sep, "/")] = os.path.getsize(file)
    return found


def tidy(folder: str) -> None:
    """Remove unfinished files of writers that were killed."""
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith(_UNFINISHED):
                with suppress(FileNotFoundError):  # another writer has finished or removed it
                    os.remove(os.path.join(path, name))
