"""Who asks: credentials go where the caller has named, and are shown nowhere."""

import io
import pickle
import sys

import dask
import numpy as np
import pytest
from servers import answer, raw_server

from astropy.io import fits
from astropy.table import Table

from sunpy.net.base_client import QueryResponseTable
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.ranges import ByteRange, ReadError, fetch
from sunpy_heliocloud.simulation import SimulatedSun

SECRETS = {"key": "my-name", "secret": "my-password", "token": "my-token"}
SUN = SimulatedSun()


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch):
    """The server that many tests share stays in the environment."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)


@pytest.mark.parametrize(
    "options",
    [
        None,
        {},
        {"anon": True},
        {"endpoint_url": "https://s3.org"},
        {"client_kwargs": {"endpoint_url": "https://s3.org"}},
    ],
)
def test_requests_are_anonymous_unless_something_says_who_asks(options, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lab")
    access = Access.of(options)
    assert access.is_anonymous
    assert access.endpoint == ("https://s3.org" if "s3.org" in str(options) else None)
    assert not access.signs_for("bucket")


@pytest.mark.parametrize(
    "options",
    [SECRETS, {"anon": False}, {"profile": "me"}, {"anon": True, "client_kwargs": {"verify": False}}],
)
def test_options_are_kept(options):
    access = Access.of(options)
    assert not access.is_anonymous
    assert access.filesystem_options == options
    assert access.signs_for("bucket")
    assert pickle.loads(pickle.dumps(access)) == access


def test_the_endpoint_is_settled_on_the_caller_s_machine(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://localhost:9000")
    access = pickle.loads(pickle.dumps(Access.of(is_given=False)))
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    assert access.endpoint == "http://localhost:9000"
    assert str(access.locate("http://localhost:9000/b/a")) == "http://localhost:9000/b/a"
    assert Access.of({"endpoint_url": "http://other:1"}).endpoint == "http://other:1"


def test_credentials_go_only_to_endpoints_and_buckets_that_the_caller_named():
    of_catalog = Access.of(SECRETS, is_given=False, bucket="mine")
    assert of_catalog.signs_for("mine")
    assert not of_catalog.signs_for("other")
    assert not Access.of(SECRETS, is_given=False).signs_for("mine")
    assert Access.of(SECRETS).signs_for("any")
    assert Access.of(SECRETS | {"endpoint_url": "https://s3.org"}, is_given=False).signs_for("any")


def test_credentials_do_not_go_to_the_buckets_that_a_catalogue_names(monkeypatch):
    """A catalogue of the bucket ``mine`` names files in two buckets; only the one is asked with credentials."""
    table = QueryResponseTable({"URL": ["s3://mine/a.fits", "s3://other/a.fits"]})
    table.meta["bucket"] = "s3://mine/"
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", ())
    with raw_server(lambda path, headers: answer("404 Not Found")) as (base, _):
        # Amazon's own names lead to this server, so that no endpoint is named.
        monkeypatch.setenv("https_proxy", base)
        monkeypatch.setenv("HTTPS_PROXY", base)
        with pytest.warns(
            SunpyUserWarning, match=r"not sent to other: a catalogue.*a.heliocloud.Bucket\('s3://other/'\)"
        ):
            with pytest.raises(ReadError):
                LazyMapSequence(table, storage_options=SECRETS)


def test_each_frame_uses_its_own_options(server, tmp_path):
    """Two sequences, of two servers, in one cube."""
    from sunpy_heliocloud.io.frame import Window, read_windows
    from sunpy_heliocloud.io.open import open_frames

    images = [np.full((20, 30), value, "i4") for value in (1, 2)]
    frames = []
    with type(server)() as other:
        for one, image in zip((server, other), images, strict=True):
            path = tmp_path / "a.fits"
            fits.PrimaryHDU(image).writeto(path, overwrite=True)
            url = one.write("a.fits", path.read_bytes())
            ((result,),) = open_frames([url], [Access.of({"endpoint_url": one.endpoint_url})])
            frames.append(result[0])
        windows = [Window.whole(frame.shape) for frame in frames]
        for pixels, image in zip(read_windows(frames, windows, np.dtype("i4")), images, strict=True):
            np.testing.assert_array_equal(pixels, image)
    assert frames[0].__dask_tokenize__() != frames[1].__dask_tokenize__()


def test_secrets_are_in_no_repr_graph_key_or_error(server, tmp_path):
    path = tmp_path / "a.fits"
    data, header = SUN.frame(171, SUN.time, shape=(50, 50))
    fits.PrimaryHDU(np.asarray(data), header).writeto(path)
    url = server.write("a.fits", path.read_bytes())
    options = SECRETS | {"key": "simulation", "secret": "simulation-secret", "token": "my-token"}
    sequence = LazyMapSequence([url], storage_options=options)
    cube = sequence.to_cube()
    shown = [
        repr(sequence),
        str(sequence),
        repr(cube),
        repr(cube.data),
        repr(sequence.status),
        str(cube.meta),
    ]
    shown += [repr(entry) for entry in dict(cube.data.__dask_graph__()).items()]
    shown += [repr(layer) for layer in cube.data.__dask_graph__().layers.values()]
    shown += [repr(frame) for frame in sequence._frames.images] + [repr(Access.of(options))]
    missing = fetch([ByteRange(f"{url}.missing", access=Access.of(options))])[0]
    shown += [str(missing), repr(missing), repr(missing.__cause__)]
    (optimised,) = dask.optimize(cube.data)
    shown += [repr(entry) for entry in dict(optimised.__dask_graph__()).items()]
    for text in shown:
        assert "simulation-secret" not in text
        assert "my-token" not in text


def test_signatures_in_urls_are_in_no_repr_graph_key_or_error(server, tmp_path):
    path = tmp_path / "a.fits"
    data, header = SUN.frame(171, SUN.time, shape=(50, 50))
    fits.PrimaryHDU(np.asarray(data), header).writeto(path)
    server.write("a.fits", path.read_bytes())
    url = f"{server.endpoint_url}/{server.bucket}/a.fits?X-Amz-Signature=abc123"
    sequence = LazyMapSequence(Table({"URL": [url]}))
    graph = sequence.to_cube().data.__dask_graph__()
    shown = [
        repr(sequence),
        *(repr(entry) for entry in dict(graph).items()),
        *map(repr, graph.layers.values()),
    ]
    missing = fetch([ByteRange(url.replace("a.fits", "b.fits"))])[0]
    shown += [str(missing), repr(missing), repr(missing.__cause__), repr(ByteRange(url))]
    assert not any("abc123" in text for text in shown)


@pytest.mark.parametrize(
    "url", ["memory://x", "s3://bucket/../a", "reference://x::http://y", "https://me:secret@host.org/a"]
)
def test_a_url_that_is_refused_costs_one_frame(tmp_path, url):
    path = tmp_path / "a.fits"
    data, header = SUN.frame(171, SUN.time, shape=(50, 50))
    fits.PrimaryHDU(np.asarray(data), header).writeto(path)
    for source in ([str(path), url], Table({"URL": [str(path), url]})):
        with pytest.warns(SunpyUserWarning, match="1 of 2 frames are left out"):
            sequence = LazyMapSequence(source, errors="mask")
        assert sequence.urls == [str(path)]
        assert "secret" not in str(sequence.status)
        with pytest.raises(ReadError, match="expected s3://bucket/key|storage_options|the whole name"):
            LazyMapSequence(source)


def test_the_number_of_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.bounds.limits.files", 2)
    with pytest.raises(
        ValueError, match=r"source of the sequence has 3 files.*sunpy_heliocloud.limits.files = 3"
    ):
        LazyMapSequence(["a.fits", "b.fits", "c.fits"])


# ---- without the extra s3


@pytest.fixture
def without_s3fs(server, monkeypatch):
    """A server with an image, for a user who has no s3fs."""
    content = io.BytesIO()
    data, header = SUN.frame(171, SUN.time, shape=(20, 20))
    fits.PrimaryHDU(data, fits.Header(header)).writeto(content)
    server.image = server.write("folder/a.fits", content.getvalue())
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint_url)
        patch.setitem(sys.modules, "s3fs", None)
        yield server


def test_public_objects_are_read_without_s3fs(without_s3fs):
    sequence = LazyMapSequence([without_s3fs.image])
    assert np.isfinite(sequence.to_cube().compute().data).all()
    assert sequence[0].data.compute().shape == (20, 20)


@pytest.mark.parametrize("name", ["folder/", "folder/*.fits"])
def test_folders_of_buckets_without_s3fs_are_an_error_that_names_the_extra(without_s3fs, name):
    with pytest.raises(ReadError, match=r"folder.* need s3fs: pip install .*\[s3\]"):
        LazyMapSequence(without_s3fs.url + name)


def test_credentials_without_s3fs_are_an_error_that_names_the_extra(without_s3fs):
    with pytest.raises(ReadError, match=r"a\.fits.* need s3fs: pip install .*\[s3\]"):
        LazyMapSequence(without_s3fs.image, storage_options=SECRETS)


def test_stores_in_s3_without_s3fs_are_an_error_that_names_the_extra(without_s3fs):
    with pytest.raises(OSError, match=r"could not read .*store.* need s3fs: pip install .*\[s3\]"):
        TimeLagCube.load(without_s3fs.url + "store")
