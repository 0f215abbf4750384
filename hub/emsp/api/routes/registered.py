"""Drivers as operators see them: registered, blocked, taken off; agreements with CPOs; what was authorized.

Source: INCAR-AU02, SGEM-4.2-01 to SGEM-4.2-06, X-58, GEM-FTR-967.
"""

from typing import Annotated, Any

import msgspec

from hub.api.declaring import Call, route
from hub.api.problems import Conflict, NotFound, invalid
from hub.api.shapes import ListQuery, Moment, Page, Shape, pattern
from hub.database.contract import Transaction
from hub.emsp.api.routes.drivers import BlockReason
from hub.emsp.api.scopes import Scope
from hub.emsp.drivers.agreements import Agreement
from hub.emsp.drivers.authorizations import Authorization, AuthorizationQuery
from hub.emsp.drivers.classes import DriverClass
from hub.emsp.drivers.desk import Desk
from hub.emsp.drivers.means import Card, Phone
from hub.emsp.drivers.people import Driver, DriverQuery
from hub.emsp.drivers.registration import Registration, Report
from hub.emsp.drivers.tokens import DriverToken

_LARGEST = 4 * 1024 * 1024  # bytes of a CSV


class Standing(Shape, frozen=True, kw_only=True):
    """Class and end of the contract of a driver."""

    driver_class: Annotated[
        str, pattern("^[a-z][a-z0-9_-]*$", "a driver class: small letters, digits, - and _", most=40)
    ]
    ends_at: Moment | None = None


class Said(Shape, frozen=True, kw_only=True):
    """Whether the provider works with a CPO."""

    allowed: bool
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class RegisteredRoutes:
    """The drivers of the provider."""

    tag = "drivers"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @route("GET", "/drivers", scope=Scope.DRIVERS_READ)
    async def list_drivers(self, call: Call, query: DriverQuery) -> Page[Driver]:
        """List drivers in the order they came."""
        return await self._desk.people.page(query)

    @route("POST", "/drivers", scope=Scope.DRIVERS_WRITE, status=201)
    async def register_driver(self, call: Call, body: Registration) -> Driver:
        """Register a driver with his cards and phones."""
        return await self._desk.registrar.register(body)

    @route("POST", "/drivers/import", scope=Scope.DRIVERS_WRITE, consumes=("text/csv",), max_body=_LARGEST)
    async def import_drivers(self, call: Call, body: bytes) -> Report:
        """Register the drivers of a CSV; what became of each line is told.

        Columns: customer_id, name, surname, and email, language, driver_class, ends_at, cards (uids between
        spaces), phones (between semicolons).
        """
        return await self._desk.registrar.register_all(body)

    @route("GET", "/drivers/{driver_id}", scope=Scope.DRIVERS_READ)
    async def get_driver(self, call: Call, driver_id: str) -> Driver:
        """Show a driver."""
        return await self._desk.people.get(driver_id)

    @route("PUT", "/drivers/{driver_id}/standing", scope=Scope.DRIVERS_WRITE)
    async def change_standing(self, call: Call, driver_id: str, body: Standing) -> Driver:
        """Change class and end of contract."""
        return await self._desk.registrar.change(driver_id, driver_class=body.driver_class, ends_at=body.ends_at)

    @route("POST", "/drivers/{driver_id}/block", scope=Scope.DRIVERS_WRITE)
    async def block_driver(self, call: Call, driver_id: str, body: BlockReason) -> Driver:
        """Block a driver; his tokens are told as not valid."""
        return await self._desk.registrar.block(driver_id, body.reason)

    @route("POST", "/drivers/{driver_id}/unblock", scope=Scope.DRIVERS_WRITE)
    async def unblock_driver(self, call: Call, driver_id: str) -> Driver:
        """Allow a driver to charge again."""
        return await self._desk.registrar.unblock(driver_id)

    @route("DELETE", "/drivers/{driver_id}", scope=Scope.DRIVERS_WRITE)
    async def deregister_driver(self, call: Call, driver_id: str) -> None:
        """Take a driver off; his tokens are told as no longer valid."""
        await self._desk.registrar.deregister(driver_id)

    @route("POST", "/drivers/{driver_id}/erasure", scope=Scope.DRIVERS_WRITE, problems=(Conflict,))
    async def erase_driver(self, call: Call, driver_id: str) -> None:
        """Forget who a driver is."""
        await self._desk.privacy.erase(driver_id)

    @route("GET", "/drivers/{driver_id}/export", scope=Scope.DRIVERS_READ)
    async def export_driver(self, call: Call, driver_id: str) -> dict[str, Any]:
        """Everything that is known of a driver."""
        return await self._desk.privacy.export(driver_id)

    @route("GET", "/drivers/{driver_id}/tokens", scope=Scope.DRIVERS_READ)
    async def list_tokens_of_driver(self, call: Call, driver_id: str) -> list[DriverToken]:
        """What a driver charges with."""
        return await self._desk.tokens.of_driver(driver_id)

    @route("POST", "/drivers/{driver_id}/cards", scope=Scope.DRIVERS_WRITE, status=201)
    async def add_card_of_driver(self, call: Call, driver_id: str, body: Card) -> DriverToken:
        """Give a driver a card."""
        return await self._desk.means.add_card(driver_id, body)

    @route("POST", "/drivers/{driver_id}/phones", scope=Scope.DRIVERS_WRITE, status=201)
    async def add_phone_of_driver(self, call: Call, driver_id: str, body: Phone) -> DriverToken:
        """Give a driver a phone to start with by SMS."""
        return await self._desk.means.add_phone(driver_id, body)

    @route("POST", "/drivers/{driver_id}/tokens/{token_id}/block", scope=Scope.DRIVERS_WRITE)
    async def block_token_of_driver(
        self, call: Call, driver_id: str, token_id: str, body: BlockReason
    ) -> DriverToken:  # fmt: skip
        """Block a token: lost, stolen."""
        return await self._desk.means.block(driver_id, token_id, body.reason)

    @route("POST", "/drivers/{driver_id}/tokens/{token_id}/unblock", scope=Scope.DRIVERS_WRITE)
    async def unblock_token_of_driver(self, call: Call, driver_id: str, token_id: str) -> DriverToken:
        """Allow a token again."""
        return await self._desk.means.unblock(driver_id, token_id)

    @route("DELETE", "/drivers/{driver_id}/tokens/{token_id}", scope=Scope.DRIVERS_WRITE)
    async def remove_token_of_driver(self, call: Call, driver_id: str, token_id: str) -> None:
        """Take a token away for good."""
        await self._desk.means.remove(driver_id, token_id)


