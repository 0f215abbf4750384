"""The directory: who is reached, who hears a broadcast, and how changes of other processes arrive.

Source: OCPI 2.2.1 and 2.3.0, transport_and_format.asciidoc (Broadcast Push, Platforms); checklist BR, RT, HE.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import pytest

from hub.credentials import admin
from hub.credentials.connections import Connection, Connections
from hub.credentials.secrets import Secrets, SecretUnavailable
from hub.credentials.sides import implied
from hub.credentials.store import PartyRole, Registration, Store
from hub.database import Database
from hub.ocpi.errors import ReceiverUnreachable, Unauthorized, UnknownReceiver
from hub.ocpi.interfaces import Operation
from hub.ocpi.messages import Party
from hub.ocpi.modules import commands, invoicereconciliation, locations, sessions, tokens
from tests.parties import OFFERED
from tests.receptions import HUB, KEY, Clock

CPO, EMSP, NSP, OTHER, DUAL = (Party("NL", each) for each in ("CPO", "MSP", "NSP", "OTH", "DUO"))


@pytest.fixture
def rows(database: Database) -> Store:
    return Store(database, Secrets(KEY), "hub", Clock())


async def connect(
    rows: Store, name: str, roles: Sequence[tuple[str, Party]], *, offered: Iterable[tuple[str, str]] | None = None
) -> str:
    """Write a connection as a handshake does, and return its token."""
    pairs = offered if offered is not None else [each for role, _ in roles for each in OFFERED[role]]
    token = f"token-of-{name}"
    registration = Registration(
        version="2.2.1",
        versions_url=f"https://{name}.example/versions",
        token="ours",
        roles=tuple(PartyRole(role, party, {"name": name}) for role, party in roles),
        endpoints={(module, role): f"https://{name}.example/{role}/{module}" for module, role in pairs},  # type: ignore[misc]
        quirks={},
    )
    await rows.database.transact(lambda tx: rows.add(tx, name, name, registration, token, {}))
    return token


async def directory(rows: Store) -> Connections:
    found = Connections(rows)
    await found.start()
    return found


def heard(found: Connections, sender: Party, operation: Operation) -> list[str]:
    """Return who hears a broadcast, as connection/party."""
    (speaking,) = found.having(sender)
    return [f"{each.id}/{party}" for party, each in found.opposite(sender, speaking.id, operation)]


async def everyone(rows: Store) -> Connections:
    await connect(rows, "cpo", [("CPO", CPO)])
    await connect(rows, "cpo2", [("CPO", Party("NL", "CP2"))])
    await connect(rows, "msp", [("EMSP", EMSP), ("EMSP", Party("NL", "MS2")), ("NSP", EMSP)])
    await connect(rows, "nsp", [("NSP", NSP)])
    await connect(rows, "other", [("OTHER", OTHER)])
    await connect(rows, "dual", [("CPO", DUAL), ("EMSP", DUAL)])
    await connect(rows, "hub", [("HUB", Party("DE", "HUB"))])
    await connect(rows, "blind", [("EMSP", Party("NL", "BLI"))], offered=[("tokens", "SENDER")])
    return await directory(rows)


async def test_a_cpo_is_heard_by_every_party_of_the_other_side_once(rows: Store) -> None:
    """BR-01, BR-02, BR-06, BR-07, BR-09, BR-15, BR-18."""
    found = await everyone(rows)

    assert sorted(heard(found, CPO, locations.put_location)) == [
        "dual/NL-DUO",
        "msp/NL-MS2",
        "msp/NL-MSP",
        "nsp/NL-NSP",
        "other/NL-OTH",
    ]


async def test_an_emsp_and_other_are_heard_by_cpos_alone(rows: Store) -> None:
    """BR-08."""
    found = await everyone(rows)

    for sender in (EMSP, OTHER):
        assert sorted(heard(found, sender, tokens.put_token)) == ["cpo/NL-CPO", "cpo2/NL-CP2", "dual/NL-DUO"]


async def test_a_dual_party_acts_in_the_role_that_owns_the_module(rows: Store) -> None:
    """BR-22."""
    found = await everyone(rows)

    assert sorted(heard(found, DUAL, tokens.put_token)) == ["cpo/NL-CPO", "cpo2/NL-CP2"]
    assert sorted(heard(found, DUAL, locations.put_location)) == [
        "msp/NL-MS2",
        "msp/NL-MSP",
        "nsp/NL-NSP",
        "other/NL-OTH",
    ]


async def test_who_is_not_of_the_owning_side_is_heard_by_its_opposite_all_the_same(rows: Store) -> None:
    found = await everyone(rows)

    assert heard(found, OTHER, locations.put_location) == ["dual/NL-DUO"], "a CPO with the Receiver interface"


async def test_the_offline_are_named_and_the_suspended_are_not(rows: Store) -> None:
    found = await everyone(rows)
    found.set_status("nsp", "OFFLINE")
    await admin.suspend(rows, "other")
    await found.stop()
    await found.reload()

    names = heard(found, CPO, locations.put_location)

    assert "nsp/NL-NSP" in names
    assert "other/NL-OTH" not in names


async def test_a_party_is_reached_over_its_connection(rows: Store) -> None:
    """HE-01, RT-01."""
    found = await everyone(rows)

    assert found.of(CPO, locations.get_own_location).id == "cpo"
    with pytest.raises(UnknownReceiver):
        found.of(Party("XX", "XXX"), locations.get_own_location)
    with pytest.raises(UnknownReceiver):
        found.of(HUB, locations.get_own_location)


async def test_of_a_partys_platforms_the_one_in_the_right_role_is_reached(rows: Store) -> None:
    """RT-26."""
    await connect(rows, "operating", [("CPO", DUAL)])
    await connect(rows, "roaming", [("EMSP", DUAL)])
    found = await directory(rows)

    assert found.of(DUAL, commands.start_session).id == "operating"
    assert found.of(DUAL, locations.put_location).id == "roaming"
    assert found.of(DUAL, sessions.list_sessions).id == "operating"
    assert found.of(DUAL, tokens.authorize).id == "roaming"


@pytest.mark.parametrize("status", ["OFFLINE", "SUSPENDED"])
async def test_a_party_that_is_not_connected_is_not_reached(rows: Store, status: str) -> None:
    """HE-03."""
    found = await everyone(rows)
    if status == "OFFLINE":
        found.set_status("cpo", "OFFLINE")
    else:
        await admin.suspend(rows, "NL-CPO")
        await found.reload()

    with pytest.raises(ReceiverUnreachable, match=status):
        found.of(CPO, locations.get_own_location)
    await found.stop()


async def test_an_operator_finds_connections_by_id_name_and_party(rows: Store) -> None:
    token = await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)

    assert {found.find(text) for text in ("cpo", "NL-CPO", "nl-cpo")} == {found.by_id("cpo")}
    assert [found.find(text) for text in ("NL-XXX", "nobody", "")] == [None] * 3
    assert found.authenticate(f"Token {token}").id == "cpo"


async def test_tokens_are_in_neither_text_nor_store(rows: Store, database: Database) -> None:
    token = await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)
    caller = found.authenticate(f"Token {token}")

    stored = [
        *await database.fetch("SELECT * FROM credentials_token"),
        *await database.fetch("SELECT * FROM credentials_connection"),
    ]

    assert isinstance(caller, Connection)
    assert (caller.token, caller.presented) == ("ours", token)
    for text in (repr(caller), str(caller), repr(rows.secrets), repr(stored)):
        assert token not in text and "'ours'" not in text


async def test_a_suspended_connection_is_shut_out_and_let_in_by_another_process(rows: Store) -> None:
    token = await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)
    told: list[tuple[str, str]] = []
    found.watch(lambda old, new: told.append((old.status if old else "", new.status if new else "")))
    found.authenticate(f"Token {token}")

    await admin.suspend(rows, "cpo")
    await eventually(lambda: _status(found) == "SUSPENDED")
    with pytest.raises(Unauthorized, match="suspended"):
        found.authenticate(f"Token {token}")

    await admin.resume(rows, "cpo")
    await eventually(lambda: _status(found) == "CONNECTED")
    assert found.authenticate(f"Token {token}").id == "cpo"
    assert told == [("CONNECTED", "SUSPENDED"), ("SUSPENDED", "CONNECTED")]


async def test_options_and_quirks_set_elsewhere_are_taken_up(rows: Store) -> None:
    await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)

    shown = await admin.set_option(rows, "cpo", {"keep_nothing": "nl-msp", "quirks.lean": True})
    await eventually(lambda: found.by_id("cpo").quirks.lean)  # type: ignore[union-attr]

    assert found.by_id("cpo").options == {"keep_nothing": ["NL-MSP"]}  # type: ignore[union-attr]
    assert (shown["options"], shown["quirks"]["lean"]) == ({"keep_nothing": ["NL-MSP"]}, True)
    shown = await admin.set_option(rows, "cpo", {"keep_nothing": None, "quirks.lean": None})
    assert (shown["options"], shown["quirks"]["lean"]) == ({}, False)


async def test_a_quirk_that_was_learnt_stays(rows: Store) -> None:
    await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)

    found.learn("cpo", no_201=True, link="offset")
    await found.stop()

    again = await directory(rows)
    assert again.by_id("cpo").quirks.to_json() == {"no_201": True, "link": "offset"}  # type: ignore[union-attr]


async def test_a_hub_is_on_neither_side(rows: Store) -> None:
    found = await everyone(rows)

    assert heard(found, Party("DE", "HUB"), invoicereconciliation.put_record) == []
    assert "hub/DE-HUB" not in heard(found, CPO, locations.put_location)


@pytest.mark.parametrize(
    ("module", "roles", "implies"),
    [
        ("locations", {"CPO"}, ("SENDER",)),
        ("locations", {"NSP", "OTHER"}, ("RECEIVER",)),
        ("commands", {"EMSP"}, ("SENDER",)),
        ("chargingprofiles", {"CPO"}, ("RECEIVER",)),
        ("tokens", {"CPO", "EMSP"}, ("SENDER", "RECEIVER")),
        ("tokens", {"HUB"}, ("SENDER", "RECEIVER")),
        ("nltnm-tokens", {"CPO"}, ("SENDER", "RECEIVER")),
        ("hubclientinfo", {"CPO"}, ("RECEIVER",)),
        ("hubclientinfo", {"HUB"}, ("SENDER",)),
    ],
)
def test_a_role_implies_the_interfaces_of_a_module(module: str, roles: set[str], implies: tuple[str, ...]) -> None:
    assert implied(module, roles) == implies


async def test_who_is_only_invited_speaks_for_nobody(rows: Store) -> None:
    made = await admin.invite(rows, "https://hub.example/versions", name="New")
    found = await directory(rows)

    caller = found.authenticate(f"Token {made['token']}")

    assert caller.version is None
    assert not caller.speaks_for(CPO)


async def test_a_watcher_that_fails_harms_nobody(rows: Store, caplog: pytest.LogCaptureFixture) -> None:
    await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)
    told: list[str] = []

    def broken(old: Connection | None, new: Connection | None) -> None:
        raise RuntimeError("a fault of its own")

    found.watch(broken)
    found.watch(lambda old, new: told.append(new.status if new else ""))
    found.set_status("cpo", "OFFLINE")
    found.set_status("cpo", "OFFLINE")
    await found.stop()

    assert told == ["OFFLINE"]
    assert "a fault of its own" in caplog.text


async def test_a_status_set_here_outlives_a_reload_that_had_begun_before_it(rows: Store) -> None:
    await connect(rows, "cpo", [("CPO", CPO)])
    found = await directory(rows)
    told: list[str] = []
    found.watch(lambda old, new: told.append(new.status if new else ""))

    reloading = asyncio.create_task(found.reload())
    await asyncio.sleep(0)
    found.set_status("cpo", "OFFLINE")
    await reloading
    await found.stop()
    await found.reload()

    assert told == ["OFFLINE"]
    assert _status(found) == "OFFLINE"


async def test_a_key_that_is_not_the_stores_is_refused(rows: Store, database: Database) -> None:
    await connect(rows, "cpo", [("CPO", CPO)])
    await directory(rows)

    with pytest.raises(SecretUnavailable, match="another secret key"):
        await directory(Store(database, Secrets(b"another key of thirty-two bytes!"), "hub"))


def _status(found: Connections) -> str:
    connection = found.by_id("cpo")
    assert connection is not None
    return connection.status


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait, a second at most, for what another process did."""
    async with asyncio.timeout(1):
        while not holds():
            await asyncio.sleep(0.01)
