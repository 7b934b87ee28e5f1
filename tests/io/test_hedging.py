"""A second request beside one that takes much longer than usual, and hardly ever another."""

import asyncio

import pytest
from servers import answer, raw_server

from sunpy_heliocloud.io import hedging
from sunpy_heliocloud.io.hedging import hedged
from sunpy_heliocloud.io.ranges import ByteRange, fetch

CONTENT = bytes(range(256))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(hedging, "_SHORTEST", 0.05)
    monkeypatch.setattr(hedging, "_TICK", 0.01)
    monkeypatch.setattr(hedging, "_usual", {})


def answered(headers):
    first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
    said = f"bytes {first}-{last}/{len(CONTENT)}"
    return answer("206 Partial Content", CONTENT[first : last + 1], Content_Range=said)


def test_a_request_without_an_answer_gets_a_second_one_once_the_usual_time_is_known():
    def respond(path, headers):
        if path == "/stalls" and [one for one, _ in asked].count("/stalls") == 1:
            return [60.0]
        return answered(headers)

    with raw_server(respond) as (base, asked):
        for path in ("/a", "/b", "/c", "/stalls"):
            (piece,) = fetch([ByteRange(f"{base}{path}", 10, 20)])
            assert piece.data == CONTENT[10:20]
    assert [path for path, _ in asked] == ["/a", "/b", "/c", "/stalls", "/stalls"]


def test_a_body_that_stops_gets_a_second_request_too():
    def respond(path, headers):
        head, body = answered(headers)
        if path == "/stalls" and [one for one, _ in asked].count("/stalls") == 1:
            return [head, body[:5], 60.0]
        return [head, body]

    with raw_server(respond) as (base, asked):
        for path in ("/a", "/b", "/c", "/stalls"):
            (piece,) = fetch([ByteRange(f"{base}{path}", 10, 20)])
            assert piece.data == CONTENT[10:20]
    assert len(asked) == 5


class Attempts:
    """Attempts that take so long, or fail after so long; counted."""

    def __init__(self, *seconds):
        self.seconds, self.made = iter(seconds), 0

    async def __call__(self):
        self.made += 1
        number, seconds = self.made, next(self.seconds)
        await asyncio.sleep(abs(seconds))
        if seconds < 0:
            raise OSError(f"attempt {number}")
        return number


def made(attempts, usual=(0.001, 0.001, 0.001)):
    hedging._usual.clear()

    async def main():
        for seconds in usual:
            await hedged(Attempts(seconds), "kind")
        return await hedged(attempts, "kind")

    return asyncio.run(main())


def test_the_first_to_succeed_counts():
    assert made(Attempts(0.3, 60, 60)) == 1
    assert made(Attempts(60, 0.001)) == 2
    assert made(Attempts(60, 60, 0.001)) == 3
    assert made(Attempts(-0.3, 60, 0.001)) == 3


def test_an_error_of_the_only_attempt_is_raised_at_once():
    attempts = Attempts(-0.001)
    with pytest.raises(OSError, match="attempt 1"):
        made(attempts)
    assert attempts.made == 1


def test_where_all_requests_are_slow_there_is_no_second_one():
    attempts = Attempts(0.1)
    assert made(attempts, usual=(0.1, 0.1, 0.1)) == 1
    assert attempts.made == 1


def test_a_server_that_answers_nothing_is_not_asked_again_and_again(monkeypatch):
    """Further requests are for some of all; and no usual time is known."""
    monkeypatch.setattr(hedging, "_SHARE", 0.0)
    attempts = Attempts(*[0.2] * 20)

    async def main():
        for _ in range(3):
            await hedged(Attempts(0.001), "kind")
        await asyncio.gather(*(hedged(attempts, "kind") for _ in range(10)))

    asyncio.run(main())
    assert attempts.made == 10 + 2


def test_time_in_which_the_process_stood_still_does_not_count(monkeypatch):
    """As while kernels are compiled: a slow answer is not the server's fault then."""

    async def main():
        for _ in range(3):
            await hedged(Attempts(0.001), "kind")
        attempts = Attempts(0.02)
        loop = asyncio.get_running_loop()
        loop.call_later(0.005, lambda: __import__("time").sleep(0.3))
        assert await hedged(attempts, "kind") == 1
        return attempts.made

    assert asyncio.run(main()) == 1
