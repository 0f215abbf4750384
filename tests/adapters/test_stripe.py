"""The Stripe adapter against a stand-in in a process of its own: what goes over the wire, and what an answer means."""

import asyncio
import socket
import sys
from decimal import Decimal

import httpx
import pytest

from adapters.payment.stripe import StripeGateway
from hub.emsp.money.amounts import Money
from hub.emsp.money.ports import About, ForgedWebhook, GatewayUnavailable, MethodWanted, PaymentWanted, Status
from tests.adapters.stripe_stand_in import KEY, SECRET


def eur(text):
    return Money(Decimal(text), "EUR")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """What the bank, the driver and the network do."""

    def __init__(self, url):
        self.http = httpx.AsyncClient(base_url=url, trust_env=False)

    async def calls(self):
        return (await self.http.post("/test/calls")).json()

    async def fault(self, kind):
        await self.http.post("/test/fault", data={"kind": kind})

    async def happen(self, reference, status, **more):
        told = (await self.http.post("/test/happen", data={"id": reference, "status": status} | more)).json()
        return told["body"].encode(), {"stripe-signature": told["signature"]}


@pytest.fixture
async def url():
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.adapters.stripe_stand_in", str(port))
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    await process.wait()


@pytest.fixture
async def world(url):
    made = World(url)
    yield made
    await made.http.aclose()


@pytest.fixture
async def stripe(url):
    made = StripeGateway(key=KEY, webhook_secret=SECRET, url=url, timeout=1.0)
    yield made
    await made.close()


def method(token="pm_card_visa", customer=None):
    return MethodWanted(driver_id="anna", token=token, customer=customer, return_url="https://app.example/back")


def payment(token="pm_card_visa", *, present=True, text="25"):
    return PaymentWanted(
        payment_id="p-1", money=eur(text), method=token, customer="cus_1", present=present,
        return_url="https://app.example/back",
    )  # fmt: skip


async def test_a_method_is_saved_for_a_customer_by_its_token_alone(stripe, world):
    """RASD-F10, N09."""
    answer = await stripe.save_method(method(), key="m-1")

    (customer, setup) = await world.calls()
    assert (answer.status, answer.method, answer.customer) == (Status.SAVED, "pm_card_visa", "cus_1")
    assert answer.label == "visa 4242"
    assert (customer[1], customer[3]) == ("/v1/customers", "customer/anna")
    assert (setup[1], setup[2]["usage"], setup[3]) == ("/v1/setup_intents", "off_session", "m-1")


async def test_a_method_that_is_refused_says_why_and_keeps_the_customer(stripe):
    answer = await stripe.save_method(method("pm_card_chargeDeclined"), key="m-1")

    assert (answer.status, answer.reason, answer.customer) == (Status.DECLINED, "Your card was declined.", "cus_1")


async def test_a_method_that_is_confirmed_at_a_url_is_found_saved_afterwards(stripe, world):
    asked = await stripe.save_method(method("pm_card_authenticationRequiredOnSetup"), key="m-1")
    body, headers = await world.happen(asked.reference, "succeeded")

    notice = stripe.webhook(body, headers)

    assert asked.status is Status.ACTION_REQUIRED
    assert asked.action_url.startswith("https://hooks.stripe.com/3d_secure/seti_2")
    assert (notice.about, notice.answer.status) == (About.METHOD, Status.SAVED)
    assert (await stripe.look_at_method(asked.reference)).status is Status.SAVED


async def test_a_payment_is_kept_then_taken_in_part(stripe, world):
    """RASD-F09."""
    kept = await stripe.authorise(payment(), key="p-1/authorising")
    taken = await stripe.capture(kept.reference, eur("10.29"), key="p-1/capturing")

    form = (await world.calls())[0][2]
    assert (kept.status, taken.status, taken.captured) == (Status.AUTHORISED, Status.CAPTURED, 1029)
    assert (form["amount"], form["currency"], form["capture_method"]) == ("2500", "eur", "manual")
    assert form["return_url"] == "https://app.example/back"


async def test_amounts_are_in_the_minor_units_of_their_currency(stripe, world):
    wanted = PaymentWanted(
        payment_id="p-1", money=Money(Decimal(1500), "JPY"), method="pm_card_visa", customer=None, present=False,
        return_url="",
    )  # fmt: skip

    await stripe.authorise(wanted, key="k")

    form = (await world.calls())[0][2]
    assert (form["amount"], form["currency"], form["off_session"]) == ("1500", "jpy", "true")
    assert "return_url" not in form


async def test_the_same_call_twice_is_done_once(stripe):
    first = await stripe.authorise(payment(), key="k")
    again = await stripe.authorise(payment(), key="k")

    assert again.reference == first.reference


async def test_a_key_used_for_something_else_is_refused(stripe):
    await stripe.authorise(payment(), key="k")

    answer = await stripe.authorise(payment(text="30"), key="k")

    assert answer.status is Status.DECLINED
    assert "same parameters" in answer.reason


async def test_a_decline_says_why_and_its_payment_is_known(stripe):
    answer = await stripe.authorise(payment("pm_card_chargeCustomerFail"), key="k")

    assert (answer.status, answer.reason) == (Status.DECLINED, "Your card was declined.")
    assert (await stripe.look(answer.reference)).status is Status.DECLINED


