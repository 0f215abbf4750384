"""Charges as rows, and the states they go through.

::

    PAYING ──▶ ASKED ──▶ ACCEPTED ──▶ STARTED ──▶ CHARGING ──▶ STOPPING ──▶ ENDED ──▶ BILLED
      │          │           │            │           ▲ ╲________________________▲
      └──────────┴───────────┴────────────┴──▶ FAILED ─┘

A Session is the truth: it takes a charge to CHARGING from wherever it is, even from FAILED, for a result can
be wrong or lost. A CDR bills it from wherever it is.

Source: OCPI 2.3.0, mod_commands.asciidoc; mod_sessions.asciidoc (SessionStatus).
"""

# ruff: noqa: S608  the only texts put into a statement are this room's own

import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from hub.database.contract import Database, Row, Transaction
from hub.emsp.charging.needs import Spot
from hub.ocpi import codec
from hub.ocpi.objects import JSONObject
from hub.ocpi.pricing.currencies import minor_unit
from hub.ocpi.times import stamp, stamped

#: PAYING: money is set aside; nobody was asked yet. ASKED: the order goes out. ACCEPTED: by the CPO.
#: STARTED: by the station, or a Session without energy.
State = Literal["PAYING", "ASKED", "ACCEPTED", "STARTED", "CHARGING", "STOPPING", "ENDED", "BILLED", "FAILED"]
Origin = Literal["APP", "SMS", "CARD"]

MOVES: Mapping[State, frozenset[State]] = {
    "PAYING": frozenset({"ASKED", "FAILED"}),
    "ASKED": frozenset({"ACCEPTED", "STARTED", "CHARGING", "ENDED", "BILLED", "FAILED"}),
    "ACCEPTED": frozenset({"STARTED", "CHARGING", "ENDED", "BILLED", "FAILED"}),
    "STARTED": frozenset({"CHARGING", "STOPPING", "ENDED", "BILLED", "FAILED"}),
    "CHARGING": frozenset({"STOPPING", "ENDED", "BILLED"}),
    "STOPPING": frozenset({"CHARGING", "STARTED", "ENDED", "BILLED"}),
    "ENDED": frozenset({"BILLED"}),
    "FAILED": frozenset({"STARTED", "CHARGING", "ENDED", "BILLED"}),
    "BILLED": frozenset(),
}

