"""What a sequence is made of: each kind of source, and what is none."""

import logging
import os
import shutil
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import parfive
import pyarrow as pa
import pytest

import astropy.units as u
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table

import sunpy.map
from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.util import MetaDict
from sunpy.util.exceptions import SunpyUserWarning

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.simulation import SimulatedSun, write_bucket

SUN = SimulatedSun()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """Two channels of four frames each, in local files."""
    return write_bucket(str(tmp_path_factory.mktemp("bucket")), SUN, n_frames=4, shape=(40, 50))


@pytest.fixture(scope="module")
def urls(bucket):
    return bucket.urls(171)


@pytest.fixture(scope="module")
def maps(urls):
    return sunpy.map.Map(urls)


@pytest.fixture
def folder(urls, tmp_path):
    """A folder of the frames, with what else lies in folders of frames."""
    for url in urls:
        shutil.copy(url, tmp_path)
    (tmp_path / "README.txt").write_text("frames of 171 Å")
    (tmp_path / ".part.fits").write_bytes(b"SIMPLE")
    (tmp_path / "deeper").mkdir()
    return tmp_path


TABLES = {
    "astropy table": lambda urls: Table({"URL": urls}),
    "QTable": lambda urls: QTable({"Size": np.ones(len(urls)) * u.Mbyte, "URL": urls})[["URL"]],
    "pandas frame": lambda urls: pd.DataFrame({"Start time": "2018-05-29", "URL": urls}),
    "pandas column": lambda urls: pd.DataFrame({"URL": urls})["URL"],
    "pandas index": lambda urls: pd.DataFrame({"URL": urls}).set_index("URL").index,
    "pandas frame with an index of URLs": lambda urls: pd.DataFrame({"x": 1, "URL": urls}).set_index("URL"),
    "pandas rows": lambda urls: [row for _, row in pd.DataFrame({"URL": urls}).iterrows()],
    "pyarrow table": lambda urls: pa.table({"URL": urls}),
    "pyarrow column": lambda urls: pa.table({"URL": urls})["URL"],
    "structured array": lambda urls: np.array([(url,) for url in urls], [("URL", "U300")]),
    "record array": lambda urls: np.rec.fromarrays([urls], names=["URL"]),
    "column of bytes": lambda urls: np.array(urls, "S300"),
    "several tables": lambda urls: [Table({"URL": urls[:1]}), pd.DataFrame({"URL": urls[1:]})],
    "rows": lambda urls: list(Table({"URL": urls})),
    "other case": lambda urls: pd.DataFrame({"url": urls}),
}


@pytest.mark.parametrize("made", TABLES.values(), ids=TABLES.keys())
def test_a_table_of_any_library_gives_the_files_of_its_column_url(urls, made):
    assert LazyMapSequence(made(urls)).urls == urls


def test_tables_that_the_package_makes_are_tables_of_frames(urls):
    seq = LazyMapSequence(urls)
    assert LazyMapSequence(seq.status).urls == LazyMapSequence(seq.to_cube().frames).urls == urls


NO_URLS = {
    "nan": pd.DataFrame({"URL": [np.nan]}),
    "none": pd.DataFrame({"URL": [None]}),
    "masked": Table({"URL": MaskedColumn(["a.fits"], mask=[True])}),
    "empty": Table({"URL": [""]}),
    "number": Table({"URL": [3]}),
}


@pytest.mark.parametrize("table", NO_URLS.values(), ids=NO_URLS.keys())
def test_a_row_without_url_is_an_error_that_names_the_row(table):
    with pytest.raises(ValueError, match="row 0 of the table has no URL, but"):
        LazyMapSequence(table)


@pytest.mark.parametrize(
    "table", [Table({"Size": [1]}), pd.DataFrame({"Size": [1]}), pa.table({"Size": [1]})]
)
def test_a_table_without_the_column_says_which_it_has(table):
    with pytest.raises(ValueError, match=r"needs a column 'URL', but this one has \['Size'\]"):
        LazyMapSequence(table)


def test_a_response_of_several_channels(server):
    write_bucket(server.url, SUN, n_frames=2, shape=(40, 50), storage_options=server.storage_options)
    found = Fido.search(
        a.Time("2018-05-29T17:00", "2018-05-29T19:00"),
        a.Wavelength(171 * u.AA) | a.Wavelength(193 * u.AA),
        a.heliocloud.Dataset("AIA"),
    )
    seq = LazyMapSequence(found)
    assert [len(part) for part in seq.split()] == [2, 2]
    frame = found[0].to_pandas() if hasattr(found[0], "to_pandas") else found[0]
    assert LazyMapSequence([frame, found[1]]).urls == seq.urls


