"""Charging without an account (ad-hoc drivers)."""

from collections.abc import Callable

from hub.api.declaring import Call, route
from hub.api.problems import TooManyRequests
from hub.api.realms import Access
from hub.api.shapes import Shape
from hub.emsp.api.routes.refusing import NotAllowedHere
from hub.emsp.drivers.forms import Language
from hub.emsp.drivers.guests import Guests
from hub.emsp.drivers.logins import Device, DriverLoggedIn


class Guest(Shape, frozen=True, kw_only=True):
    """Somebody without an account."""

    language: Language = "en"


class GuestRoutes:
    """The way in without an account.

    Args:
        served: whether the operator serves such drivers.
    """

    tag = "driver accounts"

    def __init__(self, guests: Guests, *, served: Callable[[], bool]) -> None:
        self._guests = guests
        self._served = served

    @route("POST", "/guests", scope=Access.PUBLIC, status=201, problems=(NotAllowedHere, TooManyRequests))
    async def arrive_as_guest(self, call: Call, body: Guest) -> DriverLoggedIn:
        """Log in for a day without an account; with a payment method saved, a guest charges as any driver."""
        if not self._served():
            raise NotAllowedHere("Without an account nobody charges here. Sign up first.", code="NO_GUESTS")
        device = Device(address=call.address, agent=call.headers.get("user-agent", ""))
        return await self._guests.arrive(device, language=body.language)
