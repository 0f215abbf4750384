"""Our example objects as a test needs them: owned by its parties, named by its ids."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.parties import PartyPlatform, Received, Reply

JSON = Any
EXAMPLES = Path(__file__).parents[1] / "examples"
HUB = "NL-HUB"

_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """Return an id no other test of this run uses."""
    return f"{prefix}-{next(_numbers)}"


def example(name: str, owner: PartyPlatform | None = None, *, version: str = "2.2.1", **changes: Any) -> JSON:
    """Return an example object (``Location.full``), owned by the platform's first party."""
    value = json.loads((EXAMPLES / version / f"{name}.json").read_text())
    return value | (owned(owner) if owner is not None else {}) | changes


def owned(platform: PartyPlatform) -> dict[str, str]:
    """Return the fields that say whose an object is."""
    _, country_code, party_id = platform.roles[0]
    return {"country_code": country_code, "party_id": party_id}


def at(platform: PartyPlatform, *segments: str) -> str:
    """Return what follows the endpoint URL for an object of the platform's first party."""
    _, country_code, party_id = platform.roles[0]
    return "/" + "/".join((country_code, party_id, *segments))


def token(emsp: PartyPlatform, **changes: Any) -> JSON:
    """Return a Token of an eMSP."""
    return example("Token.minimal", emsp, version=emsp.version, **changes)


def cdr_token(emsp: PartyPlatform, **changes: Any) -> JSON:
    """Return the CdrToken of a Token of an eMSP."""
    whole = token(emsp) | changes
    return {name: whole[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


def session(cpo: PartyPlatform, emsp: PartyPlatform, **changes: Any) -> JSON:
    """Return a Session of a CPO with a Token of an eMSP."""
    known = {"id": unique("SESSION"), "cdr_token": cdr_token(emsp)}
    return example("Session.minimal", cpo, version=cpo.version, **known | changes)


def cdr(cpo: PartyPlatform, emsp: PartyPlatform, *, size: str = "minimal", **changes: Any) -> JSON:
    """Return a CDR of a CPO for an eMSP."""
    known = {"id": unique("CDR"), "cdr_token": cdr_token(emsp)}
    return example(f"CDR.{size}", cpo, version=cpo.version, **known | changes)


def response_url(asker: PartyPlatform, *segments: str) -> str:
    """Return a URL of the asker that a result can be posted to; its last segment is its own."""
    return "/".join((asker.url("commands", "SENDER"), *(segments or ("START_SESSION", unique("ask")))))


def command(name: str, emsp: PartyPlatform, **changes: Any) -> JSON:
    """Return the body of a command an eMSP sends; its Token, if it has one, is the eMSP's."""
    body = example(f"{name}.minimal", version=emsp.version, response_url=response_url(emsp))
    if "token" in body:
        body["token"] = token(emsp)
    return body | changes


def path_of(url: str, origin: str) -> str:
    """Return the path of a URL that lies at an origin.

    Raises:
        AssertionError: it lies elsewhere.
    """
    assert url.startswith(origin + "/"), f"{url} does not lie at {origin}"
    return url.removeprefix(origin)


async def arrival(platform: PartyPlatform, **wanted: Any) -> Received:
    """Return the one request of this kind that reaches a platform.

    Raises:
        AssertionError: none comes, or several came.
    """
    (found,) = await platform.received(**wanted)
    return found


async def report(party: PartyPlatform, url: str, result: JSON, *, to: str | None = None, **rest: Any) -> Reply:
    """POST a result to a URL that was lent to a party, with routing headers if ``to`` names a receiver."""
    headers = dict(rest.pop("headers", {}))
    if to is not None:
        for way, named in (("from", party.party), ("to", to)):
            country_code, _, party_id = named.partition("-")
            headers |= {f"OCPI-{way}-country-code": country_code, f"OCPI-{way}-party-id": party_id}
    return await party.send("POST", url, body=result, headers=headers, **rest)


def heard(platform: PartyPlatform, module: str) -> list[Received]:
    """Return what has reached a platform of one module so far."""
    return [each for each in platform.inbox if each.module == module]


async def first(platform: PartyPlatform, matches: Callable[[JSON], bool], **wanted: Any) -> JSON:
    """Return the body of the first request of this kind that matches, once it reaches a platform.

    Raises:
        AssertionError: none comes.
    """
    seen = 0
    while True:
        came = await platform.received(seen + 1, **wanted)
        for each in came[seen:]:
            if matches(each.json):
                return each.json
        seen = len(came)
