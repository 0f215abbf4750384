"""Drivers of these tests, and channels that remember what they were given."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hub.emsp.companion.needs import Charged, Contact, Message, Station
from hub.emsp.search.geometry import Point, distance

ANNA, BEN = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One thing a driver is told."""

    key: str
    event: str
    driver_id: str = ANNA
    text: str = "Something happened."
    data: Mapping[str, Any] = field(default_factory=dict)


class People:
    """Drivers who can be reached, and what they agreed to."""

    def __init__(self) -> None:
        self.contacts = {
            ANNA: Contact(email="anna@example.org", phone="+31600000001"),
            BEN: Contact(email="ben@example.org", language="nl"),
        }
        self.purposes = set[tuple[str, str]]()

    async def contact(self, driver_id: str) -> Contact | None:
        return self.contacts.get(driver_id)

    async def agreed(self, driver_id: str, purpose: str) -> bool:
        return (driver_id, purpose) in self.purposes


class Postbox:
    """A channel that takes everything, or raises what it is told to."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.asked = 0
        self.trouble: list[Exception] = []

    async def send(self, message: Message) -> None:
        self.asked += 1
        if self.trouble:
            raise self.trouble.pop(0)
        self.taken.append(message)


class Town:
    """Stations, as they are at the moment."""

    def __init__(self, *stations: Station) -> None:
        self.stations = list(stations)

    async def around(self, point: Point, radius: float) -> list[Station]:
        near = [each for each in self.stations if distance(each.point, point) <= radius]
        return sorted(near, key=lambda each: distance(each.point, point))

    async def station(self, owner: str, location_id: str) -> Station | None:
        return next((each for each in self.stations if (each.owner, each.location_id) == (owner, location_id)), None)


class Past:
    """Charges that are over."""

    def __init__(self, *charges: Charged) -> None:
        self.charges = list(charges)

    async def of_driver(self, driver_id: str, start: datetime.datetime, end: datetime.datetime) -> list[Charged]:
        return [each for each in self.charges if each.driver_id == driver_id and start <= each.end < end]

    async def of_tokens(
        self, token_uids: Sequence[str], start: datetime.datetime, end: datetime.datetime
    ) -> list[Charged]:
        return [each for each in self.charges if each.token_uid in token_uids and start <= each.end < end]


class Wallets:
    """Tokens of drivers, and the groups they were told with."""

    def __init__(self, *uids: str) -> None:
        self.groups = dict[str, str | None].fromkeys(uids)

    async def join(self, tx: Any, token_uid: str, group_id: str | None) -> bool:
        if token_uid not in self.groups:
            return False
        self.groups[token_uid] = group_id
        return True


def charged(number: int, end: datetime.datetime, **changes: Any) -> Charged:
    """Return a charge of an hour."""
    return Charged(
        **({
            "reference": f"C{number}", "driver_id": ANNA, "token_uid": "CARD-1", "kwh": Decimal("20"),
            "start": end - datetime.timedelta(hours=1), "end": end, "owner": "NL-CPO", "location_id": "LOC1",
            "name": "Harbour", "country": "NLD", "cost": Decimal("8.40"),
        } | changes)
    )  # fmt: skip
