"""START: from the start of the process to the first answer, on a prepared data folder."""

from bench.ground import Ground
from bench.hub import Hub
from bench.rounds import Verdict, absolute


def measured(ground: Ground) -> list[Verdict]:
    """Return the verdicts of START."""
    what = "to the first answer, "
    return [
        absolute("START", what + "prepared folder", "at most", 1, _starts(ground.hub("start"), ground), "s"),
        absolute("START", what + "large catalogue", "at most", 1, _starts(ground.city.hub, ground), "s"),
    ]


def _starts(hub: Hub, ground: Ground) -> list[float]:
    return [hub.restart() for _ in range(ground.rounds)]
