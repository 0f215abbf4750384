"""What a station has to say, in whatever version; ``v16.py`` and ``v201.py`` say it."""

import datetime
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from hub.ocpp.events import Registration
from hub.ocpp.simulation.connector import Connector, Reservation, Transaction
from hub.ocpp.words import IdToken, TokenInfo

if TYPE_CHECKING:
    from hub.ocpp.simulation.station import Station

#: Answers a CALL of the central system: takes the payload's fields in snake case, returns a call_result.
Answerer = Callable[..., Any]

#: Fields of a call_result that say what became of a command.
JSON = Any


class Voice(Protocol):
    """One version, spoken by one station.

    What it sends at once raises ``LinkError``; what belongs to a transaction goes through the queue.
    """

    version: str
    subprotocol: str

    def charge_point(self, wire: Any) -> Any:
        """Return the ``ocpp`` package's ChargePoint over a wire, which answers what it can."""
        ...

    def answerers(self) -> Mapping[str, Answerer]: ...

    async def boot(self, reason: str) -> tuple[Registration, datetime.datetime]:
        """Send BootNotification; return the answer and the central system's time."""
        ...

    async def heartbeat(self) -> datetime.datetime: ...

    async def status(self, connector: Connector) -> None: ...

    async def station_status(self) -> None:
        """Tell the status of the station itself, where the version has one."""
        ...

    async def authorize(self, token: IdToken) -> TokenInfo: ...

    def started(self, connector: Connector, transaction: Transaction, trigger: str) -> None: ...

    def updated(self, connector: Connector, transaction: Transaction, trigger: str) -> None: ...

    def ended(self, connector: Connector, transaction: Transaction, reason: str, trigger: str) -> None: ...

    async def meter(self, connector: Connector, context: str) -> None:
        """Tell a reading that belongs to no transaction."""
        ...

    async def reservation_ended(self, reservation: Reservation, status: str) -> None: ...

    async def firmware(self, status: str, request_id: int | None) -> None: ...

    async def log(self, status: str, request_id: int | None) -> None:
        """Tell how an upload goes: of diagnostics (1.6 without request_id) or of a log."""
        ...

    async def security_event(self, kind: str) -> None: ...

    async def alarm(self, connector: Connector) -> None:
        """Tell that a connector broke, beside its status."""
        ...

    async def sign_certificate(self, csr: str, kind: str) -> None:
        """Ask for a certificate; ``kind`` is the trigger's word for it."""
        ...


def answerers(answers: object) -> dict[str, Answerer]:
    """Return the methods of an object that answer, by action: ``on_get_log`` answers GetLog."""
    return {
        "".join(word.capitalize() for word in name.removeprefix("on_").split("_")): getattr(answers, name)
        for name in dir(answers)
        if name.startswith("on_")
    }


def routes(answerers: Mapping[str, Answerer], station: "Station") -> dict[str, dict[str, Any]]:
    """Return the answerers as the ``ocpp`` package's ChargePoint looks them up.

    What a station does because of an order it does after the answer has gone out.
    """

    def after(**_: Any) -> None:
        station.followed()

    return {
        action: {"_on_action": partial(station.answer, answerer), "_after_action": after}
        for action, answerer in answerers.items()
    }
