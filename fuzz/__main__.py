"""``python -m fuzz``: run inputs of all kinds and print what became of them."""

import argparse
import sys
import time

from fuzz.campaign import PATIENCE, Finding, Tally, Worker, run_kind
from fuzz.outcome import GOOD
from fuzz.targets.kinds import KINDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="in all, shared by the kinds")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of all that is drawn")
    parser.add_argument("--headers", help="a folder of header texts, one card a line, to put upon the images")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one input")
    parser.add_argument("--inputs", type=int, help="of each kind, at most")
    parser.add_argument(
        "--replay", metavar="SEEDS", help="one input of one kind, such as 17-503, in this process"
    )
    parser.add_argument("--log", help="a file to which findings are added")
    arguments = parser.parse_args()
    if arguments.replay:
        return _replay(arguments)
    tallies = []
    print(f"seed {arguments.seed}", flush=True)
    seconds = 60 * arguments.minutes / len(arguments.kinds)
    for kind in arguments.kinds:
        with Worker(arguments.headers, arguments.patience) as worker:
            tally = run_kind(
                kind,
                worker,
                seconds=seconds,
                seed=arguments.seed,
                inputs=arguments.inputs,
                tell=lambda found: _tell(found, arguments.log),
            )
        tallies.append(tally)
        print(_row(tally), flush=True)
    print(table(tallies))
    return int(any(tally.bad for tally in tallies))


def _replay(arguments: argparse.Namespace) -> int:
    from fuzz.worker import Runner

    [kind] = arguments.kinds
    runner = Runner(arguments.headers)
    case = runner.case(kind, [int(seed) for seed in arguments.replay.split("-")])
    runner.target(kind).show(case)
    result = runner.run(kind, case)
    print(result["outcome"], result["detail"], f"{result['seconds']:.2f} s", sep="\n")
    return int(result["outcome"] not in GOOD)


def _tell(found: Finding, log: str | None) -> None:
    text = f"{found.kind} {found.name}: {found.outcome}: {found.detail!r}"
    print(text[:400], flush=True)
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(text + "\n")


HEAD = ("kind", "inputs", *GOOD, "anything else", "slowest, s", "largest, MB", "lines reached")


def _cells(tally: Tally) -> list[str]:
    counts = [str(tally.counts[name]) for name in GOOD]
    measured = [f"{tally.slowest:.1f}", f"{tally.largest / 2**20:.0f}", str(tally.lines)]
    return [tally.kind, str(tally.inputs), *counts, str(tally.bad), *measured]


def _row(tally: Tally) -> str:
    return f"| {' | '.join(_cells(tally))} |"


def table(tallies: list[Tally]) -> str:
    """The report, in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'|'.join(['---'] * len(HEAD))}|", *map(_row, tallies)]
    total = Tally("all")
    for tally in tallies:
        total.counts.update(tally.counts)
        total.slowest, total.largest = max(total.slowest, tally.slowest), max(total.largest, tally.largest)
        total.lines += tally.lines
    return "\n".join([*lines, _row(total)])


if __name__ == "__main__":
    sys.exit(main())
