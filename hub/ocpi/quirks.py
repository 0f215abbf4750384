"""How a peer departs from the text: a profile of its connection, found out where it shows, else set by an operator.

Source: OCPI 2.3.0, transport_and_format.asciidoc.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, is_typeddict

from hub.ocpi.objects import JSON
from hub.ocpi.shapes import ShapeOf, field_of


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """How a peer departs from the text; all off for a peer that follows it.

    Attributes:
        raw_token: it does not Base64-encode credentials tokens, and expects none encoded.
        trailing_slash: its URLs only work with a slash at the end.
        no_201: it answers 200 where it creates.
        single_for_list: it answers a list of one as the bare object.
        lower_case_ids: it writes and compares country codes and party ids in lower case.
        link: how its pages are followed: by Link, or by offset arithmetic.
        roleless_endpoints: its version details name no interface roles.
        lean: it rejects unknown and null fields; they are left out for it.
    """

    raw_token: bool = False
    trailing_slash: bool = False
    no_201: bool = False
    single_for_list: bool = False
    lower_case_ids: bool = False
    link: Literal["follow", "offset"] = "follow"
    roleless_endpoints: bool = False
    lean: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what departs from the text, as JSON."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value != getattr(PLAIN, name)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Quirks":
        known = {each.name for each in dataclasses.fields(cls)}
        return cls(**{name: each for name, each in value.items() if name in known})


#: A peer that follows the text.
PLAIN = Quirks()


def lean(value: JSON, declared: Any, shape: ShapeOf) -> JSON:
    """Return a value without null fields and without those its declaration does not know."""
    if get_origin(declared) is list and isinstance(value, list):
        return [lean(each, get_args(declared)[0], shape) for each in value]
    if not is_typeddict(declared) or not isinstance(value, dict):
        return value
    known = {name: field_of(hint) for name, hint in shape(declared).items()}
    return {
        name: lean(each, list[field.item] if field.item is not None else field.kind, shape)  # type: ignore[name-defined]
        for name, each in value.items()
        if each is not None and (field := known.get(name)) is not None
    }
