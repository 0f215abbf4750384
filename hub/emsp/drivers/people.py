"""Drivers on their table: made, found, changed, blocked, de-registered.

Two who claim the same address or customer id at once meet in a unique key; ``settled`` runs the second one's work
again, which then finds who was first and can say so.
"""

# ruff: noqa: S608  the only names put into a statement are our own columns

import datetime
import secrets
import uuid
from typing import Literal, TypeVar

from hub.api.credentials import moment_of, moment_or_none, stored
from hub.api.problems import Fault, Invalid, NotFound
from hub.api.shapes import ListQuery, Moment, Name, Page, Shape, cursor_number
from hub.database.contract import Conflict, Database, Row, Transaction, Work
from hub.emsp.drivers.needs import Now

T = TypeVar("T")

State = Literal["ACTIVE", "BLOCKED", "GONE", "ERASED"]

TAKEN_EMAIL = "there is an account with this e-mail address already; log in, or reset its password"
TAKEN_CUSTOMER = "another driver has this customer id"

_COLUMNS = (
    "id, brand, email, customer_id, name, surname, birth_date, language, state, reason, ends_at, driver_class,"
    " group_id, confirmed_at, created_at"
)
_GROUP = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Driver(Shape, frozen=True, kw_only=True):
    """A driver.

    Attributes:
        reason: why he is blocked.
        ends_at: when his contract ends; null: never.
        confirmed: whether his e-mail address is his.
    """

    id: str
    brand: str
    email: str | None
    customer_id: str | None
    name: str
    surname: str
    birth_date: str | None
    language: str
    state: State
    reason: str
    ends_at: Moment | None
    driver_class: str
    group_id: str
    confirmed: bool
    created_at: Moment


class DriverQuery(ListQuery, frozen=True, kw_only=True):
    """Which drivers to list, in the order they came."""

    state: State | None = None
    driver_class: Name | None = None
    customer_id: Name | None = None
    email: Name | None = None


async def settled(database: Database, work: Work[T]) -> T:
    """Run a work that may lose a race for a unique key; the second time it sees who won."""
    try:
        return await database.transact(work)
    except Conflict:
        return await database.transact(work)


