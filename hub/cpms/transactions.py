"""What a transaction was, from the messages that tell of it: late, twice, in any order, with gaps.

Everything here is a pure function of the *set* of messages, so that no order and no repetition can
change what is billed. Identity is a natural key, for a message that was not answered comes again
under another message id.

Energy is in mWh, an integer, so that nothing is rounded before it is billed.

Source: OCPP 1.6, 4.8 StartTransaction, 4.10 StopTransaction, 3.7 Transactions in offline mode; OCPP 2.0.1, part 2,
E. Transactions (E03, E04, E11, E12, E13).
"""

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.cpms.phases import loaded, whole
from hub.ocpi.objects import JSONObject
from hub.ocpi.times import EPOCH
from hub.ocpp.events import SIGNED_ALONE, Sample, TransactionEvent

REGISTER = "Energy.Active.Import.Register"

#: A station's clock that is earlier than this was never set.
_NEVER_SET = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)

#: Where energy registers begin again at zero, in mWh: at a power of ten of Wh, or with a 32-bit count of Wh.
_ROLLOVERS = sorted([1000 * limit for limit in (10**5, 10**6, 10**7, 10**8, 10**9, 10**10, 2**32)])

#: A register has passed its limit if it stood within this part of it before: one set back by chance hardly ever does.
_CLOSE = 100

#: How much more than an outlet's rated power a register may show: meters and ratings are not exact.
_TOLERANCE = Decimal("1.25")
_SLACK = 1_000_000  # mWh, for a transaction of a few seconds

#: How much later a reading on the way may have been taken than it is dated.
_DATED = datetime.timedelta(minutes=5)

#: A transaction without an outlet may still not use more than any outlet gives, in kW.
_ANY_OUTLET = 500.0


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one message tells of a transaction.

    Attributes:
        key: what makes it this message and no other within the transaction.
        at: by the station's clock, never later than ``received_at``.
        register: the energy register, in mWh; of a start the first one told, else the last.
        power: in W; ``current``: in mA; ``soc``: in percent.
        phases: how many of the outlet's the car loads, counted from L1, where that was measured; it is not kept.
        detail: what only starts and ends tell: ``reason``, ``signed``, ``skew`` in seconds.
    """

    key: str
    kind: str
    at: datetime.datetime
    received_at: datetime.datetime
    seq_no: int | None = None
    register: int | None = None
    power: int | None = None
    current: int | None = None
    soc: int | None = None
    phases: int | None = None
    charging_state: str | None = None
    detail: JSONObject | None = None

    @property
    def place(self) -> tuple[int, int, datetime.datetime, str]:
        """Where it stands in its transaction: a start first, an end last, between them by count, else by time."""
        rank = {"Started": 0, "Updated": 1, "Ended": 2}[self.kind]
        return rank, -1 if self.seq_no is None else self.seq_no, self.at, self.key


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is to be billed of a transaction.

    Attributes:
        energy: in mWh; None if it cannot be known from what was told.
        charged_until: when energy last flowed.
        fault: why this is not billed as it is; None: nothing speaks against it.
        rolled_over: whether the register began again at zero on the way.
        set_back: whether it was set back on the way: the energy is what flowed before and after, and no less.
    """

    started_at: datetime.datetime
    ended_at: datetime.datetime
    energy: int | None
    charged_until: datetime.datetime | None = None
    fault: str | None = None
    rolled_over: bool = False
    set_back: bool = False
    reason: str | None = None
    signed: tuple[Any, ...] = ()

    @property
    def kwh(self) -> float:
        """The energy in kWh; what is not known is nothing."""
        return (self.energy or 0) / 1_000_000


def natural_key(event: TransactionEvent) -> str:
    """Return what makes a transaction this one and no other among those of its station.

    2.0.1 names each transaction. A start of 1.6 is known by where, who, meter and time. A stop of
    1.6 whose transaction we never gave a number is kept by itself, until its start comes.
    """
    if event.seq_no is not None:
        return f"2:{event.transaction_id}"
    token = event.id_token.id_token.upper() if event.id_token else ""
    at = int((event.at - EPOCH).total_seconds() * 1000)
    if event.kind == "Started":
        connector = event.evse.evse_id if event.evse else 0
        return f"1:{connector}:{token}:{event.meter}:{at}"
    return f"1:?{event.transaction_id}:{token}:{event.meter}:{at}"


