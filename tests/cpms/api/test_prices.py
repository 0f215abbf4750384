"""Tariffs, special offers and corrections of CDRs over the operator API."""

import pytest

from hub.api.audit import AuditLog
from hub.cpms.api.routes.credits import CreditRoutes
from hub.cpms.api.routes.offers import OfferRoutes
from hub.cpms.api.routes.tariffs import TariffRoutes
from hub.cpms.crediting import Crediting
from hub.cpms.store import Store
from hub.cpms.tariffs.room import TariffRoom
from tests.cpms.api.conftest import House
from tests.cpms.test_cdrs import made
from tests.rooms import CPO, location

DAY = {
    "id": "DAY", "currency": "EUR", "tax_included": "NO",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.3, "vat": 20, "step_size": 1}]}],
}  # fmt: skip
PLACE = {"group_id": "", "location_id": "LOC1", "evse_uid": "", "connector_id": ""}
CHARGE = {"start": "2026-01-05T10:00:00Z", "kwh": 10, "minutes": 60}


@pytest.fixture
async def house(database, clock):
    store = Store(database, CPO)
    room = TariffRoom(store, clock=clock.now)
    bare = location()
    del bare["evses"][0]["connectors"][0]["tariff_ids"]

    async def work(tx):
        await store.put_for_everyone(tx, store.locations, bare)
        await store.put_for_provider(tx, store.cdrs, made())

    await database.transact(work)
    routes = (TariffRoutes(room), OfferRoutes(room.offers), CreditRoutes(Crediting(store, clock=clock.now)))
    found = House(database, clock, routes)
    found.store = store
    yield found
    await found.feed.stop()


