"""A CPMS adapter to copy: it fits the port, operates nothing and says so.

Copy this file to ``adapters/cpms/<maker>.py``, rename the class, and replace the bodies one by one;
``tests/adapters/contract.py`` tells what is still missing. Rules that hold for every adapter:

- It translates and keeps nothing. What must survive a restart is handed to ``start``.
- Commands return what the station made of them and raise nothing. A station that cannot be reached
  is EVSE_INOPERATIVE, one that does not answer in time TIMEOUT, an unknown answer of the other
  system FAILED; never ACCEPTED by assumption.
- Events are told with the time they happened, in UTC. Telling one twice does no harm.
- A session that uses a reservation keeps the reservation's id as its session id.
"""

from collections.abc import Mapping, Sequence

from hub.cpms.ports import (
    Authorization,
    CommandResultType,
    Desk,
    Handler,
    OpenReservation,
    Outlet,
    ProfileResultType,
    RunningSession,
)
from hub.ocpi.objects import JSONObject


class TemplateCpms:
    """Knows no station: every order is NOT_SUPPORTED, every profile REJECTED."""

    def __init__(self) -> None:
        self._desk: Desk | None = None

    async def start(self, desk: Desk, running: Sequence[RunningSession], reserved: Sequence[OpenReservation]) -> None:
        """Connect to the system; match ``running`` and ``reserved`` with what it says is going on."""
        self._desk = desk

    async def stop(self) -> None:
        """Disconnect."""
        self._desk = None

    async def start_session(self, outlet: Outlet, authorization: Authorization) -> CommandResultType:
        """OCPP: RemoteStartTransaction / RequestStartTransaction with the token's uid."""
        return "NOT_SUPPORTED"

    async def stop_session(self, session_id: str) -> CommandResultType:
        """OCPP: RemoteStopTransaction / RequestStopTransaction."""
        return "NOT_SUPPORTED"

    async def reserve_now(self, reservation: OpenReservation) -> CommandResultType:
        """OCPP: ReserveNow."""
        return "NOT_SUPPORTED"

    async def cancel_reservation(self, reservation_id: str) -> CommandResultType:
        """OCPP: CancelReservation."""
        return "NOT_SUPPORTED"

    async def unlock_connector(self, outlet: Outlet) -> CommandResultType:
        """OCPP: UnlockConnector."""
        return "NOT_SUPPORTED"

    async def set_charging_profile(self, session_id: str, profile: JSONObject) -> ProfileResultType:
        """OCPP: SetChargingProfile with purpose TxProfile."""
        return "REJECTED"

    async def clear_charging_profile(self, session_id: str) -> ProfileResultType:
        """OCPP: ClearChargingProfile."""
        return "UNKNOWN"

    async def active_charging_profile(self, session_id: str, duration: int) -> JSONObject | None:
        """OCPP: GetCompositeSchedule."""
        return None

    def orders(self) -> Mapping[str, Handler]:
        """Nothing beyond OCPI."""
        return {}
