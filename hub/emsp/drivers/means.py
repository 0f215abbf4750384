"""What a driver adds to his account and takes off it: cards and phones, each a Token; lost ones are blocked.

Source: SGEM-4.2-04, GEM-UC-1514, GEM-UC-1515, GEM-UC-1516.
"""

import datetime
from typing import Annotated

from hub.api.problems import invalid
from hub.api.shapes import Name, Shape, pattern
from hub.database.contract import Transaction
from hub.emsp.drivers import phones
from hub.emsp.drivers.people import Driver, People, refuse, settled
from hub.emsp.drivers.tokens import DriverToken, Tokens, TokenState

#: mod_tokens: a CiString(36), as a reader reads it.
CardUid = Annotated[
    str, pattern("^[A-Za-z0-9:._-]+$", "the number of a card: letters, digits and : . _ -", least=4, most=36)
]
PhoneNumber = Annotated[str, pattern("^[0-9+ ()./-]+$", "a phone number, such as +31 6 12345678", least=7, most=30)]


class Card(Shape, frozen=True, kw_only=True):
    """A card to be added.

    Attributes:
        uid: what a reader reads of it.
        label: what is printed on it.
    """

    uid: CardUid
    label: Annotated[str, pattern("^[\\u0020-\\u007e]*$", "printable ASCII", least=0, most=64)] = ""


class Phone(Shape, frozen=True, kw_only=True):
    """A phone to be added, for starting by SMS."""

    phone: PhoneNumber
    label: Name = "phone"


def card_uid(text: str) -> str:
    """Return a card's uid as readers write it: bytes in hexadecimal, without what separates them."""
    return text.replace(":", "").upper()


class Means:
    """Cards and phones of accounts."""

    def __init__(self, people: People, tokens: Tokens) -> None:
        self._people = people
        self._tokens = tokens

    async def add_card(self, driver_id: str, card: Card) -> DriverToken:
        """Add a card.

        Raises:
            Invalid: it is somebody's already.
        """
        uid = card_uid(card.uid)

        async def work(tx: Transaction) -> DriverToken:
            driver = await self._people.locked(tx, driver_id)
            refuse(await self._tokens.taken(tx, driver_id, uid=uid))
            return await self._tokens.add(tx, driver, "RFID", uid=uid, label=card.label)

        return await settled(self._people.database, work)

    async def add_phone(self, driver_id: str, phone: Phone) -> DriverToken:
        """Add a phone; its Token is of type OTHER and does not hold the number (INCAR-AU04).

        Raises:
            Invalid: it is no phone number, or somebody's already.
        """
        number = judged_phone(phone.phone)

        async def work(tx: Transaction) -> DriverToken:
            driver = await self._people.locked(tx, driver_id)
            refuse(await self._tokens.taken(tx, driver_id, phone=number))
            return await self._tokens.add(tx, driver, "OTHER", label=phone.label, phone=number)

        return await settled(self._people.database, work)

    async def block(self, driver_id: str, token_id: str, reason: str = "") -> DriverToken:
        """Block a Token: lost, or stolen; it can be allowed again.

        Raises:
            NotFound: the driver has no such Token.
        """
        return await self._set(driver_id, token_id, "BLOCKED", reason)

    async def unblock(self, driver_id: str, token_id: str) -> DriverToken:
        """Allow a Token again.

        Raises:
            NotFound: the driver has no such Token.
        """
        return await self._set(driver_id, token_id, "ACTIVE", "")

    async def remove(self, driver_id: str, token_id: str) -> DriverToken:
        """Take a Token away; it is told as no longer valid, and not erased.

        Raises:
            NotFound: the driver has no such Token.
        """
        return await self._set(driver_id, token_id, "REMOVED", "")

    async def _set(self, driver_id: str, token_id: str, state: TokenState, reason: str) -> DriverToken:
        async def work(tx: Transaction) -> DriverToken:
            driver = await self._people.locked(tx, driver_id)
            return await self._tokens.set_state(tx, driver, token_id, state, reason=reason)

        return await self._people.database.transact(work)

    async def ad_hoc(self, until: datetime.datetime, *, phone: str | None = None, language: str = "en") -> DriverToken:
        """Make a driver without account for one charge: a casual user by SMS, or at the charger.

        Args:
            until: when his Token ends.
            phone: E.164, where he pays and is answered by SMS.

        Raises:
            Invalid: the number is a registered driver's.
        """

        async def work(tx: Transaction) -> DriverToken:
            if phone is not None:
                refuse(await self._tokens.taken(tx, "", phone=phone))
            driver = await self._people.add(
                tx, language=language, driver_class="ad-hoc", ends_at=until, confirmed=True
            )  # fmt: skip
            return await self._tokens.add(tx, driver, "AD_HOC_USER", phone=phone, ends_at=until)

        return await settled(self._people.database, work)

    async def driver_of_phone(self, number: str) -> Driver | None:
        """Return whose phone number it is, however it is written; None: nobody's (SGEM-4.1-03)."""
        try:
            token = await self._tokens.of_phone(phones.normalized(number))
        except ValueError:
            return None
        return await self._people.get(token.driver_id) if token else None


def judged_phone(text: str, path: str = "$.phone") -> str:
    """Return a phone number as E.164 writes it.

    Raises:
        Invalid: it is none.
    """
    try:
        return phones.normalized(text)
    except ValueError as error:
        raise invalid(path, str(error)) from error
