"""The service provider's memory: its Tokens, what CPOs told it, what it asked for."""

import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hub.database.contract import Database, Row, Transaction
from hub.emsp.following import FollowedShelf
from hub.emsp.search.index import Index
from hub.emsp.search.shelf import IndexedLocations
from hub.ocpi import codec
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSONObject
from hub.ocpi.shelves import EVERYONE, NO, Shelf

TABLE = "emsp_object"


def token_key(uid: str, kind: str) -> str:
    """Return the shelf's id of a Token: uid and type together identify it (mod_tokens)."""
    return f"{uid}\n{kind}"


@dataclass(frozen=True)
class Order:
    """A command or charging profile asked of a CPO, and what came of it.

    Attributes:
        response: result of the immediate answer; None while there is none.
        result: the station's result; None while there is none.
        timeout: how long the CPO said its result may take, in seconds; known where the order was given.
    """

    uid: str
    command: str
    receiver: Party
    response: str | None = None
    result: str | None = None
    document: JSONObject | None = None
    timeout: int = 0

    def to_json(self) -> JSONObject:
        """Return the order for a command line or a script."""
        return {
            "uid": self.uid,
            "command": self.command,
            "receiver": str(self.receiver),
            "response": self.response,
            "result": self.result,
            "document": self.document,
        }


#: Takes an order whose result has come, before that is committed; awaits nothing but the transaction.
OrderFollower = Callable[[Transaction, Order], Awaitable[None]]


class Store:
    """The shelves of one provider.

    Attributes:
        order_followers: told of every result.
    """

    def __init__(self, database: Database, party: Party, *, page_limit: int = 100) -> None:
        self.database = database
        self.party = party
        shelf = functools.partial(Shelf, database, TABLE, page_limit=page_limit)
        self.tokens = shelf("token")
        self.index = Index(database)
        self.locations = IndexedLocations(self.index, TABLE, page_limit=page_limit)
        followed = functools.partial(FollowedShelf, database, TABLE, page_limit=page_limit)
        self.booking_locations = followed("booking_location")
        self.bookings = followed("booking")
        self.tariffs = followed("tariff")
        self.sessions = followed("session")
        self.cdrs = followed("cdr")
        self.profiles = shelf("profile")
        self.order_followers: tuple[OrderFollower, ...] = ()

    async def put_token(self, token: JSONObject) -> bool:
        """Write a Token of ours, to be broadcast; True if it is new."""
        return await self.database.transact(lambda tx: self.put_token_in(tx, token))

    async def put_token_in(self, tx: Transaction, token: JSONObject) -> bool:
        """Write a Token of ours in a transaction that writes more; it is broadcast once that is committed."""
        key = token_key(token["uid"], token["type"])
        return await self.tokens.put(tx, self.party, key, token, receiver=EVERYONE, received=NO)

    async def token(self, uid: str, kind: str) -> JSONObject | None:
        """Return a Token of ours."""
        return await self.tokens.get(self.party, token_key(uid, kind))

    async def booking(self, owner: Party, number: str) -> JSONObject | None:
        """Return a Booking by the CPO's id of it, or by the request_id we gave it."""
        found = await self.bookings.get(owner, number)
        if found is not None:
            return found
        known = await self.bookings.find(owner=str(owner))
        return next((each for each in known if each["request_id"].upper() == number.upper()), None)

    async def ask(self, order: Order) -> None:
        """Remember an order before it goes out: its result may come before its answer."""
        at = _now()
        await self._execute(
            "INSERT INTO emsp_order (uid, command, receiver, response, result, document, created, updated)"
            " VALUES ($1, $2, $3, NULL, NULL, NULL, $4, $4)",
            order.uid,
            order.command,
            str(order.receiver),
            at,
        )

    async def answered(self, uid: str, response: str) -> None:
        """Remember the immediate answer."""
        await self._execute("UPDATE emsp_order SET response = $1, updated = $2 WHERE uid = $3", response, _now(), uid)

    async def finished(self, uid: str, document: JSONObject) -> None:
        """Remember a station's result; a later one (CANCELED_RESERVATION) takes the place of the first."""

        async def work(tx: Transaction) -> None:
            rows = await tx.fetch(
                "UPDATE emsp_order SET result = $1, document = $2, updated = $3 WHERE uid = $4"
                " RETURNING uid, command, receiver, response, result, document",
                document["result"], codec.encode(document), _now(), uid,
            )  # fmt: skip
            for row in rows:
                for each in self.order_followers:
                    await each(tx, _order(row))

        await self.database.transact(work)

    async def order(self, uid: str) -> Order | None:
        """Return what was asked under an id, and what came of it."""
        rows = await self.database.fetch(
            "SELECT uid, command, receiver, response, result, document FROM emsp_order WHERE uid = $1", uid
        )
        return _order(rows[0]) if rows else None

    async def _execute(self, sql: str, *args: Any) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(sql, *args)

        await self.database.transact(work)


def _order(row: Row) -> Order:
    uid, command, receiver, response, result, document = row
    return Order(uid, command, Party.parse(receiver), response, result, codec.decode(document) if document else None)


def _now() -> int:
    return time.time_ns() // 1000
