"""Drivers by the hundred thousand, straight into the provider's store: logged in, with a Token and a full wallet."""

import hashlib
import json
import time
from collections.abc import Iterator

from bench.places import laid
from hub.emsp.drivers.logins import LONGEST, PREFIX
from hub.emsp.store import TABLE, Store, token_key
from hub.ocpi.messages import Party
from hub.ocpi.shelves import EVERYONE, YES

_BALANCE = 1_000_000  # minor units
_TOLD = "2026-01-15T09:30:00Z"
_MICROSECONDS = 1_000_000
_SINCE = 1_768_469_400_000_000  # when they joined
_DRIVER = (
    "id", "brand", "email", "email_key", "customer_id", "customer_key", "name", "surname", "language", "state",
    "reason", "driver_class", "group_id", "confirmed_at", "created_at", "changed_at",
)  # fmt: skip
_TOKEN = (
    "id", "driver_id", "type", "uid", "uid_key", "contract_id", "label", "state", "reason", "created_at", "changed_at",
)  # fmt: skip
_LOGIN = ("id", "driver_id", "token_hash", "created_at", "seen_at", "expires_at", "address", "agent")
_WALLET = ("driver_id", "currency", "balance", "held")
_OBJECT = ("kind", "owner", "object_id", "document", "last_updated", "revision", "receiver", "received", "told")


def bearer(number: int) -> str:
    """Return the token a driver's app shows."""
    return f"{PREFIX}{number:043d}"


async def lay_drivers(where: str, store: Store, count: int) -> None:
    """Lay so many drivers; what is to be told of their Tokens has been told."""
    now = time.time_ns() // 1000
    numbers = range(count)
    for table, columns, rows in (
        ("emsp_driver", _DRIVER, (_driver(number) for number in numbers)),
        ("emsp_token", _TOKEN, (_token(number) for number in numbers)),
        ("emsp_driver_login", _LOGIN, (_login(number, now) for number in numbers)),
        ("emsp_wallet", _WALLET, ((_id(number), "EUR", _BALANCE, 0) for number in numbers)),
        (TABLE, _OBJECT, _objects(store.party, count)),
    ):
        await laid(where, store.database, table, columns, rows)


def _id(number: int) -> str:
    return f"d{number:07d}"


def _driver(number: int) -> tuple[object, ...]:
    email, customer = f"d{number}@drivers.example", f"C-{number}"
    return (
        _id(number), "", email, email, customer, customer, "Ada", f"Driver {number}", "en", "ACTIVE", "", "standard",
        f"G{number:07d}", _SINCE, _SINCE, _SINCE,
    )  # fmt: skip


def _token(number: int) -> tuple[object, ...]:
    uid = _uid(number)
    return f"t{number:07d}", _id(number), "APP_USER", uid, uid, _contract(number), "", "ACTIVE", "", _SINCE, _SINCE


def _login(number: int, now: int) -> tuple[object, ...]:
    hashed = hashlib.sha256(bearer(number).encode()).hexdigest()
    until = now + int(LONGEST.total_seconds()) * _MICROSECONDS
    return f"l{number:07d}", _id(number), hashed, now, now, until, "", "bench"


def _objects(party: Party, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        token = {
            "country_code": party.country_code, "party_id": party.party_id, "uid": _uid(number), "type": "APP_USER",
            "contract_id": _contract(number), "issuer": "emall", "group_id": f"G{number:07d}", "valid": True,
            "whitelist": "NEVER", "language": "en", "last_updated": _TOLD,
        }  # fmt: skip
        document = json.dumps(token, separators=(",", ":")).encode()
        key = token_key(_uid(number), "APP_USER").upper()
        yield "token", str(party), key, document, _SINCE, 1, EVERYONE, YES, document


def _uid(number: int) -> str:
    return f"APP-{number:07d}"


def _contract(number: int) -> str:
    return f"NL-MSP-C{number:08d}-0"
