"""What breaks one rule is refused with the rule's place, and changes nothing.

Valid objects are drawn from the declarations; then exactly one rule is broken, and the body is sent
to a real hub, where nothing may have moved.

Source: OCPI 2.3.0, status_codes.asciidoc (2001); types.asciidoc; terminology.asciidoc, Cardinality.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, is_typeddict

import pytest
import pytest_asyncio
import requests
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from hub.keeping import level_of
from hub.ocpi import codec
from hub.ocpi.interfaces import REGISTRY, Operation
from hub.ocpi.modules.credentials import Credentials
from hub.ocpi.shapes import DATE_TIME, Field, Hint, field_of
from hub.ocpi.versions import VERSIONS, Version
from tests.conformance.samples import example, token
from tests.hubs import HubProcess
from tests.kept import kept
from tests.parties import PartyPlatform, _encoded, _headers
from tests.strategies import objects

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
REPEATED = "@@repeated"


@dataclass(frozen=True)
class Place:
    """Where something stands in an object.

    Attributes:
        holder: the object or list it stands in, under ``key``.
        path: its JSON path.
        partial: whether the object it stands in is a PATCH, of which nothing else is required.
    """

    holder: Any
    key: Any
    field: Field
    path: str
    partial: bool


def places(value: Any, hint: Hint, version: Version, path: str = "$", *, partial: bool = False) -> Iterator[Place]:
    """Return the places of what is said in a value, at any depth."""
    field = field_of(hint)
    if isinstance(value, dict) and is_typeddict(field.kind):
        inner = [(name, each, f"{path}.{name}") for name, each in version.shape(field.kind).items() if value.get(name)]
    elif isinstance(value, list) and field.kind is list:
        inner = [(at, field.item, f"{path}[{at}]") for at in range(len(value))]
    else:
        return
    for key, each, where in inner:
        yield Place(value, key, field_of(each), where, partial)
        yield from places(value[key], each, version, where)


@dataclass(frozen=True)
class Rule:
    """A rule, where it holds, and how it is broken."""

    holds: Callable[[Place], bool]
    broken: Callable[[Place], Any]

    def break_at(self, place: Place, chosen: Callable[[Any], Any]) -> None:
        wrong = self.broken(place)
        place.holder[place.key] = chosen(wrong) if isinstance(wrong, tuple) else wrong


class Missing(Rule):
    """A required field is left out."""

    def break_at(self, place: Place, chosen: Callable[[Any], Any]) -> None:
        del place.holder[place.key]


class Repeated(Rule):
    """A name stands twice."""

    def break_at(self, place: Place, chosen: Callable[[Any], Any]) -> None:
        place.holder[f"{REPEATED}{place.key}"] = place.holder[place.key]


def is_named(place: Place) -> bool:
    return isinstance(place.key, str)


def is_required(place: Place) -> bool:
    return is_named(place) and place.field.required and (not place.partial or place.key == "last_updated")


def is_text(place: Place) -> bool:
    return place.field.text is not None


def other_types(place: Place) -> tuple[Any, ...]:
    kind = place.field.kind
    if kind in (str, Literal):
        return 7, True, {}
    if kind in (int, float):
        return "7", True, {}
    return 7, "true", "x" * 3


BAD_DATES = (
    "2026-01-31", "2026-01-31T12:00:00+01:00", "2026-01-31 12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z",
    "2026-13-01T12:00:00Z", "2026-01-31T12:00:00Z ", "2026-01-31T12:00Z", "", "0000-01-01T00:00:00Z",
)  # fmt: skip

RULES = {
    "a required field is missing": Missing(is_required, lambda place: None),
    "a required field is null": Rule(is_required, lambda place: None),
    "a value has another type": Rule(is_named, other_types),
    "a string is too long": Rule(
        lambda place: is_text(place) and place.field.text.max_length is not None,
        lambda place: "x" * (place.field.text.max_length + 1),
    ),
    "a value is none of an enum": Rule(lambda place: place.field.kind is Literal, lambda place: ("NO_SUCH_VALUE", "")),
    "a list is empty that must not be": Rule(lambda place: place.field.non_empty, lambda place: []),
    "a DateTime is none": Rule(
        lambda place: is_text(place) and place.field.text.format == DATE_TIME, lambda place: BAD_DATES
    ),
    "a control character stands in a string": Rule(is_text, lambda place: ("a\x07", "\n", "\x00", "\x7f")),
    "a name stands twice": Repeated(is_named, lambda place: None),
}


@dataclass
class Room:
    """A hub, a platform that breaks rules, and one that must not hear of it."""

    hub: HubProcess
    caller: PartyPlatform
    peer: PartyPlatform
    http: requests.Session

    def send(self, operation: Operation | None, version: Version, text: bytes, *, to: str = "NL-HUB") -> Any:
        """Send a body to an operation, None: credentials; the URL names the caller's own objects."""
        headers = {"Authorization": f"Token {_encoded(self.caller.hub_token)}", "Content-Type": "application/json"}
        if operation is None:
            url = f"{self.hub.url}/ocpi/{version.number}/credentials"
            return self.http.put(url, data=text, headers=headers)
        own = dict(zip(("country_code", "party_id"), self.caller.party.split("-"), strict=True))
        path = operation.path.format_map({name: own.get(name, "ID-1") for name in names(operation)})
        url = f"{self.hub.url}/ocpi/{version.number}/{operation.role.lower()}/{operation.module}{path}"
        headers |= _headers("from", self.caller.party) | _headers("to", to)
        return self.http.request(operation.method, url, data=text, headers=headers)

    def seen(self) -> object:
        """Return what is kept and what the parties were told; pulls and introductions are the hub's own affair."""
        told = [each for each in (*self.peer.inbox, *self.caller.inbox) if each.module != "hubclientinfo"]
        return kept(self.hub.data), sum(each.method != "GET" for each in told)


