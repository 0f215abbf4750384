"""The built-in CPMS at work in tests: real desk, real store, real places; stations that are only their messages."""

import dataclasses
import datetime
import itertools
from decimal import Decimal
from typing import Any

from hub.cpms.builtin import BuiltinCpms, Rules
from hub.cpms.endpoints import CpoEndpoints
from hub.cpms.places import Places
from hub.cpms.store import Store
from hub.ocpp.events import (
    EVSE,
    Answer,
    BootNotified,
    ChargerError,
    ChargerOffline,
    IdToken,
    Presence,
    Sample,
    StatusChanged,
    TokenInfo,
    TokenPresented,
    TransactionAnswer,
    TransactionEvent,
    Variable,
)
from tests.clocks import ManualClock
from tests.cpms.conftest import make
from tests.rooms import CPO, FakeHub, evse, location, tariff

STATION = "ST1"
HERE = EVSE(station_id=STATION, evse_id=1, connector_id=1)
NEXT = EVSE(station_id=STATION, evse_id=2, connector_id=1)


class FakeCommands:
    """Remembers what a station is told, and answers as a test says; Accepted by default."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.told: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.variables: list[Variable] = []

    async def get_variables(self, variables: Any = ()) -> list[Variable]:
        return self.variables

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        async def command(*args: Any, **named: Any) -> Answer:
            self.told.append((name, named or args))
            answer = self.answers.get(name, "Accepted")
            if callable(answer):
                answer = await answer(*args, **named)
            if isinstance(answer, ChargerError):
                raise answer
            return answer if isinstance(answer, Answer) else Answer(status=answer)

        return command

    def names(self) -> list[str]:
        return [name for name, _ in self.told]


class FakeChargers:
    """The stations there are connections to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.opened = clock, clock.now()
        self.stations: dict[str, FakeCommands] = {}

    def connect(self, station_id: str = STATION, version: str = "1.6") -> FakeCommands:
        return self.stations.setdefault(station_id, FakeCommands(version))

    def commands(self, station_id: str) -> Any:
        try:
            return self.stations[station_id]
        except KeyError:
            raise ChargerOffline from None

    def presence(self, station_id: str) -> Presence | None:
        known = self.stations.get(station_id)
        now = self.clock.now()
        return known and Presence(station_id=station_id, version=known.version, since=self.opened, last_seen=now)

    def connected(self) -> list[Presence]:
        return [present for each in self.stations if (present := self.presence(each)) is not None]


