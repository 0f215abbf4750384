"""Which charges make sense for a driver, and why: computed from what is known at a moment, and from nothing else.

A suggestion is a frame in which a station can be booked and the driver has time, with its reason. Its key says which
one it is: an offer at a station, an appointment, a day, the last charge; so it is the same one however often it is
computed, and is told once.

Source: RASD-R11, RASD-R12, RASD-R13, RASD-F11.
"""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from hub.emsp.companion.agenda import Busy
from hub.emsp.companion.needs import Offer, Slot, Station
from hub.emsp.companion.positions import Haunt
from hub.emsp.search.geometry import Point, distance

Reason = Literal["OFFER", "AGENDA", "APPOINTMENT", "NEAR", "OVERDUE"]

HORIZON = datetime.timedelta(days=2)
SHORTEST = datetime.timedelta(minutes=30)  # a frame that is worth a charge
_LONGEST = datetime.timedelta(hours=2)
_WALK = 800.0  # metres between an appointment and a charger
_CLOSE = 1_000.0  # metres
_KNOWN = 2_000.0  # metres around a haunt in which a station is one he may use
_SOON = datetime.timedelta(hours=1)
_OVERDUE = datetime.timedelta(days=3)  # at least


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known of a driver at a moment.

    Attributes:
        busy: his appointments in the horizon; None: no calendar of his may be read, so nothing is known of his time.
        haunts: where he often is; () without his consent.
        position: where he is now; None: not known.
        favourites: (owner, location_id).
        stations: those near his places, and his favourites.
        last_charge: when it ended; None: there was none.
        usual_gap: between two of his charges; None: not known yet.
    """

    now: datetime.datetime
    zone: ZoneInfo
    stations: tuple[Station, ...]
    busy: tuple[Busy, ...] | None = None
    haunts: tuple[Haunt, ...] = ()
    position: Point | None = None
    favourites: frozenset[tuple[str, str]] = frozenset()
    last_charge: datetime.datetime | None = None
    usual_gap: datetime.timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A charge that makes sense.

    Attributes:
        key: which one it is.
        expires: from when on it is not true any more.
        offer: OWNER/TARIFF of the offer it stands on; None: on none.
        detail: what the reason names: the offer's text, the appointment's title, days since the last charge.
    """

    key: str
    reason: Reason
    owner: str
    location_id: str
    place: str
    start: datetime.datetime
    end: datetime.datetime
    expires: datetime.datetime
    offer: str | None = None
    detail: str = ""


def suggestions(situation: Situation) -> list[Suggestion]:
    """Return what makes sense, the best reason first; one suggestion per station and key."""
    found = dict[str, Suggestion]()
    stations = set[tuple[str, str]]()
    for each in _all(situation):
        if each.key not in found and (each.owner, each.location_id) not in stations:
            found[each.key] = each
            stations.add((each.owner, each.location_id))
    return list(found.values())


def _all(situation: Situation) -> Iterator[Suggestion]:
    known = [each for each in situation.stations if _is_known(each, situation)]
    for station in known:
        yield from _offers(station, situation)
    yield from _appointments(situation)
    yield from _near(known, situation)
    yield from _overdue(known, situation)
    yield from _agenda(known, situation)


def _is_known(station: Station, situation: Situation) -> bool:
    if (station.owner, station.location_id) in situation.favourites:
        return True
    return any(distance(station.point, each.point) <= _KNOWN for each in situation.haunts)


def _offers(station: Station, situation: Situation) -> Iterator[Suggestion]:
    """Yield offers that fit a time the driver has (RASD-R11)."""
    for offer in station.offers:
        for frame in frames(station.slots, situation):
            fitting = _within(frame, offer)
            if fitting is not None:
                key = f"OFFER/{offer.id}/{station.owner}/{station.location_id}"
                yield _made(station, fitting, key=key, reason="OFFER", offer=offer, detail=offer.text)
                break


def _within(frame: Slot, offer: Offer) -> Slot | None:
    start, end = max(frame.start, offer.start or frame.start), min(frame.end, offer.end)
    return _trimmed(Slot(start=start, end=end))


def _appointments(situation: Situation) -> Iterator[Suggestion]:
    """Yield stations close to where an appointment keeps the driver anyway (RASD-R12)."""
    for busy in situation.busy or ():
        if busy.point is None:
            continue
        close = [each for each in situation.stations if distance(each.point, busy.point) <= _WALK]
        for station in _nearest(close, busy.point):
            start = max(busy.start, situation.now)
            during = next(_overlaps(station.slots, start, busy.end), None)
            if during is not None:
                key = f"APPOINTMENT/{busy.uid}/{busy.start.isoformat()}"
                yield _made(station, during, key=key, reason="APPOINTMENT", detail=busy.title)
                break


