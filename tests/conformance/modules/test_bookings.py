"""Bookings and invoice reconciliation over 2.3.0: what may be everyone's, and what is between two parties.

Source: OCPI 2.3.0 Bookings 1.1, mod_bookings.asciidoc; OCPI 2.3.0, mod_invoice_reconciliation.asciidoc.
"""

from typing import Any

import pytest

from tests.conformance.modules.conftest import Enlist, shared
from tests.conformance.samples import HUB, arrival, at, example, heard, owned, unique
from tests.parties import OFFERED, Answer, PartyPlatform

LATER = "2026-05-01T10:00:00Z"
NEW = ("bookings", "invoicereconciliation")


@shared
async def operator(enlist: Enlist) -> PartyPlatform:
    """A CPO that speaks 2.3.0 and takes bookings."""
    offered = [*OFFERED["CPO"], ("bookings", "SENDER"), ("invoicereconciliation", "SENDER")]
    return await enlist("CPO", versions=("2.3.0",), offered=offered)


@shared
async def provider(enlist: Enlist) -> PartyPlatform:
    """An eMSP that speaks 2.3.0 and books."""
    offered = [*OFFERED["EMSP"], ("bookings", "RECEIVER"), ("invoicereconciliation", "RECEIVER")]
    return await enlist("EMSP", versions=("2.3.0",), offered=offered)


async def published(operator: PartyPlatform, provider: PartyPlatform) -> Any:
    """Push a BookingLocation with a Calendar to everyone, and return it once the eMSP has it."""
    value = example("BookingLocation.full", operator, version="2.3.0", id=unique("BL"))
    answer = await operator.put("bookings", at(operator, "booking_locations", value["id"]), value, to=HUB)
    assert (answer.status, answer.code) == (201, 1000)
    await arrival(provider, tail=at(operator, "booking_locations", value["id"]), method="PUT")
    return value


async def listed(viewer: PartyPlatform, path: str, object_id: str) -> list[Any]:
    """Return what the hub lists to a party under an id."""
    pages = [page async for page in viewer.pages("bookings", path=path, to=HUB)]
    return [each for page in pages for each in page.data if each["id"] == object_id]


async def test_a_booking_location_is_told_everyone_of_its_version_and_kept(
    operator: PartyPlatform, provider: PartyPlatform, emsp: PartyPlatform
) -> None:
    value = await published(operator, provider)

    tail = at(operator, "booking_locations", value["id"])
    copy = await arrival(provider, tail=tail)
    assert (copy.role, copy.sender, copy.json) == ("RECEIVER", HUB, value)
    assert await listed(provider, "/booking_locations", value["id"]) == [value]
    assert (await operator.get("bookings", tail, role="RECEIVER", to=HUB)).data == value
    own = await provider.get("bookings", f"/booking_locations/{value['id']}", to=HUB)
    assert own.data == value


