"""What the provider does beside the charge, over its API: it tells, suggests, shows the way and remembers."""

import asyncio
import datetime
import textwrap

import pytest

from hub.emsp.api.scopes import Scope
from hub.ocpi.modules import tariffs
from hub.ocpi.times import date_time
from tests.emsp.charging.world import HALF, NOON, SPOT, told
from tests.emsp.driving.test_rooms import charged
from tests.rooms import tariff

HOUR = datetime.timedelta(hours=1)
ADA = {"email": "ada@example.org"}
ICS = textwrap.dedent("""\
    BEGIN:VCALENDAR
    VERSION:2.0
    PRODID:-//test//EN
    BEGIN:VEVENT
    UID:dentist
    DTSTAMP:20260101T000000Z
    DTSTART:20260105T110000Z
    DTEND:20260105T150000Z
    SUMMARY:Dentist
    GEO:52.3732;4.8923
    END:VEVENT
    END:VCALENDAR
    """).replace("\n", "\r\n")


@pytest.fixture
async def ada(provider):
    return await provider.driver(**ADA)


async def agree(rider, *purposes):
    for each in purposes:
        answer = await rider.post("/driver/consents", {"purpose": each, "given": True, "version": "1"})
        assert answer.status_code == 201


async def charge(provider, rider, **changes):
    made = await provider.charging.charges.start(rider.driver_id, SPOT)
    await charged(provider, made, **changes)


# -- telling ---------------------------------------------------------------------------------------


async def test_a_driver_is_told_that_his_charge_has_ended_and_what_it_cost_once(provider, ada):
    """GEM-FTR-951, RASD-R10."""
    await charge(provider, ada)
    await provider.work()

    subjects = [subject for subject, _ in provider.letters()]
    report = dict(provider.letters())["Your charge at Quay 1: 10 kWh"]
    assert subjects.count("Your charge has ended") == 1
    assert subjects.count("Your charge at Quay 1: 10 kWh") == 1
    assert "Your charge at Harbour has ended: 10.00 kWh." in dict(provider.letters())["Your charge has ended"]
    assert "Cost: 5.45 EUR" in report and "2.50 kg CO2 (NLD, test figure)" in report
    assert "Receipt: R-2026-000001" in report
    events = [each["event"] for each in (await ada.get("/notifications"))["items"]]
    assert events.count("CHARGE_REPORT") == events.count("CHARGE_ENDED") == 1


async def test_a_driver_reads_of_his_charge_in_his_language(provider):
    ada = await provider.driver(language="nl", **ADA)

    await charge(provider, ada)

    found = dict(provider.letters())
    assert found["Het laden is klaar"].startswith("Het laden bij Harbour is klaar: 10.00 kWh. De auto of de laadpaal")
    assert "Kosten: 5.45 EUR" in found["Uw laadbeurt bij Quay 1: 10 kWh"]
    assert "Uw laadbeurt is betaald" in found


async def test_once_the_provider_has_started_what_drivers_are_told_leaves_by_itself(provider, ada):
    await provider.assembly.start()
    await provider.location(status="CHARGING")
    wanted = {"owner": "NL-CPO", "location_id": "LOC1", "until": date_time(NOON + HOUR)}
    await ada.ask("PUT", "/notification-preferences", json={"channels": {"STATION_FREE": ["EMAIL"]}})

    await ada.post("/waiting", wanted)
    await provider.location(status="AVAILABLE")
    async with asyncio.timeout(30):
        while not provider.letters():
            await asyncio.sleep(0.01)
    await provider.assembly.stop()

    assert [subject for subject, _ in provider.letters()] == ["Harbour is free"]


async def test_a_payment_that_fails_and_a_bill_that_is_contested_are_problems_he_is_told_at_once(provider):
    """X-23, X-56: also in the quiet hours of the night."""
    ada = await provider.driver(pays="sim_decline_capture", **ADA)
    quiet = {"channels": {}, "waits": {}, "quiet": {"start": "08:00", "end": "20:00"}}
    assert (await ada.ask("PUT", "/notification-preferences", json=quiet)).status_code == 200

    await charge(provider, ada, kwh=90)

    kinds = {each["event"]: each["kind"] for each in (await ada.get("/notifications"))["items"]}
    assert kinds["CHARGE_DISPUTED"] == "PROBLEM"
    assert ("Something needs your attention", "The operator's bill") in [
        (subject, text[:19]) for subject, text in provider.letters()
    ]