async def test_a_tariff_is_made_changed_assigned_and_removed(admin):
    """DD-R8."""
    view = await admin.post("/tariffs", {"tariff": DAY, "note": "new"})
    assert view["tariff"] | {"last_updated": ""} == DAY | {"country_code": "NL", "party_id": "CPO", "last_updated": ""}

    placed = await admin.ask("PUT", "/tariffs/DAY/places", json={"targets": [{"location_id": "LOC1"}]})
    assert placed.json()["places"] == [PLACE]

    dearer = {"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}]}
    changed = await admin.ask("PUT", "/tariffs/DAY", json={"tariff": DAY | {"elements": [dearer]}})
    assert changed.json()["tariff"]["elements"] == [dearer]
    assert [each["tariff"]["id"] for each in (await admin.get("/tariffs"))["items"]] == ["DAY"]

    assert (await admin.ask("DELETE", "/tariffs/DAY")).status_code == 204
    assert (await admin.ask("GET", "/tariffs/DAY")).status_code == 404
    versions = (await admin.get("/tariffs/DAY/versions"))["items"]
    assert [(each["version"], each["note"], each["made_by"]) for each in versions] == [
        (1, "new", "admin@cpo.test"), (2, "", "admin@cpo.test"),
    ]  # fmt: skip
    assert versions[-1]["applies_until"] is not None
    first = await admin.get("/tariffs/DAY/versions", params={"limit": 1})
    rest = await admin.get("/tariffs/DAY/versions", params={"limit": 1, "cursor": first["next"]})
    assert ([each["version"] for each in first["items"] + rest["items"]], rest["next"]) == ([1, 2], None)


async def test_what_costs_money_asks_for_the_password_again(house):
    finance = await house.staff("finance")

    answer = await finance.ask("POST", "/tariffs", json={"tariff": DAY})

    assert answer.status_code == 403
    assert (await finance.ask("GET", "/tariffs")).status_code == 200


async def test_a_change_somebody_else_made_meanwhile_is_not_overwritten(admin):
    await admin.post("/tariffs", {"tariff": DAY})

    answer = await admin.ask("PUT", "/tariffs/DAY", json={"tariff": DAY}, headers={"If-Match": '"old"'})

    assert answer.status_code == 412


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tariff": DAY | {"currency": "EURO"}}, "body.tariff.currency"),
        ({"tariff": DAY, "provider": "DEEMP1"}, "body.provider"),
    ],
)
async def test_what_is_wrong_with_a_tariff_is_named(admin, body, path):
    answer = await admin.ask("POST", "/tariffs", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


async def test_a_preview_tells_what_a_charge_would_cost_and_why(house, admin):
    await admin.post("/tariffs", {"tariff": DAY})
    viewer = await house.staff("viewer")

    bill = await viewer.post("/tariffs/DAY/preview", CHARGE, 200)
    tried = await viewer.post("/tariffs/DAY/preview", CHARGE | {"tariff": DAY | {"tax_included": "N/A"}}, 200)

    assert bill["total_cost"] == {"before_taxes": 3.0, "taxes": [{"name": "VAT", "percentage": 20, "amount": 0.6}]}
    assert bill["lines"][0]["rule"].startswith("10 kWh ENERGY of the charging session at 0.3/kWh; elements[0]")
    assert tried["total_cost"] == {"before_taxes": 3.0}


async def test_a_preview_in_an_unknown_time_zone_is_refused(admin):
    await admin.post("/tariffs", {"tariff": DAY})

    answer = await admin.ask("POST", "/tariffs/DAY/preview", json=CHARGE | {"time_zone": "Mars/Base"})

    assert answer.json()["errors"][0]["path"] == "body.time_zone"


async def test_the_version_that_applied_at_a_moment_is_found(admin, clock):
    await admin.post("/tariffs", {"tariff": DAY})
    at = clock.now().isoformat()

    found = await admin.get("/tariffs/DAY/versions", params={"at": at})
    before = await admin.get("/tariffs/DAY/versions", params={"at": "2025-01-01T00:00:00Z"})

    assert [each["version"] for each in found["items"]] == [1]
    assert before["items"] == []
    assert (await admin.ask("GET", "/tariffs/NONE/versions")).status_code == 404


async def test_stations_are_grouped_and_priced_together(admin):
    await admin.post("/tariffs", {"tariff": DAY})

    group = await admin.ask("PUT", "/station-groups/CITY", json={"members": [{"location_id": "LOC1"}]})
    placed = await admin.ask("PUT", "/tariffs/DAY/places", json={"targets": [{"group_id": "CITY"}]})

    assert group.json() == await admin.get("/station-groups/CITY") == {"members": [PLACE]}
    assert placed.json()["places"][0]["group_id"] == "CITY"
    assert (await admin.ask("GET", "/station-groups/NONE")).status_code == 404
    for path, targets in (
        ("/station-groups/CITY", {"members": [{"group_id": "CITY"}]}),
        ("/tariffs/DAY/places", {"targets": [{"connector_id": "1"}]}),
        ("/tariffs/DAY/places", {"targets": [{"location_id": "NONE"}]}),
    ):
        assert (await admin.ask("PUT", path, json=targets)).status_code == 422


async def test_an_offer_is_made_and_canceled(admin, clock):
    """RASD-R23, RASD-R31."""
    await admin.post("/tariffs", {"tariff": DAY})
    await admin.ask("PUT", "/tariffs/DAY/places", json={"targets": [{"location_id": "LOC1"}]})
    said = {
        "name": "Weekend", "begins": clock.now().isoformat(), "ends": "2026-02-01T00:00:00Z",
        "targets": [{"location_id": "LOC1"}], "percent": 10,
    }  # fmt: skip

    made_ = await admin.post("/offers", said)
    running = await admin.get(f"/offers/{made_['id']}")
    canceled = await admin.post(f"/offers/{made_['id']}/cancel", None, 200)

    assert (made_["state"], running["state"], canceled["state"]) == ("RUNNING", "RUNNING", "CANCELED")
    assert [each["id"] for each in (await admin.get("/offers"))["items"]] == [made_["id"]]
    assert (await admin.ask("POST", f"/offers/{made_['id']}/cancel")).status_code == 409
    assert (await admin.ask("GET", "/offers/NONE")).status_code == 404
    assert (await admin.ask("POST", "/offers", json=said | {"percent": 0})).json()["errors"][0][
        "path"
    ] == "body.percent"


async def test_a_wrong_cdr_is_credited_and_corrected(admin, house):
    """X-72."""
    answer = await admin.post("/cdrs/S1/correction", {"changes": {"remark": "wrong meter"}})

    assert answer["credit"]["id"] == "S1-C"
    assert answer["cdr"]["remark"] == "wrong meter"
    assert await admin.post("/cdrs/S1/credit", None, 200) == answer["credit"]
    assert len(await house.store.cdrs.all()) == 3
    assert (await admin.ask("POST", "/cdrs/S1-C/credit")).status_code == 409
    assert (await admin.ask("POST", "/cdrs/NONE/credit")).status_code == 404
    assert (await admin.ask("POST", "/cdrs/NONE/correction", json={"changes": {}})).status_code == 404
    assert (await admin.ask("POST", "/cdrs/S1/correction", json={"changes": {}})).status_code == 409
    refused = await admin.ask("POST", "/cdrs/S1/correction", json={"changes": {"id": "S9"}})
    assert refused.json()["errors"][0]["path"] == "body.changes.id"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/tariffs/DAY", {"tariff": DAY | {"currency": "CHF"}}),
        ("PUT", "/tariffs/DAY/places", {"targets": [{"location_id": "LOC1"}]}),
        ("PUT", "/station-groups/G", {"members": [{"location_id": "LOC1"}]}),
        ("DELETE", "/tariffs/DAY", None),
        ("POST", "/cdrs/S1/credit", None),
        ("POST", "/cdrs/S1/correction", {"changes": {"remark": "x"}}),
    ],
)
async def test_what_the_audit_log_does_not_take_does_not_happen(admin, house, monkeypatch, method, path, body):
    """The row and the change are one transaction."""
    await admin.post("/tariffs", {"tariff": DAY})

    async def state():
        rows = await house.store.database.fetch("SELECT kind, object_id, document FROM cpms_object ORDER BY seq")
        places = await house.store.database.fetch("SELECT location_id FROM cpms_tariff_place")
        groups = await house.store.database.fetch("SELECT group_id FROM cpms_station_group")
        return rows, places, groups

    async def full(*_):
        raise RuntimeError("the audit log is gone")

    before = await state()
    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "add", full)
        refused = await admin.ask(method, path, json=body)
    assert refused.status_code == 500
    assert await state() == before

    done = await admin.ask(method, path, json=body)

    assert done.status_code < 300
    assert await state() != before
