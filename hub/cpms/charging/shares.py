"""What each EVSE was told, so what it may be drawing; and the profiles that eMSPs have set on its transactions.

A share is written down *before* a station is told a higher one and *after* it has confirmed a lower
one: what stands here is never less than what the station goes by.
"""

import datetime
from dataclasses import dataclass

from hub.cpms.moments import at, microseconds
from hub.database.contract import Database
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpp.events import EVSE


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one EVSE goes by, in mA per phase.

    Attributes:
        default: of any transaction without a share of its own (its TxDefaultProfile); None: it was never told one,
            so it may draw all its outlet gives.
        share: of the transaction ``transaction_id`` (its TxProfile); None: it has none.
        phases: how many phases that transaction loads.
    """

    station_id: str
    evse_id: int
    default: int | None = None
    share: int | None = None
    transaction_id: str | None = None
    phases: int = 3

    def idle(self, rated: int) -> int:
        """Return what a transaction without a share of its own may draw."""
        return rated if self.default is None else min(self.default, rated)

    def most(self, rated: int) -> int:
        """Return what the EVSE may draw on the phases its transaction loads.

        A station that starts again may forget the profile of a transaction and go by its default.
        """
        return max(self.idle(rated), min(self.share or 0, rated))


@dataclass(frozen=True, kw_only=True)
class SetProfile:
    """A ChargingProfile an eMSP has set, and when."""

    profile: JSONObject
    at: datetime.datetime


class Shares:
    """The rows of shares and profiles."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def at_stations(self, station_ids: set[str]) -> dict[tuple[str, int], Share]:
        """Return what the EVSEs of some stations go by."""
        found: dict[tuple[str, int], Share] = {}
        for station_id in station_ids:
            rows = await self.database.fetch(
                "SELECT evse_id, default_share, share, transaction_id, phases FROM cpms_share WHERE station_id = $1",
                station_id,
            )
            for evse_id, default, share, transaction_id, phases in rows:
                found[station_id, evse_id] = Share(
                    station_id=station_id,
                    evse_id=evse_id,
                    default=default,
                    share=share,
                    transaction_id=transaction_id,
                    phases=phases,
                )
        return found

    async def write(self, share: Share) -> None:
        """Write down what an EVSE goes by."""
        await self.database.transact(
            lambda tx: tx.execute(
                "INSERT INTO cpms_share (station_id, evse_id, default_share, share, transaction_id, phases)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (station_id, evse_id) DO UPDATE SET"
                " default_share = excluded.default_share, share = excluded.share,"
                " transaction_id = excluded.transaction_id, phases = excluded.phases",
                share.station_id, share.evse_id, share.default, share.share, share.transaction_id, share.phases,
            )
        )  # fmt: skip

    async def forget(self, share: Share) -> None:
        """Forget an EVSE whose site is limited no more."""
        await self.database.transact(
            lambda tx: tx.execute(
                "DELETE FROM cpms_share WHERE station_id = $1 AND evse_id = $2", share.station_id, share.evse_id
            )
        )

    async def all(self) -> list[Share]:
        """Return every EVSE that goes by something."""
        rows = await self.database.fetch("SELECT DISTINCT station_id FROM cpms_share ORDER BY station_id")
        return list((await self.at_stations({station_id for (station_id,) in rows})).values())

    async def put_profile(self, evse: EVSE, transaction_id: str, profile: JSONObject, now: datetime.datetime) -> None:
        """Keep the profile an eMSP has set on a transaction."""
        await self.database.transact(
            lambda tx: tx.execute(
                "INSERT INTO cpms_set_profile (station_id, transaction_id, document, set_at) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (station_id, transaction_id) DO UPDATE SET document = excluded.document,"
                " set_at = excluded.set_at",
                evse.station_id, transaction_id, codec.encode(profile), microseconds(now),
            )
        )  # fmt: skip

    async def profile(self, evse: EVSE, transaction_id: str) -> SetProfile | None:
        """Return the profile that is set on a transaction."""
        rows = await self.database.fetch(
            "SELECT document, set_at FROM cpms_set_profile WHERE station_id = $1 AND transaction_id = $2",
            evse.station_id,
            transaction_id,
        )
        return SetProfile(profile=codec.decode(rows[0][0]), at=at(rows[0][1])) if rows else None

    async def drop_profile(self, evse: EVSE, transaction_id: str) -> bool:
        """Forget the profile of a transaction; False if there was none."""
        touched = await self.database.transact(
            lambda tx: tx.execute(
                "DELETE FROM cpms_set_profile WHERE station_id = $1 AND transaction_id = $2",
                evse.station_id,
                transaction_id,
            )
        )
        return touched == 1

    async def prune(self, before: datetime.datetime) -> None:
        """Forget profiles of transactions long over."""
        await self.database.transact(
            lambda tx: tx.execute("DELETE FROM cpms_set_profile WHERE set_at < $1", microseconds(before))
        )

    async def seen(self) -> set[str]:
        """Return the stations that told of a connector or were told a limit: one that never connected draws nothing."""
        rows = await self.database.fetch(
            "SELECT station_id FROM cpms_connector UNION SELECT station_id FROM cpms_share"
        )
        return {station_id for (station_id,) in rows}
