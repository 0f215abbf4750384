"""The eMSP's OCPI door: what CPOs may tell it, what it says of its Tokens, what it asks for."""

from decimal import Decimal

import pytest

from hub.emsp.endpoints import EmspEndpoints
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, ReceiverFailed, ReceiverUnreachable, UnknownLocation, UnknownToken
from hub.ocpi.messages import Body, Party, Response
from hub.ocpi.modules import cdrs, chargingprofiles, commands, locations, sessions, tariffs, tokens
from hub.ocpi.receiving import NoSuchLocation, NoSuchObject, NoSuchToken
from tests.cpms.test_sessions import cost_of, started
from tests.rooms import CPO, EMSP, HUB, NOW, FakeHub, ask, evse, location, tariff, url_of

LATER = "2026-01-02T00:00:00Z"
OTHER = Party("FR", "XYZ")


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
async def emsp(hub, database):
    made = EmspEndpoints(
        party=EMSP, hub_party=HUB, hub=hub, call_url=hub.call_url, url_of=url_of, database=database
    )  # fmt: skip
    await made.start()
    await made.pulling.settled()
    hub.asked.clear()
    yield made
    await made.stop()


def told(operation, value, **params):
    """Return a request of the CPO about an object of its own."""
    return ask(operation, value, sender=CPO, country_code="NL", party_id="CPO", **params)


async def add_token(emsp, **wanted):
    return await emsp.orders()["emsp.put_token"]({"uid": "CARD-1"} | wanted)


# -- Sender: tokens -------------------------------------------------------------------------------


async def test_a_new_token_is_broadcast_with_its_type_in_the_url(emsp, hub):
    made = await add_token(emsp, type="APP_USER", whitelist="NEVER")
    await emsp.owed.settled()

    (request,) = hub.asked
    assert (request.operation, request.receiver, request.query) == (tokens.put_token, HUB, "type=APP_USER")
    assert request.params == {"country_code": "DE", "party_id": "EMP", "token_uid": "CARD-1"}
    assert request.value == made
    assert made["whitelist"] == "NEVER"


async def test_a_token_not_received_goes_out_when_the_hub_is_back(emsp, hub):
    hub.answers[tokens.put_token] = ReceiverUnreachable()
    await add_token(emsp)
    await emsp.owed.settled()
    assert len(hub.heard(tokens.put_token)) == 1

    hub.answers[tokens.put_token] = Response(http_status=201)
    emsp.owed.back()
    await emsp.owed.settled()

    assert len(hub.heard(tokens.put_token)) == 2


async def test_its_tokens_are_listed(emsp):
    for number in range(3):
        await add_token(emsp, uid=f"CARD-{number}")

    page = await emsp(ask(tokens.list_tokens, sender=CPO, query="limit=2"))

    assert [each["uid"] for each in page.value] == ["CARD-0", "CARD-1"]
    assert page.headers["X-Total-Count"] == "3"
    assert "limit=2" in page.headers["Link"]


async def test_a_known_valid_token_may_charge(emsp):
    await add_token(emsp)
    place = {"location_id": "LOC1", "evse_uids": ["EVSE1"]}

    info = (await emsp(ask(tokens.authorize, place, sender=CPO, token_uid="card-1"))).value

    assert (info["allowed"], info["location"]) == ("ALLOWED", place)
    assert info["token"]["uid"] == "CARD-1"
    assert info["authorization_reference"]


async def test_without_a_place_a_token_may_charge_too(emsp):
    await add_token(emsp)

    info = (await emsp(ask(tokens.authorize, sender=CPO, token_uid="CARD-1"))).value

    assert info["allowed"] == "ALLOWED"
    assert "location" not in info


async def test_an_invalid_token_is_blocked(emsp):
    await add_token(emsp, valid=False)

    assert (await emsp(ask(tokens.authorize, sender=CPO, token_uid="CARD-1"))).value["allowed"] == "BLOCKED"


