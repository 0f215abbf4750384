"""The stations this operator knows, and those that ask to be known.

Source: OCPP 1.6 security whitepaper, 2 (security profiles); OCPP 2.0.1 part 2, A00.
"""

import datetime
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.database.contract import Database, Row, Transaction
from hub.database.works import Also, followed
from hub.ocpp.boots import UNTOLD, Identity

#: Told when who may connect has changed; the payload is the station's id.
CHANNEL = "ocpp_station"

State = Literal["known", "waiting"]

#: Characters of a station id: 2.0.1 allows 48; whoever has longer ones may keep them.
LONGEST_ID = 255

#: Stations that may wait to be let in: strangers must not fill the store.
WAITING_ROOM = 1000

#: Passwords a station may have been offered and not confirmed; the oldest offer is forgotten first.
_OFFERS = 5

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def is_station_id(text: str) -> bool:
    """Whether a text can be a station's id: printable, not blank at its ends, not too long."""
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text == text.strip()


@dataclass(frozen=True, kw_only=True)
class Station:
    """One station.

    Attributes:
        passwords: hashes; the valid one first, then those offered over OCPP and not yet confirmed.
        versions: it may speak; empty: any.
        certificate: of the client certificate it last came with: subject, fingerprint, not_after.
        leniencies: names of those it was granted.
    """

    id: str
    state: State = "known"
    security_profile: int = 0
    passwords: tuple[str, ...] = field(default=(), repr=False)
    versions: frozenset[str] = frozenset()
    certificate: dict[str, Any] | None = None
    identity: Identity = UNTOLD
    leniencies: tuple[str, ...] = ()
    created: datetime.datetime = _EPOCH
    last_seen: datetime.datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what may be shown of it."""
        return {
            "id": self.id,
            "state": self.state,
            "security_profile": self.security_profile,
            "versions": sorted(self.versions),
            "vendor": self.identity.vendor,
            "model": self.identity.model,
            "serial_number": self.identity.serial_number,
            "firmware_version": self.identity.firmware_version,
            "certificate": self.certificate,
            "leniencies": list(self.leniencies),
            "created": _text(self.created),
            "last_seen": _text(self.last_seen) if self.last_seen is not None else None,
        }


class Stations:
    """The table of stations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, station_id: str) -> Station | None:
        """Return a station."""
        rows = await self._database.fetch(f"{_SELECT} WHERE station_id = $1", station_id, cheap=True)
        return _station(rows[0]) if rows else None

    async def all(self, state: State | None = None) -> list[Station]:
        """Return all stations, or those of one state."""
        if state is None:
            rows = await self._database.fetch(f"{_SELECT} ORDER BY station_id")
        else:
            rows = await self._database.fetch(f"{_SELECT} WHERE state = $1 ORDER BY station_id", state)
        return [_station(row) for row in rows]

    async def put(self, station: Station, *, also: Also[None] | None = None) -> None:
        """Make a station known as told; one that is known already gets its new profile, and its passwords if told any.

        Without any, those it has go on: offers over OCPP that are under way are not lost between reading and writing.

        Args:
            also: written with it, in its transaction.
        """
        now = _now()
        goes_on = not station.passwords and station.security_profile in (1, 2)
        passwords = None if goes_on else "\n".join(station.passwords)

        async def work(tx: Transaction) -> None:
            await tx.execute(_INSERT, station.id, "waiting", now)
            await tx.execute(
                _ADMIT, station.id, station.security_profile, passwords,
                ",".join(sorted(station.versions)), station.identity.serial_number,
            )  # fmt: skip
            tx.notify(CHANNEL, station.id)

        await self._database.transact(followed(work, also))

    async def remove(self, station_id: str, *, also: Also[bool] | None = None) -> bool:
        """Forget a station; False: it was not known. Arguments as of ``put``."""

        async def work(tx: Transaction) -> bool:
            tx.notify(CHANNEL, station_id)
            return await tx.execute("DELETE FROM ocpp_station WHERE station_id = $1", station_id) == 1

        return await self._database.transact(followed(work, also))

    async def wait(self, station_id: str) -> bool:
        """Have a station wait to be let in; False: the waiting room is full."""
        now = _now()

        async def work(tx: Transaction) -> bool:
            ((waiting,),) = await tx.fetch("SELECT count(*) FROM ocpp_station WHERE state = 'waiting'")
            if waiting >= WAITING_ROOM:
                rows = await tx.fetch("SELECT 1 FROM ocpp_station WHERE station_id = $1", station_id)
                return bool(rows)
            await tx.execute(_INSERT, station_id, "waiting", now)
            return True

        return await self._database.transact(work)

    async def accept(self, station_id: str) -> None:
        """Make a station known without any proof, security profile 0, unless it is known already."""
        now = _now()

        async def work(tx: Transaction) -> None:
            await tx.execute(_INSERT, station_id, "known", now)
            await tx.execute("UPDATE ocpp_station SET state = 'known' WHERE station_id = $1", station_id)

        await self._database.transact(work)

    async def identify(self, station_id: str, identity: Identity) -> None:
        """Note what a boot told of a station."""
        await self._write(
            _IDENTIFY, station_id, identity.vendor, identity.model, identity.serial_number, identity.firmware_version
        )

    async def certified(self, station_id: str, certificate: dict[str, Any]) -> None:
        """Note the certificate a station came with."""
        await self._write(
            "UPDATE ocpp_station SET certificate = $2 WHERE station_id = $1", station_id, json.dumps(certificate)
        )

    async def granted(self, station_id: str, leniencies: Iterable[str]) -> None:
        """Note which leniencies a station needed."""
        await self._write(
            "UPDATE ocpp_station SET leniencies = $2 WHERE station_id = $1", station_id, ",".join(sorted(leniencies))
        )

    async def seen(self, when: dict[str, datetime.datetime]) -> None:
        """Note when stations were last heard."""
        rows = [(station_id, _micros(at)) for station_id, at in when.items()]
        update = "UPDATE ocpp_station SET last_seen = $2 WHERE station_id = $1"
        if rows:
            await self._database.transact(lambda tx: tx.executemany(update, rows))

    async def _write(self, sql: str, *values: Any) -> None:
        await self._database.transact(lambda tx: tx.execute(sql, *values))

    # -- passwords offered over OCPP -------------------------------------------------------------------------

    async def offer_password(self, station_id: str, password_hash: str) -> None:
        """Let a password be tried beside the valid one; that one stays valid until the new one is confirmed."""

        def offered(hashes: list[str]) -> list[str]:
            return [*hashes[:1], *[*hashes[1:], password_hash][-_OFFERS:]] if hashes else [password_hash]

        await self._change_passwords(station_id, offered)

    async def confirm_password(self, station_id: str, password_hash: str) -> None:
        """Make an offered password the only one: the station said it has it, or used it."""
        await self._change_passwords(station_id, lambda hashes: [password_hash] if password_hash in hashes else hashes)

    async def withdraw_password(self, station_id: str, password_hash: str) -> None:
        """Forget an offer the station refused."""
        await self._change_passwords(
            station_id, lambda hashes: [*hashes[:1], *(each for each in hashes[1:] if each != password_hash)]
        )

    async def _change_passwords(self, station_id: str, change: Any) -> None:
        select = _LOCK_PASSWORDS if self._database.dialect == "postgres" else _PASSWORDS

        async def work(tx: Transaction) -> None:
            rows = await tx.fetch(select, station_id)
            if rows:
                await tx.execute(
                    "UPDATE ocpp_station SET passwords = $2 WHERE station_id = $1",
                    station_id, "\n".join(change(rows[0][0].split("\n") if rows[0][0] else [])),
                )  # fmt: skip

        await self._database.transact(work)


