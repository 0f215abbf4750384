"""Passwords and certificates changed over OCPP: what is lost on the way locks nobody out."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.exceptions import InvalidStatus

from hub.database import Database
from hub.ocpp.boots import Identity
from hub.ocpp.certificates import BadRequest, OwnAuthority, checked_request
from hub.ocpp.commands import ChargerOffline
from hub.ocpp.passwords import hashed
from hub.ocpp.room import ChargerRoom
from hub.ocpp.stations import Station, Stations
from hub.ocpp.v16 import Dialect16
from hub.ocpp.v201 import Dialect201
from tests.ocpp.papers import Authority, csr, key_pem, new_key
from tests.ocpp.plain import BOOT16, BOOT201, House, PlainDialect
from tests.ocpp.plain import Station as Charger
from tests.ocpp.rooms import room
from tests.ocpp.test_security import basic, by_tls, client

OLD = "the old password of CP1"


class Spoken(PlainDialect):
    """Boots as plain ones do, commands as the real dialect's."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        real: Any = Dialect16 if version == "1.6" else Dialect201
        self.commands = real(None).commands  # type: ignore[method-assign]


async def prepared(made: ChargerRoom, running: House, version: str) -> Charger:
    await made.stations.put(Station(id="CP1", security_profile=1, passwords=(hashed(OLD),)))
    return await running.station(version=version, **basic("CP1", OLD))


async def offered(station: Charger, version: str) -> tuple[str, str]:
    """Return message id and password of the CALL that offers one."""
    _, message_id, action, payload = await station.hear()
    if version == "1.6":
        assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
        return message_id, payload["value"]
    assert action == "SetVariables"
    (data,) = payload["setVariableData"]
    assert (data["component"]["name"], data["variable"]["name"]) == ("SecurityCtrlr", "BasicAuthPassword")
    return message_id, data["attributeValue"]


def answer(version: str, status: str) -> dict[str, Any]:
    if version == "1.6":
        return {"status": status}
    names = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return {"setVariableResult": [{"attributeStatus": status, **names}]}


async def opens(running: House, version: str, password: str) -> bool:
    try:
        station = await running.station(version=version, boot=False, **basic("CP1", password))
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 401
        return False
    await station.close()
    return True


VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1"])


@VERSIONS
async def test_a_confirmed_password_replaces_the_old_one(database: Database, tmp_path: Path, version: str) -> None:
    async with room(database, tmp_path, Spoken(version)) as (made, running):
        station = await prepared(made, running, version)
        rotating = asyncio.create_task(made.passwords.rotate("CP1"))

        message_id, new = await offered(station, version)
        assert 16 <= len(new) <= 40
        await station.say(3, message_id, answer(version, "Accepted"))

        assert await rotating == "confirmed"
        assert [await opens(running, version, each) for each in (OLD, new)] == [False, True]


@VERSIONS
async def test_a_lost_answer_leaves_both_until_the_new_one_is_used(
    database: Database, tmp_path: Path, version: str
) -> None:
    async with room(database, tmp_path, Spoken(version)) as (made, running):
        station = await prepared(made, running, version)
        rotating = asyncio.create_task(made.passwords.rotate("CP1"))
        _, new = await offered(station, version)

        await station.close()

        assert await rotating == "offered"
        assert await opens(running, version, OLD)
        assert [await opens(running, version, each) for each in (new, OLD)] == [True, False]


async def test_two_lost_answers_leave_every_password_the_station_may_have(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, Spoken("1.6")) as (made, running):
        passwords = []
        await made.stations.put(Station(id="CP1", security_profile=1, passwords=(hashed(OLD),)))
        for _ in range(2):
            station = await running.station(**basic("CP1", OLD))
            rotating = asyncio.create_task(made.passwords.rotate("CP1"))
            passwords.append((await offered(station, "1.6"))[1])
            await station.close()
            assert await rotating == "offered"

        assert await opens(running, "1.6", passwords[0])
        assert [await opens(running, "1.6", each) for each in (OLD, passwords[1])] == [False, False]


@VERSIONS
@pytest.mark.parametrize("refusal", ["Rejected", "CALLERROR"])
async def test_a_refused_password_is_forgotten(database: Database, tmp_path: Path, version: str, refusal: str) -> None:
    async with room(database, tmp_path, Spoken(version)) as (made, running):
        station = await prepared(made, running, version)
        rotating = asyncio.create_task(made.passwords.rotate("CP1"))

        message_id, new = await offered(station, version)
        if refusal == "CALLERROR":
            await station.say(4, message_id, "NotSupported", "", {})
        else:
            await station.say(3, message_id, answer(version, refusal))

        assert await rotating == "refused"
        assert [await opens(running, version, each) for each in (new, OLD)] == [False, True]


