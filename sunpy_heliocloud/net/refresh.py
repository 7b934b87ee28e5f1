"""Renewing the data sets that tab completion offers."""

import json
from pathlib import Path

from sunpy.net.attr import Attr

from sunpy_heliocloud.net.attrs import Dataset
from sunpy_heliocloud.net.catalog import catalog_entries
from sunpy_heliocloud.net.client import HelioCloudClient
from sunpy_heliocloud.net.known_datasets import FAMILIES, refreshed_path

__all__ = ["refresh_datasets"]


def refresh_datasets(path: str | None = None) -> int:
    """
    Renew what ``a.heliocloud.Dataset`` completes and documents, from the live registry.

    Searches need no refresh: they always ask the catalogue. What is read is kept beside the cache for the next
    sessions.

    Parameters
    ----------
    path
        The file to write, if it is to be another; a release of the package passes its own
        ``sunpy_heliocloud/net/known_datasets.json``.

    Returns
    -------
    int
        How many data sets there are.

    Raises
    ------
    CatalogError
        If the registry or a catalogue cannot be read.
    """
    entries, errors = catalog_entries()
    if errors:
        raise errors[0]
    titles = {entry.id: str(entry.metadata.get("title") or entry.id) for entry in entries}
    target = Path(path) if path else refreshed_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(dict(sorted(titles.items())), indent=0) + "\n")
    Attr.update_values({HelioCloudClient: {Dataset: list({**FAMILIES, **titles}.items())}})
    return len(titles)
