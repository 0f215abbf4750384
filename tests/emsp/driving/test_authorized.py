"""Whoever begins a charge from his app has leave to, given by the judge that CPOs ask; its reference is found again."""

import pytest

from hub.emsp.api.scopes import Scope
from hub.ocpi.modules import tokens
from tests.emsp.charging.world import HALF, LATER, SPOT, refusal
from tests.emsp.driving.test_rooms import charged
from tests.rooms import CPO, EMSP, ask


async def say(provider, *, allowed):
    desk = provider.assembly.drivers
    await desk.store.database.transact(lambda tx: desk.agreements.say(tx, "NL-CPO", allowed=allowed))


async def answers(provider, driver_id):
    """Return what was answered about a driver, as staff reads it."""
    staff = await provider.operator(Scope.DRIVERS_READ)
    found = await staff.get(f"/authorizations?driver_id={driver_id}")
    return sorted(each["allowed"] for each in found["items"])


async def begun(provider, rider, way):
    """Begin a charge one of the ways there are, and return it."""
    desk = provider.charging.charges
    if way == "at once":
        return await desk.start(rider.driver_id, SPOT)
    if way == "on the fly":
        return await desk.on_the_fly(rider.driver_id, SPOT, LATER)
    if way == "BOOKINGS":
        await provider.offer()
    booking = await provider.charging.bookings.book(rider.driver_id, SPOT, LATER, LATER + HALF)
    assert booking.way == way
    await provider.wait(minutes=30)
    return await desk.start_booking(rider.driver_id, booking.id)


@pytest.mark.parametrize("way", ["at once", "on the fly", "BOOKINGS", "RESERVE_NOW"])
async def test_our_own_start_needs_the_same_leave_and_has_a_reference(provider, way):
    """SGEM-4.1-08: what is sent to the CPO names an authorization that staff finds, whatever the charge began with."""
    provider.answers("RESERVE", "ACCEPTED")
    rider = await provider.driver()
    staff = await provider.operator(Scope.DRIVERS_READ)

    charge = await begun(provider, rider, way)

    (sent,) = provider.commands("START")
    found = await staff.get(f"/authorizations/{sent.value['authorization_reference']}")
    assert sent.value["authorization_reference"] == charge.reference
    assert (found["driver_id"], found["allowed"], found["cpo"]) == (rider.driver_id, "ALLOWED", "NL-CPO")
    assert (found["token_uid"], found["location_id"], found["evse_uids"]) == (
        sent.value["token"]["uid"], "LOC1", ["EVSE1"]
    )  # fmt: skip
    assert {each.value["authorization_reference"] for each in provider.commands("RESERVE")} <= {charge.reference}
    assert sent.value["token"]["contract_id"].startswith(f"{EMSP.country_code}-")


async def test_an_authorization_is_found_by_the_reference_of_a_cdr(provider):
    """SGEM-4.1-08, GEM-FTR-979: order, Session, CDR and usage record name it."""
    rider = await provider.driver()
    staff = await provider.operator(Scope.DRIVERS_READ)
    charge = await provider.charging.charges.start(rider.driver_id, SPOT)
    await charged(provider, charge, authorization_reference=charge.reference)

    session = await provider.emsp.store.sessions.get(CPO, "S1")
    cdr = await provider.emsp.store.cdrs.get(CPO, "C1")
    usage = await provider.assembly.money.till.verdicts.of(CPO, "C1")

    (reference,) = {each["authorization_reference"] for each in (session, cdr, usage.document)}
    assert (await staff.get(f"/authorizations/{reference}"))["driver_id"] == rider.driver_id
    assert (await staff.ask("GET", "/authorizations/other")).status_code == 404


async def test_a_start_at_a_cpo_without_agreement_is_refused_before_anything_is_sent(provider):
    """X-41, X-43: for each way to begin, and kept as a card's refusal is."""
    rider = await provider.driver()
    desk, bookings = provider.charging.charges, provider.charging.bookings
    booking = await bookings.book(rider.driver_id, SPOT, LATER, LATER + HALF)
    await say(provider, allowed=False)

    refused = [
        await refusal(desk.start(rider.driver_id, SPOT)),
        await refusal(desk.on_the_fly(rider.driver_id, SPOT, LATER)),
        await refusal(bookings.book(rider.driver_id, SPOT, LATER + HALF, LATER + 2 * HALF)),
    ]
    await provider.clock.advance(30 * 60)
    refused.append(await refusal(desk.start_booking(rider.driver_id, booking.id)))

    assert [each.code for each in refused] == ["NO_AGREEMENT"] * 4
    assert provider.commands("START") == []
    assert await answers(provider, rider.driver_id) == ["ALLOWED", *["NOT_ALLOWED"] * 4]


async def test_a_start_and_a_card_are_answered_by_one_judge(provider):
    """X-52, X-64: blocked is blocked, whoever asks."""
    rider = await provider.driver(cards=[])
    desk = provider.assembly.drivers
    (token,) = await desk.tokens.of_driver(rider.driver_id)
    await desk.means.block(rider.driver_id, token.id, "This phone was stolen.")

    refused = await refusal(provider.charging.charges.start(rider.driver_id, SPOT))
    asked = ask(tokens.authorize, sender=CPO, query=f"type={token.type}", token_uid=token.uid)
    answer = (await provider.emsp(asked)).value

    assert (refused.code, refused.values["reason"]) == ("NO_TOKEN", "This phone was stolen.")
    assert (answer["allowed"], answer["info"]["text"]) == ("BLOCKED", "This phone was stolen.")
    assert await answers(provider, rider.driver_id) == ["BLOCKED", "BLOCKED"]
    assert provider.commands("START") == []
