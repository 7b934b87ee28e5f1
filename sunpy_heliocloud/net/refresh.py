"""Updating the list of data sets for tab completion."""

import json
from pathlib import Path

from sunpy.net.attr import Attr
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.net.attrs import Dataset
from sunpy_heliocloud.net.catalog import catalog_entries
from sunpy_heliocloud.net.client import HelioCloudClient
from sunpy_heliocloud.net.known_datasets import FAMILIES, known_datasets, refreshed_path

__all__ = ["refresh_datasets"]


def refresh_datasets(path: str | None = None) -> int:
    """
    Update the list of data sets of ``a.heliocloud.Dataset`` from the live registry.

    Searches do not use this list: they always read the catalogue. The list is stored beside the cache for
    later sessions.

    Parameters
    ----------
    path
        Another file to write; a release of the package passes its own
        ``sunpy_heliocloud/net/known_datasets.json``.

    Returns
    -------
    int
        Number of data sets.

    Raises
    ------
    CatalogError
        If the registry or all buckets cannot be read. If only some buckets cannot be read, a warning names
        them, and the list keeps all its old data sets.

    Examples
    --------
    >>> sunpy_heliocloud.net.refresh_datasets()  # doctest: +SKIP
    """
    entries, errors = catalog_entries()
    if errors and not entries:
        raise errors[0]
    titles = {entry.id: str(entry.metadata.get("title") or entry.id) for entry in entries}
    if errors:
        # The list does not contain buckets, so that it is unknown which data sets are in the unreadable
        # buckets.
        titles = {name: title for name, title in known_datasets().items() if name not in FAMILIES} | titles
        for error in errors:
            warn_user(
                f"The old list of data sets is kept, since a bucket of HelioCloud cannot be read: {error}"
            )
    target = Path(path) if path else refreshed_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(dict(sorted(titles.items())), indent=0) + "\n")
    # sunpy only adds values; all values of this attr belong to this client.
    Attr._attr_registry.pop(Dataset, None)
    Attr.update_values({HelioCloudClient: {Dataset: list({**FAMILIES, **titles}.items())}})
    return len(titles)
