"""What a driver charges with: his Tokens, and what CPOs are told of each.

A Token is a row here, which says whose it is, and an OCPI object on the provider's shelf; one transaction writes
both, and from the shelf it is told to every CPO through the hub. Nothing is ever taken off the shelf: what is no
longer good is told with ``valid: false`` (GEM-UC-1516).

Source: OCPI 2.3.0, mod_tokens.asciidoc; decision 0030.
"""

# ruff: noqa: S608  the only names put into a statement are our own columns

import datetime
import uuid
from typing import Literal

from hub.api.credentials import moment_of, moment_or_none, stored
from hub.api.problems import Fault, NotFound
from hub.api.shapes import Moment, Shape
from hub.database.contract import Row, Transaction
from hub.emsp.drivers.contract_ids import new_contract_id
from hub.emsp.drivers.needs import Now
from hub.emsp.drivers.people import Driver
from hub.emsp.store import Store, token_key
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time

TokenType = Literal["APP_USER", "AD_HOC_USER", "RFID", "OTHER", "EMAID"]
TokenState = Literal["ACTIVE", "BLOCKED", "REMOVED"]

#: Which of a driver's Tokens his app's orders name, the first that he has.
_APP: tuple[TokenType, ...] = ("APP_USER", "AD_HOC_USER", "OTHER", "RFID", "EMAID")

TAKEN_CARD = "this card is somebody's already"
TAKEN_PHONE = "this phone number is somebody's already"

_COLUMNS = "id, driver_id, type, uid, contract_id, label, phone, group_id, state, reason, ends_at, created_at"

#: mod_tokens, WhitelistType. A card works where we cannot be asked; what is used over an app never has to.
_WHITELIST = {"RFID": "ALLOWED_OFFLINE"}


class DriverToken(Shape, frozen=True, kw_only=True):
    """One of a driver's Tokens.

    Attributes:
        label: what he knows it by.
        phone: E.164, where he uses it by SMS.
        group_id: of the fleet it is in; null: it is in his own group.
    """

    id: str
    driver_id: str
    type: TokenType
    uid: str
    contract_id: str
    label: str
    phone: str | None
    group_id: str | None
    state: TokenState
    reason: str
    ends_at: Moment | None
    created_at: Moment


