"""The credentials handshake as its Receiver: a platform registers here, changes, or leaves.

Everything is found out and judged before anything is written, and what is written is written in
one transaction: a handshake that fails leaves nothing half done and does not burn the token.

Source: OCPI 2.3.0, credentials.asciidoc; OCPI 2.2.1 likewise.
"""

import logging
import secrets as random
from dataclasses import dataclass

from hub.credentials.connections import Connection, Connections, Invited
from hub.credentials.discovery import Peer
from hub.credentials.houses import House
from hub.credentials.judgement import as_json, check_roles, check_token, check_url, kept_roles, lower_case, roles_of
from hub.credentials.secrets import new_token
from hub.credentials.store import Gone, Registration
from hub.database.contract import Conflict, Transaction
from hub.ocpi.client import Client
from hub.ocpi.errors import InvalidParameters, MethodNotAllowed, Unauthorized, UnsupportedVersion
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.quirks import Quirks

log = logging.getLogger(__name__)

Caller = Connection | Invited


def new_id() -> str:
    """Return a new connection's id, short enough to be typed."""
    return random.token_hex(4)


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """The Receiver of one house."""

    house: House
    connections: Connections
    client: Client

    def get(self, caller: Caller, version: str) -> JSON:
        """Return the credentials in force: the token is the one the caller has."""
        return self._credentials(version, caller.presented, caller.id)

    async def post(self, caller: Caller, version: str, credentials: JSONObject, correlation_id: str) -> JSON:
        """Register a platform and return its Credentials.

        Raises:
            MethodNotAllowed: it is registered already.
            InvalidParameters: its credentials cannot be accepted.
            UnableToUseClientApi, UnsupportedVersion, NoMatchingEndpoints: so says the look at its API.
            Unauthorized: the invitation was used meanwhile.
        """
        if not isinstance(caller, Invited) or caller.kind != "invitation":
            raise MethodNotAllowed("This platform is registered; PUT changes its credentials", allow=_REGISTERED)
        found = await self._examine(caller, version, credentials, correlation_id)
        connection_id, token, store = new_id(), new_token(), self.connections.store

        async def work(tx: Transaction) -> None:
            await store.use_invitation(tx, caller.id)
            await store.add(tx, connection_id, caller.name, found, token, caller.options)

        try:
            await store.database.transact(work)
        except Gone as error:
            raise Unauthorized("This CREDENTIALS_TOKEN_A has been used") from error
        except Conflict as error:
            raise InvalidParameters(
                "$.roles: another platform has registered one of these parties meanwhile"
            ) from error
        await self.connections.reload()
        log.info("%s registered as %s with %s", caller.name, connection_id, version)
        return self._credentials(version, token, connection_id)

    async def put(self, caller: Caller, version: str, credentials: JSONObject, correlation_id: str) -> JSON:
        """Change a platform's credentials, and with them perhaps the version; return its new Credentials.

        The former token stays good until the new one is used, at the latest an hour: an answer that
        is lost locks nobody out.

        Raises:
            MethodNotAllowed: it is not registered.
            InvalidParameters, UnableToUseClientApi, UnsupportedVersion, NoMatchingEndpoints: as for ``post``.
        """
        if not isinstance(caller, Connection):
            raise MethodNotAllowed("This platform is not registered; POST registers it", allow=_INVITED)
        found = await self._examine(caller, version, credentials, correlation_id)
        token, store = new_token(), self.connections.store

        async def work(tx: Transaction) -> None:
            await store.update(tx, caller.id, found)
            await store.replace_token(tx, caller.id, token)

        try:
            await store.database.transact(work)
        except Gone as error:
            raise Unauthorized("This connection has been removed") from error
        except Conflict as error:
            raise InvalidParameters(
                "$.roles: another platform has registered one of these parties meanwhile"
            ) from error
        await self.connections.reload()
        log.info("%s changed its credentials, with %s", caller.name, version)
        return self._credentials(version, token, caller.id)

    async def delete(self, caller: Caller) -> None:
        """Forget a platform: its token ends, its parties are free.

        Raises:
            MethodNotAllowed: it is not registered.
        """
        if not isinstance(caller, Connection):
            raise MethodNotAllowed("This platform is not registered", allow=_INVITED)
        store = self.connections.store
        await store.database.transact(lambda tx: store.remove(tx, caller.id))
        await self.connections.reload()
        log.info("%s unregistered", caller.name)

    async def _examine(
        self, caller: Caller, version: str, credentials: JSONObject, correlation_id: str
    ) -> Registration:
        """Find out all about a platform, in the version of the endpoint it called."""
        accepted = caller.accepted if isinstance(caller, Connection) else caller.roles
        known = caller.quirks if isinstance(caller, Connection) else Quirks()
        own_id = caller.id if isinstance(caller, Connection) else None
        check_token(credentials["token"])
        check_url(credentials["url"])
        roles = kept_roles(roles_of(credentials), self.house)
        check_roles(roles, accepted, self.house, self.connections, own_id)
        peer = Peer(
            self.client, credentials["url"], credentials["token"], correlation_id=correlation_id or None, quirks=known
        )
        versions = await peer.versions()
        if version not in versions:
            raise UnsupportedVersion(f"{credentials['url']} does not list {version} but {sorted(versions)}")
        endpoints = await peer.endpoints(versions[version], {each.role for each in roles})
        return Registration(
            version=version,
            versions_url=credentials["url"],
            token=credentials["token"],
            roles=roles,
            endpoints=endpoints,
            quirks=as_json(peer.quirks.to_json(), lower_case_ids=lower_case(credentials)),
            accepted=accepted,
        )

    def _credentials(self, version: str, token: str, asking: str) -> JSONObject:
        reachable = [each for each in self.connections.all() if each.id != asking and each.status != "SUSPENDED"]
        return self.house.credentials(version, token, reachable)


_REGISTERED = ("DELETE", "GET", "PUT")
_INVITED = ("GET", "POST")
