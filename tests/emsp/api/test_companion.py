"""What a driver is told, how he wants to be told, and his favourites, over HTTP."""

import pytest

from hub.emsp.api.routes.companion import CompanionRoutes
from hub.emsp.companion.favourites import Favourites
from hub.emsp.companion.needs import Station
from hub.emsp.companion.notifier import Notifier
from hub.emsp.companion.preferences import PreferenceStore
from hub.emsp.companion.subscriptions import Subscriptions
from hub.emsp.search.geometry import Point
from tests.clocks import ManualClock
from tests.emsp.api.conftest import Caller, Provider
from tests.emsp.companion.people import Said, Town

PLACE = Station(owner="NL-CPO", location_id="LOC1", name="Harbour", point=Point(52.37, 4.89))


@pytest.fixture
async def scene(database):
    clock = ManualClock()
    notifier = Notifier(database, clock=clock)
    routes = CompanionRoutes(
        notifier=notifier, preferences=PreferenceStore(database), subscriptions=Subscriptions(database),
        favourites=Favourites(database, clock=clock), stations=Town(PLACE),
    )  # fmt: skip
    made = Provider(database, clock, routes=(routes,))
    made.notifier = notifier
    made.anna, made.ben = Caller(made.api, "driver-anna"), Caller(made.api, "driver-ben")
    yield made
    for each in (made.anna, made.ben):
        await each.http.aclose()


async def test_a_driver_reads_what_he_was_told_page_by_page_and_nobody_else_does(scene):
    """RASD-R10."""
    for number in range(3):
        said = Said(key=str(number), event="CHARGE_ENDED", driver_id="anna", text=f"Charge {number} has ended.")
        await scene.notifier.tell(said)

    first = await scene.anna.get("/notifications?limit=2")
    second = await scene.anna.get(f"/notifications?limit=2&cursor={first['next']}")
    others = await scene.ben.get("/notifications")

    assert [each["text"] for each in first["items"] + second["items"]] == [
        f"Charge {number} has ended." for number in (2, 1, 0)
    ]
    assert (second["next"], others["items"]) == (None, [])
    read = f"/notifications/{first['items'][0]['id']}/read"
    assert (await scene.ben.ask("POST", read)).status_code == 404
    assert (await scene.anna.ask("POST", read)).status_code == 204
    assert (await scene.anna.get("/notifications?limit=1"))["items"][0]["read_at"] is not None


async def test_a_driver_chooses_how_he_is_told_and_a_bad_choice_names_its_field(scene):
    chosen = {
        "channels": {"BOOKING": ["SMS"]}, "waits": {}, "quiet": {"start": "22:00", "end": "07:00"},
        "zone": "Europe/Amsterdam", "language": "nl",
    }  # fmt: skip

    kept = await scene.anna.ask("PUT", "/notification-preferences", json=chosen)
    refused = await scene.anna.ask("PUT", "/notification-preferences", json={"zone": "Europe/Atlantis"})

    assert (kept.status_code, await scene.anna.get("/notification-preferences")) == (200, chosen)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"] == [{"path": "$.zone", "rule": "is no time zone such as Europe/Amsterdam"}]


async def test_a_driver_marks_a_station_that_is_there(scene):
    marked = await scene.anna.ask("PUT", "/favourites/nl-cpo/loc1", json={"name": "Mine"})
    nowhere = await scene.anna.ask("PUT", "/favourites/NL-CPO/LOC9", json={"name": "Mine"})

    assert (marked.status_code, nowhere.status_code) == (204, 404)
    assert (await scene.anna.get("/favourites"))["items"] == [
        {"owner": "NL-CPO", "location_id": "LOC1", "name": "Mine"}
    ]
    assert (await scene.ben.get("/favourites"))["items"] == []
    assert (await scene.anna.ask("DELETE", "/favourites/NL-CPO/LOC1")).status_code == 204
    assert (await scene.anna.ask("DELETE", "/favourites/NL-CPO/LOC1")).status_code == 404
