"""Reading over http and from S3: what is repeated, and what errors say."""

import pytest

from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.reading import read

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def server(shared_server):
    return shared_server


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
