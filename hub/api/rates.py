"""How often a caller may ask: a bucket of requests for each, refilled as time passes.

The buckets are of one process: several nodes allow as many times the rate.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.api.principals import Principal
from hub.api.problems import TooManyRequests

_REMEMBERED = 100_000  # callers


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often.

    Attributes:
        per_second: in the long run.
        burst: at once, after a pause.
    """

    per_second: float
    burst: int


class Rates:
    """The buckets of all callers.

    Args:
        by_kind: rates by the kind of principal; a kind that is not there may ask as often as it likes.
    """

    def __init__(self, by_kind: Mapping[str, Rate], clock: Callable[[], float] = time.monotonic) -> None:
        self._by_kind = by_kind
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, caller: Principal, address: str) -> None:
        """Return if a caller may ask; strangers are known by their address.

        Raises:
            TooManyRequests: he asks too often; it says when he may again.
        """
        rate = self._by_kind.get(caller.kind)
        if rate is None:
            return
        key = f"{caller.kind} {caller.id or address}"
        now = self._clock()
        left, seen = self._buckets.get(key, (float(rate.burst), now))
        left = min(float(rate.burst), left + (now - seen) * rate.per_second)
        if left < 1:
            seconds = math.ceil((1 - left) / rate.per_second)
            raise TooManyRequests("Too many requests; wait a moment", headers={"Retry-After": str(seconds)})
        self._buckets[key] = (left - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
