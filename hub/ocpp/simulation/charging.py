"""What happens at the connectors of a station: cables, cards, remote orders, meters.

Source: OCPP 1.6 edition 2, 3 and 5; OCPP 2.0.1 edition 3, part 2, C, E, F, G, H.
"""

import asyncio
import dataclasses
import uuid
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from hub.ocpp.simulation.car import Car
from hub.ocpp.simulation.connector import Connector, Grant, Transaction
from hub.ocpp.simulation.link import LinkError
from hub.ocpp.simulation.profiles import Asked
from hub.ocpp.simulation.reservations import Reservations
from hub.ocpp.words import ChargingProfile, IdToken, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

_TICK = 1.0  # seconds between two looks at a meter

#: Ends of the leave to charge, after which the cable may still be there.
_LEAVE_ENDS = ("Local", "Remote", "DeAuthorized")


class Charging:
    """The connectors of one station at work."""

    def __init__(self, station: "Station") -> None:
        self.station = station
        self.reservations = Reservations(station)
        self._timers: dict[str, asyncio.Task[None]] = {}

    # -- the driver --------------------------------------------------------------------------------

    def plug(self, connector: Connector, car: Car) -> None:
        """A cable is put in."""
        if connector.car is not None:
            raise ValueError(f"there is a cable in connector {connector.evse_id} already")
        connector.car = car
        if connector.grant is not None:
            self._begin(connector, "CablePluggedIn")
        elif connector.transaction is not None:
            self._go_on(connector, "CablePluggedIn")
        elif self._starts_at("EVConnected") and connector.status == "Preparing":
            self._open(connector, None, "CablePluggedIn")
        self.station.tell()

    def unplug(self, connector: Connector) -> None:
        """The cable is pulled out."""
        connector.flow(self.station.now())
        transaction = connector.transaction
        ends = transaction is not None and (
            self.station.configuration.on("StopTransactionOnEVSideDisconnect") or transaction.token is None
        )
        connector.car, connector.finishing = None, False
        if ends:
            self.stop(connector, "EVDisconnected", "EVCommunicationLost")
        elif transaction is not None:
            self.station.voice.updated(connector, transaction, "EVCommunicationLost")
        self.station.tell()

    async def present(self, connector: Connector, token: IdToken) -> TokenInfo:
        """A card is held to the reader: it starts a transaction, or ends its own."""
        running = connector.transaction
        if running is not None and running.token is not None:
            return await self._present_to_running(connector, running, token)
        info = await self.judge(token)
        if info.status != "Accepted":
            return info
        if not self.admits(connector, token, info.group_id_token):
            return TokenInfo(status="Invalid", message="reserved, occupied or out of order")
        self._grant(connector, Grant(token=token, group=info.group_id_token))
        return info

    async def _present_to_running(self, connector: Connector, running: Transaction, token: IdToken) -> TokenInfo:
        assert running.token is not None, "asked before"
        if token.id_token.lower() == running.token.id_token.lower():
            self.stop(connector, "Local", "StopAuthorized", by=token)
            return TokenInfo(status="Accepted", group_id_token=running.group)
        info = await self.judge(token)
        if info.status != "Accepted" or running.group is None or info.group_id_token != running.group:
            return TokenInfo(status="Invalid", message="another driver's transaction")
        self.stop(connector, "Local", "StopAuthorized", by=token)
        return info

    async def judge(self, token: IdToken) -> TokenInfo:
        """Return whether a token may charge: by the list, by asking, or while offline by the station's policy."""
        tokens, now = self.station.tokens, self.station.now()
        known = tokens.at_once(token.id_token, now)
        if known is not None:
            return known
        if not self.station.registered:
            return tokens.offline(token.id_token, now)
        try:
            info = await self.station.voice.authorize(token)
        except LinkError:
            return tokens.offline(token.id_token, self.station.now())
        tokens.remember(token.id_token, info)
        return info

    # -- leave to charge ---------------------------------------------------------------------------

    def admits(self, connector: Connector, token: IdToken, group: str | None) -> bool:
        """Whether a connector may be used by a token now: it works, is free, and is not another's."""
        taken = connector.grant is not None or (
            connector.transaction is not None and connector.transaction.token is not None
        )
        if taken or connector.error_code != "NoError" or not connector.operative or connector.finishing:
            return False
        if connector.reservation is not None:
            return connector.reservation.admits(token, group)
        # Who reserved any connector finds one: the last free ones are his (OCPP 1.6, 5.13).
        others = [each for each in self.reservations.anywhere() if not each.admits(token, group)]
        return len(self._free()) > len(others)

    def _free(self) -> list[Connector]:
        return [each for each in self.station.connectors if each.status in ("Available", "Preparing")]

    def remote_start(
        self,
        connector: Connector | None,
        token: IdToken,
        *,
        group: str | None = None,
        remote_start_id: int | None = None,
        profile: ChargingProfile | None = None,
    ) -> Connector | None:
        """Return the connector that will charge for a token; None: the order is rejected."""
        wanted = self.station.connectors if connector is None else [connector]
        able = [each for each in wanted if self.admits(each, token, group)]
        able.sort(key=lambda each: each.car is None)
        if not able or "refusing" in self.station.faults:
            return None
        grant = Grant(token=token, group=group, remote_start_id=remote_start_id, profile=profile)
        self.station.follow(self._remote(able[0], grant))
        return able[0]

    async def _remote(self, connector: Connector, grant: Grant) -> None:
        if self.station.configuration.on("AuthorizeRemoteTxRequests"):
            info = await self.judge(grant.token)
            if info.status != "Accepted":
                return
        if self.admits(connector, grant.token, grant.group):
            self._grant(connector, grant)

    def _grant(self, connector: Connector, grant: Grant) -> None:
        connector.grant = grant
        trigger = "RemoteStart" if grant.remote_start_id is not None else "Authorized"
        if connector.car is not None or connector.transaction is not None:
            self._begin(connector, trigger)
        elif self._starts_at("Authorized"):
            self._begin(connector, trigger)
            self._wait_for_cable(connector)
        else:
            self._wait_for_cable(connector)
        self.station.tell()

    def _wait_for_cable(self, connector: Connector) -> None:
        async def give_up() -> None:
            await self.station.clock.sleep(self.station.configuration.number("ConnectionTimeOut"))
            if connector.car is not None:
                return
            connector.grant = None
            if connector.transaction is not None:
                self.stop(connector, "Timeout", "EVConnectTimeout")
            self.station.tell()

        self._time(f"cable {connector.evse_id}", give_up())

    # -- transactions ------------------------------------------------------------------------------

    def _starts_at(self, point: str) -> bool:
        """Whether a transaction begins at a point before both cable and leave are there (2.0.1, TxStartPoint)."""
        return self.station.voice.version != "1.6" and point in self.station.configuration.words("TxStartPoint")

    def _stops_with_cable(self) -> bool:
        """Whether a transaction goes on without leave until the cable is pulled out (2.0.1, TxStopPoint)."""
        points = self.station.configuration.words("TxStopPoint")
        return self.station.voice.version != "1.6" and points == ["EVConnected"]

    def _begin(self, connector: Connector, trigger: str) -> None:
        """Leave to charge is there, and a cable too or a transaction that needs none."""
        grant, connector.grant = connector.grant, None
        if connector.car is not None:
            self._untime(f"cable {connector.evse_id}")
        self._open(connector, grant, trigger)

    def _open(self, connector: Connector, grant: Grant | None, trigger: str) -> None:
        transaction, known = connector.transaction, connector.transaction is not None
        if transaction is None:
            transaction = self._new(connector)
        if grant is not None:
            self._lead(connector, transaction, grant)
        voice = self.station.voice
        voice.updated(connector, transaction, trigger) if known else voice.started(connector, transaction, trigger)
        self._adopt_profile(connector, transaction)
        self._meter(connector, transaction)

    def _new(self, connector: Connector) -> Transaction:
        now = self.station.now()
        connector.finishing, connector.metered_at = False, now
        transaction = Transaction(str(uuid.uuid4()), connector.evse_id, now, connector.meter.register, sampled_at=now)
        if self.station.voice.version != "1.6":
            transaction.id = transaction.number
        connector.transaction = transaction
        return transaction

    def _lead(self, connector: Connector, transaction: Transaction, grant: Grant) -> None:
        transaction.token, transaction.group = grant.token, grant.group
        transaction.remote_start_id, transaction.profile = grant.remote_start_id, grant.profile
        transaction.reservation_id = self.reservations.use(connector, grant.token, grant.group)

    def _go_on(self, connector: Connector, trigger: str) -> None:
        self._untime(f"cable {connector.evse_id}")
        connector.metered_at = self.station.now()
        if connector.transaction is not None:
            self.station.voice.updated(connector, connector.transaction, trigger)

    def named(self, connector: Connector, transaction: Transaction, number: str) -> None:
        """The central system has named a transaction (1.6): what waited for the name goes on."""
        transaction.id = number
        self._adopt_profile(connector, transaction)

    def _adopt_profile(self, connector: Connector, transaction: Transaction) -> None:
        """Install the TxProfile that came with a remote start; it names no transaction of its own."""
        profile = transaction.profile
        if profile is None or transaction.id is None:
            return
        transaction.profile = None
        named = dataclasses.replace(profile, transaction_id=transaction.id)
        self.station.profiles.put(connector.evse_id, named, self.station.now())

    def judged(self, connector: Connector, transaction: Transaction, info: TokenInfo) -> None:
        """The central system has judged a running transaction's token."""
        if transaction.token is not None:
            self.station.tokens.remember(transaction.token.id_token, info)
        if info.status == "Accepted" or connector.transaction is not transaction:
            return
        if self.station.configuration.on("StopTransactionOnInvalidId"):
            self.stop(connector, "DeAuthorized", "Deauthorized")
        else:
            connector.flow(self.station.now())
            transaction.allowed = False
        self.station.tell()

    def stop(self, connector: Connector, reason: str, trigger: str, by: IdToken | None = None) -> None:
        """End what runs at a connector."""
        transaction = connector.transaction
        if transaction is None:
            return
        connector.flow(self.station.now())
        transaction.stopped_by = by
        if reason in _LEAVE_ENDS and connector.car is not None and self._stops_with_cable():
            transaction.allowed = False
            self.station.voice.updated(connector, transaction, trigger)
            return
        transaction.over, connector.transaction = True, None
        self._untime(f"meter {connector.evse_id}")
        self._untime(f"cable {connector.evse_id}")
        connector.finishing = connector.car is not None
        self.station.voice.ended(connector, transaction, reason, trigger)
        if transaction.id is not None:
            self.station.profiles.end(transaction.id)
        if connector.afterwards is not None:
            connector.operative, connector.afterwards = connector.afterwards, None
        self.station.tell()

    def remote_stop(self, transaction_id: str) -> bool:
        """Take an order to end a transaction; False: it does not run here."""
        connector = self.running(transaction_id)
        if connector is None:
            return False

        async def stop() -> None:
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                self.stop(connector, "Remote", "RemoteStop")

        self.station.follow(stop())
        return True

    def running(self, transaction_id: str) -> Connector | None:
        """Return the connector a transaction runs at."""
        for each in self.station.connectors:
            if each.transaction is not None and each.transaction.id == transaction_id:
                return each
        return None

    def _at_work(self) -> Iterator[Connector]:
        return (each for each in self.station.connectors if each.transaction is not None)

    # -- the meter ---------------------------------------------------------------------------------

    def _meter(self, connector: Connector, transaction: Transaction) -> None:
        async def read() -> None:
            while not transaction.over:
                await self.station.clock.sleep(_TICK)
                self._look(connector, transaction)

        name = f"meter {connector.evse_id}"
        if name not in self._timers or self._timers[name].done():
            self._time(name, read())

    def _look(self, connector: Connector, transaction: Transaction) -> None:
        if transaction.over:
            return
        now, before = self.station.now(), connector.status
        connector.flow(now)
        connector.limit = self.station.profiles.limit(self.asked(connector), now)
        if connector.status != before:
            self.station.voice.updated(connector, transaction, "ChargingStateChanged")
            self.station.tell()
        interval = self.station.configuration.number("MeterValueSampleInterval")
        assert transaction.sampled_at is not None, "set when it began"
        if interval and (now - transaction.sampled_at).total_seconds() >= interval:
            transaction.sampled_at = now
            self.station.voice.updated(connector, transaction, "MeterValuePeriodic")

    def asked(self, connector: Connector) -> Asked:
        """Return whose limit holds at a connector."""
        transaction = connector.transaction
        return Asked(
            evse_id=connector.evse_id,
            transaction_id=transaction.id if transaction else None,
            started_at=transaction.started_at if transaction else None,
            sharing=len(list(self._at_work())),
        )

    # -- order and disorder ------------------------------------------------------------------------

    def availability(self, connectors: list[Connector], *, operative: bool) -> Literal["Accepted", "Scheduled"]:
        """Put connectors in or out of operation, those with a transaction when it is over."""
        scheduled = False
        for each in connectors:
            if each.transaction is not None:
                each.afterwards, scheduled = operative, True
                continue
            each.operative = operative
            if not operative:
                self.reservations.remove(each)
        self.station.follow(self.station.told())
        return "Scheduled" if scheduled else "Accepted"

    def fail(self, connector: Connector, error_code: str) -> None:
        """A connector breaks: what runs there ends."""
        self.stop(connector, "Other", "AbnormalCondition")
        connector.grant = None
        connector.error_code = error_code
        self.reservations.remove(connector)
        self.station.tell()
        self.station.notice(partial(self.station.voice.alarm, connector))

    def mend(self, connector: Connector) -> None:
        """A broken connector works again."""
        connector.error_code = "NoError"
        self.station.tell()

    def forget(self) -> None:
        """The power is gone: every timer and every leave without a transaction is lost."""
        for connector in self.station.connectors:
            connector.grant = None
        for name in list(self._timers):
            self._untime(name)
        self.reservations.forget()

    def remember(self) -> None:
        """The power is back: reservations go on."""
        self.reservations.remember()

    # -- timers ------------------------------------------------------------------------------------

    def _time(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._untime(name)
        self._timers[name] = self.station.keep(work)

    def _untime(self, name: str) -> None:
        task = self._timers.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