async def test_a_driver_is_reminded_of_a_booking_once_half_an_hour_before(provider, ada):
    """RASD-R10."""
    await provider.offer()
    desk, start = provider.charging.bookings, NOON + 4 * HALF
    await desk.book(ada.driver_id, SPOT, start, start + HALF)
    reminders = provider.assembly.companion.reminders

    await reminders.work()
    early = [each["event"] for each in (await ada.get("/notifications"))["items"]]
    await provider.wait(minutes=91)
    await reminders.work()
    await reminders.work()
    await provider.work()

    found = [each for each in (await ada.get("/notifications"))["items"] if each["event"] == "BOOKING_REMINDER"]
    assert "BOOKING_REMINDER" not in early
    assert [each["text"][:46] for each in found] == ["Your booking at Harbour is from 14:00 to 14:30"]
    assert "Your booking at Harbour, 14:00" in dict(provider.letters())


async def test_who_waits_for_a_station_is_told_when_its_cpo_says_that_it_is_free(provider, ada):
    """RASD-F11 (availability): by the Location its CPO PUTs."""
    await provider.location(status="CHARGING")
    wanted = {"owner": "nl-cpo", "location_id": "loc1", "evse_uid": "EVSE1", "until": date_time(NOON + HOUR)}

    made = await ada.post("/waiting", wanted)
    nowhere = await ada.post("/waiting", wanted | {"location_id": "LOC9"})
    past = await ada.post("/waiting", wanted | {"until": date_time(NOON)})
    await provider.location(status="AVAILABLE")
    await provider.assembly.companion.wishes.work()

    assert (made.status_code, made.json()["state"]) == (201, "WAITING")
    assert (nowhere.status_code, past.json()["errors"][0]["path"]) == (404, "$.until")
    assert [each["event"] for each in (await ada.get("/notifications"))["items"]] == ["STATION_FREE"]
    assert [each["state"] for each in (await ada.get("/waiting"))["items"]] == ["TOLD"]
    assert (await ada.ask("DELETE", f"/waiting/{made.json()['id']}")).status_code == 404


async def test_a_browser_subscribes_to_web_push_and_leaves(provider, ada):
    point = "BCEkBjzL8Z3C-oi2Q7oE5t2Np-p7osjGLg93qUP0wvqRT21EEWyf0cQDQcakQMqz4hQKYOQ3il2nNZct4HgAUQU"
    wanted = {"endpoint": "https://push.test/1", "keys": {"p256dh": point, "auth": "Qr65y15YAWpDWlE7iJFe1g"}}

    added = await ada.post("/push-subscriptions", wanted | {"expirationTime": None})
    wrong = await ada.post("/push-subscriptions", wanted | {"keys": {"p256dh": point, "auth": "AA"}})
    listed = await ada.get("/push-subscriptions")
    gone = await ada.ask("DELETE", "/push-subscriptions", json={"endpoint": "https://push.test/1"})

    assert (await ada.get("/web-push-key"))["public_key"] == "BKEY"
    assert (added.status_code, wrong.json()["errors"][0]["path"]) == (204, "$.keys.auth")
    assert listed["items"] == [{"endpoint": "https://push.test/1"}]
    assert (gone.status_code, (await ada.get("/push-subscriptions"))["items"]) == (204, [])


# -- suggesting ------------------------------------------------------------------------------------


async def offer(provider, end=NOON + 6 * HOUR):
    text = [{"language": "en", "text": "Half price"}]
    value = tariff(end_date_time=date_time(end), tariff_alt_text=text, last_updated=date_time(provider.clock.now()))
    await provider.emsp(told(tariffs.put_tariff, value, tariff_id="T1"))


async def test_a_suggestion_has_its_reason_and_is_over_when_its_offer_is(provider, ada):
    """RASD-R11, RASD-UC09, X-24."""
    await offer(provider)
    await ada.ask("PUT", "/favourites/NL-CPO/LOC1", json={"name": "Mine"})
    without = await ada.post("/suggestions")
    await agree(ada, "MARKETING")

    (made,) = (await ada.post("/suggestions")).json()["items"]
    taken = await ada.post(f"/suggestions/{made['id']}/take")
    await offer(provider, end=NOON - HOUR)
    over = await ada.post(f"/suggestions/{made['id']}/take")

    assert without.json()["items"] == [], "he has not agreed"
    assert (made["reason"], made["offer"]) == ("OFFER", "NL-CPO/T1")
    assert made["text"] == "Harbour, 2026-01-05 12:00 to 2026-01-05 13:00: Half price"
    assert (taken.status_code, taken.json()) == (200, made)
    assert (over.status_code, over.json()["type"]) == (410, "/emsp/api/v1/problems/suggestion-over")
    assert over.json()["detail"] == "The suggestion has expired: the offer has ended."
    assert (await ada.get("/suggestions"))["items"] == []
    assert (await ada.ask("DELETE", "/suggestions/none")).status_code == 404


