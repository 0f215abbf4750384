"""From a start to money at the payment provider: secured, billed, captured, collected."""

import hashlib
import hmac

import pytest

from adapters.payment.simulator import SIGNATURE
from hub.emsp.money.charges import Source, State
from hub.emsp.money.errors import DebtOpen, NoCredit, NotRefundable, PaymentNeeded, UnknownMethod
from hub.emsp.money.payments import State as PaymentState
from hub.emsp.money.ports import ForgedWebhook, Status
from tests.emsp.money.conftest import RETURN, eur


async def test_without_a_valid_payment_method_there_is_no_start(desk):
    """X-12, X-18, RASD-F09."""
    with pytest.raises(PaymentNeeded, match="save one"):
        await desk.till.secure("anna", "REF", eur("25"))

    assert await desk.till.charges.get("REF") is None


async def test_a_method_the_provider_refuses_is_none(desk):
    """X-12."""
    method = await desk.save("sim_refused")

    assert (method.state, method.reason) == ("DECLINED", "The card was refused")
    with pytest.raises(PaymentNeeded):
        await desk.till.secure("anna", "REF", eur("25"))


async def test_a_declined_estimate_is_no_start_and_says_why(desk):
    """X-18."""
    await desk.save("sim_decline")

    security = await desk.till.secure("anna", "REF", eur("25"))

    assert (security.may_start, security.charge.state) == (False, State.REFUSED)
    assert security.reason == "The card was declined"


async def test_a_saved_method_is_used_again_for_the_estimate_and_the_price_is_taken_of_it(desk):
    """RASD-R9, F10, DD-F13: kept 25.00, taken 10.29."""
    await desk.save()
    security = await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()

    await desk.work()

    charge = await desk.till.charges.get("REF")
    (payment,) = await desk.till.payments.of("anna")
    assert security.may_start
    assert (charge.state, charge.amount, charge.paid) == (State.PAID, 1029, 1029)
    assert (payment.state, payment.amount, payment.captured) == (PaymentState.CAPTURED, 2500, 1029)
    assert await desk.balances() == {
        "revenue": -850, "vat/NLD": -179, "purchases": 850, "input-tax": 170, "cpo/NL-CPO": -1020, "gateway": 1029,
    }  # fmt: skip
    assert desk.ears.events == ["CHARGE_BILLED", "CHARGE_PAID"]


async def test_a_3_d_secure_confirmation_is_asked_for_by_its_url_and_then_the_charge_may_start(desk):
    await desk.save("sim_3ds")
    asked = await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = await desk.till.payments.of("anna")

    body, headers = desk.gateway.happen(payment.reference, Status.AUTHORISED)
    await desk.till.webhook(body, headers)

    assert not asked.may_start
    assert asked.action_url.startswith("https://payments.example/confirm/simpay_")
    assert (await desk.till.security("REF")).may_start


async def test_a_confirmation_that_never_comes_is_waited_for_half_an_hour(desk):
    await desk.save("sim_3ds")
    await desk.till.secure("anna", "REF", eur("25"))

    await desk.pass_time(minutes=31)
    await desk.pass_time(minutes=1)

    (payment,) = await desk.till.payments.of("anna")
    assert payment.state is PaymentState.CANCELLED
    assert (await desk.till.charges.get("REF")).state is State.REFUSED


async def test_an_unknown_answer_is_pending_and_never_a_start(desk):
    await desk.save()
    desk.gateway.mode = "outage"

    security = await desk.till.secure("anna", "REF", eur("25"))

    assert (security.may_start, security.charge.state) == (False, State.SECURING)


async def test_what_was_pending_goes_on_when_the_provider_is_back(desk):
    await desk.save()
    desk.gateway.mode = "outage"
    await desk.till.secure("anna", "REF", eur("25"))

    desk.gateway.mode = None
    await desk.pass_time(minutes=1)

    assert (await desk.till.charges.get("REF")).state is State.SECURED


async def test_a_late_webhook_resolves_a_pending_payment_and_twice_is_once(desk):
    await desk.save("sim_late")
    await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = await desk.till.payments.of("anna")
    notice = desk.gateway.happen(payment.reference, Status.AUTHORISED)

    for _ in range(2):
        await desk.till.webhook(*notice)

    assert (await desk.till.charges.get("REF")).state is State.SECURED


async def test_without_a_webhook_the_payment_is_looked_at(desk):
    await desk.save("sim_late")
    await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = await desk.till.payments.of("anna")
    desk.gateway.happen(payment.reference, Status.AUTHORISED)

    await desk.pass_time(minutes=1)

    assert (await desk.till.charges.get("REF")).state is State.SECURED


async def test_a_forged_webhook_changes_nothing(desk):
    await desk.save("sim_late")
    await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = await desk.till.payments.of("anna")
    body, headers = desk.gateway.happen(payment.reference, Status.PENDING)

    with pytest.raises(ForgedWebhook):
        await desk.till.webhook(body.replace(b"simevt", b"forged"), headers)

    assert (await desk.till.charges.get("REF")).state is State.SECURING


