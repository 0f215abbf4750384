"""A gateway that sends to nobody: messages are kept and shown in the log, for demos and tests."""

import logging
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

LONGEST = 459  # characters: three messages joined, which every phone shows as one


@dataclass
class SimulatedSms:
    """Keeps what it is given.

    Attributes:
        sent: phone and text, in the order they were given.
        broken: whether the network takes nothing at the moment.
    """

    sent: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    async def send(self, phone: str, text: str) -> None:
        """Take a message.

        Raises:
            ConnectionError: it was not taken.
        """
        if self.broken:
            raise ConnectionError("the simulated network is broken")
        self.sent.append((phone, text[:LONGEST]))
        log.info("SMS to a phone that ends in %s: %d characters", phone[-2:], len(text))
