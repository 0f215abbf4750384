"""The example objects of the specification are judged as recorded, each of them.

Their licence keeps them out of this project: they are read where they lie (``EMALL_SPEC_EXAMPLES``,
else ``../shared/specification`` beside the project). What is expected of each stands in
``spec_examples.json``: valid, or the path of the first fault and the erratum of ``docs/errata.md``.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hub.ocpi import modules
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.modules import common
from hub.ocpi.objects import JSON
from hub.ocpi.versions import VERSIONS
from tests.telling import Tell

_ROOT = Path(__file__).parent.parent
_FOLDER = Path(os.environ.get("EMALL_SPEC_EXAMPLES") or _ROOT.parent / "shared" / "specification")
_EXPECTED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "spec_examples.json").read_text())
_ERRATA = (_ROOT / "docs" / "errata.md").read_text()

_there = pytest.mark.skipif(not _FOLDER.is_dir(), reason=f"the specification's examples are not at {_FOLDER}")


def _declared(name: str) -> Any:
    chapters = [common, *(getattr(modules, each) for each in modules.__all__)]
    return next(getattr(each, name) for each in chapters if hasattr(each, name))


def _objects(file: str, expected: dict[str, Any]) -> list[JSON]:
    """Return the objects of an example: it may be one, a list, or inside an envelope or a field."""
    value = json.loads((_FOLDER / file).read_text())
    if "at" in expected:
        value = value[expected["at"]]
    return list(value) if expected.get("each") else [value]


def _first_fault(file: str, expected: dict[str, Any]) -> str | None:
    declared = _declared(expected["object"])
    for each in _objects(file, expected):
        try:
            VERSIONS[expected["version"]].judge(
                json.dumps(each).encode(), declared, partial=expected.get("partial", False)
            )
        except InvalidParameters as fault:
            return str(fault)
    return None


@_there
@pytest.mark.parametrize("file", sorted(_EXPECTED))
def test_an_example_of_the_specification_is_judged_as_recorded(file: str) -> None:
    expected = _EXPECTED[file]

    fault = _first_fault(file, expected)

    if "fault" not in expected:
        assert fault is None
    else:
        assert fault is not None
        assert fault.split(":")[0] == expected["fault"]


@_there
def test_every_example_of_the_specification_has_an_expectation(tell: Tell) -> None:
    files = {path.relative_to(_FOLDER).as_posix() for path in _FOLDER.rglob("*.json")}
    valid = sum("fault" not in each for each in _EXPECTED.values())

    tell(f"specification examples: {len(files)}, {valid} valid, {len(_EXPECTED) - valid} with an erratum")

    assert files == _EXPECTED.keys()


def test_every_fault_of_an_example_has_an_erratum() -> None:
    faulty = [each for each in _EXPECTED.values() if "fault" in each]

    assert faulty
    for each in faulty:
        assert f"| {each['erratum']} |" in _ERRATA, each
