"""How fast a charge goes: a driver's limit, and the staff's ChargingProfiles, over the API."""

import pytest

from hub.emsp.api.scopes import Scope
from hub.ocpi.errors import NoMatchingEndpoints, ReceiverUnreachable
from hub.ocpi.messages import Response
from hub.ocpi.modules import chargingprofiles
from tests.emsp.driving.test_api import under_way
from tests.rooms import CPO, NOW, ask

SET = chargingprofiles.set_charging_profile
CLEAR = chargingprofiles.clear_charging_profile
GET = chargingprofiles.get_active_charging_profile
PROFILE = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 8}]}
ACTIVE = {"start_date_time": NOW, "charging_profile": PROFILE}


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


@pytest.fixture
async def charge(provider, ada):
    for each in (SET, CLEAR, GET):
        answers(provider, each, "ACCEPTED")
    return await under_way(provider, ada)


@pytest.fixture
async def staff(provider):
    return await provider.operator(Scope.SESSIONS_READ, Scope.SESSIONS_CONTROL)


def answers(provider, operation, result):
    provider.hub.answers[operation] = Response.of(
        chargingprofiles.ChargingProfileResponse, {"result": result, "timeout": 30}
    )


async def resulted(provider, operation, url, result="ACCEPTED", **more):
    uid = url.rsplit("/", 1)[1]
    await provider.emsp(ask(operation, {"result": result} | more, sender=CPO, uid=uid))


async def taken(provider, result="ACCEPTED"):
    """Have the station answer the last SetChargingProfile."""
    url = provider.hub.heard(SET)[-1].value["response_url"]
    await resulted(provider, chargingprofiles.post_charging_profile_result, url, result)


async def test_a_driver_limits_the_power_of_a_charge_that_goes_on(provider, ada, charge):
    """GEM-FTR-976: as a ChargingProfile of the Session; seen and told once the station has taken it."""
    path = f"/charges/{charge['id']}/limits"

    asked = await ada.ask("PUT", path, json={"power_kw": 7.4, "energy_kwh": 20})
    again = await ada.ask("PUT", path, json={"power_kw": 7.4, "energy_kwh": 20})
    await taken(provider)

    (request,) = provider.hub.heard(SET)
    assert (request.receiver, request.params["session_id"]) == (CPO, "S1")
    assert request.value["charging_profile"] == {
        "charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 7400}],
    }  # fmt: skip
    assert (asked.json()["limit_power_kw"], asked.json()["limit_energy_kwh"], again.status_code) == (None, 20, 200)
    assert float((await ada.get(f"/charges/{charge['id']}"))["limit_power_kw"]) == 7.4
    assert (await provider.events(ada.driver_id))[-1] == "POWER_LIMITED"


async def test_limits_without_a_power_take_the_drivers_own_profile_off_again(provider, ada, charge):
    await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"power_kw": 7.4})
    await taken(provider)

    await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"energy_kwh": 20})
    (request,) = provider.hub.heard(CLEAR)
    url = request.parameters["response_url"]
    await resulted(provider, chargingprofiles.post_clear_profile_result, url)

    assert (await ada.get(f"/charges/{charge['id']}"))["limit_power_kw"] is None


async def test_a_limit_the_station_does_not_take_is_told_and_the_one_before_stays(provider, ada, charge):
    await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"power_kw": 11})
    await taken(provider)

    await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"power_kw": 3.7})
    await taken(provider, "REJECTED")

    assert (await ada.get(f"/charges/{charge['id']}"))["limit_power_kw"] == 11
    assert (await provider.events(ada.driver_id))[-1] == "POWER_NOT_LIMITED"


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [(NoMatchingEndpoints(), "NO_PROFILES", 409), ("NOT_SUPPORTED", "NO_PROFILES", 409),
     ("TOO_OFTEN", "PROFILES_TOO_OFTEN", 409), ("REJECTED", "PROFILE_REFUSED", 409),
     (ReceiverUnreachable(), "CPO_UNREACHABLE", 503)],
)  # fmt: skip
async def test_where_the_power_cannot_be_limited_it_is_said_and_no_limit_changes(
    provider, ada, charge, answer, code, status
):
    """X-10: its own message, naming the field; the other limits of the same request are not set either."""
    provider.hub.answers[SET] = answer
    if isinstance(answer, str):
        answers(provider, SET, answer)

    refused = await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"power_kw": 7.4, "energy_kwh": 20})

    said = refused.json()
    assert (refused.status_code, said["code"], said["errors"][0]["path"]) == (status, code, "$.power_kw")
    assert (await ada.get(f"/charges/{charge['id']}"))["limit_energy_kwh"] is None


async def test_a_charge_that_draws_nothing_yet_has_no_power_to_limit(provider, ada):
    charge = (await ada.post("/charges", {"code": "NL*CPO*E1"})).json()

    refused = await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"power_kw": 7.4})

    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_YET")


async def test_the_staff_sets_looks_at_and_takes_off_a_profile_and_sees_what_came_of_it(
    provider, ada, charge, staff
):  # fmt: skip
    path = f"/driver-charges/{charge['id']}/charging-profile"

    pending = (await staff.ask("PUT", path, json=PROFILE)).json()
    await taken(provider)
    await staff.ask("POST", f"/driver-charges/{charge['id']}/active-charging-profile", json={"duration": 900})
    looked = provider.hub.heard(GET)[-1].parameters
    await resulted(
        provider, chargingprofiles.post_active_charging_profile_result, looked["response_url"], profile=ACTIVE
    )
    cleared = (await staff.ask("DELETE", path)).json()

    shown = await staff.get(path)
    assert [(each["kind"], each["response"], each["result"]) for each in pending["requests"]] == [
        ("SET", "ACCEPTED", None)
    ]
    assert [each["kind"] for each in cleared["requests"]] == ["CLEAR", "GET", "SET"]
    assert (shown["requests"][2]["result"], shown["requests"][2]["profile"]) == ("ACCEPTED", PROFILE)
    assert (shown["active"], looked["duration"], shown["told_at"] is None) == (ACTIVE, "900", False)
    assert (await ada.ask("GET", path)).status_code == 403


async def test_a_profile_the_cpo_tells_by_itself_is_shown(provider, charge, staff):
    await provider.emsp(ask(chargingprofiles.put_active_charging_profile, ACTIVE, sender=CPO, session_id="S1"))

    shown = await staff.get(f"/driver-charges/{charge['id']}/charging-profile")

    assert (shown["active"], shown["requests"]) == (ACTIVE, [])


async def test_a_drivers_limits_do_not_take_off_the_staffs_profile(provider, ada, charge, staff):
    await staff.ask("PUT", f"/driver-charges/{charge['id']}/charging-profile", json=PROFILE)
    await taken(provider)

    await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"energy_kwh": 20})

    assert provider.hub.heard(CLEAR) == []


async def test_a_profile_that_is_none_names_its_fault_and_is_not_sent(provider, charge, staff):
    path = f"/driver-charges/{charge['id']}/charging-profile"

    refused = await staff.ask("PUT", path, json={"charging_rate_unit": "kW"})

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "$.charging_rate_unit")
    assert provider.hub.heard(SET) == []
