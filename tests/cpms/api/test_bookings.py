"""The booking book over the operator API."""

import pytest

from hub.api.audit import AuditLog
from hub.cpms.api.routes.bookings import BookingRoutes
from hub.cpms.live import telling_bookings
from tests.cpms.api.conftest import House
from tests.cpms.bookings.conftest import at, operator  # noqa: F401  a fixture
from tests.cpms.conftest import hub, stations  # noqa: F401  fixtures


@pytest.fixture
async def house(operator, database, clock):  # noqa: F811  the fixture imported above
    book = operator.cpms.desk.book
    made = House(database, clock, (BookingRoutes(book),))
    book.announce = telling_bookings(made.feed)
    yield made
    await made.feed.stop()


@pytest.fixture
async def staff(house):
    return await house.staff("operator")


async def test_bookings_are_listed_by_station_state_and_time(operator, staff):  # noqa: F811
    """DD-F5: reservation lists per station and slot."""
    first = await operator.book(first=0)
    await operator.book(first=0)  # rejected
    second = await operator.book(first=60)
    other = await operator.book(first=0, evse_uid="EVSE2")

    every = await staff.get("/bookings", params={"state": "RESERVED"})
    place = await staff.get("/bookings", params={"evse_uid": "evse1", "location_id": "loc1", "state": "RESERVED"})
    later = await staff.get("/bookings", params={"starts_from": at(30)})
    page = await staff.get("/bookings", params={"state": "RESERVED", "limit": 2})
    rest = await staff.get("/bookings", params={"state": "RESERVED", "limit": 2, "cursor": page["next"]})

    assert {each["id"] for each in every["items"]} == {first["id"], second["id"], other["id"]}
    assert [each["id"] for each in place["items"]] == [first["id"], second["id"]]
    assert [each["id"] for each in later["items"]] == [second["id"]]
    assert [each["id"] for each in page["items"] + rest["items"]] == [each["id"] for each in every["items"]]
    assert (place["items"][0]["provider"], place["items"][0]["starts_at"]) == ("DE-EMP", "2026-01-01T12:30:00Z")


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"starts_from": "2026-01-01T12:00:00"}, {"state": "LOST"}])
async def test_a_question_that_makes_no_sense_is_refused_by_name(staff, query):
    answer = await staff.ask("GET", "/bookings", params=query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == f"query.{next(iter(query))}"


async def test_slots_are_shown_free_and_taken(operator, staff):  # noqa: F811
    booking = await operator.book(first=30, minutes=60)

    slots = (await staff.get("/locations/LOC1/evses/EVSE1/slots"))["items"]

    assert len(slots) == 48
    assert [each["starts_at"] for each in slots if each["holder"]] == ["2026-01-01T13:00:00Z", "2026-01-01T13:30:00Z"]
    assert {each["holder"] for each in slots} == {None, booking["id"]}
    assert (await staff.ask("GET", "/locations/LOC1/evses/NOPE/slots")).status_code == 404


async def test_an_operator_cancels_and_a_viewer_cannot(operator, house, staff):  # noqa: F811
    booking = await operator.book()
    viewer = await house.staff("viewer")
    heard = house.feed.subscribe(frozenset({"booking"}))
    body, path = {"reason": "BROKEN_CHARGER"}, f"/bookings/{booking['id']}/cancel"

    forbidden = await viewer.ask("POST", path, json=body)
    canceled = await staff.post(path, body, status=200)
    again = await staff.ask("POST", path, json=body)

    assert (forbidden.status_code, again.status_code) == (403, 409)
    assert canceled["reservation_status"] == "CANCELED"
    assert (await viewer.get(f"/bookings/{booking['id']}"))["canceled"]["who_canceled"] == "CPO"
    told = heard.queue.popleft().data
    assert (told["id"], told["reservation_status"], told["evse_uid"]) == (booking["id"], "CANCELED", "EVSE1")
    assert (await viewer.ask("GET", "/bookings/none")).status_code == 404


async def test_a_cancellation_that_the_audit_log_does_not_take_does_not_happen(
    operator,  # noqa: F811
    house,
    staff,
    monkeypatch,
):
    booking = await operator.book()
    body, path = {"reason": "BROKEN_CHARGER"}, f"/bookings/{booking['id']}/cancel"

    async def full(*_):
        raise RuntimeError("the audit log is gone")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "add", full)
        refused = await staff.ask("POST", path, json=body)
    kept = await staff.get(f"/bookings/{booking['id']}")
    await staff.post(path, body, status=200)

    assert (refused.status_code, kept["reservation_status"]) == (500, "RESERVED")
    (entry,) = (await (await house.staff("admin")).get("/audit?action=cancel_booking"))["items"]
    assert (entry["before"]["reservation_status"], entry["after"]["reservation_status"]) == ("RESERVED", "CANCELED")
