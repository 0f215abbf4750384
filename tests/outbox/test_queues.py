"""What waits for a destination: order, conflation, bounds; and that conflation changes nothing in the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ocpi import codec
from hub.ocpi.messages import Body, Party
from hub.ocpi.modules import locations, tariffs
from hub.ocpi.queues import QUEUE_FULL, Delivery, Push, Queue, Verdict

HUB, CPO, EMSP = Party("NL", "HUB"), Party("DE", "ABC"), Party("NL", "TNM")
LOCATION = {"country_code": "DE", "party_id": "ABC", "location_id": "LOC1"}
OPERATIONS = {
    ("PUT", 0): locations.put_location,
    ("PATCH", 0): locations.patch_location,
    ("PUT", 1): locations.put_evse,
    ("PATCH", 1): locations.patch_evse,
}
ids = count(1)


@dataclass(frozen=True)
class Renamed:
    """A version that calls ``name`` otherwise; a stand-in for one that is not the newest."""

    number: str = "1.0"

    def up(self, value: Any, declared: object, owner: object, *, partial: bool = False) -> Any:
        return {{"title": "name"}.get(field, field): each for field, each in value.items()}

    def down(self, value: Any, declared: object) -> Any:
        return {{"name": "title"}.get(field, field): each for field, each in value.items()}


def push(method: str, *path: str, text: str = "{}", version: Any = None, correlation_id: str = "c") -> Push:
    """Return a push of LOC1, or with a path of an EVSE of it."""
    operation = OPERATIONS[method, len(path)]
    body = Body(operation.body, text=text.encode(), version=version, owner=CPO, partial=method == "PATCH")
    return Push(
        operation=operation,
        params=LOCATION | ({"evse_uid": path[0]} if path else {}),
        body=body,
        sender=HUB,
        owner=CPO,
        correlation_id=correlation_id,
        key="locations DE-ABC LOC1",
    )


def delivery(pushed: Push, **rest: Any) -> Delivery:
    return Delivery(next(ids), pushed, "connection", EMSP, **rest)


def queue(limit: int = 100) -> Queue:
    return Queue("connection", EMSP, limit)


def bodies(waiting: Queue) -> Iterator[tuple[str, Any]]:
    """Take everything out: what would be sent, in order."""
    while waiting:
        taken = waiting.take()
        assert taken.push.body is not None
        yield taken.push.operation.method, codec.decode(taken.push.body.text(None))


def test_what_concerns_different_objects_is_sent_in_order() -> None:
    waiting = queue()

    for uid in ("E1", "E2", "E3"):
        assert waiting.put(delivery(push("PATCH", uid, text=f'{{"uid":"{uid}"}}'))) == []

    assert [value["uid"] for _, value in bodies(waiting)] == ["E1", "E2", "E3"]


def test_a_newer_put_takes_the_place_of_what_waits_for_the_same_path() -> None:
    waiting, old = queue(), delivery(push("PATCH", "E1", text='{"status":"AVAILABLE"}'))
    waiting.put(old)
    waiting.put(delivery(push("PATCH", "E2", text='{"status":"BLOCKED"}')))

    new = delivery(push("PUT", "E1", text='{"status":"CHARGING"}'))
    settled = waiting.put(new)

    assert settled == [Verdict(old.id, "done", 0, f"conflated into {new.id}")]
    assert list(bodies(waiting)) == [("PUT", {"status": "CHARGING"}), ("PATCH", {"status": "BLOCKED"})]


def test_identifiers_are_compared_without_case() -> None:
    waiting = queue()
    waiting.put(delivery(push("PUT", "e1", text='{"n":1}')))

    waiting.put(delivery(push("PUT", "E1", text='{"n":2}')))

    assert list(bodies(waiting)) == [("PUT", {"n": 2})]


def test_a_put_of_a_location_supersedes_what_waits_for_its_evses() -> None:
    waiting, evse = queue(), delivery(push("PATCH", "E1", text='{"n":1}'))
    waiting.put(evse)

    whole = delivery(push("PUT", text='{"n":2}'))
    settled = waiting.put(whole)

    assert [(each.id, each.state) for each in settled] == [(evse.id, "done")]
    assert list(bodies(waiting)) == [("PUT", {"n": 2})]


def test_a_delete_supersedes_a_put_and_a_put_supersedes_a_delete() -> None:
    params = {"country_code": "DE", "party_id": "ABC", "tariff_id": "T1"}
    waiting = queue()
    for operation in (tariffs.put_tariff, tariffs.delete_tariff, tariffs.put_tariff, tariffs.delete_tariff):
        body = Body(operation.body, text=b"{}") if operation is tariffs.put_tariff else None
        waiting.put(delivery(Push(operation, params, body, HUB, CPO, "c", key="T1")))

    assert len(waiting) == 1
    assert waiting.take().push.operation is tariffs.delete_tariff


def test_a_patch_is_merged_into_what_waits_for_the_same_path_with_exact_numbers() -> None:
    waiting = queue()
    waiting.put(delivery(push("PUT", "E1", text='{"a":1.10,"b":0.30000000000000004,"c":[1]}', correlation_id="old")))

    assert waiting.put(delivery(push("PATCH", "E1", text='{"b":12345678901234567890.5,"c":null}'))) == []
    (taken,) = [waiting.take()]

    assert taken.push.body is not None
    assert taken.push.operation is locations.put_evse
    assert taken.push.body.text(None) == b'{"a":1.10,"b":12345678901234567890.5,"c":null}'
    assert taken.push.correlation_id == "c"


def test_the_bodies_of_different_versions_are_merged_in_the_newest() -> None:
    waiting = queue()
    waiting.put(delivery(push("PATCH", "E1", text='{"title":"old","a":1.10}', version=Renamed())))

    waiting.put(delivery(push("PATCH", "E1", text='{"b":2}')))

    assert list(bodies(waiting)) == [("PATCH", {"name": "old", "a": Decimal("1.10"), "b": 2})]


def test_what_was_merged_stays_pending_until_the_delivery_that_carries_it_is_settled() -> None:
    waiting, first = queue(), delivery(push("PATCH", "E1", text='{"a":1}'))
    waiting.put(first)
    second = delivery(push("PATCH", "E1", text='{"b":2}'))
    assert waiting.put(second) == []

    replacing = delivery(push("PUT", "E1"))
    settled = waiting.put(replacing)

    assert {(each.id, each.state, each.reason) for each in settled} == {
        (first.id, "done", f"conflated into {replacing.id}"),
        (second.id, "done", f"conflated into {replacing.id}"),
    }


def test_a_patch_is_not_merged_past_something_that_concerns_it() -> None:
    waiting = queue()
    waiting.put(delivery(push("PATCH", "E1", text='{"n":1}')))
    waiting.put(delivery(push("PATCH", text='{"evses":[]}')))

    waiting.put(delivery(push("PATCH", "E1", text='{"n":2}')))

    assert list(bodies(waiting)) == [("PATCH", {"n": 1}), ("PATCH", {"evses": []}), ("PATCH", {"n": 2})]


def test_what_is_in_flight_is_left_alone() -> None:
    waiting, flying = queue(), delivery(push("PATCH", "E1", text='{"n":1}'))
    waiting.put(flying)
    assert waiting.take() is flying

    waiting.put(delivery(push("PATCH", "E1", text='{"n":2}')))

    assert flying.push.body is not None
    assert flying.push.body.text(None) == b'{"n":1}'
    assert list(bodies(waiting)) == [("PATCH", {"n": 2})]


def test_what_failed_comes_first_again_unless_something_newer_makes_it_needless() -> None:
    waiting, first, second = queue(), delivery(push("PATCH", "E1")), delivery(push("PATCH", "E2"))
    waiting.put(first)
    waiting.put(second)

    assert waiting.put_back(waiting.take()) == []
    assert waiting.take() is first
    newer = delivery(push("PUT", "E1"))
    waiting.put(newer)

    assert waiting.put_back(first) == [Verdict(first.id, "done", 0, f"conflated into {newer.id}")]
    assert [waiting.take(), waiting.take()] == [second, newer]


def test_a_push_without_a_key_and_one_an_operator_asked_for_are_never_conflated() -> None:
    waiting = queue()
    keyless = push("PUT", "E1").__class__(locations.put_evse, LOCATION | {"evse_uid": "E1"}, None, HUB, CPO, "c")
    again = delivery(push("PUT", "E1"), again=True)

    settled = [waiting.put(each) for each in (delivery(keyless), again, delivery(push("PUT", "E1")), again)]

    assert settled == [[], [], [], []]


def test_beyond_its_bound_the_oldest_fails_and_the_merged_ones_count() -> None:
    waiting, oldest = queue(limit=3), delivery(push("PATCH", "E1", text='{"n":1}'))
    waiting.put(oldest)
    merging = delivery(push("PATCH", "E1", text='{"n":2}'))
    waiting.put(merging)
    waiting.put(delivery(push("PATCH", "E2")))

    settled = waiting.put(delivery(push("PATCH", "E3")))

    assert settled == [
        Verdict(merging.id, "failed", 0, QUEUE_FULL),
        Verdict(oldest.id, "done", 0, f"conflated into {merging.id}"),
    ]
    assert len(waiting) == 2


class Copy:
    """A party's copy of LOC1 as the specification has it kept: PUT replaces, PATCH sets fields."""

    def __init__(self) -> None:
        self.location: dict[str, Any] = {}

    def apply(self, pushed: Push) -> None:
        assert pushed.body is not None
        value = codec.decode(pushed.body.text(None))
        if "evse_uid" not in pushed.params:
            self.location = value if pushed.operation.method == "PUT" else self.location | value
            return
        evses = dict(self.location.get("evses", {}))
        uid = pushed.params["evse_uid"]
        evses[uid] = value if pushed.operation.method == "PUT" else evses.get(uid, {}) | value
        self.location = self.location | {"evses": evses}


