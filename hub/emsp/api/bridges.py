"""What the API needs of the rooms, as they have it."""

from hub.emsp.api.needs import DriverLogin
from hub.emsp.drivers.desk import Desk


class DriversOfDesk:
    """The log-ins of the room of drivers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def whose(self, token: str) -> DriverLogin | None:
        """Return the log-in a bearer token belongs to; None: it is nobody's, or has ended."""
        found = await self._desk.logins.principal(token)
        return DriverLogin(driver_id=found.id, login_id=found.login_id, name=found.name) if found else None
