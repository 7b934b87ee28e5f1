"""
Stored: what can be saved and loaded; StoredCube: a cube that can.

What saves and loads is imported when it is used: most cubes are never saved.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import dask

from sunpy_heliocloud.arguments import flag
from sunpy_heliocloud.lazy.cube import DaskCube

if TYPE_CHECKING:
    import xarray

    from sunpy_heliocloud.store.description import Contents
    from sunpy_heliocloud.store.place import Place

__all__ = ["Stored", "StoredCube"]


class Stored:
    """
    What is saved to Zarr stores and loaded from them.

    Examples
    --------
    >>> lag.save("lag.zarr")
    >>> sunpy_heliocloud.LagMap.load("lag.zarr").title
    '193-171 SDO'
    """

    def save(
        self,
        store: str | os.PathLike,
        *,
        resume: bool = True,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Compute chunk by chunk and save to a Zarr store (version 3), which xarray opens, too.

        When it is interrupted, the same call goes on: only what is missing is read and computed, and the result is the
        same to the bit. Several processes may save the same to the same store. Each member of a collection is a group,
        named by its key.

        Parameters
        ----------
        store
            A path of a folder, ``s3://bucket/key``, or another URL of fsspec whose file system is installed.
        resume
            Whether to go on with a store that is there; otherwise it is replaced.
        storage_options
            Of the file system, such as ``key`` and ``secret`` of S3; ``{"anon": False}`` takes them from the environment.
            They are not saved.

        Raises
        ------
        ValueError
            When there is a store of another search, target, version or option, whose difference the message names; when
            there are other files; or when the cube has a mask.
        TypeError
            When ``meta`` has an entry that a store cannot hold.
        OSError
            When a frame cannot be read, or the store not be written. Save again to go on.

        Notes
        -----
        A chunk holds up to 16 planes, or a strip of rows of a large one. ``made_from.json`` in the store says which frames
        (URL, ETag), steps, target and versions it was made from. Queries of web addresses, which may hold signatures, are
        left out of it.

        Examples
        --------
        >>> cube_171.save("cube.zarr")
        >>> cube_171.save("cube.zarr")  # all is there: nothing is computed again
        """
        from sunpy_heliocloud.store.place import Place

        flag("resume", resume)
        self._save(Place.of(store, storage_options, writable=True), resume=resume)

    @classmethod
    def load(cls, store: str | os.PathLike, *, storage_options: Mapping[str, Any] | None = None) -> Self:
        """
        Load what `save` has saved.

        Parameters
        ----------
        store, storage_options
            As for `save`; an ``https://`` URL will do, too.

        Returns
        -------
        StoredCube or StoredCollection
            Of this class, equal in data, WCS, times, unit and ``meta``. A chunk is read when it is needed, and compared with
            the hash of what was saved. Maps and cubes of lags are in memory.

        Raises
        ------
        FileNotFoundError
            When there is no store.
        ValueError
            When it is of another class, unfinished, damaged or changed.
        OSError
            When it cannot be read.

        Examples
        --------
        >>> cube_171.save("cube.zarr")
        >>> TimeLagCube.load("cube.zarr").shape == cube_171.shape
        True
        """
        from sunpy_heliocloud.store.place import Place

        return cls._loaded(Place.of(store, storage_options))

    def _save(self, place: "Place", *, resume: bool) -> None:
        raise NotImplementedError

    @classmethod
    def _loaded(cls, place: "Place") -> Self:
        raise NotImplementedError


class StoredCube(Stored, DaskCube):
    """
    A `.DaskCube` that is saved to Zarr stores and loaded from them.

    Examples
    --------
    >>> cube_171.save("cube.zarr")
    >>> cube = TimeLagCube.load("cube.zarr")
    """

    _origin: Callable[[], Any] | None = None

    def with_origin(self, origin: Callable[[], Any]) -> Self:
        """
        The same, and what it was made from, for a store.

        Parameters
        ----------
        origin
            Gives it as JSON, see ``sunpy_heliocloud.store.origin``. By default it is the tasks of the data, which differ with
            the memory that there is.
        """
        made = self._new_instance()
        made._origin = origin
        return made

    def _new_instance(self, **changed: Any) -> Self:
        new = super()._new_instance(**changed)
        if "data" not in changed:
            new._origin = self._origin
        return new

    def to_xarray(self) -> "xarray.Dataset":
        """
        The cube as a dataset of xarray, on the same array; lazy if this is.

        Returns
        -------
        `xarray.Dataset`
            What `xarray.open_zarr` opens of a saved cube: the variable ``data`` with named dimensions, the coordinate
            ``time`` in UTC, units and attributes of the CF conventions.

        Raises
        ------
        ImportError
            When xarray is not installed.

        Examples
        --------
        >>> cube_171.to_xarray().sizes["time"] == cube_171.shape[0]
        True
        """
        from sunpy_heliocloud.store.dataset import dataset

        return dataset(self._contents())

    def _contents(self) -> "Contents":
        from sunpy_heliocloud.store.description import Contents

        contents = Contents.of(self)
        is_lazy = dask.is_dask_collection(self.data)
        return replace(contents, origin=self._origin) if is_lazy else contents

    def _to_be_written(self) -> "Contents":
        """What is written: by default lazy, chunk by chunk."""
        return self._contents()

    def _save(self, place: "Place", *, resume: bool) -> None:
        from sunpy_heliocloud.store.saving import save

        save(self._contents(), place, resume=resume, computed=self._to_be_written)

    @classmethod
    def _loaded(cls, place: "Place") -> Self:
        from sunpy_heliocloud.store.loading import load

        return cls._from_contents(*load(place, cls.__name__))

    @classmethod
    def _from_contents(cls, contents: "Contents", lost: Mapping[str, str]) -> Self:
        meta = dict(contents.meta)
        if lost and "frames" in meta:
            meta["frames"].meta["lost"] = dict(lost)
        loaded = cls(contents.arrays["data"], wcs=contents.wcs, unit=contents.unit, meta=meta)
        for name, (kind, value) in contents.coords.items():
            loaded.global_coords._internal_coords[name] = (kind, value)
        return loaded
