"""What catalogues say of reading from outside the cloud."""

import json

import pytest

from sunpy.net import attrs as a
from sunpy.util.exceptions import SunpyUserWarning

from buckets import entry, fill, rows_of, search

DAY = a.Time("2020-02-01", "2020-02-02")
pytestmark = pytest.mark.usefixtures("short_pauses")


def write(server, egress):
    fill(server, {id: {2020: rows_of(id, "2020-02-01", 2)} for id in "xy"})
    entries = [entry(id, f"{server.url}registries/") for id in "xy"]
    server.write("catalog.json", json.dumps({"egress": egress, "catalog": entries}).encode())


@pytest.mark.parametrize(
    "egress", ["user-pays", "public, user-pays", "Requester-Pays", "user-pays,no-egress"]
)
def test_requester_pays_is_said_once_before_a_job_would_pay(server, egress):
    write(server, egress)
    with pytest.warns(
        SunpyUserWarning,
        match=f"reader pays for data from {server.url} .*{egress}.*'requester_pays': True",
    ) as warned:
        table = search(DAY, a.heliocloud.Dataset("x") | a.heliocloud.Dataset("y"))
    assert len(warned) == 1
    assert table.meta["egress"] == {server.url: egress}
    assert table[:1].meta["egress"] == {server.url: egress}


@pytest.mark.parametrize(
    "egress",
    [
        "no-egress",
        "public, no-egress",
        "egress-allowed",
        "none",
        "free",
        "",
        None,
        7,
        ["user-pays"],
        {"a": 1},
    ],
)
def test_other_words_are_kept_and_need_no_warning(server, egress):
    write(server, egress)
    table = search(DAY, a.heliocloud.Dataset("x"))
    assert table.meta["egress"] == {server.url: str(egress) if isinstance(egress, str | int) else ""}


def test_a_search_that_finds_nothing_costs_nothing(server):
    write(server, "user-pays")
    assert len(search(a.Time("2020-05-01", "2020-05-02"), a.heliocloud.Dataset("x"))) == 0


def test_what_a_catalogue_says_is_inert(server):
    write(server, "user-pays\x1b[2J<b>")
    with pytest.warns(SunpyUserWarning) as warned:
        search(DAY, a.heliocloud.Dataset("x"))
    assert str(warned[0].message).isprintable()
    assert "<b>" not in str(warned[0].message)
