"""The hub's copy: what is kept, who sees it, and pages that neither skip nor double."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hub.catalogue import PUBLIC, Catalogue, Query
from hub.database import Database, Transaction
from hub.keeping import UnknownObject, level_of
from hub.ocpi import codec
from hub.ocpi.errors import InvalidParameters, UnknownLocation
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Body, Party, Request
from hub.ocpi.modules import locations, sessions, tariffs, tokens
from hub.ocpi.times import microseconds
from hub.ocpi.versions import VERSIONS

CPO, EMSP, OTHER = Party("NL", "CPO"), Party("DE", "MSP"), Party("FR", "XYZ")
THIRD, NOBODY = Party("BE", "CPX"), Party("LU", "NOB")
EXAMPLES = Path(__file__).parent / "examples"
_FILES = {"location": "Location", "session": "Session", "tariff": "Tariff", "token": "Token", "cdr": "CDR"}
SEEN = "2026-03-01T12:00:00Z"


def example(name: str, version: str = "2.2.1") -> Any:
    return json.loads((EXAMPLES / version / f"{_FILES[name]}.full.json").read_text())


def push(operation: Operation, value: Any, *, version: str = "2.2.1", query: str = "", **params: str) -> Request:
    body = None
    if value is not None:
        partial = operation.method == "PATCH"
        body = Body(operation.body, text=codec.encode(value), version=VERSIONS[version], owner=CPO, partial=partial)
    owner = {"country_code": CPO.country_code, "party_id": CPO.party_id}
    return Request(operation, CPO, None, owner | params, query=query, body=body, version=VERSIONS[version])


async def keep(database: Database, request: Request, peer: str = PUBLIC) -> bool:
    level = level_of(request.operation)
    assert level is not None
    return await database.transact(lambda tx: Catalogue(database).keep(tx, request, level, peer))


def location(identifier: str = "LOC1", **changes: Any) -> Any:
    value = example("location") | {"country_code": "NL", "party_id": "CPO", "id": identifier, "last_updated": SEEN}
    return value | changes


async def put_location(database: Database, identifier: str = "LOC1", peer: str = PUBLIC, **changes: Any) -> bool:
    value = location(identifier, **changes)
    return await keep(database, push(locations.put_location, value, location_id=identifier), peer)


async def stored(database: Database, identifier: str = "LOC1", viewer: Party = EMSP, kind: str = "locations") -> Any:
    found = await Catalogue(database).find(kind, CPO, identifier.upper(), viewer)
    return json.loads(found[1]) if found else None


async def crawl(database: Database, viewer: Party = EMSP, *, limit: int = 3, kind: str = "locations") -> list[str]:
    catalogue, after, seen = Catalogue(database), None, []
    while True:
        page = await catalogue.page(kind, viewer, Query(limit=limit, after=after))
        seen += [json.loads(body)["id"] for _, body in page.objects]
        after = page.after
        if after is None:
            return seen


async def test_what_is_added_to_does_not_grow_without_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    session = example("session") | {"country_code": "NL", "party_id": "CPO", "id": "S1", "last_updated": SEEN}
    await keep(database, push(sessions.put_session, session, session_id="S1"), str(EMSP))
    before = await stored(database, "S1", kind="sessions")
    monkeypatch.setattr("hub.ocpi.receiving.LARGEST", len(codec.encode(before)))

    change = {"charging_periods": session["charging_periods"][:1], "last_updated": SEEN}
    with pytest.raises(InvalidParameters, match="more than the"):
        await keep(database, push(sessions.patch_session, change, session_id="S1"), str(EMSP))

    assert await stored(database, "S1", kind="sessions") == before


async def test_a_put_is_kept_byte_for_byte_and_says_whether_it_is_new(database: Database) -> None:
    value = location() | {"a_field_of_tomorrow": {"kept": 1.50}}

    created = await keep(database, push(locations.put_location, value, location_id="LOC1"))
    again = await keep(database, push(locations.put_location, value, location_id="loc1"))

    assert (created, again) == (True, False)
    found = await Catalogue(database).find("locations", CPO, "LOC1", EMSP)
    assert found == ("2.2.1", codec.encode(value))


@pytest.mark.checklist("CO-08", "GA-11")
async def test_a_patch_changes_what_it_names_and_null_takes_away(database: Database) -> None:
    await put_location(database, name="Old", operator={"name": "Someone"})

    later = "2026-03-02T00:00:00Z"
    patch = {"name": "New", "operator": None, "last_updated": later}
    await keep(database, push(locations.patch_location, patch, location_id="LOC1"))

    now = await stored(database)
    assert (now["name"], now["last_updated"], "operator" in now) == ("New", later, False)
    assert now["address"] == location()["address"]


@pytest.mark.checklist("GA-10", "LO-08")
async def test_a_connector_s_change_moves_its_evse_and_its_location(database: Database) -> None:
    await put_location(database)
    evse = location()["evses"][0]
    connector = evse["connectors"][0]

    later = "2026-03-02T00:00:00Z"
    patch = {"max_voltage": 231, "last_updated": later}
    ids = {"location_id": "LOC1", "evse_uid": evse["uid"], "connector_id": connector["id"].lower()}
    await keep(database, push(locations.patch_connector, patch, **ids))

    now = await stored(database)
    changed = now["evses"][0]
    assert changed["connectors"][0]["max_voltage"] == 231
    assert [now["last_updated"], changed["last_updated"], changed["connectors"][0]["last_updated"]] == [later] * 3


async def test_an_evse_is_added_by_put_and_replaced_by_the_next(database: Database) -> None:
    await put_location(database)
    evse = location()["evses"][0] | {"uid": "NEW-1", "last_updated": "2026-03-02T00:00:00Z"}

    created = await keep(database, push(locations.put_evse, evse, location_id="LOC1", evse_uid="NEW-1"))
    again = await keep(database, push(locations.put_evse, evse, location_id="LOC1", evse_uid="new-1"))

    now = await stored(database)
    assert (created, again) == (True, False)
    assert [each["uid"] for each in now["evses"]].count("NEW-1") == 1


async def test_a_patch_of_what_nobody_put_is_refused_and_changes_nothing(database: Database) -> None:
    patch = {"status": "CHARGING", "last_updated": SEEN}

    with pytest.raises(UnknownLocation):
        await keep(database, push(locations.patch_evse, patch, location_id="LOC1", evse_uid="E1"))
    with pytest.raises(UnknownObject):
        await keep(database, push(tokens.patch_token, {"valid": False, "last_updated": SEEN}, token_uid="T1"))

    assert await crawl(database) == []


@pytest.mark.checklist("SE-06", "GA-12")
async def test_charging_periods_of_a_patch_are_added(database: Database) -> None:
    value = example("session") | {"country_code": "NL", "party_id": "CPO", "id": "S1"}
    await keep(database, push(sessions.put_session, value, session_id="S1"), str(EMSP))
    had = len(value["charging_periods"])
    period = {"start_date_time": SEEN, "dimensions": [{"type": "ENERGY", "volume": 1.25}]}

    for periods in ([period], [], None):
        patch = {"charging_periods": periods, "last_updated": "2026-03-02T00:00:00Z"}
        await keep(database, push(sessions.patch_session, patch, session_id="S1"), str(EMSP))

    now = await stored(database, "S1", kind="sessions")
    assert len(now["charging_periods"]) == had + 1


async def test_a_patch_in_another_version_is_merged_in_the_newest(database: Database) -> None:
    await put_location(database)

    patch = {"help_phone": "+31123456", "last_updated": "2026-03-02T00:00:00Z"}
    await keep(database, push(locations.patch_location, patch, version="2.3.0", location_id="LOC1"))

    found = await Catalogue(database).find("locations", CPO, "LOC1", EMSP)
    assert found is not None
    version, text = found
    assert (version, json.loads(text)["help_phone"]) == ("2.3.0", "+31123456")
    VERSIONS["2.3.0"].judge(text, locations.Location)


async def test_amounts_survive_a_merge_exactly(database: Database) -> None:
    value = example("session") | {"country_code": "NL", "party_id": "CPO", "id": "S1"}
    await keep(database, push(sessions.put_session, value, session_id="S1"), str(EMSP))

    text = b'{"kwh": 41.10000000000000000001, "last_updated": "2026-03-02T00:00:00Z"}'
    request = push(sessions.patch_session, {}, session_id="S1")
    body = Body(sessions.Session, text=text, version=VERSIONS["2.2.1"], partial=True)
    await keep(database, request.but(body=body), str(EMSP))

    found = await Catalogue(database).find("sessions", CPO, "S1", EMSP)
    assert found is not None and b"41.10000000000000000001" in found[1]


@pytest.mark.checklist("GA-14")
async def test_a_deleted_tariff_is_gone_and_cannot_be_deleted_again(database: Database) -> None:
    value = example("tariff") | {"country_code": "NL", "party_id": "CPO", "id": "T1"}
    await keep(database, push(tariffs.put_tariff, value, tariff_id="T1"))

    await keep(database, push(tariffs.delete_tariff, None, tariff_id="t1"))

    assert await crawl(database, kind="tariffs") == []
    assert (await Catalogue(database).page("tariffs", EMSP, Query())).total == 0
    with pytest.raises(InvalidParameters):
        await keep(database, push(tariffs.delete_tariff, None, tariff_id="T1"))


async def test_tokens_of_one_uid_and_two_types_are_two_tokens(database: Database) -> None:
    for kind in ("RFID", "APP_USER"):
        value = example("token") | {"country_code": "NL", "party_id": "CPO", "uid": "U1", "type": kind}
        await keep(database, push(tokens.put_token, value, query=f"type={kind}", token_uid="U1"))

    page = await Catalogue(database).page("tokens", EMSP, Query())

    assert page.total == 2


@pytest.mark.checklist("GA-07")
async def test_a_directed_object_is_seen_by_its_two_parties_only(database: Database) -> None:
    value = example("session") | {"country_code": "NL", "party_id": "CPO", "id": "S1"}
    await keep(database, push(sessions.put_session, value, session_id="S1"), str(EMSP))

    seen = {str(viewer): await crawl(database, viewer, kind="sessions") for viewer in (CPO, EMSP, OTHER)}

    assert seen == {"NL-CPO": ["S1"], "DE-MSP": ["S1"], "FR-XYZ": []}
    assert await stored(database, "S1", OTHER, "sessions") is None


async def named(database: Database, viewer: Party) -> list[str]:
    """Return the names of all Locations on a viewer's list."""
    page = await Catalogue(database).page("locations", viewer, Query())
    assert page.total == len(page.objects)
    return [json.loads(body)["name"] for _, body in page.objects]


