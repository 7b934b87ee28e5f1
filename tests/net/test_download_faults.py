"""Downloads from servers that fail, lie or hang, to disks that are full, and by people who press Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import parfive
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from web_server import Ranges, WebServer

from sunpy.net import Fido

from helpers import event_loops_closed
from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.net import HelioCloudClient, transfer
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.response import response
from sunpy_heliocloud.net.rows import Rows

CONTENT = np.random.default_rng(1).bytes(100_000)
SIZE = len(CONTENT)
pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture(autouse=True)
def _small_pieces_and_little_patience(monkeypatch):
    monkeypatch.setattr(transfer, "PIECE", 30_000)
    monkeypatch.setattr(limits, "patience", 0.3)
    monkeypatch.setattr(limits, "slowest", 100_000.0)


@pytest.fixture
def serve(monkeypatch):
    """Starts a server with a handler's methods changed; s3:// is at it, too."""
    servers = []

    def start(**methods):
        server = WebServer(CONTENT, type("Handler", (Ranges,), methods)).__enter__()
        servers.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.origin)
        return server

    yield start
    for server in servers:
        server.__exit__()


def fetch(urls, path, *, size=SIZE, template="{file}", overwrite=False):
    times = np.full(len(urls), np.datetime64("2020-01-01", "us"))
    rows = Rows(times, times, list(urls), np.full(len(urls), float(size)), {})
    table = response([(Entry("x", "s3://b/", "s3://b/"), rows)])
    downloader = parfive.Downloader(progress=False, overwrite=overwrite)
    return HelioCloudClient().fetch(table, path=str(path / template), downloader=downloader)


@pytest.fixture
def _event_loops_closed():
    with event_loops_closed():
        yield


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


# ---- where files go


@pytest.mark.parametrize(
    "key",
    [
        "x/../../../etc/passwd",
        "x/..",
        "/etc/passwd",
        "//etc/passwd",
        "..\\..\\windows.fits",
        "C:\\windows\\x.fits",
        "%2e%2e%2f%2e%2e%2fx.fits",
        "..%2fx.fits",
        "x\0.fits",
        f"{'a' * 300}.fits",
        f"{'日' * 300}.fits",
        "CON",
        "nul.fits",
        "x.fits. . ",
        ".bashrc",
        "\u202estif.exe",
        "a\x7f\x9b.fits",
        "a\nb.fits",
        "~root",
        "$(reboot).fits",
        "-rf",
    ],
)
def test_downloads_stay_below_path_whatever_the_key_says(serve, tmp_path, key):
    serve()
    folder = tmp_path / "folder"
    folder.mkdir()
    results = fetch([f"s3://b/{key}", "s3://b/good.fits"], folder)
    assert names(tmp_path) == ["folder"]
    assert "good.fits" in names(folder)
    assert len(results) + len(results.errors) == 2
    assert len(names(folder)) == len(results)
    for path in results:
        assert Path(path).parent == folder
        assert Path(path).read_bytes() == CONTENT
        assert len(Path(path).name.encode()) <= 255
        assert Path(path).name.isprintable()


@pytest.fixture
def any_server(serve):
    return serve()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
@example("a b+%#?.fits")
@example("?")
@example("...")
def test_any_key_is_one_file_below_path_or_one_error(any_server, tmp_path_factory, key):
    folder = tmp_path_factory.mktemp("any")
    results = fetch([f"s3://b/{key}"], folder / "inside")
    assert len(results) + len(results.errors) == 1
    assert names(folder) in ([], ["inside"])
    if results:
        assert names(folder / "inside") == [Path(results[0]).name]
        assert list(fetch([f"s3://b/{key}"], folder / "inside")) == list(results)


# ---- servers


def test_files_come_in_pieces_that_make_the_whole(serve, tmp_path):
    server = serve()
    server.contents["/b/odd.fits"] = CONTENT[:60_001]
    server.contents["/b/even.fits"] = CONTENT[:60_000]
    server.contents["/b/empty.fits"] = b""
    for name, content in (("odd", CONTENT[:60_001]), ("even", CONTENT[:60_000]), ("empty", b"")):
        (path,) = fetch([f"s3://b/{name}.fits"], tmp_path, size=np.nan)
        assert Path(path).read_bytes() == content
    assert server.asked.count("/b/odd.fits") == 3
    assert server.asked.count("/b/even.fits") == 2


