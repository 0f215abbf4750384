"""What the text asks of parties, shown on our own CPMS and eMSP behind their hub.

Source: OCPI 2.2.1, mod_sessions.asciidoc, mod_cdrs.asciidoc, mod_tokens.asciidoc, mod_commands.asciidoc.
"""

import asyncio
import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest

from examples import city
from hub.ocpi.times import date_time, utc_now
from tests.conformance.modules.conftest import Enlist, shared
from tests.conformance.samples import arrival, at, command, example, first, heard, path_of, token, unique
from tests.houses import FAST
from tests.hubs import HubProcess
from tests.parties import Answer, PartyPlatform

CPMS, EMSP = "NL-CPO", "NL-MSP"

SESSION_ONLY = {"CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "POWER", "STATE_OF_CHARGE"}

_places = iter(
    [(each["id"], evse["uid"]) for each in city.internal_locations() for evse in each["evses"]],
)


def place() -> tuple[str, str]:
    """Return a Location and an EVSE that no other test has used."""
    return next(_places)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub with our CPMS, which has a city of Locations, and our eMSP."""
    folder = tmp_path_factory.mktemp("house")
    process = HubProcess(folder / "data", ("--rooms", "hub,cpms,emsp", "--forward-timeout", "2"), FAST).start()
    for kind, objects in (("locations", city.internal_locations()), ("tariffs", city.internal_tariffs())):
        (folder / kind).write_text(json.dumps(objects))
        process.emall("import", kind, str(folder / kind))
    yield process
    assert process.stop() == 0


@shared
async def driver(enlist: Enlist, house: HubProcess) -> PartyPlatform:
    """An eMSP at that hub."""
    return await enlist("EMSP", at=house)


@shared
async def rival(enlist: Enlist, house: HubProcess) -> PartyPlatform:
    """Another eMSP at that hub."""
    return await enlist("EMSP", at=house)


@shared
async def operator(enlist: Enlist, house: HubProcess) -> PartyPlatform:
    """A CPO at that hub."""
    return await enlist("CPO", at=house)


async def result_of(asker: PartyPlatform, name: str, path: str, **changes: Any) -> str:
    """Send our CPMS a command, and return the result the station sends later."""
    body = command(name, asker, **changes)
    answer = await asker.post("commands", path, body, to=CPMS)
    assert answer.data["result"] == "ACCEPTED", answer.body
    copy = await arrival(asker, path=path_of(body["response_url"], asker.origin))
    return str(copy.json["result"])


async def started(driver: PartyPlatform, **changes: Any) -> Any:
    """Start a session at our CPMS, and return it as the eMSP was told it first."""
    location_id, evse_uid = place()
    card = token(driver, uid=unique("CARD"))
    known = {"token": card, "location_id": location_id, "evse_uid": evse_uid}
    assert await result_of(driver, "StartSession", "/START_SESSION", **known | changes) == "ACCEPTED"
    return await first(driver, lambda told: told["cdr_token"]["uid"] == card["uid"], module="sessions", method="PUT")


@pytest.mark.checklist("SE-12", "SE-13", "CD-13")
async def test_a_session_of_our_cpms_is_patched_whole_and_its_reference_and_dimensions_are_right(
    house: HubProcess, driver: PartyPlatform
) -> None:
    reference = unique("AUTH")
    told = await started(driver, authorization_reference=reference)
    tail = at_cpms(told["id"])
    await driver.received(2, tail=tail, method="PATCH")

    stopped = await result_of(driver, "StopSession", "/STOP_SESSION", session_id=told["id"])
    bill = await first(driver, lambda each: each["session_id"] == told["id"], module="cdrs", method="POST")

    about = [each for each in heard(driver, "sessions") if told["id"] in each.path]
    assert stopped == "ACCEPTED"
    assert {(each.method, each.tail) for each in about} == {("PUT", tail), ("PATCH", tail)}
    assert (told["authorization_reference"], bill["authorization_reference"]) == (reference, reference)
    dimensions = {one["type"] for period in bill["charging_periods"] for one in period["dimensions"]}
    assert dimensions
    assert not dimensions & SESSION_ONLY
    assert bill["total_energy"] > 0


def at_cpms(*segments: str) -> str:
    """Return what follows the endpoint URL for an object of our CPMS."""
    return "/" + "/".join((*CPMS.split("-"), *segments))


def soon() -> str:
    """Return the DateTime of an hour from now: no reservation may be for longer than a day."""
    return date_time(utc_now() + datetime.timedelta(hours=1))


@pytest.mark.parametrize("kind", ["RFID", "APP_USER"])
@pytest.mark.checklist("CM-20")
async def test_our_cpms_does_not_check_the_token_of_a_command(
    kind: str, house: HubProcess, driver: PartyPlatform
) -> None:
    unknown = token(driver, uid=unique("CARD"), type=kind, valid=False, whitelist="NEVER")

    location_id, evse_uid = place()
    begun = await result_of(
        driver, "StartSession", "/START_SESSION", token=unknown, location_id=location_id, evse_uid=evse_uid
    )
    location_id, evse_uid = place()
    reserved = await result_of(
        driver, "ReserveNow", "/RESERVE_NOW", token=unknown, location_id=location_id, evse_uid=evse_uid,
        reservation_id=unique("R"), expiry_date=soon(),
    )  # fmt: skip

    assert (begun, reserved) == ("ACCEPTED", "ACCEPTED")
    assert [each for each in heard(driver, "tokens") if each.method == "POST"] == []


@pytest.mark.checklist("CM-21")
async def test_reservations_of_two_emsps_with_one_id_are_kept_apart(
    house: HubProcess, driver: PartyPlatform, rival: PartyPlatform
) -> None:
    reservation_id = unique("R")
    places = {driver: place(), rival: place()}
    for emsp, (location_id, evse_uid) in places.items():
        known = {"location_id": location_id, "evse_uid": evse_uid, "reservation_id": reservation_id}
        assert await result_of(emsp, "ReserveNow", "/RESERVE_NOW", expiry_date=soon(), **known) == "ACCEPTED"

    cancelled = await result_of(driver, "CancelReservation", "/CANCEL_RESERVATION", reservation_id=reservation_id)
    again = await result_of(driver, "CancelReservation", "/CANCEL_RESERVATION", reservation_id=reservation_id)
    location_id, evse_uid = places[rival]
    occupied = await result_of(driver, "StartSession", "/START_SESSION", location_id=location_id, evse_uid=evse_uid)
    kept = await result_of(rival, "CancelReservation", "/CANCEL_RESERVATION", reservation_id=reservation_id)

    assert (cancelled, again, occupied, kept) == ("ACCEPTED", "UNKNOWN_RESERVATION", "EVSE_OCCUPIED", "ACCEPTED")


@pytest.mark.checklist("TK-15")
async def test_our_cpms_asks_the_emsp_each_time_about_a_token_with_whitelist_never(
    house: HubProcess, driver: PartyPlatform
) -> None:
    card = token(driver, uid=unique("CARD"), whitelist="NEVER")
    await driver.put("tokens", at(driver, card["uid"]), card, to=CPMS)
    asking = f"/{card['uid']}/authorize"

    driver.answer(Answer({"allowed": "NO_CREDIT", "token": card}), tail=asking)
    refused = await present(house, place(), card["uid"])
    driver.answer(Answer({"allowed": "ALLOWED", "token": card}), tail=asking)
    allowed = await present(house, place(), card["uid"])

    assert (refused, allowed) == ("REJECTED", "ACCEPTED")
    assert len(await driver.received(2, tail=asking)) == 2


async def present(house: HubProcess, where: tuple[str, str], uid: str) -> str:
    """Hold a card to a reader of our CPMS, and return what comes of it."""
    arguments = ("cpms", "present", "--location", where[0], "--evse", where[1], "--token", uid)
    return str((await asyncio.to_thread(house.emall, *arguments))["result"])


@pytest.mark.checklist("TK-14")
async def test_our_emsp_authorizes_whatever_the_opening_hours_and_the_status_of_an_evse(
    house: HubProcess, operator: PartyPlatform
) -> None:
    card = await asyncio.to_thread(house.emall, "emsp", "token", unique("CARD"))
    evse = example("EVSE.minimal", uid="E1", status="OUTOFORDER")
    always_closed = {"twentyfourseven": False, "regular_hours": [], "exceptional_openings": []}
    location = example("Location.minimal", operator, id=unique("LOC"), evses=[evse], opening_times=always_closed)
    assert (await operator.put("locations", at(operator, location["id"]), location, to=EMSP)).code == 1000

    answer = await operator.post(
        "tokens", f"/{card['uid']}/authorize", {"location_id": location["id"], "evse_uids": ["E1"]},
        role="SENDER", to=EMSP,
    )  # fmt: skip

    assert (answer.code, answer.data["allowed"]) == (1000, "ALLOWED")


async def test_our_cpms_and_emsp_list_what_they_have(
    house: HubProcess, driver: PartyPlatform, operator: PartyPlatform
) -> None:
    card = await asyncio.to_thread(house.emall, "emsp", "token", unique("CARD"))

    places = [each async for page in driver.pages("locations", to=CPMS) for each in page.data]
    prices = await driver.get("tariffs", to=CPMS)
    cards = [each async for page in operator.pages("tokens", to=EMSP) for each in page.data]

    assert [each["id"] for each in places] == [each["id"] for each in city.internal_locations()]
    assert [each["id"] for each in prices.data] == ["AC", "DC"]
    assert card["uid"] in [each["uid"] for each in cards]
    assert prices.sender == CPMS
