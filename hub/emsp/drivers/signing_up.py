"""A driver signs up: a person and a vehicle, and an address that is confirmed by a link.

Nothing is written unless everything is right. The account charges once its address is confirmed: only then it gets
its OCPI Token, so that no stranger can have Tokens sent to every CPO.

Source: RASD-R1, RASD-UC01, RASD-F01, X-01, X-02, X-03; DD-C-MAIL; decision 0030.
"""

import datetime

import msgspec

from hub.api.attempts import Attempts
from hub.api.passwords import Passwords
from hub.api.problems import Fault
from hub.database.contract import Transaction
from hub.emsp.drivers.forms import Person, SignUp, person_faults, vehicle_faults
from hub.emsp.drivers.garage import Garage
from hub.emsp.drivers.letters import LIVES, Letters, letter
from hub.emsp.drivers.people import TAKEN_EMAIL, Driver, People, refuse, settled
from hub.emsp.drivers.tokens import Tokens
from hub.emsp.mail import Letter
from hub.ocpi.objects import JSONObject

_WINDOW = datetime.timedelta(hours=1)
_PER_ADDRESS = 30  # behind a proxy many share an address


class SigningUp:
    """The way from a form to an account.

    Args:
        hints: whether it is said that an address has an account (decision 0030).
    """

    def __init__(
        self, *, people: People, garage: Garage, tokens: Tokens, letters: Letters, passwords: Passwords, hints: bool
    ) -> None:
        self._people = people
        self._garage = garage
        self._tokens = tokens
        self._letters = letters
        self._passwords = passwords
        self._hints = hints
        self._by_address = Attempts(most=_PER_ADDRESS, window=_WINDOW, clock=people.now)

    async def check(self, person: Person, address: str = "") -> None:
        """Judge the first step, so that the second is not filled in for nothing.

        Raises:
            Invalid: something is wrong; each fault is named.
            TooManyRequests: this address has asked too often.
        """
        self._count(address)
        known = await self._people.by_email("", person.email) if self._hints else None
        taken = [Fault("$.email", TAKEN_EMAIL)] if known else []
        refuse([*self.person_faults(msgspec.structs.asdict(person)), *taken])

    async def sign_up(self, form: SignUp, address: str = "") -> None:
        """Make an account and send the link that confirms it.

        Raises:
            Invalid: something is wrong; each fault is named, and there is no account.
            TooManyRequests: this address has signed up too often.
            Unavailable: the account is made, but the link could not be sent.
        """
        self._count(address)
        said = {"person": msgspec.structs.asdict(form.person), "vehicle": msgspec.structs.asdict(form.vehicle)}
        faults = self.faults(said)
        # What is taken is said together with what is wrong, and asked again where it is written.
        refuse(faults + await self._people.database.transact(lambda tx: self._taken(tx, form)))
        password = await self._passwords.hashed(form.person.password)
        await self._letters.send(
            await settled(self._people.database, lambda tx: self._written(tx, form, password))
        )  # fmt: skip

    def person_faults(self, said: JSONObject, path: str = "$") -> list[Fault]:
        """Return what is wrong with what of a ``Person`` is right by its declaration."""
        return person_faults(said, self._people.now().date(), path)

    def faults(self, said: JSONObject) -> list[Fault]:
        """Return what is wrong with what of a ``SignUp`` is right by its declaration; nothing is looked up."""
        person = self.person_faults(said.get("person", {}), "$.person")
        return [*person, *vehicle_faults(said.get("vehicle", {}), self._garage.home, "$.vehicle")]

    async def _taken(self, tx: Transaction, form: SignUp) -> list[Fault]:
        emails = await self._people.taken(tx, email=form.person.email, path="$.person") if self._hints else []
        return [*emails, *await self._garage.taken(tx, form.vehicle, "$.vehicle")]

    async def _written(self, tx: Transaction, form: SignUp, password: str) -> Letter:
        """Write the account; where that an address is known is not told, its owner is written to instead."""
        refuse(await self._taken(tx, form))
        person = form.person
        if not self._hints and await self._people.taken(tx, email=person.email):
            return letter("KNOWN", person.email, person.language)
        driver = await self._people.add(
            tx,
            email=person.email,
            name=person.name,
            surname=person.surname,
            birth_date=person.birth_date,
            language=person.language,
            password=password,
        )
        await self._garage.add(tx, driver.id, form.vehicle)
        return await self._letters.write(tx, "CONFIRM", driver.id, person.email)

    async def send_again(self, email: str, address: str = "") -> None:
        """Send the link again to an address that waits for one; whether it does is not told.

        Raises:
            TooManyRequests: this address has asked too often.
        """
        self._count(address)
        driver = await self._people.by_email("", email)
        if driver is None or driver.confirmed or driver.email is None:
            return
        to, driver_id = driver.email, driver.id
        await self._letters.send(
            await self._people.database.transact(lambda tx: self._letters.write(tx, "CONFIRM", driver_id, to))
        )  # fmt: skip

    async def confirm(self, token: str) -> Driver:
        """Follow the link: the account may log in and charge.

        Raises:
            Invalid: the link does not work.
        """

        async def work(tx: Transaction) -> Driver:
            opened = await self._letters.opened(tx, "CONFIRM", token)
            return await self.confirmed(tx, opened.driver_id)

        return await self._people.database.transact(work)

    async def confirmed(self, tx: Transaction, driver_id: str) -> Driver:
        """Note that an address is confirmed, however that came to be known; the first time makes the Token."""
        driver, new = await self._people.confirm(tx, driver_id)
        if new:
            await self._tokens.add(tx, driver, "APP_USER")
        return driver

    async def sweep(self) -> None:
        """Remove accounts nobody confirmed while their link worked."""
        await self._people.drop_unconfirmed(self._people.now() - LIVES["CONFIRM"])

    def _count(self, address: str) -> None:
        self._by_address.check(address)
        self._by_address.failed(address)
