"""The CPMS's OCPI door: what it shows, what it takes, what it makes of orders to its stations."""

import asyncio

import pytest

from adapters.cpms.simulator import SimulatedCpms
from hub.cpms.ports import ProfileChanged
from hub.ocpi.errors import InvalidParameters, UnknownLocation, UnknownToken
from hub.ocpi.messages import Party
from hub.ocpi.modules import chargingprofiles, commands, hubclientinfo, locations, sessions, tariffs, tokens
from hub.ocpi.receiving import NoSuchLocation, NoSuchObject, NoSuchToken
from tests.cpms.conftest import make
from tests.rooms import EMSP, HUB, NOW, ask, evse, location, owned, token

OTHER = Party("FR", "XYZ")
URL = "https://asker.test/results/1"


def start(**changes):
    return {"response_url": URL, "token": token(), "location_id": "LOC1", "evse_uid": "EVSE1"} | changes


async def begun(cpms, hub, **changes):
    """Start a session and return its id."""
    response = await cpms(ask(commands.start_session, start(**changes)))
    assert response.value["result"] == "ACCEPTED"
    await cpms.stations.settled()
    return (await cpms.store.sessions.all())[-1]["id"]


def results(hub, operation=commands.post_result):
    return [(url, request.value["result"]) for url, request in hub.called if request.operation is operation]


# -- Sender ---------------------------------------------------------------------------------------


async def test_its_locations_are_listed_in_pages(cpms):
    for number in range(2, 6):
        await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(id=f"LOC{number}")]})

    first = await cpms(ask(locations.list_locations, query="limit=2"))
    link = first.headers["Link"]
    second = await cpms(ask(locations.list_locations, query=link[link.index("?") + 1 : link.index(">")]))

    assert [each["id"] for each in first.value] == ["LOC1", "LOC2"]
    assert [each["id"] for each in second.value] == ["LOC3", "LOC4"]
    assert first.headers["X-Total-Count"] == "5"
    assert first.headers["X-Limit"] == "2"
    assert link.startswith("<https://party.test/ocpi/2.3.0/sender/locations?")
    assert link.endswith('>; rel="next"')


async def test_the_last_page_has_no_link(cpms):
    response = await cpms(ask(locations.list_locations, query="offset=0&limit=1"))

    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"date_from={NOW}", 1),
        ("date_from=2026-01-01T00:00:00", 1),
        ("date_from=2026-01-01T00:00:00.001Z", 0),
        (f"date_to={NOW}", 0),
        ("date_to=2026-01-02T00:00:00Z", 1),
        ("date_from=2026-02-01T00:00:00Z&date_to=2026-01-01T00:00:00Z", 0),
        ("offset=1", 0),
    ],
)
async def test_lists_keep_to_dates_and_position(cpms, query, count):
    response = await cpms(ask(tariffs.list_tariffs, query=query))

    assert len(response.value) == count


@pytest.mark.parametrize("query", ["limit=x", "offset=-1", "date_from=yesterday"])
async def test_parameters_of_the_wrong_type_are_refused(cpms, query):
    with pytest.raises(InvalidParameters):
        await cpms(ask(tariffs.list_tariffs, query=query))


async def test_a_location_an_evse_and_a_connector_can_be_had_alone(cpms):
    whole = await cpms(ask(locations.get_own_location, location_id="loc1"))
    one = await cpms(ask(locations.get_own_evse, location_id="LOC1", evse_uid="evse1"))
    plug = await cpms(ask(locations.get_own_connector, location_id="LOC1", evse_uid="EVSE1", connector_id="1"))

    assert whole.value["id"] == "LOC1"
    assert one.value["uid"] == "EVSE1"
    assert plug.value["standard"] == "IEC_62196_T2_COMBO"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        (locations.get_own_location, {"location_id": "NOPE"}),
        (locations.get_own_evse, {"location_id": "LOC1", "evse_uid": "NOPE"}),
        (locations.get_own_connector, {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "9"}),
    ],
)
async def test_what_is_not_there_is_2003_under_404(cpms, operation, params):
    with pytest.raises(NoSuchLocation) as refused:
        await cpms(ask(operation, **params))

    assert (refused.value.status_code, refused.value.http_status) == (2003, 404)