@pytest.mark.checklist("GA-09")
async def test_what_was_told_a_party_itself_stands_once_before_what_was_told_everyone(database: Database) -> None:
    await put_location(database, name="For all")
    await put_location(database, "LOC2", name="Another")
    await put_location(database, peer=str(EMSP), name="For you")

    lists = {viewer: await named(database, viewer) for viewer in (CPO, EMSP, OTHER)}
    alone = {viewer: (await stored(database, viewer=viewer))["name"] for viewer in (CPO, EMSP, OTHER)}

    # In the place of what everyone was told; the owner sees what it told last.
    assert lists == {CPO: ["For you", "Another"], EMSP: ["For you", "Another"], OTHER: ["For all", "Another"]}
    assert alone == {CPO: "For you", EMSP: "For you", OTHER: "For all"}


async def test_what_everyone_is_told_takes_the_place_of_what_one_was_told_before(database: Database) -> None:
    await put_location(database, name="For all")
    await put_location(database, peer=str(EMSP), name="For you", last_updated="2026-06-03T00:00:00Z")
    await put_location(database, peer=str(OTHER), name="For later", last_updated="2026-06-05T00:00:00Z")

    await put_location(database, name="News", last_updated="2026-06-04T00:00:00Z")

    lists = {viewer: await named(database, viewer) for viewer in (CPO, EMSP, OTHER)}
    alone = {viewer: [(await stored(database, viewer=viewer))["name"]] for viewer in (CPO, EMSP, OTHER)}
    left = await database.fetch("SELECT peer FROM hub_object ORDER BY peer")
    counts = await database.fetch("SELECT peer, total, deleted FROM hub_count ORDER BY peer")
    assert lists == alone == {CPO: ["For later"], EMSP: ["News"], OTHER: ["For later"]}
    assert left == [("",), ("FR-XYZ",)]
    assert counts == [("", 1, 0), ("DE-MSP", 0, 1), ("FR-XYZ", 1, 0)]


