"""``python -m hub.ocpi.versions.publish`` writes the JSON Schema of every object, per version, to ``schemas/``.

``location.json`` is the whole object, ``location.patch.json`` what a PATCH of it may be. With
``--check`` nothing is written: what differs is named, and the exit code is 1.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, is_typeddict

from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.modules.versions import Version as VersionInformation
from hub.ocpi.modules.versions import VersionDetails
from hub.ocpi.shapes import Hint, field_of
from hub.ocpi.versions import VERSIONS, Version

SCHEMAS = Path(__file__).parents[3] / "schemas"


def travelling(version: Version) -> dict[Any, bool]:
    """Return the objects that travel in a version, and of each whether it is sent in a PATCH too."""
    found: dict[Any, bool] = {Credentials: False, VersionInformation: False, VersionDetails: False}
    for module in REGISTRY.values():
        for operation in filter(version.has, module.operations):
            for hint in (operation.body, operation.data):
                declared = _object(hint)
                if declared is not None:
                    patched = operation.method == "PATCH" and hint is operation.body
                    found[declared] = found.get(declared, False) or patched
    return found


def schemas() -> dict[str, str]:
    """Return what stands in each file under ``schemas/``, by path (``2.2.1/location.json``)."""
    written = {}
    for version in VERSIONS.values():
        for declared, patched in travelling(version).items():
            path = f"{version.number}/{declared.__name__.lower()}"
            written[f"{path}.json"] = _text(version, declared, partial=False)
            if patched:
                written[f"{path}.patch.json"] = _text(version, declared, partial=True)
    return dict(sorted(written.items()))


def differing(folder: Path = SCHEMAS) -> list[str]:
    """Return the paths of files that are not what the declarations say: changed, missing or left over."""
    wanted = schemas()
    there = {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*.json")}
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def write(folder: Path = SCHEMAS) -> None:
    """Write all files, and remove those of objects that are no more."""
    wanted = schemas()
    for path in differing(folder):
        target = folder / path
        if path not in wanted:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(wanted[path])


def main(arguments: list[str], folder: Path = SCHEMAS) -> int:
    """Write the schemas, or with ``--check`` name those that differ; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hub.ocpi.versions.publish", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    if not parser.parse_args(arguments).check:
        write(folder)
        return 0
    different = differing(folder)
    for path in different:
        print(f"schemas/{path} is not what the declarations say; run: make schemas", file=sys.stderr)
    return 1 if different else 0


def _object(hint: Hint) -> Any:
    if hint is None:
        return None
    field = field_of(hint)
    return _object(field.item) if field.kind is list else field.kind if is_typeddict(field.kind) else None


def _text(version: Version, declared: Any, *, partial: bool) -> str:
    return json.dumps(version.schema(declared, partial=partial), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":  # pragma: no cover - main is tested, this line is Python's way to start it
    sys.exit(main(sys.argv[1:]))
