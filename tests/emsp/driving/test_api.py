"""A driver books, starts, follows, limits and stops a charge over the API."""

import asyncio

import httpx
import pytest

from hub.api.streams import MEDIA_TYPE
from hub.ocpi.messages import Response
from hub.ocpi.modules import bookings, sessions
from hub.ocpi.times import date_time
from tests.emsp.charging.world import HALF, NOON
from tests.rooms import NOW

LATER = NOON + HALF
PLACE = {"owner": "NL-CPO", "location_id": "LOC1", "evse_uid": "EVSE1"}


def times(starts=LATER, ends=LATER + HALF):
    return {"starts_at": date_time(starts), "ends_at": date_time(ends)}


def wanted(starts=LATER, ends=LATER + HALF, **more):
    return {"place": PLACE, **times(starts, ends), **more}


@pytest.fixture
async def ada(provider):
    return await provider.driver("ada")


async def under_way(provider, rider, **body):
    """Have a driver charge, and return what the API shows of it."""
    charge = (await rider.post("/charges", {"code": "NL*CPO*E1"} | body)).json()
    known = await provider.charge(charge["id"])
    await provider.session(reference=known.reference, uid=known.token["uid"], start_date_time=date_time(NOON))
    return await rider.get(f"/charges/{charge['id']}")


async def told(provider, charge, status="ACTIVE", **changes):
    known = await provider.charge(charge["id"])
    names = {"reference": known.reference, "uid": known.token["uid"], "start_date_time": date_time(NOON)}
    await provider.session(status, **names | changes)


# -- bookings --------------------------------------------------------------------------------------


async def test_a_driver_sees_what_is_free_and_books_it(provider, ada):
    """RASD-R4, RASD-UC04: half hour by half hour; what is his is shown as his, and only to him."""
    await provider.offer((NOON, LATER + 4 * HALF))
    bob = await provider.driver("bob")
    path = "/locations/NL/CPO/LOC1/evses/EVSE1/slots"

    made = await ada.post("/bookings", wanted())
    mine, his = await ada.get(path), await bob.get(path)

    assert (made.status_code, made.json()["state"], made.json()["way"]) == (201, "RESERVED", "BOOKINGS")
    assert (mine["way"], mine["time_zone"], mine["slots"][0]["starts_at"]) == (
        "BOOKINGS", "Europe/Amsterdam", "2026-01-05T11:30:00Z",
    )  # fmt: skip
    assert [each["state"] for each in mine["slots"][:5]] == ["YOURS", "FREE", "FREE", "FREE", "TAKEN"]
    assert [each["state"] for each in his["slots"][:2]] == ["TAKEN", "FREE"]
    assert (await ada.get("/bookings"))["items"] == [made.json()]
    assert (await bob.ask("GET", f"/bookings/{made.json()['id']}")).status_code == 404


async def test_a_booking_without_the_bookings_module_is_said_to_be_a_promise(provider, ada):
    made = (await ada.post("/bookings", wanted())).json()

    assert (made["way"], made["state"]) == ("RESERVE_NOW", "PROMISED")
    assert (await ada.get("/locations/NL/CPO/LOC1/evses/EVSE1/slots"))["way"] == "RESERVE_NOW"


async def test_the_same_booking_under_the_same_key_is_made_once(provider, ada):
    await provider.offer()

    first, again = await ada.post("/bookings", wanted(), key="K"), await ada.post("/bookings", wanted(), key="K")

    assert (again.json(), len(provider.hub.heard(bookings.post_booking))) == (first.json(), 1)


def changing_cpo(provider, *, agrees):
    """Have the CPO answer a change, as in the example of the standard (mod_bookings, Flow and Lifecycle)."""

    def answer(request):
        wish = request.value
        known = provider.cpo.made[wish["request_id"]]
        status = "ACCEPTED" if agrees else "DECLINED"
        entry = {"request_status": status, "booking_request": wish, "request_received": NOW}
        made = known | ({"period": wish["period"]} if agrees else {})
        made |= {"booking_requests": [*known["booking_requests"], entry], "last_updated": provider._later()}
        return Response.of(bookings.Booking, made)

    provider.hub.answers[bookings.post_booking] = answer


