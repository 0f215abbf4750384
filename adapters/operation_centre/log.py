"""The operation centre that reads the server's log."""

import logging

from hub.cpms.alarms import Alarm

log = logging.getLogger("emall.alarms")

_LEVELS = {"INFO": logging.INFO, "WARNING": logging.WARNING, "CRITICAL": logging.CRITICAL}


class LogCentre:
    """Writes one line per alarm."""

    async def warn(self, alarm: Alarm) -> None:
        """Log the alarm at its level."""
        log.log(_LEVELS[alarm.severity], "alarm %d %s: %s", alarm.id, alarm.rule, alarm.message)

    async def close(self) -> None:
        """Hold nothing."""
