"""Small buckets for tests of the search."""

import json

import numpy as np

from sunpy_heliocloud.net import HelioCloudClient

__all__ = ["entry", "fill", "rows_of", "search"]


def entry(id, index, **more):
    return {"id": id, "index": index, "title": f"Images {id}", "start": "2010", "stop": "2019-12-31", **more}


def fill(server, indexes, **more):
    """Write a bucket: texts of indexes by id and year, such as ``{"aia_0171": {2020: "..."}}``."""
    entries = [entry(id, f"{server.url}registries/", **more) for id in indexes]
    server.write("catalog.json", json.dumps({"catalog": entries, "status": {"code": 1200}}).encode())
    server.write("HelioDataRegistry.json", json.dumps({"registry": [{"endpoint": server.url}]}).encode())
    for id, years in indexes.items():
        for year, text in years.items():
            server.write(f"registries/{id}_{year}.csv", text.encode())


def rows_of(id, start, n, minutes=4):
    """Rows of an index, an image every few minutes, the last one first."""
    starts = np.datetime64(start, "ms") + np.arange(n)[::-1] * np.timedelta64(minutes, "m")
    return "".join(f"{t}Z,{t + np.timedelta64(2, 's')}Z,s3://b/{id}/{t}.fits,13000000\n" for t in starts)


def search(*query):
    """What the client finds, or raises."""
    return HelioCloudClient().search(*query)
