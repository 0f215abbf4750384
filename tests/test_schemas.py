"""The written schemas say what the declarations say, and any reader of JSON Schema can use them."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from hub.ocpi.versions import VERSIONS
from hub.ocpi.versions.publish import SCHEMAS, differing, main, schemas, travelling
from tests.strategies import declared_objects


def test_the_written_schemas_equal_the_declarations() -> None:
    assert differing() == []


@pytest.mark.parametrize("path", schemas())
def test_a_written_schema_is_a_schema(path: str) -> None:
    schema = json.loads((SCHEMAS / path).read_text())

    Draft202012Validator.check_schema(schema)
    assert path.partition("/")[2].partition(".")[0] == schema["title"].lower()


def test_every_object_that_travels_has_a_schema_in_every_version_it_travels_in() -> None:
    assert set(travelling(VERSIONS["2.3.0"])) == set(declared_objects())
    assert "2.3.0/booking.json" in schemas()
    assert "2.2.1/booking.json" not in schemas()
    assert "2.2.1/location.patch.json" in schemas()
    assert "2.2.1/cdr.patch.json" not in schemas()


def test_what_is_written_passes_the_check(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_what_differs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    (tmp_path / "2.2.1" / "token.json").write_text("{}")
    (tmp_path / "2.2.1" / "cdr.json").unlink()
    (tmp_path / "2.2.1" / "teapot.json").write_text("{}")

    assert main(["--check"], tmp_path) == 1

    told = capsys.readouterr().err.splitlines()
    assert [each.split()[0] for each in told] == [f"schemas/2.2.1/{each}.json" for each in ("cdr", "teapot", "token")]
    main([], tmp_path)
    assert differing(tmp_path) == []
