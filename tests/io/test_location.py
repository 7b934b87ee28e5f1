"""The gate: which URLs are let through, and as what."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sunpy_heliocloud.io.location import (
    HTTPLocation,
    LocalLocation,
    LocationError,
    S3Location,
    given_location,
    is_private,
    remote_location,
)

CHAINS = [
    "reference://x::http://host.org/a",
    "simplecache::s3://bucket/a",
    "filecache::s3://bucket/a",
    "blockcache::https://host.org/a",
    "zip://a.fits::s3://bucket/a.zip",
    "s3://bucket/a::http://host.org/b",
    "https://host.org/a::file:///etc/passwd",
]
OTHER_SCHEMES = [
    "reference://x",
    "gs://bucket/a",
    "ftp://host.org/a",
    "memory://a",
    "local://etc/passwd",
    "dask://a",
    "github://a:b@c/d",
    "jupyter://a",
    "smb://host/a",
    "S4://bucket/a",
    "s3a://bucket/a",
    "file://host/etc/passwd",
    "://a",
    "s3:/bucket/a",
]
LOCAL = [
    "/etc/passwd",
    "a.fits",
    "~/a.fits",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "C:\\a.fits",
    "./s3://b/a",
    ".",
]
USER_INFO = [
    "https://user@host.org/a",
    "https://user:secret@host.org/a",
    "https://host.org@evil.org/a",
    "https://@host.org/",
]
CONTROL = [
    "s3://bucket/a\nb",
    "s3://bucket/a\x00",
    "https://host.org/a\x7f",
    "s3://bucket/\x9b2J",
    "https://host.org/%00",
    "https://host.org/%0d%0aX: y",
    "s3://bucket/\u2028",
    "\ts3://bucket/a",
    "s3://bucket/\ud800",
]
DOTS = [
    "s3://bucket/../other/a",
    "s3://bucket/a/..",
    "s3://bucket/./a",
    "https://host.org/a/../b",
    "https://host.org/%2e%2e/b",
    "https://host.org/.%2E/b",
    "https://host.org/a\\..\\b",
]
NAMELESS = [
    "s3:///a",
    "s3://",
    "s3://-bucket/a",
    "s3://buc ket/a",
    "s3://bucket:80/a",
    "https:///a",
    "https://",
    "https://host org/a",
    "https://ho_st!/a",
    "https://[::1/a",
    "https://host.org:99999/a",
    "https://a..b/",
    "https://höst.org/",
    "https://xn--/",
    "https://xn--exams18446744073709551616le.org/",
    "s3://xn--bucket/a",
    "https://host.org/" + 3000 * " ",
    "https://xn--a-ecp.xn--.org/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[v1.a]/",
    "",
    " ",
]
PRIVATE = ["localhost", "LOCALHOST.", "a.localhost", "printer.local", "metadata.google.internal", "nas", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[2002:7f00:1::]"]  # fmt: skip
KEYS = [
    "a.fits",
    "a b+c%20d#e?f=g&h.fits",
    "ü/日本/é.fits",
    "'q\"",
    "a:b,c;d",
    "a//b",
    "a..b/...",
    "~x",
    "a\\b",
    "https://x",
    "",
]


@pytest.mark.parametrize("url", [*CHAINS, *OTHER_SCHEMES, *USER_INFO, *CONTROL, *DOTS, *NAMELESS])
def test_what_is_refused_from_everybody(url):
    with pytest.raises(LocationError) as error:
        remote_location(url)
    assert str(error.value).isprintable()
    if url not in OTHER_SCHEMES[-2:] and url not in ("", " ") and "\\" not in url:
        with pytest.raises(LocationError):
            given_location(url)


@pytest.mark.parametrize("url", LOCAL)
def test_local_paths_are_refused_unless_the_caller_names_them(url):
    with pytest.raises(LocationError, match=r"expected s3://bucket/key or https://host/path|scheme"):
        remote_location(url)
    if "://b" not in url:
        assert isinstance(given_location(url), LocalLocation)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_hosts_are_refused_unless_the_caller_names_them(host):
    with pytest.raises(LocationError, match="address of this machine or its network"):
        remote_location(f"https://{host}/a")
    assert given_location(f"https://{host}/a").may_be_private
    assert remote_location(f"https://{host}/a", {given_location(f"https://{host}/").origin}).may_be_private


@pytest.mark.parametrize(
    "host", ["heliocloud.org", "8.8.8.8", "[2606:4700::1111]", "a-b.c_d.org", "xn--hst-sna.org"]
)
def test_public_hosts_are_let_through(host):
    assert str(remote_location(f"https://{host}/a")) == f"https://{host}/a"
    assert not remote_location(f"https://{host}/a").may_be_private


def test_http_only_to_the_caller_s_own_endpoint(monkeypatch):
    with pytest.raises(LocationError, match="is not encrypted"):
        remote_location("http://host.org/a")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://localhost:9000")
    assert str(remote_location("http://localhost:9000/b/a")) == "http://localhost:9000/b/a"
    for url in ("http://localhost:9001/a", "http://localhost/a", "https://localhost:9000/a"):
        with pytest.raises(LocationError):
            remote_location(url)


def test_files_below_a_folder_that_the_caller_names(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "way-out").symlink_to("/etc")
    folder = {str(tmp_path)}
    assert remote_location(f"{tmp_path}/inside/a.fits", folder) == LocalLocation(f"{tmp_path}/inside/a.fits")
    for path in ("/etc/passwd", f"{tmp_path}/../a", f"{tmp_path}-other/a", f"{tmp_path}/way-out/passwd"):
        with pytest.raises(LocationError):
            remote_location(path, folder)


@pytest.mark.parametrize("key", KEYS)
def test_a_url_of_s3_is_built_again_from_its_parts(key):
    location = remote_location(f"s3://Bucket_1.x/{key}")
    assert location == S3Location("Bucket_1.x", key)
    assert str(location) == f"s3://Bucket_1.x/{key}"


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=50))
@example("a//b")
def test_any_printable_key_makes_the_round_trip(key):
    if any(part in (".", "..") for part in key.split("/")):
        return
    assert str(remote_location(f"s3://bucket/{key}")) == f"s3://bucket/{key}"


@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(["s3://", "https://", "::", "/", "..", "@", "a", "[", "]", ":", "%", "\\", "b.org"]),
        max_size=9,
    ).map("".join)
)
def test_any_text_is_a_location_or_an_error(text):
    for gate in (given_location, remote_location):
        try:
            location = gate(text)
        except LocationError as refusal:
            message = str(refusal)
            assert re.sub(r"[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ", message).isprintable()
        else:
            assert str(gate(str(location))) == str(location)
            # Blanks of other widths do no harm.
            assert re.sub(r"[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ", location.shown).isprintable()


def test_too_long_names_are_refused():
    assert remote_location(f"s3://bucket/{'é' * 512}")
    for url in (f"s3://bucket/{'é' * 513}", f"https://host.org/{'a' * 9000}"):
        with pytest.raises(LocationError) as error:
            remote_location(url)
        assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("url", "endpoint", "address"),
    [
        ("s3://b/a b+#?%.fits", None, "https://b.s3.amazonaws.com/a%20b%2B%23%3F%25.fits"),
        ("s3://b.c/a", None, "https://s3.amazonaws.com/b.c/a"),
        ("s3://B_c/a", None, "https://s3.amazonaws.com/B_c/a"),
        ("s3://b/a", "http://localhost:9000/", "http://localhost:9000/b/a"),
        ("s3://b/", "https://host.org/s3", "https://host.org/s3/b/"),
    ],
)
def test_where_an_object_is_for_programs_that_know_no_s3(url, endpoint, address):
    assert str(given_location(url).at(endpoint)) == address
    assert given_location(url).at(endpoint).may_be_private == (endpoint is not None)


@pytest.mark.parametrize("endpoint", ["s3://b/", "localhost:9000", "/tmp"])
def test_an_endpoint_that_is_none(endpoint):
    with pytest.raises(LocationError, match="endpoint|scheme"):
        S3Location("b", "a").at(endpoint)


def test_default_ports_and_capitals_do_not_make_another_origin():
    assert {
        remote_location(url).origin
        for url in ("https://Host.org/a", "https://host.org:443/b", "HTTPS://HOST.ORG")
    } == {"https://host.org"}


def test_messages_show_no_signatures():
    url = "https://host.org/a.fits?X-Amz-Signature=secret&X-Amz-Expires=1"
    assert "secret" in str(given_location(url))
    assert given_location(url).shown == "https://host.org/a.fits?…"
    assert "secret" not in repr(given_location(url))
    for bad in (
        "https://user:secret@host.org/a",
        "https://10.0.0.1/a?token=secret",
        "http://host.org/a?token=secret",
    ):
        with pytest.raises(LocationError) as error:
            remote_location(bad)
        assert "secret" not in str(error.value)


def test_names_and_addresses_are_told_apart():
    assert not any(
        is_private(host) for host in ("example.org", "10.example.org", "1.1.1.1", "local.example.org")
    )
    assert all(is_private(host.strip("[]")) for host in PRIVATE)
    assert all(
        isinstance(remote_location(f"https://h.org{p}{q}"), HTTPLocation)
        for p, q in itertools.product(("", "/", "/a"), ("", "?", "?a=b"))
    )
