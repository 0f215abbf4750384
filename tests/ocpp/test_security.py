"""Who may connect: security profiles 0 to 3, the waiting room, and what changes while stations are connected."""

import asyncio
import base64
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from hub.database import Database
from hub.ocpp.boots import Identity
from hub.ocpp.passwords import Passwords, TooManyGuesses, credentials_of, hashed, new_password
from hub.ocpp.stations import WAITING_ROOM, Station, Stations
from hub.ocpp.supervision import Patience
from hub.ocpp.tls import BadTls, server_context
from tests.ocpp.papers import Authority
from tests.ocpp.plain import BOOT16, House, PlainDialect, eventually, house
from tests.ocpp.rooms import room

PASSWORD = "correct horse battery"


def basic(user: str, password: str | bytes) -> dict[str, Any]:
    raw = password.encode() if isinstance(password, str) else password
    encoded = base64.b64encode(user.encode() + b":" + raw).decode()
    return {"additional_headers": {"Authorization": f"Basic {encoded}"}}


def known(station_id: str = "CP1", profile: int = 1, password: str | None = PASSWORD, **more: Any) -> Station:
    passwords = (hashed(password),) if password is not None else ()
    return Station(id=station_id, security_profile=profile, passwords=passwords, **more)


async def refused(running: House, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await running.station(boot=False, **options)
    return caught.value.response.status_code


# -- profile 0 and unknown stations ------------------------------------------------------------------------------


async def test_an_unknown_station_is_refused_as_not_found(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (_, running):
        assert await refused(running) == 404


async def test_profile_0_needs_no_proof_where_the_operator_made_it_so(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known(profile=0, password=None))

        await running.station()

        assert running.operator.comings == [("connected", "CP1")]


async def test_an_accepted_stranger_is_known_from_then_on(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, unknown="accept") as (made, running):
        await running.station()

        (station,) = await made.stations.all()
        assert (station.id, station.state, station.security_profile) == ("CP1", "known", 0)
        assert station.identity == Identity(vendor="Acme", model="One", firmware_version="1.0")


async def test_a_waiting_station_is_pending_listed_and_hidden_from_the_operator(
    database: Database, tmp_path: Path
) -> None:
    async with room(database, tmp_path, unknown="wait") as (made, running):
        station = await running.station(boot=False)

        boot = await station.ask(2, "m1", "BootNotification", BOOT16)
        assert (boot[0], boot[2]["status"]) == (3, "Pending")
        assert (await station.ask(2, "m2", "Heartbeat", {}))[:3] == [4, "m2", "SecurityError"]
        assert (await station.ask(2, "m3", "Nonsense", {}))[:3] == [4, "m3", "NotImplemented"]

        (waiting,) = await made.stations.all("waiting")
        assert (waiting.id, waiting.identity.vendor) == ("CP1", "Acme")
        assert made.connected() == []
        assert running.operator.events == []


async def test_a_waiting_station_that_is_added_goes_on_by_the_same_socket(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, unknown="wait") as (made, running):
        station = await running.station(boot=False)
        await station.ask(2, "m1", "BootNotification", BOOT16)

        await made.stations.put(known(profile=0, password=None))
        async with asyncio.timeout(1):
            await eventually(lambda: running.operator.comings == [("connected", "CP1")])

        boot = await station.ask(2, "m2", "BootNotification", BOOT16)
        assert boot[2]["status"] == "Accepted"
        assert [each.station_id for each in made.connected()] == ["CP1"]


async def test_a_waiting_station_added_with_a_password_it_did_not_show_has_to_come_again(
    database: Database, tmp_path: Path
) -> None:
    async with room(database, tmp_path, unknown="wait") as (made, running):
        station = await running.station(boot=False)
        await station.ask(2, "m1", "BootNotification", BOOT16)

        await made.stations.put(known())

        with pytest.raises(ConnectionClosed) as closed:
            await station.hear(1)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        await running.station(**basic("CP1", PASSWORD))


async def test_the_waiting_room_is_not_endless(database: Database, tmp_path: Path) -> None:
    stations = Stations(database)
    for number in range(WAITING_ROOM):
        assert await stations.wait(f"W{number}")

    assert not await stations.wait("one more")
    assert await stations.wait("W7")
    async with room(database, tmp_path, unknown="wait") as (_, running):
        assert await refused(running) == 503


# -- profile 1 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_profile_1_is_user_and_password(database: Database, tmp_path: Path, version: str) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known())

        await running.station(version=version, **basic("CP1", PASSWORD))
        assert await refused(running) == 401
        assert await refused(running, **basic("CP1", "another password")) == 401
        assert await refused(running, **basic("CP2", PASSWORD)) == 401
        assert await refused(running, additional_headers={"Authorization": "Bearer x"}) == 401
        assert await refused(running, additional_headers={"Authorization": "Basic ###"}) == 401


async def test_one_guess_too_many_at_once_is_to_come_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known())
        monkeypatch.setattr("hub.ocpp.passwords._AT_ONCE", 0)

        assert await refused(running, **basic("CP1", "another password")) == 503


async def test_a_station_id_with_a_colon_or_an_umlaut_can_prove_itself(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known("Käfig"))

        await running.station("K%C3%A4fig", **basic("Käfig", PASSWORD))


async def test_the_key_of_1_6_is_taken_as_digits_and_as_the_bytes_they_mean(database: Database, tmp_path: Path) -> None:
    password = new_password()
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(Station(id="CP1", security_profile=1, passwords=(hashed(password, made=True),)))

        await running.station(**basic("CP1", password))
        await running.station(**basic("CP1", bytes.fromhex(password)))
        assert await refused(running, **basic("CP1", bytes(20))) == 401


async def test_a_right_password_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    kept = hashed(PASSWORD)
    assert await passwords.find("CP1", PASSWORD.encode(), [kept]) == kept

    monkeypatch.setattr("hub.ocpp.passwords._find_slow", None)

    assert await passwords.find("CP1", PASSWORD.encode(), [kept]) == kept
    with pytest.raises(TypeError):
        await passwords.find("CP2", PASSWORD.encode(), [kept])
    with pytest.raises(TypeError):
        await passwords.find("CP1", PASSWORD.encode(), [hashed(PASSWORD)])
    passwords.close()


async def test_who_guesses_at_one_station_keeps_no_other_waiting() -> None:
    passwords = Passwords()
    kept = hashed(PASSWORD)

    guesses = [passwords.find("CP1", f"guess {each}".encode(), [kept]) for each in range(50)]
    *guessed, other = await asyncio.gather(
        *guesses, passwords.find("CP2", PASSWORD.encode(), [kept]), return_exceptions=True
    )

    assert other == kept
    assert [guessed.count(None), sum(isinstance(each, TooManyGuesses) for each in guessed)] == [2, 48]
    assert await passwords.find("CP1", PASSWORD.encode(), [kept]) == kept
    passwords.close()


def test_passwords_are_kept_as_hashes() -> None:
    made = new_password()

    assert hashed(PASSWORD).startswith("$argon2id$")
    assert PASSWORD not in hashed(PASSWORD)
    assert made not in hashed(made, made=True)
    assert len(made) == 40


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !", "Basic Y29s", "Digest x", "Basic " + "QQ" * 5000])
def test_what_is_no_basic_authorization_is_none(header: str | None) -> None:
    assert credentials_of(header) is None


# -- profiles 2 and 3 ------------------------------------------------------------------------------------------


def client(authority: Authority, certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def by_tls(context: ssl.SSLContext) -> dict[str, Any]:
    return {"ssl": context, "server_hostname": "localhost"}


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_profile_2_is_a_password_over_tls(database: Database, tmp_path: Path, kind: str) -> None:
    authority = Authority(tmp_path / "papers", kind)
    async with room(database, tmp_path, certificate=authority.issue("localhost", kind)) as (made, running):
        await made.stations.put(known(profile=2))
        tls = by_tls(client(authority))

        await running.station(**tls, **basic("CP1", PASSWORD))
        assert await refused(running, **tls) == 401
        assert await refused(running, **tls, **basic("CP1", "wrong password!!")) == 401


@pytest.mark.parametrize("profile", [2, 3])
async def test_less_than_the_profile_asks_for_is_refused(database: Database, tmp_path: Path, profile: int) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known(profile=profile))

        assert await refused(running, **basic("CP1", PASSWORD)) == 403


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_profile_3_is_a_client_certificate(database: Database, tmp_path: Path, kind: str) -> None:
    server, makers = Authority(tmp_path / "server"), Authority(tmp_path / "makers", kind, "Maker CA")
    certificate = server.issue("localhost")
    async with room(database, tmp_path, certificate=certificate, client_ca=makers.file) as (made, running):
        await made.stations.put(known(profile=3, password=None, identity=Identity(serial_number="S-4711")))

        await running.station(**by_tls(client(server, makers.issue("CP1", kind))))
        await running.station(**by_tls(client(server, makers.issue("S-4711", kind))))
        assert await refused(running, **by_tls(client(server, makers.issue("CP2", kind)))) == 403
        assert await refused(running, **by_tls(client(server))) == 401
        assert await refused(running, **by_tls(client(server)), **basic("CP1", PASSWORD)) == 401

        station = await made.stations.find("CP1")
        assert station is not None and station.certificate is not None
        assert station.certificate["subject"] == "CN=S-4711"


async def test_a_certificate_of_a_stranger_is_worth_nothing(database: Database, tmp_path: Path) -> None:
    server, strangers = Authority(tmp_path / "server"), Authority(tmp_path / "strangers", name="Stranger CA")
    async with room(database, tmp_path, certificate=server.issue("localhost")) as (made, running):
        await made.stations.put(known(profile=3, password=None))

        with pytest.raises((OSError, InvalidMessage)):
            await running.station(**by_tls(client(server, strangers.issue("CP1"))))
        assert running.operator.events == []


def test_old_tls_is_not_spoken_and_files_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "junk").write_text("junk")

    assert server_context(authority.issue("localhost")).minimum_version == ssl.TLSVersion.TLSv1_2
    for certificate, trusted in [(tmp_path / "none", []), (tmp_path / "junk", []), (authority.issue("x"), ["junk"])]:
        with pytest.raises(BadTls) as caught:
            server_context(certificate, authorities=[tmp_path / each for each in trusted])
        assert "; give" in str(caught.value)


