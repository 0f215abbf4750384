"""A driver proves who he is with a password: logging in, forgetting it, changing it or the address.

Source: RASD-R2, RASD-UC02, X-04, X-05, X-06, SGEM-4.2-07; decision 0030 (what a wrong log-in is told).
"""

import datetime

from hub.api.attempts import Attempts
from hub.api.passwords import Passwords
from hub.api.problems import Fault, Forbidden, LoginRefused, Problem, invalid
from hub.database.contract import Transaction
from hub.emsp.drivers.letters import Letters, letter
from hub.emsp.drivers.logins import Device, DriverLoggedIn, Logins
from hub.emsp.drivers.people import Driver, People, refuse, settled
from hub.emsp.drivers.signing_up import SigningUp
from hub.emsp.mail import Letter

_WINDOW = datetime.timedelta(minutes=15)
_PER_ACCOUNT, _PER_ADDRESS = 10, 50  # behind a proxy many share an address

UNKNOWN = Fault("$.email", "no account has this e-mail address; look for a typing error, or sign up")
WRONG = Fault("$.password", "is wrong; try again, or reset it")
NEITHER = "E-mail address or password is wrong"


class Proving:
    """Log-in by password, and all that concerns passwords and addresses.

    Args:
        hints: whether it is said which of address and password is wrong.
    """

    def __init__(
        self, *, people: People, logins: Logins, letters: Letters, passwords: Passwords, signing_up: SigningUp,
        hints: bool,
    ) -> None:  # fmt: skip
        self._people = people
        self._logins = logins
        self._letters = letters
        self._passwords = passwords
        self._signing_up = signing_up
        self._hints = hints
        self._by_account = Attempts(most=_PER_ACCOUNT, window=_WINDOW, clock=people.now)
        self._by_address = Attempts(most=_PER_ADDRESS, window=_WINDOW, clock=people.now)

    # -- in ----------------------------------------------------------------------------------------

    async def log_in(self, email: str, password: str, device: Device) -> DriverLoggedIn:
        """Log a driver in.

        Raises:
            LoginRefused: the address is unknown or the password wrong; a fault names which, where hints are given.
            Forbidden: the address was never confirmed.
            TooManyRequests: there were too many wrong attempts.
        """
        driver, kept = await self._checked(email, password, device.address)
        if not driver.confirmed:
            raise Forbidden("Your e-mail address is not confirmed yet: follow the link we sent, or ask for another one")

        async def work(tx: Transaction) -> DriverLoggedIn:
            # The password may have been reset, and every log-in ended, while this one was hashed.
            rows = await tx.fetch("SELECT 1 FROM emsp_driver WHERE id = $1 AND password = $2", driver.id, kept)
            if not rows:
                raise LoginRefused(NEITHER)
            return await self._logins.add(tx, driver.id, device)

        return await self._people.database.transact(work)

    async def _checked(self, email: str, password: str, address: str) -> tuple[Driver, str]:
        key = email.casefold()
        self._by_address.check(address)
        self._by_account.check(key)
        driver = await self._people.by_email("", email)
        kept = await self._people.password_of(driver.id) if driver else None
        # Whoever is not known is hashed for as well, so that the time tells nothing where the answer does not.
        if not await self._passwords.match(kept, password) or driver is None or kept is None:
            self._by_address.failed(address)
            self._by_account.failed(key)
            raise self._refusal(driver)
        self._by_account.succeeded(key)
        return driver, kept

    def _refusal(self, driver: Driver | None) -> Problem:
        if not self._hints:
            return LoginRefused(NEITHER)
        fault = UNKNOWN if driver is None else WRONG
        return LoginRefused(f"{fault.path}: {fault.rule}", faults=[fault])

    async def confirmed_by(self, driver_id: str, password: str, path: str = "$.password") -> None:
        """Return if a driver who is logged in gave his own password, which stands at ``path`` of what he sent.

        Raises:
            Invalid: it is wrong, or he has none.
            TooManyRequests: there were too many wrong attempts.
        """
        key = f"id {driver_id}"
        self._by_account.check(key)
        if not await self._passwords.match(await self._people.password_of(driver_id), password):
            self._by_account.failed(key)
            raise invalid(path, "is wrong")
        self._by_account.succeeded(key)

    # -- passwords ---------------------------------------------------------------------------------

    async def forgotten(self, email: str, address: str = "") -> None:
        """Send the link to choose a new password, if the address has an account; whether it has is not told.

        Raises:
            TooManyRequests: it was asked too often.
        """
        for attempts, key in ((self._by_address, f"reset {address}"), (self._by_account, f"reset {email.casefold()}")):
            attempts.check(key)
            attempts.failed(key)
        driver = await self._people.by_email("", email)
        if driver is None or driver.email is None:
            return
        to, driver_id = driver.email, driver.id
        await self._letters.send(
            await self._people.database.transact(lambda tx: self._letters.write(tx, "RESET", driver_id, to))
        )  # fmt: skip

    async def reset(self, token: str, password: str, again: str) -> None:
        """Follow the link: the new password holds, every log-in ends, and the address is confirmed by this too.

        Raises:
            Invalid: the link does not work, or the passwords differ.
        """
        refuse(_differ(password, again, "$.password_again"))
        kept = await self._passwords.hashed(password)

        async def work(tx: Transaction) -> None:
            opened = await self._letters.opened(tx, "RESET", token)
            await self._signing_up.confirmed(tx, opened.driver_id)
            await self._people.change(tx, opened.driver_id, password=kept)
            await self._logins.clear(tx, opened.driver_id)

        await self._people.database.transact(work)

    async def change_password(self, driver_id: str, old: str, new: str, *, again: str, login_id: str) -> None:
        """Replace the password; every other log-in ends.

        Raises:
            Invalid: the old one is wrong, or the new ones differ.
        """
        refuse(_differ(new, again, "$.new_again"))
        await self.confirmed_by(driver_id, old, "$.old")
        kept = await self._passwords.hashed(new)

        async def work(tx: Transaction) -> None:
            await self._people.change(tx, driver_id, password=kept)
            await self._logins.clear(tx, driver_id, but=login_id)
            await self._letters.drop(tx, driver_id)

        await self._people.database.transact(work)

    # -- addresses ---------------------------------------------------------------------------------

    async def ask_new_email(self, driver_id: str, email: str, password: str) -> None:
        """Send the link that changes the address to the new one.

        Raises:
            Invalid: the password is wrong, or another account has the address.
        """
        await self.confirmed_by(driver_id, password)

        async def work(tx: Transaction) -> Letter:
            driver = await self._people.locked(tx, driver_id)
            refuse(await self._people.taken(tx, brand=driver.brand, email=email, but=driver_id))
            return await self._letters.write(tx, "CHANGE", driver_id, email)

        await self._letters.send(await self._people.database.transact(work))

    async def change_email(self, token: str) -> Driver:
        """Follow the link: the new address holds; the old one is told.

        Raises:
            Invalid: the link does not work, or another account has the address by now.
        """

        async def work(tx: Transaction) -> tuple[str | None, Driver]:
            opened = await self._letters.opened(tx, "CHANGE", token)
            before = await self._people.locked(tx, opened.driver_id)
            refuse(await self._people.taken(tx, brand=before.brand, email=opened.email, but=before.id))
            key = opened.email.casefold()
            return before.email, await self._people.change(tx, before.id, email=opened.email, email_key=key)

        old, driver = await settled(self._people.database, work)
        if old is not None:
            await self._letters.send(letter("CHANGED", old, driver.language))
        return driver


def _differ(password: str, again: str, path: str) -> list[Fault]:
    return [] if password == again else [Fault(path, "must be the same password")]
