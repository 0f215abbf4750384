"""What is planned for EVSEs: maintenance, and reservations, as periods with an end.

A plan gives its EVSE a status while it lasts and stands in ``status_schedule`` until it is over.
Bookings are plans as they stand in their book.

Source: OCPI 2.3.0, mod_locations.asciidoc (StatusSchedule); REQUIREMENTS DD-DEF3, RASD-R30.
"""

import datetime
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.cpms import moments
from hub.cpms.following import Change, Following
from hub.cpms.moments import microseconds
from hub.cpms.places import Places
from hub.database.contract import Database, Row, Transaction
from hub.database.works import Also, followed
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import date_time, utc_now

#: The channel that says what is planned at a Location; the payload is its id.
PLANS = "cpms_plan"

PlanKind = Literal["MAINTENANCE", "RESERVATION"]

_STATUS = {"MAINTENANCE": "INOPERATIVE", "RESERVATION": "RESERVED"}

_Place = tuple[str, str]  # location_id and evse_uid, folded to upper case


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A period one EVSE is planned to have another status in.

    Attributes:
        reference: what the period belongs to: a maintenance's or a booking's id.
        ends: None while nobody knows; only a maintenance may be so.
        note: what is done, for the operator's own people.
    """

    kind: PlanKind
    reference: str
    location_id: str
    evse_uid: str
    begins: datetime.datetime
    ends: datetime.datetime | None = None
    note: str = ""

    def lasts(self, at: datetime.datetime) -> bool:
        """Whether the moment lies in the period."""
        return self.begins <= at and not self.over(at)

    def over(self, at: datetime.datetime) -> bool:
        """Whether the period has ended by then."""
        return self.ends is not None and self.ends <= at

    def schedule(self) -> JSONObject:
        """Return the period as a StatusSchedule."""
        ends = {"period_end": date_time(self.ends)} if self.ends else {}
        return {"period_begin": date_time(self.begins), **ends, "status": _STATUS[self.kind]}


class NoSuchPlan(UnknownLocation):
    """There is no such maintenance."""

    http_status = 404


class Plans:
    """All that is planned and not over, in memory.

    Attributes:
        hearers: called with the places (folded ids) whose plans are others than before.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._plans: dict[_Place, list[Plan]] = {}
        self._following = Following(database, (PLANS,), self._read)
        self.hearers: list[Callable[[Iterable[_Place]], None]] = []

    async def start(self) -> None:
        """Learn what is planned, and follow it."""
        await self._following.start()

    async def stop(self) -> None:
        """Follow no more."""
        await self._following.stop()

    def of(self, location_id: str, evse_uid: str) -> list[Plan]:
        """Return what is planned for an EVSE and not over, by begin."""
        now = self._clock()
        planned = self._plans.get((location_id.upper(), evse_uid.upper()), [])
        return [each for each in planned if not each.over(now)]

    def kinds_now(self, location_id: str, evse_uid: str) -> set[PlanKind]:
        """Return what goes on at an EVSE now."""
        now = self._clock()
        return {each.kind for each in self.of(location_id, evse_uid) if each.lasts(now)}

    def due(self, after: datetime.datetime, until: datetime.datetime) -> list[_Place]:
        """Return the places where something begins or ends later than ``after``, and by ``until``."""
        return [
            place
            for place, planned in self._plans.items()
            if any(after < moment <= until for each in planned for moment in (each.begins, each.ends) if moment)
        ]

    def next_moment(self, after: datetime.datetime) -> datetime.datetime | None:
        """Return when the next plan begins or ends."""
        moments = (
            moment for planned in self._plans.values() for each in planned for moment in (each.begins, each.ends)
        )
        return min((each for each in moments if each is not None and each > after), default=None)

    # -- what is written ---------------------------------------------------------------------------

    async def put(self, tx: Transaction, plan: Plan) -> None:
        """Plan a period; the same kind and reference at the same EVSE is replaced."""
        await tx.execute(
            "INSERT INTO cpms_plan (kind, reference, location_id, evse_uid, begins, ends, note)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, reference, location_id, evse_uid)"
            " DO UPDATE SET begins = excluded.begins, ends = excluded.ends, note = excluded.note",
            plan.kind, plan.reference, plan.location_id.upper(), plan.evse_uid.upper(), microseconds(plan.begins),
            None if plan.ends is None else microseconds(plan.ends), plan.note,
        )  # fmt: skip
        tx.notify(PLANS, plan.location_id.upper())

    async def drop(self, tx: Transaction, kind: PlanKind, reference: str) -> list[Plan]:
        """Plan it no more, and return what was planned."""
        rows = await tx.fetch(f"{_SELECT} WHERE kind = $1 AND reference = $2", kind, reference)
        await tx.execute("DELETE FROM cpms_plan WHERE kind = $1 AND reference = $2", kind, reference)
        plans = [_plan(row) for row in rows]
        for location_id in {each.location_id for each in plans}:
            tx.notify(PLANS, location_id)
        return plans

    async def _read(self, changes: Sequence[Change]) -> None:
        now = microseconds(self._clock())
        before = self._plans
        rows = await self._database.fetch(f"{_SELECT} WHERE ends IS NULL OR ends > $1", now)
        rows += await self._database.fetch(_BOOKED, now)
        self._plans = {}
        for plan in sorted(map(_plan, rows), key=lambda each: (each.begins, each.reference)):
            self._plans.setdefault((plan.location_id, plan.evse_uid), []).append(plan)
        changed = [each for each in before.keys() | self._plans.keys() if before.get(each) != self._plans.get(each)]
        for hear in self.hearers if changed else ():
            hear(changed)


