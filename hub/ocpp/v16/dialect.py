"""OCPP 1.6 as a dialect: its name, what answers stations, and what they can be told."""

import datetime
from collections.abc import Callable, Mapping

from hub.ocpp.commands import Commands
from hub.ocpp.dialects import Handler, Link
from hub.ocpp.events import Operator
from hub.ocpp.sending import Sender
from hub.ocpp.times import utc_now
from hub.ocpp.v16.commands import Commands16
from hub.ocpp.v16.handlers import Handlers16


class Dialect16:
    """OCPP 1.6, spoken for one operator."""

    version = "1.6"
    subprotocol = "ocpp1.6"

    def __init__(self, operator: Operator, clock: Callable[[], datetime.datetime] = utc_now) -> None:
        self.handlers: Mapping[str, Handler] = Handlers16(operator, clock).by_action()
        self._told = self.handlers.keys() - {"DataTransfer"}  # which goes both ways

    def commands(self, link: Link) -> Commands:
        """Return what a station of 1.6 can be told."""
        return Commands16(Sender(link, self.version, self._told))