@pytest.mark.parametrize("query", ["", "type=APP_USER"])
async def test_an_unknown_token_is_2004_under_404(emsp, query):
    await add_token(emsp, uid="ANOTHER")

    with pytest.raises(NoSuchToken) as refused:
        await emsp(ask(tokens.authorize, sender=CPO, query=query, token_uid="CARD-1"))

    assert (refused.value.status_code, refused.value.http_status) == (2004, 404)


# -- Receiver: locations --------------------------------------------------------------------------


async def test_a_location_reads_back_as_it_was_put(emsp):
    created = await emsp(told(locations.put_location, location(), location_id="LOC1"))
    again = await emsp(told(locations.put_location, location(extra_field={"a": 1}), location_id="LOC1"))

    kept = await emsp(told(locations.get_location, None, location_id="loc1"))
    assert (created.http_status, again.http_status) == (201, 200)
    assert kept.value == location(extra_field={"a": 1})


async def test_an_evse_patch_sets_the_date_of_its_location(emsp):
    """Checklist LO-08."""
    await emsp(told(locations.put_location, location(), location_id="LOC1"))

    change = {"status": "CHARGING", "last_updated": LATER}
    await emsp(told(locations.patch_evse, change, location_id="LOC1", evse_uid="evse1"))

    kept = (await emsp(told(locations.get_location, None, location_id="LOC1"))).value
    assert kept["last_updated"] == kept["evses"][0]["last_updated"] == LATER
    assert kept["evses"][0]["status"] == "CHARGING"
    assert kept["evses"][0]["connectors"] == evse()["connectors"]


async def test_a_connector_patch_sets_the_dates_above_it(emsp):
    await emsp(told(locations.put_location, location(), location_id="LOC1"))

    change = {"max_amperage": 32, "last_updated": LATER}
    await emsp(told(locations.patch_connector, change, location_id="LOC1", evse_uid="EVSE1", connector_id="1"))

    whole = (await emsp(told(locations.get_location, None, location_id="LOC1"))).value
    one = (await emsp(told(locations.get_evse, None, location_id="LOC1", evse_uid="EVSE1"))).value
    plug = told(locations.get_connector, None, location_id="LOC1", evse_uid="EVSE1", connector_id="1")
    assert (await emsp(plug)).value["max_amperage"] == 32
    assert whole["last_updated"] == one["last_updated"] == LATER


async def test_a_new_evse_is_added_to_its_location(emsp):
    await emsp(told(locations.put_location, location(), location_id="LOC1"))

    new = evse("EVSE2", last_updated=LATER)
    created = await emsp(told(locations.put_evse, new, location_id="LOC1", evse_uid="EVSE2"))

    kept = (await emsp(told(locations.get_location, None, location_id="LOC1"))).value
    assert created.http_status == 201
    assert [each["uid"] for each in kept["evses"]] == ["EVSE1", "EVSE2"]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        (locations.patch_location, {"location_id": "NOPE"}),
        (locations.patch_evse, {"location_id": "LOC1", "evse_uid": "NOPE"}),
        (locations.put_evse, {"location_id": "NOPE", "evse_uid": "EVSE1"}),
        (locations.patch_connector, {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "9"}),
        (locations.put_connector, {"location_id": "LOC1", "evse_uid": "NOPE", "connector_id": "1"}),
    ],
)
async def test_a_change_of_what_is_not_there_is_2003(emsp, operation, params):
    await emsp(told(locations.put_location, location(), location_id="LOC1"))

    with pytest.raises(UnknownLocation) as refused:
        await emsp(told(operation, {"last_updated": LATER}, **params))
    assert refused.value.status_code == 2003
    assert (await emsp(told(locations.get_location, None, location_id="LOC1"))).value == location()


async def test_a_location_that_is_not_there_is_2003_under_404(emsp):
    with pytest.raises(NoSuchLocation):
        await emsp(told(locations.get_location, None, location_id="NOPE"))


