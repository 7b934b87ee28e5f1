"""Registry and catalogues of all versions, and what names mean."""

import copy
import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.io.cache_file import Entry as CacheEntry
from sunpy_heliocloud.net import CatalogError, datasets
from sunpy_heliocloud.net.catalog import catalog_entries, match, similar
from sunpy_heliocloud.net.documents import Document
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.registry import _buckets, bucket_urls
from sunpy_heliocloud.text import inert

pytestmark = pytest.mark.usefixtures("short_pauses")


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


# Any content ----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["catalog", "registry", "endpoint", "id", "index", "loc", "start", "status", "code", "egress", "title", "indextype", "multiyear"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["s3://b/", "\x1b[2J<b>", "\ud800", "x" * 10**5, "0000", "9999", "static", "1400", "../x", "x"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=10,
)
CATALOGUES = JSON | st.dictionaries(NAMES, JSON) | st.fixed_dictionaries(
    {"catalog": st.lists(st.fixed_dictionaries({"id": SCALARS | JSON}, optional={n: JSON for n in ("index", "start", "title")}))},
    optional={"status": JSON, "egress": JSON},
)  # fmt: skip


@settings(max_examples=200)
@given(content=CATALOGUES)
def test_a_catalogue_of_any_shape_is_data_sets_or_an_error_that_names_it(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "catalog.json").write_text(json.dumps(content))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found, errors = catalog_entries(str(folder))
    for message in (*errors, *(w.message for w in warned)):
        assert f"{folder}/catalog.json" in str(message)
        assert str(message).isprintable()
        assert len(str(message)) < 2000
    for entry in found:
        assert entry.id == inert(entry.id)
        assert entry.first_year >= 1600
        assert isinstance(entry.is_static | entry.is_paid_by_reader | entry.multiyear, bool)
        assert entry in match(found, entry.id)
        copy.deepcopy(entry.metadata)
    if found:
        table = datasets(bucket=str(folder)) if not warned else None
        assert table is None or str(table).replace("\n", "").isprintable()
    similar(found, "aia")


@settings(max_examples=200)
@given(content=JSON | st.dictionaries(NAMES, JSON) | st.fixed_dictionaries({"registry": JSON}))
def test_a_registry_of_any_shape_is_buckets_or_an_error_that_names_it(content):
    url = "http://host.org/registry.json"
    try:
        buckets, errors = _buckets(Document(url, CacheEntry.new(url, json.dumps(content).encode(), etag="")))
    except CatalogError as e:
        problem = str(e)
        assert url in problem
    else:
        assert all(bucket.startswith(("s3://", "https://")) and bucket.endswith("/") for bucket in buckets)
        problem = " ".join(map(str, errors))
    assert problem.isprintable()


@pytest.mark.parametrize("depth", [29, 31, 1000, 10**5, 10**6])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_a_deeply_nested_catalogue_is_an_error_that_names_it(tmp_path, depth, brackets):
    begin, end = brackets[:-1], brackets[-1]
    (tmp_path / "catalog.json").write_text(f'{{"about": {begin * depth}1{end * depth}}}')
    _, (error,) = catalog_entries(str(tmp_path))
    assert f"{tmp_path}/catalog.json" in str(error)
    assert ("nested more deeply" in str(error)) == (depth > 29)
