"""The way to the bytes of a server: every wait ends, and other bytes than were asked for never come."""

import signal
import socket
import subprocess
import sys
import textwrap

import pytest
from servers import answer, raw_server

from sunpy_heliocloud import limits
from sunpy_heliocloud.io import http
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.http_errors import RedirectError
from sunpy_heliocloud.io.location import given_location, remote_location
from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError, Version, fetch
from sunpy_heliocloud.io.waiting import run

CONTENT = bytes(range(256)) * 4
RANGE = {"start": 100, "stop": 200}
SIGNED = {"key": "who", "secret": "knows"}


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits long in a test; where a server answers, a busy machine may delay it."""
    monkeypatch.setattr(limits, "patience", 2)
    monkeypatch.setattr("sunpy_heliocloud.io.waiting.PAUSES", (0.01,))


@pytest.fixture
def very_impatient(impatient, monkeypatch):
    """For servers that keep others waiting."""
    monkeypatch.setattr(limits, "patience", 0.15)


def one(url, access=None, **how):
    (result,) = fetch([ByteRange(url, **{**RANGE, **how}, access=access or Access.of())])
    return result


def part(body, start, **headers):
    said = {"Content_Range": f"bytes {start}-{start + len(body) - 1}/{len(CONTENT)}", "ETag": '"one"'}
    return answer("206 Partial Content", body, **said | headers)


def silent(path, headers):
    return [60.0]


def dripping_head(path, headers):
    for letter in b"HTTP/1.1 206 Partial Content\r\nContent-Length: 100\r\n" * 100:
        yield from (bytes([letter]), 0.02)


def dripping_body(path, headers):
    yield part(CONTENT[100:200], 100)[0]
    for number in CONTENT[100:200]:
        yield from (bytes([number]), 0.05)


def stalling_body(path, headers):
    yield part(CONTENT[100:200], 100)[0] + CONTENT[100:150]
    yield 60.0


@pytest.mark.parametrize("respond", [silent, dripping_head, dripping_body, stalling_body])
@pytest.mark.parametrize("way", ["http", "s3", "signed s3"])
def test_every_wait_ends_with_an_error_that_names_the_url(very_impatient, monkeypatch, way, respond):
    with raw_server(respond) as (base, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", base)
        url = f"{base}/a.fits" if way == "http" else "s3://bucket/a.fits"
        error = one(url, Access.of(SIGNED if way == "signed s3" else None))
    assert isinstance(error, ReadError)
    assert f"{url}: SlowServerError" in str(error)
    assert "Try again later" in str(error)
    assert len(asked) <= 2


def test_a_steady_server_may_take_its_time(very_impatient):
    """Slower than the time-out in all, but never below the rate."""

    def steady(path, headers):
        body = CONTENT * 10
        yield answer("200 OK", body)[0]
        for i in range(0, len(body), 1024):
            yield from (body[i : i + 1024], 0.03)

    with raw_server(steady) as (base, _):
        assert one(f"{base}/a", start=0, stop=None).data == CONTENT * 10


@pytest.mark.parametrize(
    ("respond", "message"),
    [
        (lambda: part(CONTENT[100:150], 100), "bytes 100 to 150 came, not 100 to 200"),
        (lambda: part(CONTENT[100:250], 100), "bytes 100 to 250 came, not 100 to 200"),
        (lambda: part(CONTENT[:100], 0), "bytes 0 to 100 came, not 100 to 200"),
        (lambda: part(CONTENT[100:200], 100, Content_Range="bytes 100-199"), "Content-Range 'bytes 100-199'"),
        (lambda: part(CONTENT[100:200], 100, Content_Range=None), "Content-Range 'None'"),
        (lambda: part(CONTENT[100:200], 100, Content_Range="\t<b>"), r"'\\x3cb>'"),
        (lambda: part(CONTENT[100:200], 100, Content_Range="bytes 100-199/150"), "bytes 100 to 200 came"),
        (lambda: [part(CONTENT[100:200], 100)[0], CONTENT[100:150]], "a.fits"),
        (
            lambda: [part(CONTENT[100:200], 100, Content_Length=None)[0], CONTENT[100:150]],
            "only 50 of 100 bytes",
        ),
        (lambda: answer("200 OK", b"<html>Log in</html>", Content_Type="text/html"), "a page of HTML came"),
        (lambda: answer("200 OK", b"short"), "only 0 of 100 bytes"),
        (lambda: answer("204 No Content"), "the server answered 204"),
        (lambda: [b"nonsense\r\n\r\n"], "a.fits"),
        (lambda: [], "a.fits"),
    ],
)
def test_other_bytes_than_were_asked_for_are_an_error(impatient, respond, message):
    with raw_server(lambda path, headers: respond()) as (base, _):
        error = one(f"{base}/a.fits")
    assert isinstance(error, ReadError)
    assert f"{base}/a.fits" in str(error)
    assert message in str(error)


def test_a_wrong_range_is_asked_for_again(impatient):
    answers = iter([part(CONTENT[:100], 0)])
    with raw_server(lambda path, headers: next(answers, part(CONTENT[100:200], 100))) as (base, asked):
        assert one(f"{base}/a").data == CONTENT[100:200]
    assert len(asked) == 2


def test_the_whole_file_for_a_range_is_read_no_further_than_the_range(impatient):
    def endless(path, headers):
        yield answer("200 OK", CONTENT, Content_Length=str(10**9))[0]
        yield CONTENT
        yield 60.0

    with raw_server(endless) as (base, _):
        assert one(f"{base}/a") == Piece(CONTENT[100:200], Version(None, 10**9))


def test_a_range_with_the_status_of_the_whole_is_the_range(impatient):
    """As rclone answers."""
    (head, body) = part(CONTENT[100:200], 100)
    with raw_server(lambda path, headers: [head.replace(b"206 Partial Content", b"200 OK"), body]) as (
        base,
        _,
    ):
        assert one(f"{base}/a") == Piece(CONTENT[100:200], Version('"one"', len(CONTENT)))


def test_a_changing_etag_is_an_error(impatient):
    with raw_server(lambda path, headers: part(CONTENT[100:200], 100, ETag='"two"')) as (base, _):
        error = one(f"{base}/a", version=Version('"one"', len(CONTENT)))
    assert "the file has been replaced since its header was read" in str(error)


def test_a_page_with_the_status_200_of_the_same_length_is_an_error(impatient):
    page = b"<html>".ljust(len(CONTENT))
    with raw_server(
        lambda path, headers: answer("200 OK", page, Content_Type="text/html; charset=utf-8")
    ) as (base, _):
        error = one(f"{base}/a", version=Version(None, len(CONTENT)))
    assert "a page of HTML came instead of the file" in str(error)


def test_an_answer_without_end_is_refused(impatient):
    def endless(path, headers):
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        while True:
            yield CONTENT * 64

    with raw_server(endless) as (base, _), pytest.raises(ValueError, match=r"over 100,000 bytes.*limits"):
        run(http.get(given_location(f"{base}/a"), most=100_000))
    with raw_server(lambda path, headers: answer("200 OK", CONTENT)) as (base, _):
        with pytest.raises(ValueError, match="has 1,024 bytes, and at most 100 are read"):
            run(http.get(given_location(f"{base}/a"), most=100))


class TestRedirects:
    def test_to_another_host_is_refused(self, impatient):
        with raw_server(lambda path, headers: part(CONTENT[100:200], 100)) as (other, asked):
            for target in (
                f"{other}/a",
                "https://example.org/a",
                "//example.org/a",
                "file:///etc/passwd",
                "/b",
                "",
                "\x1b",
            ):
                with raw_server(lambda path, headers, to=target: answer("302 Found", Location=to)) as (
                    base,
                    _,
                ):
                    error = one(f"{base}/a")
                assert "RedirectError: the server redirects to" in str(error)
                assert "not followed" in str(error)
            assert not asked

    def test_on_the_same_host_over_http_is_refused(self, impatient):
        with raw_server(
            lambda path, headers: answer("301 Moved", Location=f"http://{headers['host']}/b")
        ) as (base, asked):
            assert "not followed" in str(one(f"{base}/a"))
        assert len(asked) == 1

    @pytest.mark.parametrize(
        ("asked", "headers", "goes_to"),
        [
            (
                "https://b.s3.amazonaws.com/k",
                {"Location": "https://b.s3.eu-west-1.amazonaws.com/k"},
                "https://b.s3.eu-west-1.amazonaws.com/k",
            ),
            (
                "https://b.s3.amazonaws.com/k",
                {"x-amz-bucket-region": "eu-west-1"},
                "https://b.s3.eu-west-1.amazonaws.com/k",
            ),
            ("http://host.org/k", {"Location": "https://host.org/other"}, "https://host.org/other"),
            ("https://b.s3.amazonaws.com/k", {"x-amz-bucket-region": "evil.org/"}, None),
            ("https://b.s3.amazonaws.com/k", {"Location": "https://b.s3.amazonaws.com.evil.org/k"}, None),
            ("https://b.s3.amazonaws.com/k", {"Location": "http://b.s3.eu-west-1.amazonaws.com/k"}, None),
            ("https://b.s3.amazonaws.com/k", {"Location": "https://user@b.s3.amazonaws.com/k"}, None),
            ("https://evilamazonaws.com/k", {"Location": "https://b.s3.amazonaws.com/k"}, None),
            ("https://host.org/k", {"Location": "https://www.host.org/k"}, None),
            ("https://host.org/k", {"Location": "https://169.254.169.254/latest/meta-data"}, None),
        ],
    )
    def test_regions_of_s3_and_from_http_to_https_of_the_same_host_are_followed(
        self, asked, headers, goes_to
    ):
        location = given_location(asked)
        if goes_to is None:
            with pytest.raises(RedirectError, match="not followed"):
                http.redirected(location, headers)
        else:
            assert str(http.redirected(location, headers)) == goes_to


def test_a_name_that_resolves_into_the_own_network_is_refused(impatient, monkeypatch):
    with raw_server(lambda path, headers: part(CONTENT[100:200], 100)) as (base, asked):
        port = int(base.rpartition(":")[2])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
        error = one(f"https://public.example.org:{port}/a", Access.of(is_given=False))
        assert "public.example.org is an address of this machine or its network" in str(error)
        assert not asked


def test_the_proxy_of_the_environment_may_be_in_the_own_network(impatient, monkeypatch):
    """It resolves the names of servers itself."""
    with raw_server(lambda path, headers: answer("403 Forbidden", b"")) as (base, asked):
        monkeypatch.setenv("https_proxy", base.replace("127.0.0.1", "localhost"))
        error = one("s3://some-bucket/a", Access.of(is_given=False))
    assert isinstance(error, ReadError)
    assert "403" in str(error)
    assert asked[0][0] == "some-bucket.s3.amazonaws.com:443"


def test_an_address_that_the_caller_types_may_be_private(impatient):
    with raw_server(lambda path, headers: part(CONTENT[100:200], 100)) as (base, asked):
        assert one(f"{base}/a").data == CONTENT[100:200]
        assert "is not encrypted" in str(one(f"{base}/a", Access.of(is_given=False)))
        assert one(f"{base}/a", Access.of(is_given=False, trusted={base})).data == CONTENT[100:200]
    assert len(asked) == 2


def test_requests_say_who_asks_and_carry_nothing_else(impatient, monkeypatch, tmp_path):
    """Neither credentials in the environment nor cookies nor .netrc go anywhere."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lab")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "netrc").write_text("default login lab password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with raw_server(lambda path, headers: part(CONTENT[100:200], 100, Set_Cookie="a=b")) as (base, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", base)
        for url in ("s3://bucket/a", "s3://bucket/b", f"{base}/c"):
            assert one(url).data == CONTENT[100:200]
    for _, headers in asked:
        assert headers["user-agent"].startswith("sunpy_heliocloud/")
        assert headers.keys() <= {"host", "user-agent", "range", "accept", "accept-encoding", ""}