class People:
    """The table of drivers."""

    def __init__(self, database: Database, now: Now) -> None:
        self.database = database
        self.now = now

    async def get(self, driver_id: str) -> Driver:
        """Return a driver.

        Raises:
            NotFound: there is none.
        """
        return _one(await self.database.fetch(f"SELECT {_COLUMNS} FROM emsp_driver WHERE id = $1", driver_id))

    async def locked(self, tx: Transaction, driver_id: str) -> Driver:
        """Return a driver as the transaction sees him, locked where the store locks rows.

        Raises:
            NotFound: there is none.
        """
        suffix = " FOR UPDATE" if self.database.dialect == "postgres" else ""
        return _one(await tx.fetch(f"SELECT {_COLUMNS} FROM emsp_driver WHERE id = $1{suffix}", driver_id))

    async def by_email(self, brand: str, email: str) -> Driver | None:
        """Return the driver with an address."""
        rows = await self.database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_driver WHERE brand = $1 AND email_key = $2", brand, email.casefold()
        )
        return _driver(rows[0]) if rows else None

    async def password_of(self, driver_id: str) -> str | None:
        """Return the password hash of a driver."""
        rows = await self.database.fetch("SELECT password FROM emsp_driver WHERE id = $1", driver_id)
        return rows[0][0] if rows else None

    async def page(self, query: DriverQuery) -> Page[Driver]:
        """Return drivers in the order they came."""
        wanted = {
            "state": query.state,
            "driver_class": query.driver_class,
            "customer_key": query.customer_id and query.customer_id.casefold(),
            "email_key": query.email and query.email.casefold(),
        }
        given = {name: value for name, value in wanted.items() if value}
        where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(given, start=3)) or "1 = 1"
        offset = cursor_number(query) or 0
        rows = await self.database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_driver WHERE {where} ORDER BY created_at, id LIMIT $1 OFFSET $2",
            query.limit + 1,
            offset,
            *given.values(),
        )
        following = str(offset + query.limit) if len(rows) > query.limit else None
        return Page(items=[_driver(row) for row in rows[: query.limit]], next=following)

    async def taken(
        self,
        tx: Transaction,
        *,
        brand: str = "",
        email: str | None = None,
        customer_id: str | None = None,
        but: str = "",
        path: str = "$",
    ) -> list[Fault]:
        """Return what of this another driver has."""
        found = []
        if email is not None and await tx.fetch(
            "SELECT 1 FROM emsp_driver WHERE brand = $1 AND email_key = $2 AND id <> $3", brand, email.casefold(), but
        ):
            found.append(Fault(f"{path}.email", TAKEN_EMAIL))
        if customer_id is not None and await tx.fetch(
            "SELECT 1 FROM emsp_driver WHERE customer_key = $1 AND id <> $2", customer_id.casefold(), but
        ):
            found.append(Fault(f"{path}.customer_id", TAKEN_CUSTOMER))
        return found

    async def add(
        self,
        tx: Transaction,
        *,
        brand: str = "",
        email: str | None = None,
        customer_id: str | None = None,
        name: str = "",
        surname: str = "",
        birth_date: str | None = None,
        language: str = "en",
        password: str | None = None,
        driver_class: str = "standard",
        ends_at: datetime.datetime | None = None,
        confirmed: bool = False,
    ) -> Driver:
        """Make a driver; who has the address or customer id already is asked about before (``taken``)."""
        now = stored(self.now())
        rows = await tx.fetch(
            "INSERT INTO emsp_driver (id, brand, email, email_key, customer_id, customer_key, name, surname,"
            " birth_date, language, password, state, reason, ends_at, driver_class, group_id, confirmed_at, created_at,"
            " changed_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'ACTIVE', '', $12, $13, $14, $15, $16, $16)"
            f" RETURNING {_COLUMNS}",
            str(uuid.uuid4()),
            brand,
            email,
            email.casefold() if email is not None else None,
            customer_id,
            customer_id.casefold() if customer_id is not None else None,
            name,
            surname,
            birth_date,
            language,
            password,
            stored(ends_at) if ends_at is not None else None,
            driver_class,
            _new_group(),
            now if confirmed else None,
            now,
        )
        return _driver(rows[0])

    async def change(self, tx: Transaction, driver_id: str, **columns: str | int | None) -> Driver:
        """Write columns of a driver and return him."""
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=3))
        rows = await tx.fetch(
            f"UPDATE emsp_driver SET changed_at = $2, {sets} WHERE id = $1 RETURNING {_COLUMNS}",
            driver_id,
            stored(self.now()),
            *columns.values(),
        )
        return _one(rows)

    async def confirm(self, tx: Transaction, driver_id: str) -> tuple[Driver, bool]:
        """Note that his address is his; return him, and whether that is new."""
        driver = await self.locked(tx, driver_id)
        if driver.confirmed:
            return driver, False
        return await self.change(tx, driver_id, confirmed_at=stored(self.now())), True

    async def drop_unconfirmed(self, before: datetime.datetime) -> int:
        """Remove accounts whose address was never confirmed, so that nobody's address or plate is kept from him."""
        old = stored(before)

        async def work(tx: Transaction) -> int:
            never = "SELECT id FROM emsp_driver WHERE confirmed_at IS NULL AND created_at < $1"
            await tx.execute(f"DELETE FROM emsp_vehicle WHERE driver_id IN ({never})", old)
            await tx.execute(f"DELETE FROM emsp_letter WHERE driver_id IN ({never})", old)
            return await tx.execute("DELETE FROM emsp_driver WHERE confirmed_at IS NULL AND created_at < $1", old)

        return await self.database.transact(work)


def refuse(faults: list[Fault]) -> None:
    """Return if there are no faults.

    Raises:
        Invalid: there are; each is named.
    """
    if faults:
        raise Invalid("; ".join(f"{each.path}: {each.rule}" for each in faults), faults=faults)


def _new_group() -> str:
    # OCPP 1.6 has 20 characters for it (mod_tokens).
    return "G" + "".join(secrets.choice(_GROUP) for _ in range(15))


def _one(rows: list[Row]) -> Driver:
    if not rows:
        raise NotFound("There is no such driver")
    return _driver(rows[0])


def _driver(row: Row) -> Driver:
    *plain, ends_at, driver_class, group_id, confirmed_at, created_at = row
    driver_id, brand, email, customer_id, name, surname, birth_date, language, state, reason = plain
    return Driver(
        id=driver_id,
        brand=brand,
        email=email,
        customer_id=customer_id,
        name=name,
        surname=surname,
        birth_date=birth_date,
        language=language,
        state=state,
        reason=reason,
        ends_at=moment_or_none(ends_at),
        driver_class=driver_class,
        group_id=group_id,
        confirmed=confirmed_at is not None,
        created_at=moment_of(created_at),
    )
