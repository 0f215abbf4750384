"""VALIDATE: a 4.6 kB Location judged by all rules, against the standard library's ``json.loads``."""

import json
import time
from collections.abc import Callable

from bench.ground import Ground
from bench.rounds import Verdict, measure, ratio
from bench.samples import NUMBER, location


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdict of VALIDATE."""
    from hub.ocpi.modules.locations import Location
    from hub.ocpi.versions import VERSIONS

    text = location(4600).replace(NUMBER.encode(), b"000001")
    version = VERSIONS["2.2.1"]
    ours, theirs = measure(
        ground.rounds,
        lambda: _microseconds(lambda: version.judge(text, Location)),
        lambda: _microseconds(lambda: json.loads(text)),
    )
    what = "CPU to judge a Location against json.loads, us"
    return [ratio("VALIDATE", what, "at most", 2, ours, theirs, more_is_better=False)]


def _microseconds(call: Callable[[], object], times: int = 5000) -> float:
    for _ in range(100):
        call()
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times * 1e6
