"""Our own examples of every body and answer of OCPI: whole ones, least ones, and each broken in every way."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from typing_extensions import is_typeddict

from hub.ocpi import modules
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.modules.versions import Version, VersionDetails
from hub.ocpi.objects import JSON
from hub.ocpi.shapes import Field, field_of
from hub.ocpi.versions import VERSIONS
from tests.telling import Tell

_FOLDER = Path(__file__).parent / "examples"
_NEWER = {"InvoiceReconciliationRecord", "BookingLocation", "Calendar", "Booking", "BookingRequest"}


def _top_level() -> dict[str, Any]:
    """Return every object that is the body or the data of an operation, by name."""
    found = [Credentials, Version, VersionDetails]
    for module in REGISTRY.values():
        for operation in module.operations:
            found += [field_of(each).item or each for each in (operation.body, operation.data) if each is not None]
    return {each.__name__: each for each in found if is_typeddict(each)}


_DECLARED = _top_level()
_ALL = [
    (version, name) for version in VERSIONS for name in sorted(_DECLARED) if version == "2.3.0" or name not in _NEWER
]


def _example(version: str, name: str, kind: str) -> JSON:
    return json.loads((_FOLDER / version / f"{name}.{kind}.json").read_text())


def _judge(version: str, name: str, value: JSON) -> None:
    VERSIONS[version].judge(json.dumps(value).encode(), _DECLARED[name])


class _Place:
    """One field inside an example.

    Attributes:
        path: as a fault names it.
        field: what is declared there.
    """

    def __init__(self, path: str, steps: tuple[str | int, ...], field: Field) -> None:
        self.path = path
        self.steps = steps
        self.field = field

    def changed(self, value: JSON, change: Callable[[Any, Any], None]) -> JSON:
        """Return a copy of the example in which ``change`` was done to (container, key) of this field."""
        changed = copy.deepcopy(value)
        container = changed
        for step in self.steps[:-1]:
            container = container[step]
        change(container, self.steps[-1])
        return changed


def _places(version: str, declared: Any, value: JSON, path: str = "$", steps: tuple[Any, ...] = ()) -> Iterator[_Place]:
    """Yield every field declared for what stands in an example, at every depth; of a list the first element."""
    for name, hint in VERSIONS[version].shape(declared).items():
        field = field_of(hint)
        yield _Place(f"{path}.{name}", (*steps, name), field)
        if name not in value:
            continue
        below, its_path, its_steps = value[name], f"{path}.{name}", (*steps, name)
        if field.kind is list:
            field, below, its_path, its_steps = field_of(field.item), below[0], f"{its_path}[0]", (*its_steps, 0)
            yield _Place(its_path, its_steps, field)
        if is_typeddict(field.kind):
            yield from _places(version, field.kind, below, its_path, its_steps)


def _there(value: JSON, place: _Place) -> bool:
    for step in place.steps:
        if isinstance(value, dict) and step not in value:
            return False
        value = value[step]
    return True


def _refused(version: str, name: str, value: JSON, place: _Place) -> None:
    with pytest.raises(InvalidParameters) as fault:
        _judge(version, name, value)
    assert place.path in str(fault.value), f"{fault.value} does not name {place.path}"


def _set(to: JSON) -> Callable[[Any, Any], None]:
    def change(container: Any, key: Any) -> None:
        container[key] = to

    return change


def _remove(container: Any, key: Any) -> None:
    del container[key]


@pytest.mark.parametrize("kind", ["minimal", "full"])
@pytest.mark.parametrize(("version", "name"), _ALL)
def test_an_example_is_valid(version: str, name: str, kind: str) -> None:
    _judge(version, name, _example(version, name, kind))


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_a_full_example_has_every_field_and_a_minimal_one_only_those_required(version: str, name: str) -> None:
    full, minimal = _example(version, name, "full"), _example(version, name, "minimal")

    missing = [each.path for each in _places(version, _DECLARED[name], full) if not _there(full, each)]
    needless = [
        each.path
        for each in _places(version, _DECLARED[name], minimal)
        if _there(minimal, each) and not each.field.required
    ]

    # The request that was changed last is in full in the list's last element.
    assert [path for path in missing if path != "$.booking_requests[0].booking_request.canceled"] == []
    assert needless == []


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_without_a_required_field_an_object_is_refused(version: str, name: str) -> None:
    full = _example(version, name, "full")
    required = [
        each
        for each in _places(version, _DECLARED[name], full)
        if each.field.required and _there(full, each) and isinstance(each.steps[-1], str)
    ]
    assert required

    for place in required:
        _refused(version, name, place.changed(full, _remove), place)
        _refused(version, name, place.changed(full, _set(None)), place)


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_for_an_optional_field_null_and_an_empty_list_are_as_good_as_absence(version: str, name: str) -> None:
    minimal = _example(version, name, "minimal")

    for place in _places(version, _DECLARED[name], minimal):
        if not place.field.required and not _there(minimal, place):
            _judge(version, name, place.changed(minimal, _set(None)))
            _judge(version, name, place.changed(minimal, _set([])))


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_a_value_of_the_wrong_kind_is_refused(version: str, name: str) -> None:
    full = _example(version, name, "full")

    for place in _places(version, _DECLARED[name], full):
        if _there(full, place):
            for wrong in _wrong(place.field):
                _refused(version, name, place.changed(full, _set(wrong)), place)


def _wrong(field: Field) -> Iterator[JSON]:
    """Yield values that cannot stand in a field."""
    yield {"surprise": 1} if field.kind in (str, int, float, bool, list, Literal) else 17
    if field.kind is list and field.non_empty:
        yield []
    if field.kind is Literal:
        yield "NO_SUCH_VALUE"
        yield field.values[0].lower()
    if field.kind in (int, float, bool):
        yield "1"
    if field.bounds is not None and field.bounds.le is not None:
        yield field.bounds.le + 1
    if field.kind is str:
        yield 5
        yield "not\nprintable"
        yield from _wrong_text(field)


def _wrong_text(field: Field) -> Iterator[str]:
    text = field.text
    if text is None:
        return
    if text.max_length is not None:
        yield "7" * (text.max_length + 1)
    if text.ci:
        yield "é"
    if text.format == "date-time":
        yield from ("2026-03-14T09:26:53+00:00", "2026-03-14 09:26:53Z", "2026-02-30T09:26:53Z", "2026-03-14")


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_what_is_as_long_as_allowed_is_taken(version: str, name: str) -> None:
    full = _example(version, name, "full")

    for place in _places(version, _DECLARED[name], full):
        text = place.field.text
        if _there(full, place) and text and text.max_length and text.pattern is None and text.format is None:
            if place.path == "$.id" and name == "CDR":
                full["credit"] = True  # only a Credit CDR's id may have 39 characters
            _judge(version, name, place.changed(full, _set("7" * text.max_length)))


@pytest.mark.parametrize(("version", "name"), _ALL)
def test_an_open_enum_takes_unknown_values_and_an_object_unknown_fields(version: str, name: str) -> None:
    full = _example(version, name, "full")

    for place in _places(version, _DECLARED[name], full):
        if _there(full, place) and place.field.open_enum is not None:
            _judge(version, name, place.changed(full, _set("NLVHN_SOMETHING_NEW")))
    _judge(version, name, full | {"nlvhn_note": {"any": ["thing"]}})


def test_every_module_and_object_has_its_examples(tell: Tell) -> None:
    written = {path.relative_to(_FOLDER).as_posix() for path in _FOLDER.rglob("*.json")}

    tell(f"examples: {len(written)} of our own, {len(_ALL)} objects of {len(modules.__all__)} chapters")

    assert written == {f"{version}/{name}.{kind}.json" for version, name in _ALL for kind in ("minimal", "full")}
