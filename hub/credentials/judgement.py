"""What a Credentials object must be before anybody is registered by it.

Source: OCPI 2.3.0, credentials.asciidoc (Credentials object, CredentialsRole); OCPI 2.2.1 likewise.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from hub.credentials.connections import Connections
from hub.credentials.houses import House
from hub.credentials.store import PartyRole
from hub.ocpi.errors import InvalidParameters
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject

log = logging.getLogger(__name__)

#: The most (role, party) pairs of one platform.
MAX_ROLES = 1000

_COUNTRY_CODE = re.compile("[A-Z]{2}")
_PARTY_ID = re.compile("[A-Z0-9]{1,3}")


def check_token(token: str) -> None:
    """Refuse a token that cannot travel in a header.

    Raises:
        InvalidParameters: it is not 1 to 64 printable characters of ASCII without white space.
    """
    if not 1 <= len(token) <= 64 or not all("!" <= each <= "~" for each in token):
        raise InvalidParameters("$.token: must be 1 to 64 printable ASCII characters without white space")


def check_url(url: str) -> None:
    """Refuse a versions URL that is none; where it may lead is judged when it is called.

    Raises:
        InvalidParameters: it is no http or https URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise InvalidParameters("$.url: must be an http or https URL")


def roles_of(credentials: JSONObject) -> tuple[PartyRole, ...]:
    """Return the parties of a Credentials object; a hub of 2.3.0 (hub_party_id) has the role HUB, as one of 2.2.1 has.

    Raises:
        InvalidParameters: hub_party_id is no country code and party id.
    """
    roles = [
        PartyRole(each["role"], Party.of(each["country_code"], each["party_id"]), each["business_details"])
        for each in credentials["roles"]
    ]
    hub = credentials.get("hub_party_id")
    if hub:
        if not 3 <= len(hub) <= 5:
            raise InvalidParameters("$.hub_party_id: must be a country code of two characters and a party id")
        party = Party.of(hub[:2], hub[2:])
        if not any(each.role == "HUB" and each.party == party for each in roles):
            roles.insert(0, PartyRole("HUB", party, roles[0].business_details))
    return tuple(roles)


def invited_as(role: str, party: Party) -> str:
    """Return how an invitation says that it is for one party, where it does not say a role alone."""
    return f"{role} {party}"


def check_roles(
    roles: Iterable[PartyRole], accepted: Iterable[str], house: House, connections: Connections, own_id: str | None
) -> None:
    """Refuse ids that are none, roles the invitation excludes, our own parties, and parties another platform has.

    Args:
        own_id: the connection that is being updated, whose parties these may be.

    Raises:
        InvalidParameters: naming role and party.
    """
    roles, allowed, ours = tuple(roles), set(accepted), {each.party for each in house.roles}
    if len(roles) > MAX_ROLES:
        raise InvalidParameters(f"$.roles: at most {MAX_ROLES}, for every push goes to every party")
    for each in roles:
        _check_party(each.party)
        if allowed and each.role not in allowed and invited_as(each.role, each.party) not in allowed:
            raise InvalidParameters(
                f"$.roles: {each.role} {each.party} is not among those invited ({', '.join(sorted(allowed))})"
            )
        if each.party in ours:
            raise InvalidParameters(f"$.roles: {each.party} is the party you are registering at")
        for other in connections.having(each.party):
            if other.id != own_id and any(role[:2] == each[:2] for role in other.roles):
                taken = f"{each.party} as {each.role} is registered by another platform"
                log.warning(
                    "A platform is refused: %s, %r (%s); if it is the same one, come again because it lost its"
                    " credentials, 'emall party remove %s' frees the party",
                    taken, other.name, other.versions_url, other.id,
                )  # fmt: skip
                raise InvalidParameters(
                    f"$.roles: {taken}; who has lost its credentials asks our operator, whose log says what frees it"
                )


def _check_party(party: Party) -> None:
    # It becomes a segment of others' URLs, half of a name (NL-TNM) and a key: what could be read otherwise
    # there (.., a hyphen) is nobody's id.
    if not _COUNTRY_CODE.fullmatch(party.country_code):
        raise InvalidParameters("$.roles: country_code must be two letters (ISO 3166-1 alpha-2)")
    if not _PARTY_ID.fullmatch(party.party_id):
        raise InvalidParameters("$.roles: party_id must be one to three letters or digits (ISO 15118)")


def kept_roles(roles: tuple[PartyRole, ...], house: House) -> tuple[PartyRole, ...]:
    """Return the roles to keep: of a hub, one of our parties keeps the hub itself, not those reachable through it."""
    hubs = tuple(each for each in roles if each.role == "HUB")
    return hubs if hubs and house.hub_party is None else roles


def lower_case(credentials: JSONObject) -> bool:
    """Return whether a platform writes the ids of all its parties in lower case."""
    ids = "".join(each["country_code"] + each["party_id"] for each in credentials["roles"])
    return ids == ids.lower() != ids.upper()


def as_json(quirks: Mapping[str, Any], **found: bool) -> dict[str, Any]:
    """Return quirks with those found just now."""
    return {**quirks, **{name: True for name, shown in found.items() if shown}}
