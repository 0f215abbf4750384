"""Strings judged: lengths, alphabets and patterns, DateTimes of the calendar.

Where msgspec can judge a string it does; where it cannot, a type of this file stands in.

Source: OCPI 2.3.0, types.asciidoc (CiString, DateTime, string).
"""

import functools
import re
import sys
from typing import Annotated, Any, Protocol, get_args

import msgspec

from hub.ocpi.objects import DateTime, Text
from hub.ocpi.schema import CI_PATTERN, STRING_PATTERN
from hub.ocpi.shapes import DATE_TIME, Field


def string_type(field: Field, *, plain: bool) -> Any:
    """Return the msgspec type of a string; ``plain``: of one that has no control characters anyway."""
    text, pattern = field.text or Text(), pattern_of(field, plain=plain)
    if text.format == DATE_TIME:
        return _DateTime
    if pattern is None and text.max_length is None:
        return str
    return Annotated[str, msgspec.Meta(max_length=text.max_length, pattern=pattern)]


def pattern_of(field: Field, *, plain: bool) -> str | None:
    """Return the pattern a string has to match, as Python says it; None: there is nothing to look at."""
    text = field.text or Text()
    alphabet = None if plain else CI_PATTERN if text.ci else STRING_PATTERN
    pattern = text.pattern or alphabet
    if pattern is None:
        return None
    if text.pattern and alphabet and text.pattern[0] != "^":
        pattern = f"^(?=[^\\n]*(?:{text.pattern}))" + alphabet[1:]  # it is looked for among the characters there may be
    return _anchored(pattern)


def _anchored(pattern: str) -> str:
    r"""Return a JSON Schema pattern as Python says it: ``$`` is the very end, ``\d`` is ASCII."""
    return "(?a)" + re.sub(r"\$$", r"\\Z", pattern)


class _Judged(Protocol):
    """A kind of string judged here: msgspec asks ``judged``, and tells a ValueError with its path."""

    @classmethod
    def judged(cls, value: Any) -> str: ...


class _DateTime(str):
    """A DateTime; msgspec's own patterns cost five times as much, measured, and know no calendar."""

    __slots__ = ()

    @classmethod
    def judged(cls, value: Any) -> "_DateTime":
        if value.__class__ is not str:
            raise ValueError("not a DateTime")
        return _known.get(value) or _remembered(value)


class _OptionalDateTime(_DateTime):
    """The same where [] may stand for absence."""

    __slots__ = ()

    @classmethod
    def judged(cls, value: Any) -> _DateTime:
        return _EMPTY if value == [] else super().judged(value)


_EMPTY = _OptionalDateTime()
_FORM = re.compile(_anchored(get_args(DateTime)[1].pattern)).fullmatch
_MEMORY = 10_000

#: DateTimes found right: the same moments come again and again, within an object and among objects.
_known: dict[str, _OptionalDateTime] = {}


def _remembered(value: str) -> _DateTime:
    if not is_date_time(value):
        raise ValueError("not a DateTime")
    if len(_known) >= _MEMORY:
        _known.clear()
    found = _known[value] = _OptionalDateTime(value)
    return found


def optional_string_type(field: Field, *, plain: bool) -> Any:
    """Return the type of an optional string with a pattern: for it too [] may stand for absence.

    This is no union for msgspec: a pattern beside an array makes it free the wrong pointer, or
    follow it when garbage is collected (seen in 0.20 to 0.22: TypeNode_get_traverse_ranges counts
    no pattern among the objects of a type).
    """
    text, pattern = field.text or Text(), pattern_of(field, plain=plain)
    return _OptionalDateTime if text.format == DATE_TIME else _optional(text, pattern or "")


@functools.cache
def _optional(text: Text, pattern: str) -> type[_Judged]:
    longest = text.max_length if text.max_length is not None else sys.maxsize
    matches = re.compile(pattern).search

    class Optional(str):
        __slots__ = ()

        @classmethod
        def judged(cls, value: Any) -> str:
            if value == []:
                return cls()
            if value.__class__ is not str or len(value) > longest or not matches(value):
                raise ValueError("not such a string")
            return cls(value)

    return Optional


def judged(kind: type[_Judged], value: Any) -> str:
    """Return a value as a type of this file, if it is one: what msgspec asks (dec_hook)."""
    return kind.judged(value)


def written(value: str) -> Any:
    """Return a string judged here as it is encoded (enc_hook); [] stays without quotes, for those are counted."""
    return str(value) or []


def is_date_time(text: str) -> bool:
    """Return whether a text is a DateTime: one of the six forms, and a day of the calendar.

    23:59:60 is none: the forms of the text are all there are, and nothing that computes with
    moments (Python, PostgreSQL) has that second (docs/errata.md).
    """
    return len(text) <= 25 and _FORM(text) is not None