class Tokens:
    """The Tokens of drivers.

    Args:
        store: the provider's, on whose shelf they are.
        issuer: company named on them.
    """

    def __init__(self, store: Store, now: Now, *, issuer: str) -> None:
        self._store = store
        self._now = now
        self._issuer = issuer

    # -- whose it is -------------------------------------------------------------------------------

    async def find(self, uid: str, kind: str) -> DriverToken | None:
        """Return a Token by what identifies it."""
        return await self._one_by("type = $1 AND uid_key = $2", kind, uid.upper())

    async def driver_of_token(self, uid: str, kind: str | None = None) -> str | None:
        """Return whose Token it is; None: nobody's.

        A Session names the uid with its type; without one a uid that two Tokens have is nobody's.
        """
        sql = "SELECT DISTINCT driver_id FROM emsp_token WHERE uid_key = $1"
        rows = await self._store.database.fetch(
            *((sql, uid.upper()) if kind is None else (f"{sql} AND type = $2", uid.upper(), kind))
        )
        return rows[0][0] if len(rows) == 1 else None

    async def driver_of_token_in(self, tx: Transaction, uid: str, kind: str) -> str | None:
        """Return whose Token it is, as a transaction sees it."""
        rows = await tx.fetch("SELECT driver_id FROM emsp_token WHERE uid_key = $1 AND type = $2", uid.upper(), kind)
        return rows[0][0] if rows else None

    async def of_uid_in(self, tx: Transaction, uid: str) -> DriverToken | None:
        """Return the Token of a uid, whatever its type; None: there is none, or more than one."""
        rows = await tx.fetch(f"SELECT {_COLUMNS} FROM emsp_token WHERE uid_key = $1", uid.upper())
        return _token(rows[0]) if len(rows) == 1 else None

    async def of_phone(self, phone: str) -> DriverToken | None:
        """Return the Token used by SMS from a number (E.164)."""
        return await self._one_by("phone = $1", phone)

    async def of_driver(self, driver_id: str) -> list[DriverToken]:
        """Return a driver's Tokens in the order they came."""
        rows = await self._store.database.fetch(
            f"SELECT {_COLUMNS} FROM emsp_token WHERE driver_id = $1 ORDER BY created_at, id", driver_id
        )
        return [_token(row) for row in rows]

    async def app_token(self, driver_id: str) -> DriverToken | None:
        """Return the Token a driver's app starts charges with: one that may be used, where he has one."""

        def rank(token: DriverToken) -> tuple[bool, int]:
            over = token.ends_at is not None and token.ends_at <= self._now()
            return token.state != "ACTIVE" or over, _APP.index(token.type)

        return min(await self.of_driver(driver_id), key=rank, default=None)

    async def _one_by(self, where: str, *args: str) -> DriverToken | None:
        rows = await self._store.database.fetch(f"SELECT {_COLUMNS} FROM emsp_token WHERE {where}", *args)
        return _token(rows[0]) if rows else None

    # -- changes, each told ------------------------------------------------------------------------

    async def taken(
        self, tx: Transaction, driver_id: str, *, kind: str = "RFID", uid: str | None = None, phone: str | None = None,
        path: str = "$",
    ) -> list[Fault]:  # fmt: skip
        """Return what of this is another driver's, or the provider's own."""
        found = []
        if uid is not None and await self._is_taken(tx, driver_id, kind, uid):
            found.append(Fault(f"{path}.uid", TAKEN_CARD))
        if phone is not None and await tx.fetch("SELECT 1 FROM emsp_token WHERE phone = $1", phone):
            found.append(Fault(f"{path}.phone", TAKEN_PHONE))
        return found

    async def _is_taken(self, tx: Transaction, driver_id: str, kind: str, uid: str) -> bool:
        rows = await tx.fetch("SELECT driver_id FROM emsp_token WHERE type = $1 AND uid_key = $2", kind, uid.upper())
        if rows:
            return bool(rows[0][0] != driver_id)
        # An operator may have put a Token on the shelf by hand.
        return await self._store.tokens.get_in(tx, self._store.party, token_key(uid, kind)) is not None

    async def add(
        self, tx: Transaction, driver: Driver, kind: TokenType, *, uid: str | None = None, label: str = "",
        phone: str | None = None, ends_at: datetime.datetime | None = None,
    ) -> DriverToken:  # fmt: skip
        """Give a driver a Token and tell it; a card that was his before is his again."""
        number = uid or str(uuid.uuid4())
        party, now = self._store.party, stored(self._now())
        rows = await tx.fetch(
            "INSERT INTO emsp_token (id, driver_id, type, uid, uid_key, contract_id, label, phone, state, reason,"
            " ends_at, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'ACTIVE', '', $9, $10, $10)"
            " ON CONFLICT (type, uid_key) DO UPDATE SET state = 'ACTIVE', reason = '', label = excluded.label,"
            " phone = excluded.phone, ends_at = excluded.ends_at, changed_at = excluded.changed_at"
            f" WHERE emsp_token.driver_id = excluded.driver_id RETURNING {_COLUMNS}",
            str(uuid.uuid4()),
            driver.id,
            kind,
            number,
            number.upper(),
            new_contract_id(party.country_code, party.party_id),
            label,
            phone,
            stored(ends_at) if ends_at is not None else None,
            now,
        )
        assert rows, "whether it is another driver's was asked before, in this transaction"
        return await self._told(tx, driver, _token(rows[0]))

    async def set_state(
        self, tx: Transaction, driver: Driver, token_id: str, state: TokenState, *, reason: str = ""
    ) -> DriverToken:
        """Block a Token, allow it again, or take it away for good, and tell so.

        Raises:
            NotFound: the driver has no such Token, or it was taken away.
        """
        rows = await tx.fetch(
            "UPDATE emsp_token SET state = $3, reason = $4, changed_at = $5,"
            " phone = CASE WHEN $3 = 'REMOVED' THEN NULL ELSE phone END"
            f" WHERE id = $1 AND driver_id = $2 AND state <> 'REMOVED' RETURNING {_COLUMNS}",
            token_id,
            driver.id,
            state,
            reason,
            stored(self._now()),
        )
        if not rows:
            raise NotFound("There is no such token")
        return await self._told(tx, driver, _token(rows[0]))

    async def set_group(self, tx: Transaction, driver: Driver, token_id: str, group_id: str | None) -> DriverToken:
        """Put a Token into a fleet's group, or with None into its driver's own, and tell so."""
        rows = await tx.fetch(
            "UPDATE emsp_token SET group_id = $3, changed_at = $4 WHERE id = $1 AND driver_id = $2"
            f" RETURNING {_COLUMNS}",
            token_id,
            driver.id,
            group_id,
            stored(self._now()),
        )
        if not rows:
            raise NotFound("There is no such token")
        return await self._told(tx, driver, _token(rows[0]))

    async def remove_all(self, tx: Transaction, driver: Driver) -> None:
        """Take all of a driver's Tokens away, and tell so."""
        for each in await self._of_driver_in(tx, driver.id):
            if each.state != "REMOVED":
                await self.set_state(tx, driver, each.id, "REMOVED")

    async def tell_again(self, tx: Transaction, driver: Driver) -> None:
        """Tell the Tokens of a driver who has changed: blocked, ended, or of another language."""
        for each in await self._of_driver_in(tx, driver.id):
            await self._told(tx, driver, each)

    async def _of_driver_in(self, tx: Transaction, driver_id: str) -> list[DriverToken]:
        rows = await tx.fetch(
            f"SELECT {_COLUMNS} FROM emsp_token WHERE driver_id = $1 ORDER BY created_at, id", driver_id
        )
        return [_token(row) for row in rows]

    async def _told(self, tx: Transaction, driver: Driver, token: DriverToken) -> DriverToken:
        """Put a Token on the shelf if what CPOs are told of it has changed."""
        wanted = self.document(driver, token)
        known = await self._store.tokens.get_in(tx, self._store.party, token_key(token.uid, token.type))
        if known is None or _plain(known) != _plain(wanted):
            await self._store.put_token_in(tx, wanted)
        return token

    def document(self, driver: Driver, token: DriverToken) -> JSONObject:
        """Return the OCPI Token as it is now: nothing in it says who the driver is (INCAR-AU04)."""
        valid = token.state == "ACTIVE" and driver.state == "ACTIVE" and not ended(driver, token, self._now())
        # A whitelist overrides validity where a CPO cannot ask, so what is not valid is never on one (mod_tokens).
        whitelist = _WHITELIST.get(token.type, "NEVER") if valid else "NEVER"
        printed = {"visual_number": token.label} if token.type == "RFID" and token.label else {}
        return {
            "country_code": self._store.party.country_code,
            "party_id": self._store.party.party_id,
            "uid": token.uid,
            "type": token.type,
            "contract_id": token.contract_id,
            **printed,
            "issuer": self._issuer,
            "group_id": token.group_id or driver.group_id,
            "valid": valid,
            "whitelist": whitelist,
            "language": driver.language,
            "last_updated": date_time(self._now()),
        }

    async def ending(self, since: datetime.datetime, until: datetime.datetime) -> list[str]:
        """Return drivers whose contract ended in a time, or one of their Tokens."""
        rows = await self._store.database.fetch(
            # Two questions, each of an index: an OR over both tables would read all drivers.
            "SELECT id FROM emsp_driver WHERE state = 'ACTIVE' AND ends_at BETWEEN $1 AND $2"
            " UNION SELECT d.id FROM emsp_token t JOIN emsp_driver d ON d.id = t.driver_id"
            " WHERE t.state = 'ACTIVE' AND d.state = 'ACTIVE' AND t.ends_at BETWEEN $1 AND $2",
            stored(since),
            stored(until),
        )
        return sorted(row[0] for row in rows)


def ended(driver: Driver, token: DriverToken, now: datetime.datetime) -> bool:
    """Return whether the contract or the Token has ended."""
    return any(each is not None and each <= now for each in (driver.ends_at, token.ends_at))


def _plain(document: JSONObject) -> JSONObject:
    return {name: value for name, value in document.items() if name != "last_updated"}


def _token(row: Row) -> DriverToken:
    token_id, driver_id, kind, uid, contract_id, label, phone, group_id, state, reason, ends_at, created_at = row
    return DriverToken(
        id=token_id,
        driver_id=driver_id,
        type=kind,
        uid=uid,
        contract_id=contract_id,
        label=label,
        phone=phone,
        group_id=group_id,
        state=state,
        reason=reason,
        ends_at=moment_or_none(ends_at),
        created_at=moment_of(created_at),
    )
