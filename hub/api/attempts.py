"""Wrong log-ins counted, per account and per address, so that guessing is slow.

The counts are of one process and are gone with it: a restart gives a guesser a few more attempts,
and the hash's own cost stays.
"""

import datetime
from collections import OrderedDict, deque
from collections.abc import Callable

from hub.api.problems import TooManyRequests

_REMEMBERED = 10_000  # accounts and addresses


class Attempts:
    """Failures of the last while, by key.

    Args:
        most: failures after which further attempts are refused.
        window: how long a failure counts.
    """

    def __init__(
        self,
        *,
        most: int,
        window: datetime.timedelta,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._most = most
        self._window = window
        self._clock = clock
        self._failures: OrderedDict[str, deque[datetime.datetime]] = OrderedDict()

    def check(self, key: str) -> None:
        """Return if another attempt may be made.

        Raises:
            TooManyRequests: there were too many failures; it says when there may be another.
        """
        failures = self._recent(key)
        if len(failures) >= self._most:
            left = failures[0] + self._window - self._clock()
            raise TooManyRequests(headers={"Retry-After": str(max(1, round(left.total_seconds())))})

    def failed(self, key: str) -> None:
        """Count a failure."""
        failures = self._failures.setdefault(key, deque(maxlen=self._most))
        failures.append(self._clock())
        self._failures.move_to_end(key)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def _recent(self, key: str) -> deque[datetime.datetime]:
        failures = self._failures.get(key, deque())
        while failures and failures[0] <= self._clock() - self._window:
            failures.popleft()
        return failures
