"""Declarations read: which fields an object has, and what may stand in each.

A *hint* is what an annotation says (``Annotated[str, Text(36, ci=True)]``); a *shape* is the hints
of one object by field name. A version of OCPI has shapes of its own, derived from the newest.
"""

import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from hub.ocpi.objects import Bounds, NonEmpty, OpenEnum, Text

Hint = Any  # an annotation of a field
Shape = Mapping[str, Hint]
ShapeOf = Callable[[Any], Shape]  # the shape of a declared object, in some version

DATE_TIME = "date-time"  # the format by which a Text is known as a DateTime


@dataclass(frozen=True)
class Field:
    """What a hint says, without its wrapping.

    Attributes:
        kind: ``str``, ``int``, ``float``, ``bool``, ``list``, ``Literal``, ``Any`` or a ``TypedDict``.
        required: whether the field must be there (cardinality ``1`` or ``+``).
        values: of a ``Literal``, in order.
        item: the hint of a list's elements.
        text: its length, pattern and alphabet.
        open_enum: values known among others.
        bounds: of a number.
        non_empty: whether a list has at least one element; an optional one may always be empty.
    """

    kind: Any
    required: bool = True
    values: tuple[str, ...] = ()
    item: Hint = None
    text: Text | None = None
    open_enum: OpenEnum | None = None
    bounds: Bounds | None = None
    non_empty: bool = False


@functools.cache
def shape_of(declared: Any) -> Shape:
    """Return the hints of a declared object, each optional one marked ``NotRequired``."""
    hints = get_type_hints(declared, include_extras=True)
    return {
        name: NotRequired[hint] if name in declared.__optional_keys__ and field_of(hint).required else hint
        for name, hint in hints.items()
    }


@functools.lru_cache(maxsize=4096)
def field_of(hint: Hint) -> Field:
    """Return what a hint says.

    Raises:
        TypeError: it is said in words declarations do not have.
    """
    required = True
    marks: list[Any] = []
    while True:
        origin: Any = get_origin(hint)
        args = get_args(hint)
        if origin is NotRequired:
            required, hint = False, args[0]
        elif origin is Required:
            hint = args[0]
        elif origin is Annotated:
            hint, marks = args[0], [*marks, *args[1:]]
        elif origin in (Union, types.UnionType):
            hint = _only_alternative(hint)
        else:
            break
    return _field(hint, required, marks)


def _only_alternative(hint: Hint) -> Hint:
    """Return T of ``T | None``: null is the absence of an optional field."""
    alternatives = [each for each in get_args(hint) if each is not type(None)]
    if len(alternatives) != 1:
        raise TypeError(f"{hint} is one of several: not a word of declarations")
    return alternatives[0]


def _field(kind: Any, required: bool, marks: list[Any]) -> Field:
    item: Hint = None
    values: tuple[str, ...] = ()
    origin: Any = get_origin(kind)
    if origin is list:
        kind, item = list, get_args(kind)[0]
    elif origin is Literal:
        kind, values = Literal, get_args(kind)

    def mark(of: type) -> Any:
        return next((each for each in marks if isinstance(each, of)), None)

    return Field(
        kind,
        required=required,
        values=values,
        item=item,
        text=mark(Text),
        open_enum=mark(OpenEnum),
        bounds=mark(Bounds),
        non_empty=required and mark(NonEmpty) is not None,
    )


@dataclass(frozen=True)
class Place:
    """An object within an object, and the fields that lead further to places of interest."""

    declared: Any
    fields: Mapping[str, "Place"]


def places(hint: Hint, shape: ShapeOf, wanted: Callable[[Any], bool]) -> Place | None:
    """Return where in a value wanted objects may stand; None: nowhere.

    What is walked along it is only what matters: no time goes into all the rest of a body.
    """
    if hint is None:
        return None
    field = field_of(hint)
    if field.kind is list:
        return places(field.item, shape, wanted)
    if not is_typeddict(field.kind):
        return None
    found = {name: places(each, shape, wanted) for name, each in shape(field.kind).items()}
    fields = {name: place for name, place in found.items() if place is not None}
    return Place(field.kind, fields) if fields or wanted(field.kind) else None