async def test_a_session_is_shown_to_its_provider_and_the_hub_alone(cpms, hub):
    await begun(cpms, hub)

    seen = {
        asker: len((await cpms(ask(sessions.list_sessions, sender=asker, query=f"date_from={NOW}"))).value)
        for asker in (EMSP, OTHER, HUB)
    }

    assert seen == {EMSP: 1, OTHER: 0, HUB: 1}


# -- Receiver: tokens -----------------------------------------------------------------------------


async def test_a_token_is_kept_as_it_was_put(cpms):
    params = owned(token(), token_uid="CARD-1")

    created = await cpms(ask(tokens.put_token, token(), **params))
    updated = await cpms(ask(tokens.put_token, token(valid=False), **params))
    kept = await cpms(ask(tokens.get_token, **params))

    assert (created.http_status, updated.http_status) == (201, 200)
    assert kept.value == token(valid=False)


async def test_uid_and_type_together_name_a_token(cpms):
    params = owned(token(), token_uid="CARD-1")
    await cpms(ask(tokens.put_token, token(), **params))
    await cpms(ask(tokens.put_token, token(type="APP_USER"), query="type=APP_USER", **params))

    plain = await cpms(ask(tokens.get_token, **params))
    app = await cpms(ask(tokens.get_token, query="type=APP_USER", **params))

    assert (plain.value["type"], app.value["type"]) == ("RFID", "APP_USER")


async def test_a_patched_token_keeps_what_the_patch_does_not_name(cpms):
    params = owned(token(), token_uid="CARD-1")
    await cpms(ask(tokens.put_token, token(visual_number="V1"), **params))

    later = "2026-01-02T00:00:00Z"
    await cpms(ask(tokens.patch_token, {"valid": False, "last_updated": later}, **params))

    kept = (await cpms(ask(tokens.get_token, **params))).value
    assert kept == token(visual_number="V1", valid=False, last_updated=later)


@pytest.mark.parametrize("query", ["", "type=RFID"])
async def test_a_patch_makes_no_token_of_another_type(cpms, query):
    """mod_tokens: uid and type together identify a Token; what is kept must be found under what it says."""
    params = owned(token(), token_uid="CARD-1")
    await cpms(ask(tokens.put_token, token(), **params))

    with pytest.raises(InvalidParameters, match=r"\$\.type: differs from the URL's RFID"):
        await cpms(ask(tokens.patch_token, {"type": "APP_USER", "last_updated": NOW}, query=query, **params))

    same = await cpms(ask(tokens.patch_token, {"type": "RFID", "valid": False, "last_updated": NOW}, **params))
    assert (await cpms(ask(tokens.get_token, **params))).value == token(valid=False)
    assert same.http_status == 200


async def test_a_patch_of_an_unknown_token_is_2004(cpms):
    with pytest.raises(UnknownToken):
        await cpms(ask(tokens.patch_token, {"last_updated": NOW}, **owned(token(), token_uid="NOBODY")))


async def test_an_unknown_token_is_2004_under_404(cpms):
    with pytest.raises(NoSuchToken):
        await cpms(ask(tokens.get_token, **owned(token(), token_uid="NOBODY")))


@pytest.mark.parametrize(
    ("value", "sender"),
    [(token(party_id="XYZ"), EMSP), (token(uid="ANOTHER"), EMSP), (token(), OTHER)],
)
async def test_a_token_of_another_party_or_name_is_refused(cpms, value, sender):
    with pytest.raises(InvalidParameters):
        await cpms(ask(tokens.put_token, value, sender=sender, **owned(token(), token_uid="CARD-1")))


async def test_a_broadcast_token_comes_from_the_hub(cpms):
    response = await cpms(ask(tokens.put_token, token(), sender=HUB, **owned(token(), token_uid="CARD-1")))

    assert response.http_status == 201


# -- Receiver: commands ---------------------------------------------------------------------------


