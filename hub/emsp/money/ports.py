"""What the provider needs of whoever moves the money: cards, their holders and their banks are his business alone.

No card number ever passes here: a method is a token the payment provider gave the driver's app. Every
call that moves money has an idempotency key; the same call with the same key is done once. An answer
that is unknown is *pending*, never success: the call is repeated, the payment looked at, or a webhook
tells.

Source: RASD D5, N09 (payment data is never handled by the system itself); EMV 3-D Secure (the challenge
is a URL here, whatever the provider makes of it).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.emsp.money.amounts import Money


class GatewayUnavailable(Exception):
    """Nobody knows what became of the call: it is repeated with the same key, or the payment looked at."""


class ForgedWebhook(Exception):
    """The notice is not from the payment provider, or too old to be believed."""


class Status(enum.StrEnum):
    """What the payment provider says a payment, a method or a refund is."""

    #: The driver has to confirm it at ``action_url``.
    ACTION_REQUIRED = "ACTION_REQUIRED"
    #: The amount is kept for us and not taken yet.
    AUTHORISED = "AUTHORISED"
    #: It was given back, or never taken. Final.
    CANCELLED = "CANCELLED"
    #: It is taken. Final.
    CAPTURED = "CAPTURED"
    #: It was refused; ``reason`` says why. Final.
    DECLINED = "DECLINED"
    #: Not known yet, or a word we do not know.
    PENDING = "PENDING"
    #: The method may be used. Final.
    SAVED = "SAVED"
    #: The refund is on its way to the driver. Final.
    REFUNDED = "REFUNDED"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call.

    Attributes:
        reference: the provider's id of the payment, method set-up or refund; "" while it has none.
        captured: in minor units.
        action_url: where the driver confirms.
        reason: why it was refused, for people.
        method: the token under which a saved method is charged.
        customer: the provider's id of the driver, to be given with his next method.
        label: what the driver knows the method by: "visa 4242".
    """

    status: Status
    reference: str = ""
    captured: int = 0
    action_url: str | None = None
    reason: str | None = None
    method: str | None = None
    customer: str | None = None
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class MethodWanted:
    """A payment method a driver wants saved.

    Attributes:
        token: what the provider gave the driver's app for the card.
        customer: the provider's id of the driver, where he has one.
        return_url: where the driver comes back to from a confirmation.
    """

    driver_id: str
    token: str
    customer: str | None
    return_url: str


@dataclass(frozen=True, kw_only=True)
class PaymentWanted:
    """An amount to keep on a saved method.

    Attributes:
        payment_id: ours; the provider's notices name it.
        present: whether the driver is there to confirm.
    """

    payment_id: str
    money: Money
    method: str
    customer: str | None
    present: bool
    return_url: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a webhook says: that something became of a payment, a method or a refund.

    Attributes:
        event_id: the same one may come twice, and late.
        about: whose answer it is.
        payment_id: our id, where the provider was told it.
    """

    event_id: str
    about: "About"
    answer: Answer
    payment_id: str | None = None


class About(enum.StrEnum):
    """What a notice is about."""

    PAYMENT = "PAYMENT"
    METHOD = "METHOD"
    REFUND = "REFUND"
    OTHER = "OTHER"


class PaymentGateway(Protocol):
    """A payment provider. Each call may raise GatewayUnavailable: its outcome is then unknown."""

    async def save_method(self, wanted: MethodWanted, *, key: str) -> Answer:
        """Make a token usable without its driver."""
        ...

    async def look_at_method(self, reference: str) -> Answer:
        """Return what became of saving a method."""
        ...

    async def authorise(self, wanted: PaymentWanted, *, key: str) -> Answer:
        """Keep an amount."""
        ...

    async def capture(self, reference: str, money: Money, *, key: str) -> Answer:
        """Take an amount, at most what is kept; what is left of it goes back."""
        ...

    async def cancel(self, reference: str, *, key: str) -> Answer:
        """Give back what is kept."""
        ...

    async def look(self, reference: str) -> Answer:
        """Return what a payment is now."""
        ...

    async def refund(self, reference: str, money: Money, *, key: str) -> Answer:
        """Give back of what was taken."""
        ...

    async def look_at_refund(self, reference: str) -> Answer:
        """Return what became of a refund."""
        ...

    async def forget_method(self, method: str, *, key: str) -> None:
        """Make a token useless."""
        ...

    def webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Return what a webhook says; header names are in lower case.

        Raises:
            ForgedWebhook: it is not to be believed.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