@pytest.mark.parametrize(
    ("value", "sender"),
    [(location(party_id="XYZ"), CPO), (location(id="LOC9"), CPO), (location(), OTHER)],
)
async def test_an_object_that_is_not_what_url_and_sender_say_is_refused(emsp, value, sender):
    request = ask(locations.put_location, value, sender=sender, country_code="NL", party_id="CPO", location_id="LOC1")

    with pytest.raises(InvalidParameters):
        await emsp(request)


async def test_a_broadcast_comes_from_the_hub(emsp):
    request = ask(locations.put_location, location(), sender=HUB, country_code="nl", party_id="cpo", location_id="LOC1")

    assert (await emsp(request)).http_status == 201


# -- Receiver: tariffs and sessions ---------------------------------------------------------------


async def test_a_deleted_tariff_is_gone(emsp):
    await emsp(told(tariffs.put_tariff, tariff(), tariff_id="T1"))
    assert (await emsp(told(tariffs.get_tariff, None, tariff_id="T1"))).value == tariff()

    await emsp(told(tariffs.delete_tariff, None, tariff_id="T1"))

    with pytest.raises(NoSuchObject):
        await emsp(told(tariffs.get_tariff, None, tariff_id="T1"))
    with pytest.raises(NoSuchObject):
        await emsp(told(tariffs.delete_tariff, None, tariff_id="T1"))


def period(at):
    return {"start_date_time": at, "dimensions": [{"type": "ENERGY", "volume": 1}]}


@pytest.mark.parametrize("number", [10**13, -(10**13), Decimal("1e300")])
async def test_numbers_no_charge_has_are_refused_by_path(emsp, number):
    cdr = cost_of(tariff()) | {"total_energy": number}
    await emsp(told(sessions.put_session, started(), session_id="S1"))

    with pytest.raises(InvalidParameters, match=r"\$\.kwh: is beyond"):
        await emsp(told(sessions.put_session, started(kwh=number), session_id="S1"))
    with pytest.raises(InvalidParameters, match=r"\$\.kwh: is beyond"):
        await emsp(told(sessions.patch_session, {"kwh": number, "last_updated": LATER}, session_id="S1"))
    with pytest.raises(InvalidParameters, match=r"\$\.total_energy: is beyond"):
        await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))
    with pytest.raises(InvalidParameters, match=r"\$\.evses\[0\]\.connectors\[0\]\.max_voltage: is beyond"):
        found = location()
        found["evses"][0]["connectors"][0]["max_voltage"] = number
        await emsp(told(locations.put_location, found, location_id="LOC1"))

    assert await emsp.store.sessions.get(CPO, "S1") == started()
    assert await emsp.store.cdrs.all() == []


async def test_a_session_does_not_grow_without_end(emsp, monkeypatch):
    await emsp(told(sessions.put_session, started(charging_periods=[period(NOW)]), session_id="S1"))
    before = await emsp.store.sessions.get(CPO, "S1")
    monkeypatch.setattr("hub.ocpi.receiving.LARGEST", len(codec.encode(before)))

    with pytest.raises(InvalidParameters, match="more than the"):
        await emsp(
            told(sessions.patch_session, {"charging_periods": [period(LATER)], "last_updated": LATER}, session_id="S1")
        )

    assert await emsp.store.sessions.get(CPO, "S1") == before


async def test_charging_periods_are_added_by_patch_and_replaced_by_put(emsp):
    """Checklist SE-06, SE-09."""
    await emsp(told(sessions.put_session, started(charging_periods=[period(NOW)]), session_id="S1"))
    change = {"kwh": 2, "charging_periods": [period(LATER)], "last_updated": LATER}
    await emsp(told(sessions.patch_session, change, session_id="S1"))
    await emsp(told(sessions.patch_session, {"kwh": 3, "last_updated": "2026-01-03T00:00:00Z"}, session_id="S1"))

    kept = (await emsp(told(sessions.get_session, None, session_id="S1"))).value
    assert kept["charging_periods"] == [period(NOW), period(LATER)]
    assert kept["kwh"] == 3

    await emsp(told(sessions.put_session, started(), session_id="S1"))
    assert (await emsp(told(sessions.get_session, None, session_id="S1"))).value["charging_periods"] == []


