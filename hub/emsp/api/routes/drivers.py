"""What a driver does with his account: he signs up, logs in, and keeps his vehicles, cards and phones.

Source: RASD-R1, RASD-R2, RASD-UC01, RASD-UC02, INCAR-UC001, SGEM-4.2-04, SGEM-4.2-07.
"""

from typing import Annotated, Any

import msgspec

from hub.api.accounts import Email
from hub.api.declaring import Call, route
from hub.api.passwords import NewPassword
from hub.api.problems import Conflict, Fault, Forbidden, LoginRefused, TooManyRequests, Unavailable
from hub.api.realms import Access
from hub.api.shapes import Shape
from hub.emsp.api.scopes import Scope
from hub.emsp.drivers.catalogue import VehicleModel, models
from hub.emsp.drivers.desk import Desk
from hub.emsp.drivers.forms import Person, SignUp, VehicleForm
from hub.emsp.drivers.garage import Vehicle
from hub.emsp.drivers.logins import Device, DriverDevice, DriverLoggedIn
from hub.emsp.drivers.means import Card, Phone
from hub.emsp.drivers.people import Driver
from hub.emsp.drivers.privacy import Consent, KeptConsent
from hub.emsp.drivers.tokens import DriverToken
from hub.ocpi.objects import JSONObject

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LinkToken = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Credentials(Shape, frozen=True, kw_only=True):
    """What a driver logs in with."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    password: Password


class Address(Shape, frozen=True, kw_only=True):
    """An e-mail address."""

    email: Email


class Link(Shape, frozen=True, kw_only=True):
    """The token of a link that was sent."""

    token: LinkToken


class NewPasswordByLink(Shape, frozen=True, kw_only=True):
    """A new password, by the token of a link that was sent."""

    token: LinkToken
    password: NewPassword
    password_again: Password


class ChangedPassword(Shape, frozen=True, kw_only=True):
    """The old and the new password."""

    old: Password
    new: NewPassword
    new_again: Password


class NewAddress(Shape, frozen=True, kw_only=True):
    """A new e-mail address, and the password."""

    email: Email
    password: Password


class GoodBye(Shape, frozen=True, kw_only=True):
    """The password; an account of an identity provider has none."""

    password: Password | None = None


class BlockReason(Shape, frozen=True, kw_only=True):
    """Why a token is blocked."""

    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class BrandOffered(Shape, frozen=True, kw_only=True):
    """A brand a driver may have joined."""

    name: str
    title: str


class Departure(Shape, frozen=True, kw_only=True):
    """Where a driver comes back to from the identity provider."""

    redirect_uri: Url
    language: Annotated[str, msgspec.Meta(max_length=2)] = ""


class Journey(Shape, frozen=True, kw_only=True):
    """Where a driver is sent to log in."""

    url: str


class Arrival(Shape, frozen=True, kw_only=True):
    """What a driver comes back with."""

    state: LinkToken
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class SignUpRoutes:
    """The way in."""

    tag = "driver accounts"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _person(self, said: JSONObject) -> list[Fault]:
        return self._desk.signing_up.person_faults(said)

    def _sign_up(self, said: JSONObject) -> list[Fault]:
        return self._desk.signing_up.faults(said)

    @route("GET", "/vehicle-models", scope=Access.PUBLIC)
    async def list_vehicle_models(self, call: Call) -> list[VehicleModel]:
        """The vehicles a driver can choose from."""
        return list(models().values())

    @route("POST", "/sign-up/person", scope=Access.PUBLIC, problems=(TooManyRequests,), also=_person)
    async def check_person(self, call: Call, body: Person) -> None:
        """Judge the first step of a sign-up; nothing is kept."""
        await self._desk.signing_up.check(body, call.address)

    @route("POST", "/sign-up", scope=Access.PUBLIC, problems=(TooManyRequests, Unavailable), also=_sign_up)
    async def sign_up(self, call: Call, body: SignUp) -> None:
        """Sign up with a person and a vehicle; a link to confirm the address is sent."""
        await self._desk.signing_up.sign_up(body, call.address)

    @route("POST", "/sign-up/letter", scope=Access.PUBLIC, problems=(TooManyRequests, Unavailable))
    async def send_confirmation_again(self, call: Call, body: Address) -> None:
        """Send the link again; whether the address waits for one is not told."""
        await self._desk.signing_up.send_again(body.email, call.address)

    @route("POST", "/sign-up/confirmation", scope=Access.PUBLIC)
    async def confirm_address(self, call: Call, body: Link) -> Driver:
        """Follow the link: the account may log in and charge."""
        return await self._desk.signing_up.confirm(body.token)

    @route(
        "POST", "/driver/login", scope=Access.PUBLIC, status=201, problems=(LoginRefused, Forbidden, TooManyRequests)
    )  # fmt: skip
    async def log_driver_in(self, call: Call, body: Credentials) -> DriverLoggedIn:
        """Log in; what is wrong is named, unless the provider gives no hints."""
        return await self._desk.proving.log_in(body.email, body.password, _device(call))

    @route("POST", "/driver/password/letter", scope=Access.PUBLIC, problems=(TooManyRequests, Unavailable))
    async def forget_password(self, call: Call, body: Address) -> None:
        """Send the link to choose a new password; whether the address has an account is not told."""
        await self._desk.proving.forgotten(body.email, call.address)

    @route("POST", "/driver/password/reset", scope=Access.PUBLIC)
    async def reset_driver_password(self, call: Call, body: NewPasswordByLink) -> None:
        """Follow the link to a new password; every log-in ends."""
        await self._desk.proving.reset(body.token, body.password, body.password_again)

    @route("POST", "/driver/email/confirmation", scope=Access.PUBLIC, problems=(Unavailable,))
    async def confirm_new_address(self, call: Call, body: Link) -> Driver:
        """Follow the link to a new address."""
        return await self._desk.proving.change_email(body.token)

    @route("GET", "/brands", scope=Access.PUBLIC)
    async def list_brands(self, call: Call) -> list[BrandOffered]:
        """The brands that have an identity provider of their own."""
        return [BrandOffered(name=each.name, title=each.title) for each in self._desk.brands.all()]

    @route("POST", "/brands/{brand}/login", scope=Access.PUBLIC, status=201, problems=(Unavailable,))
    async def begin_brand_login(self, call: Call, brand: str, body: Departure) -> Journey:
        """Begin to log in at a brand's identity provider; the password is given there."""
        return Journey(url=await self._desk.brands.begin(brand, body.redirect_uri, body.language))

    @route("POST", "/brand-login", scope=Access.PUBLIC, status=201, problems=(LoginRefused, Conflict, Unavailable))
    async def finish_brand_login(self, call: Call, body: Arrival) -> DriverLoggedIn:
        """Log in with what the identity provider sent the driver back with."""
        return await self._desk.brands.finish(body.state, body.code, _device(call))


