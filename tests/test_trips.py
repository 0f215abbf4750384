"""The four trips of docs/flow.md, end to end: the hub, our CPMS and our eMSP in three processes, strangers around them.

Each process has a data folder of its own and a recorder before it, so that what they exchange is seen. The ids in
the docstrings are those of docs/requirements.md.
"""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from examples import city
from hub.database import open_database
from hub.orders import give
from tests.conformance.samples import arrival, at, cdr, command, example, first, path_of, report, session, token, unique
from tests.houses import House, opened
from tests.parties import PartyPlatform

pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

HUB, CPMS, EMSP = "NL-HUB", "NL-CPO", "NL-MSP"
LATER = "2026-05-01T10:00:00Z"

Join = Callable[..., Awaitable[PartyPlatform]]

_places = iter([(each["id"], evse["uid"]) for each in city.internal_locations() for evse in each["evses"]])


@shared
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The three processes, our parties registered at our hub as strangers register, the CPMS with its city."""
    async with opened(tmp_path_factory.mktemp("house")) as made:
        for kind, objects in (("locations", city.internal_locations()), ("tariffs", city.internal_tariffs())):
            await made.order("cpms.import", kind=kind, objects=objects)
        yield made


@shared
async def join(house: House) -> AsyncIterator[Join]:
    """Return a function that registers a stranger at the hub."""
    async with contextlib.AsyncExitStack() as joined:

        async def joining(*roles: tuple[str, str, str]) -> PartyPlatform:
            platform = await joined.enter_async_context(PartyPlatform(f"platform {roles[0][2]}", roles))
            hub = house.processes["hub"]
            await platform.register(hub.versions_url, await hub.invite(platform.name))
            return platform

        yield joining


@shared
async def cpo(join: Join) -> PartyPlatform:
    """A CPO of another house."""
    return await join(("CPO", "BE", "CPX"))


@shared
async def emsp(join: Join) -> PartyPlatform:
    """An eMSP of another house."""
    return await join(("EMSP", "DE", "EMX"))


async def until(look: Callable[[], Any], enough: Callable[[Any], Any]) -> Any:
    """Return what ``look`` sees as soon as it is enough; each look is an order to a process."""
    async with asyncio.timeout(10):
        while not enough(seen := await look()):
            pass
        return seen


async def charged(house: House, *, to: str, location_id: str, evse_uid: str) -> Any:
    """Have our eMSP start a session for a new card, and return its order once the station has answered."""
    card = await house.order("emsp.put_token", uid=unique("CARD"))
    return await house.order(
        "emsp.command",
        command="START_SESSION",
        to=to,
        token_uid=card["uid"],
        location_id=location_id,
        evse_uid=evse_uid,
    )


# -- (a) ------------------------------------------------------------------------------------------


async def test_a_the_status_of_an_evse_reaches_every_emsp_ours_and_others(
    house: House, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    """INCAR-RO06, INCAR-RO07: one connection reaches everyone; an update is stored at once and forwarded."""
    location = example("Location.minimal", cpo, id=unique("LOC"), evses=[example("EVSE.minimal", uid="E1")])
    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    await arrival(emsp, tail=at(cpo, location["id"]))
    change = {"status": "CHARGING", "last_updated": LATER}

    answer = await cpo.patch("locations", at(cpo, location["id"], "E1"), change, to=HUB)

    kept = await cpo.get("locations", at(cpo, location["id"], "E1"), role="RECEIVER", to=HUB)
    assert (answer.code, kept.data["status"]) == (1000, "CHARGING")
    copy = await arrival(emsp, tail=at(cpo, location["id"], "E1"), method="PATCH")
    assert (copy.json, copy.sender) == (change, HUB)
    ours = await until(
        lambda: house.order("emsp.list", kind="locations"),
        lambda found: [each["evses"][0]["status"] for each in found if each["id"] == location["id"]] == ["CHARGING"],
    )
    assert [each["last_updated"] for each in ours if each["id"] == location["id"]] == [LATER]


async def test_a_the_addressed_update_goes_to_the_one_addressed(
    house: House, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    """INCAR-RO07: an update to one party goes to that one alone."""
    location = example("Location.minimal", cpo, id=unique("LOC"))

    answer = await cpo.put("locations", at(cpo, location["id"]), location, to=EMSP)

    ours = await house.order("emsp.list", kind="locations")
    assert (answer.code, answer.sender) == (1000, EMSP)
    assert location["id"] in [each["id"] for each in ours]
    assert not [each for each in emsp.inbox if each.tail == at(cpo, location["id"])]


async def test_a_what_happens_at_our_own_station_reaches_strangers_the_same_way(
    house: House, emsp: PartyPlatform
) -> None:
    """INCAR-RO06, RASD-D6: our CPMS tells its EVSEs through the hub like any other."""
    location_id, evse_uid = next(_places)

    await house.order("cpms.set_status", location_id=location_id, evse_uid=evse_uid, status="INOPERATIVE")

    (copy, *_) = await emsp.received(tail=f"/NL/CPO/{location_id}/{evse_uid}", method="PATCH")
    assert (copy.json["status"], copy.sender) == ("INOPERATIVE", HUB)


# -- (b) ------------------------------------------------------------------------------------------


async def test_b_our_emsp_starts_a_session_at_a_strangers_station_and_hears_the_result(
    house: House, cpo: PartyPlatform
) -> None:
    """INCAR-RO10, RASD-D6: an external CPMS by the same interface as our own."""
    order = await charged(house, to=cpo.party, location_id="LOC1", evse_uid="E1")
    asked = (await cpo.received(module="commands"))[-1]

    answer = await report(cpo, asked.json["response_url"], {"result": "EVSE_OCCUPIED"}, to=EMSP)

    told = await house.order("emsp.order", uid=order["uid"])
    assert (asked.sender, asked.json["location_id"], answer.code) == (EMSP, "LOC1", 1000)
    assert asked.json["response_url"].startswith(house.recorders["hub"].origin + "/ocpi/")
    assert [told["receiver"], told["response"], told["result"]] == [cpo.party, "ACCEPTED", "EVSE_OCCUPIED"]


# -- (c) and (d) ----------------------------------------------------------------------------------


async def test_c_d_a_strangers_driver_charges_at_our_station_and_his_emsp_gets_session_and_cdr(
    house: House, emsp: PartyPlatform
) -> None:
    """INCAR-RO10, GEM-FTR-985, GEM-4.1.2-01: a customer of one provider at another's station; the CDR by the hub."""
    location_id, evse_uid = next(_places)
    body = command("StartSession", emsp, location_id=location_id, evse_uid=evse_uid)
    body["token"]["uid"] = unique("CARD")

    await emsp.post("commands", "/START_SESSION", body, to=CPMS)
    result = await arrival(emsp, path=path_of(body["response_url"], emsp.origin))
    running = (await emsp.received(module="sessions", method="PUT"))[-1].json
    await emsp.received(2, tail=f"/NL/CPO/{running['id']}", method="PATCH")
    stop = command("StopSession", emsp, session_id=running["id"])
    await emsp.post("commands", "/STOP_SESSION", stop, to=CPMS)
    bill = await first(emsp, lambda each: each["session_id"] == running["id"], module="cdrs", method="POST")

    assert (result.json, result.sender) == ({"result": "ACCEPTED"}, CPMS)
    assert (running["status"], running["cdr_token"]["uid"]) == ("ACTIVE", body["token"]["uid"])
    assert (bill["cdr_location"]["id"], bill["cdr_token"]) == (location_id, running["cdr_token"])
    assert bill["total_energy"] > 0
    assert bill["total_cost"]["excl_vat"] > 0
    ended = (await emsp.received(tail=f"/NL/CPO/{running['id']}", method="PATCH"))[-1].json
    assert ended["status"] == "COMPLETED"


