"""Save: what of a store is there already, what is missing, and when it is complete."""

from collections.abc import Callable, Mapping
from typing import Any

from astropy.table import Table

from sunpy_heliocloud.lazy.jobs import job
from sunpy_heliocloud.lazy.losses import lost_frames
from sunpy_heliocloud.lazy.reports import next_number
from sunpy_heliocloud.store.chunks import WriteChunk, hash_of
from sunpy_heliocloud.store.conventions import attributes_of, variables_of
from sunpy_heliocloud.store.description import (
    DESCRIPTION,
    Contents,
    StoredArray,
    described,
    grids_of,
    read_sealed,
    sealed,
)
from sunpy_heliocloud.store.difference import differences
from sunpy_heliocloud.store.json_text import parsed, written
from sunpy_heliocloud.store.origin import frames_of
from sunpy_heliocloud.store.place import Place
from sunpy_heliocloud.store.running import write_chunks
from sunpy_heliocloud.store.shared_tasks import with_shared_tasks
from sunpy_heliocloud.store.strips import write_strips
from sunpy_heliocloud.store.zarr_documents import group_documents
from sunpy_heliocloud.text import shown_url

__all__ = ["COMPLETE", "claim", "mark_name", "save"]

COMPLETE = "complete.json"


def save(
    contents: Contents, place: Place, *, resume: bool = True, computed: Callable[[], Contents] | None = None
) -> None:
    """
    Save a cube or map, or what is missing of it.

    Parameters
    ----------
    contents
        Of the cube.
    place
        Where to.
    resume
        Whether a store that is there is gone on with, or replaced.
    computed
        Gives the contents to write when they are computed as a whole, which only happens if something is missing.

    Raises
    ------
    ValueError
        When there is a store of something else; the message names the difference.
    OSError
        When it cannot be written.
    """
    store = claim(place, described(contents), resume=resume)
    arrays, sizes = grids_of(store), place.sizes()
    marks = {
        name: _marks(place, name, stored, sizes, store["fingerprint"]) for name, stored in arrays.items()
    }
    if COMPLETE in sizes and all(len(marks[name]) == _count(stored) for name, stored in arrays.items()):
        complete = read_sealed(place, COMPLETE)
        if complete["store"] == store["fingerprint"] and complete["objects"].keys() <= sizes.keys():
            return
    started = next_number()
    contents = contents if computed is None else computed()
    try:
        _write_missing(contents, place, store["fingerprint"], arrays, marks)
    except OSError as error:
        error.add_note("What is written stays: save again, and only the rest is computed.")
        raise
    _complete(contents, place, store["fingerprint"], arrays, marks, _lost(contents, started))


def _lost(contents: Contents, since: int) -> dict[str, str]:
    """Frames of a cube that became NaN on any worker, beside what the marks say."""
    frames = contents.meta.get("frames")
    urls = frames["url"].tolist() if isinstance(frames, Table) and "url" in frames.colnames else []
    return {shown_url(url): shown_url(reason, 1000) for url, reason in lost_frames(urls, since).items()}