class Maintenances:
    """Activities that make EVSEs unavailable for a time, ordered by an operator."""

    def __init__(self, plans: Plans, places: Places, *, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self._plans = plans
        self._places = places
        self._clock = clock

    async def all(self) -> list[Plan]:
        """Return every maintenance that is not over, by begin."""
        rows = await self._plans._database.fetch(
            f"{_SELECT} WHERE kind = 'MAINTENANCE' AND (ends IS NULL OR ends > $1) ORDER BY begins, id",
            microseconds(self._clock()),
        )
        return [_plan(row) for row in rows]

    async def order(
        self,
        location_id: str,
        evse_uids: Sequence[str],
        *,
        begins: datetime.datetime,
        ends: datetime.datetime | None,
        note: str = "",
        reference: str | None = None,
        also: Also[str] | None = None,
    ) -> str:
        """Plan a maintenance of EVSEs of a Location, or change the one of a reference; return its reference.

        Args:
            also: written with it, in its transaction.

        Raises:
            InvalidParameters: it ends before it begins or is over, or there is no such EVSE.
        """
        if ends is not None and ends <= max(begins, self._clock()):
            raise InvalidParameters("$.ends: must be later than $.begins and than now")
        for at, uid in enumerate(evse_uids):
            if not self._places.known(location_id, uid):
                raise InvalidParameters(f"$.evse_uids[{at}]: Location {location_id} has no EVSE {uid}")
        if not evse_uids:
            raise InvalidParameters("$.evse_uids: name at least one EVSE")
        name = reference or str(uuid.uuid4())

        async def work(tx: Transaction) -> str:
            await self._plans.drop(tx, "MAINTENANCE", name)
            for uid in evse_uids:
                await self._plans.put(
                    tx,
                    Plan(
                        kind="MAINTENANCE",
                        reference=name,
                        location_id=location_id,
                        evse_uid=uid,
                        begins=begins,
                        ends=ends,
                        note=note,
                    ),
                )
            return name

        return await self._plans._database.transact(followed(work, also))

    async def end(self, reference: str, *, also: Also[list[Plan]] | None = None) -> None:
        """End a maintenance now, or do without it.

        Args:
            also: written with it, in its transaction; it gets what was planned.

        Raises:
            NoSuchPlan: there is none.
        """

        async def work(tx: Transaction) -> list[Plan]:
            dropped = await self._plans.drop(tx, "MAINTENANCE", reference)
            if not dropped:
                raise NoSuchPlan
            return dropped

        await self._plans._database.transact(followed(work, also))


#: Bookings that wait for their driver are plans by themselves; one that is used shows as its session does.
_BOOKED = (
    "SELECT 'RESERVATION', id, location_id, evse_uid, starts_at, ends_at, '' FROM cpms_booking"
    " WHERE state = 'RESERVED' AND ends_at > $1"
)
_SELECT = "SELECT kind, reference, location_id, evse_uid, begins, ends, note FROM cpms_plan"


def _plan(row: Row) -> Plan:
    kind, reference, location_id, evse_uid, begins, ends, note = row
    return Plan(
        kind=kind,
        reference=reference,
        location_id=location_id,
        evse_uid=evse_uid,
        begins=moments.at(begins),
        ends=None if ends is None else moments.at(ends),
        note=note,
    )
