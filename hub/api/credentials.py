"""The tokens of an API: log-ins of staff members, keys of machines, and whose a token is.

Tokens are 256 random bits and kept as SHA-256: nobody who reads the store can present one.

Source: RFC 6750 (bearer tokens).
"""

# ruff: noqa: S608  the only names put into a statement are our own tables

import datetime
import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from hub.api.principals import Principal
from hub.api.realms import Realm
from hub.database.contract import Database, Transaction
from hub.ocpi.times import EPOCH

#: How long a log-in holds at most, how long unused, and how long a password given again counts.
LONGEST = datetime.timedelta(hours=12)
IDLE = datetime.timedelta(hours=1)
STEP_UP = datetime.timedelta(minutes=5)

_LOGIN, _KEY = "eml_", "emk_"  # what tokens begin with, so that one that leaked is known for what it is
_MINUTE = 60_000_000  # microseconds


def new_token(kind: str = "") -> str:
    """Return a token nobody can guess."""
    return kind + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def stored(at: datetime.datetime) -> int:
    """Return a moment as it is kept: microseconds since 1970."""
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def moment_of(at: int) -> datetime.datetime:
    """Return a kept moment."""
    return EPOCH + datetime.timedelta(microseconds=at)


def moment_or_none(at: int | None) -> datetime.datetime | None:
    """Return a kept moment that may not have come."""
    return moment_of(at) if at is not None else None


class Credentials:
    """The tokens of one store: the ``Gate`` of the application."""

    def __init__(self, database: Database, realm: Realm, clock: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._realm = realm
        self._accounts, self._logins, self._keys = realm.account_table, realm.login_table, realm.key_table
        self.clock = clock

    # -- whose a token is --------------------------------------------------------------------------

    async def principal(self, token: str) -> Principal | None:
        """Return whose token this is; None: nobody's, or no longer."""
        now = stored(self.clock())
        if token.startswith(_LOGIN):
            return await self._staff(hash_of(token), now)
        return await self._machine(hash_of(token), now) if token.startswith(_KEY) else None

    async def _staff(self, token_hash: str, now: int) -> Principal | None:
        rows = await self._database.fetch(
            "SELECT l.id, l.seen_at, a.id, a.email, a.role"
            f" FROM {self._logins} l JOIN {self._accounts} a ON a.id = l.account_id"
            " WHERE l.token_hash = $1 AND l.expires_at > $2 AND l.seen_at > $3 AND a.active = 1",
            token_hash,
            now,
            now - IDLE // datetime.timedelta(microseconds=1),
            cheap=True,
        )
        if not rows:
            return None
        login_id, seen_at, account_id, email, role = rows[0]
        if now - seen_at >= _MINUTE:
            await self._touch(f"UPDATE {self._logins} SET seen_at = $1 WHERE id = $2 AND seen_at < $1", now, login_id)
        return Principal(
            kind="account", id=account_id, name=email, role=role, scopes=self._realm.roles[role], login_id=login_id
        )

    async def _machine(self, token_hash: str, now: int) -> Principal | None:
        rows = await self._database.fetch(
            f"SELECT id, name, scopes, used_at FROM {self._keys} WHERE token_hash = $1 AND revoked_at IS NULL"
            " AND (expires_at IS NULL OR expires_at > $2)",
            token_hash,
            now,
            cheap=True,
        )
        if not rows:
            return None
        key_id, name, scopes, used_at = rows[0]
        if used_at is None or now - used_at >= _MINUTE:
            await self._touch(f"UPDATE {self._keys} SET used_at = $1 WHERE id = $2", now, key_id)
        return Principal(kind="key", id=key_id, name=name, scopes=scopes_of(scopes, self._realm.scopes))

    async def _touch(self, sql: str, now: int, row_id: str) -> None:
        await self._database.transact(lambda tx: tx.execute(sql, now, row_id))

    # -- log-ins -----------------------------------------------------------------------------------

    async def log_in(self, tx: Transaction, account_id: str, *, address: str, agent: str) -> tuple[str, int]:
        """Make a log-in; return its token and when it ends."""
        token, now = new_token(_LOGIN), stored(self.clock())
        expires_at = stored(self.clock() + LONGEST)
        await tx.execute(
            f"INSERT INTO {self._logins} (id, account_id, token_hash, created_at, seen_at, expires_at, address, agent)"
            " VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
            str(uuid.uuid4()),
            account_id,
            hash_of(token),
            now,
            expires_at,
            address,
            agent.replace("\0", "")[:200],
        )
        await tx.execute(f"DELETE FROM {self._logins} WHERE expires_at <= $1", now)
        return token, expires_at

    async def step_up(self, login_id: str) -> tuple[str, datetime.datetime]:
        """Make the token that says the password was given again; return it and when it ends."""
        token, until = new_token(), self.clock() + STEP_UP
        await self._database.transact(
            lambda tx: tx.execute(
                f"UPDATE {self._logins} SET step_up_hash = $1, step_up_until = $2 WHERE id = $3",
                hash_of(token),
                stored(until),
                login_id,
            )
        )
        return token, until

    async def stepped_up(self, principal: Principal, token: str) -> bool:
        """Return whether this is the caller's token of a password given again a moment ago."""
        rows = await self._database.fetch(
            f"SELECT 1 FROM {self._logins} WHERE id = $1 AND step_up_hash = $2 AND step_up_until > $3",
            principal.login_id,
            hash_of(token),
            stored(self.clock()),
        )
        return bool(rows)

    async def logins(self, account_id: str) -> list[tuple[Any, ...]]:
        """Return an account's log-ins that hold: id, created_at, seen_at, expires_at, address, agent."""
        return await self._database.fetch(
            f"SELECT id, created_at, seen_at, expires_at, address, agent FROM {self._logins}"
            " WHERE account_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY created_at, id",
            account_id,
            stored(self.clock()),
            stored(self.clock() - IDLE),
        )

    async def end_login(self, tx: Transaction, account_id: str, login_id: str) -> bool:
        """End one log-in of an account; False: it has none of this id."""
        return (
            await tx.execute(f"DELETE FROM {self._logins} WHERE id = $1 AND account_id = $2", login_id, account_id)
        ) == 1

    async def end_logins(self, tx: Transaction, account_id: str, *, but: str = "") -> None:
        """End an account's log-ins, but one."""
        await tx.execute(f"DELETE FROM {self._logins} WHERE account_id = $1 AND id <> $2", account_id, but)

    # -- keys --------------------------------------------------------------------------------------

    async def add_key(
        self,
        tx: Transaction,
        *,
        name: str,
        scopes: Iterable[str],
        created_by: str,
        expires_at: datetime.datetime | None = None,
    ) -> tuple[str, str]:
        """Make a key; return its id and the key, which is shown this once."""
        key_id, token = str(uuid.uuid4()), new_token(_KEY)
        await tx.execute(
            f"INSERT INTO {self._keys} (id, name, token_hash, scopes, created_at, created_by, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            key_id,
            name,
            hash_of(token),
            " ".join(sorted(scopes)),
            stored(self.clock()),
            created_by,
            stored(expires_at) if expires_at is not None else None,
        )
        return key_id, token


def scopes_of(text: str, known: frozenset[str]) -> frozenset[str]:
    """Return kept scopes; one that is no longer known allows nothing."""
    return known.intersection(text.split())
