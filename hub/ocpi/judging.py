"""Bodies judged: a JSON text is what its declaration says, or the first fault is told with its path.

msgspec decodes the text by structs made from the declaration. They are thrown away: they drop
the fields nobody here has heard of, and what is kept are the bytes. Character patterns are
what costs, so there are two decoders of each declaration. The *plain* one knows none; it serves
texts in which no string can have a control character, and is told apart by a look at the whole
text. What is left to see in those is whether CiStrings are ASCII, if the text is not. The *full*
one serves all others. docs/benchmarks.md, VALIDATE, has the times.

Source: OCPI 2.3.0, types.asciidoc; terminology.asciidoc, Cardinality; status_codes.asciidoc.
"""

import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, is_typeddict

import msgspec

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, Unparsable
from hub.ocpi.faults import fault_text
from hub.ocpi.objects import JSON
from hub.ocpi.schema import RULES, Rule, required_of
from hub.ocpi.shapes import Field, Hint, Place, ShapeOf, field_of, places, shape_of
from hub.ocpi.strings import judged, optional_string_type, pattern_of, string_type, written

#: Deeper texts are no OCPI (its deepest object has 9 levels) and would break whoever walks them.
MAX_DEPTH = 100

_NOTHING = Annotated[list[Any], msgspec.Meta(max_length=0)]

_encoder = msgspec.json.Encoder(enc_hook=written)


class _Object(msgspec.Struct, gc=False):
    """An object as it is judged; a rule reads it as the dict it would be (structs cost less, measured)."""

    def get(self, name: str, default: Any = None) -> Any:
        said = getattr(self, name, msgspec.UNSET)
        return default if said is msgspec.UNSET else said

    def __getitem__(self, name: str) -> Any:
        said = getattr(self, name, msgspec.UNSET)
        if said is msgspec.UNSET:
            raise KeyError(name)
        return said


class Judge:
    """Judges by the shapes of one version; decoders are made once and kept.

    Args:
        shape: gives the hints of each declared object as the version has them.
        rules: of each declared object, what types cannot say.
    """

    def __init__(self, shape: ShapeOf = shape_of, rules: Mapping[Any, Sequence[Rule]] = RULES) -> None:
        self._shape = shape
        self._rules = rules
        self._objects: dict[tuple[Any, bool, bool], Any] = {}
        self._decoders: dict[tuple[Any, bool, bool], msgspec.json.Decoder[Any]] = {}
        self._ruled: dict[Any, Place | None] = {}
        self._ci_decoder = functools.cache(self._decoder_of_ci_strings)

    def judge(self, text: bytes, declared: Any, *, partial: bool = False) -> None:
        """Return if a text is what was declared; None declares any JSON.

        Raises:
            Unparsable: it is no JSON.
            InvalidParameters: it is not; the message names the path and the rule.
        """
        plain = _has_no_control_characters(text)
        value = self._decoded(text, declared, partial, plain)
        if plain and not (text.isascii() and rb"\u" not in text) and not self._ci_strings_are_ascii(text, declared):
            self._decoded(text, declared, partial, False)  # finds it again, and tells the path
        again = _encoder.encode(value)
        if declared is None or (again != text and _quotes(again) != _quotes(text)):
            _look_closer(text)
        place = self._place_of_rules(declared)
        if place is not None and self._first_fault(value, place, None, partial) is not None:
            raise InvalidParameters(self._first_fault(value, place, "$", partial))

    def _decoded(self, text: bytes, declared: Any, partial: bool, plain: bool) -> JSON:
        decoder = self._decoders.get((declared, partial, plain)) or self._decoder(declared, partial, plain)
        try:
            return decoder.decode(text)
        except codec.NOT_JSON as error:
            raise self._fault(text, declared, partial, error) from error

    def _fault(self, text: bytes, declared: Any, partial: bool, error: Exception) -> InvalidParameters:
        """Return what is wrong with a text: that it is no JSON before anything else."""
        if isinstance(error, RecursionError):
            return Unparsable("The body is nested absurdly deep")
        value = codec.decode(text)
        _refuse_deep(text)
        _refuse_repeated(text)
        return InvalidParameters(fault_text(str(error), value, declared, self._shape, partial=partial))

    def _decoder(self, declared: Any, partial: bool, plain: bool) -> msgspec.json.Decoder[Any]:
        kind = Any if declared is None else self._type(declared, partial, plain)
        decoder = msgspec.json.Decoder(kind, dec_hook=judged)
        self._decoders[declared, partial, plain] = decoder
        return decoder

    def _place_of_rules(self, declared: Any) -> Place | None:
        if declared not in self._ruled:
            self._ruled[declared] = places(declared, self._shape, self._rules.__contains__)
        return self._ruled[declared]

    def _first_fault(self, value: Any, place: Place, path: str | None, partial: bool) -> str | None:
        """Return what a rule of an object, or of one in it, finds wrong; no path is made while it is None."""
        if value.__class__ is list:
            for at, each in enumerate(value):
                fault = self._first_fault(each, place, path and f"{path}[{at}]", partial)
                if fault is not None:
                    return fault
            return None
        for rule in self._rules.get(place.declared, ()):
            for fault in rule(value, path or "$", partial):
                return fault
        for name, inner in place.fields.items():
            said = getattr(value, name)
            if said:
                fault = self._first_fault(said, inner, path and f"{path}.{name}", False)
                if fault is not None:
                    return fault
        return None

    def _ci_strings_are_ascii(self, text: bytes, declared: Any) -> bool:
        """Return whether all CiStrings of a judged text are; they are picked out and written again."""
        decoder = self._ci_decoder(declared)
        return decoder is None or codec.encode(decoder.decode(text)).isascii()

    def _decoder_of_ci_strings(self, declared: Any) -> msgspec.json.Decoder[Any] | None:
        kind = self._type_of_ci_strings(declared)
        return None if kind is None else msgspec.json.Decoder(kind)

    def _type_of_ci_strings(self, hint: Hint) -> Any:
        """Return a type of the CiStrings in what a hint says and of nothing else; None: it has none."""
        field = field_of(hint)
        if field.text is not None:
            return Any if field.text.ci else None
        if field.kind is list:
            item: Any = self._type_of_ci_strings(field.item)
            return None if item is None else list[item] | None
        if not is_typeddict(field.kind):
            return None
        found = {name: self._type_of_ci_strings(each) for name, each in self._shape(field.kind).items()}
        types = {name: kind for name, kind in found.items() if kind is not None}
        if not types:
            return None
        made = _struct(field.kind, types)
        return made if field.required else made | None | _NOTHING

    def _type(self, hint: Hint, partial: bool, plain: bool) -> Any:
        """Return the msgspec type of a hint."""
        field = field_of(hint)
        if field.required:
            return self._kind(field, partial, plain)
        # For optional fields null, [] and absent are equal (terminology.asciidoc, Cardinality).
        if field.kind is str and pattern_of(field, plain=plain):
            return optional_string_type(field, plain=plain) | None
        kind = self._kind(field, partial, plain)
        return kind | None if field.kind in (list, Any) else kind | None | _NOTHING

    def _kind(self, field: Field, partial: bool, plain: bool) -> Any:
        if is_typeddict(field.kind):
            return self._object(field.kind, partial, plain)
        if field.kind is list:
            item: Any = self._type(field.item, False, plain)
            return Annotated[list[item], msgspec.Meta(min_length=1)] if field.non_empty else list[item]
        if field.kind is Literal:
            values: Any = Literal[field.values]
            return values
        if field.kind is str:
            return string_type(field, plain=plain)
        if field.bounds:
            return Annotated[field.kind, msgspec.Meta(ge=field.bounds.ge, le=field.bounds.le)]
        return field.kind

    def _object(self, declared: Any, partial: bool, plain: bool) -> Any:
        made = self._objects.get((declared, partial, plain))
        if made is None:
            required = required_of(declared, self._shape, partial=partial)
            types = {name: self._type(hint, False, plain) for name, hint in self._shape(declared).items()}
            made = self._objects[declared, partial, plain] = _struct(declared, types, required)
        return made


