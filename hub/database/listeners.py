"""Who hears of a commit: callbacks by channel, each guarded from the others."""

import logging
from collections import defaultdict

from hub.database.contract import Listener

logger = logging.getLogger(__name__)


class Listeners:
    """The callbacks of this process."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Listener]] = defaultdict(list)

    def add(self, channel: str, callback: Listener) -> None:
        """Call back for the channel from now on."""
        self._callbacks[channel].append(callback)

    @property
    def channels(self) -> list[str]:
        """The channels somebody listens to."""
        return list(self._callbacks)

    def tell(self, channel: str, payload: str) -> None:
        """Call everyone who listens; one that fails is logged and spoils nothing for the others."""
        for callback in self._callbacks.get(channel, ()):
            try:
                callback(payload)
            except Exception:
                logger.exception("listener of channel %s failed", channel)
