"""A CDR is checked before anybody pays for it, booked once, and what differs is contested, not charged."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.cpms.cdrs import credit
from hub.emsp.money.charges import State
from hub.emsp.money.errors import NotDecidable
from hub.emsp.money.payments import State as PaymentState
from hub.emsp.money.retail import Margin, RetailPrices
from tests.cpms.test_sessions import cost_of
from tests.emsp.money.conftest import AT, eur
from tests.rooms import CPO, tariff


async def findings(desk):
    (dispute,) = await desk.till.disputes.list()
    return [(each["fault"], each["path"]) for each in dispute.findings]


async def secured(desk, **changes):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    return await desk.charged(**changes)


async def altered(desk, **changes):
    """Keep a CDR of a known session that says something else."""
    await desk.session()
    return await desk.keep(cost_of(tariff()) | {"authorization_reference": "REF"} | changes)


async def test_a_cdr_is_booked_once_however_often_it_is_judged(desk):
    """RASD-R9, SGEM-4.1-15."""
    cdr = await secured(desk)

    await desk.work()
    await desk.till.settling.judge(CPO, cdr)
    desk.another()
    await desk.work()

    assert (await desk.balances())["revenue"] == -850
    assert len(await desk.till.receipts.of("anna")) == 1
    assert desk.ears.events.count("CHARGE_BILLED") == 1


async def test_the_driver_is_told_what_was_charged_with_its_energy(desk):
    """GEM-FTR-951, INCAR-AC03."""
    await secured(desk)

    await desk.work()

    billed = desk.ears.told[0]
    assert billed.text == "You charged 20 kWh at Quay 1, Testford: 10.29 EUR. Receipt R-2026-000001."
    assert billed.data["kwh"] == "20"


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"total_energy": 25}, ("ENERGY", "$.total_energy")),
        ({"total_energy": -1}, ("ENERGY", "$.total_energy")),
        (
            {"end_date_time": "2026-01-01T12:59:00Z", "start_date_time": "2026-01-01T12:58:30Z"},
            ("TIMES", "$.total_time"),
        ),
        ({"end_date_time": "2026-01-02T13:00:00Z"}, ("TIMES", "$.end_date_time")),
        ({"start_date_time": "2025-12-24T12:00:00Z"}, ("TIMES", "$.start_date_time")),
        ({"total_cost": {"before_taxes": Decimal("9.5")}}, ("PRICE", "$.total_cost.before_taxes")),
        ({"total_cost": {"before_taxes": Decimal("-8.5")}}, ("PRICE", "$.total_cost.before_taxes")),
        (
            {"total_cost": {"before_taxes": Decimal("8.5"), "taxes": [{"name": "VAT", "amount": Decimal("3")}]}},
            ("PRICE", "$.total_cost.taxes"),
        ),
        ({"tariffs": []}, ("UNPRICEABLE", "$.tariffs")),
        ({"session_id": "OTHER", "authorization_reference": None}, ("UNKNOWN_SESSION", "$.session_id")),
        (
            {"cdr_token": {"country_code": "DE", "party_id": "EMP", "uid": "X", "type": "RFID", "contract_id": "C"}},
            ("UNKNOWN_TOKEN", "$.cdr_token.uid"),
        ),
    ],
)
async def test_a_cdr_that_is_not_plausible_is_contested_and_nobody_is_charged(desk, changes, finding):
    """X-56, X-72, SGEM-4.1-17: not billed as is."""
    await altered(desk, **changes)

    await desk.work()

    balances = await desk.balances()
    assert finding in await findings(desk)
    assert await desk.till.charges.of("anna") == []
    assert set(balances) <= {"disputed", "cpo/NL-CPO"}


async def test_a_difference_within_the_tolerance_is_no_dispute(desk):
    await altered(desk, total_cost={"before_taxes": Decimal("8.55")}, total_energy=Decimal("20.05"))

    await desk.work()

    assert await desk.till.disputes.list() == []


async def test_a_country_without_a_vat_rate_is_contested(desk):
    place = cost_of(tariff())["cdr_location"] | {"country": "ATA"}
    await altered(desk, cdr_location=place)

    await desk.work()

    assert await findings(desk) == [("VAT_UNKNOWN", "$.cdr_location.country")]


async def test_what_is_wrong_is_written_to_the_log(desk, caplog):
    """X-56: logged."""
    await altered(desk, total_energy=25)

    await desk.work()

    assert "CDR NL-CPO/S1 is not billed: $.total_energy: 25 kWh, but its charging periods have 20" in caplog.text


async def test_a_second_cdr_of_a_session_is_a_duplicate(desk):
    await secured(desk)
    await desk.work()

    await desk.keep(cost_of(tariff()) | {"id": "AGAIN", "authorization_reference": "REF"})
    await desk.work()

    assert ("DUPLICATE", "$.session_id") in await findings(desk)
    assert (await desk.balances())["revenue"] == -850


async def test_a_dispute_that_is_accepted_is_booked_and_paid(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await altered(desk, total_cost={"before_taxes": Decimal("9.5")})
    await desk.work()
    (dispute,) = await desk.till.disputes.list("OPEN")

    await desk.till.settling.accept(dispute, "the operator is right")
    await desk.work()

    balances = await desk.balances()
    assert (await desk.till.charges.get("REF")).state is State.PAID
    assert (balances["revenue"], balances["cpo/NL-CPO"]) == (-950, -950)
    assert "disputed" not in balances
    with pytest.raises(NotDecidable):
        await desk.till.settling.accept(dispute, "again")


@pytest.mark.parametrize("from_wallet", [True, False], ids=["wallet", "method"])
async def test_a_dispute_nobody_decides_keeps_no_money_for_good_and_one_that_is_accepted_then_is_paid(
    desk, from_wallet
):
    """What stays set aside is free after a month, and its driver is told; another driver's is not touched."""
    await (desk.filled("40") if from_wallet else desk.save())
    await desk.till.secure("anna", "REF", eur("25"))
    await altered(desk, total_cost={"before_taxes": Decimal("9.5")})
    await desk.pass_time(days=29)
    before = (await desk.till.charges.get("REF")).state
    await desk.pass_time(days=2)
    await desk.work()
    after, held = (await desk.till.charges.get("REF")).state, (await desk.till.wallets.of("anna", "EUR")).held

    (dispute,) = await desk.till.disputes.list("OPEN")
    await desk.till.settling.accept(dispute, "the operator is right")
    await desk.work()

    assert (before, after, held.minor) == (State.SECURED, State.RELEASED, 0)
    assert desk.ears.events.count("MONEY_RELEASED") == 1
    assert (await desk.till.charges.get("REF")).state is State.PAID


