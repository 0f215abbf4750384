"""Whether a CDR may be charged as it is: what it says is compared with what the provider knows and can compute.

Nothing here is stored or asked: the same CDR and the same knowledge give the same findings. No finding is proof
of a wrong; it is why a person looks before a driver pays.

Source: OCPI 2.3.0, mod_cdrs.asciidoc; SGEM-4.1-17 (X-56), GEM-UC-1511 (X-72).
"""

import datetime
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from hub.emsp.money.comparing import Difference, Tariffs, with_session, with_told
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing import Unpriceable, after_taxes, price_cdr, taxes_of
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.times import moment


class Fault(enum.StrEnum):
    """What can be wrong with a CDR."""

    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"  # noqa: S105  the name of a fault, no secret
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    DUPLICATE = "DUPLICATE"
    TIMES = "TIMES"
    ENERGY = "ENERGY"
    PRICE = "PRICE"
    TOLD_TARIFF = "TOLD_TARIFF"
    TOLD_COST = "TOLD_COST"
    UNPRICEABLE = "UNPRICEABLE"
    CURRENCY = "CURRENCY"
    VAT_UNKNOWN = "VAT_UNKNOWN"
    CREDIT = "CREDIT"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: JSON path in the CDR.
    """

    fault: Fault
    path: str
    text: str

    def as_json(self) -> JSONObject:
        """Return the finding as JSON."""
        return {"fault": self.fault, "path": self.path, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far a CDR may be from what is known.

    Attributes:
        minor: of its price, in minor units; what is more of it and ``percent`` counts.
        time: between Session and CDR.
        kwh: between its parts, and between Session and CDR.
        power: the most a car can draw on average, in kW.
        longest: the longest charge.
        ahead: how far a peer's clock may be before ours.
    """

    minor: int = 2
    percent: Decimal = Decimal(1)
    time: datetime.timedelta = datetime.timedelta(minutes=15)
    kwh: Decimal = Decimal("0.1")
    power: Decimal = Decimal(1000)
    longest: datetime.timedelta = datetime.timedelta(days=7)
    ahead: datetime.timedelta = datetime.timedelta(minutes=5)

    def of_price(self, price: Decimal, currency: str) -> Decimal:
        """Return how far a price may be from what it should be."""
        return max(self.minor * minor_unit(currency), abs(price) * self.percent / 100)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the provider knows about a CDR.

    Attributes:
        driver_id: whose Token it names.
        session: the Session it ends, as its CPO told it.
        ordered: whether it is of an order of ours.
        currency: of what was secured for it.
        billed_by: id of the CDR that billed its session already.
        zone: of its Location.
        told: its Tariffs as its CPO had told them, at each moment that may be its charge's begin.
    """

    driver_id: str | None
    session: JSONObject | None
    ordered: bool
    currency: str | None
    billed_by: str | None
    zone: datetime.tzinfo
    now: datetime.datetime
    told: tuple[Tariffs, ...] = ()


def check(cdr: JSONObject, known: Known, tolerance: Tolerance) -> list[Finding]:
    """Return what is wrong with a CDR that is no Credit CDR."""
    return [
        *_check_party(cdr, known),
        *_check_times(cdr, known, tolerance),
        *_check_energy(cdr, known, tolerance),
        *_check_price(cdr, known, tolerance),
        *_check_told(cdr, known, tolerance),
    ]


def _check_party(cdr: JSONObject, known: Known) -> Iterator[Finding]:
    if known.driver_id is None:
        yield Finding(Fault.UNKNOWN_TOKEN, "$.cdr_token.uid", "is no Token of a driver of ours")
    if known.session is None and not known.ordered:
        yield Finding(Fault.UNKNOWN_SESSION, "$.session_id", "names no Session we were told of, and no order of ours")
    if known.billed_by is not None:
        yield Finding(Fault.DUPLICATE, "$.session_id", f"was billed by CDR {known.billed_by}, which is not credited")


def _check_times(cdr: JSONObject, known: Known, tolerance: Tolerance) -> Iterator[Finding]:
    start, end = moment(cdr["start_date_time"]), moment(cdr["end_date_time"])
    if end > known.now + tolerance.ahead:
        yield Finding(Fault.TIMES, "$.end_date_time", "lies in the future")
    if end < start:
        yield Finding(Fault.TIMES, "$.end_date_time", "lies before its start")
    if end - start > tolerance.longest:
        yield Finding(Fault.TIMES, "$.end_date_time", f"{end - start} is longer than {tolerance.longest}")
    hours = _hours(end - start)
    if _number(cdr["total_time"]) > hours + _hours(tolerance.time):
        yield Finding(Fault.TIMES, "$.total_time", f"{cdr['total_time']} h, but it lasted {hours:.2f} h")
    for name in ("start_date_time", "end_date_time"):
        told = (known.session or {}).get(name)
        # A CDR with a reservation begins with it, so it may begin before its Session.
        if told and _apart(cdr, name, moment(told)) > tolerance.time:
            yield Finding(Fault.TIMES, f"$.{name}", f"the Session said {told}")


def _apart(cdr: JSONObject, name: str, told: datetime.datetime) -> datetime.timedelta:
    at = moment(cdr[name])
    if name == "start_date_time" and cdr.get("total_reservation_cost"):
        return max(at - told, datetime.timedelta(0))
    return abs(at - told)


def _check_energy(cdr: JSONObject, known: Known, tolerance: Tolerance) -> Iterator[Finding]:
    kwh = _number(cdr["total_energy"])
    if kwh < 0:
        yield Finding(Fault.ENERGY, "$.total_energy", f"{kwh} kWh is less than nothing")
    parts = sum((_number(each) for each in _volumes(cdr, "ENERGY")), Decimal(0))
    if abs(kwh - parts) > tolerance.kwh:
        yield Finding(Fault.ENERGY, "$.total_energy", f"{kwh} kWh, but its charging periods have {parts} kWh")
    hours = _hours(moment(cdr["end_date_time"]) - moment(cdr["start_date_time"]))
    if kwh > tolerance.kwh and kwh > hours * tolerance.power:
        yield Finding(Fault.ENERGY, "$.total_energy", f"{kwh} kWh in {hours:.2f} h is more than {tolerance.power} kW")
    session = known.session
    # Only a Session that is over has told all its energy.
    if session is not None and session.get("status") == "COMPLETED":
        told = _number(session["kwh"])
        if abs(kwh - told) > tolerance.kwh:
            yield Finding(Fault.ENERGY, "$.total_energy", f"{kwh} kWh, but the Session said {told} kWh")


def _check_price(cdr: JSONObject, known: Known, tolerance: Tolerance) -> Iterator[Finding]:
    if known.currency is not None and known.currency != cdr["currency"]:
        yield Finding(Fault.CURRENCY, "$.currency", f"{cdr['currency']}, but {known.currency} was secured for it")
    told = cdr["total_cost"]
    net = _number(told["before_taxes"])
    if net < 0:
        yield Finding(Fault.PRICE, "$.total_cost.before_taxes", "is less than nothing, and it is no Credit CDR")
    try:
        computed = price_cdr(codec.encode(cdr), known.zone).total
    except Unpriceable as error:
        yield Finding(Fault.UNPRICEABLE, "$.tariffs", str(error))
        return
    pairs = [("before_taxes", net, computed.before_taxes)]
    if told.get("taxes"):
        pairs.append(("taxes", after_taxes(told), computed.after_taxes))
    for name, says, should in pairs:
        if abs(says - should) > tolerance.of_price(should, cdr["currency"]):
            text = f"{says} {cdr['currency']}, but by its Tariffs it is {should}"
            yield Finding(Fault.PRICE, f"$.total_cost.{name}", text)


def _check_told(cdr: JSONObject, known: Known, tolerance: Tolerance) -> Iterator[Finding]:
    def is_dearer(takes: Decimal, said: Decimal) -> bool:
        return takes - said > tolerance.of_price(said, cdr["currency"])

    def found(fault: Fault, differences: Iterator[Difference]) -> Iterator[Finding]:
        return (Finding(fault, path, text) for path, text in differences)

    yield from found(Fault.TOLD_TARIFF, with_told(cdr, known.told, known.zone, is_dearer))
    yield from found(Fault.TOLD_COST, with_session(cdr, known.session, is_dearer))


def charging_begins(cdr: JSONObject) -> datetime.datetime:
    """Return when the charge of a CDR begins; one with a reservation begins before it."""
    kinds = (
        (period["start_date_time"], {each["type"] for each in period["dimensions"]})
        for period in cdr["charging_periods"]
    )
    return next((moment(at) for at, kind in kinds if "RESERVATION_TIME" not in kind), moment(cdr["start_date_time"]))


def check_credit(credit: JSONObject, wrong: JSONObject | None, verdict: str | None) -> list[Finding]:
    """Return what is wrong with a Credit CDR.

    Args:
        wrong: the CDR it takes back, as its CPO sent it.
        verdict: what became of that; None: it was not judged.
    """
    path = "$.credit_reference_id"
    if wrong is None or verdict is None:
        return [Finding(Fault.CREDIT, path, "is no CDR we were sent")]
    if verdict in ("CREDIT", "CREDITED"):
        return [Finding(Fault.CREDIT, path, "was credited before, or is itself a credit")]
    if credit["currency"] != wrong["currency"]:
        return [Finding(Fault.CREDIT, "$.currency", f"the CDR had {wrong['currency']}")]
    for name, part in (("before_taxes", _net), ("taxes", taxes_of)):
        if part(credit["total_cost"]) != -part(wrong["total_cost"]):
            text = f"does not take back the {part(wrong['total_cost'])} of the CDR"
            return [Finding(Fault.CREDIT, f"$.total_cost.{name}", text)]
    return []


def _net(price: JSONObject) -> Decimal:
    return _number(price["before_taxes"])


def _volumes(cdr: JSONObject, kind: str) -> Iterator[object]:
    for period in cdr["charging_periods"]:
        yield from (each["volume"] for each in period["dimensions"] if each["type"] == kind)


def _number(value: object) -> Decimal:
    return Decimal(str(value))


def _hours(span: datetime.timedelta) -> Decimal:
    return Decimal(span // datetime.timedelta(microseconds=1)) / 3_600_000_000