def whole(self, status, body, headers, *, with_body=True):
    """Of a server that knows no ranges."""
    Ranges.answer(self, 200, self.server.default, {}, with_body=with_body)


def without_length(self, status, body, headers, *, with_body=True):
    self.send_response(200)
    self.send_header("Connection", "close")
    self.end_headers()
    self.wfile.write(self.server.default)
    self.close_connection = True


@pytest.mark.parametrize("answer", [whole, without_length])
def test_servers_that_know_no_ranges_send_each_file_once(serve, tmp_path, answer):
    server = serve(answer=answer)
    (path,) = fetch(["s3://b/a.fits"], tmp_path)
    assert Path(path).read_bytes() == CONTENT
    assert server.asked == ["/b/a.fits"]


def changing(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, status, body, headers | {"ETag": f'"{len(self.server.asked)}"'}, with_body=with_body)


def shifted(self, status, body, headers, *, with_body=True):
    Ranges.answer(
        self, status, body, {"Content-Range": f"bytes 7-{6 + len(body)}/100000"}, with_body=with_body
    )


def short(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, status, body[:-1], headers, with_body=with_body)


def long(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, status, body + b"x", headers, with_body=with_body)


def page(self, status, body, headers, *, with_body=True):
    page = b"<html>Please log in</html>"
    Ranges.answer(self, 200, page, {"Content-Type": "text/html"}, with_body=with_body)


def elsewhere(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, 302, b"", {"Location": "https://elsewhere.example/a.fits"}, with_body=with_body)


def inside(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, 302, b"", {"Location": "http://169.254.169.254/latest"}, with_body=with_body)


def cut(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, status, body[:9], headers | {"Content-Length": str(len(body))}, with_body=with_body)
    self.close_connection = True


def silent(self, status, body, headers, *, with_body=True):
    self.server.over.wait(10)
    self.close_connection = True


def dripping(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, status, b"", headers | {"Content-Length": str(len(body))})
    while not self.server.over.wait(0.02):
        self.wfile.write(b"x")
    self.close_connection = True


def forbidden(self, status, body, headers, *, with_body=True):
    Ranges.answer(self, 403, b"<Error><Code>AccessDenied</Code></Error>", {}, with_body=with_body)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (changing, "the file changed while it was downloaded"),
        (shifted, "bytes 7 to"),
        (short, "only 29999 of 30000 bytes"),
        (long, "more than 30000 bytes"),
        (page, "a page of HTML"),
        (elsewhere, "redirects to https://elsewhere.example/a.fits"),
        (inside, "redirects to"),
        (cut, ""),
        (silent, "did not answer within 0.3 s"),
        (dripping, "the server sent"),
        (forbidden, "answered 403 AccessDenied"),
    ],
)
def test_servers_that_fail_lie_or_hang_are_one_error_that_names_the_url(
    serve, tmp_path, monkeypatch, answer, reason
):
    def sometimes(self, status, body, headers, *, with_body=True):
        how = answer if "bad" in self.path else Ranges.answer
        return how(self, status, body, headers, with_body=with_body)

    server = serve(answer=sometimes)
    server.over = threading.Event()
    try:
        results = fetch(["s3://b/bad.fits", "s3://b/good.fits"], tmp_path)
    finally:
        server.over.set()
    assert names(tmp_path) == ["good.fits"]
    (error,) = results.errors
    assert error.url == f"{server.origin}/b/bad.fits"
    assert str(error.exception).startswith(f"{error.url} was not downloaded: ")
    assert reason in str(error.exception)


def test_text_of_a_server_is_inert_in_errors(serve, tmp_path):
    def answer(self, status, body, headers, *, with_body=True):
        self.wfile.write(b"HTTP/1.1 500 <script>\x1b[2J\r\nContent-Length: 0\r\nRetry-After: <b>\r\n\r\n")

    serve(answer=answer)
    results = fetch(["s3://b/a.fits"], tmp_path)
    shown = str(results) + repr(results.errors[0].exception)
    assert "<script" not in shown
    assert "\x1b" not in shown


# ---- the second try


