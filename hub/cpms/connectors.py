"""What stations last told of their connectors, and of themselves as EVSE 0: kept over restarts."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hub.cpms import moments
from hub.database.contract import Database, Transaction
from hub.ocpi.times import EPOCH
from hub.ocpp.events import StatusChanged
from hub.ocpp.words import EVSE, ConnectorStatus

#: Station, EVSE and connector, as the station counts.
Key = tuple[str, int, int]


#: Connectors a station may tell of: more has none, and one that makes them up would fill the memory.
MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a station last said of a connector.

    Attributes:
        at: by its own clock; ``received`` by ours.
    """

    status: ConnectorStatus
    error_code: str
    at: datetime.datetime
    received: datetime.datetime
    info: str | None = None
    vendor_error_code: str | None = None


class Connectors:
    """All of them, in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: dict[str, dict[tuple[int, int], Told]] = {}

    async def read(self) -> None:
        """Learn what was told before."""
        for (
            station_id,
            evse_id,
            connector_id,
            status,
            error_code,
            info,
            vendor_error_code,
            at,
            received,
        ) in await self._database.fetch(_SELECT):
            self._told.setdefault(station_id, {})[evse_id, connector_id] = Told(
                status=status, error_code=error_code, info=info, vendor_error_code=vendor_error_code,
                at=moments.at(at), received=moments.at(received),
            )  # fmt: skip

    def stations(self) -> set[str]:
        """Return the stations that told anything."""
        return set(self._told)

    def of_station(self, station_id: str) -> Mapping[tuple[int, int], Told]:
        """Return what a station told, by EVSE and connector."""
        return self._told.get(station_id, {})

    def get(self, evse: EVSE) -> Told | None:
        """Return what was told of a connector; a connector_id of 0 is the first."""
        return self.of_station(evse.station_id).get((evse.evse_id, _connector(evse)))

    def take(self, event: StatusChanged, received: datetime.datetime) -> tuple[Key, Told] | None:
        """Remember what is told; None: it is older than what is known (it was told late), or one connector too many."""
        evse, connector_id = event.evse, _connector(event.evse)
        of_station = self._told.setdefault(evse.station_id, {})
        before = of_station.get((evse.evse_id, connector_id))
        at = min(event.at, received)  # What is dated ahead of us must not outlast all that follows it.
        if at < before.at if before is not None else len(of_station) >= MOST:
            return None
        told = of_station[evse.evse_id, connector_id] = Told(
            status=event.status, error_code=event.error_code, info=event.info,
            vendor_error_code=event.vendor_error_code, at=at, received=received,
        )  # fmt: skip
        return (evse.station_id, evse.evse_id, connector_id), told

    def distrust_clock(self, station_id: str) -> None:
        """Take whatever a station tells next: while it was away its clock may have been set back."""
        told = self._told.get(station_id, {})
        for key, each in told.items():
            told[key] = replace(each, at=EPOCH)

    async def write(self, tx: Transaction, told: Mapping[Key, Told]) -> None:
        """Write what was told."""
        rows = [
            (*key, each.status, each.error_code, each.info, each.vendor_error_code, moments.microseconds(each.at),
             moments.microseconds(each.received))
            for key, each in told.items()
        ]  # fmt: skip
        if rows:
            await tx.executemany(_UPSERT, rows)


def _connector(evse: EVSE) -> int:
    return (evse.connector_id or 1) if evse.evse_id else 0


_SELECT = (
    "SELECT station_id, evse_id, connector_id, status, error_code, info, vendor_error_code, at, received"
    " FROM cpms_connector"
)
_UPSERT = (
    "INSERT INTO cpms_connector (station_id, evse_id, connector_id, status, error_code, info, vendor_error_code,"
    " at, received) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (station_id, evse_id, connector_id)"
    " DO UPDATE SET status = excluded.status, error_code = excluded.error_code, info = excluded.info,"
    " vendor_error_code = excluded.vendor_error_code, at = excluded.at, received = excluded.received"
)
