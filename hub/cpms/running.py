"""A transaction that is going on, as it is remembered between messages: its meter now, and what is still to be done.

What is billed is not taken from here but computed from all messages at the end
(``hub.cpms.transactions.usage``).
"""

import asyncio
import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

from hub.cpms.ports import SessionUpdated
from hub.cpms.remote_starts import RemoteStart
from hub.cpms.transaction_store import Kept
from hub.cpms.transactions import Message, bounded, energy_between
from hub.ocpp.events import EVSE, TransactionEvent

#: 2.0.1's charging states in which no energy flows, and what 1.6's StatusNotification says of the same.
_HELD_BACK = frozenset({"SuspendedEVSE"})
_PARKED = frozenset({"SuspendedEV", "EVConnected", "Idle", "Finishing"})

#: How many readings say that a car loads few phases before that is believed; more cannot be than all.
_SURE, _ALL = 3, 3


@dataclass(kw_only=True, slots=True, eq=False)
class Running:
    """One transaction.

    Attributes:
        started_at: when it started; None while its start has not been told.
        authorized_at: when a token was first named.
        ended: whether its end has been told.
        begun: whether its Session has been told.
        first, last: its first and its newest meter reading.
        most_phases: the most phases its car was measured to load, counted from L1; ``phases_heard``: how often it was.
        state: what its station says it is doing.
        changed: whether its Session has not been told the newest reading.
        heard_at: when a message of it last came, by our clock.
        doubted_at: since when there is reason to believe that it is over without having been ended.
        asked_at: when its station was last asked for its meter.
        cut_at: when its station was last told to stop it, for ``cut_because``.
        order: to start, whose giver waits until the Session has been told.
        ends_by: when its time is up; None: it has none.
        cost_told_at: when its station was last told what it costs.
        refused: the token that was refused last.
        over: done once its end has been told.
    """

    kept: Kept
    started_at: datetime.datetime | None = None
    authorized_at: datetime.datetime | None = None
    ended: bool = False
    begun: bool = False
    first: Message | None = None
    last: Message | None = None
    newest: Message | None = None
    most_phases: int = 0
    phases_heard: int = 0
    state: str | None = None
    changed: bool = False
    heard_at: datetime.datetime
    doubted_at: datetime.datetime | None = None
    asked_at: datetime.datetime | None = None
    cut_at: datetime.datetime | None = None
    cut_because: str | None = None
    order: RemoteStart | None = None
    ends_by: datetime.datetime | None = None
    cost_told_at: datetime.datetime | None = None
    refused: str = ""
    over: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def evse(self) -> EVSE:
        """Where it is."""
        kept = self.kept
        return EVSE(station_id=kept.station_id, evse_id=kept.evse_id, connector_id=kept.connector_id)

    @property
    def power(self) -> float | None:
        """The most its outlet gives, in kW."""
        return self.kept.outlet.power if self.kept.outlet is not None else None

    @property
    def started(self) -> bool:
        """Whether its start has been told."""
        return self.started_at is not None

    @property
    def full(self) -> bool:
        """Whether its car says that its battery is full."""
        return self.newest is not None and (self.newest.soc or 0) >= 100

    @property
    def phases(self) -> int | None:
        """How many phases its car loads; None: it is not known, for one that begins may not load all of them yet."""
        known = self.phases_heard >= _SURE or self.most_phases >= _ALL
        return self.most_phases if known else None

    def awaits_leave(self, event: TransactionEvent) -> bool:
        """Whether a message may bring the leave that is missing: its first token, or after a refusal another one."""
        if self.kept.authorization is not None or (event.id_token is None and event.remote_start_id is None):
            return False
        return not self.kept.verdict or (event.id_token is not None and event.id_token.id_token.upper() != self.refused)

    def learn(self, kept: Kept, event: TransactionEvent) -> None:
        """Take what a message told of the place and the token; leave that came after a refusal ends the stopping."""
        if kept.authorization is not None and self.kept.authorization is None:
            self.cut_at = self.cut_because = None
            if self.refused:
                self.authorized_at = bounded(event.at, event.received_at)
        elif kept.authorization is None and event.id_token is not None:
            self.refused = event.id_token.id_token.upper()
        self.kept = kept

    def hear(self, message: Message) -> None:
        """Take a message in; the same one again, or an older one, changes nothing that is newer."""
        self.heard_at = max(self.heard_at, message.received_at)
        self.doubted_at = None
        if message.kind == "Started":
            self.started_at = message.at
        if message.kind != "Ended" and "id_token" in (message.detail or {}):
            self.authorized_at = min(self.authorized_at or message.at, message.at)
        if message.phases:
            self.phases_heard += 1
            self.most_phases = max(self.most_phases, message.phases)
        self.ended |= message.kind == "Ended"
        if self.newest is None or message.place >= self.newest.place:
            self.newest = message
            self.state = message.charging_state or self.state
        if message.register is None:
            return
        if self.first is None or message.place < self.first.place:
            self.first = message
        if self.last is None or message.place > self.last.place:
            self.last, self.changed = message, True

    def update(self) -> SessionUpdated | None:
        """Return what its Session is to be told; None while its meter says nothing sensible."""
        if self.first is None or self.last is None or self.newest is None:
            return None
        energy = energy_between(self.first, self.last, power=self.power)
        if energy is None:
            return None
        newest = self.newest
        return SessionUpdated(
            session_id=self.kept.session_id,
            kwh=energy / 1_000_000,
            at=self.last.at,
            charging=self.state not in _HELD_BACK | _PARKED,
            held_back=self.state in _HELD_BACK,
            power=None if newest.power is None else newest.power / 1000,
            current=None if newest.current is None else newest.current / 1000,
            soc=newest.soc,
        )


