"""Place: a folder, local or remote, that the caller has named, and the bytes of its objects."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sunpy_heliocloud.io.filesystem import s3_filesystem
from sunpy_heliocloud.io.location import LocationError
from sunpy_heliocloud.lazy.reports import GivenUpError, wanted
from sunpy_heliocloud.lazy.reports import pause as wait
from sunpy_heliocloud.store import local_files
from sunpy_heliocloud.text import shown_url

__all__ = ["Place"]

# Seconds between attempts to write. A server may be away for a minute.
PAUSES = (0.5, 1, 2, 4, 8, 16, 32)
_FINAL = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
_USER = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True)
class Place:
    """
    A folder of a file system. It is sent to workers, which import a file system when they use it.

    Parameters
    ----------
    url
        What the caller has named, an absolute path if it is local.
    path
        The folder as its file system names it.
    protocol
        Of the file system; empty for files of this machine.
    options
        Of the file system, credentials among them; `repr` does not show them.
    """

    url: str
    path: str
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        store: str | os.PathLike,
        storage_options: Mapping[str, Any] | None = None,
        *,
        writable: bool = False,
    ) -> Self:
        """
        The place that a caller names.

        Parameters
        ----------
        store
            A path, ``s3://bucket/key``, or another URL of fsspec, such as ``gs://``, ``abfs://``, ``memory://``.
        storage_options
            Of its file system.
        writable
            Whether it is to be written to.

        Raises
        ------
        LocationError
            When it is no such URL, or its file system cannot write (a `ValueError`).
        TypeError
            When options are no dictionary.
        OSError
            When the file system cannot be reached, or it is a file of this machine.
        """
        from sunpy_heliocloud.store.named_places import place_of  # only the caller's process names places

        return cls(*place_of(store, storage_options, writable=writable))

    def __reduce__(self) -> tuple:
        return type(self), (self.url, self.path, self.protocol, dict(self.options))

    def __dask_tokenize__(self) -> tuple:
        return "Place", self.url

    @property
    def shown(self) -> str:
        """The URL for messages, without what may be secret."""
        return shown_url(_USER.sub("", self.url))

    def within(self, name: str) -> Self:
        """A folder of this folder."""
        return type(self)(f"{self.url.rstrip('/')}/{name}", self._full(name), self.protocol, self.options)

    # ---- objects

    def read(self, key: str, most: int | None = None) -> bytes:
        """
        The bytes of an object, or its first ones.

        Raises
        ------
        FileNotFoundError
            When there is none.
        OSError
            When it cannot be read.
        """
        if not self.protocol:
            return self._told("read", key, lambda: local_files.read(self._full(key), most))
        stop = {} if most is None else {"start": 0, "end": most}
        return self._told("read", key, lambda: self._files.cat_file(self._full(key), **stop))

    def read_all(self, keys: Collection[str]) -> dict[str, bytes]:
        """The bytes of many small objects, with concurrent requests."""
        if not self.protocol or len(keys) < 2:
            return {key: self.read(key) for key in keys}
        paths = {self._full(key): key for key in keys}
        found = self._told("read", "", lambda: self._files.cat(list(paths), on_error="raise"))
        return {key: found[path] for path, key in paths.items()}

    def write(self, key: str, data: bytes) -> None:
        """
        Write an object, whole or not at all; remote ones are tried for a minute.

        Raises
        ------
        OSError
            When it cannot be written.
        """
        if not self.protocol:
            return self._told("write", key, lambda: local_files.write(self._full(key), data))
        return self._told("write", key, lambda: self._pipe(key, data))

    def create(self, key: str, data: bytes) -> bool:
        """
        Write an object unless there is one of that name.

        Returns
        -------
        bool
            Whether it was written.
        """
        try:
            if not self.protocol:
                self._told("write", key, lambda: local_files.write(self._full(key), data, new=True))
            else:
                self._told("write", key, lambda: self._pipe(key, data, mode="create"))
        except FileExistsError:
            return False
        return True

    def sizes(self) -> dict[str, int]:
        """Bytes of all objects, by key; unfinished ones are left out."""
        if not self.protocol:
            return self._told("list", "", lambda: local_files.sizes(self.path))

        def found() -> dict[str, Any]:
            self._files.invalidate_cache()
            return self._files.find(self.path, detail=True)

        start = len(self.path.strip("/")) + 1
        listed = self._told("list", "", found)
        return {name.strip("/")[start:]: int(entry["size"] or 0) for name, entry in listed.items()}

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, one after the other, in this order."""
        for key in keys:
            remove = os.remove if not self.protocol else self._files.rm_file
            self._told("remove", key, lambda remove=remove, key=key: remove(self._full(key)))

    def tidy(self) -> None:
        """Remove what interrupted writers have left of unfinished objects."""
        if not self.protocol:
            local_files.tidy(self.path)

    # ---- the file system

    @property
    def _files(self) -> Any:
        if self.protocol == "s3":
            return s3_filesystem(**self.options)
        import fsspec  # imported only for remote stores

        return fsspec.filesystem(self.protocol, **self.options)

    def _full(self, key: str) -> str:
        return f"{self.path.rstrip('/')}/{key}" if self.protocol else os.path.join(self.path, *key.split("/"))

    def _pipe(self, key: str, data: bytes, **options: Any) -> None:
        files, check = self._files, wanted()
        for pause in (*PAUSES, None):
            check()
            try:
                files.pipe_file(self._full(key), data, **options)
                return
            # Libraries of file systems have errors of their own for a server that is away.
            except Exception as error:
                if pause is None or isinstance(error, (*_FINAL, TypeError, ValueError)):
                    raise
                wait(pause, check)

    def _told(self, what: str, key: str, work: Any) -> Any:
        """The result; an error names the object, and stays of the kinds that callers tell apart."""
        try:
            return work()
        except (LocationError, GivenUpError):
            raise
        except Exception as error:  # whatever the library of a file system raises
            kind = type(error) if isinstance(error, _FINAL) else OSError
            name = self.within(key).shown if key else self.shown
            raise kind(f"could not {what} {name}: {shown_url(error) or type(error).__name__}") from error
