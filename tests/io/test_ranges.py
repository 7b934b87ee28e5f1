import contextlib
import http.server
import os
import threading
import time
from weakref import WeakKeyDictionary

import pytest

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError, Version, fetch

CONTENT = bytes(range(200))


@contextlib.contextmanager
def http_server(respond):
    """A web server whose every answer is ``respond(path)``: a status and a body. Gives its URL and what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Range")))
            status, body = respond(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Not on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@contextlib.contextmanager
def folder_server(folder):
    """Python's own web server: it says when a file was changed, but knows neither ETags nor ranges."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            """Not on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def only(results):
    (result,) = results
    return result


def contents(wanted):
    """The bytes of each range; an error where there are none."""
    return [answer.data if isinstance(answer, Piece) else answer for answer in fetch(wanted)]


def test_a_file_without_etag_that_is_replaced_by_one_of_equal_size(tmp_path):
    """The time of its last change tells."""
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (1e9, 1e9))
    with folder_server(tmp_path) as base:
        before = only(fetch([ByteRange(f"{base}/a.bin", 0, 10)]))
        assert before.version == Version("changed at Sun, 09 Sep 2001 01:46:40 GMT", 200)
        known = ByteRange(f"{base}/a.bin", 0, 10, known=before)
        assert only(fetch([known])) == before
        again = ByteRange(f"{base}/a.bin", 10, 20, version=before.version)
        assert contents([again]) == [CONTENT[10:20]]
        path.write_bytes(CONTENT[::-1])
        assert "the file has been replaced" in str(only(fetch([again])))
        assert contents([known]) == [CONTENT[::-1][:10]]


def test_ranges_of_local_and_remote_files_in_their_order(server, tmp_path):
    url = server.write("a.bin", CONTENT)
    local = tmp_path / "b.bin"
    local.write_bytes(CONTENT[::-1])
    wanted = [
        ByteRange(url, 10, 20),
        ByteRange(str(local), 0, 3),
        ByteRange(url, 190),
        ByteRange(f"file://{local}", 5, 7),
    ]
    assert contents(wanted) == [CONTENT[10:20], CONTENT[::-1][:3], CONTENT[190:], CONTENT[::-1][5:7]]
    assert contents([]) == []


def test_the_endpoint_is_the_caller_s(server):
    url = server.write("a.bin", CONTENT)
    with type(server)() as other:
        other.write("a.bin", b"other")
        assert contents([ByteRange(url)]) == [b"other"]
        access = Access.of({"anon": True, "endpoint_url": server.endpoint_url})
        assert contents([ByteRange(url, 0, 4, access=access), ByteRange(url)]) == [CONTENT[:4], b"other"]


def test_a_range_is_one_request_of_its_bytes(server):
    url = server.write("a.bin", CONTENT)
    server.reset()
    fetch([ByteRange(url, 10, 20), ByteRange(url, 50, 60)])
    assert sorted(request.byte_range for request in server.log) == ["bytes=10-19", "bytes=50-59"]
    assert server.bytes_sent == 20


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_in_passing_is_overcome(server, status):
    url = server.write("a.bin", CONTENT)
    server.fail("a.bin", status=status)
    assert contents([ByteRange(url, 10, 20)]) == [CONTENT[10:20]]


def test_answers_that_break_off_are_asked_for_again(server):
    urls = [server.write(name, CONTENT) for name in ("a.bin", "b.bin")]
    server.truncate("a.bin", times=2)
    assert contents([ByteRange(url, 10, 20) for url in urls]) == [CONTENT[10:20]] * 2


