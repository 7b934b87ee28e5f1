"""Files as S3 lists them: folders of days, pages, versions, and what cannot be listed."""

import numpy as np
import pytest

import astropy.units as u

from sunpy.net import Fido
from sunpy.net import attrs as a

from buckets import fill, rows_of, search
from sunpy_heliocloud.net import CatalogError, listing
from sunpy_heliocloud.net.listing_page import ListingPage

AIA = a.heliocloud.Dataset("aia_0171")
LISTING = a.heliocloud.Lookup.listing
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def archive(server):
    """Two days of AIA 171 Å every two hours, none of which is in the index, and what else may lie there."""
    fill(server, {id: {2020: rows_of(id, "2020-02-01T00:00", 30)} for id in ("aia_0171", "hmi_M")})
    for hour in range(0, 48, 2):
        write(server, np.datetime64("2020-02-01T00:00:00") + np.timedelta64(hour, "h"))
    write(server, np.datetime64("2020-02-01T00:00:00"), channel="0193")
    server.write("sdo/aia/20200201/0171/readme.txt", b"")
    server.reset()
    return server


def write(server, time, version=1, channel="0171", content=b"image"):
    day, label = str(time)[:10].replace("-", ""), str(time).replace("-", "").replace(":", "")
    server.write(f"sdo/aia/{day}/{channel}/sdo_aia_h2_{label}_{channel}_v{version}.fits", content)


def hours(table):
    return [int(time[11:13]) for time in table["Start time"].isot]


def test_files_that_the_index_does_not_have_yet(archive):
    span = a.Time("2020-02-01T20:00", "2020-02-02T04:00")
    assert len(search(span, AIA)) == 0
    table = search(span, AIA, LISTING)
    assert hours(table) == [20, 22, 0, 2]
    assert table["URL"][0] == (
        "s3://gov-nasa-hdrl-data1/sdo/aia/20200201/0171/sdo_aia_h2_20200201T200000_0171_v1.fits"
    )
    assert u.allclose(table["Size"], 5 * u.byte)
    assert len(Fido.search(span, AIA, LISTING)[0]) == 4


def test_the_end_does_not_belong_to_the_range(archive):
    assert hours(search(a.Time("2020-02-01T22:00", "2020-02-02T00:00"), AIA, LISTING)) == [22]
    assert hours(search(a.Time("2020-02-01T22:00:01", "2020-02-01T23:59:59"), AIA, LISTING)) == []


@pytest.mark.parametrize("page", [1, 5, 12, 13])
def test_pages(archive, monkeypatch, page):
    monkeypatch.setattr(listing, "PAGE", page)
    assert hours(search(a.Time("2020-02-01", "2020-02-01T23:00"), AIA, LISTING)) == list(range(0, 24, 2))


def test_the_last_version_counts(archive):
    for version in (2, 10):
        write(archive, np.datetime64("2020-02-01T02:00:00"), version)
    (url,) = search(a.Time("2020-02-01T01:00", "2020-02-01T03:00"), AIA, LISTING)["URL"]
    assert url.endswith("_v10.fits")


def test_family_and_sample(archive):
    day = a.Time("2020-02-01", "2020-02-02")
    aia, wave = a.heliocloud.Dataset("AIA"), a.Wavelength(17.1 * u.nm)
    assert hours(search(day, aia, wave, LISTING, a.Sample(6 * u.hour))) == [0, 6, 12, 18]


def test_no_files_of_a_day(archive):
    assert len(search(a.Time("2021-02-01", "2021-02-02"), AIA, LISTING)) == 0


def test_no_files_at_all(server):
    fill(server, {"aia_0171": {}})
    with pytest.raises(CatalogError, match="no files in s3://gov-nasa-hdrl-data1/sdo/aia/"):
        search(a.Time("2020-02-01", "2020-02-02"), AIA, LISTING)


def test_folders_that_are_not_known(archive):
    with pytest.raises(ValueError, match="folders of hmi_M are not known"):
        search(a.Time("2020-02-01", "2020-02-02"), a.heliocloud.Dataset("hmi_M"), LISTING)
    with pytest.raises(ValueError, match="expected 'index' or 'listing'"):
        a.heliocloud.Lookup("guess")


def test_failures(archive):
    day = a.Time("2020-02-01", "2020-02-02")
    archive.fail("", status=503, times=2)
    assert len(search(day, AIA, LISTING)) == 12
    archive.fail("", status=403, times=None)
    with pytest.raises(CatalogError, match=r"prefix=sdo%2Faia%2F20200201%2F0171%2F.* 403"):
        search(day, AIA, LISTING)


def test_names_with_days_that_there_are_not_are_those_of_other_files(archive):
    for time in ("20200230T000000", "20204201T060000", "20200201T990000"):
        archive.write(f"sdo/aia/20200201/0171/sdo_aia_h2_{time}_0171_v1.fits", b"image")
    assert len(search(a.Time("2020-02-01", "2020-02-02"), AIA, LISTING)) == 12


@pytest.mark.parametrize(
    "page",
    [
        b'<?xml version="1.0" encoding="UTF1e308"?><ListBucketResult></ListBucketResult>',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "e">]><ListBucketResult>&e;</ListBucketResult>',
        b"<ListBucketResult>" + b"<a>" * 100_000,
        b"<html><body>Sign in</body></html>",
        b"",
    ],
)
def test_a_page_that_is_no_listing_says_so(page):
    with pytest.raises(ValueError, match="damaged|DOCTYPE|expected"):
        ListingPage.of(page, "")