async def test_what_one_is_told_does_not_hide_what_is_newer_for_everyone(database: Database) -> None:
    await put_location(database, name="News", last_updated="2026-06-04T00:00:00Z")

    await put_location(database, peer=str(EMSP), name="Late", last_updated="2026-06-03T00:00:00Z")

    assert await named(database, EMSP) == await named(database, CPO) == ["News"]
    assert (await stored(database))["name"] == "News"


async def test_the_owner_s_list_and_its_single_object_are_the_newest_of_three_copies(database: Database) -> None:
    await put_location(database, name="For all", last_updated="2026-06-03T00:00:00Z")
    await put_location(database, peer=str(EMSP), name="For one", last_updated="2026-06-05T00:00:00Z")
    await put_location(database, peer=str(OTHER), name="For the other", last_updated="2026-06-04T00:00:00Z")

    holders = await Catalogue(database).holders("locations", "LOC1", CPO)
    assert await named(database, CPO) == [(await stored(database, viewer=CPO))["name"]] == ["For one"]
    assert json.loads(holders[0][3])["name"] == "For one"


async def test_a_tariff_that_is_gone_for_everyone_is_gone_for_those_who_were_told_it_themselves(
    database: Database,
) -> None:
    value = example("tariff") | {"country_code": "NL", "party_id": "CPO", "id": "T1"}
    for peer in (PUBLIC, str(EMSP)):
        await keep(database, push(tariffs.put_tariff, value, tariff_id="T1"), peer)

    await keep(database, push(tariffs.delete_tariff, None, tariff_id="T1"))

    assert [await crawl(database, viewer, kind="tariffs") for viewer in (CPO, EMSP, OTHER)] == [[], [], []]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_part_told_to_one_of_a_location_everyone_knows_makes_a_copy_for_that_one(
    database: Database, method: str
) -> None:
    """INCAR-RO07: what was acknowledged is kept; nobody else sees what was addressed to one."""
    await put_location(database)
    evse = location()["evses"][0]
    later = {"status": "CHARGING", "last_updated": "2026-06-03T00:00:00Z"}
    told = push(locations.patch_evse, later, location_id="LOC1", evse_uid=evse["uid"])
    if method == "PUT":
        told = push(locations.put_evse, evse | later, location_id="LOC1", evse_uid=evse["uid"])

    await keep(database, told, str(EMSP))

    seen = {viewer: await stored(database, viewer=viewer) for viewer in (CPO, EMSP, OTHER)}
    assert {viewer: each["evses"][0]["status"] for viewer, each in seen.items()} == {
        CPO: "CHARGING",
        EMSP: "CHARGING",
        OTHER: evse["status"],
    }
    assert (seen[EMSP]["last_updated"], seen[OTHER]) == ("2026-06-03T00:00:00Z", location())
    assert await crawl(database) == await crawl(database, OTHER) == ["LOC1"]


