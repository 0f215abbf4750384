"""The reception's rows, in plain SQL: read whole into memory, written in one transaction each.

Every write takes the house's revision first: so writers of one house come one after another, a
reader can tell that what it read was of one moment, and changes of HubClientInfo have an order.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub.credentials.secrets import OTHER_KEY, Secrets, SecretUnavailable
from hub.database.contract import Database, Row, Transaction
from hub.ocpi import codec
from hub.ocpi.interfaces import InterfaceRole
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON

CHANNEL = "connections"
HOUR = 3_600_000_000  # in microseconds

Clock = Callable[[], float]


class PartyRole(NamedTuple):
    """A party in one role."""

    role: str
    party: Party
    business_details: JSON


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a handshake found out about a platform.

    Attributes:
        token: what we shall send it.
        accepted: the roles it may register; empty: any.
    """

    version: str
    versions_url: str
    token: str = field(repr=False)
    roles: tuple[PartyRole, ...]
    endpoints: Mapping[tuple[str, InterfaceRole], str]
    quirks: Mapping[str, Any]
    accepted: tuple[str, ...] = ()


class Rows(NamedTuple):
    """All rows of a house, of one moment."""

    invitations: list[Row]
    connections: list[Row]
    tokens: list[Row]
    roles: list[Row]
    endpoints: list[Row]


class Gone(Exception):
    """Somebody else has used the invitation, or removed the connection, meanwhile."""


_MARK = (
    "INSERT INTO credentials_mark (name, value) VALUES ($1, 1) ON CONFLICT (name)"
    " DO UPDATE SET value = credentials_mark.value + 1 RETURNING value"
)