async def test_a_booking_is_moved_and_its_old_time_is_free_for_others(provider, ada):
    """RASD-R5."""
    await provider.offer()
    bob = await provider.driver("bob")
    made = (await ada.post("/bookings", wanted())).json()
    changing_cpo(provider, agrees=True)

    moved = await ada.post(f"/bookings/{made['id']}/times", times(LATER + HALF, LATER + 3 * HALF), method="PUT")
    provider.hub.answers[bookings.post_booking] = provider.cpo._answer
    taken, free = (
        await bob.post("/bookings", wanted(LATER + 2 * HALF, LATER + 3 * HALF)),
        await bob.post("/bookings", wanted()),
    )

    assert (moved.status_code, moved.json()["starts_at"]) == (200, "2026-01-05T12:00:00Z")
    assert (taken.status_code, free.status_code) == (409, 201)
    assert await provider.events(ada.driver_id) == ["BOOKING_MADE", "BOOKING_CHANGED"]


async def test_a_change_the_cpo_declines_leaves_the_booking_and_nothing_more(provider, ada):
    await provider.offer()
    bob = await provider.driver("bob")
    made = (await ada.post("/bookings", wanted())).json()
    changing_cpo(provider, agrees=False)

    refused = await ada.post(f"/bookings/{made['id']}/times", times(LATER + HALF, LATER + 2 * HALF), method="PUT")
    provider.hub.answers[bookings.post_booking] = provider.cpo._answer

    assert (refused.status_code, refused.json()["code"]) == (409, "CHANGE_REFUSED")
    assert (await ada.get(f"/bookings/{made['id']}"))["starts_at"] == made["starts_at"]
    assert (await bob.post("/bookings", wanted(LATER + HALF, LATER + 2 * HALF))).status_code == 201


async def test_a_promise_is_moved_without_asking_and_an_old_booking_not_at_all(provider, ada):
    made = (await ada.post("/bookings", wanted())).json()

    moved = await ada.post(f"/bookings/{made['id']}/times", times(LATER + HALF, LATER + 2 * HALF), method="PUT")
    await ada.ask("POST", f"/bookings/{made['id']}/cancel")
    over = await ada.post(f"/bookings/{made['id']}/times", times(), method="PUT")

    assert moved.json()["starts_at"] == "2026-01-05T12:00:00Z"
    assert (over.status_code, over.json()["code"]) == (409, "NOT_CHANGEABLE")
    assert provider.commands("RESERVE") + provider.hub.heard(bookings.post_booking) == []


async def test_a_booking_is_wanted_every_week_or_as_soon_as_something_is_free(provider, ada):
    """GEM-FTR-1318."""
    await provider.offer()
    recurring = {"weekdays": [0], "time": "18:00", "slots": 2, "first": "2026-01-05", "last": "2026-01-20"}
    when = {"earliest": date_time(LATER), "latest": date_time(LATER + 4 * HALF), "slots": 2}

    weekly = await ada.post("/booking-requests", {"place": PLACE, "recurring": recurring})
    soon = await ada.post("/booking-requests", {"place": PLACE, "when_available": when})
    await provider.work()
    both = sorted(await ada.get("/booking-requests"), key=lambda each: each["kind"])
    ended = await ada.ask("DELETE", f"/booking-requests/{weekly.json()['id']}")

    assert [(each["kind"], each["state"]) for each in both] == [("RECURRING", "WAITING"), ("WHEN_AVAILABLE", "DONE")]
    assert both[0]["recurring"] == recurring
    assert [each["starts_at"] for each in (await ada.get("/bookings"))["items"]] == [
        "2026-01-05T11:30:00Z", "2026-01-05T17:00:00Z",
    ]  # fmt: skip
    assert (soon.status_code, ended.status_code) == (201, 204)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.recurring"),
        ({"recurring": {"weekdays": [7], "time": "18:00", "slots": 1, "first": "2026-01-05", "last": "2026-01-05"}},
         "$.recurring.weekdays[0]"),
        ({"recurring": {"weekdays": [1], "time": "18:10", "slots": 1, "first": "2026-01-05", "last": "2026-01-06"}},
         "$.recurring.time"),
        ({"recurring": {"weekdays": [1], "time": "18:00", "slots": 1, "first": "2026-01-32", "last": "2026-01-06"}},
         "$.recurring.first"),
        ({"when_available": {"earliest": NOW, "latest": NOW, "slots": 1}}, "$.when_available.latest"),
    ],
)  # fmt: skip
async def test_a_standing_request_that_cannot_be_kept_names_the_field(provider, ada, body, path):
    await provider.offer()

    refused = await ada.post("/booking-requests", {"place": PLACE} | body)

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, path)