async def test_start_session_is_answered_at_once_and_its_result_posted_later(cpms, hub):
    response = await cpms(ask(commands.start_session, start(authorization_reference="REF")))
    assert response.value == {"result": "ACCEPTED", "timeout": 30}

    await cpms.stations.settled()
    assert results(hub) == [(URL, "ACCEPTED")]
    ((_, request),) = hub.called
    assert (request.sender, request.receiver) == (cpms.party, EMSP)
    (session,) = await cpms.store.sessions.all()
    assert session["status"] == "ACTIVE"
    assert session["authorization_reference"] == "REF"


async def test_the_result_keeps_the_correlation_id_of_its_command(cpms, hub):
    request = ask(commands.start_session, start())
    await cpms(request)
    await cpms.stations.settled()

    assert hub.called[0][1].correlation_id == request.correlation_id


@pytest.mark.parametrize("changes", [{"location_id": "NOPE"}, {"evse_uid": "NOPE"}, {"connector_id": "9"}])
async def test_a_command_to_an_unknown_place_is_2003(cpms, hub, changes):
    with pytest.raises(UnknownLocation):
        await cpms(ask(commands.start_session, start(**changes)))

    await cpms.stations.settled()
    assert hub.called == []


async def test_without_an_evse_an_available_one_is_chosen(cpms, hub):
    two = [evse("BUSY", status="CHARGING"), evse("FREE")]
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(id="LOC2", evses=two)]})

    order = start(location_id="LOC2")
    del order["evse_uid"]
    await cpms(ask(commands.start_session, order))
    await cpms.stations.settled()

    assert [each["evse_uid"] for each in await cpms.store.sessions.all()] == ["FREE"]


async def test_the_token_of_a_command_is_not_checked_again(cpms, hub):
    """Checklist CM-20: not even one that was declared invalid."""
    await begun(cpms, hub, token=token(valid=False, whitelist="NEVER"))

    assert hub.heard(tokens.authorize) == []


async def test_another_providers_token_is_rejected(cpms, hub):
    response = await cpms(ask(commands.start_session, start(), sender=OTHER))

    await cpms.stations.settled()
    assert response.value["result"] == "REJECTED"
    assert hub.called == []


async def test_an_evse_that_needs_a_connector_says_so(cpms):
    needs = evse(capabilities=["START_SESSION_CONNECTOR_REQUIRED"])
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=[needs])]})

    with pytest.raises(InvalidParameters):
        await cpms(ask(commands.start_session, start()))
    response = await cpms(ask(commands.start_session, start(connector_id="1")))
    assert response.value["result"] == "ACCEPTED"


async def test_an_occupied_evse_is_told_as_the_result(cpms, hub):
    await begun(cpms, hub)

    await cpms(ask(commands.start_session, start(response_url="https://asker.test/results/2")))
    await cpms.stations.settled()

    assert results(hub)[-1] == ("https://asker.test/results/2", "EVSE_OCCUPIED")


async def test_only_the_provider_of_a_session_stops_it(cpms, hub):
    session_id = await begun(cpms, hub)
    order = {"response_url": URL, "session_id": session_id}

    assert (await cpms(ask(commands.stop_session, order, sender=OTHER))).value["result"] == "REJECTED"
    assert (await cpms(ask(commands.stop_session, order))).value["result"] == "ACCEPTED"
    await cpms.stations.settled()
    assert (await cpms(ask(commands.stop_session, order))).value["result"] == "UNKNOWN_SESSION"

    (session,) = await cpms.store.sessions.all()
    assert session["status"] == "COMPLETED"


async def test_an_unknown_session_cannot_be_stopped(cpms):
    response = await cpms(ask(commands.stop_session, {"response_url": URL, "session_id": "NOPE"}))

    assert response.value["result"] == "UNKNOWN_SESSION"


def reserve(**changes):
    return start(reservation_id="R1", expiry_date="2026-01-01T13:00:00Z") | changes


async def test_a_reservation_makes_a_session_of_that_status(cpms, hub):
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()

    assert results(hub) == [(URL, "ACCEPTED")]
    (session,) = await cpms.store.sessions.all()
    assert session["status"] == "RESERVATION"
    assert (await cpms.store.locations.get(cpms.party, "LOC1"))["evses"][0]["status"] == "RESERVED"