async def test_a_dispute_that_is_rejected_is_paid_by_nobody_and_frees_what_was_kept(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await altered(desk, total_cost={"before_taxes": Decimal("9.5")})
    await desk.work()
    (dispute,) = await desk.till.disputes.list("OPEN")

    await desk.till.settling.reject(dispute, "not what the tariff says")
    await desk.work()

    (payment,) = await desk.till.payments.of("anna")
    assert payment.state is PaymentState.CANCELLED
    assert await desk.balances() == {}
    assert (await desk.till.disputes.get(dispute.id)).state == "REJECTED"
    with pytest.raises(NotDecidable):
        await desk.till.settling.reject(dispute, "again")


async def test_a_dispute_without_a_driver_can_only_be_rejected(desk):
    desk.people.tokens.clear()
    await altered(desk)
    await desk.work()
    (dispute,) = await desk.till.disputes.list()

    with pytest.raises(NotDecidable, match="only be rejected"):
        await desk.till.settling.accept(dispute, None)


async def test_a_credit_cdr_takes_a_charge_back_once_and_gives_the_money_back(desk):
    """X-72: the credit CDR path."""
    cdr = await secured(desk)
    await desk.work()

    await desk.keep(credit(cdr, AT))
    await desk.work()
    await desk.keep(credit(cdr, AT) | {"id": "S1-D"})
    await desk.work()

    balances = await desk.balances()
    assert {name: minor for name, minor in balances.items() if name not in ("disputed", "cpo/NL-CPO")} == {}
    assert await findings(desk) == [("CREDIT", "$.credit_reference_id")]
    assert (await desk.till.charges.get("REF")).state is State.CREDITED
    assert [each.document["gross"] for each in await desk.till.receipts.of("anna")] == ["10.29", "-10.29"]
    assert "CHARGE_CREDITED" in desk.ears.events


async def test_a_credited_charge_that_the_wallet_paid_fills_the_wallet_again(desk):
    await desk.filled("30")
    await desk.till.secure("anna", "REF", eur("25"))
    cdr = await desk.charged()
    await desk.work()

    await desk.keep(credit(cdr, AT))
    await desk.work()

    assert (await desk.till.wallets.of("anna", "EUR")).balance == eur("30.00")
    assert await desk.balances() == {"gateway": 3000, "wallet/anna": -3000}


async def test_after_a_credit_the_corrected_cdr_of_the_session_is_booked(desk):
    cdr = await secured(desk)
    await desk.work()
    await desk.keep(credit(cdr, AT))
    await desk.keep(cost_of(tariff()) | {"id": "S1-2", "authorization_reference": "REF"})

    await desk.work()

    assert await desk.till.disputes.list() == []
    assert (await desk.balances())["revenue"] == -850


async def test_a_credit_withdraws_what_is_contested(desk):
    cdr = await altered(desk, total_cost={"before_taxes": Decimal("9.5")})
    await desk.work()

    await desk.keep(credit(cdr, AT))
    await desk.work()

    (dispute,) = await desk.till.disputes.list()
    assert dispute.state == "WITHDRAWN"
    assert await desk.balances() == {}


@pytest.mark.parametrize("changes", [{"credit_reference_id": "NONE"}, {"currency": "CHF"}])
async def test_a_credit_of_nothing_or_of_something_else_is_contested(desk, changes):
    cdr = await secured(desk)
    await desk.work()

    await desk.keep(credit(cdr, AT) | changes)
    await desk.work()

    assert {fault for fault, _ in await findings(desk)} == {"CREDIT"}
    assert (await desk.till.charges.get("REF")).state is State.PAID


async def test_a_credit_of_another_amount_is_contested(desk):
    cdr = await secured(desk)
    await desk.work()

    await desk.keep(credit(cdr, AT) | {"total_cost": {"before_taxes": Decimal("-5")}})
    await desk.work()

    assert await findings(desk) == [("CREDIT", "$.total_cost.before_taxes")]


async def test_one_cdr_that_cannot_be_read_does_not_keep_others_from_being_billed(desk, caplog):
    broken = cost_of(tariff()) | {"id": "BROKEN", "cdr_location": {}}
    await desk.keep(broken)
    await secured(desk)

    await desk.till.settling.work()

    assert "CDR NL-CPO/BROKEN was not judged" in caplog.text
    assert (await desk.balances())["revenue"] == -850


async def test_however_many_cannot_be_read_others_are_billed_and_each_is_tried_again_later(desk, caplog, monkeypatch):
    for number in range(5):
        await desk.keep(cost_of(tariff()) | {"id": f"BROKEN{number}", "cdr_location": {}})
    await secured(desk)
    monkeypatch.setattr(desk.till.verdicts.unjudged.__func__, "__kwdefaults__", {"after": 0, "limit": 2})

    for _ in range(3):
        await desk.till.settling.work()
    assert (caplog.text.count("was not judged"), (await desk.balances())["revenue"]) == (5, -850)

    await desk.pass_time(minutes=11)
    assert caplog.text.count("was not judged") == 10


# -- the driver's price --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "gross", "how"),
    [
        (Margin(), "10.29", "the operator's price"),
        (Margin(percent=Decimal(10)), "11.31", "the operator's price + 10 % + 0.00 EUR"),
        (Margin(fixed=Decimal("0.35")), "10.71", "the operator's price + 0 % + 0.35 EUR"),
    ],
)
async def test_the_drivers_price_is_the_operators_and_a_margin(desk, margin, gross, how):
    desk.another(prices=RetailPrices(margins={"EUR": margin}))
    await secured(desk)

    await desk.work()

    (receipt,) = await desk.till.receipts.of("anna")
    assert (receipt.document["gross"], receipt.document["how"]) == (gross, how)
    assert (await desk.till.charges.get("REF")).amount == eur(gross).minor


