"""Whether a catalogue is as the CloudCatalog specification says."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sunpy_heliocloud.io.cache_file import Entry as CacheEntry
from sunpy_heliocloud.io.location import LocationError
from sunpy_heliocloud.net.catalog import entry_of, is_id
from sunpy_heliocloud.net.checks.json_lines import JSONLines, Part
from sunpy_heliocloud.net.checks.report import Report
from sunpy_heliocloud.net.documents import Document
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.gate import named_location
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.json_object import parse_object, scalar_text
from sunpy_heliocloud.text import inert

__all__ = ["check_catalogue", "time_of"]

REQUIRED = ("id", "index", "title", "start", "stop", "modification", "indextype", "filetype")
OPTIONAL = {
    "description",
    "resource",
    "creation",
    "expiration",
    "verified",
    "citation",
    "contact",
    "about",
    "multiyear",
}
TIMES = ("start", "stop", "modification", "creation", "expiration", "verified")
TOP = {"version", "name", "egress", "status", "contact", "description", "citation", "comment", "catalog", "endpoint", "provider", "region"}  # fmt: skip
EGRESS = {"free", "user-pays", "public", "private", "egress-allowed", "no-egress", "other", "none"}
STATUS = {"1200", "1400"}
INDEXTYPES = {"csv", "csv-zip", "parquet"}
FILETYPES = {"fits", "csv", "cdf", "netcdf3", "netcdf4", "hdf5", "datamap", "txt", "binary", "other"}

_time = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,9})?)?)?)?)?)?Z", re.ASCII).fullmatch


def time_of(text: Any) -> np.datetime64 | None:
    """A time of the specification, or None for what is none."""
    if not (isinstance(text, str) and _time(text)):
        return None
    try:
        return np.datetime64(text[:-1].replace(":60", ":59"), "us")
    except ValueError:
        return None


def check_catalogue(
    data: bytes, url: str, bucket: str, trusted: frozenset[str], report: Report
) -> list[Entry]:
    """
    Report how a catalogue departs from the specification.

    Parameters
    ----------
    data
        The catalogue.
    url
        Where it is from.
    bucket
        URL of its bucket.
    trusted
        Servers and folders that the caller has named.
    report
        Gets what is found.

    Returns
    -------
    list of Entry
        The data sets whose indexes can be looked for.
    """
    try:
        content = parse_object(Document(url, CacheEntry.new(url, data, etag="")))
    except CatalogError as e:
        report.error(url, None, "not JSON", str(e))
        return []
    lines = JSONLines(data)
    top = {part.name: part for part in lines.members()}
    _check_top(top, url, report)
    catalogue = top.get("catalog")
    if catalogue is None or not isinstance(catalogue.value, list):
        report.error(url, catalogue and catalogue.line, "catalog", "'catalog' is no list of data sets")
        return []
    entries = []
    first: dict[str, int] = {}
    for item in lines.items(catalogue.position):
        if not isinstance(item.value, dict):
            report.error(
                url, item.line, "data set", f"{inert(item.value)!r} is no object: expected a data set"
            )
            continue
        fields = {part.name: part for part in lines.members(item.position)}
        _check_entry(fields, item.line, url, trusted, report)
        id = item.value.get("id")
        if not is_id(id):
            continue
        if id in first:
            report.error(
                url, fields["id"].line, "duplicate", f"the id {id!r} is also that of line {first[id]}"
            )
            continue
        first[id] = fields["id"].line
        if item.value.get("index"):
            entries.append(
                entry_of(item.value, bucket, "", trusted, inert(scalar_text(content.get("egress"))))
            )
    return entries


def _check_top(top: Mapping[str, Part], url: str, report: Report) -> None:
    for name in ("name", "status", "contact"):
        if name not in top:
            report.error(url, 1, "missing", f"there is no {name!r}")
    if "egress" not in top:
        report.note(url, 1, "missing", f"there is no 'egress': some of {', '.join(sorted(EGRESS))}")
    for part in top.values():
        if part.name not in TOP:
            report.note(url, part.line, "unknown", f"the specification knows no {part.name!r}")
    if "egress" in top:
        for word in re.split(r"[,\s]+", scalar_text(top["egress"].value).strip() or "?"):
            if word.casefold() not in EGRESS:
                report.error(
                    url,
                    top["egress"].line,
                    "egress",
                    f"egress is {word!r}: expected some of {', '.join(sorted(EGRESS))}",
                )
    if "status" in top:
        status = top["status"].value
        code = scalar_text(status.get("code") if isinstance(status, dict) else status)[:4]
        if code not in STATUS:
            report.error(
                url,
                top["status"].line,
                "status",
                f"the status is {inert(status)}: expected the code 1200 or 1400",
            )
        if code == "1400":
            report.note(
                url,
                top["status"].line,
                "status",
                "the bucket is temporarily unavailable: searches leave it out",
            )


def _check_entry(
    fields: Mapping[str, Part], line: int, url: str, trusted: frozenset[str], report: Report
) -> None:
    id = inert(fields["id"].value) if "id" in fields else "a data set"
    for name in REQUIRED:
        if name not in fields or fields[name].value in ("", None):
            report.error(
                url, fields[name].line if name in fields else line, "missing", f"{id} has no {name!r}"
            )
    for name, part in fields.items():
        if name in REQUIRED or name in OPTIONAL:
            if not isinstance(part.value, str) and name != "multiyear" and part.value is not None:
                report.error(
                    url, part.line, "type", f"{name!r} of {id} is {inert(part.value)}: expected a text"
                )
        else:
            report.note(url, part.line, "unknown", f"the specification knows no {name!r}, which {id} has")

    def wrong(name: str, expected: str) -> None:
        report.error(
            url,
            fields[name].line,
            name,
            f"{name!r} of {id} is {inert(fields[name].value)!r}: expected {expected}",
        )

    values = {name: part.value for name, part in fields.items() if isinstance(part.value, str) and part.value}
    if "id" in values and not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", values["id"]):
        wrong("id", "up to 200 letters, digits, - and _")
    _check_times(
        values,
        wrong,
        lambda name, what: report.note(url, fields[name].line, name, f"{name!r} of {id} {what}"),
    )
    if "index" in values:
        try:
            # Of a folder on this machine what lies below it may be named.
            named_location(f"{values['index'].rstrip('/')}/catalog.json", trusted)
        except LocationError as e:
            report.error(url, fields["index"].line, "index", f"'index' of {id} is refused: {e}")
        if not values["index"].endswith("/"):
            wrong("index", "a / at the end")
    if values.get("indextype", "csv").casefold() not in INDEXTYPES:
        wrong("indextype", ", ".join(sorted(INDEXTYPES)))
    if not {word.casefold() for word in values.get("filetype", "fits").split(",")} <= FILETYPES:
        wrong("filetype", f"some of {', '.join(sorted(FILETYPES))}, with commas and no blanks between them")
    if "multiyear" in fields and str(fields["multiyear"].value).casefold() not in ("true", "false"):
        wrong("multiyear", "true or false")


def _check_times(values: Mapping[str, str], wrong, note) -> None:
    for name in TIMES:
        if name not in values:
            continue
        if name in ("start", "stop") and values[name] == "static":
            note(
                name,
                "is 'static', which the specification knows no longer: expected the time when the model was made",
            )
        elif time_of(values[name]) is None:
            wrong(name, "a time such as 2020-01-01T00:00:00Z")
    start, stop = time_of(values.get("start")), time_of(values.get("stop"))
    if start is not None and stop is not None and stop < start:
        wrong("stop", f"a time after 'start', {values['start']}")
    expiration = time_of(values.get("expiration"))
    if expiration is not None and expiration < np.datetime64(datetime.now(UTC).replace(tzinfo=None), "us"):
        note("expiration", f"is {values['expiration']}, which is over")
