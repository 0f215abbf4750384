"""Drivers as the companion needs them: how they are reached, what they agreed to, and the groups of their Tokens."""

from hub.api.problems import NotFound
from hub.database.contract import Transaction
from hub.emsp.companion.needs import Contact
from hub.emsp.companion.preferences import PreferenceStore
from hub.emsp.drivers.needs import Now
from hub.emsp.drivers.people import People
from hub.emsp.drivers.privacy import agrees
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.store import Store

#: The clock of drivers who have not said where they live.
ZONE = "Europe/Amsterdam"


class ContactsOfDrivers:
    """The room of drivers, seen from the companion."""

    def __init__(self, store: Store, now: Now) -> None:
        self._database = store.database
        self._people = People(store.database, now)
        self._tokens = Tokens(store, now, issuer="emall")
        self._preferences = PreferenceStore(store.database)

    async def contact(self, driver_id: str) -> Contact | None:
        """Return how a driver is reached: by an address he confirmed, and the first phone that is in use."""
        try:
            driver = await self._people.get(driver_id)
        except NotFound:
            return None
        if driver.state in ("GONE", "ERASED"):
            return None
        chosen = await self._preferences.of(driver_id)
        tokens = await self._tokens.of_driver(driver_id)
        phones = [each.phone for each in tokens if each.phone and each.state == "ACTIVE"]
        return Contact(
            email=driver.email if driver.confirmed else None,
            phone=phones[0] if phones else None,
            language=chosen.language or driver.language,
            zone=chosen.zone or ZONE,
        )

    async def agreed(self, driver_id: str, purpose: str) -> bool:
        """Return whether he agreed to a purpose."""
        return await agrees(self._database, driver_id, purpose)


class GroupedTokens:
    """The Tokens of drivers, for fleets."""

    def __init__(self, store: Store, now: Now) -> None:
        self._people = People(store.database, now)
        self._tokens = Tokens(store, now, issuer="emall")

    async def join(self, tx: Transaction, token_uid: str, group_id: str | None) -> bool:
        """Have CPOs told a Token with a fleet's group, or with None its driver's own."""
        token = await self._tokens.of_uid_in(tx, token_uid)
        if token is None or token.state == "REMOVED":
            return False
        driver = await self._people.locked(tx, token.driver_id)
        await self._tokens.set_group(tx, driver, token.id, group_id)
        return True
