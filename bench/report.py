"""The table: on the screen, and in ``docs/benchmarks.md``."""

import datetime
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ground import Ground
from bench.rounds import Verdict, number
from hub import compiled

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEADINGS = ("Row", "What", "Target", "Median", "Best", "Measured", "")


EXPLANATION = """
{rounds} rounds, in which what is compared is measured in turn. CPU time is that of the server's whole process tree; the
load generator's and the receivers' counts for nobody. *Median* is the median of the rounds' ratios, *Best* our best
round against the best of the other side; a row is missed only if both miss. *Measured* holds the medians behind a
ratio, ours first. Trust the ratios, not the absolute numbers. `python -m bench ROUTE` measures one row; how each is
measured stands at the head of its file in `bench/rows/`.
"""


def cells(verdict: Verdict) -> tuple[str, ...]:
    """Return a verdict as the cells of its line."""
    if verdict.skipped or verdict.failed:
        why = verdict.skipped or " ".join(verdict.failed.split()).replace("|", "/")
        return verdict.row, verdict.what, "", "", "", why, "FAILED" if verdict.failed else "not measured"
    unit = "" if verdict.unit == "x" else f" {verdict.unit}"
    target = f"{verdict.bound} {number(verdict.target)}{unit}"
    values = (f"{number(value)}{unit}" for value in (verdict.median, verdict.best))
    return verdict.row, verdict.what, target, *values, verdict.note, "met" if verdict.met else "MISSED"


def show(verdicts: Sequence[Verdict]) -> None:
    """Print the table."""
    table = Table(*HEADINGS)
    for verdict in verdicts:
        table.add_row(*cells(verdict), style="" if verdict.met else "yellow" if verdict.skipped else "bold red")
    console = Console()
    (console if console.is_terminal else Console(width=150)).print(table)


def _interpreter() -> str:
    """Return which Python runs the hub and its peers, and whether the hub is compiled."""
    system = os.path.realpath(sys.executable).startswith("/usr/bin/")
    build = f"{'the' if system else 'not the'} system's build, {platform.python_compiler()}"
    hub = "compiled" if (compiled.FOLDER / compiled.fingerprint()).is_dir() else "not compiled"
    return f"Python {platform.python_version()} ({build}), the hub {hub} (decision 0012)"


def write(verdicts: Sequence[Verdict], ground: Ground) -> None:
    """Write ``docs/benchmarks.md``."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release().split('-')[0]}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {today}: {machine}; {_interpreter()}.",
        EXPLANATION.format(rounds=ground.rounds),
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(cells(each)) + " |" for each in verdicts),
        "",
    ]
    PAGE.write_text("\n".join(lines))
