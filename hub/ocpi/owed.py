"""Telling others what a party owns: until they have it, and never twice what must come once.

What a party owns and owes lies on its shelves, written in the transaction of the fact itself, with
how much of it the receiver has: no, maybe, yes (or refused, with the reason). This worker reads
that and speaks: the first time the whole object, later what has changed. A receiver that cannot be
reached is left alone until it is back (its ClientInfo says so) or a pause has passed; then it is
first asked what it has, and only what it lacks is sent, as a new request. Nothing is queued and
nothing is replayed: what is sent is always the object as it is now.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Offline behaviour); decision 7 of the design.
"""

# ruff: noqa: S608  the only name put into a statement is that of the room's own table

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.database.contract import Database, Transaction
from hub.ocpi import codec
from hub.ocpi.errors import HubError, OcpiError, ReceiverUnreachable, ServerError, UnknownReceiver
from hub.ocpi.messages import Party, Request, Response
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.platforms import Platform
from hub.ocpi.shelves import EVERYONE, MAYBE, NO, REFUSED, YES, owed_channel

log = logging.getLogger(__name__)

#: How many objects one look takes, and how many broadcasts are on their way at once.
_BATCH = 200
_WIDTH = 8


class Teller(Protocol):
    """How objects of one kind are told. Sender and receiver of the requests are filled in."""

    def asks(self, value: JSONObject) -> Request | None:
        """Return the request for what the receiver has; None where an object may simply be sent again."""
        ...

    def tells(self, value: JSONObject, told: JSONObject | None) -> Sequence[Request]:
        """Return what brings a receiver that has ``told`` (None: nothing) to the present ``value``."""
        ...


@dataclass(frozen=True)
class _Due:
    seq: int
    kind: str
    document: bytes
    revision: int
    receiver: str
    received: int
    told: bytes | None
    link: str | None
    reason: str | None

    @property
    def doubtful(self) -> bool:
        """Whether an earlier attempt failed, so that the receiver is asked first."""
        return self.received == MAYBE or self.reason is not None


CallUrl = Callable[[str, Request], Awaitable[Response]]
"""Puts a request to an exact URL a peer gave, with the token of whoever's URL it is."""