def _struct(declared: Any, types: Mapping[str, Any], required: Sequence[str] = ()) -> Any:
    fields: list[Any] = [
        (name, kind) if name in required else (name, kind, msgspec.UNSET) for name, kind in types.items()
    ]
    return msgspec.defstruct(declared.__name__, fields, bases=(_Object,), kw_only=True, gc=False)


_HARMFUL_ESCAPE = re.compile(rb"\\(?:[bfnrt]|u00[0189][0-9a-fA-F]|u007[fF])").search
_C1 = re.compile(rb"\xc2[\x80-\x9f]").search


def _has_no_control_characters(text: bytes) -> bool:
    """Return whether no string of a JSON text has one, escaped or not; those of ASCII but DEL must be escaped."""
    if b"\x7f" in text:
        return False
    if b"\\" in text and _HARMFUL_ESCAPE(text.replace(rb"\\", b"")):
        return False
    return text.isascii() or b"\xc2" not in text or not _C1(text)


def _look_closer(text: bytes) -> None:
    """Judge what a text has beyond its declaration: unknown fields, and names that stand twice.

    A name that stands twice is decoded once: then quotes are missing from what is encoded again.
    """
    value = codec.decode(text)
    _refuse_deep(text)
    if _quotes(codec.encode(value)) != _quotes(text):
        _refuse_repeated(text)


def _quotes(text: bytes) -> int:
    return _bare(text).count(b'"')


def _bare(text: bytes) -> bytes:
    """Return a JSON text without escaped backslashes and quotes, so that each quote opens or closes a string."""
    return text.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in text else text


#: Brackets of one kind: [ is 91, one more level, and ] is 93, one less.
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")


def _refuse_deep(text: bytes) -> None:
    """Refuse a JSON text nested too deep; the number of its brackets is looked at first."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    outside_strings = b"".join(_bare(text).split(b'"')[::2])
    brackets = outside_strings.translate(_ONE_KIND, _NOT_BRACKETS)
    if max(itertools.accumulate(brackets, lambda depth, bracket: depth + 92 - bracket, initial=0)) > MAX_DEPTH:
        raise Unparsable(f"The body is nested more than {MAX_DEPTH} levels deep")


def _refuse_repeated(text: bytes) -> None:
    """Refuse a text in which a key stands twice in one object.

    Whoever reads such a text keeps the one or the other (RFC 8259, 4): parties would disagree.
    """
    read = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    for path in _repeated(read, "$"):
        raise InvalidParameters(f"{path}: this name stands twice")


class _Pairs(list[tuple[str, JSON]]):
    """The pairs of an object, repeated ones too."""


def _repeated(value: JSON, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set()
        for name, each in value:
            if name in seen:
                yield f"{path}.{name}"
            seen.add(name)
            yield from _repeated(each, f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _repeated(each, f"{path}[{index}]")
