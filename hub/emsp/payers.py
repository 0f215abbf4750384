"""Drivers as the room of money needs them: whose a Token is, and who is written on a paper."""

from hub.api.problems import NotFound
from hub.emsp.drivers.people import People
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.money.needs import Payer


class Payers:
    """The room of drivers, seen from that of money."""

    def __init__(self, people: People, tokens: Tokens) -> None:
        self._people = people
        self._tokens = tokens

    async def driver_of(self, token_uid: str) -> str | None:
        """Return whose Token it is; None: nobody's."""
        return await self._tokens.driver_of_token(token_uid)

    async def payer(self, driver_id: str) -> Payer:
        """Return who pays; one who is erased has no name any more."""
        try:
            driver = await self._people.get(driver_id)
        except NotFound:
            return Payer(driver_id=driver_id)
        phones = [each.phone for each in await self._tokens.of_driver(driver_id) if each.phone]
        return Payer(
            driver_id=driver_id,
            name=f"{driver.name} {driver.surname}".strip(),
            email=driver.email,
            phone=phones[0] if phones else None,
            customer_id=driver.customer_id,
            locale=driver.language,
        )
