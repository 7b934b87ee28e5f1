"""Indexes that are larger than they seem, or hold what no index does: a bound, an error that names the URL, or rows."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import fill, parquet_of, rows_of, search, zipped
from sunpy_heliocloud import limits
from sunpy_heliocloud.bounds import LimitError
from sunpy_heliocloud.io.cache import cache
from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.index.columns import ColumnTable
from sunpy_heliocloud.net.index.csv_table import read_rows, timetable
from sunpy_heliocloud.net.index.parquet_table import columns_of
from sunpy_heliocloud.net.index.zipped import unzip
from sunpy_heliocloud.net.rows import Rows, text_column

DAY = a.Time("2020-02-01", "2020-02-02")
X = a.heliocloud.Dataset("x")
URL = "s3://b/x_2020"
pytestmark = pytest.mark.usefixtures("short_pauses")


def required(n=1, **columns):
    """The required columns of a parquet index."""
    starts = np.datetime64("2020-02-01", "us") + np.arange(n)
    return {
        "start": starts,
        "stop": starts,
        "datakey": [f"s3://b/{i}" for i in range(n)],
        "filesize": [1] * n,
    } | columns


# Bounds ---------------------------------------------------------------------------------------------------------------


def test_a_bomb_in_a_zip_reaches_the_bound_whatever_its_header_says(server, monkeypatch):
    monkeypatch.setattr(limits, "index_bytes", 10_000)
    bomb = zipped(("x_2020.csv", bytes(10_000_000)))
    lying = bomb.replace((10_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != bomb
    fill(server, {"x": {}}, indextype="csv-zip")
    server.write("registries/x_2020.csv.zip", bomb)
    with pytest.raises(
        LimitError, match=r"x_2020.csv.zip has .* bytes, and at most 10,000 .*limits.index_bytes = "
    ):
        search(DAY, X)
    server.write("registries/x_2020.csv.zip", lying)
    with pytest.raises((CatalogError, LimitError), match="x_2020.csv.zip"):
        search(DAY, X)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_other_methods_are_refused_by_number(method):
    with pytest.raises(
        CatalogError, match=f"x_2020 is encrypted or compressed by the method {method}: expected 0"
    ):
        unzip(zipped(("x.csv", rows_of("x", "2020-02-01", 2)), method=method), URL)


def test_encrypted_zips_are_refused():
    archive = bytearray(zipped(("x.csv", "text")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.find(signature) + offset] |= 1
    with pytest.raises(CatalogError, match="x_2020 is encrypted"):
        unzip(bytes(archive), URL)


def test_a_zip_of_many_members_is_named_in_short():
    archive = zipped(*((f"{i}\x1b/{'x' * 200}.csv", "") for i in range(3000)))
    with pytest.raises(CatalogError, match=r"expected one .csv file, found 3000 \(0\\x1b/x") as error:
        unzip(archive, URL)
    assert len(str(error.value)) < 1500


@pytest.mark.parametrize(
    "bomb",
    [
        {"note": pyarrow.DictionaryArray.from_arrays(np.zeros(10**5, "i4"), ["x" * 10**6])},
        {"datakey": pyarrow.DictionaryArray.from_arrays(np.zeros(10**5, "i4"), ["s3://b/" + "x" * 10**6])},
        {"note": pyarrow.array([b"\0" * 10**8] + [b""] * (10**5 - 1))},
    ],
    ids=["an optional column", "datakeys", "one text"],
)
def test_a_bomb_in_parquet_reaches_the_bound(monkeypatch, bomb):
    monkeypatch.setattr(limits, "index_bytes", 5 * 10**7)
    data = parquet_of(required(10**5, **bomb), compression="zstd", use_dictionary=True, store_schema=False)
    assert len(data) < 5 * 10**6
    with pytest.raises(LimitError, match=r"x_2020 has .* bytes, and at most 50,000,000"):
        columns_of(data, URL)


def test_pages_of_parquet_that_say_less_in_the_footer_reach_the_bound(monkeypatch):
    monkeypatch.setattr(limits, "index_bytes", 5 * 10**7)
    column = {"note": pyarrow.array([b"\0" * 10**8])}
    data = parquet_of(required(1, **column), compression="zstd", use_dictionary=False, write_statistics=False)
    size = parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(4).total_uncompressed_size
    begin, footer = data[:-1000], data[-1000:]
    lying = begin + footer.replace(varint(size), varint(9, of=len(varint(size))))
    assert lying != data
    assert (
        parquet.ParquetFile(io.BytesIO(lying)).metadata.row_group(0).column(4).total_uncompressed_size < 100
    )
    with pytest.raises(LimitError, match=r"x_2020 has 100,.* bytes, and at most 50,000,000"):
        columns_of(lying, URL)


def varint(n, of=0):
    """A number in Thrift's compact protocol, of so many bytes at least."""
    n, text = 2 * n, bytearray()
    while n > 127 or len(text) < of - 1:
        text.append(n & 127 | 128)
        n >>= 7
    return bytes([*text, n])


