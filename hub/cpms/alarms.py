"""Alarms: what the operator's people have to look at, raised once, over by itself where that can be seen.

An alarm is open until it is over; one per rule and subject can be open, which the database sees to.
What was raised is told to the operation centre until that has taken it.

Source: REQUIREMENTS GEM-UC-1529 (alarms), X-57, X-69.
"""

# ruff: noqa: S608  the only names put into a statement are the columns of our own table

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hub.api.feed import Feed
from hub.cpms import moments
from hub.cpms.following import Change, Following
from hub.cpms.moments import microseconds
from hub.cpms.timers import Clock, Timer
from hub.database.contract import Database, Row, Transaction
from hub.database.works import Also, followed
from hub.ocpi.errors import UnknownLocation
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time

log = logging.getLogger(__name__)

#: The channel that says which alarms are open has changed.
ALARMS = "cpms_alarm"

Severity = Literal["INFO", "WARNING", "CRITICAL"]

#: Every rule, and how bad it is.
RULES: dict[str, Severity] = {
    "OFFLINE": "WARNING",
    "FAULT": "CRITICAL",
    "TEMPERATURE": "CRITICAL",
    "DOOR": "CRITICAL",
    "TAMPER": "CRITICAL",
    "SECURITY": "CRITICAL",
    "METER_SILENT": "WARNING",
    "SESSION_TOO_LONG": "WARNING",
    "SESSION_NOT_STOPPED": "CRITICAL",
    "USAGE_INVALID": "WARNING",
}

_PAUSE = datetime.timedelta(seconds=30)  # until an operation centre that did not take an alarm is tried again


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something to look at.

    Attributes:
        subject: what it is about: a station, ``STATION/EVSE``, ``STATION/EVSE Component.Variable``, or a session.
        cleared_at: when it was over; None: it is not.
        acknowledged_by: who has seen it, ``note`` what he says of it.
    """

    id: int
    rule: str
    severity: Severity
    station_id: str
    subject: str
    message: str
    raised_at: datetime.datetime
    cleared_at: datetime.datetime | None = None
    acknowledged_at: datetime.datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None

    def as_json(self) -> JSONObject:
        """Return it as it is told and shown."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: date_time(each) if isinstance(each, datetime.datetime) else each for name, each in fields.items()}


class NotTaken(Exception):
    """The operation centre did not take an alarm."""


class OperationCentre(Protocol):
    """Who is warned of alarms; an implementation lives in ``adapters``."""

    async def warn(self, alarm: Alarm) -> None:
        """Tell of an alarm that was raised; the same one may be told twice.

        Raises:
            NotTaken: it was not taken, and is to be told again.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds; it is not told of anything after that."""
        ...


class NoSuchAlarm(UnknownLocation):
    """There is no such alarm."""

    http_status = 404


