"""Registry, catalogue, indexes, listing: a search that reads one of them damaged."""

import io
import os
import warnings
import zipfile
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from sunpy.net import attrs as a

from fuzz import corpus
from fuzz.mutations import HOSTILE_TEXTS, HOSTILE_URLS, damaged, json_damaged, several, text_damaged
from fuzz.outcome import Outcome, finding, is_inert, of_error
from fuzz.server import DocumentServer

__all__ = ["DocumentTarget"]

INDEX = f"/{corpus.BUCKET}/index/{corpus.DATASET}_2020"
CATALOG = f"/{corpus.BUCKET}/catalog.json"
# What a search says of the query, not of a document.
_OF_THE_QUERY = ("There is no data set", "a.Wavelength", "The files of", "The folders of")
_RANGE = a.Time("2020-02-01T00:00:00", "2020-02-01T23:59:00")


class DocumentTarget:
    """
    A search through a small server, with one document damaged.

    Parameters
    ----------
    kind
        Which document.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._server = DocumentServer()
        self.port = self._server.port
        self._parquets = _parquets() if kind == "parquet" else []

    def good(self) -> bytes:
        return self.start(np.random.default_rng(0))

    def start(self, rng: np.random.Generator) -> bytes:
        match self.kind:
            case "registry":
                return corpus.registry()
            case "catalogue":
                return corpus.catalog()
            case "csv":
                return corpus.index(int(rng.integers(12)))
            case "csv-zip":
                return corpus.packed(corpus.index(int(rng.integers(12))))
            case "parquet":
                return self._parquets[rng.integers(len(self._parquets))]
        return corpus.listing()

    def mutate(self, rng: np.random.Generator, case: bytes) -> bytes:
        match self.kind:
            case "registry" | "catalogue":
                return json_damaged(rng, case)
            case "csv":
                return several(rng, case, (text_damaged, _fields_damaged, _fields_damaged))
            case "csv-zip":
                return _zip_damaged(rng, case)
            case "listing":
                return _listing_damaged(rng, case)
        return damaged(rng, case)

    def show(self, case: bytes) -> None:
        print(len(case), repr(case[:3000]))

    def run(self, case: bytes) -> Outcome:
        from sunpy_heliocloud.net import HelioCloudClient, cache

        cache.enabled = False
        os.environ["AWS_ENDPOINT_URL_S3"] = self._server.url
        os.environ["ROOT_CATALOG_REGISTRY_URL"] = f"{self._server.url}/registry.json"
        self._serve(case)
        how = [a.heliocloud.Lookup("listing")] if self.kind == "listing" else []
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                table = HelioCloudClient().search(_RANGE, a.heliocloud.Dataset(corpus.DATASET), *how)
            except Exception as error:  # noqa: BLE001  of_error judges them
                return of_error(error, allowed=_OF_THE_QUERY)
            return self._judged(table, [str(warning.message) for warning in told])

    def _serve(self, case: bytes) -> None:
        kind = self.kind if self.kind in ("csv", "csv-zip", "parquet") else "csv"
        suffix = {"csv": ".csv", "csv-zip": ".csv.zip", "parquet": ".parquet"}[kind]
        self._server.documents = {
            "/registry.json": case if self.kind == "registry" else corpus.registry(),
            CATALOG: case if self.kind == "catalogue" else corpus.catalog(kind),
            f"{INDEX}{suffix}": case if self.kind == kind else corpus.index(0),
        }
        self._server.listing = case if self.kind == "listing" else corpus.listing()

    def _judged(self, table: Any, told: list[str]) -> Outcome:
        """Whatever a document says, what comes out of the search keeps the promises."""
        from sunpy_heliocloud.io.location import remote_location

        for message in told:
            if not is_inert(message):
                return finding("not inert", f"warning {message!r}")
        for name in ("__repr__", "__str__"):
            text = getattr(table, name)().replace(f"<{type(table).__module__}", "", 1)
            if not is_inert(text, lines=True):
                return finding("not inert", f"{name}: {text!r}")
        page = table._repr_html_()
        if any(bad in page for bad in ("<script>alert", "<img src=x", "\x1b", "\x9b", "\u202e", "\0")):
            return finding("not inert", f"_repr_html_: {page!r}")
        urls = list(map(str, table["URL"])) if len(table) else []
        for url in urls:
            try:
                remote_location(url)
            except ValueError as error:
                return finding("refused URL in the table", error)
        if len(table) and "Size" in table.colnames:
            sizes = np.ma.filled(np.ma.asarray(table["Size"].value), np.nan)
            if (sizes < 0).any():
                return finding("impossible size", sizes)
        if told:
            return Outcome("masked", " ".join(told))
        return Outcome("read")


def _fields_damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """A field of a CSV table becomes another, or there are more or fewer of them."""
    lines = data.split(b"\n")
    i = int(rng.integers(len(lines)))
    fields = lines[i].split(b",")
    k = int(rng.integers(len(fields)))
    hostile = (
        *HOSTILE_URLS,
        *HOSTILE_TEXTS,
        "9999-12-31T23:59:60Z",
        "2020-02-30",
        "20200201T000000",
        "1e30",
        "-5",
        "0001-01-01",
    )
    match rng.integers(5):
        case 0:
            del fields[k]
        case 1:
            fields.insert(k, fields[k])
        case 2:
            fields = fields * int(rng.choice([2, 100, 5000]))
        case _:
            fields[k] = str(rng.choice(hostile)).encode("utf-8", "surrogatepass")
    lines[i] = b",".join(fields)
    return b"\n".join(lines)


def _zip_damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """An archive damaged inside, outside, in its names, or much larger than it looks."""
    if rng.random() < 0.4:
        return damaged(rng, data)
    text = _fields_damaged(rng, corpus.index(int(rng.integers(12))))
    if rng.random() < 0.6:
        return corpus.packed(text_damaged(rng, text))
    names = [
        "../../etc/x.csv",
        "/abs/x.csv",
        "a\x1b[2J.csv",
        "<script>alert(1)</script>.csv",
        "x.CSV",
        "a" * 60000 + ".csv",
    ]
    names += ["__MACOSX/x.csv", "x.txt", "", "x.csv/", "\u202egpj.csv"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal names
        for _ in range(int(rng.choice([0, 1, 2, 300]))):
            name = names[rng.integers(len(names))]
            way = [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA][
                rng.integers(4)
            ]
            archive.writestr(zipfile.ZipInfo(name), text, way)
        if rng.random() < 0.02:
            archive.writestr("bomb.csv", bytes(1_200_000_000), compresslevel=1)
    return file.getvalue()


def _listing_damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """A listing damaged as a text, or one that does not end, or has what a listing has not."""
    if rng.random() < 0.7:
        return text_damaged(rng, data)
    wrong = [
        b"<NextContinuationToken>x</NextContinuationToken>",
        b"<IsTruncated>true</IsTruncated>",
        b"<Contents><Key>sdo/aia/20200201/0171/../x_0171_v1.fits</Key><Size>1</Size></Contents>",
        b"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_20200230T000000_0171_v1.fits</Key><Size>1</Size></Contents>",
        b"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_20200201T000000_0171_v99999999999999999999.fits</Key>"
        b"<Size>1</Size></Contents>",
        b"<Contents><Size>1</Size></Contents>",
        b"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_20200201T000000_0171_v2.fits</Key></Contents>",
        b"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_20200201T000000_0171_v2.fits</Key><Size>-7</Size></Contents>",
        b"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_20200201T000000_0171_v2.fits</Key><Size>1e9</Size></Contents>",
        b"<a>" * int(rng.choice([10, 1000, 100_000])),
        b"&#27;[2J&#x202e;",
    ]
    begin = b"<IsTruncated>" if rng.random() < 0.5 else b"</ListBucketResult>"
    data = data.replace(begin, wrong[rng.integers(len(wrong))] + begin)
    if rng.random() < 0.1:
        entities = b"".join(
            b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"lol") for i in range(12)
        )
        data = data.replace(b"\n", b"<!DOCTYPE x [" + entities + b"]>\n", 1).replace(b"sdo/aia", b"&e11;", 1)
    return data


def _parquets() -> list[bytes]:
    """Indexes as parquet files, of all types that one may meet there."""
    n = 24
    starts = np.datetime64("2020-02-01T00:00:00", "us") + np.arange(n) * np.timedelta64(30, "m")
    urls = [f"s3://{corpus.BUCKET}/sdo/{i}.fits" for i in range(n)]
    plain = {"start": starts, "stop": starts + 2, "datakey": urls, "filesize": np.arange(n) + 1000}
    text = plain | {"start": [f"{t}Z" for t in starts], "stop": [f"{t}Z" for t in starts]}
    hostile = [
        (HOSTILE_URLS + HOSTILE_TEXTS[:22])[i % 60].encode("utf-8", "replace").decode() for i in range(n)
    ]
    tables = [
        plain,
        text,
        plain | {"wave": [171.0] * n, "note": [None, "a,b\n\"c'"] * (n // 2)},
        text | {"datakey": hostile},
        plain | {"filesize": pyarrow.array([None] * n, pyarrow.int64())},
        plain | {"filesize": [str(i) for i in range(n)]},
        plain | {"filesize": np.linspace(-1e300, 1e300, n)},
        plain | {"start": pyarrow.array(starts).cast(pyarrow.timestamp("ns", "Europe/Berlin"))},
        plain | {"start": pyarrow.array(np.arange(n) * 2**36, pyarrow.timestamp("s"))},
        plain | {"start": np.arange(n)},
        plain | {"start": pyarrow.array(starts).cast(pyarrow.date32())},
        plain | {"datakey": pyarrow.array([url.encode() for url in urls])},
        plain | {"datakey": pyarrow.array(urls).dictionary_encode()},
        plain | {"datakey": [[url] for url in urls]},
        plain | {"datakey": pyarrow.array([None, *urls[1:]])},
        plain | {"more": [{"a": i, "b": [i]} for i in range(n)]},
        plain | {"more": pyarrow.array([b"\xff\xfe"] * n)},
        {name: plain[name] for name in ("start", "datakey")},
        {name: plain[name] for name in ("stop", "datakey", "filesize")},
        {"# Start ": starts, "STOP": starts, "DataKey": urls, "fileSize": np.arange(n)},
        {f"c{i}": plain["filesize"] for i in range(2000)} | plain,
        {name: values[:0] for name, values in plain.items()},
        {},
    ]
    files = []
    for columns in tables:
        file = io.BytesIO()
        parquet.write_table(
            pyarrow.table(columns), file, compression=["snappy", "zstd", "gzip", "none"][len(files) % 4]
        )
        files.append(file.getvalue())
    # Many rows that take no room.
    column = pyarrow.array(urls[:1] * 1_000_000).dictionary_encode()
    bomb = pyarrow.table({"start": column, "datakey": column, "filesize": column})
    file = io.BytesIO()
    with parquet.ParquetWriter(file, bomb.schema, compression="zstd") as writer:
        for _ in range(30):
            writer.write_table(bomb, row_group_size=1_000_000)
    return [*files, file.getvalue()]
