"""Drivers' calendars as they are kept: uploaded, or read again and again from a URL.

A URL is fetched by the house's guarded way, and is itself a secret (whoever has it reads the calendar): it is shown to
nobody, only its host.
"""

import asyncio
import datetime
import logging
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.database.contract import Database, Transaction
from hub.emsp.companion.agenda import BadCalendar, Busy, busy_times, read_calendar
from hub.emsp.companion.needs import Clock, Fetcher
from hub.ocpi.times import stamp, stamped

log = logging.getLogger(__name__)

_AGAIN = datetime.timedelta(hours=1)
_MOST = 10  # calendars of a driver
_TIMEOUT = 15.0


class TooManyCalendars(Exception):
    """There is no room for another calendar; take one away first."""


@dataclass(frozen=True, kw_only=True)
class KeptCalendar:
    """A calendar, as its driver sees it.

    Attributes:
        host: where it is read; None: it was uploaded.
        read_at: when it was last read; None: never.
        reason: why the last reading failed.
    """

    id: str
    name: str
    host: str | None
    read_at: datetime.datetime | None
    reason: str | None


class Calendars:
    """All drivers' calendars.

    Args:
        fetcher: the way to URLs.
    """

    def __init__(self, database: Database, *, clock: Clock, fetcher: Fetcher) -> None:
        self._database = database
        self._clock = clock
        self._fetcher = fetcher

    async def upload(self, driver_id: str, name: str, text: bytes) -> str:
        """Keep a calendar, and return its id.

        Raises:
            BadCalendar: it cannot be read.
            TooManyCalendars: there is no room for it.
        """
        await asyncio.to_thread(read_calendar, text)
        return await self._add(driver_id, name, url=None, text=text)

    async def subscribe(self, driver_id: str, name: str, url: str) -> str:
        """Keep the URL of a calendar that can be read now, and return its id.

        Raises:
            BadCalendar: there is nothing there that can be read.
            TooManyCalendars: there is no room for it.
        """
        url = f"https{url.removeprefix('webcal')}" if url.startswith("webcal://") else url
        return await self._add(driver_id, name, url=url, text=await self._fetch(url))

    async def _add(self, driver_id: str, name: str, *, url: str | None, text: bytes) -> str:
        made, now = str(uuid.uuid4()), self._clock.now()
        due = stamp(now + _AGAIN) if url else None

        async def work(tx: Transaction) -> str:
            # One statement counts and writes, so two at once do not both find the last room.
            touched = await tx.execute(
                "INSERT INTO emsp_calendar (id, driver_id, name, url, document, read_at, due, reason)"
                " SELECT $1, $2, $3, $4, $5, $6, $7, NULL"
                " WHERE (SELECT COUNT(*) FROM emsp_calendar WHERE driver_id = $2) < $8",
                made, driver_id, name, url, text, stamp(now), due, _MOST,
            )  # fmt: skip
            if not touched:
                raise TooManyCalendars(f"{_MOST} calendars are kept; take one away first")
            return made

        return await self._database.transact(work)

    async def of(self, driver_id: str) -> list[KeptCalendar]:
        """Return a driver's calendars by name."""
        rows = await self._database.fetch(
            "SELECT id, name, url, read_at, reason FROM emsp_calendar WHERE driver_id = $1 ORDER BY name, id", driver_id
        )
        return [
            KeptCalendar(
                id=number,
                name=name,
                host=urlsplit(url).hostname if url else None,
                read_at=stamped(read) if read is not None else None,
                reason=reason,
            )
            for number, name, url, read, reason in rows
        ]

    async def remove(self, driver_id: str, calendar_id: str) -> bool:
        """Forget a calendar and all that stood in it; False: he has no such one."""

        async def work(tx: Transaction) -> bool:
            return (
                await tx.execute("DELETE FROM emsp_calendar WHERE id = $1 AND driver_id = $2", calendar_id, driver_id)
                > 0
            )

        return await self._database.transact(work)

    async def busy(
        self, driver_id: str, start: datetime.datetime, end: datetime.datetime, zone: ZoneInfo
    ) -> tuple[Busy, ...] | None:
        """Return a driver's appointments in a time; None: he has no calendar that can be read."""
        rows = await self._database.fetch(
            "SELECT document FROM emsp_calendar WHERE driver_id = $1 AND document IS NOT NULL", driver_id
        )
        found, read = list[Busy](), False
        for (document,) in rows:
            try:
                found += await asyncio.to_thread(busy_times, bytes(document), start, end, zone)
                read = True
            except BadCalendar:
                log.debug("a calendar cannot be read any more")
        return tuple(sorted(found, key=lambda each: each.start)) if read else None

    async def refresh(self) -> None:
        """Read again what is due; what cannot be read stays as it was, and says why."""
        rows = await self._database.fetch(
            "SELECT id, url FROM emsp_calendar WHERE due <= $1 ORDER BY due LIMIT 100",
            stamp(self._clock.now()),
        )
        for calendar_id, url in rows:
            try:
                text, reason = await self._fetch(url), None
            except BadCalendar as error:
                text, reason = None, str(error)
            await self._refreshed(calendar_id, text, reason)

    async def _refreshed(self, calendar_id: str, text: bytes | None, reason: str | None) -> None:
        now = self._clock.now()

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE emsp_calendar SET due = $1, reason = $2 WHERE id = $3",
                stamp(now + _AGAIN), reason, calendar_id,
            )  # fmt: skip
            if text is not None:
                await tx.execute(
                    "UPDATE emsp_calendar SET document = $1, read_at = $2 WHERE id = $3",
                    text, stamp(now), calendar_id,
                )  # fmt: skip

        await self._database.transact(work)

    async def _fetch(self, url: str) -> bytes:
        try:
            answer = await self._fetcher.send("GET", url, {"Accept": "text/calendar"}, timeout=_TIMEOUT)
        except Exception as error:
            raise BadCalendar(f"it cannot be fetched: {error}") from error
        if answer.status != 200:
            raise BadCalendar(f"its server says {answer.status}")
        await asyncio.to_thread(read_calendar, answer.body)
        return answer.body
