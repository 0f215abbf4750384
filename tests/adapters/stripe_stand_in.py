"""Stripe as far as the adapter uses it, in a process of its own: ``python -m tests.adapters.stripe_stand_in PORT``.

Form-encoded requests, idempotency keys with Stripe's rules (the same key with the same form repeats the
answer, with another form it is an error), PaymentMethods by their test names, webhooks signed with a secret.
``/test/...`` is what the bank, the driver or the network does.

Source: Stripe API reference.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import sys
import time
from urllib.parse import parse_qsl

import uvicorn

KEY, SECRET = "sk_test_stand_in", "whsec_stand_in"
DECLINED = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}


class Refusal(Exception):
    def __init__(self, status, **error):
        self.status, self.error = status, error


class StandIn:
    def __init__(self):
        self.objects = {}
        self.answers = {}
        self.numbers = itertools.count(1)
        self.calls = []
        self.faults = []

    # -- HTTP --------------------------------------------------------------------------------------

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        status, answer = await self.answer(scope["method"], scope["path"], form, headers)
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def answer(self, method, path, form, headers):
        if path.startswith("/test/"):
            return 200, self.test(path.removeprefix("/test/"), form)
        self.calls.append([method, path, form, headers.get("idempotency-key")])
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            return 500, {"error": {"type": "api_error", "message": "Nothing was done."}}
        status, answer = self.once(method, path, form, headers.get("idempotency-key"))
        if fault == "after":
            return 503, {"error": {"type": "api_error", "message": "The answer was lost."}}
        if fault == "slow":
            await asyncio.sleep(5)
        return status, answer

    def once(self, method, path, form, key):
        if method != "POST" or key is None:
            return self.done(method, path, form)
        if key in self.answers:
            before, answer = self.answers[key]
            if before != (path, form):
                message = "Keys for idempotent requests can only be used with the same parameters"
                return 400, {"error": {"type": "idempotency_error", "message": message}}
            return answer
        answer = self.done(method, path, form)
        self.answers[key] = ((path, form), json.loads(json.dumps(answer)))
        return answer

    def done(self, method, path, form):
        try:
            return 200, self.route(method, path.strip("/").split("/")[1:], form)
        except Refusal as refusal:
            return refusal.status, {"error": refusal.error}

    # -- what it does ------------------------------------------------------------------------------

    def route(self, method, parts, form):
        if method == "GET":
            return self.get(parts[1])
        match parts:
            case ["customers"]:
                return self.make("customer", "cus", metadata={"driver_id": form["metadata[driver_id]"]})
            case ["setup_intents"]:
                return self.set_up(form)
            case ["payment_intents"]:
                return self.pay(form)
            case ["payment_intents", number, "capture"]:
                return self.capture(self.get(number), int(form["amount_to_capture"]))
            case ["payment_intents", number, "cancel"]:
                return self.cancel(self.get(number))
            case ["refunds"]:
                return self.refund(form)
            case ["payment_methods", number, "detach"]:
                return {"id": number, "object": "payment_method", "customer": None}
        raise Refusal(404, type="invalid_request_error", message="Unrecognized request URL")

    def get(self, number):
        if number not in self.objects:
            raise Refusal(404, type="invalid_request_error", code="resource_missing", message=f"No such: {number}")
        return self.objects[number]

    def make(self, kind, prefix, **fields):
        made = {"id": f"{prefix}_{next(self.numbers)}", "object": kind} | fields
        self.objects[made["id"]] = made
        return made

    def set_up(self, form):
        token = form["payment_method"]
        method = {"id": token, "object": "payment_method", "card": {"brand": "visa", "last4": "4242"}}
        made = self.make(
            "setup_intent", "seti", status="succeeded", customer=form["customer"], payment_method=method,
            next_action=None,
        )  # fmt: skip
        if token == "pm_card_chargeDeclined":
            made["status"] = "requires_payment_method"
            raise Refusal(402, **DECLINED, setup_intent=made)
        if token == "pm_card_authenticationRequiredOnSetup":
            self.require_action(made, form)
        return made

    def pay(self, form):
        made = self.make(
            "payment_intent", "pi", status="requires_capture", amount=int(form["amount"]), amount_received=0,
            currency=form["currency"], next_action=None, metadata={"payment_id": form["metadata[payment_id]"]},
        )  # fmt: skip
        assert form["capture_method"] == "manual" and form["confirm"] == "true"
        token = form["payment_method"]
        if token == "pm_card_chargeCustomerFail":
            made |= {"status": "requires_payment_method", "last_payment_error": DECLINED}
            raise Refusal(402, **DECLINED, payment_intent=made)
        if token == "pm_card_authenticationRequired" and "off_session" in form:
            error = {"type": "card_error", "code": "authentication_required", "message": "Authentication is required."}
            made |= {"status": "requires_payment_method", "last_payment_error": error}
            raise Refusal(402, **error, payment_intent=made)
        if token == "pm_card_authenticationRequired":
            self.require_action(made, form)
        if token == "pm_slow":
            made["status"] = "processing"
        return made

    def require_action(self, made, form):
        url = f"https://hooks.stripe.com/3d_secure/{made['id']}?return={form['return_url']}"
        made |= {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": url}},
        }

    def capture(self, intent, amount):
        if intent["status"] != "requires_capture":
            raise Refusal(400, type="invalid_request_error", code="payment_intent_unexpected_state", message="no")
        if amount > intent["amount"]:
            raise Refusal(400, type="invalid_request_error", code="amount_too_large", message="too much")
        intent |= {"status": "succeeded", "amount_received": amount}
        return intent

    def cancel(self, intent):
        if intent["status"] in ("succeeded", "canceled"):
            raise Refusal(400, type="invalid_request_error", code="payment_intent_unexpected_state", message="no")
        intent |= {"status": "canceled", "next_action": None}
        return intent

    def refund(self, form):
        intent, amount = self.get(form["payment_intent"]), int(form["amount"])
        given = sum(each["amount"] for each in self.objects.values() if each.get("payment_intent") == intent["id"])
        if given + amount > intent["amount_received"]:
            raise Refusal(400, type="invalid_request_error", message="Refund amount is greater than the charge")
        return self.make("refund", "re", status="succeeded", amount=amount, payment_intent=intent["id"])

    # -- what the world does -----------------------------------------------------------------------

    def test(self, what, form):
        if what == "calls":
            return self.calls
        if what == "fault":
            self.faults.append(form["kind"])
            return {}
        told = self.objects[form["id"]]
        told |= {"status": form["status"], "next_action": None}
        event = {"id": f"evt_{next(self.numbers)}", "object": "event", "data": {"object": told}}
        body, stamp = json.dumps(event), int(form.get("at") or time.time())
        signed = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"body": body, "signature": f"t={stamp},v1={signed},v0=old"}


if __name__ == "__main__":
    uvicorn.run(StandIn(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