async def test_a_used_reservation_becomes_the_session(cpms, hub):
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()

    await begun(cpms, hub)

    (session,) = await cpms.store.sessions.all()
    assert session["status"] == "ACTIVE"


async def test_an_unused_reservation_completes_its_session(cpms, hub, clock):
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()

    await clock.advance(3601)
    async with asyncio.timeout(5):
        while (await cpms.store.sessions.all())[0]["status"] == "RESERVATION":
            await asyncio.sleep(0.01)

    (session,) = await cpms.store.sessions.all()
    assert session["status"] == "COMPLETED"
    assert await cpms.store.cdrs.all() == []


async def test_a_reservation_in_the_past_is_rejected(cpms):
    response = await cpms(ask(commands.reserve_now, reserve(expiry_date="2025-01-01T00:00:00Z")))

    assert response.value["result"] == "REJECTED"


async def test_reservations_of_different_providers_are_kept_apart(cpms, hub):
    """Checklist CM-21: one provider's reservation_id means nothing to another."""
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()

    await cpms(ask(commands.cancel_reservation, {"response_url": URL, "reservation_id": "R1"}, sender=OTHER))
    await cpms.stations.settled()
    await cpms(ask(commands.cancel_reservation, {"response_url": URL, "reservation_id": "r1"}))
    await cpms.stations.settled()

    assert [result for _, result in results(hub)] == ["ACCEPTED", "UNKNOWN_RESERVATION", "ACCEPTED"]


async def test_a_reservation_the_operator_cancels_calls_the_same_url_again(cpms, hub, stations):
    """Checklist CM-12."""
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()

    await stations.set_status(await cpms.desk.outlet("LOC1", "EVSE1"), "OUTOFORDER")

    assert results(hub) == [(URL, "ACCEPTED"), (URL, "CANCELED_RESERVATION")]


async def test_a_reservation_survives_a_restart(cpms, hub, database, clock):
    await cpms(ask(commands.reserve_now, reserve()))
    await cpms.stations.settled()
    await cpms.stop()

    again = make(hub, database, SimulatedCpms(clock=clock), clock)
    await again.start()
    refused = await again(ask(commands.start_session, start(token=token(uid="CARD-2"))))
    await again.stations.settled()
    await again.stop()

    assert refused.value["result"] == "ACCEPTED"
    assert results(hub)[-1] == (URL, "EVSE_OCCUPIED")


async def test_capabilities_that_are_listed_are_believed(cpms):
    plain = evse(capabilities=["RFID_READER"])
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=[plain])]})
    unlock = {"response_url": URL, "location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1"}

    assert (await cpms(ask(commands.reserve_now, reserve()))).value["result"] == "NOT_SUPPORTED"
    assert (await cpms(ask(commands.unlock_connector, unlock))).value["result"] == "NOT_SUPPORTED"


async def test_a_connector_is_unlocked(cpms, hub):
    unlock = {"response_url": URL, "location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1"}

    await cpms(ask(commands.unlock_connector, unlock))
    await cpms.stations.settled()

    assert results(hub) == [(URL, "ACCEPTED")]


# -- Receiver: charging profiles ------------------------------------------------------------------

PROFILE = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 7000}]}


async def test_the_three_profile_requests_have_results_of_their_own(cpms, hub):
    session_id = await begun(cpms, hub)
    query = "response_url=https%3A%2F%2Fasker.test%2Fp"

    set_ = {"charging_profile": PROFILE, "response_url": URL}
    await cpms(ask(chargingprofiles.set_charging_profile, set_, session_id=session_id))
    await cpms.stations.settled()
    await cpms(ask(chargingprofiles.get_active_charging_profile, query=f"duration=900&{query}", session_id=session_id))
    await cpms.stations.settled()
    await cpms(ask(chargingprofiles.clear_charging_profile, query=query, session_id=session_id))
    await cpms.stations.settled()

    profiles = [(url, request) for url, request in hub.called if request.operation.module == "chargingprofiles"]
    assert [(url, request.operation, request.value["result"]) for url, request in profiles] == [
        (URL, chargingprofiles.post_charging_profile_result, "ACCEPTED"),
        ("https://asker.test/p", chargingprofiles.post_active_charging_profile_result, "ACCEPTED"),
        ("https://asker.test/p", chargingprofiles.post_clear_profile_result, "ACCEPTED"),
    ]
    active = profiles[1][1].value["profile"]["charging_profile"]
    assert active["charging_profile_period"] == [{"start_period": 0, "limit": 7000}]


