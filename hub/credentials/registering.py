"""The credentials handshake as its Sender: we register at a peer, renew the tokens, or leave.

Source: OCPI 2.3.0, credentials.asciidoc (Registration, Updating the credentials).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hub.credentials.connections import Connection, Connections
from hub.credentials.discovery import CREDENTIALS, Endpoints, Peer, best_version, http_status
from hub.credentials.handshake import new_id
from hub.credentials.houses import House
from hub.credentials.judgement import as_json, check_roles, check_token, check_url, kept_roles, lower_case, roles_of
from hub.credentials.secrets import new_token
from hub.credentials.store import HOUR, PartyRole, Registration
from hub.database.contract import Conflict, Transaction
from hub.ocpi import codec
from hub.ocpi.client import Client, Envelope
from hub.ocpi.errors import (
    InvalidParameters,
    NoMatchingEndpoints,
    OcpiError,
    ReceiverUnreachable,
    UnableToUseClientApi,
    UnsupportedVersion,
    error_for,
)
from hub.ocpi.messages import message_id
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.objects import JSONObject
from hub.ocpi.versions import VERSIONS, inner_version

log = logging.getLogger(__name__)


class RotationUnanswered(OcpiError):
    """The answer to our PUT was lost; both tokens are good until the new one is used. Try again later."""


@dataclass(frozen=True, kw_only=True)
class Registering:
    """The Sender of one house."""

    house: House
    connections: Connections
    client: Client

    async def register(
        self, url: str, token_a: str, *, name: str = "", options: Mapping[str, Any] | None = None
    ) -> Connection:
        """Register at a peer with the CREDENTIALS_TOKEN_A it gave us.

        The peer calls us back during our POST with the token it finds there: that token opens our
        versions and credentials from before the POST on.

        Raises:
            UnableToUseClientApi: it does not answer as it must.
            UnsupportedVersion: there is no mutual version.
            NoMatchingEndpoints: it lacks what we need; nothing was posted.
            InvalidParameters: its credentials cannot be accepted.
            OcpiError: what it refused us with.
        """
        chosen = dict(options or {})
        check_token(token_a)
        peer = Peer(self.client, url, token_a, correlation_id=message_id())
        version, endpoints = await self._look(peer, chosen)
        token, id_ = new_token(), new_id()
        store = self.connections.store
        until = store.now() + HOUR
        await store.database.transact(
            lambda tx: store.invite(
                tx, invitation_id=id_, kind="callback", name=name or url, token=token, options=chosen, expires=until
            )
        )
        try:
            await self.connections.reload()
            credentials = await self._post(peer, endpoints, version, token)
            try:
                found = self._judged(peer, credentials, version, endpoints, None)
                await self._keep(id_, name or _name_of(credentials), found, token, chosen)
            except (InvalidParameters, Conflict) as error:
                await self._undo(peer, endpoints, credentials)
                raise InvalidParameters(f"{url} registered us, but cannot be accepted: {error}") from error
        except BaseException:
            await store.database.transact(lambda tx: store.cancel_invitation(tx, id_))
            raise
        await self.connections.reload()
        registered = self.connections.by_id(id_)
        assert registered is not None, "it was just written"
        log.info("registered at %s as %s with %s", registered.name, id_, version)
        return registered

    async def _look(self, peer: Peer, options: Mapping[str, Any]) -> tuple[str, Endpoints]:
        """Choose the newest mutual version and check that it has what we need."""
        versions = await peer.versions()
        version = best_version(versions, deprecated=bool(options.get("allow_2_2")))
        if version is None:
            raise UnsupportedVersion(f"{peer.versions_url} lists {sorted(versions)}, we speak {sorted(VERSIONS)}")
        endpoints = await peer.endpoints(versions[version], ())
        missing = self.house.expects - endpoints.keys()
        if missing:
            names = ", ".join(f"{module} as {role}" for module, role in sorted(missing))
            raise NoMatchingEndpoints(f"{peer.versions_url} does not offer {names}")
        return version, endpoints

    async def _post(self, peer: Peer, endpoints: Endpoints, version: str, token: str) -> JSONObject:
        """Send our credentials and return the peer's.

        Raises:
            OcpiError: the peer's refusal, or ``UnableToUseClientApi`` for nonsense.
        """
        ours = self.house.credentials(version, token, self._reachable(None))
        answer = await peer.ask("POST", endpoints[CREDENTIALS], ours)
        _raise_for(answer, f"POST {endpoints[CREDENTIALS]}")
        return _read(answer, inner_version(version))

    def _judged(
        self, peer: Peer, credentials: JSONObject, version: str, endpoints: Endpoints, own: Connection | None
    ) -> Registration:
        roles = kept_roles(roles_of(credentials), self.house)
        check_roles(roles, own.accepted if own else (), self.house, self.connections, own.id if own else None)
        return self._registration(peer, credentials, version, endpoints, roles, own)

    @staticmethod
    def _registration(
        peer: Peer, credentials: JSONObject, version: str, endpoints: Endpoints, roles: tuple[PartyRole, ...],
        own: Connection | None,
    ) -> Registration:  # fmt: skip
        return Registration(
            version=version,
            versions_url=credentials["url"],
            token=credentials["token"],
            roles=roles,
            endpoints=endpoints,
            quirks=as_json(peer.quirks.to_json(), lower_case_ids=lower_case(credentials)),
            accepted=own.accepted if own else (),
        )

    async def _keep(self, id_: str, name: str, found: Registration, token: str, options: Mapping[str, Any]) -> None:
        store = self.connections.store

        async def work(tx: Transaction) -> None:
            await store.use_invitation(tx, id_)
            await store.add(tx, id_, name, found, token, options)

        await store.database.transact(work)

    async def _undo(self, peer: Peer, endpoints: Endpoints, credentials: JSONObject) -> None:
        """Unregister again at a peer that registered us."""
        registered = Peer(self.client, peer.versions_url, credentials["token"], quirks=peer.quirks)
        try:
            await registered.ask("DELETE", endpoints[CREDENTIALS])
        except OcpiError as error:
            log.warning("%s keeps us registered: %s", peer.versions_url, error)

    async def rotate(self, connection: Connection) -> Connection:
        """Give a peer a new token, and take the one it answers with.

        If the answer is lost, the old token and the new one both open until the new one is used.

        Raises:
            RotationUnanswered: it was.
            OcpiError: the peer's refusal; nothing has changed.
        """
        store, token = self.connections.store, new_token()
        peer = Peer(self.client, connection.versions_url, connection.token, quirks=connection.quirks)

        async def begin(tx: Transaction) -> None:
            await store.touch(tx)
            await store.put_token(tx, connection.id, token, "trial")

        await store.database.transact(begin)
        try:
            await self.connections.reload()
            found = await self._renewed(peer, connection, token)
        except RotationUnanswered:
            await self._settle_trial(token, "offered")
            raise
        except BaseException:
            await self._settle_trial(token, None)
            raise

        async def finish(tx: Transaction) -> None:
            await store.update(tx, connection.id, found)
            await store.replace_token(tx, connection.id, token)

        await store.database.transact(finish)
        await self.connections.reload()
        return self.connections.by_id(connection.id) or connection

    async def _renewed(self, peer: Peer, connection: Connection, token: str) -> Registration:
        """PUT our credentials and return what the peer says of itself now."""
        ours = self.house.credentials(connection.spoken, token, self._reachable(connection.id))
        url, endpoints = connection.endpoints[CREDENTIALS], dict(connection.endpoints)
        try:
            answer = await peer.ask("PUT", url, ours)
        except OcpiError as error:
            if isinstance(error, ReceiverUnreachable) or http_status(error) in range(400, 500):
                raise
            raise RotationUnanswered from error
        _raise_for(answer, f"PUT {url}")
        try:
            credentials = _read(answer, connection.version)
        except UnableToUseClientApi as error:
            raise RotationUnanswered from error
        try:
            return self._judged(peer, credentials, connection.spoken, endpoints, connection)
        except InvalidParameters as error:
            # The peer has changed its side already: take its token, keep the parties it was registered with.
            log.warning("the parties %s names at rotation are not taken: %s", connection.name, error)
            return self._registration(peer, credentials, connection.spoken, endpoints, connection.roles, connection)

    async def _settle_trial(self, token: str, kind: str | None) -> None:
        store = self.connections.store
        await store.database.transact(lambda tx: store.set_token_kind(tx, token, kind))
        await self.connections.reload()

    async def remove(self, connection: Connection) -> str | None:
        """Unregister at a peer, then here in any case; return why the peer could not be told, if so."""
        peer = Peer(self.client, connection.versions_url, connection.token, quirks=connection.quirks)
        trouble = None
        try:
            url = connection.endpoints[CREDENTIALS]
            _raise_for(await peer.ask("DELETE", url), f"DELETE {url}")
        except OcpiError as error:
            trouble = str(error)
        store = self.connections.store
        await store.database.transact(lambda tx: store.remove(tx, connection.id))
        await self.connections.reload()
        log.info("%s removed%s", connection.name, f"; it could not be told: {trouble}" if trouble else "")
        return trouble

    def _reachable(self, asking: str | None) -> list[Connection]:
        return [each for each in self.connections.all() if each.id != asking and each.status != "SUSPENDED"]


def _raise_for(answer: Envelope, what: str) -> None:
    if 1000 <= answer.status_code < 2000 and answer.http_status < 300:
        return
    said = f"{what}: it answered HTTP {answer.http_status}, OCPI {answer.status_code} {answer.status_message or ''}"
    raise error_for(answer.status_code if answer.status_code >= 2000 else 3000, said.rstrip())


def _read(answer: Envelope, version: str) -> JSONObject:
    """Return the Credentials a peer answered.

    Raises:
        UnableToUseClientApi: they are none.
    """
    try:
        VERSIONS[version].judge(codec.encode(answer.data), Credentials)
    except InvalidParameters as error:
        fault = "$.token: no credentials token" if str(error).startswith("$.token") else error  # it is a secret
        raise UnableToUseClientApi(f"the credentials answered: {fault}") from error
    given: JSONObject = answer.data
    try:
        check_token(given["token"])
        check_url(given["url"])
    except InvalidParameters as error:
        raise UnableToUseClientApi(f"the credentials answered: {error}") from error
    return given


def _name_of(credentials: JSONObject) -> str:
    """Return what to call a peer: the name of its first party, else its host."""
    name = credentials["roles"][0]["business_details"].get("name")
    return str(name or urlsplit(credentials["url"]).netloc)
