"""
Compare sunpy_heliocloud with the workflow that works frame by frame on whole images: what it costs, what it gives.

Everything runs on this machine and ends by itself. README.md says what is measured, and how to read it.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from cold import compare_cold
from comparison import compare
from report import cold_report, comparison_report, stages_report
from server import serve
from simulated import simulate
from stages import measure

HERE = Path(__file__).parent
SMALL = 6, (500, 500)


def main() -> int:
    """Simulate, serve, measure, report. Not 0 if the two sides disagree."""
    options = _options()
    os.environ["SUNPY_HELIOCLOUD_CACHE"] = "off"  # or a second repetition would find the headers on disk
    small = simulate(options.cache, *SMALL)
    job = simulate(options.cache, options.frames, options.shape)
    place = options.results / datetime.now().strftime("%Y%m%dT%H%M%S")
    agrees = True
    with serve(options.cache, options.latency) as server:
        if options.cold is not None:
            cold = compare_cold(job, server, workers=options.workers, repetitions=options.cold)
            _write(place, "cold", cold_report(cold, job, options.workers), cold)
        if "job" in options.what:
            comparison = compare(job, small, server, workers=options.workers, repetitions=options.repetitions)
            _write(place, "job", comparison_report(comparison, job, options.workers), asdict(comparison))
            agrees = comparison.agrees
        if "stages" in options.what:
            stages = measure(job, server)
            _write(place, "stages", stages_report(stages), stages)
    return 0 if agrees else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=_at_least_6, default=10, help="of each of the two channels")
    parser.add_argument(
        "--shape", type=int, nargs=2, default=(5000, 5000), metavar=("NY", "NX"), help="of a frame"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--repetitions", type=int, default=2, help="of each side, by turns")
    parser.add_argument(
        "--cold",
        type=int,
        nargs="?",
        const=5,
        metavar="PAIRS",
        help="fresh workers as well, so many runs of each side",
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each request is held back")
    parser.add_argument(
        "--what", nargs="*", choices=("job", "stages"), default=["job", "stages"], help="to measure"
    )
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the reports")
    return parser.parse_args()


def _at_least_6(text: str) -> int:
    if int(text) < 6:
        raise argparse.ArgumentTypeError(f"{text} frames are too few for a time lag; take 6 or more")
    return int(text)


def _write(place: Path, what: str, text: str, results: dict) -> None:
    """Print a report, and keep it with the figures that it is made of."""
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{what}.md").write_text(f"{text}\n")
    (place / f"{what}.json").write_text(json.dumps(results, indent=1))
    print(f"\n{text}\n\nWritten to {place / what}.md and .json", flush=True)


if __name__ == "__main__":
    sys.exit(main())
