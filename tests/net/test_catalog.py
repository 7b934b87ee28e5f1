"""Registry and catalogues of all versions, and what names mean."""

import json

import numpy as np
import pytest

from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.catalog import catalog_entries, match, similar
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.registry import bucket_urls

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def server(shared_server):
    return shared_server


def entries(*ids):
    return [Entry(id, "s3://b/", "s3://b/") for id in ids]


ENTRIES = entries(
    "aia_0094", "aia_0171", "aia_cutout_1600", "hmi_B", "hmi_Ic", "hmi_Ic_noLimbDark", "hmi_M", "hmi_V", "LatLonVMu",
    "euvml_stereoa_304", "euvml_stereob_195", "euvml_soho_304", "MMS1_FGM_SRVY_L2",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("aia_0171", ["aia_0171"]),
        ("AIA_0171", ["aia_0171"]),
        ("AIA", ["aia_0094", "aia_0171", "aia_cutout_1600"]),
        ("hmi", ["hmi_B", "hmi_Ic", "hmi_Ic_noLimbDark", "hmi_M", "hmi_V"]),
        ("hmi_ic", ["hmi_Ic"]),
        ("EUVML_*_304", ["euvml_stereoa_304", "euvml_soho_304"]),
        ("EUVI", ["euvml_stereoa_304", "euvml_stereob_195"]),
        ("euvml", ["euvml_stereoa_304", "euvml_stereob_195", "euvml_soho_304"]),
        ("mms1", ["MMS1_FGM_SRVY_L2"]),
        ("aia_017", []),
    ],
)
def test_match(name, ids):
    assert [entry.id for entry in match(ENTRIES, name)] == ids


def test_similar():
    assert similar(ENTRIES, "aia_171")[0] == "aia_0171"
    assert similar(ENTRIES, "hni")[0] == "HMI"


@pytest.mark.parametrize(
    ("id", "description"),
    [
        ("aia_0094", ("AIA", "SDO", 94.0, "intensity")),
        ("hmi_B", ("HMI", "SDO", 6173.0, "vector_magnetic_field")),
        ("hmi_Ic_noLimbDark", ("HMI", "SDO", 6173.0, "intensity")),
        ("hmi_V", ("HMI", "SDO", 6173.0, "LOS_velocity")),
        ("euvml_stereoa_171", ("EUVI", "STEREO_A", 171.0, "intensity")),
        ("euvml_soho_304", ("EIT", "SOHO", 304.0, "intensity")),
    ],
)
def test_description_of_solar_images(id, description):
    (entry,) = entries(id)
    assert (entry.instrument, entry.source, entry.wavelength, entry.physobs) == description


def test_nothing_is_known_of_other_data():
    (entry,) = entries("MMS1_FGM_SRVY_L2")
    assert (entry.instrument, entry.source, entry.physobs) == ("", "", "")
    assert np.isnan(entry.wavelength)


@pytest.mark.parametrize(
    ("start", "year"),
    [("1996-01-01T00:00.00Z", 1996), ("2023-05-04:00:00:00Z", 2023), ("static", 1957), (None, 1957)],
)
def test_first_year_of_malformed_starts(start, year):
    assert Entry("x", "s3://b/", "s3://b/", metadata={"start": start}).first_year == year


@pytest.mark.parametrize(
    "registry",
    [
        {
            "version": "0.4",
            "modification": "2024",
            "registry": [{"endpoint": "s3://a/"}, {"endpoint": "s3://b"}],
        },
        {
            "CloudMe": "0.2",
            "modificationDate": "2022",
            "registry": [{"endpoint": "s3://a"}, {"endpoint": "s3://b/"}],
        },
        {
            "registry": [
                {"endpoint": "s3://a/"},
                {"name": "lost"},
                None,
                {"endpoint": "s3://b/"},
                {"endpoint": "s3://a"},
            ]
        },
    ],
)
def test_registries_of_all_versions(server, registry):
    server.write("HelioDataRegistry.json", json.dumps(registry).encode())
    assert bucket_urls() == (["s3://a/", "s3://b/"], [])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"registry": []}', b'{"registry": {}}'])
def test_unusable_registry(server, content):
    server.write("HelioDataRegistry.json", content)
    with pytest.raises(CatalogError, match="ROOT_CATALOG_REGISTRY_URL.*a.heliocloud.Bucket") as error:
        bucket_urls()
    assert server.registry_url in str(error.value)


def test_no_registry(server):
    with pytest.raises(CatalogError, match=r"does not exist.*ROOT_CATALOG_REGISTRY_URL.*a.heliocloud.Bucket"):
        bucket_urls()


def test_malformed_optional_fields_lose_no_data_set(server):
    catalogue = {
        "catalog": [
            {
                "id": "one",
                "index": "s3://b/x",
                "start": "1996-01-01T00:00.00Z",
                "modification": 7,
                "indextype": None,
            },
            {"id": "two", "index": "s3://b/y/", "multiyear": "True", "indextype": "CSV-ZIP", "title": ["?"]},
            {"id": "three"},
            {"title": "without an id"},
            "nonsense",
        ],
        "status": "1200/OK",
    }
    server.write("catalog.json", json.dumps(catalogue).encode())
    with pytest.warns(
        SunpyUserWarning,
        match="2 of 5 entries without a usable 'id'.* The first is {'title': 'without an id'}",
    ):
        found, errors = catalog_entries(server.url)
    assert errors == []
    assert [(e.id, e.index, e.indextype, e.multiyear) for e in found] == [
        ("one", "s3://b/x/", "csv", False),
        ("two", "s3://b/y/", "csv-zip", True),
        ("three", server.url, "csv", False),
    ]


def test_entries_of_old_versions(server):
    old = {
        "id": "x",
        "loc": "s3://b/x",
        "startDate": "1996-01-01T00:00Z",
        "stopDate": "2001",
        "indexFormat": "csv-zip",
        "fileFormat": "fits",
        "aboutURL": "https://b",
    }
    catalogue = {"catalog": [old, {**old, "index": "s3://new/"}]}
    server.write("catalog.json", json.dumps(catalogue).encode())
    (one, other), _ = catalog_entries(server.url)
    assert (one.index, one.first_year, one.indextype) == ("s3://b/x/", 1996, "csv-zip")
    new = {"start": "1996-01-01T00:00Z", "stop": "2001", "filetype": "fits", "about": "https://b"}
    assert new.items() <= one.metadata.items()
    assert other.index == "s3://new/"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"catalog": [', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"message": "hello"}', "lists no data sets"),
        (
            b'{"catalog": [], "status": {"code": 1400, "message": "moving house"}}',
            "closed for now: moving house",
        ),
        (b'{"catalog": [], "status": "1400/temporarily unavailable"}', "closed for now"),
    ],
)
def test_unusable_catalogue(server, content, problem):
    server.write("catalog.json", content)
    found, errors = catalog_entries(server.url)
    assert found == []
    assert problem in str(errors[0])
    assert f"{server.url}catalog.json" in str(errors[0])