class Alarms:
    """All alarms of one operator.

    Args:
        centre: who is warned; None: nobody but the feed.
    """

    def __init__(
        self, database: Database, *, clock: Clock, feed: Feed | None = None, centre: OperationCentre | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._feed = feed
        self._centre = centre
        self._open: set[tuple[str, str]] = set()
        self._changes = 0
        self._following = Following(database, (ALARMS,), self._read)
        self._timer = Timer("operation centre", self._warn, clock)

    async def start(self) -> None:
        """Learn what is open, and warn of what the last run did not."""
        await self._following.start()
        if self._centre is not None:
            self._timer.start()

    async def stop(self) -> None:
        """Warn no more."""
        await self._timer.stop()
        await self._following.stop()
        if self._centre is not None:
            await self._centre.close()

    async def _read(self, changes: Sequence[Change]) -> None:
        seen = -1
        while seen != self._changes:  # What we changed ourselves while we read may not be in what we read.
            seen = self._changes
            rows = await self._database.fetch("SELECT rule, subject FROM cpms_alarm WHERE open = 1")
        self._open = {(rule, subject) for rule, subject in rows}

    def _opened(self, rule: str, subject: str) -> None:
        self._open.add((rule, subject))
        self._changes += 1

    def _closed(self, rule: str, subject: str) -> None:
        self._open.discard((rule, subject))
        self._changes += 1

    # -- raising and clearing ----------------------------------------------------------------------

    def is_open(self, rule: str, subject: str) -> bool:
        """Whether an alarm is raised and not over, as far as this process knows."""
        return (rule, subject) in self._open

    def open_subjects(self, rule: str) -> list[str]:
        """Return what an alarm of a rule is open about."""
        return [subject for each, subject in self._open if each == rule]

    async def raise_(self, rule: str, subject: str, *, station_id: str, message: str) -> bool:
        """Raise an alarm; False: it is open already."""
        if self.is_open(rule, subject):
            return False
        now = self._clock.now()

        async def work(tx: Transaction) -> list[Row]:
            rows = await tx.fetch(
                "INSERT INTO cpms_alarm (rule, severity, station_id, subject, message, open, raised_at, warned)"
                " VALUES ($1, $2, $3, $4, $5, 1, $6, 0) ON CONFLICT (rule, subject, open) DO NOTHING"
                f" RETURNING {_COLUMNS}",
                rule, RULES[rule], station_id, subject, message, microseconds(now),
            )  # fmt: skip
            if rows:
                tx.notify(ALARMS, rule)
            return rows

        rows = await self._database.transact(work)
        self._opened(rule, subject)
        if rows:
            self._tell(_alarm(rows[0]))
            self._timer.wake()
        return bool(rows)

    async def clear(self, rule: str, subject: str) -> bool:
        """Have an alarm be over; False: none was open."""
        if not self.is_open(rule, subject):
            return False
        now = microseconds(self._clock.now())

        async def work(tx: Transaction) -> list[Row]:
            tx.notify(ALARMS, rule)
            return await tx.fetch(
                "UPDATE cpms_alarm SET open = NULL, cleared_at = $1 WHERE rule = $2 AND subject = $3 AND open = 1"
                f" RETURNING {_COLUMNS}",
                now, rule, subject,
            )  # fmt: skip

        rows = await self._database.transact(work)
        self._closed(rule, subject)
        for row in rows:
            self._tell(_alarm(row))
        return bool(rows)

    async def acknowledge(self, alarm_id: int, *, by: str, note: str = "", also: Also[Alarm] | None = None) -> Alarm:
        """Write down who has seen an alarm; one whose end cannot be seen is over with that.

        Args:
            also: written with it, in its transaction.

        Raises:
            NoSuchAlarm: there is none.
        """
        now = microseconds(self._clock.now())

        async def work(tx: Transaction) -> Alarm:
            rows = await tx.fetch(
                "UPDATE cpms_alarm SET acknowledged_at = $1, acknowledged_by = $2, note = $3 WHERE id = $4"
                f" RETURNING {_COLUMNS}",
                now, by, note or None, alarm_id,
            )  # fmt: skip
            if not rows:
                raise NoSuchAlarm
            if rows[0][1] in _SEEN_IS_OVER:
                tx.notify(ALARMS, rows[0][1])
                rows = await tx.fetch(
                    "UPDATE cpms_alarm SET open = NULL, cleared_at = COALESCE(cleared_at, $1) WHERE id = $2"
                    f" RETURNING {_COLUMNS}",
                    now, alarm_id,
                )  # fmt: skip
            return _alarm(rows[0])

        alarm = await self._database.transact(followed(work, also))
        if alarm.cleared_at is not None:
            self._closed(alarm.rule, alarm.subject)
        self._tell(alarm)
        return alarm

    # -- looking -----------------------------------------------------------------------------------

    async def get(self, alarm_id: int) -> Alarm:
        """Return an alarm.

        Raises:
            NoSuchAlarm: there is none.
        """
        rows = await self._database.fetch(f"SELECT {_COLUMNS} FROM cpms_alarm WHERE id = $1", alarm_id)
        if not rows:
            raise NoSuchAlarm
        return _alarm(rows[0])

    async def list(
        self,
        *,
        open_only: bool = False,
        unacknowledged_only: bool = False,
        station_id: str | None = None,
        rule: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[Alarm]:
        """Return alarms, the newest first.

        Args:
            before: only those with a smaller id: the last of the page before.
        """
        where, args = ["1 = 1"], []
        where += ["open = 1"] if open_only else []
        where += ["acknowledged_at IS NULL"] if unacknowledged_only else []
        for condition, value in (("station_id =", station_id), ("rule =", rule), ("id <", before)):
            if value is not None:
                args.append(value)
                where.append(f"{condition} ${len(args)}")
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM cpms_alarm WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ${len(args) + 1}",
            *args,
            limit,
        )
        return [_alarm(row) for row in rows]

    # -- telling -----------------------------------------------------------------------------------

    async def warn(self, kind: str, *, station_id: str, session_id: str, text: str) -> None:
        """Raise an alarm about a session: the operation centre of the built-in CPMS (X-57)."""
        await self.raise_(kind, session_id, station_id=station_id, message=text)

    def _tell(self, alarm: Alarm) -> None:
        if self._feed is not None:
            self._feed.publish("alarm", alarm.as_json())

    async def _warn(self) -> datetime.datetime | None:
        """Tell the operation centre what it has not taken; return when to come back to it."""
        assert self._centre is not None, "without one this is not started"
        rows = await self._database.fetch(f"SELECT {_COLUMNS} FROM cpms_alarm WHERE warned = 0 ORDER BY id LIMIT 100")
        for alarm in map(_alarm, rows):
            try:
                await self._centre.warn(alarm)
            except NotTaken as error:
                log.warning("the operation centre did not take alarm %d: %s", alarm.id, error)
                return self._clock.now() + _PAUSE
            await self._taken(alarm.id)
        return self._clock.now() if len(rows) == 100 else None

    async def _taken(self, alarm_id: int) -> None:
        await self._database.transact(lambda tx: tx.execute("UPDATE cpms_alarm SET warned = 1 WHERE id = $1", alarm_id))


#: Rules that nothing a station tells can end.
_SEEN_IS_OVER = frozenset({"TAMPER", "SECURITY", "SESSION_TOO_LONG", "SESSION_NOT_STOPPED", "USAGE_INVALID"})

_COLUMNS = (
    "id, rule, severity, station_id, subject, message, raised_at, cleared_at, acknowledged_at, acknowledged_by, note"
)


def _alarm(row: Row) -> Alarm:
    alarm_id, rule, severity, station_id, subject, message, raised_at, cleared_at, seen_at, seen_by, note = row
    return Alarm(
        id=alarm_id,
        rule=rule,
        severity=severity,
        station_id=station_id,
        subject=subject,
        message=message,
        raised_at=moments.at(raised_at),
        cleared_at=None if cleared_at is None else moments.at(cleared_at),
        acknowledged_at=None if seen_at is None else moments.at(seen_at),
        acknowledged_by=seen_by,
        note=note,
    )
