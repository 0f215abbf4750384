"""Drivers without an account: they charge for a day, as soon as they can pay.

A guest is a driver nobody knows the name of. He gets his OCPI Token when he first charges with a valid payment method,
so that no stranger can have Tokens sent to every CPO.

Source: OCPI 2.3.0, mod_tokens.asciidoc (TokenType AD_HOC_USER); decision 0030.
"""

import datetime

from hub.api.attempts import Attempts
from hub.database.contract import Transaction
from hub.emsp.drivers.logins import Device, DriverLoggedIn, Logins
from hub.emsp.drivers.people import People
from hub.emsp.drivers.tokens import Tokens

#: How long a guest may charge.
STAY = datetime.timedelta(days=1)

#: The class of drivers without an account.
CLASS = "ad-hoc"

_WINDOW = datetime.timedelta(hours=1)
_PER_ADDRESS = 30  # behind a proxy many share an address


class Guests:
    """Lets guests in."""

    def __init__(self, *, people: People, tokens: Tokens, logins: Logins) -> None:
        self._people = people
        self._tokens = tokens
        self._logins = logins
        self._by_address = Attempts(most=_PER_ADDRESS, window=_WINDOW, clock=people.now)

    async def arrive(self, device: Device, *, language: str = "en") -> DriverLoggedIn:
        """Log somebody in whom nobody knows.

        Raises:
            TooManyRequests: too many came from this address.
        """
        self._by_address.check(device.address)
        self._by_address.failed(device.address)

        async def work(tx: Transaction) -> DriverLoggedIn:
            until = self._people.now() + STAY
            driver = await self._people.add(tx, language=language, driver_class=CLASS, ends_at=until, confirmed=True)
            return await self._logins.add(tx, driver.id, device)

        return await self._people.database.transact(work)

    async def admit(self, driver_id: str) -> None:
        """Give a guest his Token, once."""

        async def work(tx: Transaction) -> None:
            driver = await self._people.locked(tx, driver_id)
            known = await tx.fetch("SELECT 1 FROM emsp_token WHERE driver_id = $1", driver_id)
            if driver.driver_class == CLASS and not known:
                await self._tokens.add(tx, driver, "AD_HOC_USER", ends_at=driver.ends_at)

        await self._people.database.transact(work)
