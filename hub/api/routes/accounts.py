"""Staff members, for administrators: nobody signs up (RASD-F14)."""

from hub.api.accounts import Account, AccountChanges, Accounts, Email
from hub.api.credentials import Credentials
from hub.api.declaring import Call, route
from hub.api.passwords import NewPassword, Passwords
from hub.api.problems import Conflict, NotFound, PreconditionFailed
from hub.api.realms import Administration, Role
from hub.api.routes.login import Device, devices
from hub.api.shapes import ListQuery, Name, Page, Shape
from hub.database.contract import Transaction


class NewAccount(Shape, frozen=True, kw_only=True):
    """A staff member to be; he is told the password by whoever chose it, and changes it."""

    email: Email
    name: Name
    role: Role
    password: NewPassword


class ResetPassword(Shape, frozen=True, kw_only=True):
    """A password in place of one that was forgotten."""

    password: NewPassword


class AccountRoutes:
    """The staff."""

    tag = "accounts"

    def __init__(self, accounts: Accounts, credentials: Credentials, passwords: Passwords) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._passwords = passwords

    @route("GET", "/accounts", scope=Administration.ACCOUNTS_READ)
    async def list_accounts(self, call: Call, query: ListQuery) -> Page[Account]:
        """List the staff."""
        return await self._accounts.page(query)

    @route("POST", "/accounts", scope=Administration.ACCOUNTS_WRITE, status=201, step_up=True, problems=(Conflict,))
    async def create_account(self, call: Call, body: NewAccount) -> Account:
        """Insert a staff member."""
        kept = await self._passwords.hashed(body.password)

        async def work(tx: Transaction) -> Account:
            made = await self._accounts.add(tx, email=body.email, name=body.name, role=body.role, password=kept)
            await call.trail.record(tx, status=201, target=f"/accounts/{made.id}", after=made)
            return made

        return await self._accounts.database.transact(work)

    @route("GET", "/accounts/{account_id}", scope=Administration.ACCOUNTS_READ)
    async def get_account(self, call: Call, account_id: str) -> Account:
        """Show a staff member."""
        return await self._accounts.get(account_id)

    @route(
        "PATCH", "/accounts/{account_id}", scope=Administration.ACCOUNTS_WRITE, step_up=True,
        problems=(Conflict, PreconditionFailed),
    )  # fmt: skip
    async def change_account(self, call: Call, account_id: str, body: AccountChanges) -> Account:
        """Change a staff member; with another role, or when he may no longer log in, his log-ins end."""

        async def work(tx: Transaction) -> Account:
            before, after = await self._accounts.change(tx, account_id, body)
            call.expect(before)
            await call.trail.record(tx, before=before, after=after)
            return after

        return await self._accounts.database.transact(work)

    @route(
        "DELETE", "/accounts/{account_id}", scope=Administration.ACCOUNTS_WRITE, step_up=True,
        problems=(Conflict, PreconditionFailed),
    )  # fmt: skip
    async def remove_account(self, call: Call, account_id: str) -> None:
        """Remove a staff member; his log-ins end, what he did stays in the audit log."""

        async def work(tx: Transaction) -> None:
            before = await self._accounts.remove(tx, account_id)
            call.expect(before)
            await call.trail.record(tx, status=204, before=before)

        await self._accounts.database.transact(work)

    @route("PUT", "/accounts/{account_id}/password", scope=Administration.ACCOUNTS_WRITE, step_up=True)
    async def reset_password(self, call: Call, account_id: str, body: ResetPassword) -> None:
        """Replace a forgotten password; all the account's log-ins end."""
        await self._accounts.get(account_id)
        kept = await self._passwords.hashed(body.password)

        async def work(tx: Transaction) -> None:
            await self._accounts.set_password(tx, account_id, kept)
            await call.trail.record(tx, status=204)

        await self._accounts.database.transact(work)

    @route("GET", "/accounts/{account_id}/logins", scope=Administration.ACCOUNTS_READ)
    async def list_logins(self, call: Call, account_id: str) -> list[Device]:
        """List the devices a staff member is logged in on."""
        await self._accounts.get(account_id)
        return await devices(self._credentials, account_id, call.principal.login_id)

    @route("DELETE", "/accounts/{account_id}/logins/{login_id}", scope=Administration.ACCOUNTS_WRITE)
    async def end_login(self, call: Call, account_id: str, login_id: str) -> None:
        """End one of a staff member's log-ins."""

        async def work(tx: Transaction) -> None:
            if not await self._credentials.end_login(tx, account_id, login_id):
                raise NotFound("There is no such log-in")
            await call.trail.record(tx, status=204)

        await self._accounts.database.transact(work)