def names(operation: Operation) -> list[str]:
    return [segment[1:-1] for segment in operation.segments if segment[:1] == "{"]


def written(value: Any) -> bytes:
    """Return the JSON text; what is marked so has its name twice."""
    return codec.encode(value).replace(REPEATED.encode(), b"")


def said_to(version: Version) -> list[Operation | None]:
    """Return the operations of a version that have a body; None stands for credentials."""
    functional = [module for module in REGISTRY.values() if module.functional]
    found = [each for module in functional for each in module.operations if version.has(each) and each.body is not None]
    return [*found, None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    hub = HubProcess(tmp_path_factory.mktemp("refusing") / "data").start()
    try:
        async with (
            PartyPlatform("Caller", [("CPO", "NL", "CAL"), ("EMSP", "NL", "CAL")]) as caller,
            PartyPlatform("Peer", [("CPO", "NL", "PEE"), ("EMSP", "NL", "PEE")]) as peer,
        ):
            for each in (caller, peer):
                await each.register(hub.versions_url, await hub.invite(each.name))
            with requests.Session() as http:
                yield Room(hub, caller, peer, http)
    finally:
        hub.stop()


@pytest.mark.parametrize("number", VERSIONS)
@pytest.mark.parametrize("name", RULES)
async def test_a_body_that_breaks_one_rule_is_refused_with_its_place_and_changes_nothing(
    room: Room, name: str, number: str
) -> None:
    rule, version, places_told = RULES[name], VERSIONS[number], set()

    @RUN
    @given(st.data())
    def broken(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(said_to(version)))
        declared, partial = (operation.body, operation.method == "PATCH") if operation else (Credentials, False)
        value = data.draw(objects(declared, version.shape, partial=partial))
        version.judge(codec.encode(value), declared, partial=partial)
        there = [place for place in places(value, declared, version, partial=partial) if rule.holds(place)]
        there = [place for place in there if not (place.partial and "." in place.path[2:])]
        assume(there)
        place = data.draw(st.sampled_from(there))
        rule.break_at(place, lambda wrong: data.draw(st.sampled_from(wrong)))
        before = room.seen()

        answer = room.send(operation, version, written(value))

        assert (answer.status_code, answer.json()["status_code"]) == (200, 2001), (operation, place.path, answer.text)
        assert answer.json()["status_message"].startswith(f"{place.path}: "), (operation, place.path, answer.text)
        assert room.seen() == before
        places_told.add(place.path)

    await asyncio.to_thread(broken)
    assert places_told, "this rule was never broken"


BROKEN_JSON = (
    b"", b"{", b'{"a": 1,}', b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}', b'{"a": "\x01"}',
    b'{"a": 1} x', b'{"a": "\xff\xfe"}', b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("text", BROKEN_JSON, ids=range(len(BROKEN_JSON)))
async def test_what_is_no_json_is_http_400_in_the_envelope_and_changes_nothing(room: Room, text: bytes) -> None:
    operation = next(each for each in said_to(VERSIONS["2.2.1"]) if each and each.path.endswith("/{location_id}"))
    before = room.seen()

    answer = await asyncio.to_thread(room.send, operation, VERSIONS["2.2.1"], text)

    assert (answer.status_code, answer.json()["status_code"]) == (400, 2001), answer.text
    assert room.seen() == before


@pytest.mark.parametrize("to", ["NL-HUB", "NL-PEE"])
@pytest.mark.parametrize("number", VERSIONS)
async def test_an_object_of_another_owner_than_the_url_names_is_refused(room: Room, number: str, to: str) -> None:
    version = VERSIONS[number]
    owned = [each for each in said_to(version) if each and each.owned and "country_code" in version.shape(each.body)]
    if to == "NL-HUB":
        owned = [each for each in owned if (level := level_of(each)) and level.broadcast]
    last = dict.fromkeys(("country_code", "party_id", "id"))

    @RUN
    @given(st.data())
    def stolen(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(owned))
        value = data.draw(objects(operation.body, version.shape, partial=operation.method == "PATCH"))
        identifier = "uid" if operation.module == "tokens" else "id"
        right = {"country_code": "NL", "party_id": "CAL", identifier: "ID-1"}
        wrong = data.draw(st.sampled_from(list(right)))
        value |= right | {wrong: {"country_code": "DE", "party_id": "PEE"}.get(wrong, "ID-2")}
        if "request_id" in value:
            value["request_id"] = "ID-3"  # a Booking may be named by it, too
        before = room.seen()

        answer = room.send(operation, version, codec.encode(value), to=to)

        assert (answer.status_code, answer.json()["status_code"]) == (200, 2001), (operation, answer.text)
        assert answer.json()["status_message"].startswith(f"$.{wrong}: "), (operation, answer.text)
        assert room.seen() == before
        last.pop("id" if wrong == "uid" else wrong, None)

    await asyncio.to_thread(stolen)
    assert not last, f"never told: {last}"


@pytest.mark.parametrize("stranger", [{"type": []}, {"uid": 5}, {"request_id": {}}, {"country_code": None}])
async def test_a_field_that_only_has_its_name_in_common_with_one_the_hub_reads_is_no_fault(
    room: Room, stranger: dict[str, Any]
) -> None:
    reply = await room.caller.put(
        "tariffs", "/NL/CAL/T-1", example("Tariff.minimal", room.caller, id="T-1") | stranger, to="NL-HUB"
    )

    assert reply.code == (2001 if "country_code" in stranger else 1000), reply.body


@pytest.mark.parametrize("stranger", [{"id": 5}, {"request_id": []}, {"last_updated": "2026-01-01T00:00:00Z"}])
async def test_no_field_beside_it_hides_that_a_token_is_anothers(room: Room, stranger: dict[str, Any]) -> None:
    command = example("StartSession.minimal", token=token(room.peer) | stranger)
    command["response_url"] = f"{room.caller.url('commands', 'SENDER')}/1"

    reply = await room.caller.post("commands", "/START_SESSION", command, to="NL-PEE")

    assert (reply.code, reply.message.partition(":")[0]) == (2001, "$.token"), reply.body
    assert not [each for each in room.peer.inbox if each.module == "commands"]
