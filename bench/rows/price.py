"""PRICE: a CDR of 8 periods priced from its bytes, against decoding it with msgspec.

A price needs exact amounts, so the decoding it is judged by has them, too (``hub.ocpi.codec``: msgspec
with ``float_hook=Decimal``); beside it stands msgspec as it comes, with floats. The Tariff is one of many
CDRs' and prepared before, as it is in a hub; the CDR changes its price at 17:00, charges, and parks.
"""

import dataclasses
import statistics
import time
import zoneinfo
from collections.abc import Callable

from bench.ground import Ground
from bench.rounds import Verdict, measure, ratio
from bench.samples import cdr_of_periods


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdict of PRICE."""
    import msgspec

    from hub.ocpi import codec
    from hub.ocpi.pricing import price_cdr

    text = cdr_of_periods(8)
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    ours, exact, plain = measure(
        ground.rounds,
        lambda: _microseconds(lambda: price_cdr(text, zone)),
        lambda: _microseconds(lambda: codec.decode(text)),
        lambda: _microseconds(lambda: msgspec.json.decode(text)),
    )
    what = "CPU to price a CDR of 8 periods against decoding it exactly with msgspec, us"
    found = ratio("PRICE", what, "at most", 4, ours, exact, more_is_better=False)
    floats = statistics.median(one / other for one, other in zip(ours, plain, strict=True))
    return [dataclasses.replace(found, note=f"{found.note}; with floats {floats:.1f}")]


def _microseconds(call: Callable[[], object], times: int = 5000) -> float:
    for _ in range(100):
        call()
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times * 1e6