async def test_c_d_our_own_driver_at_our_own_station_is_served_the_same_way_and_billed_once(house: House) -> None:
    """RASD-D6, INCAR-RO10, GEM-4.1.2-01: the internal CPMS is not special; a CDR is booked once."""
    location_id, evse_uid = next(_places)
    order = await charged(house, to=CPMS, location_id=location_id, evse_uid=evse_uid)

    (running,) = await until(
        lambda: _sessions_at(house, evse_uid),
        lambda found: [each["kwh"] for each in found if each["kwh"] > 0],
    )
    await house.order("emsp.command", command="STOP_SESSION", to=CPMS, session_id=running["id"])
    bills = await until(
        lambda: house.order("emsp.list", kind="cdrs"),
        lambda found: [each for each in found if each["session_id"] == running["id"]],
    )

    assert order["receiver"] == CPMS
    assert len([each for each in bills if each["session_id"] == running["id"]]) == 1
    posts = [
        each for each in house.recorders["emsp"].requests
        if each.path.endswith("/receiver/cdrs") and running["id"].encode() in each.body
    ]  # fmt: skip
    assert [each.headers["ocpi-from-party-id"] for each in posts] == ["CPO"]


async def _sessions_at(house: House, evse_uid: str) -> Any:
    found = await house.order("emsp.list", kind="sessions")
    return [each for each in found if each["evse_uid"] == evse_uid]