def test_downloaded_files_and_those_that_failed(urls):
    results = parfive.Results(urls[:3])
    assert LazyMapSequence(results).urls == urls[:3]
    results.add_error(None, "https://example.org/lost.fits?token=secret", OSError("404"))
    with pytest.raises(ReadError, match=r"lost.fits\?… was not downloaded: 404; Fido.fetch"):
        LazyMapSequence(results)
    with pytest.warns(SunpyUserWarning, match="1 of 4 frames are left out, see .status"):
        seq = LazyMapSequence(results, errors="mask")
    assert seq.urls == urls[:3]
    assert seq.status["status"].tolist() == ["ok"] * 3 + ["left out"]


# --- files


def test_a_folder_stands_for_its_fits_files(folder):
    expected = sorted(str(path) for path in folder.glob("sdo*.fits"))
    for source in (folder, str(folder), f"{folder}/", [folder]):
        assert LazyMapSequence(source).urls == expected


def test_a_file_of_a_folder_that_is_called_fits_and_is_none_is_an_error(folder):
    (folder / "page.fits").write_bytes(b"<html>")
    with pytest.raises(ReadError, match="page.fits: not a FITS file"):
        LazyMapSequence(folder)


def test_a_fits_file_of_a_folder_may_have_any_name(folder):
    (folder / "deeper" / "image").write_bytes(next(folder.glob("sdo*.fits")).read_bytes())
    assert LazyMapSequence(folder / "deeper").urls == [str(folder / "deeper" / "image")]


def test_globs(folder, monkeypatch):
    expected = sorted(str(path) for path in folder.glob("sdo*.fits"))
    monkeypatch.chdir(folder)
    for source in (
        "*.fits",
        f"{folder}/sdo*",
        folder / "*.fits",
        f"{folder}/**/sdo*.fits",
        ["*.fits"],
    ):
        assert LazyMapSequence(source).urls == expected
    assert LazyMapSequence(f"{expected[0][:-6]}?.fits").urls == expected[:1]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(urls, tmp_path):
    for name in ("a[1].fits", "a1.fits"):
        shutil.copy(urls[0], tmp_path / name)
    assert LazyMapSequence(tmp_path / "a[1].fits").urls == [str(tmp_path / "a[1].fits")]


def test_a_folder_without_fits_files_and_a_glob_that_matches_nothing(folder):
    with pytest.raises(
        FileNotFoundError, match="no FITS file in the folder '.*deeper'; folders within.* finds their"
    ):
        LazyMapSequence(folder / "deeper")
    with pytest.raises(FileNotFoundError, match="nothing matches the glob"):
        LazyMapSequence([folder / "*.fts"])


def test_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert len(LazyMapSequence("~/sdo*.fits")) == len(LazyMapSequence("~")) == 4


# --- lists, iterators, sequences


COLLECTIONS = {
    "nested": lambda urls: [urls[:1], [tuple(urls[1:3]), [[urls[3]]]]],
    "generator": lambda urls: (url for url in urls),
    "generator of lists": lambda urls: ([url] for url in urls),
    "paths": lambda urls: map(Path, urls),
    "set": set,
    "values": lambda urls: dict(enumerate(urls)).values(),
    "array of objects": lambda urls: np.array([Path(url) for url in urls]),
    "sequences": lambda urls: [LazyMapSequence(urls[2:]), LazyMapSequence(urls[:2])],
    "Maps, paths and URLs": lambda urls: [
        LazyMapSequence(urls)[0],
        Path(urls[1]),
        f"file://{urls[2]}",
        urls[3],
    ],
    "MapSequence": lambda urls: sunpy.map.Map(list(LazyMapSequence(urls)), sequence=True),
}


@pytest.mark.parametrize("made", COLLECTIONS.values(), ids=COLLECTIONS.keys())
def test_collections_of_any_kind(urls, made):
    assert LazyMapSequence(made(urls)).urls == urls


def test_sequences_are_joined(bucket, urls):
    first, second = LazyMapSequence(urls[2:]), LazyMapSequence(urls[:3])
    joined = first + second
    assert joined.urls == urls
    assert joined.times.isot.tolist() == LazyMapSequence(urls).times.isot.tolist()
    assert len(LazyMapSequence(urls) + LazyMapSequence(bucket.urls(193))) == 8
    with pytest.raises(TypeError):
        first + urls