class AgreementRoutes:
    """Whom the provider works with, where drivers may charge, and what was answered."""

    tag = "drivers"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @route("GET", "/authorizations", scope=Scope.DRIVERS_READ)
    async def list_authorizations(self, call: Call, query: AuthorizationQuery) -> Page[Authorization]:
        """What CPOs were answered, refusals too, the newest first."""
        return await self._desk.authorizations.page(query)

    @route("GET", "/authorizations/{reference}", scope=Scope.DRIVERS_READ)
    async def get_authorization(self, call: Call, reference: str) -> Authorization:
        """The authorization a Session or CDR refers to."""
        found = await self._desk.authorizations.find(reference)
        if found is None:
            raise NotFound("There is no such authorization")
        return found

    @route("GET", "/agreements", scope=Scope.DRIVERS_READ)
    async def list_agreements(self, call: Call, query: ListQuery) -> Page[Agreement]:
        """The CPOs of whom something is said; ``*`` is those not named."""
        return Page(items=await self._desk.agreements.all())

    @route("PUT", "/agreements/{cpo}", scope=Scope.DRIVERS_WRITE)
    async def put_agreement(self, call: Call, cpo: str, body: Said) -> None:
        """Say whether the provider works with a CPO."""

        async def work(tx: Transaction) -> None:
            await self._desk.agreements.say(tx, cpo, allowed=body.allowed, note=body.note)
            await call.trail.record(tx, after=body)

        try:
            await self._desk.store.database.transact(work)
        except ValueError as error:
            raise invalid("path.cpo", str(error)) from error

    @route("DELETE", "/agreements/{cpo}", scope=Scope.DRIVERS_WRITE)
    async def remove_agreement(self, call: Call, cpo: str) -> None:
        """Say nothing of a CPO any more."""
        if not await self._desk.store.database.transact(lambda tx: self._desk.agreements.unsay(tx, cpo)):
            raise NotFound("Nothing is said of this CPO")

    @route("GET", "/driver-classes", scope=Scope.DRIVERS_READ)
    async def list_driver_classes(self, call: Call) -> list[DriverClass]:
        """The classes of drivers that have limits."""
        return await self._desk.classes.all()

    @route("PUT", "/driver-classes/{name}", scope=Scope.DRIVERS_WRITE)
    async def put_driver_class(self, call: Call, name: str, body: DriverClass) -> DriverClass:
        """Say where drivers of a class may charge."""
        if body.name != name:
            raise invalid("$.name", "must be the name in the path")

        async def work(tx: Transaction) -> None:
            await self._desk.classes.put(tx, body)
            await call.trail.record(tx, after=body)

        await self._desk.store.database.transact(work)
        return body

    @route("DELETE", "/driver-classes/{name}", scope=Scope.DRIVERS_WRITE)
    async def remove_driver_class(self, call: Call, name: str) -> None:
        """Lift the limits of a class."""
        if not await self._desk.store.database.transact(lambda tx: self._desk.classes.remove(tx, name)):
            raise NotFound("This class has no limits")