def message_of(event: TransactionEvent) -> Message:
    """Return what a message tells; times a station cannot have seen are bounded by ours."""
    samples = whole(event.samples)
    readings = sorted((each for each in samples if _is_register(each)), key=lambda each: each.at)
    register = _register(event, readings)
    detail = _detail(event)
    return Message(
        key=_message_key(event, register),
        kind=event.kind,
        at=bounded(event.at, event.received_at),
        received_at=event.received_at,
        seq_no=event.seq_no,
        register=register,
        power=_of(samples, "Power.Active.Import", 1),
        current=_of(samples, "Current.Import", 1000),
        soc=_of(samples, "SoC", 1),
        phases=max(event.phases_used or 0, loaded(event.samples) or 0) or None,
        charging_state=event.charging_state,
        detail=detail or None,
    )


def bounded(at: datetime.datetime, received_at: datetime.datetime) -> datetime.datetime:
    """Return when something happened: nothing is told before it happens, nor before the clock was set."""
    return received_at if at > received_at or at < _NEVER_SET else at


def skew(event: TransactionEvent) -> float:
    """Return how far a station's clock must be off, in seconds: it cannot tell the future."""
    if event.at < _NEVER_SET or event.at > event.received_at:
        return round((event.at - event.received_at).total_seconds(), 3)
    return 0.0


def _message_key(event: TransactionEvent, register: int | None) -> str:
    if event.seq_no is not None:
        # A station that counts wrongly, and gives its end a number it has used, must not lose what it took.
        return str(event.seq_no) if event.kind == "Updated" else f"{event.kind} {event.seq_no}"
    if event.kind != "Updated":
        return event.kind  # 1.6 tells one start and one stop
    return f"{int((event.at - EPOCH).total_seconds() * 1000)}:{register}"


def _is_register(sample: Sample) -> bool:
    """Whether a sample is the register of what the car got: of all phases, at the outlet."""
    return sample.measurand == REGISTER and sample.phase is None and sample.location in (None, "Outlet")


def _register(event: TransactionEvent, readings: Sequence[Sample]) -> int | None:
    if event.meter is not None:
        return event.meter * 1000
    if not readings:
        return None
    return int((readings[0] if event.kind == "Started" else readings[-1]).value * 1000)


def _of(samples: Iterable[Sample], measurand: str, factor: int) -> int | None:
    """Return the newest value of a measurand."""
    newest: Sample | None = None
    for each in samples:
        if each.measurand == measurand and (newest is None or each.at >= newest.at):
            newest = each
    return None if newest is None else round(newest.value * factor)


def _detail(event: TransactionEvent) -> JSONObject:
    detail: JSONObject = {}
    if event.kind == "Ended":
        detail["reason"] = event.reason or "Local"  # 1.6 and 2.0.1: Local may be left out
    if off := skew(event):
        detail["skew"] = off
    # Stations of 1.6 may send a register signed only; its text is what a CDR repeats all the same.
    signing = (each for each in event.samples if _is_register(each) or each.measurand == SIGNED_ALONE)
    signed = [each.signed for each in sorted(signing, key=lambda each: each.at) if each.signed is not None]
    if signed:
        detail["signed"] = signed
    if event.id_token is not None:
        detail["id_token"] = event.id_token.id_token
    return detail