_SELECT = (
    "SELECT station_id, state, security_profile, passwords, versions, certificate, vendor, model, serial_number,"
    " firmware_version, leniencies, created, last_seen FROM ocpp_station"
)
_INSERT = (
    "INSERT INTO ocpp_station (station_id, state, security_profile, passwords, versions, vendor, model, serial_number,"
    " firmware_version, leniencies, created) VALUES ($1, $2, 0, '', '', '', '', '', '', '', $3)"
    " ON CONFLICT (station_id) DO NOTHING"
)
_ADMIT = (
    "UPDATE ocpp_station SET state = 'known', security_profile = $2, versions = $4,"
    " passwords = COALESCE($3, passwords),"
    " serial_number = CASE WHEN $5 = '' THEN serial_number ELSE $5 END WHERE station_id = $1"
)
_IDENTIFY = (
    "UPDATE ocpp_station SET vendor = $2, model = $3, serial_number = CASE WHEN $4 = '' THEN serial_number ELSE $4 END,"
    " firmware_version = $5 WHERE station_id = $1"
)
_PASSWORDS = "SELECT passwords FROM ocpp_station WHERE station_id = $1"
_LOCK_PASSWORDS = _PASSWORDS + " FOR UPDATE"


def _station(row: Row) -> Station:
    (station_id, state, profile, passwords, versions, certificate, vendor, model, serial, firmware, leniencies, created,
     last_seen) = row  # fmt: skip
    identity = Identity(vendor=vendor, model=model, serial_number=serial, firmware_version=firmware)
    return Station(
        id=station_id,
        state=state,
        security_profile=profile,
        passwords=tuple(passwords.split("\n")) if passwords else (),
        versions=frozenset(versions.split(",")) if versions else frozenset(),
        certificate=json.loads(certificate) if certificate else None,
        identity=identity,
        leniencies=tuple(leniencies.split(",")) if leniencies else (),
        created=_time(created),
        last_seen=_time(last_seen) if last_seen is not None else None,
    )


def _now() -> int:
    return time.time_ns() // 1000


def _micros(at: datetime.datetime) -> int:
    return (at - _EPOCH) // datetime.timedelta(microseconds=1)


def _time(microseconds: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(microseconds=microseconds)


def _text(at: datetime.datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
