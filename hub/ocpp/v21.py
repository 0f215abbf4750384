"""OCPP 2.1, as its differences from 2.0.1.

Its messages are 2.0.1's with longer fields and more values, judged by schemas of its own; what is new in them a
transaction tells in ``extra``. Declared here are the messages 2.0.1 has not: what stations send beyond it, and which
request of ours is answered by reports beyond it. What a CSMS may send beyond it goes out by ``send`` and ``raw``.

Source: OCPP 2.1 edition 1, part 2.
"""

import datetime
from collections.abc import Callable, Mapping

from hub.ocpp.commands import Commands
from hub.ocpp.dialects import Call, Handler, Link
from hub.ocpp.events import Operator
from hub.ocpp.reporting import report
from hub.ocpp.sending import Sender
from hub.ocpp.times import date_time, utc_now
from hub.ocpp.v201.certificates import CertificateService, NoCertificates
from hub.ocpp.v201.commands import Commands201
from hub.ocpp.v201.handlers import Handlers201
from hub.ocpp.v201.reports import REPORTS, Collector
from hub.ocpp.words import JSONObject


class Additions:
    """The CALLs of stations that 2.1 has beyond 2.0.1."""

    def __init__(self, operator: Operator, clock: Callable[[], datetime.datetime], known: Handlers201) -> None:
        self._operator = operator
        self._clock = clock
        self._known = known

    def by_action(self) -> Mapping[str, Handler]:
        """Return what answers each action a station of 2.1 may send, and one of 2.0.1 may not."""
        return {
            "BatterySwap": self._known.report,
            "ClosePeriodicEventStream": self._known.report,
            "GetCertificateChainStatus": self.chain_status,
            "NotifyDERAlarm": self._known.report,
            "NotifyDERStartStop": self._known.report,
            "NotifyPeriodicEventStream": self._known.report,
            "NotifyPriorityCharging": self._known.report,
            "NotifySettlement": self._known.report,
            "OpenPeriodicEventStream": self.open_stream,
            "PullDynamicScheduleUpdate": self.refuse,
            "ReportDERControl": self._known.part_of_report,
            "VatNumberValidation": self.vat_number,
        }

    async def chain_status(self, call: Call) -> JSONObject:
        """Say of each certificate asked about that its status could not be found out.

        The answer holds for no longer than now: the station may ask again.
        """
        await report(self._operator, call)
        unknown = {"status": "Failed", "nextUpdate": date_time(self._clock())}
        asked = call.payload["certificateStatusRequests"]
        return {
            "certificateStatus": [
                {"certificateHashData": each["certificateHashData"], "source": each["source"], **unknown}
                for each in asked
            ]
        }

    async def open_stream(self, call: Call) -> JSONObject:
        """Take a stream of events; each is told as it comes."""
        await report(self._operator, call)
        return {"status": "Accepted"}

    async def refuse(self, call: Call) -> JSONObject:
        """Tell what is asked for, and have nothing to give."""
        await report(self._operator, call)
        return {"status": "Rejected"}

    async def vat_number(self, call: Call) -> JSONObject:
        """Refuse to vouch for a VAT number: nothing here can look it up."""
        await report(self._operator, call)
        return {"status": "Rejected", "vatNumber": call.payload["vatNumber"]}


class Dialect21:
    """OCPP 2.1, spoken for one operator; arguments as of ``Dialect201``."""

    version = "2.1"
    subprotocol = "ocpp2.1"

    def __init__(
        self,
        operator: Operator,
        clock: Callable[[], datetime.datetime] = utc_now,
        certificates: CertificateService | None = None,
    ) -> None:
        self._collector = Collector({**REPORTS, "GetDERControl": "ReportDERControl"})
        known = Handlers201(operator, clock, certificates or NoCertificates(), self._collector)
        self.handlers: Mapping[str, Handler] = {
            **known.by_action(),
            **Additions(operator, clock, known).by_action(),
        }
        self._told = self.handlers.keys() - {"DataTransfer"}

    def commands(self, link: Link) -> Commands:
        """Return what a station of 2.1 can be told."""
        return Commands201(Sender(link, self.version, self._told), self._collector)
