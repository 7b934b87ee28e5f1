"""StoredCollection: cubes or maps that are saved together, each as a group of its own."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from ndcube import NDCollection

from sunpy_heliocloud.store.description import FORMAT, Contents, read_sealed, sealed, versions
from sunpy_heliocloud.store.json_text import parsed, written
from sunpy_heliocloud.store.loading import read_description
from sunpy_heliocloud.store.place import Place
from sunpy_heliocloud.store.saving import COMPLETE, claim, save
from sunpy_heliocloud.store.stored import Stored, StoredCube
from sunpy_heliocloud.store.values import from_json, to_json
from sunpy_heliocloud.store.zarr_documents import group_of_groups
from sunpy_heliocloud.summary import Summarised, Summary
from sunpy_heliocloud.text import inert, many

__all__ = ["StoredCollection"]

_MOST_MEMBERS = 10_000


class StoredCollection(Summarised, Stored, NDCollection):
    """
    An `ndcube.NDCollection` that is saved to Zarr stores and loaded from them.

    Examples
    --------
    >>> lags.save("lags.zarr")
    >>> list(sunpy_heliocloud.LagMapCollection.load("lags.zarr"))
    ['193-171']
    """

    _member: ClassVar[type[StoredCube]]
    _noun: ClassVar[str] = "cube"

    def __reduce__(self) -> tuple:
        """As its constructor makes it: pickled as a dictionary, it would refuse its items."""
        axes = None if self.aligned_axes is None else tuple(self.aligned_axes.values())
        return type(self), (list(self.items()), axes, self.meta)

    def _save(self, place: Place, *, resume: bool) -> None:
        folders = {key: _folder(key) for key in self}
        claimed = claim(place, self._described(folders), resume=resume)
        to_be_written = self._to_be_written()
        for key, member in self.items():
            computed = lambda key=key: to_be_written(key)  # noqa: E731  of this key
            save(member._contents(), place.within(folders[key]), resume=resume, computed=computed)
        complete = {"store": claimed["fingerprint"], "members": list(folders.values())}
        groups = {
            folder: parsed(place.within(folder).read("zarr.json"), folder) for folder in folders.values()
        }
        place.write(COMPLETE, written(sealed(complete)))
        place.write(
            "zarr.json", group_of_groups(groups, {"title": f"{type(self).__name__} of sunpy_heliocloud"})
        )

    @classmethod
    def _loaded(cls, place: Place) -> Self:
        document = read_description(place, cls.__name__)
        try:
            if read_sealed(place, COMPLETE)["store"] != document["fingerprint"]:
                raise ValueError(f"{COMPLETE} belongs to another store")
            keys, axes, meta = (from_json(document[name]) for name in ("keys", "aligned axes", "meta"))
            if not 0 < len(keys) == len({*map(str, keys)}) <= _MOST_MEMBERS:
                raise ValueError("keys that are none")
        except FileNotFoundError as error:
            raise ValueError(
                f"the store {place.shown} is not complete: saving was interrupted. Save the same again, and it goes on"
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"the store {place.shown} cannot be used: {inert(error)}") from error
        members = [cls._member._loaded(place.within(_folder(str(key)))) for key in keys]
        return cls(list(zip(keys, members, strict=True)), aligned_axes=axes, meta=meta, sanitize_inputs=False)

    def _summary(self) -> Summary:
        members = [(str(key), one._summary()) for key, one in self.items()]
        name = type(self).__name__
        if not members:
            return Summary(f"{name} of no {self._noun}s")
        state, picture = next(iter(self.values()))._state(), members[0][1].picture
        title = f"{name} of {many(len(self), self._noun)}, {state}: {', '.join(map(str, self))}"
        return Summary(title, picture=picture, members=members)

    def __repr__(self) -> str:
        return str(self)

    def _described(self, folders: Mapping[str, str]) -> dict[str, Any]:
        if not folders or len({*folders.values()}) < len(folders):
            raise ValueError("a collection is saved by its keys, but has none; make it of some members")
        axes = None if self.aligned_axes is None else tuple(map(tuple, self.aligned_axes.values()))
        document = {
            "format": FORMAT,
            "kind": type(self).__name__,
            "keys": list(folders),
            "aligned axes": to_json(axes, "aligned_axes"),
            "meta": to_json(self.meta),
            "versions": versions(),
        }
        return parsed(written(document), "the collection")

    def _to_be_written(self) -> Callable[[str], Contents]:
        """Gives what is written of a member."""
        return lambda key: self[key]._to_be_written()


def _folder(key: str) -> str:
    """The name of a member's group: its key, with ``%`` and a number for what is no letter or digit of ASCII."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: f"%{ord(match[0]):X}", key) or "%"