async def test_the_same_patch_twice_adds_its_periods_once(emsp):
    await emsp(told(sessions.put_session, started(), session_id="S1"))
    change = {"charging_periods": [period(LATER)], "last_updated": LATER}

    await emsp(told(sessions.patch_session, change, session_id="S1"))
    await emsp(told(sessions.patch_session, change, session_id="S1"))

    kept = (await emsp(told(sessions.get_session, None, session_id="S1"))).value
    assert kept["charging_periods"] == [period(LATER)]


async def test_a_patch_of_an_unknown_session_is_2001(emsp):
    with pytest.raises(InvalidParameters):
        await emsp(told(sessions.patch_session, {"kwh": 1, "last_updated": LATER}, session_id="S1"))


# -- Receiver: CDRs -------------------------------------------------------------------------------


async def test_a_cdr_is_booked_once(emsp):
    cdr = cost_of(tariff())

    first = await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))
    second = await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))

    assert (first.http_status, second.http_status) == (201, 200)
    assert first.headers["Location"] == second.headers["Location"] == "https://party.test/ocpi/2.3.0/receiver/cdrs/S1"
    assert len(await emsp.store.cdrs.all()) == 1


async def test_a_booked_cdr_is_never_changed(emsp):
    """Checklist CD-09, CD-10."""
    cdr = cost_of(tariff())
    await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))

    with pytest.raises(InvalidParameters):
        await emsp(ask(cdrs.post_cdr, cdr | {"total_energy": 99}, sender=CPO))

    assert (await emsp(ask(cdrs.get_cdr, sender=CPO, cdr_id="S1"))).value["total_energy"] == 20


async def test_a_credit_cdr_is_booked_beside_the_first(emsp):
    cdr = cost_of(tariff())
    await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))
    credit = cdr | {
        "id": "S1-C", "credit": True, "credit_reference_id": "S1", "total_cost": {"before_taxes": -8.5}
    }  # fmt: skip

    assert (await emsp(ask(cdrs.post_cdr, credit, sender=CPO))).http_status == 201
    assert len(await emsp.store.cdrs.all()) == 2


async def test_a_cdr_for_somebody_else_or_by_somebody_else_is_refused(emsp):
    cdr = cost_of(tariff())

    with pytest.raises(InvalidParameters):
        await emsp(ask(cdrs.post_cdr, cdr | {"cdr_token": cdr["cdr_token"] | {"party_id": "XYZ"}}, sender=CPO))
    with pytest.raises(InvalidParameters):
        await emsp(ask(cdrs.post_cdr, cdr, sender=OTHER))


async def test_a_cdr_is_shown_to_the_cpo_that_sent_it(emsp):
    await emsp(ask(cdrs.post_cdr, cost_of(tariff()), sender=CPO))

    with pytest.raises(NoSuchObject):
        await emsp(ask(cdrs.get_cdr, sender=OTHER, cdr_id="S1"))


# -- what it asks for -----------------------------------------------------------------------------


def accept(hub, *operations):
    for operation in operations:
        hub.answers[operation] = Response(Body(operation.data, value={"result": "ACCEPTED", "timeout": 30}))


async def test_a_command_carries_our_token_and_a_url_for_its_result(emsp, hub):
    await add_token(emsp)
    accept(hub, commands.start_session)

    order = await emsp.orders()["emsp.command"](
        {"command": "START_SESSION", "to": "NL-CPO", "token_uid": "CARD-1", "location_id": "LOC1", "evse_uid": None}
    )

    (request,) = hub.heard(commands.start_session)
    url = f"https://party.test/ocpi/2.3.0/sender/commands/START_SESSION/{order['uid']}"
    assert request.receiver == CPO
    assert request.value["response_url"] == url
    assert request.value["token"]["uid"] == "CARD-1"
    assert "evse_uid" not in request.value
    assert (order["response"], order["result"]) == ("ACCEPTED", None)