def test_an_answer_that_always_breaks_off_is_an_error(server, monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", ())
    url = server.write("a.bin", CONTENT)
    server.truncate("a.bin", times=None)
    assert isinstance(only(fetch([ByteRange(url, 10, 20)])), ReadError)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_final(server, status):
    url = server.write("a.bin", CONTENT)
    server.fail("a.bin", status=status, times=None)
    server.reset()
    error = only(fetch([ByteRange(url, 10, 20)]))
    assert isinstance(error, OSError)
    assert str(error).startswith(f"Could not read bytes 10 to 20 of {url}: ")
    assert error.__cause__ is not None
    assert server.requests == 1


@pytest.mark.parametrize(("status", "requests"), [(403, 1), (404, 1), (410, 1), (429, 4), (500, 4)])
def test_refusals_and_outages_over_http(monkeypatch, status, requests):
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", (0.001,) * 3)
    with http_server(lambda path: (status, b"no")) as (base, asked):
        error = only(fetch([ByteRange(f"{base}/a.fits", 0, 10)]))
    assert isinstance(error, ReadError)
    assert f"{base}/a.fits" in str(error)
    assert len(asked) == requests


def test_an_outage_over_http_ends():
    answers = iter([(503, b"")])
    with http_server(lambda path: next(answers, (200, CONTENT))) as (base, asked):
        assert contents([ByteRange(f"{base}/a.fits", 10, 20)]) == [CONTENT[10:20]]
    assert len(asked) == 2


def test_a_server_without_ranges_sends_the_whole_file():
    with http_server(lambda path: (200, CONTENT)) as (base, asked):
        url = f"{base}/a.fits"
        wanted = [
            ByteRange(url, 10, 20),
            ByteRange(url, 0, 5),
            ByteRange(url),
            ByteRange(url, 0, 999, exact=False),
        ]
        assert contents(wanted) == [CONTENT[10:20], CONTENT[:5], CONTENT, CONTENT]
        assert "only 0 of 10 bytes were received" in str(only(fetch([ByteRange(url, 300, 310)])))
    assert {byte_range for _, byte_range in asked} >= {"bytes=10-19", "bytes=0-4"}


def test_nobody_there(monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", (0.001,) * 3)
    with http_server(lambda path: (200, b"")) as (base, _):
        pass
    error = only(fetch([ByteRange(f"{base}/a.fits", 0, 10)]))
    assert isinstance(error, ReadError)
    assert base in str(error)


def test_a_file_that_is_too_short(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    for url in (server.write("a.bin", CONTENT), str(tmp_path / "a.bin")):
        server.reset()
        error = only(fetch([ByteRange(url, 190, 210)]))
        assert (
            str(error)
            == f"Could not read bytes 190 to 210 of {url}: only 10 of 20 bytes were received; the file is truncated."
        )
        assert contents([ByteRange(url, 190, 210, exact=False)]) == [CONTENT[190:]]
        assert server.requests in (0, 2)
    behind = only(fetch([ByteRange(server.write("a.bin", CONTENT), 1000, 1010)]))
    assert isinstance(behind, ReadError)
    assert server.log[-1].status == 416


def test_one_missing_file_does_not_cost_the_others(tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    there, missing = contents([ByteRange(str(tmp_path / name), 0, 5) for name in ("a.bin", "b.bin")])
    assert there == CONTENT[:5]
    assert isinstance(missing, ReadError)
    assert isinstance(missing.__cause__, FileNotFoundError)
    assert str(ByteRange("s3://a/b", 3)) in "bytes 3 to the end of s3://a/b"


def test_a_piece_says_of_which_version_it_is(server, tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    for url in (server.write("a.bin", CONTENT), str(tmp_path / "a.bin")):
        first, second = fetch([ByteRange(url, 3, 9), ByteRange(url)])
        assert first.version == second.version
        assert first.version.size == len(CONTENT)
        assert first.version.etag
        other = Version(first.version.etag + "x", len(CONTENT))
        error = only(fetch([ByteRange(url, 3, 9, version=other)]))
        assert f"{url}: the file has been replaced" in str(error)
        assert contents([ByteRange(url, 3, 9, version=Version())]) == [CONTENT[3:9]]


def test_what_is_known_is_not_sent(server):
    url = server.write("a.bin", CONTENT)
    known = only(fetch([ByteRange(url, 0, 9)]))
    server.reset()
    assert only(fetch([ByteRange(url, 0, 9, known=known)])) is known
    assert server.bytes_sent == 0
    other = Piece(b"other", Version('"other"'))
    assert contents([ByteRange(url, 0, 9, known=other)]) == [CONTENT[:9]]


def test_requests_in_flight_are_bounded(monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.IN_FLIGHT", 3)
    monkeypatch.setattr("sunpy_heliocloud.io.waiting._slots", WeakKeyDictionary())
    under_way, most, lock = 0, 0, threading.Lock()

    def respond(path):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        return 200, CONTENT

    with http_server(respond) as (base, _):
        assert contents([ByteRange(f"{base}/{i}.fits") for i in range(20)]) == [CONTENT] * 20
    assert most == 3


def test_credentials_and_who_pays_reach_the_server(monkeypatch):
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"data")

        def log_message(self, *args):
            """Not on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        assert contents([ByteRange("s3://bucket/a")]) == [b"data"]
        options = {"key": "who", "secret": "knows", "requester_pays": True}
        assert contents([ByteRange("s3://bucket/a", access=Access.of(options))]) == [b"data"]
        server.shutdown()
    anonymous, paying = seen
    assert "Authorization" not in anonymous
    assert "Credential=who/" in paying["Authorization"]
    assert paying["x-amz-request-payer"] == "requester"