async def test_d_a_strangers_cdr_reaches_our_emsp_and_is_kept_for_its_two_parties(
    house: House, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    """GEM-4.1.2-01: whoever ends the session, the operator's CDR goes through the hub, which judges and forwards it."""
    provider = PartyPlatform("ours", [("EMSP", *EMSP.split("-"))])  # type: ignore[list-item]  # two words
    good, bad = cdr(cpo, provider), cdr(cpo, provider, currency="EURO")

    answers = [await cpo.post("cdrs", "", each, to=EMSP) for each in (good, good, bad)]

    bills = [each["id"] for each in await house.order("emsp.list", kind="cdrs")]
    assert [each.code for each in answers] == [1000, 1000, 2001]
    assert (bills.count(good["id"]), bills.count(bad["id"])) == (1, 0)
    found = await cpo.send("GET", answers[0].headers["location"])
    assert (found.code, found.data["id"]) == (1000, good["id"])
    theirs = [each["id"] async for page in emsp.pages("cdrs", to=HUB) for each in page.data]
    assert good["id"] not in theirs


# -- who may join, and how ------------------------------------------------------------------------


async def test_a_pair_with_an_agreement_of_its_own_roams_and_the_hub_keeps_nothing(
    house: House, join: Join, emsp: PartyPlatform
) -> None:
    """GEM-FTR-1804: roaming on a bilateral agreement, with no clearing data in the hub."""
    bilateral = await join(("CPO", "FR", "BIL"))
    setting = ("party", "set", bilateral.party, f"keep_nothing={emsp.party}")
    await asyncio.to_thread(house.processes["hub"].emall, *setting)
    async with asyncio.timeout(2):  # a setting takes effect within a second
        while await kept_of(emsp, await roamed(bilateral, emsp)):
            pass

    roaming = await roamed(bilateral, emsp)

    assert await kept_of(emsp, roaming) == await kept_of(bilateral, roaming) == set()


async def roamed(cpo: PartyPlatform, emsp: PartyPlatform) -> set[str]:
    """Send a Session and a CDR to an eMSP, and return their ids once it has them."""
    running, bill = session(cpo, emsp), cdr(cpo, emsp)
    put = await cpo.put("sessions", at(cpo, running["id"]), running, to=emsp.party)
    posted = await cpo.post("cdrs", "", bill, to=emsp.party)
    assert (put.code, posted.code) == (1000, 1000)
    assert (await arrival(emsp, tail=at(cpo, running["id"]))).json == running
    return {running["id"], bill["id"]}


async def kept_of(viewer: PartyPlatform, ids: set[str]) -> set[str]:
    """Return which of these the hub lists to a party."""
    query = {"date_from": "2020-01-01T00:00:00Z"}
    return ids & {
        each["id"]
        for module in ("sessions", "cdrs")
        async for page in viewer.pages(module, to=HUB, query=query)
        for each in page.data
    }


async def test_a_platform_that_is_cpo_and_emsp_roams_as_both_on_one_credential(
    house: House, join: Join, cpo: PartyPlatform, emsp: PartyPlatform
) -> None:
    """RASD-P01: an operator with an eMSP of its own, EMSP role besides CPO role on one credential."""
    both = await join(("CPO", "AT", "ONE"), ("EMSP", "AT", "TWO"))
    location = example("Location.minimal", cpo, id=unique("LOC"))
    card = token(emsp, uid=unique("CARD"))
    place_id, evse_uid = next(_places)
    own = {"country_code": "AT", "party_id": "TWO"}
    start = command("StartSession", both, location_id=place_id, evse_uid=evse_uid)
    start["token"] |= own

    await cpo.put("locations", at(cpo, location["id"]), location, to=HUB)
    await emsp.put("tokens", at(emsp, card["uid"]), card, to=HUB)
    asked = await both.post("commands", "/START_SESSION", start, to=CPMS, sender="AT-TWO")
    served = await emsp.post("commands", "/STOP_SESSION", command("StopSession", emsp), to="AT-ONE")

    assert (await arrival(both, tail=at(cpo, location["id"]))).receiver == "AT-TWO"
    assert (await arrival(both, tail=at(emsp, card["uid"]))).receiver == "AT-ONE"
    assert (asked.code, asked.data["result"], served.code) == (1000, "ACCEPTED", 1000)
    result = await arrival(both, path=path_of(start["response_url"], both.origin))
    assert (result.json, result.receiver) == ({"result": "ACCEPTED"}, "AT-TWO")


async def test_a_platform_joins_by_one_exchange_and_then_reaches_everyone(house: House, join: Join) -> None:
    """INCAR-UC010: a platform of several parties; both sides exchange registration data, then it may connect."""
    hub = house.processes["hub"]
    platform = PartyPlatform("late", [("EMSP", "SE", "ONE"), ("EMSP", "SE", "TWO")])
    async with platform:
        token_a = await hub.invite("late")
        platform.hub_url = hub.versions_url
        await platform.look_at_hub("2.2.1", token_a)
        too_early = await platform.get("locations", to=CPMS, token=token_a)

        credentials = await platform.register(hub.versions_url, token_a)

        assert (too_early.status, too_early.code) == (401, 2001)
        assert credentials["token"] not in (token_a, *platform.tokens)
        assert [each["role"] for each in credentials["roles"]] == ["HUB"]
        for party in ("SE-ONE", "SE-TWO"):
            found = await platform.get("locations", to=CPMS, sender=party)
            assert (found.code, found.receiver, len(found.data)) == (1000, party, 60)
        assert (await platform.credentials_call("DELETE")).code == 1000


# -- the wall between our parties -----------------------------------------------------------------


@pytest.mark.parametrize("room", ["cpms", "emsp", "hub"])
async def test_no_call_to_our_platforms_succeeds_without_a_key(room: str, house: House) -> None:
    """RASD-N07, RASD-N19: authenticated by keys; not public."""
    base = house.recorders[room].origin + ("/ocpi" if room == "hub" else f"/{room}/ocpi")
    paths = (
        "/versions", "/2.2.1", "/2.3.0/credentials", "/2.2.1/sender/tokens", "/2.3.0/receiver/commands/START_SESSION",
        "/2.3.0/receiver/cdrs", "/nowhere",
    )  # fmt: skip
    wrong = base64.b64encode(b"a key nobody has").decode()
    keys: list[dict[str, str]] = [{}, {"Authorization": f"Token {wrong}"}, {"Authorization": "Bearer x"}]

    async with httpx.AsyncClient(trust_env=False) as client:
        answers = [await client.post(base + path, headers=key) for path in paths for key in keys]
        answers += [await client.get(base + path) for path in paths]

    assert {(each.status_code, each.json()["status_code"]) for each in answers} == {(401, 2001)}
    assert all("data" not in each.json() for each in answers)


async def test_our_cpms_and_emsp_exchange_nothing_but_ocpi_through_the_hub(house: House) -> None:
    """PROD-02, INCAR-RO11: each process received only OCPI, only from the hub, which holds the one key to it."""
    location_id, evse_uid = next(_places)
    await charged(house, to=CPMS, location_id=location_id, evse_uid=evse_uid)
    await until(lambda: _sessions_at(house, evse_uid), lambda found: found)

    hub = house.recorders["hub"].requests
    handshakes = [
        each for each in hub if each.path.endswith("/credentials") and (each.method, each.status) == ("POST", 200)
    ]
    given = {json.loads(each.body)["roles"][0]["party_id"]: json.loads(each.body)["token"] for each in handshakes}
    taken = {json.loads(each.body)["roles"][0]["party_id"]: json.loads(each.answer) for each in handshakes}

    for room, party_id in (("cpms", "CPO"), ("emsp", "MSP")):
        received = [each for each in house.recorders[room].requests if each.status != 401]
        key = base64.b64encode(given[party_id].encode()).decode()
        assert {each.headers["authorization"] for each in received} == {f"Token {key}"}
        assert [each.path for each in received if not each.path.startswith(f"/{room}/ocpi/")] == []
        assert {_module(each.path) for each in received} - MODULES == set()
        assert len(received) > 10
        # What it said itself it said to the hub, with the key the hub gave it.
        own = base64.b64encode(taken[party_id]["data"]["token"].encode()).decode()
        assert [each for each in hub if each.headers.get("authorization") == f"Token {own}"]
    assert {_module(each.path) for each in hub if each.status != 401} - MODULES == set()
    folders = {str(each.data) for each in house.processes.values()}
    assert len(folders) == 3


#: All modules of OCPI 2.3.0 that our parties use, and the addresses that come before modules.
MODULES = {
    "", "versions", "credentials", "hubclientinfo", "locations", "tariffs", "tokens", "sessions", "cdrs", "commands",
    "chargingprofiles", "bookings",
}  # fmt: skip


def _module(path: str) -> str:
    """Return the module of an OCPI path of our platforms: .../ocpi/{version}/{interface}/{module}/..."""
    rest = path.partition("/ocpi/")[2].split("/")
    if rest[0] == "versions":
        return "versions"
    return rest[2] if len(rest) > 2 else rest[1] if len(rest) > 1 else ""


async def test_the_doctor_names_what_mends_a_peer_that_is_away(house: House) -> None:
    hub = house.processes["hub"]
    async with PartyPlatform("away", [("EMSP", "DE", "AWY")]) as platform:
        await platform.register(hub.versions_url, await hub.invite(platform.name))

    database = await open_database(hub.data)
    (told,) = [each for each in await give(database, "doctor.peers", {}) if each["name"] == "away"]
    remedy, connection = re.search(r"'emall (party remove) (\S+)'", told["note"]).groups()  # type: ignore[union-attr]
    removed = await give(database, remedy.replace(" ", "."), {"id": connection})
    await database.close()

    assert told["reachable"] is False
    assert removed["name"] == "away"
