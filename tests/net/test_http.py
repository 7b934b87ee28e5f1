"""Reading over http and from S3: what is repeated, and what errors say."""

import pytest

import astropy.units as u

from sunpy_heliocloud import limits
from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.http import Answer, exists, read

pytestmark = pytest.mark.usefixtures("short_pauses")


def addresses(server, key):
    return [f"{server.url}{key}", f"{server.endpoint_url}/{server.bucket}/{key}"]


@pytest.mark.parametrize("scheme", [0, 1], ids=["s3", "http"])
class TestRead:
    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_failures_that_pass(self, server, scheme, status):
        server.write("file", b"content")
        server.fail("file", status=status, times=3)
        assert read(addresses(server, "file")[scheme]).data == b"content"

    def test_broken_connection(self, server, scheme):
        server.write("file", b"content" * 1000)
        server.truncate("file", times=2)
        assert read(addresses(server, "file")[scheme]).data == b"content" * 1000

    @pytest.mark.parametrize(("status", "advice"), [(403, "may not be public"), (500, "try again later")])
    def test_failures_that_stay(self, server, scheme, status, advice):
        url = addresses(server, "file")[scheme]
        server.write("file", b"content")
        server.fail("file", status=status, times=None)
        with pytest.raises(CatalogError, match=advice) as error:
            read(url)
        assert url in str(error.value)
        assert str(status) in str(error.value)
        assert error.value.__cause__ is not None

    def test_missing(self, server, scheme):
        with pytest.raises(FileNotFoundError):
            read(addresses(server, "file")[scheme])

    def test_no_server(self, scheme, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        url = ["s3://bucket/file", "http://127.0.0.1:1/bucket/file"][scheme]
        with pytest.raises(CatalogError, match="Check the network connection") as error:
            read(url)
        assert url in str(error.value)
        assert ("AWS_ENDPOINT_URL_S3 (now http://127.0.0.1:1)" in str(error.value)) == (scheme == 0)


def test_missing_bucket_is_no_missing_file(server):
    with pytest.raises(CatalogError, match="404 NoSuchBucket.*Check the address"):
        read("s3://there-is-no-such-bucket/file")


def test_local_file(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert read(str(tmp_path / "file")).data == b"content"
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / "nothing"))


def test_silent_server(server, monkeypatch):
    monkeypatch.setattr(limits, "patience", 0.1)
    monkeypatch.setattr(server, "latency", 0.3 * u.s)
    with pytest.raises(
        CatalogError,
        match=r"s3://b/file cannot be read \(SlowServerError.*not answer within 0.1 s.*Try again",
    ):
        read("s3://b/file")


def test_unknown_server():
    """Names under .invalid are known nowhere, so that no resolver outside is asked for long."""
    with pytest.raises(
        CatalogError, match="https://no-such-host.invalid/file .*host name of the server cannot be resolved"
    ):
        read("https://no-such-host.invalid/file")


def test_certificate(server):
    """What is not TLS at all fails like what is not trusted."""
    origin = server.endpoint_url.replace("http:", "https:")
    with pytest.raises(
        CatalogError, match=r"cannot be read \(.*SSL.*certificate of the server is not trusted"
    ):
        read(f"{origin}/file", trusted={origin})


@pytest.mark.parametrize("url", ["gs://b/file", "s3:///file", "ftp://server/file"])
def test_addresses_that_cannot_be_read(url):
    with pytest.raises(CatalogError, match=f"{url} cannot be read.*Check the address"):
        read(url)


def test_version_that_is_known(server):
    server.write("file", b"content")
    etag = read(f"{server.url}file").etag
    assert read(f"{server.url}file", etag=etag) == Answer(None, etag)
    server.write("file", b"other")
    assert read(f"{server.url}file", etag=etag).data == b"other"


def test_exists(server, tmp_path):
    server.write("file", b"content")
    assert exists(f"{server.url}file")
    assert not exists(f"{server.url}nothing")
    assert not exists(str(tmp_path / "nothing"))
    with pytest.raises(CatalogError, match="127.0.0.1:1/file"):
        exists("http://127.0.0.1:1/file")
    asked = [(request.method, request.key) for request in server.log if request.method != "PUT"]
    assert asked == [("HEAD", "file"), ("HEAD", "nothing")]
