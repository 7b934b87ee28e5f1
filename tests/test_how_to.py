"""The code of the how-to pages runs as it is printed."""

import gc
import io
import re
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from gateway_server import local_gateway
from headers import aia_header, real_header
from simulated_maps import simulated_map
from small_bucket import image as small_image
from small_bucket import ref_map

import astropy.units as u
from astropy.io import fits

from buckets import fill, rows_of
from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, limits, progress
from sunpy_heliocloud.io.filesystem import filesystem
from sunpy_heliocloud.net import cache
from sunpy_heliocloud.simulation import SimulatedSun, write_bucket

PAGES = Path(__file__).parents[1] / "docs" / "how_to"
IDS = ("aia_0171", "aia_0193", "hmi_M", "euvml_soho_304")


@pytest.fixture
def archive(server):
    """Some of HelioCloud, with files of AIA 171 Å, and a bucket that is not in the registry."""
    fill(server, {id: {2020: rows_of(id, "2020-02-01T00:00", 30)} for id in IDS})
    rows = ""
    for minute in (0, 4, 8):
        name = f"sdo/aia/20200201/0171/sdo_aia_h2_20200201T000{minute}00_0171_v1.fits"
        url = server.write(name, image(minute))
        rows += f"2020-02-01T00:0{minute}Z,2020-02-01T00:0{minute}Z,{url},{len(image(minute))}\n"
    server.write("registries/aia_0171_2020.csv", rows.encode())
    files, _ = filesystem(server.url, server.storage_options)
    files.mkdir("my-bucket", acl="public-read")
    files.pipe_file("my-bucket/catalog.json", files.cat_file(f"{server.bucket}/catalog.json"))
    yield server
    files.invalidate_cache()
    files.rm("my-bucket", recursive=True)


def image(minute):
    """A small file in the manner of HelioCloud."""
    hdu = fits.CompImageHDU(np.zeros((8, 8), np.int32))
    hdu.header.update(
        {
            "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_3", "WAVELNTH": 171, "WAVEUNIT": "angstrom", "EXPTIME": 2.0,
            "DATE-OBS": f"2020-02-01T00:0{minute}:00", "T_OBS": f"2020-02-01T00:0{minute}:01", "QUALITY": 0,
            "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
            "CDELT1": 0.5, "CDELT2": 0.5, "CRPIX1": 4.5, "CRPIX2": 4.5, "CRVAL1": 0.0, "CRVAL2": 0.0,
            "RSUN_REF": 696000000.0, "DSUN_OBS": 1.5e11, "HGLN_OBS": 0.0, "HGLT_OBS": 0.0, "CROTA2": 0.0,
        }
    )  # fmt: skip
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(content)
    return content.getvalue()


def blocks_of(page):
    """The code of a page."""
    text = (PAGES / page).read_text()
    return re.findall(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text, re.M)


def run(page, **names):
    """Run the blocks of code of a page, one after the other, with some names, and give what they have defined."""
    return run_blocks(blocks_of(page), names)


