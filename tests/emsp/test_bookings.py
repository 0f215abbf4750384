"""The eMSP's side of Bookings: what CPOs tell of what can be booked and of what was, and asking for it."""

import pytest

from hub.ocpi.errors import InvalidParameters, ReceiverFailed, ReceiverUnreachable
from hub.ocpi.messages import Party, Response
from hub.ocpi.modules import bookings
from hub.ocpi.receiving import NoSuchObject
from tests.emsp.test_endpoints import LATER, OTHER, emsp, hub, told  # noqa: F401  fixtures and words
from tests.rooms import CPO, EMSP, NOW, ask

SLOT = {"start_date_time": "2026-01-05T10:00:00Z", "end_date_time": "2026-01-05T12:00:00Z"}
TERMS = {"supported_access_methods": ["OPEN"], "change_until_minutes": 5, "cancel_until_minutes": 0}


def calendar(**changes):
    return {
        "id": "2026-01-05", "begin_from": "2026-01-05T00:00:00Z", "end_before": "2026-01-06T00:00:00Z",
        "available_timeslots": [SLOT], "last_updated": NOW,
    } | changes  # fmt: skip


def offer(**changes):
    return {
        "country_code": "NL", "party_id": "CPO", "id": "BL1", "location_id": "LOC1",
        "booking_option": {"evse_uid": "EVSE1"}, "calendars": [calendar()], "last_updated": NOW,
    } | changes  # fmt: skip


def wish(**changes):
    return {
        "country_code": "DE", "party_id": "EMP", "request_id": "R1", "location_id": "LOC1",
        "booking_location_id": "BL1", "authorization_reference": "REF-1", "period": SLOT,
    } | changes  # fmt: skip


def booking(status="RESERVED", **changes):
    return {
        "country_code": "NL", "party_id": "CPO", "id": "B1", "request_id": "R1", "location_id": "LOC1", "period": SLOT,
        "reservation_status": status, "authorization_reference": "REF-1", "booking_terms": TERMS,
        "booking_requests": [{"request_status": "ACCEPTED", "booking_request": wish(), "request_received": NOW}],
        "last_updated": NOW,
    } | changes  # fmt: skip


async def test_what_can_be_booked_is_kept_and_shown_to_its_cpo(emsp):  # noqa: F811
    created = await emsp(told(bookings.put_booking_location, offer(), booking_location_id="BL1"))

    shown = await emsp(told(bookings.get_booking_location, None, booking_location_id="bl1"))
    day = await emsp(told(bookings.get_calendar, None, booking_location_id="BL1", calendar_id="2026-01-05"))

    assert created.http_status == 201
    assert (shown.value, day.value) == (offer(), calendar())
    with pytest.raises(NoSuchObject):
        await emsp(told(bookings.get_calendar, None, booking_location_id="BL1", calendar_id="never"))


async def test_a_calendar_that_changes_dates_its_booking_location(emsp):  # noqa: F811
    await emsp(told(bookings.put_booking_location, offer(), booking_location_id="BL1"))
    ids = {"booking_location_id": "BL1", "calendar_id": "2026-01-05"}

    await emsp(told(bookings.patch_calendar, {"id": "2026-01-05", "end_before": LATER, "last_updated": LATER}, **ids))
    new = await emsp(
        told(bookings.put_calendar, calendar(id="C2", last_updated=LATER), booking_location_id="BL1", calendar_id="C2")
    )

    kept = await emsp.store.booking_locations.get(CPO, "BL1")
    assert kept["last_updated"] == LATER
    assert [(each["id"], each["end_before"]) for each in kept["calendars"]] == [
        ("2026-01-05", LATER), ("C2", "2026-01-06T00:00:00Z"),
    ]  # fmt: skip
    assert new.http_status == 201
    with pytest.raises(InvalidParameters):
        await emsp(told(bookings.patch_calendar, {"last_updated": LATER}, booking_location_id="BL1", calendar_id="C9"))


