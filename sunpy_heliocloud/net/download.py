"""Downloads: a file is saved only if it is complete."""

import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import parfive

import astropy.units as u

from sunpy_heliocloud.io.http_errors import StatusError
from sunpy_heliocloud.io.location import LocationError, given_location, trust_of
from sunpy_heliocloud.log import info
from sunpy_heliocloud.net.file_name import beside, folded
from sunpy_heliocloud.net.response import HelioCloudResponse
from sunpy_heliocloud.net.transfer import Transfer, transfer
from sunpy_heliocloud.net.wanted_file import WantedFile, is_part_of
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["download"]

# Seconds after which a temporary file without changes is a remnant of a process that was killed.
ABANDONED = 86400
# Paths of all files in one call of Fido.fetch, whose tables share a downloader.
_claims: WeakKeyDictionary[parfive.Downloader, dict[str, str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Job:
    """
    A file, and the place that no other file of the same call has.

    Attributes
    ----------
    file
        What is to be downloaded.
    target
        Where to.
    """

    file: WantedFile
    target: Path

    @property
    def found(self) -> Path | None:
        """Where it is already, under a name of its own or the plain one, if it is."""
        places = dict.fromkeys((self.file.distinct, self.target))
        return next((place for place in places if self.file.is_whole(place)), None)


def download(
    table: HelioCloudResponse, template: str, downloader: parfive.Downloader, max_splits: int | None
) -> parfive.Results:
    """
    Download the files of a table.

    Parameters
    ----------
    table
        The files.
    template
        Where to, with ``{file}`` in it and, if wanted, names of columns.
    downloader
        Says how many at once, what is shown of it, and what becomes of files that exist. Nothing is queued in it.
    max_splits
        How many connections share a file, instead of the downloader's.

    Returns
    -------
    `parfive.Results`
        The files; ``errors`` has those that were not downloaded.

    Raises
    ------
    ValueError
        If the template cannot be filled in, or gives two files one name.
    OSError
        If the disk has too little space for what is missing.
    """
    files, refused = _files(table, template)
    jobs = _claim(files, downloader)
    saved, errors = _save(jobs, downloader, max_splits)
    results = parfive.Results()
    for url, reason in refused:
        results.add_error(partial(_refuse, reason), url, reason)
    for job in jobs:
        url = job.file.url
        if job in errors:
            results.add_error(partial(_again, job, downloader, max_splits), url, errors[job])
        else:
            results.append(path=str(saved[job]), url=url)
    return results


# Which files, and where to ---------------------------------------------------------------------------------------------


def _files(table: HelioCloudResponse, template: str) -> tuple[list[WantedFile], list[tuple[str, OSError]]]:
    """Each file once, and what is wrong with rows that have none."""
    bucket = table.meta.get("bucket")
    trusted = trust_of(given_location(bucket)) if bucket else ()
    files: dict[str, WantedFile] = {}
    refused = []
    for row in table:
        try:
            file = WantedFile.of(row, template, trusted)
        except LocationError as e:
            refused.append((str(row["URL"]), OSError(f"{shown_url(row['URL'])!r} was not downloaded: {e}")))
        else:
            files[file.url] = file
    return list(files.values()), refused


def _claim(files: Iterable[WantedFile], downloader: parfive.Downloader) -> list[Job]:
    """Give each file a place of its own: with a mark in its name where others would have the same."""
    claims = _claims.setdefault(downloader, {})
    wanted: dict[str, set[str]] = defaultdict(set)
    files = list(files)
    for file in files:
        wanted[folded(file.plain)].add(file.url)
    jobs = []
    for file in files:
        name = folded(file.plain)
        is_alone = len(wanted[name]) == 1 and claims.get(name, file.url) == file.url
        target = file.plain if is_alone else file.distinct
        if (other := claims.setdefault(folded(target), file.url)) != file.url:
            raise ValueError(
                f"{shown_url(other)} and {shown_url(file.url)} would both be saved as {inert(target)}: give fetch a "
                "path that tells them apart, such as path='{dataset}/{start_time}/{file}'"
            )
        jobs.append(Job(file, target))
    return jobs


def _save(
    jobs: Sequence[Job], downloader: parfive.Downloader, max_splits: int | None
) -> tuple[dict[Job, Path], dict[Job, OSError]]:
    """Download what is missing; gives the place of each file, or what is wrong."""
    overwrite = downloader.config.overwrite
    errors = {
        job: _error(
            job, "a link leads out of the folder that path names: give fetch the path that it leads to"
        )
        for job in jobs
        if job.file.leaves_base(job.target)
    }
    jobs = [job for job in jobs if job not in errors]
    saved = {} if overwrite else {job: found for job in jobs if (found := job.found)}
    jobs = [job for job in jobs if job not in saved]
    unusable = _prepare({job.target.parent for job in jobs})
    errors |= {job: _error(job, reason) for job in jobs if (reason := unusable.get(job.target.parent))}
    jobs = [job for job in jobs if job not in errors]
    _check_space(jobs)
    partials = {job: job.target.with_name(f".{uuid4().hex}.part") for job in jobs}
    try:
        broken = transfer(
            [Transfer(job.file.location, path, job.target.name) for job, path in partials.items()],
            downloader,
            downloader.config.max_splits if max_splits is None else max_splits,
        )
        for (job, path), failure in zip(partials.items(), broken, strict=True):
            try:
                if failure is None:
                    saved[job] = _put_in_place(job, path, overwrite)
                else:
                    errors[job] = _error(job, failure)
            except OSError as e:
                errors[job] = _error(job, e)
            _call_back(downloader, job, saved.get(job), errors.get(job))
    finally:
        for path in partials.values():
            path.unlink(missing_ok=True)
    return saved, errors


def _again(job: Job, downloader: parfive.Downloader, max_splits: int | None, *_: Any) -> Path:
    """
    Download a file that has failed.

    parfive asks for the place of each file when results with errors are given to ``Fido.fetch`` again, and does not
    download what it finds there.
    """
    saved, errors = _save([job], downloader, max_splits)
    if job in errors:
        raise errors[job]
    return saved[job]


def _refuse(reason: OSError, *_: Any) -> Path:
    raise reason


# Disks ---------------------------------------------------------------------------------------------------------------


def _prepare(folders: set[Path]) -> dict[Path, OSError]:
    """Make the folders, and see whether they can be written to; gives what is wrong with those that cannot."""
    unusable = {}
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            trial = folder / f".{uuid4().hex}.part"
            trial.touch()
            trial.unlink()
            _remove_abandoned(folder)
        except OSError as e:
            unusable[folder] = e
    return unusable


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".*.part"):
        if re.search(r"\.[0-9a-f]{32}\.part$", path.name):
            with suppress(FileNotFoundError):  # Another process has just finished the download.
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()


def _check_space(jobs: Sequence[Job]) -> None:
    """Refuse files that need more space than the disks have, before the download starts."""
    needed: dict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    for job in jobs:
        device = job.target.parent.stat().st_dev
        folders[device] = job.target.parent
        needed[device] += job.file.size or 0
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if needed[device] > free:
            raise OSError(
                f"The files need {(needed[device] * u.byte).to(u.Gbyte):.3g}, and the disk of {folder} has "
                f"{(free * u.byte).to(u.Gbyte):.3g} left: free some, give fetch another path, or fetch fewer files"
            )


def _put_in_place(job: Job, path: Path, overwrite: bool | str) -> Path:
    """Rename what is complete; gives the name."""
    if difference := job.file.difference(path):
        raise OSError(
            f"{difference}. Either the download was cut short or the index is older than the file: try again later"
        )
    target = _free_place(job, path, overwrite)
    os.replace(path, target)
    return target


def _free_place(job: Job, path: Path, overwrite: bool | str) -> Path:
    """Where nothing is that is to stay."""
    if overwrite == "unique":
        return beside(job.target)
    places = list(dict.fromkeys((job.target, job.file.distinct)))
    for place in places:
        if overwrite or not os.path.lexists(place) or is_part_of(place, path):
            if place != places[0]:
                info(f"{inert(places[0])} is another file and stays: the new one is saved as {inert(place)}")
            return place
    raise FileExistsError(
        f"{inert(places[-1])} is another file, which may be an older version of it: fetch with overwrite=True replaces "
        "it, overwrite='unique' keeps both"
    )


def _call_back(downloader: parfive.Downloader, job: Job, path: Path | None, error: OSError | None) -> None:
    for callback in downloader.config.done_callbacks:
        callback(str(path or job.target), job.file.url, error)


# Errors --------------------------------------------------------------------------------------------------------------


def _error(job: Job, reason: Exception | str) -> OSError:
    error = OSError(f"{shown_url(job.file.url)} was not downloaded: {shown_url(_said(reason))}")
    if isinstance(reason, Exception):
        error.__cause__ = reason
    return error


def _said(reason: Exception | str) -> str:
    if isinstance(reason, StatusError):
        advice = (
            "try again later" if reason.status >= 500 else "the file may have moved, or may not be public"
        )
        return f"{reason}; {advice}"
    return str(reason) or type(reason).__name__
