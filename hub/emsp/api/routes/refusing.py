"""What drivers are refused at a station, as problem details: the field that is to blame, and a code for their app."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from hub.api.problems import Conflict, Fault, Invalid, NotFound, Problem
from hub.emsp.api.routes.money import PaymentRequired
from hub.emsp.charging.refusals import INVALID, MISSING, Refused


class NotAllowedHere(Problem):
    """The driver's contract does not allow this."""

    status = 403


class OperatorUnavailable(Problem):
    """The charge point's operator cannot be reached, or cannot process this.

    Nothing was changed; it may be tried again under another idempotency key.
    """

    status = 503
    acted = True


#: What routes of bookings and charges refuse besides what every route does.
TROUBLE: tuple[type[Problem], ...] = (Conflict, PaymentRequired, NotAllowedHere, OperatorUnavailable)

_KINDS: Mapping[str, type[Problem]] = {
    "PAYMENT_REFUSED": PaymentRequired,
    "PAYMENT_OPEN": PaymentRequired,
    "NO_AGREEMENT": NotAllowedHere,
    "NO_TOKEN": NotAllowedHere,
    "UNKNOWN_DRIVER": NotAllowedHere,
    "CPO_ERROR": OperatorUnavailable,
    "CPO_UNREACHABLE": OperatorUnavailable,
}


@contextlib.contextmanager
def refusing(renamed: Callable[[str], str] = str) -> Iterator[None]:
    """Answer a refusal as a problem.

    Args:
        renamed: makes the request's path of a fault of the room's.
    """
    try:
        yield
    except Refused as refused:
        raise problem_of(refused, renamed) from refused


def problem_of(refused: Refused, renamed: Callable[[str], str] = str, **more: Any) -> Problem:
    """Return the problem of a refusal; ``more`` are further members."""
    kind = _KINDS.get(refused.code, Conflict)
    if refused.code in MISSING:
        kind = NotFound
    elif refused.code in INVALID:
        kind = Invalid
    faults = [Fault(renamed(refused.field), str(refused))] if refused.field else []
    if refused.code == "PAYMENT_OPEN":
        more |= {"action_url": refused.values["url"], "charge_id": refused.values["charge_id"]}
    return kind(str(refused), faults=faults, code=refused.code, **more)


def in_path(path: str) -> str:
    """Return the fault of something the path names."""
    return path.replace("$.place", "path.evse_uid").replace("$.code", "path.evse_id")


def wh(kwh: Decimal | None) -> int | None:
    """Return energy in Wh, or power in W."""
    return None if kwh is None else int(kwh * 1000)