@pytest.mark.usefixtures("_event_loops_closed")
def test_results_with_errors_can_be_fetched_again(serve, tmp_path):
    def answer(self, status, body, headers, *, with_body=True):
        how = forbidden if self.server.is_bad and "bad" in self.path else Ranges.answer
        return how(self, status, body, headers, with_body=with_body)

    server = serve(answer=answer)
    server.is_bad = True
    results = fetch(["s3://b/bad.fits", "s3://b/good.fits"], tmp_path)
    assert (len(results), len(results.errors)) == (1, 1)
    results = Fido.fetch(results, progress=False)
    assert (len(results), len(results.errors)) == (1, 1)
    server.is_bad = False
    results = Fido.fetch(results, progress=False)
    assert results.errors == []
    assert names(tmp_path) == ["bad.fits", "good.fits"]
    assert (tmp_path / "bad.fits").read_bytes() == CONTENT


@pytest.mark.usefixtures("_event_loops_closed")
def test_the_second_try_is_checked_too(serve, tmp_path):
    serve()
    results = fetch(["s3://b/a.fits"], tmp_path, size=5)
    results = Fido.fetch(results, progress=False)
    assert "it has 100000 bytes, and the catalogue says 5" in str(results.errors[0].exception)
    assert names(tmp_path) == []


# ---- people and disks

SCRIPT = """
    import sys, warnings
    import numpy as np, parfive
    from sunpy.net import Fido
    from sunpy_heliocloud.net import HelioCloudClient
    from sunpy_heliocloud.net.entry import Entry
    from sunpy_heliocloud.net.response import response
    from sunpy_heliocloud.net.rows import Rows
    folder, urls = sys.argv[1], sys.argv[2:]
    times = np.full(len(urls), np.datetime64("2020-01-01", "us"))
    rows = Rows(times, times, urls, np.full(len(urls), np.nan), {})
    table = response([(Entry("x", "s3://b/", "s3://b/"), rows)])
    table.client = HelioCloudClient()
"""


def python(script, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT) + textwrap.dedent(script), *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_is_raised_and_leaves_no_partial_file(serve, tmp_path):
    begun, over = threading.Event(), threading.Event()

    def slowly(self, status, body, headers, *, with_body=True):
        if "good" in self.path:
            Ranges.answer(self, status, body, headers, with_body=with_body)
            return
        Ranges.answer(self, status, body[:99], headers | {"Content-Length": str(len(body))})
        begun.set()
        over.wait(60)
        self.close_connection = True

    serve(answer=slowly)
    script = """
        try:
            Fido.fetch(table, path=folder, progress=False)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.exit(0)
    """
    process = python(script, tmp_path, "s3://b/good.fits", "s3://b/a.fits", "s3://b/b.fits")
    try:
        assert begun.wait(60)
        assert list(tmp_path.glob(".*.part"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        over.set()
        process.kill()
    assert out == "interrupted\n", err
    assert [path for path in tmp_path.iterdir() if path.name != "good.fits"] == []


def test_no_file_has_its_name_before_it_is_whole(serve, tmp_path):
    seen = []

    def watched(self, status, body, headers, *, with_body=True):
        seen.append(names(tmp_path))
        Ranges.answer(self, status, body, headers, with_body=with_body)

    serve(answer=watched)
    fetch(["s3://b/a.fits"], tmp_path)
    assert len(seen) >= 4
    assert all(name.endswith(".part") for at_once in seen for name in at_once)
    assert names(tmp_path) == ["a.fits"]


def test_a_disk_that_becomes_full_is_an_error_of_that_file(serve, tmp_path):
    server = serve()
    server.contents["/b/small.fits"] = b"small"
    script = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        results = Fido.fetch(table, path=folder, progress=False)
        print(len(results), results.errors[0].exception)
    """
    out, err = python(script, tmp_path, "s3://b/a.fits", "s3://b/small.fits").communicate(timeout=100)
    assert out.startswith("1 ")
    assert "a.fits was not downloaded: [Errno 27] File too large" in out, err
    assert names(tmp_path) == ["small.fits"]


def test_tqdm_disable_does_not_change_what_is_downloaded(serve, tmp_path):
    serve()
    script = "print(sorted(Fido.fetch(table, path=folder)))"
    urls = [f"s3://b/{i}.fits" for i in range(3)]
    out, err = python(script, tmp_path, *urls, TQDM_DISABLE="1").communicate(timeout=100)
    assert out == f"{[str(tmp_path / f'{i}.fits') for i in range(3)]}\n", err
    assert names(tmp_path) == ["0.fits", "1.fits", "2.fits"]
    assert "HelioCloud:" not in err
