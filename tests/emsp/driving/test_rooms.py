"""The rooms of the provider put together: what one of them decides, the others know."""

import datetime
from decimal import Decimal

import pytest

from hub.api.problems import Conflict
from hub.emsp.api.scopes import Scope
from hub.emsp.charging.cases import cases
from hub.emsp.drivers.classes import DriverClass
from hub.emsp.drivers.forms import VehicleForm
from hub.emsp.drivers.judging import Denied
from hub.emsp.money.ports import Status
from hub.ocpi.modules import cdrs, tokens
from hub.ocpi.times import date_time
from tests.emsp.charging.world import HALF, NOON, SPOT, refusal
from tests.rooms import CPO, ask, tariff

HOUR = datetime.timedelta(hours=1)


def cdr(rider_token, *, kwh=10, start=NOON, end=NOON + HOUR, **changes):
    """Return the CDR of a charge at 0.40 a kWh and 0.50 for the start, with 20 % tax."""
    net = Decimal("0.4") * kwh + Decimal("0.5")
    dimensions = [{"type": "ENERGY", "volume": kwh}, {"type": "TIME", "volume": 1}]
    return {
        "country_code": "NL", "party_id": "CPO", "id": "C1", "start_date_time": date_time(start),
        "end_date_time": date_time(end), "session_id": "S1", "auth_method": "COMMAND", "currency": "EUR",
        "total_cost": {"before_taxes": net, "taxes": [{"name": "VAT", "amount": net / 5}]}, "total_energy": kwh,
        "total_time": 1, "tariffs": [tariff()],
        "cdr_token": {name: rider_token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")},
        "cdr_location": {
            "id": "LOC1", "address": "Quay 1", "city": "Testford", "country": "NLD", "evse_uid": "EVSE1",
            "evse_id": "NL*CPO*E1", "coordinates": {"latitude": "52.373100", "longitude": "4.892200"},
            "connector_id": "1", "connector_standard": "IEC_62196_T2_COMBO", "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "charging_periods": [{"start_date_time": date_time(start), "dimensions": dimensions, "tariff_id": "T1"}],
        "last_updated": date_time(end),
    } | changes  # fmt: skip


async def charged(provider, charge, **changes):
    """Have a charge take place: an hour, 10 kWh, and its CDR."""
    kwh = changes.get("kwh", 10)
    names = {"uid": charge.token["uid"], "kind": charge.token["type"], "reference": charge.reference}
    start = date_time(NOON)
    await provider.session(start_date_time=start, **names)
    await provider.clock.advance(3600)
    await provider.session(
        "COMPLETED", kwh=10, start_date_time=start, end_date_time=date_time(NOON + HOUR), **names
    )  # fmt: skip
    value = cdr(charge.token, **{"kwh": kwh} | changes)
    await provider.emsp(ask(cdrs.post_cdr, value, sender=CPO))
    seen = await provider.charge(charge.id)
    await provider.work()
    return seen


async def test_a_charge_is_paid_for_before_it_starts_and_charged_what_its_cdr_says(provider):
    """RASD-F09: the hold stands under the charge's id; the bill is what the driver pays."""
    rider = await provider.driver()
    charge = await provider.charging.charges.start(rider.driver_id, SPOT)
    (held,) = await provider.assembly.money.till.payments.of(rider.driver_id)

    seen = await charged(provider, charge)

    (paid,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    billed = await provider.charge(charge.id)
    assert (held.subject, held.state, held.amount) == (charge.id, "AUTHORISED", 5_000)
    assert (paid.state, paid.captured) == ("CAPTURED", 545)  # 4.50 and the 21 % of the Netherlands
    assert (billed.state, billed.cost, billed.currency) == ("BILLED", 545, "EUR")
    assert (seen.state, seen.cost) == ("BILLED", 545), "what he sees before it is paid is what he pays"
    assert await cases(provider.emsp.store.database) == []


async def test_a_charge_that_did_not_begin_gives_back_what_was_set_aside(provider):
    rider = await provider.driver()
    charge = await provider.charging.charges.start(rider.driver_id, SPOT)

    await provider.result(charge.id, "TIMEOUT")
    await provider.work()

    (payment,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    assert payment.state == "CANCELLED"


async def test_a_payment_that_has_to_be_confirmed_keeps_the_place_and_goes_on(provider):
    """RASD-R7: 3-D Secure; the second tap starts the same charge."""
    rider = await provider.driver(pays="sim_3ds")
    desk = provider.charging.charges

    refused = await refusal(desk.on_the_fly(rider.driver_id, SPOT, NOON + HALF, key="1"))
    again = await refusal(desk.on_the_fly(rider.driver_id, SPOT, NOON + HALF, key="2"))
    (payment,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    await provider.assembly.money.till.webhook(*provider.gateway.happen(payment.reference, Status.AUTHORISED))
    charge = await desk.on_the_fly(rider.driver_id, SPOT, NOON + HALF, key="3")

    assert (refused.code, refused.values["url"]) == ("PAYMENT_OPEN", again.values["url"])
    assert (charge.id, charge.state) == (refused.values["charge_id"], "ACCEPTED")
    assert len(provider.commands("START")) == 1


async def test_a_payment_nobody_confirms_gives_the_place_back(provider):
    rider = await provider.driver(pays="sim_3ds")
    refused = await refusal(provider.charging.charges.start(rider.driver_id, SPOT))

    await provider.wait(minutes=16)
    await provider.work()

    charge = await provider.charge(refused.values["charge_id"])
    (payment,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    assert (charge.state, charge.outcome, charge.place) == ("FAILED", "NOT_PAID", None)
    assert payment.state == "CANCELLED"
    assert provider.commands("START") == []


async def test_a_bill_that_does_not_agree_is_a_case_until_its_dispute_is_decided(provider):
    """X-56: not billed as is."""
    rider = await provider.driver()
    till = provider.assembly.money.till
    charge = await provider.charging.charges.start(rider.driver_id, SPOT)
    await charged(provider, charge, kwh=90)
    (case,) = await cases(provider.emsp.store.database)

    (dispute,) = await till.disputes.list()
    await till.settling.reject(dispute, "no")
    await provider.work()

    (payment,) = await till.payments.of(rider.driver_id)
    (closed,) = await cases(provider.emsp.store.database, closed=True)
    assert (case.kind, case.subject, case.detail) == ("CDR_DISPUTED", "NL-CPO/C1", {"charge_id": charge.id})
    assert closed.note == "The CDR is rejected."
    assert payment.state == "CANCELLED"


async def test_a_cpo_that_asks_hears_of_no_credit_but_for_what_is_paid_for(provider):
    """X-12, X-59: NO_CREDIT; a charge that was ordered has its money set aside."""
    poor = await provider.driver("bob", pays=None)
    (card,) = [each for each in await provider.assembly.drivers.tokens.of_driver(poor.driver_id) if each.type == "RFID"]

    async def asked(token):
        request = ask(tokens.authorize, sender=CPO, query=f"type={token['type']}", token_uid=token["uid"])
        return (await provider.emsp(request)).value["allowed"]

    first = await asked({"uid": card.uid, "type": "RFID"})
    await provider.assembly.money.till.save_method(poor.driver_id, "sim_ok", return_url="https://app.example")
    charge = await provider.charging.charges.start(poor.driver_id, SPOT)
    for method in await provider.assembly.money.till.methods.of(poor.driver_id):
        await provider.assembly.money.till.forget_method(poor.driver_id, method.id)

    assert (first, await asked(charge.token)) == ("NO_CREDIT", "ALLOWED")


async def test_drivers_charge_where_their_class_and_the_agreements_allow(provider):
    """X-41."""
    rider = await provider.driver(driver_class="fleet")
    desk, charges = provider.assembly.drivers, provider.charging.charges
    database = desk.store.database
    await database.transact(lambda tx: desk.classes.put(tx, DriverClass(name="fleet", countries=["DEU"])))

    elsewhere = await refusal(charges.start(rider.driver_id, SPOT))
    await database.transact(lambda tx: desk.classes.remove(tx, "fleet"))
    await database.transact(lambda tx: desk.agreements.say(tx, "NL-CPO", allowed=False))
    without = await refusal(charges.start(rider.driver_id, SPOT))

    assert (elsewhere.code, without.code) == ("NO_AGREEMENT", "NO_AGREEMENT")
    assert provider.commands("START") == []


@pytest.mark.parametrize("asker", ["driver", "machine"])
async def test_search_and_detail_say_what_the_contract_does_not_let_a_driver_use(provider, asker):
    """X-41, X-43: before he goes there; of a machine's caller only the agreements are known."""
    rider = await provider.driver(driver_class="fleet")
    caller = rider if asker == "driver" else await provider.operator(Scope.CHARGERS_READ)
    staff = await provider.operator(Scope.DRIVERS_WRITE)
    desk = provider.assembly.drivers
    database, here = desk.store.database, "near=52.3731,4.8922"

    async def asked():
        """Return what search and detail mark, what the wish leaves, and what authorization says."""
        everything = (await caller.get(f"/search?{here}"))["items"]
        detail = await caller.get("/locations/NL/CPO/LOC1")
        wished = await caller.get(f"/search?{here}&accepted=true")
        marked = {detail["accepted"], *(each["accepted"] for each in everything)}
        return marked, len(wished["items"]), [each["wishes"] for each in wished["reasons"]], await judged()

    async def judged():
        try:
            await desk.judge.allow(rider.driver_id, CPO, "LOC1", "EVSE1")
        except Denied:
            return False
        return True

    before = await asked()
    await database.transact(lambda tx: desk.classes.put(tx, DriverClass(name="fleet", countries=["DEU"])))
    elsewhere = await asked()
    await database.transact(lambda tx: desk.classes.remove(tx, "fleet"))
    assert (await staff.ask("PUT", "/agreements/NL-CPO", json={"allowed": False})).status_code == 204
    without = await asked()

    free, shut = ({True}, 2, []), ({False}, 0, [["accepted"]])
    assert before == (*free, True)
    assert elsewhere == (*(shut if asker == "driver" else free), False)
    assert without == (*shut, False)


async def test_where_nothing_can_be_booked_what_is_promised_to_nobody_is_found_free(provider):
    """X-40: RESERVE_NOW is a promise; another driver finds what is left, and that nobody keeps it."""
    ada, bob = await provider.driver("ada"), await provider.driver("bob")
    start, end = NOON + 2 * HOUR, NOON + 3 * HOUR
    body = {"owner": "NL-CPO", "location_id": "LOC1", "evse_uid": "EVSE1"}
    made = await ada.post("/bookings", {"place": body, "starts_at": date_time(start), "ends_at": date_time(end)})
    assert made.status_code == 201, made.text

    async def free(at):
        found = await bob.get("/search", params={"near": "52.3731,4.8922", "free_at": date_time(at)})
        return sorted((each["evse_uid"], each["bookable"]) for each in found["items"])

    assert await free(start + HALF / 2) == [("EVSE2", False)]
    assert await free(end) == [("EVSE1", False), ("EVSE2", False)]


async def test_prices_and_sockets_are_for_the_drivers_own_vehicle_unless_he_says_otherwise(provider):
    """GEM-FTR-918: battery, connectors and power."""
    rider, other = await provider.driver(), await provider.driver("bob")
    garage, where = provider.assembly.drivers.garage, {"near": "52.3731,4.8922"}
    typed = {"plate_country": "NL", "battery_kwh": Decimal(10), "max_ac_kw": Decimal(4), "max_dc_kw": Decimal(40)}
    small = await garage.bring(
        rider.driver_id, VehicleForm(plate="AB-123-C", name="Small", connectors=["IEC_62196_T2_COMBO"], **typed)
    )
    await provider.clock.advance(1)
    old = await garage.bring(
        rider.driver_id, VehicleForm(plate="AB-124-C", name="Old", connectors=["CHADEMO"], **typed)
    )

    async def asked(who, **more):
        """Return hours and price of the nearest; else why there is none."""
        answer = await who.get("/search", params=where | more)
        found = [(each["hours"], each["price"]["amount"]) for each in answer["items"][:1]]
        return found or answer["reasons"][0]["wishes"]

    assert await asked(rider) == await asked(rider, vehicle_id=small.id) == [(0.25, 5.45)]
    assert await asked(rider, vehicle_id=old.id) == ["standards"]
    assert await asked(rider, kwh=20, most_dc=50_000) == [(0.4, 10.29)]
    assert await asked(rider, vehicle_id="none") == await asked(other) == [(0.4, 10.29)]
    detail = await rider.get("/locations/NL/CPO/LOC1")
    assert {each["price"]["amount"] for group in detail["groups"] for each in group["sockets"]} == {5.45}
    refused = await other.ask("GET", "/search", params=where | {"vehicle_id": small.id})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "query.vehicle_id")


async def test_a_driver_who_leaves_takes_all_that_names_him_and_not_before_he_has_stopped(provider):
    """DD-C-GDPR: articles 17 and 20."""
    rider = await provider.driver(phones=["+31600000001"])
    privacy = provider.assembly.drivers.privacy
    await provider.charging.sms.received("M1", "+31600000001", "START NL*CPO*E1")
    (charge,) = await provider.charging.charges.all_of(rider.driver_id)
    with pytest.raises(Conflict):
        await privacy.erase(rider.driver_id)
    await charged(provider, charge)

    known = await privacy.export(rider.driver_id)
    await privacy.erase(rider.driver_id)

    database = provider.emsp.store.database
    assert known["charging"]["charges"][0]["phone"] == "+31600000001"
    assert known["money"]["receipts"]
    assert (await provider.charge(charge.id)).phone is None
    assert await database.fetch("SELECT id FROM emsp_sms") == []
    assert await database.fetch("SELECT id FROM emsp_charge_notice") == []


@pytest.mark.parametrize("ends", [False, True], ids=["an accepted stop is all", "its CDR never comes"])
async def test_nobodys_money_is_set_aside_for_good_and_a_bill_that_comes_late_is_still_charged(provider, ends):
    """X-21, X-22: a case first; then the charge is given up, its driver told, and he may start there again."""
    rider = await provider.driver()
    charge = await provider.charging.charges.start(rider.driver_id, SPOT)
    names = {"uid": charge.token["uid"], "kind": charge.token["type"], "reference": charge.reference}
    told = {"start_date_time": date_time(NOON), **names}
    await provider.session(kwh=10, **told)
    await provider.charging.stopping.stop(rider.driver_id, charge.id)
    if ends:
        await provider.session("COMPLETED", kwh=10, end_date_time=date_time(NOON + HOUR), **told)

    await provider.wait(hours=25)
    (case,) = await cases(provider.emsp.store.database)
    await provider.wait(hours=24 * 7 - 26)
    kept = await provider.charge(charge.id)
    await provider.wait(hours=1)
    await provider.work()
    await provider.wait(hours=25)
    given_up = await provider.charge(charge.id)
    (released,) = await provider.assembly.money.till.payments.of(rider.driver_id)
    await provider.emsp(ask(cdrs.post_cdr, cdr(charge.token), sender=CPO))
    await provider.work()

    billed, payments = await provider.charge(charge.id), await provider.assembly.money.till.payments.of(rider.driver_id)
    assert case.kind == ("CDR_MISSING" if ends else "STOP_MISSING")
    assert (kept.state, kept.held) == ("ENDED" if ends else "STOPPING", True)
    assert (given_up.state, given_up.outcome, given_up.held, given_up.place) == ("ENDED", "NO_NEWS", False, None)
    assert released.state == "CANCELLED"
    assert (await provider.events(rider.driver_id)).count("CHARGE_UNHEARD") == 1
    assert (billed.state, sorted(each.captured for each in payments)) == ("BILLED", [0, 545])
    assert await cases(provider.emsp.store.database) == []


@pytest.mark.parametrize(("made", "kinds"), [(True, ["CDR_DISPUTED"]), (False, ["ORDER_MISSING", "CDR_DISPUTED"])])
async def test_a_charge_with_a_token_made_by_hand_is_one_case_the_bill_nobody_pays(provider, made, kinds):
    """SGEM-4.1-17: what its staff put on the shelf the provider knows, and its Session is there when the CDR comes."""
    if made:
        await provider.emsp.orders()["emsp.put_token"]({"uid": "CARD-OF-MINE"})
    token = {"country_code": "DE", "party_id": "EMP", "uid": "CARD-OF-MINE", "type": "RFID", "contract_id": "C"}

    await provider.session(uid="CARD-OF-MINE", kind="RFID", start_date_time=date_time(NOON))
    await provider.emsp(ask(cdrs.post_cdr, cdr(token), sender=CPO))
    await provider.work()

    assert [each.kind for each in await cases(provider.emsp.store.database)] == kinds
