"""A rule that is switched off is noticed: the tests of a statement fail without the code that keeps it.

Each row of ``mutations`` is applied to a copy of the project, and the tests that carry the row's
id run there. The table itself is checked in every run; the mutants only in ``make soak``.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import table
from tests.hubs import ROOT
from tests.soak.mutations import LOSSES, MUTATIONS, Mutation

SOAK = bool(os.environ.get("SOAK"))
COPIED = ("hub", "adapters", "schemas", "tests", "examples")
#: With a rule switched off platforms register still; else whatever fails shows nothing of the rule.
ALIVE = "tests/conformance/transport/test_ve_versions.py::test_versions_and_details_are_read_with_either_token"
SLOW = 300  # seconds within which the tests of a statement are through
STAMPS = itertools.count(int(time.time()), 2)  # Python tells compiled files from changed ones by whole seconds

soak = pytest.mark.skipif(not SOAK, reason="SOAK=1 runs the mutants")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project in another place."""
    folder = tmp_path_factory.mktemp("mutants") / "project"
    for each in COPIED:
        shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    yield folder
    shutil.rmtree(folder)


def carrying(*ids: str) -> list[str]:
    """Return the tests that carry these ids."""
    shown = table.marks()
    return sorted({test for each in ids for test in shown[each]})


def run(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the project."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {name: value for name, value in os.environ.items() if name != "SOAK"}
    environment |= {"PYTHONPATH": str(folder), "TEST_POSTGRES": "skip"}
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False, timeout=SLOW
    )


def write(file: Path, text: str) -> None:
    file.write_text(text)
    stamp = next(STAMPS)
    os.utime(file, (stamp, stamp))


@contextlib.contextmanager
def mutated(folder: Path, mutation: Mutation) -> Iterator[None]:
    """Apply a mutation to a copy, and take it back."""
    file = folder / mutation.file
    before = file.read_text()
    write(file, before.replace(mutation.old, mutation.new))
    try:
        yield
    finally:
        write(file, before)


def named(mutation: Mutation) -> str:
    return mutation.id


@pytest.mark.parametrize("mutation", [*MUTATIONS, *LOSSES], ids=named)
def test_what_a_mutation_replaces_stands_there_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1


def test_the_mutations_are_of_all_sections_and_of_statements_with_tests() -> None:
    known = {row.id.partition("-")[0] for row in table.checklist()}

    counted = {each.id.partition("-")[0] for each in MUTATIONS}

    assert counted == known
    assert {each.id for each in MUTATIONS} <= table.marks().keys()
    assert len({each.id for each in MUTATIONS}) >= 20


@soak
def test_without_a_mutation_the_tests_pass(copy: Path) -> None:
    done = run(copy, *carrying(*map(named, MUTATIONS)))

    assert done.returncode == 0, done.stdout[-3000:]


@soak
@pytest.mark.parametrize("mutation", MUTATIONS, ids=named)
def test_a_rule_that_is_switched_off_is_noticed(copy: Path, mutation: Mutation) -> None:
    with mutated(copy, mutation):
        done = run(copy, ALIVE, *carrying(mutation.id))

    # 1: tests failed. Anything else (no such test, a crash of pytest) proves nothing.
    assert done.returncode == 1, done.stdout[-3000:]
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert failed, done.stdout[-3000:]
    assert ALIVE not in failed, done.stdout[-3000:]


@soak
@pytest.mark.parametrize("loss", LOSSES, ids=named)
def test_what_is_lost_when_the_hub_is_killed_is_noticed(copy: Path, loss: Mutation) -> None:
    with mutated(copy, loss):
        done = run(copy, "tests/test_kill.py")

    assert done.returncode == 1, done.stdout[-3000:]