async def test_a_part_told_to_one_changes_the_newest_that_one_knows(database: Database) -> None:
    await put_location(database, peer=str(EMSP), name="Old", last_updated="2026-06-01T00:00:00Z")
    await put_location(database, "LOC1", name="News", last_updated="2026-06-04T00:00:00Z")
    await put_location(database, peer=str(EMSP), name="Older still", last_updated="2026-06-02T00:00:00Z")

    change = {"address": "Elsewhere 1", "last_updated": "2026-06-05T00:00:00Z"}
    await keep(database, push(locations.patch_location, change, location_id="LOC1"), str(EMSP))

    now = await stored(database)
    assert (now["name"], now["address"]) == ("News", "Elsewhere 1")


@pytest.mark.checklist("PG-07", "PG-15")
async def test_a_crawl_skips_and_doubles_nothing_while_one_is_told_what_everyone_knew(database: Database) -> None:
    names = [f"L{number}" for number in range(6)]
    for name in names:
        await put_location(database, name)

    catalogue, after, seen = Catalogue(database), None, []
    for day in range(1, 10):
        page = await catalogue.page("locations", EMSP, Query(limit=1, after=after))
        seen += [json.loads(body)["id"] for _, body in page.objects]
        after = page.after
        if after is None:
            break
        # All objects become this party's own, and everyone's again.
        for name in names:
            moment = f"2026-06-{day:02}T00:00:00Z"
            await put_location(database, name, str(EMSP) if day % 2 else PUBLIC, last_updated=moment)

    assert seen == names