# -- the whole transaction -------------------------------------------------------------------------


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Return the messages once each, as they belong, whatever order they came in."""
    return sorted({each.key: each for each in messages}.values(), key=lambda each: each.place)


def missing(ordered: Sequence[Message]) -> bool:
    """Whether something is still to come that could change what is billed.

    A start and an end say all there is to bill if both have the register. 2.0.1 counts, so that a
    gap is seen; what fills it matters only where the ends lack a reading.
    """
    first, last = ordered[0], ordered[-1]
    if first.kind != "Started" or last.kind != "Ended":
        return True
    if first.register is not None and last.register is not None:
        return False
    if last.seq_no is None or first.seq_no is None:
        return False
    counted = {each.seq_no for each in ordered if each.seq_no is not None}
    return len(counted) < last.seq_no - first.seq_no + 1


def usage(ordered: Sequence[Message], *, power: float | None) -> Usage:
    """Return what a transaction used, from its messages in order.

    Args:
        power: the most its outlet gives, in kW.
    """
    first, last = ordered[0], ordered[-1]
    metered = [each for each in ordered if each.register is not None]
    signed = [each for message in ordered for each in (message.detail or {}).get("signed", ())]
    ended_at = last.at if last.kind == "Ended" or not metered else metered[-1].at
    found = Usage(
        started_at=first.at,
        ended_at=ended_at,
        energy=None,
        reason=(last.detail or {}).get("reason"),
        signed=tuple(signed),
    )
    if ended_at < first.at:
        return _faulty(found, f"it ends {first.at - ended_at} before it starts")
    if len(metered) < 2:
        return _faulty(found, "no two readings of its meter are known")
    return _metered(found, metered, power)


def _faulty(found: Usage, fault: str) -> Usage:
    return dataclasses.replace(found, fault=fault)


def _metered(found: Usage, metered: Sequence[Message], power: float | None) -> Usage:
    first, last = metered[0], metered[-1]
    most = _most(found.ended_at - found.started_at, power)
    start, end = first.register or 0, last.register or 0
    energy = end - start if end >= start else _along(metered, power)
    set_back = energy < 0
    if set_back:
        energy = _certain(metered, power)
    if energy <= 0 and set_back:
        return _faulty(found, f"its meter runs back from {start / 1000:g} Wh to {end / 1000:g} Wh")
    if energy > most:
        lasted = found.ended_at - found.started_at
        return _faulty(found, f"{energy / 1000:g} Wh is more than its outlet can give in {lasted}")
    until = _charged_until(metered, found.started_at)
    rolled_over = end < start and not set_back
    return dataclasses.replace(found, energy=energy, rolled_over=rolled_over, set_back=set_back, charged_until=until)


def energy_between(first: Message, last: Message, *, power: float | None) -> int | None:
    """Return the energy between two readings, in mWh; None if no outlet gives that: it ran back, or is too much.

    Args:
        power: the most the outlet gives, in kW.
    """
    most = _most(last.at - first.at + _DATED, power)
    energy = _energy(first, last, most)
    return energy if 0 <= energy <= most else None


def _most(lasted: datetime.timedelta, power: float | None) -> int:
    """Return the most energy an outlet can have given, in mWh."""
    hours = Decimal(str(max(lasted.total_seconds(), 0.0))) / 3600
    return int(hours * Decimal(str(power or _ANY_OUTLET)) * _TOLERANCE * 1_000_000) + _SLACK


def _energy(first: Message, last: Message, most: int) -> int:
    start, end = first.register or 0, last.register or 0
    return end - start if end >= start else _rolled_over(start, end, most)


def _along(metered: Sequence[Message], power: float | None) -> int:
    """Return the energy of a register that ended lower than it began; negative if it was set back on the way.

    It has gone on from zero only if what it then counted could flow between the two readings on either side.
    """
    steps = [
        _energy(before, after, _most(after.at - before.at, power)) for before, after in itertools.pairwise(metered)
    ]
    return sum(steps) if min(steps) >= 0 else (metered[-1].register or 0) - (metered[0].register or 0)


def _certain(metered: Sequence[Message], power: float | None) -> int:
    """Return what flowed before and after a register was set back, once; 0 if nothing is certain of it.

    What flowed between the two readings on either side of that nobody knows.
    """
    steps = [
        (
            (after.register or 0) - (before.register or 0),
            _most(after.at - before.at + _DATED, power),
        )
        for before, after in itertools.pairwise(metered)
    ]
    forward = [step for step, _ in steps if step >= 0]
    sure = len(forward) == len(steps) - 1 and all(step <= most for step, most in steps)
    return sum(forward) if sure else 0


def _rolled_over(start: int, end: int, most: int) -> int:
    """Return the energy if the register began again at zero where a register does; else a negative number.

    A register that was set to zero looks the same from its two ends. Only one that stood close before its
    limit is taken to have passed it.
    """
    for limit in _ROLLOVERS:
        if limit - limit // _CLOSE <= start < limit and limit - start + end <= most:
            return limit - start + end
    return end - start


def _charged_until(metered: Sequence[Message], started_at: datetime.datetime) -> datetime.datetime:
    """Return when the register last moved; between two readings, the later one's time."""
    until = started_at
    for before, after in itertools.pairwise(metered):
        if after.register != before.register:
            until = after.at
    return until