class DriverRoutes:
    """What is a driver's own."""

    tag = "driver accounts"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _vehicle(self, said: JSONObject) -> list[Fault]:
        return self._desk.garage.faults(said)

    @route("GET", "/driver", scope=Scope.OWN)
    async def show_own_account(self, call: Call) -> Driver:
        """The account."""
        return await self._desk.people.get(call.principal.id)

    @route("DELETE", "/driver", scope=Scope.OWN, problems=(Conflict, TooManyRequests))
    async def erase_own_account(self, call: Call, body: GoodBye) -> None:
        """Have the account erased; what is owed stays, without a name."""
        if await self._desk.people.password_of(call.principal.id) is not None:
            await self._desk.proving.confirmed_by(call.principal.id, body.password or "")
        await self._desk.privacy.erase(call.principal.id)

    @route("GET", "/driver/export", scope=Scope.OWN)
    async def export_own_data(self, call: Call) -> dict[str, Any]:
        """Everything that is known of the driver."""
        return await self._desk.privacy.export(call.principal.id)

    # -- log-ins -----------------------------------------------------------------------------------

    @route("GET", "/driver/logins", scope=Scope.OWN)
    async def list_driver_logins(self, call: Call) -> list[DriverDevice]:
        """The devices the driver is logged in on."""
        return await self._desk.logins.of_driver(call.principal.id, call.principal.login_id)

    @route("DELETE", "/driver/logins/{login_id}", scope=Scope.OWN)
    async def end_driver_login(self, call: Call, login_id: str) -> None:
        """Log out on one device."""
        await self._desk.logins.end(call.principal.id, login_id)

    @route("POST", "/driver/logout", scope=Scope.OWN)
    async def log_driver_out(self, call: Call) -> None:
        """Log out here."""
        await self._desk.logins.end(call.principal.id, call.principal.login_id)

    @route("POST", "/driver/logout-everywhere", scope=Scope.OWN)
    async def log_driver_out_everywhere(self, call: Call) -> None:
        """Log out on every device."""
        await self._desk.logins.end_all(call.principal.id)

    @route("PUT", "/driver/password", scope=Scope.OWN, problems=(TooManyRequests,))
    async def change_driver_password(self, call: Call, body: ChangedPassword) -> None:
        """Change the password; every other log-in ends."""
        await self._desk.proving.change_password(
            call.principal.id, body.old, body.new, again=body.new_again, login_id=call.principal.login_id
        )

    @route("POST", "/driver/email", scope=Scope.OWN, problems=(TooManyRequests, Unavailable))
    async def ask_for_new_address(self, call: Call, body: NewAddress) -> None:
        """Send the link that changes the e-mail address to the new one."""
        await self._desk.proving.ask_new_email(call.principal.id, body.email, body.password)

    # -- vehicles ----------------------------------------------------------------------------------

    @route("GET", "/driver/vehicles", scope=Scope.OWN)
    async def list_vehicles(self, call: Call) -> list[Vehicle]:
        """The driver's vehicles."""
        return await self._desk.garage.of_driver(call.principal.id)

    @route("POST", "/driver/vehicles", scope=Scope.OWN, status=201, also=_vehicle)
    async def add_vehicle(self, call: Call, body: VehicleForm) -> Vehicle:
        """Add a vehicle."""
        return await self._desk.garage.bring(call.principal.id, body)

    @route("DELETE", "/driver/vehicles/{vehicle_id}", scope=Scope.OWN, problems=(Conflict,))
    async def remove_vehicle(self, call: Call, vehicle_id: str) -> None:
        """Remove a vehicle; the last one stays."""
        await self._desk.garage.remove(call.principal.id, vehicle_id)

    # -- cards and phones --------------------------------------------------------------------------

    @route("GET", "/driver/tokens", scope=Scope.OWN)
    async def list_own_tokens(self, call: Call) -> list[DriverToken]:
        """What the driver charges with: app, cards, phones."""
        return await self._desk.tokens.of_driver(call.principal.id)

    @route("POST", "/driver/cards", scope=Scope.OWN, status=201)
    async def add_own_card(self, call: Call, body: Card) -> DriverToken:
        """Add a card."""
        return await self._desk.means.add_card(call.principal.id, body)

    @route("POST", "/driver/phones", scope=Scope.OWN, status=201)
    async def add_own_phone(self, call: Call, body: Phone) -> DriverToken:
        """Add a phone, for starting by SMS."""
        return await self._desk.means.add_phone(call.principal.id, body)

    @route("POST", "/driver/tokens/{token_id}/block", scope=Scope.OWN)
    async def block_own_token(self, call: Call, token_id: str, body: BlockReason) -> DriverToken:
        """Block a card or phone that is lost."""
        return await self._desk.means.block(call.principal.id, token_id, body.reason)

    @route("POST", "/driver/tokens/{token_id}/unblock", scope=Scope.OWN)
    async def unblock_own_token(self, call: Call, token_id: str) -> DriverToken:
        """Allow a card or phone again that was found."""
        return await self._desk.means.unblock(call.principal.id, token_id)

    @route("DELETE", "/driver/tokens/{token_id}", scope=Scope.OWN)
    async def remove_own_token(self, call: Call, token_id: str) -> None:
        """Take a card or phone off the account."""
        await self._desk.means.remove(call.principal.id, token_id)

    # -- consents ----------------------------------------------------------------------------------

    @route("GET", "/driver/consents", scope=Scope.OWN)
    async def list_consents(self, call: Call) -> list[KeptConsent]:
        """All the driver ever agreed to or took back."""
        return await self._desk.privacy.consents(call.principal.id)

    @route("POST", "/driver/consents", scope=Scope.OWN, status=201)
    async def give_consent(self, call: Call, body: Consent) -> Consent:
        """Agree to something, or take it back."""
        await self._desk.privacy.consent(call.principal.id, body)
        return body


def _device(call: Call) -> Device:
    return Device(address=call.address, agent=call.headers.get("user-agent", ""))
