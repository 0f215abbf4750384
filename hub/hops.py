"""What is noted of every hop of a message: in the trace, in the counters, and in the log where that is wanted."""

import logging
from typing import Protocol

from hub.metrics import Metrics
from hub.ocpi.errors import OcpiError
from hub.ocpi.messages import Request, Response
from hub.trace import Direction, Trace

log = logging.getLogger(__name__)


_WAYS = {"in": "asked by", "out": "put to"}


class Named(Protocol):
    """Whoever is at the other end."""

    @property
    def name(self) -> str: ...


class Hops:
    """Told of every hop when it is over; it stands in the path of every message and does little."""

    def __init__(self, trace: Trace, metrics: Metrics) -> None:
        self._trace = trace
        self._metrics = metrics

    def answered(self, request: Request, caller: Named, response: Response | OcpiError, seconds: float) -> None:
        """Note a request of a peer that was answered."""
        self._note("in", request, caller.name, response, seconds)

    def asked(self, request: Request, connection: Named, response: Response | OcpiError, seconds: float) -> None:
        """Note a request that was put to a peer."""
        self._note("out", request, connection.name, response, seconds)

    def _note(self, way: Direction, request: Request, name: str, outcome: Response | OcpiError, seconds: float) -> None:
        operation, code, ms = request.operation, outcome.status_code, seconds * 1000
        sender, receiver, correlation_id = request.sender, request.receiver, request.correlation_id
        self._metrics.hop(way, operation, code, ms)
        note = str(outcome) if isinstance(outcome, OcpiError) else ""
        self._trace.hop(correlation_id, way, operation, sender, receiver, code, ms, connection=name, note=note)
        if log.isEnabledFor(logging.INFO):
            log.info(
                "%s %s -> %s (%s %s), %s: %s",
                operation,
                sender,
                receiver or "?",
                _WAYS[way],
                name,
                correlation_id,
                code,
            )
