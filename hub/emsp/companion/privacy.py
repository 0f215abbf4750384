"""What a driver may ask of this room: what it knows of him, and that it forgets it.

Source: Regulation (EU) 2016/679, articles 17 and 20.
"""

import datetime
from collections.abc import Callable

from hub.database.contract import Database, Row, Transaction
from hub.emsp.companion.fleets import leave
from hub.ocpi import codec
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import date_time, stamp, stamped

#: What is exported of each table; documents are JSON. A subscription's keys and a calendar's URL are secrets.
_KEPT = {
    "notifications": ("emsp_notification", ("event", "text", "created", "read_at")),
    "preferences": ("emsp_preference", ("document", "changed")),
    "push_subscriptions": ("emsp_push_subscription", ("endpoint", "created")),
    "calendars": ("emsp_calendar", ("name", "read_at")),
    "positions": ("emsp_position", ("lat", "lon", "at")),
    "favourites": ("emsp_favourite", ("owner", "location_id", "name", "created")),
    "suggestions": ("emsp_suggestion", ("document", "created", "expires")),
    "waiting": ("emsp_free_wish", ("owner", "location_id", "evse_uid", "state", "created", "until")),
    "feedback": ("emsp_feedback", ("charge", "stars", "text", "at")),
}
_MOMENTS = frozenset({"created", "read_at", "changed", "at", "expires", "until"})
_DEGREES = frozenset({"lat", "lon"})  # kept in millionths

#: Nothing of these stays.
_FORGOTTEN = (
    "emsp_notification_delivery", "emsp_notification", "emsp_preference", "emsp_push_subscription", "emsp_calendar",
    "emsp_position", "emsp_favourite", "emsp_suggestion", "emsp_free_wish",
)  # fmt: skip


_HIS = "token_uid IN (SELECT uid_key FROM emsp_token WHERE driver_id = $1)"


class CompanionPrivacy:
    """Export and erasure."""

    def __init__(self, database: Database, now: Callable[[], datetime.datetime]) -> None:
        self._database = database
        self._now = now

    async def recall(self, driver_id: str) -> tuple[str, JSON]:
        """Return what is kept of a driver, for his export."""
        return "companion", {name: await self._rows(*kept, driver_id) for name, kept in _KEPT.items()}

    async def _rows(self, table: str, columns: tuple[str, ...], driver_id: str) -> list[JSONObject]:
        rows = await self._database.fetch(
            f"SELECT {', '.join(columns)} FROM {table} WHERE driver_id = $1",  # noqa: S608  our own names
            driver_id,
        )
        return [_shown(columns, row) for row in rows]

    async def forget(self, tx: Transaction, driver_id: str) -> None:
        """Erase what names a driver; the stars he gave stay, without his words."""
        for table in _FORGOTTEN:
            await tx.execute(f"DELETE FROM {table} WHERE driver_id = $1", driver_id)  # noqa: S608  our own tables
        await tx.execute("UPDATE emsp_feedback SET text = '' WHERE driver_id = $1", driver_id)
        await tx.execute("UPDATE emsp_fleet SET manager = '' WHERE manager = $1", driver_id)
        # What his Tokens charged for a fleet stays in its sums, as in the books; what named his car does not.
        await leave(tx, _HIS, driver_id, now=stamp(self._now()))
        await tx.execute(f"UPDATE emsp_fleet_past SET vehicle = '' WHERE {_HIS}", driver_id)  # noqa: S608  our own


def _shown(columns: tuple[str, ...], row: Row) -> JSONObject:
    return {name: _value(name, value) for name, value in zip(columns, row, strict=True)}


def _value(name: str, value: object) -> JSON:
    if isinstance(value, bytes):
        return codec.decode(value)
    if isinstance(value, int) and name in _MOMENTS:
        return date_time(stamped(value))
    if isinstance(value, int) and name in _DEGREES:
        return value / 1_000_000
    return value