@pytest.mark.checklist("PG-06", "PG-08", "PG-15")
async def test_pages_with_own_objects_are_the_rows_read_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any offset, limit and dates, against a list made of all rows in the plainest way."""
    monkeypatch.setattr("hub.paging._ANCHOR_EVERY", 4)
    chance = random.Random(7)
    rows = [
        ("locations", str(owner), f"L{n}", peer, "2.2.1", b"%d" % number, chance.randrange(8))
        for number, (owner, n, peer) in enumerate(
            sorted(
                {
                    (chance.choice((CPO, THIRD)), chance.randrange(16), chance.choice(("", "", str(EMSP), str(OTHER))))
                    for _ in range(60)
                },
                key=lambda _: chance.random(),
            )
        )
    ]

    async def insert(tx: Transaction) -> None:
        await tx.executemany(
            "INSERT INTO hub_object (kind, owner, object_key, peer, version, body, last_updated)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            rows,
        )
        for peer in {row[3] for row in rows}:
            await tx.execute(
                "INSERT INTO hub_count (kind, peer, total, deleted) VALUES ('locations', $1, $2, 0)",
                peer, sum(row[3] == peer for row in rows),
            )  # fmt: skip

    await database.transact(insert)
    catalogue = Catalogue(database)
    for viewer in (CPO, EMSP, OTHER, NOBODY):
        for dates in ((None, None), (3, None), (None, 5), (2, 6)):
            wanted = _plainly(rows, viewer, *dates)
            for offset in range(chance.randrange(3), len(wanted) + 2, 3):
                query = Query(*dates, offset=offset, limit=chance.randrange(1, 9))
                page = await catalogue.page("locations", viewer, query)
                assert [body for _, body in page.objects] == wanted[offset : offset + query.limit]
                assert page.total == len(wanted)
                assert (page.after is None) == (offset + query.limit >= len(wanted))


def _plainly(rows: list[Any], viewer: Party, date_from: int | None, date_to: int | None) -> list[bytes]:
    """Return the bodies of a list as the rule says it: the newest of what the viewer may see, in its first place."""
    objects: dict[Any, list[Any]] = {}
    for place, (_, owner, key, peer, _, body, moment) in enumerate(rows):
        if peer in (PUBLIC, str(viewer)) or owner == str(viewer):
            objects.setdefault((owner, key), []).append((peer == PUBLIC, place, moment, body))
    listed = []
    for told in objects.values():
        place = min((not public, place) for public, place, *_ in told)[1]
        _, _, moment, body = max(told, key=lambda each: (each[2], not each[0], each[1]))
        if (date_from is None or moment >= date_from) and (date_to is None or moment < date_to):
            listed.append((place, body))
    return [body for _, body in sorted(listed)]


@pytest.mark.checklist("PG-07", "PG-15", "PG-16")
async def test_a_crawl_skips_and_doubles_nothing_while_objects_change(database: Database) -> None:
    names = [f"L{number:02}" for number in range(10)]
    for name in names:
        await put_location(database, name)

    catalogue, after, seen = Catalogue(database), None, []
    while True:
        page = await catalogue.page("locations", EMSP, Query(limit=3, after=after))
        seen += [json.loads(body)["id"] for _, body in page.objects]
        after = page.after
        # Everything changes between two pages, and one more object comes.
        for name in names:
            await put_location(database, name, last_updated=f"2026-04-{len(seen):02}T00:00:00Z")
        if after is None:
            break

    assert seen == names


async def test_a_page_by_position_is_the_page_a_crawl_comes_to(database: Database) -> None:
    names = [f"L{number:04}" for number in range(25)]
    for name in names:
        await put_location(database, name)
    catalogue = Catalogue(database)

    for offset in (0, 1, 7, 24, 25, 10_000):
        page = await catalogue.page("locations", EMSP, Query(offset=offset, limit=5))
        assert [json.loads(body)["id"] for _, body in page.objects] == names[offset : offset + 5]
        assert page.total == 25


async def test_deep_positions_stay_true_after_a_deletion(database: Database) -> None:
    async def insert(tx: Transaction) -> None:
        rows = [("tariffs", str(CPO), f"T{n:05}", PUBLIC, "2.2.1", b'{"id":"T%05d"}' % n, 0) for n in range(3500)]
        await tx.executemany(
            "INSERT INTO hub_object (kind, owner, object_key, peer, version, body, last_updated)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            rows,
        )
        await tx.execute("INSERT INTO hub_count (kind, peer, total, deleted) VALUES ('tariffs', '', 3500, 0)")

    await database.transact(insert)
    catalogue = Catalogue(database)
    before = await catalogue.page("tariffs", EMSP, Query(offset=3100, limit=1))

    await keep(database, push(tariffs.delete_tariff, None, tariff_id="T00005"))
    after = await catalogue.page("tariffs", EMSP, Query(offset=3100, limit=1))

    assert [json.loads(page.objects[0][1])["id"] for page in (before, after)] == ["T03100", "T03101"]


@pytest.mark.checklist("PG-08", "PG-09", "PG-10", "PG-22")
async def test_date_from_is_inclusive_and_date_to_is_not(database: Database) -> None:
    for day in (1, 2, 3):
        await put_location(database, f"L{day}", last_updated=f"2026-05-0{day}T00:00:00Z")
    second, third = (microseconds(f"2026-05-0{day}T00:00:00Z") for day in (2, 3))
    catalogue = Catalogue(database)

    async def ids(**query: int) -> list[str]:
        page = await catalogue.page("locations", EMSP, Query(**query))
        found = [json.loads(body)["id"] for _, body in page.objects]
        assert page.total == len(found)
        return found

    assert await ids(date_from=second) == ["L2", "L3"]
    assert await ids(date_to=third) == ["L1", "L2"]
    assert await ids(date_from=second, date_to=third) == ["L2"]
    assert await ids(date_from=third, date_to=second) == []


@pytest.mark.checklist("CD-10")
async def test_a_cdr_is_never_changed(database: Database) -> None:
    catalogue = Catalogue(database)
    value = example("cdr") | {"country_code": "NL", "party_id": "CPO", "id": "C1"}
    changed = value | {"remark": "changed"}

    for each in (value, changed):
        body = Body(None, text=codec.encode(each), version=VERSIONS["2.2.1"])
        await database.transact(lambda tx, body=body: catalogue.keep_new(tx, "cdrs", str(EMSP), body))

    assert await stored(database, "C1", kind="cdrs") == value


class _Overheard:
    """A transaction that notes which tables are written, in order."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, sql: str, *args: Any) -> int:
        if sql.startswith("INSERT INTO"):
            self.written.append(sql.split()[2])
        return await self._tx.execute(sql, *args)


async def test_a_place_is_taken_only_when_those_before_it_are_there_to_be_seen(database: Database) -> None:
    """Nodes that add objects at one time wait for each other at the count, before the place is given."""
    request = push(locations.put_location, location(), location_id="LOC1")
    level = level_of(request.operation)
    assert level is not None

    async def work(tx: Transaction) -> list[str]:
        overheard: Any = _Overheard(tx)
        await Catalogue(database).keep(overheard, request, level, PUBLIC)
        return list(overheard.written)

    assert await database.transact(work) == ["hub_count", "hub_object"]


async def test_a_party_that_leaves_takes_with_it_what_it_told_everyone(database: Database) -> None:
    await put_location(database)
    await put_location(database, "LOC2", peer=str(EMSP))

    await database.transact(lambda tx: Catalogue(database).forget(tx, CPO))

    assert (await crawl(database), await crawl(database, OTHER)) == (["LOC2"], [])
