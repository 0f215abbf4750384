"""What the companion needs of the rooms beside it, and of the world."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hub.database.contract import Transaction
from hub.emsp.search.geometry import Point
from hub.ocpi.objects import JSON, JSONObject


class Clock(Protocol):
    """Where the time comes from; tests move their own."""

    def now(self) -> datetime.datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class Told(Protocol):
    """One thing a driver is told; the rooms that tell bring their own.

    Attributes:
        key: the same one twice is one.
        event: a code of the room's.
        text: says what to do, in English.
        data: what the texts of other languages are filled with.
    """

    @property
    def key(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def driver_id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> Mapping[str, JSON]: ...


@dataclass(frozen=True, kw_only=True)
class Contact:
    """How a driver is reached.

    Attributes:
        email: None: he has no confirmed address.
        phone: E.164; None: he has none.
        language: ISO 639-1.
        zone: IANA name of his time zone.
    """

    email: str | None = None
    phone: str | None = None
    language: str = "en"
    zone: str = "Europe/Amsterdam"


class Contacts(Protocol):
    """Drivers' addresses, and what they agreed to."""

    async def contact(self, driver_id: str) -> Contact | None:
        """Return how a driver is reached; None: he is gone."""
        ...

    async def agreed(self, driver_id: str, purpose: str) -> bool:
        """Return whether he agreed to a purpose: MARKETING, LOCATION_HISTORY, CALENDAR."""
        ...


@dataclass(frozen=True, kw_only=True)
class Charged:
    """One finished charge, as its CDR tells it.

    Attributes:
        reference: names the charge, once.
        cost: what the driver pays, all taxes included; None: not known yet.
        location: cdr_location of its CDR.
        token_uid: upper case.
        energy_mix: of its Location, where the CPO tells one.
        country: ISO 3166-1 alpha-3.
    """

    reference: str
    driver_id: str
    token_uid: str
    start: datetime.datetime
    end: datetime.datetime
    kwh: Decimal
    owner: str
    location_id: str
    name: str
    country: str
    cost: Decimal | None = None
    currency: str = "EUR"
    energy_mix: JSONObject | None = None


class Charges(Protocol):
    """Finished charges, oldest first."""

    async def of_driver(self, driver_id: str, start: datetime.datetime, end: datetime.datetime) -> list[Charged]:
        """Return a driver's that ended in a time."""
        ...

    async def of_tokens(
        self, token_uids: Sequence[str], start: datetime.datetime, end: datetime.datetime
    ) -> list[Charged]:
        """Return those made with some Tokens that ended in a time."""
        ...


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A booking that stands.

    Attributes:
        zone: IANA name of its Location's time zone.
        made: when it was booked.
    """

    id: str
    driver_id: str
    owner: str
    location_id: str
    start: datetime.datetime
    end: datetime.datetime
    zone: str
    made: datetime.datetime


class Bookings(Protocol):
    """Bookings that stand."""

    async def beginning(self, start: datetime.datetime, end: datetime.datetime) -> list[Booked]:
        """Return those that begin in a time."""
        ...


class FleetTokens(Protocol):
    """The Tokens of drivers, as far as fleets group them."""

    async def join(self, tx: Transaction, token_uid: str, group_id: str | None) -> bool:
        """Have CPOs told a Token with a fleet's group, or with None its driver's own; False: there is no such Token."""
        ...


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A free time at a station."""

    start: datetime.datetime
    end: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A Tariff that is cheaper for a time: it has an end_date_time.

    Attributes:
        id: OWNER/TARIFF.
        text: its tariff_alt_text; "" where it has none.
    """

    id: str
    text: str
    end: datetime.datetime
    start: datetime.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Station:
    """A Location, as far as it can be suggested."""

    owner: str
    location_id: str
    name: str
    point: Point
    slots: tuple[Slot, ...] = ()
    offers: tuple[Offer, ...] = ()


class Stations(Protocol):
    """What can be suggested, present state."""

    async def around(self, point: Point, radius: float) -> list[Station]:
        """Return stations within a distance in metres, the nearest first."""
        ...

    async def station(self, owner: str, location_id: str) -> Station | None:
        """Return one; None: it is gone."""
        ...


class Answer(Protocol):
    """What a server answered."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Fetcher(Protocol):
    """The house's way to URLs that strangers gave: guarded, without redirects, bounded (``hub.ocpi.wire.Wire``)."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, timeout: float
    ) -> Answer:
        """Send one request; any exception means that there is no answer."""
        ...


@dataclass(frozen=True, kw_only=True)
class Message:
    """A notification as a channel carries it.

    Attributes:
        key: the same for every attempt, so that a receiver that can tell repeats apart does.
        to: an address, a number, or a subscription's JSON.
        until: when it is not worth delivering any more.
    """

    key: str
    to: str
    subject: str
    text: str
    until: datetime.datetime
    data: Mapping[str, JSON]


class NotTaken(Exception):
    """The channel surely did not take a message; it may be tried again."""


class Refused(Exception):
    """The channel will never take this message."""


class TargetGone(Refused):
    """There is nobody at the target any more."""


class Channel(Protocol):
    """Carries messages; an implementation lives in ``adapters/notifications``."""

    async def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            NotTaken: it is to be tried again.
            Refused: it is not.
        """
        ...
