"""The operator's memory: its objects, the tokens it was told, its reservations."""

import datetime
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from hub.database.contract import Database, Row, Transaction
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.shelves import EVERYONE, NO, Shelf
from hub.ocpi.times import EPOCH, date_time, microseconds

TABLE = "cpms_object"

#: The channel that says a Location of ours has changed; the payload is its id.
LOCATIONS = "cpms_location"

#: The channel that says only an EVSE's Status has changed; the payload is Location, uid and Status, a line each,
#: and a number: of equal notifications in one commit the store tells only one, at the place of the first.
STATUSES = "cpms_evse_status"
_count = itertools.count()


#: Returns what is new in an EVSE, with its last_updated; None: nothing.
ChangeEvse = Callable[[JSONObject], JSONObject | None]


@dataclass(frozen=True)
class Reservation:
    """A RESERVE_NOW the station took; its states are OPEN, USED, CANCELED and EXPIRED."""

    session_id: str
    asker: Party
    reservation_id: str
    location_id: str
    response_url: str
    expires_at: datetime.datetime
    state: str = "OPEN"


def token_key(uid: str, kind: str) -> str:
    """Return the shelf's id of a Token: uid and type together identify it (mod_tokens)."""
    return f"{uid}\n{kind}"


class Store:
    """The shelves of one operator.

    Attributes:
        sealed: what a CDR will say of place and price, by session, from the session's start.
    """

    def __init__(self, database: Database, party: Party, *, page_limit: int = 100) -> None:
        self.database = database
        self.party = party
        shelf = functools.partial(Shelf, database, TABLE, page_limit=page_limit)
        self.locations = shelf("location")
        self.tariffs = shelf("tariff")
        self.removed_tariffs = shelf("tariff_removed")
        self.sessions = shelf("session")
        self.cdrs = shelf("cdr")
        self.tokens = shelf("token")
        self.sealed = shelf("sealed")
        self.preferences = shelf("preferences")
        self.bookings = shelf("booking")
        self.booking_locations = shelf("booking_location")

    async def put_for_everyone(self, tx: Transaction, shelf: Shelf, value: JSONObject) -> bool:
        """Write a Location or Tariff of ours, to be broadcast."""
        if shelf is self.locations:
            tx.notify(LOCATIONS, value["id"])
        return await self._put_for_everyone(tx, shelf, value)

    async def _put_for_everyone(self, tx: Transaction, shelf: Shelf, value: JSONObject) -> bool:
        return await shelf.put(tx, self.party, value["id"], value, receiver=EVERYONE, received=NO)

    async def change_evses(self, tx: Transaction, location_id: str, change: ChangeEvse) -> list[JSONObject]:
        """Change EVSEs of a Location of ours, and return those that are others than before.

        Args:
            change: returns what is new in an EVSE, with the moment it changed as ``last_updated``; None: nothing.
        """
        location = await self.locations.get_in(tx, self.party, location_id)
        changed = []
        for evse in (location or {}).get("evses") or []:
            new = change(evse)
            if new is None or all(evse.get(name) == each for name, each in new.items() if name != "last_updated"):
                continue
            # last_updated never runs back, though a station's clock may.
            evse |= new | {"last_updated": max(new["last_updated"], evse["last_updated"])}
            changed.append(evse)
        if location is not None and changed:
            at = max(location["last_updated"], *(each["last_updated"] for each in changed))
            location["last_updated"] = at
            await self._put_for_everyone(tx, self.locations, location)
            for each in changed:
                tx.notify(STATUSES, f"{location['id']}\n{each['uid']}\n{each['status']}\n{next(_count)}")
        return changed

    async def put_for_provider(self, tx: Transaction, shelf: Shelf, value: JSONObject) -> bool:
        """Write a Session or CDR of ours, owed to the eMSP of its token."""
        token = value["cdr_token"]
        receiver = str(Party.of(token["country_code"], token["party_id"]))
        return await shelf.put(tx, self.party, value["id"], value, receiver=receiver, received=NO)

    async def put_session(self, tx: Transaction, value: JSONObject, seal: JSONObject) -> None:
        """Write a Session, owed to the eMSP of its token; of a test of our own nobody hears."""
        if seal.get("unbilled"):
            await self.sessions.put(tx, self.party, value["id"], value)
        else:
            await self.put_for_provider(tx, self.sessions, value)

    async def token(self, uid: str, kind: str) -> JSONObject | None:
        """Return a known Token by what a reader sees of it, whoever issued it; a valid one first."""
        found = await self.tokens.find(object_id=token_key(uid, kind).upper())
        return max(found, key=lambda each: bool(each["valid"]), default=None)

    async def reserve(self, tx: Transaction, reservation: Reservation) -> None:
        """Remember a reservation; the same asker's same reservation_id is replaced."""
        await tx.execute(
            "DELETE FROM cpms_reservation WHERE asker = $1 AND reservation_id = $2",
            str(reservation.asker),
            reservation.reservation_id.upper(),
        )
        await tx.execute(
            "INSERT INTO cpms_reservation (session_id, asker, reservation_id, location_id, response_url,"
            " expires_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            reservation.session_id,
            str(reservation.asker),
            reservation.reservation_id.upper(),
            reservation.location_id,
            reservation.response_url,
            microseconds(date_time(reservation.expires_at)),
            reservation.state,
        )

    async def reservation(self, asker: Party, reservation_id: str) -> Reservation | None:
        """Return an eMSP's reservation by the id it gave."""
        rows = await self.database.fetch(
            f"{_RESERVATION} WHERE asker = $1 AND reservation_id = $2", str(asker), reservation_id.upper()
        )
        return _reservation(rows[0]) if rows else None

    async def reservation_of(self, session_id: str) -> Reservation | None:
        """Return the reservation a session was made for."""
        rows = await self.database.fetch(f"{_RESERVATION} WHERE session_id = $1", session_id)
        return _reservation(rows[0]) if rows else None

    async def open_reservations(self) -> list[Reservation]:
        """Return the reservations that are neither used nor over."""
        rows = await self.database.fetch(f"{_RESERVATION} WHERE state = 'OPEN' ORDER BY session_id")
        return [_reservation(row) for row in rows]

    async def end_reservation(self, tx: Transaction, session_id: str, state: str) -> bool:
        """Move an OPEN reservation to its last state; False if it was not open."""
        touched = await tx.execute(
            "UPDATE cpms_reservation SET state = $1 WHERE session_id = $2 AND state = 'OPEN'", state, session_id
        )
        return touched == 1

    async def add_profile_setter(self, session_id: str, party: Party) -> None:
        """Remember who has set a charging profile on a session."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO cpms_profile_setter (session_id, party) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                session_id.upper(),
                str(party),
            )

        await self.database.transact(work)

    async def profile_setters(self, session_id: str) -> list[Party]:
        """Return who hears of another ActiveChargingProfile of a session."""
        rows = await self.database.fetch(
            "SELECT party FROM cpms_profile_setter WHERE session_id = $1 ORDER BY id", session_id.upper()
        )
        return [Party.parse(party) for (party,) in rows]


_RESERVATION = (
    "SELECT session_id, asker, reservation_id, location_id, response_url, expires_at, state FROM cpms_reservation"
)


def _reservation(row: Row) -> Reservation:
    session_id, asker, reservation_id, location_id, response_url, expires_at, state = row
    at = EPOCH + datetime.timedelta(microseconds=expires_at)
    return Reservation(session_id, Party.parse(asker), reservation_id, location_id, response_url, at, state)
