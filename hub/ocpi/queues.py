"""What waits for one destination: in order, and of each object the newest state instead of the older ones.

Conflation keeps the place of the older and the content of both. Two pushes concern each other when one's path is the
other's or leads to it (a Location and its EVSE do, two EVSEs do not); between such two, order is never changed:

* PUT and DELETE say everything about their path: what waits for it, or for something below it, is superseded.
* PATCH says some fields: they are merged into the PUT or PATCH that waits for the same path, unless something that
  concerns it was said in between.

What was superseded is settled at once. What was merged is not: its row stays pending until the delivery that carries
its content is settled, so that a crash loses none of it.

Source: OCPI 2.3.0, transport_and_format.asciidoc (Client Owned Object Push, PATCH).
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from hub.ocpi import codec
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party

State = Literal["pending", "failed", "done"]

QUEUE_FULL = "queue full; the party pulls"


@dataclass(frozen=True, eq=False)
class Push:
    """One pushed request, apart from whom it goes to; compared by identity.

    Attributes:
        sender: who tells it (OCPI-from); of a broadcast's copies, the hub.
        owner: whose object it is about.
        key: the object it is about, a Location for its EVSEs too; empty: never conflated.
        query: the query string, without ``?``.
    """

    operation: Operation
    params: Mapping[str, str]
    body: Body | None
    sender: Party
    owner: Party
    correlation_id: str
    key: str = ""
    query: str = ""

    @cached_property
    def path(self) -> tuple[str, ...]:
        """What it is about, segment by segment; ids are CiStrings and have no case."""
        parts = (self.params[part[1:-1]] if part[:1] == "{" else part for part in self.operation.segments)
        return (self.operation.module, *(part.upper() for part in parts))


@dataclass(slots=True, eq=False)
class Delivery:
    """A push on its way to one destination.

    Attributes:
        attempts: how often it was sent.
        again: whether an operator asked for it; then the present object is sent.
        absorbed: deliveries merged into this one, settled when it is.
        place: its place in the queue; an older one's if it was conflated with that.
    """

    id: int
    push: Push
    connection_id: str
    party: Party
    attempts: int = 0
    again: bool = False
    absorbed: list[int] = field(default_factory=list)
    place: int = 0


class Verdict(NamedTuple):
    """What became of a delivery."""

    id: int
    state: State
    attempts: int
    reason: str


def verdicts(delivery: Delivery, state: State, reason: str) -> Iterator[Verdict]:
    """Yield what became of a delivery, and so of those merged into it."""
    yield Verdict(delivery.id, state, delivery.attempts, reason)
    for absorbed in delivery.absorbed:
        yield Verdict(absorbed, "done", 0, _into(delivery))


class Queue:
    """What waits for one destination.

    Attributes:
        busy: one of it is on its way, or its turn to be sent has been noted.
        resting_until: after a failure, when it goes on; None when it does not rest.
        offline: its party went OFFLINE since the last delivery was put in.
    """

    def __init__(self, connection_id: str, party: Party, limit: int) -> None:
        self.connection_id = connection_id
        self.party = party
        self.busy = False
        self.resting_until: float | None = None
        self.offline = False
        self._limit = limit
        self._waiting: OrderedDict[int, Delivery] = OrderedDict()  # by place, which is the order
        self._objects: dict[str, list[Delivery]] = {}  # by object key, in order; only what may be conflated
        self._load = 0  # deliveries that wait, the merged ones counted
        self._next_place = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, new: Delivery) -> list[Verdict]:
        """Take in a delivery; return what became of others because of it."""
        settled = self._conflate(new) if new.push.key and not new.again else None
        if settled is None:
            settled = []
            self._append(new)
        self._load += 1
        while self._load > self._limit:
            settled += verdicts(self.take(), "failed", QUEUE_FULL)
        return settled

    def take(self) -> Delivery:
        """Take out the first."""
        _, delivery = self._waiting.popitem(last=False)
        self._load -= 1 + len(delivery.absorbed)
        self._unlist(delivery)
        return delivery

    def put_back(self, delivery: Delivery) -> list[Verdict]:
        """Take in again, as the first, what could not be delivered, unless something newer makes it needless."""
        for other in self._objects.get(delivery.push.key, ()):
            if _supersedes(other.push, delivery.push) and not delivery.again:
                return _superseded(delivery, other)
        self._waiting[delivery.place] = delivery
        self._waiting.move_to_end(delivery.place, last=False)
        self._load += 1 + len(delivery.absorbed)
        self._list(delivery)
        return []

    def clear(self, reason: str) -> list[Verdict]:
        """Fail all that waits."""
        settled = [verdict for each in self._waiting.values() for verdict in verdicts(each, "failed", reason)]
        self._waiting.clear()
        self._objects.clear()
        self._load = 0
        return settled

    def _append(self, new: Delivery) -> None:
        new.place = self._next_place
        self._next_place += 1
        self._waiting[new.place] = new
        self._list(new)

    def _conflate(self, new: Delivery) -> list[Verdict] | None:
        """Give the new one the place of what it makes needless; None if there is nothing of the kind."""
        same_object = self._objects.get(new.push.key)
        if not same_object:
            return None
        if new.push.operation.method == "PATCH":
            return self._merge(new, same_object)
        replaced = [old for old in same_object if _supersedes(new.push, old.push)]
        if not replaced:
            return None
        above = [old.place for old in same_object if old not in replaced and _concern(old.push, new.push)]
        place = next((old.place for old in replaced if old.place > max(above, default=-1)), None)
        settled = []
        for old in replaced:
            settled += _superseded(old, new)
            self._unlist(old)
            self._load -= 1 + len(old.absorbed)
            if old.place != place:
                del self._waiting[old.place]
        if place is None:
            self._append(new)
        else:
            self._replace(place, new)
        return settled

    def _merge(self, new: Delivery, same_object: list[Delivery]) -> list[Verdict] | None:
        """Merge a PATCH into the last delivery that concerns it, if that is for the same path."""
        old = next((each for each in reversed(same_object) if _concern(each.push, new.push)), None)
        if old is None or old.push.path != new.push.path or old.push.operation.method not in ("PUT", "PATCH"):
            return None
        self._unlist(old)
        new.push = merged(old.push, new.push)
        new.attempts = old.attempts  # a party that fails at this object is not asked for ever
        new.absorbed = old.absorbed
        new.absorbed.append(old.id)
        self._replace(old.place, new)
        return []

    def _replace(self, place: int, new: Delivery) -> None:
        new.place = place
        self._waiting[place] = new
        self._list(new)

    def _list(self, delivery: Delivery) -> None:
        if not delivery.push.key or delivery.again:
            return
        same_object = self._objects.setdefault(delivery.push.key, [])
        same_object.append(delivery)
        if len(same_object) > 1 and same_object[-2].place > delivery.place:
            same_object.sort(key=lambda each: each.place)

    def _unlist(self, delivery: Delivery) -> None:
        same_object = self._objects.get(delivery.push.key)
        if same_object is None or delivery.again:
            return
        same_object.remove(delivery)
        if not same_object:
            del self._objects[delivery.push.key]


def _concern(one: Push, other: Push) -> bool:
    """Whether two pushes are about the same, or one about something inside the other's."""
    shared = min(len(one.path), len(other.path))
    return one.path[:shared] == other.path[:shared]


