"""What the room of money needs of the rooms beside it."""

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject


class Clock(Protocol):
    """Where the time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Who gets a receipt.

    Attributes:
        locale: BCP 47.
        lines: address, as it stands on a letter.
        phone: of usage data records.
        customer_id: the number the provider knows the driver by.
    """

    driver_id: str
    name: str = ""
    email: str | None = None
    phone: str | None = None
    customer_id: str | None = None
    locale: str = "en"
    lines: tuple[str, ...] = ()


class Drivers(Protocol):
    """Whose Token it is, and who that is."""

    async def driver_of(self, token_uid: str) -> str | None:
        """Return the driver_id of a Token of ours; None: it is nobody's."""
        ...

    async def payer(self, driver_id: str) -> Payer:
        """Return who pays; an erased driver is one without a name."""
        ...


class Orders(Protocol):
    """Which order a CDR is of."""

    async def order_of(self, owner: Party, cdr: JSONObject, session: JSONObject | None) -> str | None:
        """Return what its charge was secured under; None: nobody ordered it here.

        Args:
            session: the Session it ends, if it is known.
        """
        ...


class ByReference:
    """Charges that are secured under their authorization_reference."""

    async def order_of(self, owner: Party, cdr: JSONObject, session: JSONObject | None) -> str | None:
        """Return the reference the CDR names, or its Session."""
        found: str | None = cdr.get("authorization_reference") or (session or {}).get("authorization_reference")
        return found


class Event(enum.StrEnum):
    """What a driver is told of his money."""

    PAYMENT_FAILED = "PAYMENT_FAILED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    CHARGE_BILLED = "CHARGE_BILLED"
    CHARGE_PAID = "CHARGE_PAID"
    CHARGE_DISPUTED = "CHARGE_DISPUTED"
    CHARGE_CREDITED = "CHARGE_CREDITED"
    REFUNDED = "REFUNDED"
    WALLET_TOPPED_UP = "WALLET_TOPPED_UP"
    MONEY_RELEASED = "MONEY_RELEASED"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing a driver is told.

    Attributes:
        key: the same one twice is one.
        text: says what to do, in English; a notifier may say it in another language from ``data``.
    """

    key: str
    event: Event
    driver_id: str
    text: str
    data: Mapping[str, JSON] = field(default_factory=dict)


class Notifier(Protocol):
    """Tells drivers, by whatever channel they chose."""

    async def tell(self, told: Told) -> None: ...


@dataclass(frozen=True)
class Nobody:
    """Tells nobody: for a provider that has no notifier yet."""

    async def tell(self, told: Told) -> None:
        """Do nothing."""