class Owed:
    """The worker over one room's table.

    Args:
        hub: where requests are put.
        call_url: puts a request to an exact URL a peer gave (a CDR's Location).
        tellers: how to tell each kind of object.
        returned: called when the hub answers again after it did not.
        pause: seconds an unreachable receiver is left alone, unless it is heard of before.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        *,
        party: Party,
        hub_party: Party,
        hub: Platform,
        call_url: CallUrl,
        tellers: Mapping[str, Teller],
        returned: Callable[[], None] = lambda: None,
        pause: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._table = table
        self._party = party
        self._hub_party = hub_party
        self._hub = hub
        self._call_url = call_url
        self._tellers = tellers
        self._returned = returned
        self._pause = pause
        self._clock = clock
        self._resting: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._awake = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        database.listen(owed_channel(table), lambda _: self._awake.set())

    async def start(self) -> None:
        """Begin to tell what is owed."""
        self._awake.set()
        self._main = asyncio.create_task(self._run(), name=f"owed {self._table}")

    async def stop(self) -> None:
        """Stop telling; what is on its way may be told or not, and is asked about next time."""
        tasks = [task for task in (self._main, *self._running.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._main = None
        self._running.clear()

    def back(self, receiver: Party | None = None) -> None:
        """Hear that a receiver (None: the hub, and so everybody) can be reached again."""
        for each in self._resting if receiver is None else {str(receiver)} & self._resting.keys():
            # Its rest is over; that it had one is remembered until it answers.
            self._resting[each] = self._clock()
        self._awake.set()

    async def settled(self) -> None:
        """Return when everything that can be told now has been told."""
        while self._running or self._awake.is_set() or await self._waiting():  # noqa: ASYNC110  no one event says it
            await asyncio.sleep(0.01)

    async def _waiting(self) -> bool:
        """Whether somebody waits to be told, or has begun to be while this was asked."""
        return bool(await self._receivers() or self._running)

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            for receiver in await self._receivers():
                task = asyncio.create_task(self._serve(receiver), name=f"owed {self._table} {receiver}")
                self._running[receiver] = task
                task.add_done_callback(functools.partial(self._done, receiver))
            # Not wait_for: before Python 3.12 it may swallow the cancellation that comes with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_next()):
                    await self._awake.wait()

    def _until_next(self) -> float:
        left = [end - self._clock() for end in self._resting.values()]
        return min([self._pause, *(each for each in left if each > 0)])

    def _done(self, receiver: str, task: "asyncio.Task[None]") -> None:
        self._running.pop(receiver, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("telling %s failed", receiver or "the hub", exc_info=task.exception())
            self._resting[receiver] = self._clock() + self._pause
        self._awake.set()

    async def _receivers(self) -> list[str]:
        """Return who can be told something now."""
        rows = await self._database.fetch(
            f"SELECT DISTINCT receiver FROM {self._table} WHERE received IN ({NO}, {MAYBE})"
        )
        moment = self._clock()
        waiting = {each for each, end in self._resting.items() if end > moment}
        return [each for (each,) in rows if each is not None and each not in waiting and each not in self._running]

    async def _serve(self, receiver: str) -> None:
        rows = await self._database.fetch(
            "SELECT seq, kind, document, revision, receiver, received, told, link, reason "
            f"FROM {self._table} WHERE receiver = $1 AND received IN ({NO}, {MAYBE}) ORDER BY seq LIMIT {_BATCH}",
            receiver,
        )
        width = _WIDTH if receiver == EVERYONE else 1
        for start in range(0, len(rows), width):
            if self._resting.get(receiver, 0) > self._clock():
                return
            await asyncio.gather(*(self._tell(_Due(*row)) for row in rows[start : start + width]))

    async def _tell(self, due: _Due) -> None:
        try:
            link = await self._bring(due)
        except (OcpiError, TimeoutError) as error:
            await self._failed(due, error)
            return
        if self._resting.pop(due.receiver, None) is not None and due.receiver == EVERYONE:
            self._returned()
        await self._database.transact(lambda tx: self._settle(tx, due, link))

    async def _bring(self, due: _Due) -> str | None:
        """Bring the receiver to the present state; return the URL it gave the object, if it gave one."""
        value = codec.decode(due.document)
        told = codec.decode(due.told) if due.told else None
        teller = self._tellers[due.kind]
        if due.doubtful:
            told = await self._had(due, teller, value)
        try:
            return await self._put(due, teller.tells(value, told))
        except (HubError, ServerError):
            raise
        except OcpiError:
            # What it was told before, it does not know any more: it gets the whole object.
            if told is None:
                raise
            return await self._put(due, teller.tells(value, None))

    async def _had(self, due: _Due, teller: Teller, value: JSONObject) -> JSONObject | None:
        asks = teller.asks(value)
        if asks is None:
            return None
        request = self._addressed(asks, due)
        response = await (self._call_url(due.link, request) if due.link else self._hub(request))
        if not response.succeeded and response.status_code >= 3000:
            response.raise_for_status()
        return _meant(value, response.value) if response.succeeded else None

    async def _put(self, due: _Due, requests: Sequence[Request]) -> str | None:
        link = due.link
        for request in requests:
            response = (await self._hub(self._addressed(request, due))).raise_for_status()
            link = response.headers.get("location", link)
        return link

    def _addressed(self, request: Request, due: _Due) -> Request:
        receiver = self._hub_party if due.receiver == EVERYONE else Party.parse(due.receiver)
        return request.but(sender=self._party, receiver=receiver)

    async def _settle(self, tx: Transaction, due: _Due, link: str | None) -> None:
        await tx.execute(
            f"""UPDATE {self._table} SET told = $1, link = $2, reason = NULL,
            received = CASE WHEN revision = $3 THEN {YES} ELSE {NO} END WHERE seq = $4""",
            due.document,
            link,
            due.revision,
            due.seq,
        )

    async def _failed(self, due: _Due, error: OcpiError | TimeoutError) -> None:
        unsent = isinstance(error, ReceiverUnreachable | UnknownReceiver)
        again = (
            unsent or isinstance(error, TimeoutError | HubError) or (isinstance(error, OcpiError) and error.transient)
        )
        if again:
            self._resting[due.receiver] = self._clock() + self._pause
        state = REFUSED if not again else due.received if unsent else MAYBE
        log.warning("%s not told to %s: %s", due.kind, due.receiver or "the hub", error)
        await self._database.transact(
            lambda tx: tx.execute(
                # A newer state than the refused one has yet to be told; a doubt stays one, whatever came since.
                f"""UPDATE {self._table} SET reason = $2,
                received = CASE WHEN revision = $4 OR CAST($1 AS SMALLINT) = {MAYBE} THEN $1 ELSE received END
                WHERE seq = $3""",
                state,
                f"{getattr(error, 'status_code', '')} {error}".strip(),
                due.seq,
                due.revision,
            )
        )


def _meant(value: JSONObject, had: JSON) -> JSONObject | None:
    """Return what a receiver says it has, if that is what it was asked about: some answer every GET with a success."""
    return had if isinstance(had, dict) and str(had.get("id")).upper() == str(value["id"]).upper() else None
