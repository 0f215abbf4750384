"""What several chapters share: texts, prices, roles, token and profile types, the order of moments.

``TokenType`` and ``ProfileType`` stand here and not in their chapters because the chapters that
declare them and those that use them would import each other.

Source: OCPI 2.3.0, types.asciidoc; mod_tokens.asciidoc, TokenType; mod_sessions.asciidoc, ProfileType.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from hub.ocpi.objects import DateTime, JSONObject, Number, OpenEnum, String, String2, String512

Role = Literal["CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP"]

TokenType = Annotated[str, OpenEnum("AD_HOC_USER", "APP_USER", "EMAID", "OTHER", "RFID")]

ProfileType = Literal["CHEAP", "FAST", "GREEN", "REGULAR"]

#: Query parameters of every list in pages (transport_and_format.asciidoc, Paginated Request).
PAGED: tuple[tuple[str, Any], ...] = (
    ("date_from", DateTime),
    ("date_to", DateTime),
    ("offset", int),
    ("limit", int),
)


class DisplayText(TypedDict):
    """A text for drivers in one language (ISO 639-1), without markup."""

    language: String2
    text: String512


class TaxAmount(TypedDict):
    """One tax on a price, in the currency of what contains it; ``percentage`` in percent."""

    name: String
    account_number: NotRequired[String | None]
    percentage: NotRequired[Number | None]
    amount: Number


class Price(TypedDict):
    """An amount in the currency of what contains it, taxes apart."""

    before_taxes: Number
    taxes: NotRequired[list[TaxAmount] | None]


def moment(text: str) -> str:
    """Return a DateTime in the one form in which text order is time order."""
    bare = text.removesuffix("Z")
    return bare.rstrip("0").removesuffix(".") if "." in bare else bare


def out_of_order(value: JSONObject, path: str, begin: str, end: str) -> Iterator[str]:
    """Yield a fault if a period of time ends before it begins."""
    begins, ends = value.get(begin), value.get(end)
    if begins and ends and moment(ends) < moment(begins):
        yield f"{path}.{end}: is before {begin}"


def repeated(elements: list[JSONObject] | None, path: str, name: str, of: str = "") -> list[str]:
    """Return a fault for each element that has the identifier of an earlier one, compared without case.

    Args:
        of: the field the elements stand in; it is joined to the path only where something is wrong.
    """
    if not elements or len(elements) == 1:
        return []
    identifiers = [element[name].upper() for element in elements]
    if len(set(identifiers)) == len(identifiers):
        return []
    within = f"{path}.{of}" if of else path
    return [
        f"{within}[{index}].{name}: {elements[index][name]} is there twice"
        for index, identifier in enumerate(identifiers)
        if identifier in identifiers[:index]
    ]