async def test_a_patch_of_a_calendar_dates_its_booking_location(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    value = await published(operator, provider)
    calendar, *others = value["calendars"]
    tail = at(operator, "booking_locations", value["id"], calendar["id"])
    slots = [{"start_date_time": "2026-03-20T09:00:00Z", "end_date_time": "2026-03-20T10:00:00Z"}]
    change = {"available_timeslots": slots, "last_updated": LATER}

    answer = await operator.patch("bookings", tail, change, to=HUB)

    assert (answer.status, answer.code) == (200, 1000)
    assert (await arrival(provider, tail=tail, method="PATCH")).json == change
    (kept,) = await listed(provider, "/booking_locations", value["id"])
    assert kept == value | {"calendars": [calendar | change, *others], "last_updated": LATER}


async def test_a_new_calendar_is_put_into_its_booking_location(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    value = await published(operator, provider)
    calendar = example("Calendar.full", version="2.3.0", id=unique("CAL"), last_updated=LATER)
    tail = at(operator, "booking_locations", value["id"], calendar["id"])

    answer = await operator.put("bookings", tail, calendar, to=HUB)

    assert (answer.status, answer.code) == (201, 1000)
    (kept,) = await listed(provider, "/booking_locations", value["id"])
    assert kept == value | {"calendars": [*value["calendars"], calendar], "last_updated": LATER}
    own = await provider.get("bookings", f"/booking_locations/{value['id']}/{calendar['id']}", to=HUB)
    assert own.data == calendar


@pytest.mark.parametrize("way", ["directed", "open"])
async def test_a_booking_request_reaches_the_cpo_of_its_booking_location(
    way: str, operator: PartyPlatform, provider: PartyPlatform
) -> None:
    place = await published(operator, provider)
    wanted = example(
        "BookingRequest.full", provider, version="2.3.0", request_id=unique("REQ"), booking_location_id=place["id"]
    )
    booking = example("Booking.full", operator, version="2.3.0", id=unique("B"), request_id=wanted["request_id"])
    operator.answer(Answer(booking), module="bookings", method="POST")
    before = len(heard(operator, "bookings"))

    answer = await provider.post(
        "bookings", "", wanted, role="SENDER", to=operator.party if way == "directed" else None
    )

    (copy,) = heard(operator, "bookings")[before:]
    assert (copy.method, copy.role, copy.json) == ("POST", "SENDER", wanted)
    assert (copy.sender, copy.receiver) == (provider.party, operator.party)
    assert (answer.code, answer.data, answer.sender) == (1000, booking, operator.party)


async def test_a_booking_request_for_a_place_nobody_has_reaches_nobody(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    wanted = example("BookingRequest.full", provider, version="2.3.0", booking_location_id=unique("BL"))
    before = len(heard(operator, "bookings"))

    opened = await provider.post("bookings", "", wanted, role="SENDER")
    to_hub = await provider.post("bookings", "", wanted, role="SENDER", to=HUB)

    assert opened.code // 1000 == 2
    assert to_hub.code == 2000
    assert len(heard(operator, "bookings")) == before


async def test_a_booking_goes_to_one_emsp_and_is_seen_by_its_two_parties_alone(
    operator: PartyPlatform, provider: PartyPlatform, enlist: Enlist
) -> None:
    rival = await enlist("EMSP", versions=("2.3.0",), offered=[*OFFERED["EMSP"], ("bookings", "RECEIVER")])
    value = example("Booking.full", operator, version="2.3.0", id=unique("B"))
    tail = at(operator, value["id"])
    change = {"reservation_status": "FULFILLED", "last_updated": LATER}

    told = await operator.put("bookings", tail, value, to=provider.party)
    changed = await operator.patch("bookings", tail, change, to=provider.party)
    broadcast = await operator.put("bookings", tail, value, to=HUB)

    assert (told.status, told.code, changed.code, broadcast.code) == (201, 1000, 1000, 2000)
    assert [each.json for each in await provider.received(2, tail=tail)] == [value, change]
    assert await listed(provider, "", value["id"]) == [value | change]
    assert await listed(rival, "", value["id"]) == []
    assert not [each for each in rival.inbox if each.tail == tail]


async def test_a_booking_without_receiver_finds_the_emsp_that_asked_for_it(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    value = example("Booking.minimal", operator, version="2.3.0", id=unique("B"))
    value["booking_requests"][0]["booking_request"] |= owned(provider)
    tail = at(operator, value["id"])

    told = await operator.put("bookings", tail, value)
    changed = await operator.patch("bookings", tail, {"reservation_status": "NO_SHOW", "last_updated": LATER})

    assert [(each.code, each.sender) for each in (told, changed)] == [(1000, provider.party)] * 2
    assert len(await provider.received(2, tail=tail)) == 2


async def test_an_emsp_lists_bookings_and_booking_locations_of_a_cpo(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    booking = example("Booking.minimal", operator, version="2.3.0", id=unique("B"))
    operator.answer(Answer([booking]), module="bookings", tail="", method="GET")

    answer = await provider.get("bookings", to=operator.party, query={"date_from": "2026-01-01T00:00:00Z"})

    assert (answer.code, answer.data) == (1000, [booking])


async def test_bookings_are_never_offered_to_parties_of_221(
    emsp: PartyPlatform, cpo: PartyPlatform, operator: PartyPlatform, provider: PartyPlatform
) -> None:
    value = await published(operator, provider)

    directed = await operator.put("bookings", at(operator, "booking_locations", value["id"]), value, to=emsp.party)
    version_url = cpo.hub_versions["2.2.1"]
    asked = await cpo.send("GET", f"{version_url}/sender/bookings/booking_locations")

    assert [module for module, _ in emsp.hub_endpoints if module in NEW] == []
    assert {module for module, _ in provider.hub_endpoints} >= set(NEW)
    assert (directed.code, asked.status) == (3003, 404)
    assert [each for each in emsp.inbox if each.module in NEW] == []


@pytest.mark.parametrize("size", ["minimal", "full"])
async def test_an_invoice_reconciliation_record_goes_to_one_emsp(
    size: str, operator: PartyPlatform, provider: PartyPlatform
) -> None:
    value = example(f"InvoiceReconciliationRecord.{size}", operator, version="2.3.0", id=unique("IRR"))
    tail = at(operator, value["id"])

    posted = await operator.post("invoicereconciliation", "", value, to=provider.party)
    put = await operator.put("invoicereconciliation", tail, value, to=provider.party)
    read = await operator.get("invoicereconciliation", tail, role="RECEIVER", to=provider.party)
    deleted = await operator.delete("invoicereconciliation", tail, to=provider.party)
    broadcast = await operator.post("invoicereconciliation", "", value, to=HUB)

    assert [each.code for each in (posted, put, read, deleted, broadcast)] == [1000, 1000, 1000, 1000, 2000]
    assert read.data == value
    got = [each for each in heard(provider, "invoicereconciliation") if each.method == "POST" or each.tail == tail]
    assert [each.json for each in got if each.method in ("POST", "PUT")][-2:] == [value, value]
    assert [each.method for each in got][-4:] == ["POST", "PUT", "GET", "DELETE"]


async def test_a_record_of_another_owner_is_refused(
    operator: PartyPlatform, provider: PartyPlatform, cpo: PartyPlatform
) -> None:
    value = example("InvoiceReconciliationRecord.minimal", cpo, version="2.3.0", id=unique("IRR"))

    put = await operator.put("invoicereconciliation", at(cpo, value["id"]), value, to=provider.party)
    posted = await operator.post("invoicereconciliation", "", value, to=provider.party)

    assert [put.code, posted.code] == [2001, 2001]
    assert not [each for each in heard(provider, "invoicereconciliation") if value["id"] in each.body.decode()]


async def test_a_booking_request_for_another_emsp_is_refused(
    operator: PartyPlatform, provider: PartyPlatform, emsp: PartyPlatform
) -> None:
    wanted = example("BookingRequest.full", emsp, version="2.3.0", request_id=unique("REQ"))

    answer = await provider.post("bookings", "", wanted, role="SENDER", to=operator.party)

    assert answer.code == 2001
    assert not [each for each in heard(operator, "bookings") if wanted["request_id"] in each.body.decode()]


async def test_booking_locations_are_filtered_by_their_timeslots(
    operator: PartyPlatform, provider: PartyPlatform
) -> None:
    """timeslot_from is inclusive, timeslot_to is not (mod_bookings, GET BookingLocations)."""
    value = await published(operator, provider)
    start = value["calendars"][0]["available_timeslots"][0]["start_date_time"]

    async def found(**query: str) -> bool:
        pages = [page async for page in provider.pages("bookings", path="/booking_locations", to=HUB, query=query)]
        return value["id"] in [each["id"] for page in pages for each in page.data]

    assert await found(timeslot_from=start)
    assert not await found(timeslot_to=start)
    assert not await found(timeslot_from="2099-01-01T00:00:00Z")
    assert await found(timeslot_from=start, timeslot_to="2099-01-01T00:00:00Z")
