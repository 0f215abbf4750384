"""Transactions nobody answers for: how many of them a station may tell of in a day.

Each is kept, for energy may have flowed. A station that makes transactions up, broken or hostile, must
not fill the store with them: beyond what its outlets could serve it is refused, and tells them again later.

Source: OCPP 2.0.1, part 2, E13 (a message that is not taken is sent again).
"""

import datetime
import logging
from collections import Counter
from collections.abc import Callable

from hub.ocpp.errors import InternalError

log = logging.getLogger(__name__)

#: A day for one outlet; a driver whose card is refused, tries again and goes is one or two.
MOST = 300


class Unclaimed:
    """Counts them, by station and day."""

    def __init__(self, clock: Callable[[], datetime.datetime]) -> None:
        self._clock = clock
        self._day = clock().date()
        self._counts: Counter[str] = Counter()

    def refuse_more(self, station_id: str, outlets: int) -> None:
        """Return if a station may tell of one more today.

        Args:
            outlets: how many it has; one that has none may tell as many as one that has one.

        Raises:
            InternalError: it may not.
        """
        today = self._clock().date()
        if today != self._day:
            self._day, self._counts = today, Counter()
        if self._counts[station_id] < MOST * max(outlets, 1):
            return
        log.warning("%s tells of more transactions that are nobody's than it can have had", station_id)
        raise InternalError("there are too many transactions that are nobody's; send it again later")

    def add(self, station_id: str) -> None:
        """Count one that was written down."""
        self._counts[station_id] += 1

    def claimed(self, station_id: str) -> None:
        """Count one less: somebody answers for it after all."""
        self._counts[station_id] = max(self._counts[station_id] - 1, 0)