def _supersedes(newer: Push, older: Push) -> bool:
    """Whether the newer says all that the older could."""
    return newer.operation.method in ("PUT", "DELETE") and older.path[: len(newer.path)] == newer.path


def _superseded(old: Delivery, new: Delivery) -> list[Verdict]:
    reason = _into(new)
    return [Verdict(old.id, "done", old.attempts, reason), *(Verdict(each, "done", 0, reason) for each in old.absorbed)]


def _into(delivery: Delivery) -> str:
    return f"conflated into {delivery.id}"


@lru_cache(maxsize=64)  # slow destinations wait for the same pushes: each merge is made once for all of them
def merged(old: Push, new: Push) -> Push:
    """Return the PUT or PATCH ``old`` with the top-level fields of the PATCH ``new``; numbers stay exact."""
    assert old.body is not None and new.body is not None, "PUT and PATCH have a judged body"
    version = old.body.version
    if version is new.body.version:
        value = codec.decode(old.body.text(version)) | codec.decode(new.body.text(version))
    else:
        version = None
        value = old.body.value | new.body.value
    body = Body(
        old.body.declared,
        text=codec.encode(value),
        version=version,
        owner=old.owner,
        partial=old.body.partial,
    )
    return dataclasses.replace(old, body=body, correlation_id=new.correlation_id)
