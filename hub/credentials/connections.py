"""The directory of who is connected: a picture of the store, replaced whole when something changes.

It is taken at the start and again whenever any process changes the store (channel
``connections``), well within a second.

Source: OCPI 2.3.0, credentials.asciidoc.
"""

import asyncio
import dataclasses
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from hub.credentials.pictures import Connection, Invited, Key, Picture, Status, readings
from hub.credentials.store import CHANNEL, PartyRole, Rows, Store
from hub.database.contract import DatabaseUnavailable
from hub.ocpi import codec
from hub.ocpi.errors import Unauthorized
from hub.ocpi.interfaces import InterfaceRole, Operation
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON
from hub.ocpi.quirks import Quirks
from hub.ocpi.versions import inner_version

__all__ = ["Connection", "Connections", "Invited", "PartyRole", "Status"]

log = logging.getLogger(__name__)

_MEMO_LIMIT = 10_000  # Authorization headers remembered
_FLIGHT = 120_000_000  # microseconds after which a PUT of ours under way is taken to have lost its answer

Watcher = Callable[[Connection | None, Connection | None], None]


class Connections:
    """The directory of one house."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._picture = Picture((), {})
        self._lock = asyncio.Lock()
        self._watchers: list[Watcher] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wanted = False
        self._revision = -1  # of the store when the picture was taken
        self._statuses: dict[str, Status] = {}  # set here, on their way into the store
        self._written: set[str] = set()  # of these, the ones a reload that begins now will find there
        self._retired: set[bytes] = set()  # hashes on their way out of the store

    async def start(self) -> None:
        """Load, and follow the store from now on.

        Raises:
            SecretUnavailable: the key is not the store's.
        """
        await self.store.check_key()
        self.store.database.listen(CHANNEL, self._heard_of_change)
        await self.reload()

    async def stop(self) -> None:
        """Finish what is being written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def watch(self, callback: Watcher) -> None:
        """Call back with (old, new) whenever a connection comes (old None), changes, or goes (new None)."""
        self._watchers.append(callback)

    # -- looking up -------------------------------------------------------------------------------

    def all(self) -> list[Connection]:
        """Return all connections, oldest first."""
        return list(self._picture.by_id.values())

    def by_id(self, connection_id: str) -> Connection | None:
        """Return the connection of an id."""
        return self._picture.by_id.get(connection_id)

    def having(self, party: Party) -> tuple[Connection, ...]:
        """Return the connections a party is on (one per role at most, usually one)."""
        return self._picture.having(party)

    def find(self, text: str) -> Connection | None:
        """Return the connection an operator means: its id, its name, or CC-PID of one of its parties."""
        return self._picture.find(text)

    def of(self, party: Party, operation: Operation) -> Connection:
        """Return the connection a request reaches a party by: of several, where its role fits and has the endpoint.

        Raises:
            UnknownReceiver: no platform provides for the party.
            ReceiverUnreachable: it is suspended, offline or yet to come.
        """
        return self._picture.of(party, operation)

    def opposite(self, sender: Party, caller: str | None, operation: Operation) -> list[tuple[Party, Connection]]:
        """Return who hears a Broadcast Push: every party of the opposite role with the Receiver interface, once.

        The role a sender acts in is that of the module's owner, if it has it (checklist BR-22).
        Nothing goes back to the platform it came from; OFFLINE ones are named, SUSPENDED ones not.

        Args:
            caller: the id of the connection the push came over.
        """
        return self._picture.opposite(sender, caller, operation)

    # -- authenticating ---------------------------------------------------------------------------

    def authenticate(self, authorization: str | None) -> Connection | Invited:
        """Return who presents a token, Base64-encoded or (from peers that do not encode) as it is.

        Raises:
            Unauthorized: there is no token, or nobody has it.
        """
        if authorization is None:
            raise Unauthorized("The Authorization header is missing")
        picture = self._picture
        key = picture.memo.get(authorization) or self._identify(picture, authorization)
        if key.until and key.until <= self.store.now():
            raise Unauthorized("This token is no longer valid")
        if key.settles:
            self._settle(picture, key)
        return key.caller

    def _identify(self, picture: Picture, authorization: str) -> Key:
        scheme, _, given = authorization.partition(" ")
        if scheme != "Token" or not given:
            raise Unauthorized("The Authorization header is not 'Token' and a credentials token")
        for token in readings(given):
            hashed = self.store.secrets.hash(token)
            key = picture.keys.get(hashed)
            if key is not None and hashed not in self._retired:
                if isinstance(key.caller, Connection) and key.caller.status == "SUSPENDED":
                    raise Unauthorized("This connection is suspended by its operator")
                caller = dataclasses.replace(key.caller, presented=token.decode())
                if len(picture.memo) >= _MEMO_LIMIT:
                    picture.memo.clear()
                found = picture.memo[authorization] = key._replace(caller=caller)
                return found
        raise Unauthorized

    def _settle(self, picture: Picture, key: Key) -> None:
        """A new token is used: the former ones end now, here at once and in the store soon."""
        for hashed, each in list(picture.keys.items()):
            if each.caller.id == key.caller.id and each.rank < key.rank:
                self._retired.add(hashed)
        self._install(Picture(picture.by_id.values(), {
            hashed: each._replace(settles=False) if hashed == key.hashed else each
            for hashed, each in picture.keys.items() if hashed not in self._retired
        }))  # fmt: skip
        self.keep(self.store.database.transact(
            lambda tx: self.store.retire_older(tx, key.caller.id, key.hashed)
        ), "retire tokens")  # fmt: skip

    # -- changing ---------------------------------------------------------------------------------

    def set_status(self, connection_id: str, status: Literal["CONNECTED", "OFFLINE"]) -> None:
        """Say whether a platform can be reached: known here at once, in the store soon."""
        old = self.by_id(connection_id)
        if old is None or old.status not in ("CONNECTED", "OFFLINE") or old.status == status:
            return
        self._statuses[connection_id] = status
        self._written.discard(connection_id)
        new = dataclasses.replace(old, status=status, changed=self.store.now())
        self._replace(old, new)
        self.keep(self._write_status(connection_id, status, old.status), f"status of {old.name}")

    async def _write_status(self, connection_id: str, status: Status, former: Status) -> None:
        try:
            revision = await self.store.database.transact(
                lambda tx: self.store.set_status(tx, connection_id, status, former)
            )
            if revision == self._revision + 1:  # nobody else changed anything: the picture has it already
                self._revision = revision
        finally:
            if self._statuses.get(connection_id) == status:
                self._written.add(connection_id)

    def learn(self, connection_id: str, **quirks: Any) -> None:
        """Remember a quirk a peer has shown."""
        old = self.by_id(connection_id)
        if old is None or all(getattr(old.quirks, name) == value for name, value in quirks.items()):
            return
        new = dataclasses.replace(old, quirks=dataclasses.replace(old.quirks, **quirks))
        self._replace(old, new)
        value = new.quirks.to_json()
        self.keep(self.store.database.transact(
            lambda tx: self.store.set_json(tx, connection_id, "quirks", value)
        ), f"quirks of {old.name}")  # fmt: skip

    def _replace(self, old: Connection, new: Connection) -> None:
        picture = self._picture
        keys = {
            hashed: each._replace(caller=new) if each.caller.id == old.id else each
            for hashed, each in picture.keys.items()
        }
        self._install(Picture([new if each is old else each for each in picture.by_id.values()], keys))

    def keep(self, work: Awaitable[Any], what: str) -> None:
        """Carry out a write nobody waits for; ``stop`` does."""

        async def run() -> None:
            try:
                await work
            except DatabaseUnavailable as error:
                log.error("%s is not written: %s", what, error)

        task = asyncio.create_task(run(), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- following the store ----------------------------------------------------------------------

    def _heard_of_change(self, payload: str) -> None:
        if payload in ("", self.store.house) and not self._wanted:
            self._wanted = True
            self.keep(self.catch_up(), "reload connections")

    async def catch_up(self) -> None:
        """Reload if the store has changed since the picture was taken."""
        self._wanted = False
        if await self.store.revision() != self._revision:
            await self.reload()

    async def reload(self) -> None:
        """Take the picture anew; what was committed before the call is in it."""
        async with self._lock:
            self._wanted = False
            for connection_id in self._written:
                del self._statuses[connection_id]
            self._written.clear()
            revision = await self.store.revision()
            rows = await self.store.load()
            self._retired &= {bytes(hashed) for _, hashed, *_ in rows.tokens}
            self._install(self._read(rows))
            self._revision = revision  # not before: whoever catches up meanwhile would take the old picture for new

    def _install(self, picture: Picture) -> None:
        before, self._picture = self._picture, picture
        for connection_id in before.by_id.keys() | picture.by_id.keys():
            old, new = before.by_id.get(connection_id), picture.by_id.get(connection_id)
            if old is not new:
                self._tell(old, new)

    def _tell(self, old: Connection | None, new: Connection | None) -> None:
        for watcher in self._watchers:
            try:
                watcher(old, new)
            except Exception:
                log.exception("a watcher of connections failed")

    def _read(self, rows: Rows) -> Picture:
        roles: dict[str, list[PartyRole]] = defaultdict(list)
        endpoints: dict[str, dict[tuple[str, InterfaceRole], str]] = defaultdict(dict)
        for connection_id, role, country_code, party_id, details in rows.roles:
            party = Party(country_code, party_id)
            roles[connection_id].append(PartyRole(role, party, codec.decode(details.encode())))
        for connection_id, module, role, url in rows.endpoints:
            endpoints[connection_id][module, role] = url
        connections = {}
        for row in rows.connections:
            new = self._connection(row, tuple(roles[row[0]]), endpoints[row[0]])
            old = self._picture.by_id.get(new.id)
            connections[new.id] = old if old is not None and _same(old, new) else new
        return Picture(connections.values(), self._keys(rows, connections))

    def _connection(
        self, row: tuple[Any, ...], roles: tuple[PartyRole, ...], endpoints: Mapping[tuple[str, InterfaceRole], str]
    ) -> Connection:
        connection_id, name, version, versions_url, token, status, accepted, quirks, options, _, changed, seen = row
        return Connection(
            id=connection_id,
            name=name,
            house=self.store.house,
            version=inner_version(version),
            spoken=version,
            roles=roles,
            endpoints=endpoints,
            versions_url=versions_url,
            token=self.store.secrets.open(bytes(token), connection_id),
            status=self._statuses.get(connection_id, status) if status != "SUSPENDED" else status,
            accepted=tuple(_json(accepted)),
            changed=changed,
            last_seen=seen,
            quirks=Quirks.from_json(_json(quirks)),
            options=_json(options),
        )

    def _keys(self, rows: Rows, connections: Mapping[str, Connection]) -> dict[bytes, Key]:
        keys: dict[bytes, Key] = {}
        oldest: dict[str, int] = {}
        for rank, (connection_id, hashed, kind, created, until) in enumerate(rows.tokens):
            caller, hashed = connections.get(connection_id), bytes(hashed)
            if caller is None or hashed in self._retired:
                continue
            lost = kind == "trial" and created + _FLIGHT < self.store.now()
            newer = oldest.setdefault(connection_id, rank) < rank
            settles = newer and (kind in ("current", "offered") or lost)
            keys[hashed] = Key(caller, hashed, until, settles, rank)
        for invitation_id, kind, name, hashed, roles, options, expires in rows.invitations:
            invited = Invited(id=invitation_id, name=name, kind=kind, roles=tuple(_json(roles)), options=_json(options))
            keys[bytes(hashed)] = Key(invited, bytes(hashed), expires)
        return keys


def _json(text: str) -> JSON:
    return codec.decode(text.encode())


def _same(old: Connection, new: Connection) -> bool:
    """Whether nothing but ``last_seen`` differs, so that the old one may stay."""
    return all(
        getattr(old, each.name) == getattr(new, each.name)
        for each in dataclasses.fields(Connection)
        if each.name not in ("last_seen", "changed", "presented")
    )