def run_blocks(blocks, names):
    """Run blocks of code, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Of parfive, which leaves its event loop unclosed.
        for block in blocks:
            exec(textwrap.dedent(block), names)
        gc.collect()
    return names


def test_cubes():
    sun = SimulatedSun(noise=False)
    files, files_193 = (
        [simulated_map(sun, wavelength, sun.time + (240 * i + late) * u.s, shape=(12, 14)) for i in range(6)]
        for wavelength, late in ((171, 0), (193, 5))
    )
    with no_compute():
        names = run("cubes.rst", files=files, files_193=files_193)
    assert names["ratio"].shape == names["cube"].shape == (6, 12, 14)
    assert names["ratio"].meta["combined"] == "SDO 171 Angstrom / SDO 193 Angstrom"


def test_displays(archive):
    """The display that is printed is that of a cube; how many bytes are read depends on the version of the encoder."""
    rng = np.random.default_rng(0)
    urls = [archive.write(f"171/{i}.fits", small_image(i, 171, rng)) for i in range(24)]
    sequence = LazyMapSequence(urls)
    cube = sequence.to_cube().derotate_to(ref_map(sequence)).resample_time(10 * u.min)
    (printed,) = re.findall(
        r"^\.\. code-block:: text\n\n((?:    .*\n)+)", (PAGES / "displays.rst").read_text(), re.M
    )
    *lines, last = textwrap.dedent(printed).splitlines()
    *said, read = str(cube).splitlines()
    assert said == lines
    assert read.rpartition(",")[0] == last.rpartition(",")[0]


def test_choose_region():
    sun = SimulatedSun(noise=False)
    files = [simulated_map(sun, 171, sun.time + 240 * i * u.s, shape=(50, 50)) for i in range(3)]
    names = run("choose_region.rst", files=files)
    assert names["region"].data.shape == (11, 11)
    assert abs(names["center"].Tx.to_value(u.arcsec) + 130) < 20
    assert names["cube"].shape == (3, 100, 100)


def test_dem():
    """Six channels at one moment, with the noise of photons."""
    sun = SimulatedSun(noise=False)
    channels = (94, 335, 211, 193, 171, 131)
    found = LazyMapSequence(
        [
            simulated_map(sun, channel, sun.time + 240 * i * u.s, shape=(20, 20))
            for channel in channels
            for i in range(4)
        ]
    )
    names = run("dem.rst", found=found, region=found[0])
    assert names["order"] == ["94", "131", "171", "193", "211", "335"]
    assert names["intensities"].shape == names["errors"].shape == (20, 20, 6)
    bright = names["planes"]["171"]
    relative = np.nanmedian(bright.uncertainty.array / bright.data)
    assert 0.01 < relative < 0.2


def test_maps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sun = SimulatedSun(noise=False)
    frames = [simulated_map(sun, 171, sun.time + 4 * i * u.min, shape=(12, 14)) for i in range(3)]
    cube = LazyMapSequence(frames).to_cube().derotate_to(frames[1])
    names = run("maps.rst", cube=cube)
    assert len(names["paths"]) == len(names["maps"].maps) == 3
    assert type(names["first"]) is type(frames[0])


@pytest.mark.filterwarnings("ignore:In .* pixels the correlation is largest at an edge")
def test_whole_sun(archive, tmp_path, monkeypatch, capsys):
    """With files so small that the memory has to be, too."""
    rng = np.random.default_rng(0)
    files_171, files_193 = (
        [archive.write(f"{channel}/{i}.fits", small_image(i, channel, rng)) for i in range(12)]
        for channel in (171, 193)
    )
    monkeypatch.chdir(tmp_path)
    blocks = [block.replace("550 MB", "10 kB") for block in blocks_of("whole_sun.rst")]
    names = run_blocks(blocks, {"files_171": files_171, "files_193": files_193})
    whole, strips = (line for line in capsys.readouterr().out.splitlines() if line.startswith("24 frames"))
    assert whole.startswith("24 frames: 24 requests")
    assert re.match(r"24 frames in \d+ strips of rows: \d+ requests", strips)
    assert names["lag"].shape == (24, 24)
    assert np.isfinite(names["lag"].data).any()


def test_save(archive, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    files, files_193 = (
        [archive.write(f"{channel}/{i}.fits", small_image(i, channel, rng)) for i in range(12)]
        for channel in (171, 193)
    )
    monkeypatch.chdir(tmp_path)
    names = run("save.rst", credentials=archive.storage_options, files=files, files_193=files_193)
    assert names["cube"].shape == (12, 24, 24)
    assert np.isfinite(names["lag"].data).any()
    assert names["brightest"].dims == ("time",)
    assert names["made_from"]["kind"] == "TimeLagCube"


# The gateway has two workers where the page asks for a hundred, and the frames are those of an hour.
@pytest.mark.filterwarnings("ignore:.* the correlation is largest at an edge")
@pytest.mark.filterwarnings("ignore::dask_gateway.GatewayWarning")
def test_gateway(server, tmp_path, monkeypatch):
    """
    The whole job on a real server, which adapts, scales down in the middle, and shuts down.

    A server, its proxy, a scheduler and workers start, install and import.
    """
    write_bucket(
        server.url, SimulatedSun(), n_frames=16, shape=(250, 250), storage_options=server.storage_options
    )
    monkeypatch.setattr(limits, "requests", 0)
    *blocks, shut_down = blocks_of("gateway.rst")
    with local_gateway(tmp_path):
        names = run_blocks(blocks, {"image": "some/image", "package": "google-crc32c"})
        gateway, cluster, client, lag = (names[name] for name in ("gateway", "cluster", "client", "lag"))
        assert len(client.nthreads()) >= 2
        np.testing.assert_array_equal(names["computed"].data, lag.compute(scheduler="threads").data)
        assert np.isfinite(names["computed"].data).any()

        server.reset()
        server.latency = 0.1 * u.s
        again = client.compute(lag)
        while server.requests < 8 and not again.done():
            time.sleep(0.01)
        cluster.scale(1)
        server.latency = 0 * u.s
        np.testing.assert_array_equal(again.result().data, names["computed"].data)
        del again

        run_blocks([shut_down], names)
        assert gateway.list_clusters() == []
        gateway.close()


def test_missing_data(archive, monkeypatch):
    """One file is not there; of another the pixels are refused once."""
    rng = np.random.default_rng(0)
    files = [archive.write(f"171/{i}.fits", small_image(i, 171, rng)) for i in range(4)]
    archive.fail("171/2.fits", status=403, times=1, after=1)
    for settings, name in ((progress, "enabled"), (progress, "delay"), (limits, "patience")):
        monkeypatch.setattr(settings, name, getattr(settings, name))
    with pytest.warns(UserWarning, match="A frame is NaN|1 of 5 frames are left out") as caught:
        names = run("missing_data.rst", files=[*files, archive.url + "171/nowhere.fits"])
    assert len(caught) == 3
    assert [row["url"].rpartition("/")[2] for row in names["bad"]] == ["2.fits", "nowhere.fits"]
    assert names["status"]["status"].tolist() == ["ok", "ok", "NaN", "ok", "left out"]
    assert not names["missing"].all(axis=(1, 2)).any()


def test_find_data(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache, "folder", tmp_path)
    monkeypatch.setattr(cache, "size_limit", cache.size_limit)
    names = run("find_data.rst")
    assert len(names["files"]) == 3
    assert len(names["aia_193"]) == 30
    assert "Did you mean" in str(names["wrong"][0].errors)
    assert cache.size_limit == 5 * u.Gbyte


def test_download(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run("download.rst")
    assert names["paths"].errors == []
    assert len(list(Path("images/aia_0171").iterdir())) == 3
    assert len(Path("files.csv").read_text().splitlines()) == 4
    assert Path("addresses.txt").read_text().startswith("http")


def test_other_buckets(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    for minute in (0, 4):
        Path(f"images/{minute}.fits").write_bytes(image(minute))
    archive.write("registries/aia_0193_2020.csv", b"")
    assert len(run("other_buckets.rst")["sequence"]) == 3


@pytest.mark.filterwarnings("ignore:Missing metadata for observer")
def test_other_instruments(tmp_path, monkeypatch, capsys):
    """With headers of real files, and two more of the same instruments."""
    lasco = {"BUNIT": "DN", "DATE-OBS": "2002/05/21"}
    hmi = {
        "INSTRUME": "HMI_FRONT2",
        "TELESCOP": "SDO/HMI",
        "WAVELNTH": 6173.0,
        "EXPTIME": None,
        "BLANK": None,
    }
    suvi = "dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned"
    files = {
        "lasco/1.fts": real_header("lasco_c3", **lasco, DETECTOR="C2", FILTER="Orange"),
        "lasco/2.fts": real_header("lasco_c3", **lasco, **{"TIME-OBS": "00:30:05.0"}),
        "lasco/3.fts": real_header(
            "lasco_c3", **lasco, DETECTOR="C2", FILTER="Orange", **{"TIME-OBS": "00:54:05.0"}
        ),
        "suvi/1.fits": real_header(suvi),
        "hmi/1.fits": aia_header(**hmi, CONTENT="CONTINUUM INTENSITY", BUNIT="DN/s"),
        "hmi/2.fits": aia_header(**hmi, CONTENT="DOPPLERGRAM", BUNIT="m/s", T_OBS="2018.05.29_12:00:37_TAI"),
    }
    monkeypatch.chdir(tmp_path)
    for path, header in files.items():
        Path(path).parent.mkdir(exist_ok=True)
        cards = {key: value for key, value in header.items() if not key.startswith("NAXIS")}
        fits.PrimaryHDU(np.full((8, 8), 100, "i2"), fits.Header(cards)).writeto(
            path, output_verify="silentfix"
        )
    names = run("other_instruments.rst")
    assert names["lasco_c2"].unit == u.DN / u.s
    assert len(names["lasco_c2"].times) == 2
    assert names["lasco_c2"].times[0].isot == "2002-05-21T00:18:16.066"
    assert names["suvi"].times[0].isot == "2019-04-03T09:34:08.344"
    assert names["velocity"].unit == u.m / u.s
    assert names["velocity"].times[0].isot == "2018-05-29T12:00:00.000"
    assert names["registered"][0].meta["crval1"] == 0
    assert np.isfinite(names["registered"][0].data.compute()).any()
    said = capsys.readouterr().out
    assert "SOHO LASCO C2 white-light Orange Clear 2002-05-21T00:18:16.066 19.0996 s" in said
    assert "left alone: the unit m / s is none of counts" in said
    assert "Missing metadata" not in said  # a line a frame
