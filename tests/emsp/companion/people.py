"""Drivers of these tests, and channels that remember what they were given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.emsp.companion.needs import Contact, Message

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