async def test_a_booking_is_asked_for_and_kept(emsp, hub):  # noqa: F811
    """RASD-R4, RASD-API4."""
    hub.answers[bookings.post_booking] = Response.of(bookings.Booking, booking())

    made = await emsp.asking.book(CPO, wish())

    (request,) = hub.heard(bookings.post_booking)
    assert (request.receiver, request.sender, request.value) == (CPO, EMSP, wish())
    assert made == await emsp.store.booking(CPO, "B1") == await emsp.store.booking(CPO, "r1") == booking()


async def test_an_answer_older_than_what_was_told_since_changes_nothing(emsp, hub):  # noqa: F811
    newer = booking("CANCELED", last_updated=LATER)
    await emsp(told(bookings.put_booking, newer, booking_id="B1"))
    hub.answers[bookings.post_booking] = Response.of(bookings.Booking, booking())

    assert await emsp.asking.book(CPO, wish()) == newer
    assert await emsp.store.booking(CPO, "B1") == newer


async def test_nothing_is_kept_of_a_booking_that_could_not_be_asked_for(emsp, hub):  # noqa: F811
    """X-09: no connection to the CPO; nothing is booked."""
    hub.answers[bookings.post_booking] = ReceiverUnreachable()

    with pytest.raises(ReceiverUnreachable):
        await emsp.asking.book(CPO, wish())

    assert await emsp.store.bookings.all() == []


@pytest.mark.parametrize("odd", [[], {}, None, "RESERVED", {"id": "B1", "country_code": "NL", "party_id": "CPO"}])
async def test_what_is_no_booking_is_its_cpo_s_failure_and_not_kept(emsp, hub, odd):  # noqa: F811
    hub.answers[bookings.post_booking] = Response.of(bookings.Booking, odd)

    with pytest.raises(ReceiverFailed):
        await emsp.asking.book(CPO, wish())

    assert await emsp.store.bookings.all() == []


@pytest.mark.parametrize("booking_id", ["B1", "R1"])
async def test_a_cpo_tells_of_a_booking_by_either_id(emsp, booking_id):  # noqa: F811
    """docs/errata.md, E-22."""
    await emsp(told(bookings.put_booking, booking(), booking_id=booking_id))

    change = {"reservation_status": "NO_SHOW", "last_updated": LATER}
    await emsp(told(bookings.patch_booking, change, booking_id=booking_id))

    assert await emsp.store.booking(CPO, "B1") == booking("NO_SHOW", last_updated=LATER)
    assert (await emsp(told(bookings.get_booking, None, booking_id=booking_id))).value[
        "reservation_status"
    ] == "NO_SHOW"


async def test_nobody_tells_of_bookings_that_are_not_his_or_not_ours(emsp, hub):  # noqa: F811
    foreign = {"request_status": "ACCEPTED", "booking_request": wish(party_id="ZZZ"), "request_received": NOW}
    stranger = ask(bookings.put_booking, booking(), sender=OTHER, country_code="NL", party_id="CPO", booking_id="B1")
    hub.answers[bookings.post_booking] = Response.of(bookings.Booking, booking(country_code="FR", party_id="XYZ"))

    with pytest.raises(InvalidParameters):
        await emsp(stranger)
    with pytest.raises(InvalidParameters, match="booking_request"):
        await emsp(told(bookings.put_booking, booking(booking_requests=[foreign]), booking_id="B1"))
    with pytest.raises(InvalidParameters, match=r"\$\.id"):
        await emsp(told(bookings.put_booking, booking(), booking_id="B9"))
    with pytest.raises(InvalidParameters):
        await emsp(told(bookings.patch_booking, {"last_updated": LATER}, booking_id="B9"))
    with pytest.raises(InvalidParameters, match="somebody else"):
        await emsp.asking.book(CPO, wish())
    assert await emsp.store.bookings.all() == []
    assert Party("FR", "XYZ") == OTHER
