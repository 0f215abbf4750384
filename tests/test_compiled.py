"""Compiled modules: nothing out of date is ever used, and what is compiled keeps to what mypyc does right."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import compiled
from tests.hubs import ROOT

MODULES = [ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in compiled.MODULES]
ORIGIN = "from hub import compiled; used = compiled.use(); import hub.ocpi.lanes as m; print(used, m.__file__)"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project with one small module, ready to be compiled for this Python."""
    package = tmp_path / "hub" / "ocpi"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    shutil.copy(ROOT / "hub" / "compiling.py", package.parent)
    own = (ROOT / "hub" / "compiled.py").read_text()
    first, _, rest = own.partition("MODULES = (")
    (package.parent / "compiled.py").write_text(f'{first}MODULES = ("hub.ocpi.lanes",){rest.partition(")")[2]}')
    (package / "lanes.py").write_text('"""A lane."""\n\n\ndef width() -> int:\n    return 64\n')
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> str:
    given = {name: value for name, value in os.environ.items() if name != "EMALL_COMPILED"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=given | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def awaiting(handlers: list[ast.stmt]) -> bool:
    return any(
        isinstance(each, ast.Await | ast.AsyncWith | ast.AsyncFor) for each in ast.walk(ast.Module(handlers, []))
    )


def blocks(tree: ast.Module) -> Iterator[tuple[int, list[ast.stmt]]]:
    for each in ast.walk(tree):
        if isinstance(each, ast.ExceptHandler):
            yield each.lineno, each.body
        elif isinstance(each, ast.Try):
            yield each.lineno, each.finalbody


@pytest.mark.parametrize("source", MODULES, ids=lambda each: each.name)
def test_a_compiled_module_awaits_nothing_while_an_exception_is_handled(source: Path) -> None:
    found = [line for line, body in blocks(ast.parse(source.read_text())) if awaiting(body)]

    assert found == []


@pytest.mark.parametrize("source", MODULES, ids=lambda each: each.name)
def test_a_compiled_module_declares_nothing_that_is_read_at_run_time(source: Path) -> None:
    classes = [each for each in ast.walk(ast.parse(source.read_text())) if isinstance(each, ast.ClassDef)]

    assert [each.name for each in classes if {"msgspec.Struct", "TypedDict"} & set(map(ast.unparse, each.bases))] == []


def test_what_is_compiled_is_used_until_a_source_changes(copy: Path) -> None:
    if "compiled: " not in (said := run(copy, "-m", "hub.compiling")):
        pytest.skip(f"no compiler here: {said}")
    compiled_file = run(copy, "-c", ORIGIN)
    left_aside = run(copy, "-c", ORIGIN, EMALL_COMPILED="0")
    (copy / "hub" / "ocpi" / "lanes.py").write_text("def width() -> int:\n    return 32\n")
    changed = run(copy, "-c", ORIGIN + "; print(m.width())")

    assert compiled_file.startswith("True") and "_compiled" in compiled_file
    assert left_aside.split()[0] == "False" and left_aside.strip().endswith("lanes.py")
    assert changed.split() == ["False", str(copy / "hub" / "ocpi" / "lanes.py"), "32"]


def test_without_a_compiler_it_says_so_and_runs_as_plain_python(copy: Path) -> None:
    (copy / "hub" / "ocpi" / "lanes.py").write_text("def width() -> int:\n    return 'wide'\n")

    said = run(copy, "-m", "hub.compiling")

    assert said.startswith("not compiled, so it runs as plain Python")
    assert run(copy, "-c", ORIGIN).startswith("False")


def test_the_command_line_imports_nothing_that_may_be_compiled_before_it_is_used() -> None:
    """``emall serve`` decides for the compiled files first; what was imported before would stay plain Python."""
    imported = "import sys, hub.cli, hub.compiled; print(sorted({*hub.compiled.MODULES} & {*sys.modules}))"

    assert run(ROOT, "-c", imported).strip() == "[]"
