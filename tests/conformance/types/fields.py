"""The object tables of OCPI as facts (``tables.tsv``, ``enums.tsv``), and every field an example has.

The tables are read from the text, not from the hub's declarations: a length wrong there is a fault here.

Source: OCPI 2.2.1 (bugfixes) and 2.3.0 (edition 2), all object, class and enum tables of the functional modules.
"""

import copy
import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JSON = Any
#: Objects that only answers and results have (``test_ty_values.py``).
ANSWERED = {
    "AuthorizationInfo", "CommandResponse", "CommandResult", "ChargingProfileResponse",
    "ChargingProfileResult", "ClearProfileResult", "ActiveChargingProfileResult",
}  # fmt: skip

#: In place of a value: the field is not there.
ABSENT = object()

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Field:
    """A row of an object table; ``length`` is 0 where the text sets none."""

    version: str
    object: str
    name: str
    type: str
    length: int
    cardinality: str


@dataclass(frozen=True)
class Place:
    """A field somewhere in an example.

    Attributes:
        path: as a refusal names it.
        steps: the keys that lead to it.
    """

    field: Field
    path: str
    steps: tuple[str | int, ...]

    @property
    def many(self) -> bool:
        """Whether a list stands here."""
        return self.field.cardinality in "*+"

    def set(self, body: JSON, value: JSON) -> JSON:
        """Return a copy of a body with another value here, or ``ABSENT``."""
        changed = copy.deepcopy(body)
        within = changed
        for step in self.steps[:-1]:
            within = within[step]
        if value is ABSENT:
            del within[self.steps[-1]]
        else:
            within[self.steps[-1]] = value
        return changed

    def of(self, body: JSON) -> JSON:
        """Return what stands here in a body."""
        for step in self.steps:
            body = body[step]
        return body

    def value(self, value: JSON) -> JSON:
        """Return a value as it stands here: in a list where there is one."""
        return [value] if self.many else value


def _rows(name: str) -> list[list[str]]:
    with (_HERE / name).open(newline="") as lines:
        return list(csv.reader(lines, delimiter="\t"))[1:]


def _tables() -> dict[tuple[str, str], list[Field]]:
    found: defaultdict[tuple[str, str], list[Field]] = defaultdict(list)
    for version, owner, name, kind, length, cardinality in _rows("tables.tsv"):
        found[version, owner].append(Field(version, owner, name, kind, int(length or 0), cardinality))
    return dict(found)


TABLES = _tables()
#: By version and name: whether an enum is open, and its values.
ENUMS = {(version, name): (kind == "open", tuple(values.split())) for version, name, kind, values in _rows("enums.tsv")}


def places(version: str, name: str, body: JSON) -> Iterator[Place]:
    """Yield each field of the tables for what stands in a body, at every depth; of a list the first element."""
    yield from _places(version, name, body, "$", ())


def _places(version: str, name: str, body: JSON, path: str, steps: tuple[str | int, ...]) -> Iterator[Place]:
    for field in TABLES[version, name]:
        place = Place(field, f"{path}.{field.name}", (*steps, field.name))
        yield place
        below = body.get(field.name)
        if (version, field.type) not in TABLES or not below:
            continue
        if place.many:
            yield from _places(version, field.type, below[0], f"{place.path}[0]", (*place.steps, 0))
        else:
            yield from _places(version, field.type, below, place.path, place.steps)