@pytest.mark.parametrize("signature", ["", "sign\u00e9", hmac.new(b"simulator", b"{}", hashlib.sha256).hexdigest()])
async def test_a_signature_nobody_was_given_is_forged_whatever_it_holds(desk, signature):
    with pytest.raises(ForgedWebhook, match="signature"):
        await desk.till.webhook(b"{}", {SIGNATURE: signature})


async def test_asking_twice_with_one_reference_keeps_the_amount_once(desk):
    await desk.save()

    for _ in range(2):
        await desk.till.secure("anna", "REF", eur("25"))

    assert len(await desk.till.payments.of("anna")) == 1


async def test_a_charge_that_does_not_take_place_gives_everything_back(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))

    await desk.till.release("REF")
    await desk.work()

    (payment,) = await desk.till.payments.of("anna")
    assert (payment.state, payment.captured) == (PaymentState.CANCELLED, 0)
    assert await desk.balances() == {}


async def test_what_is_released_before_the_provider_answered_is_given_back_when_it_does(desk):
    await desk.save("sim_late")
    await desk.till.secure("anna", "REF", eur("25"))
    (payment,) = await desk.till.payments.of("anna")

    await desk.till.release("REF")
    desk.gateway.happen(payment.reference, Status.AUTHORISED)
    await desk.pass_time(minutes=1)

    (payment,) = await desk.till.payments.of("anna")
    assert payment.state is PaymentState.CANCELLED


async def test_a_charge_dearer_than_its_estimate_is_paid_by_a_second_payment(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("5"))
    await desk.charged()

    await desk.work()

    charge = await desk.till.charges.get("REF")
    taken = sorted(each.captured for each in await desk.till.payments.of("anna"))
    assert (charge.state, taken) == (State.PAID, [500, 529])
    assert "driver/anna" not in await desk.balances()


async def test_a_payment_that_fails_at_the_end_leaves_the_debt_open_and_tells_the_driver(desk):
    """X-23, RASD-UC08."""
    await desk.save("sim_decline")
    await desk.charged(reference="CARD")

    await desk.work()

    (charge,) = await desk.till.charges.of("anna")
    assert (charge.state, charge.owed) == (State.OWED, 1029)
    assert (await desk.balances())["driver/anna"] == 1029
    failed = desk.ears.told[-1]
    assert failed.event == "PAYMENT_FAILED"
    assert "10.29 EUR for your charge could not be collected (The card was declined)" in failed.text


async def test_another_saved_method_is_tried_when_one_fails(desk):
    """X-23."""
    await desk.save("sim_ok")
    await desk.save("sim_decline")
    await desk.charged(reference="CARD")

    await desk.work()

    (charge,) = await desk.till.charges.of("anna")
    states = {each.state for each in await desk.till.payments.of("anna")}
    assert charge.state is State.PAID
    assert states == {PaymentState.DECLINED, PaymentState.CAPTURED}
    assert "PAYMENT_FAILED" not in desk.ears.events


async def test_a_debt_blocks_the_next_start_until_a_new_method_pays_it(desk):
    """X-23: ask for another payment method."""
    await desk.save("sim_decline")
    await desk.charged(reference="CARD")
    await desk.work()
    with pytest.raises(DebtOpen):
        await desk.till.secure("anna", "NEXT", eur("25"))

    await desk.save("sim_ok")
    await desk.work()

    assert (await desk.till.secure("anna", "NEXT", eur("25"))).may_start
    assert desk.ears.events.count("CHARGE_PAID") == 1