@pytest.mark.parametrize(
    "key",
    ["a b.fits", "a+b", "100%", "a%20b", "a#b", "a?b=c", "ü/é", "a&b=c", "'q'", "a:b,c;d", "a//b", "~x"],
)
@pytest.mark.parametrize("way", ["anonymous", "signed"])
def test_legitimate_keys_make_the_round_trip(server, key, way):
    url = server.write(key, CONTENT)
    assert url == f"{server.url}{key}"
    options = None if way == "anonymous" else {"key": "simulation", "secret": "simulation"}
    assert one(url, Access.of(options)).data == CONTENT[100:200]
    assert str(remote_location(url)) == url


def test_a_server_that_says_when_to_come_again_is_obeyed(impatient, monkeypatch):
    answers = iter([answer("503 Slow Down", Retry_After="0")])
    with raw_server(lambda path, headers: next(answers, part(CONTENT[100:200], 100))) as (base, asked):
        assert one(f"{base}/a").data == CONTENT[100:200]
    assert len(asked) == 2


def test_an_interrupt_ends_the_wait():
    """Ctrl-C in the middle of a request to a server that is silent: at once, and the process ends."""
    code = textwrap.dedent("""
        import sys
        from sunpy_heliocloud.io.ranges import ByteRange, fetch
        print("asking", flush=True)
        try:
            fetch([ByteRange(sys.argv[1])])
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    with raw_server(silent) as (base, asked):
        process = subprocess.Popen(
            [sys.executable, "-c", code, f"{base}/a"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "asking\n"
        while not asked and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert output == "interrupted\n"
    assert process.returncode == 0