async def test_3_d_secure_is_an_action_at_a_url_when_the_driver_is_there(stripe, world):
    asked = await stripe.authorise(payment("pm_card_authenticationRequired"), key="k")
    body, headers = await world.happen(asked.reference, "requires_capture")

    notice = stripe.webhook(body, headers)

    assert (asked.status, asked.action_url.partition("?")[0]) == (
        Status.ACTION_REQUIRED, "https://hooks.stripe.com/3d_secure/pi_1",
    )  # fmt: skip
    assert (notice.about, notice.answer.status, notice.payment_id) == (About.PAYMENT, Status.AUTHORISED, "p-1")


async def test_3_d_secure_is_a_decline_when_the_driver_is_not_there(stripe):
    answer = await stripe.authorise(payment("pm_card_authenticationRequired", present=False), key="k")

    assert (answer.status, answer.reason) == (Status.DECLINED, "Authentication is required.")


async def test_a_status_that_is_not_final_or_not_known_is_pending(stripe, world):
    slow = await stripe.authorise(payment("pm_slow"), key="k")
    await world.happen(slow.reference, "a_word_of_tomorrow")

    assert slow.status is Status.PENDING
    assert (await stripe.look(slow.reference)).status is Status.PENDING


@pytest.mark.parametrize("fault", ["before", "after", "slow"])
async def test_an_answer_that_is_lost_is_unknown_and_asking_again_does_it_once(stripe, world, fault):
    await world.fault(fault)
    with pytest.raises(GatewayUnavailable):
        await stripe.authorise(payment(), key="k")

    answer = await stripe.authorise(payment(), key="k")

    assert answer.status is Status.AUTHORISED
    assert answer.reference == "pi_1"


async def test_a_capture_that_was_done_already_is_seen_to_be_done(stripe):
    kept = await stripe.authorise(payment(), key="k")
    await stripe.capture(kept.reference, eur("5"), key="c")

    again = await stripe.capture(kept.reference, eur("5"), key="another")

    assert (again.status, again.captured) == (Status.CAPTURED, 500)


async def test_what_is_kept_can_be_given_back(stripe):
    kept = await stripe.authorise(payment(), key="k")

    assert (await stripe.cancel(kept.reference, key="x")).status is Status.CANCELLED


async def test_a_refund_never_exceeds_what_was_taken(stripe):
    kept = await stripe.authorise(payment(), key="k")
    await stripe.capture(kept.reference, eur("5"), key="c")

    given = await stripe.refund(kept.reference, eur("3"), key="r-1")
    refused = await stripe.refund(kept.reference, eur("3"), key="r-2")

    assert (given.status, refused.status) == (Status.REFUNDED, Status.DECLINED)
    assert (await stripe.look_at_refund(given.reference)).status is Status.REFUNDED


async def test_a_wrong_key_declines_nobody(url):
    stripe = StripeGateway(key="sk_wrong", webhook_secret=SECRET, url=url)

    with pytest.raises(GatewayUnavailable, match="Invalid API Key"):
        await stripe.authorise(payment(), key="k")

    await stripe.close()


async def test_a_server_that_is_not_there_is_an_unknown_answer():
    stripe = StripeGateway(key=KEY, webhook_secret=SECRET, url=f"http://127.0.0.1:{free_port()}")

    with pytest.raises(GatewayUnavailable):
        await stripe.look("pi_1")

    await stripe.close()


async def test_a_forgotten_method_is_detached_and_twice_is_no_fault(stripe, world):
    await stripe.forget_method("pm_card_visa", key="f")

    assert (await world.calls())[0][1] == "/v1/payment_methods/pm_card_visa/detach"


# -- webhooks ------------------------------------------------------------------------------------


async def test_a_webhook_that_was_changed_on_the_way_is_forged(stripe, world):
    kept = await stripe.authorise(payment(), key="k")
    body, headers = await world.happen(kept.reference, "succeeded")

    with pytest.raises(ForgedWebhook, match="signature"):
        stripe.webhook(body.replace(b"2500", b"9999"), headers)
    with pytest.raises(ForgedWebhook, match="signature"):
        stripe.webhook(body, {})
    with pytest.raises(ForgedWebhook, match="signature"):
        stripe.webhook(body, {"stripe-signature": "t=1767225600,v1=sign\u00e9"})


@pytest.mark.parametrize("age", [301, -301])
async def test_a_webhook_out_of_its_time_is_refused_and_within_the_tolerance_taken(stripe, world, url, age):
    kept = await stripe.authorise(payment(), key="k")
    body, headers = await world.happen(kept.reference, "succeeded", at="1767225600")
    late = StripeGateway(key=KEY, webhook_secret=SECRET, url=url, clock=lambda: 1767225600 + age)
    soon = StripeGateway(key=KEY, webhook_secret=SECRET, url=url, clock=lambda: 1767225600 + age * 300 / 301)

    with pytest.raises(ForgedWebhook, match="old"):
        late.webhook(body, headers)

    assert soon.webhook(body, headers).answer.status is Status.CAPTURED
    await late.close()
    await soon.close()


async def test_a_webhook_about_something_else_is_about_nothing_of_ours(stripe, world):
    saved = await stripe.save_method(method(), key="m-1")
    body, headers = await world.happen(saved.customer, "whatever")

    assert stripe.webhook(body, headers).about is About.OTHER
