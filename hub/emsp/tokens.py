"""Tokens of the provider: what they are made of, how they are told, what they may do.

Source: OCPI 2.3.0, mod_tokens.asciidoc.
"""

import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Body, Party, Request, now
from hub.ocpi.modules import tokens
from hub.ocpi.objects import JSONObject

_WHITELIST = ("ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER")


def new_token(party: Party, wanted: Mapping[str, Any]) -> JSONObject:
    """Return a Token of ours with what is wanted of it; the rest is the plain case.

    Raises:
        InvalidParameters: it has no uid, or a whitelist the standard does not know.
    """
    if not wanted.get("uid"):
        raise InvalidParameters("$.uid: required")
    whitelist = wanted.get("whitelist") or "ALLOWED"
    if whitelist not in _WHITELIST:
        raise InvalidParameters(f"$.whitelist: not one of {', '.join(_WHITELIST)}")
    plain = {
        "type": "RFID",
        "contract_id": f"{party.country_code}-{party.party_id}-{str(wanted['uid'])[:24]}",
        "issuer": str(party),
        "valid": True,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    owned = {"country_code": party.country_code, "party_id": party.party_id}
    return plain | given | owned | {"whitelist": whitelist, "last_updated": now()}


#: Returns the AuthorizationInfo of a Token, or None for one that is not known: asked by a CPO, with uid and type, the
#: Token as it is on the shelf, and the LocationReferences where the CPO told any.
Judge = Callable[[Party | None, str, str, JSONObject | None, JSONObject | None], Coroutine[Any, Any, JSONObject | None]]


async def judge_by_token(
    cpo: Party | None, uid: str, kind: str, token: JSONObject | None, place: JSONObject | None
) -> JSONObject | None:
    """Return the AuthorizationInfo of a Token by itself: a valid one may charge everywhere."""
    if token is None:
        return None
    if not token["valid"]:
        return {"allowed": "BLOCKED", "token": token}
    info: JSONObject = {"allowed": "ALLOWED", "token": token, "authorization_reference": str(uuid.uuid4())}
    return info | {"location": place} if place else info


@dataclass(frozen=True)
class TokenTeller:
    """A Token is PUT, whole, to everyone; PUT with the same state changes nothing."""

    party: Party

    def asks(self, value: JSONObject) -> Request | None:
        """Nothing: a broadcast is not asked about, it is PUT again."""

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return the PUT; its type stands in the URL, for uid and type together identify a Token."""
        params = {
            "country_code": self.party.country_code,
            "party_id": self.party.party_id,
            "token_uid": value["uid"],
        }
        query = f"type={quote(value['type'], safe='')}"
        return [Request(tokens.put_token, None, None, params, query=query, body=Body(tokens.Token, value=value))]
