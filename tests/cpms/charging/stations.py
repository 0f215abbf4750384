"""A site of stations that obey what they were told, as far as they heard it."""

import asyncio
import dataclasses
import datetime
from decimal import Decimal

from hub.cpms.charging.limits import Car
from hub.cpms.ports import Outlet
from hub.ocpp.events import EVSE, Answer, CallTimeout, ChargerOffline, Presence

AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclasses.dataclass
class Station:
    """One station with one EVSE of three phases and 32 A.

    Attributes:
        onboard: how many phases its car can load; ``allowed``: how many its profile lets it.
        measured: the most its car was measured to load.
        trouble: what becomes of the next command: "" does it, "lost" does it and loses the answer, "late" neither
            does it nor answers, "refused" says no.
    """

    id: str
    online: bool = True
    trouble: str = ""
    default: Decimal | None = None
    share: Decimal | None = None
    of: str | None = None
    transaction: str | None = None
    onboard: int = 3
    allowed: int = 3
    measured: int | None = None
    told: list = dataclasses.field(default_factory=list)

    @property
    def drawing(self) -> Decimal:
        """The most it draws now, in A per phase: all that what it goes by allows."""
        if self.transaction is None:
            return Decimal(0)
        if self.share is not None and self.of == self.transaction:
            return self.share
        return Decimal(32) if self.default is None else self.default

    @property
    def loads(self) -> int:
        """How many phases its car loads now."""
        ours = self.share is not None and self.of == self.transaction
        return min(self.onboard, self.allowed if ours else 3)

    def measure(self) -> None:
        """Tell which phases the car loads, if it draws anything."""
        if self.drawing >= 1:
            self.measured = max(self.measured or 0, self.loads)

    def restart(self) -> None:
        """Start again: the profile of the transaction is forgotten, the transaction goes on."""
        self.share = self.of = None

    async def set_charging_profile(self, evse, profile) -> Answer:
        await asyncio.sleep(0)
        if not self.online:
            raise ChargerOffline
        self.told.append(profile)
        if self.trouble == "late":
            raise CallTimeout
        if self.trouble == "refused":
            return Answer(status="Rejected")
        if profile.purpose == "TxDefaultProfile":
            self.default = profile.periods[0].limit
        elif profile.transaction_id != self.transaction:
            return Answer(status="Rejected")
        else:
            self.share, self.of = max(each.limit for each in profile.periods), profile.transaction_id
            self.allowed = profile.periods[0].phases or 3
        if self.trouble == "lost":
            raise CallTimeout
        return Answer(status="Accepted")

    async def clear_charging_profile(self, *, profile_id=None, evse=None, purpose=None, stack_level=None) -> Answer:
        if purpose == "TxDefaultProfile":
            self.default = None
        else:
            self.share = self.of = None
        return Answer(status="Accepted")


class Site:
    """Stations S1, S2 ... at LOC1, as chargers, places and cars."""

    def __init__(self, count: int) -> None:
        self.stations = {f"S{number}": Station(f"S{number}") for number in range(1, count + 1)}
        self._numbers = iter(range(1, 1_000_000))

    def commands(self, station_id):
        if not self.stations[station_id].online:
            raise ChargerOffline
        return self.stations[station_id]

    def presence(self, station_id):
        station = self.stations.get(station_id)
        if station is None or not station.online:
            return None
        return Presence(station_id=station_id, version="1.6", since=AT, last_seen=AT)

    def connected(self):
        return [found for each in self.stations if (found := self.presence(each)) is not None]

    def outlet(self, evse):
        if evse.station_id not in self.stations:
            return None
        return Outlet(location_id="LOC1", evse_uid=f"{evse.station_id}-1", connector_id="1", power=22)

    def evse(self, outlet):
        station_id = outlet.evse_uid.removesuffix("-1").upper()
        return EVSE(station_id=station_id, evse_id=1) if station_id in self.stations else None

    def of_station(self, station_id):
        return []

    def plug(self, station_id) -> str:
        """A car begins to charge; return its session."""
        self.stations[station_id].transaction = str(next(self._numbers))
        return self.session(station_id)

    def unplug(self, station_id) -> None:
        station = self.stations[station_id]
        station.transaction = station.share = station.of = station.measured = None
        station.onboard = 3

    def session(self, station_id) -> str:
        return f"{station_id}/{self.stations[station_id].transaction}"

    def cars(self):
        """What this side knows: of a station that is offline what it last knew would do, too."""
        return [
            Car(
                session_id=self.session(each.id),
                evse=EVSE(station_id=each.id, evse_id=1),
                transaction_id=each.transaction,
                phases=each.measured,
            )
            for each in self.stations.values()
            if each.transaction is not None
        ]

    def drawn(self, rotation=None) -> list[Decimal]:
        """The most that is drawn on each phase of the grid."""
        found = [Decimal(0)] * 3
        for each in self.stations.values():
            turned = (rotation or {}).get(f"{each.id}-1", (1, 2, 3))
            for phase in turned[: each.loads]:
                found[phase - 1] += each.drawing
        return found

    def shares(self) -> dict[str, float]:
        return {each.id: float(each.drawing) for each in self.stations.values() if each.transaction is not None}
