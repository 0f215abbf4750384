"""What stations tell, put where it belongs; each is answered when that is done and durable.

Source: OCPP 1.6, 4; OCPP 2.0.1, part 2, B, C, E, G, H.
"""

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from hub.cpms.identification import Identification
from hub.cpms.ledger import Ledger
from hub.cpms.needs import Negotiation, Witness
from hub.cpms.ports import Desk, ReservationEnded
from hub.cpms.readings import MOST
from hub.cpms.reservations import Reservations, StationReservation
from hub.cpms.running import Running
from hub.ocpp.events import (
    EVSE,
    BootNotified,
    ChargerEvent,
    ConnectorStatus,
    DataAnswer,
    DataTransferred,
    JSONObject,
    NeedsStatus,
    Registration,
    ReservationChanged,
    StatusChanged,
    TokenInfo,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
)

log = logging.getLogger(__name__)

#: What 1.6's StatusNotification says of a transaction; 2.0.1 tells it with the transaction.
_OF_TRANSACTION = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})

#: Takes a vendor's own message.
Vendor = Callable[[DataTransferred], Awaitable[DataAnswer]]

#: Takes a station's signing request (PEM) and its kind; returns whether it will be signed.
Signer = Callable[[str, str, str], Awaitable[bool]]

#: Takes what to ask of a contract certificate (OCSPRequestDataType) and its chain (PEM), returns what is to be said of
#: it (AuthorizeCertificateStatusEnumType).
ContractJudge = Callable[[Sequence[JSONObject], str | None], Awaitable[str]]