@pytest.mark.parametrize("odd", [[], {}, "yes", None, {"result": 5}, {"result": ["ACCEPTED"]}, {"result": "PERHAPS"}])
async def test_what_is_no_answer_to_a_command_is_its_cpo_s_failure(emsp, hub, odd):
    hub.answers[commands.stop_session] = Response(Body(commands.CommandResponse, value=odd))

    with pytest.raises(ReceiverFailed):
        await emsp.asking.command("STOP_SESSION", CPO, {"session_id": "S1"}, uid="O1")

    assert (await emsp.store.order("O1")).response is None


@pytest.mark.parametrize(("timeout", "waited"), [(10**30, 86_400), (-5, 0), (None, 0)])
async def test_a_result_is_waited_for_a_day_at_most(emsp, hub, timeout, waited):
    value = {"result": "ACCEPTED", "message": "soon"} | ({} if timeout is None else {"timeout": timeout})
    hub.answers[commands.stop_session] = Response(Body(commands.CommandResponse, value=value))

    order = await emsp.asking.command("STOP_SESSION", CPO, {"session_id": "S1"})

    assert order.timeout == waited


async def test_a_result_is_kept_with_its_command_and_may_come_again(emsp, hub):
    accept(hub, commands.stop_session)
    order = await emsp.asking.command("STOP_SESSION", CPO, {"session_id": "S1"})

    for result in ("ACCEPTED", "CANCELED_RESERVATION"):
        await emsp(ask(commands.post_result, {"result": result}, sender=CPO, command="STOP_SESSION", uid=order.uid))
        assert (await emsp.orders()["emsp.order"]({"uid": order.uid}))["result"] == result


async def test_only_the_party_asked_may_answer(emsp, hub):
    accept(hub, commands.stop_session)
    order = await emsp.asking.command("STOP_SESSION", CPO, {"session_id": "S1"})

    for sender, uid in ((OTHER, order.uid), (CPO, "unknown")):
        with pytest.raises(NoSuchObject):
            await emsp(ask(commands.post_result, {"result": "FAILED"}, sender=sender, command="STOP_SESSION", uid=uid))
    assert (await emsp.store.order(order.uid)).result is None


async def test_a_command_for_a_card_that_is_not_ours_is_refused(emsp):
    with pytest.raises(UnknownToken):
        await emsp.orders()["emsp.command"](
            {"command": "START_SESSION", "to": "NL-CPO", "token_uid": "NOBODY", "location_id": "LOC1"}
        )


async def test_the_three_profile_requests_have_results_of_their_own(emsp, hub):
    accept(
        hub,
        chargingprofiles.set_charging_profile,
        chargingprofiles.get_active_charging_profile,
        chargingprofiles.clear_charging_profile,
    )
    profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 7000}]}

    orders = [
        await emsp.asking.set_profile(CPO, "S1", profile),
        await emsp.asking.get_profile(CPO, "S1", 900),
        await emsp.asking.clear_profile(CPO, "S1"),
    ]
    results = (
        chargingprofiles.post_charging_profile_result,
        chargingprofiles.post_active_charging_profile_result,
        chargingprofiles.post_clear_profile_result,
    )
    for order, result in zip(orders, results, strict=True):
        await emsp(ask(result, {"result": "ACCEPTED"}, sender=CPO, uid=order.uid))

    assert [(await emsp.store.order(order.uid)).result for order in orders] == ["ACCEPTED"] * 3
    asked = hub.asked[1]
    assert asked.query.startswith("duration=900&response_url=https%3A%2F%2Fparty.test%2F")
    assert hub.asked[0].value["response_url"].endswith(f"/chargingprofile/{orders[0].uid}")