def test_joined_sequences_read_what_each_is_calibrated_with(urls):
    with no_compute():
        twice = LazyMapSequence(urls[:2]).apply(lambda data, header: 2 * data, pointwise=True)
        plain = LazyMapSequence(urls[2:])
        joined, same = twice + plain, twice[:1] + twice[1:]
    values = LazyMapSequence(urls).to_cube(normalize=False).compute().data
    np.testing.assert_array_equal(joined.to_cube(normalize=False).data, values * [[[2]], [[2]], [[1]], [[1]]])
    np.testing.assert_array_equal(same.to_cube(normalize=False).data, 2 * values[:2])


def test_a_joined_sequence_tells_what_either_left_out(urls, tmp_path):
    (tmp_path / "bad.fits").write_bytes(b"<html>")
    with pytest.warns(SunpyUserWarning, match="1 of 2 frames"):
        first = LazyMapSequence([urls[0], tmp_path / "bad.fits"], errors="mask")
    joined = first + LazyMapSequence(urls[1:], errors="mask")
    assert joined.status["status"].tolist() == ["ok"] * 4 + ["left out"]


# --- pairs


def as_header(m, kind):
    return {"dict": dict(m.meta), "MetaDict": MetaDict(m.meta), "Header": m.fits_header}[kind]


@pytest.mark.parametrize("kind", ["dict", "MetaDict", "Header"])
@pytest.mark.parametrize(
    "array", [np.asarray, da.from_array, lambda data: data * u.DN], ids=["numpy", "dask", "units"]
)
def test_pairs_of_data_and_header(maps, kind, array):
    with no_compute():
        pairs = [(array(m.data), as_header(m, kind)) for m in maps]
        seq = LazyMapSequence(pairs)
    for m, expected in zip(seq, maps, strict=True):
        assert type(m) is type(expected)
        assert m.wcs.wcs.compare(expected.wcs.wcs)
        np.testing.assert_array_equal(m.data, expected.data)
    assert len(LazyMapSequence(pairs[0])) == len(LazyMapSequence(list(pairs[0]))) == 1


def test_pairs_as_sunpy_takes_them(maps):
    flat = [part for m in maps for part in (m.data, m.meta)]
    zipped = zip([m.data for m in maps], [m.meta for m in maps], strict=True)
    assert len(LazyMapSequence(flat)) == len(LazyMapSequence(zipped)) == 4
    assert LazyMapSequence((maps[0].data, maps[0].wcs)).times[0] == maps[0].reference_date


def test_pairs_beside_files(maps, urls):
    seq = LazyMapSequence([(maps[0].data, maps[0].meta), urls[1:]])
    assert seq.urls == [f"item 0 of the source, {maps[0].meta['date-obs']}", *urls[1:]]


def test_masked_pixels_of_a_pair_are_nan(maps):
    data = np.ma.masked_greater(maps[0].data, 100)
    image = LazyMapSequence((data, maps[0].meta))[0].data.compute()
    np.testing.assert_array_equal(np.isnan(image), data.mask)