async def test_a_password_that_needs_a_reboot_is_valid_beside_the_old_one(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, Spoken("1.6")) as (made, running):
        station = await prepared(made, running, "1.6")
        rotating = asyncio.create_task(made.passwords.rotate("CP1"))

        message_id, new = await offered(station, "1.6")
        await station.say(3, message_id, answer("1.6", "RebootRequired"))

        assert await rotating == "offered"
        assert [await opens(running, "1.6", each) for each in (OLD, new, OLD)] == [True, True, False]


async def test_a_station_that_is_away_keeps_its_password(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path) as (made, running):
        await made.stations.put(Station(id="CP1", security_profile=1, passwords=(hashed(OLD),)))

        with pytest.raises(ChargerOffline):
            await made.passwords.rotate("CP1")
        assert await opens(running, "1.6", OLD)


# -- certificates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_a_signed_certificate_opens_the_next_connection(database: Database, tmp_path: Path, kind: str) -> None:
    authority = Authority(tmp_path / "papers")
    folder = tmp_path / "data2"
    folder.mkdir()
    async with room(database, folder, Spoken("2.0.1"), certificate=authority.issue("localhost")) as (made, running):
        await made.stations.put(Station(id="CP1", security_profile=2, passwords=(hashed(OLD),)))
        station = await running.station(version="2.0.1", **by_tls(client(authority)), **basic("CP1", OLD))
        key = new_key(kind)

        assert await made.certificates.requested("CP1", csr(key, "CP1"), "ChargingStationCertificate")
        _, message_id, action, payload = await station.hear()
        assert action == "CertificateSigned"
        await station.say(3, message_id, {"status": "Accepted"})

        mine = tmp_path / "mine.pem"
        mine.write_bytes(payload["certificateChain"].encode() + key_pem(key))
        await made.stations.put(Station(id="CP1", security_profile=3))
        again = await running.station(version="2.0.1", **by_tls(client(authority, mine)))
        assert (await again.ask(2, "m", "Heartbeat", {}))[0] == 3


async def test_a_request_may_be_made_out_to_the_serial_number_the_station_told(
    database: Database, tmp_path: Path
) -> None:
    async with room(database, tmp_path, Spoken("2.0.1"), unknown="accept") as (made, running):
        station = await running.station(version="2.0.1")

        assert await made.certificates.requested("CP1", csr(new_key("EC"), BOOT201["chargingStation"]["serialNumber"]))  # type: ignore[index]
        assert (await station.hear())[2] == "CertificateSigned"
        assert not await made.certificates.requested("CP1", csr(new_key("EC"), "CP2"))
        assert not await made.certificates.requested("CP1", csr(new_key("EC"), "CP1"), "V2GCertificate")


def test_a_request_that_may_not_be_signed_says_why() -> None:
    names = frozenset({"CP1"})
    small = rsa.generate_private_key(65537, 1024)

    def why(request: str) -> str:
        with pytest.raises(BadRequest) as caught:
            checked_request(request, names)
        return str(caught.value)

    assert "no certificate signing request" in why("junk")
    assert "1024 bits" in why(csr(small, "CP1"))
    assert "not CP1" in why(csr(new_key("EC"), "CP2"))
    genuine = csr(new_key("EC"), "CP1")
    assert checked_request(genuine, names)
    lines = genuine.split("\n")
    middle = list(lines[4])
    middle[5] = "A" if middle[5] != "A" else "B"
    forged = "\n".join([*lines[:4], "".join(middle), *lines[5:]])
    assert "signed by its own key" in why(forged) or "no certificate" in why(forged)


async def test_our_authority_is_made_once_and_its_key_is_nobodys(tmp_path: Path) -> None:
    first = OwnAuthority(tmp_path)
    chain = await first.sign(csr(new_key("EC"), "CP1"), frozenset({"CP1"}))
    second = OwnAuthority(tmp_path)

    root = x509.load_pem_x509_certificate(second.root.read_bytes())
    assert first.root == second.root
    x509.load_pem_x509_certificate(chain.encode()).verify_directly_issued_by(root)
    assert (tmp_path / "ocpp-ca.key.pem").stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(second.root))
    assert len(context.get_ca_certs()) == 1


async def test_what_boots_tell_is_kept_without_losing_a_serial_number(database: Database) -> None:
    stations = Stations(database)
    await stations.put(Station(id="CP1", identity=Identity(serial_number="S1")))

    await stations.identify("CP1", Identity(vendor="Acme", model="One", firmware_version="2"))

    found = await stations.find("CP1")
    assert found is not None
    assert found.identity == Identity(vendor="Acme", model="One", serial_number="S1", firmware_version="2")
    assert BOOT16["chargePointVendor"] == found.identity.vendor