class Listening:
    """The ``hub.ocpp.events.Operator`` of the built-in CPMS.

    Args:
        heartbeat: how often stations say that they are there, in seconds.
        vendors: who takes vendors' own messages, by vendor id.
        signer: signs stations' certificates; None: nobody does.
        negotiation: takes what cars need; None: nobody does.
        contracts: judges contract certificates; None: their stations have.

    Attributes:
        statuses: what connectors last told.
        witnesses: who else is told what stations tell, in this order.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        ledger: Ledger,
        identification: Identification,
        reservations: Reservations,
        witnesses: Sequence[Witness] = (),
        vendors: Mapping[str, Vendor] | None = None,
        signer: Signer | None = None,
        negotiation: Negotiation | None = None,
        contracts: ContractJudge | None = None,
        heartbeat: int,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._identification = identification
        self._reservations = reservations
        self._vendors = vendors or {}
        self._signer = signer
        self._negotiation = negotiation
        self._contracts = contracts
        self._heartbeat = heartbeat
        self._clock = clock
        self.witnesses = list(witnesses)
        self.statuses: dict[tuple[str, int], ConnectorStatus] = {}

    async def resume(self) -> None:
        """Tell the witnesses what goes on from before the start."""
        for run in self._ledger.runs:
            if run.ended or run.newest is None:
                continue
            event = TransactionEvent(
                kind="Updated", station_id=run.kept.station_id, transaction_id=run.kept.called, evse=run.evse,
                at=run.newest.at, received_at=run.newest.received_at, message_id="", trigger="Resumed",
            )  # fmt: skip
            for witness in self.witnesses:
                await witness.told(event)

    # -- what a station waits for ------------------------------------------------------------------

    async def booted(self, event: BootNotified) -> Registration:
        """Take a station up. What went on there may have ended with it; it will say so if not."""
        for run in self._ledger.runs.at(EVSE(station_id=event.station_id, evse_id=0)):
            run.doubted_at = run.doubted_at or self._clock()
        for witness in self.witnesses:
            await witness.told(event)
        return Registration(status="Accepted", interval=self._heartbeat)

    async def token_presented(self, event: TokenPresented) -> TokenInfo:
        """Judge a token, after the contract certificate it comes with: what does not hold is not asked about.

        A token that goes on charging somewhere may be presented, to stop that.
        """
        status = None
        if self._contracts is not None and (event.certificate is not None or event.certificate_hashes):
            status = await self._contracts(event.certificate_hashes, event.certificate)
            if status != "Accepted":
                return TokenInfo(status="Invalid", certificate_status=status)
        info = (await self._identification.judge(event.station_id, event.id_token, event.evse)).info
        return replace(info, certificate_status=status)

    async def transaction(self, event: TransactionEvent) -> TransactionAnswer:
        """Write down what a transaction tells; witnesses hear of it with its place and number, while it goes on."""
        before = self._ledger.runs.by_number(event.station_id, event.transaction_id)
        answer = await self._ledger.take(event)
        try:
            await self._witness(event, answer, before)
        finally:
            # The answer goes out when this returns, without anything else having its turn.
            asyncio.get_running_loop().call_soon(self._ledger.wake)
        return answer

    async def _witness(self, event: TransactionEvent, answer: TransactionAnswer, before: Running | None) -> None:
        """Have the witnesses hear of a transaction, unless a message of what is over was told again."""
        runs = self._ledger.runs
        number = event.transaction_id or answer.transaction_id
        run = runs.by_number(event.station_id, number) or before
        if run is None or (run.ended and event.kind != "Ended"):
            return
        for witness in self.witnesses:
            await witness.told(replace(event, transaction_id=number, evse=event.evse or run.evse))

    async def data_transferred(self, event: DataTransferred) -> DataAnswer:
        """Pass a vendor's own message to who understands it."""
        vendor = self._vendors.get(event.vendor_id)
        return await vendor(event) if vendor else DataAnswer(status="UnknownVendorId")

    async def certificate_requested(self, station_id: str, csr: str, kind: str) -> bool:
        """Pass a signing request to who signs."""
        return await self._signer(station_id, csr, kind) if self._signer else False

    async def charging_needs(self, station_id: str, said: JSONObject) -> NeedsStatus:
        """Pass what a car needs to who shares power; without one it charges by what its station goes by."""
        return await self._negotiation.needs(station_id, said) if self._negotiation else "Rejected"

    async def charging_schedule(self, station_id: str, said: JSONObject) -> bool:
        """Pass a car's schedule to who shares power; without one its station has checked it."""
        return await self._negotiation.schedule(station_id, said) if self._negotiation else True

    # -- what a station is only thanked for --------------------------------------------------------

    async def told(self, event: ChargerEvent) -> None:
        """Take anything else a station tells."""
        if isinstance(event, StatusChanged):
            await self._status(event)
        elif isinstance(event, ReservationChanged):
            await self._reservation(event)
        for witness in self.witnesses:
            await witness.told(event)

    async def _status(self, event: StatusChanged) -> None:
        evse = event.evse
        if evse.evse_id < MOST:  # more has no station, but one may say so
            self.statuses[evse.station_id, evse.evse_id] = event.status
        for run in self._ledger.runs.at(evse) if evse.evse_id else ():
            if event.status == "Available":
                # Its stop may be queued behind this, so nothing is ended yet; it is only no longer believed in.
                run.doubted_at = run.doubted_at or self._clock()
            elif event.status in _OF_TRANSACTION and run.state != event.status:
                run.state, run.changed, run.doubted_at = event.status, True, None
        kept = self._reservations.at(evse)
        if kept is not None and event.status in ("Faulted", "Unavailable"):
            await self._ended(kept, canceled=True)

    async def _reservation(self, event: ReservationChanged) -> None:
        kept = self._reservations.by_number(event.station_id, event.reservation_id)
        if kept is not None:
            # NoTransaction (2.1): the driver came and charged nothing. Only Removed is the operator's doing.
            await self._ended(kept, canceled=event.status == "Removed")

    async def _ended(self, kept: StationReservation, *, canceled: bool) -> None:
        if not await self._reservations.over(kept):
            return
        await self._desk.tell(ReservationEnded(reservation_id=kept.reservation_id, canceled=canceled, at=self._clock()))
