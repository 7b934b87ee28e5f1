"""Pages of listings as strangers may send them."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunpy_heliocloud.net import CatalogError
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.listing import listed_rows
from sunpy_heliocloud.net.listing_page import ListingPage

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
KEY = "sdo/aia/20200201/0171/sdo_aia_h2_20200201T000000_0171_v1.fits"
DAY = np.array(["2020-02-01", "2020-02-01T23:59"], "M8[us]")
AIA = Entry("aia_0171", "s3://b/", "s3://b/registries/")


def page(*objects, more="", root="ListBucketResult", begin='<?xml version="1.0"?>'):
    contents = "".join(f"<Contents><Key>{key}</Key><Size>{size}</Size></Contents>" for key, size in objects)
    return f'{begin}<{root} xmlns="{NAMESPACE}">{contents}{more}</{root}>'.encode()


def test_a_page():
    data = page(("a/1", 5), ("a/&amp;é", 0), more="<NextContinuationToken>x/=</NextContinuationToken>")
    found = ListingPage.of(data, "a/")
    assert found.objects == [("a/1", 5), ("a/&é", 0)]
    assert found.token == "x/="  # noqa: S105  a continuation token
    assert ListingPage.of(page(), "a/").objects == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (page(("a/1", 5), begin='<!DOCTYPE x [<!ENTITY e "x">]>'), "it has a DOCTYPE"),
        (page(("a/&e;", 5), begin='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), "it has a DOCTYPE"),
        (page(begin="<!DOCTYPE html>", root="html"), "it has a DOCTYPE"),
        (page(("a/1", 5), begin='<!DOCTYPE x [<!ENTITY e "x">]>').decode().encode("utf-16"), "it has a DOCTYPE"),
        (page(root="html"), "expected ListBucketResult, found html"),
        (page(("b/1", 5)), "it lists 'b/1', which does not begin with 'a/'"),
        (page(("", 5)), "it lists ''"),
        (page(("a/1", -5)), "'a/1' has the size '-5': expected a number of bytes"),
        (page(("a/1", "9" * 30)), "has the size"),
        (page(("a/1", 5))[:-9], "damaged or incomplete"),
        (b"", "damaged or incomplete"),
        (b"<a>" * 10**5, "expected ListBucketResult"),
    ],
)  # fmt: skip
def test_entities_pages_and_keys_outside_the_asked_prefix_are_refused(data, problem):
    with pytest.raises(ValueError, match=problem):
        ListingPage.of(data, "a/")


@given(
    st.binary(max_size=60)
    | st.text("<>/&;aKeySizContentsListBucketResult \x00é", max_size=60).map(str.encode)
)
def test_any_bytes_are_a_page_or_a_value_error(data):
    for text in (data, page(more="X").replace(b"X", data)):
        with contextlib.suppress(ValueError):
            assert all(key.startswith("a") for key, _ in ListingPage.of(text, "a").objects)


@pytest.fixture
def endless(monkeypatch):
    """A server whose every page says that there is another one; how many were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            keys = [(KEY, 5)] if len(asked) % 2 else []
            body = page(*keys, more=f"<NextContinuationToken>{len(asked)}</NextContinuationToken>")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()
        thread.join()


def test_a_listing_whose_continuation_token_never_ends_is_an_error(endless):
    with pytest.raises(CatalogError, match=r"http://127.* is page \d+ of a listing that does not end"):
        listed_rows([AIA], *DAY)
    assert len(endless) < 100
