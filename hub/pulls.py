"""Getting in sync: the hub pulls what a party offers when it joins and when it returns.

Nothing is replayed to or by a party that was away; what it missed it pulls, and what the hub missed
the hub pulls, from the Sender interfaces, page by page from the last moment it knows of. One object
that breaks its rules does not spoil the page it stands on.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Pull and Push, GET, Offline behaviour).
"""

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from hub.catalogue import PUBLIC, Catalogue
from hub.credentials.connections import Connection
from hub.database import Database, Transaction
from hub.keeping import LISTS, declared, fold, token_key
from hub.ocpi import codec
from hub.ocpi.client import Client
from hub.ocpi.errors import OcpiError
from hub.ocpi.interfaces import REGISTRY
from hub.ocpi.messages import Party, message_id
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import microseconds
from hub.ocpi.versions import VERSIONS
from hub.ocpi.versions.steps import Version

log = logging.getLogger(__name__)

#: Sessions and CDRs of longer ago than this are not asked for at the first pull.
_FIRST_PULL = datetime.timedelta(days=1)
_AT_ONCE = 100  # objects judged and kept before others have their turn


@dataclass(frozen=True)
class _Found:
    """An object a party offered, judged and addressed."""

    owner: Party
    key: str
    peer: str
    text: bytes
    moment: int


@dataclass
class Pulls:
    """Pulls from parties, one pull per connection at a time.

    Attributes:
        learn: remembers what a connection shows of its quirks (``Connections.learn``).
    """

    hub: Party
    database: Database
    catalogue: Catalogue
    client: Client
    learn: Callable[..., None]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, connection: Connection) -> None:
        """Pull from a connection in the background, unless a pull of it is under way."""
        running = self._tasks.get(connection.id)
        if running is not None and not running.done():
            return
        self._tasks[connection.id] = asyncio.create_task(self.pull(connection), name=f"pull {connection.name}")

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def pull(self, connection: Connection) -> None:
        """Pull every list a connection offers; a list that fails is logged and leaves the others."""
        for (module, path), kind in LISTS.items():
            url = connection.endpoints.get((module, "SENDER"))
            if url is None or kind == "bookings" or module not in VERSIONS[connection.version].modules:
                continue
            for party in _owning(connection, module):
                try:
                    await self._pull_list(connection, party, kind, url.rstrip("/") + path)
                except OcpiError as error:
                    log.warning("pull of %s from %s: %s", kind, party, error)

    async def _pull_list(self, connection: Connection, party: Party, kind: str, url: str) -> None:
        since = await self._since(connection, party, kind)
        headers = {
            "OCPI-from-country-code": self.hub.country_code,
            "OCPI-from-party-id": self.hub.party_id,
            "OCPI-to-country-code": party.country_code,
            "OCPI-to-party-id": party.party_id,
        }
        version = VERSIONS[connection.version]
        pages = self.client.pages(
            url, connection.token, quirks=connection.quirks, date_from=since, correlation_id=message_id(),
            headers=headers, shown=partial(self.learn, connection.id),
        )  # fmt: skip
        until = 0
        async for page in pages:
            for first in range(0, len(page), _AT_ONCE):  # a page may have any size; others want their turn
                found = list(_judged(page[first : first + _AT_ONCE], kind, version, connection))
                if found:
                    until = max(until, await self._keep(kind, version, found))
                await asyncio.sleep(0)
        if until:
            # Not before the last page: a list has no order by date, and what a pull that broke off missed may be older.
            await self._note(connection, party, kind, until)

    async def _keep(self, kind: str, version: Version, found: list[_Found]) -> int:
        """Keep a page, and return the latest last_updated on it."""

        async def work(tx: Transaction) -> None:
            for each in found:
                await self.catalogue.keep_pulled(
                    tx, kind, each.owner, each.key, each.peer, version.number, each.text, each.moment
                )

        await self.database.transact(work)
        return max(each.moment for each in found)

    async def _note(self, connection: Connection, party: Party, kind: str, until: int) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO hub_pull (connection_id, party, kind, until) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (connection_id, party, kind) DO UPDATE SET until ="
                " CASE WHEN hub_pull.until > $4 THEN hub_pull.until ELSE $4 END",
                connection.id, str(party), kind, until,
            )  # fmt: skip

        await self.database.transact(work)

    async def _since(self, connection: Connection, party: Party, kind: str) -> str | None:
        """Return date_from of the next pull: inclusive, so the last moment known is asked for again."""
        rows = await self.database.fetch(
            "SELECT until FROM hub_pull WHERE connection_id = $1 AND party = $2 AND kind = $3",
            connection.id, str(party), kind,
        )  # fmt: skip
        if rows:
            return _moment(datetime.datetime.fromtimestamp(rows[0][0] / 1_000_000, datetime.UTC))
        if kind in ("sessions", "cdrs"):
            return _moment(datetime.datetime.now(datetime.UTC) - _FIRST_PULL)
        return None


def _moment(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _owning(connection: Connection, module: str) -> Iterator[Party]:
    """Yield the connection's parties in the role that owns a module's objects."""
    owner = REGISTRY[module].owner
    yield from dict.fromkeys(role.party for role in connection.roles if role.role == owner)


def _judged(page: list[JSON], kind: str, version: Version, connection: Connection) -> Iterator[_Found]:
    for value in page:
        text = codec.encode(value)
        try:
            version.judge(text, declared(kind))
            yield _addressed(value, text, kind, connection)
        except OcpiError as error:
            log.warning("pull of %s from %s: an object is left out: %s", kind, connection.name, error)


def _addressed(value: JSONObject, text: bytes, kind: str, connection: Connection) -> _Found:
    owner = Party.of(value["country_code"], value["party_id"])
    if owner not in connection.parties:
        raise OcpiError(f"{owner} is no party of this platform")
    key = token_key(value["uid"], value["type"]) if kind == "tokens" else fold(value["id"])
    peer = PUBLIC
    if kind in ("sessions", "cdrs"):
        token = value["cdr_token"]
        peer = str(Party.of(token["country_code"], token["party_id"]))
    return _Found(owner, key, peer, text, microseconds(value["last_updated"]))
