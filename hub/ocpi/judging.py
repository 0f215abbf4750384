"""Bodies judged: a JSON text is what its declaration says, or the first fault is told with its path.

msgspec decodes the text by types made from the declaration. What it returns is thrown away: it
drops the fields nobody here has heard of, and what is kept are the bytes. Character patterns are
what costs, so there are two decoders of each declaration. The *plain* one knows none; it serves
texts in which no string can have a control character, and is told apart by a look at the whole
text. What is left to see in those is whether CiStrings are ASCII, if the text is not. The *full*
one serves all others. docs/benchmarks.md, VALIDATE, has the times.

Source: OCPI 2.3.0, types.asciidoc; terminology.asciidoc, Cardinality; status_codes.asciidoc.
"""

import datetime
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args, is_typeddict

import msgspec

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, Unparsable
from hub.ocpi.faults import fault_text
from hub.ocpi.objects import JSON, DateTime
from hub.ocpi.schema import CI_PATTERN, RULES, STRING_PATTERN, Rule, required_of
from hub.ocpi.shapes import DATE_TIME, Field, Hint, Place, ShapeOf, field_of, places, shape_of

#: Deeper texts are no OCPI (its deepest object has 9 levels) and would break whoever walks them.
MAX_DEPTH = 100

_NOTHING = Annotated[list[Any], msgspec.Meta(max_length=0)]

_typed_dict: Any = TypedDict  # for types made at run time


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
        self._ci_strings = functools.cache(self._type_of_ci_strings)

    def judge(self, text: bytes, declared: Any, *, partial: bool = False) -> None:
        """Return if a text is what was declared; None declares any JSON.

        Raises:
            Unparsable: it is no JSON.
            InvalidParameters: it is not; the message names the path and the rule.
        """
        plain = _has_no_control_characters(text)
        value = self._decoded(text, declared, partial, plain)
        if plain and not (text.isascii() and rb"\u" not in text) and not self._ci_strings_are_ascii(value, declared):
            self._decoded(text, declared, partial, False)  # finds it again, and tells the path
        again = _encoder.encode(value)
        if declared is None or (again != text and _quotes(again) != _quotes(text)):
            _look_closer(text)
        fault = self._first_fault(value, self._place_of_rules(declared), "$", partial)
        if fault is not None:
            raise InvalidParameters(fault)

    def _decoded(self, text: bytes, declared: Any, partial: bool, plain: bool) -> JSON:
        decoder = self._decoders.get((declared, partial, plain)) or self._decoder(declared, partial, plain)
        try:
            return decoder.decode(text)
        except codec.NOT_JSON as error:
            spared = self._spared(text, declared)
            if spared is not None:
                return self._decoded(spared, declared, partial, plain)
            raise self._fault(text, declared, partial, error) from error

    def _spared(self, text: bytes, declared: Any) -> bytes | None:
        """Return a text without its fields that are [] and may be: those whose type cannot say so itself.

        msgspec corrupts its memory over a union of a patterned string and an array (0.19 to 0.22), so
        the type of an optional patterned string has no array in it; what equals absence is left out here.
        """
        if b"[" not in text or declared is None:
            return None
        try:
            value = codec.decode(text)
        except Unparsable:
            return None
        return codec.encode(value) if self._spare(value, declared) else None

    def _spare(self, value: JSON, hint: Hint) -> bool:
        """Take such fields out of a value; return whether there was one."""
        field = field_of(hint)
        if field.kind is list and isinstance(value, list):
            return any([self._spare(each, field.item) for each in value])
        if not is_typeddict(field.kind) or not isinstance(value, dict):
            return False
        shape, changed = self._shape(field.kind), False
        for name in [name for name in value if name in shape]:
            inner = field_of(shape[name])
            if value[name] == [] and inner.kind is str and not inner.required:
                del value[name]
                changed = True
            elif self._spare(value[name], shape[name]):
                changed = True
        return changed

    def _fault(self, text: bytes, declared: Any, partial: bool, error: Exception) -> InvalidParameters:
        """Return what is wrong with a text: that it is no JSON before anything else."""
        if isinstance(error, RecursionError):
            return Unparsable("The body is nested absurdly deep")
        value = codec.decode(text)
        _refuse_repeated(text)
        return InvalidParameters(fault_text(str(error), value, declared, self._shape, partial=partial))

    def _decoder(self, declared: Any, partial: bool, plain: bool) -> msgspec.json.Decoder[Any]:
        kind = Any if declared is None else self._type(declared, partial, plain)
        decoder = msgspec.json.Decoder(kind, dec_hook=_date_time)
        self._decoders[declared, partial, plain] = decoder
        return decoder

    def _place_of_rules(self, declared: Any) -> Place | None:
        if declared not in self._ruled:
            self._ruled[declared] = places(declared, self._shape, self._rules.__contains__)
        return self._ruled[declared]

    def _first_fault(self, value: JSON, place: Place | None, path: str, partial: bool) -> str | None:
        """Return what a rule of an object, or of one in it, finds wrong."""
        if place is None or not value:
            return None
        if isinstance(value, list):
            for at, each in enumerate(value):
                fault = self._first_fault(each, place, f"{path}[{at}]", partial)
                if fault is not None:
                    return fault
            return None
        for rule in self._rules.get(place.declared, ()):
            for fault in rule(value, path, partial):
                return fault
        for name, inner in place.fields.items():
            if name in value:
                fault = self._first_fault(value[name], inner, f"{path}.{name}", False)
                if fault is not None:
                    return fault
        return None

    def _ci_strings_are_ascii(self, value: JSON, declared: Any) -> bool:
        """Return whether all CiStrings of a decoded value are; they are picked out and written again."""
        kind = self._ci_strings(declared)
        return kind is None or _encoder.encode(msgspec.convert(value, kind)).isascii()

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
        fields = {name: NotRequired[kind] for name, kind in found.items() if kind is not None}
        made: Any = _typed_dict(field.kind.__name__, fields)
        return (made if field.required else made | None | _NOTHING) if fields else None

    def _type(self, hint: Hint, partial: bool, plain: bool) -> Any:
        """Return the msgspec type of a hint."""
        field = field_of(hint)
        kind = self._kind(field, partial, plain)
        if field.required:
            return kind
        # For optional fields null, [] and absent are equal (terminology.asciidoc, Cardinality).
        if kind is _DateTime:
            return _OptionalDateTime | None
        if field.kind in (list, Any) or _has_pattern(kind):
            return kind | None
        return kind | None | _NOTHING

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
            return _string(field, plain)
        if field.bounds:
            return Annotated[field.kind, msgspec.Meta(ge=field.bounds.ge, le=field.bounds.le)]
        return field.kind

    def _object(self, declared: Any, partial: bool, plain: bool) -> Any:
        made = self._objects.get((declared, partial, plain))
        if made is None:
            required = required_of(declared, self._shape, partial=partial)
            types = {name: self._type(hint, False, plain) for name, hint in self._shape(declared).items()}
            fields = {name: kind if name in required else NotRequired[kind] for name, kind in types.items()}
            made = self._objects[declared, partial, plain] = _typed_dict(declared.__name__, fields)
        return made


