"""Logging in and out, and what a caller may know and change of himself.

Source: RASD-R16, RASD-UC12, DD-R5, DD-F1.
"""

import datetime
from typing import Annotated

import msgspec

from hub.api.accounts import Accounts
from hub.api.attempts import Attempts
from hub.api.credentials import Credentials, moment_of
from hub.api.declaring import Call, route
from hub.api.passwords import NewPassword, Passwords
from hub.api.principals import Principal
from hub.api.problems import Forbidden, LoginRefused, NotFound, TooManyRequests
from hub.api.realms import Access, Role
from hub.api.shapes import Moment, Shape
from hub.database.contract import Transaction

#: A password as it is tried: any that could have been chosen.
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

_WINDOW = datetime.timedelta(minutes=15)
_PER_ACCOUNT, _PER_ADDRESS = 10, 50  # behind a proxy many share an address


class LogIn(Shape, frozen=True, kw_only=True):
    """E-mail address and password."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    password: Password


class LoggedIn(Shape, frozen=True, kw_only=True):
    """A log-in: its token goes into ``Authorization: Bearer``."""

    token: str
    expires_at: Moment
    role: Role


class Me(Shape, frozen=True, kw_only=True):
    """Who the caller is, and what he may do."""

    kind: str
    id: str
    name: str
    role: str
    scopes: list[str]


class GivenPassword(Shape, frozen=True, kw_only=True):
    """The password, given again."""

    password: Password


class SteppedUp(Shape, frozen=True, kw_only=True):
    """What says that the password was given again; it goes into ``X-Step-Up``."""

    token: str
    expires_at: Moment


class PasswordChange(Shape, frozen=True, kw_only=True):
    """The old and the new password."""

    old: Password
    new: NewPassword


class Device(Shape, frozen=True, kw_only=True):
    """One log-in of an account.

    Attributes:
        current: whether it is the one this request was made with.
    """

    id: str
    created_at: Moment
    seen_at: Moment
    expires_at: Moment
    address: str
    agent: str
    current: bool


class LoginRoutes:
    """Log-in and what is the caller's own."""

    tag = "log-in"

    def __init__(self, accounts: Accounts, credentials: Credentials, passwords: Passwords) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._passwords = passwords
        self._by_account = Attempts(most=_PER_ACCOUNT, window=_WINDOW, clock=credentials.clock)
        self._by_address = Attempts(most=_PER_ADDRESS, window=_WINDOW, clock=credentials.clock)

    @route("POST", "/login", scope=Access.PUBLIC, status=201, problems=(LoginRefused, TooManyRequests))
    async def log_in(self, call: Call, body: LogIn) -> LoggedIn:
        """Log in.

        Unknown addresses and wrong passwords are refused in the same words and the same time.
        """
        account_id, kept = await self._checked(call, body)

        async def work(tx: Transaction) -> tuple[str, int]:
            if not await self._accounts.logged_in(tx, account_id, kept):
                raise LoginRefused("E-mail address or password is wrong")
            agent = call.headers.get("user-agent", "")
            made = await self._credentials.log_in(tx, account_id, address=call.address, agent=agent)
            who = Principal(kind="account", id=account_id, name=body.email)
            await call.trail.by(who).record(tx, status=201, after=None)
            return made

        token, expires_at = await self._accounts.database.transact(work)
        call.trail.recorded = True
        account = await self._accounts.get(account_id)
        return LoggedIn(token=token, expires_at=moment_of(expires_at), role=account.role)

    async def _checked(self, call: Call, body: LogIn) -> tuple[str, str]:
        """Return id and password hash of the account whose password was given."""
        account_key = body.email.casefold()
        self._by_address.check(call.address)
        self._by_account.check(account_key)
        found = await self._accounts.password_of(body.email)
        if not await self._passwords.match(found[1] if found else None, body.password) or found is None:
            self._by_address.failed(call.address)
            self._by_account.failed(account_key)
            raise LoginRefused("E-mail address or password is wrong")
        self._by_account.succeeded(account_key)
        return found

    @route("POST", "/logout", scope=Access.SIGNED_IN)
    async def log_out(self, call: Call) -> None:
        """End the log-in this is called with."""
        _staff(call)
        await self._end(call, call.principal.login_id)

    @route("GET", "/me", scope=Access.SIGNED_IN)
    async def who_am_i(self, call: Call) -> Me:
        """Who the caller is, and what he may do."""
        who = call.principal
        return Me(kind=who.kind, id=who.id, name=who.name, role=who.role, scopes=sorted(who.scopes))

    @route("POST", "/me/step-up", scope=Access.SIGNED_IN, status=201, problems=(TooManyRequests,))
    async def step_up(self, call: Call, body: GivenPassword) -> SteppedUp:
        """Give the password again, for what costs money or is dangerous."""
        await self._confirmed(call, body.password)
        token, expires_at = await self._credentials.step_up(call.principal.login_id)
        return SteppedUp(token=token, expires_at=expires_at)

    @route("PUT", "/me/password", scope=Access.SIGNED_IN, problems=(TooManyRequests,))
    async def change_password(self, call: Call, body: PasswordChange) -> None:
        """Change the own password; every other log-in of the account ends."""
        await self._confirmed(call, body.old)
        kept = await self._passwords.hashed(body.new)

        async def work(tx: Transaction) -> None:
            who = call.principal
            await self._accounts.set_password(tx, who.id, kept, keep_login=who.login_id)
            await call.trail.record(tx, status=204)

        await self._accounts.database.transact(work)

    @route("GET", "/me/logins", scope=Access.SIGNED_IN)
    async def list_own_logins(self, call: Call) -> list[Device]:
        """The devices the caller is logged in on."""
        _staff(call)
        return await devices(self._credentials, call.principal.id, call.principal.login_id)

    @route("DELETE", "/me/logins/{login_id}", scope=Access.SIGNED_IN)
    async def end_own_login(self, call: Call, login_id: str) -> None:
        """Log out on one device."""
        _staff(call)
        await self._end(call, login_id)

    async def _end(self, call: Call, login_id: str) -> None:
        async def work(tx: Transaction) -> None:
            if not await self._credentials.end_login(tx, call.principal.id, login_id):
                raise NotFound("There is no such log-in")
            await call.trail.record(tx, status=204)

        await self._accounts.database.transact(work)

    async def _confirmed(self, call: Call, password: str) -> None:
        """Return if the caller gave his own password."""
        _staff(call)
        key = f"id {call.principal.id}"
        self._by_account.check(key)
        if not await self._passwords.match(await self._accounts.password_hash(call.principal.id), password):
            self._by_account.failed(key)
            raise Forbidden("The password is wrong")
        self._by_account.succeeded(key)


async def devices(credentials: Credentials, account_id: str, current: str) -> list[Device]:
    """Return the log-ins of an account."""
    found = []
    for login_id, created_at, seen_at, expires_at, address, agent in await credentials.logins(account_id):
        found.append(
            Device(
                id=login_id,
                created_at=moment_of(created_at),
                seen_at=moment_of(seen_at),
                expires_at=moment_of(expires_at),
                address=address,
                agent=agent,
                current=login_id == current,
            )
        )
    return found


def _staff(call: Call) -> None:
    if call.principal.kind != "account":
        raise Forbidden("A key has neither password nor log-ins")
