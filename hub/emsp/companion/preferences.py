"""How a driver wants to be told: channels by kind, and hours in which he wants to be left alone.

Quiet hours are wall-clock times in the driver's zone, so they are the same hours of his day in summer and winter.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.database.contract import Database, Transaction
from hub.emsp.companion.kinds import CHANNELS, KINDS, Kind
from hub.ocpi import codec
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.times import stamp


class BadPreference(Exception):
    """A preference that cannot be kept.

    Attributes:
        path: the field at fault, as a JSON path.
    """

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Hours of every day; an end before its start is on the next day."""

    start: datetime.time
    end: datetime.time

    def holds(self, at: datetime.time) -> bool:
        """Return whether a time of day is quiet."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """One driver's choice; what he did not choose is as the kind has it.

    Attributes:
        channels: by name of kind; () for one he does not want to be told of.
        waits: by name of kind, whether it waits for the end of the quiet hours.
        zone: IANA; None: as his account says.
        language: ISO 639-1; None: as his account says.
    """

    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waits: Mapping[str, bool] = field(default_factory=dict)
    quiet: Quiet | None = None
    zone: str | None = None
    language: str | None = None

    def channels_of(self, kind: Kind) -> tuple[str, ...]:
        """Return how a kind is told."""
        return self.channels.get(kind.name, kind.channels)

    def due(self, kind: Kind, now: datetime.datetime, zone: str) -> datetime.datetime:
        """Return when a notification may be told: now, or when the quiet hours are over."""
        if self.quiet is None or not self.waits.get(kind.name, kind.waits):
            return now
        return after_quiet(self.quiet, now, ZoneInfo(self.zone or zone))

    def to_json(self) -> JSONObject:
        """Return it as it is kept and shown."""
        quiet = self.quiet and {"start": f"{self.quiet.start:%H:%M}", "end": f"{self.quiet.end:%H:%M}"}
        return {
            "channels": {name: list(each) for name, each in self.channels.items()},
            "waits": dict(self.waits),
            "quiet": quiet,
            "zone": self.zone,
            "language": self.language,
        }


def after_quiet(quiet: Quiet, now: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """Return the first moment from ``now`` on that is surely not quiet, in UTC."""
    local = now.astimezone(zone)
    if not quiet.holds(local.time()):
        return now
    today = datetime.datetime.combine(local.date(), quiet.end, zone)
    days = (today + datetime.timedelta(days=number) for number in range(3))
    return next(end for each in days if (end := _latest(each)) > now)


def _latest(local: datetime.datetime) -> datetime.datetime:
    # A time of day may be there twice when summer ends, and not at all when it begins. The later reading
    # is after the second one, and after the gap.
    return max(local.replace(fold=fold).astimezone(datetime.UTC) for fold in (0, 1))


def read_preferences(document: JSONObject) -> Preferences:
    """Return what a document says.

    Raises:
        BadPreference: a field cannot be understood.
    """
    channels = {name: _channels(name, each) for name, each in _by_kind(document, "channels")}
    waits = {name: _flag(name, each) for name, each in _by_kind(document, "waits")}
    return Preferences(
        channels=channels,
        waits=waits,
        quiet=_quiet(document.get("quiet")),
        zone=_zone(document.get("zone")),
        language=_language(document.get("language")),
    )


def _by_kind(document: JSONObject, name: str) -> list[tuple[str, JSON]]:
    found = document.get(name) or {}
    if not isinstance(found, dict):
        raise BadPreference(f"$.{name}", "is an object by kind of notification")
    for kind in found:
        if kind not in KINDS:
            raise BadPreference(f"$.{name}.{kind}", f"is no kind; there are {', '.join(KINDS)}")
    return list(found.items())


def _channels(kind: str, value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list) or any(each not in CHANNELS for each in value):
        raise BadPreference(f"$.channels.{kind}", f"is a list of {', '.join(CHANNELS)}")
    return tuple(dict.fromkeys(value))


def _flag(kind: str, value: JSON) -> bool:
    if not isinstance(value, bool):
        raise BadPreference(f"$.waits.{kind}", "is true or false")
    return value


def _quiet(value: JSON) -> Quiet | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadPreference("$.quiet", "has a start and an end, or is null")
    start, end = _time("start", value.get("start")), _time("end", value.get("end"))
    if start == end:
        raise BadPreference("$.quiet.end", "differs from its start; to be told nothing, choose no channels")
    return Quiet(start=start, end=end)


def _time(name: str, value: JSON) -> datetime.time:
    try:
        return datetime.datetime.strptime(str(value), "%H:%M").time()
    except ValueError as error:
        raise BadPreference(f"$.quiet.{name}", "is a time of day such as 22:00") from error


def _zone(value: JSON) -> str | None:
    if value is None:
        return None
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadPreference("$.zone", "is no time zone such as Europe/Amsterdam") from error


def _language(value: JSON) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha()):
        raise BadPreference("$.language", "is a language such as en")
    return value.lower() if isinstance(value, str) else None


class PreferenceStore:
    """All drivers' choices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, driver_id: str) -> Preferences:
        """Return a driver's choice; without one the kinds' own defaults hold."""
        rows = await self._database.fetch("SELECT document FROM emsp_preference WHERE driver_id = $1", driver_id)
        return read_preferences(codec.decode(rows[0][0])) if rows else Preferences()

    async def put(self, driver_id: str, chosen: Preferences, *, now: datetime.datetime) -> None:
        """Keep a driver's choice; it holds for what is not yet planned."""

        async def work(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO emsp_preference (driver_id, document, changed) VALUES ($1, $2, $3)"
                " ON CONFLICT (driver_id) DO UPDATE SET document = excluded.document, changed = excluded.changed",
                driver_id, codec.encode(chosen.to_json()), stamp(now),
            )  # fmt: skip

        await self._database.transact(work)
