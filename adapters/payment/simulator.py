"""A payment provider that is not there: it decides by the token a driver's app would have been given.

``sim_ok`` pays; ``sim_decline`` saves and then declines; ``sim_refused`` cannot even be saved; ``sim_3ds`` has to be
confirmed by its driver each time he is there; ``sim_late`` says *pending* and tells by webhook; ``sim_outage`` gives
no answer. A mode given to the whole provider counts for every token. It keeps what it did in memory: a payment it does
not know after a restart it calls cancelled, as nothing was taken for it.
"""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

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

Mode = Literal["ok", "decline", "refused", "3ds", "late", "outage"]
SIGNATURE = "simulator-signature"


@dataclass
class _Kept:
    answer: Answer
    amount: int
    payment_id: str
    mode: Mode


class PaymentSimulator:
    """One simulated provider.

    Args:
        mode: counts for every token; None: each token's own.
        page: where drivers confirm; the payment's reference is put after it.
        secret: what its webhooks are signed with; None: one that nobody else can know, for the way in is public.
    """

    def __init__(
        self,
        *,
        mode: Mode | None = None,
        page: str = "https://payments.example/confirm/",
        secret: bytes | None = None,
    ) -> None:
        self.mode = mode
        self._page = page
        self._secret = secret or secrets.token_bytes(32)
        self._methods: dict[str, Answer] = {}
        self._payments: dict[str, _Kept] = {}
        self._refunds: dict[str, Answer] = {}
        self._done: dict[str, str] = {}  # references by idempotency key

    async def save_method(self, wanted: MethodWanted, *, key: str) -> Answer:
        mode = self._mode_of(wanted.token)
        if key in self._done:
            return self._methods[self._done[key]]
        reference = self._remember("simset", key)
        label = f"simulated {wanted.token.removeprefix('sim_')}"
        customer = wanted.customer or f"simcus_{wanted.driver_id}"
        if mode == "refused":
            answer = Answer(status=Status.DECLINED, reference=reference, reason="The card was refused")
        else:
            answer = Answer(
                status=Status.SAVED, reference=reference, method=wanted.token, customer=customer, label=label
            )
        self._methods[reference] = answer
        return answer

    async def look_at_method(self, reference: str) -> Answer:
        return self._methods.get(reference, Answer(status=Status.DECLINED, reference=reference))

    async def authorise(self, wanted: PaymentWanted, *, key: str) -> Answer:
        mode = self._mode_of(wanted.method)
        if key in self._done:
            return self._payments[self._done[key]].answer
        reference = self._remember("simpay", key)
        answer = Answer(status=Status.AUTHORISED, reference=reference)
        if mode in ("decline", "refused"):
            answer = replace(answer, status=Status.DECLINED, reason="The card was declined")
        elif mode == "3ds" and wanted.present:
            answer = replace(answer, status=Status.ACTION_REQUIRED, action_url=self._page + reference)
        elif mode == "late":
            answer = replace(answer, status=Status.PENDING)
        self._payments[reference] = _Kept(answer, wanted.money.minor, wanted.payment_id, mode)
        return answer

    async def capture(self, reference: str, money: Money, *, key: str) -> Answer:
        kept = self._kept(reference)
        if kept.answer.status is Status.AUTHORISED:
            captured = min(money.minor, kept.amount)
            kept.answer = replace(kept.answer, status=Status.CAPTURED, captured=captured)
        return kept.answer

    async def cancel(self, reference: str, *, key: str) -> Answer:
        kept = self._kept(reference)
        if kept.answer.status is not Status.CAPTURED:
            kept.answer = replace(kept.answer, status=Status.CANCELLED, action_url=None)
        return kept.answer

    async def look(self, reference: str) -> Answer:
        return self._kept(reference).answer

    async def refund(self, reference: str, money: Money, *, key: str) -> Answer:
        kept = self._kept(reference)
        if key in self._done:
            return self._refunds[self._done[key]]
        made = self._remember("simref", key)
        answer = Answer(status=Status.REFUNDED, reference=made)
        if kept.answer.status is not Status.CAPTURED:
            answer = replace(answer, status=Status.DECLINED, reason="Nothing was taken")
        self._refunds[made] = answer
        return answer

    async def look_at_refund(self, reference: str) -> Answer:
        self._mode_of("")
        return self._refunds.get(reference, Answer(status=Status.DECLINED, reference=reference))

    async def forget_method(self, method: str, *, key: str) -> None:
        self._mode_of(method)

    async def close(self) -> None:
        """Hold nothing."""

    # -- what its driver and its bank do -----------------------------------------------------------

    def happen(self, reference: str, status: Status) -> tuple[bytes, dict[str, str]]:
        """Have a payment be confirmed, declined or go through late, and return the webhook that tells it."""
        kept = self._payments[reference]
        kept.answer = replace(kept.answer, status=status, action_url=None)
        body = json.dumps({"id": f"simevt_{uuid.uuid4().hex}", "reference": reference, "payment": kept.payment_id})
        return body.encode(), {SIGNATURE: self._sign(body.encode())}

    def webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        if not hmac.compare_digest(headers.get(SIGNATURE, "").encode(), self._sign(body).encode()):
            raise ForgedWebhook("its signature is not the simulator's")
        told = json.loads(body)
        kept = self._kept(told["reference"])
        return Notice(event_id=told["id"], about=About.PAYMENT, answer=kept.answer, payment_id=told["payment"])

    def _sign(self, body: bytes) -> str:
        return hmac.new(self._secret, body, hashlib.sha256).hexdigest()

    def _kept(self, reference: str) -> _Kept:
        if self.mode == "outage":
            raise GatewayUnavailable("simulated outage")
        unknown = Answer(status=Status.CANCELLED, reference=reference)
        return self._payments.get(reference) or _Kept(unknown, 0, "", "ok")

    def _mode_of(self, token: str) -> Mode:
        known: dict[str, Mode] = {
            "sim_decline": "decline", "sim_refused": "refused", "sim_3ds": "3ds", "sim_late": "late",
            "sim_outage": "outage",
        }  # fmt: skip
        mode = self.mode or known.get(token, "ok")
        if mode == "outage":
            raise GatewayUnavailable("simulated outage")
        return mode

    def _remember(self, kind: str, key: str) -> str:
        reference = f"{kind}_{uuid.uuid4().hex}"
        self._done[key] = reference
        return reference
