"""The ledger of transactions: what stations tell is written down first, then answered, then told on.

A message is durable before its station is answered. What follows from it (the Session's start and
end) is told to the desk before the answer, too, and again when the message is repeated: the desk
changes nothing the second time, so a crash between the two loses nothing and doubles nothing. Meter
values are only written down; ``hub.cpms.watching`` tells the newest of them on every few seconds.

Source: OCPP 1.6, 3.7, 4.8, 4.10; OCPP 2.0.1, part 2, E.
"""

import asyncio
import datetime
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from hub.cpms.costs import Costs
from hub.cpms.identification import Identification, Judgement, accepted, refused
from hub.cpms.needs import Places
from hub.cpms.ports import Desk, NoSuchPlace, Outlet, Refusal, SessionStarted
from hub.cpms.remote_starts import RemoteStart, RemoteStarts
from hub.cpms.reservations import Reservations, StationReservation
from hub.cpms.running import Running, Runs
from hub.cpms.settlement import Settlement
from hub.cpms.stops import ended_otherwise, orphan_of, unnumbered
from hub.cpms.transaction_store import ADOPTED, ENDED, LOST, OPEN, Kept, TransactionStore
from hub.cpms.transactions import Message, bounded, message_of, natural_key
from hub.cpms.unclaimed import Unclaimed
from hub.database.contract import Database, Transaction
from hub.ocpp.events import EVSE, TokenInfo, TransactionAnswer, TransactionEvent
from hub.ocpp.words import id_tag

log = logging.getLogger(__name__)

_NOWHERE = 0