def _has_pattern(kind: Any) -> bool:
    return any(getattr(mark, "pattern", None) is not None for mark in getattr(kind, "__metadata__", ()))


def _string(field: Field, plain: bool) -> Any:
    text = field.text
    if text is None:
        return str if plain else Annotated[str, msgspec.Meta(pattern=_anchored(STRING_PATTERN))]
    if text.format == DATE_TIME:
        return _DateTime
    pattern = text.pattern
    if pattern is None and not plain:
        pattern = CI_PATTERN if text.ci else STRING_PATTERN
    if pattern is None and text.max_length is None:
        return str
    return Annotated[str, msgspec.Meta(max_length=text.max_length, pattern=pattern and _anchored(pattern))]


def _anchored(pattern: str) -> str:
    r"""Return a JSON Schema pattern as Python says it: ``$`` is the very end, ``\d`` is ASCII."""
    return "(?a)" + re.sub(r"\$$", r"\\Z", pattern)


class _DateTime(str):
    """A judged DateTime; msgspec's own pattern costs five times as much, measured."""

    __slots__ = ()


class _OptionalDateTime(_DateTime):
    """The same where [] may stand for absence."""

    __slots__ = ()


_FORM = re.compile(_anchored(get_args(DateTime)[1].pattern)).fullmatch
_MEMORY = 10_000

#: DateTimes found right: the same moments come again and again, within an object and among objects.
_known: dict[str, _OptionalDateTime] = {}


def _date_time(kind: Any, value: Any) -> _DateTime:
    """Return a judged DateTime (msgspec asks this of what it has no type for, and tells a ValueError with its path)."""
    if value.__class__ is str:
        known = _known.get(value)
        if known is not None:
            return known
    elif kind is _OptionalDateTime and value == []:
        return _OptionalDateTime()
    if value.__class__ is not str or not is_date_time(value):
        raise ValueError("not a DateTime")
    if len(_known) >= _MEMORY:
        _known.clear()
    found = _known[value] = _OptionalDateTime(value)
    return found


def _written(value: _DateTime) -> str | None:
    """Return a judged DateTime as it is encoded: [] as what equals it, without quotes."""
    return str(value) or None


_encoder = msgspec.json.Encoder(enc_hook=_written)


def is_date_time(text: str) -> bool:
    """Return whether a text is a DateTime: one of the six forms, and a day of the calendar.

    23:59:60 is none: the forms of the text are all there are, and nothing that computes with
    moments (Python, PostgreSQL) has that second (docs/errata.md).
    """
    if len(text) > 25 or not _FORM(text):
        return False
    try:
        datetime.date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return True


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
    if _depth(text) > MAX_DEPTH:
        raise Unparsable(f"The body is nested more than {MAX_DEPTH} levels deep")
    if _quotes(codec.encode(value)) != _quotes(text):
        _refuse_repeated(text)


def _quotes(text: bytes) -> int:
    return _bare(text).count(b'"')


def _bare(text: bytes) -> bytes:
    """Return a JSON text without escaped backslashes and quotes, so that each quote opens or closes a string."""
    return text.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in text else text


_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")


def _depth(text: bytes) -> int:
    """Return how deep a JSON text is nested; the number of its brackets where that is little."""
    opening = text.count(b"[") + text.count(b"{")
    if opening <= MAX_DEPTH:
        return opening
    outside_strings = b"".join(_bare(text).split(b'"')[::2])
    brackets = outside_strings.translate(_ONE_KIND, _NOT_BRACKETS)
    return max(itertools.accumulate(brackets, lambda depth, bracket: depth + 92 - bracket, initial=0))


def _refuse_repeated(text: bytes) -> None:
    """Refuse a text in which a key stands twice in one object.

    Whoever reads such a text keeps the one or the other (RFC 8259, 4): parties would disagree.
    """
    try:
        read = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"The body is not valid JSON: {error}") from error
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
