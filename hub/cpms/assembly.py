"""The built-in CPMS with its stations: what it knows of its premises, and the room chargers connect to.

The premises begin before the CPMS does, whose stations they hear of; stations come in when the CPMS operates, and go
before it ends.
"""

from socket import socket

from hub.cpms.builtin import BuiltinCpms, Rules
from hub.cpms.feed import Feed
from hub.cpms.premises import Premises
from hub.cpms.store import Store
from hub.cpms.timers import WorldClock
from hub.database.contract import Database
from hub.ocpi.messages import Party
from hub.ocpp.dialects import Dialect
from hub.ocpp.room import ChargerRoom, Openness
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v21 import Dialect21
from hub.ocpp.v201 import Dialect201


class Assembly:
    """Its parts, put together.

    Args:
        feed: hears what happens, for operators who watch.

    Attributes:
        cpms: the port of the CPMS.
        premises: sites, stations, status, alarms.
        chargers: the stations there are connections to.
    """

    def __init__(
        self,
        database: Database,
        party: Party,
        openness: Openness,
        *,
        feed: Feed | None = None,
        rules: Rules | None = None,
    ) -> None:
        clock = WorldClock()
        self.chargers = ChargerRoom(database, openness)
        self.premises = Premises(Store(database, party), feed=feed, clock=clock)
        self.cpms = BuiltinCpms(
            database=database,
            places=self.premises.places,
            party=(party.country_code, party.party_id),
            centre=self.premises.alarms,
            clock=clock,
            rules=rules,
            witnesses=[self.premises],
            signer=self.chargers.certificates.requested,
        )
        self.premises.operate(self.chargers)
        self.cpms.operate(self.chargers)

    def dialects(self) -> list[Dialect]:
        """Return the OCPP versions spoken, each telling this operator."""
        operator = self.cpms.operator
        return [Dialect21(operator), Dialect201(operator), Dialect16(operator)]

    async def open(self, listener: socket) -> None:
        """Let stations in, now that the CPMS operates.

        Raises:
            BadTls: the listener's files cannot be used.
        """
        await self.chargers.start(listener, self.dialects(), self.cpms.operator)