def test_a_damaged_footer_does_not_end_the_interpreter():
    """pyarrow 26 did, when it was asked for a column's metadata whose histogram of levels has another size."""
    data = parquet_of(required(50, note=["a", "b"] * 25))
    footer = int.from_bytes(data[-8:-4], "little")
    for i in range(len(data) - 8 - footer, len(data) - 8, 3):
        changed = bytearray(data)
        changed[i] ^= 0x10
        outcome(lambda changed=changed: columns_of(bytes(changed), URL))


def test_offsets_from_utc_are_understood():
    data = b"2020-02-01T01:00+01:00,2020-01-31T19:30-0500,s3://b/1,1\n2020-02-01T00:00:60Z,,s3://b/2,1"
    rows = everything(data)
    assert rows.start.astype(str).tolist() == ["2020-02-01T00:00:00.000000", "2020-02-01T00:01:00.000000"]
    assert rows.stop[0] == np.datetime64("2020-02-01T00:30")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize(
    "options", [{}, {"write_page_checksum": True}, {"use_dictionary": False, "data_page_size": 64}]
)
def test_parquet_of_all_kinds_of_pages_is_read(version, compression, options):
    columns = required(
        1000, note=[f"{i % 7}" for i in range(1000)], wave=np.arange(1000.0), nothing=[None] * 1000
    )
    data = parquet_of(
        columns, data_page_version=version, compression=compression, row_group_size=300, **options
    )
    table = ColumnTable(columns_of(data, URL), URL)
    rows = table.rows(np.arange(1000))
    assert rows.url == columns["datakey"]
    assert rows.more["note"].tolist() == columns["note"]
    assert rows.more["wave"].tolist() == list(range(1000))


def test_rows_of_an_index_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "index_rows", 10)
    text = rows_of("x", "2020-02-01", 11).encode()
    for data in (text, text.replace(b"\n", b"\n\n")):
        with pytest.raises(LimitError, match=r"x_2020 has .* rows, and at most 10 .*limits.index_rows"):
            timetable(data, URL)
    with pytest.raises(LimitError, match=r"x_2020 has 11 rows, and at most 10 .*limits.index_rows = 11"):
        columns_of(parquet_of(required(11)), URL)


def test_an_index_of_text_is_bounded_on_its_way(server, monkeypatch):
    fill(server, {"x": {2020: rows_of("x", "2020-02-01", 100)}})
    monkeypatch.setattr(limits, "index_bytes", 1000)
    with pytest.raises((LimitError, CatalogError), match="x_2020.csv.* at most 1,000"):
        search(DAY, X)


def test_a_catalogue_is_bounded(server, monkeypatch):
    fill(server, {f"x{i}": {} for i in range(100)})
    monkeypatch.setattr(limits, "document_bytes", 1000)
    with pytest.raises(CatalogError, match="catalog.json.* at most 1,000"):
        search(DAY, X, a.heliocloud.Bucket(server.url))


def test_the_data_sets_of_a_catalogue_are_bounded(server, monkeypatch):
    fill(server, {f"x{i}": {} for i in range(11)})
    monkeypatch.setattr(limits, "datasets", 10)
    with pytest.raises(
        CatalogError, match="catalog.json has 11 datasets.* at most 10 .*limits.datasets = 11"
    ):
        search(DAY, X, a.heliocloud.Bucket(server.url))


def test_the_buckets_of_a_registry_are_bounded(server):
    fill(server, {"x": {}})
    buckets = [{"endpoint": f"s3://bucket-{i}/"} for i in range(101)]
    server.write("HelioDataRegistry.json", json.dumps({"registry": buckets}).encode())
    with pytest.raises(LimitError, match="HelioDataRegistry.json has 101 buckets.* at most 100 "):
        search(DAY, X)


def test_a_row_of_many_fields_is_an_error_that_names_it():
    row = b"2020-02-01,2020-02-02,s3://b/1,1"
    for more in (b"," * 10**6, b",'\",\"'" + b',"' + b"," * 1000 + b'"', b',"' + b"x" * 200_000 + b'",""'):
        data = row + b"\n" + row + more + b"\n"
        with pytest.raises(CatalogError, match="x_2020, row 2 has"):
            read_rows(data, URL, timetable(data, URL))


