"""What stations measure, live: each EVSE's car, and the battery of the station itself (EVSE 0).

Only the present is kept, in memory; what is billed is another matter (``hub.cpms.ledger``).

Source: OCPP 2.0.1 edition 3, part 2, MeasurandEnumType; REQUIREMENTS RASD-R18, RASD-F16, DD-C-ISS.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hub.cpms.phases import whole
from hub.ocpp.events import Metered, StatusChanged, TransactionEvent
from hub.ocpp.words import Sample

_REGISTER = "Energy.Active.Import.Register"
_POWER = "Power.Active.Import"
_OFFERED = "Power.Offered"

#: EVSEs a station may tell of, so that one that makes them up does not fill the memory.
MOST = 1000

#: The least a state of charge must have risen, and how long it must have been seen, to say when it is full.
_RISE = Decimal(1)
_SEEN = datetime.timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of an EVSE now.

    Attributes:
        transaction_id: as the station names it; None: none goes on.
        since: when the transaction began.
        register, first_register: the energy register now and when it was first told, in Wh.
        power, offered: in W; ``soc`` in percent; ``temperature`` in Celsius.
        first_soc: the state of charge when it was first told in the transaction, and when that was.
        at: when the newest of it was measured.
    """

    transaction_id: str | None = None
    since: datetime.datetime | None = None
    first_register: Decimal | None = None
    register: Decimal | None = None
    power: Decimal | None = None
    offered: Decimal | None = None
    soc: Decimal | None = None
    first_soc: tuple[Decimal, datetime.datetime] | None = None
    temperature: Decimal | None = None
    at: datetime.datetime | None = None

    @property
    def energy(self) -> Decimal | None:
        """The energy of the transaction, in Wh."""
        if self.register is None or self.first_register is None:
            return None
        return max(self.register - self.first_register, Decimal(0))

    def full_at(self) -> datetime.datetime | None:
        """Return when the battery is full if it goes on as it did; None: nobody can say.

        It never goes on so: the last fifth takes longer. The sooner bound is what is known.
        """
        if self.soc is None or self.first_soc is None or self.at is None:
            return None
        first, then = self.first_soc
        rise, seen = self.soc - first, self.at - then
        if self.soc >= 100:
            return self.at
        if rise < _RISE or seen < _SEEN:
            return None
        return self.at + seen * float((100 - self.soc) / rise)


class Readings:
    """The present of every EVSE."""

    def __init__(self) -> None:
        self._readings: dict[str, dict[int, Reading]] = {}

    def of(self, station_id: str, evse_id: int) -> Reading | None:
        """Return what is known of an EVSE; EVSE 0 is the station itself."""
        return self._readings.get(station_id, {}).get(evse_id)

    async def told(self, event: object) -> None:
        """Take what a station measured."""
        if isinstance(event, TransactionEvent) and event.evse is not None:
            self._transaction(event, event.evse.evse_id)
        elif isinstance(event, Metered):
            self._change(event.evse.station_id, event.evse.evse_id, event.samples)
        elif isinstance(event, StatusChanged) and event.status == "Available":
            self._readings.get(event.evse.station_id, {}).pop(event.evse.evse_id, None)

    def _transaction(self, event: TransactionEvent, evse_id: int) -> None:
        known = self.of(event.station_id, evse_id)
        if event.kind == "Ended":
            if known is not None and known.transaction_id in (None, event.transaction_id):
                del self._readings[event.station_id][evse_id]
            return
        if known is None or known.transaction_id != event.transaction_id:
            self._keep(event.station_id, evse_id, Reading(transaction_id=event.transaction_id, since=event.at))
        meter = () if event.meter is None else (Sample(at=event.at, value=Decimal(event.meter)),)
        self._change(event.station_id, evse_id, (*meter, *event.samples))

    def _change(self, station_id: str, evse_id: int, samples: Iterable[Sample]) -> None:
        reading = self.of(station_id, evse_id) or Reading()
        for sample in whole(samples):
            reading = with_sample(reading, sample)
        self._keep(station_id, evse_id, reading)

    def _keep(self, station_id: str, evse_id: int, reading: Reading) -> None:
        of_station = self._readings.setdefault(station_id, {})
        if evse_id in of_station or len(of_station) < MOST:
            of_station[evse_id] = reading


def with_sample(reading: Reading, sample: Sample) -> Reading:
    """Return a reading with one more value; what is older than it changes nothing."""
    if reading.at is not None and sample.at < reading.at:
        return reading
    changes: dict[str, Any] = {}
    value = sample.value
    if sample.measurand == _REGISTER:
        first = value if reading.first_register is None else reading.first_register
        changes = {"register": value, "first_register": first}
    elif sample.measurand == "SoC":
        changes = {"soc": value, "first_soc": reading.first_soc or (value, sample.at)}
    elif sample.measurand in _FIELDS:
        changes = {_FIELDS[sample.measurand]: value}
    return replace(reading, at=sample.at, **changes) if changes else reading


_FIELDS = {_POWER: "power", _OFFERED: "offered", "Temperature": "temperature"}