def claim(place: Place, document: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
    """
    Make a store, or find that there is one of the same; of several writers one makes it.

    Parameters
    ----------
    place, document
        Where, and what it will hold.
    resume
        Whether a store that is there may be gone on with.

    Returns
    -------
    dict
        The document, with its fingerprint.
    """
    wanted = sealed(document)
    if not resume and _emptied(place):
        place.write(DESCRIPTION, written(wanted))
        return wanted
    for _ in range(2):
        try:
            stored = read_sealed(place, DESCRIPTION)
        except FileNotFoundError:
            pass
        else:
            if found := differences(_without_seal(stored), _without_seal(wanted)):
                raise ValueError(
                    f"the store {place.shown} was made for something else: {found}. Save to another place, or say "
                    "resume=False to replace it"
                )
            return stored
        if not place.sizes() and place.create(DESCRIPTION, written(wanted)):
            return wanted
    raise ValueError(
        f"{place.shown} holds files that are no store, since it has no {DESCRIPTION}: expected a store, or a new or "
        "empty folder. Save to another place"
    )


def _without_seal(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "fingerprint"}


def _emptied(place: Place) -> bool:
    """Whether there was a store, of which what says that it is one is left. Files of others stay, too."""
    try:
        stored = read_sealed(place, DESCRIPTION)
    except FileNotFoundError:
        return False
    last = ("zarr.json", COMPLETE)  # written last, removed first
    folders = {*stored.get("arrays", ()), "time", "lag"}
    keys = place.sizes()
    place.remove([key for key in last if key in keys])
    place.remove(key for key in keys if key.partition("/")[0] in folders)
    return True


def mark_name(index: tuple[int, ...]) -> str:
    """Of a chunk."""
    return ".".join(map(str, index))


def _count(stored: StoredArray) -> int:
    return sum(1 for _ in stored.grid.indices())


def _marks(
    place: Place, name: str, stored: StoredArray, sizes: Mapping[str, int], store: str
) -> dict[str, dict[str, Any]]:
    """The marks of this store whose chunks are there and whole."""
    keys = {}
    for index in stored.grid.indices():
        key, chunk = f"{name}/done/{mark_name(index)}.json", "/".join(map(str, (name, "c", *index)))
        if key in sizes and sizes.get(chunk) == stored.grid.bytes_of(stored.dtype):
            keys[key] = mark_name(index)
    found: dict[str, dict[str, Any]] = {}
    for key, data in place.read_all(list(keys)).items():
        try:
            mark = parsed(data, key)
        except ValueError:  # as if it were not there: the chunk is written again
            continue
        if (
            mark.get("store") == store
            and isinstance(mark.get("hash"), str)
            and isinstance(mark.get("lost"), dict)
        ):
            found[keys[key]] = mark
    return found


def _write_missing(
    contents: Contents,
    place: Place,
    store: str,
    arrays: Mapping[str, StoredArray],
    marks: dict[str, dict[str, dict[str, Any]]],
) -> None:
    chunks = []
    for name, stored in arrays.items():
        array = with_shared_tasks(contents.arrays[name])
        for index in stored.grid.indices():
            if mark_name(index) not in marks[name]:
                part = array[stored.grid.region(index)]
                task = WriteChunk(place, name, stored.grid.chunk, index, store, tuple(frames_of(part)))
                chunks.append((part, task))
    if contents.strips:
        grids = {name: stored.grid for name, stored in arrays.items()}
        written = write_strips(contents.arrays, grids, contents.strips, [task for _, task in chunks])
    else:
        written = write_chunks(chunks)
    total = sum(map(_count, arrays.values()))
    with job(f"Saving {place.shown}", total=total, unit="chunk") as saving:
        saving.advance(total - len(chunks))
        for task, mark in written:
            marks[task.array][mark_name(task.index)] = mark
            saving.advance()


def _complete(
    contents: Contents,
    place: Place,
    store: str,
    arrays: Mapping[str, StoredArray],
    marks: Mapping[str, Mapping[str, dict[str, Any]]],
    lost: Mapping[str, str],
) -> None:
    """Write the small documents, and at last that of the group, without which the store is none for other programs."""
    if read_sealed(place, DESCRIPTION)["fingerprint"] != store:
        raise ValueError(
            f"the store {place.shown} was replaced by another writer meanwhile; save to another place"
        )
    objects = group_documents(variables_of(contents), arrays, attributes_of(contents))
    complete = {
        "store": store,
        "chunks": {
            name: {index: mark["hash"] for index, mark in sorted(of_array.items())}
            for name, of_array in marks.items()
        },
        "objects": {key: hash_of(data) for key, data in objects.items()},
        "lost": {
            url: reason
            for of_array in marks.values()
            for mark in of_array.values()
            for url, reason in mark["lost"].items()
        }
        | dict(lost),
    }
    group = objects.pop("zarr.json")
    for key, data in objects.items():
        place.write(key, data)
    place.write(COMPLETE, written(sealed(complete)))
    place.write("zarr.json", group)
    place.tidy()