BAD_PAIRS = {
    "no coordinates": (
        lambda data, header: (data, {"DATE-OBS": "2018-05-29"}),
        "header of item 1 .*: CRPIX1 is missing",
    ),
    "no time": (
        lambda data, header: (
            data,
            {k: v for k, v in header.items() if k.lower() not in ("t_obs", "date-obs")},
        ),
        "header of item 1 of the source cannot be used: no observation time",
    ),
    "a list in the header": (
        lambda data, header: (data, header | {"exptime": [2]}),
        r"EXPTIME=\[2\] of item 1 of",
    ),
    "a stack": (lambda data, header: (data[np.newaxis], header), r"data of item 1 of .* \(1, 40, 50\)"),
    "complex numbers": (lambda data, header: (data * 1j, header), "data of item 1 .* complex128"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_PAIRS.values(), ids=BAD_PAIRS.keys())
def test_a_pair_that_is_no_frame_is_one_error_with_its_place(maps, bad, message):
    pairs = [(m.data, dict(m.meta)) for m in maps]
    pairs[1] = bad(*pairs[1])
    with pytest.raises(ReadError, match=message):
        LazyMapSequence(pairs)
    with pytest.warns(SunpyUserWarning, match="1 of 4 frames are left out, see .status") as warned:
        seq = LazyMapSequence(pairs, errors="mask")
    assert warned[0].filename == __file__
    assert len(seq) == 3
    assert seq.status["url"].tolist()[-1] == "item 1 of the source"


# --- the same frame twice


def test_the_same_file_twice_is_kept_once_and_opened_once(server, tmp_path, caplog, monkeypatch):
    written = write_bucket(str(tmp_path), SUN, n_frames=2, channels=(171,), shape=(40, 50))
    server.upload(tmp_path)
    urls = written.frames["datakey"].tolist()
    server.reset()
    with caplog.at_level(logging.INFO):
        seq = LazyMapSequence([*urls, urls[0], Table({"URL": urls})])
    assert seq.urls == urls
    assert server.requests == 2
    assert "more than once are kept once; 3 are left out" in caplog.text
    https = urls[0].replace("s3://", f"{server.endpoint_url}/")
    assert LazyMapSequence([urls[0], https]).urls == urls[:1]


def test_globs_and_folders_in_s3(server, tmp_path):
    written = write_bucket(str(tmp_path), SUN, n_frames=2, shape=(40, 50))
    server.upload(tmp_path)
    server.write("sdo/notes.txt", b"none")
    urls = sorted(written.frames["datakey"][written.frames["wavelength"] == 171 * u.AA].tolist())
    folder = urls[0].rpartition("/")[0]
    for source in (
        f"{folder}/",
        f"{folder}/*.fits",
        f"{server.url}sdo/**/*_0171_*.fits",
        [f"{urls[0][:-6]}?.fits", urls[1]],
    ):
        assert sorted(LazyMapSequence(source).urls) == urls
    with pytest.raises(FileNotFoundError, match="no FITS file in the folder 's3://"):
        LazyMapSequence(f"{server.url}nothing/")
    with pytest.raises(ReadError, match=r"none\*.fits"):
        LazyMapSequence(f"{folder}/none*.fits")


def test_names_of_one_file(urls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink(urls[0], tmp_path / "link.fits")
    same = [urls[0], f"file://{urls[0]}", os.path.relpath(urls[0]), "link.fits", Path(urls[0])]
    assert LazyMapSequence(same).urls == urls[:1]


def test_the_same_map_pair_or_sequence_twice(maps, urls):
    pair, seq = (maps[1].data, maps[1].meta), LazyMapSequence(urls)
    assert len(LazyMapSequence([maps[0], maps[0], pair, pair])) == 2
    assert len(LazyMapSequence([seq[0], seq[0]])) == 1
    assert (seq + seq).urls == LazyMapSequence([seq[0], seq, urls[0]]).urls == urls


def test_maps_on_one_array_are_different_frames(maps):
    others = [sunpy.map.Map(maps[0].data, m.meta) for m in maps]
    assert len(LazyMapSequence(others)) == 4


# --- what is no source


NOTHING = {
    "none": (None, "NoneType"),
    "number": (3, "int"),
    "quantity": (3 * u.s, "Quantity"),
    "truth value": (True, "bool"),
    "dictionary": ({"a": 1}, r"dict.*pass \(data, header\)"),
    "header": (fits.Header({"NAXIS": 2}), r"Header.*pass \(data, header\)"),
    "MetaDict": (MetaDict({"naxis": 2}), r"MetaDict.*pass \(data, header\)"),
    "array": (np.ones((3, 4)), r"ndarray.*pass \(data, header\)"),
    "dask array": (da.ones((3, 4)), r"Array.*pass \(data, header\)"),
    "HDU": (fits.PrimaryHDU(np.ones((3, 4))), r"PrimaryHDU; pass \(hdu.data, hdu.header\)"),
    "number in a list": (["a.fits", 3], r"int \(item 1 of the source\)"),
}


@pytest.mark.parametrize(("source", "message"), NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_source_is_an_error_that_says_what_is_taken(source, message):
    with pytest.raises(
        TypeError, match=f"frames come from a Fido response.* paths or Maps, not from {message}"
    ):
        LazyMapSequence(source)


@pytest.mark.parametrize("source", ["", " ", ["a.fits", ""], b""])
def test_an_empty_name_is_an_error_that_says_what_is_taken(source):
    with pytest.raises(ValueError, match="is an empty name, .* frames come from a Fido response"):
        LazyMapSequence(source)


def test_a_cube_and_an_open_file_are_told_what_to_do(urls):
    with pytest.raises(TypeError, match=r"pass cube.to_maps\(\)"):
        LazyMapSequence(LazyMapSequence(urls).to_cube())
    with open(urls[0], "rb") as file, pytest.raises(TypeError, match="pass the name of the file: '/"):
        LazyMapSequence(file)


def test_an_array_without_header():
    with pytest.raises(
        TypeError, match="item 0 of the source is an array, behind which a header is expected, not ndarray"
    ):
        LazyMapSequence([np.ones((3, 4)), np.ones((3, 4)), {}])
