"""``emall cpms station`` and ``emall cpms frames``, on a store with and without a server."""

import asyncio
import json
from pathlib import Path

import pytest

from hub.cpms.places import Places
from hub.cpms.store import Store
from hub.database import open_database
from hub.ocpp.passwords import Passwords
from hub.ocpp.stations import Stations
from hub.recorded import record_settings
from hub.settings import Settings
from tests.cli.command import emall
from tests.cli.conftest import ON_BOTH
from tests.ocpp.plain import BOOT16, eventually
from tests.ocpp.rooms import room
from tests.rooms import CPO, evse, location


@ON_BOTH
async def test_a_station_is_added_with_a_password_that_is_told_once(place: dict[str, str], store: str) -> None:
    told = emall("cpms", "station", "add", "CP 1/ä", "--json", **place).value

    assert (told["id"], told["security_profile"], len(told["password"])) == ("CP 1/ä", 1, 40)
    database = await open_database(store)
    station = await Stations(database).find("CP 1/ä")
    await database.close()
    assert station is not None
    assert told["password"] not in repr(station.passwords)
    passwords = Passwords()
    assert await passwords.find("CP 1/ä", told["password"].encode(), station.passwords)
    passwords.close()
    (listed,) = emall("cpms", "station", "list", "--json", **place).value
    assert (listed["id"], listed["state"], listed["security_profile"]) == ("CP 1/ä", "known", 1)
    assert "password" not in json.dumps(listed)


async def test_a_station_has_the_password_it_is_given_and_none_is_printed(place: dict[str, str]) -> None:
    added = emall("cpms", "station", "add", "CP1", "--password", "a password of mine", **place)

    assert added.stdout == "CP1 may connect with security profile 1\n"
    assert emall("cpms", "station", "add", "CP2", "--security-profile", "0", "--json", **place).value == {
        "id": "CP2", "security_profile": 0, "password": None,
    }  # fmt: skip


@ON_BOTH
async def test_a_known_station_keeps_its_password_unless_it_is_told_another(place: dict[str, str], store: str) -> None:
    """A charger in the field is not locked out by a command that is given twice."""
    first = emall("cpms", "station", "add", "CP1", "--security-profile", "2", "--json", **place).value["password"]

    again = emall("cpms", "station", "add", "CP1", **place)
    assert again.stdout.splitlines() == [
        "CP1 may connect with security profile 2",
        "it was known and keeps its password; --new-password makes another",
    ]
    assert await accepts(store, "CP1", first)
    renewed = emall("cpms", "station", "add", "CP1", "--new-password", "--json", **place).value
    assert (renewed["security_profile"], len(renewed["password"])) == (2, 40)
    assert await accepts(store, "CP1", renewed["password"])
    assert not await accepts(store, "CP1", first)


async def accepts(store: str, station_id: str, password: str) -> bool:
    database, passwords = await open_database(store), Passwords()
    station = await Stations(database).find(station_id)
    await database.close()
    assert station is not None
    found = await passwords.find(station_id, password.encode(), station.passwords)
    passwords.close()
    return bool(found)


def test_a_station_without_a_password_is_said_to_have_none(place: dict[str, str]) -> None:
    emall("cpms", "station", "add", "CP1", "--security-profile", "0", **place)

    assert "needs no password" in emall("cpms", "station", "add", "CP1", **place).stdout
    told = emall("cpms", "station", "add", "CP1", "--security-profile", "1", "--json", **place).value
    assert len(told["password"]) == 40


def test_a_station_can_be_added_before_the_first_start(tmp_path: Path) -> None:
    assert emall("cpms", "station", "add", "CP1", EMALL_DATA=str(tmp_path / "new")).code == 0
    assert len(emall("cpms", "station", "list", "--json", EMALL_DATA=str(tmp_path / "new")).value) == 1