async def test_a_calendar_is_read_with_consent_only_and_leads_to_a_suggestion(provider, ada):
    """RASD-R12."""
    kind = {"Content-Type": "text/calendar"}
    refused = await ada.ask("POST", "/calendars?name=work", content=ICS, headers=kind)
    await agree(ada, "MARKETING", "CALENDAR")

    wrong = await ada.ask("POST", "/calendars?name=work", content="Monday: dentist", headers=kind)
    unread = await ada.post("/calendars/subscriptions", {"name": "home", "url": "webcal://calendar.test/1.ics"})
    made = await ada.ask("POST", "/calendars?name=work", content=ICS, headers=kind)
    (found,) = (await ada.post("/suggestions")).json()["items"]

    assert refused.status_code == 409
    assert [each.json()["errors"][0]["path"] for each in (wrong, unread)] == ["$", "$.url"]
    assert [(each["name"], each["host"]) for each in (await ada.get("/calendars"))["items"]] == [("work", None)]
    assert (found["reason"], found["place"]) == ("APPOINTMENT", "Harbour")
    assert found["text"].startswith("Harbour is close to Dentist")
    ben = await provider.driver("ben", email="ben@example.org")
    assert (await ben.ask("DELETE", f"/calendars/{made.json()['id']}")).status_code == 404
    assert (await ada.ask("DELETE", f"/calendars/{made.json()['id']}")).status_code == 204


async def test_positions_are_kept_with_consent_and_deleted_when_the_driver_says_so(ada):
    """RASD-R13."""
    here = {"positions": [{"latitude": 52.3731, "longitude": 4.8922, "at": date_time(NOON - HOUR)}]}
    refused = await ada.post("/positions", here)
    await agree(ada, "LOCATION_HISTORY")

    added = await ada.post("/positions", here)
    again = await ada.post("/positions", here)
    kept = await ada.get("/positions")
    deleted = await ada.ask("DELETE", "/positions")

    assert (refused.status_code, added.json(), again.json()) == (409, {"added": 1}, {"added": 0})
    assert [(each["latitude"], each["longitude"]) for each in kept["items"]] == [(52.3731, 4.8922)]
    assert (deleted.status_code, (await ada.get("/positions"))["items"]) == (204, [])


# -- the way ---------------------------------------------------------------------------------------


async def test_ways_come_with_arrival_and_what_they_take_of_the_battery(ada):
    """INCAR-RT03, INCAR-RT06, INCAR-UC004."""
    asked = {
        "start": {"latitude": 52.627, "longitude": 4.249}, "end": {"latitude": 52.598, "longitude": 4.223},
        "charge": 50, "battery_kwh": 40, "grams": 250,
    }  # fmt: skip

    found = (await ada.post("/routes", asked)).json()["items"]
    late = (await ada.post("/routes", asked | {"arrival": date_time(NOON + HOUR)})).json()["items"]
    both = await ada.post("/routes", asked | {"departure": date_time(NOON), "arrival": date_time(NOON)})
    far = await ada.post("/routes", asked | {"end": {"latitude": 0, "longitude": 0}})
    foreign = await ada.post("/routes", asked | {"vehicle_id": "another's"})

    best = found[0]
    assert best["seconds"] == min(each["seconds"] for each in found)
    assert best["departure"] == date_time(NOON).replace(".000", "")
    assert late[0]["arrival"] == date_time(NOON + HOUR).replace(".000", "")
    assert best["charge"] == pytest.approx(50 - best["kwh"] / 40 * 100, abs=0.06) and best["is_safe"]
    assert best["kg_co2"] == pytest.approx(best["kwh"] / 4, abs=0.006)
    assert (both.status_code, far.status_code, foreign.status_code) == (422, 404, 422)
    told = best["directions"]
    assert told[0]["text"].startswith("Start to the ") and told[-1] == {
        "text": "You are there",
        "metres": 0,
        "seconds": 0,
    }
    assert sum(each["metres"] for each in told) == pytest.approx(best["metres"], abs=len(told))


# -- remembering -----------------------------------------------------------------------------------


async def test_a_history_has_cost_co2_and_kilometres_also_as_a_table_and_is_a_drivers_own(provider, ada):
    """GEM-FTR-970."""
    await charge(provider, ada)
    ben = await provider.driver("ben", email="ben@example.org")

    (row,) = (await ada.get("/history?consumption=20"))["items"]
    sums = await ada.get("/history/totals")
    table = (await ada.ask("GET", "/history?format=csv")).text.splitlines()
    wrong = await ada.ask("GET", "/history?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z")

    assert (row["owner"], row["cdr_id"], row["place"], row["kwh"]) == ("NL-CPO", "C1", "Quay 1", 10)
    assert (row["cost"], row["kg_co2"], row["co2_source"], row["km"]) == (5.45, 2.5, "NLD, test figure", 50)
    assert (sums["charges"], sums["cost"], sums["kg_co2"]) == (1, {"EUR": 5.45}, 2.5)
    assert table[0].startswith("owner,cdr_id,start") and table[1].startswith("NL-CPO,C1,2026-01-05T11:00:00")
    assert wrong.json()["errors"][0]["path"] == "query.until"
    assert (await ben.get("/history"))["items"] == []


