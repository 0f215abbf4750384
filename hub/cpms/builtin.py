"""The CPMS we bring: it operates chargers over OCPP, whatever version they speak.

Its parts each do one thing: ``listening`` takes what stations tell, ``identification`` judges who
stands there, ``ledger`` writes transactions down, ``settlement`` ends them, ``remote`` tells stations
what to do, ``watching`` sees what nobody tells. This file puts them together and is the port.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.cpms.cases import Cases
from hub.cpms.costs import Costs
from hub.cpms.doorkeeper import Doorkeeper
from hub.cpms.identification import Identification
from hub.cpms.ledger import Ledger
from hub.cpms.listening import ContractJudge, Listening, Signer, Vendor
from hub.cpms.needs import Charging, Clock, Negotiation, OperationCentre, Places, Witness
from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Desk,
    Handler,
    OpenReservation,
    Outlet,
    ProfileResultType,
    RunningSession,
)
from hub.cpms.profiles import StationProfiles
from hub.cpms.remote import Remote
from hub.cpms.remote_starts import RemoteStarts
from hub.cpms.reservations import Reservations
from hub.cpms.running import Running
from hub.cpms.settlement import Settlement
from hub.cpms.watching import Limits, Watching
from hub.database.contract import Database
from hub.database.works import Also, followed
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time
from hub.ocpp.events import EVSE, Chargers


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How an operator operates.

    Attributes:
        limits: how long things may last.
        heartbeat: how often stations say that they are there, in seconds.
        car_timeout: how long a car is awaited that is to be charged, in seconds.
        stop_timeout: how long a station may take to end what it agreed to end, in seconds.
        concurrent: whether one token may charge at two places at once.
        test_tokens: the uids testers use; what they charge is not billed.
    """

    limits: Limits = field(default_factory=Limits)
    heartbeat: int = 300
    car_timeout: float = 60.0
    stop_timeout: float = 15.0
    concurrent: bool = True
    test_tokens: frozenset[str] = frozenset()


