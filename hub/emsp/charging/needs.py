"""What booking and charging need of the rooms beside it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from hub.database.contract import Transaction
from hub.ocpi.messages import Party
from hub.ocpi.objects import JSON, JSONObject
from hub.ocpi.pricing import after_taxes


class Clock(Protocol):
    """Where the time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A driver, as far as it matters at a station.

    Attributes:
        driver_class: which horizon is his: standard, professional, ...
        vehicles: ids of his own.
        language: ISO 639-1.
    """

    driver_id: str
    driver_class: str = "standard"
    vehicles: frozenset[str] = frozenset()
    language: str = "en"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Leave to charge.

    Attributes:
        token: the OCPI Token to charge with, as CPOs know it.
        reference: the authorization_reference, which Session and CDR repeat.
    """

    token: JSONObject
    reference: str


class NotAllowed(Exception):
    """Leave to charge is not given; the message says why, in words for the driver.

    Attributes:
        allowed: OCPI AllowedType: BLOCKED, EXPIRED, NO_CREDIT or NOT_ALLOWED.
    """

    def __init__(self, allowed: str, text: str) -> None:
        super().__init__(text)
        self.allowed = allowed


class Drivers(Protocol):
    """Who drives, and whether he may charge."""

    async def driver(self, driver_id: str) -> Driver | None:
        """Return a driver who may charge; None: there is none, or he may not any more."""
        ...

    async def allow(
        self, driver_id: str, place: "Spot", *, before: Permission | None = None, begins: bool = True
    ) -> Permission:
        """Give leave to charge at a station, which is kept and found again by its reference.

        Args:
            before: what was given for the same charge when it was booked; it is judged anew and keeps its reference.
            begins: whether the charge begins now, and has to be paid for.

        Raises:
            NotAllowed: he may not; that is kept as well.
        """
        ...

    async def admits(self, driver_id: str, place: "Spot") -> bool:
        """Return whether a driver's contract covers a station; nothing is kept of it."""
        ...

    async def driver_of_phone(self, phone: str) -> str | None:
        """Return whose number this is (E.164)."""
        ...

    async def ad_hoc(self, phone: str) -> str | None:
        """Return a driver made for one who has no account (AD_HOC_USER); None: such ones are not served."""
        ...

    async def driver_of_token(self, tx: Transaction, uid: str, kind: str) -> str | None:
        """Return whose Token this is, as a transaction sees it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a driver may spend on one charge.

    Attributes:
        limit: all taxes included; None: no limit.
        currency: ISO 4217.
    """

    limit: Decimal | None = None
    currency: str | None = None


class PaymentRefused(Exception):
    """There is no valid way to pay; the message says what the driver can do."""


class PaymentOpen(PaymentRefused):
    """It is not known yet whether it is paid: the driver has to confirm it, or the payment provider to answer.

    Attributes:
        url: where he confirms it; None: he waits a moment.
    """

    def __init__(self, text: str, url: str | None = None) -> None:
        super().__init__(text)
        self.url = url


class Money(Protocol):
    """Whether a charge can be paid for."""

    async def hold(self, driver_id: str, charge_id: str, place: "Spot", *, return_url: str = "") -> Allowance:
        """Set money aside for a charge about to start; again with the same id, it changes nothing.

        Args:
            return_url: where the driver comes back to from his bank's page.

        Raises:
            PaymentOpen: ask again with the same id.
            PaymentRefused: nothing was set aside.
        """
        ...

    async def release(self, charge_id: str) -> None:
        """Let go what was set aside for a charge that never began; again, it changes nothing."""
        ...


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What became of a CDR.

    Attributes:
        cdr_id: folded.
        verdict: BOOKED, DISPUTED, REJECTED, CREDIT or CREDITED.
        price: what the driver pays, in minor units of ``currency``.
    """

    owner: Party
    cdr_id: str
    verdict: str
    price: int
    currency: str


class Costs(Protocol):
    """What a charge costs its driver, while it goes on and when its CDR is here."""

    async def so_far(self, tx: Transaction, owner: Party, session: JSONObject) -> Decimal | None:
        """Return the cost of a Session so far, all taxes included, in its currency; None: it cannot be said."""
        ...

    async def billed(self, tx: Transaction, owner: Party, cdr: JSONObject) -> Decimal | None:
        """Return the cost of a CDR, all taxes included, in its currency; None: it cannot be said."""
        ...


class AsTold:
    """What the CPO says."""

    async def so_far(self, tx: Transaction, owner: Party, session: JSONObject) -> Decimal | None:
        """Return its total cost with taxes."""
        cost = session.get("total_cost")
        return after_taxes(cost) if cost else None

    async def billed(self, tx: Transaction, owner: Party, cdr: JSONObject) -> Decimal | None:
        """Return its total cost with taxes."""
        return after_taxes(cdr["total_cost"])


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing a driver is told.

    Attributes:
        key: the same one twice is one.
        event: a code of ``notices``.
        text: says what to do, in English; a notifier may say it otherwise from ``data``.
    """

    key: str
    event: str
    driver_id: str
    text: str
    data: Mapping[str, JSON] = field(default_factory=dict)


class Notifier(Protocol):
    """Tells drivers, by whatever channel they chose."""

    async def tell(self, told: Told) -> None:
        """Take what a driver is to be told; an exception means: again later."""
        ...


class SmsGateway(Protocol):
    """Sends short messages."""

    async def send(self, phone: str, text: str) -> None:
        """Hand a message over; an exception means: again later."""
        ...


@dataclass(frozen=True, kw_only=True)
class Spot:
    """An EVSE a CPO told of; ids are CiStrings, kept in upper case.

    Attributes:
        connector_id: None: the EVSE's own choice.
    """

    owner: Party
    location_id: str
    evse_uid: str
    connector_id: str | None = None

    @classmethod
    def of(cls, owner: str, location_id: str, evse_uid: str, connector_id: str | None = None) -> "Spot":
        """Return the place of some ids, whatever their case."""
        return cls(
            owner=Party.parse(owner),
            location_id=location_id.upper(),
            evse_uid=evse_uid.upper(),
            connector_id=connector_id,
        )

    def __str__(self) -> str:
        return f"{self.owner}/{self.location_id}/{self.evse_uid}"


class NoMoney:
    """A provider that bills afterwards: everything is allowed."""

    async def hold(self, driver_id: str, charge_id: str, place: Spot, *, return_url: str = "") -> Allowance:
        """Return no limit."""
        return Allowance()

    async def release(self, charge_id: str) -> None:
        """Do nothing."""


class Silence:
    """Tells nobody; drivers read their notices where they are kept."""

    async def tell(self, told: Told) -> None:
        """Do nothing."""
