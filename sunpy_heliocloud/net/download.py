"""Downloads that end whole or not at all."""

import asyncio
import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import parfive
from aiohttp import ClientError
from parfive.utils import FailedDownload, replacement_filename

import astropy.units as u

from sunpy_heliocloud.io.http import PAUSES
from sunpy_heliocloud.net.response import HelioCloudResponse
from sunpy_heliocloud.net.wanted_file import WantedFile

__all__ = ["download"]

# Seconds after which a temporary file that nobody writes to is what a process that was killed has left.
ABANDONED = 86400
# Who saves what where, of all tables in one call of Fido.fetch: they share a downloader.
_claims: WeakKeyDictionary[parfive.Downloader, dict[Path, str]] = WeakKeyDictionary()


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
        Says how. Nothing is queued in it.
    max_splits
        How many connections share a file, instead of the downloader's.

    Returns
    -------
    `parfive.Results`
        The files; ``errors`` has those that were not downloaded.

    Raises
    ------
    ValueError
        If a URL has no usable file name or scheme, or two files would be saved under one name.
    OSError
        If the disk has too little space for what is missing.
    """
    files = [WantedFile.of(row, template) for row in table]
    _claim(files, table["URL"], downloader)
    overwrite = downloader.config.overwrite
    wanted = [file for file in files if overwrite or not file.is_whole()]
    unusable = _prepare({file.target.parent for file in wanted})
    errors = {file.url: e for file in wanted if (e := unusable.get(file.target.parent))}
    wanted = [file for file in wanted if file.url not in errors]
    _check_space(wanted)
    errors |= _download_repeatedly(wanted, downloader, max_splits)
    saved = _put_in_place(wanted, errors, overwrite)
    _skip_empty_download(downloader)
    return _results(files, saved, errors)


def _skip_empty_download(downloader: parfive.Downloader) -> None:
    """Keep Fido, which now asks the downloader for what is queued, from a bar that says "0 files" if nothing is."""

    def download() -> parfive.Results:
        del downloader.download
        return downloader.download() if downloader.queued_downloads else parfive.Results()

    downloader.download = download


def _claim(files: list[WantedFile], urls, downloader: parfive.Downloader) -> None:
    """Refuse to save two files under one name."""
    claims = _claims.setdefault(downloader, {})
    for file, url in zip(files, urls, strict=True):
        if claims.setdefault(file.target, url) != url:
            raise ValueError(
                f"{claims[file.target]} and {url} would both be saved as {file.target}: "
                "give fetch a path that tells them apart, such as path='{dataset}/{start_time}/{file}'"
            )


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
            with suppress(FileNotFoundError):  # Who downloads it has just finished.
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()


def _check_space(files: list[WantedFile]) -> None:
    """Refuse what the disks have no space for, before an hour of downloading fills them."""
    needed: dict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    for file in files:
        device = file.target.parent.stat().st_dev
        folders[device] = file.target.parent
        needed[device] += file.size or 0
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if needed[device] > free:
            raise OSError(
                f"The files need {(needed[device] * u.byte).to(u.Gbyte):.3g}, and the disk of {folder} has "
                f"{(free * u.byte).to(u.Gbyte):.3g} left: free some, give fetch another path, or fetch fewer files"
            )


# Download ------------------------------------------------------------------------------------------------------------


class _Downloader(parfive.Downloader):
    """
    A downloader that gives a file up when it cannot be written.

    parfive's own waits for ever until what it has received is written, though its writer has ended with an error.
    """

    def __init__(self, **config):
        super().__init__(**config)
        self.write_errors: dict[Path, OSError] = {}

    def _write_worker(self, queue: asyncio.Queue, file_pb: Any, filepath: Path) -> Coroutine:
        # Called within the task that downloads the file, which is to end with the writer.
        writing = super()._write_worker(queue, file_pb, filepath)
        return self._write_or_give_up(writing, asyncio.current_task(), filepath)

    async def _write_or_give_up(self, writing: Coroutine, download: asyncio.Task, filepath: Path) -> None:
        try:
            await writing
        except OSError as e:
            self.write_errors[filepath] = e
            download.cancel()


def _download_repeatedly(
    files: list[WantedFile], like: parfive.Downloader, max_splits: int | None
) -> dict[str, Exception]:
    """Download to the temporary names; gives the errors that stay, by URL."""
    errors = _download(files, like, max_splits)
    for pause in PAUSES:
        again = [file for file in files if file.url in errors and _may_pass(errors[file.url])]
        if not again:
            break
        time.sleep(pause)
        repeated = _download(again, like, max_splits)
        errors = {url: e for url, e in errors.items() if url not in {file.url for file in again}} | repeated
    return errors


def _download(
    files: list[WantedFile], like: parfive.Downloader, max_splits: int | None
) -> dict[str, Exception]:
    if not files:
        return {}
    config = like.config
    downloader = _Downloader(
        max_conn=config.max_conn,
        max_splits=config.max_splits if max_splits is None else max_splits,
        progress=config.progress,
        overwrite=True,
        config=config.config,
    )
    for file in files:
        downloader.enqueue_file(file.url, path=file.partial.parent, filename=file.partial.name)
    errors = {error.url: error.exception for error in downloader.download().errors}
    return errors | {file.url: e for file in files if (e := downloader.write_errors.get(file.partial))}


def _put_in_place(
    files: list[WantedFile], errors: dict[str, Exception], overwrite: bool | str
) -> dict[str, Path]:
    """Rename what is complete; gives the names by URL, and adds to the errors what is not complete."""
    saved = {}
    for file in files:
        try:
            if file.url in errors:
                continue
            if not file.partial.exists():
                raise InterruptedError("it was interrupted before its turn came")
            if difference := file.difference(file.partial):
                raise OSError(
                    f"{difference}. Either the download was cut short or the index is older than the file: "
                    "try again later"
                )
            target = replacement_filename(file.target) if overwrite == "unique" else file.target
            os.replace(file.partial, target)
            saved[file.url] = target
        except OSError as e:
            errors[file.url] = e
        finally:
            file.partial.unlink(missing_ok=True)
    return saved


def _results(
    files: list[WantedFile], saved: dict[str, Path], errors: dict[str, Exception]
) -> parfive.Results:
    results = parfive.Results()
    for file in files:
        if file.url in errors:
            reason = OSError(f"{file.url} was not downloaded: {_reason(errors[file.url])}")
            reason.__cause__ = errors[file.url]
            results.add_error(lambda response, url, target=file.target: target, file.url, reason)
        else:
            results.append(path=str(saved.get(file.url, file.target)), url=file.url)
    return results


# Errors --------------------------------------------------------------------------------------------------------------


def _may_pass(error: Exception) -> bool:
    cause = _cause(error)
    if hasattr(cause, "status"):
        return cause.status >= 500 or cause.status == 429
    return isinstance(cause, ClientError | ConnectionError | TimeoutError)


def _cause(error: BaseException) -> Any:
    """What parfive has wrapped: an exception, or the response of a server that refused."""
    while isinstance(error, FailedDownload):
        error = error.exception
    return getattr(error, "response", error)


def _reason(error: BaseException) -> str:
    cause = _cause(error)
    if hasattr(cause, "status"):
        advice = "try again later" if cause.status >= 500 else "the file may have moved, or may not be public"
        return f"the server answered {cause.status} {cause.reason}; {advice}"
    if isinstance(cause, asyncio.CancelledError):
        return "it was interrupted"
    return str(cause) or type(cause).__name__
