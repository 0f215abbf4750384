"""The kinds of notification, and which of them each thing that happens is."""

import datetime
from dataclasses import dataclass

CHANNELS = ("EMAIL", "SMS", "PUSH")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What holds for all notifications of a kind, unless the driver chose otherwise.

    Attributes:
        channels: how it is told.
        waits: whether it waits for the end of the driver's quiet hours.
        marketing: whether it needs his consent.
        worth: how long it is worth telling.
    """

    name: str
    channels: tuple[str, ...]
    waits: bool
    worth: datetime.timedelta
    marketing: bool = False


_HOUR = datetime.timedelta(hours=1)

KINDS = {
    each.name: each
    for each in (
        Kind(name="CHARGE", channels=("PUSH",), waits=False, worth=_HOUR),
        Kind(name="CHARGE_ENDED", channels=("PUSH", "EMAIL"), waits=False, worth=24 * _HOUR),
        Kind(name="STATION_FREE", channels=("PUSH",), waits=False, worth=_HOUR / 4),
        Kind(name="BOOKING", channels=("PUSH", "EMAIL"), waits=False, worth=12 * _HOUR),
        Kind(name="PROBLEM", channels=("PUSH", "EMAIL"), waits=False, worth=24 * _HOUR),
        Kind(name="PAYMENT", channels=("EMAIL",), waits=True, worth=72 * _HOUR),
        Kind(name="SUGGESTION", channels=("PUSH",), waits=True, worth=12 * _HOUR, marketing=True),
        Kind(name="OFFER", channels=("PUSH",), waits=True, worth=24 * _HOUR, marketing=True),
    )
}

_EVENTS = {
    "START_ACCEPTED": "CHARGE",
    "CHARGE_STARTED": "CHARGE",
    "REQUEST_EXPIRED": "BOOKING",
    "CHARGE_ENDED": "CHARGE_ENDED",
    "CHARGE_REPORT": "CHARGE_ENDED",
    "STATION_FREE": "STATION_FREE",
    "SUGGESTION_OFFER": "OFFER",
    "CHARGE_BILLED": "PAYMENT",
    "CHARGE_PAID": "PAYMENT",
    "CHARGE_CREDITED": "PAYMENT",
    "REFUNDED": "PAYMENT",
    "WALLET_TOPPED_UP": "PAYMENT",
    "MONEY_RELEASED": "PAYMENT",
}


def kind_of(event: str) -> Kind:
    """Return the kind of an event; all others are problems, told at once: a payment that failed, a dispute."""
    if event.startswith("BOOKING"):
        return KINDS["BOOKING"]
    if event.startswith("SUGGESTION") and event not in _EVENTS:
        return KINDS["SUGGESTION"]
    return KINDS[_EVENTS.get(event, "PROBLEM")]
