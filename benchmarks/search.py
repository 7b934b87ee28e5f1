"""
How long a search takes, beside sunpy-cloudcatalog: 12 hours of AIA 94 Å and a whole year, on the same S3 server.

``python benchmarks/search.py`` measures this package alone. For both sides, the other one needs an environment of its own,
since it does not run with pandas 3 and does not declare what it needs::

    python -m venv other
    other/bin/pip install sunpy-cloudcatalog==1.0.1 cloudcatalog==1.3.3 "pandas<3" "sunpy[net]"
    python benchmarks/search.py --other other/bin/python

The index has as many rows as that of 2020 (131 760, 18 MB), shuffled, with a header that the other side can parse. The
server is moto, in a process of its own; it has no latency, which is kind to the side that moves more bytes. Imports are
done before the clock starts. Figures are medians; the first search is the first of a fresh process with an empty cache.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 131_760
HALF_DAY = ("2020-02-01T00:00:00", "2020-02-01T12:00:00")
YEAR = ("2020-01-01T00:00:00", "2020-12-31T23:59:59")
BUCKET = "s3://gov-nasa-hdrl-data1/"
INDEX = "sdo/aia/registries/aia_0094_2020.csv"


def main() -> None:
    """Run both sides, or, in a process of its own, one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--other", help="python of an environment with sunpy-cloudcatalog")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--side", choices=("ours", "listing", "other"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.repetitions)))
    else:
        report(compare(options.other, options.repetitions))


def measure(side: str, repetitions: int) -> dict[str, float]:
    """Milliseconds of the searches of one side, and what they find."""
    search = other_search() if side == "other" else our_search(side)
    first, found = timed(search, HALF_DAY)
    print("first search done", file=sys.stderr, flush=True)
    again = [timed(search, HALF_DAY)[0] for _ in range(repetitions)]
    result = {"first": first, "again": statistics.median(again), "found": found}
    if side != "listing":
        years = [timed(search, YEAR) for _ in range(max(repetitions // 3, 1))]
        result |= {"year": statistics.median(ms for ms, _ in years), "found_in_year": years[0][1]}
    return result


def our_search(side: str):
    """Fido with this package."""
    from sunpy.net import Fido
    from sunpy.net import attrs as a

    import sunpy_heliocloud  # noqa: F401

    lookup = a.heliocloud.Lookup("listing" if side == "listing" else "index")
    return lambda start, stop: Fido.search(a.Time(start, stop), a.heliocloud.Dataset("aia_0094"), lookup)


def other_search():
    """Fido with sunpy-cloudcatalog."""
    import sunpy_cloudcatalog as other

    from sunpy.net import Fido
    from sunpy.net import attrs as a

    return lambda start, stop: Fido.search(
        a.Time(start, stop), other.Bucket(BUCKET), other.DataID("aia_0094")
    )


def timed(search, times: tuple[str, str]) -> tuple[float, int]:
    """Milliseconds and rows."""
    begin = time.perf_counter()
    response = search(*times)
    spent = time.perf_counter() - begin
    if error := getattr(response[0], "errors", None):
        raise error
    return 1e3 * spent, len(response[0])


def compare(other: str | None, repetitions: int) -> dict[str, dict[str, float]]:
    """Results by side; bytes and requests are those of the server."""
    from sunpy_heliocloud.simulation import LocalServer

    results = {}
    with LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        fill(server)
        for side in ("ours", "listing", *(("other",) if other else ())):
            server.reset()
            environment = {**os.environ, "SUNPY_HELIOCLOUD_CACHE": f"{folder}/{side}"}
            command = [other if side == "other" else sys.executable, __file__, "--side", side]
            command += ["--repetitions", str(repetitions)]
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for line in process.stderr:
                if line.startswith("first search done"):
                    sent = {"first_bytes": server.bytes_sent, "first_requests": server.requests}
            output = process.communicate()[0]
            if process.returncode:
                raise RuntimeError(f"{' '.join(command)} failed; run it by itself to see why")
            results[side] = json.loads(output) | sent
    return results


def fill(server) -> None:
    """Write a bucket with a year of AIA 94 Å, and the files of one day, which are empty, for the listing."""
    import numpy as np

    starts = np.datetime64("2020-01-01T00:00:00.000") + np.arange(ROWS) * np.timedelta64(240, "s")
    starts = np.random.default_rng(1).permutation(starts)
    rows = ["start,stop,datakey,filesize"]
    for start, stop in zip(
        starts.astype(str), (starts + np.timedelta64(2900, "ms")).astype(str), strict=True
    ):
        day, label = start[:10].replace("-", ""), start[:19].replace("-", "").replace(":", "")
        key = f"sdo/aia/{day}/0094/sdo_aia_h2_{label}_0094_v1.fits"
        rows.append(f"{start}Z,{stop}Z,{BUCKET}{key},13900000")
        if day == "20200201":
            server.write(key, b"")
    entry = {
        "id": "aia_0094",
        "index": f"{BUCKET}sdo/aia/registries/",
        "title": "AIA 94",
        "start": "2010-05-13T00:00:00Z",
        "stop": "2021-12-31T23:56:00Z",
        "modification": "2022-01-01T00:00:00Z",
        "indextype": "csv",
        "filetype": "fits",
    }
    status = {"code": 1200, "message": "OK"}
    catalog = {
        "version": "0.5",
        "name": "HelioCloud",
        "egress": "public",
        "status": status,
        "catalog": [entry],
    }
    registry = {"endpoint": BUCKET, "name": "HelioCloud", "region": "us-east-1"}
    server.write(INDEX, "\n".join(rows).encode())
    server.write("catalog.json", json.dumps(catalog).encode())
    server.write(
        "HelioDataRegistry.json",
        json.dumps({"version": "0.4", "modification": "2022-01-01", "registry": [registry]}).encode(),
    )


def report(results: dict[str, dict[str, float]]) -> None:
    """Print a table."""
    names = {"ours": "index", "listing": "listing", "other": "sunpy-cloudcatalog"}
    rows = {
        "12 h, first search (ms)": "first",
        "12 h, again (ms)": "again",
        "a year, again (ms)": "year",
        "first search, bytes": "first_bytes",
        "first search, requests": "first_requests",
        "rows in 12 h": "found",
        "rows in a year": "found_in_year",
    }
    print(f"{'':26}" + "".join(f"{names[side]:>20}" for side in results))
    for title, key in rows.items():
        print(
            f"{title:26}" + "".join(f"{result.get(key, float('nan')):20,.0f}" for result in results.values())
        )
    if "other" in results:
        ours, other = results["ours"], results["other"]
        ratios = ", ".join(f"{key} {other[key] / ours[key]:.1f}" for key in ("first", "again", "year"))
        print(f"sunpy-cloudcatalog takes so many times as long as the index: {ratios}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
