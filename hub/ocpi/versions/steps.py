"""A version of OCPI, and the words in which it is declared as differences from the next newer.

Inside the house everything is the newest version. At the edge a message goes down the chain of
versions to a peer's, or up from it, one after the other; nothing else knows versions.

A step speaks of one declared object. It changes values, down to the older version and up from it,
and the shape of the object. Going up the steps are taken in order, going down in reverse, and what
is nested in an object is done before the object itself.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Protocol

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.interfaces import Operation
from hub.ocpi.judging import Judge
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject, NonEmpty
from hub.ocpi.schema import schema_of
from hub.ocpi.shapes import Hint, Place, Shape, ShapeOf, field_of, places, shape_of

#: What lowering lost or changed, counted by (version, step); read for the metrics.
LOSSES: Counter[tuple[str, str]] = Counter()


class Step(Protocol):
    """One difference in one declared object.

    ``down`` and ``up`` change the object given; what is nested in it may be shared with others and
    is replaced, not changed. ``down`` yields what the older version cannot say. A partial value is
    the body of a PATCH: it gains no fields.
    """

    @property
    def declared(self) -> Any: ...
    def down(self, value: JSONObject) -> Iterator[str]: ...
    def up(self, value: JSONObject, *, partial: bool) -> None: ...
    def shape_down(self, shape: dict[str, Hint]) -> None: ...
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Added:
    """Optional fields the newer version added; the older has never heard of them."""

    declared: Any
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.declared.__name__}: {', '.join(self.fields)} added"

    def down(self, value: JSONObject) -> Iterator[str]:
        for name in self.fields:
            if value.pop(name, None) not in (None, []):
                yield f"{name} dropped"

    def up(self, value: JSONObject, *, partial: bool) -> None: ...

    def shape_down(self, shape: dict[str, Hint]) -> None:
        for name in self.fields:
            del shape[name]


@dataclass(frozen=True)
class AddedMandatory:
    """A field the newer version demands; an object of the older says ``value`` by being one."""

    declared: Any
    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.declared.__name__}: {self.field} demanded"

    def down(self, value: JSONObject) -> Iterator[str]:
        said = value.pop(self.field, self.value)
        if said != self.value:
            yield f"{self.field} {said} dropped"

    def up(self, value: JSONObject, *, partial: bool) -> None:
        if not partial:
            value[self.field] = self.value

    def shape_down(self, shape: dict[str, Hint]) -> None:
        del shape[self.field]


@dataclass(frozen=True)
class Renamed:
    """A field that had another name in the older version."""

    declared: Any
    older: str
    newer: str

    def __str__(self) -> str:
        return f"{self.declared.__name__}: {self.older} renamed {self.newer}"

    def down(self, value: JSONObject) -> Iterator[str]:
        if self.newer in value:
            value[self.older] = value.pop(self.newer)
        yield from ()

    def up(self, value: JSONObject, *, partial: bool) -> None:
        if self.older in value:
            value[self.newer] = value.pop(self.older)

    def shape_down(self, shape: dict[str, Hint]) -> None:
        shape[self.older] = shape.pop(self.newer)


@dataclass(frozen=True)
class ValuesAdded:
    """Values an enum field, or a list of them, gained; an OpenEnum of the newer is closed in the older.

    Every value the older lacks goes to its nearest: the one named, else ``otherwise``. Without
    either it is left out, or stays where it is required: then a step of what holds it removes it.

    Attributes:
        nearest: what the older hears for each value the newer gained; None: nothing.
        otherwise: what it hears for a value neither version knows.
    """

    declared: Any
    field: str
    nearest: Mapping[str, str | None]
    otherwise: str | None = None

    def __str__(self) -> str:
        return f"{self.declared.__name__}: values of {self.field} added"

    def down(self, value: JSONObject) -> Iterator[str]:
        said = value.get(self.field)
        if isinstance(said, list) and not set(said).issubset(self.known):
            told = dict.fromkeys(self._nearest(each) for each in said)
            value[self.field] = [each for each in told if each is not None]
            for each in said:
                yield from self._losses(each)
        elif isinstance(said, str) and said not in self.known:
            nearest = self._nearest(said)
            if nearest is not None:
                value[self.field] = nearest
            elif not self._required:
                del value[self.field]
            yield from self._losses(said)

    def up(self, value: JSONObject, *, partial: bool) -> None: ...

    def shape_down(self, shape: dict[str, Hint]) -> None:
        shape[self.field] = _closed(shape[self.field], self.known)

    @functools.cached_property
    def known(self) -> tuple[str, ...]:
        """The values the older version has."""
        return tuple(each for each in values_of(self.declared, self.field) if each not in self.nearest)

    @property
    def _required(self) -> bool:
        return field_of(shape_of(self.declared)[self.field]).required

    def _nearest(self, each: str) -> str | None:
        return each if each in self.known else self.nearest.get(each, self.otherwise)

    def _losses(self, each: str) -> Iterator[str]:
        nearest = self._nearest(each)
        if nearest != each:
            yield f"{self.field} {each} became {nearest}" if nearest else f"{self.field} {each} dropped"


def _nothing(value: JSONObject) -> Iterator[str]:
    yield from ()


def _unchanged(value: JSONObject) -> None: ...


@dataclass(frozen=True)
class Rewritten:
    """An object made differently: functions say how its values, and its shape, are rewritten.

    Attributes:
        what: in a few words, for counters.
        lower: changes a newer object into an older one and yields what is lost.
        lift: changes an older object into a newer one.
        shape: the hints of fields as the older version has them; None: it lacks the field.
    """

    declared: Any
    what: str
    lower: Callable[[JSONObject], Iterator[str]] = _nothing
    lift: Callable[[JSONObject], None] = _unchanged
    shape: Mapping[str, Hint | None] | None = None

    def __str__(self) -> str:
        return f"{self.declared.__name__}: {self.what}"

    def down(self, value: JSONObject) -> Iterator[str]:
        yield from self.lower(value)

    def up(self, value: JSONObject, *, partial: bool) -> None:
        self.lift(value)

    def shape_down(self, shape: dict[str, Hint]) -> None:
        for name, hint in (self.shape or {}).items():
            if hint is None:
                del shape[name]
            else:
                shape[name] = hint


def values_of(declared: Any, name: str) -> tuple[str, ...]:
    """Return the values the newest version knows of an enum field, or of a list of them."""
    field = field_of(shape_of(declared)[name])
    if field.kind is list:
        field = field_of(field.item)
    return field.open_enum.known if field.open_enum else field.values


def _closed(hint: Hint, known: tuple[str, ...]) -> Hint:
    """Return a hint with the enum in it closed to these values, its cardinality kept."""
    field = field_of(hint)
    closed: Any = Literal[known]
    if field.kind is list:
        closed = Annotated[list[closed], NonEmpty()] if field.non_empty else list[closed]
    return closed if field.required else NotRequired[closed | None]


class Version:
    """A version of OCPI: its modules, its shapes, the way to the newest and back; compared by identity.

    Attributes:
        number: as in the version details, ``2.2.1``.
        modules: the identifiers of its modules.
        newer: the version its steps lead to; None for the newest.
        steps: its differences from that.
        without: operations of its modules that it lacks.
        shape: gives the hints of a declared object as this version has it.
    """

    def __init__(
        self,
        number: str,
        *,
        modules: frozenset[str],
        newer: "Version | None" = None,
        steps: tuple[Step, ...] = (),
        without: frozenset[Operation] = frozenset(),
    ) -> None:
        self.number = number
        self.modules = modules
        self.newer = newer
        self.steps = steps
        self.without = without
        self.shape: ShapeOf = functools.cache(self._shape)
        self._judge = Judge(self.shape)
        self._steps = {each: [step for step in steps if step.declared is each] for each in _spoken_of(steps)}
        self._places: dict[tuple[Any, bool], Place | None] = {}

    def __str__(self) -> str:
        return self.number

    def has(self, operation: Operation) -> bool:
        """Return whether the version has an operation."""
        return operation.module in self.modules and operation not in self.without

    def judge(self, text: bytes, declared: Any, *, partial: bool = False) -> JSONObject | None:
        """Judge a body by the rules of this version.

        Returns:
            The object decoded, where its declaration knows every field of it; its fractions are not exact.

        Raises:
            Unparsable: it is no JSON.
            InvalidParameters: it is not what was declared; the message names path and rule.
        """
        return self._judge.judge(text, declared, partial=partial)

    def schema(self, declared: Any, *, partial: bool = False) -> JSONObject:
        """Return the JSON Schema of a declared object as this version has it."""
        return schema_of(declared, partial=partial, shape=self.shape)

    def up(self, value: JSON, declared: Any, owner: Party | None = None, *, partial: bool = False) -> JSON:
        """Return a value of this version in the newest; what does not differ is shared with it.

        Args:
            value: a judged value of this version.
            declared: what it is declared as; None: a custom module's, it stays as it is.
            owner: whose it is, for versions that do not say it inside.
            partial: whether it is the body of a PATCH, which gains no fields on its way.
        """
        newer = self.newer
        if newer is None:
            return value

        def lift(kind: Any, each: JSONObject, path: str, outermost: bool) -> None:
            strangers = _strangers(each, self.shape(kind), newer.shape(kind))
            for step in self._steps.get(kind, ()):
                step.up(each, partial=partial and outermost)
            newer._admit(strangers, each, kind)

        lifted = _walk(value, self._place(declared, self.shape), lift)
        return newer.up(lifted, declared, owner, partial=partial)

    def down(self, value: JSON, declared: Any) -> JSON:
        """Return a value of the newest version in this one, and count what is lost."""
        lowered, losses = self._lower(value, declared)
        for label, _ in losses:
            LOSSES[label] += 1
        return lowered

    def losses(self, value: JSON, declared: Any) -> list[str]:
        """Return what ``down`` loses or changes, each with its path."""
        return [loss for _, loss in self._lower(value, declared)[1]]

    def _lower(self, value: JSON, declared: Any) -> tuple[JSON, list[tuple[tuple[str, str], str]]]:
        newer = self.newer
        if newer is None:
            return value, []
        value, losses = newer._lower(value, declared)

        def lower(kind: Any, each: JSONObject, path: str, outermost: bool) -> None:
            strangers = _strangers(each, newer.shape(kind), self.shape(kind))
            for step in reversed(self._steps.get(kind, ())):
                losses.extend(((self.number, str(step)), f"{path}.{loss}") for loss in step.down(each))
            self._admit(strangers, each, kind)

        return _walk(value, self._place(declared, newer.shape), lower), losses

    def _admit(self, strangers: JSONObject, each: JSONObject, kind: Any) -> None:
        """Take fields back that were taken out as unknown, if they are what this version means by the name."""
        for name, said in strangers.items():
            if name in each:
                continue
            try:
                self._judge.judge(codec.encode(said), self.shape(kind)[name])
            except InvalidParameters:
                continue
            each[name] = said

    def _shape(self, declared: Any) -> Shape:
        if self.newer is None:
            return shape_of(declared)
        shape = dict(self.newer.shape(declared))
        for step in reversed(self._steps.get(declared, ())):
            step.shape_down(shape)
        return shape

    def _place(self, declared: Any, shape: ShapeOf) -> Place | None:
        key = (declared, shape is self.shape)
        if key not in self._places:
            self._places[key] = places(declared, shape, self._steps.__contains__)
        return self._places[key]


def _spoken_of(steps: tuple[Step, ...]) -> list[Any]:
    return list(dict.fromkeys(step.declared for step in steps))


def _strangers(each: JSONObject, said_in: Shape, read_in: Shape) -> JSONObject:
    """Take out and return the fields that are unknown where they were said, but mean something where they are read.

    A platform may say more than its version knows (transport_and_format.asciidoc, Non-specified
    JSON fields); such a word must not become a wrong value of a field that is known.
    """
    return {name: each.pop(name) for name in list(each) if name in read_in and name not in said_in}


_Change = Callable[[Any, JSONObject, str, bool], None]  # declared, object, path, whether outermost


def _walk(value: JSON, place: Place | None, change: _Change, path: str = "$", *, outermost: bool = True) -> JSON:
    """Return a value with ``change`` made to a copy of every object that a place names, innermost first."""
    if place is None:
        return value
    if isinstance(value, list):
        return [_walk(each, place, change, f"{path}[{at}]", outermost=outermost) for at, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    copy = dict(value)
    for name, inner in place.fields.items():
        if name in copy:
            copy[name] = _walk(copy[name], inner, change, f"{path}.{name}", outermost=False)
    change(place.declared, copy, path, outermost)
    return copy
