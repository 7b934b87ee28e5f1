"""A leap second is a time in a search, as in a header; in indexes it falls together with the second after it."""

import pytest

from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud  # noqa: F401  registers the client
from buckets import fill

FRAMES = ["2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60.500Z", "2017-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("start", "stop", "found"),
    [
        ("2016-12-31T23:59:60", "2017-01-01T00:00:01", {1, 2, 3}),
        ("2016-12-31T23:59:59", "2017-01-01T00:00:01", {0, 1, 2, 3}),
        ("2016-12-31T23:59:60.4", "2017-01-01T00:00:01", {2}),
    ],
)
def test_a_search_from_or_to_a_leap_second(server, start, stop, found):
    names = [f"s3://gov-nasa-hdrl-data1/{i}.fits" for i in range(4)]
    rows = "".join(f"{time},{time},{name},10\n" for time, name in zip(FRAMES, names, strict=True))
    fill(server, {"aia_0171": {2016: "", 2017: rows[rows.index(FRAMES[3]) :]}})
    server.write("registries/aia_0171_2016.csv", rows[: rows.index(FRAMES[3])].encode())
    response = Fido.search(a.Time(start, stop), a.heliocloud.Dataset("aia_0171"))
    assert not response[0].errors
    assert {names.index(url) for url in response[0]["URL"]} == found