class Store:
    """One house's part of the reception's tables.

    Args:
        house: hub, cpms or emsp.
        clock: seconds since 1970, UTC.
    """

    def __init__(self, database: Database, secrets: Secrets, house: str, clock: Clock = time.time) -> None:
        self.database = database
        self.secrets = secrets
        self.house = house
        self._clock = clock

    def now(self) -> int:
        """Return this moment in microseconds since 1970, to the millisecond OCPI says it with."""
        return int(self._clock() * 1000) * 1000

    async def touch(self, tx: Transaction) -> int:
        """Begin a change of the house: return its revision, and tell every process once it is committed."""
        rows = await tx.fetch(_MARK, f"revision:{self.house}")
        tx.notify(CHANNEL, self.house)
        return int(rows[0][0])

    async def check_key(self) -> None:
        """Refuse a key other than the one the store was begun with.

        Raises:
            SecretUnavailable: it is another.
        """

        async def work(tx: Transaction) -> int:
            put = "INSERT INTO credentials_mark (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING"
            await tx.execute(put, self.secrets.check)
            return int((await tx.fetch("SELECT value FROM credentials_mark WHERE name = 'key'"))[0][0])

        if await self.database.transact(work) != self.secrets.check:
            raise SecretUnavailable(OTHER_KEY)

    async def load(self) -> Rows:
        """Return all rows, read again if something was changed between the first and the last."""
        revision = -1
        while revision != (revision := await self.revision()):
            rows = Rows(
                await self._rows("id, kind, name, token, roles, options, expires", "invitation", "created, id"),
                await self._rows(
                    "id, name, version, versions_url, token, status, accepted, quirks, options, created, changed,"
                    " last_seen",
                    "connection",
                    "created, id",
                ),
                await self._rows("connection_id, hash, kind, created, until", "token", "id"),
                await self._rows("connection_id, role, country_code, party_id, business_details", "role", "id"),
                await self._rows("connection_id, module, role, url", "endpoint", "id"),
            )
        return rows

    async def revision(self, name: str = "revision") -> int:
        """Return a counter of the house."""
        rows = await self.database.fetch("SELECT value FROM credentials_mark WHERE name = $1", f"{name}:{self.house}")
        return int(rows[0][0]) if rows else 0

    async def _rows(self, columns: str, table: str, order: str) -> list[Row]:
        sql = f"SELECT {columns} FROM credentials_{table} WHERE house = $1 ORDER BY {order}"  # noqa: S608 -- our own names
        return await self.database.fetch(sql, self.house)

    # -- invitations ------------------------------------------------------------------------------

    async def invite(
        self, tx: Transaction, *, invitation_id: str, kind: str, name: str, token: str, roles: Iterable[str] = (),
        options: Mapping[str, Any] | None = None, expires: int = 0,
    ) -> None:  # fmt: skip
        """Keep a token that opens versions and credentials."""
        await self.touch(tx)
        await tx.execute(
            "INSERT INTO credentials_invitation (id, house, kind, name, token, roles, options, created, expires)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            invitation_id, self.house, kind, name, self.secrets.hash(token.encode()), _text(list(roles)),
            _text(dict(options or {})), self.now(), expires,
        )  # fmt: skip

    async def plan(self, tx: Transaction, invitation_id: str, roles: Iterable[tuple[str, Party]]) -> None:
        """Say that parties nobody is connected for are to come."""
        revision = await self.touch(tx)
        for role, party in roles:
            sql = (
                "SELECT 1 FROM credentials_role WHERE house = $1 AND role = $2 AND country_code = $3 AND party_id = $4"
            )
            if not await tx.fetch(sql, self.house, role, *party):
                await self.tell(tx, invitation_id, role, party, "PLANNED", revision)

    async def use_invitation(self, tx: Transaction, invitation_id: str) -> None:
        """Take an invitation away; it is good for one registration.

        Raises:
            Gone: it is not there any more.
        """
        await self.touch(tx)
        sql = "DELETE FROM credentials_invitation WHERE id = $1 AND house = $2"
        if await tx.execute(sql, invitation_id, self.house) != 1:
            raise Gone

    async def cancel_invitation(self, tx: Transaction, invitation_id: str) -> bool:
        """Take an invitation back, if it is still there."""
        await self.touch(tx)
        sql = "DELETE FROM credentials_invitation WHERE id = $1 AND house = $2"
        return await tx.execute(sql, invitation_id, self.house) == 1

    # -- connections ------------------------------------------------------------------------------

    async def add(
        self,
        tx: Transaction,
        connection_id: str,
        name: str,
        registration: Registration,
        token: str,
        options: Mapping[str, Any],
    ) -> None:
        """Keep a new connection; ``token`` is what the platform shall present."""
        revision, at = await self.touch(tx), self.now()
        await tx.execute(
            "INSERT INTO credentials_connection (id, house, name, version, versions_url, token, status, accepted,"
            " quirks, options, created, changed, last_seen)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'CONNECTED', $7, $8, $9, $10, $10, $10)",
            connection_id, self.house, await self._free_name(tx, name), registration.version, registration.versions_url,
            self.secrets.seal(registration.token, connection_id), _text(registration.accepted),
            _text(dict(registration.quirks)), _text(dict(options)), at,
        )  # fmt: skip
        await self.put_token(tx, connection_id, token, "current")
        await self._put_parts(tx, connection_id, registration)
        await self._tell_all(tx, connection_id, registration.roles, "CONNECTED", revision)

    async def update(self, tx: Transaction, connection_id: str, registration: Registration) -> None:
        """Replace all a handshake finds out about a platform; its status is left alone."""
        revision = await self.touch(tx)
        rows = await tx.fetch(
            "UPDATE credentials_connection SET version = $2, versions_url = $3, token = $4, quirks = $5"
            " WHERE id = $1 RETURNING status",
            connection_id, registration.version, registration.versions_url,
            self.secrets.seal(registration.token, connection_id), _text(dict(registration.quirks)),
        )  # fmt: skip
        if not rows:
            raise Gone
        for table in ("role", "endpoint"):
            await tx.execute(f"DELETE FROM credentials_{table} WHERE connection_id = $1", connection_id)  # noqa: S608
        await self._put_parts(tx, connection_id, registration)
        await self._tell_all(tx, connection_id, registration.roles, rows[0][0], revision)

    async def remove(self, tx: Transaction, connection_id: str) -> bool:
        """Forget a connection and free its parties; they stay known as SUSPENDED."""
        revision = await self.touch(tx)
        for table in ("role", "endpoint", "token"):
            await tx.execute(f"DELETE FROM credentials_{table} WHERE connection_id = $1", connection_id)  # noqa: S608
        await self._tell_all(tx, connection_id, (), "SUSPENDED", revision)
        return await tx.execute("DELETE FROM credentials_connection WHERE id = $1", connection_id) == 1

    async def set_status(self, tx: Transaction, connection_id: str, status: str, *among: str) -> int:
        """Change a connection's status if it is one of those named; return the revision."""
        revision, at = await self.touch(tx), self.now()
        for former in among:
            sql = "UPDATE credentials_connection SET status = $2, changed = $3 WHERE id = $1 AND status = $4"
            if await tx.execute(sql, connection_id, status, at, former):
                await tx.execute(
                    "UPDATE credentials_client_info SET status = $3, changed = $4, revision = $5 WHERE house = $1"
                    " AND connection_id = $2 AND status = $6",
                    self.house, connection_id, status, at, revision, former,
                )  # fmt: skip
                break
        return revision

    async def set_json(self, tx: Transaction, connection_id: str, column: str, value: Mapping[str, Any]) -> None:
        """Replace a connection's quirks or options."""
        assert column in ("quirks", "options"), column
        await self.touch(tx)
        sql = f"UPDATE credentials_connection SET {column} = $2 WHERE id = $1"  # noqa: S608
        await tx.execute(sql, connection_id, _text(dict(value)))

    async def seen(self, tx: Transaction, moments: Iterable[tuple[str, int]]) -> None:
        """Note when connections were last heard; nobody is told, for nothing is decided by it here."""
        sql = "UPDATE credentials_connection SET last_seen = $2 WHERE id = $1 AND last_seen < $2"
        await tx.executemany(sql, list(moments))

    async def _free_name(self, tx: Transaction, name: str) -> str:
        sql = "SELECT name FROM credentials_connection WHERE house = $1"
        taken = {row[0] for row in await tx.fetch(sql, self.house)}
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name} {number}", number + 1
        return candidate

    async def _put_parts(self, tx: Transaction, connection_id: str, registration: Registration) -> None:
        await tx.executemany(
            "INSERT INTO credentials_role (house, connection_id, role, country_code, party_id, business_details)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            [
                (self.house, connection_id, each.role, *each.party, _text(each.business_details))
                for each in registration.roles
            ],
        )
        await tx.executemany(
            "INSERT INTO credentials_endpoint (house, connection_id, module, role, url) VALUES ($1, $2, $3, $4, $5)",
            [(self.house, connection_id, module, role, url) for (module, role), url in registration.endpoints.items()],
        )

    # -- tokens -----------------------------------------------------------------------------------

    async def put_token(self, tx: Transaction, connection_id: str, token: str, kind: str, until: int = 0) -> None:
        """Take a token from a platform from now on."""
        await tx.execute(
            "INSERT INTO credentials_token (house, connection_id, hash, kind, created, until)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            self.house, connection_id, self.secrets.hash(token.encode()), kind, self.now(), until,
        )  # fmt: skip

    async def replace_token(self, tx: Transaction, connection_id: str, token: str) -> None:
        """Make a token the current one; the others stay good until it is used, at the latest an hour."""
        hashed = self.secrets.hash(token.encode())
        await tx.execute("DELETE FROM credentials_token WHERE connection_id = $1 AND hash = $2", connection_id, hashed)
        until = self.now() + HOUR
        await tx.execute(
            "UPDATE credentials_token SET kind = 'former', until = CASE WHEN until > 0 AND until < $2 THEN until"
            " ELSE $2 END WHERE connection_id = $1",
            connection_id, until,
        )  # fmt: skip
        await self.put_token(tx, connection_id, token, "current")

    async def set_token_kind(self, tx: Transaction, token: str, kind: str | None) -> None:
        """Change what a token is; None: it is nothing any more."""
        await self.touch(tx)
        hashed = self.secrets.hash(token.encode())
        if kind is None:
            await tx.execute("DELETE FROM credentials_token WHERE house = $1 AND hash = $2", self.house, hashed)
            return
        await tx.execute(
            "UPDATE credentials_token SET kind = $3 WHERE house = $1 AND hash = $2", self.house, hashed, kind
        )

    async def retire_older(self, tx: Transaction, connection_id: str, hashed: bytes) -> None:
        """End the tokens of a connection that are older than the one it was seen to use."""
        await self.touch(tx)
        await tx.execute(
            "DELETE FROM credentials_token WHERE connection_id = $1"
            " AND id < (SELECT max(id) FROM credentials_token WHERE hash = $2)",
            connection_id, hashed,
        )  # fmt: skip
        await tx.execute("UPDATE credentials_token SET kind = 'current', until = 0 WHERE hash = $1", hashed)

    # -- HubClientInfo ----------------------------------------------------------------------------

    async def tell(
        self,
        tx: Transaction,
        connection_id: str,
        role: str,
        party: Party,
        status: str,
        revision: int,
    ) -> None:
        """Say a party's status; one that is not changed keeps its date."""
        await tx.execute(
            "INSERT INTO credentials_client_info (house, role, country_code, party_id, connection_id, status, changed,"
            " revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (house, role, country_code, party_id)"
            " DO UPDATE SET connection_id = excluded.connection_id, status = excluded.status,"
            " changed = CASE WHEN credentials_client_info.status = excluded.status"
            " THEN credentials_client_info.changed ELSE excluded.changed END,"
            " revision = CASE WHEN credentials_client_info.status = excluded.status"
            " THEN credentials_client_info.revision ELSE excluded.revision END",
            self.house, role, *party, connection_id, status, self.now(), revision,
        )  # fmt: skip

    async def _tell_all(
        self,
        tx: Transaction,
        connection_id: str,
        roles: Iterable[PartyRole],
        status: str,
        revision: int,
    ) -> None:
        """Say the status of a connection's parties; those it has no longer are SUSPENDED."""
        told = [each for each in roles if each.role != "HUB"]
        sql = "SELECT role, country_code, party_id FROM credentials_client_info WHERE house = $1 AND connection_id = $2"
        present = {(each.role, *each.party) for each in told}
        for role, *party in await tx.fetch(sql, self.house, connection_id):
            if (role, *party) not in present:
                await self.tell(tx, connection_id, role, Party(*party), "SUSPENDED", revision)
        for each in told:
            await self.tell(tx, connection_id, each.role, each.party, status, revision)

    async def client_info(self, where: str, *args: Any) -> list[Row]:
        """Return (seq, role, country_code, party_id, connection_id, status, changed, revision) of the house."""
        sql = (
            "SELECT seq, role, country_code, party_id, connection_id, status, changed, revision"  # noqa: S608 -- our own
            f" FROM credentials_client_info WHERE house = $1 AND {where}"
        )
        return await self.database.fetch(sql, self.house, *args)

    async def set_told(self, revision: int) -> None:
        """Remember up to which revision the changes were told."""
        put = (
            "INSERT INTO credentials_mark (name, value) VALUES ($1, $2) ON CONFLICT (name)"
            " DO UPDATE SET value = excluded.value"
        )
        await self.database.transact(lambda tx: tx.execute(put, f"told:{self.house}", revision))


def _text(value: JSON) -> str:
    return codec.encode(value).decode()