async def test_a_station_is_put_at_the_evses_of_a_location(place: dict[str, str], store: str) -> None:
    """The same as POST /stations of the operator API, for who has no server to ask."""
    database = await open_database(store)
    await record_settings(database, Settings(cpo_id="NL-CPO", data=Path(place["EMALL_DATA"])))
    own = Store(database, CPO)
    there = location(evses=[evse("E1"), evse("E2")])
    await database.transact(lambda tx: own.put_for_everyone(tx, own.locations, there))
    places = Places(own)
    await places.start()
    at = ("--location", "LOC1", "--evse")

    added = emall("cpms", "station", "add", "CP1", *at, "E2,E1", "--versions", "1.6", "--json", **place).value

    assert (added["location_id"], added["evse_uids"]) == ("LOC1", ["E2", "E1"])
    await eventually(lambda: [each.evse_uid for _, each in places.of_station("CP1")] == ["E2", "E1"])
    assert [each.evse_id for each, _ in places.of_station("CP1")] == [1, 2]
    emall("cpms", "station", "add", "CP2", *at, "E9", **place).refused(1, "CP2 cannot stand at LOC1: $.evse_uids[0]")
    emall("cpms", "station", "add", "CP2", *at, "E1", **place).refused(1, "station CP1 stands at E1")
    assert await Stations(database).find("CP2") is None
    await places.stop()
    await database.close()


def test_a_station_is_put_nowhere_where_no_server_has_run(place: dict[str, str]) -> None:
    at = ("--location", "LOC1", "--evse", "E1")
    emall("cpms", "station", "add", "CP1", *at, **place).refused(2, "no CPMS has run on this store")


def test_a_station_is_removed_once(place: dict[str, str]) -> None:
    emall("cpms", "station", "add", "CP1", **place)

    assert emall("cpms", "station", "remove", "CP1", "--json", **place).value == {"removed": "CP1"}
    emall("cpms", "station", "remove", "CP1", **place).refused(1, "CP1: no such station; 'emall cpms station list'")
    assert emall("cpms", "station", "list", **place).stdout == "no stations\n"


@ON_BOTH
async def test_a_running_server_hears_of_it_within_a_second(place: dict[str, str], store: str, tmp_path: Path) -> None:
    database = await open_database(store)
    async with room(database, tmp_path, unknown="wait") as (made, running):
        station = await running.station(boot=False)
        await station.ask(2, "m", "BootNotification", BOOT16)
        listed = await asyncio.to_thread(emall, "cpms", "station", "list", "--waiting", "--json", **place)
        (waiting,) = listed.value
        assert (waiting["id"], waiting["vendor"]) == ("CP1", "Acme")

        await asyncio.to_thread(emall, "cpms", "station", "add", "CP1", "--security-profile", "0", **place)
        await eventually(lambda: bool(made.connected()), 1)

        await asyncio.to_thread(emall, "cpms", "station", "remove", "CP1", **place)
        await eventually(lambda: not made.connected(), 1)
    await database.close()


def test_leniency_is_granted_and_taken_back(place: dict[str, str]) -> None:
    granted = emall("cpms", "station", "lenient", "Acme", "One", "--allow", "nulls,case-of-enums", "--json", **place)

    assert granted.value == {"vendor": "Acme", "model": "One", "leniencies": ["case-of-enums", "nulls"]}
    assert emall("cpms", "station", "lenient", "Acme", "One", **place).stdout == "Acme One: strict\n"


@pytest.mark.parametrize("as_json", [True, False])
async def test_frames_are_exported_as_lines(place: dict[str, str], store: str, tmp_path: Path, as_json: bool) -> None:
    database = await open_database(store)
    async with room(database, tmp_path, unknown="accept") as (_, running):
        await running.station("CP1")
        await running.station("CP2")
    await database.close()

    found = emall("cpms", "frames", "--station", "CP1", *(["--json"] if as_json else []), **place).stdout.splitlines()

    assert len(found) == 2
    if as_json:
        first = json.loads(found[0])
        assert (first["station_id"], first["direction"], first["action"]) == ("CP1", "in", "BootNotification")
        assert json.loads(first["text"])[3] == BOOT16
    else:
        assert " CP1 < [2," in found[0]
        assert " CP1 > [3," in found[1]
    assert emall("cpms", "frames", "--until", "2020-01-01", **place).stdout == ""
