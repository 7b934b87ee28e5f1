"""The documents of a simulated bucket: registry, catalogue and indexes, with the oddities of the real ones."""

import json
from collections.abc import Sequence

import numpy as np

from .frames import Frame

__all__ = ["INDEX_FOLDER", "REGISTRY_KEY", "documents", "registry"]

REGISTRY_KEY = "HelioDataRegistry.json"
INDEX_FOLDER = "sdo/aia/registries/"


def registry(endpoint: str) -> dict:
    """
    The registry of buckets in HelioCloud's format, with one bucket.

    Parameters
    ----------
    endpoint
        The bucket's URL, with ``/`` at the end.

    Returns
    -------
    dict
        What goes into ``HelioDataRegistry.json``.
    """
    return {
        "version": "0.4",
        "modification": "2024-03-05T00:00:00Z",
        "registry": [{"endpoint": endpoint, "name": "HelioCloud, including SDO", "region": "us-east-1"}],
    }


def documents(served_as: str, frames: Sequence[Frame], sizes: list[int], seed: int) -> dict[str, str]:
    """Index files, catalogue and registry, by key."""
    rows: dict[str, list[str]] = {}
    for frame, size in zip(frames, sizes, strict=True):
        name = f"{INDEX_FOLDER}aia_{frame.channel:04d}_{frame.label.strftime('%Y')}.csv"
        start = frame.label.strftime("%Y-%m-%dT%H:%M:%SZ")
        stop = f"{(frame.label + frame.exposure).isot}Z"
        rows.setdefault(name, []).append(f"{start},{stop},{served_as}{frame.key},{size}")
    rng = np.random.default_rng([seed, 4])
    indices = {
        name: "\n".join(["# start, stop, datakey, filesize", *rng.permutation(lines)]) + "\n"
        for name, lines in rows.items()
    }
    return {
        **indices,
        "catalog.json": json.dumps(_catalog(served_as, frames), indent=1),
        REGISTRY_KEY: json.dumps(registry(served_as), indent=1),
    }


def _catalog(served_as: str, frames: Sequence[Frame]) -> dict:
    channels = dict.fromkeys(frame.channel for frame in frames)
    first_day = min(frame.label for frame in frames).strftime("%Y-%m-%d")
    return {
        "version": "0.4",
        "name": "Simulated Sun",
        "egress": "no-egress",
        "status": {"code": 1200, "message": "OK"},
        "contact": "",
        "catalog": [
            {
                "id": f"aia_{channel:04d}",
                "index": served_as + INDEX_FOLDER,
                "title": f"SDO/AIA {channel} Å, simulated",
                "start": "2010-05-13T00:00:00Z",
                # As in the real catalogue, whose entries end before their data and contain such times.
                "stop": f"{first_day}T00:00:00Z",
                "modification": "2023-05-04:00:00:00Z",
                "indextype": "csv",
                "filetype": "fits",
            }
            for channel in channels
        ],
    }