async def test_a_profile_the_station_changed_is_kept(emsp):
    profile = {"start_date_time": NOW, "charging_profile": {"charging_rate_unit": "W"}}

    await emsp(ask(chargingprofiles.put_active_charging_profile, profile, sender=CPO, session_id="S1"))

    assert (await emsp.store.profiles.get(CPO, "S1"))["profile"] == profile


async def test_a_drivers_wishes_are_answered(emsp, hub):
    hub.answers[sessions.put_charging_preferences] = Response(
        Body(sessions.ChargingPreferencesResponse, value="ACCEPTED")
    )

    assert await emsp.asking.set_preferences(CPO, "S1", {"profile_type": "FAST"}) == "ACCEPTED"


async def test_what_is_no_answer_to_wishes_is_its_cpo_s_failure(emsp, hub):
    hub.answers[sessions.put_charging_preferences] = Response(Body(sessions.ChargingPreferencesResponse, value=["YES"]))

    with pytest.raises(ReceiverFailed):
        await emsp.asking.set_preferences(CPO, "S1", {"profile_type": "FAST"})


# -- what it missed -------------------------------------------------------------------------------


def page(declared, *objects, following=""):
    headers = {"link": f'<https://hub.test/list?{following}>; rel="next"'} if following else {}
    return Response(Body(list[declared], value=list(objects)), headers=headers)


async def test_what_was_missed_is_pulled_from_the_hub_page_by_page(emsp, hub):
    pages = {
        "limit=100": page(locations.Location, location(), following="limit=100&after=1"),
        "limit=100&after=1": page(locations.Location, location(id="LOC2")),
    }
    hub.answers[locations.list_locations] = lambda request: pages[request.query]

    emsp.pulling.begin()
    await emsp.pulling.settled()

    assert [each["id"] for each in await emsp.store.locations.all()] == ["LOC1", "LOC2"]
    assert {request.receiver for request in hub.asked} == {HUB}
    (asked,) = hub.heard(sessions.list_sessions)
    assert asked.query == "limit=100&date_from=1970-01-01T00%3A00%3A00.000Z"  # mod_sessions: required


async def test_a_pull_does_not_undo_a_newer_push(emsp, hub):
    newer = location(name="Newer", last_updated=LATER)
    await emsp(told(locations.put_location, newer, location_id="LOC1"))
    hub.answers[locations.list_locations] = page(locations.Location, location(name="Older"))

    emsp.pulling.begin()
    await emsp.pulling.settled()

    assert await emsp.store.locations.all() == [newer]


async def test_a_pulled_cdr_does_not_change_a_booked_one(emsp, hub):
    cdr = cost_of(tariff())
    await emsp(ask(cdrs.post_cdr, cdr, sender=CPO))
    hub.answers[cdrs.list_cdrs] = page(cdrs.CDR, cdr | {"total_energy": 99, "last_updated": "2027-01-01T00:00:00Z"})

    emsp.pulling.begin()
    await emsp.pulling.settled()

    assert [each["total_energy"] for each in await emsp.store.cdrs.all()] == [20]


async def test_a_pulled_cdr_with_numbers_no_charge_has_is_not_taken_and_keeps_none_away(emsp, hub):
    cdr = cost_of(tariff())
    hub.answers[cdrs.list_cdrs] = page(cdrs.CDR, cdr | {"id": "ODD", "total_energy": 10**13}, cdr)

    emsp.pulling.begin()
    await emsp.pulling.settled()

    assert [each["id"] for each in await emsp.store.cdrs.all()] == [cdr["id"]]


async def test_the_hub_back_after_a_failure_is_asked_for_what_was_missed(emsp, hub):
    hub.answers[tokens.put_token] = ReceiverUnreachable()
    await add_token(emsp)
    await emsp.owed.settled()
    assert hub.heard(locations.list_locations) == []

    hub.answers[tokens.put_token] = Response(http_status=201)
    emsp.owed.back()
    await emsp.owed.settled()
    await emsp.pulling.settled()

    assert len(hub.heard(locations.list_locations)) == 1