# -- charges ---------------------------------------------------------------------------------------


async def test_a_code_on_the_socket_shows_what_it_is_and_starts_it(provider, ada):
    """RASD-R6, RASD-F04, RASD-UC05, INCAR-UC006."""
    shown = await ada.get("/codes/nl-cpo-e1")

    started = await ada.post("/charges", {"code": "https://emsp.test/c/NL*CPO*E1", "ends_at": shown["latest_end"]})

    assert (shown["place"]["evse_uid"], shown["status"], shown["latest_end"]) == (
        "EVSE1", "AVAILABLE", date_time(NOON + 4 * HALF).replace(".000", ""),
    )  # fmt: skip
    assert (started.status_code, started.json()["state"], started.json()["ends_by"]) == (
        201, "ACCEPTED", shown["latest_end"],
    )  # fmt: skip
    assert len(provider.commands("START")) == 1


async def test_a_code_in_a_browser_says_where_it_is_and_leads_to_the_app(provider):
    page = await provider.stranger().ask("GET", "/c/NL*CPO*E1")
    nothing = await provider.stranger().ask("GET", "/c/NL*CPO*E9")

    assert (page.status_code, "Quay 1" in page.text, "available" in page.text) == (200, True, True)
    assert nothing.status_code == 404


async def test_a_charge_is_seen_as_it_goes_with_its_cost_where_the_cpo_tells_none(provider, ada):
    """RASD-R9: what it costs is what the driver will pay: 2 kWh at 0.40, 0.50 for the start, 21 % VAT."""
    charge = await under_way(provider, ada)
    await provider.clock.advance(360)

    await told(provider, charge, kwh=2)
    seen = await ada.get(f"/charges/{charge['id']}")
    await told(provider, charge, kwh=2, total_cost={"before_taxes": 2})
    after = await ada.get(f"/charges/{charge['id']}")

    assert (seen["state"], seen["kwh"], seen["kw"], seen["seconds"]) == ("CHARGING", 2, 20, 360)
    assert (seen["cost"], seen["currency"], after["cost"]) == (1.57, "EUR", 2.42)
    assert (await ada.get("/charges?live=true"))["items"] == [after]
    assert (await ada.get("/charges?limit=1&cursor=1"))["items"] == []


class Stream:
    """A server-sent stream of the API, read event by event."""

    def __init__(self, caller, path):
        self.texts = asyncio.Queue()
        self.done = asyncio.Event()
        scope = {
            "type": "http", "method": "GET", "path": f"/emsp/api/v1{path}", "raw_path": f"/emsp/api/v1{path}".encode(),
            "query_string": b"", "headers": [(b"authorization", f"Bearer {caller.token}".encode())],
            "client": ("192.0.2.1", 1), "http_version": "1.1", "scheme": "http", "server": ("emsp.test", 80),
        }  # fmt: skip
        self._task = asyncio.create_task(caller.provider.assembly.api(scope, self._receive, self._send))

    async def _receive(self):
        await self.done.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data: "):
                self.texts.put_nowait(httpx.Response(200, text=line[6:]).json())

    async def next(self):
        return await asyncio.wait_for(self.texts.get(), 10)

    async def close(self):
        self.done.set()
        await self._task


async def test_progress_is_streamed_to_its_driver_alone(provider, ada):
    """RASD-R9: kWh, kW, time, state of charge and cost, as the CPO tells them."""
    bob = await provider.driver("bob")
    charge = await under_way(provider, ada)
    hers, his = Stream(ada, "/live-charges"), Stream(bob, "/live-charges")
    first = await hers.next()
    dimensions = [{"type": "POWER", "volume": 11}, {"type": "STATE_OF_CHARGE", "volume": 60}]

    await told(provider, charge, kwh=4, charging_periods=[{"start_date_time": NOW, "dimensions": dimensions}])
    second = await hers.next()
    provider.assembly.leave()
    await his.close()
    await hers.close()

    assert hers.headers[b"content-type"].decode().startswith(MEDIA_TYPE)
    assert (first["id"], first["state"], first["kwh"]) == (charge["id"], "CHARGING", "0")
    assert (second["kwh"], second["kw"], second["soc"], second["currency"]) == ("4", "11", 60, "EUR")
    assert his.texts.empty()


