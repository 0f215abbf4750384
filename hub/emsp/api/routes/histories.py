"""Charges that are over: cost, CO2, kilometres, and how content their drivers were (GEM-FTR-970, INCAR-AP03)."""

import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape, cursor_number, within
from hub.emsp.api.scopes import Scope
from hub.emsp.companion.feedback import LONGEST, Feedback, NotYourCharge
from hub.emsp.companion.history import CONSUMPTION, History, Past, totals

_SHOWN = datetime.timedelta(days=365)
_FAST = datetime.timedelta(days=1)  # by which a CPO's clock may be ahead of ours

Consumption = Annotated[Decimal, within(1, 200)]


class Period(ListQuery, frozen=True, kw_only=True):
    """Charges that ended in a time; by default those of the last year.

    Attributes:
        consumption: of the car, in kWh for 100 km, for the kilometres.
    """

    since: Moment | None = None
    until: Moment | None = None
    consumption: Consumption = CONSUMPTION


class PastCharge(Shape, frozen=True, kw_only=True):
    """One charge.

    Attributes:
        cost: what you pay, all taxes included.
        kg_co2: null: nobody can say; ``co2_source`` says whose word it is.
        km: how far its energy brings a car.
    """

    owner: str
    cdr_id: str
    start: Moment
    end: Moment
    location_id: str
    place: str
    country: str
    kwh: Decimal
    cost: Decimal | None
    currency: str
    kg_co2: Decimal | None
    co2_source: str
    km: Decimal


class Sums(Shape, frozen=True, kw_only=True):
    """All charges of a time together.

    Attributes:
        cost: by currency.
        kg_co2: of those charges of which it is known; of ``charges_without_co2`` it is not.
    """

    charges: int
    kwh: Decimal
    km: Decimal
    cost: dict[str, Decimal]
    kg_co2: Decimal
    charges_without_co2: int


class Stars(Shape, frozen=True, kw_only=True):
    """How content you were: one to five stars, and why."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    text: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""


class RatingSeen(Shape, frozen=True, kw_only=True):
    """What drivers say of a Location; null: nobody said anything."""

    count: int
    stars: Decimal | None


class FeedbackRow(Shape, frozen=True, kw_only=True):
    """What a driver says of a charge."""

    id: int
    driver_id: str
    charge: str
    owner: str
    location_id: str
    stars: int
    text: str
    at: Moment


class HistoryRoutes:
    """Histories and feedback."""

    tag = "companion"

    def __init__(self, history: History, feedback: Feedback) -> None:
        self._history = history
        self._feedback = feedback

    @route("GET", "/history", scope=Scope.OWN)
    async def list_history(self, call: Call, query: Period) -> Page[PastCharge]:
        """List your charges, the newest first, with cost, CO2 and kilometres."""
        offset = cursor_number(query) or 0
        found = (await self._of(call, query))[::-1]
        rows = [_row(each) for each in found[offset : offset + query.limit]]
        end = offset + query.limit
        return Page(items=rows, next=str(end) if end < len(found) else None)

    @route("GET", "/history/totals", scope=Scope.OWN)
    async def sum_history(self, call: Call, query: Period) -> Sums:
        """Sum your charges of a time."""
        found = totals(await self._of(call, query))
        return Sums(
            charges=found.charges, kwh=found.kwh, km=found.km, cost=dict(found.cost), kg_co2=found.kg,
            charges_without_co2=found.unknown,
        )  # fmt: skip

    async def _of(self, call: Call, query: Period) -> list[Past]:
        start, end = span(query.since, query.until, call.now)
        return await self._history.of(call.principal.id, start, end, consumption=query.consumption)

    @route("PUT", "/history/{owner}/{cdr_id}/feedback", scope=Scope.OWN, status=204)
    async def give_feedback(self, call: Call, owner: str, cdr_id: str, body: Stars) -> None:
        """Say how content you were with a charge of the last 90 days; said again, it takes the place of the first."""
        try:
            await self._feedback.give(call.principal.id, f"{owner}/{cdr_id}".upper(), body.stars, body.text)
        except NotYourCharge as error:
            raise NotFound(str(error)) from error

    @route("GET", "/ratings/{owner}/{location_id}", scope=Scope.CHARGERS_READ)
    async def get_rating(self, call: Call, owner: str, location_id: str) -> RatingSeen:
        """Show how content drivers are with a Location."""
        found = await self._feedback.rating(owner.upper(), location_id)
        return RatingSeen(count=found.count, stars=found.stars)

    @route("GET", "/feedback", scope=Scope.FEEDBACK_READ)
    async def list_feedback(self, call: Call, query: ListQuery) -> Page[FeedbackRow]:
        """List what drivers say, the newest first."""
        found = await self._feedback.all(before=cursor_number(query), limit=query.limit + 1)
        rows = [
            FeedbackRow(
                id=each.id, driver_id=each.driver_id, charge=each.charge, owner=each.owner,
                location_id=each.location_id, stars=each.stars, text=each.text, at=each.at,
            )
            for each in found[: query.limit]
        ]  # fmt: skip
        return Page(items=rows, next=str(rows[-1].id) if len(found) > query.limit else None)


def span(
    since: datetime.datetime | None, until: datetime.datetime | None, now: datetime.datetime
) -> tuple[datetime.datetime, datetime.datetime]:
    """Return the time that is asked for.

    Raises:
        Invalid: it ends before it begins.
    """
    end = until or now + _FAST
    start = since or end - _SHOWN
    if start >= end:
        raise invalid("query.until", "must be after since")
    return start, end


def _row(found: Past) -> PastCharge:
    charge = found.charge
    return PastCharge(
        owner=charge.owner, cdr_id=charge.reference.partition("/")[2], start=charge.start, end=charge.end,
        location_id=charge.location_id, place=charge.name, country=charge.country, kwh=charge.kwh, cost=charge.cost,
        currency=charge.currency, kg_co2=found.emissions.kg, co2_source=found.emissions.label, km=found.km,
    )  # fmt: skip
