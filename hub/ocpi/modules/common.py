"""What several chapters share: texts, prices, roles, token and profile types.

``TokenType`` and ``ProfileType`` stand here and not in their chapters because the chapters that
declare them and those that use them would import each other.

Source: OCPI 2.3.0, types.asciidoc; mod_tokens.asciidoc, TokenType; mod_sessions.asciidoc, ProfileType.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from hub.ocpi.objects import DateTime, Number, OpenEnum, String, String2, String512

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
