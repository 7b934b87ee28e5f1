"""Tables of a search that are written to a file and read again."""

import copy
import io
import pickle

import numpy as np
import pytest
from headers import aia_header

import astropy.units as u
from astropy.io import fits
from astropy.table import QTable

from sunpy.net import Fido
from sunpy.net import attrs as a

from buckets import fill
from helpers import event_loops_closed
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.lazy.tables import table_files
from sunpy_heliocloud.net import HelioCloudResponse

HEADER = "start,stop,datakey,filesize,checksum,note\n"
BAD = "<b>\x1b[2J ü"


@pytest.fixture
def table(server):
    """Three files, of times with microseconds, the first of unknown size."""
    rows = ""
    for i in range(3):
        path = f"aia_{i}.fits"
        file = fits_file(np.full((20, 30), i, "i4"), aia_header(i))
        url = server.write(path, file)
        time = f"2018-05-29T12:0{i}:00.123456Z"
        rows += f"{time},{time},{url},{len(file) if i else ''},,'{BAD}'\n"
    fill(server, {"aia_0171": {2018: HEADER + rows}}, citation=BAD)
    response = Fido.search(a.Time("2018-05-29", "2018-05-30"), a.heliocloud.Dataset("aia_0171"))
    assert len(response[0]) == 3
    return response[0]


def fits_file(data, header):
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data, fits.Header(header))]).writeto(content)
    return content.getvalue()


def fetch(table, path):
    with event_loops_closed():
        return Fido.fetch(table, path=path, progress=False)


def test_a_response_is_written_as_ecsv_and_read_again(table, tmp_path):
    repr(table), table._repr_html_()  # a display leaves traces in sunpy's tables
    table.write(tmp_path / "x.ecsv")
    for read in (QTable.read(tmp_path / "x.ecsv"), HelioCloudResponse.read(tmp_path / "x.ecsv")):
        assert read.colnames == table.colnames
        for name in ("Start time", "End time"):
            assert (abs(read[name] - table[name]) < 1 * u.ns).all()
            assert read[name].scale == "utc"
        np.testing.assert_array_equal(read["Size"].to_value(u.byte), table["Size"].to_value(u.byte))
        assert u.allclose(read["Wavelength"], 171 * u.AA)
        for name in ("Instrument", "Dataset", "Provider", "URL", "note"):
            assert read[name].tolist() == table[name].tolist()
        assert read.meta["datasets"] == table.meta["datasets"]
        assert read.meta["bucket"] is None


def test_a_table_that_is_read_again_is_displayed_and_downloaded_as_before(table, tmp_path):
    table.write(tmp_path / "x.ecsv")
    read = HelioCloudResponse.read(tmp_path / "x.ecsv")
    of_a_plain_table = HelioCloudResponse(QTable.read(tmp_path / "x.ecsv"))
    row = read[1]
    for same in (
        read,
        of_a_plain_table,
        read[1:],
        row,
        copy.deepcopy(table),
        pickle.loads(pickle.dumps(read)),
    ):
        n = 1 if same is row else len(same)
        assert same is row or ("s3://" not in str(same) and "<b>" not in str(same))
        assert len(fetch(same, path=tmp_path / "files" / "{file}")) == n
    assert read.total_size() == table.total_size()


def test_a_sequence_of_the_read_table_is_that_of_the_response(table, tmp_path):
    table.write(tmp_path / "x.ecsv")
    plain = QTable.read(tmp_path / "x.ecsv")
    sequences = [LazyMapSequence(source) for source in (table, plain, [plain], plain[:3])]
    assert {tuple(seq.urls) for seq in sequences} == {tuple(table["URL"])}
    assert all((seq.times == sequences[0].times).all() for seq in sequences)


def test_the_read_table_is_trusted_as_that_of_the_search(table, tmp_path):
    """Its URLs are a catalogue's, and not given by the caller: credentials do not go where they say."""
    table.write(tmp_path / "x.ecsv")
    files = table_files(table)
    assert (
        table_files(QTable.read(tmp_path / "x.ecsv"))
        == table_files(HelioCloudResponse.read(tmp_path / "x.ecsv"))
        == files
    )
    assert all(file.bucket is not None for file in files)


def test_an_empty_table_is_written_and_read(table, tmp_path):
    table[:0].write(tmp_path / "x.ecsv")
    read = HelioCloudResponse.read(tmp_path / "x.ecsv")
    assert (len(read), read.colnames) == (0, table.colnames)


def test_files_without_a_time_are_written_and_read(server, tmp_path):
    fill(server, {"model": {}}, start="static", stop="static")
    server.write("registries/model_static.csv", b"static,static,s3://b/model.fits,1\n")
    (table,) = Fido.search(a.Time("2018-05-29", "2018-05-30"), a.heliocloud.Dataset("model"))
    table.write(tmp_path / "x.ecsv")
    for read in (QTable.read(tmp_path / "x.ecsv"), HelioCloudResponse.read(tmp_path / "x.ecsv")):
        assert read["Start time"].mask.all()
        assert read["URL"].tolist() == ["s3://b/model.fits"]


@pytest.mark.parametrize("suffix", ["csv", "html"])
def test_other_formats_are_written_as_by_astropy(table, tmp_path, suffix):
    table.keep_columns(["Instrument", "Dataset", "URL"])
    table.write(tmp_path / f"x.{suffix}")
    assert len(QTable.read(tmp_path / f"x.{suffix}")) == 3


def test_a_manifest_has_all_decimals_of_a_time(table, tmp_path):
    lines = table.write_manifest(tmp_path / "x.csv").read_text().splitlines()
    assert lines[1].startswith("2018-05-29T12:00:00.123456Z,2018-05-29T12:00:00.123456Z,s3://")
