"""Renewing the data sets that tab completion offers."""

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
        If the registry cannot be read, or none of the buckets. If only some cannot, a warning says so, and all data
        sets that were known stay known.
    """
    entries, errors = catalog_entries()
    if errors and not entries:
        raise errors[0]
    titles = {entry.id: str(entry.metadata.get("title") or entry.id) for entry in entries}
    if errors:
        # Nobody knows which of the data sets that were known are in the buckets that cannot be read.
        titles = {name: title for name, title in known_datasets().items() if name not in FAMILIES} | titles
        for error in errors:
            warn_user(f"What was known of a bucket of HelioCloud is kept as it was: {error}")
    target = Path(path) if path else refreshed_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(dict(sorted(titles.items())), indent=0) + "\n")
    # sunpy adds to what is registered, and this attr is ours alone.
    Attr._attr_registry.pop(Dataset, None)
    Attr.update_values({HelioCloudClient: {Dataset: list({**FAMILIES, **titles}.items())}})
    return len(titles)