def _near(known: Sequence[Station], situation: Situation) -> Iterator[Suggestion]:
    """Yield a station the driver knows and is close to now (RASD-R13)."""
    if situation.position is None:
        return
    for station in _nearest(known, situation.position):
        if distance(station.point, situation.position) > _CLOSE:
            return
        frame = next(iter(frames(station.slots, situation)), None)
        if frame is not None and frame.start <= situation.now + _SOON:
            key = f"NEAR/{station.owner}/{station.location_id}/{_day(situation.now, situation.zone)}"
            yield _made(station, frame, key=key, reason="NEAR")
            return


def _overdue(known: Sequence[Station], situation: Situation) -> Iterator[Suggestion]:
    """Yield the soonest frame if the last charge is long ago; once per last charge (RASD-F11)."""
    last = situation.last_charge
    if last is None:
        return
    since = situation.now - last
    if since < max(_OVERDUE, (situation.usual_gap or _OVERDUE) * 3 / 2):
        return
    if (soonest := _soonest(known, situation)) is not None:
        key = f"OVERDUE/{last.isoformat()}"
        yield _made(*soonest, key=key, reason="OVERDUE", detail=str(since.days))


def _agenda(known: Sequence[Station], situation: Situation) -> Iterator[Suggestion]:
    """Yield the soonest frame between the driver's appointments; one a day (RASD-R12)."""
    if situation.busy and (soonest := _soonest(known, situation)) is not None:
        station, frame = soonest
        key = f"AGENDA/{_day(frame.start, situation.zone)}"
        yield _made(station, frame, key=key, reason="AGENDA")


def _soonest(known: Iterable[Station], situation: Situation) -> tuple[Station, Slot] | None:
    found = [(station, frame) for station in known for frame in frames(station.slots, situation)]
    return min(found, key=lambda each: (each[1].start, each[0].owner, each[0].location_id), default=None)


def frames(slots: Iterable[Slot], situation: Situation) -> list[Slot]:
    """Return the times in which a station is free and the driver has time, the earliest first."""
    end = situation.now + HORIZON
    free = gaps(situation.busy or (), situation.now, end)
    found = [each for gap in free for each in _overlaps(slots, gap.start, gap.end)]
    return sorted(found, key=lambda each: each.start)


def gaps(busy: Iterable[Busy], start: datetime.datetime, end: datetime.datetime) -> list[Slot]:
    """Return the times between appointments."""
    found, free_from = list[Slot](), start
    for each in sorted(busy, key=lambda one: one.start):
        if each.start > free_from:
            found.append(Slot(start=free_from, end=min(each.start, end)))
        free_from = max(free_from, each.end)
    if free_from < end:
        found.append(Slot(start=free_from, end=end))
    return [each for each in found if each.start < each.end]


def _overlaps(slots: Iterable[Slot], start: datetime.datetime, end: datetime.datetime) -> Iterator[Slot]:
    for slot in sorted(slots, key=lambda each: each.start):
        both = _trimmed(Slot(start=max(slot.start, start), end=min(slot.end, end)))
        if both is not None:
            yield both


def _trimmed(slot: Slot) -> Slot | None:
    """Return a frame as it is suggested; None: it is too short for a charge."""
    if slot.end - slot.start < SHORTEST:
        return None
    return Slot(start=slot.start, end=min(slot.end, slot.start + _LONGEST))


def _nearest(stations: Iterable[Station], point: Point) -> list[Station]:
    return sorted(stations, key=lambda each: distance(each.point, point))


def _day(moment: datetime.datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def _made(
    station: Station, frame: Slot, *, key: str, reason: Reason, offer: Offer | None = None, detail: str = ""
) -> Suggestion:
    # Once less is left than a charge takes, the frame cannot be used any more.
    last = frame.end - SHORTEST
    return Suggestion(
        key=key,
        reason=reason,
        owner=station.owner,
        location_id=station.location_id,
        place=station.name,
        start=frame.start,
        end=frame.end,
        expires=min(last, offer.end) if offer else last,
        offer=offer.id if offer else None,
        detail=detail,
    )


def over_because(suggestion: Suggestion, station: Station | None, now: datetime.datetime) -> str | None:
    """Return why a suggestion is over, as things stand; None: it still holds."""
    if now >= suggestion.expires:
        return "its time has passed"
    if station is None:
        return f"{suggestion.place} is not there any more"
    if suggestion.offer and suggestion.offer not in {each.id for each in station.offers if each.end > now}:
        return "the offer has ended"
    start = max(suggestion.start, now)
    if next(_overlaps(station.slots, start, suggestion.end), None) is None:
        return f"{suggestion.place} is taken at that time"
    return None