# -- what changes while stations are connected -----------------------------------------------------------------


async def test_a_removed_station_is_cut_off_and_unknown(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known(profile=0, password=None))
        await made.stations.put(known("CP2", profile=0, password=None))
        station, neighbour = await running.station(), await running.station("CP2")

        assert await made.stations.remove("CP1")

        with pytest.raises(ConnectionClosed):
            await station.hear(1)
        assert await refused(running) == 404
        assert (await neighbour.ask(2, "n", "Heartbeat", {}))[0] == 3
        assert not await made.stations.remove("CP1")


async def test_a_station_with_a_new_password_has_to_show_it(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known())
        station = await running.station(**basic("CP1", PASSWORD))

        await made.stations.put(known(password="another password of mine"))

        with pytest.raises(ConnectionClosed):
            await station.hear(1)
        assert await refused(running, **basic("CP1", PASSWORD)) == 401
        await running.station(**basic("CP1", "another password of mine"))


async def test_a_station_speaks_only_what_the_operator_allows(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(known(profile=0, password=None, versions=frozenset({"1.6"})))

        station = await running.station(boot=False, subprotocols=["ocpp2.0.1", "ocpp1.6"])

        assert station.connection.subprotocol == "ocpp1.6"


async def test_when_a_station_was_last_heard_is_written(database: Database, tmp_path: Path) -> None:
    async def seen(name: str) -> bool:
        found = await Stations(database).find(name)
        return found is not None and found.last_seen is not None and found.last_seen >= found.created

    async with room(database, tmp_path, unknown="accept") as (_, running):
        gone = await running.station("CP1")
        await running.station("CP2")
        await gone.close()
        await eventually(lambda: seen("CP1"))
        running_stations, running._stations = running._stations, contextlib.AsyncExitStack()
    assert await seen("CP2")
    await running_stations.aclose()


async def test_a_station_that_misses_its_heartbeats_is_cut_off(database: Database, tmp_path: Path) -> None:
    async def boot(call: Any) -> dict[str, Any]:
        return {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 1}

    quick = Patience(ping=0.1, pong=0.5, look=0.05)
    async with house(PlainDialect("1.6", {"BootNotification": boot}), patience=quick) as running:
        await running.station()

        await asyncio.sleep(2)
        assert running.operator.comings == [("connected", "CP1")]  # It answers pings, and three may be missed.
        await eventually(lambda: ("disconnected", "CP1") in running.operator.comings)