class Ledger:
    """All transactions of one operator's stations.

    Args:
        concurrent: whether one token may charge at two places at once.
    """

    def __init__(
        self,
        *,
        database: Database,
        desk: Desk,
        places: Places,
        identification: Identification,
        starts: RemoteStarts,
        reservations: Reservations,
        settlement: Settlement,
        costs: Costs,
        concurrent: bool,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self.store = TransactionStore(database)
        self.runs = Runs()
        self._desk = desk
        self._places = places
        self._identification = identification
        self._starts = starts
        self._reservations = reservations
        self._settlement = settlement
        self._costs = costs
        self._concurrent = concurrent
        self._clock = clock
        self._unclaimed = Unclaimed(clock)
        self._due: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Wake whoever waits for what has been told; called when the station has its answer, and not before.

        A station of 1.6 knows its transaction only from the answer to its start.
        """
        due, self._due = self._due, []
        for each in due:
            if not each.done():
                each.set_result(None)

    async def load(self, begun: frozenset[str]) -> None:
        """Take up what the last run left: what goes on, and what ended without everybody having been told.

        Args:
            begun: the ids of the Sessions that have been told.
        """
        for kept in await self.store.unsettled():
            run = await self._remembered(kept)
            run.begun = kept.session_id in begun
            try:
                await self._tell(self.runs.add(run))
            except Exception:  # One transaction's trouble must not keep the stations from being served.
                log.exception("%s: transaction %d could not be taken up", kept.station_id, kept.id)

    async def take(self, event: TransactionEvent) -> TransactionAnswer:
        """Write a message down and return its answer."""
        run = await self._find(event)
        message = message_of(event)
        if run is None and event.kind == "Updated" and event.seq_no is None:
            log.warning("%s: meter values of transaction %s, which is unknown", event.station_id, event.transaction_id)
            return TransactionAnswer()
        if run is None:
            run = await self._open(event, message)
        elif run.kept.settled and not run.started and event.kind == "Started":
            run = await self._reopen(run, message)
        else:
            await self._add(run, message)
        if run.kept.state == ADOPTED:
            return TransactionAnswer(token=await self._info(run, event))
        if event.kind != "Ended" and not run.kept.settled:
            await self._learn(run, event)
        if event.kind != "Updated" or run.ended or not run.begun:
            await self._tell(run)
        number = run.kept.called if event.kind == "Started" and event.seq_no is None else None
        token, cost = await self._info(run, event), await self._cost(run, event)
        return TransactionAnswer(transaction_id=number, token=token, total_cost=cost)

    # -- finding it --------------------------------------------------------------------------------

    async def _find(self, event: TransactionEvent) -> Running | None:
        """Return the transaction a message is about; None: it is the first we hear of it."""
        if event.seq_no is None and event.kind != "Started":
            found = await self._by_number(event)
            if event.kind == "Ended" and (found is None or ended_otherwise(found, event)):
                found = unnumbered(self.runs, event) or await self._told_before(event)
            if found is not None or event.kind == "Updated":
                return found
        key = natural_key(event)
        known = self.runs.by_key(event.station_id, key)
        if known is not None:
            return known
        kept = await self.store.by_key(event.station_id, key)
        return None if kept is None else await self._remembered(kept)

    async def _by_number(self, event: TransactionEvent) -> Running | None:
        known = self.runs.by_number(event.station_id, event.transaction_id)
        number = event.transaction_id or ""
        if known is not None or not (number.isascii() and number.isdigit() and len(number) < 19):
            return known
        kept = await self.store.by_number(event.station_id, int(number))
        return None if kept is None else await self._remembered(kept)

    async def _told_before(self, event: TransactionEvent) -> Running | None:
        """Return the transaction that this very stop has ended before, under whatever number."""
        kept = await self.store.ended_by(event.station_id, message_of(event))
        return None if kept is None else await self._remembered(kept)

    async def _remembered(self, kept: Kept) -> Running:
        """Return a transaction as its messages tell it."""
        run = Running(kept=kept, heard_at=kept.started_at, ends_by=kept.ends_by)
        for message in await self.store.messages(kept.id):
            run.hear(message)
        run.changed = False
        return run

    # -- writing it down ---------------------------------------------------------------------------

    async def _open(self, event: TransactionEvent, message: Message) -> Running:
        """Write down a transaction's first message, with how its token was judged."""
        order = await self._starts.match(event) if event.kind != "Ended" else None
        judgement = await self._judge(event, order)
        reserved = self._reserved(event, order, judgement)
        draft = self._draft(event, message, order, judgement)
        if draft.authorization is None:
            self._unclaimed.refuse_more(event.station_id, len(self._places.of_station(event.station_id)))
        if reserved is not None:
            draft = replace(draft, session_id=reserved.reservation_id)
        orphan = await orphan_of(self.store, event) if event.kind == "Started" and event.seq_no is None else None

        async def work(tx: Transaction) -> Kept:
            kept, new = await self.store.add(tx, draft)
            if new and order is not None:
                await self._starts.use(tx, order)
            if new and orphan is not None:
                await self.store.move_messages(tx, orphan, kept.id)
                await self._settlement.start_came(tx, orphan)
            await self.store.add_message(tx, kept.id, message)
            return kept

        kept = await self.store.database.transact(work)
        if draft.authorization is None:
            self._unclaimed.add(event.station_id)
        if order is not None:
            self._starts.claim(order)
        if reserved is not None:
            await self._reservations.over(reserved)
        run = await self._remembered(kept)
        run.order = order
        self._doubt_former(run)
        return self.runs.add(run)

    def _draft(
        self, event: TransactionEvent, message: Message, order: RemoteStart | None, judgement: Judgement | None
    ) -> Kept:
        evse = event.evse or (order.evse if order else EVSE(station_id=event.station_id, evse_id=_NOWHERE))
        kept = Kept(
            station_id=event.station_id,
            key=natural_key(event),
            station_transaction_id=(event.transaction_id or "") if event.seq_no is not None else "",
            evse_id=evse.evse_id,
            connector_id=evse.connector_id,
            # A driver who was told that nothing came of his order hears of another Session than that one.
            session_id=order.session_id if order is not None and not order.released else str(uuid.uuid4()),
            outlet=order.outlet if order is not None and _same_place(order.evse, evse) else self._outlet(evse),
            authorization=None,
            verdict="",
            state=ENDED if event.kind == "Ended" else OPEN,
            started_at=message.at,
        )
        return kept if judgement is None else _judged(kept, judgement)

    def _outlet(self, evse: EVSE) -> Outlet | None:
        return self._places.outlet(evse) if evse.evse_id else None

    def _reserved(
        self, event: TransactionEvent, order: RemoteStart | None, judgement: Judgement | None
    ) -> StationReservation | None:
        """Return the reservation a new transaction uses; no eMSP's token becomes the Session of another's."""
        evse = event.evse or (order.evse if order else None)
        used = None if event.kind == "Ended" or evse is None else self._reservations.used_by(event, evse)
        leave = judgement.authorization if judgement is not None else None
        return None if used is not None and leave is not None and not used.of_provider(leave) else used

    async def _add(self, run: Running, message: Message) -> None:
        async def work(tx: Transaction) -> bool:
            added = await self.store.add_message(tx, run.kept.id, message)
            if message.kind == "Ended" and run.kept.state == OPEN:
                await self.store.end(tx, run.kept.id, ENDED)
            return added

        await self.store.database.transact(work)
        run.hear(message)
        if message.kind == "Ended" and run.kept.state == OPEN:
            run.kept = replace(run.kept, state=ENDED)

    async def _reopen(self, run: Running, message: Message) -> Running:
        """Take up a transaction again that was given up without its start: that has come after all."""

        async def work(tx: Transaction) -> None:
            await self.store.add_message(tx, run.kept.id, message)
            await self.store.reopen(tx, run.kept.id, ENDED if run.ended else OPEN)
            await self._settlement.start_came(tx, run.kept)

        await self.store.database.transact(work)
        run.hear(message)
        run.kept = replace(run.kept, settled=False, state=ENDED if run.ended else OPEN)
        return self.runs.add(run)

    def _doubt_former(self, run: Running) -> None:
        """Doubt what still goes on where another transaction begins: its stop is late, or lost."""
        if run.kept.evse_id == _NOWHERE or run.ended:
            return
        for each in self.runs.at(run.evse):
            if each.kept.id != run.kept.id:
                each.doubted_at = each.doubted_at or self._clock()

    # -- who may charge ----------------------------------------------------------------------------

    async def _judge(self, event: TransactionEvent, order: RemoteStart | None) -> Judgement | None:
        if event.kind == "Ended" or (event.id_token is None and order is None):
            return None
        if order is not None and (event.id_token is None or order.names(event.id_token)):
            return self._once(accepted(order.authorization), event)  # however late the station tells of it
        assert event.id_token is not None
        return self._once(await self._identification.judge(event.station_id, event.id_token, event.evse), event)

    def _once(self, judgement: Judgement, event: TransactionEvent) -> Judgement:
        """Refuse a token that charges elsewhere already, unless the operator allows that."""
        authorization = judgement.authorization
        if self._concurrent or authorization is None or authorization.unbilled:
            return judgement
        token = authorization.token
        elsewhere = [each for each in self.runs.of_token(token["uid"], token["type"]) if each.doubted_at is None]
        evse = event.evse
        if evse is not None:
            elsewhere = [each for each in elsewhere if not _same_place(each.evse, evse)]
        return refused(Refusal(reason="IN_USE", info="This token is charging already")) if elsewhere else judgement

    async def _learn(self, run: Running, event: TransactionEvent) -> None:
        """Learn from a message of 2.0.1 what those before it left open: where it is, and for whom."""
        kept = run.kept
        if kept.evse_id == _NOWHERE and event.evse is not None:
            kept = replace(
                kept,
                evse_id=event.evse.evse_id,
                connector_id=event.evse.connector_id,
                outlet=self._outlet(event.evse),
            )
        order = None
        if run.awaits_leave(event):
            order = await self._starts.match(event)
            judgement = await self._judge(event, order)
            kept = kept if judgement is None else _judged(kept, judgement)
        if kept == run.kept:
            run.learn(kept, event)
            return

        async def work(tx: Transaction) -> None:
            if order is not None:
                await self._starts.use(tx, order)
            await self.store.learn(tx, kept)

        await self.store.database.transact(work)
        if run.kept.authorization is None and kept.authorization is not None:
            self._unclaimed.claimed(event.station_id)
        run.learn(kept, event)
        if order is not None:
            self._starts.claim(order)
            run.order = order

    async def _info(self, run: Running, event: TransactionEvent) -> TokenInfo | None:
        """Return what the station is told of the token its message names."""
        if event.id_token is None:
            return None
        authorization = run.kept.authorization
        uid = authorization.token["uid"] if authorization else ""
        own = event.id_token.id_token.upper() in (uid.upper(), id_tag(uid).upper())
        if event.kind != "Ended" and run.kept.verdict and (own or authorization is None):
            group = authorization.group_id if authorization else None
            return TokenInfo(status=run.kept.verdict, group_id_token=id_tag(group) if group else None)  # type: ignore[arg-type]  # written from a TokenStatus
        if own:
            return TokenInfo(status="Accepted")
        return (await self._identification.judge(event.station_id, event.id_token, event.evse)).info

    async def _cost(self, run: Running, event: TransactionEvent) -> Decimal | None:
        """Return what a station of 2.0.1 is told that its transaction costs: so far, and in the end (I02, I03)."""
        if event.seq_no is None or event.kind == "Started":
            return None
        if event.kind == "Ended" or run.kept.settled:
            return await self._costs.final(run)
        run.cost_told_at = self._clock()
        return await self._costs.of(run, bounded(event.at, event.received_at))

    # -- telling it on -----------------------------------------------------------------------------

    async def _tell(self, run: Running) -> None:
        """Tell the desk what is due: the start, once there is leave to charge; the end, once it is known."""
        kept = run.kept
        if kept.settled:
            if kept.state == LOST and run.ended:
                messages = await self.store.messages(kept.id)
                await self._settlement.late_stop(kept, messages, power=run.power)
            return
        if run.started_at is not None and not run.begun and kept.authorization is not None and kept.outlet is not None:
            start = SessionStarted(
                session_id=kept.session_id,
                outlet=kept.outlet,
                authorization=kept.authorization,
                at=max(run.started_at, run.authorized_at or run.started_at),
            )
            await self._begin(run, start)
        if run.ended:
            await self.settle(run)

    async def _begin(self, run: Running, start: SessionStarted) -> None:
        """Tell the start; one at a place that was taken away meanwhile is no Session, and a case at its end."""
        try:
            await self._desk.tell(start)
        except NoSuchPlace as error:
            log.warning("%s: transaction %d is nowhere: %s", run.kept.station_id, run.kept.id, error)
            nowhere = replace(run.kept, outlet=None)
            await self.store.database.transact(lambda tx: self.store.learn(tx, nowhere))
            run.kept = nowhere
            return
        run.begun = True
        if run.order is not None:
            self._due.append(run.order.used)

    async def settle(self, run: Running, *, waited: bool = False) -> None:
        """Tell the end of a transaction, if all that is to be billed is known, or is waited for no longer."""
        messages = await self.store.messages(run.kept.id)
        if await self._settlement.settle(run, messages, waited=waited):
            run.kept = replace(run.kept, settled=True)
            self.runs.drop(run)
            self._due.append(run.over)

    async def give_up(self, run: Running) -> None:
        """End a transaction that its station will not end: by its last reading."""

        async def work(tx: Transaction) -> None:
            await self.store.end(tx, run.kept.id, LOST)

        await self.store.database.transact(work)
        run.kept = replace(run.kept, state=LOST)
        await self.settle(run, waited=True)
        self.wake()


def _judged(kept: Kept, judgement: Judgement) -> Kept:
    authorization = judgement.authorization
    unbilled = authorization is not None and authorization.unbilled
    return replace(kept, authorization=authorization, verdict=judgement.info.status, unbilled=unbilled)


def _same_place(one: EVSE, other: EVSE) -> bool:
    return (one.station_id, one.evse_id) == (other.station_id, other.evse_id)
