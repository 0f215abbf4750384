"""``python -m bench [ROW...]``: measure all rows, or some; exit 1 if one misses its target."""

import argparse
import sys
import time
import traceback

from hub import compiled

if compiled.use():  # before what may be compiled is imported, as ``emall serve`` does
    print("measured as compiled", file=sys.stderr)

from bench import report
from bench.environments import environment, need, skipped
from bench.ground import HOME, Ground
from bench.processes import Failure
from bench.rounds import Verdict
from bench.rows import ROWS


def main() -> int:
    """Measure, print the table, and write it if all rows were measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (5)")
    parser.add_argument("--seconds", type=int, default=2, help="length of one load, in seconds (2)")
    parser.add_argument("--objects", type=int, default=100_000, help="Locations in the large hub (100,000)")
    parser.add_argument("--evses", type=int, default=1_000_000, help="EVSEs that are searched (1,000,000)")
    parser.add_argument("--drivers", type=int, default=200_000, help="drivers who search them (200,000)")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run, with its logs")
    given = parser.parse_args()
    rows = [row.upper() for row in given.rows] or list(ROWS)
    if unknown := set(rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    ground = Ground(
        rounds=given.rounds, seconds=given.seconds, objects=given.objects, evses=given.evses, drivers=given.drivers
    )
    verdicts: list[Verdict] = []
    with ground.whole:
        for row in rows:
            verdicts += _row(row, ground)
    report.show(verdicts)
    # What was measured shorter or in part is not the table of docs/benchmarks.md.
    plain = Ground.__dataclass_fields__
    if rows == list(ROWS) and all(
        getattr(ground, each) >= plain[each].default for each in ("rounds", "objects", "evses", "drivers")
    ):
        report.write(verdicts, ground)
    if not given.keep:
        ground.remove()
    return 0 if all(each.met or each.skipped for each in verdicts) else 1


def _row(row: str, ground: Ground) -> list[Verdict]:
    measured, needed = ROWS[row]
    if leaves := (needed | {row}) & skipped():
        return [Verdict(row, "", "at most", 0, 0, 0, skipped=f"BENCH_SKIP={','.join(sorted(leaves))}")]
    start = time.monotonic()
    print(f"{row} ...", file=sys.stderr, flush=True)
    try:
        for each in sorted(needed):
            need(each) if each in ("nginx", "wrk") else environment(each, HOME)
        with ground.row:
            found = measured(ground)
    except Exception as error:  # one row's failure must not hide the others' numbers
        if not isinstance(error, Failure):
            traceback.print_exc()
        found = [Verdict(row, "", "at most", 0, 0, 0, failed=f"{type(error).__name__}: {error}"[:500])]
    print(f"{row} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    for each in found:  # the table comes at the end; who waits for it sees how it goes
        print("  " + " | ".join(report.cells(each)), file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
