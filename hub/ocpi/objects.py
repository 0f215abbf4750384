"""The words in which OCPI objects are declared, each object once.

An object is a ``TypedDict`` over its JSON form, so what travels is what is typed and fields
nobody here has heard of survive a pass through the hub. Its constraints are the marks below, in
``Annotated``; ``hub.ocpi.schema`` turns them into decoders that judge and into JSON Schemas.

A field of cardinality ``1`` is plain, ``?`` is ``NotRequired[T | None]``, ``*`` is
``NotRequired[list[T] | None]`` and ``+`` is ``Annotated[list[T], NonEmpty()]``: for ``?`` and
``*`` null, [] and absent are equal (terminology.asciidoc, Cardinality).

Source: OCPI 2.3.0, types.asciidoc.
"""

from dataclasses import dataclass
from typing import Annotated, Any

JSON = Any  # a decoded JSON value
JSONObject = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """A string of at most ``max_length`` characters, all printable.

    Attributes:
        max_length: in characters; None where the specification sets no bound.
        ci: a CiString: printable ASCII only, compared without case.
        pattern: a regular expression the whole string matches, anchored by its user.
        format: the JSON Schema format that says the same, for readers of the schemas.
    """

    max_length: int | None = None
    ci: bool = False
    pattern: str | None = None
    format: str | None = None


@dataclass(frozen=True, init=False)
class OpenEnum:
    """Values known to the specification; any other string is allowed (types.asciidoc, OpenEnum)."""

    known: tuple[str, ...]

    def __init__(self, *known: str) -> None:
        object.__setattr__(self, "known", known)


@dataclass(frozen=True)
class Bounds:
    """The least and greatest value of a number, both allowed."""

    ge: float | None = None
    le: float | None = None


@dataclass(frozen=True)
class NonEmpty:
    """A list of cardinality ``+``: at least one element."""


CiString2 = Annotated[str, Text(2, ci=True)]
CiString3 = Annotated[str, Text(3, ci=True)]
CiString5 = Annotated[str, Text(5, ci=True)]
CiString36 = Annotated[str, Text(36, ci=True)]
CiString39 = Annotated[str, Text(39, ci=True)]
CiString48 = Annotated[str, Text(48, ci=True)]

CiString4 = Annotated[str, Text(4, ci=True)]
CiString25 = Annotated[str, Text(25, ci=True)]
CiString32 = Annotated[str, Text(32, ci=True)]
CiString255 = Annotated[str, Text(255, ci=True)]
CiString = Annotated[str, Text(ci=True)]

String2 = Annotated[str, Text(2)]
String3 = Annotated[str, Text(3)]
String4 = Annotated[str, Text(4)]
String10 = Annotated[str, Text(10)]
String12 = Annotated[str, Text(12)]
String16 = Annotated[str, Text(16)]
String20 = Annotated[str, Text(20)]
String45 = Annotated[str, Text(45)]
String50 = Annotated[str, Text(50)]
String64 = Annotated[str, Text(64)]
String100 = Annotated[str, Text(100)]
String255 = Annotated[str, Text(255)]
String512 = Annotated[str, Text(512)]
String5000 = Annotated[str, Text(5000)]
String = Annotated[str, Text()]

#: An RFC 3986 URL of at most 255 characters; the specification names no scheme, OCPI travels over HTTP.
URL = Annotated[str, Text(255, format="uri")]

# The days of the calendar, said without \d: in some dialects of regular expressions that is any script's digit.
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z?"

#: UTC with ``Z`` or no designator, seconds with or without fraction, never an offset.
DateTime = Annotated[str, Text(25, pattern=f"^(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)T{_TIME}$", format="date-time")]

#: A JSON number as it stands; amounts are read exactly (as Decimal) where they are used.
Number = float