class BuiltinCpms:
    """A ``Cpms`` over ``Chargers``.

    Args:
        party: CC-PID of the operator, whose own the test tokens are.
        witnesses: who else is told what stations tell.
        charging: sets charging profiles; None: each is put to its station as it is.

    Attributes:
        operator: whom stations tell what happens.
        cases: usage data somebody has to look at.
        desk, ledger, watching: its parts, from the start on.
    """

    def __init__(
        self,
        *,
        database: Database,
        places: Places,
        party: tuple[str, str],
        centre: OperationCentre,
        clock: Clock,
        rules: Rules | None = None,
        witnesses: Sequence[Witness] = (),
        charging: Charging | None = None,
        vendors: Mapping[str, Vendor] | None = None,
        signer: Signer | None = None,
        contracts: ContractJudge | None = None,
    ) -> None:
        self._database = database
        self._places = places
        self._party = party
        self._centre = centre
        self._clock = clock
        self._rules = rules or Rules()
        self.witnesses = list(witnesses)
        self._charging = charging
        self._vendors = vendors
        self._signer = signer
        self._contracts = contracts
        self.operator = Doorkeeper()
        self.cases = Cases(database)

    def operate(
        self, chargers: Chargers, charging: Charging | None = None, negotiation: Negotiation | None = None
    ) -> None:
        """Take the stations, who limits what they give, and who hears what cars need; once, before the start."""
        self._negotiation = negotiation
        self._chargers = chargers
        self._charging = charging or self._charging or StationProfiles(chargers, self._clock.now)

    # -- life --------------------------------------------------------------------------------------

    async def start(self, desk: Desk, running: Sequence[RunningSession], reserved: Sequence[OpenReservation]) -> None:
        """Begin to operate, with what the last run left: transactions are this CPMS's own memory."""
        self.desk = desk
        self._put_together(desk)
        now = self._clock.now()
        await self._starts.load(now)
        await self._reservations.load(reserved)
        await self.ledger.load(frozenset(each.session_id for each in running))
        await self._listening.resume()
        self.operator.open(self._listening)
        self.watching.start()

    async def stop(self) -> None:
        """Stop operating; transactions go on at the stations, which keep what they have to tell."""
        self.operator.close()
        await self.watching.stop()

    def _put_together(self, desk: Desk) -> None:
        rules, clock, database = self._rules, self._clock, self._database
        self._starts = RemoteStarts(database)
        self._reservations = Reservations(database)
        identification = Identification(
            desk=desk, places=self._places, starts=self._starts, tester=self._tester, clock=clock.now
        )
        costs = Costs(desk=desk, chargers=self._chargers, every=rules.limits.cost)
        self.ledger = Ledger(
            database=database, desk=desk, places=self._places, identification=identification, starts=self._starts,
            reservations=self._reservations, concurrent=rules.concurrent, clock=clock.now, costs=costs,
            settlement=Settlement(database=database, desk=desk, centre=self._centre, clock=clock.now),
        )  # fmt: skip
        self._listening = Listening(
            desk=desk, ledger=self.ledger, identification=identification, reservations=self._reservations,
            witnesses=self.witnesses, vendors=self._vendors, signer=self._signer, heartbeat=rules.heartbeat,
            negotiation=self._negotiation, contracts=self._contracts, clock=clock.now,
        )  # fmt: skip
        self._remote = Remote(
            desk=desk, chargers=self._chargers, places=self._places, ledger=self.ledger, listening=self._listening,
            starts=self._starts, reservations=self._reservations, clock=clock, car_timeout=rules.car_timeout,
            stop_timeout=rules.stop_timeout,
        )  # fmt: skip
        self.watching = Watching(
            desk=desk, chargers=self._chargers, ledger=self.ledger, remote=self._remote, starts=self._starts,
            reservations=self._reservations, centre=self._centre, costs=costs, clock=clock,
            limits=rules.limits,
        )  # fmt: skip

    def _tester(self, uid: str) -> Authorization | None:
        """Return the leave of one of the operator's test tokens."""
        if uid.upper() not in {each.upper() for each in self._rules.test_tokens}:
            return None
        country_code, party_id = self._party
        token: JSONObject = {
            "country_code": country_code,
            "party_id": party_id,
            "uid": uid,
            "type": "RFID",
            "contract_id": f"{country_code}-{party_id}-TEST",
            "issuer": f"{country_code}-{party_id}",
            "valid": True,
            "whitelist": "ALWAYS",
            "last_updated": date_time(self._clock.now()),
        }
        return Authorization(token=token, method="WHITELIST", unbilled=True)

    # -- commands ----------------------------------------------------------------------------------

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """Have a station charge for a token; return once it does, or once it is clear that it will not."""
        return await self._remote.start_session(outlet, authorization)

    async def stop_session(self, session_id: str) -> CommandResultType:
        """Have a station end a session; return once it has, or has agreed to."""
        return await self._remote.stop_session(session_id)

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """Have a station keep an outlet for a token."""
        return await self._remote.reserve_now(reservation)

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType:
        """Have a station let an outlet go that was kept."""
        return await self._remote.cancel_reservation(reservation_id)

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType:
        """Have a station let a plug go."""
        return await self._remote.unlock_connector(outlet)

    async def end_by(self, session_id: str, at: datetime.datetime, also: Also[None] | None = None) -> bool:
        """Have a session end at a moment, or when its car is full, whichever comes first; False: it is not known.

        Args:
            also: written with it, in its transaction.
        """
        run = self._running(session_id)
        if run is None:
            return False
        await self._database.transact(followed(lambda tx: self.ledger.store.end_by(tx, run.kept.id, at), also))
        run.ends_by = at
        return True

    # -- charging profiles -------------------------------------------------------------------------

    async def set_charging_profile(self, session_id: str, profile: JSONObject) -> ProfileResultType:
        """Limit a session."""
        run = self._running(session_id)
        if run is None or self._charging is None:
            return "UNKNOWN"
        return await self._charging.set(run.evse, run.kept.called, profile)

    async def clear_charging_profile(self, session_id: str) -> ProfileResultType:
        """Take the limit of a session away."""
        run = self._running(session_id)
        if run is None or self._charging is None:
            return "UNKNOWN"
        return await self._charging.clear(run.evse, run.kept.called)

    async def active_charging_profile(self, session_id: str, duration: int) -> JSONObject | None:
        """Return what a session's station will do."""
        run = self._running(session_id)
        if run is None or self._charging is None:
            return None
        return await self._charging.active(run.evse, duration)

    def orders(self) -> Mapping[str, Handler]:
        """What an operator may order beyond OCPI: nothing here; the operator API has all of it."""
        return {}

    def session_at(self, evse: EVSE) -> str | None:
        """Return the session that goes on at an EVSE."""
        return next((run.kept.session_id for run in self.ledger.runs.at(evse)), None) if evse.evse_id else None

    def ends_at(self, evse: EVSE) -> datetime.datetime | None:
        """Return when the time of the car at an EVSE is up; None: it has none."""
        ends = (run.ends_by for run in self.ledger.runs.at(evse) if run.ends_by is not None)
        return min(ends, default=None) if evse.evse_id else None

    def _running(self, session_id: str) -> Running | None:
        run = self.ledger.runs.by_session(session_id)
        return None if run is None or run.ended else run