def test_quotes_and_commas_without_end_cost_no_more_than_other_letters():
    """Four million quotes took half a minute."""
    row = b"2020-02-01,2020-02-02,s3://b/1,1"
    assert len(timetable(row + b"\n" + b"'\"" * 2_000_000, URL)) == 1
    assert len(timetable(b"\"'" * 2_000_000 + row, URL)) == 1
    with pytest.raises(CatalogError, match="x_2020 has rows of over 500 fields"):
        timetable(row + b"\n" + b"," * 6_000_000, URL)


def test_one_long_text_does_not_make_all_rows_as_long():
    column = text_column(["x" * 10**6, *["y"] * 10**5])
    assert column.dtype == object
    assert column.tolist() == ["x" * 10**6, *["y"] * 10**5]
    assert text_column(["a", "bc"]).dtype == "U2"
    joined = Rows.concatenate(
        Rows(*np.zeros((2, 1), "M8[us]"), ["u"], np.zeros(1), {"n": n})
        for n in (column[:1], np.array([2.0]), text_column(["z"]))
    )
    assert joined.more["n"].tolist() == ["x" * 10**6, "2.0", "z"]


def test_texts_and_names_of_optional_columns_are_inert(server):
    header = "start,stop,datakey,filesize,\x1b[31mname,<b>,<b>,long\n"
    row = f"2020-02-01,2020-02-01,s3://b/1,1,\x1b[2J,<script>,\u202e,{'x' * 10**5}\n"
    fill(server, {"x": {2020: header + row}})
    table = search(DAY, X)
    assert table.colnames[8:] == [r"\x1b[31mname", r"\x3cb>", "column_7", "long"]
    assert list(table[0])[8:11] == [r"\x1b[2J", r"\x3cscript>", r"\u202e"]
    assert len(table["long"][0]) < 400
    assert str(table).isprintable() or str(table).replace("\n", "").isprintable()


# Parquet without CSV --------------------------------------------------------------------------------------------------


def test_a_parquet_index_does_not_become_csv_text_on_the_way_and_is_read_again_without_pyarrow(
    server, monkeypatch
):
    fill(server, {"x": {}}, indextype="parquet")
    server.write(
        "registries/x_2020.parquet", parquet_of(required(3, wave=[1, 2, 3], note=["a,b", None, "ü\n"]))
    )
    first = search(DAY, X)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    again = search(DAY, X)
    assert first.colnames == again.colnames
    for name in ("URL", "wave", "note"):
        assert first[name].tolist() == again[name].tolist()
    assert again["note"].tolist() == ["a,b", "", r"ü\n"]
    cache.clear()
    with pytest.raises(
        CatalogError, match=r"x_2020.parquet is a parquet file, which needs pyarrow: pip install"
    ):
        search(DAY, X)


def test_pyarrow_stays_an_extra():
    code = "import sys; sys.modules['pyarrow'] = None; import sunpy_heliocloud.net.client"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Any content ----------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["", "2020-02-01T00:00Z", "2020", "now", "NaT", "static", "99999-01-01", "0000-01-01", "-1", "nan", "1e999", "inf", "s3://b/k",
     "2020-02-01T01:00+01:00", "2020-02-01T01:00-99:00", "2020-W01-1", "2020-02-01T00-5", "2020-02-01T020.000", "'", '"', "'a", 'b"', "a,b", "#", "\ufeff", "\x00", "\x1b[2J", "é", "\U0001f31e", "2020-02-30", "2016-12-31T23:59:60Z", "😀" * 50]
)  # fmt: skip


def outcome(call):
    """What a call gives, or None after an error as it should be."""
    try:
        return call()
    except (CatalogError, LimitError) as e:
        problem = str(e)
    assert URL in problem
    assert problem.isprintable()
    return None


def everything(data):
    """All rows of a CSV index."""
    return read_rows(data, URL, timetable(data, URL)).shown()


@settings(max_examples=300)
@given(
    st.lists(st.lists(WORDS, max_size=7).map(",".join), max_size=5).map("\n".join).map(str.encode)
    | st.binary(max_size=200)
)
@example(b"2020-01-01,2020-01-01,s3://b/k,1\n" + b"\xff" * 50)
def test_any_csv_is_rows_or_an_error_that_names_the_url(data):
    rows = outcome(lambda: everything(data))
    assert rows is None or len(rows.start) == len(rows.stop) == len(rows.url) == len(rows.size)


