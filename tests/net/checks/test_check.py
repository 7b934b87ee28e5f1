"""`python -m sunpy_heliocloud.net.check`, for those who run a bucket."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import fits_bytes

from astropy.io import fits

from buckets import parquet_of, zipped
from sunpy_heliocloud.net.check import main
from sunpy_heliocloud.net.checks.catalogue import check_catalogue
from sunpy_heliocloud.net.checks.json_lines import JSONLines
from sunpy_heliocloud.net.checks.report import Report
from sunpy_heliocloud.simulation import SimulatedSun, write_bucket

pytestmark = pytest.mark.usefixtures("short_pauses")
IMAGE = fits_bytes(
    fits.PrimaryHDU(), fits.CompImageHDU(np.ones((8, 8), "i4"), compression_type="RICE_1", tile_shape=(1, 8))
)


def dataset(server, **more):
    return {
        "id": "x",
        "index": f"{server.url}registries/",
        "title": "Images",
        "start": "2020-01-01T00:00:00Z",
        "stop": "2020-12-31T00:00:00Z",
        "modification": "2021-01-01T00:00Z",
        "indextype": "csv",
        "filetype": "fits",
    } | more


def write(server, *datasets, **more):
    top = {
        "version": "1.1",
        "name": "Mine",
        "egress": "public, free",
        "status": {"code": 1200, "message": "OK"},
        "contact": "me",
    }
    server.write("catalog.json", json.dumps(top | {"catalog": datasets} | more, indent=1).encode())


def checked(capsys, *arguments):
    """Exit status and lines of output."""
    status = main(arguments)
    return status, capsys.readouterr().out.splitlines()


def good_bucket(server):
    url = server.write("images/1.fits", IMAGE)
    server.write(
        "registries/x_2020.csv",
        f"# start, stop, datakey, filesize\n2020-02-01T00:00Z,2020-02-01T00:01Z,{url},{len(IMAGE)}\n".encode(),
    )
    write(server, dataset(server))


def test_a_clean_bucket_has_the_exit_status_0(server, capsys):
    good_bucket(server)
    registry = json.dumps({"registry": [{"endpoint": server.url}]})
    server.write("HelioDataRegistry.json", registry.encode())
    status, lines = checked(capsys, server.url, "--registry", server.registry_url)
    assert lines == ["0 errors, 0 notes, 0 documents that could not be read"]
    assert status == 0


def test_the_simulated_bucket_departs_in_its_times_of_modification_only(server, capsys):
    write_bucket(
        server.url, SimulatedSun(), n_frames=3, shape=(250, 250), storage_options=server.storage_options
    )
    status, lines = checked(capsys, server.url)
    errors = [line for line in lines if ": error: " in line]
    assert status == 1
    assert len(errors) == 2
    assert all("'modification' of aia_0" in line and "'2023-05-04:00:00:00Z'" in line for line in errors)
    catalogue = json.loads(server.read("catalog.json"))
    for item in catalogue["catalog"]:
        item["modification"] = "2023-05-04T00:00:00Z"
    server.write("catalog.json", json.dumps(catalogue).encode())
    assert checked(capsys, server.url)[0] == 0


PLANTED = [
    ({"name": None}, r"1: error: there is no 'name'"),
    ({"egress": "sometimes"}, r"\d+: error: egress is 'sometimes': expected some of egress-allowed, free"),
    ({"status": {"code": 7}}, r"\d+: error: the status is \{'code': 7\}: expected the code 1200 or 1400"),
    ({"colour": "red"}, r"\d+: note: the specification knows no 'colour'"),
    ({"catalog": {}}, r"\d+: error: 'catalog' is no list"),
]
PLANTED_IN_DATASET = [
    ({"title": None}, r"\d+: error: x has no 'title'"),
    (
        {"start": "1996-01-01T00:00.00Z"},
        r"\d+: error: 'start' of x is '1996-01-01T00:00.00Z': expected a time such as",
    ),
    ({"start": "2020-01-01T00:00:00"}, r"\d+: error: 'start' of x"),
    ({"start": "2020-02-30T00:00:00Z"}, r"\d+: error: 'start' of x"),
    ({"stop": "2019-01-01T00:00:00Z"}, r"\d+: error: 'stop' of x is '2019-.*: expected a time after 'start'"),
    ({"modification": 7}, r"\d+: error: 'modification' of x is 7: expected a text"),
    ({"start": "static", "stop": "static"}, r"\d+: note: 'start' of x is 'static', which"),
    ({"expiration": "2020-01-01T00Z"}, r"\d+: note: 'expiration' of x is 2020-01-01T00Z, which is over"),
    ({"indextype": "json"}, r"\d+: error: 'indextype' of x is 'json': expected csv, csv-zip, parquet"),
    ({"filetype": "fts"}, r"\d+: error: 'filetype' of x is 'fts': expected some of"),
    ({"multiyear": "maybe"}, r"\d+: error: 'multiyear' of x is 'maybe'"),
    ({"id": "x y"}, r"\d+: error: 'id' of x y is 'x y': expected up to 200 letters, digits, - and _"),
    (
        {"index": "file:///etc/"},
        r"\d+: error: 'index' of x is refused: 'file:///etc/.*' names a file of this machine",
    ),
    ({"index": "s3://b/c"}, r"\d+: error: 'index' of x is 's3://b/c': expected a / at the end"),
    ({"colour": "red"}, r"\d+: note: the specification knows no 'colour', which x has"),
    ({"title": "\x1b[2J<b>" * 100, "about": []}, r"\d+: error: 'about' of x is \[\]: expected a text"),
]


@pytest.mark.parametrize(("change", "line"), PLANTED)
def test_what_a_catalogue_departs_in_is_listed_by_line(server, capsys, change, line):
    good_bucket(server)
    write(server, dataset(server), **change)
    if None in change.values():
        text = server.read("catalog.json").replace(b' "name": null,\n', b"")
        server.write("catalog.json", text)
    status, lines = checked(capsys, server.url)
    assert re.fullmatch(rf"{server.url}catalog.json:{line}.*", lines[0])
    assert status == (": error: " in lines[0])


@pytest.mark.parametrize(("change", "line"), PLANTED_IN_DATASET)
def test_what_a_data_set_departs_in_is_listed_by_line(server, capsys, change, line):
    good_bucket(server)
    fields = {name: value for name, value in dataset(server, **change).items() if value is not None}
    write(server, fields)
    status, lines = checked(capsys, server.url)
    (found,) = [text for text in lines if re.match(rf"{server.url}catalog.json:{line}", text)]
    number = int(re.match(r".*?catalog.json:(\d+):", found)[1])
    text = server.read("catalog.json").decode().splitlines()[number - 1]
    assert any(f'"{name}"' in text for name in change) or "{" in text
    assert status > 0 or ": note: " in found
    assert all(text.isprintable() for text in lines)


def test_data_sets_of_one_id_and_what_is_none(server, capsys):
    good_bucket(server)
    write(server, dataset(server), 7, dataset(server))
    status, lines = checked(capsys, server.url)
    assert status == 1
    assert [line.removeprefix(f"{server.url}catalog.json:") for line in lines[:2]] == [
        "21: error: '7' is no object: expected a data set",
        "23: error: the id 'x' is also that of line 12",
    ]


ROWS = [
    ("start,stop,datakey,filesize", "header", "does not begin with #"),
    ("# start, datakey, filesize, stop", "header", "the columns are start, datakey, filesize, stop: expected start, stop"),
    ("# start, stop, datakey, filesize, checksum", "header", "none checksum_algorithm"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z", "row", "has 2 fields: expected start, stop, datakey, filesize"),
    ("2020-02-01 00:00,2020-02-01T00:01Z,s3://B/1,1", "row", "start is '2020-02-01 00:00': expected a time"),
    ("2020-02-01T00:00Z,,s3://B/1,1", "row", "stop is '': expected a time"),
    ("2020-02-01T00:01Z,2020-02-01T00:00Z,s3://B/1,1", "row", "stop is 2020-02-01T00:00Z, before start"),
    ("2019-02-01T00:00Z,2019-02-01T00:01Z,s3://B/1,1", "row", "start is 2019-02-01T00:00Z, which is not in 2020"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,s3://B/1,many", "row", "filesize is 'many': expected a number of bytes"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,file:///etc/passwd,1", "row", "the datakey is refused: 'file:///etc/passwd'"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,s3://B/images/1.fits,N", "row", "is also in line 2"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,s3://B/gone.fits,1", "row", "there is no file s3://"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,s3://B/short.fits,77", "row", "has 3 bytes, and the index says 77"),
    ("2020-02-01T00:00Z,2020-02-01T00:01Z,s3://B/short.fits,3", "row", "cannot be opened: .*short.fits"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "kind", "problem"), ROWS)
def test_what_an_index_departs_in_is_listed_by_line(server, capsys, row, kind, problem):
    good_bucket(server)
    server.write("short.fits", b"abc")
    url = f"{server.url}images/1.fits"
    first = f"2020-01-02T00:00Z,2020-01-02T00:01Z,{url},{len(IMAGE)}"
    row = row.replace("s3://B/", server.url).replace(",N", f",{len(IMAGE)}")
    header = row if kind == "header" else "# start, stop, datakey, filesize"
    server.write(
        "registries/x_2020.csv", "\n".join([header, first, *([row] if kind == "row" else [])]).encode()
    )
    status, lines = checked(capsys, server.url, "--files", "9")
    assert status == 1
    number = 1 if kind == "header" else 3
    assert any(
        re.match(rf"{server.url}registries/x_2020.csv:{number}: error: .*{problem}", line) for line in lines
    )


def test_rows_out_of_order_and_in_another_bucket_are_notes(server, capsys):
    good_bucket(server)
    rows = [f"2020-02-0{day}T00:00Z,2020-02-0{day}T00:01Z,s3://other-bucket/{day},1" for day in (3, 2, 1)]
    server.write("registries/x_2020.csv", "\n".join(rows).encode())
    status, lines = checked(capsys, server.url, "--files", "0")
    assert status == 0
    assert [re.sub(".*csv:", "", line).split(":")[:2] for line in lines[:2]] == [
        ["1", " note"],
        ["2", " note"],
    ]
    assert "not in time order" in lines[1]
    assert lines[-1].startswith("0 errors, 2 notes")


@pytest.mark.parametrize("indextype", ["csv-zip", "parquet"])
def test_packed_indexes_are_checked_too(server, capsys, indextype):
    write(server, dataset(server, indextype=indextype, filetype="txt"))
    url = server.write("1.txt", b"text")
    times = ["2020-02-01T00:00:00Z"]
    if indextype == "parquet":
        table = {"start": times, "stop": times, "datakey": [url], "filesize": [5]}
        server.write("registries/x_2020.parquet", parquet_of(table))
    else:
        server.write("registries/x_2020.csv.zip", zipped(("x.csv", f"{times[0]},{times[0]},{url},5")))
    status, lines = checked(capsys, server.url)
    assert status == 1
    assert re.fullmatch(rf".*x_2020.*:1: error: {url} has 4 bytes, and the index says 5", lines[0])
    server.write(f"registries/x_2020.{'parquet' if indextype == 'parquet' else 'csv.zip'}", b"garbage")
    assert checked(capsys, server.url)[0] == 2


def test_a_data_set_without_an_index_and_years_without_one(server, capsys):
    good_bucket(server)
    row = server.read("registries/x_2020.csv")
    server.write("registries/x_2017.csv", row.replace(b"2020-02", b"2017-02"))
    write(server, dataset(server, start="2017-01-01T00Z"), dataset(server, id="y"))
    status, lines = checked(capsys, server.url)
    assert status == 1
    assert [line.rpartition(": ")[2] for line in lines[:3]] == [
        "x has no index of 2018",
        "x has no index of 2019",
        lines[2].rpartition(": ")[2],
    ]
    assert re.search(r"error: y has no index s3://.*y_YYYY.csv of 2020 to \d{4}", lines[2])


def test_what_cannot_be_read_has_the_exit_status_2(server, capsys):
    status, lines = checked(capsys, server.url)
    assert status == 2
    assert lines[0].startswith(f"{server.url}catalog.json: unreadable: ")
    good_bucket(server)
    server.fail("registries/x_2020.csv", status=403, times=None)
    assert checked(capsys, server.url)[0] == 2
    with pytest.raises(SystemExit, match="2"):
        main(["ftp://host/"])


def test_a_registry_that_does_not_name_the_bucket(server, capsys):
    good_bucket(server)
    server.write(
        "HelioDataRegistry.json",
        json.dumps({"registry": [{"endpoint": "s3://b"}, {"endpoint": "file:///x"}]}).encode(),
    )
    status, lines = checked(capsys, server.url, "--registry", server.registry_url)
    assert status == 1
    assert "'endpoint' that is no bucket" in lines[0]
    assert f"error: it does not name {server.url}" in lines[1]
    assert checked(capsys, server.url, "--registry", f"{server.registry_url}.gone")[0] == 2


def test_many_departures_of_one_kind_are_counted(server, capsys):
    good_bucket(server)
    server.write("registries/x_2020.csv", b"nothing\n" * 100)
    status, lines = checked(capsys, server.url)
    assert status == 1
    assert len(lines) == 13
    assert any(line.endswith("error: 90 more of this kind: fields") for line in lines)


def test_a_local_folder_is_a_bucket(tmp_path, capsys):
    (tmp_path / "x_2020.csv").write_text(f"2020-02-01T00Z,2020-02-01T00Z,{tmp_path}/1.txt,4")
    (tmp_path / "1.txt").write_text("text")
    top = {"name": "a", "egress": "free", "status": "1200/OK", "contact": "me"}
    entry = {"id": "x", "index": f"{tmp_path}/", "title": "t", "start": "2020Z", "stop": "2020Z", "modification": "2020Z", "indextype": "csv", "filetype": "txt"}  # fmt: skip
    (tmp_path / "catalog.json").write_text(json.dumps(top | {"catalog": [entry]}))
    assert checked(capsys, str(tmp_path))[0] == 0


def test_it_has_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "Check a bucket against" in capsys.readouterr().out


def test_it_runs_as_a_module_for_ci(server):
    good_bucket(server)
    command = [sys.executable, "-m", "sunpy_heliocloud.net.check", server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 notes, 0 documents that could not be read\n")


# Any catalogue --------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "catalog",
        "id",
        "index",
        "start",
        "stop",
        "status",
        "code",
        "egress",
        "title",
        "indextype",
        "filetype",
        "multiyear",
        "x\x1b",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2020-01-01T00Z", "s3://b/", "x", "1200/OK"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=10,
)


@settings(max_examples=200)
@given(st.dictionaries(NAMES, JSON, max_size=6) | JSON, st.sampled_from([None, 1]))
def test_any_catalogue_is_checked(content, indent):
    data = json.dumps(content, indent=indent).encode()
    report = Report(_Nowhere())
    check_catalogue(data, "s3://b/catalog.json", "s3://b/", frozenset(), report)
    assert report.errors


class _Nowhere:
    encoding = "ascii"

    def write(self, text):
        assert text == "\n" or text.isprintable()


@given(
    st.dictionaries(st.text(max_size=5), JSON, max_size=5),
    st.sampled_from([None, 1]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_lines_of_json_are_those_of_its_text(content, indent, encoding):
    text = json.dumps(content, indent=indent)
    parts = list(JSONLines(text.encode(encoding)).members())
    assert [part.name for part in parts] == list(content)
    assert repr([part.value for part in parts]) == repr(list(content.values()))
    lines = text.splitlines()
    assert all(json.dumps(part.name) in lines[part.line - 1] for part in parts)
