"""OCPP 2.0.1 as a dialect: its name, what answers stations, and what they can be told."""

import datetime
from collections.abc import Callable, Mapping

from hub.ocpp.commands import Commands
from hub.ocpp.dialects import Handler, Link
from hub.ocpp.events import Operator
from hub.ocpp.sending import Sender
from hub.ocpp.times import utc_now
from hub.ocpp.v201.certificates import CertificateService, NoCertificates
from hub.ocpp.v201.commands import Commands201
from hub.ocpp.v201.handlers import Handlers201
from hub.ocpp.v201.reports import REPORTS, Collector


class Dialect201:
    """OCPP 2.0.1, spoken for one operator.

    Args:
        certificates: who answers what stations ask about certificates; by default nobody can.
    """

    version = "2.0.1"
    subprotocol = "ocpp2.0.1"

    def __init__(
        self,
        operator: Operator,
        clock: Callable[[], datetime.datetime] = utc_now,
        certificates: CertificateService | None = None,
    ) -> None:
        self._collector = Collector(REPORTS)
        answering = Handlers201(operator, clock, certificates or NoCertificates(), self._collector)
        self.handlers: Mapping[str, Handler] = answering.by_action()
        self._told = self.handlers.keys() - {"DataTransfer"}  # which goes both ways

    def commands(self, link: Link) -> Commands:
        """Return what a station of 2.0.1 can be told."""
        return Commands201(Sender(link, self.version, self._told), self._collector)