_fields = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1)
_evses = st.dictionaries(st.sampled_from(["E1", "E2"]), _fields)
_location = st.builds(
    lambda fields, evses: fields | ({} if evses is None else {"evses": evses}), _fields, st.none() | _evses
)
_pushes = st.one_of(
    st.builds(
        lambda method, value: push(method, text=codec.encode(value).decode()),
        st.sampled_from(["PUT", "PATCH"]),
        _location,
    ),
    st.builds(
        lambda method, uid, value: push(method, uid, text=codec.encode(value).decode()),
        st.sampled_from(["PUT", "PATCH"]),
        st.sampled_from(["E1", "E2"]),
        _fields,
    ),
)
_steps = st.lists(st.one_of(_pushes, st.sampled_from(["deliver", "fail", "fail, but received"])), max_size=30)


@given(_steps)
def test_conflation_changes_nothing_in_the_end(steps: list[Any]) -> None:
    """A party that gets what the queue sends has in the end what one has that got every push; all is settled once."""
    waiting, told, conflated = queue(), Copy(), Copy()
    put: set[int] = set()
    settled: list[int] = []

    def send(*, fails: bool, received: bool) -> None:
        taken = waiting.take()
        if received:
            conflated.apply(taken.push)
        if fails:
            settled.extend(each.id for each in waiting.put_back(taken))
        else:
            settled.extend([taken.id, *taken.absorbed])

    for step in steps:
        if isinstance(step, Push):
            told.apply(step)
            new = delivery(step)
            put.add(new.id)
            settled.extend(each.id for each in waiting.put(new))
        elif waiting:
            send(fails=step != "deliver", received=step != "fail")
    while waiting:
        send(fails=False, received=True)

    assert conflated.location == told.location
    assert sorted(settled) == sorted(put)


@pytest.mark.parametrize("position", range(3))
def test_a_cleared_queue_takes_in_anew(position: int) -> None:
    waiting = queue()
    put = [delivery(push("PATCH", uid)) for uid in ("E1", "E2", "E3")]
    for each in put:
        waiting.put(each)

    settled = waiting.clear("gone")
    assert waiting.put(delivery(put[position].push)) == []

    assert settled == [Verdict(each.id, "failed", 0, "gone") for each in put]
    assert len(waiting) == 1
