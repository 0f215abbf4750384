"""PRICE: a CDR of 8 periods priced from its bytes, against decoding it exactly with msgspec.

A price needs exact amounts, so the decoding it is measured against has them, too (``hub.ocpi.codec``:
msgspec with ``float_hook=Decimal``). The Tariff is one of many CDRs' and prepared before, as it is in a
hub; the CDR changes its price at 17:00, charges, and parks.
"""

import time
import zoneinfo
from collections.abc import Callable

from bench.ground import Ground
from bench.rounds import Verdict, measure, ratio
from bench.samples import cdr_of_periods


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdict of PRICE."""
    from hub.ocpi import codec
    from hub.ocpi.pricing import price_cdr

    text = cdr_of_periods(8)
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    ours, theirs = measure(
        ground.rounds,
        lambda: _microseconds(lambda: price_cdr(text, zone)),
        lambda: _microseconds(lambda: codec.decode(text)),
    )
    what = "CPU to price a CDR of 8 periods against decoding it with msgspec, us"
    return [ratio("PRICE", what, "at most", 4, ours, theirs, more_is_better=False)]


def _microseconds(call: Callable[[], object], times: int = 5000) -> float:
    for _ in range(100):
        call()
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times * 1e6
