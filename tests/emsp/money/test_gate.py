"""Before a charge begins: what it may cost is kept, or the driver reads what to do."""

import pytest

from hub.emsp.money.errors import ConfirmationNeeded, PaymentDeclined, PaymentNeeded, PaymentPending
from hub.emsp.money.gate import Gate
from tests.emsp.money.conftest import eur


async def test_what_a_charge_may_cost_is_kept_once(desk):
    gate = Gate(desk.till, lambda: {"EUR": 3_000})
    await desk.save()

    first, again = await gate.hold("anna", "REF", "EUR"), await gate.hold("anna", "REF", "EUR")

    (payment,) = await desk.till.payments.of("anna")
    assert (first, again, payment.amount) == (eur("30.00"), eur("30.00"), 3_000)


@pytest.mark.parametrize(
    ("token", "refusal", "text"),
    [
        (None, PaymentNeeded, "save one"),
        ("sim_decline", PaymentDeclined, "The card was declined: .*another payment method"),
        ("sim_late", PaymentPending, "try again in a moment"),
        ("sim_3ds", ConfirmationNeeded, "https://payments.example/confirm/simpay_"),
    ],
)
async def test_a_charge_that_is_not_paid_for_does_not_begin_and_says_what_to_do(desk, token, refusal, text):
    """X-12, X-18."""
    if token is not None:
        await desk.save(token)

    with pytest.raises(refusal, match=text):
        await Gate(desk.till).hold("anna", "REF", "EUR")


async def test_a_charge_that_never_began_holds_nothing(desk):
    gate = Gate(desk.till)
    await desk.filled("60")
    await gate.hold("anna", "REF", "EUR")

    for _ in range(2):
        await gate.release("REF")

    assert (await desk.till.wallets.of("anna", "EUR")).available == eur("60.00")