async def test_a_driver_says_how_content_he_was_with_a_charge_of_his_own(provider, ada):
    """INCAR-AP03."""
    await charge(provider, ada)
    ben = await provider.driver("ben", email="ben@example.org")
    staff = await provider.operator(Scope.FEEDBACK_READ)

    given = await ada.ask("PUT", "/history/NL-CPO/C1/feedback", json={"stars": 2, "text": "Cable too short"})
    foreign = await ben.ask("PUT", "/history/NL-CPO/C1/feedback", json={"stars": 5})
    wrong = await ada.ask("PUT", "/history/NL-CPO/C1/feedback", json={"stars": 6})

    assert (given.status_code, foreign.status_code, wrong.json()["errors"][0]["path"]) == (204, 404, "$.stars")
    assert await ben.get("/ratings/NL-CPO/LOC1") == {"count": 1, "stars": 2.0}
    assert [each["text"] for each in (await staff.get("/feedback"))["items"]] == ["Cable too short"]
    assert (await ada.ask("GET", "/feedback")).status_code == 403


async def test_a_fleet_is_a_group_cpos_are_told_and_its_manager_sees_its_report(provider, ada):
    """GEM-FTR-1301, GEM-UC-1524."""
    ben = await provider.driver("ben", email="ben@example.org")
    staff = await provider.operator(Scope.FLEETS_READ, Scope.FLEETS_WRITE)
    (app,) = [each for each in await ada.get("/driver/tokens") if each["type"] == "APP_USER"]
    van = {"vehicle": "Van 1", "cost_centre": "North"}

    made = await staff.ask("PUT", "/fleets/BAKERY", json={"name": "Bakery", "manager": ben.driver_id})
    joined = await staff.ask("PUT", f"/fleets/BAKERY/members/{app['uid']}", json=van)
    unknown = await staff.ask("PUT", "/fleets/BAKERY/members/NOBODYS", json=van)
    nobody = await staff.ask("PUT", "/fleets/FLORIST", json={"name": "F", "manager": app["id"]})
    await charge(provider, ada)
    (line,) = (await ben.get("/driver/fleets/BAKERY/report"))["items"]
    grouped = await provider.emsp.store.token(app["uid"], "APP_USER")

    assert (made.status_code, joined.status_code, unknown.status_code) == (200, 200, 404)
    assert nobody.json()["errors"][0]["path"] == "$.manager"
    assert grouped["group_id"] == "BAKERY"
    assert (line["vehicle"], line["charges"], line["kwh"], line["cost"], line["kg_co2"]) == ("Van 1", 1, 10, 5.45, 2.5)
    assert (await staff.get("/fleets/BAKERY/report"))["items"] == [line]
    assert "Van 1" in (await staff.ask("GET", "/fleets/BAKERY/report?format=csv")).text
    assert [each["name"] for each in (await ben.get("/driver/fleets"))["items"]] == ["Bakery"]
    assert (await ada.ask("GET", "/driver/fleets/BAKERY/report")).status_code == 404
    assert (await ada.ask("GET", "/fleets")).status_code == 403

    taken = await staff.ask("DELETE", f"/fleets/BAKERY/members/{app['uid']}")
    alone = await provider.emsp.store.token(app["uid"], "APP_USER")

    assert (taken.status_code, alone["group_id"]) == (204, (await ada.get("/driver"))["group_id"])


async def test_what_the_companion_knows_is_exported_and_erased(provider, ada):
    """PROD (privacy)."""
    await agree(ada, "LOCATION_HISTORY")
    await ada.post("/positions", {"positions": [{"latitude": 52, "longitude": 4, "at": date_time(NOON)}]})
    await ada.ask("PUT", "/favourites/NL-CPO/LOC1", json={"name": "Mine"})
    await charge(provider, ada)
    await ada.ask("PUT", "/history/NL-CPO/C1/feedback", json={"stars": 2, "text": "Ada was here"})

    known = (await ada.get("/driver/export"))["companion"]
    await provider.assembly.drivers.privacy.erase(ada.driver_id)
    _, after = await provider.assembly.companion.privacy.recall(ada.driver_id)

    assert [(each["lat"], each["lon"]) for each in known["positions"]] == [(52, 4)]
    assert [each["name"] for each in known["favourites"]] == ["Mine"]
    assert known["notifications"]
    assert [(each["stars"], each["text"]) for each in after.pop("feedback")] == [(2, "")]
    assert not any(after.values())
