"""Staff members: made, changed and removed by an administrator, and never the last one removed.

Source: RASD-F14 (no sign-up), RASD-R16, RASD-UC12.
"""

# ruff: noqa: S608  the only names put into a statement are our own tables and columns

import datetime
import uuid
from collections.abc import Callable
from typing import Annotated

from hub.api.credentials import Credentials, moment_of, moment_or_none, stored
from hub.api.problems import Conflict, NotFound
from hub.api.realms import Realm, Role
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number, pattern
from hub.database.contract import Database, Row, Transaction

Email = Annotated[
    str,
    pattern(
        "^[^\\s@\\u0000-\\u001f]+@[^\\s@\\u0000-\\u001f]+$",
        "an e-mail address, such as name@example.org",
        least=3,
        most=254,
    ),
]

_LAST = "This is the last administrator; make another one first"

_COLUMNS = "id, email, name, role, active, created_at, changed_at, last_login_at"


class Account(Shape, frozen=True, kw_only=True):
    """A staff member.

    Attributes:
        active: whether he may log in.
    """

    id: str
    email: str
    name: str
    role: Role
    active: bool
    created_at: Moment
    changed_at: Moment
    last_login_at: Moment | None


class AccountChanges(Shape, frozen=True, kw_only=True):
    """What an administrator may change; what is left out or null stays."""

    email: Email | None = None
    name: Name | None = None
    role: Role | None = None
    active: bool | None = None


class Accounts:
    """The staff on its table; passwords come here as hashes."""

    def __init__(
        self, database: Database, realm: Realm, credentials: Credentials, clock: Callable[[], datetime.datetime]
    ) -> None:
        self.database = database
        self._table = realm.account_table
        self._credentials = credentials
        self._clock = clock

    async def get(self, account_id: str) -> Account:
        """Return an account.

        Raises:
            NotFound: there is none.
        """
        rows = await self.database.fetch(f"SELECT {_COLUMNS} FROM {self._table} WHERE id = $1", account_id)
        return _one(rows)

    async def page(self, query: ListQuery) -> Page[Account]:
        """Return accounts in the order they were made."""
        offset = cursor_number(query) or 0
        rows = await self.database.fetch(
            f"SELECT {_COLUMNS} FROM {self._table} ORDER BY created_at, id LIMIT $1 OFFSET $2",
            query.limit + 1,
            offset,
        )
        following = str(offset + query.limit) if len(rows) > query.limit else None
        return Page(items=[_account(row) for row in rows[: query.limit]], next=following)

    async def password_of(self, email: str) -> tuple[str, str] | None:
        """Return id and password hash of the active account with an address."""
        rows = await self.database.fetch(
            f"SELECT id, password FROM {self._table} WHERE email_key = $1 AND active = 1", email.casefold()
        )
        return (rows[0][0], rows[0][1]) if rows else None

    async def password_hash(self, account_id: str) -> str | None:
        """Return the password hash of an account."""
        rows = await self.database.fetch(f"SELECT password FROM {self._table} WHERE id = $1", account_id)
        return str(rows[0][0]) if rows else None

    async def add(self, tx: Transaction, *, email: str, name: str, role: Role, password: str) -> Account:
        """Make an account.

        Raises:
            Conflict: the address has one.
        """
        await self._refuse_taken(tx, email, "")
        now = stored(self._clock())
        rows = await tx.fetch(
            f"INSERT INTO {self._table} (id, email, email_key, name, role, password, active, created_at, changed_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) RETURNING {_COLUMNS}",
            str(uuid.uuid4()),
            email,
            email.casefold(),
            name,
            role,
            password,
            now,
        )
        return _account(rows[0])

    async def change(self, tx: Transaction, account_id: str, changes: AccountChanges) -> tuple[Account, Account]:
        """Change an account and return it as it was and as it is; less power ends its log-ins.

        Raises:
            NotFound: there is none.
            Conflict: it is the last administrator.
        """
        before, last = await self._locked(tx, account_id)
        after = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not None}
        role, active = after.get("role", before.role), after.get("active", before.active)
        if last and (role != "admin" or not active):
            raise Conflict(_LAST)
        await self._refuse_taken(tx, after.get("email", before.email), account_id)
        email = after.get("email", before.email)
        rows = await tx.fetch(
            f"UPDATE {self._table} SET email = $2, email_key = $3, name = $4, role = $5, active = $6, changed_at = $7"
            f" WHERE id = $1 RETURNING {_COLUMNS}",
            account_id,
            email,
            email.casefold(),
            after.get("name", before.name),
            role,
            int(active),
            stored(self._clock()),
        )
        if role != before.role or not active:
            await self._credentials.end_logins(tx, account_id)
        return before, _account(rows[0])

    async def set_password(self, tx: Transaction, account_id: str, password: str, *, keep_login: str = "") -> None:
        """Replace the password and end every log-in but one."""
        await tx.execute(
            f"UPDATE {self._table} SET password = $2, changed_at = $3 WHERE id = $1",
            account_id,
            password,
            stored(self._clock()),
        )
        await self._credentials.end_logins(tx, account_id, but=keep_login)

    async def remove(self, tx: Transaction, account_id: str) -> Account:
        """Remove an account with its log-ins and return it as it was.

        Raises:
            NotFound: there is none.
            Conflict: it is the last administrator.
        """
        before, last = await self._locked(tx, account_id)
        if last:
            raise Conflict(_LAST)
        await tx.execute(f"DELETE FROM {self._table} WHERE id = $1", account_id)
        await self._credentials.end_logins(tx, account_id)
        return before

    async def logged_in(self, tx: Transaction, account_id: str, password: str) -> bool:
        """Note that an account logs in with this password hash; False: it may not, or has another by now."""
        touched = await tx.execute(
            f"UPDATE {self._table} SET last_login_at = $3 WHERE id = $1 AND password = $2 AND active = 1",
            account_id,
            password,
            stored(self._clock()),
        )
        return touched == 1

    async def _refuse_taken(self, tx: Transaction, email: str, account_id: str) -> None:
        # Two that come at once meet in the unique key: the second one's transaction fails whole.
        rows = await tx.fetch(
            f"SELECT 1 FROM {self._table} WHERE email_key = $1 AND id <> $2", email.casefold(), account_id
        )
        if rows:
            raise Conflict("There is an account with this e-mail address")

    async def _locked(self, tx: Transaction, account_id: str) -> tuple[Account, bool]:
        """Return an account, and whether it is the last administrator who may log in.

        The administrators are locked with it, all in one order, so that two who remove each other at
        once do not both succeed.
        """
        rows = await tx.fetch(
            f"SELECT {_COLUMNS} FROM {self._table} WHERE id = $1 OR (role = 'admin' AND active = 1)"
            f" ORDER BY id{self._for_update}",
            account_id,
        )
        found = [_account(row) for row in rows]
        admins = {each.id for each in found if each.role == "admin" and each.active}
        return _one([row for row in rows if row[0] == account_id]), admins == {account_id}

    @property
    def _for_update(self) -> str:
        return " FOR UPDATE" if self.database.dialect == "postgres" else ""


def _one(rows: list[Row]) -> Account:
    if not rows:
        raise NotFound("There is no such account")
    return _account(rows[0])


def _account(row: Row) -> Account:
    account_id, email, name, role, active, created_at, changed_at, last_login_at = row
    return Account(
        id=account_id,
        email=email,
        name=name,
        role=role,
        active=bool(active),
        created_at=moment_of(created_at),
        changed_at=moment_of(changed_at),
        last_login_at=moment_or_none(last_login_at),
    )
