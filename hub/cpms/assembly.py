"""The built-in CPMS with its stations: what it knows of its premises, the room chargers connect to, smart charging.

The premises begin before the CPMS does, whose stations they hear of; stations come in when the CPMS operates, and go
before it ends.
"""

from collections.abc import Iterator
from socket import socket

from hub.api.feed import Feed
from hub.cpms.alarmrules import Thresholds
from hub.cpms.alarms import OperationCentre
from hub.cpms.api.routes.alarms import AlarmRoutes
from hub.cpms.api.routes.cases import CaseRoutes
from hub.cpms.api.routes.control import ControlRoutes
from hub.cpms.api.routes.ending import EndingRoutes
from hub.cpms.api.routes.frames import FrameRoutes
from hub.cpms.api.routes.leniencies import LeniencyRoutes
from hub.cpms.api.routes.power import PowerRoutes
from hub.cpms.api.routes.register import RegisterRoutes
from hub.cpms.api.routes.settings import SettingsRoutes
from hub.cpms.api.routes.sites import SiteRoutes
from hub.cpms.api.routes.stations import StationRoutes
from hub.cpms.api.routes.upkeep import UpkeepRoutes
from hub.cpms.builtin import BuiltinCpms, Rules
from hub.cpms.bulk import Bulk
from hub.cpms.charging.evneeds import Negotiation
from hub.cpms.charging.evses import Outlets
from hub.cpms.charging.limits import Car
from hub.cpms.charging.sharing import Sharing
from hub.cpms.contracts import Contracts, Pool, Wire
from hub.cpms.live import LiveStations
from hub.cpms.needs import Witness
from hub.cpms.ports import CpmsEvent
from hub.cpms.premises import Premises
from hub.cpms.statuskeeping import StatusRules
from hub.cpms.store import Store
from hub.cpms.timers import WorldClock
from hub.cpms.watching import Limits
from hub.database.contract import Database
from hub.ocpi.messages import Party
from hub.ocpp.dialects import Dialect
from hub.ocpp.room import ChargerRoom, Openness
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v21 import Dialect21
from hub.ocpp.v201 import Dialect201
from hub.settings import Settings


class Assembly:
    """Its parts, put together.

    Args:
        feed: hears what happens, for operators who watch.
        statuses, thresholds: when an EVSE shows that its station is away, and when an alarm is raised.
        centre: who is warned of alarms.
        wire: the guarded way to URLs that stations give; None: no certificate is asked about.
        pool: makes contract certificates for cars; None: nobody does.

    Attributes:
        cpms: the port of the CPMS.
        premises: sites, stations, status, alarms.
        chargers: the stations there are connections to.
        sharing: shares a site's power among its cars.
    """

    def __init__(
        self,
        database: Database,
        party: Party,
        openness: Openness,
        *,
        feed: Feed | None = None,
        rules: Rules | None = None,
        statuses: StatusRules | None = None,
        thresholds: Thresholds | None = None,
        centre: OperationCentre | None = None,
        wire: Wire | None = None,
        pool: Pool | None = None,
    ) -> None:
        clock = WorldClock()
        self.store = Store(database, party)
        self.chargers = ChargerRoom(database, openness)
        self.premises = Premises(
            self.store, feed=feed, centre=centre, clock=clock, rules=statuses, thresholds=thresholds
        )
        self.contracts = Contracts(wire, pool=pool, clock=clock.now) if wire is not None else None
        witnesses: list[Witness] = [self.premises]
        if feed is not None:
            witnesses.append(LiveStations(feed))
        self.cpms = BuiltinCpms(
            database=database,
            places=self.premises.places,
            party=(party.country_code, party.party_id),
            centre=self.premises.alarms,
            clock=clock,
            rules=rules,
            witnesses=witnesses,
            signer=self.chargers.certificates.requested,
            contracts=self.contracts.judge if self.contracts is not None else None,
        )
        outlets = Outlets(self.store, self.premises.places)
        negotiation = Negotiation(outlets=outlets, cars=self.cars, clock=clock.now)
        self.sharing = Sharing(
            store=self.store,
            outlets=outlets,
            chargers=self.chargers,
            cars=negotiation.cars,
            tell=self._tell,
            clock=clock,
        )
        negotiation.serve(self.sharing)
        self.premises.operate(self.chargers)
        self.premises.ask(self.cpms)
        self.premises.overview.sharing = self.sharing
        self.cpms.operate(self.chargers, self.sharing, negotiation)

    def dialects(self) -> list[Dialect]:
        """Return the OCPP versions spoken, each telling this operator."""
        operator = self.cpms.operator
        return [
            Dialect21(operator, certificates=self.contracts),
            Dialect201(operator, certificates=self.contracts),
            Dialect16(operator),
        ]

    async def open(self, listener: socket) -> None:
        """Let stations in, now that the CPMS operates.

        Raises:
            BadTls: the listener's files cannot be used.
        """
        await self.chargers.start(listener, self.dialects(), self.cpms.operator)
        self.sharing.start()

    async def close(self) -> None:
        """Let stations go; they go by what they were told."""
        await self.sharing.stop()
        await self.chargers.stop()
        if self.contracts is not None:
            await self.contracts.close()

    def cars(self) -> Iterator[Car]:
        """Yield who charges now."""
        for run in self.cpms.ledger.runs:
            if run.ended or run.kept.authorization is None:
                continue
            update = run.update()
            yield Car(
                session_id=run.kept.session_id,
                evse=run.evse,
                transaction_id=run.kept.called,
                phases=run.phases,
                kwh=update.kwh if update is not None else 0.0,
            )

    async def _tell(self, event: CpmsEvent) -> None:
        await self.cpms.desk.tell(event)

    def routes(self) -> list[object]:
        """Return what operators may do with it, for the operator API."""
        premises, chargers = self.premises, self.chargers
        return [
            StationRoutes(premises),
            SiteRoutes(premises, Bulk(self.store, premises.stations)),
            AlarmRoutes(premises.alarms),
            ControlRoutes(chargers),
            SettingsRoutes(chargers),
            UpkeepRoutes(chargers),
            PowerRoutes(self.sharing, self.store),
            RegisterRoutes(chargers.stations, chargers.passwords),
            LeniencyRoutes(chargers.leniencies),
            FrameRoutes(self.store.database),
            CaseRoutes(self.cpms.cases),
            EndingRoutes(self.cpms.end_by),
        ]


def rules_of(settings: Settings) -> Rules:
    """Return how an operator operates, as it is set."""
    return Rules(
        limits=Limits(
            silence=settings.meter_silence,
            lost=settings.lost_after,
            longest=settings.longest_session,
            cost=settings.cost_every,
            stop_when_full=bool(settings.stop_when_full),
        ),
        heartbeat=settings.heartbeat,
        car_timeout=settings.car_timeout,
        concurrent=bool(settings.concurrent_tokens),
        test_tokens=frozenset(each.strip() for each in settings.test_tokens.split(",") if each.strip()),
    )


def status_rules_of(settings: Settings) -> StatusRules:
    """Return when an EVSE shows that its station is away, as it is set."""
    return StatusRules(
        grace=settings.status_grace, offline="INOPERATIVE" if settings.offline_inoperative else "UNKNOWN"
    )


def thresholds_of(settings: Settings) -> Thresholds:
    """Return when an alarm is raised, as it is set."""
    return Thresholds(offline=settings.alarm_offline, silent=settings.alarm_silent, hot=settings.alarm_hot)
