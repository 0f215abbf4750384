"""Bodies judged: a JSON text is what its declaration says, or the first fault is told with its path.

msgspec decodes the text by types made from the declaration: kinds, lengths, enums, what is
required. What it returns is walked for what it cannot say, characters of strings and rules, and
then thrown away: it lacks the fields nobody here has heard of. What is kept are the bytes.
docs/benchmarks.md, VALIDATE, has the times.

Source: OCPI 2.3.0, types.asciidoc; terminology.asciidoc, Cardinality; status_codes.asciidoc.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict, is_typeddict

import msgspec

from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, Unparsable
from hub.ocpi.faults import fault_text, wrong_value
from hub.ocpi.objects import JSON, JSONObject, Text
from hub.ocpi.schema import RULES, Rule, required_of
from hub.ocpi.shapes import Field, Hint, ShapeOf, field_of, shape_of
from hub.ocpi.strings import Alphabet, Check, alphabet_of, check_of

#: Deeper texts are no OCPI (its deepest object has 9 levels) and would break whoever walks them.
MAX_DEPTH = 100

_NOTHING = Annotated[list[Any], msgspec.Meta(max_length=0)]

_typed_dict: Any = TypedDict  # for types made at run time


class _StringOf:
    """A string field that is to be looked at."""

    __slots__ = ("hint", "is_right", "known", "name")

    def __init__(self, name: str, check: Check, hint: Hint) -> None:
        self.name = name
        self.known = check.known
        self.is_right = check.is_right
        self.hint = hint


class _Node:
    """What is to be looked at in a value after decoding, and where in it there is more.

    Attributes:
        hint: what the value is declared as.
        check: of a string.
        item: of a list, what is to be looked at in its elements.
        strings: of an object, the fields that are strings: walking to each would take too long.
        fields: of an object, what is to be looked at in other fields.
        rules: of an object.
    """

    __slots__ = ("check", "fields", "hint", "item", "rules", "strings")

    def __init__(
        self,
        hint: Hint,
        *,
        check: Check | None = None,
        item: "_Node | None" = None,
        strings: list[_StringOf] | None = None,
        fields: "list[tuple[str, _Node]] | None" = None,
        rules: Sequence[Rule] = (),
    ) -> None:
        self.hint = hint
        self.check = check
        self.item = item
        self.strings = strings or []
        self.fields = fields or []
        self.rules = list(rules)


class _Prepared:
    """What judging a declared object needs: made once, for each request has one.

    Attributes:
        nodes: what is to be looked at, by the alphabet of the text.
    """

    __slots__ = ("decode", "nodes")

    def __init__(self, decode: Callable[[bytes], Any], nodes: "list[_Node | None]") -> None:
        self.decode = decode
        self.nodes = nodes


class Judge:
    """Judges by the shapes of one version; decoders are made once and kept.

    Args:
        shape: gives the hints of each declared object as the version has them.
        rules: of each declared object, what types cannot say.
    """

    def __init__(self, shape: ShapeOf = shape_of, rules: Mapping[Any, Sequence[Rule]] = RULES) -> None:
        self._shape = shape
        self._rules = rules
        self._prepared: dict[tuple[Any, bool], _Prepared] = {}
        self._node = functools.cache(self._node_of)
        self._object = functools.cache(self._object_of)

    def judge(self, text: bytes, declared: Any, *, partial: bool = False) -> JSONObject | None:
        """Return if a text is what was declared; None declares any JSON.

        Returns:
            The object decoded, where its declaration knows every field of it; its fractions are not exact.

        Raises:
            Unparsable: it is no JSON.
            InvalidParameters: it is not; the message names the path and the rule.
        """
        prepared = self._prepared.get((declared, partial)) or self._prepare(declared, partial)
        try:
            value = prepared.decode(text)
        except codec.NOT_JSON as error:
            raise self._fault(text, declared, partial, error) from error
        again = codec.encode(value)
        known = declared is not None and (again == text or _quotes(again) == _quotes(text))
        if not known:
            _look_closer(text)
        node = prepared.nodes[alphabet_of(text)]
        if node is not None and _first_fault(value, node, None, partial) is not None:
            raise InvalidParameters(_first_fault(value, node, "$", partial))
        return value if known and isinstance(value, dict) else None

    def _prepare(self, declared: Any, partial: bool) -> _Prepared:
        decoder = msgspec.json.Decoder(Any if declared is None else self._type(declared, partial))
        made = _Prepared(decoder.decode, [self._node(declared, alphabet) for alphabet in Alphabet])
        self._prepared[declared, partial] = made
        return made

    def _fault(self, text: bytes, declared: Any, partial: bool, error: Exception) -> InvalidParameters:
        """Return what is wrong with a text: that it is no JSON before anything else."""
        if isinstance(error, RecursionError):
            return Unparsable("The body is nested absurdly deep")
        value = codec.decode(text)
        _refuse_deep(text)
        _refuse_repeated(text)
        return InvalidParameters(fault_text(str(error), value, declared, self._shape, partial=partial))

    def _type(self, hint: Hint, partial: bool = False) -> Any:
        """Return the msgspec type of a hint."""
        field = field_of(hint)
        kind = self._kind(field, partial)
        if field.required:
            return kind
        # For optional fields null, [] and absent are equal (terminology.asciidoc, Cardinality).
        return kind | None if field.kind in (list, Any) else kind | None | _NOTHING

    def _kind(self, field: Field, partial: bool) -> Any:
        if is_typeddict(field.kind):
            return self._object(field.kind, partial)
        if field.kind is list:
            item: Any = self._type(field.item)
            return Annotated[list[item], msgspec.Meta(min_length=1)] if field.non_empty else list[item]
        if field.kind is Literal:
            values: Any = Literal[field.values]
            return values
        if field.text and field.text.max_length is not None:
            return Annotated[str, msgspec.Meta(max_length=field.text.max_length)]
        if field.bounds:
            return Annotated[field.kind, msgspec.Meta(ge=field.bounds.ge, le=field.bounds.le)]
        return field.kind

    def _object_of(self, declared: Any, partial: bool) -> Any:
        required = required_of(declared, self._shape, partial=partial)
        types = {name: self._type(hint) for name, hint in self._shape(declared).items()}
        fields = {name: kind if name in required else NotRequired[kind] for name, kind in types.items()}
        return _typed_dict(declared.__name__, fields)

    def _node_of(self, hint: Hint, alphabet: Alphabet) -> _Node | None:
        """Return what is to be looked at in a value; None: nothing."""
        field = field_of(hint) if hint is not None else Field(Any)
        if field.kind is str:
            check = check_of(field.text or Text(), alphabet)
            return _Node(hint, check=check) if check else None
        if field.kind is list:
            item = self._node(field.item, alphabet)
            return _Node(hint, item=item) if item else None
        if not is_typeddict(field.kind):
            return None
        found = {name: self._node(each, alphabet) for name, each in self._shape(field.kind).items()}
        node = _Node(
            hint,
            strings=[_StringOf(name, each.check, each.hint) for name, each in found.items() if each and each.check],
            fields=[(name, each) for name, each in found.items() if each and not each.check],
            rules=self._rules.get(field.kind, ()),
        )
        return node if node.strings or node.fields or node.rules else None


def _first_fault(value: Any, node: _Node, path: str | None, partial: bool) -> str | None:
    """Return the first thing wrong in a decoded value; no path is made while it is None."""
    if isinstance(value, dict):
        return _fault_in_object(value, node, path, partial)
    if isinstance(value, list):  # or [], where it is the absence of anything
        return _fault_in_list(value, node.item or node, path, partial)
    if isinstance(value, str) and node.check and value not in node.check.known and not node.check.is_right(value):
        return f"{path}: {wrong_value(value, node.hint)}"
    return None


def _fault_in_list(value: list[Any], node: _Node, path: str | None, partial: bool) -> str | None:
    for at, each in enumerate(value):
        within = f"{path}[{at}]" if path else None
        if isinstance(each, dict):
            fault = _fault_in_object(each, node, within, partial)
        else:
            fault = _first_fault(each, node, within, partial)
        if fault is not None:
            return fault
    return None


def _fault_in_object(value: JSONObject, node: _Node, path: str | None, partial: bool) -> str | None:
    """Return the first thing wrong in an object; its rules are asked when all that is in it is right."""
    for each in node.strings:
        said = value.get(each.name)
        if isinstance(said, str) and said not in each.known and not each.is_right(said):
            return f"{path}.{each.name}: {wrong_value(said, each.hint)}"
    for name, inner in node.fields:
        said = value.get(name)
        if said is not None:
            fault = _first_fault(said, inner, f"{path}.{name}" if path else None, False)
            if fault is not None:
                return fault
    for rule in node.rules:
        for fault in rule(value, path or "$", partial):
            return fault
    return None


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
    return text.replace(rb"\\", b"").replace(rb"\"", b"") if text.find(b"\\") >= 0 else text


#: Brackets of one kind.
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")


def _refuse_deep(text: bytes) -> None:
    """Refuse a JSON text nested too deep; the number of its brackets is looked at first."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    outside_strings = b"".join(_bare(text).split(b'"')[::2])
    brackets = outside_strings.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # one level at a time, from the innermost: eight million of them must not take seconds
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise Unparsable(f"The body is nested more than {MAX_DEPTH} levels deep")


def _refuse_repeated(text: bytes) -> None:
    """Refuse a text in which a key stands twice in one object.

    Whoever reads such a text keeps the one or the other (RFC 8259, 4): parties would disagree.
    """
    read = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    for path in _repeated(read, "$"):
        raise InvalidParameters(f"{path}: this name stands twice")


class _Pairs:
    """The pairs of an object, repeated ones too."""

    def __init__(self, pairs: list[tuple[str, JSON]]) -> None:
        self.pairs = pairs


def _repeated(value: JSON, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set()
        for name, each in value.pairs:
            if name in seen:
                yield f"{path}.{name}"
            seen.add(name)
            yield from _repeated(each, f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _repeated(each, f"{path}[{index}]")
