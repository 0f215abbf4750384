"""What the API needs of the room of drivers."""

from dataclasses import dataclass
from typing import Protocol

from hub.emsp.drivers.garage import Vehicle
from hub.emsp.search.contracts import Contract


@dataclass(frozen=True, kw_only=True)
class DriverLogin:
    """A driver's log-in that holds.

    Attributes:
        name: his e-mail address, as logs name him.
    """

    driver_id: str
    login_id: str
    name: str


class DriverLogins(Protocol):
    """Knows whose the tokens of drivers are."""

    async def whose(self, token: str) -> DriverLogin | None:
        """Return the log-in a bearer token belongs to; None: it is nobody's, or has ended."""
        ...


class NoDrivers:
    """There are no drivers."""

    async def whose(self, token: str) -> DriverLogin | None:
        """Return that it is nobody's."""
        return None


class Contracts(Protocol):
    """Knows where drivers may charge."""

    async def contract(self, driver_id: str | None) -> Contract:
        """Return where a driver may charge; None: where anybody may whom nobody knows."""
        ...


class AllAccepted:
    """Everybody may charge everywhere."""

    async def contract(self, driver_id: str | None) -> Contract:
        """Return a contract that accepts everything."""
        return Contract()


class Vehicles(Protocol):
    """Knows the vehicles of drivers."""

    async def of_driver(self, driver_id: str) -> list[Vehicle]:
        """Return a driver's vehicles in the order they came."""
        ...


class NoVehicles:
    """Nobody has told of a vehicle."""

    async def of_driver(self, driver_id: str) -> list[Vehicle]:
        """Return none."""
        return []
