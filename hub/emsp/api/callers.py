"""Who calls: a driver by his log-in, staff by theirs, a machine by its key."""

from hub.api.credentials import Credentials
from hub.api.principals import Principal
from hub.emsp.api.needs import DriverLogins
from hub.emsp.api.scopes import DRIVER_SCOPES


class Callers:
    """The ``Gate`` of the eMSP's API.

    Args:
        staff: log-ins of operators, and keys.
        drivers: log-ins of drivers.
    """

    def __init__(self, staff: Credentials, drivers: DriverLogins) -> None:
        self._staff = staff
        self.drivers = drivers

    async def principal(self, token: str) -> Principal | None:
        """Return whose token this is; None: nobody's, or no longer."""
        found = await self._staff.principal(token)
        if found is not None:
            return found
        login = await self.drivers.whose(token)
        if login is None:
            return None
        return Principal(
            kind="driver", id=login.driver_id, name=login.name, scopes=DRIVER_SCOPES, login_id=login.login_id
        )

    async def stepped_up(self, principal: Principal, token: str) -> bool:
        """Return whether this is the caller's token of a password given again a moment ago."""
        return await self._staff.stepped_up(principal, token)