async def test_the_work_goes_on_where_a_crash_left_it_and_takes_the_money_once(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.till.settling.work()
    (payment,) = await desk.till.payments.of("anna")
    await desk.database.transact(
        lambda tx: desk.till.payments.move(tx, payment, PaymentState.CAPTURING, due=0)
    )  # fmt: skip
    # The provider took it, and the process died before it wrote that down.
    await desk.gateway.capture(payment.reference, eur("10.29"), key=f"{payment.id}/capturing")

    desk.another()
    await desk.work()

    (payment,) = await desk.till.payments.of("anna")
    assert (payment.state, payment.captured) == (PaymentState.CAPTURED, 1029)
    assert (await desk.balances())["gateway"] == 1029


async def test_a_driver_is_told_later_when_the_notifier_is_back(desk):
    desk.ears.deaf = True
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.work()

    desk.ears.deaf = False
    await desk.work()

    assert desk.ears.events == ["CHARGE_BILLED", "CHARGE_PAID"]


# -- the wallet ----------------------------------------------------------------------------------


async def test_a_wallet_is_topped_up_by_a_payment_once_per_key(desk):
    """SGEM-4.3-02."""
    await desk.save()

    for _ in range(2):
        payment = await desk.till.top_up("anna", eur("20"), key="a", return_url=RETURN)

    assert payment.state is PaymentState.CAPTURED
    assert (await desk.till.wallets.of("anna", "EUR")).balance == eur("20.00")
    assert await desk.balances() == {"gateway": 2000, "wallet/anna": -2000}


async def test_a_declined_top_up_fills_nothing(desk):
    await desk.save("sim_decline")

    payment = await desk.till.top_up("anna", eur("20"), key="a", return_url=RETURN)

    assert payment.state is PaymentState.DECLINED
    assert await desk.till.wallets.all_of("anna") == []


async def test_a_prepaid_charge_is_held_at_its_start_and_deducted_at_its_end(desk):
    """SGEM-4.3-03."""
    await desk.filled("30")
    security = await desk.till.secure("anna", "REF", eur("25"))
    held = (await desk.till.wallets.of("anna", "EUR")).held
    await desk.charged()

    await desk.work()

    after = await desk.till.wallets.of("anna", "EUR")
    assert (security.may_start, security.charge.source, held) == (True, Source.WALLET, eur("25.00"))
    assert (after.balance, after.held) == (eur("19.71"), eur("0.00"))
    assert (await desk.till.charges.get("REF")).state is State.PAID


async def test_a_wallet_with_too_little_is_refused(desk):
    """X-59, SGEM-4.3-04."""
    await desk.filled("10")

    with pytest.raises(NoCredit, match="top it up"):
        await desk.till.secure("anna", "REF", eur("25"), source=Source.WALLET)


async def test_a_wallet_with_too_little_may_have_a_minimum_value_session_where_that_is_configured(desk):
    """X-59, SGEM-4.3-04: the charge ends at what the wallet has."""
    desk.another(minimum={"EUR": 500})
    await desk.filled("10")

    security = await desk.till.secure("anna", "REF", eur("25"), source=Source.WALLET)

    assert (security.may_start, security.limit) == (True, eur("10.00"))
    with pytest.raises(NoCredit):
        await desk.till.secure("anna", "NEXT", eur("25"), source=Source.WALLET)


async def test_what_a_wallet_cannot_pay_is_collected_by_a_method_or_by_the_next_top_up(desk):
    """X-23."""
    desk.another(minimum={"EUR": 500})
    await desk.filled("6")
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.work()
    owed = (await desk.till.charges.get("REF")).owed

    await desk.save()
    await desk.work()

    assert owed == 429
    assert (await desk.till.charges.get("REF")).state is State.PAID
    assert "driver/anna" not in await desk.balances()


# -- methods -------------------------------------------------------------------------------------


async def test_a_method_belongs_to_its_driver(desk):
    method = await desk.save()

    with pytest.raises(UnknownMethod):
        await desk.till.forget_method("ben", method.id)
    with pytest.raises(UnknownMethod):
        await desk.till.prefer_method("ben", method.id)

    assert [each.id for each in await desk.till.methods.of("anna")] == [method.id]


async def test_the_preferred_method_is_tried_first_and_a_forgotten_one_never(desk):
    first = await desk.save()
    second = await desk.save()

    await desk.till.prefer_method("anna", first.id)
    preferred = [each.id for each in await desk.till.methods.of("anna")]
    await desk.till.forget_method("anna", first.id)

    assert preferred == [first.id, second.id]
    assert [each.id for each in await desk.till.methods.of("anna")] == [second.id]


async def test_no_card_data_is_kept(desk):
    """RASD-N09, D5."""
    await desk.save()

    rows = await desk.database.fetch("SELECT * FROM emsp_payment_method")

    assert not any(str(value).replace(" ", "").isdigit() and len(str(value)) >= 12 for row in rows for value in row)


# -- refunds -------------------------------------------------------------------------------------


async def paid(desk):
    await desk.save()
    await desk.till.secure("anna", "REF", eur("25"))
    await desk.charged()
    await desk.work()
    (payment,) = await desk.till.payments.of("anna")
    return payment


async def test_a_refund_goes_back_the_way_it_came_and_is_booked(desk):
    payment = await paid(desk)

    await desk.till.refunds.give(payment.id, eur("3"), memo="the cable was stuck")
    await desk.work()

    balances = await desk.balances()
    assert (balances["gateway"], balances["refunds"]) == (729, 300)
    assert "driver/anna" not in balances
    assert "3.00 EUR were given back" in desk.ears.told[-1].text


async def test_no_more_is_refunded_than_was_paid(desk):
    payment = await paid(desk)
    await desk.till.refunds.give(payment.id, eur("10"), memo="once")

    with pytest.raises(NotRefundable):
        await desk.till.refunds.give(payment.id, eur("0.30"), memo="twice")

    assert [each.amount for each in await desk.till.refunds.of(payment.id)] == [1000]


async def test_a_refund_without_an_answer_is_asked_again_and_given_once(desk):
    payment = await paid(desk)
    desk.gateway.mode = "outage"
    await desk.till.refunds.give(payment.id, eur("3"), memo="sorry")

    desk.gateway.mode = None
    await desk.pass_time(minutes=2)

    (refund,) = await desk.till.refunds.of(payment.id)
    assert refund.state == "REFUNDED"
    assert (await desk.balances())["gateway"] == 729
