"""Drivers who are logged in: on which devices, and whose a token is.

Tokens are 256 random bits and kept as SHA-256. A log-in is a row, so that it can be ended from here at once.

Source: RASD-R2, RASD-UC02; RFC 6750 (bearer tokens).
"""

import datetime
import uuid
from typing import NamedTuple

from hub.api.credentials import hash_of, moment_of, new_token, stored
from hub.api.principals import Principal
from hub.api.problems import NotFound
from hub.api.shapes import Moment, Shape
from hub.database.contract import Database, Transaction
from hub.emsp.drivers.needs import Now

#: How long a log-in holds at most, and how long unused: an app on the driver's own telephone.
LONGEST = datetime.timedelta(days=90)
IDLE = datetime.timedelta(days=30)

PREFIX = "edl_"  # what tokens begin with, so that one that leaked is known for what it is

_MINUTE = 60_000_000  # microseconds


class Device(NamedTuple):
    """Where a driver logs in from."""

    address: str = ""
    agent: str = ""


class DriverLoggedIn(Shape, frozen=True, kw_only=True):
    """A log-in: its token goes into ``Authorization: Bearer``."""

    token: str
    expires_at: Moment
    driver_id: str


class DriverDevice(Shape, frozen=True, kw_only=True):
    """One device a driver is logged in on.

    Attributes:
        current: whether it is the one this request was made with.
    """

    id: str
    created_at: Moment
    seen_at: Moment
    expires_at: Moment
    address: str
    agent: str
    current: bool


class Logins:
    """The table of log-ins.

    Args:
        scopes: what a driver may do in the API.
    """

    def __init__(self, database: Database, now: Now, scopes: frozenset[str] = frozenset()) -> None:
        self._database = database
        self._now = now
        self._scopes = scopes

    async def principal(self, token: str) -> Principal | None:
        """Return whose token this is; None: nobody's, or no longer."""
        if not token.startswith(PREFIX):
            return None
        now = stored(self._now())
        rows = await self._database.fetch(
            "SELECT l.id, l.seen_at, d.id, d.name, d.surname FROM emsp_driver_login l"
            " JOIN emsp_driver d ON d.id = l.driver_id WHERE l.token_hash = $1 AND l.expires_at > $2"
            " AND l.seen_at > $3 AND d.state IN ('ACTIVE', 'BLOCKED')",
            hash_of(token),
            now,
            stored(self._now() - IDLE),
            cheap=True,
        )
        if not rows:
            return None
        login_id, seen_at, driver_id, name, surname = rows[0]
        if now - seen_at >= _MINUTE:
            await self._touch(login_id, now)
        return Principal(
            kind="driver", id=driver_id, name=f"{name} {surname}", scopes=self._scopes, login_id=login_id
        )  # fmt: skip

    async def _touch(self, login_id: str, now: int) -> None:
        sql = "UPDATE emsp_driver_login SET seen_at = $1 WHERE id = $2 AND seen_at < $1"
        await self._database.transact(lambda tx: tx.execute(sql, now, login_id))

    async def add(self, tx: Transaction, driver_id: str, device: Device) -> DriverLoggedIn:
        """Log a driver in who has proved who he is."""
        token, now = new_token(PREFIX), self._now()
        await tx.execute(
            "INSERT INTO emsp_driver_login (id, driver_id, token_hash, created_at, seen_at, expires_at, address, agent)"
            " VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
            str(uuid.uuid4()),
            driver_id,
            hash_of(token),
            stored(now),
            stored(now + LONGEST),
            device.address,
            device.agent.replace("\0", "")[:200],
        )
        await tx.execute("DELETE FROM emsp_driver_login WHERE expires_at <= $1", stored(now))
        return DriverLoggedIn(token=token, expires_at=now + LONGEST, driver_id=driver_id)

    async def of_driver(self, driver_id: str, current: str = "") -> list[DriverDevice]:
        """Return the devices a driver is logged in on."""
        rows = await self._database.fetch(
            "SELECT id, created_at, seen_at, expires_at, address, agent FROM emsp_driver_login"
            " WHERE driver_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY created_at, id",
            driver_id,
            stored(self._now()),
            stored(self._now() - IDLE),
        )
        return [
            DriverDevice(
                id=login_id,
                created_at=moment_of(created_at),
                seen_at=moment_of(seen_at),
                expires_at=moment_of(expires_at),
                address=address,
                agent=agent,
                current=login_id == current,
            )
            for login_id, created_at, seen_at, expires_at, address, agent in rows
        ]

    async def end(self, driver_id: str, login_id: str) -> None:
        """Log out on one device.

        Raises:
            NotFound: the driver is not logged in there.
        """
        sql = "DELETE FROM emsp_driver_login WHERE id = $1 AND driver_id = $2"
        if not await self._database.transact(lambda tx: tx.execute(sql, login_id, driver_id)):
            raise NotFound("There is no such log-in")

    async def end_all(self, driver_id: str) -> None:
        """Log out everywhere."""
        await self._database.transact(lambda tx: self.clear(tx, driver_id))

    async def clear(self, tx: Transaction, driver_id: str, *, but: str = "") -> None:
        """Log out everywhere but on one device, in a transaction that does more."""
        await tx.execute("DELETE FROM emsp_driver_login WHERE driver_id = $1 AND id <> $2", driver_id, but)