class Centre:
    """Remembers what the operation centre is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    async def warn(self, kind: str, *, station_id: str, session_id: str, text: str) -> None:
        self.warnings.append(kind)


class Operation:
    """One operator with station ST1, whose EVSEs 1 and 2 stand at LOC1."""

    def __init__(
        self, hub: FakeHub, database: Any, clock: ManualClock, rules: Rules | None = None, contracts: Any = None
    ) -> None:
        self.hub, self.database, self.clock = hub, database, clock
        self.chargers = FakeChargers(clock)
        self.places = Places(Store(database, CPO))
        self.centre = Centre()
        rules = rules or Rules()
        # Looked at everything is when a test says so: a look waits for the store, which this clock knows nothing of.
        rules = dataclasses.replace(rules, limits=dataclasses.replace(rules.limits, look=1e9))
        self.cpms = BuiltinCpms(
            database=database,
            places=self.places,
            party=(CPO.country_code, CPO.party_id),
            centre=self.centre,
            clock=clock,
            rules=rules,
            contracts=contracts,
        )
        self.cpms.operate(self.chargers)
        self.endpoints: CpoEndpoints = make(hub, database, self.cpms, clock)
        self.operator = self.cpms.operator
        self._numbers = itertools.count(1)

    async def start(self) -> "Operation":
        here = [evse("ST1-1"), evse("ST1-2")]
        orders = self.endpoints.orders()
        await orders["cpms.import"]({"kind": "tariffs", "objects": [tariff()]})
        await orders["cpms.import"]({"kind": "locations", "objects": [location(evses=here)]})
        await self.places.start()
        await self.endpoints.start()
        return self

    async def stop(self) -> None:
        await self.endpoints.stop()
        await self.places.stop()

    async def later(self, seconds: float, look: float = 30.0) -> None:
        """Let time pass, with a look at everything now and then."""
        while seconds > 0:
            await self.clock.advance(min(look, seconds))
            seconds -= look
            await self.cpms.watching.look()
            await self.cpms.watching.settled()

    async def know(self, token: dict[str, Any]) -> None:
        """Have a token told by its eMSP."""
        store = self.endpoints.store
        key = f"{token['uid']}\n{token['type']}"
        await store.database.transact(lambda tx: store.tokens.put(tx, CPO, key, token))

    # -- what came of it ---------------------------------------------------------------------------

    async def sessions(self) -> list[dict[str, Any]]:
        return await self.endpoints.store.sessions.all()

    async def cdrs(self) -> list[dict[str, Any]]:
        return await self.endpoints.store.cdrs.all()

    async def billed(self) -> list[Decimal]:
        """Return the energy of every CDR, in kWh."""
        return [Decimal(str(each["total_energy"])) for each in await self.cdrs()]

    async def cases(self) -> list[str]:
        return [each.kind for each in await self.cpms.cases.all()]

    # -- what stations tell ------------------------------------------------------------------------

    async def tell(self, event: TransactionEvent) -> TransactionAnswer:
        return await self.operator.transaction(event)

    async def present(self, uid: str = "CARD-1", kind: str = "ISO14443", at: EVSE | None = HERE) -> TokenInfo:
        token = IdToken(id_token=uid, type=kind)
        return await self.operator.token_presented(TokenPresented(station_id=STATION, id_token=token, evse=at))

    async def status(self, status: Any, where: EVSE = HERE) -> None:
        await self.operator.told(StatusChanged(evse=where, status=status, at=self.clock.now()))

    async def boot(self) -> None:
        await self.operator.booted(
            BootNotified(station_id=STATION, vendor="V", model="M", reason="PowerUp", at=self.clock.now())
        )

    def event(self, kind: Any, **changes: Any) -> TransactionEvent:
        """Return a message as of now, under a message id of its own."""
        now = self.clock.now()
        values: dict[str, Any] = {
            "kind": kind,
            "station_id": STATION,
            "transaction_id": None,
            "at": now,
            "received_at": now,
            "message_id": str(next(self._numbers)),
            "trigger": kind,
        }
        return TransactionEvent(**(values | changes))

    def started(self, meter: int = 1000, uid: str = "CARD-1", where: EVSE = HERE, **changes: Any) -> TransactionEvent:
        """StartTransaction of 1.6."""
        return self.event("Started", meter=meter, id_token=IdToken(id_token=uid), evse=where, **changes)

    def metered(self, number: str | None, wh: float, where: EVSE = HERE, **changes: Any) -> TransactionEvent:
        """MeterValues of 1.6."""
        return self.event("Updated", transaction_id=number, evse=where, samples=(self.register(wh),), **changes)

    def stopped(self, number: str | None, meter: int, uid: str | None = "CARD-1", **changes: Any) -> TransactionEvent:
        """StopTransaction of 1.6."""
        token = IdToken(id_token=uid) if uid else None
        return self.event("Ended", transaction_id=number, meter=meter, id_token=token, **changes)

    def told(self, kind: Any, seq_no: int, wh: float | None = None, **changes: Any) -> TransactionEvent:
        """TransactionEvent of 2.0.1, of transaction T1."""
        samples = () if wh is None else (self.register(wh),)
        values: dict[str, Any] = {"transaction_id": "T1", "seq_no": seq_no, "samples": samples, "evse": HERE}
        return self.event(kind, **(values | changes))

    def register(self, wh: float) -> Sample:
        return Sample(at=self.clock.now(), value=Decimal(str(wh)))


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)