async def test_profiles_are_for_the_tokens_owner_on_a_known_session(cpms, hub):
    session_id = await begun(cpms, hub)
    set_ = {"charging_profile": PROFILE, "response_url": URL}

    unknown = await cpms(ask(chargingprofiles.set_charging_profile, set_, session_id="NOPE"))
    foreign = await cpms(ask(chargingprofiles.set_charging_profile, set_, sender=OTHER, session_id=session_id))

    assert (unknown.value["result"], foreign.value["result"]) == ("UNKNOWN_SESSION", "REJECTED")


@pytest.mark.checklist("CP-12")
async def test_only_who_has_set_a_profile_hears_of_another(cpms, hub):
    session_id = await begun(cpms, hub)
    profile = {"start_date_time": NOW, "charging_profile": PROFILE}
    await cpms.desk.tell(ProfileChanged(session_id=session_id, profile=profile))
    assert hub.heard(chargingprofiles.put_active_charging_profile) == []

    set_ = {"charging_profile": PROFILE, "response_url": URL}
    await cpms(ask(chargingprofiles.set_charging_profile, set_, session_id=session_id))
    await cpms.stations.settled()
    await cpms.desk.tell(ProfileChanged(session_id=session_id, profile=profile))

    (told,) = hub.heard(chargingprofiles.put_active_charging_profile)
    assert (told.receiver, told.params, told.value) == (EMSP, {"session_id": session_id}, profile)


# -- charging preferences -------------------------------------------------------------------------


async def test_preferences_need_an_evse_that_can_take_them(cpms, hub):
    session_id = await begun(cpms, hub)

    with pytest.raises(NoSuchObject) as refused:
        await cpms(ask(sessions.put_charging_preferences, {"profile_type": "FAST"}, session_id=session_id))

    assert (refused.value.status_code, refused.value.http_status) == (2001, 404)


@pytest.mark.parametrize(
    ("wishes", "answer"),
    [
        ({"profile_type": "FAST"}, "ACCEPTED"),
        ({"profile_type": "GREEN"}, "DEPARTURE_REQUIRED"),
        ({"profile_type": "GREEN", "departure_time": "2026-01-01T20:00:00Z"}, "ENERGY_NEED_REQUIRED"),
        ({"profile_type": "GREEN", "departure_time": "2026-01-01T20:00:00Z", "energy_need": 20}, "ACCEPTED"),
        ({"profile_type": "FAST", "departure_time": "2025-01-01T20:00:00Z"}, "NOT_POSSIBLE"),
    ],
)
async def test_preferences_are_judged(cpms, hub, wishes, answer):
    able = evse(capabilities=["CHARGING_PREFERENCES_CAPABLE"])
    await cpms.orders()["cpms.import"]({"kind": "locations", "objects": [location(evses=[able])]})
    session_id = await begun(cpms, hub)

    response = await cpms(ask(sessions.put_charging_preferences, wishes, session_id=session_id))

    assert response.value == answer


# -- hubclientinfo --------------------------------------------------------------------------------


async def test_client_info_is_kept(cpms):
    info = {"country_code": "DE", "party_id": "EMP", "role": "EMSP", "status": "OFFLINE", "last_updated": NOW}
    params = owned(info)

    await cpms(ask(hubclientinfo.put_client_info, info, sender=None, **params))

    assert (await cpms(ask(hubclientinfo.get_client_info, sender=None, **params))).value == info
    with pytest.raises(NoSuchObject):
        await cpms(ask(hubclientinfo.get_client_info, sender=None, country_code="FR", party_id="XYZ"))