async def test_limits_of_energy_money_and_time_are_set_at_the_start_and_changed_later(provider, ada):
    limits = {"energy_kwh": 20, "cost": 30, "currency": "EUR", "minutes": 90}
    charge = await under_way(provider, ada, limits=limits)

    lower = await ada.ask("PUT", f"/charges/{charge['id']}/limits", json={"energy_kwh": 3})
    await told(provider, charge, kwh=3)
    await provider.work()

    assert (charge["limit_energy_kwh"], charge["limit_cost"], charge["limit_until"]) == (20, 30, "2026-01-05T12:30:00Z")
    assert (lower.json()["limit_energy_kwh"], lower.json()["limit_cost"], lower.json()["limit_until"]) == (3, 50, None)
    assert (await ada.get(f"/charges/{charge['id']}"))["stop_reason"] == "ENERGY_LIMIT"
    assert len(provider.commands("STOP")) == 1


@pytest.mark.parametrize(
    ("limits", "path"),
    [({"cost": 5}, "$.limits.currency"), ({"currency": "EUR"}, "$.limits.cost"),
     ({"cost": 5, "currency": "CHF"}, "$.limits.currency"), ({"energy_kwh": 0}, "$.limits.energy_kwh")],
)  # fmt: skip
async def test_limits_that_cannot_be_kept_name_the_field_and_nothing_starts(provider, ada, limits, path):
    refused = await ada.post("/charges", {"code": "NL*CPO*E1", "limits": limits})
    await provider.work()

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, path)
    assert provider.commands("START") == []
    assert {each.state for each in await provider.assembly.money.till.payments.of(ada.driver_id)} <= {"CANCELLED"}


async def test_preferences_go_to_the_cpo_and_its_answer_to_the_driver(provider, ada):
    charge = await under_way(provider, ada)
    provider.hub.answers[sessions.put_charging_preferences] = Response.of(
        sessions.ChargingPreferencesResponse, "DEPARTURE_REQUIRED"
    )

    answer = await ada.ask("PUT", f"/charges/{charge['id']}/preferences", json={"profile_type": "GREEN"})

    (request,) = provider.hub.heard(sessions.put_charging_preferences)
    assert (answer.json(), request.value) == ({"answer": "DEPARTURE_REQUIRED"}, {"profile_type": "GREEN"})


async def test_a_charge_is_stopped_and_its_bill_is_what_it_costs(provider, ada):
    """RASD-R8, RASD-UC08, INCAR-UC007."""
    charge = await under_way(provider, ada)

    stopped = await ada.ask("POST", f"/charges/{charge['id']}/stop")
    await told(provider, charge, "COMPLETED", kwh=2, end_date_time=date_time(NOON + HALF))

    ended = await ada.get(f"/charges/{charge['id']}")
    assert (stopped.json()["state"], ended["state"], ended["message"]) == ("STOPPING", "ENDED", "You stopped it.")


async def test_a_payment_that_has_to_be_confirmed_answers_with_where(provider):
    rider = await provider.driver(pays="sim_3ds")

    refused = await rider.post("/charges", {"code": "NL*CPO*E1", "return_url": "https://app.example/on"})

    problem = refused.json()
    limited = await rider.ask("PUT", f"/charges/{problem['charge_id']}/limits", json={"energy_kwh": 3})
    assert (refused.status_code, problem["code"]) == (402, "PAYMENT_OPEN")
    assert (limited.status_code, limited.json()["code"]) == (409, "NOT_YET")
    assert problem["action_url"].startswith("https://payments.example/confirm/")
    assert (await rider.get(f"/charges/{problem['charge_id']}"))["state"] == "PAYING"
    assert (await rider.ask("POST", f"/charges/{problem['charge_id']}/stop")).json()["state"] == "FAILED"


async def test_all_of_charging_is_described(provider):
    described = await provider.stranger().get("/openapi.json")

    start = described["paths"]["/charges"]["post"]
    assert {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}} in start[
        "parameters"
    ]
    assert "action_url" in start["description"]


async def test_a_payment_method_forgotten_twice_is_not_there_the_second_time(ada):
    (method,) = await ada.get("/payment-methods")

    answers = [await ada.ask("DELETE", f"/payment-methods/{method['id']}") for _ in range(2)]

    assert [each.status_code for each in answers] == [204, 404]


async def test_a_list_without_pages_comes_as_csv_too(provider, ada):
    await under_way(provider, ada)

    answer = await ada.ask("GET", "/bills?format=csv")

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/csv")