#: Not over yet.
LIVE = frozenset({"PAYING", "ASKED", "ACCEPTED", "STARTED", "CHARGING", "STOPPING"})
#: A Session may be on its way.
AWAITING = frozenset({"ASKED", "ACCEPTED", "STARTED", "FAILED"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a driver wants his charge to end.

    Attributes:
        energy: in Wh.
        cost: all taxes included, in ``currency``.
        until: a moment, UTC.
    """

    energy: int | None = None
    cost: Decimal | None = None
    currency: str | None = None
    until: datetime.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One charge; ``EmspDriverCharge`` explains the columns."""

    id: str
    driver_id: str
    booking_id: str | None = None
    origin: Origin = "APP"
    phone: str | None = None
    place: str | None = None
    spot: Spot
    token: JSONObject
    reference: str | None
    state: State = "ASKED"
    outcome: str | None = None
    session_id: str | None = None
    cdr_id: str | None = None
    stop_order: str | None = None
    stop_due: datetime.datetime | None = None
    stop_reason: str | None = None
    ends_by: datetime.datetime | None = None
    energy: int = 0
    energy_limit: int | None = None
    power: int | None = None
    power_limit: int | None = None
    soc: int | None = None
    cost: int | None = None
    cost_limit: int | None = None
    estimate: int | None = None
    estimate_due: datetime.datetime | None = None
    currency: str | None = None
    time_limit: datetime.datetime | None = None
    held: bool = False
    asked_at: datetime.datetime
    started_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    due_at: datetime.datetime | None = None
    news_at: datetime.datetime

    def moved(self, state: State, **changes: Any) -> "Charge":
        """Return the charge in another state; unchanged where that is no move, as when news come late."""
        if state != self.state and state not in MOVES[self.state]:
            return self
        if state not in LIVE:
            changes |= {"place": None, "estimate": None, "estimate_due": None}
        return dataclasses.replace(self, state=state, **changes)

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def cost_now(self) -> int | None:
        """What it costs by now, as far as is known."""
        return self.cost if self.estimate is None else self.estimate


_FIELDS = tuple(each.name for each in dataclasses.fields(Charge) if each.name != "spot")
_PLACE = ("owner", "location_id", "evse_uid", "connector_id")
_COLUMNS = (*_FIELDS, *_PLACE)
_MOMENTS = frozenset(name for name in _FIELDS if name.endswith("_at")) | {
    "stop_due", "ends_by", "time_limit", "estimate_due"
}  # fmt: skip
_LIST = ", ".join(_COLUMNS)
_MARKS = ", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("id", "driver_id", "asked_at"))

#: Notified of every change: driver and charge, by line.
CHANNEL = "emsp_driver_charge"


async def write(tx: Transaction, charge: Charge) -> Charge:
    """Write a charge down, or what has become of it, and tell whoever looks on."""
    await tx.execute(
        f"INSERT INTO emsp_driver_charge ({_LIST}) VALUES ({_MARKS}) ON CONFLICT (id) DO UPDATE SET {_CHANGED}",
        *(_stored(name, getattr(charge, name)) for name in _FIELDS),
        str(charge.spot.owner), charge.spot.location_id, charge.spot.evse_uid, charge.spot.connector_id,
    )  # fmt: skip
    tx.notify(CHANNEL, f"{charge.driver_id}\n{charge.id}")
    return charge


async def charges(
    source: Database | Transaction, where: str, *args: object, most: int = 1000, skip: int = 0, locked: bool = False
) -> list[Charge]:
    """Return the charges of a condition over the columns, the newest first."""
    end = " FOR UPDATE" if locked else ""
    rows = await source.fetch(
        f"SELECT {_LIST} FROM emsp_driver_charge WHERE {where}"
        f" ORDER BY asked_at DESC, id LIMIT {most} OFFSET {skip}{end}",
        *args,
    )
    return [_charge(row) for row in rows]


async def charge_of_cdr(database: Database, owner: str, cdr: JSONObject, session: JSONObject | None) -> str | None:
    """Return the id of the charge a CDR bills: of its Session, of this CDR, or of its reference."""
    session_id = cdr.get("session_id") or ""
    reference = cdr.get("authorization_reference") or (session or {}).get("authorization_reference") or ""
    found = await charges(
        database, "owner = $1 AND (session_id = $2 OR cdr_id = $3 OR reference = $4) AND state <> 'FAILED'",
        owner, session_id.upper(), cdr["id"].upper(), reference,
    )  # fmt: skip
    by = [(each.session_id == session_id.upper(), each.cdr_id == cdr["id"].upper()) for each in found]
    return found[by.index(max(by))].id if found else None


async def is_under_way(database: Database, driver_id: str, owner: str) -> bool:
    """Return whether a driver has a charge at a CPO's that he ordered and money is set aside for."""
    found = await charges(database, "driver_id = $1 AND owner = $2 AND place IS NOT NULL AND held = 1",
                          driver_id, owner, most=1)  # fmt: skip
    return bool(found)


#: Takes a charge a step further, in a transaction that has its row.
Step = Callable[[Transaction, Charge], Awaitable[None]]


async def change(database: Database, charge_id: str, step: Step) -> Charge:
    """Take a step with a charge as it is now, and return what came of it."""

    async def work(tx: Transaction) -> Charge:
        for charge in await charges(tx, "id = $1", charge_id, locked=database.dialect == "postgres"):
            await step(tx, charge)
        return (await charges(tx, "id = $1", charge_id))[0]

    return await database.transact(work)


def place_key(driver_id: str, spot: Spot) -> str:
    """Return what keeps a driver from charging twice at one EVSE."""
    return f"{driver_id} {spot}"


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units."""
    return int((amount / minor_unit(currency)).quantize(Decimal(1), ROUND_HALF_UP))


def _stored(name: str, value: Any) -> Any:
    if name == "token":
        return codec.encode(value)
    if name in _MOMENTS:
        return None if value is None else stamp(value)
    return int(value) if isinstance(value, bool) else value


def _charge(row: Row) -> Charge:
    values = dict(zip(_COLUMNS, row, strict=True))
    owner, location_id, evse_uid, connector_id = (values.pop(name) for name in _PLACE)
    for name in _MOMENTS:
        values[name] = None if values[name] is None else stamped(values[name])
    values |= {"token": codec.decode(values["token"]), "held": bool(values["held"])}
    return Charge(spot=Spot.of(owner, location_id, evse_uid, connector_id), **values)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a driver sees of his charge (RASD-R9).

    Attributes:
        kwh, kw, soc: None where the CPO does not tell (X-44); ``soc`` in percent.
        cost: all taxes included, so far.
        estimated: whether ``cost`` has what time has added, by the Tariff, since the CPO last told something.
        seconds: since it started.
    """

    charge_id: str
    state: State
    outcome: str | None
    kwh: Decimal | None
    kw: Decimal | None
    soc: int | None
    cost: Decimal | None
    estimated: bool
    currency: str | None
    seconds: int
    ends_by: datetime.datetime | None = None
    told_at: datetime.datetime | None = field(default=None)


def progress(charge: Charge, now: datetime.datetime) -> Progress:
    """Return how far a charge is; where the CPO sends no updates, time passes all the same."""
    told = charge.session_id is not None
    end = charge.ended_at or now
    amount = None
    if charge.cost_now is not None and charge.currency:
        amount = charge.cost_now * minor_unit(charge.currency)
    return Progress(
        charge_id=charge.id, state=charge.state, outcome=charge.outcome,
        kwh=Decimal(charge.energy) / 1000 if told else None,
        kw=None if charge.power is None else Decimal(charge.power) / 1000, soc=charge.soc, cost=amount,
        estimated=charge.estimate is not None, currency=charge.currency, ends_by=charge.ends_by,
        told_at=charge.news_at if told else None,
        seconds=max(0, int((end - charge.started_at).total_seconds())) if charge.started_at else 0,
    )  # fmt: skip
