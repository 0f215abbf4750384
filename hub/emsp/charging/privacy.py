"""What a driver may ask of this room: what it knows of him, and that it forgets it.

Charges and bookings stay as rows of a random id, for CPOs and books refer to them; what is written to him, his
numbers and his wishes go.

Source: Regulation (EU) 2016/679, articles 17 and 20.
"""

from hub.api.problems import Conflict
from hub.database.contract import Database, Transaction
from hub.emsp.charging.bookings import STARTABLE, bookings
from hub.emsp.charging.charges import LIVE, charges
from hub.emsp.charging.notices import of_driver
from hub.ocpi.objects import JSON
from hub.ocpi.times import date_time


class ChargingPrivacy:
    """Export and erasure."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recall(self, driver_id: str) -> tuple[str, JSON]:
        """Return what is kept of a driver, for his export."""
        booked = await bookings(self._database, "driver_id = $1", driver_id, most=100_000)
        charged = await charges(self._database, "driver_id = $1", driver_id, most=100_000)
        notices = await of_driver(self._database, driver_id, most=100_000)
        return "charging", {
            "bookings": [
                {"id": each.id, "place": str(each.spot), "starts_at": date_time(each.starts_at),
                 "ends_at": date_time(each.ends_at), "state": each.state}
                for each in booked
            ],
            "charges": [
                {"id": each.id, "place": str(each.spot), "asked_at": date_time(each.asked_at), "state": each.state,
                 "energy_wh": each.energy, "phone": each.phone}
                for each in charged
            ],
            "notices": [{"at": date_time(each.at), "text": each.told.text} for each in notices],
        }  # fmt: skip

    async def forget(self, tx: Transaction, driver_id: str) -> None:
        """Erase what names a driver.

        Raises:
            Conflict: he has a booking, or is charging.
        """
        if any(each.state in LIVE for each in await charges(tx, "driver_id = $1 AND ended_at IS NULL", driver_id)):
            raise Conflict("Stop your charge first")
        if any(each.state in STARTABLE for each in await bookings(tx, "driver_id = $1", driver_id, most=100_000)):
            raise Conflict("Cancel your bookings first")
        await tx.execute(
            "DELETE FROM emsp_sms WHERE phone IN (SELECT phone FROM emsp_token WHERE driver_id = $1"
            " UNION SELECT phone FROM emsp_driver_charge WHERE driver_id = $1)",
            driver_id,
        )
        await tx.execute("UPDATE emsp_driver_charge SET phone = NULL WHERE driver_id = $1", driver_id)
        await tx.execute("DELETE FROM emsp_charge_notice WHERE driver_id = $1", driver_id)
        await tx.execute("DELETE FROM emsp_standing_request WHERE driver_id = $1", driver_id)