class Runs:
    """The transactions that are going on, found by what names them."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Running] = {}
        self._by_number: dict[tuple[str, str], Running] = {}
        self._by_session: dict[str, Running] = {}
        self._by_station: dict[str, list[Running]] = {}

    def __iter__(self) -> Iterator[Running]:
        return iter(list(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, run: Running) -> Running:
        """Remember a transaction; of one that is remembered already the first memory stays."""
        kept = run.kept
        known = self._by_key.get((kept.station_id, kept.key))
        if known is not None:
            return known
        self._by_key[kept.station_id, kept.key] = run
        self._by_station.setdefault(kept.station_id, []).append(run)
        self._by_number[kept.station_id, kept.called] = run
        self._by_session[kept.session_id] = run
        return run

    def drop(self, run: Running) -> None:
        """Forget one that is over."""
        kept = run.kept
        if self._by_key.pop((kept.station_id, kept.key), None) is None:
            return
        at_station = self._by_station[kept.station_id]
        at_station.remove(run)
        if not at_station:
            del self._by_station[kept.station_id]
        self._by_number.pop((kept.station_id, kept.called), None)
        self._by_session.pop(kept.session_id, None)

    def by_key(self, station_id: str, key: str) -> Running | None:
        """Return a transaction by its natural key."""
        return self._by_key.get((station_id, key))

    def by_number(self, station_id: str, called: str | None) -> Running | None:
        """Return a transaction by what its station calls it."""
        return self._by_number.get((station_id, called or ""))

    def by_session(self, session_id: str) -> Running | None:
        """Return the transaction a session is."""
        return self._by_session.get(session_id)

    def at(self, evse: EVSE) -> list[Running]:
        """Return what is going on at an EVSE, or with evse_id 0 at a station."""
        here = self._by_station.get(evse.station_id, ())
        return [each for each in here if not each.ended and evse.evse_id in (0, each.kept.evse_id)]

    def of_token(self, token_uid: str, token_type: str) -> list[Running]:
        """Return what is going on for a token."""
        return [each for each in self if _is_for(each, token_uid, token_type)]


def _is_for(run: Running, token_uid: str, token_type: str) -> bool:
    authorization = run.kept.authorization
    if authorization is None or run.ended:
        return False
    token = authorization.token
    return bool(token["uid"].upper() == token_uid.upper() and token["type"] == token_type)