@st.composite
def parquet_files(draw):
    n = draw(st.integers(0, 4))
    kinds = st.sampled_from(
        [pyarrow.string(), pyarrow.binary(), pyarrow.int64(), pyarrow.float32(), pyarrow.bool_(), pyarrow.timestamp("s"),
         pyarrow.timestamp("ns", "UTC"), pyarrow.date32(), pyarrow.date64(), pyarrow.time64("us"), pyarrow.duration("s"), pyarrow.null(),
         pyarrow.list_(pyarrow.int8()), pyarrow.decimal128(30, 3), pyarrow.binary(3), pyarrow.uint64(),
         pyarrow.dictionary(pyarrow.int8(), pyarrow.string())]
    )  # fmt: skip
    names = draw(
        st.just(["start", "stop", "datakey", "filesize", "x"])
        | st.lists(
            st.sampled_from(["start", "stop", "datakey", "filesize", "Start", "#x", "", "a.b", "é\x1b"]),
            max_size=6,
        )
    )
    usual = {"start": pyarrow.timestamp("us"), "datakey": pyarrow.string()}
    columns = []
    for name in names:
        kind = usual[name] if name in usual and draw(st.booleans()) else draw(kinds)
        columns.append(
            draw(
                st.lists(_values(kind), min_size=n, max_size=n).map(
                    lambda v, kind=kind: pyarrow.array(v, kind)
                )
            )
        )
    content = io.BytesIO()
    parquet.write_table(pyarrow.table(columns, names=names), content, row_group_size=2)
    return content.getvalue()


def _values(kind):
    if pyarrow.types.is_string(kind) or pyarrow.types.is_dictionary(kind):
        return WORDS | st.none()
    if pyarrow.types.is_binary(kind):
        return st.binary(max_size=5) | WORDS.map(str.encode) | st.none()
    if pyarrow.types.is_fixed_size_binary(kind):
        return st.binary(min_size=3, max_size=3)
    if pyarrow.types.is_boolean(kind):
        return st.booleans()
    if pyarrow.types.is_timestamp(kind):
        return st.integers(-(2**53), 2**53) | st.integers(0, 10**9) | st.none()
    if pyarrow.types.is_list(kind):
        return st.lists(st.integers(0, 9), max_size=3)
    if pyarrow.types.is_date64(kind):
        return st.integers(-(10**5), 10**5).map(lambda days: days * 86_400_000)
    if pyarrow.types.is_null(kind):
        return st.none()
    if pyarrow.types.is_time(kind):
        return st.integers(0, 86399)
    return st.integers(0, 10**4)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(parquet_files())
def test_any_parquet_is_rows_or_an_error_that_names_the_url(data):
    columns = outcome(lambda: ColumnTable(columns_of(data, URL), URL))
    if columns is None:
        return
    rows = columns.rows(np.ones(len(columns.start), bool)).shown()
    assert len(rows.start) == len(rows.stop) == len(rows.url) == len(rows.size)
    assert all(len(column) == len(rows.url) for column in rows.more.values())
    assert all(rows.url)
    times = rows.start[~np.isnat(rows.start)]
    assert (np.diff(times) >= np.timedelta64(0, "us")).all()
    for i in range(len(rows.url)):
        assert columns.rows(np.array([i])).url == [rows.url[i]]


@settings(max_examples=300)
@given(st.data())
def test_any_mutation_of_zip_and_parquet_is_rows_or_an_error_that_names_the_url(data):
    text = rows_of("x", "2020-02-01", 3)
    if data.draw(st.booleans(), label="zip"):
        whole, unpack = zipped(("x.csv", text)), lambda changed, url: everything(unzip(changed, url))
    else:
        whole, unpack = parquet_of(required(3, x=["a", "b", None])), columns_of
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    changed = changed[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))]
    outcome(lambda: unpack(bytes(changed), URL))


@pytest.mark.parametrize(
    "data", [b"", b"x", b"sunpy_heliocloud columns 1\n", b"sunpy_heliocloud columns 1\n" + b"\xff" * 8]
)
def test_other_bytes_than_columns_are_an_error(data):
    with pytest.raises(CatalogError, match="The copy of s3://b/x_2020 in the cache cannot be used"):
        ColumnTable(data, URL)


def test_a_warning_of_left_out_columns_is_no_error(server):
    fill(server, {"x": {}}, indextype="parquet")
    server.write("registries/x_2020.parquet", parquet_of(required(1, **{"\x1b": [[1]]})))
    with pytest.warns(SunpyUserWarning, match=r"left out: \\x1b"):
        assert len(search(DAY, X)) == 1
