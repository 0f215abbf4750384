"""What a local platform says of itself: its versions, their details, its credentials.

Source: OCPI 2.3.0, version_information_endpoint.asciidoc, credentials.asciidoc (Credentials object);
OCPI 2.2.1 for what differs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.credentials.connections import Connection
from hub.credentials.store import PartyRole
from hub.ocpi.interfaces import REGISTRY, InterfaceRole
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.versions import SPOKEN_AS, VERSIONS, inner_version


@dataclass(frozen=True, kw_only=True)
class House:
    """One local platform and its OCPI address.

    Attributes:
        id: hub, cpms or emsp.
        base_url: ``https://host/ocpi``, without a slash at the end.
        roles: its own parties; a hub's has the role HUB.
        offered: its (module, interface role) pairs; None: all there are, as a hub has.
        expects: pairs a platform it registers at must have.
    """

    id: str
    base_url: str
    roles: tuple[PartyRole, ...]
    offered: frozenset[tuple[str, InterfaceRole]] | None = None
    expects: frozenset[tuple[str, InterfaceRole]] = frozenset()

    @property
    def versions_url(self) -> str:
        return f"{self.base_url}/versions"

    @property
    def hub_party(self) -> Party | None:
        """Its own party if it is a hub."""
        return next((each.party for each in self.roles if each.role == "HUB"), None)

    def versions(self, *, deprecated: bool = False) -> list[JSONObject]:
        """Return the list of Version; ``deprecated``: with 2.2."""
        numbers = [*SPOKEN_AS, *VERSIONS] if deprecated else [*VERSIONS]
        return [{"version": number, "url": f"{self.base_url}/{number}"} for number in sorted(numbers)]

    def details(self, number: str, custom: Iterable[str] = ()) -> JSONObject:
        """Return VersionDetails; custom modules are named to those alone who announced them."""
        pairs: list[tuple[str, str]] = [*self._modules(number)]
        pairs += [(module, role) for module in sorted(custom) for role in ("SENDER", "RECEIVER")]
        endpoints = [
            {"identifier": module, "role": role, "url": f"{self.base_url}/{number}/{role.lower()}/{module}"}
            for module, role in pairs
        ]
        credentials = {"identifier": "credentials", "role": "SENDER", "url": f"{self.base_url}/{number}/credentials"}
        return {"version": number, "endpoints": [credentials, *endpoints]}

    def _modules(self, number: str) -> Iterator[tuple[str, InterfaceRole]]:
        version = VERSIONS[inner_version(number)]
        for module in sorted(version.modules & REGISTRY.keys()):
            for interface in (REGISTRY[module].sender, REGISTRY[module].receiver):
                pair = (module, interface.role)
                here = pair in self.offered if self.offered is not None else self._hub_offers(*pair)
                if here and any(version.has(operation) for operation in interface.operations):
                    yield pair

    @staticmethod
    def _hub_offers(module: str, role: InterfaceRole) -> bool:
        return REGISTRY[module].functional or (module, role) == ("hubclientinfo", "SENDER")

    def credentials(self, number: str, token: str, reachable: Iterable[Connection] = ()) -> JSONObject:
        """Return the Credentials object for a platform that presents ``token``.

        Until 2.2.1 a hub names itself alone, with the role HUB. Since 2.3.0 there is no such role:
        ``hub_party_id`` names the hub, and the roles are those of the parties reachable through it.

        Args:
            reachable: the other connections; their parties are the hub's roles since 2.3.0.
        """
        said: JSONObject = {"token": token, "url": self.versions_url}
        hub = self.hub_party
        if hub is None or inner_version(number) == "2.2.1":
            return {**said, "roles": [_role(each) for each in self.roles]}
        roles = [each for connection in reachable for each in connection.roles if each.role != "HUB"]
        own = [each._replace(role="OTHER") if each.role == "HUB" else each for each in self.roles]
        # The list may not be empty, so a hub behind which nobody is yet names itself (docs/errata.md).
        return {**said, "hub_party_id": "".join(hub), "roles": [_role(each) for each in roles or own]}


def _role(each: PartyRole) -> JSON:
    return {
        "role": each.role,
        "business_details": each.business_details,
        "country_code": each.party.country_code,
        "party_id": each.party.party_id,
    }