async def test_the_drivers_price_is_the_providers_own_tariff_where_there_is_one(desk):
    own = tariff(
        id="FLAT-RATE", elements=[{"price_components": [{"type": "ENERGY", "price": Decimal("0.6"), "step_size": 1}]}]
    )
    desk.another(prices=RetailPrices(tariffs={"EUR": own}))
    await secured(desk)

    await desk.work()

    (receipt,) = await desk.till.receipts.of("anna")
    assert (receipt.document["net"], receipt.document["vat"]) == ("12.00", "2.52")
    assert receipt.document["lines"][0]["price"] == Decimal("0.6")
    balances = await desk.balances()
    assert (balances["revenue"], balances["purchases"]) == (-1200, 850)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    charges=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 6_000), st.sampled_from(["sim_ok", "sim_decline", "wallet"])),
        min_size=1,
        max_size=4,
    )
)
async def test_what_drivers_pay_is_exactly_what_charges_cost(desk, charges):
    """RASD-A06: never below zero, nothing appears, nothing is lost."""
    for tenths, estimate, way in charges:
        number = f"{len(await desk.database.fetch('SELECT 1 FROM emsp_charge'))}-{desk.clock.now().timestamp()}"
        driver_id, kwh = f"driver-{number}", tenths / 10
        desk.people.tokens["CARD-1"] = driver_id
        await desk.save("sim_ok" if way == "wallet" else way, driver_id)
        if way == "wallet" and estimate:
            await desk.till.top_up(driver_id, eur("60"), key="k", return_url="")
        if estimate:
            await desk.till.secure(driver_id, number, eur(str(Decimal(estimate) / 100)))
        await desk.session(number, number, kwh=Decimal(str(kwh)))
        cdr = cost_of(tariff(), kwh=kwh) | {"id": number, "session_id": number, "authorization_reference": number}
        await desk.keep(cdr)
        await desk.work()
        await desk.clock.advance(1)

    rows = await desk.database.fetch("SELECT driver_id, amount, paid FROM emsp_charge WHERE amount IS NOT NULL")
    for driver_id, amount, paid in rows:
        owed = await desk.till.ledger.balance(f"driver/{driver_id}", "EUR")
        assert 0 <= paid <= amount
        assert owed.minor == amount - paid
    assert sum((await desk.till.ledger.trial()).values()) == 0
