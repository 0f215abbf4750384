"""What the documents claim is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"`(tests/[\w/.]+?)(?:::(\w+))?`")
FILES = re.compile(r"`((?:hub|adapters|bench|examples|docs|schemas)/[\w/.\-]*)`")


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_requirements_md_names_exists() -> None:
    named = SHOWN.findall((ROOT / "docs" / "requirements.md").read_text())

    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).exists() or (name and name not in functions(ROOT / file))
    ]

    assert named
    assert missing == []


def test_every_file_that_the_documents_name_exists() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]

    missing = [
        f"{page.relative_to(ROOT)}: {file}"
        for page in pages
        for file in FILES.findall(page.read_text())
        if not (ROOT / file).exists()
    ]

    assert missing == []
