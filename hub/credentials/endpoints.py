"""The reception's door: versions, version details and credentials of one house, which are never routed.

Source: OCPI 2.3.0, version_information_endpoint.asciidoc, credentials.asciidoc.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hub.credentials.connections import Connection, Connections, Invited
from hub.credentials.handshake import Handshake
from hub.credentials.houses import House
from hub.ocpi.client import Client
from hub.ocpi.errors import UnknownEndpoint
from hub.ocpi.objects import JSON
from hub.ocpi.versions import SPOKEN_AS

Caller = Connection | Invited


def _ignore(caller: Caller) -> None:
    """Where nobody watches whether callers are alive."""


@dataclass(frozen=True, kw_only=True)
class Reception:
    """Knows the tokens of a house and serves its Configuration Modules.

    Attributes:
        listener: told of every call (``Presence.heard``).
    """

    house: House
    connections: Connections
    client: Client
    listener: Callable[[Caller], None] = _ignore

    def authenticate(self, authorization: str | None) -> Caller:
        """Return who presents a token.

        Raises:
            Unauthorized: nobody has it.
        """
        return self.connections.authenticate(authorization)

    async def catch_up(self) -> None:
        """Take in what somebody has changed in the store without this process having heard of it yet."""
        await self.connections.catch_up()

    def heard(self, caller: Caller) -> None:
        """Note that a caller is alive."""
        self.listener(caller)

    def offers(self, caller: Caller, number: str) -> bool:
        """Whether a version is open to a caller: a deprecated one only if an operator allows it."""
        return number not in SPOKEN_AS or bool(caller.options.get("allow_2_2"))

    async def versions(self, caller: Caller) -> JSON:
        """Return the list of Version."""
        return self.house.versions(deprecated=self.offers(caller, "2.2"))

    async def version_details(self, caller: Caller, version: str) -> JSON:
        """Return VersionDetails.

        Raises:
            UnknownEndpoint: this version is not offered to this caller.
        """
        self._check(caller, version)
        return self.house.details(version, caller.custom_modules)

    async def credentials(self, caller: Caller, version: str, method: str, body: JSON, correlation_id: str) -> JSON:
        """Serve the credentials endpoint of a version.

        Args:
            method: GET, POST, PUT or DELETE; the others do not exist.
            body: of POST and PUT: a judged Credentials object.

        Raises:
            UnknownEndpoint: this version is not offered to this caller.
            MethodNotAllowed: by who is registered and who is not.
            InvalidParameters, UnableToUseClientApi, UnsupportedVersion, NoMatchingEndpoints: see ``Handshake``.
        """
        self._check(caller, version)
        handshake = Handshake(house=self.house, connections=self.connections, client=self.client)
        if method == "POST":
            return await handshake.post(caller, version, body, correlation_id)
        if method == "PUT":
            return await handshake.put(caller, version, body, correlation_id)
        if method == "DELETE":
            return await handshake.delete(caller)
        return handshake.get(caller, version)

    def _check(self, caller: Caller, version: str) -> None:
        if not self.offers(caller, version):
            raise UnknownEndpoint("There is no such OCPI version or endpoint")
