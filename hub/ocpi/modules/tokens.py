"""Tokens of drivers, and whether one may charge now.

A Token is identified by its ``uid`` and its ``type``; a ``type`` left out of a URL is RFID.

Source: OCPI 2.3.0, mod_tokens.asciidoc.
"""

from typing import Literal, NotRequired, TypedDict

from hub.ocpi.interfaces import CLIENT_OWNED, Module
from hub.ocpi.modules.common import PAGED, DisplayText, ProfileType, TokenType
from hub.ocpi.objects import CiString2, CiString3, CiString36, DateTime, String2, String64

AllowedType = Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]

WhitelistType = Literal["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]


class EnergyContract(TypedDict):
    """The driver's own contract with an energy supplier."""

    supplier_name: String64
    contract_id: NotRequired[String64 | None]


class LocationReferences(TypedDict):
    """A Location, and EVSEs of it."""

    location_id: CiString36
    evse_uids: NotRequired[list[CiString36] | None]


class Token(TypedDict):
    """What a driver identifies with, owned by an eMSP; ``language`` in ISO 639-1."""

    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36
    visual_number: NotRequired[String64 | None]
    issuer: String64
    group_id: NotRequired[CiString36 | None]
    valid: bool
    whitelist: WhitelistType
    language: NotRequired[String2 | None]
    default_profile_type: NotRequired[ProfileType | None]
    energy_contract: NotRequired[EnergyContract | None]
    last_updated: DateTime


class AuthorizationInfo(TypedDict):
    """The answer to a real-time authorization; ``location`` holds the EVSEs allowed."""

    allowed: AllowedType
    token: Token
    location: NotRequired[LocationReferences | None]
    authorization_reference: NotRequired[CiString36 | None]
    info: NotRequired[DisplayText | None]


_TYPE = (("type", TokenType),)

module = Module("tokens", owner="EMSP", broadcast=True)

list_tokens = module.sender.list("", Token, query_typed=PAGED)
authorize = module.sender.post(
    "/{token_uid}/authorize", LocationReferences, AuthorizationInfo, body_optional=True, query_typed=_TYPE
)

get_token = module.receiver.get(CLIENT_OWNED + "/{token_uid}", Token, query_typed=_TYPE)
put_token = module.receiver.put(CLIENT_OWNED + "/{token_uid}", Token, query_typed=_TYPE)
patch_token = module.receiver.patch(CLIENT_OWNED + "/{token_uid}", Token, query_typed=_TYPE)
