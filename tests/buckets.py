"""Small buckets for tests of the search."""

import io
import json
import random
import zipfile

import numpy as np
import pyarrow
from hypothesis import strategies as st
from pyarrow import parquet

from sunpy_heliocloud.net import HelioCloudClient

__all__ = ["entry", "fill", "indexes", "parquet_of", "rows_of", "search", "zipped"]


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


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    """An archive of files, given by name and content."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return content.getvalue()


def parquet_of(columns, **options):
    """A parquet file of these columns."""
    content = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), content, **options)
    return content.getvalue()


def search(*query):
    """The result of a search, or its error."""
    return HelioCloudClient().search(*query)


@st.composite
def indexes(draw):
    """An index in any variant of the format, and its rows in time order."""
    n = draw(st.integers(0, 12))
    seconds = draw(st.lists(st.integers(0, 366 * 86400), min_size=n, max_size=n, unique=True))
    starts = np.sort(np.datetime64("2020-01-01", "us") + np.array(seconds, int).astype("timedelta64[s]"))
    durations = draw(st.lists(st.integers(0, 10**9), min_size=n, max_size=n))
    stops = starts + np.array(durations, int).astype("timedelta64[us]")
    sizes = draw(st.lists(st.integers(0, 10**12), min_size=n, max_size=n))

    has_stop = draw(st.booleans())
    quote = draw(st.sampled_from(["", "'", '"']))
    folder = draw(st.sampled_from(["a b/ü", "it's", "a, b" if quote else "a"]))
    urls = [f"s3://bucket/{folder}/{i}.fits" for i in range(n)]
    comma = draw(st.sampled_from([",", ", ", " ,"]))
    newline = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    zone = draw(st.sampled_from(["Z", ""]))
    extra = draw(st.sampled_from([[], ["195", "20.4"], [""], ["a,b"]]))
    names = ["start", *(["stop"] if has_stop else []), "datakey", "filesize", *"xyz"[: len(extra)]]
    header = draw(
        st.sampled_from([[], [comma.join(names)], ["# " + comma.join(names)], ["#" + ",".join(names)]])
    )

    lines = [
        comma.join(
            f"{quote}{word}{quote}"
            for word in (f"{start}{zone}", *([f"{stop}{zone}"] if has_stop else []), url, size, *extra)
        )
        for start, stop, url, size in zip(starts, stops, urls, sizes, strict=True)
    ]
    random.Random(draw(st.integers())).shuffle(lines)
    text = draw(st.sampled_from(["", "\ufeff"])) + newline.join(header + lines)
    text += newline if draw(st.booleans()) else ""
    return text.encode(), has_stop, starts, stops, urls, sizes
