"""Stripe over HTTP: SetupIntents save methods, PaymentIntents with manual capture keep and take amounts.

No card data passes: Stripe's own form in the driver's app turns a card into a PaymentMethod, whose id is all that
comes here. Every POST has an ``Idempotency-Key``. What is not known to be refused or done is *pending*: a
timeout, a 5xx, a 409 and a 429 raise ``GatewayUnavailable``, and a status we do not know is ``PENDING``.

Source: Stripe API reference (PaymentIntents, SetupIntents, Refunds, Customers, errors, idempotent requests),
docs.stripe.com/webhooks (signatures), API version 2024-06-20.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from hub.emsp.money.amounts import Money
from hub.emsp.money.ports import (
    About,
    Answer,
    ForgedWebhook,
    GatewayUnavailable,
    MethodWanted,
    Notice,
    PaymentWanted,
    Status,
)

JSON = Any

API_VERSION = "2024-06-20"
#: How old a webhook may be, in seconds: Stripe's own libraries allow as much.
TOLERANCE = 300

#: https://docs.stripe.com/payments/paymentintents/lifecycle
_PAYMENT = {
    "requires_payment_method": Status.DECLINED,
    "requires_action": Status.ACTION_REQUIRED,
    "requires_capture": Status.AUTHORISED,
    "succeeded": Status.CAPTURED,
    "canceled": Status.CANCELLED,
}
_SETUP = {
    "requires_payment_method": Status.DECLINED,
    "requires_action": Status.ACTION_REQUIRED,
    "succeeded": Status.SAVED,
    "canceled": Status.CANCELLED,
}
_REFUND = {"succeeded": Status.REFUNDED, "failed": Status.DECLINED, "canceled": Status.DECLINED}

#: Answers after which nobody knows whether the call was done.
_UNKNOWN = frozenset({408, 409, 425, 429})


class StripeGateway:
    """One Stripe account.

    Args:
        key: the secret API key.
        webhook_secret: of the endpoint Stripe calls.
        url: of the API; another one in tests.
        timeout: in seconds.
        clock: seconds since 1970, for the age of webhooks.
    """

    def __init__(
        self,
        *,
        key: str,
        webhook_secret: str,
        url: str = "https://api.stripe.com",
        timeout: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = webhook_secret.encode()
        self._clock = clock
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Stripe-Version": API_VERSION},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
        )

    # -- methods -----------------------------------------------------------------------------------

    async def save_method(self, wanted: MethodWanted, *, key: str) -> Answer:
        customer = wanted.customer
        if customer is None:
            made = await self._post(
                "/v1/customers", {"metadata[driver_id]": wanted.driver_id}, f"customer/{wanted.driver_id}"
            )
            customer = str(made["id"])
        form = {
            "customer": customer,
            "payment_method": wanted.token,
            "usage": "off_session",
            "confirm": "true",
            "return_url": wanted.return_url,
            "expand[]": "payment_method",
        } | _CARDS_AND_WALLETS
        try:
            return _setup(await self._post("/v1/setup_intents", form, key))
        except _Refused as refused:
            return _setup_refused(refused.error, customer)

    async def look_at_method(self, reference: str) -> Answer:
        return _setup(await self._get(f"/v1/setup_intents/{reference}", {"expand[]": "payment_method"}))

    async def forget_method(self, method: str, *, key: str) -> None:
        try:
            await self._post(f"/v1/payment_methods/{method}/detach", {}, key)
        except _Refused:
            return  # it is attached to nobody, which is what was wanted

    # -- payments ----------------------------------------------------------------------------------

    async def authorise(self, wanted: PaymentWanted, *, key: str) -> Answer:
        form = {
            "amount": str(wanted.money.minor),
            "currency": wanted.money.currency.lower(),
            "payment_method": wanted.method,
            "capture_method": "manual",
            "confirm": "true",
            "metadata[payment_id]": wanted.payment_id,
        } | _CARDS_AND_WALLETS
        if wanted.customer:
            form["customer"] = wanted.customer
        # Stripe takes no return_url for a payment whose driver is not there.
        form |= {"return_url": wanted.return_url} if wanted.present else {"off_session": "true"}
        return await self._payment(f"{_INTENTS}", form, key)

    async def capture(self, reference: str, money: Money, *, key: str) -> Answer:
        return await self._payment(
            f"{_INTENTS}/{reference}/capture", {"amount_to_capture": str(money.minor)}, key, reference
        )

    async def cancel(self, reference: str, *, key: str) -> Answer:
        return await self._payment(f"{_INTENTS}/{reference}/cancel", {}, key, reference)

    async def look(self, reference: str) -> Answer:
        return _payment(await self._get(f"{_INTENTS}/{reference}", {}))

    async def _payment(self, path: str, form: Mapping[str, str], key: str, reference: str = "") -> Answer:
        try:
            return _payment(await self._post(path, form, key))
        except _Refused as refused:
            if "payment_intent" in refused.error and refused.error["type"] == "card_error":
                return _card_error(refused.error)
            if reference:
                # "It has been captured already", "it was cancelled": what it is now says more than the refusal.
                return await self.look(reference)
            return Answer(status=Status.DECLINED, reason=refused.error.get("message"))

    # -- refunds -----------------------------------------------------------------------------------

    async def refund(self, reference: str, money: Money, *, key: str) -> Answer:
        form = {"payment_intent": reference, "amount": str(money.minor)}
        try:
            return _refund(await self._post("/v1/refunds", form, key))
        except _Refused as refused:
            return Answer(status=Status.DECLINED, reason=refused.error.get("message"))

    async def look_at_refund(self, reference: str) -> Answer:
        return _refund(await self._get(f"/v1/refunds/{reference}", {}))

    # -- what Stripe tells -------------------------------------------------------------------------

    def webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        self._check_signature(body, headers.get("stripe-signature", ""))
        event = json.loads(body)
        told = event["data"]["object"]
        answers = {
            "payment_intent": (About.PAYMENT, _payment),
            "setup_intent": (About.METHOD, _setup),
            "refund": (About.REFUND, _refund),
        }
        about, read = answers.get(told["object"], (About.OTHER, _other))
        return Notice(
            event_id=event["id"], about=about, answer=read(told),
            payment_id=(told.get("metadata") or {}).get("payment_id"),
        )  # fmt: skip

    def _check_signature(self, body: bytes, header: str) -> None:
        """Check ``t=SECONDS,v1=HMAC,...``: one of the signatures must be of this body at that moment.

        Raises:
            ForgedWebhook: none is, or the moment is too far from now.
        """
        parts = [part.partition("=") for part in header.split(",")]
        stamp = next((value for name, _, value in parts if name == "t"), "")
        signed = hmac.new(self._secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
        # As bytes: a header may hold any character, and texts that are not ASCII cannot be compared in constant time.
        if not any(name == "v1" and hmac.compare_digest(value.encode(), signed) for name, _, value in parts):
            raise ForgedWebhook("its signature is not Stripe's")
        # Whoever has the secret signs a number, so what was signed can be read as one.
        if abs(self._clock() - int(stamp)) > TOLERANCE:
            raise ForgedWebhook("it is too old")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    # -- HTTP --------------------------------------------------------------------------------------

    async def _post(self, path: str, form: Mapping[str, str], key: str) -> JSON:
        return await self._call("POST", path, data=dict(form), headers={"Idempotency-Key": key})

    async def _get(self, path: str, query: Mapping[str, str]) -> JSON:
        try:
            return await self._call("GET", path, params=dict(query))
        except _Refused as refused:
            raise GatewayUnavailable(f"{path}: {refused.error.get('message')}") from refused

    async def _call(self, method: str, path: str, **rest: Any) -> JSON:
        """Return the object Stripe answers with.

        Raises:
            GatewayUnavailable: nobody knows what became of the call.
            _Refused: it was not done.
        """
        try:
            response = await self._client.request(method, path, **rest)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise GatewayUnavailable(f"{method} {path}: {error!r}") from error
        if response.is_success:
            return answer
        told = answer.get("error") or {}
        # A wrong key is our fault, not the driver's: nothing is declined for it.
        if response.status_code in _UNKNOWN | {401, 403} or response.status_code >= 500:
            raise GatewayUnavailable(f"{method} {path}: HTTP {response.status_code} {told.get('message', '')}")
        raise _Refused(told)


class _Refused(Exception):
    def __init__(self, error: JSON) -> None:
        super().__init__(error.get("message"))
        self.error = error


_INTENTS = "/v1/payment_intents"

#: Redirects to banks' pages are left out; 3-D Secure is none of them.
_CARDS_AND_WALLETS = {"payment_method_types[]": "card"}


def _payment(intent: JSON) -> Answer:
    failed = intent.get("last_payment_error") or {}
    status = _PAYMENT.get(intent["status"], Status.PENDING)
    return Answer(
        status=status,
        reference=intent["id"],
        captured=int(intent.get("amount_received") or 0),
        action_url=_action_url(intent),
        reason=failed.get("message") if status is Status.DECLINED else None,
    )


def _card_error(error: JSON) -> Answer:
    intent = error["payment_intent"]
    return Answer(status=Status.DECLINED, reference=intent["id"], reason=error.get("message"))


def _setup(intent: JSON) -> Answer:
    method = intent.get("payment_method")
    card = (method.get("card") or {}) if isinstance(method, dict) else {}
    failed = intent.get("last_setup_error") or {}
    return Answer(
        status=_SETUP.get(intent["status"], Status.PENDING),
        reference=intent["id"],
        action_url=_action_url(intent),
        reason=failed.get("message"),
        method=method["id"] if isinstance(method, dict) else method,
        customer=intent.get("customer"),
        label=f"{card['brand']} {card['last4']}" if card else None,
    )


def _setup_refused(error: JSON, customer: str) -> Answer:
    intent = error.get("setup_intent") or {}
    return Answer(
        status=Status.DECLINED, reference=intent.get("id", ""), customer=customer, reason=error.get("message")
    )


def _refund(refund: JSON) -> Answer:
    status = _REFUND.get(refund["status"], Status.PENDING)
    return Answer(status=status, reference=refund["id"], reason=refund.get("failure_reason"))


def _other(_: JSON) -> Answer:
    return Answer(status=Status.PENDING)


def _action_url(intent: JSON) -> str | None:
    redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    url: str | None = redirect.get("url")
    return url
