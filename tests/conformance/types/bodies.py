"""Every body a party sends another, and how it travels: a table of carriers, one request each.

A directed request is answered when it has arrived, so that the receiver's inbox tells at once what came.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.conformance.samples import at, cdr_token, example, response_url, unique
from tests.conformance.types.conftest import Pair
from tests.parties import PartyPlatform, Received, Reply

JSON = Any

COMMANDS = {
    "StartSession": "START_SESSION",
    "StopSession": "STOP_SESSION",
    "ReserveNow": "RESERVE_NOW",
    "CancelReservation": "CANCEL_RESERVATION",
    "UnlockConnector": "UNLOCK_CONNECTOR",
}

#: Each body of the two versions' functional modules that a party addresses to another.
BODIES = (
    "Location", "EVSE", "Connector", "Tariff", "Session", "CDR", "Token", "LocationReferences",
    "ChargingPreferences", "SetChargingProfile", "ActiveChargingProfile", *COMMANDS,
)  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """A body on its way from one party to another."""

    sender: PartyPlatform
    receiver: PartyPlatform
    method: str
    module: str
    role: str
    tail: str
    body: JSON
    query: dict[str, str] | None = None

    async def send(self, body: JSON | bytes = None, *, method: str | None = None) -> tuple[Reply, Received | None]:
        """Send it (or another body in its place), and return the answer and what arrived, if anything did."""
        content = body if isinstance(body, bytes) else _encoded(self.body if body is None else body)
        before = len(self.receiver.inbox)
        reply = await self.sender.call(
            method or self.method,
            self.module,
            self.tail,
            role=self.role,
            to=self.receiver.party,
            content=content,
            query=self.query,
        )
        came = [each for each in self.receiver.inbox[before:] if each.module == self.module and each.tail == self.tail]
        return reply, came[-1] if came else None

    def with_body(self, body: JSON) -> "Letter":
        """Return it with another body."""
        return replace(self, body=body)


def letter(name: str, size: str, pair: Pair) -> Letter:
    """Return an example of a body on its way, owned by who sends it."""
    cpo, emsp = pair
    body = _own(example(f"{name}.{size}", version=cpo.version), pair)
    return _WAYS.get(name, _command)(name, body, cpo, emsp)


def same(sent: JSON, came: JSON) -> bool:
    """Whether what came is what was sent, but for the URL of its result: that is lent (docs/errata.md, E-44)."""
    return bool(_bare(sent) == _bare(came))


def _bare(body: JSON) -> JSON:
    return {name: each for name, each in body.items() if name != "response_url"}


def _encoded(body: JSON) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _own(body: JSON, pair: Pair) -> JSON:
    """Give a body the ids of the parties that send it."""
    _, country_code, party_id = pair.emsp.roles[0]
    if "token" in body:
        body["token"] |= {"country_code": country_code, "party_id": party_id}
    if "cdr_token" in body:
        body["cdr_token"] |= cdr_token(pair.emsp, uid=body["cdr_token"]["uid"])
    if "response_url" in body:
        body["response_url"] = response_url(pair.emsp)
    for tariff in body.get("tariffs") or ():
        tariff |= dict(zip(("country_code", "party_id"), pair.cpo.roles[0][1:], strict=True))
    return body


def _owned(body: JSON, owner: PartyPlatform, **ids: str) -> JSON:
    _, country_code, party_id = owner.roles[0]
    return body | {"country_code": country_code, "party_id": party_id} | ids


def _client_owned(module: str, *below: str) -> Callable[..., Letter]:
    def way(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
        identifier = unique(module[:3].upper())
        if not below:
            body = _owned(body, cpo, id=identifier)
        else:
            body |= {"uid" if name == "EVSE" else "id": below[-1]}
        return Letter(cpo, emsp, "PUT", module, "RECEIVER", at(cpo, identifier, *below), body)

    return way


def _cdr(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(cpo, emsp, "POST", "cdrs", "RECEIVER", "", _owned(body, cpo, id=unique("CDR")))


def _token(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    uid = unique("UID")
    body = _owned(body, emsp, uid=uid)
    return Letter(emsp, cpo, "PUT", "tokens", "RECEIVER", at(emsp, uid), body, {"type": body["type"]})


def _authorize(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(cpo, emsp, "POST", "tokens", "SENDER", f"/{unique('UID')}/authorize", body)


def _preferences(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(emsp, cpo, "PUT", "sessions", "SENDER", f"/{unique('SES')}/charging_preferences", body)


def _profile(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(emsp, cpo, "PUT", "chargingprofiles", "RECEIVER", f"/{unique('SES')}", body)


def _active_profile(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(cpo, emsp, "PUT", "chargingprofiles", "SENDER", f"/{unique('SES')}", body)


def _command(name: str, body: JSON, cpo: PartyPlatform, emsp: PartyPlatform) -> Letter:
    return Letter(emsp, cpo, "POST", "commands", "RECEIVER", f"/{COMMANDS[name]}", body)


_WAYS: dict[str, Callable[..., Letter]] = {
    "Location": _client_owned("locations"),
    "EVSE": _client_owned("locations", "E1"),
    "Connector": _client_owned("locations", "E1", "1"),
    "Tariff": _client_owned("tariffs"),
    "Session": _client_owned("sessions"),
    "CDR": _cdr,
    "Token": _token,
    "LocationReferences": _authorize,
    "ChargingPreferences": _preferences,
    "SetChargingProfile": _profile,
    "ActiveChargingProfile": _active_profile,
}
